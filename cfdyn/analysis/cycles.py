"""`cycles`: all cycles of one period that a search finds, for maps of one variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.analysis._shooting import images, least_period, multipliers, polish, regularity
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records import Record, provenance
from cfdyn.systems import Map

GRID = 20_001
MOST_SEEDS = 3000


@dataclass(frozen=True)
class Cycle(Record):
    """One cycle: ``points`` (period, D) from the smallest on, ``multipliers`` (D,), and its stability.

    ``stable`` is None where the multiplier is 1 in modulus to 10⁻⁹.
    """

    points: np.ndarray
    period: int
    multipliers: np.ndarray
    stable: bool | None


def cycles(step: Map, period: int, box: Sequence[tuple[float, float]], grid: int = GRID) -> list[Cycle]:
    """Cycles of least period n with a point in the interval, by sign changes of fⁿ(x) − x.

    Every sign change and every near-touch on the grid is polished by Newton on all n points. Two
    solutions closer than the grid can be missed, so an empty list is no proof of absence.

    Parameters
    ----------
    step : a map of one variable
    period : n ≥ 1
    box : [(lo, hi)]
    grid : number of sample points

    Raises
    ------
    NumericsError : a continuum of solutions
    UsageError : a map of several variables, a period below 1, or an interval that is empty or infinite

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.84})
    >>> [(c.points[:, 0].round(4).tolist(), c.stable) for c in cf.analysis.cycles(step, 3, [(0, 1)])]
    [([0.1494, 0.488, 0.9594], True), ([0.1694, 0.5404, 0.9537], False)]
    """
    if step.dim != 1:
        raise UsageError(f"cycles searches maps of one variable; this one has {step.dim}")
    if period < 1:
        raise UsageError(f"a period is at least 1, not {period}")
    (lo, hi), *rest = box
    if rest or not (np.isfinite([lo, hi]).all() and lo < hi):
        raise UsageError(f"the box must be one finite interval lo < hi, not {list(box)}")
    found: dict[tuple, Cycle] = {}
    seeds = _seeds(step, period, np.linspace(lo, hi, grid))
    if len(seeds) > MOST_SEEDS:
        raise NumericsError(
            f"fⁿ(x) = x to round-off at more than {MOST_SEEDS} places, n = {period}: a continuum of cycles, or too many to list"
        )
    for seed in seeds:
        points = np.empty((period, 1))
        points[0] = seed
        for i in range(1, period):
            points[i] = images(step, points[i - 1 : i])[0]
        polished = polish(step, points) if np.isfinite(points).all() else None
        if polished is None or least_period(polished, extent=max(abs(lo), abs(hi))) != period:
            continue
        if not ((polished >= lo) & (polished <= hi)).any() or _is_noise(step, polished, max(abs(lo), abs(hi))):
            continue
        ordered = np.roll(polished, -int(np.argmin(polished)), axis=0)
        key = tuple(np.round(ordered[:, 0] / (np.abs(ordered).max() or 1.0), 9))
        found.setdefault(key, _cycle(step, ordered))
    return sorted(_distinct(list(found.values())), key=lambda c: c.points[0, 0])


def _is_noise(step: Map, points: np.ndarray, extent: float) -> bool:
    """True for an orbit made of rounding: through a jump, or so far away that its points merge."""
    apart = np.diff(np.sort(points[:, 0]))
    too_close = len(apart) > 0 and apart.min() <= 1e-12 * np.abs(points).max()
    return too_close or np.abs(points).max() > 1e9 * extent or regularity(step, points, extent) == "jump"


def continuous_between(step: Map, points: np.ndarray, count: int = 4001) -> bool:
    """Whether a map of one variable looks continuous on the hull of the points: no pole, no jump on a grid."""
    x = np.linspace(points.min(), points.max(), count)[:, None]
    y = images(step, x)[:, 0]
    return bool(np.isfinite(y).all() and np.abs(np.diff(y)).max() <= 0.1 * np.ptp(y))


def _cycle(step: Map, points: np.ndarray) -> Cycle:
    mu = multipliers(step, points)
    size = float(np.abs(mu[0]))
    stable = None if abs(size - 1) <= 1e-9 else bool(size < 1)
    return Cycle(points, len(points), mu, stable, provenance=provenance(map=step.title, params=step.params))


def _distinct(found: list[Cycle]) -> list[Cycle]:
    """Drop repeats that rounding of the key kept apart."""
    kept: list[Cycle] = []
    for cycle in found:
        if not any(np.allclose(cycle.points, other.points, rtol=1e-8, atol=1e-12) for other in kept):
            kept.append(cycle)
    return kept


def _seeds(step: Map, period: int, x: np.ndarray) -> np.ndarray:
    """Points near a solution of fⁿ(x) = x: bisected sign changes, and near-touches."""

    def gap(values: np.ndarray) -> np.ndarray:
        y = np.ascontiguousarray(values)[:, None]
        for _ in range(period):
            y = images(step, y)
        return y[:, 0] - values

    with np.errstate(all="ignore"):
        g = gap(x)
        change = np.flatnonzero(np.isfinite(g[:-1]) & np.isfinite(g[1:]) & (np.sign(g[:-1]) != np.sign(g[1:])))
        lo, hi, sign = x[change], x[change + 1], np.sign(g[change])
        for _ in range(60):
            middle = (lo + hi) / 2
            same = np.sign(gap(middle)) == sign
            lo, hi = np.where(same, middle, lo), np.where(same, hi, middle)
        size = np.abs(g)
        dip = np.flatnonzero((size[1:-1] < size[:-2]) & (size[1:-1] < size[2:])) + 1
        close = dip[size[dip] <= 0.05 * (x[-1] - x[0])]
    return np.concatenate([x[change], hi, x[close]]) if len(change) or len(close) else np.empty(0)
