"""Test functions along a curve of bifurcations: where one vanishes lies a point of codimension two."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cfdyn.analysis import _critical
from cfdyn.analysis._continuation import Solved, Traced
from cfdyn.analysis._curve_system import CurveTracer
from cfdyn.analysis._homological import Forms, Shift
from cfdyn.analysis._shooting import residual
from cfdyn.analysis._special import between, changes, root
from cfdyn.errors import CfdynError

ZERO = 1e-11
POLE = 1e-4  # a test that is not smaller than this share of its ends where its sign changes has a pole there


class Found(NamedTuple):
    """A point of codimension two behind a row of the curve."""

    kind: str
    row: int
    z: np.ndarray


class Place:
    """The cycle at one point of the curve: its multipliers and the coefficient of its normal form."""

    def __init__(self, tracer: CurveTracer, z: np.ndarray):
        self.tracer, self.z = tracer, z
        self.step, self.points = tracer.map_at(z), tracer.points(z)
        self.forms = Forms(self.step, np.ascontiguousarray(self.points))
        product = np.eye(tracer.d)
        for matrix in self.forms.matrices:
            product = matrix @ product
        self.multipliers = np.linalg.eigvals(product)
        self.polynomial = np.real(np.poly(self.multipliers))

    def holds(self) -> bool:
        """Whether f leads from point to point, to round-off, and the multiplier is critical."""
        size = float(np.abs(self.points).max())
        gap, steepness = residual(self.step, self.forms.points), float(np.abs(self.forms.matrices).max())
        if not gap <= 1e-8 * (1e-3 + size) + 1e-13 * steepness * size:
            return False
        if self.tracer.turns == 0:
            return True
        trace, mu = 2 * self.z[-3], self.multipliers
        away = np.abs(mu - self.tracer.nu) if self.tracer.turns == 1 else np.abs(mu * mu - trace * mu + 1)
        return bool(np.isfinite(mu).all() and away.min() <= 1e-4)

    def characteristic(self, at: float, derivative: bool = False) -> float:
        """det(μI − M) at ±1, or its derivative; 0 where it is round-off."""
        polynomial = np.polyder(self.polynomial) if derivative else self.polynomial
        value = float(np.polyval(polynomial, at))
        return value if abs(value) > ZERO * np.abs(polynomial).sum() else 0.0

    def coefficient(self) -> float:
        """a, c or d of the normal form along the curve's own direction; NaN where it has none."""
        try:
            with np.errstate(all="ignore"):
                return self._coefficient()
        except (CfdynError, np.linalg.LinAlgError):
            return np.nan

    def _coefficient(self) -> float:
        matrices, kind = self.forms.matrices, self.tracer.kind
        if kind == "fold":
            plus = Shift(matrices, 1.0, 1)
            if not plus.split:
                return np.nan
            found = _critical.fold(self.forms, plus)
            value = found.coefficients["a"] * np.sign(plus.right[0, 0] @ self.tracer.direction(self.z))
        elif kind == "flip":
            minus = Shift(matrices, -1.0, 1)
            if not minus.split:
                return np.nan
            found = _critical.flip(self.forms, minus, self._plus())
            value = found.coefficients["c"]
        else:
            cosine = float(np.clip(self.z[-3], -1, 1))
            turn = complex(cosine, np.sqrt(1 - cosine**2))
            pair = Shift(matrices, turn, 1)
            if not pair.split:
                return np.nan
            found = _critical.neimark_sacker(self.forms, pair, self._plus(), turn)
            value = found.coefficients["d"]
        return float(value) if abs(value) > ZERO * found.size else 0.0

    def _plus(self) -> Shift:
        """A − I, bordered where a continuum makes it singular."""
        return Shift(self.forms.matrices, 1.0, int((np.abs(self.multipliers - 1) < 1e-9).sum()))

    def pairs(self) -> float:
        """∏ (μ_i μ_j − 1) over the multipliers that are not critical: 0 where two of them have the product 1."""
        others = self.others()
        i, j = np.triu_indices(len(others), 1)
        return float(np.real(np.prod(others[i] * others[j] - 1))) if len(others) > 1 else 0.0

    def others(self) -> np.ndarray:
        """All multipliers but the critical ones."""
        kind, mu = self.tracer.kind, self.multipliers
        if kind in ("fold", "flip"):
            return np.delete(mu, int(np.argmin(np.abs(mu - self.tracer.nu))))
        if kind == "neimark-sacker":
            cosine = self.z[-3]
            return mu[np.argsort(np.abs(mu * mu - 2 * cosine * mu + 1), kind="stable")[2:]]
        return mu


