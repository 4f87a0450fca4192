"""The options of `cfdyn.solve`, checked."""

import math
from typing import NamedTuple

from cfdyn.errors import UsageError, unknown

METHODS, MAP = ("dop853", "radau5", "rkc"), "map"


class Options(NamedTuple):
    """As `cfdyn.solve` has them. ``rtol``, ``atol``: of a step's error, for each entry of the state, or without a matrix in the
    Euclidean length of the weights and of each of the states; ``step``: a fixed one, 0 for none; ``edge_tolerance``: of the edge
    of 2; ``seed``: of searches for modes."""

    rtol: float
    atol: float
    method: str = "auto"
    step: float = 0.0
    max_step: float = math.inf
    max_steps: int = 100_000
    edge_tolerance: float = 2e-3
    strict: bool = False
    seed: int = 0


def checked(
    rtol: float, atol: float, method: str, step: float | None, max_step: float, max_steps: float, edge_tolerance: float,
    strict: bool,
) -> Options:  # fmt: skip
    """The options, or a UsageError for the first that makes no sense."""
    if method not in ("auto", MAP) and method not in METHODS:
        raise unknown("method", method, (*METHODS, "auto", MAP))
    for name, value, least in (("rtol", rtol, 1e-14), ("atol", atol, 0.0), ("edge_tolerance", edge_tolerance, 1e-9)):
        if not least <= value < math.inf:
            raise UsageError(f"`{name}` is a number of at least {least:g}, not {value}")
    if rtol > 1:
        raise UsageError(f"`rtol` is the relative error of a step, at most 1, not {rtol}")
    for name, bound in (("step", step), ("max_step", max_step), ("max_steps", max_steps)):
        if bound is not None and not bound > 0:
            raise UsageError(f"`{name}` must be greater than 0, not {bound}")
    most = int(min(max_steps, 2**62))
    return Options(rtol, max(atol, 1e-300), method, step or 0.0, max_step, most, 2 * edge_tolerance, strict)
