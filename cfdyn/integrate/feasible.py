"""From a start beyond the edge to a state on it."""

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import MOST_MODES, NO_SOLUTION, multipliers
from cfdyn.integrate.supply.supplier import Supplier

FAR = 100  # times the size of the start: a state so far away has nothing to do with it


def into_feasible(supplier: Supplier, z: np.ndarray) -> np.ndarray:
    """A state with θP − H ⪰ 0, the nearest if it is found; of an optimizer with a state of its own only that is moved.

    A NumericsError if no such state is found.

    The edge is linearised again and again, and the start plus forces Σ Y B with Y ⪰ 0 complementary to what is left
    of the gap is taken: the conditions of a projection, for gradient descent the Euclidean one.
    """
    for seen_from_start in (True, False):
        found = _moved(supplier, z, seen_from_start)
        if found is not None and np.abs(found - z).max() <= FAR * max(1.0, np.abs(z).max()):
            return found
    raise NumericsError("the start is beyond the edge (H is not below θP), and no state on the edge was found near it; "
                        "start elsewhere, lower lr, or give the optimizer's state with the start")  # fmt: skip


def _moved(supplier: Supplier, z: np.ndarray, seen_from_start: bool) -> np.ndarray | None:
    """The iteration of `into_feasible`; where that runs astray, short steps of Newton's method from where it has come to."""
    start, n, d = z, supplier.dim, supplier.n_weights
    moving = np.arange(n) >= (d if n > d else 0)
    for attempt in range(200):
        values, vectors, p = supplier.modes(z)
        if values[-1] <= 2.0 * (1 + 1e-13):
            return z
        beyond = values > 2.0 - 0.2
        directions = vectors[:, beyond][:, -MOST_MODES:].T
        k = len(directions)
        a, b = supplier.forces(z, directions / np.sqrt(p))
        a, b = a * moving, b * moving
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return None
        origin = start if seen_from_start else z
        # The edge, linearised here, as it is seen from the origin.
        gaps = np.diag(2.0 - values[len(values) - k :])[np.triu_indices(k)]
        y, status, _ = multipliers(gaps + a @ (origin - z), a @ b.T)
        if status == NO_SOLUTION or not np.isfinite(y).all():
            return None
        move = origin + y @ b - z
        if seen_from_start:
            # What goes to and fro settles in half steps.
            move *= 1.0 if attempt < 20 else 0.5
        else:
            move *= min(1.0, 0.3 * (1.0 + np.abs(z).max()) / np.abs(move).max())
        goal = z + move
        points = (z + (goal - z) * 0.5**halving for halving in range(30))
        # The goal, or a point towards it where everything is defined.
        z = next((point for point in points if supplier.admits(point)), z)
    return None
