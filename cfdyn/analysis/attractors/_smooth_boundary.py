"""Whether a boundary looks straight in small discs: the test of basins for a fractal boundary, on a grid of labels."""

from functools import cache

import numpy as np

RADII = (16, 8)  # cells of the smaller discs; the others have twice that
SIDES = 20  # of these radii at least along a side of the grid
STRIPS = 12  # of the grid, left out one after the other
ANGLES = 91  # of straight lines, of an eighth of a turn
SURE = 3.0  # errors
FEWEST = 1000  # discs on the boundary


def entropy(parts: np.ndarray) -> np.ndarray:
    """−p ln p, 0 at 0."""
    return np.where(parts > 0, -parts * np.log(np.where(parts > 0, parts, 1.0)), 0.0)


def excess(labels: np.ndarray, decided: np.ndarray) -> tuple[float, float] | None:
    """(excess, error) of the mean entropy of discs on the boundary over that of a straight one, as their radius goes to 0.

    Labels (m, n) of a plane, or of a line if m = 1; ``decided`` (m, n). A smooth boundary bends over a disc, and basins meet
    in threes, by as much as the radius: of two radii, one twice the other, 2e(R) − e(2R) is 0 for it. The error is that by
    leaving out strips (jackknife), three times, and what the direction of a line changes on a grid. None where discs are few.
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
    """Rows and columns (k, 2) of a disc of cells, or of an interval."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1)
    inside = rows**2 + columns**2 <= radius * (radius + 1) if dimensions > 1 else rows == 0
    return np.column_stack([rows, columns])[inside]


@cache
def _straight(radius: int, dimensions: int) -> tuple[float, float, float]:
    """The least, mean and largest entropy, over directions, of discs that a straight line crosses anywhere, evenly."""
    cells, entropies = _offsets(radius, dimensions), []
    for angle in np.linspace(0, np.pi / 4, ANGLES) if dimensions > 1 else [np.pi / 2]:
        gaps = np.diff(np.sort(cells @ [np.cos(angle), np.sin(angle)]))
        part = np.arange(1, len(cells)) / len(cells)
        entropies.append(float((gaps * (entropy(part) + entropy(1 - part))).sum() / gaps.sum()))
    return min(entropies), float(np.mean(entropies)), max(entropies)


def _in_strips(labels: np.ndarray, decided: np.ndarray, radius: int) -> np.ndarray:
    """Σ entropy and number of the discs with two labels or more, about each cell, in each strip, (STRIPS, 2)."""
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
    """How many of the disc's cells are marked, (rows, columns): each of its rows as a difference of running sums."""
    sums = np.pad(np.cumsum(marked, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    counts = np.zeros((rows, columns), np.int64)
    for row in np.unique(cells[:, 0]):
        half, first = int(cells[cells[:, 0] == row, 1].max()), high + int(row)
        part = sums[first : first + rows]
        counts += part[:, radius + half + 1 :][:, :columns] - part[:, radius - half :][:, :columns]
    return counts
