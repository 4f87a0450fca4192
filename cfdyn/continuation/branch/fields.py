"""From a start to a system, and from rows of unknowns to the record of a branch."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from cfdyn.continuation.border_collisions import collision
from cfdyn.continuation.branch.directions import Whole
from cfdyn.continuation.branch.special_points import Special
from cfdyn.continuation.branch.system import NO_DERIVATIVE, CycleTracer, check_size, length_scales, rough
from cfdyn.cycles.angles import at_cut, opened_away
from cfdyn.cycles.shooting import images, jacobians, least_period, multipliers, polish
from cfdyn.errors import CfdynError, NumericsError, UsageError, shown
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.normal_forms.resonances import conservative_resonance
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map
from cfdyn.systems.recipes import make_map_again, recipe_of
from cfdyn.words import called

FAILED = "Newton's method does not converge"
MORE = "ask for more with `max_steps`, or go on with `branch.extended()`"
TOUCHING = "degenerate: branches touch or cross near here, too flat for rounding to tell where"
BLURRED = 1e-5  # of the size of a system: the least that it must be regular by
BESIDE = 3  # rows on either side of a special point in which it is seen whether the map keeps areas
FINE = 1e-3  # of the lengths at the start
ENDED = ("stalled", "corner", "crossed", "far")


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
        check_size(step, n, max_steps)
        points = np.array([step.state(row) for row in rows])
    elif rows.ndim < 2 or len(rows) == 1:
        check_size(step, n, max_steps)
        points = np.empty((n, step.dim))
        points[0] = step.state(rows.ravel())
        for i in range(1, n):
            points[i] = images(step, points[i - 1 : i])[0]
    else:
        shape = f"({n if period else 'n'}, {step.dim})"
        raise UsageError(f"a start is the points {shape} of a cycle or one state, not of shape {rows.shape}")
    return _polished(*opened_away(step, points))


def _polished(step: Map, points: np.ndarray) -> np.ndarray:
    n, where = len(points), ", ".join(f"{k} = {v:.6g}" for k, v in step.params.items())
    nothing = f"there is no {called(n)} near the start{f' at {where}' if where else ''}"
    found = polish(step, points) if np.isfinite(points).all() else None
    if found is None:
        raise NumericsError(f"{nothing}: {NO_DERIVATIVE if rough(step, points) else FAILED}")
    least = least_period(found, extent=float(np.abs(points).max()))
    if least < n:
        raise NumericsError(f"{nothing}: Newton's method leads to a {called(least)}")
    return found


def branch_fields(tracer: CycleTracer, whole: Whole, coefficients: bool = True) -> dict[str, Any]:
    """The fields of the record of a branch, but for ``stable``; those of its bifurcations as dictionaries too."""
    step, values, mu = tracer.step, whole.points[:, -1].copy(), tracer.multipliers(whole.values)
    name, bounds = tracer.parameter, tracer.bounds
    said = provenance(map=step.title, params=step.params, names=step.names, parameter=name, bounds=bounds)
    settings = {**said, "recipe": recipe_of(step)}
    found = [special_point(tracer, whole, s, mu, coefficients, settings) for s in whole.special]
    first, last = (reason(tracer, whole, side) for side in (0, 1))
    return {
        "name": name, "parameter": values, "points": tracer.points(whole.points), "multipliers": mu, "bifurcations": found,
        "ends": (first, last), "closed": whole.ends[1] == "closed", "period": tracer.n, "bounds": bounds,
        "lengths": tracer.weights**-0.5, "paces": whole.paces, "start": whole.start, "_step": step, "provenance": settings,
    }  # fmt: skip


def special_point(
    tracer: CycleTracer, whole: Whole, special: Special, mu: np.ndarray, coefficients: bool, settings: dict
) -> dict[str, Any]:
    """The fields of the record of a special point: of the shorter cycle where the points have merged."""
    points, value = tracer.points(special.z), float(special.z[-1])
    points = points[: special.period].copy()
    step = tracer.at_value(value)
    own, words = multipliers(step, points), ""
    coefficient, supercritical = None, None
    if special.kind == "border collision":
        own, words = mu[special.row], collision(mu[special.row], mu[min(special.row + 1, len(mu) - 1)], tracer.n)
    elif coefficients:
        coefficient, supercritical, words = normal_form_of(step, points, tracer.parameter, special.kind)
    if coefficient is None and special.kind in ("fold", "flip") and len(own) > 1:
        beside = mu[max(0, special.row - BESIDE) : special.row + 1 + BESIDE]
        words = conservative_resonance(step, points, special.kind, own, beside) or words
    return {
        "kind": special.kind, "parameter": value, "points": points, "multipliers": own, "coefficient": coefficient,
        "supercritical": supercritical, "place": special.row, "name": tracer.parameter, "bounds": tracer.bounds, "meaning": words,
        "tangent": whole.tangents[special.row].copy(), "_step": tracer.step, "provenance": settings,
    }  # fmt: skip


def normal_form_of(step: Map, points: np.ndarray, parameter: str, kind: str) -> tuple[float | None, bool | None, str]:
    """(coefficient, supercritical, in words), (None, None, why) where there is no normal form."""
    try:
        found = normal_form_fields(step, points, parameter)
    except CfdynError as error:
        return None, None, str(error)
    if kind == "branch point" and found.kind != kind:
        return None, None, TOUCHING
    return found.coefficient, found.supercritical, found.meaning


def reason(tracer: CycleTracer, whole: Whole, side: int) -> str:
    """Why a branch ends, in words."""
    end, z = whole.ends[side], whole.points[-side]
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
    if end not in ENDED:
        return end
    if end == "far":
        return f"runs off to infinity near {name} = {value:.4g}"
    ahead = z + 1e-6 * (1 if side else -1) * whole.tangents[-side]
    step, points = tracer.at_value(ahead[-1]), tracer.points(ahead).copy()
    if not (np.isfinite(images(step, points)).all() and np.isfinite(jacobians(step, points)).all()):
        return f"the map is not defined beyond {name} = {value:.10g}"
    if not tracer.switches and (length_scales(tracer.at_value(value), tracer.points(z)) < FINE * tracer.lengths).any():
        return f"{name} = {value:.10g}: what follows is much finer than where the branch began; start again from this row"
    if at_cut(step, points):
        return f"{name} = {value:.10g}: an angle comes to where its circle was cut open; start again from this row"
    if not tracer.isolated(z, BLURRED):
        return f"rounding blurs the {called(tracer.n)} beyond {name} = {value:.10g}: it is almost one of a continuum"
    return f"no solution follows beyond {name} = {value:.10g}: the map or its derivative jumps there"


def remade(record: Record) -> Map:
    """The map of a record that was loaded."""
    return make_map_again(record.provenance.get("recipe"))
