"""`classify` on orbits that mislead: on unstable sets, at poles, far away, with too few steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
GD = {name: cf.as_map(getattr(cf.losses, name)(), cf.optimizers.gd(lr=1.0))
      for name in ("double_well", "poisson_regression", "log_cosh", "quartic")}  # fmt: skip


def classify(step, z0, **params):
    return cf.analysis.classify(step.at(**params), z0)


def test_exactly_on_an_unstable_fixed_point():
    """0.75 is fixed at r = 4 and exact in binary; the orbit stays, and the answer says unstable."""
    found = classify(LOGISTIC, [0.75], r=4.0)
    assert (found.kind, found.period) == ("fixed point", 1)
    assert found.multipliers[0] == -2.0 and "unstable" in found.reason
    assert classify(LOGISTIC, [0.25], r=4.0).points[0, 0] == 0.75  # one step before it
    assert classify(GD["double_well"], [0.0], lr=0.5).multipliers[0] == 1.5


@pytest.mark.parametrize("r", [3.6, 3.7, 3.9, 3.99])
@needs_compiler
def test_nearly_on_an_unstable_fixed_point(r):
    """1 − 1/r rounded: the float orbit may sit there for ever, the true one leaves."""
    found = classify(LOGISTIC, [1 - 1 / r], r=r)
    assert found.kind == "chaotic", found.reason


@needs_compiler
def test_orbits_of_slope_two_that_collapse_in_binary():
    """C6: L′ = −1 + 3 max(w, 0), slopes (1, −2). Every binary number ends on the unstable 3-cycle 0 → 1 → −1."""
    step = cf.as_map(cf.Loss("-w + 3*Max(w, 0)**2/2"), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.classify(step, [0.3])
    assert (found.kind, found.period) == ("cycle", 3) and "corner" in found.reason and "nearby leave" in found.reason
    assert found.multipliers[0] == -2 and sorted(found.points[:, 0]) == [-1, 0, 1]
    tent = cf.Map.from_text("s*Min(x, 1 - x)", params={"s": 2.0})
    collapsed = cf.analysis.classify(tent, [0.3])
    assert (collapsed.kind, collapsed.points[0, 0]) == ("fixed point", 0)
    assert collapsed.multipliers[0] == 2 and "unstable" in collapsed.reason
    assert cf.analysis.classify(tent.at(s=1.9), [0.3]).lyapunov == pytest.approx(math.log(1.9), abs=1e-6)


@pytest.mark.parametrize(("left", "right", "leaves"), [(3.0, 1.3, False), (3.0, 1.45, False), (3.0, 1.6, True), (2.5, 1.9, True), (0.5, -0.5, True)])
def test_a_corner_whose_sides_alternate(left, right, leaves):
    """Slopes 1 − left and 1 − right, both negative: two steps multiply by their product, whichever of them is reported."""
    step = cf.as_map(cf.Loss("l*w**2/2 + (r - l)*Max(w, 0)**2/2", params={"l": left, "r": right}), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.classify(step, [0.0 if leaves else 0.4])
    assert (found.kind, found.period, found.multipliers[0]) == ("fixed point", 1, 1 - left)
    assert "corner" in found.reason and ("nearby leave" in found.reason) == leaves


def test_a_flicker_by_round_off_is_rest():
    """The weight flickers by units in the last place of 1, which makes the only velocity there is; 1 − β = 0.34, L″ = 2."""
    rates = {"lr": 1.655310621242485, "momentum": 0.6606212424849699}
    found = cf.analysis.classify(cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(**rates)), [1.1])
    assert (found.kind, found.period) == ("fixed point", 1)
    trace, beta = 1 + rates["momentum"] - 2 * rates["lr"], rates["momentum"]
    assert np.allclose(sorted(found.multipliers.real), sorted(np.roots([1, -trace, beta])), rtol=1e-9)


def test_divergence_and_the_edge_of_the_domain():
    found = classify(LOGISTIC, [0.3], r=4.5)
    assert found.kind == "divergent" and found.period is None and "step" in found.reason
    found = cf.analysis.classify(cf.Map.from_text("log(x)"), [2.0])
    assert found.kind == "undecided" and "domain" in found.reason
    found = cf.analysis.classify(cf.as_map(cf.Loss("w - log(w)"), cf.optimizers.gd(lr=9.0)), [0.5])
    assert found.kind == "undecided" and "step" in found.reason


@pytest.mark.parametrize("lr", [1.5, 1.8, 1.9, 1.99])
def test_a_minimum_at_zero_is_a_fixed_point(lr):
    """Round-off around 0 has no period, however the orbit ends there."""
    for name, start in (("poisson_regression", 0.3), ("log_cosh", 0.7), ("quartic", 0.4)):
        found = classify(GD[name], [start], lr=lr)
        assert (found.kind, found.period) == ("fixed point", 1), name
        assert found.multipliers[0] == pytest.approx(1 - lr, abs=1e-9)
        assert abs(found.points[0, 0]) < 1e-12


@needs_compiler
def test_chaos_whose_mean_converges_fast():
    """In the Ricker map 1 − x telescopes, so its average settles as fast as on a circle."""
    ricker = cf.Map.from_text("x*exp(r*(1-x))", params={"r": 2.914265763021172})
    assert cf.analysis.classify(ricker, [1.3948152055239693]).kind == "chaotic"


def test_a_small_scale_is_a_scale():
    """The double well in units of 10⁻⁶: the same cycles, a million times smaller."""
    loss = cf.Loss("c**2*((w/c)**2 - 1)**2/4", "w", {"c": 1e-6})
    for lr, period in ((0.9, 1), (1.1, 2), (1.46, 3)):
        found = cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [0.5e-6])
        assert found.period == period
        assert 1e-7 < np.abs(found.points).max() < 3e-6


def test_a_small_budget_is_an_honest_undecided_or_right():
    for budget in (1, 10, 100, 1000):
        assert cf.analysis.classify(LOGISTIC.at(r=3.5), [0.3], budget=budget).period == 4
    found = cf.analysis.classify(LOGISTIC.at(r=3.5), [0.3], max_period=2, budget=20_000)
    assert found.kind == "undecided" and "no cycle found up to 2" in found.reason


def test_from_a_start_far_away():
    found = cf.analysis.classify(cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=3.0)), [1e6])
    assert (found.kind, found.period) == ("cycle", 2)


@pytest.mark.parametrize(("loss", "lr", "start"), [("softplus(-w)", 1.0, 40.0), ("softplus(-w)", 1.0, 800.0), ("(w**2 - 1)**2/4", 1e-20, 1.3)])
def test_steps_below_the_last_digit_are_no_fixed_point(loss, lr, start):
    """The gradients, −1/(1 + e⁴⁰), −1/(1 + e⁸⁰⁰) and 0.897, are not 0, and nothing near is: floats alone stand still."""
    found = cf.analysis.classify(cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=lr)), [start])
    assert found.kind == "undecided" and "floats do not resolve the steps" in found.reason


def test_a_start_near_the_largest_float_needs_no_warning(recwarn):
    found = cf.analysis.classify(cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=1.0)), [1e308])
    assert found.kind == "fixed point" and found.points == 0 and not recwarn.list
