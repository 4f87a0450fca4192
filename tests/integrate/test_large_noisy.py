"""The central flow of batches of a loss that is no formula: its drift written out, a closed form, the dense flow, runs of SGD."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large import large_run
from tests.flows.noisy_losses import TOY_START, toy, written_out

GD = cf.optimizers.gd(lr=0.1)


class ByRow:
    """A cf.Loss with data as an oracle without its formula."""

    def __init__(self, loss):
        self.loss, self.dim, self.n_rows = loss, loss.dim, len(loss.spec.data)
        self.value, self.gradient, self.hvp, self.curvature_gradient = loss.value, loss.gradient, loss.hvp, loss.curvature_gradient

    def rows_along(self, w, u):
        return self.loss.row_gradients(w) @ u.T, np.einsum("pi,nij,qj->npq", u, self.loss.row_hessians(w), u)

    def row_squares(self, w, u):
        return (self.loss.row_gradients(w) ** 2).mean(axis=0), ((self.loss.row_hessians(w) @ u.T) ** 2).mean(axis=0).sum(axis=1)


class Warm(ByRow):
    """The toy, whose gradient can be that of a batch."""

    def __init__(self):
        super().__init__(toy())
        del self.gradient

    def gradient(self, w, rows=None):
        return self.loss.gradient(w) if rows is None else self.loss.row_gradients(w)[rows].mean(axis=0)


class Valley:
    """yx²/2 − ay with ±x added in two rows: noise of variance 1 along x, in closed form."""

    dim, n_rows = 2, 2

    def value(self, w):
        return float(w[1] * w[0] ** 2 / 2 - 0.02 * w[1])

    def gradient(self, w):
        return np.array([w[0] * w[1], w[0] ** 2 / 2 - 0.02])

    def hvp(self, w, v):
        return np.array([w[1] * v[0] + w[0] * v[1], w[0] * v[0]])

    def curvature_gradient(self, w, u, v):
        return np.array([u[0] * v[1] + u[1] * v[0], u[0] * v[0]])

    def rows_along(self, w, u):
        products = np.array([self.hvp(w, row) for row in u])
        slopes = np.array([u @ (self.gradient(w) + s * np.array([1.0, 0.0])) for s in (1, -1)])
        return slopes, np.repeat((u @ products.T)[None], 2, axis=0)


@pytest.mark.parametrize(("lr", "batch", "replace"), [(0.1, 1, True), (0.1, 3, True), (0.4, 5, True), (0.2, 4, False)])
def test_drift_and_covariance_are_the_formula_written_out(lr, batch, replace):
    share = 1 / batch if replace else (12 - batch) / (batch * 11)
    flow = cf.flows.central(ByRow(toy()), cf.optimizers.gd(lr=lr), batch=batch, replace=replace, cut=0.05)
    run = large_run(flow, 0.4 * TOY_START, rtol=1e-6)
    drift, sigma = written_out(toy(), run.w, lr, share, 0.05)
    u, x = run.covariance_factors
    np.testing.assert_allclose(u.T @ x @ u, sigma, rtol=1e-5, atol=1e-7 * np.abs(sigma).max())
    found = -lr * (run.point.g + run.bend / 2)
    np.testing.assert_allclose(found, drift, rtol=1e-5, atol=1e-6 * np.abs(drift).max())
    assert np.trace(sigma) > 1e-6


def test_noise_keeps_a_valley_below_the_edge_by_the_closed_form():
    """At rest Σ = ησ²/(y(2 − ηy)) is 2a, so that y = 10 + √75 for η = 0.1, a = 0.02 and σ = 1."""
    path = cf.solve(cf.flows.central(Valley(), GD, batch=1), [0.0, 15.0], 20_000, rtol=1e-5)
    assert path.status == "done"
    np.testing.assert_allclose(path.sharpness[-1], 10 + 75**0.5, rtol=1e-5)
    np.testing.assert_allclose(path.variances[-1, 0], 0.04, rtol=1e-4)  # 2a: what balances the drift along y
    assert "not edge-held" in path.notes[0] and "6.72" in path.notes[0]


@pytest.mark.slow
def test_it_agrees_with_the_dense_flow_to_tolerance():
    times = np.arange(0, 401, 50.0)
    dense = cf.solve(cf.flows.central(toy(), GD, batch=2, cut=0.1), TOY_START, 400, save_at=times, rtol=1e-9)
    far = np.linalg.norm(cf.solve(cf.flows.gradient(toy(), GD), TOY_START, 400, save_at=times).w - dense.w, axis=1)
    errors = []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(cf.flows.central(ByRow(toy()), GD, batch=2), TOY_START, 400, save_at=times, rtol=rtol)
        errors.append(np.abs(path.w - dense.w).max())
        np.testing.assert_allclose(path.sharpness, dense.sharpness, rtol=30 * rtol)
        np.testing.assert_allclose(path.predicted_loss, dense.predicted_loss, rtol=100 * rtol)
    assert errors[0] < 0.005 and errors[1] < errors[0] / 10 and far[-1] > 30 * errors[0]


def test_a_network_tells_slopes_hessians_and_squares_of_each_row():
    """Of e² with e = ax² − yb³, by hand."""
    x, y = np.linspace(-1, 1, 5), np.sin(np.linspace(-1, 1, 5))
    net = cf.networks.from_jax(lambda p, x, y: ((p[0] * x**2 - y * p[1] ** 3) ** 2).mean(), np.array([0.5, 0.8]), (x, y))
    u, b, e = np.array([[1.0, 0.0], [0.6, 0.8]]), 0.8, 0.5 * x**2 - 0.512 * y
    slopes, bends = net.rows_along(net.start, u)
    np.testing.assert_allclose(slopes, np.array([2 * e * x**2, -6 * e * y * b**2]).T @ u.T, atol=1e-12)
    mixed = -6 * x**2 * y * b**2
    hessians = np.array([[2 * x**4, mixed], [mixed, 18 * y**2 * b**4 - 12 * e * y * b]])
    np.testing.assert_allclose(bends, np.einsum("pi,ijn,qj->npq", u, hessians, u), atol=1e-12)
    slopes, bends = net.row_squares(net.start, u)
    np.testing.assert_allclose(slopes, (np.array([2 * e * x**2, -6 * e * y * b**2]) ** 2).mean(axis=1), atol=1e-14)
    np.testing.assert_allclose(bends, (np.einsum("ijn,kj->ikn", hessians, u) ** 2).mean(axis=2).sum(axis=1), atol=1e-14)
    np.testing.assert_array_equal(net.row_squares(net.start, u[:0])[1], 0.0)


def test_where_no_direction_is_sharp_it_is_gradient_flow():
    """y of the valley is 15, ηλ 0.0015."""
    gd, times = cf.optimizers.gd(lr=1e-4), np.arange(0.0, 4001.0, 1000.0)
    path = cf.solve(cf.flows.central(Valley(), gd, batch=1), [0.1, 15.0], 4000, save_at=times, rtol=1e-6)
    plain = cf.solve(cf.flows.gradient(Valley(), gd), [0.1, 15.0], 4000, save_at=times, rtol=1e-6)
    np.testing.assert_allclose(path.w, plain.w, rtol=0, atol=2e-5)  # rtol is of the length of w
    assert path.stats["gradient_equivalents"] > 0 and not path.rank.any() and path.w[-1, 0] < 0.01


def test_all_rows_without_replacement_are_the_flow_without_noise():
    assert cf.flows.central(Valley(), GD, batch=2, replace=False).kind == "central"


def test_it_refuses_in_a_sentence():
    class Bare(Valley):
        rows_along = property()

    bent = cf.Optimizer.from_text({"w": "w - lr*g/(1 + g**2)"}, {"lr": 0.1}, preconditioner="1/lr", name="bent")
    with pytest.raises(UsageError, match="linear in the gradients, and those of bent are not"):
        cf.flows.central(Valley(), bent, batch=1)
    with pytest.raises(UsageError, match="batches are of rows of data, and Bare has no rows_along"):
        cf.flows.central(Bare(), GD, batch=1)
    with pytest.raises(UsageError, match="at most all 2 rows, not 3"):
        cf.flows.central(Valley(), GD, batch=3, replace=False)
    with pytest.raises(UsageError, match="`cut` is of a flow with noise"):
        cf.flows.central(Valley(), GD, cut=0.2)
    with pytest.raises(UsageError, match="`flat` are for a loss that is a formula"):
        cf.flows.central(Valley(), GD, batch=1, flat=True)
    with pytest.raises(NumericsError, match=r"beyond mean-square stability; start where"):
        cf.solve(cf.flows.central(Valley(), GD, batch=1), [0.0, 21.0], 10)


def test_rows_of_another_shape_or_not_finite_are_said():
    class Wide(Valley):
        def rows_along(self, w, u):
            return np.zeros((2, len(u) + 1)), np.zeros((2, len(u), len(u)))

    class Gap(Valley):
        def rows_along(self, w, u):
            return super().rows_along(w, u)[0], np.full((2, len(u), len(u)), np.nan)

    with pytest.raises(UsageError, match=r"rows_along of 2 rows and 1 directions gives the shapes \(2, 2\) and \(2, 1, 1\)"):
        cf.solve(cf.flows.central(Wide(), GD, batch=1), [0.0, 15.0], 10)
    with pytest.raises(NumericsError, match="of single rows are not finite"):
        cf.solve(cf.flows.central(Gap(), GD, batch=1), [0.0, 15.0], 10)


def net_on_digits():
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "below"), [(10, 0.65), (20, 0.85)])
def test_the_sharpness_at_which_sgd_is_held_on_digits(batch, below):
    """tanh 64-32-32-4 on 500 digits, η = 0.6: within 15 % of the mean of three runs, where gradient flow has 6 and 2/η is 3.33."""
    net, lr, times = net_on_digits(), 0.6, np.arange(300, 801, 100)
    held = []
    for seed in range(3):
        rng, w = np.random.default_rng(seed), net.start.copy()
        for t in range(801):
            held += [net.sharpness(w)] if t in times else []
            w = w - lr * net.gradient(w, rng.integers(500, size=batch))
    flow = cf.flows.central(net, cf.optimizers.gd(lr=lr), batch=batch, cut=0.2)
    path = cf.solve(flow, net.start, 740, save_at=times - 60.0, rtol=2e-3, warm=60)
    assert path.status == "done" and np.mean(held) < below * 2 / lr
    np.testing.assert_allclose(path.sharpness.mean(), np.mean(held), rtol=0.15)
