"""Chenciner's point and the strong resonances: two critical multipliers, a pair or a double one."""

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.normal_forms.codimension_two.centre import double, simple
from cfdyn.normal_forms.codimension_two.normalized import resonant
from cfdyn.normal_forms.codimension_two.problem import FLAT, Problem, Verdict, degenerate, towards, vanishing
from cfdyn.words import called

NEAR = 1e-3  # of λ^5 and λ^6 to 1


def chenciner(at: Problem) -> Verdict:
    """w ↦ e^{iθ} w (1 + (d + ib)|w|² + (l + im)|w|⁴), d = 0, (1/n) Σ_k |q_k|² = 1.

    L2 = l + b²/2 is the second Lyapunov coefficient: |w| ↦ |w| (1 + d|w|² + L2 |w|⁴ + …) (Kuznetsov & Meijer, §3).
    """
    theta = at.angle()
    for order in (5, 6):
        if abs(np.exp(1j * order * theta) - 1) < NEAR:
            raise NumericsError(f"the multipliers are close to the resonance 1:{order}, where the normal form has more terms")
    turn = complex(np.exp(1j * theta))
    critical, kept = simple(at.matrices, turn), resonant(0, 1, -1)
    normal = at.normal_map(critical, 5, kept)
    first, second = (normal.coefficient(0, e) / turn for e in ((2, 1), (3, 2)))
    l2 = second.real + first.imag**2 / 2  # Re(c₂/λ) + ½ (Im c₁/λ)²
    if vanishing(normal, 5, L2=l2):
        return Verdict({"L2": l2, "b": first.imag, "theta": theta}, degenerate("L2"))
    side, stable = ("supercritical", "smaller") if l2 > 0 else ("subcritical", "larger")
    kinds = "both unstable in other directions" if at.hyperbolic else f"the {stable} one stable"
    growth, cubic = (rate / turn for rate in at.rates(critical, 4, kept, (0, (1, 0)), (0, (2, 1))))
    leaving = towards(fold_of_circles=(growth.real, -l2 * (cubic - (first * growth)).real))
    meaning = (f"a fold curve of invariant circles starts here, tangent to the Neimark–Sacker curve, on the side where that "
               f"bifurcation is {side}{at.side(leaving.get('fold of circles'))}. Between the two curves two invariant circles "
               f"exist, {kinds}")  # fmt: skip
    return Verdict({"L2": l2, "b": first.imag, "theta": theta}, meaning, leaving)


def resonance_1(at: Problem) -> Verdict:
    """(w₁, w₂) ↦ (w₁ + w₂, w₂ + a w₁² + b w₁w₂), (1/n) Σ_k |q_k|² = 1 of the eigenvector q = ∂/∂w₁; its sign is q's.

    Kuznetsov & Meijer, §3. It is the unit shift along ẇ₁ = w₂, ẇ₂ = a w₁² + (b − 2a) w₁w₂ to this order; ``s`` = a (b − 2a),
    negative: the circle born at the Neimark–Sacker curve that begins at the folds is stable (Bogdanov–Takens).
    """

    def kept(i: int, e: tuple[int, ...]) -> bool:
        return i == 1 and (e[0] > 0 or sum(e[2:]) > 0)

    critical = double(at.matrices, 1.0)
    normal = at.normal_map(critical, 2, kept)
    a, b = (normal.real(1, e) for e in ((2, 0), (1, 1)))
    coefficients: dict[str, float | complex] = {"a": a, "b": b, "s": a * (b - 2 * a)}
    small = vanishing(normal, 2, b, a=a, b_minus_2a=b - 2 * a)
    if small:
        return Verdict(coefficients, degenerate(small.replace("minus", "−")))
    what = called(at.period)
    kind = at.stability(a * (b - 2 * a))
    meaning = (f"a Neimark–Sacker curve of the {what} begins here on the fold curve; its invariant circle is {kind} and ends in "
               "a homoclinic tangle of the saddle")  # fmt: skip
    shift, first, second = at.rates(critical, 2, kept, (1, (0, 0)), (1, (1, 0)), (1, (0, 1)))
    # The circle's centre is where γ₂ − γ₁ + (b − 2a) w₁ = 0, with γ₁ + 2a w₁ < 0.
    side = -(first - 2 * a * (second - first) / (b - 2 * a))
    return Verdict(coefficients, meaning, towards(**{f"Neimark–Sacker curve of the {what}": (shift, side)}))


