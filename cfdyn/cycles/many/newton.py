"""A cycle of a map of many weights near a state: Newton's method on fⁿ(x) = x by Krylov's, and its leading multipliers."""

from typing import NamedTuple

import numpy as np

from cfdyn.cycles.many.linear import Linear, shape_of
from cfdyn.cycles.many.multipliers import Leading
from cfdyn.cycles.many.steps import Steps
from cfdyn.systems.any_map import AnyMap

MOST, WATCHED = 14, 8  # corrections; multipliers
CLOSED = 1e-11  # of the size: a defect that is round-off
FAR = 0.5  # of the size: a first correction that leads elsewhere


class Found(NamedTuple):
    """``points`` (n, D), the largest defect of a step, and the ``leading`` multipliers with their residuals."""

    points: np.ndarray
    residual: float
    leading: Leading


def cycle_near(step: AnyMap, x: np.ndarray, n: int, watched: int = WATCHED) -> Found | None:
    """The n-cycle near x (D,), or None; where M − 1 is singular, as of weights that change nothing, the nearest one."""
    steps, z = Steps(step, "", n), x.copy()
    size = max(float(np.abs(x).max()), 1e-300)
    local = steps.at(z, 0.0)
    shape = shape_of(local, steps.at(z + 1e-3 * size * np.random.default_rng(4).normal(size=len(z)), 0.0), steps.order, watched)
    best, smallest = None, np.inf
    for _ in range(MOST):
        defect = local.image - z
        now = float(np.abs(defect).max())
        if not np.isfinite(now):
            return None
        if now < smallest:
            best, smallest = local, now
        elif smallest <= CLOSED * size:
            break
        if now <= 1e-15 * size:
            break
        change = Linear(local, shape).solve(-defect)
        if not np.isfinite(change).all() or np.abs(change).max() > FAR * size:
            # A singular system has no solution for a defect that is round-off.
            break
        z = z + change
        local = steps.at(z, 0.0)
    if best is None or smallest > CLOSED * size:
        return None
    return Found(best.points, smallest, Linear(best, shape).spectrum(vectors=False))
