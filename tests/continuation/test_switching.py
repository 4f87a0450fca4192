"""From points of codimension two on to the curves that begin there, against maps whose curves are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

curve_of, switch = cf.analysis.bifurcation_curve, cf.analysis.switch
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], "x y", {"a": 2.0, "b": 0.25})
HENON = cf.Map.from_text(["y", "a - b*x - y**2 + r*x*y"], "x y", {"a": 0.0, "b": 0.9, "r": -0.1})
PLANE = ((-1.2, 3.0), (-1.05, 1.15))
# z ↦ e^{i(θ + b)} (1 + a − s|z|²) z + c z̄^{q−1}, written for θ = 2πp/q
TURN = ["{R}*({C}*x - {S}*y)", "{R}*({S}*x + {C}*y)"]
CONJUGATE = {4: ("x**3 - 3*x*y**2", "y**3 - 3*x**2*y"), 5: ("x**4 - 6*x**2*y**2 + y**4", "4*x*y**3 - 4*x**3*y"),
             6: ("x**5 - 10*x**3*y**2 + 5*x*y**4", "-(y**5 - 10*x**2*y**3 + 5*x**4*y)")}  # fmt: skip


def rotation(p, q, s=1.0, c=0.1):
    angle = f"{2 * math.pi * p / q!r} + b"
    parts = {"R": f"(1 + a - {s}*(x**2 + y**2))", "C": f"cos({angle})", "S": f"sin({angle})"}
    rows = [f"{turn.format(**parts)} + {c}*({extra})" for turn, extra in zip(TURN, CONJUGATE[q], strict=True)]
    return cf.Map.from_text(rows, "x y", {"a": 0.0, "b": 1e-4})


def circles(step):
    """The Neimark–Sacker curve a = 0 of the fixed point 0."""
    return curve_of(step, ("neimark-sacker", [[0.0, 0.0]]), ("b", "a"), ((-0.05, 0.05), (-0.05, 0.05)))


def prey(a):
    """Its Neimark–Sacker curve b = (a − 1)/(2a), from there on."""
    b = (a - 1) / (2 * a)
    return curve_of(PREY.at(a=a, b=b), ("neimark-sacker", [[b, a * (1 - b) - 1]]), ("a", "b"), ((6.5, 10.0), (0.35, 0.499)))


def named(found):
    return sorted((c.kind, c.period) for c in found)


def leaves(curve, place):
    """The direction in which a curve leaves a point: that of the nearest row that is 1e-3 away."""
    away = curve.parameters - place
    lengths = np.linalg.norm(away, axis=1)
    row = int(np.argmin(np.where(lengths > 1e-3, lengths, np.inf)))
    return away[row] / lengths[row]


def test_generalised_flip():
    """w ↦ −(1 + μ)w + c w³ − 8w⁵, c = 4a² − 2 (to this order): folds at μ = c²/32 = (a − 1/√2)², where c > 0 alone."""
    step = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5}), cf.optimizers.gd(lr=2.0))
    flips = curve_of(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 1.5)))
    found = switch(flips, 0)
    assert (found.kind, found.period, named(found), found.said) == ("generalized flip", 1, [("fold", 2)], [])
    lr, a = found[0].parameters.T
    away = a - 0.5**0.5
    near = (np.abs(away) > 1e-4) & (np.abs(away) < 0.02)
    assert near.sum() > 5 and (away > -1e-9).all() and found.distances[0] < 1e-9
    ratios = (lr[near] - 2) / away[near] ** 2
    assert np.abs(ratios - 1).max() < 0.04 and abs(ratios[np.argmin(away[near])] - 1) < 2e-3
    assert found[0].special[0].kind == "generalized flip" and "generalized flip of the fixed point" in "".join(found[0].ends)


@pytest.mark.slow
def test_two_curves_of_a_flip_from_its_doubled_fold():
    """Back from the fold of the doubled cycle: the flips, and not itself again."""
    step = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5}), cf.optimizers.gd(lr=2.0))
    flips = curve_of(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 1.5)))
    back = switch(switch(flips, 0)[0], 0)
    assert named(back) == [("flip", 1)] and np.abs(back[0].parameters[:, 0] - 2).max() < 1e-12


@pytest.mark.slow
def test_fold_flip_and_double_multipliers():
    """The generalised Hénon map: fold–flip (0, −1), 1:1 and 1:2, whose C < 0 gives a Neimark–Sacker curve of the 2-cycle."""
    folds = curve_of(HENON, ("fold", [[-1.0, -1.0]]), ("a", "b"), PLANE, search=True)
    kinds = {s.kind: s for s in folds.special}
    there, numbers = switch(folds, kinds["fold-flip"]), kinds["fold-flip"].coefficients
    assert named(there) == [("flip", 1), ("neimark-sacker", 2)] and max(there.distances) < 1e-9
    assert numbers["b"] * numbers["e"] > 0 and there.meaning == kinds["fold-flip"].meaning
    doubled = next(c for c in there if c.period == 2)
    assert leaves(doubled, there.parameters) == pytest.approx([*kinds["fold-flip"].directions.values()][0], abs=2e-3)
    circles = switch(folds, kinds["resonance 1:1"])
    assert named(circles) == [("neimark-sacker", 1)] and circles.distances[0] < 1e-6
    double = next(s for s in circles[0].special if s.kind == "resonance 1:2")
    assert double.coefficients["C"] < 0
    assert named(switch(circles[0], double)) == [("flip", 1), ("neimark-sacker", 2)]


@pytest.mark.slow
def test_no_circle_of_the_doubled_cycle():
    """C > 0: it is said."""
    curve = prey(8.0)
    double = next(s for s in curve.special if s.kind == "resonance 1:2")
    found = switch(curve, double)
    assert double.coefficients["C"] > 0 and named(found) == [("flip", 1)]
    assert found.said == ["no Neimark–Sacker curve of the 2-cycle was found to begin there"]


def test_a_saddle_at_one_to_three():
    curve = prey(8.0)
    found = switch(curve, next(s for s in curve.special if s.kind == "resonance 1:3"))
    assert len(found) == 0 and found.said[0].startswith("a saddle 3-cycle exists on all sides of the point")
    branch = found.branches[0]
    row = int(np.argmin(np.abs(branch.parameter - 7.0)))
    mu = branch.multipliers[row]
    assert branch.period == 3 and np.ptp(branch.points[row, :, 0]) < 0.05 and abs(mu[0]) > 1 > abs(mu[1])


@pytest.mark.parametrize(("s", "c", "slope"), [(1.0, 0.5, math.tan(math.pi / 6)), (0.5, 1.0, None)])
def test_one_to_four(s, c, slope):
    """a + ib = s|ζ|² − c|ζ|² e^{iφ}: |A| = s/c, and folds are where that circle's tangents from 0 are."""
    curve = circles(rotation(1, 4, s, c))
    point = next(x for x in curve.special if x.kind == "resonance 1:4")
    found = switch(curve, point)
    assert abs(point.coefficients["A"]) == pytest.approx(s / c, rel=1e-6)
    if slope is None:
        assert len(found) == 0 and found.branches[0].period == 4 and found.said == ["a 4-cycle shrinks onto the point, and no fold of it was found to begin there"]
        return
    assert named(found) == [("fold", 4)] * 2
    ways = sorted(leaves(fold, point.parameters).tolist() for fold in found)
    assert np.array(ways) == pytest.approx(np.array(sorted(way.tolist() for way in point.directions.values())), abs=2e-3)
    for fold in found:
        b, a = fold.parameters.T
        near = (a > 1e-3) & (a < 5e-3)
        assert near.any() and np.abs(b[near]) / a[near] == pytest.approx(slope, rel=0.02)


