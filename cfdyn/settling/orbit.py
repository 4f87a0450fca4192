"""Where an orbit goes, as far as floats do."""

from collections.abc import Callable

import numpy as np

from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.systems.by_products.map_by_products import MapByProducts
from cfdyn.systems.by_products.one_by_one import advanced, by_gradients
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import FAR


def orbit_of(
    step: Map | MapByProducts, z: np.ndarray, n: int, progress: Callable[[int], None] | None = None
) -> np.ndarray | None:
    """The first n states of the orbit of z (D,), itself among them, (n, D); None if it leaves the range of floats."""
    if isinstance(step, MapByProducts):
        states, status = by_gradients(step, z, n - 1, FAR, progress)
        return states if status == DONE else None
    orbit = np.empty((n, step.dim))
    orbit[0] = z
    return orbit if iterate(step.rule("step").compiled, step.p, FAR, orbit)[1] == DONE else None


def later(step: Map | MapByProducts, z: np.ndarray, n: int) -> np.ndarray | None:
    """The state (D,) that is n steps after z; None if the orbit leaves the range of floats."""
    if isinstance(step, MapByProducts):
        state, taken = advanced(step, z, n, FAR)
        return state if taken == n else None
    state = z.copy()
    return state if advance(step.rule("step").compiled, state, step.p, n, FAR)[1] == DONE else None
