"""The cycle from which a branch starts."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from cfdyn.continuation.branch.system import check_size
from cfdyn.continuation.lengths import NO_DERIVATIVE, has_no_derivative
from cfdyn.cycles.angles import opened_away
from cfdyn.cycles.shooting import images, least_period, polish
from cfdyn.errors import NumericsError, UsageError, shown
from cfdyn.systems.map import Map
from cfdyn.words import called, named

FAILED = "Newton's method does not converge"


def start_of(step: Map, cycle: Any, period: int | None, max_steps: int) -> np.ndarray:
    """The polished points (n, D) of a start."""
    given = getattr(cycle, "points", cycle)
    try:
        if isinstance(period, bool):
            raise TypeError
        rows = np.asarray(given, dtype=float)
        n = operator.index(1 if period is None else period)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"a start is a Cycle, points (n, D) or a state, and a period a whole number, "
                         f"not {shown(cycle)}, {shown(period)}") from None  # fmt: skip
    if n < 1:
        raise UsageError(f"a period is at least 1, not {n}")
    if rows.ndim == 2 and rows.shape[1] == step.dim and len(rows) and (period is None or n == len(rows)):
        n = len(rows)
    elif rows.ndim < 2 or len(rows) == 1:
        rows = rows.reshape(1, -1)
    else:
        shape = f"({n if period else 'n'}, {step.dim})"
        raise UsageError(f"a start is the points {shape} of a cycle or one state, not of shape {rows.shape}")
    check_size(step, n, max_steps)
    points = [step.state(row) for row in rows]
    while len(points) < n:
        points.append(images(step, points[-1][None])[0])
    return _polished(*opened_away(step, np.array(points)))


def _polished(step: Map, points: np.ndarray) -> np.ndarray:
    n, where = len(points), named(step.params, step.params.values())
    nothing = f"there is no {called(n)} near the start{f' at {where}' if where else ''}"
    found = polish(step, points) if np.isfinite(points).all() else None
    if found is None:
        raise NumericsError(f"{nothing}: {NO_DERIVATIVE if has_no_derivative(step, points) else FAILED}")
    least = least_period(found, extent=float(np.abs(points).max()))
    if least < n:
        raise NumericsError(f"{nothing}: Newton's method leads to a {called(least)}")
    return found
