"""The time average of an orbit, centred, that other averages are measured against."""

from __future__ import annotations

import numpy as np

from cfdyn.series.filters import average, fast_part, half_width
from cfdyn.series.slow_cycles import BEGUN, slow_cycles

QUIET = 2.0  # whole slow cycles without an oscillation, after which it counts as over


def swing(w: np.ndarray, period: int) -> tuple[np.ndarray, int]:
    """The variance ‖w_t − M_N w_t‖² of an orbit (n, d), over whole periods where N > 2, (m,); and the step of its first row."""
    half = period // 2
    found = ((w[half : len(w) - half] - average(w, period)) ** 2).sum(axis=1)
    return (found, half) if period == 2 else (average(found, period), 2 * half)


def mean_path(w: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Of an orbit (n, d): its centred time average (n, d), NaN where there is none; where that is over cycles (n,); the cycles.

    Everywhere: s = w − (1 − M_N)³w, M_N the centred mean over the period N. Between the first maximum of the variance and the
    end of the oscillation: the centred mean of s over a whole slow cycle of the local length L, which goes linearly from the
    middle of one cycle to the middle of the next; only where the whole window lies in there.
    """
    first = half_width(period)
    slow = _padded(w[first : len(w) - first] - fast_part(w, period), first, len(w))
    variance, row = swing(w, period)
    cycles = [(a + row, b + row) for a, b in slow_cycles(variance)]
    if not cycles:
        return slow, np.zeros(len(w), dtype=bool), []
    size = _padded(variance, row, len(w))
    lengths = np.array([last - first for first, last in cycles], dtype=float)
    local = np.interp(np.arange(len(w)), [(a + b) / 2 for a, b in cycles], lengths)
    begin, end = _stretch(size, cycles, lengths, len(w) - first)
    found = slow.copy()
    found[begin:end] = np.nan
    start, swinging = cycles[0][0], np.zeros(len(w), dtype=bool)
    for t in range(start, end):
        whole, part = divmod((local[t] - 1) / 2, 1.0)
        reach = int(whole) + (part > 0)
        if t - reach >= start and t + reach < end:
            weights = np.ones(2 * reach + 1)
            if part > 0:
                weights[[0, -1]] = part
            found[t], swinging[t] = weights @ slow[t - reach : t + reach + 1] / local[t], True
    return found, swinging, cycles


def _stretch(size: np.ndarray, cycles: list[tuple[int, int]], lengths: np.ndarray, rows: int) -> tuple[int, int]:
    """Rows [begin, end) in which the orbit swings: from the quiet before the first maximum to the quiet after the last."""
    first, last = cycles[0][0], cycles[-1][1]
    before = np.flatnonzero(size[:first] < BEGUN * size[first])
    begin = int(before[-1]) + 1 if len(before) else 0
    loud = np.flatnonzero(size >= BEGUN * size[last])
    quiet = rows - int(loud[-1]) > QUIET * lengths[-1]
    return begin, int(loud[-1]) + 1 if quiet else rows


def _padded(values: np.ndarray, first: int, rows: int) -> np.ndarray:
    """NaN rows before and behind."""
    found = np.full((rows, *values.shape[1:]), np.nan)
    found[first : rows - first] = values
    return found
