"""A cycle of codimension two as the kinds see it."""

from typing import NamedTuple

import numpy as np

from cfdyn.normal_forms.codimension_two.centre import CentreMap, Critical
from cfdyn.normal_forms.codimension_two.normalized import Kept, NormalMap
from cfdyn.systems.map import Map

VANISHES = 1e-9  # of a coefficient, beside the parts that it is the sum of: rounding


class Verdict(NamedTuple):
    """Coefficients by name, and what they mean."""

    coefficients: dict[str, float | complex]
    meaning: str


class Problem(NamedTuple):
    """The map, the points (n, D), the Jacobians there, the multipliers, and the two parameters' names."""

    step: Map
    points: np.ndarray
    matrices: np.ndarray
    multipliers: np.ndarray
    parameters: tuple[str, ...]
    hyperbolic: bool

    @property
    def period(self) -> int:
        """n."""
        return len(self.points)

    def normal_map(self, critical: Critical, order: int, kept: Kept, unfolded: bool = False) -> NormalMap:
        """Of the critical directions, ``unfolded`` with the parameters too."""
        return NormalMap(CentreMap(self.step, self.points, critical, order, self.parameters if unfolded else ()), kept)

    def angle(self, which: int = 0) -> float:
        """θ of the pairs e^{±iθ}, the smallest first."""
        mu = self.multipliers[(np.imag(self.multipliers) > IMAGINARY) & (np.abs(np.abs(self.multipliers) - 1) < ON_CIRCLE)]
        return float(np.sort(np.angle(mu))[which])


ON_CIRCLE, IMAGINARY = 1e-4, 1e-6  # a double multiplier is known to half of the digits
