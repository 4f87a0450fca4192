"""The central flow of batches with momentum, of a loss that is no formula: exact moments, closed forms, the dense flow, runs."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError
from cfdyn.integrate.large import large_run
from tests.flows.noisy_losses import TOY_START, toy
from tests.flows.test_noisy import doubled
from tests.integrate.test_large_noisy import ByRow, Valley
from tests.systems.second_moments import quadratic_rows

o = cf.optimizers


def rows():
    """Hessians and gradients of four rows of two weights, whose mean rests at 0."""
    random = np.random.default_rng(6)
    half = random.normal(size=(4, 2, 2)) * 0.35
    gradients = random.normal(size=(4, 2))
    return np.einsum("nij,nkj->nik", half, half) + 0.7 * np.eye(2), gradients - gradients.mean(axis=0)


def covariance(run):
    u, x = run.covariance_factors
    return u.T @ x @ u


@pytest.mark.parametrize("optimizer", [
    o.heavy_ball(lr=0.5, momentum=0.6), o.heavy_ball(lr=0.4, momentum=-0.4), o.heavy_ball(lr=0.5, momentum=0.5, dampening=0.3),
    o.ema_momentum(lr=1.2, momentum=0.7), o.nesterov(lr=0.4, momentum=0.6),
], ids=str)  # fmt: skip
def test_on_quadratic_rows_it_is_exact(optimizer):
    """Second moments of (w, v), rows drawn one by one, as one linear system of 16 entries."""
    operator, source = doubled(*rows(), optimizer)
    wanted = np.linalg.solve(np.eye(16) - operator, source.ravel()).reshape(4, 4)[:2, :2]
    run = large_run(cf.flows.central(ByRow(quadratic_rows(*rows())), optimizer, batch=1), [0.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(covariance(run), wanted, rtol=1e-8)


def test_of_an_optimizer_of_ones_own_with_two_buffers():
    """An average of an average of gradients: moments of (w, m, n) by a linear system of 36 entries."""
    b, lr = 0.2, 1.2
    mean = o.ema_momentum(lr=lr, momentum=b)
    cascade = cf.Optimizer.from_text(
        {"w": "w - lr*n1", "m": "m1", "n": "n1"}, {"lr": lr, "b": b}, define={"m1": "b*m + (1 - b)*g", "n1": "b*n + (1 - b)*m1"}, name="own"
    )
    push = np.array([-lr * (1 - b) ** 2, 1 - b, (1 - b) ** 2])
    still = np.array([[1, -lr * b * (1 - b), -lr * b], [0, b, 0], [0, b * (1 - b), b]])
    hessians, gradients = rows()
    steps = [np.kron(still, np.eye(2)) + np.kron(np.outer(push, [1, 0, 0]), h) for h in hessians]
    kicks = [np.kron(push, g) for g in gradients]
    operator, source = np.mean([np.kron(x, x) for x in steps], axis=0), np.mean([np.kron(c, c) for c in kicks], axis=0)
    wanted = np.linalg.solve(np.eye(36) - operator, source).reshape(6, 6)[:2, :2]
    found = [covariance(large_run(cf.flows.central(ByRow(quadratic_rows(*rows())), one, batch=1), [0.0, 0.0])) for one in (cascade, mean)]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-8)
    assert np.abs(found[1] / wanted - 1).max() > 0.01


@pytest.mark.parametrize(("lr", "beta"), [(0.1, 0.5), (0.05, 0.9)])
def test_noise_keeps_a_valley_below_the_edge_by_the_closed_form(lr, beta):
    """At rest Σ = ησ²(1 + β)/((1 − β) y (2(1 + β) − ηy)) of heavy ball is 2a = 0.04, with σ = 1."""
    theta = 2 * (1 + beta)
    squares = lr * (1 + beta) / (0.04 * (1 - beta))  # y(θ − ηy)
    wanted = (theta + (theta**2 - 4 * lr * squares) ** 0.5) / (2 * lr)
    path = cf.solve(cf.flows.central(Valley(), o.heavy_ball(lr=lr, momentum=beta), batch=1), [0.0, 0.97 * wanted], 20_000, rtol=1e-5)
    assert path.status == "done" and lr * wanted < 0.99 * theta
    np.testing.assert_allclose(path.sharpness[-1], wanted, rtol=1e-5)
    np.testing.assert_allclose(path.variances[-1, 0], 0.04, rtol=1e-4)


def test_without_momentum_it_is_the_flow_of_descent():
    paths = [cf.solve(cf.flows.central(ByRow(toy()), one, batch=2), TOY_START, 60) for one in (o.gd(lr=0.1), o.heavy_ball(lr=0.1, momentum=0.0))]
    for name in ("w", "variances", "sharpness"):
        np.testing.assert_allclose(getattr(paths[1], name), getattr(paths[0], name), rtol=1e-9, atol=1e-12)


def test_decay_in_the_step_is_a_penalty():
    """w ← w − η(g + dw) by its formula, all of whose modes count in full."""
    own = cf.Optimizer.from_text({"w": "w - lr*(g + d*w)"}, {"lr": 0.5, "d": 0.2}, name="gd")
    loss, start = ByRow(quadratic_rows(*rows())), [0.3, -0.2]
    paths = [cf.solve(cf.flows.central(loss, one, batch=1), start, 5, save_at=[0, 5], rtol=1e-6) for one in (own, o.gd(lr=0.5, weight_decay=0.2))]
    np.testing.assert_allclose(paths[0].w, paths[1].w, rtol=0, atol=1e-6)
    np.testing.assert_allclose(paths[0].variances.sum(axis=1), paths[1].variances.sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("optimizer", [
    o.heavy_ball(lr=0.06, momentum=0.7), pytest.param(o.nesterov(lr=0.06, momentum=0.7), marks=pytest.mark.slow),
    pytest.param(o.ema_momentum(lr=0.3, momentum=0.8), marks=pytest.mark.slow),
], ids=str)  # fmt: skip
def test_it_agrees_with_the_dense_flow_to_tolerance(optimizer):
    """Which has R in closed form and Σ by Cholesky's factor of all pairs."""
    times = np.arange(0, 121, 40.0)
    dense = cf.solve(cf.flows.central(toy(), optimizer, batch=2, cut=0.1), TOY_START, 120, save_at=times, rtol=1e-9)
    errors = []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(cf.flows.central(ByRow(toy()), optimizer, batch=2), TOY_START, 120, save_at=times, rtol=rtol)
        errors.append(np.abs(path.w - dense.w).max())
        np.testing.assert_allclose(path.sharpness, dense.sharpness, rtol=30 * rtol)
        np.testing.assert_allclose(path.predicted_loss, dense.predicted_loss, rtol=100 * rtol)
    assert errors[0] < 0.02 and errors[1] < errors[0] / 10


