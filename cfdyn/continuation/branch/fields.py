"""From the rows of a branch to the fields of its record."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.continuation.borders import collision
from cfdyn.continuation.branch.bifurcations import SpecialPoint
from cfdyn.continuation.branch.special_points import with_special_points
from cfdyn.continuation.branch.system import BranchTracer
from cfdyn.continuation.lengths import length_scales
from cfdyn.continuation.paths import AT_BORDER, Path
from cfdyn.cycles.angles import at_cut
from cfdyn.cycles.shooting import images, jacobians, multipliers
from cfdyn.errors import CfdynError
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.normal_forms.critical_multipliers import conservative_resonance
from cfdyn.records.record import provenance
from cfdyn.systems.map import Map
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called

MORE = "ask for more with `max_steps`, or go on with `branch.extended()`"
TOUCHING = "degenerate: branches touch or cross near here, too flat for rounding to tell where"
BLURRED = 1e-5  # of the size of a system: the least that it must be regular by
BESIDE = 3  # rows on either side of a special point in which it is seen whether the map keeps areas
FINE = 1e-3  # of the lengths at the start: what is to be followed with much shorter ones
AHEAD = 1e-6  # a length: beyond the last row it is seen why no solution follows


def branch_fields(tracer: BranchTracer, path: Path, coefficients: bool = True) -> dict[str, Any]:
    """The fields of the record of a branch, but for ``stable``; those of its special points as dictionaries too."""
    path, special = with_special_points(tracer, path)
    step, name, bounds, mu = tracer.step, tracer.parameter, tracer.bounds, tracer.multipliers(path.values)
    said = provenance(map=step.title, params=step.params, names=step.names, parameter=name, bounds=bounds)
    settings = {**said, "recipe": recipe_of(step)}
    found = [special_point_fields(tracer, path, s, mu, coefficients) | {"provenance": settings} for s in special]
    return {
        "name": name, "parameter": path.points[:, -1].copy(), "points": tracer.points(path.points), "multipliers": mu,
        "bifurcations": found, "ends": (_reason(tracer, path, 0), _reason(tracer, path, 1)), "closed": path.ends[1] == "closed",
        "period": tracer.n, "bounds": bounds, "lengths": tracer.weights**-0.5, "paces": path.paces, "start": path.start,
        "_step": step, "provenance": settings,
    }  # fmt: skip


def special_point_fields(
    tracer: BranchTracer, path: Path, special: SpecialPoint, mu: np.ndarray, coefficients: bool
) -> dict[str, Any]:
    """The fields of the record of a special point: of the shorter cycle where the points have merged."""
    points, step = tracer.points(special.z)[: special.period].copy(), tracer.map_at(special.z)
    own, words, coefficient, supercritical = multipliers(step, points), "", None, None
    if special.kind == "border collision":
        own, words = mu[special.row], collision(mu[special.row], mu[min(special.row + 1, len(mu) - 1)], tracer.n)
    elif coefficients:
        coefficient, supercritical, words = _normal_form(step, points, tracer.parameter, special.kind)
    if coefficient is None and special.kind in ("fold", "flip") and len(own) > 1:
        beside = mu[max(0, special.row - BESIDE) : special.row + 1 + BESIDE]
        words = conservative_resonance(step, points, special.kind, own, beside) or words
    return {
        "kind": special.kind, "parameter": float(special.z[-1]), "points": points, "multipliers": own,
        "coefficient": coefficient, "supercritical": supercritical, "place": special.row, "name": tracer.parameter,
        "bounds": tracer.bounds, "meaning": words, "tangent": path.tangents[special.row].copy(), "_step": tracer.step,
    }  # fmt: skip


def _normal_form(step: Map, points: np.ndarray, parameter: str, kind: str) -> tuple[float | None, bool | None, str]:
    """(coefficient, supercritical, in words), (None, None, why) where there is no normal form."""
    try:
        found = normal_form_fields(step, points, parameter)
    except CfdynError as error:
        return None, None, str(error)
    if kind == "branch point" and found["kind"] != kind:
        return None, None, TOUCHING
    return found["coefficient"], found["supercritical"], found["meaning"]


def _reason(tracer: BranchTracer, path: Path, side: int) -> str:
    """Why a branch ends, in words."""
    end, z = path.ends[side], path.points[-side]
    name, value, (lo, hi) = tracer.parameter, float(z[-1]), tracer.limits[:, -1]
    if end == "limit":
        return f"{name} = {lo if abs(value - lo) < abs(value - hi) else hi:g}"
    if end == "closed":
        return "closed: it comes back to its start"
    if end == "most steps":
        return f"{name} = {value:.6g}: out of steps; {MORE}"
    if end == "vertical":
        return f"vertical: these {called(tracer.n)}s exist at {name} = {value:.10g} alone, where they form a continuum"
    if end == "merged":
        return f"meets a shorter cycle near {name} = {value:.6g}"
    if end == "far":
        return f"runs off to infinity near {name} = {value:.4g}"
    return _obstacle(tracer, path, side) if end in AT_BORDER else end


def _obstacle(tracer: BranchTracer, path: Path, side: int) -> str:
    """Why no solution follows at an end."""
    z = path.points[-side]
    ahead, name, value = z + AHEAD * (1 if side else -1) * path.tangents[-side], tracer.parameter, float(z[-1])
    step, points = tracer.map_at(ahead), tracer.points(ahead)
    if not (np.isfinite(images(step, points)).all() and np.isfinite(jacobians(step, points)).all()):
        return f"the map is not defined beyond {name} = {value:.10g}"
    if not tracer.switches and (length_scales(tracer.map_at(z), tracer.points(z)) < FINE * tracer.lengths).any():
        return f"{name} = {value:.10g}: what follows is much finer than where the branch began; start again from this row"
    if at_cut(step, points):
        return f"{name} = {value:.10g}: an angle comes to where its circle was cut open; start again from this row"
    if not tracer.isolated(z, BLURRED):
        return f"rounding blurs the {called(tracer.n)} beyond {name} = {value:.10g}: it is almost one of a continuum"
    return f"no solution follows beyond {name} = {value:.10g}: the map or its derivative jumps there"
