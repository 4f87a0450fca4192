"""The Gaussian closure: its moments by quadrature, and what it gets wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

QUARTIC = "x**4/3 - x**3*y/2 + x*y**2 + 0.7*x**2*y**2 - y**3/6 + 0.2*y**4 + x*y - x**2 + y"
CUBIC = "x**3/3 - x**2*y/2 + x*y**2 + x*y - x**2 + y"
small = st.floats(-2, 2, allow_nan=False)


def expectations(loss, mean, sigma, nodes=6):
    """E g and E H of N(mean, Σ) by Gauss–Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2) @ np.linalg.cholesky(sigma).T + mean
    share = np.outer(weights, weights).ravel() / weights.sum() ** 2
    return sum(s * loss.gradient(w) for s, w in zip(share, grid)), sum(s * loss.hessian(w) for s, w in zip(share, grid))


@pytest.mark.parametrize("text", [QUARTIC, CUBIC])
def test_moments_by_quadrature(text):
    """Up to degree 4 smoothing to second order is exact: dm/dt = −η E g, dΣ/dt = BΣB − Σ with B = 1 − η E H."""
    loss, eta, mean = cf.Loss(text), 0.3, np.array([0.4, -0.7])
    sigma = np.array([[0.5, 0.2], [0.2, 0.3]])
    gradient, curvature = expectations(loss, mean, sigma)
    step = np.eye(2) - eta * curvature
    want = np.concatenate([-eta * gradient, (step @ sigma @ step - sigma)[np.triu_indices(2)]])
    flow = cf.flows.gaussian(loss, cf.optimizers.gd(lr=eta))
    np.testing.assert_allclose(flow.drift([*mean, 0.5, 0.2, 0.3]), want, rtol=1e-12)


def test_it_starts_from_the_midpoint_of_the_first_step():
    loss, gd = cf.Loss(QUARTIC), cf.optimizers.gd(lr=0.2)
    first, second = cf.iterate(cf.as_map(loss, gd), [0.3, 0.1], 1).w
    flow, half = cf.flows.gaussian(loss, gd), (second - first) / 2
    z = flow.state([0.3, 0.1])
    np.testing.assert_allclose(z, [*(first + half), half[0] ** 2, half[0] * half[1], half[1] ** 2], rtol=1e-12)
    path = cf.solve(flow, [0.3, 0.1], 0)
    np.testing.assert_allclose(path.covariance[0], np.outer(half, half), rtol=1e-12)
    assert flow.names == ("x", "y", "cov_x_x", "cov_x_y", "cov_y_y") and path.rank[0] == 1


@pytest.mark.parametrize("S", [2.2, 2.6, 2.9])
def test_a_third_of_the_variance_of_gradient_descent(S):
    """Σ* = (S − 2/η)/(3Q) on Sw²/2 − Qw⁴/4, where the 2-cycle of gradient descent has w² = (S − 2/η)/Q."""
    loss, gd = cf.losses.quartic(S=S, Q=0.8), cf.optimizers.gd(lr=1.0)
    path = cf.solve(cf.flows.gaussian(loss, gd), [0.1], 400, rtol=1e-10)
    np.testing.assert_allclose(path.covariance[-1, 0, 0], (S - 2) / 2.4, rtol=1e-7)
    orbit = cf.iterate(cf.as_map(loss, gd), [0.1], 400)
    np.testing.assert_allclose(orbit.w[-1, 0] ** 2, 3 * path.covariance[-1, 0, 0], rtol=1e-7)


@settings(max_examples=40, deadline=None)
@given(st.tuples(small, small), st.tuples(small, small))
def test_covariances_stay_positive(mean, u):
    """In the direction v where Σ = uuᵀ vanishes, vᵀ(dΣ/dt)v is a square."""
    a, b, c = cf.flows.gaussian(cf.Loss(QUARTIC), cf.optimizers.gd(lr=0.3)).drift(
        [*mean, u[0] * u[0], u[0] * u[1], u[1] * u[1]])[2:]  # fmt: skip
    v = np.array([-u[1], u[0]])
    assert v @ np.array([[a, b], [b, c]]) @ v >= -1e-12 * max(1.0, abs(a), abs(b), abs(c))


def test_it_says_that_it_is_a_guess():
    flow = cf.flows.gaussian(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.1))
    assert "a guess" in flow.title and "guess" in cf.flows.gaussian.__doc__
