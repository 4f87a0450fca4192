"""Is it that cycle? Two cycles are the same if they have the same points up to a cyclic shift and a tolerance.

Round-off moves the points of a cycle by about ε/|1 − μ| of their size, μ the multiplier nearest to 1: so near to each other
two results of Newton's method are one cycle. Whoever compares with what is less exact states a tolerance of his own.
"""

from __future__ import annotations

import numpy as np

ROUND_OFF = 1e-13  # ε: of the size of a cycle, some hundred units in the last place
SHARPEST, MOST_BLURRED = 1e-11, 1e-6  # what a multiplier far from 1 gives, and one of 1, where points have half of their digits
AROUND_ZERO = 1e-13  # of the extent: what round-off leaves of a point at 0
UNEVEN = 0.62  # share of the mean in what cycles are sorted by: the squares do not tell mirror images, means do not tell all
SHORTER = 1e-7  # of the largest entry: points that repeat so well after a part of n steps are those of a shorter cycle
LARGEST_ROUND_OFF = 1e-4  # of the extent: an orbit's points nearer to 0 than this are known to round-off at this size
LEAST = 1e-290  # smaller numbers have lost digits


def same_cycle(a: np.ndarray, b: np.ndarray, tolerance: float | np.ndarray) -> bool:
    """True if some cyclic shift of ``b`` (n, D) is as near to ``a`` (n, D), point by point, as ``tolerance``, one or (D,)."""
    starts = (np.abs(b - a[0]) <= tolerance).all(axis=1)
    return any((np.abs(np.roll(b, -k, axis=0) - a) <= tolerance).all() for k in np.flatnonzero(starts))


def blur(multipliers: np.ndarray) -> np.ndarray:
    """How far apart, relative to their size, cycles with multipliers (…, D) may be and still be the same one, (…,)."""
    with np.errstate(divide="ignore"):
        return np.clip(ROUND_OFF / np.nan_to_num(np.abs(1 - multipliers).min(axis=-1)), SHARPEST, MOST_BLURRED)


def distinct(points: np.ndarray, multipliers: np.ndarray, extent: float) -> tuple[np.ndarray, np.ndarray]:
    """Each of the cycles (m, n, D) once, and its multipliers (m, D); ``extent``: the size of the box they were looked for in."""
    if len(points) < 2:
        return points, multipliers
    tolerance = blur(multipliers) * np.abs(points).max(axis=(1, 2)) + AROUND_ZERO * extent
    # A number that all shifts of a cycle share, and images under exchanges and signs do not, no steeper than the entries.
    weights = np.sqrt(np.arange(2.0, 2.0 + points.shape[2]))
    entries = points @ (weights / weights.sum())
    mean = (entries * (UNEVEN + (1 - UNEVEN) / 2 * (entries / (np.abs(entries).max() or 1.0)))).mean(axis=1)
    order = np.argsort(mean, kind="stable")
    new = np.ones(len(points), dtype=bool)
    for place in np.flatnonzero(np.diff(mean[order]) <= tolerance.max()) + 1:
        i = order[place]
        for j in order[place - 1 :: -1]:
            room = max(tolerance[i], tolerance[j])
            if mean[i] - mean[j] > room:
                break
            if new[j] and same_cycle(points[i], points[j], room):
                new[i] = False
                break
    return points[new], multipliers[new]


def from_smallest(points: np.ndarray, unit: float = 0.0) -> np.ndarray:
    """The same cycle (n, D) from its lexicographically smallest point on, entries compared in whole ``unit``s if there is one."""
    keys = np.round(points / unit) if unit else points
    return np.roll(points, -int(np.lexsort(keys.T[::-1])[0]), axis=0)


def least_period(points: np.ndarray, tolerance: float = SHORTER, extent: float = 0.0) -> int:
    """The smallest divisor q of n with x_{i+q} = x_i for all i, relative to the largest entry.

    ``extent``: the size of the orbit that led here. Points near 0 are round-off beside it.
    """
    n = len(points)
    size = max(np.abs(points).max(), LARGEST_ROUND_OFF * extent) or 1.0
    for q in range(1, n):
        if n % q == 0 and np.abs(np.roll(points, -q, axis=0) - points).max() <= max(tolerance * size, LEAST):
            return q
    return n
