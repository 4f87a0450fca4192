"""The sheet for the review of one claim: the statement, the part of the source read, functions called, false statements."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import cfdyn
from cfdyn.claims.claim import Claim
from cfdyn.claims.sources import folders, paper_named
from cfdyn.claims.verdict import judge, measure
from cfdyn.errors import UsageError
from cfdyn.records.record import plain

_ROOT = f"{Path(cfdyn.__file__).parent}/"
_DOORS = ("signatures.py", "arguments.py", "__init__.py")  # what a call passes before the function that it names


def sheet(claim: Claim) -> dict[str, Any]:
    """The contents of a review sheet, computed now: {claim, statement, domain, examples, …, perturbations}.

    ``entered``: the functions of the package that the check calls; ``second``: the result of the second computation, and the
    functions that it calls; ``perturbations``: the control and each perturbation, in words, with verdict and reason.

    Raises
    ------
    UsageError : it has no check

    Examples
    --------
    >>> import cfdyn as cf
    >>> from cfdyn.claims.sources import named
    >>> made = sheet(named("may1976.first_flip"))
    >>> made["verdict"], [one["verdict"] for one in made["perturbations"]][:1]
    ('reproduced', ['contradicted'])
    """
    if claim.measure is None or claim.control is None:
        raise UsageError(f"{claim.id} has no check to review: it needs {claim.needs}")
    measured, entered = watched(lambda: measure(claim))
    verdict = judge(claim, measured)
    second = claim.second
    values, used = watched(lambda: plain(second())) if second else ({}, [])
    return {
        "claim": claim.id, "statement": claim.statement, "domain": claim.domain, "examples": claim.examples,
        "source": paper_named(claim.source).CLAIMS.entry, "read": claim.read, "where": claim.where, "how": claim.how,
        "options": verdict.options, "expected": verdict.expected, "measured": verdict.measured,
        "verdict": verdict.verdict, "reason": verdict.reason, "seconds": verdict.seconds, "entered": entered,
        "second": {"values": values, "entered": used, "agrees": {k: claim.expected[k].agrees(v) for k, v in values.items()}},
        "perturbations": [_perturbed(claim, by) for by in (claim.control, *claim.perturbations)],
    }  # fmt: skip


def _perturbed(claim: Claim, by: Any) -> dict[str, Any]:
    false = claim.perturbed(by)
    verdict = judge(false, measure(false))
    return {"words": by.words, "verdict": verdict.verdict, "reason": verdict.reason, "turned": verdict.refutes}


def watched(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The result of a call, and the functions of the package that papers called during it, as room.file.name."""
    names, papers = set[str](), tuple(f"{folder}/" for folder in folders())

    def watch(frame: FrameType, event: str, argument: object) -> None:
        file, name = frame.f_code.co_filename, frame.f_code.co_qualname
        if event == "call" and file.startswith(_ROOT) and not file.endswith(_DOORS) and "._" not in f".{name}":
            above = frame.f_back
            while above is not None and above.f_code.co_filename.endswith(_DOORS):
                above = above.f_back
            if above is not None and above.f_code.co_filename.startswith(papers):
                names.add(f"{file.removeprefix(_ROOT).removesuffix('.py').replace('/', '.')}.{name}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        value = call()
    finally:
        sys.setprofile(before)
    return value, sorted(name for name in names if not name.startswith("claims."))
