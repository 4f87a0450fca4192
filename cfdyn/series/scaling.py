"""How counts grow with the size of what is counted in: pairs within a distance, boxes that hold points, and a slope."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

FEWEST = 6  # sizes that a slope is fitted to


class Slope(NamedTuple):
    """The slope of one logarithm over another, how far those of the thirds of its range [first, last) differ, and the range."""

    value: float
    drift: float
    first: int
    last: int


def pairs_within(points: np.ndarray, radii: np.ndarray, window: int) -> np.ndarray:
    """How many pairs are at most r apart in their largest coordinate, of those more than ``window`` rows apart."""
    # A tree of many equal points would not branch.
    different, weights = np.unique(points, axis=0, return_counts=True)
    tree = cKDTree(different)
    pairs = (tree.count_neighbors(tree, radii, p=np.inf, weights=(weights, weights)).astype(float) - len(points)) / 2
    for lag in range(1, window + 1):
        apart = np.abs(points[lag:] - points[:-lag]).max(axis=1)
        pairs -= np.searchsorted(np.sort(apart), radii, side="right")
    return pairs


def boxes_filled(points: np.ndarray, largest: float, levels: int, offset: np.ndarray) -> np.ndarray:
    """How many boxes of the sizes largest/2^k hold a point, k < levels; ``offset`` (D,) moves the finest grid, in its boxes."""
    cells = np.floor(points / (largest / 2.0 ** (levels - 1)) + offset).astype(np.int64)
    counts = np.empty(levels)
    for k in range(levels - 1, -1, -1):
        cells = _distinct(cells)
        counts[k] = len(cells)
        cells = cells // 2
    return counts


def _distinct(cells: np.ndarray) -> np.ndarray:
    """The different rows (n, D), by one number for each: columns are joined while it stays below 2⁶³, then numbered anew."""
    key, count = np.zeros(len(cells), np.int64), 1
    for column in cells.T:
        span = int(np.ptp(column)) + 1
        if count * span >= 2**62:
            key, count = np.unique(key, return_inverse=True)[1], len(cells)
        key, count = key * span + (column - column.min()), count * span
    return cells[np.unique(key, return_index=True)[1]]


def slope(x: np.ndarray, y: np.ndarray, usable: np.ndarray) -> Slope | None:
    """By least squares over the first run of usable sizes; None where there are too few."""
    first = int(np.argmax(usable))
    last = first + (int(np.argmin(usable[first:])) or len(usable) - first)
    if not usable.any() or last - first < FEWEST:
        return None
    ends = np.linspace(first, last - 1, 4).astype(int).tolist()
    whole, *thirds = (
        float(np.polyfit(x[a : b + 1], y[a : b + 1], 1)[0])
        for a, b in ((first, last - 1), *zip(ends[:-1], ends[1:], strict=True))
    )
    return Slope(whole, max(thirds) - min(thirds), first, last)
