"""Two bifurcations of a cycle at once: fold–flip, fold–Neimark–Sacker, flip–Neimark–Sacker, double Neimark–Sacker.

Without the rotations, a critical pair becomes its modulus and −1 becomes 1. The remaining map is the time-one map of a flow in
two variables, up to the order of its normal form.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cfdyn.normal_forms.codimension_two.centre import simple, together
from cfdyn.normal_forms.codimension_two.normalized import NormalMap, resonant
from cfdyn.normal_forms.codimension_two.problem import Problem, Verdict, degenerate, towards, vanishing
from cfdyn.words import called


class _FoldFlow(NamedTuple):
    """ẇ = a w² + b r² + c₁ w³ + c₂ w r², ṙ = r (−e w + c₃ w² + c₄ r²)."""

    a: float
    b: float
    e: float
    cubic: tuple[float, float, float, float]

    @property
    def lyapunov(self) -> float:
        """At the point with r ≠ 0, without cubic terms a centre if be > 0; < 0: its cycle is stable.

        With s = 2a/e: (2|b| (3c₁ + s c₃) − |e| s (c₂ + (s + 2) c₄)) / (2|b| + |e|), from the integral of the divergence with the
        weight r^{s−1} over a small loop (Guckenheimer & Holmes, §7.4).
        """
        (c1, c2, c3, c4), s = self.cubic, 2 * self.a / self.e
        b, e = abs(self.b), abs(self.e)
        return (2 * b * (3 * c1 + s * c3) - e * s * (c2 + (s + 2) * c4)) / (2 * b + e)

    def leaving(self, shift: np.ndarray, slope: np.ndarray, growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The direction of the curve where that point is a centre: (zero, positive) for `towards`.

        From w ↦ w + shift + slope w + …, z ↦ λ z (1 + growth + …), whose logarithm has slope − a shift, and growth + ½ e shift;
        at r² = −shift/b the trace slope + s growth + (c₂ + (s + 2) c₄) r² vanishes.
        """
        (_, c2, _, c4), s = self.cubic, 2 * self.a / self.e
        trace = slope - self.a * shift + s * (growth + self.e * shift / 2) - (c2 + (s + 2) * c4) * shift / self.b
        return trace.real, -self.b * shift.real


def _fold_flow(normal: NormalMap, turn: complex) -> _FoldFlow:
    """From w ↦ w + a w² + b|z|² + …, z ↦ λ z (1 − g w + …), z real for λ = −1: the logarithm of the map without its rotation."""
    tail = normal.m - 2  # z̄ follows z
    a, f300 = (normal.real(0, (j, *(0,) * (normal.m - 1))) for j in (2, 3))
    b, f111 = (normal.real(0, (j, *((1, 1) if tail else (2,)))) for j in (0, 1))
    g, g210 = (normal.coefficient(1, (j, 1, *(0,) * tail)) / turn for j in (1, 2))
    g021 = normal.coefficient(1, (0, *((2, 1) if tail else (3,)))) / turn
    # V₃ = N₃ − ½ DV₂ V₂
    c1, c2 = f300 - a * a, f111 - b * (a + g.real)
    c3, c4 = (g210 - g * (g + a) / 2).real, (g021 - g * b / 2).real
    return _FoldFlow(a, b, -g.real, (c1, c2, c3, c4))


def fold_flip(at: Problem) -> Verdict:
    """(w, z) ↦ (w + a w² + b z² + …, −z + e wz + …), (1/n) Σ_k |q_k|² = 1 for both eigenvectors; the sign of (a, b, e) is q₁'s.

    Kuznetsov, Meijer & van Veen, Int. J. Bifurcation Chaos 14 (2004) 2253; Kuznetsov & Meijer, §3, with a/2 and b/2 for
    a and b. be > 0: a Neimark–Sacker curve of the cycles of twice the period begins here; L < 0 (from all terms up to the
    third degree): its circles are stable.
    """
    critical = together(simple(at.matrices, 1.0), simple(at.matrices, -1.0))
    kept = resonant(2, 0, 1)
    normal = at.normal_map(critical, 3, kept)
    single, twice = called(at.period), called(2 * at.period)
    begins = f"a fold and a flip curve of the {single} touch here"
    shift, slope, growth = at.rates(critical, 2, kept, (0, (0, 0)), (0, (1, 0)), (1, (0, 1)))
    born = f"Neimark–Sacker curve of the {twice}", "circles"
    return _of_fold(at, normal, -1.0, begins, born, (shift, slope, -growth))


