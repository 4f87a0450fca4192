"""The kinds of proof that ``cfdyn certify`` offers: the options of each, and its call."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cfdyn
from cfdyn.certify.spellings import is_max
from cfdyn.cli.progress import duration
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.certify.certificate import Certificate
    from cfdyn.systems.map import Map

Progress = Callable[[int, int, float | None], None]
Say = Callable[[str], None]
MOST = 8  # cycles that a proof is tried with
REASONS = 3  # that are told of boxes that are left


def telling(say: Say, whole: bool = False) -> Progress:
    """The progress of a search, and the time left for it, or for this pass of several.

    >>> telling(print)(9000, 40, 3.2)
    proving: 9000 boxes done, 40 wait, about 3 s of this pass left
    """

    def progress(done: int, waiting: int, left: float | None) -> None:
        words = f"proving: {done} boxes done, {waiting} wait"
        say(words if left is None else f"{words}, about {duration(left)}{'' if whole else ' of this pass'} left")

    return progress


def after(words: str, say: Say) -> Say:
    """A callback for further words about the same work.

    >>> after("proving", print)("its normal form")
    proving: its normal form
    """
    return lambda more: say(f"{words}: {more}")


_TAKE = {
    "jobs": ("all", "none"),
    "period": ("chaos", "cycle", "none", "all", "branch", "horseshoe", "flip", "fold", "neimark-sacker"),
}


def check_options(kind: str, **given: Any) -> None:
    """Raise UsageError for options that a kind of proof ignores: it would prove something other than requested."""
    for name, kinds in _TAKE.items():
        if given[name] not in (None, "") and kind not in kinds:
            raise UsageError(f"'certify {kind}' takes no --{name}: it is for {', '.join(kinds)}")
    if kind in ("edge", "measure") and given["start"] is not None and given["box"] is not None:
        raise UsageError(f"'certify {kind}' takes a --box, or a --start near which one is found, not both")


@dataclass(frozen=True)
class Asked:
    """The options of a proof: a map, ``--period`` as text, a box, intervals of parameters, ``--start``, a seed, ``--jobs``.

    ``own_box``: no box was given; it is the loss's own, and the state's if an optimizer has more than the weights. ``say``:
    called with descriptions of the work before and between searches of boxes.
    """

    step: Map
    period: str
    box: list[tuple[float, float]]
    vary: dict[str, Any]
    start: list[float] | None
    seed: int
    jobs: int | None = None
    own_box: bool = False
    say: Say = lambda words: None

    def n(self, usual: int) -> int:
        """The period as a number."""
        if not re.fullmatch(r"\d{0,4}", self.period):
            raise UsageError(f"--period is a whole number here, not {self.period!r}")
        return int(self.period or usual)

    def one_parameter(self, what: str) -> None:
        """Refuse anything but one interval of a parameter."""
        if len(self.vary) != 1:
            raise UsageError(f"{what} needs one parameter and its interval: --vary NAME=LO:HI, such as --vary lr=0.9:1.1")

    @property
    def region(self) -> Any:
        """The box; for one variable one pair."""
        return self.box[0] if len(self.box) == 1 else self.box

    def first(self, kind: str, n: int, prove: Callable[[Any, Say], Certificate], at: Sequence[float] = (0.0,)) -> Certificate:
        """The first proof that succeeds from approximate points of cycles, otherwise the last.

        The points are given, or those of Newton's method, stable ones first; if there are none, the certificate is unproved.

        at : fractions of the parameter's interval at which cycles are searched for
        """
        from cfdyn.certify.certificate import unproved
        from cfdyn.certify.subject import subject

        if self.start is not None:
            points = [self.start[i : i + self.step.dim] for i in range(0, len(self.start), self.step.dim)]
            return prove(points, after("proving", self.say))
        last = unproved(subject(self.step), kind, f"no cycle of period {n} was found; give its points with "
                        "--start, or another --box")  # fmt: skip
        words = f"searching for cycles of period {n} to begin with"
        for share in at:
            step = self.step.at(**{name: lo + share * (hi - lo) for name, (lo, hi) in self.vary.items()})
            self.say(words)
            cycles = cfdyn.analysis.cycles(step, n, self.box, seed=self.seed, progress=after(words, self.say))
            tried = sorted(cycles, key=lambda c: c.stable is not True)[:MOST]
            for k, cycle in enumerate(tried):
                proving = f"proving: cycle {k + 1} (of up to {len(tried)})"
                self.say(proving)
                last = prove(cycle.points, after(proving, self.say))
                if last.proved:
                    return last
        return last


def _cycle(asked: Asked, progress: Progress) -> Certificate:
    n = asked.n(1)
    return asked.first("cycle", n, lambda points, say: cfdyn.certify.cycle(asked.step, points=points, period=n, **asked.vary))


def _all(asked: Asked, progress: Progress) -> Certificate:
    return ledger(asked.step, asked.n(1), asked.region, progress, asked.jobs)[1]


def ledger(step: Map, period: int, box: Any, progress: Progress, jobs: int | None = None) -> tuple[Any, Certificate]:
    """All cycles of a period, and the certificate, which is not proved if boxes are left."""
    from cfdyn.certify.certificate import unproved
    from cfdyn.certify.subject import subject

    result = cfdyn.certify.cycles(step, period=period, box=box, jobs=jobs, progress=progress)
    if result.complete and result.certificate is not None:
        return result, result.certificate
    reasons = sorted({reason for _, reason in result.undecided}) or ["a divisor's ledger is not complete"]
    cycles = f"{result.count} cycle{'s' * (result.count != 1)}"
    left = f"{len(result.undecided)} box{'es' * (len(result.undecided) != 1)}"
    return result, unproved(subject(step), "cycles", f"{cycles} proved, {left} undecided: {'; '.join(reasons[:REASONS])}")


def _none(asked: Asked, progress: Progress) -> Certificate:
    n = asked.period if asked.period.startswith(("above", "all")) else asked.n(3)
    asked.say("proving: searching for a cycle that refutes it")
    return cfdyn.certify.no_cycles(asked.step, period=n, box=asked.region, jobs=asked.jobs, progress=progress, **asked.vary)


def _branch(asked: Asked, progress: Progress) -> Certificate:
    asked.one_parameter("a branch")
    n = asked.n(1)
    return asked.first("branch", n, lambda points, say: cfdyn.certify.branch(
        asked.step, period=n, points=points, progress=say, **asked.vary))  # fmt: skip


def _bifurcation(kind: str) -> Callable[[Asked, Progress], Certificate]:
    """A point of bifurcation in the interval of the parameter, from cycles at both ends and in the middle."""

    def proof(asked: Asked, progress: Progress) -> Certificate:
        asked.one_parameter(f"a {kind}")
        n, prove = asked.n(1), cfdyn.certify.bifurcation
        at = (0.0, 0.5, 1.0)
        return asked.first("bifurcation", n,
                           lambda points, say: prove(asked.step, kind=kind, period=n, points=points, progress=say, **asked.vary),
                           at)  # fmt: skip

    return proof


def _trapping(asked: Asked, progress: Progress) -> Certificate:
    return cfdyn.certify.trapping(asked.step, box=asked.region, progress=progress, **asked.vary)


def _convergence(asked: Asked, progress: Progress) -> Certificate:
    return cfdyn.certify.convergence(asked.step, box=asked.region, progress=progress, **asked.vary)


def _chaos(asked: Asked, progress: Progress) -> Certificate:
    period = asked.n(3) if asked.period else None
    return cfdyn.certify.chaos(asked.step, box=asked.region, period=period, progress=after("proving", asked.say), **asked.vary)


def _horseshoe(asked: Asked, progress: Progress) -> Certificate:
    return cfdyn.certify.horseshoe(asked.step, box=asked.box, period=asked.n(1), progress=asked.say, **asked.vary)


def _measure(asked: Asked, progress: Progress) -> Certificate:
    if asked.start is not None:
        return cfdyn.certify.measure(asked.step, start=asked.start[0], progress=progress, **asked.vary)
    return cfdyn.certify.measure(asked.step, box=asked.region, progress=progress, **asked.vary)


def _edge(asked: Asked, progress: Progress) -> Certificate:
    if asked.start is not None:
        return cfdyn.certify.edge(asked.step, point=asked.start, progress=progress, **asked.vary)
    box = asked.box[: asked.step.n_weights] if asked.own_box else asked.box
    return cfdyn.certify.edge(asked.step, box=box, progress=progress, **asked.vary)


KINDS: dict[str, Callable[[Asked, Progress], Certificate]] = {
    "chaos": _chaos, "cycle": _cycle, "none": _none, "all": _all, "branch": _branch, "horseshoe": _horseshoe,
    "flip": _bifurcation("flip"), "fold": _bifurcation("fold"), "neimark-sacker": _bifurcation("neimark-sacker"),
    "trapping": _trapping, "convergence": _convergence,
    "edge": _edge, "measure": _measure,
}  # fmt: skip


def prove(kind: str, asked: Asked) -> Certificate:
    """A proof of a kind, which reports its progress."""
    # Of several boxes around a point, divisors of a period, or upper ends that are tried, the time left is that of one.
    whole = kind != "all" and asked.start is None and not any(is_max(pair[1]) for pair in asked.vary.values())
    return KINDS[kind](asked, telling(asked.say, whole))
