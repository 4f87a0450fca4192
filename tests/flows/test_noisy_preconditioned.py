"""The central flow of stochastic gradients with a preconditioner: exact moments on quadratic rows, and runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cfdyn as cf
from tests.flows.noisy_losses import TOY_START, toy
from tests.systems.second_moments import quadratic_rows

o = cf.optimizers
BETA = 0.6


def rows():
    random = np.random.default_rng(6)
    half = random.normal(size=(4, 2, 2)) * 0.35
    hessians = np.einsum("nij,nkj->nik", half, half) + 0.7 * np.eye(2)
    gradients = random.normal(size=(4, 2))
    return hessians, gradients - gradients.mean(axis=0)


CASES = {
    "rmsprop": (o.rmsprop(lr=0.5, beta2=0.9, eps=0.1), 0.0, lambda nu: (np.sqrt(nu) + 0.1) / 0.5),
    "adam": (o.adam(lr=0.5, beta1=BETA, beta2=0.9, eps=0.1, bias_correction=False), BETA, lambda nu: (np.sqrt(nu) + 0.1) / 0.5),
    "scalar": (o.scalar_rmsprop(lr=0.5, beta2=0.9), 0.0, lambda nu: np.sqrt(nu) / 0.5 * np.ones(2)),
}


@pytest.mark.parametrize("name", CASES)
def test_with_a_preconditioner_at_rest_moments_are_exact(name):
    """(w, m) with P fixed, rows drawn one by one: Σ of w; then E g² of a row's gradient over rows and that Σ, as dν/dt has it."""
    optimizer, beta, scale = CASES[name]
    hessians, gradients = rows()
    flow, nu = cf.flows.central(quadratic_rows(hessians, gradients), optimizer, batch=1), np.array([0.9, 0.4])
    nu = nu[:1] if name == "scalar" else nu
    inverse, one, state = np.diag(1 / scale(nu)), np.eye(2), np.concatenate([np.zeros(2), nu])
    assert flow.dim == len(state)
    steps = [np.block([[one - (1 - beta) * inverse @ h, -beta * inverse], [(1 - beta) * h, beta * one]]) for h in hessians]
    kicks = [np.concatenate([-(1 - beta) * inverse @ g, (1 - beta) * g]) for g in gradients]
    operator, source = np.mean([np.kron(x, x) for x in steps], axis=0), np.mean([np.kron(c, c) for c in kicks], axis=0)
    assert np.abs(np.linalg.eigvals(operator)).max() < 1
    sigma = np.linalg.solve(np.eye(16) - operator, source).reshape(4, 4)[:2, :2]
    seen = flow.observe(state[None])[0]
    np.testing.assert_allclose(seen[:4].reshape(2, 2), sigma, rtol=1e-9)
    assert seen[4] == pytest.approx(np.abs(np.linalg.eigvals(operator)).max(), rel=1e-8)
    squares = np.mean([np.diag(h @ sigma @ h) + g * g for h, g in zip(hessians, gradients, strict=True)], axis=0)
    squares = squares.sum(keepdims=True) if name == "scalar" else squares
    drift = flow.drift(state)
    np.testing.assert_allclose(drift[:2], 0, atol=1e-12)
    np.testing.assert_allclose(drift[2:], (1 - 0.9) / 0.9 * (squares - nu), rtol=1e-9)


def test_all_rows_without_replacement_are_the_flow_without_noise():
    plain, whole = (cf.flows.central(toy(), o.rmsprop(lr=0.02, eps=1e-3), **more) for more in ({}, {"batch": 12, "replace": False}))
    assert plain.title == whole.title and not whole.noisy


@pytest.mark.parametrize(
    "optimizer", [o.rmsprop(lr=0.02, eps=1e-3), o.scalar_rmsprop(lr=0.05), o.adam(lr=0.02, beta2=0.99, eps=1e-3)], ids=str
)
def test_large_batches_tend_to_the_flow_without_noise(optimizer):
    """Before the edge is met, as 1/b."""
    times = [20, 40]
    limit = cf.solve(cf.flows.central(toy(), optimizer), TOY_START, 40, save_at=times, rtol=1e-10, atol=1e-12)
    off = []
    for batch in (10**5, 10**6):
        path = cf.solve(cf.flows.central(toy(), optimizer, batch=batch), TOY_START, 40, save_at=times, rtol=1e-10, atol=1e-12)
        off.append(np.abs(path.z - limit.z).max())
    assert not limit.rank.any()
    assert off[1] < 1e-3 and off[0] / off[1] == pytest.approx(10, rel=0.05)


