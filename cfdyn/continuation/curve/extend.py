"""A curve of bifurcations that ran out of steps, followed on from there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.continuation.curve.directions import Rows, leg
from cfdyn.continuation.curve.start import border
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.tracer import Solved
from cfdyn.errors import NumericsError
from cfdyn.systems.map import Map


def tracer_again(
    step: Map, kind: str, points: np.ndarray, names: tuple[str, str], bounds: np.ndarray, condition: str, unknowns: np.ndarray
) -> CurveTracer:
    """The system of a curve that was followed, from the map and the cycle where it was begun, and its ``unknowns``."""
    rule = f"expression:{condition}" if condition else None
    if kind == "border collision":
        rule = f"switching:{border(step, points)[1]}"
    tracer = CurveTracer(step, kind, points, names, bounds, rule)
    tracer.watch(_solved(tracer, unknowns, 1, 1))
    return tracer


def extension(
    tracer: CurveTracer, unknowns: np.ndarray, side: int, pace: float, max_steps: int, max_step: float,
    progress: Callable[[int], None] | None,
) -> Rows:  # fmt: skip
    """What follows on one side of a curve (0: the first row, 1: the last), that end included.

    ``unknowns`` (3, 2, m): of the first row, the start and the last row, with the tangents there; ``pace``: the first step.
    """
    start, origin = (_solved(tracer, unknowns, row, 1 if side else -1) for row in (2 * side, 1))
    found = leg(tracer, start, max_steps, max_step, progress, pace, origin)
    return found if side else found.reversed()


def _solved(tracer: CurveTracer, unknowns: np.ndarray, which: int, way: int) -> Solved:
    """The first row, the start or the last one, with its tangent that way."""
    z, tangent = unknowns[which]
    found = tracer.solve(z, tracer.weights * tangent)
    there = None if found is None else tracer.at(found.z, way * tangent)
    if there is None:
        raise NumericsError("there is no such solution any more: the curve cannot go on")
    return there
