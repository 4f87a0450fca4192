"""Claims of a source: statements in words, each with a check that measures and the values that it must find."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cfdyn.claims.expected import Expected, as_expected
from cfdyn.claims.proofs import PROOF, NotProved, documents, facts
from cfdyn.errors import CfdynError, UsageError
from cfdyn.records.brief import brief

PROVED, REPRODUCED, AGREES = "proved", "reproduced", "agrees on examples"
CONTRADICTED, UNDECIDED = "contradicted", "undecided"
VERDICTS = (PROVED, REPRODUCED, AGREES, CONTRADICTED, UNDECIDED)
READ = ("the paper", "the abstract", "a secondary source", "from memory")
Measure = Callable[..., dict[str, Any]]


class Undecided(CfdynError):
    """Raised by a check that cannot decide, with the reason in a sentence.

    Examples
    --------
    >>> from cfdyn.claims import Undecided
    >>> str(Undecided("the orbit has not settled after 10,000 steps"))
    'the orbit has not settled after 10,000 steps'
    """


@dataclass(frozen=True)
class Control:
    """A false statement related to the claim: the same check with other options, or other expectations.

    ``words``: the change; ``expected``: replaces that of the claim; ``changes``: options of the check.

    Examples
    --------
    >>> from cfdyn.claims import Control
    >>> Control("the cubic map", changes={"formula": "r*x*(1-x**2)"}).words
    'the cubic map'
    """

    words: str
    expected: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    __repr__ = brief


@dataclass(frozen=True)
class Claim:
    """One statement of a source.

    ``id``: source.name; ``where``: the place of the statement in the source; ``statement``: in words; ``domain``: the losses,
    parameters and starts for which it is stated; ``examples``: for a general statement, the instances that were checked, "" if
    the check covers the whole statement; ``how``: the computation of the check; ``expected``: the expected value of each measured
    name; ``measure``: the check, or None if it needs a missing tool, which ``needs`` names; ``control`` and ``perturbations``:
    false statements that must fail; ``settled``: the verdict on record; ``proof``: how agreement proves the claim, "" if it is
    only evidence; ``figure``: of the source; ``read``: the part of the source that was read; ``slow``: the check takes more than
    a few seconds; ``second``: an independent computation of the expected values, as {name: value}, which shares no code with the
    check; ``certify``: the function that makes the certificates, for a claim that these prove.
    """

    id: str
    statement: str
    where: str
    read: str
    domain: str = ""
    examples: str = ""
    how: str = ""
    expected: Mapping[str, Expected] = field(default_factory=dict)
    measure: Measure | None = None
    control: Control | None = None
    perturbations: tuple[Control, ...] = ()
    settled: str = REPRODUCED
    proof: str = ""
    needs: str = ""
    figure: str = ""
    slow: bool = False
    second: Callable[[], dict[str, Any]] | None = None
    certify: Callable[..., Any] | None = None
    __repr__ = brief
    _headline = ("id", "statement")

    @property
    def source(self) -> str:
        """The name of its source."""
        return self.id.partition(".")[0]

    def perturbed(self, by: Control | None = None) -> "Claim":
        """The false statement of a perturbation (default: the control), as a separate claim.

        Raises
        ------
        UsageError : the claim has no check
        """
        by = by or self.control
        if by is None or self.measure is None:
            raise UsageError(f"{self.id} has no check, and so no control")
        measure, changes = self.measure, by.changes
        expected = {**self.expected, **{name: as_expected(value) for name, value in by.expected.items()}}
        return replace(self, expected=expected, measure=lambda: measure(**changes), control=None, perturbations=())


class Claims:
    """The claims of one source, in the order of its file.

    Parameters
    ----------
    module : ``__name__`` of the file
    text : its docstring; the first paragraph is the bibliographic entry, the rest a summary in our own words
    read : the part of the source that was available: "the paper", "the abstract", "a secondary source" or "from memory"

    Examples
    --------
    >>> from cfdyn.claims import Control, near
    >>> CLAIMS = Claims("cfdyn_papers.may1976", "R. M. May, *Simple mathematical models*, Nature 261 (1976).", read="the paper")
    >>> @CLAIMS.add("table 1", {"flip": near(3.0, 1e-12)}, Control("the cubic map", changes={"formula": "r*x*(1-x**2)"}))
    ... def first_flip(formula="r*x*(1-x)"):
    ...     '''The fixed point of the logistic map loses its stability by a flip at r = 3.
    ...
    ...     The branch of fixed points is continued from r = 2.5 to 3.2.
    ...     '''
    ...     import cfdyn as cf
    ...
    ...     step = cf.Map.from_text(formula, params={"r": 2.5})
    ...     branch = cf.analysis.continue_cycle(step, [0.6], "r", (2.5, 3.2))
    ...     return {"flip": branch.bifurcations[0].parameter}
    >>> [(claim.id, claim.expected["flip"].text) for claim in CLAIMS]
    [('may1976.first_flip', '3 ± 1e-12')]
    """

    def __init__(self, module: str, text: str | None, read: str) -> None:
        if read not in READ:
            raise UsageError(f"read is one of {', '.join(READ)}, not {read!r}")
        self.name, self.read = module.rpartition(".")[2], read
        entry, _, summary = inspect.cleandoc(text or "").partition("\n\n")
        self.entry, self.summary = " ".join(entry.split()), summary
        self._claims: dict[str, Claim] = {}

    def __repr__(self) -> str:
        return f"Claims({self.name!r}, {len(self)} claims)"

    def __iter__(self) -> Iterator[Claim]:
        return iter(self._claims.values())

    def __len__(self) -> int:
        return len(self._claims)

    def add(
        self, where: str, expected: Mapping[str, Any], control: Control, *, domain: str = "", examples: str = "",
        perturbations: Sequence[Control] = (), settled: str = "", proof: str = "", figure: str = "", read: str | None = None,
        slow: bool = False, second: Callable[[], dict[str, Any]] | None = None,
    ) -> Callable[[Measure], Measure]:  # fmt: skip
        """Register a function that checks a claim: its docstring states the claim and, after the first paragraph, the check.

        The function returns {name: measured value}, can be called without arguments, and raises `Undecided` if it cannot decide.
        A control and perturbations change its options, including seeds. Unless ``settled`` names another verdict, a claim with a
        ``proof`` is settled as proved, a general one that was checked on ``examples`` as agreeing on examples, any other as
        reproduced.
        """

        wanted = {name: as_expected(value) for name, value in expected.items()}

        def added(measure: Measure) -> Measure:
            statement, how = _words(measure)
            verdict = settled or (PROVED if proof else AGREES if examples else REPRODUCED)
            self._keep(Claim(
                self._id(measure.__name__), statement, where, read or self.read, domain, examples, how, wanted, measure, control,
                tuple(perturbations), verdict, proof, figure=figure, slow=slow, second=second,
            ))  # fmt: skip
            return measure

        return added

    def prove(
        self, where: str, expected: Mapping[str, Any], control: Control, *, domain: str = "",
        perturbations: Sequence[Control] = (), figure: str = "", read: str | None = None, slow: bool = False,
        second: Callable[[], dict[str, Any]] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
        """Register a function that makes the certificate of a claim, or a list of them; their facts are the measured values.

        Each check makes the proof again, and the checker verifies it; ``expected`` are facts as in `proofs.facts`, including the
        kind. If the proof fails, the verdict is undecided; a proof of a different statement, for example a cycle where there
        should be none, contradicts the claim.
        """

        wanted = {name: as_expected(value) for name, value in expected.items()}

        def added(certify: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(certify)
            def measure(**changes: Any) -> dict[str, Any]:
                try:
                    measured = facts(documents(certify(**changes)))
                except NotProved as problem:
                    raise Undecided(str(problem)) from problem
                return measured if wanted["kind"].agrees(measured["kind"]) else dict.fromkeys(wanted) | measured

            statement, how = _words(certify)
            self._keep(Claim(
                self._id(certify.__name__), statement, where, read or self.read, domain, "", how, wanted, measure, control,
                tuple(perturbations), PROVED, PROOF, figure=figure, slow=slow, second=second, certify=certify,
            ))  # fmt: skip
            return certify

        return added

    def undecided(self, name: str, where: str, statement: str, needs: str, domain: str = "") -> None:
        """A claim that the toolkit cannot check yet; ``needs``: the missing tool, such as "a proof in interval arithmetic"."""
        self._keep(Claim(self._id(name), statement, where, self.read, domain, settled=UNDECIDED, needs=needs))

    def _id(self, name: str) -> str:
        return f"{self.name}.{name}"

    def _keep(self, claim: Claim) -> None:
        if claim.id in self._claims:
            raise UsageError(f"there are two claims {claim.id}")
        if claim.settled not in VERDICTS:
            raise UsageError(f"{claim.id} is settled as one of {', '.join(VERDICTS)}, not {claim.settled!r}")
        self._claims[claim.id] = claim


def _words(check: Callable[..., Any]) -> tuple[str, str]:
    """The first paragraph of its docstring, and the rest."""
    statement, _, how = (" ".join(part.split()) for part in (inspect.getdoc(check) or "").partition("\n\n"))
    return statement, how


@dataclass(frozen=True)
class Question:
    """A reader's question with its answer, in which {source.claim:name} denotes a number that a claim measured.

    ``asked``: the question; ``short``: the answer in a sentence or two; ``answer``: a paragraph for a reader with calculus;
    ``claims``: the ids of the supporting claims; ``figure``: the figure that shows the answer best, as "source.figure".
    """

    id: str
    asked: str
    short: str
    answer: str
    claims: tuple[str, ...]
    figure: str = ""
    __repr__ = brief
    _headline = ("id", "short")