def test_noise_of_a_covariance_is_scaled_too():
    """AΣA + P⁻¹CP⁻¹ = Σ, A = 1 − P⁻¹H, and E g² = diag(HΣH + C), for correlated noise."""
    hessian, noise, nu = np.array([[1.0, 0.3], [0.3, 0.6]]), np.array([[0.5, 0.2], [0.2, 0.4]]), np.array([0.9, 0.4])
    loss = cf.Loss("x**2/2 + 3*x*y/10 + 3*y**2/10", "x y")
    flow = cf.flows.central(loss, o.rmsprop(lr=0.5, beta2=0.9, eps=0.1), noise=noise)
    inverse = np.diag(0.5 / (np.sqrt(nu) + 0.1))
    step = np.eye(2) - inverse @ hessian
    sigma = np.linalg.solve(np.eye(4) - np.kron(step, step), (inverse @ noise @ inverse).ravel()).reshape(2, 2)
    state = np.array([0.0, 0.0, *nu])
    np.testing.assert_allclose(flow.observe(state[None])[0, :4].reshape(2, 2), sigma, rtol=1e-10)
    squares = np.diag(hessian @ sigma @ hessian + noise)
    np.testing.assert_allclose(flow.drift(state)[2:], (squares - nu) / 9, rtol=1e-10)


def test_weights_alone_may_not_be_enough_to_start():
    """At a minimum the gradient on all rows, and the second moment of it, is 0, and P what is left of ε."""
    hessians, gradients = rows()
    flow = cf.flows.central(quadratic_rows(hessians, gradients), o.rmsprop(lr=0.5, beta2=0.9, eps=0.1), batch=1)
    with pytest.raises(cf.errors.NumericsError, match="give the optimizer's whole state, or start where"):
        cf.solve(flow, [0.0, 0.0], 1)
    assert cf.solve(flow, [0.0, 0.0, 0.9, 0.4], 1).status == "done"


def beside_runs(optimizer, batch, steps=2000, runs=150):
    """Distances to the mean of the runs over the last third, of the flow with noise, without, and the stable flow; λ₁ and L."""
    found = cf.compare(toy(), optimizer, ["stochastic", "central", "stable"], TOY_START, steps, batch=batch, runs=runs, after=300,
                       rtol=1e-6, atol=1e-9)  # fmt: skip
    models = {model.name: model for model in found.models}
    return {name: model.distance for name, model in models.items()}, models["stochastic"], found.floor


@pytest.mark.slow
def test_rmsprop_beside_runs():
    far, noisy, floor = beside_runs(o.rmsprop(lr=0.05, beta2=0.99, eps=1e-2), 2)
    assert far["stochastic"] < 0.02 * far["stable"] and far["stochastic"] < 0.1 * far["central"] and far["stochastic"] < 5 * floor
    assert noisy.sharpness_ratio == pytest.approx(1, abs=0.05) and noisy.loss_ratio == pytest.approx(1, abs=0.03)


def test_adagrad_beside_runs():
    """P only grows, so that the edge is never met: noise alone is what the stable flow lacks."""
    far, noisy, floor = beside_runs(o.adagrad(lr=0.5, eps=1e-2), 8, 1500, 100)
    assert far["stochastic"] < 0.05 * far["stable"] and far["stochastic"] < 0.05 * far["central"] and floor > 0
    assert noisy.sharpness_ratio == pytest.approx(1, abs=0.02) and noisy.loss_ratio == pytest.approx(1, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "batch"),
    list(itertools.product([o.adam(lr=0.02, beta2=0.99, eps=1e-3), o.adam(lr=0.02, beta1=0.5, beta2=0.99, eps=1e-3),
                       o.scalar_rmsprop(lr=0.05), o.nesterov(lr=0.05, momentum=0.7)], [2, 8])), ids=str,
)  # fmt: skip
def test_others_beside_runs(optimizer, batch):
    far, noisy, _ = beside_runs(optimizer, batch, 3000, 300)
    assert far["stochastic"] < 0.05 * far["stable"] and far["stochastic"] < 0.2 * far["central"]
    assert noisy.sharpness_ratio == pytest.approx(1, abs=0.05) and noisy.loss_ratio == pytest.approx(1, abs=0.03)
