"""The coefficients of normal forms on the centre manifold of a critical cycle, by homological equations.

Kuznetsov, Elements of Applied Bifurcation Theory, 3rd ed., §5.4; here for all points of the cycle at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, permutations
from typing import Any

import numpy as np

from cfdyn.normal_forms.homological import BorderedSystem, Forms

Form = Callable[..., np.ndarray]  # Dᵏf(x_i)[u_i, v_i, …] at all points
Solve = Callable[[np.ndarray], np.ndarray]  # of the equations along the cycle, from their right sides
STILL = 1e-6  # relative; where a continuum is flattest nothing drifts, and a minimum's place along it is known to 1e-8 at best


@dataclass(frozen=True)
class Critical:
    """A normal form: its ``coefficients`` by name, the critical ``right`` directions (k, D) at the first point, and
    ``speed`` (k, k), the derivative of the critical multipliers' matrix in the parameter, NaN without a parameter. ``size``: that
    of the terms whose sum is the coefficient; ``cubic``: that of c at a fold."""

    coefficients: dict[str, float]
    right: np.ndarray
    speed: np.ndarray
    size: float = 0.0
    tensor: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cubic: float = 0.0


def paired(left: np.ndarray, rows: np.ndarray) -> Any:
    """Σ_k ⟨p_k, r_k⟩, without conjugation: the solvability condition of an order."""
    return (left * rows).sum()


def cubic_terms(form: Form, q: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The terms of c = ⟨p, ·⟩ for one critical direction: ⅙C(q,q,q) and ½B(q,h), with h of the centre manifold's ½h ξ²."""
    return form(q, q, q) / 6, form(q, h) / 2


