"""The boxes of a large set that meet a given box: sorted along the first coordinate, in blocks."""

from __future__ import annotations

import numpy as np

from cfdyn.certify.checker.numbers.boxes import Array, Interval

BLOCK = 64


class Meeting:
    """Boxes (N, d) in blocks of neighbours, with the hull of each block."""

    def __init__(self, boxes: Interval):
        n, d = boxes.shape
        self.order = _near_first(boxes)
        pad = -n % BLOCK
        lo = np.concatenate([boxes.lo[self.order], np.full((pad, d), np.inf)])
        hi = np.concatenate([boxes.hi[self.order], np.full((pad, d), -np.inf)])
        # padding at the ends of a block is empty: an empty box meets nothing
        self.lo, self.hi = lo.reshape(-1, BLOCK, d), hi.reshape(-1, BLOCK, d)
        self.hull_lo, self.hull_hi = self.lo.min(axis=1), self.hi.max(axis=1)

    def met(self, lo: Array, hi: Array) -> Array:
        """The indices of the boxes that a closed box meets."""
        blocks = np.flatnonzero(((self.hull_lo <= hi) & (self.hull_hi >= lo)).all(axis=1))
        if not len(blocks):
            return np.zeros(0, dtype=int)
        inside = ((self.lo[blocks] <= hi) & (self.hi[blocks] >= lo)).all(axis=2)
        which, place = np.nonzero(inside)
        return self.order[blocks[which] * BLOCK + place]

    def any_met(self, others: Interval) -> Array:
        """For each of some boxes (M, d) whether it meets one of the set."""
        return np.array([len(self.met(lo, hi)) > 0 for lo, hi in zip(others.lo, others.hi)])


def _near_first(boxes: Interval) -> Array:
    """An order in which neighbours are adjacent: along a curve through a grid of 1024 cells a side."""
    m = boxes.middle
    low, wide = m.min(axis=0), np.maximum(np.ptp(m, axis=0), 1e-300)
    cells = np.minimum((m - low) / wide * 1023, 1023).astype(np.int64)
    key = np.zeros(len(m), dtype=np.int64)
    for bit in range(9, -1, -1):
        for k in range(min(m.shape[1], 6)):
            key = key * 2 + (cells[:, k] >> bit & 1)
    return np.argsort(key, kind="stable")
