"""Switching from a flip to the cycles of twice its period and on to their flip, and from a branch point to the other branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import between, root
from cfdyn.continuation.branch.bifurcations import changes, locate_flip
from cfdyn.continuation.branch.fields import branch_fields
from cfdyn.continuation.branch.follower import STEP, BranchFollower, until_vertical
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import BranchTracer, check_size, check_steps
from cfdyn.continuation.paths import Path
from cfdyn.continuation.records import SpecialPoint
from cfdyn.continuation.tracer import Solution, as_row, some_rows, stacked
from cfdyn.cycles._kernels.shooting import FLIP, MATRICES
from cfdyn.cycles.same import least_period
from cfdyn.cycles.shooting import jacobians
from cfdyn.errors import NumericsError, UsageError
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.normal_forms.coefficients import speed_of
from cfdyn.normal_forms.homological import BorderedSystem, Forms
from cfdyn.systems.map import Map
from cfdyn.words import shown

FIRST = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 0.05)  # lengths of a first step, in the order in which they are tried
GENTLE = 0.1  # how much the tests may change up to the first solution
MOST_DENSE = 2000  # rows of the Jacobian at a branch point
TOGETHER = 1e-5  # from ±1: of multipliers that are there at once
NOTHING = {"fold": "the branch itself continues beyond a fold", "neimark-sacker": "an invariant circle is born there, not "
                                                                                  "a cycle",
           "border collision": "the branch itself continues beyond it, if there is one"}  # fmt: skip
RESOLVED = 1e-13  # a relative distance of two flips that rounding blurs
FEIGENBAUM = 4.67
ENDED = {"limit": "has no flip within the bounds", "far": "diverges to infinity without a flip",
         "most steps": "has no flip within the given steps; increase `max_steps`",
         "vertical": "is vertical: they all exist at that value alone, as for a linear map"}  # fmt: skip
BLURRED = "cannot be followed to its flip: rounding errors dominate there"


def branching_fields(
    point: SpecialPoint, bounds: tuple[float, float], max_steps: int, max_step: float, progress: Callable[[int], None] | None,
    functions: Functions | None = None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The fields of the branches in each critical direction, one for each multiplier ±1; a NumericsError if there is none."""
    if point.kind not in ("flip", "branch point"):
        raise UsageError(f"there is no branch to switch to at a {point.kind}: {NOTHING.get(point.kind, '')}")
    check_steps(max_steps, max_step)
    if not bounds[0] <= point.parameter <= bounds[1]:
        raise UsageError(f"the {point.kind} at {point.name} = {point.parameter:.10g} lies outside the bounds {bounds[0]:g} to "
                         f"{bounds[1]:g}")  # fmt: skip
    tracer, z, directions = _at_flip(point, bounds) if point.kind == "flip" else _at_branch_point(point, bounds)
    follower, nothing = BranchFollower(tracer, max_steps, max_step, progress, functions), True
    for direction in directions:
        arms = []
        for way in (1.0, -1.0) if point.kind == "branch point" else (1.0,):
            start = first_solution(tracer, z, way * direction, together(point) > 1)
            if start is not None:
                arms.append(_from_point(tracer, z, follower.one_way(start, 2 * tracer.length(start.z - z))))
        if len(arms) > 1:
            path = arms[1].reversed(tracer.odd).followed_by(arms[0])._replace(start=len(arms[1].points))
        elif arms:
            begun = f"{point.kind} at {point.name} = {shown(float(z[-1]), tracer.bounds)}"
            path = arms[0]._replace(ends=(begun, arms[0].ends[1]))
        else:
            continue
        nothing = False
        yield branch_fields(tracer, path, functions=functions)
    if nothing:
        raise NumericsError(f"no other branch was found at the {point.kind} at {point.name} = {point.parameter:.10g}; it may be "
                            "vertical there (a degenerate point), or leave the bounds at once")  # fmt: skip


def _from_point(tracer: BranchTracer, z: np.ndarray, path: Path) -> Path:
    """A path that leaves a point, with that point as its first row."""
    away = path.points[0] - z
    tangent = away / tracer.length(away)
    values = tracer.evaluate(z, tracer.weights * tangent)[2]
    # Where two branches meet the determinant is 0; its sign is that on the way out.
    values[list(tracer.odd)] = path.values[0, list(tracer.odd)]
    rows = stacked(as_row(Solution(z, tangent, values)), path)
    return Path(*rows, {k + 1: met for k, met in path.borders.items()}, path.ends, path.paces, path.start + 1)


def first_solution(tracer: BranchTracer, z: np.ndarray, direction: np.ndarray, several: bool = False) -> Solution | None:
    """A solution a little away from z that is not on the branch z came from."""
    border = tracer.weights * direction
    there = tracer.evaluate(z, border)[2][1 : 1 + tracer.smooth]
    moved = np.eye(tracer.m)[-1] * tracer.weights[-1] ** -0.5
    # Where several multipliers are ±1 at once, the equations are singular for this value of the parameter.
    shifts = (0.0, 1.0, -1.0) if several else (0.0,)
    for h, shift in product(FIRST, shifts):
        solved = tracer.solve(z + h * direction + shift * h * h * moved, border)
        if solved is None or tracer.length(solved.z - z) > 10 * h:
            continue
        if np.abs(solved.values[1 : 1 + tracer.smooth] - there).max() > GENTLE:
            continue
        if least_period(tracer.points(solved.z), 1e-9) == tracer.n:
            return solved if border @ solved.tangent > 0 else tracer.at(solved.z, -solved.tangent)
    return None


