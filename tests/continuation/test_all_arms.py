"""`branches` finds every arm at a branch point, also those that are symmetric about it; against closed forms."""

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf
from cfdyn.analysis.bifurcations.branches import branches

X, Y, M = sp.symbols("x y m")


def covered(found, values, arm, period=1):
    """Whether the branches have rows on x = arm(m), and how far along the values of m these come at either end."""
    rows = [(m, points) for b in found if b.period == period for m, points in zip(b.parameter, b.points, strict=True)]
    on = [m for m, points in rows if np.isfinite(arm(m)) and np.abs(points[:, 0] - arm(m)).min() < 1e-7]
    return len(on) > 3 and min(on) <= values[0] + 0.02 and max(on) >= values[1] - 0.02


def root(value):
    return np.sqrt(value) if value >= 0 else np.nan


@pytest.mark.parametrize(
    ("text", "start", "bounds", "arms"),
    [
        ("m*x - x**3", 0.5, (-0.5, 1.9),
         [((-0.5, 1.9), lambda m: 0.0), ((1.0, 1.9), lambda m: root(m - 1)), ((1.0, 1.9), lambda m: -root(m - 1))]),
        ("x + m*x - x**2", -0.5, (-1.5, 1.5), [((-1.5, 1.5), lambda m: 0.0), ((-1.5, 1.5), lambda m: m)]),
        ("m*x + x**3", 0.5, (-0.5, 1.9),
         [((-0.5, 1.9), lambda m: 0.0), ((-0.5, 1.0), lambda m: root(1 - m)), ((-0.5, 1.0), lambda m: -root(1 - m))]),
    ],
)  # fmt: skip
def test_arms_that_are_symmetric_about_their_branch_point(text, start, bounds, arms):
    step = cf.Map.from_text(text, "x", {"m": start})
    found = branches(step, None, "m", bounds, depth=1, starts=[(start, [[0.0]])])
    assert [b.period for b in found].count(1) == 2 and "no other" not in found.reason
    for values, arm in arms:
        assert covered(found, values, arm)


def test_descent_on_a_double_well_that_opens():
    """∓√a from w = 0 at a = 0."""
    step = cf.as_map(cf.Loss("w**4/4 - a*w**2/2", params={"a": 0.5}), cf.optimizers.gd(lr=0.1))
    found = branches(step, None, "a", (-1.0, 2.0), depth=1, starts=[(0.5, [[0.0]])])
    assert len(found) == 2 and covered(found, (0, 2), root) and covered(found, (0, 2), lambda a: -root(a))


def test_all_fixed_points_of_a_duopoly():
    """Kopel: 0; x = y = 1 − 1/μ from μ = 1; from μ = 3 on the two points of the logistic map's 2-cycle, in either order."""
    step = cf.Map.from_text(["(1-rho)*x + rho*m*y*(1-y)", "(1-rho)*y + rho*m*x*(1-x)"], "x y", {"m": 2.0, "rho": 0.5})
    found = branches(step, None, "m", (0.2, 3.7), depth=2, starts=[(0.7, [[0.0, 0.0]])])
    assert [b.period for b in found].count(1) == 3
    assert covered(found, (0.2, 3.7), lambda m: 0.0) and covered(found, (0.2, 3.7), lambda m: 1 - 1 / m)
    for sign in (-1, 1):
        assert covered(found, (3, 3.7), lambda m, s=sign: (m + 1 + s * root((m + 1) * (m - 3))) / (2 * m))


