"""Are two cycles the same? They are if they have the same points up to a cyclic shift and a tolerance.

Round-off moves the points of a cycle by about ε/|1 − μ| of their size, μ the multiplier nearest to 1: so near to each other
two results of Newton's method are one cycle. Whoever compares with what is less exact states a tolerance of his own.
"""

from itertools import repeat

import numpy as np

ROUND_OFF = 1e-13  # ε: of the size of a cycle, some hundred units in the last place
NEAREST, FARTHEST = 1e-7, 1e-2  # of a multiplier from 1: as near as it is known there; from where on a cycle is as sharp as any
AROUND_ZERO = 1e-13  # of the extent: what round-off leaves of a point at 0
SHORTER = 1e-7  # of the largest entry: points that repeat so well after a part of n steps are those of a shorter cycle
LARGEST_ROUND_OFF = 1e-4  # of the extent: an orbit's points nearer to 0 than this are known to round-off at this size
UNIT = 1e-9  # of a cycle's size: entries that differ by less are equal where points are ordered
MIX = 0.62  # of an entry, beside its square
ROOM = 1.001 * (2 + MIX)  # of a tolerance: what means of such sums may differ by, with their round-off
LEAST = 1e-290  # smaller numbers have lost digits


def same_cycle(a: np.ndarray, b: np.ndarray, tolerance: float | np.ndarray) -> bool:
    """True if some cyclic shift of ``b`` (n, D) is as near to ``a`` (n, D), point by point, as ``tolerance``, one or (D,)."""
    starts = (np.abs(b - a[0]) <= tolerance).all(axis=1)
    return any((np.abs(np.roll(b, -k, axis=0) - a) <= tolerance).all() for k in np.flatnonzero(starts))


def blur(multipliers: np.ndarray) -> np.ndarray:
    """How far apart, relative to their size, cycles with multipliers (…, D) may be and still be the same one, (…,)."""
    away = np.abs(1 - multipliers).min(axis=-1)
    return np.asarray(ROUND_OFF / np.fmin(np.fmax(away, NEAREST), FARTHEST))


def distinct(points: np.ndarray, multipliers: np.ndarray, extent: float) -> tuple[np.ndarray, np.ndarray]:
    """Each of the cycles (m, n, D) once, with its multipliers (m, D), in an order that is the same for all their shifts.

    ``extent``: the size of the box they were looked for in.
    """
    if len(points) < 2:
        return points, multipliers
    entries = points[:, :, 0]
    if points.shape[2] > 1:
        # A mean, weighted so that exchanges of entries change it.
        weights = np.sqrt(np.arange(2.0, 2.0 + points.shape[2]))
        entries = (points * (weights / weights.sum())).sum(axis=2)
    smallest = entries.min(axis=1)
    order = smallest.argsort(kind="stable")
    points, multipliers, smallest = points[order], multipliers[order], smallest[order]
    size = max(points.max(), -points.min(), LEAST)
    most = blur(multipliers.ravel()) * size + AROUND_ZERO * extent
    if not (smallest[1:] - smallest[:-1] <= most).any():
        return points, multipliers
    tolerance = blur(multipliers) * np.abs(points).max(axis=(1, 2)) + AROUND_ZERO * extent
    # Thousands may have the same smallest entry, or the same mean; hardly any two the same mean of this function.
    key = (entries * (entries / size + MIX)).mean(axis=1)[order]
    rank, new = key.argsort(kind="stable"), np.ones(len(key), dtype=bool)
    first, last = key[rank].searchsorted(key[rank] - ROOM * most), key[rank].searchsorted(key[rank] + ROOM * most, "right")
    crowded = np.flatnonzero(last - first > 1)
    for k in crowded[rank[crowded].argsort()]:
        i, before = rank[k], rank[first[k] : last[k]]
        before = before[(before < i) & new[before]]
        room = np.maximum(tolerance[i], tolerance[before])
        alike = np.abs(key[before] - key[i]) <= ROOM * room
        new[i] = not any(map(same_cycle, points[before[alike]], repeat(points[i]), room[alike]))
    return points[new], multipliers[new]


def from_smallest(points: np.ndarray, extent: float = 0.0) -> np.ndarray:
    """The same cycle (n, D) from its lexicographically smallest point on.

    ``extent``: of the box it was looked for in, if entries are compared to nine digits only: of points with equal entries the
    order is not up to round-off.
    """
    unit = UNIT * max(float(np.abs(points).max()), LARGEST_ROUND_OFF * extent)
    keys = np.round(points / unit) if extent else points
    return np.roll(points, -int(np.lexsort(keys.T[::-1])[0]), axis=0)


def least_period(points: np.ndarray, tolerance: float = SHORTER, extent: float | np.ndarray = 0.0, weights: int = 0) -> int:
    """The smallest divisor q of n with x_{i+q} = x_i for all i, relative to the largest entry.

    ``extent``: the size of the orbit that led here, one or (D,). Points near 0 are round-off beside it. ``weights``: so many
    entries, the first, are held against their own size too: averages of squares behind them may be far larger.
    """
    n, extents = len(points), np.broadcast_to(extent, points.shape[1])
    parts = [slice(None), slice(weights)] if 0 < weights < points.shape[1] else [slice(None)]
    sizes = [max(np.abs(points[:, part]).max(), LARGEST_ROUND_OFF * extents[part].max()) or 1.0 for part in parts]
    for q in range(1, n):
        if n % q == 0:
            moved = np.abs(np.roll(points, -q, axis=0) - points)
            if all(moved[:, part].max() <= max(tolerance * size, LEAST) for part, size in zip(parts, sizes, strict=True)):
                return q
    return n
