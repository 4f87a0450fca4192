"""Where curves of bifurcations end, by name: double multipliers and merging points; against closed forms and mpmath."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.continuation.curve.point import Condensed

curve_of, follow = cf.analysis.bifurcation_curve, cf.analysis.continue_cycle
KOPEL = cf.Map.from_text(["(1-rho)*x + rho*mu*y*(1-y)", "(1-rho)*y + rho*mu*x*(1-x)"], "x y", {"mu": 2.0, "rho": 0.5})
TWO_WELLS = "(x**2-1)**2/4 + (y**2-1)**2/4 + a*x*y"
BENT = cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.9})


def only(found, kind):
    """The one special point of a kind."""
    (point,) = [s for s in found if s.kind == kind]
    return point


def resonance_of_the_symmetric_cycle():
    """f²(z) = Pz with P(x, y) = (−y, −x), where P Df² has −1 twice: the 4-cycle has 1 twice."""

    def step(x, y, lr, a):
        return x - lr * (x**3 - x + a * y), y - lr * (y**3 - y + a * x)

    def slope(x, y, lr, a):
        return mpmath.matrix([[1 - lr * (3 * x * x - 1), -lr * a], [-lr * a, 1 - lr * (3 * y * y - 1)]])

    def equations(x, y, lr, a):
        there = step(x, y, lr, a)
        back = step(*there, lr, a)
        half = mpmath.matrix([[0, -1], [-1, 0]]) * slope(*there, lr, a) * slope(x, y, lr, a)
        return [back[0] + y, back[1] + x, half[0, 0] + half[1, 1] + 2, mpmath.det(half) - 1]

    with mpmath.workdps(30):
        return [float(v) for v in mpmath.findroot(equations, (-1.3, 1.24, 1.1807, 0.2649))]


@pytest.mark.parametrize("longest", [0.02, 0.01])
def test_resonance_1_1_of_a_symmetric_cycle(longest):
    x, y, lr, a = resonance_of_the_symmetric_cycle()
    assert (lr, a) == pytest.approx((1.18068157174339, 0.26493224655184), abs=1e-13)
    step = cf.as_map(cf.Loss(TWO_WELLS, params={"a": 0.2}), cf.optimizers.gd(lr=1.18))
    branch = follow(step, [[-1.2817, 1.2358], [-0.6011, 0.7696], [-1.2358, 1.2817], [-0.7696, 0.6011]], "lr", (1.1, 1.3))
    start = only(branch.bifurcations, "neimark-sacker")
    found = curve_of(start.step, start, ("lr", "a"), ((1.15, 1.25), (0.15, 0.6)), max_step=longest)
    end = only(found.special, "resonance 1:1")
    assert end.parameters == pytest.approx([lr, a], abs=2e-12)
    assert np.abs(end.points - [x, y]).max(axis=1).min() < 1e-11
    assert "resonance 1:1 at lr = 1.18068, a = 0.264932" in found.ends


def folds_of_two_cycles(step, lr, bounds):
    """The curve of folds of 2-cycles that begins from the fold of the 2-cycle that leaves a subcritical flip."""
    flip = only(follow(step.at(lr=0.9 * lr), [0.0] * step.dim, "lr", bounds[0]).bifurcations, "flip")
    fold = [s for s in flip.switch().bifurcations if s.kind == "fold" and s.period == 2][0]
    return curve_of(fold.step, fold, ("lr", "a"), bounds)


@pytest.mark.parametrize(
    ("optimizer", "lr", "a"),
    [
        (cf.optimizers.gd(lr=1.9), 2.0, math.sqrt(0.5)),
        (cf.optimizers.heavy_ball(lr=1.9, momentum=0.5), 3.0, math.sqrt(0.5)),
        (cf.optimizers.heavy_ball(lr=1.9, momentum=0.2), 2.4, math.sqrt(0.5)),
        (cf.optimizers.adam(lr=1.9, beta1=0.5, beta2=0.9, eps=1.0, bias_correction=False, eps_inside=True), 6.0, 0.5),
    ],
)  # fmt: skip
def test_folds_of_two_cycles_end_at_the_generalised_flip(optimizer, lr, a):
    """Descent (2, 1/√2), heavy ball (2(1 + β), 1/√2), Adam (2√ε (1 + β₁)/(1 − β₁), √(½ − 1/(4ε)))."""
    step = cf.as_map(BENT, optimizer).at(a=a + 0.2)
    found = folds_of_two_cycles(step, lr, ((0.5 * lr, 2 * lr), (0.2, 2.0)))
    end = only(found.special, "generalized flip")
    assert end.parameters == pytest.approx([lr, a], abs=1e-9)
    assert end.points.shape == (1, step.dim) and np.abs(end.points).max() < 1e-9
    assert sum("generalized flip of the fixed point" in words for words in found.ends) == 1
    assert "cusp" not in {s.kind for s in found.special}
    # It is not followed back with the points in another order.
    first, second = found.points[1:-1, 0, 0], found.points[1:-1, 1, 0]
    assert np.ptp(np.sign(first - second)) == 0


@pytest.mark.parametrize("e", [0.3, -0.7, 1.1])
def test_folds_of_two_cycles_of_a_quintic(e):
    """−(1 + m)x + ex² + kx³ + x⁵: c = k + e², so that the curve ends at m = 0, k = −e²."""
    step = cf.Map.from_text("-(1 + m)*x + e*x**2 + k*x**3 + x**5", "x", {"m": -0.05, "e": e, "k": -0.2 - e**2})
    flip = only(follow(step, [0.0], "m", (-1, 1)).bifurcations, "flip")
    fold = [s for s in flip.switch().bifurcations if s.kind == "fold" and s.period == 2][0]
    found = curve_of(fold.step, fold, ("m", "k"), ((-1, 1), (-0.5 - e**2, 1.0)))
    assert only(found.special, "generalized flip").parameters == pytest.approx([0, -(e**2)], abs=1e-10)


def test_folds_of_four_cycles_end_at_the_generalised_flip_of_the_2_cycle():
    """(u, v) ↦ (K(v), u): a 2-cycle (x₁, x₂) of K and its fixed point b make the 4-cycle (x₁, b), (b, x₁), (x₂, b), (b, x₂)."""
    line = cf.Map.from_text("-(1 + m)*x + 0.5*x**2 + k*x**3 + x**5", "x", {"m": -0.05, "k": -0.45})
    flip = only(follow(line, [0.0], "m", (-1, 1)).bifurcations, "flip")
    fold = [s for s in flip.switch().bifurcations if s.kind == "fold" and s.period == 2][0]
    (b,) = [r.real for r in np.roots([1, 0, -0.45, 0.5, -(2 + fold.parameter)]) if abs(r.imag) < 1e-12 and r.real > 0]
    (x1,), (x2,) = fold.points
    step = cf.Map.from_text(["-(1 + m)*v + 0.5*v**2 + k*v**3 + v**5", "u"], "u v", {"m": fold.parameter, "k": -0.45})
    found = curve_of(step, ("fold", [[x1, b], [b, x1], [x2, b], [b, x2]]), ("m", "k"), ((-0.5, 0.5), (-0.6, 0.0)))
    end = only(found.special, "generalized flip")
    assert end.parameters == pytest.approx([0, -0.25], abs=1e-10) and end.points.shape == (2, 2)
    assert sum("generalized flip of the 2-cycle" in words for words in found.ends) == 1


def test_two_multipliers_minus_1_with_two_eigenvectors():
    """The 2-cycle of Kopel's duopoly in step flips both in step and out of step at (1 + √6/2, 2), and at (1 + √6, 1)."""
    expected = [(1 + math.sqrt(6), 1.0), (1 + math.sqrt(6) / 2, 2.0)]
    branch = follow(KOPEL.at(mu=2.2747, rho=1.9), [[0.35353, 0.35353], [0.66961, 0.66961]], "mu", (1.6, 3.6))
    flips = [s for s in branch.bifurcations if s.kind == "flip" and s.period == 2]
    assert len(flips) == 2
    for flip in flips:
        found = curve_of(flip.step, flip, ("mu", "rho"), ((1.6, 3.6), (1.0, 2.6)))
        doubles = sorted((s for s in found.special if s.kind == "double flip"), key=lambda s: s.parameters[1])
        assert [tuple(s.parameters) for s in doubles] == [pytest.approx(p, abs=1e-9) for p in expected]
        assert all(np.abs(s.multipliers + 1).max() < 1e-6 for s in doubles)
        assert not any("resonance" in s.kind for s in found.special)
        assert set(found.ends) == {"rho = 1", "rho = 2.6"}


