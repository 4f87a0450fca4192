"""From the rows of a branch to the fields of its record: special points, ends, and both in words."""

from typing import Any

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import between, near_zero
from cfdyn.continuation.branch.bifurcations import SpecialPoint, bifurcations
from cfdyn.continuation.branch.function_zeros import cut_at_stops, zero_fields, zeros
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.merging import grouped, merged, merges
from cfdyn.continuation.branch.system import REAL, BranchTracer, length_scales
from cfdyn.continuation.paths import AT_BORDER, Path, collision
from cfdyn.continuation.tracer import as_row, some_rows, stacked
from cfdyn.cycles._kernels.shooting import FLIP
from cfdyn.cycles.angles import at_cut
from cfdyn.cycles.shooting import images, jacobians, multipliers
from cfdyn.errors import CfdynError
from cfdyn.normal_forms.by_kind import normal_form_fields
from cfdyn.normal_forms.critical_multipliers import conservative_resonance
from cfdyn.records.record import provenance
from cfdyn.systems.map import Map
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called, shown

MORE = "increase `max_steps`, or continue with `branch.extended()`"
TOUCHING = "degenerate: branches touch or cross near here, at a point that rounding does not resolve"
BLURRED = 1e-5  # of the size of a system: the least that it must be regular by
BESIDE = 3  # rows on either side of a special point in which it is seen whether the map preserves areas
FINE = 1e-3  # of the lengths at the start: what is to be followed with much shorter ones
AHEAD = 1e-6  # a length: beyond the last row it is seen why no solution follows
ROUNDS = 2  # of more rows where two special points may hide in one step
TURNS, AROUND = ("fold", "branch point"), 1e-2  # what the merging looks like on the branch itself, within this length
MEETS = {"flip": "flip of", "neimark-sacker": "resonance of"}


def branch_fields(
    tracer: BranchTracer, path: Path, coefficients: bool = True, functions: Functions | None = None
) -> dict[str, Any]:
    """The fields of the record of a branch, except ``stable``; those of its special points and zeros as dictionaries too."""
    functions = functions or Functions(tracer.step, tracer.parameter)
    path, special = with_special_points(tracer, path)
    found_zeros = zeros(tracer, path, functions, lambda k: between(tracer, path, k)) if functions else []
    if found_zeros:
        path, special, found_zeros = cut_at_stops(tracer, path, functions, special, found_zeros)
    step, name, bounds, mu = tracer.step, tracer.parameter, tracer.bounds, tracer.multipliers(path.values)
    said = provenance(map=step.title, params=step.params, names=step.names, parameter=name, bounds=bounds)
    settings = {**said, "recipe": recipe_of(step)}
    points = [special_point_fields(tracer, path, s, mu, coefficients) | {"provenance": settings} for s in special]
    return {
        "name": name, "parameter": path.points[:, -1].copy(), "points": tracer.points(path.points), "multipliers": mu,
        "bifurcations": points, "ends": (_reason(tracer, path, 0), _reason(tracer, path, 1)), "closed": path.ends[1] == "closed",
        "period": tracer.n, "bounds": bounds, "lengths": tracer.weights**-0.5, "paces": path.paces, "start": path.start,
        "functions": functions.texts, "stops": list(functions.stops), "quantities": functions.along(tracer, path),
        "zeros": [zero_fields(tracer, zero, functions) | {"provenance": settings} for zero in found_zeros],
        "_step": step, "provenance": settings,
    }  # fmt: skip


def special_point_fields(
    tracer: BranchTracer, path: Path, special: SpecialPoint, mu: np.ndarray, coefficients: bool
) -> dict[str, Any]:
    """The fields of the record of a special point; those of the shorter cycle if the points have merged."""
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
    """(coefficient, supercritical, in words), or (None, None, reason) if there is no normal form."""
    try:
        form = normal_form_fields(step, points, parameter)
    except CfdynError as error:
        return None, None, str(error)
    if kind == "branch point" and form["kind"] != kind:
        return None, None, TOUCHING
    return form["coefficient"], form["supercritical"], form["meaning"]


def _reason(tracer: BranchTracer, path: Path, side: int) -> str:
    """Why a branch ends, in words."""
    end, value, name = path.ends[side], float(path.points[-side, -1]), tracer.parameter
    if end in AT_BORDER:
        return _obstacle(tracer, path, side)
    cycles = called(tracer.n, several=True)
    return {
        **usual_ends(name, value, tracer.bounds, MORE),
        "vertical": f"vertical: these {cycles} exist at {name} = {value:.10g} alone, where they form a continuum",
        "merged": f"meets a shorter cycle near {name} = {value:.6g}",
        "stop": f"stop near {name} = {value:.6g}",
    }.get(end, end)


def usual_ends(name: str, value: float, bounds: tuple[float, float], more: str) -> dict[str, str]:
    """Why a branch ends at a value of its parameter, in words; ``more``: the advice if it ran out of steps."""
    lo, hi = bounds
    return {
        "limit": f"{name} = {lo if abs(value - lo) < abs(value - hi) else hi:g}",
        "closed": "closed: it returns to its start",
        "most steps": f"{name} = {value:.6g}: out of steps; {more}",
        "far": f"diverges to infinity near {name} = {value:.4g}",
    }


