"""How tangents along one orbit are stretched: in lanes where they fit into a vector, else one after the other."""

from collections.abc import Callable
from functools import partial

import numpy as np

from cfdyn.codegen.lanes import HEAD
from cfdyn.codegen.schedule import LANES
from cfdyn.kernels.lanes.frame import Frame, stretch_frame
from cfdyn.kernels.orbits import stretch
from cfdyn.systems.map import Map
from cfdyn.systems.tangents import pushing

Stretching = Callable[[np.ndarray, int, np.ndarray, np.ndarray], int]


def stretching(step: Map) -> Stretching:
    """(z, n, q, sums) → the number of finite steps, see `cfdyn.kernels.orbits.stretch`; for up to D tangents."""
    if not step.in_lanes or step.dim > LANES:
        rules = step.rule("step").compiled, *pushing(step)
        return lambda z, n, q, sums: stretch(*rules, z, step.p, n, q, sums)
    p = np.concatenate([np.zeros(HEAD), np.repeat(step.p, LANES)])
    return partial(stretch_frame, Frame.make(run=step.rule("few:tangent").compiled, lanes=LANES, size=len(p), p=p).memory)
