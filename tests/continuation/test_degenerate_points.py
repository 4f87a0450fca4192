"""Points at which the usual terms vanish, and long cycles that repel: what is said of them is what closed forms say."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis import continue_cycle, normal_form
from cfdyn.errors import NumericsError, UsageError


def line(formula, r=0.0):
    return cf.Map.from_text(formula, params={"r": r})


def test_a_fold_of_fourth_order():
    """x + r + x⁴ has the fixed points ±(−r)^¼: two for r < 0, none above."""
    found = normal_form(line("x + r + x**4"), [0.0], "r")
    assert (found.kind, found.form, found.supercritical) == ("fold", "degenerate fold", None)
    assert found.coefficients["d"] == pytest.approx(1.0) and "the quartic one does not" in found.meaning
    assert "exist for r below its value here" in found.meaning
    branch = continue_cycle(line("x + r + x**4", -0.5), [-(0.5**0.25)], "r", (-1, 1))
    fold = branch.bifurcations[-1]
    assert fold.kind == "fold" and abs(fold.parameter) < 1e-15 and fold.meaning == found.meaning


def test_the_fourth_order_along_a_curved_manifold():
    """A map that is curved everywhere, by u = x + y², with ξ + 3ξ⁴ along its centre manifold."""
    x, y = "(u - v**2)", "v"  # u = x + y²
    step = cf.Map.from_text([f"{x} + r + 3*{x}**4 + ({y}/2 + {x}**2)**2", f"{y}/2 + {x}**2"], "u v", {"r": 0.0})
    found = normal_form(step, [0.0, 0.0], "r")
    # x ↦ x + r + 3x⁴ does not see y, so that d = 3 along x, whose direction here has the length 1.
    assert (found.form, found.coefficients["d"]) == ("degenerate fold", pytest.approx(3.0))


@pytest.mark.parametrize("formula", ["x + r + x**5", "x + r + r*x + x**7"])
def test_what_fourth_order_does_not_tell(formula):
    found = normal_form(line(formula), [0.0], "r")
    assert (found.kind, found.meaning) == ("fold", "degenerate: the quadratic, the cubic and the quartic term vanish")


@pytest.mark.parametrize("formula", ["x + x**4 - r**4", "x + x**3 - r**3", "x + x**3 - r**2"])
def test_a_singular_point_is_no_continuum(formula):
    found = normal_form(line(formula), [0.0], "r")
    assert (found.form, found.supercritical) == ("degenerate", None)


@pytest.mark.parametrize(("formula", "start"), [("x*(1 + r)", 0.3), ("x + r**2", 0.2), ("x + r*sin(x)", 0.5)])
def test_a_continuum_is_one(formula, start):
    """All x are fixed points at r = 0."""
    with pytest.raises(NumericsError, match="one of a continuum"):
        normal_form(line(formula), [start], "r")


@pytest.mark.parametrize(("formula", "side"), [("-x - r**2*x + x**3", "outside"), ("-(1 + r**2)*x + x**3", "outside"),
                                               ("-(1 - r**2)*x + x**3", "inside")])  # fmt: skip
def test_a_multiplier_that_touches_minus_one(formula, side):
    """μ = −1 ∓ r²: a flip without a passage."""
    found = normal_form(line(formula), [0.0], "r")
    assert (found.form, found.supercritical, found.coefficient) == ("degenerate flip", None, pytest.approx(1.0))
    assert found.meaning.startswith("degenerate: the multiplier touches −1 and does not cross") and side in found.meaning


@pytest.mark.slow
def test_a_multiplier_that_crosses_slowly():
    """μ = −1 − r³ crosses with speed 0: the 2-cycle ±r^{3/2} is born for r > 0, and is stable."""
    found = normal_form(line("-x - r**3*x + x**3"), [0.0], "r")
    assert (found.form, found.supercritical, found.speed) == ("flip", True, 0.0)


def test_a_pair_that_touches_the_unit_circle():
    """A rotation by 1 that stretches by 1 + r², with the cubic term −|z|²z."""
    size, c, s = "(1 + r**2 - x**2 - y**2)", np.cos(1.0), np.sin(1.0)
    step = cf.Map.from_text([f"{size}*({c}*x - {s}*y)", f"{size}*({s}*x + {c}*y)"], "x y", {"r": 0.0})
    found = normal_form(step, [0.0, 0.0], "r")
    assert (found.form, found.supercritical) == ("degenerate neimark-sacker", None) and "touches the unit circle" in found.meaning


def turned(n):
    """x ↦ 4x(1 − x), y ↦ −a y − y³ in axes turned by arctan 3/4, with an n-cycle sin²(2ᵏθ) of the first on y = 0."""
    x, y = "(0.8*u + 0.6*v)", "(0.8*v - 0.6*u)"
    fx, fy = f"(4*{x}*(1 - {x}))", f"(-a*{y} - {y}**3)"
    step = cf.Map.from_text([f"0.8*{fx} - 0.6*{fy}", f"0.6*{fx} + 0.8*{fy}"], "u v", {"a": 1.0})
    turns, start = 2**n - 1, int(0.38 * 2**n)
    points = np.array([np.sin(np.pi * ((start << k) % turns) / turns) ** 2 for k in range(n)])
    return step, points[:, None] * [0.8, 0.6]


@pytest.mark.parametrize("n", [15, 41, 63])
def test_a_flip_of_a_long_cycle_that_repels(n):
    """Multipliers 2ⁿ and −1 for odd n, N(y) = −y − n y³, and the 2n-cycle y = ±√(1 − a) of which a < 1."""
    step, points = turned(n)
    found = normal_form(step, points, "a")
    assert found.multipliers == pytest.approx([2.0**n, -1.0], rel=1e-6)
    assert (found.kind, found.supercritical) == ("flip", False)
    assert (found.coefficient, found.speed) == (pytest.approx(-n, rel=1e-9), pytest.approx(n, rel=1e-9))
    branch = continue_cycle(step.at(a=0.9), points, "a", (0.8, 1.2))
    (flip,) = branch.bifurcations
    assert flip.parameter == pytest.approx(1.0, abs=1e-12) and "subcritical" in flip.meaning
    doubled = flip.switch()
    across = doubled.points[-1] @ [-0.6, 0.8]
    assert doubled.parameter[-1] == 0.8 and np.abs(across) == pytest.approx(np.sqrt(0.2), rel=1e-9)


@pytest.mark.parametrize("name", [3, None, ["r"], b"r"])
@pytest.mark.parametrize("call", [
    lambda step, name: continue_cycle(step, [0.6], name, (1, 4)),
    lambda step, name: cf.analysis.branches(step, [(-1, 2)], name, (1, 4)),
    lambda step, name: cf.analysis.cascade(step, [0.6], name, (1, 4)),
    lambda step, name: cf.analysis.windows(step, 3, name, (1, 4), box=[(0, 1)]),
    lambda step, name: normal_form(step, [0.6], name),
    lambda step, name: cf.analysis.edge(step, [0.0], 1.0, name),
])  # fmt: skip
def test_a_parameter_is_called_by_its_name(call, name):
    with pytest.raises(UsageError, match="unknown parameter of the map|`parameter` is a text"):
        call(line("r*x*(1 - x)", 2.5), name)


@pytest.mark.parametrize(("formula", "start", "at"), [
    ("x + x**3 - r**2", 0.5 ** (2 / 3), 0.0), ("x + x**3 - (r - 0.25)**2", 0.25 ** (2 / 3), 0.25),
    ("x + x**5 - r**2", 0.5**0.4, 0.0), ("x + x**2 - r**3", 0.5**1.5, 0.0),
])  # fmt: skip
def test_a_cusp_of_the_branch_itself_ends_it(formula, start, at):
    """x = r^{2/3} and its like: ∂(f − x)/∂x and ∂f/∂r vanish together at x = 0, where the tangent turns round."""
    branch = continue_cycle(line(formula, 0.5), [start], "r", (-1, 1))
    assert branch.bifurcations == [] and branch.ends[1] == "r = 1"
    assert branch.ends[0].startswith(f"a singular point near r = {at:g}: ")
    assert 0 < branch.points[0, 0, 0] < 0.05 and at < branch.parameter[0] < at + 0.005
    assert (np.diff(branch.parameter) > 0).all()


def test_branches_that_touch_have_no_branch_points_beside():
    """x + x² − r⁴ has the branches x ≈ ±r² and near x = −1: the flip μ = 1 + 2x = −1 is at r = ±1."""
    branch = continue_cycle(line("x + x**2 - r**4", 0.5), [0.25], "r", (-1, 1))
    assert branch.bifurcations[-1].kind == "branch point"
    for s in branch.bifurcations:
        flips = s.kind == "flip" and abs(s.parameter) == pytest.approx(1.0)
        assert flips or (s.meaning.startswith("degenerate") and abs(s.parameter) < 1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("width", [2e3, 1e6, 1e20, 4e99])
def test_bounds_may_be_much_wider_than_the_branch(width):
    """The fixed point 1 − 1/r flips at 3 and meets 0 at 1, whatever the bounds; it runs off where r → 0."""
    branch = continue_cycle(line("r*x*(1 - x)", 2.5), [0.6], "r", (-width, width))
    assert [s.kind for s in branch.bifurcations] == ["branch point", "flip"]
    np.testing.assert_allclose([s.parameter for s in branch.bifurcations], [1, 3], rtol=1e-14)
    assert branch.ends[0].startswith("diverges to infinity") and branch.ends[1] == f"r = {width:g}"
    np.testing.assert_allclose(branch.points[:, 0, 0], 1 - 1 / branch.parameter, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("call", "words"), [
    (lambda step: normal_form(step.at(r=3.0), [2 / 3], "r", tolerance=None), "`tolerance` is a number"),
    (lambda step: normal_form(step.at(r=3.0), [2 / 3], "r", tolerance=-1.0), "tolerance is a number between 0 and 1"),
    (lambda step: cf.analysis.edge(step, [0.0], "a", "r"), "`scale` is a number"),
    (lambda step: cf.analysis.edge(step, [0.0], -1.0, "r"), "scale is a number above 0"),
    (lambda step: cf.analysis.branches(step, None, "r", (1, 3), starts=[(2.5, "a")]), "a cycle to start with"),
    (lambda step: cf.analysis.branches(step, [(0, 1)], "r", (1, 3), depth=2.5), "`depth` is a whole number"),
    (lambda step: cf.analysis.windows(step, "a", "r", (3.8, 3.9), box=[(0, 1)]), "`period` is a whole number"),
    (lambda step: cf.analysis.windows(step, 3, "r", (3.8, 3.9), box=[(0, 1)], samples=2.5), "`samples` is a whole number"),
    (lambda step: cf.analysis.windows(step, 3, "r", "ab", box=[(0, 1)]), "`bounds` is a list"),
    (lambda step: cf.plot(cf.symbolic.cycles(step, 1), span="a"), "a span is two numbers"),
    (lambda step: cf.plot(cf.symbolic.cycles(step, 1), span=(1, 2, 3)), "a span is two numbers"),
    (lambda step: cf.plot(cf.symbolic.cycles(step, 1), also=5), "also= takes a list"),
    (lambda step: cf.plot(continue_cycle(step, [0.6], "r", (2, 3)), 5), "named by its path"),
])  # fmt: skip
def test_what_makes_no_sense_gets_a_sentence(call, words):
    with pytest.raises(UsageError, match=words):
        call(line("r*x*(1 - x)", 2.5))