def _obstacle(tracer: BranchTracer, path: Path, side: int) -> str:
    """Why no solution follows beyond an end."""
    z = path.points[-side]
    ahead, name, value = z + AHEAD * (1 if side else -1) * path.tangents[-side], tracer.parameter, float(z[-1])
    step, points = tracer.map_at(ahead), tracer.points(ahead)
    if not (np.isfinite(images(step, points)).all() and np.isfinite(jacobians(step, points)).all()):
        return f"the map is not defined beyond {name} = {value:.10g}"
    if not tracer.switches and (length_scales(tracer.map_at(z), tracer.points(z)) < FINE * tracer.lengths).any():
        return f"{name} = {value:.10g}: what follows is much finer than where the branch began; start again from this row"
    if at_cut(step, points):
        return f"{name} = {value:.10g}: an angle reaches the cut of its circle; start again from this row"
    if not tracer.isolated(z, BLURRED):
        return f"rounding blurs the {called(tracer.n)} beyond {name} = {value:.10g}: it is nearly part of a continuum"
    return f"no solution follows beyond {name} = {value:.10g}: the map or its derivative jumps there"


def with_special_points(tracer: BranchTracer, path: Path) -> tuple[Path, list[SpecialPoint]]:
    """The branch, with more rows where special points may be missed between two rows, and its special points in order."""
    pieces, special, done, start = list[Curve](), list[SpecialPoint](), 0, path.points[path.start]
    for piece, border in path.smooth_pieces():
        rows = refined(tracer, piece)
        special += [s._replace(row=s.row + done) for s in bifurcations(tracer, rows, tracer.multipliers(rows.values))]
        pieces.append(rows)
        done += len(rows.points)
        if border is not None:
            special.append(SpecialPoint("border collision", done - 1, 0.5, border.z))
    all_rows = stacked(*pieces)
    path = Path(*all_rows, {}, path.ends, path.paces, int((all_rows.points == start).all(axis=1).argmax()))
    return (path, special) if tracer.n == 1 else _with_shorter_cycles(tracer, path, special)


def refined(tracer: BranchTracer, rows: Curve) -> Curve:
    """The rows, refined where two special points may be missed in one step."""
    for _ in range(ROUNDS):
        parts, last = list[Curve](), 0
        for k, share in suspects(rows, tracer.multipliers(rows.values)):
            solution = between(tracer, rows, k)
            inserted = [s for t in sorted((share / 2, share, (1 + share) / 2)) if (s := solution(t)) is not None]
            parts += [some_rows(rows, slice(last, k + 1)), *map(as_row, inserted)]
            last = k + 1
        if not last:
            break
        rows = stacked(*parts, some_rows(rows, slice(last, None)))
    return rows


def suspects(rows: Curve, mu: np.ndarray) -> list[tuple[int, float]]:
    """Steps (row, fraction) in which a test may vanish twice: a parabola through three rows has its extremum there."""
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(rows.points, axis=0), axis=1))])
    tests = [rows.values[:, 1 + FLIP]]
    if np.iscomplexobj(mu):
        size = np.where(np.abs(mu.imag) > REAL, np.abs(mu) - 1, np.nan)
        tests += [size[:, j] for j in range(mu.shape[1])]
    with np.errstate(all="ignore"):
        return sorted({k: share for values in tests for k, share in near_zero(s, values)}.items())


def _with_shorter_cycles(tracer: BranchTracer, path: Path, special: list[SpecialPoint]) -> tuple[Path, list[SpecialPoint]]:
    """The branch with the bifurcations of shorter cycles where the points merge; an end beyond one is cut there."""
    rows, ends, first, last = [part.copy() for part in path[:3]], list(path.ends), 0, len(path.points)
    # A branch may begin at the shorter cycle's flip: then it is not met there.
    begun = path.ends[0] != "merged" and grouped(tracer, path.points[0]) < tracer.n
    merging = [(k, q) for k, q in merges(tracer, path.points) if k or not begun]
    for k, q in merging:
        own = merged(tracer, path.points[k], path.points[k + 1], q)
        if own is None:
            continue
        kind, share, z = own
        z = tracer.z(np.tile(z[:-1], tracer.n // q), z[-1])
        special = [s for s in special if s.kind not in TURNS or (s.row != k and tracer.length(s.z - z) > AROUND)]
        for side, at_end in ((0, k == merging[0][0]), (1, k == merging[-1][0])):
            if path.ends[side] == "merged" and at_end:
                ends[side] = f"{MEETS[kind]} the {called(q)} at {tracer.parameter} = {shown(float(z[-1]), tracer.bounds)}"
                rows[0][k + side] = z
                rows[2][k + side] = tracer.evaluate(z, tracer.weights * rows[1][k + side])[2]
                first, last = (k, last) if side == 0 else (first, k + 2)
                special = [s for s in special if side == ((s.row, s.share) < (k, share))]
        special.append(SpecialPoint(kind, k, share, z, q))
    special = sorted((s._replace(row=s.row - first) for s in special), key=lambda s: (s.row, s.share))
    return Path(*some_rows(rows, slice(first, last)), {}, (ends[0], ends[1]), path.paces, path.start - first), special
