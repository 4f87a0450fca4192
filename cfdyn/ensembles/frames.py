"""How tangents along one orbit are stretched: in lanes where they fit into a vector, else one after the other."""

from functools import partial

import numpy as np

from cfdyn.codegen.lanes import HEAD
from cfdyn.codegen.schedule import LANES
from cfdyn.kernels.lanes.frame import Frame, stretch_frame
from cfdyn.systems.map import Map
from cfdyn.systems.oracle_map import OracleMap
from cfdyn.systems.tangents import Stretching, one_after_another


def stretching(step: Map | OracleMap) -> Stretching:
    """(z, n, q, sums) → the number of finite steps, see `cfdyn.kernels.orbits.stretch`; for up to D tangents."""
    if isinstance(step, OracleMap) or not step.in_lanes or step.dim > LANES:
        return one_after_another(step)
    p = np.concatenate([np.zeros(HEAD), np.repeat(step.p, LANES)])
    return partial(stretch_frame, Frame.make(run=step.rule("few:tangent").compiled, lanes=LANES, size=len(p), p=p).memory)