@pytest.mark.slow
def test_circles_of_the_cycles_at_one_to_four():
    """A = −0.3 + 2i: |Im A| √(1 − (Re A)²) > 1 + (Re A)², and a Neimark–Sacker curve of the 4-cycle begins as well."""
    turn, grow, slip = f"{math.pi / 2!r} + b", "(1 + a - 0.3*(x**2 + y**2))", "(2*(x**2 + y**2))"
    along, across = f"({grow}*x - {slip}*y)", f"({grow}*y + {slip}*x)"
    rows = [f"cos({turn})*{along} - sin({turn})*{across} + x**3 - 3*x*y**2",
            f"sin({turn})*{along} + cos({turn})*{across} + y**3 - 3*x**2*y"]  # fmt: skip
    curve = circles(cf.Map.from_text(rows, "x y", {"a": 0.0, "b": 1e-4}))
    point = next(s for s in curve.special if s.kind == "resonance 1:4")
    assert point.coefficients["A"] == pytest.approx(-0.3 + 2j, abs=1e-9)
    found = switch(curve, point)
    assert named(found) == [("fold", 4), ("fold", 4), ("neimark-sacker", 4)] and max(found.distances) < 1e-4


@pytest.mark.parametrize(("p", "q"), [(2, 5), pytest.param(1, 6, marks=pytest.mark.slow)])
def test_tongues(p, q):
    """Folds at |b| = c a^{(q − 2)/2} to leading order: their tip is as narrow."""
    curve = circles(rotation(p, q))
    found = [s for s in cf.analysis.resonances(curve, q) if s.kind == f"resonance {p}:{q}"]
    assert len(found) == 1 and np.abs(found[0].parameters).max() < 1e-12
    both = switch(curve, found[0])
    assert named(both) == [("fold", q)] * 2 and max(both.distances) < 1e-3 * 0.1
    sides = []
    for fold in both:
        b, a = fold.parameters.T
        near = (a > 2e-3) & (a < 2e-2)
        assert np.abs(b[near]) / (0.1 * a[near] ** (q / 2 - 1)) == pytest.approx(1, rel=3e-4)
        sides.append(np.sign(b[near]).mean())
    assert sorted(sides) == [-1, 1]


