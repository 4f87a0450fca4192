"""Orbits that converge slowly, as they do beside bifurcations: Newton's method finds what to, multipliers say whether they do."""

import numpy as np

from cfdyn.ensembles.orbits import Orbits
from cfdyn.kernels.lanes.periods import FLOOR

ITERATIONS, CLOSED = 12, 1e-11  # of Newton's method, and the defect of a cycle beside its size
ALIKE = 1e-6  # of its size: points nearer than this are one, and the period is shorter
NEAR = 0.1  # of its size: how far from its cycle an orbit may still be
SHRINKS = 2.0  # times nearer it must come, in the time in which it comes SHRINKS² times nearer by the largest multiplier
DOUBTFUL, VANISHED = -1, 1e-20  # a part of where Newton's method began: a cycle so near to 0 is there
AT_ONCE = 2**22  # numbers in which returns are looked for


def slow_cycles(orbits: Orbits, longest: int, contracts: float) -> tuple[np.ndarray, np.ndarray]:
    """(period, spectral radius) of the cycle to which each orbit converges, each (N,); (0, ∞) where there is none, and
    (DOUBTFUL, ∞) where one is near whose radius is 1 to within 1 − ``contracts``.

    From where an orbit is Newton's method goes to a cycle of the period after which it comes back best, of half of it, or to a
    fixed point. The orbit converges to it if its spectral radius is below ``contracts`` and the orbit comes nearer as that says.
    """
    n = len(orbits.states)
    periods, radii = np.zeros(n, np.int64), np.full(n, np.inf)
    if n == 0:
        return periods, radii
    lags = _best_returns(orbits, 2 * longest)
    for tried in (lags, np.where(lags % 2 == 0, lags // 2, 0), np.where(lags > 2, 1, 0)):
        for lag in np.unique(tried[(periods <= 0) & (tried > 0)]).tolist():
            which = np.flatnonzero((periods <= 0) & (tried == lag))
            few = orbits.some(which)
            few.threads = 1  # there are few of them: to begin a thread takes longer than a step of Newton's method
            found, radii[which] = _converging(few, lag, longest, contracts)
            periods[which] = np.where(found == 0, periods[which], found)
    return periods, radii


def _best_returns(orbits: Orbits, longest: int) -> np.ndarray:
    """The number of steps up to ``longest`` after which each orbit comes back best, (N,)."""
    n, d = orbits.states.shape
    best = np.ones(n, np.int64)
    each = max(1, AT_ONCE // (2 * longest * d))
    for begin in range(0, n, each):
        some = np.arange(begin, min(begin + each, n))
        kept = np.stack([orbits.some(some).keep(2 * longest, entry) for entry in range(d)])
        last = kept[:, :, longest:]
        gaps = [np.abs(last - kept[:, :, longest - lag : 2 * longest - lag]).max(axis=(0, 2)) for lag in range(1, longest + 1)]
        best[some] = 1 + np.argmin(np.nan_to_num(gaps, nan=np.inf), axis=0)
    return best


def _converging(orbits: Orbits, lag: int, longest: int, contracts: float) -> tuple[np.ndarray, np.ndarray]:
    """Periods and radii of `slow_cycles`, by cycles that close after ``lag`` steps."""
    n = len(orbits.states)
    periods, radii = np.zeros(n, np.int64), np.full(n, np.inf)
    points, closes = _newton(orbits, orbits.states, lag)
    size = np.abs(points).max(axis=1)
    least = _least_periods(orbits, points, lag)
    for period in np.unique(least[closes & (least <= longest)]).tolist():
        which = np.flatnonzero(closes & (least == period))
        found, sure = _newton(orbits.some(which), points[which], period) if period < lag else (points[which], closes[which])
        radius = radii_of(_placed(orbits.some(which), found).monodromy(np.full(len(which), period)))
        away = np.abs(orbits.states[which] - found).max(axis=1)
        # At 0 a cycle has no size: that an orbit comes nearer is all.
        near = sure & ((away <= NEAR * size[which]) | (size[which] == 0))
        periods[which[near & (np.abs(radius - 1) <= 1 - contracts)]] = DOUBTFUL
        fine = near & (radius < contracts)
        fine[fine] = _come_nearer(orbits.some(which[fine]), found[fine], period, radius[fine])
        periods[which[fine]], radii[which[fine]] = period, radius[fine]
    return periods, radii


def _newton(orbits: Orbits, points: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, D) of cycles near those that are given, and whether they close, (N,)."""
    x, closes = np.where(np.abs(points).max(axis=1)[:, None] <= FLOOR, 0.0, points), np.zeros(len(points), bool)
    turns, one = np.full(len(x), period), np.eye(x.shape[1])
    for _ in range(ITERATIONS):
        placed = _placed(orbits, x)
        matrices = placed.monodromy(turns) - one
        placed.advance(period)
        with np.errstate(all="ignore"):
            defect = placed.states - x
            closes = np.abs(defect).max(axis=1) <= CLOSED * np.abs(x).max(axis=1)
            goes = ~closes & (placed.ended == 0) & np.isfinite(matrices).all(axis=(1, 2)) & np.isfinite(defect).all(axis=1)
        if not goes.any():
            break
        x[goes] -= (np.linalg.pinv(matrices[goes], rcond=1e-14) @ defect[goes, :, None])[:, :, 0]
        x[np.abs(x).max(axis=1) <= np.maximum(VANISHED * np.abs(points).max(axis=1), FLOOR)] = 0.0
    return x, closes & np.isfinite(x).all(axis=1)


def _least_periods(orbits: Orbits, points: np.ndarray, period: int) -> np.ndarray:
    """The least number of steps after which each point (N, D) of a cycle comes back, (N,)."""
    least, size = np.full(len(points), period), np.abs(points).max(axis=1)
    for lag in range(period // 2, 0, -1):
        if period % lag == 0:
            placed = _placed(orbits, points)
            placed.advance(lag)
            with np.errstate(invalid="ignore"):
                least[np.abs(placed.states - points).max(axis=1) <= ALIKE * size] = lag
    return least


def _come_nearer(orbits: Orbits, points: np.ndarray, period: int, radii: np.ndarray) -> np.ndarray:
    """Which orbits come nearer to the points (N, D) of cycles on their way; (N,)."""
    turns = np.ceil(np.log(SHRINKS**2) / (1 - radii))
    # Together go those that take about as long.
    turns, nearer = 2 ** np.ceil(np.log2(turns)).astype(np.int64), np.zeros(len(points), bool)
    for count in np.unique(turns).tolist():
        which = np.flatnonzero(turns == count)
        part = orbits.some(which)
        before = np.abs(part.states - points[which]).max(axis=1)
        part.advance(int(count) * period)
        after = np.abs(part.states - points[which]).max(axis=1)
        least = np.maximum(CLOSED * np.abs(points[which]).max(axis=1), FLOOR)
        nearer[which] = (part.ended == 0) & (after <= np.maximum(before / SHRINKS, least))
    return nearer


def _placed(orbits: Orbits, points: np.ndarray) -> Orbits:
    """The same maps at other states."""
    placed = orbits.some(np.arange(len(points)))
    placed.states[:] = points
    return placed


def radii_of(matrices: np.ndarray) -> np.ndarray:
    """Spectral radii, (N,); ∞ where a matrix is not finite."""
    if matrices.shape[1] == 1:
        return np.nan_to_num(np.abs(matrices[:, 0, 0]), nan=np.inf)
    finite, radii = np.isfinite(matrices).all(axis=(1, 2)), np.full(len(matrices), np.inf)
    if matrices.shape[1] == 2:
        radii[finite] = _radii_of_two(matrices[finite])
    else:
        radii[finite] = np.abs(np.linalg.eigvals(matrices[finite])).max(axis=1, initial=0.0)
    return radii


def _radii_of_two(matrices: np.ndarray) -> np.ndarray:
    """Of matrices (N, 2, 2): the eigenvalues are t ± √(h² + bc), t and h half the sum and the difference of the diagonal.

    √|bc| by itself neither overflows nor underflows, as an entry of the product of many steps may.
    """
    (a, b), (c, d) = matrices.transpose(1, 2, 0)
    t, h, m = np.abs(a / 2 + d / 2), np.abs(a / 2 - d / 2), np.sqrt(np.abs(b)) * np.sqrt(np.abs(c))
    turns = np.sign(b) * np.sign(c) < 0
    with np.errstate(over="ignore"):
        apart = np.sqrt(np.abs(h - m)) * np.sqrt(h + m)
        return np.where(turns, np.where(h >= m, t + apart, np.hypot(t, apart)), t + np.hypot(h, m))