def test_two_multipliers_minus_1_with_one_eigenvector():
    """−x + y, −(1 + m)y + nx: both are −1 at m = n = 0, in a Jordan block."""
    step = cf.Map.from_text(["-x + y + x**3", "-(1 + m)*y + n*x"], "x y", {"m": 0.3, "n": 0.0})
    found = curve_of(step, ("flip", [[0.0, 0.0]]), ("m", "n"), ((-1, 1), (-1, 1)))
    assert only(found.special, "resonance 1:2").parameters == pytest.approx([0, 0], abs=1e-10)


def two_cycle_in_step(rho):
    """(μ, points) where the 2-cycle of Kopel's duopoly has the multiplier 1 out of step: ρμ = ρ + √(ρ² + 3(ρ − 2)²)."""
    b = rho + math.sqrt(rho**2 + 3 * (rho - 2) ** 2)
    half, product = (2 - rho + b) / (2 * b), (2 - rho + b) / b**2
    away = math.sqrt(half**2 - product)
    return b / rho, [[half + away] * 2, [half - away] * 2]


@pytest.mark.parametrize(
    ("rho", "kind", "end"), [(2.3, "double flip", (2, 2)), (0.8, "branch point-flip", (3, 1))]
)  # fmt: skip
@pytest.mark.parametrize("longest", [0.02, 0.05])
def test_branch_points_of_a_2_cycle_end_where_its_points_merge(rho, kind, end, longest):
    mu, points = two_cycle_in_step(rho)
    found = curve_of(KOPEL.at(mu=mu, rho=rho), ("branch point", points), ("mu", "rho"), ((1, 4.5), (0.3, 3.5)), max_step=longest)
    exact = [two_cycle_in_step(r)[0] for r in found.parameters[:, 1] if abs(r - end[1]) > 1e-3]
    np.testing.assert_allclose(found.parameters[np.abs(found.parameters[:, 1] - end[1]) > 1e-3, 0], exact, rtol=1e-9)
    merged = [s for s in found.special if s.kind == kind and len(s.points) == 1]
    assert len(merged) == 1 and merged[0].parameters == pytest.approx(end, abs=1e-10)
    assert f"{kind} of the fixed point at mu = {end[0]}, rho = {end[1]}" in found.ends


