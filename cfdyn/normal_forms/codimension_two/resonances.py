"""Chenciner's point and the strong resonances: two critical multipliers, a pair or a double one."""

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.normal_forms.codimension_two.centre import double, simple
from cfdyn.normal_forms.codimension_two.problem import Problem, Verdict
from cfdyn.words import called

NEAR = 1e-3  # of λ^5 and λ^6 to 1


def _turning(i: int, e: tuple[int, ...]) -> bool:
    """w|w|²ʲ in the first component, its conjugate in the second."""
    return e[0] - e[1] == (1 if i == 0 else -1)


def chenciner(at: Problem) -> Verdict:
    """w ↦ e^{iθ} w (1 + (d + ib)|w|² + (l + im)|w|⁴), d = 0, (1/n) Σ_k |q_k|² = 1.

    L2 = l + b²/2 is the second Lyapunov coefficient: |w| ↦ |w| (1 + d|w|² + L2 |w|⁴ + …) (Kuznetsov & Meijer, (3.11)).
    """
    theta = at.angle()
    for order in (5, 6):
        if abs(np.exp(1j * order * theta) - 1) < NEAR:
            raise NumericsError(f"the multipliers are close to the resonance 1:{order}, where the normal form has more terms")
    turn = complex(np.exp(1j * theta))
    normal = at.normal_map(simple(at.matrices, turn), 5, _turning)
    first, second = (normal.coefficient(0, e) / turn for e in ((2, 1), (3, 2)))
    found = second.real + first.imag**2 / 2  # Re(c₂/λ) + ½ (Im c₁/λ)²
    side, stable = ("supercritical", "smaller") if found > 0 else ("subcritical", "larger")
    kinds = "both unstable in other directions" if at.hyperbolic else f"the {stable} one stable"
    meaning = (f"two invariant circles, {kinds}, collide at a fold of circles that begins here, beside where the Neimark–Sacker "
               f"bifurcation is {side}")  # fmt: skip
    return Verdict({"L2": found, "b": first.imag, "theta": theta}, meaning)


def resonance_1(at: Problem) -> Verdict:
    """(w₁, w₂) ↦ (w₁ + w₂, w₂ + a w₁² + b w₁w₂), (1/n) Σ_k |q_k|² = 1 of the eigenvector q = ∂/∂w₁; its sign is q's.

    Kuznetsov & Meijer, (3.14). It is the unit shift along ẇ₁ = w₂, ẇ₂ = a w₁² + (b − 2a) w₁w₂ to this order; ``s`` = a (b − 2a),
    negative: the circle born at the Neimark–Sacker curve that begins at the folds is stable (Bogdanov–Takens).
    """
    normal = at.normal_map(double(at.matrices, 1.0), 2, lambda i, e: i == 1 and e[0] > 0)
    a, b = (normal.real(1, e) for e in ((2, 0), (1, 1)))
    size = max(abs(2 * a), abs(b))
    found: dict[str, float | complex] = {"a": a, "b": b, "s": a * (b - 2 * a)}
    if not min(abs(a), abs(b - 2 * a)) > FLAT * size:
        vanishing = "a" if abs(a) <= FLAT * size else "b − 2a"
        return Verdict(found, f"degenerate: {vanishing} vanishes, as for a symmetry or a map that keeps areas; terms of higher "
                              "order decide")  # fmt: skip
    what = called(at.period)
    kind = "unstable" if found["s"].real > 0 else "unstable in other directions" if at.hyperbolic else "stable"
    meaning = (f"a Neimark–Sacker curve of the {what} begins here on the fold curve; its invariant circle is {kind} and ends in "
               "a homoclinic tangle of the saddle")  # fmt: skip
    return Verdict(found, meaning)


FLAT = 1e-6  # of a coefficient beside another: it vanishes


