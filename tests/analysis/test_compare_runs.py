"""`compare_runs`: distances, errors and ratios where they are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss

LR, MEAN, SCATTER = 0.2, 2.0, np.sqrt(2 / 3)
ROWS = cf.Loss.from_spec(make_loss("(w - y)**2/2", columns=["y"], data=np.array([[1.0], [2.0], [3.0]])))
GD = cf.optimizers.gd(lr=LR)


def compared(steps=60, runs=400, seed=0, start=9.0, **options):
    return cf.compare(ROWS, GD, ["stochastic", "gradient"], [start], steps, runs=runs, batch=1, seed=seed, **options)


@pytest.mark.slow
def test_the_mean_of_a_linear_model_is_known():
    """E w_t = 2 + 7·0.8ᵗ, so its midpoints are 2 + 7·0.8^(t−1)·1.8²/4, and the flow is 2 + 7e^{−0.2t}; λ₁ = 1."""
    found = compared(runs=20_000)
    t = found.t[1:]
    np.testing.assert_array_equal(found.t, range(61))
    exact = MEAN + 7 * 0.8 ** (t - 1.0) * 1.8**2 / 4
    error = found.error[1:]
    assert (np.abs(found.averaged[1:, 0] - exact) < 4.5 * error).all()
    # Midpoints of w⁺ = 0.8w + 0.2y: their variance by hand from that of w and its neighbours.
    variance = LR**2 * SCATTER**2 / (1 - 0.8**2)
    of_middle = variance * (6 + 8 * 0.8 + 2 * 0.8**2) / 16
    assert found.error[-20:].mean() == pytest.approx(np.sqrt(of_middle / 20_000), rel=0.2)
    assert found.variance[-1] == pytest.approx(variance, rel=4 * np.sqrt(2 / 20_000))
    gradient = found.models[1]
    late = t >= 40
    assert gradient.distance == pytest.approx(
        np.sqrt(((MEAN + 7 * np.exp(-0.2 * t) - exact)[late] ** 2).mean()), abs=4 * gradient.distance_error
    )
    assert gradient.sharpness_ratio == pytest.approx(1, abs=1e-12)
    assert gradient.median_ratio == pytest.approx(1, abs=1e-12)
    assert np.isnan(gradient.variance_ratio)
    stochastic = found.models[0]
    assert stochastic.variance_ratio == pytest.approx(1, abs=0.02)
    assert stochastic.loss_ratio == pytest.approx(1, abs=0.005)
    assert found.edge == pytest.approx(2 / LR)


def test_the_error_is_the_scatter_of_repetitions():
    """40 seeds, 100 runs each: the distance of a flow far away scatters by what the jackknife says."""
    flow = {"gradient": cf.flows.gradient(ROWS, GD.at(lr=0.1))}
    found = [cf.compare(ROWS, GD, flow, [9.0], 30, runs=100, batch=1, seed=seed).models[0] for seed in range(40)]
    scatter = np.std([model.distance for model in found], ddof=1)
    assert np.median([model.distance_error for model in found]) == pytest.approx(scatter, rel=0.35)
    assert scatter < 0.1 * found[0].distance


def test_what_cannot_be_told_apart_is_said():
    late = compared(after=30)
    assert not late.resolved
    assert 0 < late.resolution < 5
    assert late.t[0] == 30
    far = cf.compare(ROWS, GD, {"gradient": cf.flows.gradient(ROWS, GD.at(lr=0.02))}, [9.0], 60, runs=400, batch=1)
    assert far.resolved
    assert far.resolution == pytest.approx(far.models[0].distance / far.floor)
    assert np.isnan(cf.compare(ROWS, GD, ["stochastic"], [9.0], 20, runs=20, batch=1).resolution)


def test_models_begin_at_the_mean_after_some_steps():
    found = compared(after=24, steps=64)
    np.testing.assert_array_equal(found.t % 1, 0)
    for model in found.models:
        np.testing.assert_allclose(model.w[0], found.averaged[0], rtol=1e-12)


def test_runs_that_leave_are_told():
    loss = cf.Loss.from_spec(make_loss("(w*x)**2/2", columns=["x"], data=np.sqrt([[3.0], [0.25]])))
    found = cf.compare(loss, cf.optimizers.gd(lr=1.0), ["gradient"], [1e13], 60, runs=50, batch=1)
    assert any("of 50 runs" in words and "diverged" in words for words in found.warnings)


def test_a_mean_that_is_like_no_run_is_told():
    """Half of the runs fall into each well; at their mean, near 0, the curvature is −1, in the wells 2."""
    loss, gd = cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=0.1)
    found = cf.compare(loss, gd, ["gradient"], [0.0], 400, runs=200, noise=[0.01])
    assert found.mean_sharpness[-1] < 0 and found.sharpness[-1].min() > 1.5
    assert ["the mean is like no run" in words for words in found.warnings] == [True]
    assert not compared(runs=100).warnings


def test_equal_runs_rest_in_one_place():
    """At 2/λ a parabola swings between 1 and −1 for ever; a quartic beside it makes the curvature there another than between."""
    loss, gd = cf.Loss("w**2/2 + w**4/4"), cf.optimizers.gd(lr=1.0)
    found = cf.compare(loss, gd, ["gradient"], [1.0], 50, runs=3)
    assert found.mean_sharpness[-1] < 0.9 * found.sharpness[-1].min() and not found.warnings


def test_reshuffled_epochs_are_no_independent_batches():
    """Three rows, each once in an epoch: the variance is far below that of independent batches, and a warning says so."""
    found = compared(order="reshuffled", steps=90)
    assert any("correlated" in words for words in found.warnings)
    assert found.models[0].variance_ratio > 1.5
    assert not compared(replace=False).warnings


def test_without_noise_the_runs_are_the_orbit():
    found = cf.compare(ROWS, GD, ["central"], [9.0], 40, runs=3)
    orbit = cf.iterate(cf.as_map(ROWS, GD), [9.0], 41)
    np.testing.assert_allclose(found.averaged[1:], orbit.midpoints(), rtol=1e-14)
    assert found.floor == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"runs": 1}, "2 runs of 2 steps or more"),
        ({"after": 60}, "`after` below these"),
        ({"inject": 1e-6}, "belong to one orbit"),
        ({"digits": 30}, "belong to one orbit"),
        ({"order": "sorted"}, "unknown order 'sorted'"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(cf.CfdynError, match=words):
        compared(**options)


def test_rows_and_weights_must_fit():
    runs = cf.iterate_many(ROWS, GD, [9.0], 40, 1, 10, every=4)
    path = cf.solve(cf.flows.gradient(ROWS, GD), [9.0], 40)
    with pytest.raises(cf.CfdynError, match="no row at step 3, but at 0, 4, …"):
        cf.analysis.compare_runs(runs, [path], first=3)
    other = cf.solve(cf.flows.gradient(cf.Loss("x**2/2"), GD), [0.5], 40)
    with pytest.raises(cf.CfdynError, match="has other weights than the orbit: x"):
        cf.analysis.compare_runs(runs, [other])
    with pytest.raises(cf.CfdynError, match="a name for each path, 1 name, not"):
        cf.analysis.compare_runs(runs, [path], names=["a", "b"])


def test_figures_are_drawn():
    found = compared()
    assert len(cf.plot(found).axes) == 6
    assert len(cf.plot(cf.iterate_many(ROWS, GD, [9.0], 40, 1, 10)).axes) == 4


def test_a_model_that_cannot_start_is_left_out_with_its_reason():
    """At y = 21 > 2/η noise along x grows without bound; the gradient flow starts anywhere. Alone, it is an error."""
    valley, gd = cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02}), cf.optimizers.gd(lr=0.1)
    options = {"start": [0.0, 21.0], "steps": 30, "noise": [1e-4, 0.0], "runs": 4}
    found = cf.compare(valley, gd, ["stochastic", "gradient"], **options)
    assert [model.name for model in found.models] == ["gradient"]
    assert any(words.startswith("stochastic was omitted: the start is beyond mean-square stability") for words in found.warnings)
    with pytest.raises(cf.errors.NumericsError, match="stochastic was omitted: the start is beyond"):
        cf.compare(valley, gd, ["stochastic"], **options)