def test_cycles_that_lose_their_symmetry():
    """−m x + x³: 0 flips at 1 to ±√(m − 1), which from 2 on meet (x, −1/x) and (−x, 1/x) with x² + 1/x² = m."""
    step = cf.Map.from_text("-m*x + x**3", "x", {"m": 0.5})
    found = branches(step, None, "m", (0.2, 2.2), depth=2, starts=[(0.5, [[0.0]])])
    assert [b.period for b in found].count(2) == 2
    assert covered(found, (1, 2.2), lambda m: root(m - 1), 2)
    for sign in (-1, 1):
        assert covered(found, (2, 2.2), lambda m, s=sign: np.sqrt((m + s * root(m * m - 4)) / 2), 2)
        assert covered(found, (2, 2.2), lambda m, s=sign: -np.sqrt((m + s * root(m * m - 4)) / 2), 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", ["pitchfork", "transcritical"])
def test_all_arms_of_a_normal_form_in_other_coordinates(form, seed):
    """u ↦ (1 + m) u + s u³ (or s u²), v ↦ b v, seen in u = x + p y, v = y + q u² + e, from either arm."""
    rng = np.random.default_rng([seed, form == "pitchfork"])
    p, q, e, b = (sp.Rational(int(k), 10) for k in (*rng.integers(-8, 9, 3), rng.integers(-7, 8)))
    s = sp.Integer(int(rng.choice([-1, 1]))) * sp.Rational(int(rng.integers(5, 20)), 10)
    power = 3 if form == "pitchfork" else 2
    u = X + p * Y
    v = Y + q * u**2 + e
    moved_u = (1 + M) * u + s * u**power
    moved_y = b * v - q * moved_u**2 - e
    text = [str(sp.expand(part)) for part in (moved_u - p * moved_y, moved_y)]
    step = cf.Map.from_text(text, "x y", {"m": 0.3})

    def state(u):
        """The point with v = 0."""
        y = -float(q) * u**2 - float(e)
        return [u - float(p) * y, y]

    side = -np.sign(float(s))  # of m, where the pitchfork's arms are
    value = 0.3 * side if form == "pitchfork" else 0.3
    other = np.sqrt(-value / float(s)) if form == "pitchfork" else -value / float(s)
    for first in (0.0, other):
        found = branches(step.at(m=value), None, "m", (-0.4, 0.4), depth=1, starts=[(value, [state(first)])])
        us = [(b.parameter, b.points[:, 0, 0] + float(p) * b.points[:, 0, 1]) for b in found if b.period == 1]
        assert len(us) == 2, found.reason
        still, arm = sorted(us, key=lambda rows: np.ptp(rows[1]))
        assert np.abs(still[1]).max() < 1e-9 and still[0].min() == -0.4 and still[0].max() == 0.4
        np.testing.assert_allclose(float(s) * arm[1] ** (power - 1), -arm[0], atol=1e-9)
        reach = np.sqrt(0.4 / abs(float(s))) if form == "pitchfork" else 0.4 / abs(float(s))
        np.testing.assert_allclose([arm[1].min(), arm[1].max()], [-reach, reach], rtol=1e-9)


def test_points_at_which_no_branch_was_found_are_named():
    """x ↦ (1 + m) x: every state is fixed at m = 0, and no branch leaves there that has other values of m."""
    step = cf.Map.from_text("(1 + m)*x", "x", {"m": -0.5})
    found = branches(step, None, "m", (-3.0, 1.0), depth=1, starts=[(-0.5, [[0.0]])])
    switched = sum(s.kind in ("flip", "branch point") for b in found[:1] for s in b.bifurcations)
    assert switched == len(found) - 1 + found.reason.count("no other branch was found at")


def test_a_branch_reached_from_both_its_ends_is_kept_once():
    """x + x (m² − 1/4 + x²): the circle x² + m² = 1/4 meets 0 at m = ∓1/2."""
    step = cf.Map.from_text("x + x*(m**2 - 0.25 + x**2)", "x", {"m": 0.3})
    found = branches(step, None, "m", (-0.6, 0.6), depth=2, starts=[(0.3, [[0.0]])])
    circle = [b for b in found if np.ptp(b.points) > 0.1 and b.period == 1]
    assert len(circle) == 1 and [b.period for b in found].count(1) == 2
    np.testing.assert_allclose(circle[0].points[:, 0, 0] ** 2 + circle[0].parameter ** 2, 0.25, atol=1e-9)


@pytest.mark.parametrize(("sign", "kind"), [(-1, "flip"), (1, "branch point")])
@pytest.mark.parametrize("start", [-0.3, 0.25])
def test_two_multipliers_that_pass_1_or_minus_1_both_ways_at_once(sign, kind, start):
    """±(1 + m) and ±(1 − m): det(M ∓ I) = −m² only touches 0, and yet both pass at m = 0."""
    formulas = [f"{sign}*(1 + m)*x + x**3", f"{sign}*(1 - m)*y + y**3"]
    step = cf.Map.from_text(formulas, "x y", {"m": start})
    branch = cf.analysis.continue_cycle(step, [0.0, 0.0], "m", (-0.5, 0.5))
    (point,) = branch.bifurcations
    assert point.kind == kind and abs(point.parameter) < 1e-9 and f"2 multipliers are {'+' if sign > 0 else '−'}1" in point.meaning
    found = branches(step, None, "m", (-0.5, 0.5), depth=1, starts=[(start, [[0.0, 0.0]])])
    # x² = ∓m and y² = ±m leave it, in cycles of twice the period for −1.
    arms = [b for b in found if np.ptp(b.points) > 0.1]
    assert len(arms) == 2 and {b.period for b in arms} == {2 if sign < 0 else 1} and "more branches may begin" in found.reason
    for b in arms:
        np.testing.assert_allclose((b.points**2).sum(axis=2)[:, 0], np.abs(b.parameter), atol=1e-9)


def test_two_multipliers_that_come_near_minus_1_and_turn_back():
    """−1 ± √(m² + 1e-6): neither passes −1."""
    step = cf.Map.from_text(["-x + m*x + 0.001*y", "-y - m*y + 0.001*x"], "x y", {"m": 0.3})
    assert cf.analysis.continue_cycle(step, [0.0, 0.0], "m", (-0.5, 0.5)).bifurcations == []


@pytest.mark.parametrize("mu", [1.8, 2.3])
def test_a_duopoly_in_and_out_of_step_at_once(mu):
    """Kopel at ρ = 2: the multipliers −1 ± 2(2 − μ) are both −1 at μ = 2; the 2-cycle in step meets it there."""
    step = cf.Map.from_text(["-x + 2*m*y*(1-y)", "-y + 2*m*x*(1-x)"], "x y", {"m": mu})
    (flip,) = cf.analysis.continue_cycle(step, [1 - 1 / mu] * 2, "m", (1.6, 2.5)).bifurcations
    assert flip.kind == "flip" and flip.parameter == pytest.approx(2, abs=1e-10)
    # In step it is x ↦ −x + 2mx(1 − x), whose 2-cycle has the sum 1 and the product 1/(2m).
    points = [0.5 + way * np.sqrt(0.25 - 1 / 4.4) for way in (1, -1)]
    two = cf.analysis.continue_cycle(step.at(m=2.2), [[points[0]] * 2, [points[1]] * 2], "m", (1.6, 2.5))
    assert two.ends[0] == "flip of the fixed point at m = 2"


def test_a_flip_at_a_branch_point_is_found_and_is_no_fold():
    """Kopel at ρ = 1: 0 has the multipliers ±μ, both critical at μ = 1, where another fixed point passes through it."""
    step = cf.Map.from_text(["m*y*(1-y)", "m*x*(1-x)"], "x y", {"m": 0.5})
    met = cf.analysis.continue_cycle(step, [0.0, 0.0], "m", (0.2, 1.8)).bifurcations
    assert sorted(s.kind for s in met) == ["branch point", "flip"]
    assert all(abs(s.parameter - 1) < 1e-9 and s.meaning.startswith("a branch point with a flip:") for s in met)
    # y + m − y² folds at m = 0, where −(1 + m) is −1.
    step = cf.Map.from_text(["-(1+m)*x + x**3 + x*y", "y + m - y**2"], "x y", {"m": 0.25})
    met = cf.analysis.continue_cycle(step, [0.0, 0.5], "m", (-1, 1)).bifurcations
    assert sorted(s.kind for s in met) == ["flip", "fold"] and all(s.meaning.startswith("a fold–flip point") for s in met)
