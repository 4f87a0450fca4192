"""Orders and error control on the edge: the projected flow itself, without its entry."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cfdyn as cf

LR = 0.8


def flow():
    return cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=LR))


def projected(t, w):
    """dw/dt = −η(I − ∇S∇Sᵀ/‖∇S‖²)g, with the eigenvalue of the 2×2 Hessian in closed form."""
    x, y = w
    g = (x * y - 1) * np.array([y, x])
    b = 2 * x * y - 1
    root = np.sqrt((x * x - y * y) ** 2 + 4 * b * b)
    rise = np.array([x + (x * (x * x - y * y) + 4 * b * y) / root, y + (-y * (x * x - y * y) + 4 * b * x) / root])
    return -LR * (g - rise * (rise @ g) / (rise @ rise))


@lru_cache
def on_edge():
    """A point with S = 2.5 and −g pointing outwards."""
    from scipy.optimize import brentq

    def excess(y, x=1.53):
        return (x * x + y * y + np.sqrt((x * x - y * y) ** 2 + 4 * (2 * x * y - 1) ** 2)) / 2 - 2 / LR

    return np.array([1.53, brentq(excess, 0.3, 0.65, xtol=1e-15)])


@lru_cache
def exact(*times):
    run = solve_ivp(projected, (0, times[-1]), on_edge(), "DOP853", t_eval=times, rtol=1e-13, atol=1e-15)
    return run.y.T


def errors(method, steps, end=4.0):
    """The error at the end with fixed steps."""
    found = []
    for n in steps:
        path = cf.solve(flow(), on_edge(), end, method=method, step=end / n, rtol=1e-12)
        assert path.status == "done" and path.stats["steps"] == n
        assert path.stats["constraint_violation"] < 1e-12, "every step ends on the edge"
        found.append(np.abs(path.w[-1] - exact(end)[-1]).max())
    return np.array(found)


@pytest.mark.parametrize(
    "method, order, steps", [("dop853", 8, (4, 6, 8, 12)), ("radau5", 5, (16, 24, 32)), ("rkc", 2, (32, 64, 128, 256))]
)
def test_order_on_the_edge(method, order, steps):
    e = errors(method, steps)
    observed = -np.diff(np.log(e)) / np.diff(np.log(steps))
    assert (e[1:] < e[:-1]).all()
    assert abs(np.polyfit(-np.log(steps), np.log(e), 1)[0] - order) < (1.5 if order == 8 else 0.6), (observed, e)
    assert order == 2 or observed.min() >= 4


@pytest.mark.parametrize("method, limit", [("dop853", 3e-10), ("radau5", 1e-9), ("rkc", 1e-8)])
def test_dense_output(method, limit):
    tolerance = 1e-8 if method == "rkc" else 1e-11
    path = cf.solve(flow(), on_edge(), 6, method=method, rtol=tolerance, atol=tolerance / 100)
    times = np.linspace(0, 6, 173)
    np.testing.assert_allclose(path(times), exact(*times), rtol=0, atol=limit * (100 if method == "rkc" else 1))
    np.testing.assert_allclose(path.w, exact(*path.t), rtol=0, atol=limit * (100 if method == "rkc" else 1))


def test_dense_output_follows_the_slopes():
    """The derivative of the interpolant at the rows is dz/dt."""
    path = cf.solve(flow(), on_edge(), 6, rtol=1e-11, atol=1e-13)
    for t, slope in zip(path.t[1:-1], path.slopes[1:-1], strict=True):
        h = 1e-4
        difference = (8 * (path(t + h) - path(t - h)) - path(t + 2 * h) + path(t - 2 * h)) / (12 * h)
        np.testing.assert_allclose(difference, slope, rtol=0, atol=1e-8)
    np.testing.assert_allclose(path.slopes, [projected(0, w) for w in path.w], rtol=0, atol=1e-10)


@pytest.mark.parametrize("method, most", [("dop853", 1e2), ("radau5", 1e2), ("rkc", 3e3), ("auto", 1e2)])
def test_the_error_is_proportional_to_the_tolerance(method, most):
    tolerances = 10.0 ** -np.arange(4, 8 if method == "rkc" else 11)
    found = []
    for tolerance in tolerances:
        path = cf.solve(flow(), [1.5, 0.3], 6, method=method, rtol=tolerance, atol=tolerance / 100, save_at=[6])
        found.append(np.abs(path.w[-1] - [1.4223486700723, 0.6961696323121]).max())
    assert (np.array(found) <= most * tolerances).all(), found
    slope = np.polyfit(np.log(tolerances), np.log(np.maximum(found, 1e-14)), 1)[0]
    assert 0.5 < slope < 1.6, (slope, found)


def test_tighter_tolerances_cost_no_more_than_the_order_says():
    """At order 8 a hundred times the accuracy takes 10^(2/8) ≈ 1.8 times the steps; events cost a few."""
    steps = [cf.solve(flow(), [1.5, 0.3], 20, rtol=tolerance, atol=tolerance, method="dop853").stats["steps"]
             for tolerance in (1e-7, 1e-9, 1e-11)]  # fmt: skip
    assert steps[1] <= 2.5 * steps[0] + 5 and steps[2] <= 2.5 * steps[1] + 5


def test_max_step():
    path = cf.solve(flow(), [1.5, 0.3], 3, max_step=0.05)
    assert path.sizes.max() <= 0.05 * (1 + 1e-12) and path.stats["steps"] >= 60
