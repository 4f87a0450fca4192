"""Densities against closed forms."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError


def test_noise_in_a_parabola_is_normal():
    """w' = (1 − η)w − ηξ has the variance η²σ²/(1 − (1 − η)²)."""
    step = cf.random_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.7), noise=2.0)
    found = cf.analysis.invariant_density(step, [3.0], bins=40, limits=(-3, 3), steps=2000, runs=100)
    size = (0.49 * 2 / (1 - 0.09)) ** 0.5
    exact = np.diff(norm.cdf(found.edges, scale=size)) / np.diff(found.edges)
    scores = (found.density - exact) / found.errors
    # Cells depend on one another a little; the sum of squares does not know it.
    assert chi2.ppf(1e-4, 40) < (scores**2).sum() < chi2.ppf(1 - 1e-4, 40) * 1.2
    assert abs(found.mean) < 4 * found.mean_error and abs(found.variance - size**2) < 4 * found.variance_error < 0.02
    assert abs(found.beyond - 2 * norm.sf(3 / size)) < 0.001 and found.drift < 4
    assert abs((found.density.sum() * 6 / 40) + found.beyond - 1) < 1e-12


def test_alternation_makes_no_difference_to_the_density():
    """a and −a have one variance; the errors know that runs of −a forget faster in the mean."""
    low, high = (
        cf.analysis.invariant_density(cf.random_map(cf.Map.from_text("a*x", params={"a": a}), noise=1.0), [0.0], steps=1000)
        for a in (0.8, -0.8)
    )
    assert abs(low.variance - high.variance) < 4 * np.hypot(low.variance_error, high.variance_error)
    assert 5 < low.mean_error / high.mean_error < 15  # (1 + a)/(1 − a) = 9


def test_an_entry_of_a_state_with_memory():
    """Heavy ball on w²/2: var w = η²σ²(1 + β)/((1 − β)(2(1 + β) − η)η) with noise of variance σ²."""
    lr, beta = 0.5, 0.6
    step = cf.random_map(cf.Loss("w**2/2"), cf.optimizers.heavy_ball(lr=lr, momentum=beta), noise=1.0)
    found = cf.analysis.invariant_density(step, [0.0], "w")
    assert abs(found.variance - lr * (1 + beta) / ((1 - beta) * (2 * (1 + beta) - lr))) < 4 * found.variance_error
    assert cf.analysis.invariant_density(step, [0.0], "v_w", steps=100).name == "v_w"


def test_runs_that_stay_where_they_began_say_so():
    still = cf.random_map(cf.Map.from_text("0.999*x"), noise=1e-6)
    assert cf.analysis.invariant_density(still, [5.0], steps=1000, transient=10).drift > 10


def test_what_has_no_density():
    well = cf.losses.double_well()
    step = cf.random_map(well, cf.optimizers.gd(lr=0.5), noise=1e6)
    with pytest.raises(NumericsError, match="no run stays bounded"):
        cf.analysis.invariant_density(step, [1.0])
    with pytest.raises(NumericsError, match="error estimates need two"):
        cf.analysis.invariant_density(step, [1.0], limits=(-1, 1))
    quiet = cf.random_map(well, cf.optimizers.gd(lr=0.5), noise=0.0)
    with pytest.raises(UsageError, match="orbit_diagram"):
        cf.analysis.invariant_density(quiet, [1.0])
    for wrong in ({"coordinate": "v"}, {"bins": 0}, {"limits": (1.0, 1.0)}, {"limits": (0.0, np.inf)}, {"runs": 1}, {"steps": 1}):
        with pytest.raises(UsageError):
            cf.analysis.invariant_density(step.varied("noise", 0.01), [1.0], **wrong)
