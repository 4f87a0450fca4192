"""The standard demonstrations of bifurcations of maps: special points and coefficients as printed, or exact by SymPy.

Printed coefficients belong to eigenvectors of their own length; where it is not 1 the conversion is said.
"""

from __future__ import annotations

import math
from itertools import product

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf

DELAYED = cf.Map.from_text(["r*x*(1-y)", "x"], "x y", {"r": 1.8})
RICKER = cf.Map.from_text("a*x*exp(-x)", "x", {"a": 5.0})
HENON = cf.Map.from_text(["a - x**2 + b*y", "x"], "x y", {"a": 0.0, "b": 0.4})
GENERAL = cf.Map.from_text(["y", "a - b*x - y**2 + R*x*y"], "x y", {"a": 1.0, "b": 1.0, "R": 0.5})
PREY = ["a*x*(1-x) - x*y", "s*x*y"]
AGES = ["b1*A/(1 + cjj*J + cja*A + cjy*Y + cjz*Z)", "(1 - mj)*J + (1 - ma)*A",
        "b2*Z/(1 + cyj*J + cya*A + cyy*Y + cyz*Z)", "(1 - my)*Y + (1 - mz)*Z"]  # fmt: skip
LESLIE_GOWER = cf.Map.from_text(
    AGES, "J A Y Z", {"b1": 20.0, "b2": 18.0, "ma": 0.72, "mj": 0.23, "my": 0.29, "mz": 0.98, "cjj": 0.36, "cja": 0.55, "cyy": 0.18,
                      "cyz": 0.26, "cjy": 0.3, "cjz": 0.23, "cyj": 0.3, "cya": 0.08},
)  # fmt: skip


def only(branch, kind):
    """The one special point of a kind."""
    (found,) = [s for s in branch.bifurcations if s.kind == kind]
    return found


def planar_coefficient(p, second, multiplier, q, conjugate):
    """Kuznetsov's a(0) at a Neimark–Sacker point of a quadratic map of the plane, from g_kl = ⟨p, B(·,·)⟩.

    a(0) = −Re[(1 − 2μ)/(2μ²(1 − μ)) g₂₀g₁₁] − ½|g₁₁|² − ¼|g₀₂|²; p is a row with pA = μp, pq = 1.
    """
    bar = q.applyfunc(conjugate)
    g20, g11, g02 = (sp.simplify((p * second(u, v))[0]) for u, v in ((q, q), (q, bar), (bar, bar)))
    mixed = sp.simplify((1 - 2 * multiplier) / (2 * multiplier**2 * (1 - multiplier)) * g20 * g11)
    return sp.simplify(-(mixed + conjugate(mixed)) / 2 - g11 * conjugate(g11) / 2 - g02 * conjugate(g02) / 4)


def by_tensors(formulas, names, params, parameter, value, point):
    """c of a flip, or d of a Neimark–Sacker point of the plane, from all entries of the derivatives by SymPy, in 30 digits.

    The point and the parameter are solved for first: a fixed point with det(A + I) = 0, or det A = 1 in the plane.
    """
    x, n = sp.symbols(names), len(names.split())
    rest = {name: sp.Rational(repr(number)) for name, number in params.items() if name != parameter}
    f = sp.Matrix([sp.sympify(text, locals={str(v): v for v in x}).subs(rest) for text in formulas])
    arguments, identity = [*x, sp.Symbol(parameter)], mp.eye(n)
    values, jacobian = (sp.lambdify(arguments, m, "mpmath") for m in (f - sp.Matrix(x), f.jacobian(x)))

    def system(*z):
        matrix = jacobian(*z)
        return [*values(*z), mp.det(matrix) - 1 if n == 2 else mp.det(matrix + identity)]

    with mp.workdps(30):
        z = mp.findroot(system, [*map(mp.mpf, point.tolist()), mp.mpf(value)])
        assert abs(z[n] - value) < 1e-11 * abs(value)

        def form(*directions):
            """The derivative along the directions, from its entries."""
            total = mp.matrix(n, 1)
            for index in product(range(n), repeat=len(directions)):
                entry = sp.lambdify(arguments, f.diff(*(x[i] for i in index)), "mpmath")(*z)
                total += mp.matrix(entry) * mp.fprod(d[i] for d, i in zip(directions, index, strict=True))
            return total

        matrix = jacobian(*z)
        (own, right), (same, left) = mp.eig(matrix), mp.eig(matrix.T)
        k = max(range(n), key=lambda i: mp.im(own[i])) if n == 2 else min(range(n), key=lambda i: abs(own[i] + 1))
        mu, q = own[k], right[:, k] / mp.norm(right[:, k])
        p = left[:, min(range(n), key=lambda i: abs(same[i] - mu))]
        p /= (p.T * q)[0]
        if n > 2:
            return float(mp.re((p.T * (form(q, q, q) + 3 * form(q, mp.lu_solve(identity - matrix, form(q, q)))))[0]) / 6)
        bar = q.apply(mp.conj)
        mean, double = mp.lu_solve(identity - matrix, form(q, bar)), mp.lu_solve(mu**2 * identity - matrix, form(q, q))
        return float(mp.re((p.T * (form(q, q, bar) + 2 * form(q, mean) + form(bar, double)))[0] / mu) / 2)


