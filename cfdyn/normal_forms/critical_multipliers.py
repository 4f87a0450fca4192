"""Critical multipliers of a cycle, whether they cross the unit circle, and the names of points of codimension two."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.cycles.shooting import jacobians, multipliers_of, polish, residual
from cfdyn.cycles.smoothness import regularity
from cfdyn.errors import CfdynError, NumericsError, UsageError, shown
from cfdyn.normal_forms.homological import BorderedSystem, Forms, derivatives
from cfdyn.systems.map import Map
from cfdyn.words import called

TOGETHER = 1e-4  # of two multipliers to ±1: a double one is known to half of the digits
KEPT = 1e-8  # of a product of multipliers to 1
SLOW = 1e-6  # of a multiplier's speed, per size of the parameter: a faster one crosses the unit circle
BESIDE = (1e-2, 1e-3)  # relative to the parameter: the distance at which a slower one is examined
LEVEL = 1e-12  # of |μ| − 1: rounding
STILL = 1e-6  # of sizes: a sum that vanishes but for rounding


def given_points(step: Map, points: Any) -> np.ndarray:
    """Points (n, D), each given in full or by its weights, or one state."""
    try:
        rows = np.asarray(points, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"the points of a cycle are numbers, (n, {step.dim}), not {shown(points)}") from None
    if rows.ndim > 2 or rows.size == 0:
        raise UsageError(f"the points of a cycle have the shape (n, {step.dim}), not {rows.shape}")
    return np.array([step.state(row) for row in (rows if rows.ndim == 2 else [rows])])


def cycle_points(step: Map, points: Any, tolerance: float, order: int = 3) -> np.ndarray:
    """The points, if they form a cycle at which the map is smooth, up to derivatives of this order."""
    cycle = given_points(step, points)
    size = float(np.abs(cycle).max())
    if not np.isfinite(step.jacobian(cycle[0])).all():
        raise NumericsError("the map has no derivative at this point")
    gap = residual(step, cycle)
    if not gap <= tolerance * (1 + size):
        raise NumericsError(f"this is not a {called(len(cycle))}: the map misses the next point by {gap:.3g}")
    if step.switching and (regularity(step, cycle, size) != "smooth" or _higher_derivatives_jump(step, cycle, size, order)):
        raise NumericsError("the map has a corner at this point (a border collision): there is no smooth normal form")
    return cycle


def _higher_derivatives_jump(step: Map, cycle: np.ndarray, size: float, most: int) -> bool:
    """True if a derivative of order two to this order jumps at the points: it does not approach one value from both sides."""
    along = np.random.default_rng(0).normal(size=cycle.shape)
    h = 1e-4 * (size or 1.0) * along
    for order in range(2, most + 1):
        both = [[derivatives(step, cycle + sign * shift, *[along] * order) for sign in (1, -1)] for shift in (h, h / 100)]
        far, near = (np.abs(plus - minus).max() for plus, minus in both)
        if near > 0.2 * far and near > 1e-9 * max(np.abs(both[1]).max(), 1e-3):
            return True
    return False


@dataclass(frozen=True)
class CriticalMultipliers:
    """Multipliers of a cycle, the numbers of +1 and −1, critical ones with Im > 0; ``hyperbolic``: others are outside."""

    multipliers: np.ndarray
    plus: int
    minus: int
    pairs: np.ndarray
    hyperbolic: bool

    @property
    def kind(self) -> str:
        """"flip", "neimark-sacker" or "fold"."""
        return "flip" if self.minus else "neimark-sacker" if len(self.pairs) else "fold"

    @property
    def rotation(self) -> complex:
        """e^{iθ}."""
        return complex(self.pairs[0] / abs(self.pairs[0]))

    def require_no_resonance(self, tolerance: float) -> None:
        """Refuse θ = 2π/3 and π/2, where the normal form has further terms, ξ̄² and ξ̄³."""
        for order in (3, 4):
            if abs(self.rotation**order - 1) <= order * max(tolerance, 1e-9):
                raise NumericsError(f"a strong resonance 1:{order}: the multipliers are e^(±2πi/{order}), and no invariant "
                                    "circle need exist")  # fmt: skip

    def require_no_fold(self, forms: Forms, critical: BorderedSystem, plus: BorderedSystem) -> None:
        """Refuse a point of codimension two, by name: a Jordan block, or a multiplier +1 without a continuum."""
        first, q = "flip" if self.minus else "Neimark–Sacker", critical.right[0]
        if not critical.split:
            raise NumericsError("a strong resonance 1:2: two multipliers are −1 with one eigenvector")
        if self.plus and not plus.split:
            raise NumericsError(f"a {first} with a strong resonance 1:1: two multipliers are +1 with one eigenvector")
        for v, p in zip(plus.right, plus.left, strict=True) if self.plus else ():
            square = forms.derivative(v, v)  # B(v,v)
            others = np.abs(forms.derivative(v, q)) + np.abs(forms.derivative(q, q.conj()))  # |B(v,q)| + |B(q,q̄)|
            if abs((p * square).sum()) > STILL * (np.abs(p) * (np.abs(square) + others)).sum():  # ⟨p, B(v,v)⟩ ≠ 0
                what = f"fold–{first} point"
                size = float(np.abs(p).max() * max(np.abs(forms.points).max(), 1.0))
                # ⟨p, f_α⟩ = 0: the parameter does not move the map across the direction of the multiplier +1.
                if forms.parameter is not None and abs((p * forms.slope).sum()) <= STILL * size:
                    what = f"branch point with a {first} {'point' if self.minus == 0 else ''}".rstrip()
                raise NumericsError(f"a {what}: multipliers are +1 and {'−1' if self.minus else 'e^(±iθ)'} at once")


def critical_multipliers(matrices: np.ndarray, tolerance: float) -> CriticalMultipliers:
    """The critical multipliers of a cycle with these Jacobians (n, D, D); a NumericsError for none, or too many."""
    values = multipliers_of(matrices)
    if np.isnan(values).any():
        raise NumericsError("the multipliers of this cycle are not finite")
    plus, minus = np.abs(values - 1) <= tolerance, np.abs(values + 1) <= tolerance
    pairs = values[(np.abs(np.abs(values) - 1) <= tolerance) & (np.imag(values) > 0) & ~plus & ~minus]
    outside = bool(np.any(np.abs(values) > 1 + tolerance))
    critical = CriticalMultipliers(values, int(plus.sum()), int(minus.sum()), pairs, outside)
    if critical.plus + critical.minus + len(pairs) == 0:
        raise NumericsError(f"this is not a bifurcation point: the multipliers are {shown_multipliers(values)}")
    if len(pairs) > 1 or (len(pairs) and critical.minus):
        names = " and ".join(n for n in ("a flip" * bool(critical.minus), f"{len(pairs)} complex pairs") if n)
        raise NumericsError(f"multipliers are on the unit circle in several ways at once ({names}): codimension two")
    if critical.plus > 1 and not critical.minus and not len(pairs):
        raise NumericsError(f"{critical.plus} multipliers are +1 at once: a strong resonance 1:1, or a continuum of cycles "
                            "with a fold across")  # fmt: skip
    return critical


def shown_multipliers(multipliers: np.ndarray) -> str:
    """The first eight, for messages."""
    return str(np.round(multipliers[:8], 6).tolist()) + (" …" if len(multipliers) > 8 else "")


def conservative_resonance(step: Map, points: np.ndarray, kind: str, multipliers: np.ndarray, rows: np.ndarray) -> str:
    """In words, a fold or flip with two multipliers ±1 and one eigenvector where their product is 1 in all ``rows``, else "".

    This holds everywhere along a family of area-preserving maps, which have no other folds and flips.
    """
    sign, (i, j) = (1.0 if kind == "fold" else -1.0), np.triu_indices(len(multipliers), 1)
    if (np.abs(multipliers - sign) <= TOGETHER).sum() != 2 or BorderedSystem(jacobians(step, points), sign, 1).split:
        return ""
    # NaN where a row has no multipliers.
    products = rows[:, i] * rows[:, j]  # μ_i μ_j
    if not np.abs(products - 1).min(axis=1).max() <= KEPT:
        return ""
    n = len(points)
    what = (f"a centre and a saddle {called(n)} meet here and vanish" if sign > 0 else
            f"the {called(n)} changes from a centre into a saddle, and a {called(2 * n)} branches off")  # fmt: skip
    name = f"resonance 1:{1 if sign > 0 else 2} along a conservative family"
    return f"{name}: the product of the critical multipliers stays 1; {what}"


def touching(forms: Forms, multiplier: complex, speed: float) -> str | None:
    """ "inside" or "outside" if the multiplier has the speed 0 and lies there on both sides of the parameter, else None.

    Determined on the cycles that Newton's method finds nearby, at two distances.
    """
    size = max(abs(forms.step.params[forms.parameter]), 1.0) if forms.parameter else 1.0
    if forms.parameter is None or not abs(speed) * size <= SLOW:
        return None
    levels = [_level(forms, side * share * size, multiplier) for share in BESIDE for side in (-1, 1)]
    inside = {level < 0 for level in levels}
    if len(inside) > 1 or not min(map(abs, levels)) > LEVEL:
        return None
    return "inside" if inside.pop() else "outside"


def _level(forms: Forms, away: float, multiplier: complex) -> float:
    """|μ| − 1 of the multiplier closest to the critical one, at a distance of the parameter; NaN if there is no cycle."""
    step, parameter = forms.step, str(forms.parameter)
    try:
        beside = step.at(**{parameter: step.params[parameter] + away})
    except CfdynError:
        return np.nan
    cycle = polish(beside, forms.points)
    if cycle is None:
        return np.nan
    mu = multipliers_of(jacobians(beside, cycle))
    return float(abs(mu[np.argmin(np.abs(mu - multiplier))]) - 1)
