"""Averages of an orbit's iterates, their lags and their effect on a 2-cycle; the mean path as their reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.series.filters import TINY, average, fast_part, half_width
from cfdyn.series.slow_cycles import BEGUN, DIGITS_LEFT, slow_cycles
from cfdyn.systems.orbit import Orbit

ALTERNATES = 0.25  # of the step along it: the fast part where iterates oscillate (½ in a 2-cycle), not just move
QUIET = 2.0  # whole slow cycles without an oscillation, after which it counts as over


@dataclass(frozen=True)
class Estimator:
    """Rows ``w`` (m, d) from step ``first`` on; ``lag`` (m,) in steps; ``delay``: of the last iterate that it needs."""

    name: str
    first: int
    w: np.ndarray
    lag: np.ndarray
    delay: int
    leaves: float


def estimators(orbit: Orbit, decays: Sequence[float]) -> list[Estimator]:
    """The iterates themselves and their averages, with their formulas.

    On a straight line each is where the iterates were ``lag`` steps ago; of (−1)^t it leaves the factor ``leaves``:
    the mean of two ½ and 0; (1, 2, 1)/4 0 and 0; EMA a/(1 − a) and (1 − a)/(1 + a); the mean of w_0…w_t t/2 and 1/(2t + 2), half
    of what it leaves in every other step, here at the last.
    """
    n = len(orbit.z)
    rows = [
        ("iterate", 0, orbit.w, 0.0, 0, 1.0),
        ("last_two", 1, orbit.last_two(), 0.5, 0, 0.0),
        *((f"ema={a:g}", 0, orbit.ema(a), a / (1 - a), 0, (1 - a) / (1 + a)) for a in decays),
        ("midpoints", 1, orbit.midpoints(), 0.0, 1, 0.0),
        ("polyak", 0, orbit.polyak(), np.arange(n) / 2, 0, 1 / (2 * n)),
    ]
    return [Estimator(name, first, w, np.full(len(w), lag), delay, left) for name, first, w, lag, delay, left in rows]


def left_of(w: np.ndarray, first: int, iterates: np.ndarray, period: int) -> tuple[float, int]:
    """The fast part of an average over that of the iterates, root mean squares over the rows where these oscillate; those."""
    rows = slice(first, first + len(w))
    cut = half_width(period)
    if len(w) <= 2 * cut:
        return math.nan, 0
    ends = slice(cut, len(w) - cut)
    fast = fast_part(iterates[rows], period)
    mine, theirs = (np.linalg.norm(x, axis=1) for x in (fast_part(w, period), fast))
    moved = np.abs((np.diff(iterates, axis=0, prepend=iterates[:1])[rows][ends] * fast).sum(axis=1))
    unit = TINY * np.abs(iterates).max()
    active = (theirs**2 >= BEGUN * (theirs**2).max()) & (theirs**2 >= ALTERNATES * moved) & (theirs > DIGITS_LEFT * unit)
    return (rms(mine[active]) / rms(theirs[active]), int(active.sum())) if active.any() else (math.nan, 0)


def rms(values: np.ndarray) -> float:
    """Root mean square of what is finite, NaN if nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.sqrt((finite**2).mean())) if len(finite) else math.nan


def swing(w: np.ndarray, period: int) -> tuple[np.ndarray, int]:
    """The variance ‖w_t − M_N w_t‖² of an orbit (n, d), over whole periods where N > 2, (m,); and the step of its first row."""
    half = period // 2
    squares = ((w[half : len(w) - half] - average(w, period)) ** 2).sum(axis=1)
    return (squares, half) if period == 2 else (average(squares, period), 2 * half)


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
    mean = slow.copy()
    mean[begin:end] = np.nan
    start, swinging = cycles[0][0], np.zeros(len(w), dtype=bool)
    for t in range(start, end):
        whole, part = divmod((local[t] - 1) / 2, 1.0)
        reach = int(whole) + (part > 0)
        if t - reach >= start and t + reach < end:
            weights = np.ones(2 * reach + 1)
            if part > 0:
                weights[[0, -1]] = part
            mean[t], swinging[t] = weights @ slow[t - reach : t + reach + 1] / local[t], True
    return mean, swinging, cycles


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
    padded = np.full((rows, *values.shape[1:]), np.nan)
    padded[first : rows - first] = values
    return padded
