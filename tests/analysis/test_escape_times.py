"""Escape times against exact ones, and the fit of their slope."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

import cfdyn as cf
from cfdyn.errors import UsageError

WELL = cf.losses.double_well()


def exact_mean(f, sigma, edge, floor, start, nodes=600):
    """τ = 1 + ∫ k(x, y) τ(y) dy over (floor, edge), k normal about f(x): the mean exit time from the left of an edge."""
    t, weights = np.polynomial.legendre.leggauss(nodes)
    x, weights = (edge + floor) / 2 + (edge - floor) / 2 * t, (edge - floor) / 2 * weights
    tau = np.linalg.solve(np.eye(nodes) - norm.pdf(x[None], f(x)[:, None], sigma) * weights, np.ones(nodes))
    return float(1 + (norm.pdf(x, f(np.array(start)), sigma) * weights) @ tau)


@pytest.mark.slow
def test_independent_trials():
    """z' = ξ leaves with the chance P(ξ > 2) at each step."""
    step, chance = cf.random_map(cf.Map.from_text("0*x", "x"), noise=1.0), norm.sf(2.0)
    found = cf.analysis.escape_times(step, [0.0], "x > 2", runs=2000)
    assert found.escaped == 2000 and found.low < 1 / chance < found.high and found.exponential
    assert found.status == {"inside": 0, "diverged": 0, "left the domain": 0, "left": 2000}
    short = cf.analysis.escape_times(step, [0.0], "x > 2", 30, 2000)
    assert 0 < short.escaped < 1200 and short.low < 1 / chance < short.high and short.exponential
    assert np.abs(short.survival - (1 - chance) ** short.t).max() < 4 * short.error.max()
    assert (short.times == np.where(found.times <= 30, found.times, 0)).all()
    assert (short.final[short.times > 0] > 2).all() and (short.final[short.times == 0] <= 2).all()


def test_intervals_cover():
    """Of 95 % intervals of censored samples few miss."""
    step, chance = cf.random_map(cf.Map.from_text("0*x", "x"), noise=1.0), norm.sf(2.0)
    found = [cf.analysis.escape_times(step.varied("seed", seed), [0.0], "x > 2", 40, 40) for seed in range(100)]
    missed = sum(not one.low < 1 / chance < one.high for one in found)
    assert missed <= 13 and sum(not one.exponential for one in found) <= 5
    assert all(0 < one.escaped < 40 for one in found)


@pytest.mark.parametrize("noise", [1.0, 2.0])
def test_a_transfer_operator_says_the_same(noise):
    lr = 0.1
    step = cf.random_map(WELL, cf.optimizers.gd(lr=lr), noise=noise)
    found = cf.analysis.escape_times(step, [-1.0], "w > 0", runs=1000)
    exact = exact_mean(lambda w: w - lr * w * (w * w - 1), lr * noise**0.5, 0.0, -3.0, -1.0)
    assert found.low * 0.98 < exact < found.high * 1.02 and (found.high - found.low) / exact < 0.15


def test_no_exit_and_few():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=0.01)
    none = cf.analysis.escape_times(step, [-1.0], "w > 0", 100, 50)
    assert none.escaped == 0 and np.isnan(none.mean) and none.high == np.inf and none.exponential
    assert abs(none.low - 5000 / 2.995732) < 0.01 and none.survival.tolist() == [1.0]  # −ln 0.05
    assert none.log_error == np.inf


def test_a_chance_that_changes_is_seen():
    """From the far side of a slope no run leaves at first."""
    step = cf.random_map(cf.Map.from_text("x + 0.1"), noise=0.01)
    found = cf.analysis.escape_times(step, [0.0], "x > 5", 50, 400)
    assert not found.exponential and 0 < found.escaped < 400
    with pytest.raises(UsageError, match="changes with time"):
        cf.analysis.arrhenius([found, found], [1.0, 2.0])


def test_runs_that_diverge_have_left():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=4.0)
    found = cf.analysis.escape_times(step, [-1.0], "w > 1e30", 100, 100)
    assert found.status["diverged"] == found.escaped > 50


def test_a_line_is_found():
    made = cf.analysis.escape_times(cf.random_map(cf.Map.from_text("0*x", "x"), noise=1.0), [0.0], "x > 2", runs=400)
    sizes = np.array([2.0, 1.0, 0.5, 0.25])
    times = [dataclasses.replace(made, mean=float(np.exp(3 + 1.5 / s))) for s in sizes]
    fit = cf.analysis.arrhenius(times, sizes)
    assert abs(fit.slope - 1.5) < 1e-12 and abs(fit.intercept - 3) < 1e-12 and np.allclose(fit.local, 1.5) and fit.p_value > 0.999
    assert fit.sizes.tolist() == [0.25, 0.5, 1.0, 2.0] and fit.low < 1.5 < fit.high
    # One standard error of the slope, from those of ln τ.
    weights, x = 1 / fit.errors**2, 1 / fit.sizes
    centre = np.average(x, weights=weights)
    assert abs((fit.high - fit.low) / 2 - 1.959964 / np.sqrt((weights * (x - centre) ** 2).sum())) < 1e-6
    bent = [dataclasses.replace(made, mean=float(np.exp(3 + 1.5 / s**2))) for s in sizes]
    assert cf.analysis.arrhenius(bent, sizes).p_value < 1e-10
    assert np.isnan(cf.analysis.arrhenius(times[:2], sizes[:2]).p_value)
    for found, given in (([made], [1.0]), (times, sizes[:2]), (times[:2], [1.0, 1.0]), (times[:2], [0.0, 1.0])):
        with pytest.raises(UsageError):
            cf.analysis.arrhenius(found, given)


def test_what_has_no_times():
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=1.0)
    with pytest.raises(UsageError, match="this map has no randomness"):
        cf.analysis.escape_times(step.varied("noise", 0.0), [-1.0], "w > 0")
    none = cf.analysis.escape_times(step.varied("noise", 0.01), [-1.0], "w > 0", 10, 5)
    with pytest.raises(UsageError, match="no run escaped at the size 1"):
        cf.analysis.arrhenius([none, none], [1.0, 2.0])
    with pytest.raises(UsageError, match="GiB"):
        cf.analysis.escape_times(step, [-1.0], "w > 0", runs=2**31)
