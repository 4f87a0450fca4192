"""Default starts of branches, cascades and bifurcation curves: parameter values, and cycles there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.analysis.attractors.classify import classify
from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.bifurcations.bifurcation_curve import bifurcation_curve
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.analysis.bifurcations.cycles import cycles
from cfdyn.analysis.parameters.cascade import Cascade, cascade
from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum

Interval = tuple[float, float]

INSIDE = 0.25  # share of the bounds: low enough that most cycles have not bifurcated yet
SHARES = (0.15, 0.35, 0.55, 0.75, 0.9, 0.97)  # fractions of the bounds at which cycles are searched for
ELSEWHERE = (0.25, 0.5, 0.75)  # shares of the first parameter's bounds, at each of those of the second
BUDGET, LONGEST = 100_000, 8  # of a search for cycles, and their period: a second or two for each value


def inside(bounds: Interval) -> float:
    """A value within its bounds for a parameter without one."""
    return bounds[0] + INSIDE * (bounds[1] - bounds[0])


@dataclass(frozen=True)
class BranchStarts:
    """Cycles of a map from which continuation can start.

    ``cycles``: parameter values, each with the points (period, D) of a cycle there, or one point (D,), in the order in which to
    try them; ``chosen``: their origin in words; ``trouble``: why there are none; ``box``: where to search for more, None if the
    start was given.
    """

    step: Map
    period: int
    cycles: list[tuple[float, np.ndarray]]
    chosen: str
    box: Sequence[Interval] | None
    seed: int
    trouble: str = ""

    def some(self) -> BranchStarts:
        """The starts themselves, or a NumericsError if there are none."""
        if not self.cycles:
            raise NumericsError(self.trouble)
        return self

    def elsewhere(self, names: Sequence[str], bounds: Sequence[Interval]) -> Iterator[tuple[Map, np.ndarray]]:
        """Cycles in the box at values of two parameters throughout their bounds; none if the start was given."""
        (first, (lo, hi)), (second, (low, high)) = zip(names, bounds, strict=True)
        for share in SHARES if self.box is not None else ():
            try:
                there = self.step.at(**{second: low + share * (high - low)})
            except UsageError:  # no such map, as for a momentum beyond 1
                continue
            values = [lo + part * (hi - lo) for part in ELSEWHERE]
            for value, points in _searched(there, first, values, self.period, self.box, self.seed):
                yield there.at(**{first: value}), points


def branch_starts(
    step: Map, name: str, bounds: Interval, period: int, start: Any, box: Sequence[Interval], minima: Sequence[Minimum] = (),
    seed: int = 0,
) -> BranchStarts:  # fmt: skip
    """Default starts along a parameter: at its value in the map, if that is within the bounds.

    step, name, bounds : the map, the parameter, and where its branches end
    period : of the cycles
    start : a point (D,), or the weights: it is used itself, or the cycle on which its orbit ends; None: search for cycles
    box : where to search, for each variable
    minima : of the loss; if the period is 1, the fixed points at the isolated ones are used
    seed : of the search

    UsageError: no such parameter, bounds or start, or a period too long for a search

    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
    >>> [(value, len(points)) for value, points in branch_starts(step, "r", (3.0, 3.4), 2, None, [(0.1, 1.0)]).cycles][:2]
    [(3.2, 2), (3.06, 2)]
    """
    # A wrong name or invalid bounds are an error before anything is computed.
    for share in (1e-9, 1 - 1e-9):
        step.at(**{name: bounds[0] + share * (bounds[1] - bounds[0])})
    value = step.params[name] if bounds[0] < step.params[name] < bounds[1] else inside(bounds)
    if start is not None:
        return BranchStarts(step, period, [_from_start(step, name, value, step.state(start), period)], "given", None, seed)
    if period == 1 and minima:
        isolated = [m for m in minima if m.kind == "isolated"] or minima[:1]
        return BranchStarts(step, 1, [(value, step.state(m.w)) for m in isolated], "all isolated minima", box, seed)
    if period > LONGEST:
        raise UsageError(f"cycles of period {period} are too many to be searched for (at most {LONGEST}); give a point of one "
                         "with `start`")  # fmt: skip
    values = [value, *(bounds[0] + share * (bounds[1] - bounds[0]) for share in SHARES)]
    starts = _searched(step, name, values, period, box, seed)
    where = ", ".join(f"{lo:g}:{hi:g}" for lo, hi in box)
    trouble = (f"no cycle of period {period} was found in the box {where} at {len(values)} values of {name} from "
               f"{bounds[0]:g} to {bounds[1]:g}; search elsewhere with `box`, or give a point of one with `start`")  # fmt: skip
    return BranchStarts(step, period, starts, f"cycles found in the box at values of {name} in the range", box, seed, trouble)


def _from_start(step: Map, name: str, value: float, state: np.ndarray, period: int) -> tuple[float, np.ndarray]:
    """The start itself, or the cycle on which its orbit settles."""
    here = step.at(**{name: value})
    try:
        continue_cycle(here, state, name, (value - 1e-9, value + 1e-9), period, max_steps=1, coefficients=False)
    except CfdynError:
        regime = classify(here, state, budget=20_000)
        if regime.period == period:
            return value, regime.points
    return value, state


def _searched(step: Map, name: str, values: Sequence[float], period: int, box: Any, seed: int) -> list[tuple[float, np.ndarray]]:
    """All cycles of the period in the box at some values of the parameter, the stable ones first."""
    starts: list[tuple[float, np.ndarray]] = []
    for value in values:
        try:
            here = cycles(step.at(**{name: value}), period, box, seed, BUDGET)
        except NumericsError:
            continue
        starts += [(value, cycle.points) for cycle in sorted(here, key=lambda cycle: cycle.stable is not True)]
    return starts


def first_cascade(starts: BranchStarts, name: str, bounds: Interval, levels: int, **options: Any) -> Cascade:
    """The cascade from the first start that has one, else a NumericsError about the last; ``options`` of `cascade`."""
    trouble = NumericsError("there is no cycle to start with")
    for value, points in starts.some().cycles:
        period = None if points.ndim == 2 else starts.period
        try:
            return cascade(starts.step.at(**{name: value}), points, name, bounds, levels, period, **options)
        except NumericsError as error:
            trouble = error
    raise trouble


def first_curve(
    starts: BranchStarts, kind: str, names: Sequence[str], bounds: Sequence[Interval], condition: str | None = None,
    say: Callable[[str], None] = lambda words: None, **options: Any,
) -> tuple[BifurcationCurve, str]:  # fmt: skip
    """The curve from the first start that leads to one, else from cycles throughout the bounds, and its origin in words.

    starts : along the first of the two parameters
    kind, names, bounds, condition, options : of `bifurcation_curve`
    say : called with a message when other starts are searched for

    NumericsError: no start leads to a curve; it describes the failure of the first
    """
    trouble, tried = NumericsError(starts.trouble), 0
    firsts = ((starts.step.at(**{names[0]: value}), points) for value, points in starts.cycles)
    everywhere = f"cycles found in the box at values of {names[0]} and {names[1]} in their ranges"
    for begun, chosen in ((firsts, starts.chosen), (starts.elsewhere(names, bounds), everywhere)):
        for here, points in begun:
            cycle = _whole(here, points, starts.period)
            try:
                start = (kind, cycle) if condition is None else cycle
                return bifurcation_curve(here, start, names, bounds, condition, search=True, **options), chosen
            except NumericsError as error:
                trouble, tried = trouble if tried else error, tried + 1
        say(f"no curve from {tried} cycles; looking for others all over the ranges")
    raise NumericsError(f"none of {tried} cycles led to a curve; for the first: {trouble}") if tried > 1 else trouble


def _whole(here: Map, points: np.ndarray, period: int) -> np.ndarray:
    """The points (period, D) of a cycle given by all its points, or by one."""
    orbit = [*np.atleast_2d(points)]
    while len(orbit) < period:
        orbit.append(here(orbit[-1]))
    return np.array(orbit)
