"""A branch that ran out of steps, followed on from there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.continuation.branch.directions import Leg, Whole, leg, put_together, reversed_start
from cfdyn.continuation.branch.system import CycleTracer
from cfdyn.continuation.tracer import Solved, Traced
from cfdyn.errors import NumericsError


def extension(
    tracer: CycleTracer, rows: np.ndarray, start: int, side: int, pace: float, max_steps: int, max_step: float,
    progress: Callable[[int], None] | None,
) -> Whole:  # fmt: skip
    """What follows on one side (0: the first row, 1: the last) of a branch with these rows of unknowns, that end included.

    ``start``: the row from which the branch was begun, where it may close; ``pace``: the length of the first step.
    """
    way = 1 if side else -1
    here, origin = (_solved(tracer, rows, row, way) for row in (-side, start))
    found = leg(tracer, here, max_steps, max_step, pace, progress, origin)
    back = reversed_start(here)
    only = Leg([Traced(back.z[None], back.tangent[None], back.values[None], "")])
    return put_together(tracer, found, None) if side else put_together(tracer, only, found)


def _solved(tracer: CycleTracer, rows: np.ndarray, row: int, way: int) -> Solved:
    """A row of the branch with its tangent that way."""
    row %= len(rows)
    ahead = 1 if 0 <= row + way < len(rows) else -1
    z, there = rows[row], rows[row + ahead * way]
    found = tracer.at(z, ahead * (there - z))
    if found is None:
        raise NumericsError(f"there is no tangent at {tracer.parameter} = {z[-1]:.10g}")
    return found
