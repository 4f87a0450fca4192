"""Cycles of a map of one variable by a search in floats: candidates only."""

import numpy as np

from cfdyn.certify.subject import Floats

GRID = 40_000  # starts along the interval, all equivalent
HALVINGS = 60
POLISH = 4  # Newton steps
SAME = 1e-7  # relative to the interval's length: closer points of two cycles are identified


def line_cycles(
    step: Floats, slope: Floats, interval: tuple[float, float], period: int, most: int = 40, grid: int = GRID
) -> list[np.ndarray]:
    """Cycles of least period ``period`` that a change of sign of gⁿ(x) − x shows, (period,) each in the order of iteration.

    All of their points lie in the interval. At most ``most`` cycles are returned: the first ones from the left.
    """
    lo, hi = interval
    x = np.linspace(lo, hi, grid + 1)
    change = displacement(step, interval, x, period)
    left = np.flatnonzero((change[:-1] * change[1:] < 0) | (change[:-1] == 0))
    a, b, at_a = x[left], x[left + 1], change[left]
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        value = displacement(step, interval, middle, period)
        below = value * at_a > 0
        a, b = np.where(below, middle, a), np.where(below, b, middle)
        at_a = np.where(below, value, at_a)
    roots = np.where(at_a == 0, a, (a + b) / 2)
    return [_polished(step, slope, points) for points in _grouped(step, roots, period, (hi - lo) * SAME, most)]


def displacement(step: Floats, interval: tuple[float, float], x: np.ndarray, period: int) -> np.ndarray:
    """gⁿ(x) − x, NaN where the orbit leaves the interval."""
    y, outside = x, np.zeros(x.shape, dtype=bool)
    slack = 1e-9 * (interval[1] - interval[0])
    for _ in range(period):
        y = step(y[None])[0]
        outside |= ~((y >= interval[0] - slack) & (y <= interval[1] + slack))
    return np.where(outside, np.nan, y - x)


def _grouped(step: Floats, roots: np.ndarray, period: int, same: float, most: int) -> list[np.ndarray]:
    """The complete orbits of the roots, each once, without those of a smaller period."""
    orbits = [roots]
    for _ in range(period):
        orbits.append(step(orbits[-1][None])[0])
    table = np.array(orbits).T
    kept: list[np.ndarray] = []
    for row in table[np.isfinite(table).all(axis=1)]:
        points, last = row[:-1], row[-1]
        if abs(last - points[0]) > 1e4 * same or (period > 1 and _gap(points) <= same):
            continue
        points = np.roll(points, -int(np.argmin(points)))
        if not any(abs(points[0] - other[0]) <= same for other in kept):
            kept.append(points)
        if len(kept) == most:
            break
    return kept


def _gap(points: np.ndarray) -> float:
    return float(np.diff(np.sort(points)).min())


def _polished(step: Floats, slope: Floats, points: np.ndarray) -> np.ndarray:
    """Newton's method for all points at once."""
    for _ in range(POLISH):
        matrix = np.diag(slope(points[None])[0]) - np.roll(np.eye(len(points)), 1, axis=1)
        try:
            moved = points - np.linalg.solve(matrix, step(points[None])[0] - np.roll(points, -1))
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(moved).all():
            break
        points = moved
    return points
