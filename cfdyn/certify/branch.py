"""`branch`: for every value of a parameter in an interval exactly one cycle in a tube, and whether it is stable throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from cfdyn.certify.balls import BITS
from cfdyn.certify.borders.continuity import refusal, smooth
from cfdyn.certify.boxes.pace import Say, saying
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.cycle import box_text, overlapping
from cfdyn.certify.exact import above, below, end
from cfdyn.certify.shooting.candidates import candidate, polished
from cfdyn.certify.shooting.krawczyk import Box, Proven, balls_of, hull_of, proven_cycle, proven_near
from cfdyn.certify.shooting.multipliers import multipliers, product, stability
from cfdyn.certify.subject import Subject, subject

FIRST, LEAST, MOST = 1 / 16, 2.0**-18, 20_000  # steps over the interval's length, and how many
DECIDED = 2.0**-10  # steps this short may leave stability open
ROOM = 1e-9  # over 1 + |x|: margin for joints between slabs
Points = list[list[arb]]


@dataclass(frozen=True)
class Slab:
    """An interval of the parameter, boxes with exactly one cycle for each value in it, and the stability of that cycle."""

    lo: float
    hi: float
    found: Proven
    stable: bool | None


def branch(
    loss: Any, optimizer: Any = None, period: int = 1, points: Any = None, box: Any = None, progress: Say | None = None,
    **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that, for every value of a parameter, a tube contains exactly one cycle, which depends continuously on the parameter.

    The interval is cut into slabs, each with its own boxes; Krawczyk's test is applied for all values in a slab at once. Where
    two slabs meet, a small box in both contains the cycle, so the cycle is the same. Nothing is claimed about cycles outside the
    tube.

    Parameters
    ----------
    loss, optimizer : as for `cycle`
    period : least period of the cycle
    points, box : approximate points of the cycle at an end or in the middle of the interval, or a box to search there, as for
        `cycle`
    progress : called with a description, in words, of the part of the interval that is done
    vary : the parameter that varies, such as ``lr=(1, 1.2)``, exact numbers; other parameters may be given other values

    Raises
    ------
    UsageError : not exactly one parameter varies; points of the wrong shape

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = cf.certify.branch(cf.losses.double_well(), cf.optimizers.gd(lr=1), 2, [0.8], lr=("1.05", "1.2"))
    >>> proof.proved, proof.claim["stable"], proof.claim["slabs"] < 100
    (True, True, True)

    References
    ----------
    Krawczyk (1969), Computing 4, 187–201; continuation as in van den Berg & Lessard (2015), Notices AMS 62, 1057–1063.
    """
    with ctx.workprec(BITS):
        about = subject(loss, optimizer, vary)
        name, (lo, hi) = about.one_varied("a branch")
        return _proved(_Walk(about, name, below(lo), above(hi), saying(progress)), period, points, box)


def _proved(walk: _Walk, period: int, points: Any, box: Any) -> Certificate:
    slabs, joints, why = walk.run(points, period, box)
    if why:
        return unproved(walk.about, "branch", why)
    return proved("branch", walk.about, _claim(walk.about, slabs), {
        "slabs": [{"vary": interval_text(s.lo, s.hi), "points": list(map(box_text, s.found.boxes))} for s in slabs],
        "joints": [{"at": end(at), "points": list(map(box_text, boxes))} for at, boxes in joints],
    })  # fmt: skip


def _claim(about: Subject, slabs: Sequence[Slab]) -> dict[str, Any]:
    kinds = {slab.stable for slab in slabs}
    return {
        "period": len(slabs[0].found.boxes), "names": list(about.names), "slabs": len(slabs),
        "stable": kinds.pop() if len(kinds) == 1 else None,
        "first": list(map(box_text, slabs[0].found.boxes)), "last": list(map(box_text, slabs[-1].found.boxes)),
    }  # fmt: skip


Joint = tuple[float, tuple[Box, ...]]


