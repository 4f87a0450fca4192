"""From a start to the fields of the record of a matrix-free branch, and of its special points."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.fields import usual_ends
from cfdyn.continuation.branch.follower import given_start
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import check_steps, interval_around
from cfdyn.continuation.matrix_free.events import Event, Row, beyond, pairs_of
from cfdyn.continuation.matrix_free.follower import Arm, first_row, followed
from cfdyn.continuation.matrix_free.forms import flip_form
from cfdyn.continuation.matrix_free.functions import with_functions
from cfdyn.continuation.matrix_free.system import System
from cfdyn.cycles.matrix_free import Steps
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import provenance
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called, shown

MOST_PERIOD = 8  # the iterate is composed
MOST_NAMES = 100  # of entries of the state, that are written down
MOST_BYTES = 2**29  # of rows in each direction
DISTINCT = 1e-7  # of the size of a cycle: points that are one
CYCLES = "coefficients of cycles of many weights are not computed; those of fixed points are"
NO_FORM = "coefficients are computed for flips where there are many weights"


def matrix_free_fields(
    step: AnyMap, cycle: Any, parameter: str, bounds: Sequence[float], period: int | None, watched: int | None,
    max_steps: int, max_step: float, coefficients: bool, progress: Callable[[int], None] | None, functions: Functions,
) -> dict[str, Any]:  # fmt: skip
    """The fields of the record of a branch, except ``stable``; those of its special points and zeros as dictionaries too."""
    interval, value = interval_around(step, parameter, bounds), float(step.params[parameter])
    check_steps(max_steps, max_step)
    if watched is not None:
        whole_number("`multipliers`", watched, 1)
    x, n = _start(step, cycle, period)
    steps = Steps(step, parameter, n)
    system = System(steps, interval, x, value, watched)
    up = np.append(np.zeros(system.dim), 1.0)
    start = _solved(system, np.append(x, value), up)
    row = first_row(system, start, up / system.length(up))
    if row is None:
        raise NumericsError(f"the {called(n)} at {parameter} = {value:.10g} is not isolated, or has no direction to follow")
    return fields_from(system, row, max_steps, max_step, coefficients, progress, functions)


def fields_from(
    system: System, row: Row, max_steps: int, max_step: float, coefficients: bool, progress: Callable[[int], None] | None,
    functions: Functions, begun: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The same from a first row on, in both directions; in one direction if it has ``begun`` at a point."""
    most = min(max_steps, max(10, MOST_BYTES // (16 * (system.dim + 1))))
    ahead = followed(system, row, most, max_step, progress)
    rows, events, ends, start = ahead.rows, ahead.events, (begun, ahead.end), 0
    if ahead.end == "closed":
        ends = ("", "closed")
    elif not begun:
        back = followed(system, row.turned(), most, max_step, progress)
        rows, events, start = _joined(back, ahead)
        ends = back.end, ahead.end
    rows, events, ends, start, own = with_functions(system, rows, events, ends, start, functions)
    fields = _fields(system, rows, events, ends, start, coefficients)
    return fields | own | {"zeros": [zero | {"provenance": fields["provenance"]} for zero in own["zeros"]]}


def _joined(back: Arm, ahead: Arm) -> tuple[list[Row], list[Event], int]:
    """Rows and special points of both directions in one order, and the row from which both began."""
    last = len(back.rows) - 1
    reversed_rows = [row.turned() for row in back.rows[:0:-1]]
    before = [e._replace(row=last - 1 - e.row, share=1 - e.share) for e in reversed(back.events)]
    after = [e._replace(row=e.row + last) for e in ahead.events]
    return [*reversed_rows, *ahead.rows], before + after, last


def _start(step: AnyMap, cycle: Any, period: int | None) -> tuple[np.ndarray, int]:
    """The first point of a start, and the period."""
    rows, n = given_start(step, cycle, period)
    if n > MOST_PERIOD:
        raise UsageError(f"cycles of maps of many weights are followed up to the period {MOST_PERIOD}, not {n}")
    z = step.state(rows[0])
    step.check_products(z)
    return z, n


def _solved(system: System, z: np.ndarray, border: np.ndarray) -> np.ndarray:
    place = system.solve(z, border)
    n, name, value = system.steps.n, system.steps.parameter, float(z[-1])
    if place is None:
        raise NumericsError(f"there is no {called(n)} near the start at {name} = {value:.10g}: Newton's method does not converge")
    points = place.local.points
    for q in range(1, n):
        if n % q == 0 and np.abs(points[q] - points[0]).max() <= DISTINCT * max(1.0, float(np.abs(points).max())):
            raise NumericsError(f"there is no {called(n)} near the start at {name} = {value:.10g}: Newton's method leads to a "
                                f"{called(q)}")  # fmt: skip
    return place.z


def _fields(
    system: System, rows: list[Row], events: list[Event], ends: tuple[str, str], start: int, coefficients: bool
) -> dict[str, Any]:  # fmt: skip
    steps, step = system.steps, system.steps.step
    names = tuple(step.names[:MOST_NAMES])
    said = provenance(map=step.title, params=step.params, names=names, parameter=steps.parameter, bounds=system.bounds)
    settings = {**said, "recipe": step.compiled and recipe_of(step.compiled)}
    values, residuals = _multipliers(rows)
    hyperbolic = _others_outside(rows, events)
    special = [
        _special(system, rows, event, coefficients, other) | {"provenance": settings}
        for event, other in zip(events, hyperbolic, strict=True)
    ]
    points = np.array([row.z[:-1] if steps.n == 1 else steps.at(row.z[:-1], row.z[-1]).points for row in rows])
    return {
        "name": steps.parameter, "parameter": np.array([row.z[-1] for row in rows]),
        "points": points.reshape(len(rows), steps.n, steps.dim), "multipliers": values, "bifurcations": special,
        "ends": tuple(_reason(system, end, rows[-side].z) for side, end in enumerate(ends)), "closed": ends[1] == "closed",
        "period": steps.n, "bounds": system.bounds, "start": start, "watched": _watched(system, rows), "residuals": residuals,
        "lengths": np.append(np.tile(system.weights[:-1] ** -0.5, steps.n), system.weights[-1] ** -0.5), "_step": step,
        "provenance": settings,
    }  # fmt: skip


def _watched(system: System, rows: list[Row]) -> str:
    """Which multipliers were computed, and from where on all of these are beyond −1; empty if all were."""
    words, most = system.shape.words, system.shape.watched
    if not words or most is None:
        return words
    counts = [len(row.spectrum.values) for row in rows]
    if min(counts) < max(counts):
        none = f"; on {counts.count(0)} none, so that it is not known whether these are stable" if 0 in counts else ""
        words += f"; on {sum(k < max(counts) for k in counts)} of {len(rows)} rows fewer were found{none}"
    full = [float(row.z[-1]) for row in rows if beyond(row.spectrum.values, -1.0) >= most]
    if not full:
        return words
    return words + f", as for {system.steps.parameter} = {min(full):.10g} to {max(full):.10g}, where {most} have passed −1"


def _multipliers(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """The multipliers of all rows, the largest modulus first, with their residuals, (m, K); NaN for a missing one."""
    most = max(len(row.spectrum.values) for row in rows)
    kind = complex if any(np.iscomplexobj(row.spectrum.values) for row in rows) else float
    values, residuals = np.full((len(rows), most), np.nan, dtype=kind), np.full((len(rows), most), np.nan)
    for k, row in enumerate(rows):
        order = np.argsort(-np.abs(row.spectrum.values), kind="stable")
        values[k, : len(order)], residuals[k, : len(order)] = row.spectrum.values[order], row.spectrum.residuals[order]
    return values, residuals


def _others_outside(rows: list[Row], events: list[Event]) -> list[bool]:
    """For each special point, whether multipliers other than the critical one are outside the unit circle."""
    others, row, outside = list[bool](), -1, 0
    for event in events:
        if event.row != row:
            row, outside = event.row, int((np.abs(rows[event.row].spectrum.values) > 1).sum())
        before, after = (_outside(rows[k].spectrum.values, event.kind) for k in (row, min(row + 1, len(rows) - 1)))
        outward, together = after > before, 2 if event.kind == "neimark-sacker" else 1
        others.append(outside - (0 if outward else together) > 0)
        outside += together if outward else -together
    return others


def _outside(values: np.ndarray, kind: str) -> int:
    """The number of multipliers, or pairs, beyond the critical place of a kind of special point."""
    if kind == "neimark-sacker":
        return int((pairs_of(values) > 1).sum())
    return beyond(values, -1.0 if kind == "flip" else 1.0)


def _special(system: System, rows: list[Row], event: Event, coefficients: bool, hyperbolic: bool) -> dict[str, Any]:
    """The fields of the record of a special point; only its critical multiplier is known."""
    z, steps = event.place.z, system.steps
    coefficient, supercritical, words = None, None, ""
    if coefficients and event.kind == "flip" and steps.n == 1 and event.vector is not None:
        form = flip_form(steps, event.place, float(event.multiplier.real), event.vector, hyperbolic)
        coefficient, supercritical, words = form
    elif coefficients:
        words = CYCLES if event.kind == "flip" else NO_FORM
    return {
        "kind": event.kind, "parameter": float(z[-1]), "points": event.place.local.points,
        "multipliers": np.array([event.multiplier]), "coefficient": coefficient, "supercritical": supercritical,
        "place": event.row, "name": steps.parameter, "bounds": system.bounds, "meaning": words,
        "tangent": rows[event.row].tangent.copy(), "residual": event.residual, "_step": steps.step, "critical": event.vector,
    }  # fmt: skip


def _reason(system: System, end: str, z: np.ndarray) -> str:
    """Why a branch ends, in words."""
    name, value = system.steps.parameter, float(z[-1])
    return {
        **usual_ends(name, value, system.bounds, "increase `max_steps`, or start again from this row"),
        "stalled": f"no solution follows beyond {name} = {shown(value, system.bounds)}, to steps of 1e-6",
    }.get(end, end)
