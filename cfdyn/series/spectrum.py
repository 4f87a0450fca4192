"""Tests on the fast part of a series: lines at the frequencies j/q, lines elsewhere, and dependence in time."""

import math
from typing import NamedTuple

import numpy as np

from cfdyn.series.filters import ORDER, TINY, fast_part, half_width, response

BLOCKS, FEWEST = 24, 4  # of a log at most and at least: fewer have no scatter to speak of
TOGETHER = 4  # periods that are scaled alike: fewer would follow the noise


class SpectralLine(NamedTuple):
    """A line at frequency j/q (lowest terms) with its p-value, share of fast power, and rows [first, last)."""

    q: int
    j: int
    p: float
    share: float
    first: int
    last: int
    turn: float
    turn_p: float


def block_shape(rows: int, period: int) -> tuple[int, int]:
    """(number of blocks, periods in each): as long as possible, so that noise forgets between them."""
    periods = rows // period
    count = min(BLOCKS, max(6, periods // 3), periods)
    return count, periods // count if count else 0


def best_line(x: np.ndarray, q: int) -> SpectralLine | None:
    """The strongest line with denominator q in the best run of blocks; None where the log is too short.

    In each block the Fourier coefficient at j/q, over the root mean square of the block, is one
    complex number. Noise turns it at random, a cycle does not: F = k|z̄|²/s² with (2, 2k − 2)
    degrees of freedom, (1, k − 1) at frequency ½.
    """
    # Two periods wide, so that noise is left flat about every line.
    start = half_width(2 * q, 2)
    if len(x) < 2 * start + FEWEST * q:
        return None
    fast = fast_part(x, 2 * q, 2)
    count, cycles = block_shape(len(fast), q)
    if count < FEWEST:
        return None
    z, size = _coefficients(fast, x[start:], q, count, cycles), cycles * q
    best: SpectralLine | None = None
    reduced = [j for j in range(1, q // 2 + 1) if math.gcd(j, q) == 1]
    for lo, hi in stretches(count):
        means, p = np.abs(z[lo:hi, reduced].mean(axis=0)), float(chance(z[lo:hi, reduced], q == 2).min())
        if best is None or (p, -(hi - lo)) < (best.p, -(best.last - best.first) // size):
            j = reduced[int(means.argmax())]
            share = float((1 if q == 2 else 2) * (means**2).sum())
            turn = coherence(z[lo:hi, j], 2 * j == q)[1:]
            best = SpectralLine(q, j, p, share, start + lo * size, start + hi * size, *turn)
    return best


def _coefficients(fast: np.ndarray, x: np.ndarray, q: int, count: int, cycles: int) -> np.ndarray:
    """Fourier coefficients at j/q in each block, (count, q), every four periods scaled to size 1 before.

    Scaling lets growth over many orders of magnitude, and spikes, count no more than other rows.
    """
    together = min(TOGETHER, cycles)
    pieces = cycles // together
    kept = pieces * together * q
    rows, around = (part[: count * cycles * q].reshape(count, -1)[:, :kept] for part in (fast, x))
    rows = rows.reshape(count, pieces, together, q)
    floor = 16 * TINY * np.abs(around).reshape(count, pieces, -1).max(axis=2)
    scale = np.sqrt((rows**2).mean(axis=(2, 3)) + floor**2)
    scale[scale == 0] = 1.0
    return np.fft.fft((rows.mean(axis=2) / scale[:, :, None]).mean(axis=1), axis=1) / q


def least_share(q: int, rows: int) -> float:
    """The least share that a line must have: what smooth growth leaves in m periods is below 0.5/m²; never below 0.1."""
    cycles = block_shape(rows - 2 * half_width(2 * q, 2), q)[1]
    return min(0.3, max(0.1, 0.5 / max(min(cycles, TOGETHER), 1) ** 2))


def stretches(count: int) -> list[tuple[int, int]]:
    """Stretches of blocks that are tested: all, and halves, thirds and sixths with half overlap."""
    parts = [(0, count)]
    for part in (2, 3, 6):
        length = count // part
        if length >= 4:
            parts += [(lo, lo + length) for lo in range(0, count - length + 1, max(length // 2, 1))]
    return parts


def chance(z: np.ndarray, real: bool) -> np.ndarray:
    """The p-value of the mean of each column (k, m) against its scatter: F = k|z̄|²/s²."""
    from scipy.special import fdtrc

    k, mean, degrees = len(z), z.mean(axis=0), 1 if real else 2
    scatter = (np.abs(z - mean) ** 2).sum(axis=0) + TINY**2
    return np.asarray(fdtrc(degrees, degrees * (k - 1), k * (k - 1) * np.abs(mean) ** 2 / scatter))


def coherence(z: np.ndarray, real: bool) -> tuple[float, float, float]:
    """(p-value of the mean against the scatter, turn of the phase over the run in rad, p-value of the turn)."""
    from scipy.special import stdtr

    k, mean, p = len(z), z.mean(), float(chance(z[:, None], real)[0])
    if real or abs(mean) < 1e-100:
        return p, 0.0, 1.0
    angle = (z * np.conj(mean)).imag / abs(mean) ** 2
    index = np.arange(k) - (k - 1) / 2
    slope = float(angle @ index / (index @ index))
    rest = angle - angle.mean() - slope * index
    error = math.sqrt(float(rest @ rest) / max(k - 2, 1) / float(index @ index))
    return p, slope * k, 2 * float(stdtr(max(k - 2, 1), -abs(slope) / max(error, 1e-15)))


def steadiness(fast: np.ndarray, line: SpectralLine) -> float:
    """|Σz|/Σ|z| of the line's coefficients in blocks along the whole stretch: 1 keeps its phase, 0 loses it."""
    periods = len(fast) // line.q
    size = -(-periods // BLOCKS) * line.q
    count = len(fast) // size
    t = np.arange(size)
    z = fast[: count * size].reshape(count, size) @ np.exp(-2j * np.pi * line.j / line.q * t)
    return float(abs(z.sum()) / max(np.abs(z).sum(), 1e-300))


def highest_peak(x: np.ndarray, lowest: float, combed: int = 0) -> tuple[float, float, float]:
    """(frequency, share of the power above ``lowest``, p-value) of the highest peak of the periodogram.

    Hann taper. Noise of a smooth spectrum has ordinates exponential about their level, and the level is
    a fit of log P by log f and cosines: p = m (1 + r/m)^−m with the ratio r, Fisher's g test with a level
    that varies. What `fast_part` and `comb_filter` at a period ``combed`` did is divided out, and its notches are left out.
    """
    n = len(x)
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(n))) ** 2
    frequency = np.arange(len(power)) / n
    gain = np.sin(np.pi * combed * frequency) ** 8 if combed else np.ones(len(power))
    places = np.flatnonzero((frequency >= lowest) & (gain > 0.25))
    if len(places) < 16 or not power[places].any():
        return math.nan, 0.0, 1.0
    flat = power[places] / gain[places]
    if combed:
        flat /= (1 - response(frequency[places], combed)) ** (2 * ORDER)
    level = _smooth_spectrum(frequency[places], flat)
    k = int(np.argmax(flat / level))
    share = float(flat[max(k - 2, 0) : k + 3].sum() / flat.sum())
    # Tapered ordinates share power with their neighbours.
    half = len(flat) / 3
    p = min(1.0, len(flat) * math.exp(-half * math.log1p(flat[k] / level[k] / half)))
    return _vertex(power, int(places[k])) / n, share, p


def _smooth_spectrum(frequency: np.ndarray, power: np.ndarray) -> np.ndarray:
    """The smooth spectrum under the ordinates: the mean of log P lies Euler's constant below that of P."""
    log = np.log(np.maximum(power, TINY**2 * power.max()))
    cosines = [np.cos(2 * np.pi * k * frequency) for k in range(1, 4 if len(log) >= 60 else 2)]
    basis = np.stack([np.ones(len(log)), np.log(frequency), *cosines], axis=1)
    return np.exp(basis @ np.linalg.lstsq(basis, log, rcond=None)[0] + np.euler_gamma)


def _vertex(power: np.ndarray, k: int) -> float:
    """The peak's place between the bins, by a parabola through the logarithms."""
    if k == 0 or k + 1 >= len(power) or min(power[k - 1 : k + 2]) <= 0:
        return float(k)
    a, b, c = np.log(power[k - 1 : k + 2])
    bend = a - 2 * b + c
    return k + (0.5 * float((a - c) / bend) if bend < 0 else 0.0)


def dependence(y: np.ndarray, period: int, counted: np.ndarray | None = None, memory: int = 6) -> tuple[float, float, float]:
    """(ξ, z-score, innovation share): does y_{t+1} depend on y_t beyond what a linear rule says?

    e is what an autoregression of ``memory`` steps leaves of y; ξ is Chatterjee's rank correlation of
    e_{t+1} with y_t (or y_{t−1}), phase by phase: 0 for linearly filtered noise, near 1 for a map. ``counted`` (n,): the rows
    that are looked at, all if not given.
    """
    middle = np.median(np.abs(y))
    y = np.clip(y, -8 * middle, 8 * middle)
    past = np.stack([y[memory - k - 1 : len(y) - k - 1] for k in range(memory)], axis=1)
    past, now = np.column_stack([past, np.ones(len(past))]), y[memory:]
    if counted is not None:
        kept = np.lib.stride_tricks.sliding_window_view(counted, memory + 1).all(axis=1)
        past, now = past[kept], now[kept]
        if len(now) < 2 * memory:
            return 0.0, 0.0, 0.0
    e = now - past @ np.linalg.lstsq(past, now, rcond=None)[0]
    power = float(now.var())
    share = float(e.var() / power) if power > 0 else 0.0
    best, count = 0.0, 0
    for lag in (0, 1):
        parts = [rank_correlation(past[c::period, lag], e[c::period]) for c in range(period)]
        enough = [(xi, m) for xi, m in parts if m >= 8]
        if enough:
            count = sum(m for _, m in enough)
            best = max(best, sum(xi * m for xi, m in enough) / count)
    # For noise √n ξ becomes normal with the variance 2/5 (Chatterjee's Theorem 2.1).
    return best, best * math.sqrt(2.5 * count), share


def roughness(y: np.ndarray) -> float:
    """Typical (y_{t+1} − y_t)² over twice typical y² (von Neumann's ratio): 1 for white noise, near 0 for a smooth curve."""
    return float(np.median(np.diff(y) ** 2) / max(2 * np.median(y**2), 1e-300))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Chatterjee's ξ = 1 − 3Σ|r_{i+1} − r_i|/(n² − 1), ranks r of y in the order of x, and n."""
    n = len(x)
    if n < 8:
        return 0.0, n
    ranks = np.empty(n)
    ranks[np.argsort(y, kind="stable")] = np.arange(n)
    return 1 - 3 * float(np.abs(np.diff(ranks[np.argsort(x, kind="stable")])).sum()) / (n * n - 1), n
