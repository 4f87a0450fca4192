"""From a flip to the cycles of twice its period, from a branch point to the other branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.continuation.branch.directions import Leg, Whole, leg, put_together
from cfdyn.continuation.branch.fields import branch_fields
from cfdyn.continuation.branch.system import BRANCH, CycleTracer, check_steps
from cfdyn.continuation.tracer import Solved
from cfdyn.cycles.shooting import jacobians, least_period
from cfdyn.errors import NumericsError, UsageError
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.normal_forms.coefficients import speed_of
from cfdyn.normal_forms.homological import Forms, Shift
from cfdyn.systems.map import Map
from cfdyn.words import shown

if TYPE_CHECKING:
    from cfdyn.analysis.continue_cycle import Bifurcation

FIRST = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 0.05)
GENTLE = 0.1  # how much the tests may change up to the first point
MOST_DENSE = 2000
TOGETHER = 1e-5  # from ±1: of multipliers that are there at once
NOTHING = {"fold": "the branch itself goes on beyond a fold", "neimark-sacker": "an invariant circle is born there, no cycle",
           "border collision": "the branch itself goes on beyond it, if there is one"}  # fmt: skip


def branching_fields(
    point: Bifurcation, bounds: tuple[float, float], max_steps: int, max_step: float, progress: Callable[[int], None] | None
) -> Iterator[dict[str, Any]]:
    """The fields of the branches in each of the critical directions: several where as many multipliers are ±1 at once.

    Raises
    ------
    NumericsError : there is none
    """
    if point.kind not in ("flip", "branch point"):
        raise UsageError(f"there is no branch to switch to at a {point.kind}: {NOTHING.get(point.kind, '')}")
    check_steps(max_steps, max_step)
    if not bounds[0] <= point.parameter <= bounds[1]:
        raise UsageError(f"the {point.kind} at {point.name} = {point.parameter:.10g} lies outside the bounds {bounds[0]:g} to "
                         f"{bounds[1]:g}")  # fmt: skip
    tracer, z, directions = doubled(point, bounds) if point.kind == "flip" else crossing(point, bounds)
    nothing = True
    for direction in directions:
        legs = []
        for way in (1.0, -1.0) if point.kind == "branch point" else (1.0,):
            start = first_point(tracer, z, way * direction, together(point) > 1)
            if start is not None:
                legs.append(leg(tracer, start, max_steps, max_step, 2 * tracer.length(start.z - z), progress))
        if legs:
            nothing = False
            yield branch_fields(tracer, joined(tracer, z, legs, point.kind))
    if nothing:
        raise NumericsError(f"no other branch was found at the {point.kind} at {point.name} = {point.parameter:.10g}; it may be "
                            "vertical there (a degenerate point), or leave the bounds at once")  # fmt: skip


def joined(tracer: CycleTracer, z: np.ndarray, legs: list[Leg], kind: str) -> Whole:
    """The legs with the special point as their first row, or between them."""
    for found in legs:
        piece = found.pieces[0]
        away = piece.points[0] - z
        tangent = away / tracer.length(away)
        values = tracer.evaluate(z, tracer.weights * tangent)[2]
        # Where two branches meet the determinant is 0; its sign is that on the way out.
        values[[0, 1 + BRANCH]] = piece.values[0, [0, 1 + BRANCH]]
        first = Solved(z, tangent, values)
        points, tangents, values = (np.concatenate([a[None], b]) for a, b in zip(first, piece[:3], strict=True))
        found.pieces[0] = piece._replace(points=points, tangents=tangents, values=values)
    whole = put_together(tracer, legs[0], legs[1] if len(legs) > 1 else None)
    value = shown(float(z[-1]), tracer.bounds)
    return whole if len(legs) > 1 else replace(whole, ends=(f"{kind} at {tracer.parameter} = {value}", whole.ends[1]))


def first_point(tracer: CycleTracer, z: np.ndarray, direction: np.ndarray, several: bool = False) -> Solved | None:
    """A solution a little away from z that is not on the branch z came from."""
    border = tracer.weights * direction
    there = tracer.evaluate(z, border)[2][1 : 1 + tracer.smooth]
    moved = np.eye(tracer.m)[-1] * tracer.weights[-1] ** -0.5
    # Where several multipliers are ±1 at once, the equations are singular for this value of the parameter.
    shifts = (0.0, 1.0, -1.0) if several else (0.0,)
    for h, shift in product(FIRST, shifts):
        found = tracer.solve(z + h * direction + shift * h * h * moved, border)
        if found is None or tracer.length(found.z - z) > 10 * h:
            continue
        if np.abs(found.values[1 : 1 + tracer.smooth] - there).max() > GENTLE:
            continue
        if least_period(tracer.points(found.z), 1e-9) == tracer.n:
            return found if border @ found.tangent > 0 else tracer.at(found.z, -found.tangent)
    return None


def critical_directions(point: Bifurcation) -> list[np.ndarray]:
    """(n, D) each, for the multiplier −1 or 1: where it is several times, those that the parameter moves each by itself, and
    those of the 2n-cycles that the cubic form predicts."""
    sign, step = (-1.0 if point.kind == "flip" else 1.0), point.step
    forms = Forms(step, point.points, point.name)
    critical = Shift(forms.matrices, sign, together(point))
    if critical.nullity == 1 or not critical.split:
        return [Shift(forms.matrices, sign, 1).right[0]]
    plus = critical if sign > 0 else Shift(forms.matrices, 1.0, int((np.abs(point.multipliers - 1) < TOGETHER).sum()))
    speeds, shares = np.linalg.eig(speed_of(forms, critical, plus))
    found = [np.real(share) for speed, share in zip(speeds, shares.T, strict=True) if np.imag(speed) == 0]
    if sign < 0:
        with suppress(NumericsError):
            halves = [cycle["half"] for cycle in normal_form_fields(step, point.points, point.name).two_cycles]
            found += [np.linalg.lstsq(critical.right[:, 0].T, half, rcond=None)[0] for half in halves]
    return [np.tensordot(share, critical.right, 1) for share in found]


def together(point: Bifurcation) -> int:
    """How many multipliers are ±1 there, at least one."""
    return max(1, int((np.abs(point.multipliers - (-1.0 if point.kind == "flip" else 1.0)) < TOGETHER).sum()))


def doubled(point: Bifurcation, bounds: tuple[float, float]) -> tuple[CycleTracer, np.ndarray, list[np.ndarray]]:
    """The system of cycles of twice the period, the flip in it, and the directions (q, −q) of the multiplier −1."""
    n, step = len(point.points), point.step
    tracer = CycleTracer(step, 2 * n, point.name, bounds, point.points)
    directions = [opening(tracer, along) for along in critical_directions(point)]
    return tracer, tracer.z(np.concatenate([point.points] * 2), point.parameter), directions


def opening(tracer: CycleTracer, along: np.ndarray) -> np.ndarray:
    """The unit direction (q, −q)."""
    direction = np.append(np.concatenate([along, -along]).ravel(), 0.0)
    return direction / tracer.length(direction)


def doubled_start(
    step: Map, name: str, bounds: tuple[float, float], points: np.ndarray, value: float
) -> tuple[CycleTracer, np.ndarray, np.ndarray]:
    """The same for the points of a cycle with a simple multiplier −1; ``step`` has the parameter at its value there."""
    n = len(points)
    tracer, along = CycleTracer(step, 2 * n, name, bounds, points), Shift(jacobians(step, points), -1.0, 1).right[0]
    return tracer, tracer.z(np.concatenate([points, points]), value), opening(tracer, along)


def crossing(point: Bifurcation, bounds: tuple[float, float]) -> tuple[CycleTracer, np.ndarray, list[np.ndarray]]:
    """The system, the branch point in it, and the directions in the space of all tangents across the branch's own."""
    n, d = point.points.shape
    if n * d > MOST_DENSE:
        raise UsageError(f"switching at a branch point of a {n}-cycle needs a dense matrix of {n * d} rows; at most {MOST_DENSE}")
    tracer = CycleTracer(point.step, n, point.name, bounds, point.points)
    z = tracer.z(point.points, point.parameter)
    scales = tracer.weights**-0.5
    own = np.asarray(point.tangent) / scales
    # In scaled unknowns lengths are Euclidean.
    if together(point) > 1:
        unit = own / np.linalg.norm(own)
        beside = [np.append(q.ravel(), 0.0) / scales for q in critical_directions(point)]
        across = [v - (v @ unit) * unit for v in beside]
        return tracer, z, [v / np.linalg.norm(v) * scales for v in across]
    plane = np.linalg.svd(tracer.jacobian(z) * scales)[2][-2:]
    along = plane @ own
    across = plane.T @ np.array([-along[1], along[0]])
    return tracer, z, [across / np.linalg.norm(across) * scales]
