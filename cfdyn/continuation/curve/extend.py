"""A curve of bifurcations that ran out of steps, followed on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.continuation.curve.directions import leg
from cfdyn.continuation.curve.fields import build
from cfdyn.continuation.curve.start import border
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.joining import joined
from cfdyn.continuation.tracer import Solved
from cfdyn.errors import NumericsError, UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.bifurcation_curve import BifurcationCurve

ROWS = ("parameters", "points", "multipliers", "coefficient", "above")


def extended(
    curve: BifurcationCurve, max_steps: int, max_step: float, progress: Callable[[int], None] | None
) -> BifurcationCurve:
    """See `BifurcationCurve.extended`."""
    sides = [side for side in (0, 1) if curve.paces[side] > 0]
    if not sides:
        raise UsageError(f"the curve did not run out of steps; it ends: {'; '.join(curve.ends)}")
    for side in sides:
        if not curve.closed:
            curve = _one_way(curve, side, max_steps, max_step, progress)
    return curve


def _one_way(
    curve: BifurcationCurve, side: int, max_steps: int, max_step: float, progress: Callable[[int], None] | None
) -> BifurcationCurve:
    step, points = curve.map_at(curve.start), curve.points[curve.start]
    rule = f"expression:{curve.condition}" if curve.condition else None
    if curve.kind == "border collision":
        rule = f"switching:{border(step, points)[1]}"
    tracer = CurveTracer(step, curve.kind, points, curve.names, curve.bounds, rule)
    tracer.watch(_solved(tracer, curve, 1, 1))
    start, origin = (_solved(tracer, curve, row, 1 if side else -1) for row in (2 * side, 1))
    found = leg(tracer, start, max_steps, max_step, progress, curve.paces[side], origin)
    return _joined(curve, build(tracer, found if side else found.reversed(), curve.condition), side)


def _solved(tracer: CurveTracer, curve: BifurcationCurve, which: int, way: int) -> Solved:
    """The first row, the start or the last one, with its tangent that way."""
    z, tangent = curve.unknowns[which]
    found = tracer.solve(z, tracer.weights * tangent)
    there = None if found is None else tracer.at(found.z, way * tangent)
    if there is None:
        raise NumericsError("there is no such solution any more: the curve cannot go on")
    return there


def _joined(curve: BifurcationCurve, more: BifurcationCurve, side: int) -> BifurcationCurve:
    first, start, last = curve.unknowns
    unknowns = np.stack([start if more.closed else first, start, start if more.closed else last])
    unknowns[2 * side] = more.unknowns[2 * side]
    return replace(joined(curve, more, side, ROWS, "special"), unknowns=unknowns)
