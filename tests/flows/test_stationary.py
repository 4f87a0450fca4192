"""The stationary preconditioner against the conditions that say what it is, by a fit that shares nothing with its solver."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

LR, EPS = 0.1, 1e-8


def quadratic(hessian: np.ndarray, g: np.ndarray) -> SimpleNamespace:
    """A loss with that gradient and Hessian at 0."""
    return SimpleNamespace(
        dim=len(g), value=lambda w: g @ w + w @ hessian @ w / 2, gradient=lambda w: g + hessian @ w, hvp=lambda w, v: hessian @ v
    )


def sharp(d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A Hessian with few large eigenvalues, some negative ones, and a gradient of which many entries are tiny."""
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.standard_normal((d, d)))[0]
    return (basis * (np.geomspace(30, 1e-4, d) - 0.01)) @ basis.T, random.standard_normal(d) * 10.0 ** random.uniform(-7, -2, d)


@pytest.mark.parametrize(("d", "seed"), [(30, 0), (60, 1), (120, 2)])
def test_it_is_the_least_that_keeps_steps_stable(d, seed):
    """0 ⪯ Σ ⟂ 2P − H ⪰ 0 and (1 − ε/(ηP))² − g²/(ηP)² = 4Σ_dd/η², Σ fitted on the kernel of 2P − H."""
    hessian, g = sharp(d, seed)
    p = cf.stationary_preconditioner(quadratic(hessian, g), cf.optimizers.rmsprop(lr=LR, eps=EPS), np.zeros(d))
    values, vectors = np.linalg.eigh(2 * np.diag(p) - hessian)
    kernel = vectors[:, values < 1e-7 * values[-1]]
    i, j = np.triu_indices(kernel.shape[1])
    sides = (1 - EPS / (LR * p)) ** 2 - (g / (LR * p)) ** 2
    x = np.linalg.lstsq(kernel[:, i] * kernel[:, j], sides, rcond=None)[0]
    fitted = np.zeros((kernel.shape[1],) * 2)
    fitted[i, j] = x / 2
    fitted += fitted.T
    assert kernel.shape[1] >= 2 and values[0] > -1e-9 * values[-1]
    np.testing.assert_allclose(np.einsum("di,ij,dj->d", kernel, fitted, kernel), sides, atol=1e-4)
    assert np.linalg.eigvalsh(fitted)[0] > -1e-3 * np.trace(fitted)


def test_a_loss_without_a_formula_has_that_of_its_formula():
    loss, rmsprop, w = cf.losses.tanh_network(), cf.optimizers.rmsprop(lr=0.03), [0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7]
    plain = SimpleNamespace(dim=7, value=loss.value, gradient=loss.gradient, hvp=loss.hvp)
    np.testing.assert_allclose(cf.stationary_preconditioner(plain, rmsprop, w), cf.stationary_preconditioner(loss, rmsprop, w), rtol=1e-9)


def test_a_weight_that_the_loss_does_not_see_has_what_keeps_it_from_zero():
    blank = quadratic(np.diag([4.0, 0.0]), np.array([0.01, 0.0]))
    np.testing.assert_allclose(cf.stationary_preconditioner(blank, cf.optimizers.rmsprop(lr=LR, eps=EPS), np.zeros(2)), [2, EPS / LR])
    with pytest.raises(cf.CfdynError, match="no gradient and no curvature"):
        cf.stationary_preconditioner(blank, cf.optimizers.rmsprop(lr=LR, eps=0.0), np.zeros(2))
    with pytest.raises(cf.CfdynError, match="int has no dim"):
        cf.stationary_preconditioner(3, cf.optimizers.rmsprop(lr=LR), np.zeros(2))


LOSS, START = cf.losses.tanh_network(), [0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7]
PLAIN = SimpleNamespace(dim=7, value=LOSS.value, gradient=LOSS.gradient, hvp=LOSS.hvp, curvature_gradient=LOSS.curvature_gradient)


