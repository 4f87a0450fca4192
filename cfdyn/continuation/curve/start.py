"""The start of a curve of bifurcations: checks, and the system to follow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfdyn.continuation.branch.fields import with_special_points
from cfdyn.continuation.branch.follower import followed, start_of
from cfdyn.continuation.branch.functions import taken_over
from cfdyn.continuation.branch.system import WIDEST, BranchTracer
from cfdyn.continuation.curve.system import FORMS, CurveTracer, allowed
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import NumericsError, UsageError, shown, unknown
from cfdyn.normal_forms.critical_multipliers import given_points
from cfdyn.symbolic.programs.oracle import MOST_CLOSED
from cfdyn.symbolic.text.formula import formula
from cfdyn.systems.map import Map, require_parameter
from cfdyn.words import called, spoken

KINDS = tuple(kind for kind in FORMS if kind != "condition")
HERE = 1e-9  # a closer start needs no search


def checked_plane(step: Map, parameters: Sequence[str], bounds: Any) -> tuple[tuple[str, str], np.ndarray]:
    """Two different parameters of the map, and finite intervals (2, 2)."""
    names = tuple(parameters.split(",") if isinstance(parameters, str) else parameters if np.iterable(parameters) else ())
    if len(names) != 2:
        raise UsageError(f"a curve needs the names of two parameters, such as ('lr', 'a'), not {parameters!r}")
    for name in names:
        require_parameter(step, name)
    if names[0] == names[1]:
        raise UsageError(f"a curve needs two different parameters, not {names[0]} twice")
    try:
        box = np.array([[float(lo), float(hi)] for lo, hi in bounds])
    except (TypeError, ValueError, OverflowError):
        box = np.empty(0)
    if box.shape != (2, 2) or not (np.abs(box) <= WIDEST).all() or not (box[:, 0] < box[:, 1]).all():
        raise UsageError(f"bounds are two finite intervals ((lo, hi), (lo, hi)) of {names[0]} and {names[1]}, "
                         f"within ±{WIDEST:g}, not {bounds!r}")  # fmt: skip
    return (names[0], names[1]), box


def started(
    step: Map, bifurcation: Any, names: tuple[str, str], box: np.ndarray, condition: str | None, search: bool
) -> CurveTracer:
    """The system to be followed, from a record, (kind, points), or points; see `bifurcation_curve`."""
    step, kind, points = _read(step, bifurcation, condition)
    cycle = given_points(step, points)
    for name, (lo, hi) in zip(names, box, strict=True):
        if not lo <= step.params[name] <= hi:
            raise UsageError(f"the curve starts at {name} = {step.params[name]:.10g}, outside its bounds {lo:g} to {hi:g}")
    rule = None if condition is None else _condition_rule(step, names, condition)
    if kind == "border collision" and not step.switches:
        raise UsageError("this map has no borders: its formulas do not switch (Abs, Max, Piecewise)")
    if search or kind == "condition":
        cycle = start_of(step, cycle, None, 1)
    if search and not _is_met(step, kind, cycle, names, rule):
        step, cycle = _searched(step, kind, cycle, names, box, rule)
    if kind == "border collision":
        cycle = np.roll(cycle, -_nearest_border(step, cycle)[0], axis=0)
    return system_of(step, kind, cycle, names, box, rule)


def system_of(step: Map, kind: str, cycle: np.ndarray, names: tuple[str, str], box: np.ndarray, rule: str | None) -> CurveTracer:
    """The system of a curve through a cycle; for a border collision, that of the border closest to its points."""
    if kind == "border collision":
        rule = f"switching:{_nearest_border(step, cycle)[1]}"
    return CurveTracer(step, kind, cycle, names, box, rule)


def _condition_rule(step: Map, names: tuple[str, str], condition: str) -> str:
    if taken_over(condition) is not None:
        raise UsageError(f"a curve follows a condition on the cycle's first point, not {condition!r} over all of them")
    known = (*step.names, *step.params, *(step.observables[: 2 if step.n_weights <= MOST_CLOSED else 1]))
    used = formula(condition, known).names
    if not set(used) & {*step.names, *names, *step.observables}:
        raise UsageError(f"the condition {condition!r} depends neither on the state nor on {names[0]} or {names[1]}")
    return f"expression:{condition}"


def _is_met(step: Map, kind: str, cycle: np.ndarray, names: tuple[str, str], rule: str | None) -> bool:
    """True if the cycle is at such a point already."""
    if rule is not None:
        state = np.append(cycle[0], [step.params[name] for name in names])
        extended = step.extended(*names)
        return bool(abs(extended.rule(rule)(state, extended.p)[0]) <= HERE)
    if kind == "border collision":
        return bool(_distances_to_borders(step, cycle).min() <= HERE * (1 + np.abs(cycle).max()))
    mu = multipliers(step, cycle)
    if kind == "neimark-sacker":
        return bool(np.any((np.abs(np.abs(mu) - 1) <= HERE) & (np.abs(np.imag(mu)) > HERE)))
    return bool(np.abs(mu - (-1 if kind == "flip" else 1)).min() <= HERE)


def _searched(
    step: Map, kind: str, cycle: np.ndarray, names: tuple[str, str], box: np.ndarray, rule: str | None
) -> tuple[Map, np.ndarray]:
    """The map and the cycle at the closest such point along either parameter."""
    met: list[str] = []
    for name, bounds in zip(names, box, strict=True):
        tracer, path = followed(step, cycle, name, [allowed(step, name, float(end)) for end in bounds])
        path, special = with_special_points(tracer, path)
        if rule is not None:
            starts = _crossings(step.extended(*names), tracer, path.points, names, rule)
        else:
            here = [s for s in special if s.period in (None, len(cycle))]
            starts = [(float(s.z[-1]), tracer.points(s.z)) for s in here if s.kind == kind]
            met += [f"{spoken(s.kind)} at {name} = {s.z[-1]:.6g}" for s in here]
        if starts:
            value, points = min(starts, key=lambda pair: abs(pair[0] - step.params[name]))
            return step.at(**{name: float(value)}), points
    ranges = " or ".join(f"{name} in {lo:g} to {hi:g}" for name, (lo, hi) in zip(names, box, strict=True))
    what = "point of the condition" if rule is not None else spoken(kind)
    beside = f" (but a {', a '.join(met[:4])})" if met else ""
    raise NumericsError(f"the {called(len(cycle))} meets no {what} along {ranges}{beside}; start elsewhere, or widen the bounds")


def _crossings(
    extended: Map, tracer: BranchTracer, rows: np.ndarray, names: tuple[str, str], rule: str
) -> list[tuple[float, np.ndarray]]:
    """Rows of a branch behind which the condition changes sign for a point of the cycle, which then becomes the first."""
    parameter, points = rows[:, -1], tracer.points(rows)
    values = np.array([[tracer.step.params[name] for name in names]] * len(parameter))
    values[:, names.index(tracer.parameter)] = parameter
    crossings = []
    for i in range(tracer.n):
        states = np.column_stack([points[:, i], values])
        test = np.array([extended.rule(rule)(state, extended.p)[0] for state in states])
        crossings += [(float(parameter[k]), np.roll(points[k], -i, axis=0)) for k in np.flatnonzero(test[:-1] * test[1:] <= 0)]
    return crossings


def _read(step: Map, given: Any, condition: str | None) -> tuple[Map, str, Any]:
    name, value = getattr(given, "name", None), getattr(given, "parameter", None)
    if isinstance(value, str):  # an `Edge`, or a `Window`, which opens at a fold
        name, value = value, getattr(given, "value", getattr(given, "opens", None))
    if isinstance(name, str) and isinstance(value, float):
        step = step.at(**{name: value})
    points = getattr(given, "points", given)
    if condition is not None:
        return step, "condition", points[1] if _is_pair(points) else points
    if hasattr(given, "points") and (hasattr(given, "kind") or hasattr(given, "opens")):
        kind = getattr(given, "kind", "fold")
    elif _is_pair(given):
        kind, points = given
    else:
        raise UsageError(f"a curve starts from a bifurcation, an edge, a window or (kind, points), not {shown(given)}")
    if kind not in KINDS:
        raise unknown("kind of bifurcation", str(kind), KINDS)
    return step, kind, points


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)


def _nearest_border(step: Map, cycle: np.ndarray) -> tuple[int, int]:
    """(the point, the switching function) with the least distance from one to where the other vanishes."""
    distances = _distances_to_borders(step, cycle)
    point, switch = np.unravel_index(int(np.argmin(distances)), distances.shape)
    return int(point), int(switch)


def _distances_to_borders(step: Map, cycle: np.ndarray) -> np.ndarray:
    """The distance of each point from the zeros of each switching function, (n, switches)."""
    distances = np.empty((len(cycle), step.switches))
    for j in range(step.switches):
        rule = step.rule(f"switching:{j}")
        for i, x in enumerate(cycle):
            value, *slope = rule(x, step.p)
            length = float(np.linalg.norm(slope))
            distances[i, j] = abs(value) / length if length > 0 else np.inf
    return distances