def test_the_delayed_logistic_map_turns_with_minus_two():
    """a(0) = −2 at r = 2, θ = π/3 (Kuznetsov, Elements of Applied Bifurcation Theory, §4.7) for |q|² = 2, thus d = −1 for |q| = 1."""
    root = (1 + sp.sqrt(3) * sp.I) / 2
    A, q, p = sp.Matrix([[1, -1], [1, 0]]), sp.Matrix([root, 1]), sp.Matrix([[1, -1 / root]])
    assert sp.simplify(A * q - root * q) == sp.zeros(2, 1) and sp.simplify(p * A - root * p) == sp.zeros(1, 2)
    p /= sp.simplify((p * q)[0])

    def second(u, v):
        return sp.Matrix([-2 * (u[0] * v[1] + u[1] * v[0]), 0])

    assert planar_coefficient(p, second, root, q, sp.conjugate) == -2 and sp.simplify((q.H * q)[0]) == 2
    found = only(cf.analysis.continue_cycle(DELAYED, [4 / 9, 4 / 9], "r", (1.2, 2.4)), "neimark-sacker")
    assert found.parameter == pytest.approx(2.0, rel=1e-13) and found.points[0] == pytest.approx([0.5, 0.5], rel=1e-12)
    assert np.sort_complex(found.multipliers) == pytest.approx(np.exp([-1j * math.pi / 3, 1j * math.pi / 3]), abs=1e-9)
    assert found.coefficient == pytest.approx(-2 / 2, rel=1e-9) and found.supercritical is True


@settings(max_examples=25, deadline=None)
@given(theta=st.floats(0.2, 3.0), R=st.floats(-0.9, 0.9))
def test_the_generalised_henon_map_turns_with_a_closed_form(theta, R):
    """x̄ = y, ȳ = α − βx − y² + Rxy: d = R(1 − R)/(8(1 − cos θ)), 0 where area is kept (R = 0), by SymPy for all θ and R."""
    cosine = math.cos(theta)
    assume(min(abs(cosine), abs(cosine + 0.5)) >= 0.02 and abs(R) >= 1e-3)
    y = 2 * cosine / (R - 2)
    b = 1 + R * y
    step = GENERAL.at(b=b, R=R, a=y + b * y + y * y - R * y * y)
    found = cf.analysis.normal_form(step, [y, y], "b")
    assert found.kind == "neimark-sacker" and found.coefficients["theta"] == pytest.approx(theta, rel=1e-9)
    assert found.coefficient == pytest.approx(R * (1 - R) / (8 * (1 - cosine)), rel=1e-6, abs=1e-9)


def test_the_closed_form_of_the_generalised_henon_map():
    """With E = e^{iθ} as an unknown, whose conjugate is 1/E, a(0) = R(R − 1)E/(2(1 − E)²); E/(1 − E)² = −1/(2(1 − cos θ)), |q|² = 2."""
    E, R = sp.symbols("E R")
    q, p = sp.Matrix([1, E]), sp.Matrix([[-1 / E, 1]])

    def second(u, v):
        return sp.Matrix([0, R * (u[0] * v[1] + u[1] * v[0]) - 2 * u[1] * v[1]])

    exact = planar_coefficient(p / (p * q)[0], second, E, q, lambda z: z.subs(E, 1 / E))
    assert sp.simplify(exact - R * (R - 1) * E / (2 * (1 - E) ** 2)) == 0
    assert sp.simplify(E / (1 - E) ** 2 + 1 / (2 * (1 - (E + 1 / E) / 2))) == 0


def test_ricker_flips_with_one_sixth():
    """c(0) = ¼ f_xx² + ⅙ f_xxx = 1/6 at α = e², x = 2; flips at 7.38907, 12.50925, 14.24425, 14.65267, 14.74212 (Kuznetsov, ex. 4.1)."""
    x = sp.Symbol("x")
    f = sp.exp(2) * x * sp.exp(-x)
    second, third = (sp.diff(f, x, k).subs(x, 2) for k in (2, 3))
    assert sp.simplify(second**2 / 4 + third / 6) == sp.Rational(1, 6)
    found = only(cf.analysis.continue_cycle(RICKER, [math.log(5)], "a", (2, 10)), "flip")
    assert found.parameter == pytest.approx(math.exp(2), rel=1e-13)
    assert found.coefficient == pytest.approx(1 / 6, rel=1e-10) and found.supercritical is True
    flips = cf.analysis.cascade(RICKER, [math.log(5)], "a", (3, 20), 5).flips
    assert flips[:5] == pytest.approx([7.38907, 12.50925, 14.24425, 14.65267, 14.74212], abs=2e-5)