@pytest.mark.slow
def test_without_a_formula_it_comes_to_the_flow_of_the_formula_as_states_rest_faster():
    """What is left falls in proportion to the delay, 1/rest, of a step of the optimizer."""
    optimizer = cf.optimizers.scalar_rmsprop(lr=0.05, beta2=0.99)
    end = cf.solve(cf.flows.stationary(LOSS, optimizer), START, 20.0).w[-1]
    paths = [cf.solve(MatrixFreeFlow("stationary", "central", PLAIN, optimizer, rest=rest), START, 20.0, rtol=1e-4) for rest in (0.5, 2.0)]
    left = [float(np.linalg.norm(path.w[-1] - end)) for path in paths]
    assert 3 < left[0] / left[1] < 5
    assert left[1] < 0.1 * np.linalg.norm(end - START)


@pytest.mark.parametrize("optimizer", [
    cf.optimizers.rmsprop(lr=0.03, beta2=0.999), cf.optimizers.adam(lr=0.01, beta2=0.999), cf.optimizers.scalar_rmsprop(lr=0.05, beta2=0.99),
], ids=str)  # fmt: skip
def test_without_a_formula_weights_alone_start_with_states_at_rest(optimizer):
    """ν = g², and the powers of bias correction gone: its first step is that of the flow of the formula, and no start is moved."""
    flow, g = cf.flows.stationary(PLAIN, optimizer), LOSS.gradient(START)
    squares = [g @ g] if "scalar" in optimizer.name else [*g**2, 0.0]
    np.testing.assert_allclose(flow.state(START)[7:], squares[: flow.dim - 7], rtol=1e-9, atol=1e-15)
    path, formula = (cf.solve(made, START, 1.0, save_at=[0.0, 1.0]) for made in (flow, cf.flows.stationary(LOSS, optimizer)))
    assert np.linalg.norm(path.w[-1] - formula.w[-1]) < 0.2 * np.linalg.norm(formula.w[-1] - START) and path.notes == []


def test_without_a_formula_a_weight_that_the_loss_does_not_see_stays():
    """The only direction that is left for a guard, along which products are 0."""
    loss = cf.Loss("(1 - a*b)**2/2", "a b c")
    blank = SimpleNamespace(dim=3, value=loss.value, gradient=loss.gradient, hvp=loss.hvp, curvature_gradient=loss.curvature_gradient)
    paths = [cf.solve(cf.flows.stationary(made, cf.optimizers.rmsprop(lr=0.05, eps=1e-8)), [1.5, 0.4, 0.7], 10.0) for made in (blank, loss)]
    assert abs(paths[0].w[-1, 2] - 0.7) < 1e-12
    np.testing.assert_allclose(paths[0].w[-1], paths[1].w[-1], atol=0.05)


def test_without_a_formula_its_preconditioner_is_the_stationary_one():
    """P of the path beside P̄ of its weights, by Newton's method on a barrier; that of the central flow is another."""
    optimizer, off = cf.optimizers.rmsprop(lr=0.03, beta2=0.99), []
    for make in (cf.flows.stationary, cf.flows.central):
        path = cf.solve(make(PLAIN, optimizer), START, 20.0)
        p, rest = np.sqrt(path.z[-1, 7:]) / 0.03, cf.stationary_preconditioner(LOSS, optimizer, path.w[-1])
        off.append(float(np.linalg.norm(p - rest) / np.linalg.norm(rest)))
    assert off[0] < 0.03 < 0.2 < off[1]


def test_without_a_formula_other_parameters_make_the_same_flow_anew():
    flow = cf.flows.stationary(PLAIN, cf.optimizers.rmsprop(lr=0.03, beta2=0.99))
    slower, z = flow.at(beta2=0.9), np.concatenate([START, np.linspace(1e-4, 2e-4, 7)])
    np.testing.assert_allclose(slower.drift(z), flow.drift(z), rtol=1e-12)
    np.testing.assert_allclose(flow.drift(z)[7:], LOSS.gradient(START) ** 2 - z[7:], rtol=1e-12)
    with pytest.raises(cf.CfdynError, match="never comes to rest"):
        cf.flows.stationary(PLAIN, cf.optimizers.adagrad(lr=0.1))