def critical_directions(point: SpecialPoint) -> list[np.ndarray]:
    """The critical directions, (n, D) each, for the multiplier −1 or 1.

    If it is multiple: the directions that the parameter moves separately, and those of the 2n-cycles that the cubic form
    predicts.
    """
    sign, step = (-1.0 if point.kind == "flip" else 1.0), point.step
    forms = Forms(step, point.points, point.name)
    critical = BorderedSystem(forms.matrices, sign, together(point))
    if critical.nullity == 1:
        return [critical.right[0]]
    if not critical.split:
        return [BorderedSystem(forms.matrices, sign, 1).right[0]]
    plus = critical if sign > 0 else BorderedSystem(forms.matrices, 1.0, int((np.abs(point.multipliers - 1) < TOGETHER).sum()))
    speeds, shares = np.linalg.eig(speed_of(forms, critical, plus))
    used = [np.real(share) for speed, share in zip(speeds, shares.T, strict=True) if np.imag(speed) == 0]
    if sign < 0:
        with suppress(NumericsError):
            cycles = normal_form_fields(step, point.points, point.name).get("two_cycles", [])
            used += [np.linalg.lstsq(critical.right[:, 0].T, cycle["half"], rcond=None)[0] for cycle in cycles]
    return [np.tensordot(share, critical.right, 1) for share in used]


def together(point: SpecialPoint) -> int:
    """The number of multipliers that are ±1 there, at least one."""
    return max(1, int((np.abs(point.multipliers - (-1.0 if point.kind == "flip" else 1.0)) < TOGETHER).sum()))


def _at_flip(point: SpecialPoint, bounds: tuple[float, float]) -> tuple[BranchTracer, np.ndarray, list[np.ndarray]]:
    """The system of cycles of twice the period, the flip in it, and the directions (q, −q) of the multiplier −1."""
    tracer = BranchTracer(point.step, 2 * point.period, point.name, bounds, point.points)
    directions = [doubling(tracer, along) for along in critical_directions(point)]
    return tracer, tracer.z(np.concatenate([point.points] * 2), point.parameter), directions


def doubling(tracer: BranchTracer, along: np.ndarray) -> np.ndarray:
    """The unit direction (q, −q) in which cycles of twice the period leave a flip, from q (n, D)."""
    direction = np.append(np.concatenate([along, -along]).ravel(), 0.0)
    return direction / tracer.length(direction)


def _at_branch_point(point: SpecialPoint, bounds: tuple[float, float]) -> tuple[BranchTracer, np.ndarray, list[np.ndarray]]:
    """The system, the branch point in it, and the directions in the space of all tangents across the branch's own."""
    n, d = point.points.shape
    if n * d > MOST_DENSE:
        raise UsageError(f"switching at a branch point of a {n}-cycle needs a dense matrix of {n * d} rows; at most {MOST_DENSE}")
    tracer = BranchTracer(point.step, n, point.name, bounds, point.points)
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


class Level(NamedTuple):
    """A flip with its cycle (n, D), and on the branch before it the parameter at which the cycle is superstable."""

    flip: float
    points: np.ndarray
    superstable: float | None = None


def levels_from(
    first: Level, step: Map, name: str, bounds: tuple[float, float], levels: int, max_steps: int,
    progress: Callable[[int], None] | None,
) -> tuple[list[Level], str]:  # fmt: skip
    """Up to a given number of levels from the first one on, and why there are no more."""
    reached = [first]
    while len(reached) < levels:
        if progress:
            progress(len(reached))
        last = reached[-1]
        n = 2 * len(last.points)
        if len(reached) > 1 and abs(last.flip - reached[-2].flip) / FEIGENBAUM < RESOLVED * abs(last.flip):
            return reached, f"flips at {name} = {last.flip:.16g} are closer than rounding can tell apart"
        try:
            check_size(step, n, max_steps)
        except UsageError as error:
            return reached, str(error)
        following = next_level(step.at(**{name: last.flip}), name, bounds, last, max_steps)
        if not isinstance(following, Level):
            return reached, f"the branch of {n}-cycles from {name} = {last.flip:.10g} on {following}"
        reached.append(following)
    return reached, f"{levels} levels asked for"


def next_level(step: Map, name: str, bounds: tuple[float, float], last: Level, max_steps: int) -> Level | str:
    """The flip of the doubled cycles that are born at a flip, or the problem with their branch."""
    tracer = BranchTracer(step, 2 * len(last.points), name, bounds, last.points)
    z, q = tracer.z(np.concatenate([last.points] * 2), last.flip), BorderedSystem(jacobians(step, last.points), -1.0, 1).right[0]
    start = first_solution(tracer, z, doubling(tracer, q))
    if start is None:
        return BLURRED

    def inspect(piece: Curve) -> tuple[int, str] | None:
        flips = changes(np.sign(piece.values[:, 1 + FLIP]))
        return (flips[0] + 2, "flip") if flips else None

    branch = until_vertical(tracer, tracer.follow(start, max_steps, STEP, 2 * tracer.length(start.z - z), inspect))
    if branch.end != "flip":
        return ENDED.get(branch.end, BLURRED)
    rows = some_rows(branch, slice(None))
    hit = locate_flip(tracer, rows, len(rows.points) - 2)
    if hit is None:
        return BLURRED
    return Level(float(hit[1].z[-1]), tracer.points(hit[1].z), _superstable(tracer, rows) if tracer.d == 1 else None)


def _superstable(tracer: BranchTracer, rows: Curve) -> float | None:
    """The first zero of the slope of fⁿ, C in one variable, as a value of the parameter."""
    for k in changes(np.sign(rows.values[:, 1 + MATRICES])):
        hit = root(lambda s: s.values[1 + MATRICES], between(tracer, rows, k))
        if hit is not None:
            return float(hit[1].z[-1])
    return None
