"""Whether a curve of bifurcations passes through a cycle at given parameters, by interpolation of its rows."""

import numpy as np

from cfdyn.continuation.between_rows import polynomial
from cfdyn.continuation.branch.system import length_scales
from cfdyn.systems.map import Map

AROUND, FINE = 2, 40  # rows on either side of the closest one; places between two rows
SAME = 1e-4  # lengths: of the bounds, of the size of the cycle
ROUNDED = 1e-8  # of the length in which the map's Jacobian changes: points nearer to 0 than a small part of that are round-off


def least_size(step: Map, points: np.ndarray) -> float:
    """The least size assumed for a cycle (n, D), as for one at 0 whose points are round-off."""
    return ROUNDED * float(length_scales(step, points).max())


def passes(
    parameters: np.ndarray, points: np.ndarray, widths: np.ndarray, place: np.ndarray, cycle: np.ndarray, least: float = 1e-300
) -> bool:  # fmt: skip
    """True if rows of ``parameters`` (m, 2) and cycles (m, n, D) pass through the ``cycle`` (n, D) at the ``place`` (2,).

    Lengths are the ``widths`` (2,) of the bounds and the size of the rows' cycles, but not below ``least``; the choice of the
    first point does not matter.
    """
    size = max(float(np.ptp(points, axis=(0, 1)).max()), float(np.abs(cycle).max()), least)
    rows = np.concatenate([parameters / widths, points.reshape(len(points), -1) / size], axis=1)
    shifts = [np.append(place / widths, np.roll(cycle, -k, axis=0).ravel() / size) for k in range(len(cycle))]
    return any(_distance(rows, target) <= SAME for target in shifts)


def _distance(rows: np.ndarray, target: np.ndarray) -> float:
    """The distance of a point from a smooth curve through rows of numbers."""
    away = np.linalg.norm(rows - target, axis=1)
    k = int(np.argmin(away))
    steps = np.linalg.norm(np.diff(rows[max(k - 1, 0) : k + 2], axis=0), axis=1)
    if away[k] <= SAME or away[k] > 2 * steps.max(initial=0.0):
        return float(away[k])
    some = rows[max(k - AROUND, 0) : k + AROUND + 1]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(some, axis=0), axis=1))])
    if len(some) < 3 or not (np.diff(along) > 0).all():
        return float(away[k])
    curve = polynomial(along, some)
    fine = np.array([curve(s) for s in np.linspace(along[0], along[-1], FINE * len(some))])
    return _to_segments(fine, target)


def _to_segments(line: np.ndarray, target: np.ndarray) -> float:
    """The distance of a point from a polygonal line."""
    sides, gap = np.diff(line, axis=0), target - line[:-1]
    share = np.clip((gap * sides).sum(axis=1) / np.maximum((sides**2).sum(axis=1), 1e-300), 0, 1)
    return float(np.linalg.norm(gap - share[:, None] * sides, axis=1).min())