def test_flip_neimark_sacker():
    """z² = c on the doubled cycle, whose circles are born where a = −z² = −c."""
    rows = [*(f"{row}" for row in ("(1 + a + z**2 - x**2 - y**2)*(cos(1)*x - sin(1)*y)",
                                   "(1 + a + z**2 - x**2 - y**2)*(sin(1)*x + cos(1)*y)")), "-(1 + c)*z + z**3"]  # fmt: skip
    step = cf.Map.from_text(rows, "x y z", {"a": -0.1, "c": 0.0})
    flips = curve_of(step, ("flip", [[0.0, 0.0, 0.0]]), ("a", "c"), ((-0.2, 0.2), (-0.2, 0.2)))
    found = switch(flips, 0)
    assert (found.kind, named(found)) == ("flip-neimark-sacker", [("neimark-sacker", 1), ("neimark-sacker", 2)])
    doubled = next(c for c in found if c.period == 2)
    a, c = doubled.parameters.T
    assert np.abs(a + c).max() < 1e-10 and c.min() > -1e-10 and c.max() > 0.19


def test_fold_neimark_sacker():
    """Fixed points z = ±√−c, which fold at c = 0, with circles from a = 0 on."""
    rows = ["(1 + a - x**2 - y**2)*(cos(1)*x - sin(1)*y)", "(1 + a - x**2 - y**2)*(sin(1)*x + cos(1)*y)", "z + c + z**2"]
    step = cf.Map.from_text(rows, "x y z", {"a": 0.0, "c": -0.04})
    curve = curve_of(step, ("neimark-sacker", [[0.0, 0.0, -0.2]]), ("a", "c"), ((-0.2, 0.2), (-0.1, 0.1)))
    found = switch(curve, next(s for s in curve.special if s.kind == "fold-neimark-sacker"))
    assert named(found) == [("fold", 1)] and np.abs(found[0].parameters[:, 1]).max() < 1e-12
    assert found.said == ["circles and tori of the return map are born there, not cycles"]


def test_the_other_curve_of_a_double_neimark_sacker_point():
    """a = 0 and a/2 + c = 0, each pair with an angle that no parameter moves."""
    rows = []
    for x, y, a, angle in (("x", "y", "a", 1), ("u", "v", "a/2 + c", 2)):
        rows += [f"(1 + {a} - {x}**2 - {y}**2)*(cos({angle})*{x} - sin({angle})*{y})",
                 f"(1 + {a} - {x}**2 - {y}**2)*(sin({angle})*{x} + cos({angle})*{y})"]  # fmt: skip
    step = cf.Map.from_text(rows, "x y u v", {"a": 0.0, "c": -0.1})
    curve = curve_of(step, ("neimark-sacker", [[0.0] * 4]), ("a", "c"), ((-0.2, 0.2), (-0.2, 0.2)))
    found = switch(curve, next(s for s in curve.special if s.kind == "double neimark-sacker"))
    assert named(found) == [("neimark-sacker", 1)] and "tori are born there, not cycles" in found.said
    a, c = found[0].parameters.T
    assert np.abs(a / 2 + c).max() < 1e-12 and np.ptp(a) == pytest.approx(0.4)


