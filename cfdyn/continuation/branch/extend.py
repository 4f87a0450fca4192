"""A branch that ran out of steps, followed on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cfdyn.continuation.branch.directions import Leg, leg, put_together, reversed_start
from cfdyn.continuation.branch.fields import build
from cfdyn.continuation.branch.system import CycleTracer, check_size, check_steps
from cfdyn.continuation.joining import joined
from cfdyn.continuation.tracer import Solved, Traced
from cfdyn.errors import NumericsError, UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.continue_cycle import Branch

ROWS = ("parameter", "points", "multipliers", "stable")

def extended(
    branch: Branch, max_steps: int, max_step: float, coefficients: bool, progress: Callable[[int], None] | None
) -> Branch:
    """See `Branch.extended`."""
    sides = [side for side in (0, 1) if branch.paces[side] > 0]
    if not sides:
        raise UsageError(f"the branch did not run out of steps; it ends: {'; '.join(branch.ends)}")
    check_steps(max_steps, max_step)
    check_size(branch.step, branch.period, max_steps)
    for side in sides:
        if not branch.closed:
            branch = _one_way(branch, side, max_steps, max_step, coefficients, progress)
    return branch


def _one_way(
    branch: Branch, side: int, max_steps: int, max_step: float, coefficients: bool, progress: Callable[[int], None] | None
) -> Branch:
    tracer = CycleTracer(branch.step, branch.period, branch.name, branch.bounds, branch.points[0], branch.lengths)
    way = 1 if side else -1
    start, origin = (_solved(tracer, branch, row, way) for row in (-side, branch.start))
    found = leg(tracer, start, max_steps, max_step, branch.paces[side], progress, origin)
    here = reversed_start(start)
    only = Leg([Traced(here.z[None], here.tangent[None], here.values[None], "")])
    whole = put_together(tracer, found, None) if side else put_together(tracer, only, found)
    return joined(branch, build(tracer, whole, coefficients), side, ROWS, "bifurcations")


def _solved(tracer: CycleTracer, branch: Branch, row: int, way: int) -> Solved:
    """A row of the branch with its tangent that way."""
    row %= len(branch)
    ahead = 1 if 0 <= row + way < len(branch) else -1
    z, there = (tracer.z(branch.points[k], branch.parameter[k]) for k in (row, row + ahead * way))
    found = tracer.at(z, ahead * (there - z))
    if found is None:
        raise NumericsError(f"there is no tangent at {branch.name} = {z[-1]:.10g}")
    return found
