"""The options of `cfdyn.solve`."""

import math
from typing import NamedTuple

METHODS, MAP = ("dop853", "radau5", "rkc"), "map"


class Options(NamedTuple):
    """The options of `cfdyn.solve`. ``rtol``, ``atol``: of a step's error, for each entry of the state, or without a matrix in
    the Euclidean length of the weights and of each of the states; ``step``: a fixed one, 0 for none; ``edge_tolerance``: of the
    edge of 2; ``seed``: of searches for modes.
    """

    rtol: float
    atol: float
    method: str = "auto"
    step: float = 0.0
    max_step: float = math.inf
    max_steps: int = 100_000
    edge_tolerance: float = 2e-3
    strict: bool = False
    seed: int = 0