@pytest.mark.parametrize("optimizer", [
    o.heavy_ball(lr=1.2, momentum=0.5), o.nesterov(lr=0.4, momentum=0.7), o.ema_momentum(lr=4.0, momentum=0.7),
    o.rmsprop(lr=0.3, eps=0.3), o.adam(lr=0.9, beta1=0.5, beta2=0.99, eps=0.3, bias_correction=False),
], ids=str)  # fmt: skip
def test_where_the_edge_holds_it_the_damping_is_that_of_the_dense_flow(optimizer):
    """Which has κ, how fast the multiplier moves with ηλ, in closed form; with a preconditioner, too."""
    dense = cf.solve(cf.flows.central(toy(), optimizer, batch=200, cut=0.05), TOY_START, 400, save_at=[400])
    run = large_run(cf.flows.central(ByRow(toy()), optimizer, batch=200, cut=0.05), dense.z[0])
    assert dense.damping[0] < 1 and "edge-held" in run.summary[0]
    np.testing.assert_allclose(run.damping, dense.damping[0], rtol=1e-5 if "eps" in optimizer.params else 1e-6)


@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_beyond_half_the_edge_of_quadratic_rows_it_is_exact_and_nothing_swings(beta):
    """Three of four rows, drawn once each, at 0.55 of the edge: moments of (w, v) by a linear system; a curvature that is the same at all
    weights leaves no ∇S for a swing."""
    hessians, gradients = rows()
    batches = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    optimizer = o.heavy_ball(lr=0.55 * 2 * (1 + beta) / np.linalg.eigvalsh(hessians.mean(axis=0))[-1], momentum=beta)
    operator, source = doubled(hessians[batches].mean(axis=1), gradients[batches].mean(axis=1), optimizer)
    wanted = np.linalg.solve(np.eye(16) - operator, source.ravel()).reshape(4, 4)[:2, :2]
    run = large_run(cf.flows.central(ByRow(quadratic_rows(hessians, gradients)), optimizer, batch=3, replace=False), [0.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(covariance(run), wanted, rtol=1e-7)
    assert run.damping == np.inf and run.summary == ["not edge-held: λ₁(P⁻¹H) ≤ θ/2, or λ₁ is the same at all weights, at all steps"]


@pytest.mark.parametrize("optimizer", [o.heavy_ball(lr=3.0, momentum=0.2), o.nesterov(lr=2.5, momentum=0.3)], ids=str)
def test_beyond_mean_square_stability(optimizer):
    assert np.abs(np.linalg.eigvals(doubled(*rows(), optimizer)[0])).max() > 1
    with pytest.raises(NumericsError, match="beyond mean-square stability"):
        large_run(cf.flows.central(ByRow(quadratic_rows(*rows())), optimizer, batch=1), [0.0, 0.0])
