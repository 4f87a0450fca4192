"""The slow part of a noisy series: its slope, and where it is flat and falls afterwards."""

from __future__ import annotations

import numpy as np

LAST, BLOCKS = 3, 12  # the last third, and in how many blocks it is taken
PIECES, LONG = 40, 5  # blocks of the whole, and how many of them make a plateau
FLAT, FALL = 0.02, 5.0  # what may change within one, and how many times as much the series falls afterwards
ERRORS = 3.0  # standard errors that count as no change
STEEP = 0.2  # of the mean slope of the whole: a plateau is flatter
FEWEST = 3  # rows in a block


def drift(at: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope per unit of ``at`` in the last third, and its standard error, through medians of 12 blocks; NaN for too few rows.

    Blocks that are longer than the noise remembers make the error that of independent values.

    >>> t = np.arange(300.0)
    >>> slope, error = drift(t, 5 - 0.01 * t + np.random.default_rng(0).normal(size=300))
    >>> abs(slope + 0.01) < 3 * error < 0.03
    True
    """
    rows = np.flatnonzero(np.isfinite(y))
    rows = rows[rows >= len(y) - len(y) // LAST]
    if len(rows) < FEWEST * BLOCKS:
        return np.nan, np.nan
    blocks = np.array_split(rows, BLOCKS)
    t = np.array([at[block].mean() for block in blocks])
    m = np.array([np.median(y[block]) for block in blocks])
    t = t - t.mean()
    slope = float(t @ m / (t @ t))
    residual = m - m.mean() - slope * t
    return slope, float(np.sqrt(residual @ residual / (BLOCKS - 2) / (t @ t)))


def plateaus(y: np.ndarray) -> list[tuple[int, int]]:
    """Rows (first, last) of stretches of an eighth or more that are flat within the noise of their medians, with a slope below a
    fifth of that of the whole, and end in a fall."""
    rows = np.flatnonzero(np.isfinite(y))
    if len(rows) < FEWEST * PIECES:
        return []
    blocks = np.array_split(rows, PIECES)
    m = np.array([np.median(y[block]) for block in blocks])
    noise = np.array([np.median(np.abs(np.diff(y[block]))) / np.sqrt(len(block)) for block in blocks])
    found, k = list[tuple[int, int]](), 0
    while k < PIECES:
        end = k
        while end + 1 < PIECES and np.ptp(m[k : end + 2]) <= max(FLAT, 2 * ERRORS * float(np.median(noise[k : end + 2]))):
            end += 1
        inside = max(FLAT, float(np.ptp(m[k : end + 1])))
        slope = np.polyfit(np.arange(end - k + 1), m[k : end + 1], 1)[0] if end - k + 1 >= LONG else -np.inf
        flat = slope > STEEP * (m[-1] - m[0]) / (PIECES - 1)
        if flat and end + 1 < PIECES and m[end] - m[end + 1 :].min() > FALL * inside:
            found.append((int(blocks[k][0]), int(blocks[end][-1])))
        k = end + 1 if end > k else k + 1
    return found