def test_branch_points_of_a_2_cycle_up_to_the_flip():
    """x = ±√m, y = 0 has the multiplier 1 across where k = 2m: at (0, 0) the fixed point has −1 and 1."""
    step = cf.Map.from_text(["-x*(1 + m) + x**3", "y*(1 + k - 2*x**2) - y**3"], "x y", {"m": 0.3, "k": 0.6})
    x = math.sqrt(0.3)
    found = curve_of(step, ("branch point", [[x, 0.0], [-x, 0.0]]), ("m", "k"), ((-0.5, 0.8), (-1, 2)))
    assert only(found.special, "branch point-flip").parameters == pytest.approx([0, 0], abs=1e-12)
    assert set(found.ends) == {"branch point-flip of the fixed point at m = 0, k = 0", "m = 0.8"}


@pytest.mark.parametrize(
    ("second", "kind"), [("(1 + n)*y - y**2", "branch point-flip"), ("y + n - y**2", "fold-flip"), ("(1 + n)*y + y**3", "branch point-flip")]
)  # fmt: skip
def test_a_multiplier_1_on_a_flip_curve_is_a_fold_or_a_branch_point(second, kind):
    step = cf.Map.from_text(["-(1 + m)*x + x**3 + x*y", second], "x y", {"m": 0.0, "n": 0.25})
    y = 0.5 if kind == "fold-flip" else 0.0
    found = curve_of(step.at(m=y), ("flip", [[0.0, y]]), ("m", "n"), ((-1, 1), (-1, 1)))
    assert only(found.special, kind).parameters == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_eigenvectors_of_a_double_multiplier(sign):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    jordan, scalar = (turn @ np.array([[sign, off], [0.0, sign]]) @ turn.T for off in (0.5, 0.0))
    assert Condensed(np.array([[scalar], [jordan]])).split(sign).tolist() == [True, False]


@pytest.mark.parametrize("b", [0.5, -0.438, -0.7])
def test_a_symmetric_2_cycle_along_all_its_rotations(b):
    """−g for the odd g(x, y) = (y, by + (1 − b)x + ay(1 − x²)): on the 2-cycle ±(1, 1) M = G² with det G = 2a − 1 + b, tr G = b.

    Neimark–Sacker: 2a = 2 − b; the rotation of M is twice that of G, so that b = ±2 ends it, and b = 0 is M = −1.
    """
    step = cf.Map.from_text(["-y", "-(b*y + (1 - b)*x + a*y*(1 - x**2))"], "x y", {"a": (2 - b) / 2, "b": b})
    found = curve_of(step, ("neimark-sacker", [[1, 1], [-1, -1]]), ("a", "b"), ((-1, 3), (-2.5, 2.5)))
    assert found.parameters[:, 0] == pytest.approx(1 - found.parameters[:, 1] / 2, abs=1e-11)
    expected = [("resonance 1:1", -2), ("resonance 1:4", -(2**0.5)), ("resonance 1:3", -1), ("double flip", 0),
                ("resonance 1:3", 1), ("resonance 1:4", 2**0.5), ("resonance 1:1", 2)]  # fmt: skip
    special = sorted(((s.kind, float(s.parameters[1])) for s in found.special), key=lambda pair: pair[1])
    assert special == [(kind, pytest.approx(value, abs=1e-8)) for kind, value in expected]


