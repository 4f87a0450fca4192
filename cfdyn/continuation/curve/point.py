"""The cycle at one point of a curve of bifurcations: its multipliers, and what vanishes at points of codimension two."""

import numpy as np

from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.cycles.shooting import eigenvalues, residual
from cfdyn.errors import CfdynError
from cfdyn.kernels.continuation.critical import CONDITION, PAIR
from cfdyn.kernels.continuation.shooting import condense
from cfdyn.normal_forms import coefficients
from cfdyn.normal_forms.homological import BorderedSystem, Forms

ZERO = 1e-11  # of a test function, and of the parts that a coefficient is the sum of: rounding
SPLIT = 1e-5  # of det(C + μE)'s matrix, whose rows are of length 1: singular values that vanish
ON_CIRCLE, COMPLEX = 1e-6, 1e-9  # of a modulus to 1; of an imaginary part
CONTINUUM = 1e-9  # of multipliers to 1, where there is a continuum of cycles


class CondensedMultipliers:
    """The multipliers of a cycle with the Jacobians (n, D, D), whose product is never formed."""

    def __init__(self, matrices: np.ndarray):
        self.sign, self.own, self.following = condense(matrices)
        self.multipliers = eigenvalues(self.own[None], self.following[None])[0]

    def characteristic(self, at: float) -> float:
        """det(μI − M) at ±1, divided by what makes it smooth and bounded; 0 where it is round-off."""
        return _rounded(self.sign * float(np.linalg.det(self.own + at * self.following)))

    def slope(self, at: float) -> float:
        """The derivative of the same, tr(adj(C + μE) E)."""
        matrix = self.own + at * self.following
        if not np.isfinite(matrix).all():
            return np.nan
        left, sizes, right = np.linalg.svd(matrix)
        minors = np.array([np.prod(np.delete(sizes, i)) for i in range(len(sizes))])
        turned = np.linalg.det(left) * np.linalg.det(right)
        return _rounded(self.sign * float(turned * ((left.T @ self.following @ right.T).diagonal() * minors).sum()))

    def split(self, at: float) -> bool:
        """True if two multipliers ±1 have two eigenvectors."""
        return bool(np.linalg.svd(self.own + at * self.following, compute_uv=False)[-2:].max() < SPLIT)


def _rounded(value: float) -> float:
    return 0.0 if abs(value) <= ZERO else value


def pairs(multipliers: np.ndarray) -> float:
    """∏ (μ_i μ_j − 1): 0 where two of the multipliers have the product 1."""
    i, j = np.triu_indices(len(multipliers), 1)
    return float(np.real(np.prod(multipliers[i] * multipliers[j] - 1))) if len(multipliers) > 1 else 0.0


def on_circle(multipliers: np.ndarray) -> bool:
    """True if a complex one has the modulus 1, to what a root of `pairs` is good for."""
    return bool(np.any((np.abs(np.abs(multipliers) - 1) < ON_CIRCLE) & (np.abs(multipliers.imag) > COMPLEX)))


class CurvePoint:
    """The cycle at one point of the curve: its multipliers and the coefficient of its normal form.

    ``sides``: these, or at a border collision those on either side of the border.
    """

    def __init__(self, tracer: CurveTracer, z: np.ndarray):
        self.tracer, self.z = tracer, z
        self.step, self.points = tracer.map_at(z), tracer.points(z)
        self.forms = Forms(self.step, self.points)
        matrices = self.forms.matrices
        first = tracer.sides(z) if tracer.kind == "border collision" else [matrices[0]]
        self.sides = [CondensedMultipliers(np.concatenate([matrix[None], matrices[1:]])) for matrix in first]

    @property
    def multipliers(self) -> np.ndarray:
        """The multipliers (D,), at a border collision those where the switching function is negative."""
        return self.sides[0].multipliers

    def holds(self) -> bool:
        """True if f leads from point to point, to round-off, and the multiplier is critical."""
        size = float(np.abs(self.points).max())
        gap, steepness = residual(self.step, self.forms.points), float(np.abs(self.forms.matrices).max())
        if not gap <= 1e-8 * (1e-3 + size) + 1e-13 * steepness * size:
            return False
        if self.tracer.form == CONDITION:
            return True
        trace, mu = 2 * self.z[-3], self.multipliers[np.isfinite(self.multipliers)]
        away = np.abs(mu - self.tracer.nu) if self.tracer.form != PAIR else np.abs(mu * mu - trace * mu + 1)
        return bool(away.min(initial=np.inf) <= 1e-4)

    @np.errstate(all="ignore")
    def coefficient(self) -> float:
        """a, c or d of the normal form along the curve's own direction; NaN where it has none."""
        nu: complex = self.tracer.nu
        kind, matrices = self.tracer.kind, self.forms.matrices
        if kind == "neimark-sacker":
            cosine = float(np.clip(self.z[-3], -1, 1))
            nu = complex(cosine, np.sqrt(1 - cosine**2))
        try:
            critical = BorderedSystem(matrices, nu, 1)
            if not critical.split:
                return np.nan
            if kind in ("flip", "neimark-sacker"):
                # A − I, bordered where a continuum makes it singular.
                plus = BorderedSystem(matrices, 1.0, int((np.abs(self.multipliers - 1) < CONTINUUM).sum()))
                found = (coefficients.flip(self.forms, critical, plus) if kind == "flip" else
                         coefficients.neimark_sacker(self.forms, critical, plus, nu))  # fmt: skip
                value = found.coefficients["c" if kind == "flip" else "d"]
            else:
                found = coefficients.fold(self.forms, critical)
                value = found.coefficients["a"] * np.sign(critical.right[0, 0] @ self.tracer.blocks(self.z)[0, 1])
        except (CfdynError, np.linalg.LinAlgError):
            return np.nan
        return float(value) if abs(value) > ZERO * found.size else 0.0

    def numerator(self, coefficient: float) -> float:
        """A coefficient times what vanishes where it may have a pole."""
        if self.tracer.kind in ("flip", "neimark-sacker"):
            coefficient *= self.sides[0].characteristic(1.0) or 1.0
        return coefficient * (self.sides[0].slope(self.tracer.nu) or 1.0) if self.tracer.form != PAIR else coefficient

    def cubic(self) -> float:
        """c of the normal form of a fold or pitchfork; NaN where it has none."""
        critical = BorderedSystem(self.forms.matrices, 1.0, 1)
        with np.errstate(all="ignore"):
            return float(coefficients.fold(self.forms, critical).coefficients["c"]) if critical.split else np.nan

    def others(self) -> np.ndarray:
        """All multipliers but the critical ones."""
        kind, mu = self.tracer.kind, self.multipliers
        if kind in ("fold", "flip", "branch point"):
            return np.delete(mu, int(np.argmin(np.abs(mu - self.tracer.nu))))
        if kind == "neimark-sacker":
            return mu[np.argsort(np.abs(mu * mu - 2 * self.z[-3] * mu + 1), kind="stable")[2:]]
        return mu