def resonance_2(at: Problem) -> Verdict:
    """(w₁, w₂) ↦ (−w₁ + w₂, −w₂ + c w₁³ + d w₁²w₂), (1/n) Σ_k |q_k|² = 1 of the eigenvector q = ∂/∂w₁.

    Kuznetsov & Meijer, (3.18): its square is the unit shift along ẇ₁ = w₂, ẇ₂ = C w₁³ + D w₁²w₂ to this order, C = 4c and
    D = −2d − 6c. D < 0: the invariant circle of the Neimark–Sacker curve that begins here is stable. C < 0: on the side where
    the flip gives them, the cycles of twice the period have a Neimark–Sacker curve too; C > 0: they are saddles.
    """
    normal = at.normal_map(double(at.matrices, -1.0), 3, lambda i, e: i == 1 and e in ((3, 0), (2, 1)))
    c, d = (normal.real(1, e) for e in ((3, 0), (2, 1)))
    cubic, damping = 4 * c, -2 * d - 6 * c
    found: dict[str, float | complex] = {"c": c, "d": d, "C": cubic, "D": damping}
    if not min(abs(cubic), abs(damping)) > FLAT * max(abs(6 * c), abs(2 * d)):
        return Verdict(found, "degenerate: C or D vanishes, and terms of higher order decide")
    single, twice = called(at.period), called(2 * at.period)
    circle = "unstable" if damping > 0 else "unstable in other directions" if at.hyperbolic else "stable"
    first = f"a Neimark–Sacker curve of the {single} begins here on the flip curve, its invariant circle {circle}"
    if cubic > 0:
        return Verdict(found, f"{first}; the {twice} is a saddle, and no Neimark–Sacker curve of it begins here")
    other = "unstable" if damping < 0 else "unstable in other directions" if at.hyperbolic else "stable"
    return Verdict(found, f"{first}; a Neimark–Sacker curve of the {twice} begins here too, its circles {other}")


def resonance_3(at: Problem) -> Verdict:
    """w ↦ λ w + b w̄² + c w|w|², λ = e^{2πi/3}, (1/n) Σ_k |q_k|² = 1, which leaves arg b free.

    Kuznetsov & Meijer, (3.22): its cube is the unit shift along ẇ = B w̄² + C w|w|², |B| = 3|b| and C = 3λ̄c − 3|b|²; ``a`` =
    Re C/|B|² has no scale, and a < 0 makes the invariant circle stable.
    """
    turn = complex(-0.5, np.sqrt(3) / 2)
    normal = at.normal_map(simple(at.matrices, turn), 3, lambda i, e: (e[0] - e[1] - (1 if i == 0 else -1)) % 3 == 0)
    b, c = (normal.coefficient(0, e) for e in ((0, 2), (2, 1)))
    third = 3 * c / turn - 3 * abs(b) ** 2
    if not abs(b) ** 2 > FLAT * abs(c):
        return Verdict({"b": b, "c": c}, "degenerate: b vanishes, and terms of higher order decide")
    a = third.real / (9 * abs(b) ** 2)
    kind = "unstable" if a > 0 else "unstable in other directions" if at.hyperbolic else "stable"
    many, what = called(3 * at.period), called(at.period)
    return Verdict({"b": b, "c": c, "a": a}, f"a saddle {many} shrinks onto the {what} here and is there on all sides, without a "
                   f"fold; beside it the invariant circle of the Neimark–Sacker curve is {kind}")  # fmt: skip


def resonance_4(at: Problem) -> Verdict:
    """w ↦ i w + c w|w|² + d w̄³, (1/n) Σ_k |q_k|² = 1, which leaves arg d free.

    Kuznetsov & Meijer, (3.26): A = −ic/|d| has no scale. |A| > 1: two cycles of four times the period are born at folds that
    begin here; |A| < 1: one, a saddle, is there on all sides. |Im A| √(1 − (Re A)²) > 1 + (Re A)²: a Neimark–Sacker curve of the
    4n-cycle begins here. Re A < 0: the invariant circle of the n-cycle is stable.
    """
    normal = at.normal_map(simple(at.matrices, 1j), 3, lambda i, e: (e[0] - e[1] - (1 if i == 0 else -1)) % 4 == 0)
    c, d = (normal.coefficient(0, e) for e in ((2, 1), (0, 3)))
    if not abs(d) > FLAT * abs(c):
        return Verdict({"c": c, "d": d}, "degenerate: d vanishes, and terms of higher order decide")
    a = -1j * c / abs(d)
    many, what = called(4 * at.period), called(at.period)
    kind = "unstable" if a.real > 0 else "unstable in other directions" if at.hyperbolic else "stable"
    if abs(a) > 1:
        both = called(4 * at.period, several=True)
        told = f"two {both}, one a saddle, are born at each of two fold curves that begin here (|A| > 1)"
    else:
        told = f"a saddle {many} shrinks onto the {what} here and is there on all sides; no fold begins here (|A| < 1)"
    if abs(a.real) < 1 and abs(a.imag) * np.sqrt(1 - a.real**2) > 1 + a.real**2:
        told += f"; a Neimark–Sacker curve of the {many} begins here"
    return Verdict({"c": c, "d": d, "A": a}, f"{told}; the invariant circle of the {what} is {kind}")
