"""Whether a critical multiplier crosses the unit circle as the parameter passes its value, or only touches it."""

from __future__ import annotations

import numpy as np

from cfdyn.cycles.shooting import multipliers, polish
from cfdyn.errors import CfdynError
from cfdyn.systems.map import Map

SLOW = 1e-6  # of a speed, per size of the parameter: a faster one crosses
BESIDE = (1e-2, 1e-3)  # of the size of the parameter
LEVEL = 1e-12  # of |μ| − 1: rounding


def touching(step: Map, points: np.ndarray, parameter: str | None, multiplier: complex, speed: float) -> str | None:
    """ "inside" or "outside" if the multiplier has the speed 0 and lies there on both sides of the parameter, else None.

    Looked at on the cycles that Newton's method finds beside, at two distances.
    """
    size = max(abs(step.params[parameter]), 1.0) if parameter else 1.0
    if parameter is None or not abs(speed) * size <= SLOW:
        return None
    levels = [_level(step, points, parameter, side * share * size, multiplier) for share in BESIDE for side in (-1, 1)]
    inside = {level < 0 for level in levels}
    if len(inside) > 1 or not min(map(abs, levels)) > LEVEL:
        return None
    return "inside" if inside.pop() else "outside"


def _level(step: Map, points: np.ndarray, parameter: str, away: float, multiplier: complex) -> float:
    """|μ| − 1 of the multiplier nearest to the critical one, NaN where there is no cycle."""
    try:
        beside = step.at(**{parameter: step.params[parameter] + away})
    except CfdynError:
        return np.nan
    cycle = polish(beside, points)
    if cycle is None:
        return np.nan
    mu = multipliers(beside, cycle)
    return float(abs(mu[np.argmin(np.abs(mu - multiplier))]) - 1)
