"""The cycle at one point of a curve of bifurcations: its multipliers, and what vanishes at points of codimension two."""

from __future__ import annotations

import numpy as np

from cfdyn.analysis import _critical
from cfdyn.analysis._curve_system import CurveTracer
from cfdyn.analysis._homological import Forms, Shift
from cfdyn.analysis._shooting import residual
from cfdyn.errors import CfdynError
from cfdyn.kernels.critical import CONDITION, PAIR

ZERO = 1e-11


class Spectrum:
    """Eigenvalues of a matrix, and its characteristic polynomial."""

    def __init__(self, matrix: np.ndarray):
        finite = np.isfinite(matrix).all()
        self.multipliers = np.linalg.eigvals(matrix) if finite else np.full(len(matrix), np.nan)
        self.polynomial = np.real(np.poly(self.multipliers))

    def characteristic(self, at: float, derivative: bool = False) -> float:
        """det(μI − M) at ±1, or its derivative; 0 where it is round-off."""
        polynomial = np.polyder(self.polynomial) if derivative else self.polynomial
        value = float(np.polyval(polynomial, at))
        return 0.0 if abs(value) <= ZERO * np.abs(polynomial).sum() else value


def pairs(multipliers: np.ndarray) -> float:
    """∏ (μ_i μ_j − 1): 0 where two of the multipliers have the product 1."""
    i, j = np.triu_indices(len(multipliers), 1)
    return float(np.real(np.prod(multipliers[i] * multipliers[j] - 1))) if len(multipliers) > 1 else 0.0


def on_circle(multipliers: np.ndarray) -> bool:
    """Whether a complex one has the modulus 1, to what a root of `pairs` is good for."""
    return bool(np.any((np.abs(np.abs(multipliers) - 1) < 1e-6) & (np.abs(multipliers.imag) > 1e-9)))


class Place:
    """The cycle at one point of the curve: its multipliers and the coefficient of its normal form.

    ``sides``: its spectrum, or at a border collision that on either side of the border.
    """

    def __init__(self, tracer: CurveTracer, z: np.ndarray):
        self.tracer, self.z = tracer, z
        self.step, self.points = tracer.map_at(z), tracer.points(z)
        self.forms = Forms(self.step, self.points)
        product = np.eye(tracer.d)
        for matrix in self.forms.matrices[1:]:
            product = matrix @ product
        first = tracer.sides(z) if tracer.kind == "border collision" else [self.forms.matrices[0]]
        self.sides = [Spectrum(product @ matrix) for matrix in first]

    @property
    def multipliers(self) -> np.ndarray:
        """The multipliers (D,), at a border collision those where the switching function is negative."""
        return self.sides[0].multipliers

    def holds(self) -> bool:
        """Whether f leads from point to point, to round-off, and the multiplier is critical."""
        size = float(np.abs(self.points).max())
        gap, steepness = residual(self.step, self.forms.points), float(np.abs(self.forms.matrices).max())
        if not gap <= 1e-8 * (1e-3 + size) + 1e-13 * steepness * size:
            return False
        if self.tracer.form == CONDITION:
            return True
        trace, mu = 2 * self.z[-3], self.multipliers
        away = np.abs(mu - self.tracer.nu) if self.tracer.form != PAIR else np.abs(mu * mu - trace * mu + 1)
        return bool(np.isfinite(mu).all() and away.min() <= 1e-4)

    def coefficient(self) -> float:
        """a, c or d of the normal form along the curve's own direction; NaN where it has none."""
        try:
            with np.errstate(all="ignore"):
                return self._coefficient()
        except (CfdynError, np.linalg.LinAlgError):
            return np.nan

    def _coefficient(self) -> float:
        matrices, kind = self.forms.matrices, self.tracer.kind
        if kind == "neimark-sacker":
            cosine = float(np.clip(self.z[-3], -1, 1))
            turn = complex(cosine, np.sqrt(1 - cosine**2))
        else:
            turn = self.tracer.nu
        critical = Shift(matrices, turn, 1)
        if not critical.split:
            return np.nan
        if kind == "flip":
            found = _critical.flip(self.forms, critical, self._plus())
            value = found.coefficients["c"]
        elif kind == "neimark-sacker":
            found = _critical.neimark_sacker(self.forms, critical, self._plus(), turn)
            value = found.coefficients["d"]
        else:
            found = _critical.fold(self.forms, critical)
            value = found.coefficients["a"] * np.sign(critical.right[0, 0] @ self.tracer.direction(self.z))
        return float(value) if abs(value) > ZERO * found.size else 0.0

    def cubic(self) -> float:
        """c of the normal form of a fold or pitchfork; NaN where it has none."""
        critical = Shift(self.forms.matrices, 1.0, 1)
        return float(_critical.fold(self.forms, critical).coefficients["c"]) if critical.split else np.nan

    def _plus(self) -> Shift:
        """A − I, bordered where a continuum makes it singular."""
        return Shift(self.forms.matrices, 1.0, int((np.abs(self.multipliers - 1) < 1e-9).sum()))

    def others(self) -> np.ndarray:
        """All multipliers but the critical ones."""
        kind, mu = self.tracer.kind, self.multipliers
        if kind in ("fold", "flip", "branch point"):
            return np.delete(mu, int(np.argmin(np.abs(mu - self.tracer.nu))))
        if kind == "neimark-sacker":
            cosine = self.z[-3]
            return mu[np.argsort(np.abs(mu * mu - 2 * cosine * mu + 1), kind="stable")[2:]]
        return mu
