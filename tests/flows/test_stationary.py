"""The stationary preconditioner against the conditions that say what it is, by a fit that shares nothing with its solver."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf

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
