"""The record of a curve of bifurcations, from its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfdyn.analysis._codimension_two import Found, codimension_two, crossing
from cfdyn.analysis._curve_legs import Rows
from cfdyn.analysis._curve_place import Place
from cfdyn.analysis._curve_system import CurveTracer
from cfdyn.analysis._sentences import spoken
from cfdyn.kernels.critical import PAIR
from cfdyn.recipes import recipe_of
from cfdyn.records import provenance

if TYPE_CHECKING:
    from cfdyn.analysis.bifurcation_curve import BifurcationCurve, CodimensionTwo

MORE = "ask for more with `max_steps`, or go on with `curve.extended()`"


def build(tracer: CurveTracer, found: Rows, condition: str) -> BifurcationCurve:
    """The record of a curve."""
    from cfdyn.analysis.bifurcation_curve import BifurcationCurve

    special, coefficient = codimension_two(tracer, found)
    points, tangents = found.traced.points, found.traced.tangents
    words = [_reason(tracer, _end(found, side), end) for side, end in enumerate(found.ends)]
    if tracer.form == PAIR:
        special = [*(_end_point(tracer, points, side) for side in (0, 1) if words[side].startswith("resonance")), *special]
        special.sort(key=lambda s: s.row)
    said = provenance(map=tracer.step.title, params=tracer.step.params, parameters=tracer.names, bounds=tracer.bounds)
    settings = {**said, "recipe": recipe_of(tracer.step)}
    below, *above = (_table([p.sides[k].multipliers for p in found.places]) for k in range(len(found.places[0].sides)))
    kept = [0, found.start, -1]
    return BifurcationCurve(
        tracer.kind, (tracer.names[0], tracer.names[1]), points[:, -2:].copy(), tracer.points(points), below, coefficient,
        [_special(tracer, s, settings) for s in special], (words[0], words[1]), found.ends[1] == "closed", tracer.n,
        tracer.bounds, condition, above[0] if above else np.empty((0, tracer.d)), found.paces, found.start,
        np.stack([points[kept], tangents[kept]], axis=1), tracer.step, provenance=settings,
    )  # fmt: skip


def _table(rows: list[np.ndarray]) -> np.ndarray:
    """Multipliers, the largest modulus first; real where all are."""
    table = np.array([row[np.argsort(-np.abs(row), kind="stable")] for row in rows])
    return table.real.copy() if not table.imag.any() else table


def _special(tracer: CurveTracer, found: Found, settings: dict) -> CodimensionTwo:
    from cfdyn.analysis.bifurcation_curve import CodimensionTwo

    return CodimensionTwo(found.kind, found.z[-2:].copy(), tracer.points(found.z), _table([found.multipliers])[0], found.row,
                          provenance=settings)  # fmt: skip


def _end(found: Rows, side: int) -> np.ndarray:
    """The unknowns at an end, on the border where one is met."""
    met = found.corners.get(side * (len(found.places) - 1))
    return met.z if met is not None and found.ends[side] == "border" else found.traced.points[-side]


def _end_point(tracer: CurveTracer, points: np.ndarray, side: int) -> Found:
    """The resonance at an end of a Neimark–Sacker curve."""
    z = points[-side]
    return Found("resonance 1:1" if z[-3] > 0 else "resonance 1:2", side * (len(points) - 1), z, Place(tracer, z).multipliers)


def _reason(tracer: CurveTracer, z: np.ndarray, end: str) -> str:
    """Why a curve ends, in words."""
    values = ", ".join(f"{name} = {value:.6g}" for name, value in zip(tracer.names, z[-2:], strict=True))
    if end == "limit":
        for name, value, (lo, hi) in zip(tracer.names, z[-2:], tracer.bounds, strict=True):
            for bound in (lo, hi):
                if abs(value - bound) <= 1e-12 * (hi - lo):
                    return f"{name} = {bound:g}"
        return f"resonance 1:{1 if z[-3] > 0 else 2} at {values}"
    if end == "closed":
        return "closed: it comes back to its start"
    if end == "border":
        return f"{spoken(crossing(tracer.kind))} at {values}: a point of the cycle meets a border of the map"
    if end == "far":
        return f"runs off to infinity near {values}"
    if end == "most steps":
        return f"{values}: out of steps; {MORE}"
    return f"no further point is found at {values}: the map is not smooth or not defined there"
