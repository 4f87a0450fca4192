"""Where a series rises above its recent level, and how: spikes of a loss, and what came before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW, RECENT, FEWEST = 50, 9, 20  # rows before one: of these its level is taken, and as many it needs
RISE, SPREADS = np.log(1.1), 6.0  # a spike: so far above the level, and so many of its standard deviations
OVER = 0.5  # of that: below it the spike has ended
STEADY = 5  # rows of a rise in which growth is told from a jump
FIT = 0.9  # of the variance of the logarithm: growth by the same factor each row
SMOOTH = 5.0  # times the noise between rows: of correlated noise, 0.9 from row to row, the deviation is 3.2 times that
TINY = 1e-9  # above the level: rounding
TURNS = 0.8  # of the changes of a rise change sign: it alternates


@dataclass(frozen=True)
class Rise:
    """One spike, by rows: ``first`` above the level, ``peak``, and ``last`` before it has ended (None: it does not end).

    ``level`` before it; ``spread``: the standard deviation around it; ``rising``: the rows from where it left the noise to
    the peak; ``factor``: by which the excess grew per row, if by the same in 5 or more rows; ``alternates``: its changes do.
    """

    first: int
    peak: int
    last: int | None
    level: float
    spread: float
    rising: int
    factor: float | None
    alternates: bool


def rises(y: np.ndarray, least: float = RISE) -> list[Rise]:
    """The spikes of a series (n,), NaN for gaps; a loss that is positive comes as its logarithm.

    A spike begins where y exceeds its level by ``least`` and by 6 standard deviations, both from the last 50 rows outside of
    spikes: the line through the medians of their halves, and the median absolute deviation from it; and where it exceeds the
    last rows too, as it does not where a fall ends. It ends where y is half of that above the level. The first 20 rows have
    no level, and no spike begins in them.
    """
    rows = np.flatnonzero(np.isfinite(y))
    calm: list[float] = []
    found, k = list[Rise](), 0
    while k < len(rows):
        value = float(y[rows[k]])
        if len(calm) >= FEWEST:
            level, slope, spread = _level(calm)
            bar = max(least, SPREADS * spread)
            if value > level + bar and value > _reach(calm, least):
                under = np.flatnonzero(y[rows[k:]] < level + OVER * bar)
                end = k + int(under[0]) if len(under) else len(rows)
                found.append(_rise(y, rows, k, end, (level, slope, spread)))
                k = end
                continue
        calm.append(value)
        del calm[:-WINDOW]
        k += 1
    return found


def _level(calm: list[float]) -> tuple[float, float, float]:
    """The next value of the line through the medians of both halves, its slope, and the standard deviation about it, robust.

    A smooth series turns about the line without noise: its deviation is at most 5 times that of differences between rows.
    """
    values = np.array(calm)
    n, half = len(values), len(values) // 2
    slope = (_middle(values[half:]) - _middle(values[:half])) / (n / 2)
    residual = values - slope * np.arange(n)
    middle = _middle(residual)
    return middle + slope * n, slope, min(1.4826 * _middle(np.abs(residual - middle)), SMOOTH * _noise(values))


def _reach(calm: list[float], least: float) -> float:
    """Above the median of the last 9 rows by a quarter of ``least`` and 3 standard deviations of differences between rows."""
    return _middle(np.array(calm[-RECENT:])) + least / 4 + 3 * _noise(np.array(calm[-3 * RECENT :]))


def _noise(values: np.ndarray) -> float:
    """The standard deviation of independent noise with such differences between rows."""
    jumps = np.diff(values)
    return 1.4826 * _middle(np.abs(jumps - _middle(jumps))) / 2**0.5


def _middle(values: np.ndarray) -> float:
    """The median, or the upper one of two: `np.median` takes ten times as long for so few."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _rise(y: np.ndarray, rows: np.ndarray, k: int, end: int, about: tuple[float, float, float]) -> Rise:
    level, slope, spread = about
    peak = k + int(np.argmax(y[rows[k:end]]))
    begin = k
    while begin > max(0, k - WINDOW) and y[rows[begin - 1]] > level + slope * (begin - 1 - k) + max(2 * spread, TINY):
        begin -= 1
    line = level + slope * np.minimum(np.arange(begin, peak + 1) - k, 0)  # frozen from where the spike begins
    excess = np.expm1(np.clip(y[rows[begin : peak + 1]] - line, 0.0, 700.0))
    factor, alternates = None, False
    if len(excess) >= STEADY and (excess > 0).all():
        logs, t = np.log(excess), np.arange(len(excess))
        rate, offset = np.polyfit(t, logs, 1)
        unexplained = ((logs - rate * t - offset) ** 2).sum() / max(float(((logs - logs.mean()) ** 2).sum()), 1e-300)
        factor = float(np.exp(rate)) if unexplained < 1 - FIT and rate > 0 else None
    turns = np.diff(y[rows[max(0, peak - max(2 * STEADY, peak - begin + 1)) : peak + 1]])
    if len(turns) >= STEADY:
        alternates = bool((turns[1:] * turns[:-1] < 0).mean() >= TURNS)
    last = None if end == len(rows) else int(rows[end - 1])
    return Rise(int(rows[k]), int(rows[peak]), last, level, spread, peak - begin + 1, factor, alternates)
