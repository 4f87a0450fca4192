"""The attractor on both sides of a parameter value, which determines the kind of a crisis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.systems.map import Map

TRANSIENT, STEPS = 10_000, 60_000  # after a crisis an orbit stays long where the attractor was
SHORT, DOUBT = (1000, 12_000), 1.08  # the same of a first look, and how much more must be filled then
SHARES = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0)  # of the distance: some of these values lie in windows
CELLS = {1: 1024, 2: 128}  # of the box around what is filled, in each entry
GROWN, OVERLAP = 1.15, 0.5  # times as much is filled: a jump; share of the smaller that belongs to the larger
BOUNDARY, INTERIOR, MERGING, UNDECIDED = "boundary", "interior", "band merging", "undecided"
ALIKE = "orbits fill about the same set on both sides"
OUT = 1e8


@dataclass(frozen=True)
class Filled:
    """Points (k, D) of an orbit behind its transient, none where it leaves."""

    points: np.ndarray

    @property
    def left(self) -> bool:
        """Whether the orbit goes to infinity."""
        return len(self.points) == 0

    def cells(self, low: np.ndarray, extent: np.ndarray) -> np.ndarray:
        """The numbers of the cells of a box that it meets, in its first two entries."""
        count = CELLS[min(2, self.points.shape[1])]
        places = np.clip(((self.points[:, :2] - low[:2]) / extent[:2] * count).astype(int), 0, count - 1)
        return np.flatnonzero(np.bincount(places @ np.array([1, count])[: places.shape[1]]))

    def divided(self, cycle: np.ndarray) -> bool:
        """Whether a cycle (n,) of one variable lies between its bands: 2n steps on it is always on the same side of a point."""
        n, x = len(cycle), self.points[:, 0]
        for phase in range(n):
            one, other = x[phase :: 2 * n], x[phase + n :: 2 * n]
            for z in cycle:
                if (one < z).all() and (other > z).all() or (one > z).all() and (other < z).all():
                    return True
        return False


def filled(step: Map, z: np.ndarray, transient: int = TRANSIENT, steps: int = STEPS) -> Filled:
    """The orbit of z, its first steps left out."""
    state, rule = np.array(z, dtype=float), step.rule("step").compiled
    if advance(rule, state, step.p, transient, OUT)[1] != DONE:
        return Filled(np.empty((0, step.dim)))
    orbit = np.empty((steps, step.dim))
    orbit[0] = state
    return Filled(orbit if iterate(rule, step.p, OUT, orbit)[1] == DONE else orbit[:0])


def kind_of_crisis(
    step: Map, name: str, value: float, distance: float, start: np.ndarray, cycle: np.ndarray
) -> tuple[str, str]:
    """The kind of the crisis at a value, "undecided" where no change is seen, and in words what was seen on both sides.

    From the start an orbit is run at several values within ``distance`` on either side. Boundary: on one side it leaves, or ends
    elsewhere. Interior: it fills much more on one side. Band merging (one variable): on one side only the ``cycle`` (n, D) lies
    between its bands. What most of the values say counts: some may lie in windows.
    """
    if not _change(step, name, value, distance, start, cycle):
        return UNDECIDED, ALIKE
    sides = [[filled(step.at(**{name: value + way * distance * share}), start) for share in SHARES] for way in (-1, 1)]
    left, many = [sum(orbit.left for orbit in side) for side in sides], len(SHARES) // 2
    if max(left) > 0:
        one = min(left) == 0 and max(left) > many
        beyond = "above" if left[1] > left[0] else "below"
        words = "orbits diverge on both sides" if min(left) else "few orbits go to infinity"
        return (BOUNDARY, f"orbits go to infinity {beyond}") if one else (UNDECIDED, words)
    if step.dim == 1:
        apart = [sum(orbit.divided(cycle[:, 0]) for orbit in side) for side in sides]
        if min(apart) == 0 and max(apart) > many:
            return MERGING, f"the cycle lies between the bands {'above' if apart[1] > apart[0] else 'below'}"
    return _by_size(sides)


def _change(step: Map, name: str, value: float, distance: float, start: np.ndarray, cycle: np.ndarray) -> bool:
    """Whether short orbits say that there may be a change at all."""
    sides = [
        [filled(step.at(**{name: value + way * distance * share}), start, *SHORT) for share in SHARES[::3]] for way in (-1, 1)
    ]
    if any(orbit.left for side in sides for orbit in side):
        return True
    apart = [sum(orbit.divided(cycle[:, 0]) for orbit in side) if step.dim == 1 else 0 for side in sides]
    together = np.concatenate([orbit.points for side in sides for orbit in side])
    low, extent = together.min(axis=0), np.ptp(together, axis=0) + 1e-300
    sizes = [max(len(orbit.cells(low, extent)) for orbit in side) for side in sides]
    return apart[0] != apart[1] or max(sizes) > DOUBT * min(sizes)


def _by_size(sides: list[list[Filled]]) -> tuple[str, str]:
    """By how much orbits fill on both sides."""
    together = np.concatenate([orbit.points for side in sides for orbit in side])
    low, extent = together.min(axis=0), np.ptp(together, axis=0) + 1e-300
    cells = [sorted((orbit.cells(low, extent) for orbit in side), key=len)[len(side) // 2] for side in sides]
    small, large = sorted(cells, key=len)
    ratio, beyond = len(large) / len(small), "above" if large is cells[1] else "below"
    if ratio <= GROWN:
        return UNDECIDED, ALIKE
    if len(np.intersect1d(small, large)) < OVERLAP * len(small):
        return BOUNDARY, f"orbits end elsewhere {'below' if beyond == 'above' else 'above'}"
    return INTERIOR, f"orbits occupy {ratio:.3g} times as many cells {beyond} the value"