def fold_neimark_sacker(at: Problem) -> Verdict:
    """(w, z) ↦ (w + a w² + b|z|² + …, e^{iθ}z (1 − (e + ig) w + …)), (1/n) Σ_k |q_k|² = 1 for both eigenvectors.

    Kuznetsov & Meijer, §3. The sign of (a, b, e) is q₁'s. be > 0: the invariant circle bifurcates to a torus on a curve that
    begins here; L < 0 (from all terms up to the third degree): the torus is stable.
    """
    theta = at.angle()
    turn = complex(np.exp(1j * theta))
    critical = together(simple(at.matrices, 1.0), simple(at.matrices, turn))
    kept = resonant(0, 0, 1, -1)
    normal = at.normal_map(critical, 3, kept)
    begins = f"a fold and a Neimark–Sacker curve of the {called(at.period)} touch here"
    shift, slope, growth = at.rates(critical, 2, kept, (0, (0, 0, 0)), (0, (1, 0, 0)), (1, (0, 1, 0)))
    born = "curve on which the invariant circle bifurcates to a torus", "tori"
    verdict = _of_fold(at, normal, turn, begins, born, (shift, slope, growth / turn))
    return verdict._replace(coefficients={**verdict.coefficients, "theta": theta})


def _of_fold(
    at: Problem, normal: NormalMap, turn: complex, begins: str, born: tuple[str, str], rates: tuple[np.ndarray, ...]
) -> Verdict:  # fmt: skip
    """``born``: the curve that may begin, and the object born there; ``rates``: shift, slope and growth."""
    flow, curve = _fold_flow(normal, turn), born[0]
    coefficients: dict[str, float | complex] = {"a": flow.a, "b": flow.b, "e": flow.e}
    small = vanishing(normal, 2, a=flow.a, b=flow.b, e=flow.e)
    if small:
        return Verdict(coefficients, f"{begins}; {degenerate(small)}")
    if flow.b * flow.e < 0:
        return Verdict(coefficients, f"{begins}; no {curve} begins here (be < 0)")
    coefficients["L"] = flow.lyapunov
    meaning = f"{begins}, and a {curve} begins here (be > 0), its {born[1]} {at.stability(flow.lyapunov, normal.size(3))}"
    return Verdict(coefficients, meaning, towards(**{curve: flow.leaving(*rates)}))


