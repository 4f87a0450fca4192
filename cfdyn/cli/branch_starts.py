"""Where the commands about branches begin: values of the parameter, and cycles at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import cfdyn
from cfdyn.cli import specs
from cfdyn.cli.wanted import Wanted
from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.studies.defaults import learning_rate
from cfdyn.systems.map import Map, as_map
from cfdyn.systems.minima import Minimum, minima

SHARES = (0.15, 0.35, 0.55, 0.75, 0.9, 0.97)
BUDGET, LONGEST = 100_000, 8
Starts = list[tuple[float, Any]]
ELSEWHERE = (0.25, 0.5, 0.75)  # shares of the first parameter's range, at each of those of the second


class Begun(NamedTuple):
    """The map, cycles to start with at values of the parameter, what was chosen for the user, and the box that was meant.

    ``trouble``: why there are none.
    """

    step: Map
    starts: Starts
    chosen: dict[str, str]
    box: specs.Box
    trouble: str = ""

    def some(self) -> Begun:
        """The same, or an error where there is nothing to start with."""
        if not self.starts:
            raise NumericsError(self.trouble)
        return self


def started(wanted: Wanted, name: str, bounds: tuple[float, float]) -> Begun:
    """Where to begin along a parameter.

    Raises
    ------
    UsageError : not one map, or no such parameter
    """
    step, found, box = _map(wanted, name, bounds)
    # A wrong name, or bounds that make no sense, are an error before anything is computed.
    for share in (1e-9, 1 - 1e-9):
        step.at(**{name: bounds[0] + share * (bounds[1] - bounds[0])})
    value = step.params[name]
    if not bounds[0] < value < bounds[1]:
        value = bounds[0] + 0.25 * (bounds[1] - bounds[0])
    if wanted.start is not None:
        state = step.state(specs.numbers(wanted.start, "--start"))
        return Begun(step, _from_start(step, name, value, state, wanted.period), {"start": "given"}, box)
    if wanted.period == 1 and found and wanted.box is None:
        isolated = [m for m in found if m.kind == "isolated"] or found[:1]
        return Begun(step, [(value, step.state(m.w)) for m in isolated], {"start": "all isolated minima"}, box)
    if wanted.period > LONGEST:
        raise UsageError(f"cycles of period {wanted.period} are too many to be searched for (at most {LONGEST}); give a point of "
                         "one with --start")  # fmt: skip
    values = [value, *(bounds[0] + share * (bounds[1] - bounds[0]) for share in SHARES)]
    starts = _searched(step, name, values, wanted, box)
    where = ", ".join(f"{lo:g}:{hi:g}" for lo, hi in box)
    trouble = (f"no cycle of period {wanted.period} was found in the box {where} at {len(values)} values of {name} from "
               f"{bounds[0]:g} to {bounds[1]:g}; look elsewhere with --box, or give a point of one with --start")  # fmt: skip
    return Begun(step, starts, {"start": f"cycles found in the box at values of {name} in the range"}, box, trouble)


def elsewhere(
    begun: Begun, wanted: Wanted, names: Sequence[str], bounds: Sequence[tuple[float, float]]
) -> Iterator[tuple[Map, np.ndarray]]:
    """Cycles in the box at values of two parameters all over their ranges; none where the user gave a start."""
    if wanted.start is not None or wanted.period > LONGEST:
        return
    (first, (lo, hi)), (second, (low, high)) = zip(names, bounds, strict=True)
    for share in SHARES:
        there = begun.step.at(**{second: low + share * (high - low)})
        values = [lo + part * (hi - lo) for part in ELSEWHERE]
        for value, points in _searched(there, first, values, wanted, begun.box):
            yield there.at(**{first: value}), points


def _map(wanted: Wanted, name: str, bounds: tuple[float, float]) -> tuple[Map, list[Minimum], specs.Box]:
    """The map, the minima of its loss, and where to look for cycles."""
    if (wanted.loss is None) == (wanted.map is None):
        raise UsageError("give either a LOSS or --map FORMULA, and only one of them")
    given = None if wanted.box is None else specs.box(wanted.box)
    if wanted.map is not None:
        inside = {name: bounds[0] + 0.25 * (bounds[1] - bounds[0])}
        step = specs.make_map(wanted.map, specs.with_values(wanted.settings, wanted.map, inside), wanted.variables,
                              wanted.periodic)  # fmt: skip
        return step, [], given or specs.usual_box(step)
    function = specs.make_loss(str(wanted.loss), wanted.settings, wanted.variables)
    opt, open_lr = specs.make_optimizer(wanted.optimizer)
    found = minima(function, seed=wanted.seed)
    if open_lr and name != "lr":
        opt = opt.at(lr=learning_rate(function, opt, found))
    elif open_lr:
        opt = opt.at(lr=max(bounds[0] + 0.25 * (bounds[1] - bounds[0]), 1e-300))
    step = as_map(function, opt, specs.periods(wanted.periodic))
    return step, found, given or specs.usual_box(step, function)


def _from_start(step: Map, name: str, value: float, state: np.ndarray, period: int) -> Starts:
    """The start itself, or the cycle that its orbit ends on."""
    here = step.at(**{name: value})
    try:
        cfdyn.analysis.continue_cycle(here, state, name, (value - 1e-9, value + 1e-9), period, max_steps=1, coefficients=False)
    except CfdynError:
        regime = cfdyn.analysis.classify(here, state, budget=20_000)
        if regime.period == period:
            return [(value, regime.points)]
    return [(value, state)]


def _searched(step: Map, name: str, values: list[float], wanted: Wanted, box: specs.Box) -> Starts:
    """All cycles of the period in the box at some values of the parameter, the stable ones first."""
    found: Starts = []
    for value in values:
        try:
            here = cfdyn.analysis.cycles(step.at(**{name: value}), wanted.period, box, wanted.seed, BUDGET)
        except NumericsError:
            continue
        found += [(value, cycle.points) for cycle in sorted(here, key=lambda cycle: cycle.stable is not True)]
    return found
