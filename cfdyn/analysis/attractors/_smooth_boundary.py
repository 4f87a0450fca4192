"""A test for fractal basin boundaries: does the boundary on a grid of labels look straight in small discs?"""

from functools import cache

import numpy as np

RADII = (16, 8)  # cells of the smaller discs; the others have twice that
SIDES = 20  # of these radii at least along a side of the grid
STRIPS = 12  # parts of the grid, omitted one after the other
ANGLES = 91  # of straight lines, of an eighth of a turn
SURE = 3.0  # errors
FEWEST = 1000  # discs on the boundary


def entropy(parts: np.ndarray) -> np.ndarray:
    """−p ln p, 0 at p = 0."""
    return np.where(parts > 0, -parts * np.log(np.where(parts > 0, parts, 1.0)), 0.0)


def excess(labels: np.ndarray, decided: np.ndarray) -> tuple[float, float] | None:
    """(excess, error): mean entropy of discs on the boundary minus that of discs on a straight line, extrapolated to radius 0.

    Labels (m, n) of a plane, or of a line if m = 1; ``decided`` (m, n). On a smooth boundary, curvature and points where three
    basins meet change the entropy in proportion to the radius R, so 2e(R) − e(2R) removes this term. The error is three times
    the jackknife error over strips, plus the variation of a straight line's entropy with its direction on the grid. None if
    there are too few discs.
    """
    sides = [n for n in labels.shape if n > 1]
    small = next((radius for radius in RADII if SIDES * radius <= min(sides, default=0)), None)
    if small is None:
        return None
    strips, allowed = np.zeros((2, STRIPS, 2)), 0.0
    means, factors = [], (2.0, -1.0)
    for k, radius in enumerate((small, 2 * small)):
        strips[k] = _in_strips(labels, decided, radius)
        low, middle, high = _straight(radius, len(sides))
        means.append(middle)
        allowed += abs(factors[k]) * max(high - middle, middle - low)
    total = strips.sum(axis=1)
    if total[:, 1].min() < FEWEST * (1 if len(sides) > 1 else 0.1):
        return None
    left_out = total[:, None] - strips
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.tensordot(factors, left_out[..., 0] / left_out[..., 1] - np.array(means)[:, None], axes=1)
    spread = float(np.sqrt((STRIPS - 1) / STRIPS * ((values - values.mean()) ** 2).sum()))
    if not np.isfinite(spread):
        return None
    return float(np.dot(factors, total[:, 0] / total[:, 1] - means)), SURE * spread + allowed


def _offsets(radius: int, dimensions: int) -> np.ndarray:
    """The cells of a disc, or of an interval, as offsets (k, 2) of rows and columns."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1)
    inside = rows**2 + columns**2 <= radius * (radius + 1) if dimensions > 1 else rows == 0
    return np.column_stack([rows, columns])[inside]


@cache
def _straight(radius: int, dimensions: int) -> tuple[float, float, float]:
    """The least, mean and largest entropy, over directions, of a disc that a straight line crosses at a uniformly random
    place."""
    cells, entropies = _offsets(radius, dimensions), []
    for angle in np.linspace(0, np.pi / 4, ANGLES) if dimensions > 1 else [np.pi / 2]:
        gaps = np.diff(np.sort(cells @ [np.cos(angle), np.sin(angle)]))
        part = np.arange(1, len(cells)) / len(cells)
        entropies.append(float((gaps * (entropy(part) + entropy(1 - part))).sum() / gaps.sum()))
    return min(entropies), float(np.mean(entropies)), max(entropies)


def _in_strips(labels: np.ndarray, decided: np.ndarray, radius: int) -> np.ndarray:
    """Sum of the entropies, and number, of the discs with two or more labels, centred on each cell, by strip, (STRIPS, 2)."""
    high = radius if labels.shape[0] > 1 else 0
    rows, columns = labels.shape[0] - 2 * high, labels.shape[1] - 2 * radius
    cells = _offsets(radius, 2 if high else 1)
    total, whole = np.zeros((rows, columns)), np.ones((rows, columns), bool)
    for label in np.unique(labels[decided]):
        total += entropy(_around(labels == label, cells, high, radius, rows, columns) / len(cells))
    whole = _around(decided, cells, high, radius, rows, columns) == len(cells)
    mixed = whole & (total > 0)
    axis = int(np.argmax(labels.shape))
    pieces = zip(*(np.array_split(one, STRIPS, axis=axis) for one in (np.where(mixed, total, 0.0), mixed)), strict=True)
    return np.array([(one.sum(), count.sum()) for one, count in pieces])


def _around(marked: np.ndarray, cells: np.ndarray, high: int, radius: int, rows: int, columns: int) -> np.ndarray:
    """The number of marked cells in the disc about each cell, (rows, columns), by differences of running sums."""
    sums = np.pad(np.cumsum(marked, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    counts = np.zeros((rows, columns), np.int64)
    for row in np.unique(cells[:, 0]):
        half, first = int(cells[cells[:, 0] == row, 1].max()), high + int(row)
        part = sums[first : first + rows]
        counts += part[:, radius + half + 1 :][:, :columns] - part[:, radius - half :][:, :columns]
    return counts
