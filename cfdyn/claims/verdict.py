"""The measurement of a check, compared with the source."""

import inspect
import json
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

import cfdyn
from cfdyn.claims.claim import AGREES, CONTRADICTED, PROVED, REPRODUCED, UNDECIDED, Claim, Undecided
from cfdyn.errors import CfdynError, readable, visible
from cfdyn.records.record import Record, plain

FAILED = "the check failed"  # how the reason begins where a check has a fault of its own


@dataclass(frozen=True)
class Verdict(Record):
    """A claim, and how it was decided.

    ``verdict``: proved, reproduced, agrees on examples, contradicted or undecided; ``settled``: the one on record;
    ``reason``: how it was reached; ``measured``: the numbers; ``expected``: in words, with tolerances; ``options``: those of the
    check, including seeds; ``read``: the part of the source that was read; ``seconds``, ``date``, ``version``: of the
    measurement; ``domain``: the losses, parameters and starts for which it is stated; ``examples``: the instances on which a
    general statement was checked.
    """

    id: str
    statement: str
    where: str
    read: str
    how: str
    verdict: str
    settled: str
    reason: str
    measured: dict[str, Any]
    expected: dict[str, str]
    options: dict[str, Any]
    figure: str = ""
    seconds: float = 0.0
    date: str = ""
    version: str = ""
    domain: str = ""
    examples: str = ""

    @property
    def refutes(self) -> bool:
        """For a false statement made from a claim: True if its verdict shows that it is false.

        A check that raises an error shows nothing; one that could not decide, such as a proof that was not found, is enough.
        """
        if self.settled == CONTRADICTED:
            return self.verdict in (PROVED, REPRODUCED, AGREES)
        return self.verdict == CONTRADICTED or (self.verdict == UNDECIDED and not self.reason.startswith(FAILED))

    @property
    def as_settled(self) -> bool:
        """True if the verdict is the one on record."""
        return self.verdict == self.settled


def measure(claim: Claim) -> dict[str, Any]:
    """Run its check: {measured, undecided: the reason or "", seconds, date, version}, ready for JSON.

    Raises
    ------
    No UsageError, NumericsError and the like: if a check could not compute, it is undecided.
    """
    start, measured, reason = time.perf_counter(), {}, ""
    try:
        assert claim.measure is not None
        measured = _named(plain(claim.measure()))
    except Undecided as error:
        reason = str(error)
    except CfdynError as error:
        reason = f"the check ended with: {error}"
    except Exception as error:
        reason = f"{FAILED}: {type(error).__name__}: {readable(str(error))}"
    return measurement(measured, reason, time.perf_counter() - start)


def _named(value: Any) -> dict[str, Any]:
    """The result of a check, if it can be stored."""
    if not isinstance(value, dict):
        raise TypeError(f"the check returns {{name: value}}, not {type(value).__name__}")
    json.dumps(value, ensure_ascii=False).encode()  # fails at half a character and at a number of too many digits
    return value


def measurement(measured: dict[str, Any], reason: str, seconds: float) -> dict[str, Any]:
    """The stored form of a check's result."""
    spent, today = round(float(seconds), 2), date.today().isoformat()
    return {"measured": measured, "undecided": reason, "seconds": spent, "date": today, "version": cfdyn.__version__}


def not_measured(reason: str) -> dict[str, Any]:
    """A placeholder for the measurement of a claim without one, and so without a date."""
    return {"measured": {}, "undecided": reason, "seconds": 0.0, "date": "", "version": ""}


def is_measurement(entry: Any) -> bool:
    """True if data read from a file is a measurement."""
    kinds = {name: type(value) for name, value in not_measured("").items()}
    return isinstance(entry, dict) and {name: type(value) for name, value in entry.items()} == kinds


def judge(claim: Claim, kept: dict[str, Any] | None) -> Verdict:
    """The verdict on a measurement; None: there is no check."""
    kept = kept or not_measured(f"needs {claim.needs}")
    verdict, reason = _decided(claim, kept["measured"], kept["undecided"])
    return Verdict(
        claim.id, claim.statement, claim.where, claim.read, claim.how, verdict, claim.settled, reason, kept["measured"],
        {name: wanted.text for name, wanted in claim.expected.items()}, _options(claim), claim.figure,
        kept["seconds"], kept["date"], kept["version"], claim.domain, claim.examples,
    )  # fmt: skip


def _options(claim: Claim) -> dict[str, Any]:
    parameters = inspect.signature(claim.measure).parameters.values() if claim.measure else ()
    return {p.name: plain(p.default) for p in parameters if p.default is not p.empty}


def _decided(claim: Claim, measured: dict[str, Any], undecided: str) -> tuple[str, str]:
    if undecided:
        return UNDECIDED, undecided
    absent = claim.expected.keys() - measured.keys()
    if absent:
        return UNDECIDED, f"the check did not measure {', '.join(sorted(absent))}"
    agrees = {name: wanted.agrees(measured[name]) for name, wanted in claim.expected.items()}
    for answer, verdict, words in ((False, CONTRADICTED, ", expected"), (None, UNDECIDED, " lies across")):
        names = [name for name, agreed in agrees.items() if agreed is answer]
        if names:
            return verdict, "; ".join(f"{name} = {shown(measured[name])}{words} {claim.expected[name].text}" for name in names)
    if claim.proof:
        return PROVED, claim.proof
    return (AGREES, f"agrees on {claim.examples}") if claim.examples else (REPRODUCED, "all that was measured agrees")


def shown(value: Any) -> str:
    """A measured value as a reader sees it: numbers with 10 digits, intervals by their ends."""
    if isinstance(value, dict) and value.keys() == {"low", "high", "of"}:
        return f"[{shown(value['low'])}, {shown(value['high'])}] ({value['of']})"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else visible(str(value))
