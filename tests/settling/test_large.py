"""Verdicts on losses that are no formulas: those of the same loss as a formula; no matrix of d × d numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from tests.continuation.many_weights import Chain, modes

WELL, SOFTMAX = cf.losses.double_well(), cf.losses.softmax_regression()


def by_gradients(loss):
    return SimpleNamespace(dim=loss.dim, value=loss.value, gradient=loss.gradient, hvp=loss.hvp)


@pytest.mark.parametrize(
    ("lr", "kind", "period"),
    [
        (0.5, "fixed point", 1),
        (1.1, "cycle", 2),
        (1.25, "cycle", 4),
        (1.29, "cycle", 8),
        (1.5, "chaotic", None),
        (2.5, "divergent", None),
    ],
)
def test_the_double_well(lr, kind, period):
    step = cf.as_map(by_gradients(WELL), cf.optimizers.gd(lr=lr))
    found = cf.analysis.classify(step, [0.3], budget=2000)
    same = cf.analysis.classify(cf.as_map(WELL, cf.optimizers.gd(lr=lr)), [0.3])
    assert (found.kind, found.period) == (same.kind, same.period) == (kind, period)
    if period:
        np.testing.assert_allclose(found.multipliers, same.multipliers, atol=1e-9)
        assert found.residual < 1e-12 and found.points.shape == (period, 1)


@pytest.mark.parametrize(
    "optimizer", [cf.optimizers.gd(lr=5.0), cf.optimizers.gd(lr=9.0), cf.optimizers.heavy_ball(lr=5.0, momentum=0.5)]
)
def test_weights_that_change_nothing(optimizer):
    """Three multipliers are exactly 1, of one vector that is added to all classes."""
    start = np.linspace(-1, 1, 9)
    found, same = (cf.analysis.classify(cf.as_map(loss, optimizer), start) for loss in (by_gradients(SOFTMAX), SOFTMAX))
    assert (found.kind, found.period) == (same.kind, same.period)
    np.testing.assert_allclose(np.abs(found.multipliers[:4]), np.abs(same.multipliers[:4]), atol=1e-8)


def test_an_adaptive_step_at_rest_is_not_called_chaotic():
    """The gradient is exactly 0 and ν goes to 0, so that tangents grow by any factor while nothing moves."""
    valley = cf.Loss("(1 - x*y)**2/2 + (x-y)**2/20")
    found = cf.analysis.classify(cf.as_map(by_gradients(valley), cf.optimizers.adam(lr=0.05)), [1.3, 0.8], budget=6000)
    assert found.kind == "undecided" and "the weights are at rest because of round-off" in found.reason


def test_what_is_not_settled():
    step = cf.as_map(Chain("quartic", 70), cf.optimizers.gd(lr=1e-4))
    slow = cf.analysis.classify(step, np.full(70, 0.9), budget=2000)
    assert slow.kind == "undecided" and "budget" in slow.reason and np.isnan(slow.residual)


def test_many_weights_end_on_a_cycle():
    """All weights alike: the 2-cycle of one, with multipliers mode by mode, (1 − η(3x² − 1 + s))(1 − η(3y² − 1 + s))."""
    n, lr, c = 300, 1.05, -0.01
    start = np.ones(n) + 0.1 + 1e-3 * np.random.default_rng(0).normal(size=n)
    found = cf.analysis.classify(cf.as_map(Chain("double", n, c), cf.optimizers.gd(lr=lr)), start, budget=4000)
    assert (found.kind, found.period) == ("cycle", 2) and found.residual < 1e-12
    x, y = found.points[:, 0]
    np.testing.assert_allclose(found.points, np.outer([x, y], np.ones(n)), atol=1e-9)
    expected = [(1 - lr * (3 * x**2 - 1 + s)) * (1 - lr * (3 * y**2 - 1 + s)) for s in modes(n, c)]
    np.testing.assert_allclose(np.sort(np.abs(found.multipliers))[-2:], np.sort(np.abs(expected))[-2:], atol=1e-7)


def test_exponents_by_products():
    for optimizer in (cf.optimizers.gd(lr=9.0), cf.optimizers.heavy_ball(lr=5.0, momentum=0.5)):
        one, other = (
            cf.analysis.lyapunov_spectrum(cf.as_map(loss, optimizer), np.linspace(-1, 1, 9), 1000)
            for loss in (SOFTMAX, by_gradients(SOFTMAX))
        )
        np.testing.assert_allclose(other.exponents, one.exponents, atol=1e-5)
        np.testing.assert_allclose(other.total, one.total, rtol=1e-9)


@pytest.mark.parametrize("make", [by_gradients, lambda loss: loss])
def test_leading_exponents(make):
    step = cf.as_map(make(SOFTMAX), cf.optimizers.gd(lr=12.0))
    whole, two = (cf.analysis.lyapunov_spectrum(step, np.linspace(-1, 1, 9), 600, leading=k) for k in (None, 2))
    assert two.exponents.shape == two.errors.shape == (2,)
    assert two.exponents[0] == pytest.approx(whole.exponents[0], rel=1e-9)
    assert np.isfinite(whole.dimension) and np.isnan(two.dimension)
    assert cf.analysis.lyapunov(step, np.linspace(-1, 1, 9), 600, leading=2) == pytest.approx(two.exponents)


def test_exponents_that_there_are_none_of():
    step = cf.as_map(by_gradients(WELL), cf.optimizers.gd(lr=2.5))
    with pytest.raises(NumericsError, match="diverged"):
        cf.analysis.lyapunov(step, [0.3], 100)
    with pytest.raises(UsageError, match="leading"):
        cf.analysis.lyapunov(step.at(lr=0.5), [0.3], 100, leading=2)
    with pytest.raises(UsageError, match="leading"):
        cf.analysis.lyapunov(cf.as_map(Chain("quartic", 301), cf.optimizers.gd(lr=0.5)), np.zeros(301), 100)
