"""Cycles of maps of several variables: all of them where bounds of the map decide it in time, else what a search finds."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.cycles.boxes import by_chains, distinct
from cfdyn.cycles.found import SMALL_STEPS, Found
from cfdyn.cycles.random_starts import by_search
from cfdyn.cycles.symmetry import symmetries
from cfdyn.errors import UsageError
from cfdyn.systems.map import Map

MOST_UNKNOWNS = 400  # of a dense inverse for each chain
MOST_OPERATIONS = 20_000  # of a step with its Jacobian, of which bounds take ten times as many
FARTHEST = 1e100
HIGHEST = 8  # dimension in which boxes are still few


def in_space(step: Map, period: int, region: np.ndarray, seed: int, budget: int | None, method: str) -> Found:
    """Chains of boxes first; a search where they leave something open, are hopeless, or are not wanted."""
    _check(step, region, seed)
    hopeless, group = _why_not(step, period) if method == "auto" else "", symmetries(step, region)
    if hopeless or method != "auto":
        searched = by_search(step, period, region, seed, budget, group, method != SMALL_STEPS)
        return _with_reason(searched, hopeless or searched.reason)
    bounded = by_chains(step, period, region, budget, group)
    if bounded.complete:
        return bounded
    searched = by_search(step, period, region, seed, budget, group)
    both = [np.concatenate(pair) for pair in ((bounded.points, searched.points), (bounded.multipliers, searched.multipliers))]
    bounded.points, bounded.multipliers = distinct(both[0], both[1], float(np.ptp(region, axis=1).max()))
    bounded.method += " and search"
    return _with_reason(bounded, bounded.reason)


def _check(step: Map, region: np.ndarray, seed: Any) -> None:
    """Refuse what has no meaning."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"a seed is a whole number from 0 on, not {seed!r}")
    for name, ends in zip(step.names, region.tolist(), strict=True):
        if max(map(abs, ends)) > FARTHEST:
            raise UsageError(f"the box reaches to {max(map(abs, ends)):g} for {name}; beyond {FARTHEST:g} products overflow")


def _with_reason(found: Found, reason: str) -> Found:
    found.reason = reason if found.reason == reason or not found.reason else f"{reason}; {found.reason}"
    return found


def _why_not(step: Map, period: int) -> str:
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