class _Moduli(NamedTuple):
    """r₁ ↦ r₁ (1 + p₁₁ r₁² + p₁₂ r₂²), r₂ ↦ r₂ (1 + p₂₁ r₁² + p₂₂ r₂²)."""

    p11: float
    p12: float
    p21: float
    p22: float

    @property
    def coefficients(self) -> dict[str, float | complex]:
        return {**self._asdict(), "det": self.p11 * self.p22 - self.p12 * self.p21}

    def leaving(self, first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """For curves where r₂ bifurcates from r₁² = −μ₁/p₁₁, and r₁ from r₂² = −μ₂/p₂₂: (zero, positive) for `towards`."""
        return [
            (second - self.p21 / self.p11 * first, -first / self.p11),
            (first - self.p12 / self.p22 * second, -second / self.p22),
        ]

    def secondary(self) -> tuple[float, float]:
        """The growth rates near r₁, r₂ ≠ 0 of the objects born by the other bifurcation on r₂ = 0, and on r₁ = 0."""
        det = self.p11 * self.p22 - self.p12 * self.p21
        return max(det / self.p11, self.p11), max(det / self.p22, self.p22)


def flip_neimark_sacker(at: Problem) -> Verdict:
    """(w, z) ↦ (−w (1 + p₁₁ w² + p₁₂|z|²), e^{iθ}z (1 + P₂₁ w² + P₂₂|z|²)), p₂ⱼ = Re P₂ⱼ, (1/n) Σ_k |q_k|² = 1 for both.

    Kuznetsov & Meijer, §3. A Neimark–Sacker curve of the cycles of twice the period begins here for all signs, with μ₂ p₁₁ = μ₁
    p₂₁ where μ₁/p₁₁ < 0, if μ₁ and μ₂ are the additional growth rates of |w| and |z|; its circles are stable if p₁₁ < 0 and p₂₂ −
    p₁₂p₂₁/p₁₁ < 0. A curve where the invariant circle doubles begins here, too. det = p₁₁p₂₂ − p₁₂p₂₁.
    """
    theta = at.angle()
    turn = complex(np.exp(1j * theta))
    critical, kept = together(simple(at.matrices, -1.0), simple(at.matrices, turn)), resonant((2, 0), (1, 0), (0, 1), (0, -1))
    normal = at.normal_map(critical, 3, kept)
    moduli = _Moduli(-normal.real(0, (3, 0, 0)), -normal.real(0, (1, 1, 1)), (normal.coefficient(1, (2, 1, 0)) / turn).real,
                     (normal.coefficient(1, (0, 2, 1)) / turn).real)  # fmt: skip
    single, twice = called(at.period), called(2 * at.period)
    begins = (f"a flip and a Neimark–Sacker curve of the {single} cross here; a Neimark–Sacker curve of the {twice} begins, its "
              "circles {0}, and one where the invariant circle doubles, the double one {1}")  # fmt: skip
    first, second = at.rates(critical, 2, kept, (0, (1, 0, 0)), (1, (0, 1, 0)))
    verdict = _of_moduli(at, normal, moduli, begins, (f"Neimark–Sacker curve of the {twice}", "doubling of the circle"),
                       (-first.real, (second / turn).real))  # fmt: skip
    return verdict._replace(coefficients={**verdict.coefficients, "theta": theta})


def double_neimark_sacker(at: Problem) -> Verdict:
    """z₁ ↦ e^{iθ₁}z₁ (1 + P₁₁|z₁|² + P₁₂|z₂|²), z₂ ↦ e^{iθ₂}z₂ (1 + P₂₁|z₁|² + P₂₂|z₂|²), p_jk = Re P_jk, θ₁ < θ₂.

    (1/n) Σ_k |q_k|² = 1 for both eigenvectors (Kuznetsov & Meijer, §3). Tori begin on two curves, one for each circle: from
    that of θ₁ they are stable if p₁₁ < 0 and p₂₂ − p₁₂p₂₁/p₁₁ < 0. det = p₁₁p₂₂ − p₁₂p₂₁.
    """
    angles = at.angle(0), at.angle(1)
    turns = [complex(np.exp(1j * theta)) for theta in angles]
    critical = together(*(simple(at.matrices, turn) for turn in turns))
    kept = resonant((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    normal = at.normal_map(critical, 3, kept)
    (e11, e12), (e21, e22) = ((2, 1, 0, 0), (1, 0, 1, 1)), ((1, 1, 1, 0), (0, 0, 2, 1))
    moduli = _Moduli(*((normal.coefficient(2 * i, e) / turns[i]).real for i, e in ((0, e11), (0, e12), (1, e21), (1, e22))))
    begins = (f"two Neimark–Sacker curves of the {called(at.period)} cross here; a torus is born from the circle of the first "
              "on a curve that begins here, {0}, and from that of the second on another, {1}")  # fmt: skip
    rates = [(rate / turn).real for rate, turn in zip(
        at.rates(critical, 2, kept, (0, (1, 0, 0, 0)), (2, (0, 0, 1, 0))), turns, strict=True)]  # fmt: skip
    verdict = _of_moduli(at, normal, moduli, begins, ("torus of the first circle", "torus of the second circle"), rates)
    return verdict._replace(coefficients={**verdict.coefficients, "theta1": angles[0], "theta2": angles[1]})


def _of_moduli(
    at: Problem, normal: NormalMap, moduli: _Moduli, begins: str, curves: tuple[str, str], rates: Sequence[np.ndarray]
) -> Verdict:  # fmt: skip
    """``rates``: the additional growth rate of each modulus, for each parameter."""
    coefficients, product = moduli.coefficients, moduli.p11 * moduli.p22
    det = product - moduli.p12 * moduli.p21
    small = vanishing(normal, 5, moduli.p12 * moduli.p21, p11_p22=product, det=det)
    if small:
        return Verdict(coefficients, degenerate(small))
    told = begins.format(*(at.stability(growth) for growth in moduli.secondary()))
    if product < 0 < det:
        told += "; where both exist they lose their stability to a further torus, by terms of fifth order"
    return Verdict(coefficients, told, towards(**dict(zip(curves, moduli.leaving(*rates), strict=True))))
