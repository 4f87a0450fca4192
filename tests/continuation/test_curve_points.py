"""Special points of curves of bifurcations, and curves of conditions, against closed forms and Kuznetsov's formula."""

from __future__ import annotations

import math
from itertools import permutations

import mpmath
import numpy as np
import pytest

import cfdyn as cf

curve_of = cf.analysis.bifurcation_curve


def points(curve):
    return {s.kind: s.parameters for s in curve.special}


@pytest.mark.parametrize("e", [0.4, -1.1])
def test_generalised_flip(e):
    """−(1 + m)x + ex² + kx³: at m = 0 the cubic coefficient is k + e²."""
    step = cf.Map.from_text("-(1 + m)*x + e*x**2 + k*x**3 + x**5", "x", {"m": 0.0, "e": e, "k": 0.3})
    found = curve_of(step, ("flip", [[0.0]]), ("m", "k"), ((-1, 1), (-3, 1)))
    assert found.coefficient == pytest.approx(found.parameters[:, 1] + e**2, abs=1e-12)
    assert len(found.special) == 1 and points(found)["generalized flip"] == pytest.approx([0, -(e**2)], abs=1e-10)


def henon(r, a, b):
    return cf.Map.from_text(["y", "a - b*x - y**2 + r*x*y"], "x y", {"a": a, "b": b, "r": r})


def at(s, b, r):
    """(α, β) where (s, s) is fixed: α = s(1 + β) + s²(1 − R); its trace is (R − 2)s, its determinant β − Rs."""
    return [s * (1 + b) + s * s * (1 - r), b]


@pytest.mark.parametrize("r", [0.1, -0.4])
def test_resonances_of_the_generalised_henon_map(r):
    """Neimark–Sacker: β = 1 + Rs. 1:1, 1:2, 1:3 and 1:4 where the trace is 2, −2, −1 and 0."""
    s = 0.3
    a, b = at(s, 1 + r * s, r)
    found = curve_of(henon(r, a, b), ("neimark-sacker", [[s, s]]), ("a", "b"), ((-5, 9), (-1, 4)))
    x = found.points[:, 0, 0]
    assert found.parameters == pytest.approx(np.array([at(t, 1 + r * t, r) for t in x]), abs=1e-10)
    assert sorted(k[-3:] for k in points(found)) == ["1:1", "1:2", "1:3", "1:4"] and len(found.special) == 4
    for name, trace in (("1:1", 2), ("1:2", -2), ("1:3", -1), ("1:4", 0)):
        t = trace / (r - 2)
        assert points(found)[f"resonance {name}"] == pytest.approx(at(t, 1 + r * t, r), abs=1e-9)


@pytest.mark.parametrize("r", [0.1, -0.4])
def test_flips_and_folds_of_the_generalised_henon_map(r):
    """Flip: β = 2s − 1, c = (1 + R)/(2(R − 2)s(2s − 2 − Rs)); fold: β = 2Rs − 2s − 1; fold–flip at (0, −1); 1:2 and 1:1."""
    box, s = ((-5, 9), (-3, 4)), 0.4
    a, b = at(s, 2 * s - 1, r)
    flip = curve_of(henon(r, a, b), ("flip", [[s, s]]), ("a", "b"), box)
    x = flip.points[:, 0, 0]
    assert flip.parameters == pytest.approx(np.array([at(t, 2 * t - 1, r) for t in x]), abs=1e-10)
    formula = (1 + r) / (2 * (r - 2) * x * (2 * x - 2 - r * x))
    assert flip.coefficient == pytest.approx(formula, rel=1e-6)
    two = 2 / (2 - r)
    assert set(points(flip)) == {"fold-flip", "resonance 1:2"}
    assert points(flip)["fold-flip"] == pytest.approx([0, -1], abs=1e-10)
    assert points(flip)["resonance 1:2"] == pytest.approx(at(two, 2 * two - 1, r), abs=1e-9)
    a, b = at(-s, 2 * s * (1 - r) - 1, r)
    fold = curve_of(henon(r, a, b), ("fold", [[-s, -s]]), ("a", "b"), box)
    x = fold.points[:, 0, 0]
    assert fold.parameters == pytest.approx(np.array([at(t, 2 * (r - 1) * t - 1, r) for t in x]), abs=1e-10)
    assert set(points(fold)) == {"fold-flip", "resonance 1:1"}
    assert points(fold)["fold-flip"] == pytest.approx([0, -1], abs=1e-10)
    assert points(fold)["resonance 1:1"] == pytest.approx(at(-two, 2 * (1 - r) * two - 1, r), abs=1e-9)


def lyapunov(trace, quadratic, cubic):
    """d of (x, y) → (y, −x + τy + Σ q_jk x^j y^k + …) with |q| = 1, by the formula for maps of the plane in a complex variable.

    Kuznetsov, Elements of Applied Bifurcation Theory, (4.22): with z the coordinate along the eigenvector q = (1, λ) the map
    is z → λz + Σ g_kl z^k z̄^l/(k! l!).
    """
    with mpmath.workdps(30):
        turn = mpmath.mpc(trace / 2, mpmath.sqrt(1 - mpmath.mpf(trace) ** 2 / 4))
        q = (mpmath.mpf(1) / mpmath.sqrt(2), turn / mpmath.sqrt(2))
        # ⟨p, q⟩ = 1, ⟨p, q̄⟩ = 0
        p2 = 1 / (q[1] - mpmath.conj(q[1]) * q[0] / mpmath.conj(q[0]))
        forms = {"z": q, "w": tuple(mpmath.conj(v) for v in q)}

        def g(word, terms):
            """p₂ times the multilinear form of the monomials on the directions named in the word."""
            total, orders = mpmath.mpc(0), len(word)
            for (j, _), factor in terms.items():
                for order in permutations(word):
                    total += factor * mpmath.fprod(forms[order[i]][0 if i < j else 1] for i in range(orders))
            return p2 * total

        g20, g11, g02, g21 = g("zz", quadratic), g("zw", quadratic), g("ww", quadratic), g("zzw", cubic)
        first = mpmath.re(g21 / turn) / 2 - mpmath.re((1 - 2 * turn) / turn**2 / (2 * (1 - turn)) * g20 * g11)
        return first - abs(g11) ** 2 / 2 - abs(g02) ** 2 / 4


