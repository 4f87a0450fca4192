"""A cycle of codimension two, the input of each kind."""

from typing import NamedTuple

import numpy as np

from cfdyn.errors import CfdynError, NumericsError
from cfdyn.normal_forms.codimension_two.centre import CentreMap, Critical
from cfdyn.normal_forms.codimension_two.normalized import Kept, NormalMap
from cfdyn.systems.map import Map

ON_CIRCLE, IMAGINARY = 1e-4, 1e-6  # of a modulus to 1, and of an imaginary part
ROUNDED = 1e-12  # of a unit vector
FLAT, VANISHES = 1e-6, 1e-9  # of a coefficient beside another, and beside the map's: it vanishes


class Verdict(NamedTuple):
    """Coefficients by name, their meaning, and the directions of the parameters in which curves leave the point."""

    coefficients: dict[str, float | complex]
    meaning: str
    directions: dict[str, np.ndarray] = {}  # noqa: RUF012


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
        """The normal form of the critical directions, ``unfolded`` with the parameters."""
        return NormalMap(CentreMap(self.step, self.points, critical, order, self.parameters if unfolded else ()), kept)

    def rates(self, critical: Critical, order: int, kept: Kept, *terms: tuple[int, tuple[int, ...]]) -> list[np.ndarray]:
        """The derivatives of the coefficients of these terms (component, exponents of w) in each parameter, complex (2,) each.

        NaN without two parameters, or if the map has no such derivatives.
        """
        unit = np.eye(2, dtype=int)
        try:
            if len(self.parameters) != 2:
                raise NumericsError("no two parameters")
            normal = self.normal_map(critical, order, kept, unfolded=True)
        except (CfdynError, np.linalg.LinAlgError):
            return [np.full(2, np.nan + 0j) for _ in terms]
        return [np.array([normal.coefficient(i, (*e, *row.tolist())) for row in unit]) for i, e in terms]

    def stability(self, growth: float, size: float = 0.0) -> str:
        """The stability for this growth rate on the centre manifold; neutral if the rate is rounding compared with this size."""
        if abs(growth) <= VANISHES * size:
            return "neutral to this order, as for an area-preserving map"
        return "unstable" if growth > 0 else "unstable in other directions" if self.hyperbolic else "stable"

    def side(self, way: np.ndarray | None) -> str:
        """The side of the point to which a curve goes, by the parameter that changes fastest; empty if it is unknown."""
        if way is None:
            return ""
        fastest = int(np.argmax(np.abs(way)))
        return f" ({'larger' if way[fastest] > 0 else 'smaller'} {self.parameters[fastest]})"

    def angle(self, which: int = 0) -> float:
        """θ of the pairs e^{±iθ}, the smallest first."""
        mu = self.multipliers[(np.imag(self.multipliers) > IMAGINARY) & (np.abs(np.abs(self.multipliers) - 1) < ON_CIRCLE)]
        if which >= len(mu):
            raise NumericsError(f"{len(mu)} complex pairs are on the unit circle")
        return float(np.sort(np.angle(mu))[which])


def towards(**curves: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """The unit vector d with ⟨zero, d⟩ = 0 and ⟨positive, d⟩ > 0 for each curve; omitted if there is none."""
    directions = {}
    for name, (zero, positive) in curves.items():
        across = np.real([-zero[1], zero[0]])
        size, side = float(np.linalg.norm(across)), float(np.real(positive) @ across)
        if size > 0 and abs(side) > FLAT * size * float(np.linalg.norm(positive)):
            unit = np.sign(side) * across / size
            directions[name.replace("_", " ")] = np.where(np.abs(unit) > ROUNDED, unit, 0.0)
    return directions


def vanishing(normal: NormalMap, degree: int, *others: float, **values: float) -> str:
    """The names of those that vanish compared with one another, the ``others`` or the map's terms of that degree, or ""."""
    least = max(FLAT * max(map(abs, [*others, *values.values()])), VANISHES * normal.size(degree))
    return " and ".join(name.replace("_", " ") for name, value in values.items() if not abs(value) > least)


def degenerate(names: str) -> str:
    """The statement that these coefficients vanish."""
    return f"degenerate: {names} vanish{'es' * (' and ' not in names)}, and terms of higher order decide"
