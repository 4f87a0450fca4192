"""The record of a curve of bifurcations, from its rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.continuation.curve.codimension_two import Found, codimension_two, crossing, double
from cfdyn.continuation.curve.directions import Rows
from cfdyn.continuation.curve.ends import shorter
from cfdyn.continuation.curve.point import Place
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.errors import UsageError
from cfdyn.kernels.continuation.critical import PAIR
from cfdyn.records.record import provenance
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called, shown, spoken

DOUBLE = 1 - 1e-5  # |cos θ| from here on: a double multiplier ±1
MORE = "ask for more with `max_steps`, or go on with `curve.extended()`"


def curve_fields(tracer: CurveTracer, found: Rows, condition: str) -> dict[str, Any]:
    """The fields of the record of a curve; those of its points of codimension two as dictionaries too."""
    special, coefficient = codimension_two(tracer, found)
    points, tangents = found.traced.points, found.traced.tangents
    words = [_reason(tracer, found, side) for side in (0, 1)]
    special += [_end_point(tracer, found, side) for side in (0, 1) if _at_end(tracer, found, side)]
    special.sort(key=lambda s: s.row)
    said = provenance(map=tracer.step.title, params=tracer.step.params, parameters=tracer.names, bounds=tracer.bounds)
    settings = {**said, "recipe": recipe_of(tracer.step)}
    below, *above = (_table([p.sides[k].multipliers for p in found.places]) for k in range(len(found.places[0].sides)))
    kept = [0, found.start, -1]
    return {
        "kind": tracer.kind, "names": (tracer.names[0], tracer.names[1]), "parameters": points[:, -2:].copy(),
        "points": tracer.points(points), "multipliers": below, "above": above[0] if above else np.empty((0, tracer.d)),
        "coefficient": coefficient, "special": [_special(tracer, s, settings) for s in special], "ends": (words[0], words[1]),
        "closed": found.ends[1] == "closed", "period": tracer.n, "bounds": tracer.bounds, "condition": condition,
        "paces": found.paces, "start": found.start, "unknowns": np.stack([points[kept], tangents[kept]], axis=1),
        "_step": tracer.step, "provenance": settings,
    }  # fmt: skip


def _table(rows: list[np.ndarray]) -> np.ndarray:
    """Multipliers, the largest modulus first; real where all are."""
    table = np.array([row[np.argsort(-np.abs(row), kind="stable")] for row in rows])
    return table.real.copy() if not table.imag.any() else table


def _special(tracer: CurveTracer, found: Found, settings: dict) -> dict[str, Any]:
    points = tracer.points(found.z)[: found.period or None]
    return {"kind": found.kind, "parameters": found.z[-2:].copy(), "points": points,
            "multipliers": _table([found.multipliers])[0], "place": found.row, "provenance": settings}  # fmt: skip


def _end(found: Rows, side: int) -> np.ndarray:
    """The unknowns at an end, on the border where one is met."""
    met = found.corners.get(side * (len(found.places) - 1))
    return met.z if met is not None and found.ends[side] == "border" else found.traced.points[-side]


def _at_end(tracer: CurveTracer, found: Rows, side: int) -> bool:
    """Whether an end is a point of codimension two."""
    z = found.traced.points[-side]
    return found.ends[side] == "merged" or (found.ends[side] == "limit" and tracer.form == PAIR and abs(z[-3]) > DOUBLE)


def _end_point(tracer: CurveTracer, found: Rows, side: int) -> Found:
    """A double multiplier at an end of a Neimark–Sacker curve, or the shorter cycle on which the points have merged."""
    row = side * (len(found.places) - 1)
    z = found.traced.points[row]
    if found.ends[side] == "merged":
        kind, points, mu = shorter(tracer, z)
        return Found(kind, row, z, mu, len(points))
    place, sign = Place(tracer, z), float(np.sign(z[-3]))
    return Found(double(place.sides[0], sign), row, z, place.multipliers)


def _reason(tracer: CurveTracer, found: Rows, side: int) -> str:
    """Why a curve ends, in words."""
    z, end = _end(found, side), found.ends[side]
    each = zip(tracer.names, z[-2:].tolist(), tracer.bounds.tolist(), strict=True)
    values = ", ".join(f"{name} = {shown(value, (lo, hi), 6)}" for name, value, (lo, hi) in each)
    if _at_end(tracer, found, side):
        point = _end_point(tracer, found, side)
        of = f" of the {called(point.period)}" if point.period else ""
        return f"{spoken(point.kind)}{of} at {values}"
    if end == "limit":
        gaps = np.abs(z[-2:, None] - tracer.bounds) / np.ptp(tracer.bounds, axis=1)[:, None]
        k, j = np.unravel_index(int(np.argmin(np.where(gaps <= 1e-12, 0.0, gaps))), gaps.shape)
        return f"{tracer.names[k]} = {tracer.bounds[k, j]:g}"
    if end == "closed":
        return "closed: it comes back to its start"
    if end == "border":
        return f"{spoken(crossing(tracer.kind))} at {values}: a point of the cycle meets a border of the map"
    if end == "far":
        return f"runs off to infinity near {values}"
    if end == "close":
        return f"the points of the cycle come together near {values}, and what follows is not resolved"
    if end == "most steps":
        return f"{values}: out of steps; {MORE}"
    return f"no further point is found at {values}: {_obstacle(tracer, found, side)}"


def _obstacle(tracer: CurveTracer, found: Rows, side: int) -> str:
    """Why Newton's method fails beyond an end."""
    way, row = (1 if side else -1), -side
    ahead = found.traced.points[row] + 1e-6 * way * found.traced.tangents[row]
    try:
        step, points = tracer.map_at(ahead), tracer.points(ahead)
    except UsageError:
        return "the parameters beyond are not allowed"
    if not (np.isfinite(images(step, points)).all() and np.isfinite(jacobians(step, points)).all()):
        return "the map is not defined there"
    if tracer.switches:
        return "the map is not smooth there"
    return "the equations are singular there, or rounding blurs them"
