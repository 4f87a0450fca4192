"""Averages of an orbit's iterates: what each is, by how much it lags, and what it leaves of a 2-cycle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.series.filters import TINY, fast_part, half_width
from cfdyn.series.slow_cycles import BEGUN, DIGITS_LEFT
from cfdyn.systems.orbit import Orbit

ALTERNATES = 0.25  # of the step along it: the fast part where iterates oscillate (½ in a 2-cycle), not just move


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
