"""From a flip of a matrix-free branch to the cycles of twice the period."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import check_steps
from cfdyn.continuation.matrix_free.events import Row
from cfdyn.continuation.matrix_free.fields import MOST_PERIOD, fields_from
from cfdyn.continuation.matrix_free.system import System
from cfdyn.continuation.records import SpecialPoint
from cfdyn.cycles.matrix_free import Steps
from cfdyn.errors import NumericsError, UsageError
from cfdyn.words import called, shown

FIRST = (1e-4, 1e-3, 1e-5, 1e-2)  # lengths of a first step, in the order in which they are tried
ASIDE = 0.5  # of such a step: so far must the points of the cycle be apart


def doubled_fields(
    point: SpecialPoint, bounds: tuple[float, float], max_steps: int, max_step: float, progress: Callable[[int], None] | None,
    functions: Functions,
) -> dict[str, Any]:  # fmt: skip
    """The fields of the branch of cycles of twice the period that meets a flip, from there on."""
    if point.kind != "flip" or point.critical is None:
        raise UsageError(f"of many weights the branches at flips can be switched to, not one at a {point.kind}")
    n = 2 * point.period
    if n > MOST_PERIOD:
        raise UsageError(f"cycles of maps of many weights are followed up to the period {MOST_PERIOD}, not {n}")
    check_steps(max_steps, max_step)
    x, value = point.points[0], point.parameter
    system = System(Steps(point.step, point.name, n), bounds, x, value, None)
    direction = np.append(point.critical, 0.0)
    direction /= system.length(direction)
    border = system.weights * direction
    for h in FIRST:
        place = system.solve(np.append(x, value) + h * direction, border)
        if place is None or not system.length(np.append(place.z[:-1] - x, 0.0)) < 10 * h:
            continue
        points = place.local.points
        apart = system.length(np.append(points[n // 2] - points[0], 0.0))
        solved = system.with_tangent(place, direction)
        if solved is not None and apart >= ASIDE * h:
            begun = f"flip at {point.name} = {shown(value, bounds)}"
            row = Row(solved, system.spectrum(solved, vectors=True))
            return fields_from(system, row, max_steps, max_step, True, progress, functions, begun)
    raise NumericsError(
        f"no {called(n)} was found beside the flip at {point.name} = {value:.10g}; the branch may be vertical there"
    )
