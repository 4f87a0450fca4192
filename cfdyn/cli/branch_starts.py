"""Where the commands about branches begin: values of the parameter, and cycles at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import cfdyn
from cfdyn.cli import specs
from cfdyn.cli.commands import MAP_START
from cfdyn.defaults import learning_rate, start_near
from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.minima import Minimum, minima
from cfdyn.orbits import iterate
from cfdyn.systems import Map, as_map

if TYPE_CHECKING:
    from cfdyn.cli.branch import Wanted

SHARES = (0.15, 0.35, 0.55, 0.75, 0.9, 0.97)
STEPS, LONGEST = 400, 8
Starts = list[tuple[float, Any]]


def started(wanted: Wanted, name: str, bounds: tuple[float, float]) -> tuple[Map, Starts, dict[str, str]]:
    """The map, cycles to start with at values of the parameter, and what was chosen for the user.

    Raises
    ------
    UsageError : not one map, or no such parameter
    NumericsError : nothing to start with was found
    """
    step, found, first = _map(wanted, name, bounds)
    # A wrong name, or bounds that make no sense, are an error before anything is computed.
    for share in (1e-9, 1 - 1e-9):
        step.at(**{name: bounds[0] + share * (bounds[1] - bounds[0])})
    value = step.params[name]
    if not bounds[0] < value < bounds[1]:
        value = bounds[0] + 0.25 * (bounds[1] - bounds[0])
    if wanted.start is not None:
        state = step.state(specs.numbers(wanted.start, "--start"))
        return step, _from_start(step, name, value, state, wanted.period), {"start": "given"}
    if wanted.period == 1 and found:
        isolated = [m for m in found if m.kind == "isolated"] or found[:1]
        return step, [(value, step.state(m.w)) for m in isolated], {"start": "all isolated minima"}
    if wanted.period > LONGEST:
        raise UsageError(f"cycles of period {wanted.period} are too many to be searched for (at most {LONGEST}); give a point of "
                         "one with --start")  # fmt: skip
    starts = _searched(step, name, bounds, first, wanted.period)
    if not starts:
        raise NumericsError(f"no cycle of period {wanted.period} was found at {len(SHARES)} values of {name} from {bounds[0]:g} "
                            f"to {bounds[1]:g}; give a point of one with --start")  # fmt: skip
    return step, starts, {"start": f"cycles found at values of {name} in the range"}


def _map(wanted: Wanted, name: str, bounds: tuple[float, float]) -> tuple[Map, list[Minimum], np.ndarray]:
    """The map, the minima of its loss, and a state from which orbits begin."""
    if (wanted.loss is None) == (wanted.map is None):
        raise UsageError("give either a LOSS or --map FORMULA, and only one of them")
    if wanted.map is not None:
        inside = f"{name}={bounds[0] + 0.25 * (bounds[1] - bounds[0])!r}"
        known = any(item.partition("=")[0].strip() == name for item in wanted.settings)
        settings = wanted.settings if known else [*wanted.settings, inside]
        step = specs.make_map(wanted.map, settings, wanted.variables)
        return step, [], step.state([MAP_START] * step.dim)
    function = specs.make_loss(str(wanted.loss), wanted.settings, wanted.variables)
    opt, open_lr = specs.make_optimizer(wanted.optimizer)
    found = minima(function, seed=wanted.seed)
    if open_lr and name != "lr":
        opt = opt.at(lr=learning_rate(function, opt, found))
    elif open_lr:
        opt = opt.at(lr=max(bounds[0] + 0.25 * (bounds[1] - bounds[0]), 1e-300))
    step = as_map(function, opt)
    return step, found, step.state(start_near(function, found))


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


def _searched(step: Map, name: str, bounds: tuple[float, float], first: np.ndarray, period: int) -> Starts:
    """Cycles of a period at some values: all of them in the range of the orbit for one variable, else what it ends on."""
    found: Starts = []
    for share in SHARES:
        value = bounds[0] + share * (bounds[1] - bounds[0])
        try:
            here = step.at(**{name: value})
            if step.dim == 1:
                z = iterate(here, first, STEPS).z
                middle, half = (z.max() + z.min()) / 2, 0.6 * np.ptp(z) + 1e-3
                found += [(value, c.points) for c in cfdyn.analysis.cycles(here, period, [(middle - half, middle + half)])]
                continue
            regime = cfdyn.analysis.classify(here, first, budget=50_000)
            if regime.period == period:
                found.append((value, regime.points))
        except CfdynError:
            continue
    return found
