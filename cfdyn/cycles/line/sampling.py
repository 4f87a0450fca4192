"""Cycles of a map of one variable by sampling, where no better method applies."""

import numpy as np

from cfdyn.cycles.line.single_points import orbit_from
from cfdyn.cycles.same import distinct, from_smallest, least_period
from cfdyn.cycles.shooting import images, multipliers, polish, residual
from cfdyn.cycles.smoothness import regularity
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.map import Map

GRID = 20_001  # points at which fⁿ(x) − x is looked at
MOST_SEEDS = 3000  # more zeros of it than that cannot be told apart on the grid
HALVINGS = 60  # of a sign change, to the last digit
DIP = 0.05  # of the interval: |fⁿ(x) − x| that is smaller at a minimum may touch 0
SAME = 1e-10  # of its size: a point so near to a known one is that
MERGED, AWAY = 1e-12, 1e9  # of its size, and times the interval: points so near to each other, or so far off, are noise
OFF = 1e-3  # of its size: an orbit that misses itself by more, being next to a pole, is none


def sampled(step: Map, period: int, lo: float, hi: float, known: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Every sign change and every near-touch of fⁿ(x) − x on a grid, polished by Newton on all n points.

    Returns points (m, n) and multipliers (m,), without those of which the ``known`` cycles (k, n) have a point there.
    """
    if not np.isfinite([lo, hi]).all():
        raise UsageError(f"this map can only be sampled, on a finite interval, not from {lo:g} to {hi:g}")
    cycles: list[np.ndarray] = []
    table = np.empty(0) if known is None else np.sort(known, axis=None)
    near, extent = 1e-12 * (hi - lo), max(abs(lo), abs(hi))
    seeds = _seeds(step, period, np.linspace(lo, hi, GRID), table, near)
    if len(seeds) > MOST_SEEDS:
        raise NumericsError(f"fⁿ(x) = x to round-off at more than {MOST_SEEDS} places, n = {period}: a continuum of cycles, "
                            "or too many to list")  # fmt: skip
    for seed in seeds.tolist():
        orbit = orbit_from(step, period, seed)[:, None]
        cycle = polish(step, orbit) if np.isfinite(orbit).all() else None
        if cycle is None or _among(cycle[:1, 0], table, near).any() or not ((cycle >= lo) & (cycle <= hi)).any():
            continue
        if least_period(cycle, extent=extent) == period and not _is_noise(step, cycle, extent):
            cycles.append(from_smallest(cycle))
    slopes = np.array([multipliers(step, points) for points in cycles]).reshape(-1, 1)
    kept, mu = distinct(np.array(cycles).reshape(-1, period, 1), slopes, hi - lo)
    return kept[:, :, 0], mu[:, 0]


def _is_noise(step: Map, points: np.ndarray, extent: float) -> bool:
    """True for an orbit made of rounding: through a jump, or so far away that its points merge."""
    size, apart = float(np.abs(points).max()), np.diff(np.sort(points[:, 0]))
    merged = apart.min(initial=np.inf) <= MERGED * size
    return merged or size > AWAY * extent or residual(step, points) > OFF * size or regularity(step, points, extent) == "jump"


def continuous_between(step: Map, points: np.ndarray, count: int = 4001) -> bool:
    """True if a map of one variable looks continuous on the hull of the points: no pole, no jump on a grid."""
    x = np.linspace(points.min(), points.max(), count)[:, None]
    y = images(step, x)[:, 0]
    return bool(np.isfinite(y).all() and np.abs(np.diff(y)).max() <= 0.1 * np.ptp(y))


def _among(points: np.ndarray, known: np.ndarray, near: float) -> np.ndarray:
    """True where single points (k,) are among known ones, in ascending order, to ten digits or ``near``: before Newton, (k,)."""
    if not len(known) or not len(points):
        return np.zeros(len(points), dtype=bool)
    place = np.searchsorted(known, points)
    beside = known[np.clip([place - 1, place], 0, len(known) - 1)]
    return np.asarray((np.abs(beside - points) <= SAME * np.abs(points) + near).any(axis=0))


def _seeds(step: Map, period: int, x: np.ndarray, known: np.ndarray, near: float) -> np.ndarray:
    """Points near a solution of fⁿ(x) = x that is not known: bisected sign changes, and near-touches."""

    def gap(values: np.ndarray) -> np.ndarray:
        y = np.ascontiguousarray(values)[:, None]
        for _ in range(period):
            y = images(step, y)
        return y[:, 0] - values

    with np.errstate(all="ignore"):
        g = gap(x)
        change = np.flatnonzero(np.isfinite(g[:-1]) & np.isfinite(g[1:]) & (np.sign(g[:-1]) != np.sign(g[1:])))
        lo, hi, sign = x[change], x[change + 1], np.sign(g[change])
        for _ in range(HALVINGS):
            middle = (lo + hi) / 2
            same = np.sign(gap(middle)) == sign
            lo, hi = np.where(same, middle, lo), np.where(same, hi, middle)
        new = ~_among(hi, known, near)
        size = np.abs(g)
        dip = np.flatnonzero((size[1:-1] < size[:-2]) & (size[1:-1] < size[2:])) + 1
        close = dip[size[dip] <= DIP * (x[-1] - x[0])]
    return np.concatenate([x[change][new], hi[new], x[close]]) if len(change) or len(close) else np.empty(0)