def circle_terms(form: Form, q: np.ndarray, mean: Solve, double: Solve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The terms of c₁ = ½⟨p, C(q,q,q̄) + 2B(q,h₁₁) + B(q̄,h₂₀)⟩, where ``mean`` and ``double`` solve for h₁₁ and h₂₀:

    A h₁₁ − h₁₁⁺ = −B(q,q̄), A h₂₀ − λ²h₂₀⁺ = −B(q,q).
    """
    other = q.conj()
    return form(q, q, other) / 2, form(q, mean(-form(q, other))), form(other, double(-form(q, q))) / 2


def flip(forms: Forms, minus: BorderedSystem, plus: BorderedSystem) -> Critical:
    """N(ξ) = −ξ + K(ξ,ξ,ξ) for a multiplier −1 of any multiplicity k; ``tensor`` (k, k, k, k) is K_i,jlm.

    K_i(u,v,w) = ⅙⟨p_i, C(u,v,w) + B(u,h(v,w)) + B(v,h(w,u)) + B(w,h(u,v))⟩ with A h(u,v) − h(u,v)⁺ = −B(u,v).
    For k = 1 that is c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩, and ``size`` is the larger of its two parts.
    """
    q, p, k = minus.right, minus.left, minus.nullity
    h = {pair: plus.solve(-forms.derivative(q[pair[0]], q[pair[1]])) for pair in combinations_with_replacement(range(k), 2)}
    tensor, size = np.empty((k, k, k, k)), 0.0
    for j, l, m in combinations_with_replacement(range(k), 3):
        cubic = forms.derivative(q[j], q[l], q[m])
        quadratic = np.sum([forms.derivative(q[a], h[b, c]) for a, b, c in ((j, l, m), (l, j, m), (m, j, l))], axis=0)
        for i in range(k):  # K_i,jlm = ⅙⟨p_i, C(q_j,q_l,q_m)⟩ + ⅙⟨p_i, B(q_j,h_lm) + B(q_l,h_jm) + B(q_m,h_jl)⟩
            parts = paired(p[i], cubic) / 6, paired(p[i], quadratic) / 6
            size = max(size, abs(parts[0]), abs(parts[1]))
            for place in permutations((j, l, m)):
                tensor[(i, *place)] = parts[0] + parts[1]
    return Critical({"c": float(tensor[0, 0, 0, 0])}, q[:, 0], speed_of(forms, minus, plus), size, tensor)


def fold(forms: Forms, plus: BorderedSystem) -> Critical:
    """N(ξ, δ) = ξ + β δ + a ξ² + b ξ δ + ½ e δ² + c ξ³ for the multiplier 1, with δ the parameter minus its critical value.

    a = ½⟨p, B(q,q)⟩, c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ with Ah − h⁺ = −B(q,q) + 2a q and ⟨p,h⟩ = 0;
    β = ⟨p, f_α⟩, b = ⟨p, A_α q + B(q,x_α)⟩ and, for β = 0, e = ⟨p, f_αα + 2A_α x_α + B(x_α,x_α)⟩ with
    A x_α − x_α⁺ = −f_α + βq and x_α orthogonal to q. Where a ≠ 0, ξ → ξ + sδ changes b and e, but neither a, β nor c.
    """
    q, p = plus.right[0], plus.left[0]
    curvature = forms.derivative(q, q)
    a = float(paired(p, curvature)) / 2  # ½⟨p, B(q,q)⟩
    h = _manifold_term(plus, -curvature, 2 * a * q[0])  # A h − h⁺ = −B(q,q) + 2a q
    cubic, quadratic = (p * term for term in cubic_terms(forms.derivative, q, h))
    coefficients = {"a": a, "c": float(cubic.sum() + quadratic.sum())}
    size = float(np.abs(cubic).sum() + np.abs(quadratic).sum())
    speed = np.full((1, 1), np.nan)
    if forms.parameter is not None:
        coefficients["beta"] = beta = float(paired(p, forms.slope))  # ⟨p, f_α⟩
        right = -forms.slope
        right[-1] += beta * q[0]
        moved = plus.solve(right)  # A x_α − x_α⁺ = −f_α + β q
        coefficients["b"] = float(paired(p, forms.moving(q, moved)))  # ⟨p, A_α q + B(q,x_α)⟩
        coefficients["e"] = float(paired(p, forms.moving(moved, moved, (1.0, 1.0))))  # ⟨p, f_αα + 2A_α x_α + B(x_α,x_α)⟩
        speed[0, 0] = coefficients["b"]
    return Critical(coefficients, plus.right[:, 0], speed, float(np.abs(p * curvature).sum()), cubic=size)


def fourth(forms: Forms, plus: BorderedSystem, a: float, c: float) -> tuple[float, float]:
    """d of N(ξ) = ξ + a ξ² + c ξ³ + d ξ⁴ for the multiplier 1, and the size of its parts.

    d = ¹⁄₂₄⟨p, D⁴f(q,q,q,q) + 6C(q,q,h) + 3B(h,h) + 4B(q,k)⟩, where Ak − k⁺ = −C(q,q,q) − 3B(q,h) + 6c q + 6a h, ⟨p,k⟩ = 0.
    """
    q, p = plus.right[0], plus.left[0]
    form = forms.derivative
    h = _manifold_term(plus, -form(q, q), 2 * a * q[0])  # A h − h⁺ = −B(q,q) + 2a q
    k = _manifold_term(plus, -form(q, q, q) - 3 * form(q, h), 6 * c * q[0] + 6 * a * h[0])
    parts = p * np.array([form(q, q, q, q), 6 * form(q, q, h), 3 * form(h, h), 4 * form(q, k)]) / 24
    return float(parts.sum()), float(np.abs(parts).sum())


def _manifold_term(plus: BorderedSystem, right: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """h with A h − h⁺ = right, ``closing`` more on the last row, and ⟨p,h⟩ = 0 at the first point."""
    right[-1] += closing
    h = plus.solve(right)
    return h - (plus.left[0, -1] @ h[0]) * plus.right[0]  # h − ⟨p,h⟩ q, as A q = q⁺


def neimark_sacker(forms: Forms, pair: BorderedSystem, plus: BorderedSystem, multiplier: complex) -> Critical:
    """N(ξ) = λ ξ + c₁ ξ|ξ|² for the multipliers λ = e^{±iθ}; d = Re(c₁/λ) is the first Lyapunov coefficient.

    c₁ is that of `circle_terms`.
    """
    q, p = pair.right[0], pair.left[0]
    double = BorderedSystem(forms.matrices, multiplier**2, 0).solve
    parts = [paired(p, term) for term in circle_terms(forms.derivative, q, plus.solve, double)]
    c1 = complex(sum(parts))
    coefficients = {
        "d": (c1 / multiplier).real,
        "b": (c1 / multiplier).imag,
        "theta": float(np.angle(multiplier)),
    }  # c₁/λ = d + ib
    return Critical(coefficients, pair.right[:, 0], speed_of(forms, pair, plus), max(abs(x) for x in parts))


def drift(forms: Forms, critical: BorderedSystem, plus: BorderedSystem) -> tuple[np.ndarray, float]:
    """Along a continuum of cycles with coordinates v: (d_i, r) of v → v + d ξ² and of the multiplier −1 + r′v, r = ⟨r′, d⟩.

    d_i = ½⟨p_i, B(q,q)⟩ for the left vectors p_i of the multipliers 1; r > 0: the oscillation moves to where it decays.
    """
    q, p = critical.right[0], critical.left[0]
    curvature = forms.derivative(q, q)
    drifts = np.array([float(paired(left, curvature)) / 2 for left in plus.left])  # d_i = ½⟨p_i, B(q,q)⟩
    drifts[np.abs(drifts) <= STILL * np.abs(plus.left).max() * np.abs(curvature).sum()] = 0.0
    rates = [float(paired(p, forms.derivative(q, v))) for v in plus.right]  # r′_i = ⟨p, B(q,v_i)⟩
    return drifts, float(drifts @ rates)


def speed_of(forms: Forms, critical: BorderedSystem, plus: BorderedSystem) -> np.ndarray:
    """⟨p_i, A_α q_j + B(q_j, x_α)⟩: the derivative of the critical block in the parameter along the cycle."""
    k = critical.nullity
    if forms.parameter is None:
        return np.full((k, k), np.nan)
    moved = plus.solve(-forms.slope)  # A x_α − x_α⁺ = −f_α
    columns = [forms.moving(q, moved) for q in critical.right]  # A_α q_j + B(q_j,x_α)
    return np.array([[paired(p, column) for column in columns] for p in critical.left])
