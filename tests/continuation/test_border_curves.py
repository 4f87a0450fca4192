"""Curves of border collisions against closed forms: one-sided multipliers, and where one of them is critical too."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

TENT = cf.Map.from_text("Piecewise((a*x + m, x < 0), (b*x + m, True))", "x", {"a": 0.5, "b": -0.3, "m": 0.0})
# The normal form of a border collision in the plane, its offset moving with the trace so that the curve is bent.
PLANE = cf.Map.from_text(
    ["Piecewise((s*x, x < 0), (t*x, True)) + y + m - sin(t + 2*d)/3", "Piecewise((-e*x, x < 0), (-d*x, True))"],
    "x y", {"s": 0.4, "t": -0.3, "e": 0.3, "d": 0.5, "m": 0.0},
)  # fmt: skip


def curve_of(step, points, parameters, bounds, kind="border collision", **options):
    return cf.analysis.bifurcation_curve(step, (kind, points), parameters, bounds, **options)


def special(curve):
    return sorted((s.kind, *np.round(s.parameters, 10).tolist()) for s in curve.special)


def plane_at(t, d):
    return PLANE.at(t=t, d=d, m=math.sin(t + 2 * d) / 3)


@pytest.mark.parametrize(("name", "fixed", "side"), [("a", -0.3, 0), ("b", 0.5, 1)])
def test_skew_tent(name, fixed, side):
    """The fixed point 0 is on the border where m = 0; its multipliers there are a and b."""
    found = curve_of(TENT, [[0.0]], (name, "m"), ((-2, 2), (-1, 1)))
    assert abs(found.parameters[:, 1]).max() < 1e-14
    assert special(found) == [("border-collision-flip", -1.0, 0.0), ("border-collision-fold", 1.0, 0.0)]
    sides = [found.multipliers, found.above]
    assert sides[side][:, 0] == pytest.approx(found.parameters[:, 0], abs=1e-14) and set(sides[1 - side].ravel()) == {fixed}
    for s in found.special:
        assert s.multipliers == pytest.approx([1.0 if "fold" in s.kind else -1.0], abs=1e-12)


def test_an_offset_border():
    """a(x − h) for x < h: the fixed point h is met where m = h(1 − a), from any start beside it."""
    step = cf.Map.from_text("Piecewise((a*x + m, x < h), (a*h + m + b*(x - h), True))", "x", {"a": 0.5, "b": -0.3, "m": 0.11, "h": 0.2})
    found = curve_of(step, [[0.22]], ("a", "m"), ((-2, 2), (-3, 3)), search=True)
    a, m = found.parameters.T
    assert m == pytest.approx(0.2 * (1 - a), abs=1e-13)
    assert special(found) == [("border-collision-flip", -1.0, 0.4), ("border-collision-fold", 1.0, 0.0)]


def test_normal_form_in_the_plane_with_the_trace():
    """μ² − tμ + d = 0 on the right: fold t = 1 + d, flip t = −1 − d; on the left nothing changes."""
    found = curve_of(plane_at(-0.3, 0.5), [[0.0, 0.0]], ("t", "m"), ((-3, 3), (-1, 1)))
    t, m = found.parameters.T
    assert m == pytest.approx(np.sin(t + 1.0) / 3, abs=1e-12)
    fold, flip = (next(s for s in found.special if s.kind == f"border-collision-{kind}") for kind in ("fold", "flip"))
    assert len(found.special) == 2
    assert fold.parameters == pytest.approx([1.5, math.sin(2.5) / 3], abs=1e-11)
    assert flip.parameters == pytest.approx([-1.5, math.sin(-0.5) / 3], abs=1e-11)
    for k in range(0, len(found), 7):
        roots = sorted(np.roots([1, -t[k], 0.5]), key=lambda r: (r.real, r.imag))
        assert sorted(found.above[k], key=lambda r: (complex(r).real, complex(r).imag)) == pytest.approx(roots, abs=1e-10)
        assert sorted(abs(found.multipliers[k])) == pytest.approx(sorted(abs(np.roots([1, -0.4, 0.3]))), abs=1e-10)


@pytest.mark.parametrize("t", [-1.2, 0.7])
def test_normal_form_in_the_plane_with_the_determinant(t):
    """On the right: d = 1 with |t| < 2 complex on the circle; 1 − t + d = 0 and 1 + t + d = 0 real."""
    found = curve_of(plane_at(t, 0.5), [[0.0, 0.0]], ("d", "m"), ((-3, 3), (-1, 1)))
    d, m = found.parameters.T
    assert m == pytest.approx(np.sin(t + 2 * d) / 3, abs=1e-12)
    names = {"border-collision-fold": t - 1, "border-collision-flip": -t - 1, "border-collision-neimark-sacker": 1.0}
    assert {s.kind for s in found.special} == set(names) and len(found.special) == 3
    for s in found.special:
        assert s.parameters[0] == pytest.approx(names[s.kind], abs=1e-10)
        assert np.min(abs(abs(s.multipliers) - 1)) < 1e-10


def test_two_real_multipliers_with_the_product_one_are_no_neimark_sacker_point():
    """t = 3: at d = 1 they are (3 ± √5)/2."""
    found = curve_of(plane_at(3.0, 0.5), [[0.0, 0.0]], ("d", "m"), ((-0.9, 1.9), (-1, 1)))
    assert found.special == []


def test_a_2_cycle():
    """0 → m → 0, m = 1 − a: its multipliers are (a − 2)/2 and a(2 − a), −1 at a = 0 and at a = 1 − √2."""
    step = cf.Map.from_text("m - a*Max(x, 0) - Max(x, 0)**2 + Min(x, 0)/2", "x", {"m": 0.6, "a": 0.4})
    found = curve_of(step, [[0.0], [0.6]], ("m", "a"), ((0.1, 2), (-0.9, 0.95)))
    a = found.parameters[:, 1]
    assert found.multipliers[:, 0] == pytest.approx((a - 2) / 2, abs=1e-12)
    assert found.above[:, 0] == pytest.approx(a * (2 - a), abs=1e-12)
    expected = [("border-collision-flip", 1.0, 0.0), ("border-collision-flip", *np.round([2**0.5, 1 - 2**0.5], 10).tolist())]
    assert special(found) == expected


def test_two_borders_at_once():
    """The fixed point h meets the border h where m = (1 − a)h − b|h|, and the border 0 too where h = 0."""
    step = cf.Map.from_text("m + a*x + b*Abs(x) + c*Max(x - h, 0)", "x", {"a": 0.1, "b": -0.5, "c": 0.3, "h": 1.0, "m": 1.4})
    found = curve_of(step, [[1.0]], ("m", "h"), ((-2, 3), (-2, 2)))
    m, h = found.parameters.T
    assert m == pytest.approx(0.9 * h + 0.5 * abs(h), abs=1e-12) and set(found.ends) == {"h = -2", "h = 2"}
    assert [s.kind for s in found.special] == ["double border collision"]
    assert found.special[0].parameters == pytest.approx([0, 0], abs=1e-11)
    started_there = curve_of(step.at(m=0.0, h=0.0), [[0.0]], ("m", "h"), ((-2, 3), (-2, 2)))
    assert [s.kind for s in started_there.special] == ["double border collision"]


def test_two_points_of_a_cycle_on_borders_at_once():
    """0 → m → 0 with a further corner at x = 0.8: m = 1 − a before, m(1 − a − m) + c(m − 0.8) = 0 behind it."""
    text = "m - a*Max(x, 0) - Max(x, 0)**2 + Min(x, 0)/2 + 2*Max(x - 4/5, 0)/5"
    found = curve_of(cf.Map.from_text(text, "x", {"m": 0.6, "a": 0.4}), [[0.0], [0.6]], ("m", "a"), ((0.1, 2), (-0.9, 0.95)))
    m, a = found.parameters.T
    assert m * (1 - a - m) + 0.4 * np.maximum(m - 0.8, 0) == pytest.approx(0, abs=1e-12)
    (double,) = [s for s in found.special if s.kind == "double border collision"]
    assert double.parameters == pytest.approx([0.8, 0.2], abs=1e-11)
    assert np.sort(double.points.ravel()) == pytest.approx([0, 0.8], abs=1e-11)


def test_a_fold_curve_ends_at_a_border():
    """m + (1 + 2h)x + x² for x < 0: the fold m = h² at x = −h ends where h = 0; that is where m = 0 meets it too."""
    step = cf.Map.from_text("Piecewise((m + (1 + 2*h)*x + x**2, x < 0), (m - x/2, True))", "x", {"m": 0.04, "h": 0.2})
    fold = curve_of(step, [[-0.2]], ("m", "h"), ((-1, 1), (-1, 1)), kind="fold")
    m, h = fold.parameters.T
    assert m == pytest.approx(h**2, abs=1e-11) and (h >= 0).all()
    assert [s.kind for s in fold.special] == ["border-collision-fold"]
    assert fold.special[0].parameters == pytest.approx([0, 0], abs=1e-10)
    assert fold.special[0].multipliers == pytest.approx([1.0], abs=1e-8)
    assert sum(end.startswith("border-collision-fold at") for end in fold.ends) == 1
    border = curve_of(step.at(m=0.0), [[0.0]], ("m", "h"), ((-1, 1), (-1, 1)))
    kinds = {s.kind: s.parameters for s in border.special}
    assert kinds["border-collision-fold"] == pytest.approx([0, 0], abs=1e-12)
    assert kinds["border-collision-flip"] == pytest.approx([0, -1], abs=1e-12)


def test_a_formula_that_switches_smoothly_is_no_border():
    """k + cx − |x|³sign(x) is the cubic, however written: its fold runs through x = 0, the cusp."""
    step = cf.Map.from_text("k + c*x - Abs(x)**3*sign(x)", "x", {"k": 0.14, "c": 1.5})
    fold = curve_of(step, [[-0.4]], ("k", "c"), ((-1, 1), (0, 3)), kind="fold")
    k, c = fold.parameters.T
    assert 27 * k**2 == pytest.approx(4 * (c - 1) ** 3, abs=1e-10) and {end[:1] for end in fold.ends} == {"k"}
    assert {np.sign(x) for x in fold.points[[0, -1], 0, 0]} == {-1, 1}
    assert not [s for s in fold.special if "border" in s.kind]


def test_points_on_borders_together_leave_the_sides_open():
    """The 2-cycle ±1 of an odd map meets its two borders at once: which sides go together is not claimed."""
    step = cf.Map.from_text("-a*x - b*(Max(x - 1, 0) - Max(-x - 1, 0)) - m*x**3", "x", {"a": 0.5, "b": 0.3, "m": 0.5})
    found = curve_of(step, [[1.0], [-1.0]], ("a", "m"), ((0.1, 0.9), (0.05, 2)))
    assert found.parameters.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert np.isnan(found.multipliers).all() and np.isnan(found.above).all() and found.special == []
