"""Flows along manifolds of minima: closed forms, an independent integration, and the optimizers themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError

OPT = cf.optimizers
VALLEY = cf.Loss("(1 + y**2)*x**2/2")
# Two constraints on four weights: minima are a surface, across which H has two different eigenvalues.
TWO = "(a*b + 0.3*c - 1)**2/2 + (c*d + 0.2*a*d - 1)**2/2"
ROOTS = {"normalized_gd": (lambda loss: loss, OPT.normalized_gd), "sqrt_loss": (lambda text: f"sqrt({text})", OPT.gd)}


def flow_and_steps(name, text, lr):
    """The flow, and the map that it is the limit of."""
    root, optimizer = ROOTS[name]
    return getattr(cf.flows, name)(cf.Loss(text), optimizer(lr)), cf.as_map(cf.Loss(root(text)), optimizer(lr))


@pytest.mark.parametrize("lr", [0.1, 1e-3])
def test_closed_forms(lr):
    """Normalized: y' = −y/2(1 + y²), so log y + y²/2 = ½ − τ/2; on √L: y' = −y/4."""
    times = np.linspace(0, 2, 5)
    y = [brentq(lambda y, rest: np.log(y) + y**2 / 2 - rest, 0.1, 2, args=((1 - tau) / 2,)) for tau in times]
    path = cf.solve(cf.flows.normalized_gd(VALLEY, OPT.normalized_gd(lr)), [0.0, 1.0], 2 / lr**2, rtol=1e-11, save_at=times / lr**2)
    np.testing.assert_allclose(path.w[:, 1], y, rtol=1e-9)
    assert abs(path.w[2, 1] - 0.753089) < 5e-7 and not path.w[:, 0].any()
    path = cf.solve(cf.flows.sqrt_loss(VALLEY, OPT.gd(lr)), [0.0, 1.0], 2 / lr**2, rtol=1e-11, save_at=times / lr**2)
    np.testing.assert_allclose(path.w[:, 1], np.exp(-times / 4), rtol=1e-9)
    assert abs(path.w[2, 1] - 0.778801) < 5e-7 and path.names == ("x", "y", "rank") and (path.z[:, 2] == 1).all()


@pytest.mark.parametrize("start", [[0.7, 1.3], [-2.0, 0.4], [1e-6, 2.0]])
def test_the_start_is_where_the_gradient_flow_ends(start):
    """log y + y²/2 − x²/2 is conserved."""
    x, y = start
    goal = np.log(y) + y**2 / 2 - x**2 / 2
    end = brentq(lambda y: np.log(y) + y**2 / 2 - goal, 1e-8, 10)
    path = cf.solve(cf.flows.sqrt_loss(VALLEY, OPT.gd(0.1)), start, 0)
    np.testing.assert_allclose(path.w[0], [0, end], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", list(ROOTS))
def test_two_constraints_on_four_weights(name):
    loss, lr, tau = cf.Loss(TWO), 0.01, np.linspace(0, 1.5, 4)
    flow, _ = flow_and_steps(name, TWO, lr)
    path = cf.solve(flow, [1.2, 0.4, 0.7, 1.4], tau[-1] / lr**2, rtol=1e-10, atol=1e-12, save_at=tau / lr**2)
    assert (path.z[:, 4] == 2).all() and path.loss.max() < 1e-16

    def rate(_, w):
        values, vectors = np.linalg.eigh(loss.hessian(w))
        u = vectors[:, -1]
        rise = loss.curvature_gradient(w, u, u)
        along = vectors[:, :2] @ vectors[:, :2].T @ rise
        return -along / values[-1] / 4 if name == "normalized_gd" else -along / 8

    want = solve_ivp(rate, (0, tau[-1]), path.w[0], "DOP853", t_eval=tau, rtol=1e-11, atol=1e-13).y.T
    np.testing.assert_allclose(path.w, want, rtol=0, atol=1e-7)
    assert (np.diff(path.sharpness) < 0).all() and np.abs(path.w[-1] - path.w[0]).max() > 0.1


@pytest.mark.parametrize("name", list(ROOTS))
@pytest.mark.parametrize(("text", "start"), [("(1 + y**2)*x**2/2", [0.1, 1.0]), (TWO, [1.2, 0.4, 0.7, 1.4])], ids=["valley", "two"])
def test_the_optimizer_follows_its_flow_for_small_steps(name, text, start):
    far = []
    for lr in (0.02, 0.005):
        flow, step = flow_and_steps(name, text, lr)
        steps = round(1.5 / lr**2)
        orbit = cf.iterate(step, start, steps).w[-2:].mean(0)
        path = cf.solve(flow, start, steps, rtol=1e-9)
        far.append(np.abs(orbit - path.w[-1]).max())
        moved = np.abs(path.w[-1] - path.w[0]).max()
    assert far[1] < 0.02 * moved and far[1] < 0.5 * far[0], (far, moved)


def test_an_error_off_the_manifold_is_taken_back():
    flow = cf.flows.sqrt_loss(VALLEY, OPT.gd(0.1))
    path = cf.solve(flow, [0.01, 1.0, 1.0], 1500, rtol=1e-10)
    assert abs(path.w[-1, 0]) < 1e-7 and abs(path.w[-1, 1] - np.exp(-15 / 4)) < 1e-3


@pytest.mark.parametrize(("text", "start", "sentence"), [
    ("x**2 + y**2", [1.0, 1.0], "no point of a manifold of minima.*full rank"),
    ("x**2*(2 + y) + y**4", [0.0, 0.0], "no point of a manifold of minima.*leave the set of minima"),
    ("exp(-x)*(1 + y**2)", [1.0, 1.0], "does not end at a minimum"),
    ("x**2 - y**2", [1.0, 1.0], "diverges or cannot be integrated"),
    ("x**2*(2 + y) + 1", [1.0, 1.0], "loss is 1 on the manifold.*subtract"),
])  # fmt: skip
def test_starts_without_a_manifold(text, start, sentence):
    with pytest.raises(NumericsError, match=sentence):
        cf.solve(cf.flows.sqrt_loss(cf.Loss(text), OPT.gd(0.1)), start, 1)


def test_what_they_are_models_of():
    with pytest.raises(UsageError, match="model of `cf.optimizers.normalized_gd.*not of gd"):
        cf.flows.normalized_gd(VALLEY, OPT.gd(0.1))
    with pytest.raises(UsageError, match="leave out weight_decay"):
        cf.flows.sqrt_loss(VALLEY, OPT.gd(0.1, weight_decay=0.1))
    # Steps of gradient descent on L itself are not what it follows.
    assert cf.flows.sqrt_loss(VALLEY, OPT.gd(0.1)).optimizer is None
    assert cf.flows.normalized_gd(VALLEY, OPT.normalized_gd(0.1)).optimizer.name == "normalized_gd"
