"""The branches of cycles over a parameter that a page draws on its orbit diagram, and where one leads to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import cfdyn
from cfdyn.analysis.bifurcations._branch import Bifurcation, Branch
from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.plotting import check_limits
from cfdyn.records.record import plain
from cfdyn.studies.defaults import usual_box
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.minima import minima
from cfdyn.words import called, shown

DEPTH = 3  # flips and branch points in a row that are followed
MOST_PERIOD = 16
ROWS = 60  # of a branch, between its special points
SAME = 1e-6  # of the range, of the size of the points: where a branch meets a special point of another


def branch_findings(
    step: Map, loss: Loss | None, start: Sequence[float], over: str, ends: tuple[float, float], say: Callable[[str], None]
) -> dict[str, Any]:
    """For JSON: the branches of the minimum closest to the start and of the cycle on which its orbit settles.

    A branch has a ``period``, ``rows`` (value, stable, points) along it (stable is None at a special point), and ``special``
    points, each with its ``value``, ``points``, ``what`` it is, and the branches that it ``leads`` to. The same points are
    the ``landmarks`` over this parameter. They hold at the ``values`` of the other parameters.
    """
    known = nothing(over) | {"values": step.params}
    try:
        starts = _starts(step, loss, start, over)
        found = cfdyn.analysis.branches(step, None, over, ends, depth=DEPTH, starts=starts, progress=say)
    except CfdynError as reason:
        return known | {"missing": f"branches over {over}: {reason}"}
    branches = [one for one in found if one.period <= MOST_PERIOD]
    drawn = [_drawn(one, branches) for one in branches]
    marks = {(point["value"], point["what"]) for one in drawn for point in one["special"]}
    landmarks = [{"value": value, "what": what, "formula": "", "proof": ""} for value, what in sorted(marks)]
    return plain(known | {"branches": drawn, "landmarks": landmarks})


def _starts(step: Map, loss: Loss | None, start: Sequence[float], over: str) -> list[tuple[float, np.ndarray]]:
    value, regime = step.params[over], cfdyn.analysis.classify(step, start)
    starts = [] if not len(regime.points) else [(value, regime.points)]
    if loss is not None and (known := minima(loss)):
        closest = min(known, key=lambda one: float(np.abs(one.w - np.asarray(start)[: loss.dim]).max()))
        starts.insert(0, (value, step.state(closest.w)[None]))
    elif loss is None:
        starts += [(value, one.points) for one in cfdyn.analysis.cycles(step, 1, usual_box(step))]
    if not starts:
        raise NumericsError("no minimum and no cycle is known from which a branch could start")
    return starts


def _drawn(branch: Branch, others: Sequence[Branch]) -> dict[str, Any]:
    met, last = [point for point in branch.bifurcations if point.period == branch.period], len(branch.parameter) - 1
    near = {min(k, last) for point in met for k in (point.place, point.place + 1)}
    kept = near | {*range(0, last, max(1, last // ROWS)), last}
    rows: list[tuple[float, list[Any]]] = [(k, [branch.parameter[k], bool(branch.stable[k]), branch.points[k]]) for k in kept]
    rows += [(point.place + 0.5, [_value(point), None, point.points]) for point in met]
    special = [{"value": _value(point), "points": point.points, "what": _words(point), "leads": _leads(point, branch, others)}
               for point in met]  # fmt: skip
    return {"period": branch.period, "rows": [row for _, row in sorted(rows, key=lambda row: row[0])], "special": special}


def _value(point: Bifurcation) -> float:
    """Of the parameter; 0 where it is that but for rounding."""
    return float(shown(point.parameter, point.bounds, 17))


def _words(point: Bifurcation) -> str:
    kind = {"flip": "flip", "fold": "fold", "neimark-sacker": "Neimark–Sacker bifurcation"}.get(point.kind, point.kind)
    known = point.kind == "flip" and point.supercritical is not None
    side = ("supercritical " if point.supercritical else "subcritical ") if known else ""
    return f"{side}{kind} of the {called(point.period)}"


def _leads(point: Bifurcation, own: Branch, others: Sequence[Branch]) -> list[int]:
    """The other branches that pass through a special point: at an end of theirs, or at a special point of their own."""
    return [k for k, other in enumerate(others) if other is not own and any(_meets(point, *place) for place in _places(other))]


def _places(branch: Branch) -> list[tuple[float, np.ndarray]]:
    ends = [(branch.parameter[k], branch.points[k]) for k in (0, -1)]
    return ends + [(one.parameter, one.points) for one in branch.bifurcations]


def _meets(point: Bifurcation, value: float, points: np.ndarray) -> bool:
    lo, hi = point.bounds
    room = SAME * (1 + np.abs(point.points).max())
    near = np.abs(points[:, None] - point.points[None]).max(axis=2).min(axis=1) <= room
    return abs(value - point.parameter) <= SAME * (hi - lo) and bool(near.all())


def checked_over(given: Any) -> tuple[str, tuple[float, float]]:
    """[name, lo, hi] of a request as a name and a range; else a UsageError."""
    if not isinstance(given, Sequence) or len(given) != 3 or not isinstance(given[0], str):
        raise UsageError("branches are over [name, lo, hi] of a parameter")
    return given[0], check_limits(given[0], given[1:])


def ranges_of(params: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """[name, lo, hi] of each parameter of a scene whose range is linear and contains its value."""
    return [[one["name"], one["lo"], one["hi"]] for one in params if not one["log"] and one["lo"] <= one["value"] <= one["hi"]]


def nothing(over: str) -> dict[str, Any]:
    """What a page knows before anything is found."""
    return {"values": {}, "over": over, "landmarks": [], "proofs": [], "branches": [], "missing": ""}
