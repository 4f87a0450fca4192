"""`cycles`: all cycles of one period that a search finds, for maps of one variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.analysis._shooting import images, jacobians, least_period, multipliers, polish
from cfdyn.errors import UsageError
from cfdyn.records import Record, provenance
from cfdyn.systems import Map

GRID = 20_001


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
    for seed in _seeds(step, period, np.linspace(lo, hi, grid)):
        points = np.empty((period, 1))
        points[0] = seed
        for i in range(1, period):
            points[i] = images(step, points[i - 1 : i])[0]
        polished = polish(step, points) if np.isfinite(points).all() else None
        if polished is None or least_period(polished, extent=max(abs(lo), abs(hi))) != period:
            continue
        if not ((polished >= lo) & (polished <= hi)).any() or not _continuous_at(step, polished):
            continue
        ordered = np.roll(polished, -int(np.argmin(polished)), axis=0)
        key = tuple(np.round(ordered[:, 0] / (np.abs(ordered).max() or 1.0), 9))
        found.setdefault(key, _cycle(step, ordered))
    return sorted(_distinct(list(found.values())), key=lambda c: c.points[0, 0])


def _continuous_at(step: Map, points: np.ndarray) -> bool:
    """False where a point sits on a jump of the map: there the orbit is made of rounding."""
    size = 1e-9 * (np.abs(points).max() or 1.0)
    slopes = np.abs(jacobians(step, points)[:, :, 0])
    moved = [np.abs(images(step, points + s) - images(step, points)) for s in (-size, size)]
    return bool(np.all(np.maximum(*moved) <= 1e3 * size * (1 + slopes)))


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