def resonance_2(at: Problem) -> Verdict:
    """(w₁, w₂) ↦ (−w₁ + w₂, −w₂ + c w₁³ + d w₁²w₂), (1/n) Σ_k |q_k|² = 1 of the eigenvector q = ∂/∂w₁.

    Kuznetsov & Meijer, §3: its square is the unit shift along ẇ₁ = w₂, ẇ₂ = C w₁³ + D w₁²w₂ to this order, C = 4c and
    D = −2d − 6c. D < 0: the invariant circle of the Neimark–Sacker curve that begins here is stable. C < 0: on the side where
    the flip gives them, the cycles of twice the period have a Neimark–Sacker curve too; C > 0: they are saddles.
    """

    def kept(i: int, e: tuple[int, ...]) -> bool:
        return i == 1 and (e[:2] in ((3, 0), (2, 1)) or e[:2] in ((1, 0), (0, 1)) and sum(e[2:]) > 0)

    critical = double(at.matrices, -1.0)
    normal = at.normal_map(critical, 3, kept)
    c, d = (normal.real(1, e) for e in ((3, 0), (2, 1)))
    cubic, damping = 4 * c, -2 * d - 6 * c
    coefficients: dict[str, float | complex] = {"c": c, "d": d, "C": cubic, "D": damping}
    small = vanishing(normal, 3, 6 * c, 2 * d, C=cubic, D=damping)
    if small:
        return Verdict(coefficients, degenerate(small))
    single, twice = called(at.period), called(2 * at.period)
    circle = at.stability(damping)
    first, second = at.rates(critical, 2, kept, (1, (1, 0)), (1, (0, 1)))
    curves = {f"Neimark–Sacker curve of the {single}": (first + second, -first)}
    told = f"a Neimark–Sacker curve of the {single} begins here on the flip curve, its invariant circle {circle}"
    if cubic > 0:
        told += f"; the {twice} is a saddle, and no Neimark–Sacker curve of it begins here"
    else:
        told += f"; a Neimark–Sacker curve of the {twice} begins here too, its circles {at.stability(-damping)}"
        # ẇ₂ = 4γ₁ w₁ − 2(γ₁ + γ₂) w₂ + C w₁³ + D w₁²w₂
        curves[f"Neimark–Sacker curve of the {twice}"] = (cubic * (first + second) + 2 * damping * first, first)
    return Verdict(coefficients, told, towards(**curves))


def resonance_3(at: Problem) -> Verdict:
    """w ↦ λ w + b w̄² + c w|w|², λ = e^{2πi/3}, (1/n) Σ_k |q_k|² = 1, which leaves arg b free.

    Kuznetsov & Meijer, §3: its cube is the unit shift along ẇ = B w̄² + C w|w|², |B| = 3|b| and C = 3λ̄c − 3|b|², of which a
    change w → w + κ w̄² moves the imaginary part. ``a`` = Re C/|B|² has no scale, and a < 0 makes the invariant circle stable.
    """
    turn = complex(-0.5, np.sqrt(3) / 2)
    normal = at.normal_map(simple(at.matrices, turn), 3, resonant(3, 1, -1))
    b, c = (normal.coefficient(0, e) for e in ((0, 2), (2, 1)))
    third = 3 * c / turn - 3 * abs(b) ** 2
    if vanishing(normal, 2, b=abs(b)):
        return Verdict({"b": b}, degenerate("b"))
    a = third.real / (9 * abs(b) ** 2)
    kind = at.stability(third.real, normal.size(3))
    many, what = called(3 * at.period), called(at.period)
    return Verdict({"b": b, "a": a}, f"a saddle {many} shrinks onto the {what} here and exists on all sides, without a "
                   f"fold; beside it the invariant circle of the Neimark–Sacker curve is {kind}")  # fmt: skip


def resonance_4(at: Problem) -> Verdict:
    """w ↦ i w + c w|w|² + d w̄³, (1/n) Σ_k |q_k|² = 1, which leaves arg d free.

    Kuznetsov & Meijer, §3: A = −ic/|d| has no scale. |A| > 1: two cycles of four times the period are born at folds that
    begin here; |A| < 1: one, a saddle, is there on all sides. |Im A| √(1 − (Re A)²) > 1 + (Re A)²: a Neimark–Sacker curve of the
    4n-cycle begins here. Re A < 0: the invariant circle of the n-cycle is stable.
    """
    critical, kept = simple(at.matrices, 1j), resonant(4, 1, -1)
    normal = at.normal_map(critical, 3, kept)
    c, d = (normal.coefficient(0, e) for e in ((2, 1), (0, 3)))
    if vanishing(normal, 3, abs(c), d=abs(d)):
        return Verdict({"c": c, "d": d}, degenerate("d"))
    a = -1j * c / abs(d)
    many, what = called(4 * at.period), called(at.period)
    kind = at.stability(a.real * abs(d), normal.size(3))
    if abs(abs(a) - 1) <= FLAT:
        return Verdict({"c": c, "d": d, "A": a}, "degenerate: |A| = 1, and terms of higher order decide whether folds begin here")
    curves = {}
    if abs(a) > 1:
        both = called(4 * at.period, several=True)
        told = f"two {both}, one a saddle, are born at each of two fold curves that begin here (|A| > 1)"
        growth = at.rates(critical, 2, kept, (0, (1, 0)))[0] / 1j
        for name, sign in (("first", 1), ("second", -1)):
            # |ε + A r²| = r² has a double root where ε turns from −A by an angle of sine ±1/|A|.
            turned = growth / (-a * np.exp(1j * sign * np.arcsin(1 / abs(a))))
            curves[f"{name} fold of the {many}"] = (turned.imag, turned.real)
    else:
        told = f"a saddle {many} shrinks onto the {what} here and exists on all sides; no fold begins here (|A| < 1)"
    if abs(a.real) < 1 and abs(a.imag) * np.sqrt(1 - a.real**2) > 1 + a.real**2:
        told += f"; a Neimark–Sacker curve of the {many} begins here"
    return Verdict({"c": c, "d": d, "A": a}, f"{told}; the invariant circle of the {what} is {kind}", towards(**curves))
