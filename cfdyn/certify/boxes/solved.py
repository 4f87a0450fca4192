"""The boxes of proven cycles, and which boxes have orbits in the boxes of a single cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfdyn.certify.boxes.prefilter import Span

Points = Sequence[Sequence[tuple[float, float]]]  # of one cycle: a box for each point, in the order of iteration
ROOM = 2.0**-8  # relative to the width: an orbit closer to the edge of a proven box is left to smaller boxes


class Solved:
    """Proven cycles of one period. Their boxes are pairwise disjoint."""

    def __init__(self, period: int, cycles: Sequence[Points] = ()):
        self.period, self.cycles = period, list(cycles)
        boxes = [box for cycle in self.cycles for box in cycle]
        ends = np.array(boxes, float).reshape(len(boxes), -1, 2) if boxes else np.zeros((0, 0, 2))
        self.lo, self.hi = ends[:, :, 0], ends[:, :, 1]
        self.following = np.array([c + (i + 1) % period for c in range(0, len(boxes), period) for i in range(period)], int)

    def owners(self, x: Sequence[Span]) -> np.ndarray:
        """For each box the number of the proven box that contains it, or −1."""
        lo, hi = (np.array([getattr(s, side) for s in x]) for side in ("lo", "hi"))
        owners = np.full(lo.shape[1], -1)
        for k in range(len(self.lo)):
            owners[((lo >= self.lo[k][:, None]) & (hi <= self.hi[k][:, None])).all(0)] = k
        return owners

    def through(self, stages: Sequence[Sequence[Span]], boxes: int) -> np.ndarray:
        """Where the orbit boxes lie in those of one proven cycle."""
        if not len(self.lo):
            return np.zeros(boxes, bool)
        at = self.owners(stages[0])
        good = at >= 0
        for x in stages[1:]:
            at = self.following[at]
            for k, span in enumerate(x):
                room = ROOM * (self.hi[at, k] - self.lo[at, k])
                good &= (span.lo >= self.lo[at, k] + room) & (span.hi <= self.hi[at, k] - room)
        return good

    def holds(self, stages: Sequence[Sequence[tuple[Any, Any]]]) -> bool:
        """The same for one box, whose orbit boxes are given by their ends: any numbers that compare exactly."""
        return any(self._from(j, stages) for j in range(len(self.lo)))

    def _from(self, at: int, stages: Sequence[Sequence[tuple[Any, Any]]]) -> bool:
        for x in stages:
            for k, (lo, hi) in enumerate(x):
                if not (lo >= float(self.lo[at, k]) and hi <= float(self.hi[at, k])):
                    return False
            at = self.following[at]
        return True
