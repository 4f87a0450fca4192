"""Slow and fast parts of a series: filters that pass N-cycles unchanged, and the interval in which a fast part is active."""

import numpy as np

ORDER = 3  # of the high-pass filter: polynomials of time up to degree 5 vanish
HIDDEN = 1.6  # times the size that noise alone would have: below, a cycle cannot be told from it
TINY = np.finfo(float).eps


def average(x: np.ndarray, period: int) -> np.ndarray:
    """M_N x, the centred mean over one whole period, (n − 2⌊N/2⌋,): N-cycles give 0, straight lines pass.

    Even periods take the half weights (½, 1, …, 1, ½)/N; for N = 2 this is the midpoint (1, 2, 1)/4.
    Sums of shifted copies, not of running totals: a fast part 10⁻¹⁶ times smaller survives.
    """
    half, rows = period // 2, len(x) - 2 * (period // 2)
    total = x[half : half + rows].copy()
    for k in range(1, half + 1):
        weight = 0.5 if k == half and period % 2 == 0 else 1.0
        total += weight * (x[half - k : half - k + rows] + x[half + k : half + k + rows])
    return total / period


def response(frequency: np.ndarray, period: int) -> np.ndarray:
    """The factor that M_N puts on cos 2πft: 1 at f = 0, 0 at every j/N."""
    half = period // 2
    weights = np.ones(half)
    weights[-1] = 0.5 if period % 2 == 0 else 1.0
    waves = np.cos(2 * np.pi * np.outer(np.arange(1, half + 1), frequency))
    return (1 + 2 * weights @ waves) / period


def fast_part(x: np.ndarray, period: int, order: int = ORDER) -> np.ndarray:
    """(1 − M_N)^order x, (n − 2·order·⌊N/2⌋,): N-cycles pass unchanged, polynomials of degree < 2·order vanish."""
    half = period // 2
    for _ in range(order):
        x = x[half : len(x) - half] - average(x, period)
    return x


