"""Orbits that converge slowly, as near bifurcations: Newton's method finds the limit, and multipliers decide whether it
attracts."""

import numpy as np

from cfdyn.ensembles._kernels.periods import FLOOR
from cfdyn.ensembles.orbits import Orbits

ITERATIONS, CLOSED = 12, 1e-11  # of Newton's method, and the defect of a cycle beside its size
SINGULAR, NEARLY_SINGULAR = 1e-14, 1e-8  # ratios of singular values: what is 0, and where products say little of it
ALIKE = 1e-6  # of its size: points nearer than this are one, and the period is shorter
NEAR = 0.1  # of its size: how far from its cycle an orbit may still be
SHRINKS = 2.0  # times nearer it must come, in the time in which it comes SHRINKS² times nearer by the largest multiplier
DOUBTFUL, VANISHED = -1, 1e-20  # a part of where Newton's method began: a cycle so near to 0 is there
AT_ONCE = 2**22  # numbers in which returns are looked for


def slow_cycles(orbits: Orbits, longest: int, contracts: float) -> tuple[np.ndarray, np.ndarray]:
    """(period, spectral radius) of the cycle to which each orbit converges, each (N,); (0, ∞) where there is none, and
    (DOUBTFUL, ∞) where one is near whose radius is 1 to within 1 − ``contracts``.

    From where an orbit is Newton's method goes to a cycle of the period after which it comes back best, of half of it, or to a
    fixed point. The orbit converges to it if its spectral radius is below ``contracts`` and the orbit comes closer as that says.
    """
    n = len(orbits.states)
    periods, radii = np.zeros(n, np.int64), np.full(n, np.inf)
    if n == 0:
        return periods, radii
    lags = _best_returns(orbits, 2 * longest)
    for tried in (lags, np.where(lags % 2 == 0, lags // 2, 0), np.where(lags > 2, 1, 0)):
        which = np.flatnonzero((periods <= 0) & (tried > 0))
        if len(which):
            cycles, radii[which] = _converging(orbits.some(which), tried[which], longest, contracts)
            periods[which] = np.where(cycles == 0, periods[which], cycles)
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


def _converging(orbits: Orbits, lags: np.ndarray, longest: int, contracts: float) -> tuple[np.ndarray, np.ndarray]:
    """Periods and radii of `slow_cycles`, by cycles that close after ``lags`` (N,) steps."""
    points, sure = _newton(orbits, orbits.states, lags)
    size = np.abs(points).max(axis=1)
    least, closed = lags.copy(), np.flatnonzero(sure)
    least[closed] = _least_periods(orbits.some(closed), points[closed], lags[closed])
    shorter = np.flatnonzero(sure & (least <= longest) & (least < lags))
    points[shorter], sure[shorter] = _newton(orbits.some(shorter), points[shorter], least[shorter])
    sure &= least <= longest
    radii = _placed(orbits, points).radii(np.where(sure, least, 0))
    with np.errstate(invalid="ignore"):
        away = np.abs(orbits.states - points).max(axis=1)
    # At 0 a cycle has no size: that an orbit comes closer is all.
    near = sure & ((away <= NEAR * size) | (size == 0))
    periods = np.where(near & (np.abs(radii - 1) <= 1 - contracts), DOUBTFUL, 0)
    fine = np.flatnonzero(near & (radii < contracts))
    fine = fine[_come_nearer(orbits.some(fine), points[fine], least[fine], radii[fine])]
    periods[fine] = least[fine]
    return periods, np.where(periods > 0, radii, np.inf)


def _newton(orbits: Orbits, points: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, D) of cycles near those that are given, and whether they close, (N,)."""
    x, closes = np.where(np.abs(points).max(axis=1)[:, None] <= FLOOR, 0.0, points), np.zeros(len(points), bool)
    one, going = np.eye(x.shape[1]), np.arange(len(x))
    for _ in range(ITERATIONS):
        ends, matrices = _placed(orbits.some(going), x[going]).turned(periods[going])
        with np.errstate(all="ignore"):
            defect = ends - x[going]
            closes[going] = np.abs(defect).max(axis=1) <= CLOSED * np.abs(x[going]).max(axis=1)
            goes = ~closes[going] & (np.abs(ends).max(axis=1) <= orbits.escape) & np.isfinite(matrices).all(axis=(1, 2))
        going, matrices, defect = going[goes], matrices[goes] - one, defect[goes]
        if not len(going):
            break
        x[going] -= _solved(matrices, defect)
        gone = np.abs(x[going]).max(axis=1) <= np.maximum(VANISHED * np.abs(points[going]).max(axis=1), FLOOR)
        x[going[gone]] = 0.0
    return x, closes & np.isfinite(x).all(axis=1)


def _solved(matrices: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """The shortest x (N, D) with the least |A x − b|: of two unknowns by Cramer's rule where A is far from singular."""
    if matrices.shape[1] != 2:
        return (np.linalg.pinv(matrices, rcond=SINGULAR) @ sides[:, :, None])[:, :, 0]
    (a, b), (c, d) = matrices.transpose(1, 2, 0)
    with np.errstate(all="ignore"):
        det = a * d - b * c
        x = np.stack([d * sides[:, 0] - b * sides[:, 1], a * sides[:, 1] - c * sides[:, 0]], axis=1) / det[:, None]
        hard = ~((np.abs(det) > NEARLY_SINGULAR * (a * a + b * b + c * c + d * d)) & np.isfinite(x).all(axis=1))
    x[hard] = (np.linalg.pinv(matrices[hard], rcond=SINGULAR) @ sides[hard, :, None])[:, :, 0]
    return x


def _least_periods(orbits: Orbits, points: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """The least number of steps, a divisor of ``periods``, after which each point (N, D) of a cycle comes back, (N,)."""
    least, size = periods.copy(), np.abs(points).max(axis=1)
    for lag in range(periods.max(initial=0) // 2, 0, -1):
        which = np.flatnonzero((periods % lag == 0) & (periods > lag))
        if len(which):
            placed = _placed(orbits.some(which), points[which])
            placed.advance(lag)
            with np.errstate(invalid="ignore"):
                which = which[np.abs(placed.states - points[which]).max(axis=1) <= ALIKE * size[which]]
            least[which] = lag
    return least


def _come_nearer(orbits: Orbits, points: np.ndarray, periods: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Which orbits come closer to the points (N, D) of cycles on their way; (N,)."""
    turns = np.ceil(np.log(SHRINKS**2) / (1 - radii))
    # Together go those that take as many steps.
    steps, nearer = periods * 2 ** np.ceil(np.log2(turns)).astype(np.int64), np.zeros(len(points), bool)
    for count in np.unique(steps).tolist():
        which = np.flatnonzero(steps == count)
        part = orbits.some(which)
        before = np.abs(part.states - points[which]).max(axis=1)
        part.advance(count)
        after = np.abs(part.states - points[which]).max(axis=1)
        least = np.maximum(CLOSED * np.abs(points[which]).max(axis=1), FLOOR)
        nearer[which] = (part.ended == 0) & (after <= np.maximum(before / SHRINKS, least))
    return nearer


def _placed(orbits: Orbits, points: np.ndarray) -> Orbits:
    """The same maps at other states."""
    placed = orbits.some(np.arange(len(points)))
    placed.states[:] = points
    return placed
