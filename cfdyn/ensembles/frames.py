"""How tangents along one orbit are stretched: together with the state in one piece of code where they are few."""

import numpy as np

from cfdyn.codegen.frames import MOST
from cfdyn.codegen.lanes import HEAD
from cfdyn.ensembles._kernels.frame import Frame, stretch_frame
from cfdyn.systems.by_products.map_by_products import MapByProducts
from cfdyn.systems.map import Map
from cfdyn.systems.tangents import Stretching, one_after_another

CAREFULLY = 64, 4096  # steps one by one where digits would be lost, the second and further times more


def stretching(step: Map | MapByProducts) -> Stretching:
    """(z, n, q, sums) → the number of finite steps, see `cfdyn.kernels.orbits.stretch`; for up to D tangents."""
    carefully = one_after_another(step)
    if isinstance(step, MapByProducts) or not step.in_lanes or step.spec.data is not None or step.dim > MOST:
        return carefully
    p = np.concatenate([np.zeros(HEAD), step.p])
    memory = Frame.make(run=step.rule("frame:tangents:1").compiled, size=len(p), p=p).memory

    def quickly(z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
        if len(q) < step.dim:
            return carefully(z, n, q, sums)
        done, (some, most) = 0, CAREFULLY
        while (done := done + stretch_frame(memory, z, n - done, q, sums)) < n:
            count = min(some, n - done)
            taken = carefully(z, count, q, sums)
            if taken < count:
                return done + taken
            done, some = done + count, min(2 * some, most)
        return n

    return quickly
