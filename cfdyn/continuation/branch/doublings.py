"""The levels of a cascade: from a flip along the branch of the doubled cycles to its flip."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.between_rows import between, root
from cfdyn.continuation.branch.directions import upright
from cfdyn.continuation.branch.special_points import changes, locate_flip
from cfdyn.continuation.branch.switching import doubled_start, first_point
from cfdyn.continuation.branch.system import FLIP, check_size
from cfdyn.errors import UsageError
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.kernels.continuation.shooting import MATRICES
from cfdyn.systems.map import Map

STEP = 0.05
RESOLVED = 1e-13  # a relative distance of two flips that rounding blurs
FEIGENBAUM = 4.67
ENDED = {"limit": "has no flip within the bounds", "far": "runs off to infinity without a flip",
         "most steps": "has no flip within the steps asked for; ask for more with `max_steps`",
         "vertical": "is vertical: they all exist at that value alone, as for a linear map"}  # fmt: skip
BLURRED = "cannot be followed to its flip: rounding blurs it"


class Level(NamedTuple):
    """A flip with its cycle (n, D), and on the branch before it the parameter at which the cycle is superstable."""

    flip: float
    points: np.ndarray
    superstable: float | None = None


def levels_from(
    first: Level, step: Map, name: str, bounds: tuple[float, float], levels: int, max_steps: int,
    progress: Callable[[int], None] | None,
) -> tuple[list[Level], str]:  # fmt: skip
    """Up to so many levels from the first one on, and why there are no more."""
    found = [first]
    while len(found) < levels:
        if progress:
            progress(len(found))
        last = found[-1]
        n = 2 * len(last.points)
        if len(found) > 1 and abs(last.flip - found[-2].flip) / FEIGENBAUM < RESOLVED * abs(last.flip):
            return found, f"flips at {name} = {last.flip:.16g} are closer than rounding can tell apart"
        try:
            check_size(step, n, max_steps)
        except UsageError as error:
            return found, str(error)
        following = next_level(step.at(**{name: last.flip}), name, bounds, last, max_steps)
        if not isinstance(following, Level):
            return found, f"the branch of {n}-cycles from {name} = {last.flip:.10g} on {following}"
        found.append(following)
    return found, f"{levels} levels asked for"


def next_level(step: Map, name: str, bounds: tuple[float, float], last: Level, max_steps: int) -> Level | str:
    """The flip of the doubled cycles that are born at a flip, or what is the matter with their branch."""
    tracer, z, direction = doubled_start(step, name, bounds, last.points, last.flip)
    start = first_point(tracer, z, direction)
    if start is None:
        return BLURRED

    def inspect(piece: Curve) -> tuple[int, str] | None:
        flips = changes(np.sign(piece.values[:, 1 + FLIP]))
        return (flips[0] + 2, "flip") if flips else None

    branch = upright(tracer, tracer.follow(start, max_steps, STEP, 2 * tracer.length(start.z - z), inspect))
    if branch.end != "flip":
        return ENDED.get(branch.end, BLURRED)
    special = locate_flip(tracer, branch, len(branch.points) - 2)
    if special is None:
        return BLURRED
    superstable = None
    if tracer.d == 1:
        for k in changes(np.sign(branch.values[:, 1 + MATRICES])):
            hit = root(lambda s: s.values[1 + MATRICES], between(tracer, branch, k))
            if hit is not None:
                superstable = float(hit[1].z[-1])
                break
    return Level(float(special.z[-1]), tracer.points(special.z).copy(), superstable)
