"""Modified flows: orders of convergence, closed forms, momentum; and the Sobolev flow, whose extra term has the wrong sign."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf
from cfdyn.errors import UsageError

PRODUCT, START = "(1 - x*y)**2/2", [1.5, 0.3]
SKEW = "(1 - x*y)**2/2 + 0.3*x**3*y + exp(0.4*y)"


def orders(errors):
    return np.log2(np.array(errors[:-1]) / errors[1:])


def end(flow, start, steps):
    return cf.solve(flow, start, steps, rtol=1e-12, atol=1e-14).w[-1]


@pytest.mark.parametrize("order, exponent", [(1, 1), (2, 2), (3, 3)])
def test_orders_of_the_global_error(order, exponent):
    """F10: at the fixed time ηt = 1 the error of the gradient flow and of the modified flows is O(η^order)."""
    loss, errors = cf.Loss(PRODUCT), []
    for steps in (20, 40, 80, 160):
        gd = cf.optimizers.gd(lr=1 / steps)
        flow = cf.flows.gradient(loss, gd) if order == 1 else cf.flows.modified(loss, gd, order)
        errors.append(np.abs(end(flow, START, steps) - cf.iterate(cf.as_map(loss, gd), START, steps).w[-1]).max())
    np.testing.assert_allclose(orders(errors), exponent, atol=0.1)


@pytest.mark.parametrize("name", ["heavy_ball", "ema_momentum"])
@pytest.mark.parametrize("late", [True, False], ids=["after start-up", "from rest"])
def test_momentum_is_one_order_better_than_the_gradient_flow(name, late):
    """With the effective rate alone the error is O(h); with the correction O(h²), from the lagging start too."""
    loss, mu, errors, forgotten = cf.Loss(PRODUCT), 0.5, [], 30
    for steps in (1000, 2000, 4000):
        h = 1 / steps
        optimizer = getattr(cf.optimizers, name)(lr=h * (1 - mu) if name == "heavy_ball" else h, momentum=mu)
        orbit = cf.iterate(cf.as_map(loss, optimizer), START, steps + forgotten).w
        begin, lagging = (forgotten, orbit[forgotten]) if late else (0, START + h * mu / (1 - mu) * loss.gradient(START))
        effective = cf.flows.gradient(loss, cf.optimizers.gd(lr=h))
        found = (end(flow, lagging, steps) for flow in (effective, cf.flows.modified(loss, optimizer)))
        errors.append([np.abs(w - orbit[begin + steps]).max() for w in found])
    first, second = np.array(errors).T
    np.testing.assert_allclose(orders(first), 1, atol=0.1)
    np.testing.assert_allclose(orders(second), 2, atol=0.1)


@pytest.mark.parametrize("order", [2, 3])
def test_the_slope_in_terms_of_the_derivatives(order):
    loss, eta, w = cf.Loss(SKEW), 0.3, np.array([0.7, -0.4])
    g, h, third = loss.gradient(w), loss.hessian(w), loss.third(w)
    want = -eta * g - eta**2 / 2 * h @ g
    if order == 3:
        want -= eta**3 * (h @ h @ g / 3 + np.einsum("ijk,i,j->k", third, g, g) / 12)
    np.testing.assert_allclose(cf.flows.modified(loss, cf.optimizers.gd(lr=eta), order).drift(w), want, rtol=1e-13)


def test_order_two_is_a_gradient_flow_of_the_modified_loss():
    x, y = sp.symbols("x y")
    plain = sp.sympify(SKEW)
    squares = sum(plain.diff(v) ** 2 for v in (x, y))
    w = np.array([0.7, -0.4])
    for optimizer, h, factor in (
        (cf.optimizers.gd(lr=0.3), 0.3, 1.0),
        (cf.optimizers.heavy_ball(lr=0.1, momentum=0.8), 0.5, 9.0),
        (cf.optimizers.heavy_ball(lr=0.1, momentum=0.8, dampening=0.8), 0.1, 9.0),
        (cf.optimizers.ema_momentum(lr=0.1, momentum=0.8), 0.1, 9.0),
    ):
        slope = cf.Loss(plain + h / 4 * factor * squares, "x y").gradient(w)
        np.testing.assert_allclose(cf.flows.modified(cf.Loss(SKEW), optimizer).drift(w), -h * slope, rtol=1e-13)


def test_rates_on_a_quadratic_are_the_series_of_the_logarithm():
    for order in (2, 3):
        rate = cf.flows.modified(cf.Loss("2*w**2"), cf.optimizers.gd(lr=0.1), order).drift([1.0])[0]
        np.testing.assert_allclose(rate, -sum(0.4**k / k for k in range(1, order + 1)), rtol=1e-14)


@pytest.mark.parametrize("name", ["modified", "sobolev", "gaussian", "edge"])
def test_weight_decay_is_a_penalty(name):
    entry, penalty = cf.flows.get(name), f"{PRODUCT} + 0.05*(x**2 + y**2)"
    with_decay = entry(cf.Loss(PRODUCT), cf.optimizers.gd(lr=0.4, weight_decay=0.1))
    z = with_decay.state(START)
    np.testing.assert_allclose(z, entry(cf.Loss(penalty), cf.optimizers.gd(lr=0.4)).state(START), rtol=1e-13)
    np.testing.assert_allclose(with_decay.drift(z), entry(cf.Loss(penalty), cf.optimizers.gd(lr=0.4)).drift(z), rtol=1e-13)


@pytest.mark.parametrize("name", ["modified", "sobolev", "gaussian"])
def test_refusals(name):
    entry, loss = cf.flows.get(name), cf.Loss(PRODUCT)
    with pytest.raises(UsageError, match=f"flows.{name} is a model of .*gd.*, not of adam"):
        entry(loss, cf.optimizers.adam(lr=0.1))
    with pytest.raises(UsageError, match="leave out clip"):
        entry(loss, cf.optimizers.gd(lr=0.1, clip=1.0))
    with pytest.raises(UsageError, match="takes a cf.Loss"):
        entry(3.0, cf.optimizers.gd(lr=0.1))


@pytest.mark.parametrize("optimizer, order", [("gd", 1), ("gd", 4), ("gd", 2.5), ("heavy_ball", 3), ("ema_momentum", 3)])
def test_orders_that_there_are_not(optimizer, order):
    with pytest.raises(UsageError, match=f"(flows.modified of {optimizer} has the order .*|`order` is a whole number), not {order}"):
        cf.flows.modified(cf.Loss(PRODUCT), getattr(cf.optimizers, optimizer)(lr=0.1), order)


def test_the_sobolev_flow_climbs_the_trace_that_the_central_flow_descends():
    """On ½(1 − xy)², tr H = x² + y²: from one start, the gradient flow as the measure, S and tr H go to either side of it."""
    loss, gd = cf.Loss(PRODUCT), cf.optimizers.gd(lr=0.8)
    ends = {name: cf.solve(cf.flows.get(name)(loss, gd), START, 4, rtol=1e-10) for name in ("gradient", "central", "sobolev")}
    trace = {name: (path.w[-1] ** 2).sum() for name, path in ends.items()}
    assert trace["sobolev"] > trace["gradient"] + 1 > trace["central"] + 1
    assert ends["central"].sharpness[-1] < ends["gradient"].sharpness[-1] - 0.1
    minimum = np.array([2.0, 0.5])
    np.testing.assert_allclose(cf.flows.sobolev(loss, gd).drift(minimum) @ (2 * minimum), 0.8 * 4 * minimum @ minimum)


def test_the_sobolev_slope():
    loss, w = cf.Loss(SKEW), np.array([0.7, -0.4])
    want = -0.3 * (loss.gradient(w) - np.einsum("iik->k", loss.third(w)))
    np.testing.assert_allclose(cf.flows.sobolev(loss, cf.optimizers.gd(lr=0.3)).drift(w), want, rtol=1e-13)
