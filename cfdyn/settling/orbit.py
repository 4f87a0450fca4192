"""The states of an orbit, as far as it stays in the range of floats."""

import numpy as np

from cfdyn.kernels.orbits import DONE
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.matrix_free.map import Progress
from cfdyn.systems.orbit import FAR


def orbit_of(step: AnyMap, z: np.ndarray, n: int, progress: Progress | None = None) -> np.ndarray | None:
    """The first n states of the orbit of z (D,), itself among them, (n, D); None if it leaves the range of floats."""
    states, code = step.orbit(z, n - 1, FAR, progress)
    return states if code == DONE else None


def later(step: AnyMap, z: np.ndarray, n: int) -> np.ndarray | None:
    """The state (D,) that is n steps after z; None if the orbit leaves the range of floats."""
    state, _, code = step.ahead(z, n, FAR)
    return state if code == DONE else None
