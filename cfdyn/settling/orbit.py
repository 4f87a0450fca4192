"""Where an orbit goes, as far as floats do."""

import numpy as np

from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import FAR


def orbit_of(step: Map, z: np.ndarray, n: int) -> np.ndarray | None:
    """The first n states of the orbit of z (D,), itself among them, (n, D); None if it leaves the range of floats."""
    orbit = np.empty((n, step.dim))
    orbit[0] = z
    return orbit if iterate(step.rule("step").compiled, step.p, FAR, orbit)[1] == DONE else None


def later(step: Map, z: np.ndarray, n: int) -> np.ndarray | None:
    """The state (D,) that is n steps after z; None if the orbit leaves the range of floats."""
    state = z.copy()
    return state if advance(step.rule("step").compiled, state, step.p, n, FAR)[1] == DONE else None
