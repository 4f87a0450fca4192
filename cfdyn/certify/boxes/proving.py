"""Proofs of the cycles that Newton's method finds from the remaining boxes, and of their images under symmetries."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cfdyn.certify.boxes.greater import Turn, turned, with_images
from cfdyn.certify.boxes.search import Boxes, Search
from cfdyn.certify.boxes.shooting import Box, Shooting, gap, same, suggested
from cfdyn.certify.boxes.solved import Points, Solved
from cfdyn.words import called, named

STARTS, EACH = 4000, 16  # of Newton's method: of all boxes, and of one
NEAR = 1e-8  # relative to the size of the box: closer orbits are identified
NEUTRAL = "Krawczyk's test fails: a multiplier is close to 1"


def prove(search: Search) -> dict[tuple, str]:
    """Prove the cycles in the parked boxes; return the points of those for which that failed."""
    about, box, n = search.question[:3]
    starts = _starts(Boxes.joined(search.parked))
    known, shooting, failed, turns = list(search.solved.cycles), Shooting(about, box), {}, search.question.turns
    near = NEAR * max(hi - lo for lo, hi in box)
    before = [_middles(cycle) for cycle in known]
    families = _families(suggested(about, box, n, starts), turns, near)
    families = [f for f in families if not any(same(f[0], orbit, near) for orbit in before)]
    for family in families:
        if search.progress:
            search.progress(search.done, sum(len(b.nodes) for b in search.parked), None)  # takes a while, too
        others = [orbit for other in families for orbit in other if orbit is not family[0]]
        boxes = shooting.largest(family[0], _room(family[0], others, known))
        cycles = [] if boxes is None else with_images(boxes, turns)
        if len(cycles) == len(family) and all(map(shooting.proves, cycles[1:])):
            known += cycles
        else:
            failed.update({tuple(point): _why(orbit, about.names, box, near) for orbit in family for point in orbit.tolist()})
    search.solved = Solved(n, known)
    return failed


def _why(orbit: np.ndarray, names: Sequence[str], box: Box, near: float) -> str:
    """Why Krawczyk's test fails: it needs margin around each point, and on the border of the box there is none."""
    for point in orbit.tolist():
        for name, value, ends in zip(names, point, box, strict=True):
            if min(abs(value - end) for end in ends) <= near:
                where = f"{'at' if len(orbit) == 1 else 'through'} {named(names, (v + 0.0 for v in point), 9)}"
                return (f"the {called(len(orbit))} {where} is on the border of the box, to rounding: move the end of the "
                        "box outward "
                        f"in {name}, or farther in")  # fmt: skip
    return NEUTRAL


def _starts(left: Boxes) -> np.ndarray:
    """Points in boxes, (coordinates, points): their middles, and evenly spread ones (Roberts' sequence) if boxes are few."""
    d, count = left.lo.shape
    if count > STARTS:
        left = left.take(np.linspace(0, count - 1, STARTS).astype(int))
    ratio = np.roots([1, *([0] * (d - 1)), -1, -1]).real.max()  # the golden ratio of d dimensions
    steps = np.arange(min(EACH, max(1, STARTS // count)))
    shares = (0.5 + steps * ratio ** -np.arange(1.0, d + 1)[:, None]) % 1
    return (left.lo[:, None] + shares[:, :, None] * (left.hi - left.lo)[:, None]).reshape(d, -1)


def _families(orbits: Sequence[np.ndarray], turns: Sequence[Turn], near: float) -> list[list[np.ndarray]]:
    """Each orbit (n, d) with its images, each once; an orbit that a turn maps to itself is made exactly symmetric."""
    families: list[list[np.ndarray]] = []
    for orbit in orbits:
        if any(same(orbit, other, near) for family in families for other in family):
            continue
        images = [np.array(turned(list(orbit.T), turn)).T for turn in turns]
        family = [_symmetric(orbit, images, near)]
        for image in images:
            if not any(same(image, other, near) for other in family):
                family.append(image)
        families.append(family)
    return families


def _symmetric(orbit: np.ndarray, images: Sequence[np.ndarray], near: float) -> np.ndarray:
    """The mean of those images that are the orbit itself, from its first point on: exact sums do not depend on the order."""
    own = [np.roll(i, -int(np.abs(i - orbit[0]).max(1).argmin()), 0) for i in images if same(orbit, i, near)]
    if len(own) < 2:
        return orbit
    return np.array([[math.fsum(i[k, j] for i in own) / len(own) for j in range(orbit.shape[1])] for k in range(len(orbit))])


def _middles(cycle: Points) -> np.ndarray:
    return np.array([[(lo + hi) / 2 for lo, hi in box] for box in cycle])


def _room(orbit: np.ndarray, others: Sequence[np.ndarray], known: Sequence[Points]) -> float:
    """The largest width of boxes around the points for which no two meet."""
    room = gap(orbit, np.concatenate([orbit[:0], *others])) / 2.5
    for cycle in known:
        for box in cycle:
            for point in orbit:
                room = min(room, max(max(lo - v, v - hi) for v, (lo, hi) in zip(point, box, strict=True)) / 1.5)
    return room
