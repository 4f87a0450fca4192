"""Cycles of maps that are the identity to round-off on whole stretches: descent on losses that saturate, and their like."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError
from tests.oracles import needs_compiler

# name: loss, lr, and g(s) of the gradient w g(w²), by hand
SATURATING = {
    "Welsch": ("1-exp(-w**2/2)", 2.5, lambda s: mpmath.exp(-s / 2)),
    "Geman-McClure": ("w**2/(1+w**2)", 1.5, lambda s: 2 / (1 + s) ** 2),
    "tanh": ("tanh(w**2)", 1.2, lambda s: 2 * mpmath.sech(s) ** 2),
    "sigmoid": ("1/(1+exp(-w**2))", 6.0, lambda s: mpmath.sech(s / 2) ** 2 / 2),
    "Gauss": ("-exp(-4*w**2)", 0.3, lambda s: 8 * mpmath.exp(-4 * s)),
}


def descent(loss, lr):
    return cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=lr))


@needs_compiler
def test_cycles_of_booles_map():
    """x − 1/x: fⁿ(x) = x is of degree 2ⁿ + 1 with infinity three times; on the 2-cycle f(x) = −x."""
    step = cf.Map.from_text("x-1/x")
    primes = {}
    for n in range(1, 8):
        primes[n] = (2**n - 2 - sum(d * primes[d] for d in primes if n % d == 0)) // n
        for box in ((-100, 100), (-1e5, 1e3)) if n < 6 else ((-100, 100),):
            found = cf.analysis.cycles(step, n, [box])
            assert found.complete and len(found) == primes[n], (n, box, found.reason)
            if n == 2:
                assert found.points.ravel() == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], abs=1e-14)


@needs_compiler
@pytest.mark.parametrize("name", SATURATING)
def test_cycles_inside_a_saturating_loss(name):
    loss, lr, g = SATURATING[name]
    step = descent(loss, lr)
    square = mpmath.findroot(lambda s: lr * g(s) - 2, 0.3)
    for n in (2, 3, 4):
        wide, near = (cf.analysis.cycles(step, n, [(-reach, reach)]) for reach in (100, 2))
        assert wide.complete and near.complete, (wide.reason, near.reason)
        np.testing.assert_allclose(wide.points, near.points, atol=1e-12)
        if n == 2:
            w = float(mpmath.sqrt(square))
            assert min(np.abs(c.points[:, 0] - [-w, w]).max() for c in wide) < 1e-12


@needs_compiler
@pytest.mark.parametrize("name", SATURATING)
def test_fixed_points_beside_a_stretch_that_is_fixed_to_round_off(name):
    """0 is found; where w g(w²) lr is below round-off it is said, with places, and nothing else is undecided."""
    loss, lr, g = SATURATING[name]
    found = cf.analysis.cycles(descent(loss, lr), 1, [(-100, 90)])
    np.testing.assert_allclose(found.points, [[[0.0]]], atol=1e-12)
    assert found.multipliers[0, 0] == pytest.approx(float(1 - lr * g(0)))

    def moves(w):
        return lr * g(mpmath.mpf(w) ** 2)

    level = [w for w in np.linspace(-100, 90, 381) if w and moves(w) < 1e-17]
    if not level:
        assert found.complete
        return
    assert not found.complete and "to round-off" in found.reason
    assert ((found.undecided >= -100) & (found.undecided <= 90)).all()
    for w in level:
        assert any(lo <= w <= hi for lo, hi in found.undecided[:, 0])
    assert all(moves(w) < 1e-12 for w in found.undecided.ravel())


@needs_compiler
def test_a_stretch_of_the_box_alone_is_a_continuum():
    with pytest.raises(NumericsError, match="continuum"):
        cf.analysis.cycles(descent("1-exp(-w**2/2)", 2.5), 1, [(20, 100)])
    assert cf.analysis.cycles(descent("1-exp(-w**2/2)", 2.5), 2, [(20, 100)]).complete


@needs_compiler
def test_stretches_between_other_cycles():
    """|f(x)| < |x| for −x(1 − e^{−x²}): no cycle of period 2, though f² is the identity to round-off from 6 on."""
    mirror = cf.Map.from_text("-x + x*exp(-x**2)")
    two = cf.analysis.cycles(mirror, 2, [(-100, 100)])
    assert len(two) == 0 and not two.complete and np.abs(two.undecided).min() > 5
    assert [(len(f), f.complete) for f in (cf.analysis.cycles(mirror, n, [(-100, 100)]) for n in (1, 4))] == [(1, True), (0, True)]
    # Fixed from 1 on, and 0.
    part = cf.analysis.cycles(cf.Map.from_text("Piecewise((x**2, x < 1), (x, True))"), 1, [(-3, 3)])
    assert not part.complete and part.undecided.ravel() == pytest.approx([1, 3], abs=1e-2)
    assert part.points.min() == 0 and part.points[1:].min(initial=1) >= 1


@needs_compiler
def test_two_weights():
    """On the axes of 1 − exp(−(x² + 2y²)/2) descent is that of one weight: e^{−x²/2} = 2/lr, e^{−y²} = 1/lr at 2-cycles ±."""
    step = descent("1-exp(-(x**2+2*y**2)/2)", 2.5)
    two = cf.analysis.cycles(step, 2, [(-100, 100)] * 2)
    assert two.complete
    for w, axis in ((math.sqrt(2 * math.log(1.25)), 0), (math.sqrt(math.log(2.5)), 1)):
        there = np.zeros((2, 2))
        there[:, axis] = -w, w
        assert min(np.abs(c.points - there).max() for c in two) < 1e-12
    one = cf.analysis.cycles(step, 1, [(-100, 100)] * 2)
    np.testing.assert_allclose(one.points, [[[0.0, 0.0]]], atol=1e-12)
    assert not one.complete and "continuum" in one.reason and len(one.undecided)


@needs_compiler
@pytest.mark.parametrize("box", [(-math.inf, math.inf), (-1e10, 1e10), (1e4, 1e9), (-1e9, -1e4)])
def test_boxes_that_reach_far(box):
    """x is a continuum in each; x − 1/x has no fixed point, which far out is not seen, and its 2-cycle where that is inside."""
    with pytest.raises(NumericsError, match="continuum"):
        cf.analysis.cycles(cf.Map.from_text("x"), 1, [box])
    step = cf.Map.from_text("x-1/x")
    one, two = (cf.analysis.cycles(step, n, [box]) for n in (1, 2))
    assert len(one) == 0 and not one.complete and np.abs(one.undecided).min() > 1e7
    assert two.complete and len(two) == (box[0] < 0 < box[1])
