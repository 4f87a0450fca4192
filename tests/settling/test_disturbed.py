"""Orbits that round-off alone puts to rest, and what becomes of them with perturbations: on systems whose answer is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.settling.disturbed import PARTS, Held, disturbed
from cfdyn.settling.in_floats import rest_of
from cfdyn.settling.regime import regime

SQUARE, DOUBLE_WELL = cf.Loss("w**2/2"), cf.losses.double_well()
EDGE = 38e-8  # of Adam with ε = 1e-8 at curvature 1


def adam(lr, beta1=0.9, name="adam", loss=SQUARE):
    return cf.as_map(loss, cf.optimizers.get(name)(lr=lr, beta1=beta1))


def gd(lr):
    return cf.as_map(DOUBLE_WELL, cf.optimizers.gd(lr=lr))


# Linear recursions at multipliers about ±1, cycles of gradient descent, and Adam on a parabola: at rest below its edge, on a
# 2-cycle above it for β₁ < 3 − 2√2, and NAdam's.
ORDERLY = {
    "0.95": cf.Map.from_text("0.95*x"), "-0.95": cf.Map.from_text("-0.95*x"), "0.9999": cf.Map.from_text("0.9999*x"),
    "heavy ball": cf.as_map(SQUARE, cf.optimizers.heavy_ball(lr=0.1, momentum=0.98)),
    "rest, -0.95": gd(0.975), "2-cycle, 0.95": gd(1.013), "2-cycle, -0.95": gd(1.232), "4-cycle": gd(1.25), "3-cycle": gd(1.46),
    "adam below": adam(0.98 * EDGE), "adam 0.05": adam(0.01, 0.05), "adam 0.1": adam(0.01, 0.1), "adam 0.15": adam(0.01, 0.15),
    "nadam": adam(0.01, name="nadam"),
}  # fmt: skip
# Exponents log 2 and 0.42, those of chaotic gradient descent, and of Adam's bursts (0.004 to 0.01).
CHAOTIC = {
    "tent": (cf.Map.from_text("1 - 1.99*abs(x)"), 0.1), "gd": (gd(1.42), 1.1), "adam": (adam(0.001), 0.0),
    "henon": (cf.Map.from_text(["1 - 1.4*x**2 + y", "0.3*x"]), 0.1),
}  # fmt: skip
UNBOUNDED = {"1.0005": cf.Map.from_text("1.0005*x"), "-1.0005": cf.Map.from_text("-1.0005*x"), "1": cf.Map.from_text("x + 1e-4")}


def verdicts(step, start, seeds):
    """The verdict for each seed and each size of the perturbation."""
    z = step.state(np.full(step.n_weights or step.dim, start))
    held = Held.at(step, z, 1e-3, 1_000_000)
    return [disturbed([held], part, 1_000_000, seed)[0].chaotic for seed in seeds for part in PARTS]


@pytest.mark.parametrize("name", ORDERLY)
def test_noise_makes_no_chaos(name):
    start = 1.1 if name.startswith(("rest", "2-", "3-", "4-")) else 0.0
    assert set(verdicts(ORDERLY[name], start, range(3))) == {False}


@pytest.mark.parametrize("name", CHAOTIC)
def test_chaos_is_seen_in_noise(name):
    assert set(verdicts(*CHAOTIC[name], range(3))) == {True}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_what_runs_away_is_no_chaos(name):
    assert True not in verdicts(UNBOUNDED[name], 0.0, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam 0.1", "nadam", "adam below", "2-cycle, -0.95"])
def test_hundreds_of_seeds_agree(name):
    """At four standard errors one in 30,000 would be wrong of normal means; none of 200 is."""
    assert set(verdicts(ORDERLY[name], 1.1 if name.startswith("2-") else 0.0, range(100))) == {False}


def test_at_a_minimum_at_zero_the_float_orbit_leaves_again_by_itself():
    """At 1e-150 the squares of slopes are 0 for floats, and the weights still move: no round-off holds them for ever."""
    step = adam(0.001, loss=cf.losses.huber())
    words = cf.analysis.classify(step, [0.1]).unperturbed
    first, stands = map(int, re.match(r"rests at w = \S+ from step (\d+) on and leaves again .* after (\d+) steps", words).groups())
    w = np.abs(cf.iterate(step, [0.1], 40_000).w[:, 0])
    assert w[first : first + stands].max() < 3e-150 and w[first + stands :].max() > 1e-5


def test_rest_is_what_stands_still_for_long():
    """The first such stretch: from where it is reached to where it is left."""
    t = np.arange(5000.0)[:, None]
    assert rest_of(np.where(t < 700, t, 700.0)) == (700, 5000)
    assert rest_of(np.where(t < 700, t, np.where(t < 4321, 700.0, 1e9))) == (700, 4321)
    assert rest_of(np.hstack([np.ones_like(t), 1e-3 * t])) == (0, 0) == rest_of((-1.0) ** t)


@pytest.mark.parametrize("loss", ["huber", "quartic", "log_cosh", "cyclic_pair"])
def test_minima_at_zero_are_followed_with_perturbations_too(loss):
    """Floats go on falling there, to 1e-300, where at other minima they stand still."""
    made = cf.losses.get(loss)()
    found = cf.analysis.classify(adam(0.001, loss=made), np.full(made.dim, 0.1))
    assert found.kind == "chaotic" and 0 < found.inject < 1e-10


def test_a_steep_root_of_an_average_makes_no_fixed_point_of_a_two_cycle():
    """Across a valley NAdam's 2-cycle is 8e-5 wide while along it v = 1e-39 has a slope of 1e19."""
    step = cf.as_map(cf.losses.valley(), cf.optimizers.nadam(lr=0.0011146616541353382))
    found = cf.analysis.classify(step, [0.107, 1.05])
    assert found.period == 2 and found.residual < 1e-15


