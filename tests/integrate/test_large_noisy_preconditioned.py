"""The central flow of batches with a preconditioner, of a loss that is no formula: exact moments, the dense flow, a network."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large import large_run
from tests.flows.noisy_losses import TOY_START, toy
from tests.flows.test_noisy_preconditioned import CASES, rows
from tests.integrate.test_large_noisy import ByRow, Valley, Warm
from tests.systems.second_moments import quadratic_rows

o = cf.optimizers
ADAM = o.adam(lr=0.02, beta2=0.99, eps=1e-3)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_with_a_preconditioner_at_rest_moments_are_exact(name, decay):
    """(w, m) with P fixed, rows drawn one by one, as a linear system of 16 entries; then E g² over rows and that Σ, as dν/dt has it."""
    optimizer, beta, scale = CASES[name]
    if decay:
        optimizer = getattr(o, optimizer.name)(**optimizer.params, weight_decay=decay, **({"bias_correction": False} if beta else {}))
    hessians, gradients = rows()
    nu = np.array([0.9, 0.4])[: 1 if name == "scalar" else 2]
    flow = cf.flows.central(ByRow(quadratic_rows(hessians, gradients)), optimizer, batch=1)
    run = large_run(flow, np.concatenate([[0.0, 0.0], nu]), rtol=1e-6)
    hessians = hessians + decay * np.eye(2)
    inverse, one = np.diag(1 / scale(nu)), np.eye(2)
    steps = [np.block([[one - (1 - beta) * inverse @ h, -beta * inverse], [(1 - beta) * h, beta * one]]) for h in hessians]
    kicks = [np.concatenate([-(1 - beta) * inverse @ g, (1 - beta) * g]) for g in gradients]
    operator, source = np.mean([np.kron(x, x) for x in steps], axis=0), np.mean([np.kron(c, c) for c in kicks], axis=0)
    sigma = np.linalg.solve(np.eye(16) - operator, source).reshape(4, 4)[:2, :2]
    u, x = run.covariance_factors
    np.testing.assert_allclose(u.T @ x @ u, sigma, rtol=1e-8)
    squares = np.mean([np.diag(h @ sigma @ h) + g * g for h, g in zip(hessians, gradients, strict=True)], axis=0)
    squares = squares.sum(keepdims=True) if name == "scalar" else squares
    run.advance(1e-6)
    np.testing.assert_allclose((run.z[2:] - nu) / 1e-6, (1 - 0.9) / 0.9 * (squares - nu), rtol=1e-5)


def test_decay_beside_the_preconditioner_is_a_part_of_the_recursion():
    """Of AdamW: w⁺ = (1 − ηd)w − P⁻¹m⁺, P fixed."""
    lr, beta, decay, nu = 0.5, 0.6, 0.3, np.array([0.9, 0.4])
    optimizer = o.adamw(lr=lr, beta1=beta, beta2=0.9, eps=0.1, weight_decay=decay, bias_correction=False)
    hessians, gradients = rows()
    run = large_run(cf.flows.central(ByRow(quadratic_rows(hessians, gradients)), optimizer, batch=1), np.array([0.0, 0.0, *nu]))
    inverse, one = np.diag(lr / (np.sqrt(nu) + 0.1)), np.eye(2)
    steps = [np.block([[(1 - lr * decay) * one - (1 - beta) * inverse @ h, -beta * inverse], [(1 - beta) * h, beta * one]]) for h in hessians]
    kicks = [np.concatenate([-(1 - beta) * inverse @ g, (1 - beta) * g]) for g in gradients]
    operator, source = np.mean([np.kron(x, x) for x in steps], axis=0), np.mean([np.kron(c, c) for c in kicks], axis=0)
    u, x = run.covariance_factors
    np.testing.assert_allclose(u.T @ x @ u, np.linalg.solve(np.eye(16) - operator, source).reshape(4, 4)[:2, :2], rtol=1e-8)


@pytest.mark.parametrize("optimizer", [
    ADAM, o.scalar_rmsprop(lr=0.05), pytest.param(o.rmsprop(lr=0.02, eps=1e-3), marks=pytest.mark.slow),
    pytest.param(o.adagrad(lr=0.1, eps=1e-3), marks=pytest.mark.slow),
], ids=str)  # fmt: skip
def test_it_agrees_with_the_dense_flow_to_tolerance(optimizer):
    """From the optimizer's own state after 100 steps on batches; P too."""
    times = np.arange(0, 121, 40.0)
    flow, errors = cf.flows.central(Warm(), optimizer, batch=2, cut=0.02), []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(flow, TOY_START, 120, save_at=times, rtol=rtol, warm=100)
        dense = cf.solve(cf.flows.central(toy(), optimizer, batch=2, cut=0.02), path.z[0], 120, save_at=times, rtol=1e-9)
        off, size = path.z - dense.z, [np.linalg.norm(part, axis=1) for part in (dense.z[:, :6], dense.z[:, 6:])]
        errors.append(max(np.max(np.linalg.norm(part, axis=1) / own) for part, own in zip((off[:, :6], off[:, 6:]), size, strict=True)))
        np.testing.assert_allclose(path.predicted_loss, dense.predicted_loss, rtol=100 * rtol)
        np.testing.assert_allclose(path.edge * path.theta / 2, dense.edge * dense.theta / 2, rtol=30 * rtol)
    assert errors[0] < 0.005 and errors[1] < errors[0] / 10 and path.rank.min() > 0
    assert np.linalg.norm(path.z[-1, 6:12]) > 1.04 * np.linalg.norm(path.z[0, 6:12])


def test_it_refuses_in_a_sentence():
    with pytest.raises(UsageError, match="batches are of rows of data, and Valley has no row_squares"):
        cf.flows.central(Valley(), ADAM, batch=1)
    with pytest.raises(UsageError, match="of nadam the momentum moves, too"):
        cf.flows.central(Warm(), o.nadam(lr=0.02), batch=1)

    class Wide(Warm):
        def row_squares(self, w, u):
            return np.zeros((12, 6)), np.zeros(6)

    class Blank(Warm):
        def row_squares(self, w, u):
            return np.full(6, np.nan), np.zeros(6)

    with pytest.raises(NumericsError, match="the start: the squares of single rows' gradients or Hessians are not finite$"):
        cf.solve(cf.flows.central(Blank(), ADAM, batch=2), TOY_START, 1, warm=100)
    with pytest.raises(UsageError, match=r"row_squares of 6 weights gives the shapes \(12, 6\) and \(6,\)"):
        cf.solve(cf.flows.central(Wide(), ADAM, batch=2), TOY_START, 1, warm=100)
