"""An odd cycle of a continuous map of an interval, and entropy from intervals that cover each other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.kinds.growth import check_growth
from cfdyn.certify.checker.kinds.no_cycles import check_continuous
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval, point
from cfdyn.certify.checker.shooting import MOST_SIZE, prove

MOST_MARKS = 4000


class Mark(NamedTuple):
    """A point of a proven cycle, or a number: between ``lo`` and ``hi``; ``cycle`` and ``at``: which point, −1 for a number."""

    lo: float
    hi: float
    cycle: int
    at: int


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Continuity, cycles, the odd period, marks, covering, growth: as docs/reference/certificates.md numbers them."""
    claim = fields.mapping(document["claim"], "the claim", ["interval", "period", "points", "growth", "entropy"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["continuous", "cycles", "numbers", "vector"])
    if g.d != 1:
        raise NotValid("this kind is for maps of one variable")
    interval = fields.box([claim["interval"]], "the interval", 1)
    root = Interval(np.concatenate([interval.lo, g.lines.lo]), np.concatenate([interval.hi, g.lines.hi]))
    check_continuous(fields.text(evidence["continuous"], "the tree", 20 * 2**20), root, g, "c", "the tree")
    cycles = [
        _cycle(z, len(fields.sequence(z, "a cycle", most=MOST_SIZE)), g, interval)
        for z in fields.sequence(evidence["cycles"], "the cycles")
    ]
    if claim["period"] is not None:
        n = fields.integer(claim["period"], "the period", 3, MOST_SIZE)
        if n % 2 == 0:
            raise NotValid("the period is not odd")
        cycles.insert(0, _cycle(claim["points"], n, g, interval))
        _check_apart(cycles[0])
    elif claim["points"] is not None:
        raise NotValid("points are of a cycle with a period")
    if (claim["growth"] is None) != (claim["entropy"] is None) or claim["growth"] is None and claim["period"] is None:
        raise NotValid("the claim is empty, or it has only one of growth and entropy")
    if claim["growth"] is None:
        fields.sequence(evidence["vector"], "the vector", 0)
        return
    numbers = [fields.end(x, "a number") for x in fields.sequence(evidence["numbers"], "the numbers")]
    marks = _marks(cycles, numbers, interval)
    check_growth(_covers(marks, cycles, g), evidence["vector"], claim["growth"], claim["entropy"])


def _cycle(given: Any, n: int, g: CheckedMap, interval: Interval) -> Interval:
    """The boxes of a proven cycle, (n, 1)."""
    if n < 1:
        raise NotValid("a cycle has no points")
    z = fields.boxes(given, "a cycle", n, 1)
    if not z.within(interval).all():
        raise NotValid("a cycle's boxes are not in the interval")
    prove(g, z, g.lines, "a cycle")
    return z


def _check_apart(z: Interval) -> None:
    order = np.argsort(z.lo[:, 0])
    if not (z.hi[order[:-1], 0] < z.lo[order[1:], 0]).all():
        raise NotValid("two boxes of the odd cycle meet, so that its period may be less")


def _marks(cycles: list[Interval], numbers: list[float], interval: Interval) -> list[Mark]:
    """The marks, from left to right, pairwise disjoint, in the interval."""
    marks = [Mark(float(z.lo[i, 0]), float(z.hi[i, 0]), c, i) for c, z in enumerate(cycles) for i in range(len(z.lo))]
    marks += [Mark(x, x, -1, -1) for x in numbers]
    marks.sort()
    if not 2 <= len(marks) <= MOST_MARKS:
        raise NotValid(f"there are {len(marks)} marks; two to {MOST_MARKS} are needed")
    if any(not a.hi < b.lo for a, b in zip(marks, marks[1:])):
        raise NotValid("two marks meet")
    if marks[0].lo < interval.lo[0] or marks[-1].hi > interval.hi[0]:
        raise NotValid("a mark is not in the interval")
    return marks


def _covers(marks: list[Mark], cycles: list[Interval], g: CheckedMap) -> list[range]:
    """For each gap between neighbouring marks the gaps that its image is known to cover."""
    place = {(m.cycle, m.at): k for k, m in enumerate(marks) if m.cycle >= 0}
    images = [(_after(m, place, cycles), _image(m, g)) for m in marks]
    # at_most[a]: the first mark that g(x_a) is known not to exceed; at_least[a]: the last that it is known to reach
    at_most, at_least = [], []
    for exactly, (lo, hi) in images:
        if exactly is not None:
            at_most.append(exactly)
            at_least.append(exactly)
        else:
            at_most.append(next((k for k, m in enumerate(marks) if hi <= m.lo), len(marks)))
            at_least.append(next((k for k in range(len(marks) - 1, -1, -1) if lo >= marks[k].hi), -1))
    covers = []
    for a in range(len(marks) - 1):
        rising = range(at_most[a], at_least[a + 1])
        falling = range(at_most[a + 1], at_least[a])
        covers.append(rising or falling)  # not both: that would order the two images in both ways
    return covers


def _after(mark: Mark, place: dict[tuple[int, int], int], cycles: list[Interval]) -> int | None:
    """The index of the mark to which the point of a cycle is mapped."""
    if mark.cycle < 0:
        return None
    return place[mark.cycle, (mark.at + 1) % len(cycles[mark.cycle].lo)]


def _image(mark: Mark, g: CheckedMap) -> tuple[float, float]:
    """The image of a number, over all values of the parameters."""
    if mark.cycle >= 0:
        return -np.inf, np.inf
    image = g.value(point(np.array([mark.lo])), g.lines)
    return float(image.lo[0]), float(image.hi[0])