def test_a_tongue_ends_at_its_resonance():
    """e^{2πi/5} ((1 + m + in) z − z|z|² + z̄⁴): a 5-cycle z = re^{iθ} has m = r² − r³ cos 5θ, n = r³ sin 5θ.

    It folds where cos 5θ = 3r/2: m = r² − 3r⁴/2, n = ±r³ √(1 − 9r²/4), from 1:5 at 0 by cusps at r² = 1/3.
    """
    c, s = math.cos(2 * math.pi / 5), math.sin(2 * math.pi / 5)
    u = "(x*(1+m) - n*y - x*(x**2+y**2) + x**4 - 6*x**2*y**2 + y**4)"
    v = "(y*(1+m) + n*x - y*(x**2+y**2) - 4*x**3*y + 4*x*y**3)"
    r = 0.4
    angles = math.acos(1.5 * r) / 5 + 2 * math.pi * np.arange(5) / 5
    params = {"m": r**2 - 1.5 * r**4, "n": r**3 * math.sqrt(1 - 2.25 * r**2)}
    step = cf.Map.from_text([f"{c!r}*{u} - {s!r}*{v}", f"{s!r}*{u} + {c!r}*{v}"], "x y", params)
    points = r * np.column_stack([np.cos(angles), np.sin(angles)])
    found = curve_of(step, ("fold", points), ("m", "n"), ((-0.5, 0.5), (-0.5, 0.5)), max_step=0.05)
    radius = np.linalg.norm(found.points[:, 0], axis=1)
    assert found.parameters[:, 0] == pytest.approx(radius**2 - 1.5 * radius**4, abs=1e-9)
    cusps = sorted((tuple(q.parameters) for q in found.special if q.kind == "cusp"), key=lambda pair: pair[1])
    assert cusps == [pytest.approx((1 / 6, way * 0.5 / 27**0.5), abs=1e-10) for way in (-1, 1)]
    tips = [q.parameters for q in found.special if q.kind == "resonance 1:5"]
    assert len(tips) == 2 and np.abs(tips).max() < 1e-8 and len(found.special) == 4
    assert all(words.startswith("resonance 1:5 of the fixed point") for words in found.ends)
    assert [text.get_text() for text in cf.plot(found).axes[0].texts].count("1:5") == 1


@pytest.mark.parametrize("side", [0, 1])
def test_the_tip_of_the_tongue_1_6_is_no_point_of_a_2_or_3_cycle(side):
    """SGD over two samples s = x, x + ky: e^{±iπ/3} at lr = (1 + K)/K, K = 1 + k² with K³ = K + 1; all six points merge there.

    With them all pairs and triples do, whose multipliers would be those of 1:3 and −1 twice.
    """
    loss = cf.Loss("(x+k*c*y)**2/2 + (x+k*c*y)**3/2 + (x+k*c*y)**4/4", ["x", "y"], {"k": 0.5625}, data={"c": [0.0, 1.0]})
    large = max(np.roots([1, 0, -1, -1]).real)
    k, lr = math.sqrt(large - 1), (1 + large) / large
    step = cf.epoch(loss, cf.optimizers.gd(lr=lr + 0.05))
    branch = follow(step, cf.iterate(step, [0.01, 0.0], 20_000).z[-1], "k", (k - 0.3, k + 0.3), period=6)
    fold = [s for s in branch.bifurcations if s.kind == "fold"][side]
    found = curve_of(fold.step, fold, ("k", "lr"), ((0.2, 1.0), (1.4, 2.1)))
    tip = only(found.special, "resonance 1:6")
    assert tip.parameters == pytest.approx([k, lr], abs=1e-9)
    assert tip.points.shape == (1, 2) and np.abs(tip.points).max() < 1e-9
    assert np.abs(tip.multipliers - np.exp([1j * math.pi / 3, -1j * math.pi / 3])).max() < 1e-6
    assert found.ends[0] == "resonance 1:6 of the fixed point at k = 0.56984, lr = 1.75488"
