"""The kinds of proof that ``cfdyn certify`` offers: what each asks for, and how it is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cfdyn
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.certify.certificate import Certificate
    from cfdyn.systems.map import Map

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """The options of a proof: a map, ``--period`` as text, a box, intervals of parameters, ``--start``, and a seed."""

    step: Map
    period: str
    box: list[tuple[float, float]]
    vary: dict[str, Any]
    start: list[float] | None
    seed: int
    box_given: bool

    def n(self, usual: int) -> int:
        """The period as a number."""
        if not re.fullmatch(r"\d{0,4}", self.period):
            raise UsageError(f"--period is a whole number here, not {self.period!r}")
        return int(self.period or usual)

    @property
    def region(self) -> Any:
        """The box, of one variable as one pair."""
        return self.box[0] if len(self.box) == 1 else self.box

    def points(self, n: int) -> Any:
        """Rough points of a cycle: those given, the orbit of the one given, or of a cycle that a search finds, stable ones first."""
        if self.start is not None:
            return [self.start[i : i + self.step.dim] for i in range(0, len(self.start), self.step.dim)]
        found = sorted(cfdyn.analysis.cycles(self.step, n, self.box, seed=self.seed), key=lambda c: c.stable is not True)
        if not found:
            raise UsageError(f"no cycle of period {n} was found in the box to prove; give its points with --start, or another --box")
        return found[0].points


def _cycle(asked: Asked, progress: Progress) -> Certificate:
    n = asked.n(1)
    return cfdyn.certify.cycle(asked.step, points=asked.points(n), period=n, vary=asked.vary or None)


def _all(asked: Asked, progress: Progress) -> Certificate:
    return ledger(asked.step, asked.n(1), asked.region, progress)[1]


def ledger(step: Map, period: int, box: Any, progress: Progress) -> tuple[Any, Certificate]:
    """All cycles of a period, and the certificate, which is not proved where boxes are left."""
    from cfdyn.certify.certificate import unproved

    found = cfdyn.certify.cycles(step, period=period, box=box, progress=progress)
    if found.complete and found.certificate is not None:
        return found, found.certificate
    reasons = sorted({reason for _, reason in found.undecided}) or ["a divisor's ledger is not complete"]
    return found, unproved("cycles", f"{found.count} cycles are proved, {len(found.undecided)} boxes are undecided: {reasons[0]}")


def _none(asked: Asked, progress: Progress) -> Certificate:
    above = re.fullmatch(r"(?:all )?above (\d)", asked.period.strip())
    n = f"all above {above[1]}" if above else asked.n(3)
    return cfdyn.certify.no_cycles(asked.step, period=n, box=asked.region, progress=progress, **asked.vary)


def _branch(asked: Asked, progress: Progress) -> Certificate:
    if len(asked.vary) != 1:
        raise UsageError("a branch needs the parameter that it follows: --vary NAME=LO:HI")
    n = asked.n(1)
    return cfdyn.certify.branch(asked.step, period=n, points=asked.points(n), vary=asked.vary)


def _at_values(function: str) -> Callable[[Asked, Progress], Certificate]:
    """A proof that takes a box and intervals of parameters."""

    def proof(asked: Asked, progress: Progress) -> Certificate:
        return getattr(cfdyn.certify, function)(asked.step, box=asked.region, **asked.vary)

    return proof


def _chaos(asked: Asked, progress: Progress) -> Certificate:
    more = {"period": asked.n(3)} if asked.period else {}
    return cfdyn.certify.chaos(asked.step, box=asked.region, **more, **asked.vary)


def _horseshoe(asked: Asked, progress: Progress) -> Certificate:
    return cfdyn.certify.horseshoe(asked.step, box=asked.box, period=asked.n(1), **asked.vary)


KINDS: dict[str, Callable[[Asked, Progress], Certificate]] = {
    "chaos": _chaos, "cycle": _cycle, "none": _none, "all": _all, "branch": _branch, "horseshoe": _horseshoe,
    "trapping": _at_values("trapping"), "convergence": _at_values("convergence"),
}  # fmt: skip