class _Walk:
    """A walk through the parameter's interval, slab by slab, from where the points are a cycle."""

    def __init__(self, about: Subject, name: str, lo: float, hi: float, say: Say):
        self.about, self.name, self.lo, self.hi, self.length, self.say = about, name, lo, hi, hi - lo, say
        self.covered = 0.0  # of the interval, in percent
        self.open = False  # once stability is open somewhere, short steps elsewhere are useless

    def run(self, points: Any, period: int, box: Any) -> tuple[list[Slab], list[Joint], str]:
        """Slabs and joints in increasing order, and why the walk stopped."""
        for begin in (self.lo, self.hi, (self.lo + self.hi) / 2):
            self.say(f"searching for a cycle at {self.name} = {begin:.6g}")
            here = self.at(begin)
            z = candidate(here, points, period, box)
            if z is not None and len(z) == period and proven_cycle(here, z) is not None:
                break
        else:
            where = "near the points, or in the box, at either end or in the middle of the interval"
            return [], [], f"no cycle of period {period} was found {where}"
        down, joints_down, why = self._march(begin, self.lo, z)
        up, joints_up, why_up = self._march(begin, self.hi, z)
        if why or why_up:
            return [], [], why or why_up
        between: list[Joint] = []
        if down and up:
            joint = self._joint(begin, down[0], up[0])
            if joint is None:
                return [], [], self._apart(begin)
            between = [(begin, joint)]
        return down[::-1] + up, joints_down[::-1] + between + joints_up, ""

    def _march(self, at: float, goal: float, z: Points) -> tuple[list[Slab], list[Joint], str]:
        """Slabs from one value of the parameter to another, in this order, and the joints between them."""
        slabs: list[Slab] = []
        joints: list[Joint] = []
        share = FIRST
        while at != goal:
            slab, z, share = self._next(at, goal, z, share)
            if slab is None or len(slabs) >= MOST:
                near = (f"the proof stops at {self.name} = {at:.10g}: the cycle may have a multiplier 1 there, or be close to "
                        "a border")
                return slabs, joints, f"{near}; prove a shorter interval"
            if slabs:
                joint = self._joint(at, slabs[-1], slab)
                if joint is None:
                    return slabs, joints, self._apart(at)
                joints.append((at, joint))
            slabs.append(slab)
            self.covered += 100 * (slab.hi - slab.lo) / self.length
            self.say(f"{self.covered:.2f} of 100 % of the interval")
            at = slab.hi if goal > at else slab.lo
            share = min(2 * share, FIRST)
        return slabs, joints, ""

    def _apart(self, at: float) -> str:
        return f"the boxes on both sides of {self.name} = {at:.10g} could not be joined; prove a shorter interval"

    def at(self, lo: float, hi: float | None = None) -> Subject:
        """The map at one value of the parameter, or over an interval."""
        return self.about.over({self.name: (Fraction(lo), Fraction(lo if hi is None else hi))})

    def _next(self, at: float, goal: float, z: Points, share: float) -> tuple[Slab | None, Points, float]:
        """The next slab, the cycle at its far end, and the step that succeeded."""
        while share > LEAST:
            step = share * self.length
            far = at + step if goal > at else at - step
            # A step below the last bit of the parameter would change nothing.
            far = goal if abs(goal - at) < 1.01 * step or far == at else far
            beyond = polished(self.at(far), [[float(x) for x in row] for row in z])
            slab = None if beyond is None else self._slab(min(at, far), max(at, far), z, beyond, self.open or share <= DECIDED)
            if slab is not None and beyond is not None:
                return slab, beyond, share
            share /= 2
        return None, z, share

    def _slab(self, lo: float, hi: float, first: Points, last: Points, may_be_open: bool) -> Slab | None:
        here = self.at(lo, hi)
        proven = proven_near(here, hull_of(first, last, ROOM))
        if proven is None or overlapping(proven.boxes):
            return None
        step, boxes = here.enclosure("step"), [balls_of(box) for box in proven.boxes]
        if refusal(step, boxes):
            return None
        total = product(proven.slopes)
        stable = stability(total, multipliers(total)) if all(smooth(step, box) for box in boxes) else None
        if stable is None and not may_be_open:
            return None
        self.open = self.open or stable is None
        return Slab(lo, hi, proven, stable)

    def _joint(self, at: float, a: Slab, b: Slab) -> tuple[Box, ...] | None:
        """Boxes for the cycle at the value that two slabs share, inside those of both."""
        middles = [
            [(x.mid() + y.mid()) / 2 for x, y in zip(*rows, strict=True)]
            for rows in zip(a.found.inner, b.found.inner, strict=True)
        ]
        z = polished(self.at(at), [[float(x) for x in row] for row in middles])
        cycle = None if z is None else proven_cycle(self.at(at), z, (ROOM / 10, 1e-12))
        if cycle is None or not all(_within(cycle.boxes, slab.found.boxes) for slab in (a, b)):
            return None
        return cycle.boxes


def _within(inner: Sequence[Box], outer: Sequence[Box]) -> bool:
    return all(lo >= a and hi <= b for x, y in zip(inner, outer, strict=True) for (lo, hi), (a, b) in zip(x, y, strict=True))
