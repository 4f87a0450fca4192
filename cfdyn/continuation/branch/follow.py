"""A cycle followed along a parameter, in both directions: what a start and bounds may be, and the whole branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.continuation.border_collisions import aside
from cfdyn.continuation.branch.directions import Leg, Whole, leg, put_together, reversed_start
from cfdyn.continuation.branch.fields import start_of
from cfdyn.continuation.branch.system import CycleTracer, check_steps
from cfdyn.cycles.angles import opened_away
from cfdyn.errors import UsageError, shown
from cfdyn.systems.map import Map, require_parameter

MOST_STEPS = 10_000
STEP = 0.05
WIDEST = 1e100  # so that squares of lengths can be formed


def followed(
    step: Map, cycle: Any, parameter: str, bounds: Sequence[float], period: int | None, max_steps: int, max_step: float,
    progress: Callable[[int], None] | None,
) -> tuple[CycleTracer, Whole]:  # fmt: skip
    """The system of a cycle and its branch in both directions; see `cfdyn.analysis.continue_cycle.continue_cycle`."""
    lo, hi = checked_bounds(step, parameter, bounds)
    if not lo <= step.params[parameter] <= hi:
        raise UsageError(f"the branch starts at {parameter} = {step.params[parameter]:.10g}, outside the bounds {lo:g} to "
                         f"{hi:g}; use step.at({parameter}=…), or other bounds")  # fmt: skip
    check_steps(max_steps, max_step)
    step, points = opened_away(step, start_of(step, cycle, period, max_steps))
    tracer = CycleTracer(step, len(points), parameter, (lo, hi), points)
    start = aside(tracer, tracer.begin(tracer.z(points, step.params[parameter])))
    forward = leg(tracer, start, max_steps, max_step, progress=progress)
    backward: Leg | None = None
    if forward.end != "closed":
        backward = leg(tracer, reversed_start(start), max_steps, max_step, progress=progress)
    return tracer, put_together(tracer, forward, backward)


def checked_bounds(step: Map, parameter: str, bounds: Sequence[float]) -> tuple[float, float]:
    """The interval of a parameter that exists, checked."""
    require_parameter(step, parameter)
    try:
        lo, hi = np.asarray(bounds, dtype=float).reshape(2).tolist()
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"bounds are two numbers (lo, hi) of {parameter}, not {shown(bounds)}") from None
    if not (np.isfinite([lo, hi]).all() and lo < hi):
        raise UsageError(f"bounds of {parameter} are finite with lo < hi, not {lo:g} to {hi:g}")
    if hi - lo > WIDEST:
        raise UsageError(f"bounds of {parameter} are at most {WIDEST:g} apart, not {lo:g} to {hi:g}")
    for inside in (lo + 1e-9 * (hi - lo), hi - 1e-9 * (hi - lo)):
        # A value that the optimizer does not allow, such as a negative learning rate, is refused here.
        step.at(**{parameter: inside})
    return lo, hi
