"""`singer` against closed forms, and against the cycles that attract."""

import math

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.9})
WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.5))
EXAMPLE = cf.Map.from_text("7.86*x - 23.31*x**2 + 28.75*x**3 - 13.30*x**4")


def test_the_logistic_map():
    """Sf = −6/(1 − 2x)²: the largest value, −6, is at the ends."""
    found = cf.analysis.singer(LOGISTIC, (0, 1))
    assert (found.sign, found.bound, found.invariant) == ("negative", 3, True)
    assert found.critical.tolist() == [0.5] and found.largest == pytest.approx(-6)
    assert "At most 3" in found.meaning


def test_two_critical_points_and_descent_on_data():
    found = cf.analysis.singer(WELL)
    assert found.critical == pytest.approx([-math.sqrt(2.5 / 4.5), math.sqrt(2.5 / 4.5)], abs=1e-9) and found.bound == 4
    poisson = cf.analysis.singer(cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=2.4)), (-8, 2))
    assert poisson.sign == "negative" and poisson.critical == pytest.approx([-math.log(2.4)], abs=1e-9)


def test_singers_own_example_has_a_positive_one():
    found = cf.analysis.singer(EXAMPLE, (0, 1))
    assert (found.sign, found.bound, len(found.critical)) == ("not negative", None, 1)
    assert found.largest > 40 and "positive" in found.meaning


def test_a_positive_schwarzian_between_samples_is_not_missed():
    """x + 4e-10 sin(1e5 x) wiggles between 4001 samples: S ≈ f‴ = −0.4 cos(1e5 x)."""
    assert cf.analysis.singer(cf.Map.from_text("0.9*x + 4e-10*sin(1e5*x)"), (-1, 1)).sign == "not negative"


def test_an_inflection_is_undecided_and_a_map_may_leave_the_interval():
    assert cf.analysis.singer(cf.Map.from_text("x**3"), (-1, 1)).sign == "undecided"
    leaves = cf.analysis.singer(LOGISTIC.at(r=5.0), (0, 1))
    assert not leaves.invariant and leaves.bound == 3


@pytest.mark.parametrize("seed", range(6))
def test_as_many_cycles_attract_as_the_bound_allows_at_most(seed):
    lr = np.random.default_rng(seed).uniform(0.2, 1.95)
    step = WELL.at(lr=lr)
    found = cf.analysis.singer(step)
    stable = [cycle for n in range(1, 9) for cycle in cf.analysis.cycles(step, n, [(-2, 2)]) if cycle.stable]
    assert len(stable) <= len(found.critical) < found.bound
    ends = [cf.iterate(step, [x], 20_000).z[-1, 0] for x in found.critical]
    assert all(min(abs(cycle.points[:, 0] - end).min() for end in ends) < 1e-6 for cycle in stable)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.analysis.singer(cf.Map.from_text(["y", "x"], "x y"), (0, 1)), "one variable"),
        (lambda: cf.analysis.singer(cf.Map.from_text("Abs(x) - 1"), (-1, 1)), "switches"),
        (lambda: cf.analysis.singer(LOGISTIC, (1, 0)), "lo < hi"),
        (lambda: cf.analysis.singer(cf.Map.from_text("1/x"), (-1, 1)), "finite"),
        (lambda: cf.analysis.singer(cf.Map.from_text("x + sin(x)")), "finite ends"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()
