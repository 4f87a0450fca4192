"""From the rows of a curve of bifurcations to the fields of its record."""

from typing import Any

import numpy as np

from cfdyn.continuation._kernels.critical import PAIR
from cfdyn.continuation.curve.codimension_two import Found, codimension_two, double, on_border
from cfdyn.continuation.curve.ends import of_shorter_cycle
from cfdyn.continuation.curve.follower import CurveFollower
from cfdyn.continuation.curve.point import Cycles
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.paths import Path
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.errors import UsageError
from cfdyn.normal_forms.codimension_two.by_kind import codimension_two_fields
from cfdyn.records.record import provenance
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called, shown, spoken

DOUBLE = 1 - 1e-5  # |cos θ| from here on: a double multiplier ±1
ROUNDED = 1e-12  # of the width of the bounds: a parameter is on one
AHEAD = 1e-6  # a length: beyond the last row it is seen why no solution follows
MORE = "increase `max_steps`, or continue with `curve.extended()`"


def curve_fields(follower: CurveFollower, path: Path, condition: str) -> dict[str, Any]:
    """The fields of the record of a curve; those of its points of codimension two as dictionaries too."""
    tracer, cycles = follower.tracer, Cycles(follower.tracer, path.points)
    special, coefficient = codimension_two(tracer, path, cycles)
    ends = [_end_point(follower, path, side) for side in (0, 1)]
    special = sorted([*special, *(point for point in ends if point)], key=lambda s: s.row)
    step = tracer.step
    said = provenance(map=step.title, params=step.params, names=step.names, parameters=tracer.names, bounds=tracer.bounds)
    settings = {**said, "recipe": recipe_of(step)}
    below, *above = (_table(side.multipliers) for side in cycles.sides)
    kept = [0, path.start, -1]
    return {
        "kind": tracer.kind, "names": (tracer.names[0], tracer.names[1]), "parameters": path.points[:, -2:].copy(),
        "points": tracer.points(path.points), "multipliers": below, "above": above[0] if above else np.empty((0, tracer.d)),
        "coefficient": coefficient, "special": [_special(tracer, s, settings) for s in special],
        "ends": (_reason(tracer, path, 0, ends[0]), _reason(tracer, path, 1, ends[1])), "closed": path.ends[1] == "closed",
        "period": tracer.n, "bounds": tracer.bounds, "condition": condition, "paces": path.paces, "start": path.start,
        "unknowns": np.stack([path.points[kept], path.tangents[kept]], axis=1), "_step": step, "provenance": settings,
    }  # fmt: skip


def _special(tracer: CurveTracer, point: Found, settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a point of codimension two."""
    points, step = tracer.points(point.z)[: point.period or None], tracer.map_at(point.z)
    return {"kind": point.kind, "parameters": point.z[-2:].copy(), "points": points, "place": point.row, "provenance": settings,
            "multipliers": _table(point.multipliers[None])[0],
            **codimension_two_fields(step, points.copy(), point.kind, tracer.names)}  # fmt: skip


def _table(mu: np.ndarray) -> np.ndarray:
    """Multipliers (rows, D), the largest modulus first; real where all are."""
    table = np.take_along_axis(mu, np.argsort(-np.abs(mu), axis=1, kind="stable"), axis=1)
    return table.real.copy() if not table.imag.any() else table


def _end_point(follower: CurveFollower, path: Path, side: int) -> Found | None:
    """A double multiplier at an end of a Neimark–Sacker curve, or the shorter cycle on which the points have merged; or None."""
    row, end = side * (len(path.points) - 1), path.ends[side]
    z = path.points[row]
    if end == "merged":
        kind, points, mu = of_shorter_cycle(follower.tracer, z)
        return Found(kind, row, z, mu, len(points))
    if end == "limit" and follower.tracer.form == PAIR and abs(z[-3]) > DOUBLE:
        cycle = Cycles(follower.tracer, z[None])
        return Found(double(cycle.sides[0], float(np.sign(z[-3]))), row, z, cycle.multipliers[0])
    return None


def _reason(tracer: CurveTracer, path: Path, side: int, point: Found | None) -> str:
    """Why a curve ends, in words; ``point``: of codimension two there."""
    z, end, met = path.points[-side], path.ends[side], path.borders.get(side * (len(path.points) - 1))
    if met is not None and end == "border":
        z = met.z
    each = zip(tracer.names, z[-2:].tolist(), tracer.bounds.tolist(), strict=True)
    values = ", ".join(f"{name} = {shown(value, (lo, hi), 6)}" for name, value, (lo, hi) in each)
    if point is not None:
        of = f" of the {called(point.period)}" if point.period else ""
        return f"{spoken(point.kind)}{of} at {values}"
    limits = tracer.limits[:, -2:].T
    size = np.ptp(tracer.bounds, axis=1)[:, None]
    gaps = np.abs(z[-2:, None] - limits) / size
    k, j = np.unravel_index(int(np.argmin(np.where(gaps <= ROUNDED, 0.0, gaps))), gaps.shape)
    beyond = ", where the map's domain ends" * bool((np.abs(limits - tracer.bounds) > ROUNDED * size)[k, j])
    said = {
        "limit": f"{tracer.names[k]} = {shown(limits[k, j], tracer.bounds[k], 6)}{beyond}",
        "closed": "closed: it returns to its start",
        "border": f"{spoken(on_border(tracer.kind))} at {values}: a point of the cycle meets a border of the map",
        "far": f"diverges to infinity near {values}",
        "close": f"the points of the cycle merge near {values}, and the continuation beyond is not resolved",
        "most steps": f"{values}: out of steps; {MORE}",
    }
    return said[end] if end in said else f"no further point is found at {values}: {_obstacle(tracer, path, side)}"


def _obstacle(tracer: CurveTracer, path: Path, side: int) -> str:
    """Why Newton's method fails beyond an end."""
    ahead = path.points[-side] + AHEAD * (1 if side else -1) * path.tangents[-side]
    try:
        step, points = tracer.map_at(ahead), tracer.points(ahead)
    except UsageError:
        return "the parameters beyond are not allowed"
    if not (np.isfinite(images(step, points)).all() and np.isfinite(jacobians(step, points)).all()):
        return "the map is not defined there"
    if tracer.switches:
        return "the map is not smooth there"
    return "the equations are singular there, or rounding blurs them"