def test_a_two_cycle_is_found_while_decays_fall_to_nothing():
    """In 1e6 steps NAdam's product of decays falls below 1e-300; each of them would be far from the cycle, relatively."""
    step = cf.as_map(cf.losses.rosenbrock(), cf.optimizers.nadam(lr=0.001))
    found = cf.analysis.classify(step, [1.09, 1.05])
    assert found.period == 2 and abs(found.multipliers[0]) == pytest.approx(0.9996734774, abs=1e-8)


@pytest.mark.parametrize(("loss", "start"), [("w**2/2 - w**4/4", [0.0]), ("(x - y)**2/2", [0.0, 0.0])])
def test_averages_are_waited_for_where_a_gradient_beside_is_the_same(loss, start):
    """v falls by 0.999 a step, to e⁻⁴⁰ in −40/ln 0.999 of them: though the slope is 0 at w = 1 too, and x = y = 1 is as 0."""
    step = adam(0.001, loss=cf.Loss(loss), name="nadam")
    held = Held.at(step, step.state(start), 1e-3, 1_000_000)
    assert held.fall == pytest.approx(-40 / np.log(0.999), abs=1)


def test_a_minimum_at_zero_that_digits_do_not_reach_is_a_fixed_point():
    """eʷ − 1 is 0 for floats at w = 1e-18: the exact step is far smaller at 0, which is near."""
    found = cf.analysis.classify(cf.as_map(cf.losses.poisson_regression(), cf.optimizers.amsgrad(lr=0.001)), [0.107])
    assert found.kind == "fixed point" and abs(found.points[0, 0]) < 1e-16


def test_bursts_that_end_where_weights_drift_to_are_no_chaos():
    """Along y = 0 Adam bursts until the curvature x² is at its edge, 38 ε/lr, and then rests."""
    step = adam(0.001, loss=cf.losses.log_cosh_product())
    held = Held.at(step, step.state([0.0594, 0.0]), 1e-3, 4_000_000)
    brief, usual = (disturbed([held], PARTS[0], most)[0] for most in (80_000, 4_000_000))
    assert brief.exponent > 0.003 and brief.fades and brief.chaotic is None
    assert usual.chaotic is False and 0.95 < usual.z[0] / np.sqrt(EDGE / 0.001) < 1


def test_weights_that_stand_still_rest_while_an_average_falls():
    """On 569 rows of data amsgrad's v has not fallen to 0 when the steps are spent; it is below its largest value anyway."""
    step = cf.as_map(cf.losses.breast_cancer(), cf.optimizers.amsgrad(lr=0.001))
    found = cf.analysis.classify(step, [1.09])
    assert found.kind == "fixed point" and found.steps < 10_000
    assert np.abs(step(found.points[0]) - found.points[0])[0] < 1e-15


def test_a_largest_average_is_no_jump_of_the_map():
    """Its root ends at 0, and a shift of 1e-7 would take 1e-10 beyond."""
    step = cf.as_map(cf.losses.sqrt_product(), cf.optimizers.amsgrad(lr=0.001))
    found = cf.analysis.classify(step, [0.095704, 0.047852])
    assert found.kind == "fixed point" and "corner" not in found.reason and "jump" not in found.reason


def test_an_orbit_that_drifts_for_ever_is_undecided_and_says_so():
    """Without a minimum Adam walks along the valley, 0.001 a step; across it it bursts."""
    found = cf.analysis.classify(cf.as_map(cf.losses.two_time_scales(), cf.optimizers.adam(lr=0.001)), [0.05, 5.0])
    assert found.kind == "undecided" and "the weights drift on" in found.reason and "larger `budget`" in found.reason


def test_a_larger_budget_follows_it_for_longer():
    step = cf.as_map(cf.losses.two_time_scales(), cf.optimizers.nadam(lr=0.001))
    usual, more = (regime(step, step.state([0.05, 5.0]), budget=steps) for steps in (None, 6_000_000))
    assert more.steps > 2 * usual.steps


@pytest.mark.parametrize(("text", "start"), [("1e4*(w**2-1)**2/4", [5.0]), ("(x**2+y-11)**2+(x+y**2-7)**2", [60.0, 60.0])])
def test_a_large_average_of_squares_is_no_rest(text, start):
    """On the way from steep slopes v is 1e11 while the weights travel: they are not on a fixed point for that."""
    step = cf.as_map(cf.Loss(text), cf.optimizers.adam(lr=0.001))
    found = regime(step, step.state(start))
    assert found.kind == "chaotic"
    assert found.lyapunov > 1e-3


def test_a_large_average_of_squares_hides_no_cycle():
    """RMSProp on λw²/2 has the 2-cycle w = ±η/2, v = (λη/2)² (ε → 0): here w moves by 0.01 beside v = 2.5e7."""
    step = cf.as_map(cf.Loss("1e6*w**2/2"), cf.optimizers.rmsprop(lr=0.01))
    found = regime(step, step.state([1.0]))
    assert (found.kind, found.period) == ("cycle", 2)
    assert np.sort(found.points[:, 0]) == pytest.approx([-0.005, 0.005], rel=1e-9)