_PAIR = "neimark-sacker"
_TESTS: dict[str, dict[str, Callable[[Place], float]]] = {
    "fold": {
        "cusp": Place.coefficient,
        "fold-flip": lambda s: s.characteristic(-1.0),
        "resonance 1:1": lambda s: s.characteristic(1.0, derivative=True),
        "fold-neimark-sacker": Place.pairs,
    },
    "flip": {
        "generalized flip": Place.coefficient,
        "fold-flip": lambda s: s.characteristic(1.0),
        "resonance 1:2": lambda s: s.characteristic(-1.0, derivative=True),
        "flip-neimark-sacker": Place.pairs,
    },
    "neimark-sacker": {
        "chenciner": Place.coefficient,
        "resonance 1:3": lambda s: s.z[-3] + 0.5,
        "resonance 1:4": lambda s: s.z[-3],
        "fold-neimark-sacker": lambda s: s.characteristic(1.0) / (2 - 2 * s.z[-3]),
        "flip-neimark-sacker": lambda s: s.characteristic(-1.0) / (2 + 2 * s.z[-3]),
        "double neimark-sacker": Place.pairs,
    },
    "condition": {
        "fold": lambda s: s.characteristic(1.0),
        "flip": lambda s: s.characteristic(-1.0),
        "neimark-sacker": Place.pairs,
    },
    "border collision": {},
}


def codimension_two(tracer: CurveTracer, found: Traced, places: list[Place]) -> tuple[list[Found], np.ndarray]:
    """The points of codimension two of a curve, in order, and the coefficient of the normal form in every row."""
    coefficients, points = np.full(len(places), np.nan), list[Found]()
    for name, test in _TESTS[tracer.kind].items():
        if tracer.d == 1 and name not in ("cusp", "generalized flip", "fold", "flip"):
            continue
        with np.errstate(all="ignore"):
            values = np.array([test(place) for place in places])
        if test is Place.coefficient:
            coefficients = values
        for k in changes(np.sign(values)):
            hit = _located(tracer, found, k, name, test, max(abs(values[k]), abs(values[k + 1])))
            if hit is not None:
                points.append(Found(name, k, hit))
    return sorted(points, key=lambda p: p.row), coefficients


def _located(
    tracer: CurveTracer, found: Traced, k: int, name: str, test: Callable[[Place], float], size: float
) -> np.ndarray | None:
    """Where a test vanishes behind row k, None where it has a pole or two real multipliers have the product 1."""

    def value(s: Solved) -> float:
        found = test(Place(tracer, s.z))
        if not np.isfinite(found):
            raise ArithmeticError("a pole")
        return found

    with np.errstate(all="ignore"):
        hit = root(value, between(tracer, found, k))  # type: ignore[arg-type]
    if hit is None or not abs(value(hit[1])) <= POLE * size:
        return None
    if test is Place.pairs:
        others = Place(tracer, hit[1].z).others()
        if not np.any((np.abs(np.abs(others) - 1) < 1e-6) & (np.abs(others.imag) > 1e-9)):
            return None
    return hit[1].z


def sound(tracer: CurveTracer, found: Traced) -> tuple[Traced, list[Place]]:
    """The rows up to the first one that is no such cycle (beside a pole short steps of Newton's method prove nothing)."""
    places: list[Place] = []
    for z in found.points:
        place = Place(tracer, z)
        if not place.holds():
            n = len(places)
            return Traced(found.points[:n], found.tangents[:n], found.values[:n], "stalled"), places
        places.append(place)
    return found, places
