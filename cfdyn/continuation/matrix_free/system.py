"""Solutions fⁿ(x, λ) = x by products: Newton's method, tangents, multipliers."""

from dataclasses import dataclass, field, replace

import numpy as np

from cfdyn.cycles.matrix_free import Local, Steps
from cfdyn.errors import NumericsError
from cfdyn.linalg.multipliers import Leading
from cfdyn.linalg.operator import Operator, Shape, shape_of

MOST_CORRECTIONS = 14
TOLERANCE = 1e-11  # a length: a correction after which only rounding is left
ROUNDING = 4e-15  # of the state: a defect that cannot be made smaller
BESIDE = 1e-3  # of its size from the start, where it is seen again whether M is symmetric
FLOOR = 1e-13  # of it: one that is good enough where corrections no longer help


@dataclass(frozen=True)
class Place:
    """A solution z = (x, λ), fⁿ there and its Jacobian M; ``corrections``: their number; ``tangent``: of length 1, or empty."""

    z: np.ndarray
    local: Local
    linear: Operator
    corrections: int
    tangent: np.ndarray = field(default_factory=lambda: np.zeros(0))


class System:
    """fⁿ(x, λ) = x; lengths are ‖z‖² = Σ weights z², λ in units of its bounds, x of its size, ⁴√D entries counted as one.

    ``watched``: the number of multipliers to compute; None if all can be computed.
    """

    def __init__(self, steps: Steps, bounds: tuple[float, float], start: np.ndarray, value: float, watched: int | None):
        self.steps, self.bounds, self.dim = steps, bounds, steps.dim
        local = steps.at(start, value)
        if not (np.isfinite(local.image).all() and np.isfinite(local.slope).all()):
            raise NumericsError("the map or its derivative is not finite at the start")
        length = max(1.0, float(np.abs(start).max()))
        aside = BESIDE * length * np.random.default_rng(4).normal(size=self.dim)
        self.shape: Shape = shape_of(local.product, steps.at(start + aside, value).product, steps.order, watched)
        self.weights = np.append(np.full(self.dim, 1 / (length**2 * self.dim**0.5)), (bounds[1] - bounds[0]) ** -2)

    def length(self, z: np.ndarray) -> float:
        """‖z‖."""
        return float(np.sqrt(self.weights @ (z * z)))

    def place(self, z: np.ndarray, corrections: int = 0) -> Place:
        """The place at z."""
        local = self.steps.at(z[:-1], float(z[-1]))
        return Place(z, local, Operator(local.product, self.shape), corrections)

    def spectrum(self, place: Place, vectors: bool = False) -> Leading:
        """The computed multipliers."""
        return place.linear.spectrum(vectors)

    @np.errstate(all="ignore")
    def solve(self, guess: np.ndarray, border: np.ndarray) -> Place | None:
        """Newton's method in the hyperplane through the guess with the normal ``border``; None if it fails."""
        z, before = guess.copy(), np.inf
        for k in range(MOST_CORRECTIONS):
            place = self.place(z, k)
            defect = place.local.image - z[:-1]
            size, scale = float(np.abs(defect).max()), max(1.0, float(np.abs(z).max()))
            if not np.isfinite(size):
                return None
            if size <= ROUNDING * scale:
                return place
            right = np.append(-defect, border @ (guess - z))
            change = place.linear.bordered(1.0, place.local.slope, border[:-1], border[-1], right)
            step = self.length(change.x)
            if not (change.converged and step < 2 * before):
                return place if size <= FLOOR * scale else None
            z, before = z + change.x, step
            if step <= TOLERANCE:
                return self.place(z, k + 1)
        return None

    @np.errstate(all="ignore")
    def with_tangent(self, place: Place, direction: np.ndarray) -> Place | None:
        """The place with its unit tangent on the side of a direction; None if there is none."""
        border, right = self.weights * direction, np.append(np.zeros(self.dim), 1.0)
        solved = place.linear.bordered(1.0, place.local.slope, border[:-1], border[-1], right)
        length = self.length(solved.x)
        return replace(place, tangent=solved.x / length) if solved.converged and length > 0 else None

    def turn(self, first: np.ndarray, second: np.ndarray) -> float:
        """The angle between unit tangents."""
        return float(np.arccos(np.clip(self.weights @ (first * second), -1.0, 1.0)))