@pytest.mark.parametrize(("e", "k", "start"), [(0.5, -1.0, 0.4), (-0.6, 0.8, -0.3), (0.8, 0.3, 0.4)])
def test_chenciner(e, k, start):
    """(x, y) → (y, −βx + τy + y² + exy + kx²y): β = 1, and d(τ) by another formula; its zero is the Chenciner point."""
    quadratic, cubic = {(0, 2): 1.0, (1, 1): e}, {(2, 1): k}
    step = cf.Map.from_text(["y", "-b*x + t*y + y**2 + e*x*y + k*x**2*y"], "x y", {"b": 1.0, "t": start, "e": e, "k": k})
    found = curve_of(step, ("neimark-sacker", [[0.0, 0.0]]), ("b", "t"), ((0.5, 1.5), (-1.95, 1.95)))
    t = found.parameters[:, 1]
    assert found.parameters[:, 0] == pytest.approx(1.0, abs=1e-12)
    away = np.flatnonzero(np.min(np.abs(t[:, None] - [-1.0, 0.0]), axis=1) > 0.05)
    rows = away[:: max(1, len(away) // 12)]
    assert found.coefficient[rows] == pytest.approx([float(lyapunov(v, quadratic, cubic)) for v in t[rows]], rel=1e-8)
    there = [s.parameters[1] for s in found.special if s.kind == "chenciner"]
    signs = np.sign([float(lyapunov(v, quadratic, cubic)) for v in np.linspace(-1.94, 1.94, 200)])
    assert len(there) == np.count_nonzero(np.diff(signs)) > 0
    for value in there:
        near = (value - 1e-3, value + 1e-3)
        assert value == pytest.approx(float(mpmath.findroot(lambda v: lyapunov(v, quadratic, cubic), near, "anderson")), abs=1e-9)


def test_superstable_3_cycle_of_the_logistic_map_with_an_offset():
    """rx(1 − x) + e is u² + c with c = r/2 − r²/4 − re; 0 has the period 3 where c³ + 2c² + c + 1 = 0."""
    c = np.roots([1, 2, 1, 1])
    c = float(c[np.argmin(abs(c.imag))].real)
    step = cf.Map.from_text("r*x*(1 - x) + e", "x", {"r": 3.83, "e": 0.0})
    cycle = cf.analysis.classify(step, [0.5])
    assert cycle.period == 3
    found = curve_of(step, cycle.points, ("r", "e"), ((2.5, 5), (-0.5, 0.5)), condition="1 - 2*x", search=True)
    r, e = found.parameters.T
    assert e == pytest.approx(0.5 - r / 4 - c / r, abs=1e-11) and abs(found.multipliers).max() < 1e-10
    assert found.points[:, 0, 0] == pytest.approx(0.5, abs=1e-13) and found.special == []


def test_a_fixed_point_held_in_place():
    """x = ½ of k + cx − x³: k = 5/8 − c/2, where the multiplier c − ¾ passes 1 and −1."""
    step = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.2, "c": 0.9})
    for condition in ("x - 0.5", "x = 0.5", "x == 0.5", "2*x == 1"):
        found = curve_of(step, [[0.5]], ("k", "c"), ((-2, 3), (-3, 4)), condition=condition, search=True)
        k, c = found.parameters.T
        assert k == pytest.approx(0.625 - c / 2, abs=1e-12) and found.multipliers[:, 0] == pytest.approx(c - 0.75, abs=1e-12)
        assert points(found)["fold"] == pytest.approx([-0.25, 1.75], abs=1e-10)
        assert points(found)["flip"] == pytest.approx([0.75, -0.25], abs=1e-10) and len(found.special) == 2


def test_a_condition_on_the_plane_meets_a_neimark_sacker_point():
    """(s, s) of the generalised Hénon map held at s = 0.3: the determinant β − Rs passes 1."""
    r, s = 0.1, 0.3
    a, b = at(s, 0.5, r)
    found = curve_of(henon(r, a, b), [[s, s]], ("a", "b"), ((-5, 9), (-0.2, 2)), condition="x - 3/10")
    assert found.parameters == pytest.approx(np.array([at(s, v, r) for v in found.parameters[:, 1]]), abs=1e-11)
    assert points(found)["neimark-sacker"] == pytest.approx(at(s, 1 + r * s, r), abs=1e-9)


def test_of_gradient_descent_and_momentum():
    """Heavy ball on w²/2·h + w⁴: 1 + β − lr h = 2(1 + β)·cos … is held: the multiplier 0.5 of w = 0 as a condition."""
    step = cf.as_map(cf.Loss("h*w**2/2 + w**4/4", params={"h": 1.0}), cf.optimizers.gd(lr=0.5))
    found = curve_of(step, [[0.0]], ("lr", "h"), ((0.1, 3), (0.2, 4)), condition="1 - lr*h - 1/2 + w")
    assert found.parameters.prod(axis=1) == pytest.approx(0.5, abs=1e-12)
    assert math.isclose(abs(found.multipliers - 0.5).max(), 0, abs_tol=1e-12)
