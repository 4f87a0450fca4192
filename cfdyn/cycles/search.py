"""All cycles of one period with a point in a box, by the method that the map allows."""

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.cycles.angles import cut_open, in_box
from cfdyn.cycles.result import Say, SearchResult, silent
from cfdyn.cycles.same import distinct
from cfdyn.errors import UsageError
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map

LAPS, BOXES, STARTS, SMALL_STEPS = "laps", "boxes", "davidchack-lai", "schmelcher-diakonos"
METHODS = ("auto", LAPS, BOXES, STARTS, SMALL_STEPS)
ANYWHERE = ("auto", LAPS)  # methods of one variable that take infinite ends
MOST_UNKNOWNS = 400  # of a dense inverse for each chain
MOST_OPERATIONS = 20_000  # of a step with its Jacobian, of which bounds take ten times as many
FARTHEST = 1e100  # beyond, products of three numbers overflow
HIGHEST = 8  # dimension in which boxes are still few


def find_cycles(
    step: AnyMap, period: int, region: np.ndarray, seed: int, budget: int | None, method: str, say: Say = silent
) -> SearchResult:
    """Those with a point in the region (D, 2), each from its smallest point on; angles modulo their periods.

    ``say`` is told in words how far the search is.
    """
    if (code := step.compiled) is None:
        from cfdyn.cycles.close_returns import by_newton

        if method != "auto":
            raise UsageError(f"{method} is for maps that are formulas; of this one take method='auto'")
        return by_newton(step, period, region, seed, budget, say)
    if step.dim > 1 and method == LAPS:
        raise UsageError(f"laps are for maps of one variable; this one has {step.dim}: take method='boxes'")
    cut, cell = cut_open(code, region)
    if step.dim == 1 and method in ANYWHERE:
        from cfdyn.cycles.line.by_laps import by_laps

        return in_box(code, by_laps(cut, period, cell, budget, say), region)
    return in_box(code, _in_space(cut, period, cell, seed, budget, method, say), region)


def _in_space(
    step: Map, period: int, region: np.ndarray, seed: int, budget: int | None, method: str, say: Say
) -> SearchResult:  # fmt: skip
    """Chains of boxes first, or alone; random starts where they leave something open, are hopeless, or are not wanted."""
    from cfdyn.cycles.boxes import by_chains
    from cfdyn.cycles.random_starts import by_random_starts
    from cfdyn.cycles.symmetry import symmetries

    whole_number("a seed", seed, 0)
    for name, ends in zip(step.names, region.tolist(), strict=True):
        if max(map(abs, ends)) > FARTHEST:
            raise UsageError(f"the box reaches to {max(map(abs, ends)):g} for {name}; beyond {FARTHEST:g} products overflow")
    bounded, group = method in ("auto", BOXES), symmetries(step, region)
    hopeless = _why_no_bounds(step, period) if bounded else ""
    if hopeless and method == BOXES:
        raise UsageError(f"{hopeless}: take method='{STARTS}'")
    if hopeless or not bounded:
        searched = by_random_starts(step, period, region, seed, budget, group, method != SMALL_STEPS, say)
        searched.reason = "; ".join(filter(None, (hopeless, searched.reason)))
        return searched
    result = by_chains(step, period, region, budget, group, say)
    if not result.complete and method != BOXES:
        searched = by_random_starts(step, period, region, seed, budget, group, say=say, after=True)
        points, multipliers = (np.concatenate(pair) for pair in ((result.points, searched.points),
                                                                 (result.multipliers, searched.multipliers)))  # fmt: skip
        result.points, result.multipliers = distinct(points, multipliers, float(np.ptp(region, axis=1).max()))
        result.method += f" and {STARTS}"
    return result


def _why_no_bounds(step: Map, period: int) -> str:
    """Why bounds are not worth trying; nothing where they are."""
    if step.periodic:
        return "bounds do not go around a circle"
    if step.dim > HIGHEST:
        return f"with {step.dim} variables there are too many boxes"
    if period * step.dim > MOST_UNKNOWNS:
        return f"a cycle with {period * step.dim} unknowns is too long for chains of boxes"
    if step.tangent_cost > MOST_OPERATIONS:
        return f"a step of {step.tangent_cost} operations is too long for bounds"
    try:
        step.rule("interval:jacobian")
    except UsageError as error:
        return str(error)
    return ""
