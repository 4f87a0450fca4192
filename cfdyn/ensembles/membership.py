"""Criteria for an orbit on a known attractor: boxes that the map contracts, and cells that one long orbit visits."""

from __future__ import annotations

import numpy as np

from cfdyn.systems.map import Map

HALVINGS = 16  # of the size of the cycle, from half of it on
SHRUNK = 0.99  # times its size a box comes back after a turn
FINEST, COARSEST = 256, 32  # cells along the range of an entry
LONG = 2**15  # states that mark cells; as many again say how many of these were missed
COVERED = 0.97  # of them must lie in marked cells: coarser cells are taken until they do
INSIDE, OUTSIDE = 0.9, 0.1  # of the states of an orbit in marked cells: it is on this attractor, or on another one
FACTOR = 0x9E3779B97F4A7C15  # odd: cells of any dimension get a number modulo 2^64


def drawn_in(step: Map, points: np.ndarray) -> np.ndarray:
    """Half the sides of boxes around the points (n, D) of a cycle, (n,); 0 where none are found, and of maps with branches.

    Each step takes a box into the next one, for over it max_i Σ_j |∂f_i/∂z_j| is bounded, in intervals, by the ratio of their
    sides; after a turn the box has shrunk. By the mean value theorem all of its orbits approach the cycle.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
    >>> drawn_in(step, np.array([[1.0]]))
    array([0.25])
    """
    size = float(np.abs(points).max()) or 1.0
    for halving in range(1, HALVINGS + 1 if not step.switching else 1):
        sides = [size * 0.5**halving]
        for point in points:
            sides.append(sides[-1] * _slope(step, point, sides[-1]))
            if not sides[-1] <= size:
                break
        if len(sides) > len(points) and sides[-1] <= SHRUNK * sides[0]:
            return np.array(sides[:-1])
    return np.zeros(len(points))


def _slope(step: Map, point: np.ndarray, side: float) -> float:
    """A bound of the norm of the Jacobian that belongs to the largest entry, over a box around a point."""
    box = np.stack([point - side, point + side], axis=1).ravel()
    bounds = np.abs(step.rule("interval:jacobian")(box, step.p)).reshape(step.dim, step.dim, 2)
    return float(bounds.max(axis=2).sum(axis=1).max())


class Visited:
    """The cells of an orbit (2 LONG, D); ``cells`` along each entry, 0 where no grid is both fine enough and filled."""

    def __init__(self, orbit: np.ndarray):
        self.lo, span = orbit.min(axis=0), np.ptp(orbit, axis=0)
        self.span = np.where(span > 0, span, np.abs(self.lo) * 1e-12 + 1e-300)
        self.cells, self.marked = FINEST, np.empty(0, np.uint64)
        while self.cells >= COARSEST:
            self.marked = np.unique(self._codes(orbit[: len(orbit) // 2]))
            if self._marked(orbit[len(orbit) // 2 :]).mean() >= COVERED:
                return
            self.cells //= 2
        self.cells = 0

    def part(self, states: np.ndarray) -> np.ndarray:
        """The part of the states (N, K, D) of each of several orbits that lies in marked cells, (N,); NaN states do not."""
        if not self.cells or not states.size:
            return np.zeros(len(states))
        return self._marked(states.reshape(-1, states.shape[-1])).reshape(states.shape[:2]).mean(axis=1)

    def _codes(self, states: np.ndarray) -> np.ndarray:
        place = np.floor((states - self.lo) / self.span * (self.cells * (1 - 1e-12))).astype(np.int64).astype(np.uint64)
        codes = np.zeros(len(states), np.uint64)
        for column in place.T:
            codes = codes * np.uint64(FACTOR) + column
        return codes

    def _marked(self, states: np.ndarray) -> np.ndarray:
        """Whether states (n, D) lie in marked cells, (n,)."""
        inside, known = ((states >= self.lo) & (states <= self.lo + self.span)).all(axis=1), np.zeros(len(states), bool)
        codes = self._codes(states[inside])
        places = np.minimum(np.searchsorted(self.marked, codes), len(self.marked) - 1)
        known[inside] = self.marked[places] == codes
        return known