@pytest.mark.parametrize("optimizer", [cf.optimizers.heavy_ball, cf.optimizers.nesterov])
def test_a_cycle_at_0_is_known_again(optimizer):
    """Its points are round-off, which two ways to it do not share: the flip of w = 0 is not followed again."""
    step = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5}), optimizer(lr=2.5, momentum=0.9))
    flips = curve_of(step, ("flip", [[0.0, 0.0]]), ("lr", "a"), ((0.5, 8), (0, 3)), search=True)
    assert [s.kind for s in flips.special] == ["generalized flip"] and named(switch(flips)) == [("fold", 2)]


def test_what_begins_beyond_the_bounds():
    """The fold of the doubled cycle begins at a = 1/√2 and goes on to larger a."""
    step = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5}), cf.optimizers.gd(lr=2.0))
    flips = curve_of(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 0.70711)))
    found = switch(flips, 0)
    assert len(found) == 0 and found.said == ["the fold of the 2-cycle is met outside the bounds"]


def test_a_point_on_the_bounds():
    """Two coupled wells, x = y = √(1 − a): multipliers 1 − lr(2 − 3a ± a), one 1 and one −1 at a = ½ and lr = 2, a bound."""
    step = cf.as_map(cf.Loss("(x**2-1)**2/4 + (y**2-1)**2/4 + a*x*y", params={"a": 0.1}), cf.optimizers.gd(lr=0.8))
    flips = curve_of(step, ("flip", [[0.9**0.5, 0.9**0.5]]), ("lr", "a"), ((0.2, 2), (-1.5, 1.5)), search=True)
    point = next(s for s in flips.special if s.kind == "branch point-flip")
    assert point.parameters == pytest.approx([2, 0.5], abs=1e-9)
    assert named(switch(flips, point)) == [("branch point", 1)]


def test_bad_input():
    step = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.136, "c": 1.5})
    folds = curve_of(step, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)))
    assert switch(folds).said == ["both folds that meet there belong to this curve"] and len(switch(folds)) == 0
    circle = circles(rotation(1, 5))
    for bad in (1, -2, "cusp", circle.special[0] if circle.special else cf.analysis.resonances(circle, 5)[0]):
        with pytest.raises(cf.CfdynError):
            switch(folds, bad)
    with pytest.raises(cf.CfdynError, match="BifurcationCurve"):
        switch(step, 0)
    with pytest.raises(cf.CfdynError, match="neimark-sacker"):
        cf.analysis.resonances(folds, 8)
    with pytest.raises(cf.CfdynError, match="most_period"):
        cf.analysis.resonances(circle, 4)


@pytest.mark.slow
def test_henon_map():
    """b = −1: 1:2 of its flips a = 3(1 − b)²/4 at (3, −1), from there the circles with cos θ = 1 − √(1 + a)."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
    flips = curve_of(step, ("flip", [[2 / 2.1, 0.6 / 2.1]]), ("a", "b"), ((-2, 3.5), (-1.5, 0.9)))
    found = switch(flips, next(s for s in flips.special if s.kind == "resonance 1:2"))
    assert found.parameters == pytest.approx([3, -1], abs=1e-9) and named(found)[0] == ("neimark-sacker", 1)
    single = next(c for c in found if c.period == 1)
    assert np.abs(single.parameters[:, 1] + 1).max() < 1e-9
    places = {s.kind: s.parameters[0] for s in single.special}
    cosines = {"resonance 1:1": 1, "resonance 1:4": 0, "resonance 1:3": -0.5, "resonance 1:2": -1}
    assert places == pytest.approx({kind: (1 - cosine) ** 2 - 1 for kind, cosine in cosines.items()}, abs=1e-7)


def test_a_special_point_begins_its_curves_itself(tmp_path):
    """The fold of 2-cycles at a generalised flip of 1 − η L″, where a = 1/√2; also of a loaded curve, not of a lone point."""
    loss = cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5})
    step = cf.as_map(loss, cf.optimizers.gd(lr=2.0))
    flips = cf.analysis.bifurcation_curve(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 1.5)))
    again = cf.load(flips.save(tmp_path / "flips.npz"))
    for curve in (flips, again):
        [fold] = curve.special[0].switch()
        assert (fold.kind, fold.period) == ("fold", 2)
        assert np.abs(fold.parameters - [2, 0.5**0.5]).max(axis=1).min() < 1e-5
    alone = type(flips.special[0])("cusp", np.zeros(2), np.zeros((1, 1)), np.ones(1), 0)
    with pytest.raises(cf.CfdynError, match="switch\\(curve, point\\) takes one"):
        alone.switch()