def test_the_henon_map_of_alligood_sauer_and_yorke():
    """(a − x² + 0.4y, x): a sink for −0.09 < a < 0.27, a stable 2-cycle from 0.27 to 0.85 (Chaos, ch. 2); a and c by hand."""
    branch = cf.analysis.continue_cycle(HENON, [0.0, 0.0], "a", (-0.2, 1.0))
    fold, flip = only(branch, "fold"), only(branch, "flip")
    assert (fold.parameter, flip.parameter) == (pytest.approx(-0.09, abs=1e-12), pytest.approx(0.27, abs=1e-12))
    # Fold: A = [[0.6, 0.4], [1, 0]], q = (1, 1)/√2, p = (1, 0.4)·√2/1.4, B(q,q) = (−1, 0): a = −√2/2.8
    assert fold.coefficient == pytest.approx(-math.sqrt(2) / 2.8, rel=1e-6)
    # Flip: A = [[−0.6, 0.4], [1, 0]], q = (1, −1)/√2, p = (1, −0.4)√2/1.4; (I − A)⁻¹(−1, 0) = −(1, 1)/1.2;
    # c = ½ p·(−2 q₁ h₁, 0) = (1/1.4)/1.2
    assert flip.coefficient == pytest.approx(1 / (1.4 * 1.2), rel=1e-9) and flip.supercritical is True
    assert only(flip.switch(), "flip").parameter == pytest.approx(0.85, abs=1e-11)


def test_a_prey_and_its_predator():
    """x̄ = α₁x(1 − x) − xy, ȳ = α₂xy about (1/α₂, α₁ − 1 − α₁/α₂) (doi 10.1186/s13662-019-1995-6): det = 1 at α₁ = α₂/(α₂ − 2)."""
    rate = 5.0
    step = cf.Map.from_text(PREY, "x y", {"a": 1.5, "s": rate})
    found = only(cf.analysis.continue_cycle(step, [0.2, 0.2], "a", (1.3, 2.0)), "neimark-sacker")
    assert found.parameter == pytest.approx(rate / (rate - 2), rel=1e-13) and found.supercritical is True
    assert found.points[0] == pytest.approx([1 / rate, found.parameter * (1 - 1 / rate) - 1], rel=1e-12)
    own = by_tensors(PREY, "x y", step.params, "a", found.parameter, found.points[0])
    assert found.coefficient == pytest.approx(own, rel=1e-8)


LESLIE_GOWER_POINTS = [  # (cjy, cyj), the fixed point as the demonstrations of MatContM give it
    ((0.0, 0.0), (21.50285631, 22.99611022, 0.0, 0.0)),
    ((0.3, 0.3), (11.17052012, 11.94625068, 20.99523834, 15.21083594)),
]


@pytest.mark.parametrize(("competition", "printed"), LESLIE_GOWER_POINTS)
def test_fixed_points_of_the_juvenile_adult_leslie_gower_model(competition, printed):
    """Govaerts, Khoshsiar Ghaziani, Kuznetsov & Meijer, SIAM J. Sci. Comput. 29 (2007): two species of two ages each."""
    step = LESLIE_GOWER.at(cjy=competition[0], cyj=competition[1])
    branch = cf.analysis.continue_cycle(step, printed, "cyj", (0.0, 2.0), coefficients=False)
    row = np.argmin(np.abs(branch.points[:, 0] - printed).max(axis=1))
    assert branch.parameter[row] == pytest.approx(competition[1], abs=1e-12)
    assert branch.points[row, 0] == pytest.approx(printed, rel=5e-9, abs=1e-12)


def test_the_leslie_gower_model_is_invaded_where_the_closed_form_says():
    """A species at rest (J, A, 0, 0) can be invaded below cyj = ((1 − my) b2/mz − 1 − cya A)/J: a transcritical point."""
    p = LESLIE_GOWER.params
    # One species at rest: A ma = (1 − mj) J, b1 A = J (1 + cjj J + cja A)
    ratio = (1 - p["mj"]) / p["ma"]
    young = (p["b1"] * ratio - 1) / (p["cjj"] + p["cja"] * ratio)
    old = ratio * young
    assert (young, old) == pytest.approx(LESLIE_GOWER_POINTS[0][1][:2], rel=5e-10)
    exact = ((1 - p["my"]) * p["b2"] / p["mz"] - 1 - p["cya"] * old) / young
    branch = cf.analysis.continue_cycle(LESLIE_GOWER.at(cyj=0.3), LESLIE_GOWER_POINTS[1][1], "cyj", (0.1, 0.5))
    found = only(branch, "branch point")
    assert found.parameter == pytest.approx(exact, rel=1e-9)
    assert "transcritical" in found.meaning


@pytest.mark.slow
def test_flips_of_the_leslie_gower_model_by_an_independent_formula():
    """Both flips of coexistence: where they are, and c, from the entries of all derivatives in 30 digits."""
    branch = cf.analysis.continue_cycle(LESLIE_GOWER, LESLIE_GOWER_POINTS[1][1], "cyj", (0.1, 0.5))
    flips = [s for s in branch.bifurcations if s.kind == "flip"]
    assert len(flips) == 2 and [s.supercritical for s in flips] == [True, False]
    assert "shrinks onto the fixed point" in flips[1].meaning
    for flip in flips:
        own = by_tensors(AGES, "J A Y Z", LESLIE_GOWER.params, "cyj", flip.parameter, flip.points[0])
        assert flip.coefficient == pytest.approx(own, rel=1e-7)