def without_spikes(x: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(x with its running median over ``width`` (odd) rows in place of spikes, where these are), each (n,).

    Rows of a spike are farther from the median than 8 times the median distance and 4 steps; so are those about them until
    the distance is no more than usual, for a spike may die away slowly. Monotone motion passes the median, also at the ends.
    """
    from scipy.ndimage import median_filter

    half = width // 2
    ends = 2 * x[0] - x[half:0:-1], 2 * x[-1] - x[-2 : -half - 2 : -1]
    level = median_filter(np.concatenate([ends[0], x, ends[1]]), size=width)[half : half + len(x)]
    away = np.abs(x - level)
    usual = float(np.median(away))
    high = away > 8 * usual + 4 * np.median(np.abs(np.diff(x)))
    grown = _grown(high, away > usual)
    return np.where(grown, level, x), grown


def _grown(marked: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The runs of ``room`` that hold a marked row, (n,)."""
    run = np.cumsum(np.diff(room, prepend=False) != 0)
    return room & np.isin(run, run[marked & room])


def half_width(period: int, order: int = ORDER) -> int:
    """Rows that ``fast_part`` loses at either end."""
    return order * (period // 2)


def comb_filter(x: np.ndarray, period: int) -> np.ndarray:
    """x less its neighbours a period away, twice, (n − 4N,): f passes with sin⁴(πNf), N-cycles of cubic size vanish."""
    for _ in range(2):
        x = (2 * x[period:-period] - x[: -2 * period] - x[2 * period :]) / 4
    return x


def noise_gain(period: int) -> tuple[float, float]:
    """Standard deviations of white noise of 1 after `fast_part`, and after `comb_filter` too."""
    impulse = np.zeros(2 * half_width(period) + 12 * period + 1)
    impulse[len(impulse) // 2] = 1.0
    impulse = np.pad(impulse, half_width(period) + 4 * period)
    fast = fast_part(impulse, period)
    return float(np.linalg.norm(fast)), float(np.linalg.norm(comb_filter(fast, period)))


def repeating(fast: np.ndarray, period: int) -> np.ndarray:
    """The part that repeats after a period while its size varies slowly, (n,).

    Each phase by itself is smoothed by local parabolas over 11 periods (Savitzky and Golay 1964);
    by straight lines over fewer where the log is short. Noise is left flat but for narrow notches at j/N.
    """
    from scipy.signal import savgol_filter

    cycles = len(fast) // period
    window = min(11, cycles - 1 + cycles % 2)
    order = 2 if window >= 9 else min(1, window - 1)
    smooth = np.empty(len(fast))
    for phase in range(period):
        smooth[phase::period] = savgol_filter(fast[phase::period], window, order, mode="interp")
    return smooth


def whole_fast_part(x: np.ndarray, period: int) -> np.ndarray:
    """`fast_part` on all rows, (n,): the ends are continued by x_{t+N} = 2x_t − x_{t−N} first."""
    pad = half_width(period)
    for _ in range(2):
        x = x[::-1]
        extended = np.concatenate([x, np.empty(pad)])
        for t in range(len(x), len(extended), period):
            stop = min(t + period, len(extended))
            one, two = extended[t - period : stop - period], extended[t - 2 * period : stop - 2 * period]
            extended[t:stop] = 2 * one - two
        x = extended
    return fast_part(x, period)


def amplitude(fast: np.ndarray, period: int, cycles: int) -> np.ndarray:
    """Half peak-to-peak of the fast part around each row, (n,), averaged over ``cycles`` (odd) periods."""
    smooth = mean_over(fast, period, cycles)
    padded = np.pad(smooth, (period // 2, period - 1 - period // 2), mode="edge")
    high, low = padded[: len(fast)].copy(), padded[: len(fast)].copy()
    for k in range(1, period):
        np.maximum(high, padded[k : k + len(fast)], out=high)
        np.minimum(low, padded[k : k + len(fast)], out=low)
    return (high - low) / 2


def mean_over(x: np.ndarray, lag: int, count: int) -> np.ndarray:
    """Mean of x_t and its neighbours at multiples of the lag; fewer of them at the ends."""
    total, number = x.copy(), np.ones(len(x))
    for k in range(1, count // 2 + 1):
        shift = k * lag
        if shift >= len(x):
            break
        total[shift:] += x[:-shift]
        total[:-shift] += x[shift:]
        number[shift:] += 1
        number[:-shift] += 1
    return total / number


def active_rows(fast: np.ndarray, period: int, run: tuple[int, int]) -> tuple[int, int, int, int]:
    """(since, until, first, last): the rows between which the cycle lives, and those where it has its full size.

    Within the run the longest episode counts in which the size stays above a tenth of its upper
    quartile; its full size is half the median there. From there it is followed outwards to its
    smallest size, or to where noise hides it.
    """
    size = amplitude(fast, period, 3)
    noise = _noise(fast, period)
    lo, hi = run
    level = np.quantile(size[lo:hi], 0.75)
    visible = size >= np.maximum(0.1 * level, np.minimum(HIDDEN * noise, 0.5 * level))
    first, last = longest_run(visible, 10 * period)
    upper = np.median(size[first : last + 1])
    seen = np.flatnonzero(size[first : last + 1] >= 0.5 * upper) + first
    first, last = int(seen[0]), int(seen[-1])
    since = first - _steps_outwards(size[first::-1], noise[first::-1])
    until = last + _steps_outwards(size[last:], noise[last:])
    return since, until, first, last


def _noise(fast: np.ndarray, period: int) -> np.ndarray:
    """The size, (n,), that the local noise alone would have: half the mean range of N normal numbers times its level."""
    rough = np.zeros(len(fast))
    if len(fast) > 4 * period + 2:
        rough[2 * period : -2 * period] = comb_filter(fast, period) ** 2 * (128 / 35)
    spread = np.sqrt(mean_over(rough, 1, 16 * period + 1) / 3)
    return spread * (0.56 + 0.62 * np.log(period / 2))


def _steps_outwards(size: np.ndarray, noise: np.ndarray) -> int:
    """Steps outwards while the cycle shrinks and can still be told from noise."""
    hidden = np.flatnonzero(size <= HIDDEN * noise)
    stop = int(hidden[0]) if len(hidden) else len(size)
    lowest = np.minimum.accumulate(size[:stop])
    rising = np.flatnonzero(size[:stop] > 2 * lowest)
    if len(rising):
        return int(np.argmin(size[: rising[0]]))
    return max(stop - 1, 0)


def longest_run(marked: np.ndarray, gap: int) -> tuple[int, int]:
    """(first, last) of the longest run of True, gaps up to ``gap`` rows bridged."""
    rows = np.flatnonzero(marked)
    breaks = np.flatnonzero(np.diff(rows) > gap)
    firsts, lasts = np.concatenate([[rows[0]], rows[breaks + 1]]), np.concatenate([rows[breaks], [rows[-1]]])
    best = int(np.argmax(lasts - firsts))
    return int(firsts[best]), int(lasts[best])
