"""Central flows of adaptive optimizers: closed forms at the edge, preconditioners, options, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

LOSS = "(1 - x*y)**2/2 + 0.2*(z - x*y)**2 + 0.05*x*z**2"
LR, BETA2 = 0.1, 0.9
KAPPA = (1 - BETA2) / BETA2


def loss():
    return cf.Loss(LOSS, "x y z")


def path_of(optimizer, start, t, **options):
    return cf.solve(cf.flows.central(loss(), optimizer), start, t, rtol=1e-11, atol=1e-13, **options)


def top(h):
    values, vectors = np.linalg.eigh(h)
    return values[-1], vectors[:, -1]


@pytest.fixture(scope="module")
def scalar():
    return path_of(cf.optimizers.scalar_rmsprop(lr=LR, beta2=BETA2), [1.8, 0.2, 0.3, 0.6], 60)


@pytest.fixture(scope="module")
def elementwise():
    return path_of(cf.optimizers.rmsprop(lr=0.05, beta2=BETA2, eps=1e-3), [1.8, 0.2, 0.3, 0.3, 0.4, 0.15], 70)


def test_variance_of_scalar_rmsprop(scalar):
    """σ² = max(0, [−⟨g,∇S⟩ + κ(S²/4 − ‖g‖²/η²)] / [½‖∇S‖² + κS²/η²]) and dν/dt = κ(‖g‖² + σ²S² − ν)."""
    ours, held = loss(), scalar.rank == 1
    assert held.sum() > 10 and (~held).sum() > 10
    for row in range(len(scalar.t)):
        w, nu, slope = scalar.w[row], scalar.z[row, 3], scalar.slopes[row]
        g, (s, u) = ours.gradient(w), top(ours.hessian(w))
        rise = ours.curvature_gradient(w, u, u)
        variance = (-g @ rise + KAPPA * (s**2 / 4 - g @ g / LR**2)) / (rise @ rise / 2 + KAPPA * s**2 / LR**2)
        variance = max(0.0, variance) if held[row] else 0.0
        np.testing.assert_allclose(scalar.covariance[row], variance * np.outer(u, u), rtol=0, atol=1e-12)
        np.testing.assert_allclose(slope[3], KAPPA * (g @ g + variance * s**2 - nu), rtol=0, atol=1e-12)
        np.testing.assert_allclose(slope[:3], -LR / np.sqrt(nu) * (g + variance * rise / 2), rtol=0, atol=1e-11)
        np.testing.assert_allclose(scalar.edge[row], LR * s / np.sqrt(nu), rtol=1e-12)
    np.testing.assert_allclose(scalar.edge[held], 2, rtol=1e-12)


def test_at_the_edge_the_step_of_scalar_rmsprop_is_two_over_s(scalar):
    held = scalar.rank == 1
    np.testing.assert_allclose(LR / np.sqrt(scalar.z[held, 3]), 2 / scalar.sharpness[held], rtol=1e-12)


def test_second_moments_of_rmsprop(elementwise):
    """dν/dt = κ(g² + (HΣH)_dd − ν), dw/dt = −P⁻¹(g + ½∇⟨H,Σ⟩), Σ in the kernel of 2P − H."""
    ours, p = loss(), elementwise
    assert set(p.rank) == {0, 1}
    for row in range(len(p.t)):
        w, nu, sigma = p.w[row], p.z[row, 3:], p.covariance[row]
        g, h, metric = ours.gradient(w), ours.hessian(w), (np.sqrt(nu) + 1e-3) / 0.05
        np.testing.assert_allclose(p.slopes[row, 3:], KAPPA * (g**2 + np.diag(h @ sigma @ h) - nu), rtol=0, atol=1e-11)
        pull = g + np.einsum("ijk,ij->k", ours.third(w), sigma) / 2
        np.testing.assert_allclose(p.slopes[row, :3], -pull / metric, rtol=0, atol=1e-11)
        np.testing.assert_allclose((2 * np.diag(metric) - h) @ sigma, 0, atol=1e-11)
        scaled = h / np.sqrt(np.outer(metric, metric))
        assert np.linalg.eigvalsh(scaled)[-1] <= 2 * (1 + 1e-10)
        np.testing.assert_allclose(p.edge[row], np.linalg.eigvalsh(scaled)[-1], rtol=1e-12)


def test_the_held_eigenvalue_stays(elementwise):
    """d(uᵀ(2P − H)u)/dt = 0 along the slopes, while Σ is not 0: the multiplier is the right one."""
    ours = loss()
    held = np.flatnonzero(elementwise.rank == 1)
    assert len(held) > 10
    for row in held:
        w, nu, slope = elementwise.w[row], elementwise.z[row, 3:], elementwise.slopes[row]
        u = np.linalg.eigh(elementwise.covariance[row])[1][:, -1]
        moving = 2 * (u**2 / (2 * np.sqrt(nu)) / 0.05) @ slope[3:] - ours.curvature_gradient(w, u, u) @ slope[:3]
        assert abs(moving) < 1e-9


def test_second_moments_of_adagrad():
    p = path_of(cf.optimizers.adagrad(lr=0.5, eps=1e-3), [0.4, 0.15, 0.3, 0.08, 0.12, 0.06], 5)
    ours = loss()
    assert set(p.rank) == {0, 1}
    for w, slope, sigma in zip(p.w, p.slopes, p.covariance, strict=True):
        g, h = ours.gradient(w), ours.hessian(w)
        np.testing.assert_allclose(slope[3:], g**2 + np.diag(h @ sigma @ h), rtol=0, atol=1e-11)
    assert (np.diff(p.z[:, 3:], axis=0) >= 0).all(), "the sum of squares only grows"


@pytest.mark.parametrize("name", ["scalar_rmsprop", "rmsprop", "adagrad"])
@pytest.mark.parametrize("eps_inside", [False, True])
def test_preconditioner(name, eps_inside):
    """−P⁻¹g is the drift of the weights, P = (√ν + ε)/η or √(ν + ε)/η."""
    flow = cf.flows.central(loss(), getattr(cf.optimizers, name)(lr=LR, eps=0.01, eps_inside=eps_inside))
    nu = np.array([0.6]) if name == "scalar_rmsprop" else np.array([0.3, 0.4, 0.15])
    w = np.array([1.1, 0.4, 0.3])
    p = np.sqrt(nu + 0.01) / LR if eps_inside else (np.sqrt(nu) + 0.01) / LR
    np.testing.assert_allclose(flow.drift([*w, *nu])[:3], -loss().gradient(w) / p, rtol=1e-14)


def test_bias_correction():
    """ν̂ = ν/(1 − β₂ᵗ) stands in P, and β₂ᵗ decays at the rate κ at which ν forgets."""
    optimizer = cf.optimizers.rmsprop(lr=0.05, beta2=0.95, eps=1e-3, bias_correction=True)
    flow, start = cf.flows.central(loss(), optimizer), np.array([1.1, 0.4, 0.3, 0.03, 0.04, 0.02, 0.8])
    np.testing.assert_allclose(
        flow.drift(start)[:3], -0.05 * loss().gradient(start[:3]) / (np.sqrt(start[3:6] / 0.2) + 1e-3), rtol=1e-14
    )
    path = cf.solve(flow, start, 8, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(path.z[:, -1], 0.8 * np.exp(-0.05 / 0.95 * path.t), rtol=1e-9)
    for z, edge in zip(path.z, path.edge, strict=True):
        metric = (np.sqrt(z[3:6] / (1 - z[6])) + 1e-3) / 0.05
        np.testing.assert_allclose(edge, np.linalg.eigvalsh(loss().hessian(z[:3]) / np.sqrt(np.outer(metric, metric)))[-1])


@pytest.mark.parametrize("make", [
    lambda: cf.optimizers.rmsprop(lr=0.01, beta2=0.9, bias_correction=True), lambda: cf.optimizers.adamw(lr=0.01, beta2=0.9),
    lambda: cf.optimizers.scalar_rmsprop(lr=0.01, beta2=0.9, bias_correction=True), lambda: cf.optimizers.nadam(lr=0.01, beta2=0.9),
    lambda: cf.optimizers.adam(lr=0.01, beta2=0.9),
])  # fmt: skip
def test_a_constant_gradient_leaves_its_square(make):
    """On a straight loss ν̂ = g² at all times, as in the optimizer."""
    flow = cf.flows.stable(cf.Loss("3*w"), make())
    path = cf.solve(flow, [1.0], 30, rtol=1e-11, atol=1e-13)
    nu, decay2 = (path.z[:, flow.names.index(name)] for name in (flow.names[1], "decay2"))
    assert decay2[-1] < 0.05 < 0.89 < decay2[0]
    np.testing.assert_allclose(nu / (1 - decay2), 9.0, rtol=1e-9)


@pytest.mark.parametrize("name, options", [("gd", {}), ("scalar_rmsprop", {"beta2": 0.9}), ("rmsprop", {"beta2": 0.9})])
def test_weight_decay_is_a_penalty(name, options):
    decay, make = 0.07, getattr(cf.optimizers, name)
    start = {"gd": [1.5, 0.3, 0.1], "scalar_rmsprop": [1.8, 0.2, 0.3, 0.6], "rmsprop": [1.8, 0.2, 0.3, 0.3, 0.4, 0.15]}[name]
    lr = 0.6 if name == "gd" else 0.1
    rows, times = [], np.linspace(0, 90, 31)
    for text, option in ((LOSS, {"weight_decay": decay}), (f"{LOSS} + {decay}*(x**2 + y**2 + z**2)/2", {})):
        flow = cf.flows.central(cf.Loss(text, "x y z"), make(lr=lr, **options, **option))
        rows.append(cf.solve(flow, start, 90, rtol=1e-11, atol=1e-13, save_at=times))
    np.testing.assert_allclose(rows[0].z, rows[1].z, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rows[0].covariance, rows[1].covariance, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rows[0].edge, rows[1].edge, rtol=1e-8)
    assert [e.kind for e in rows[0].events] == [e.kind for e in rows[1].events] != []
    penalty = decay * (rows[0].w ** 2).sum(1) / 2
    np.testing.assert_allclose(rows[0].loss, rows[1].loss - penalty, rtol=0, atol=1e-9)


def test_weights_alone_start_with_the_state_of_the_first_step():
    w = np.array([1.1, 0.4, 0.3])
    g = loss().gradient(w)
    for optimizer, nu in (
        (cf.optimizers.rmsprop(lr=0.01, beta2=0.9), 0.1 * g**2),
        (cf.optimizers.scalar_rmsprop(lr=0.01, beta2=0.9), [0.1 * g @ g]),
        (cf.optimizers.adagrad(lr=0.01), g**2),
        (cf.optimizers.rmsprop(lr=0.01, beta2=0.9, bias_correction=True), [*(0.1 * g**2), 0.9]),
    ):
        path = cf.solve(cf.flows.stable(loss(), optimizer), w, 0.5)
        np.testing.assert_allclose(path.z[0], [*w, *nu], rtol=1e-14)


@pytest.mark.parametrize("make", [
    lambda: cf.optimizers.sign_gd(lr=0.1), lambda: cf.optimizers.normalized_gd(lr=0.1),
    lambda: cf.optimizers.sam(lr=0.1, rho=0.1), lambda: cf.optimizers.lion(lr=0.1),
])  # fmt: skip
def test_optimizers_without_preconditioner_are_refused(make):
    with pytest.raises(UsageError, match="gd, heavy_ball, rmsprop, adam and others"):
        cf.flows.central(loss(), make())


@pytest.mark.parametrize("name", ["gd", "rmsprop", "adagrad"])
def test_clipping_is_refused(name):
    with pytest.raises(UsageError, match="leave out clip"):
        cf.flows.central(loss(), getattr(cf.optimizers, name)(lr=0.1, clip=1.0))


def test_wrong_arguments_are_refused():
    with pytest.raises(UsageError, match="a loss is a formula, a cf.Loss"):
        cf.flows.central(2.0, cf.optimizers.gd(lr=0.1))
    with pytest.raises(UsageError, match="takes an optimizer"):
        cf.flows.central(loss(), 0.1)
    with pytest.raises(UsageError, match="takes a flow"):
        cf.solve(loss(), [1, 1, 1], 1)
