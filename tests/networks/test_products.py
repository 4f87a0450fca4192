"""Derivatives of networks: against differences of lower ones, against the symbolic loss of the same net, by hand."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.networks._written import make_network

KINDS = {
    "mlp": ("mlp:widths=3", "digits:classes=2,n=20"),
    "deep_linear": ("deep_linear:widths=3", "diabetes:n=20"),
    "cnn": ("cnn:channels=2,activation=tanh", "digits:classes=2,n=10"),
    "resnet": ("resnet:channels=2-4,groups=2", "digits:classes=2,n=10"),
    "transformer": ("transformer:width=4,hidden=4,loss=cross_entropy", "sorting:n=12,length=3"),
    "lstm": ("lstm:width=3", "copying:n=12,length=2"),
}  # fmt: skip
LARGE = ("cnn", "resnet", "transformer", "lstm", "deep_linear")  # JAX compiles their third derivatives for up to 15 seconds


@functools.cache
def network(kind: str) -> cf.Network:
    return make_network(*KINDS[kind])


def directions(dim: int, count: int = 2) -> np.ndarray:
    found = np.random.default_rng(1).normal(size=(count, dim))
    return found / np.linalg.norm(found, axis=1)[:, None]


def extrapolated(function, h: float = 1e-3) -> np.ndarray:
    """f'(0) with an error of h⁶: central differences over h, 2h and 4h."""
    a, b, c = ((function(s) - function(-s)) / (2 * s) for s in (h, 2 * h, 4 * h))
    return (64 * a - 20 * b + c) / 45


def near(measured, expected, share: float) -> bool:
    return bool(np.linalg.norm(measured - expected) <= share * np.linalg.norm(expected) and np.linalg.norm(expected) > 0)


def test_every_network_of_the_folder_is_here():
    assert set(KINDS) == {name for name in cf.networks.names() if not name.startswith("from_")}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow if k in LARGE else ()) for k in KINDS])
def test_each_derivative_is_that_of_the_one_before(kind):
    net = network(kind)
    w, (u, v) = net.start + 0.1, directions(net.dim)
    assert extrapolated(lambda s: net.value(w + s * u)) == pytest.approx(net.gradient(w) @ u, rel=1e-9)
    assert near(net.hvp(w, u), extrapolated(lambda s: net.gradient(w + s * u)), 1e-8)
    t = net.curvature_gradient(w, u, v)
    assert near(t, extrapolated(lambda s: net.hvp(w + s * v, u)), 1e-8)
    g, hu, tuu = net.jet(w, v)
    assert near(g, net.gradient(w), 1e-12) and near(hu, net.hvp(w, v), 1e-11)
    assert near(tuu, extrapolated(lambda s: net.hvp(w + s * v, v)), 1e-8)
    fourth = extrapolated(lambda s: net.jet(w + s * v, v)[2] @ v)
    assert net.fourth(w, [v])[0] == pytest.approx(fourth, rel=1e-7, abs=1e-9)


NORMS = {"GroupNorm": ((4, 2, 3), {"groups": 2, "channels": 4}), "LayerNorm": ((6,), {"shape": 6})}


@pytest.mark.parametrize("name", ["GroupNorm", pytest.param("LayerNorm", marks=pytest.mark.slow)])
def test_third_derivatives_of_normalisation(name):
    """Σ aᵢ tanh N(x)ᵢ as a function of x and of the layer's own weights: T against differences, to 1e-8 of its size."""
    import equinox as eqx

    shape, options = NORMS[name]
    layer, rng = getattr(eqx.nn, name)(**options), np.random.default_rng(0)
    a, x = rng.normal(size=(2, *shape))
    net = cf.networks.from_jax(lambda p: jnp.sum(a * jnp.tanh(p["layer"](p["x"]))), {"layer": layer, "x": jnp.asarray(x)})
    w = net.start + 0.1 * rng.normal(size=net.dim)
    u, v = directions(net.dim)
    assert near(net.curvature_gradient(w, u, v), extrapolated(lambda s: net.hvp(w + s * v, u)), 1e-8)
    assert "weights in float32 were converted to float64" in net.remarks


SAME = [("tanh", "mse", "3"), *(pytest.param(*other, "3-2", marks=pytest.mark.slow)
                                for other in [("tanh", "mse"), ("gelu", "cross_entropy"), ("softplus", "mse")])]  # fmt: skip


@pytest.mark.parametrize(("activation", "loss", "widths"), SAME)
def test_a_net_that_is_also_a_formula(activation, loss, widths):
    """Value, g, Hv, T and D⁴ to 1e-10 of their size; both have the weights of a layer row by row, then its biases."""
    x = np.random.default_rng(3).normal(size=(9, 2))
    labels = np.arange(9) % 3
    table = np.column_stack([x, labels if loss == "cross_entropy" else np.eye(3)[labels]])
    formula = cf.losses.mlp(widths=widths, outputs=3, activation=activation, criterion=loss, data=table)
    net = cf.networks.mlp(cf.DataSet(x, labels=labels), widths=widths, activation=activation, loss=loss)
    assert net.dim == formula.dim
    w, (u, v) = net.start, directions(net.dim)
    assert net.value(w) == pytest.approx(formula.value(w), rel=1e-13)
    assert near(net.gradient(w), formula.gradient(w), 1e-12) and near(net.hvp(w, u), formula.hvp(w, u), 1e-12)
    assert near(net.curvature_gradient(w, u, v), formula.curvature_gradient(w, u, v), 1e-10)
    assert net.fourth(w, [u, v]) == pytest.approx(formula.fourth(w, [u, v]), rel=1e-10)


def test_many_directions_and_few_rows():
    net = network("mlp")
    w, many = net.start, directions(net.dim, 9)
    whole = np.array([net.hvp(w, v) for v in many])
    assert net.hvps(w, many) == pytest.approx(whole, rel=1e-12, abs=1e-14)
    pair, turned = net.curvature_gradient(w, *many[:2]), net.curvature_gradient(w, *many[1::-1])
    assert pair == pytest.approx(turned, rel=1e-10, abs=1e-13)  # T[u, v] = T[v, u]
    parts = [net.gradient(w, rows=rows) for rows in (range(5), range(5, 20))]
    assert (5 * parts[0] + 15 * parts[1]) / 20 == pytest.approx(net.gradient(w), rel=1e-12, abs=1e-15)
    assert net.value(w, rows=[3, 3]) == pytest.approx(net.value(w, rows=[3]), rel=1e-14)
    assert net.hvps(w, np.zeros((0, net.dim))).shape == (0, net.dim) and net.fourth(w, np.zeros((0, net.dim))).shape == (0,)


def test_one_direction_is_a_row_of_one():
    """D⁴L[q⁴] against differences of T, of a net and of a gradient alone; the Hessian and single rows alike."""
    net = network("mlp")
    w, (q, _) = net.start, directions(net.dim)
    expected = extrapolated(lambda s: net.curvature_gradient(w + s * q, q, q) @ q)
    assert net.fourth(w, q) == pytest.approx([expected], rel=1e-7)
    bare = cf.networks.from_gradient(net.gradient, net.dim, start=w)
    assert bare.fourth(w, q) == pytest.approx([expected], rel=1e-2)
    assert near(net.hvps(w, q), extrapolated(lambda s: net.gradient(w + s * q))[None], 1e-8)
    slopes, bends = net.rows_along(w, q)
    assert slopes.shape == (20, 1) and bends.shape == (20, 1, 1)
    assert slopes.mean() == pytest.approx(net.gradient(w) @ q) and bends.mean() == pytest.approx(q @ net.hvp(w, q))
    for wrong in (q[1:], q[None, None], 1.0):
        with pytest.raises(UsageError, match="directions are rows of"):
            net.fourth(w, wrong)


def test_sharpness():
    net = network("mlp")
    values, vectors = net.eigenvalues(net.start, 3)
    dense = np.linalg.eigvalsh(net.hvps(net.start, np.eye(net.dim)))[::-1][:3]
    assert values == pytest.approx(dense, rel=1e-8) and net.sharpness(net.start) == pytest.approx(dense[0], rel=1e-8)
    assert near(net.hvps(net.start, vectors), values[:, None] * vectors, 1e-4)
    with pytest.raises(UsageError, match="count"):
        net.eigenvalues(net.start, 0)


def test_predictions_are_the_outputs():
    rows = cf.DataSet([[1.0], [2.0]], [[0.0], [1.0]])
    net = cf.networks.mlp(rows, widths=1)
    a, b, c, e = w = np.array([0.5, -0.2, 2.0, 0.3])
    expected = c * np.tanh(a * np.array([1.0, 2.0]) + b) + e
    assert net.predict(w, rows.inputs)[:, 0] == pytest.approx(expected, rel=1e-14)
    assert net.value(w) == pytest.approx(((expected - [0, 1]) ** 2).mean() / 2, rel=1e-14)
    line = cf.networks.mlp(rows, widths="")
    assert line.dim == 2 and line.title == "mlp:widths= on data" and line.predict([3.0, 1.0], [[2.0]])[0, 0] == 7.0


# -- the flip at the edge -----------------------------------------------------------------------------


def test_the_flip_at_a_minimum_is_that_of_the_normal_form():
    """A net with more rows than weights: at its minimum c is what `normal_form` finds on the map of the same formula."""
    x = np.linspace(-1.5, 1.5, 12)[:, None]
    y = np.tanh(2 * x) + 0.3 * np.random.default_rng(0).normal(size=x.shape)
    net = cf.networks.mlp(cf.DataSet(x, y), widths=1)
    formula = cf.losses.mlp(widths="1", outputs=1, data=np.hstack([x, y]))
    w = minimize(net.value, net.start, jac=net.gradient).x
    for _ in range(4):
        w = w - np.linalg.solve(net.hvps(w, np.eye(net.dim)), net.gradient(w))
    assert np.linalg.norm(net.gradient(w)) < 1e-12
    found = net.edge(w)
    exact = cf.analysis.normal_form(cf.as_map(formula, cf.optimizers.gd(lr=found.lr)), w)
    assert found.coefficient == pytest.approx(exact.coefficient, rel=1e-7) and found.supercritical is exact.supercritical
    assert found.residual < 1e-8 and found.slope < 1e-11


def test_the_flip_of_a_polynomial():
    """By hand: L = x⁴/4 − x³/3 + x² + xy + y², at 0."""
    net = cf.networks.from_jax(lambda w: w[0] ** 4 / 4 - w[0] ** 3 / 3 + w[0] ** 2 + w[0] * w[1] + w[1] ** 2, np.zeros(2))
    found = net.edge([0.0, 0.0])
    hessian, q = np.array([[2.0, 1.0], [1.0, 2.0]]), np.ones(2) / np.sqrt(2)
    t = np.array([-2 * q[0] ** 2, 0.0])  # L_xxx = −2, L_xxxx = 6
    c = (2 / 3) / 6 * (3 * t @ np.linalg.solve(hessian, t) - 6 * q[0] ** 4)
    assert found.lr == pytest.approx(2 / 3, rel=1e-12) and found.coefficient == pytest.approx(c, rel=1e-9)
    assert c > 0 and found.supercritical is True and found.bend == pytest.approx(t @ np.linalg.solve(hessian, t), rel=1e-9)


def test_flat_directions_and_slopes_leave_it_undecided():
    valley = cf.networks.from_jax(lambda w: (1 + w[1] + w[1] ** 2) * w[0] ** 2 / 2, np.zeros(2))
    found = valley.edge([0.0, 0.0])  # T[q, q] lies along the flat direction: the oscillation drifts
    assert found.residual == pytest.approx(1.0) and found.supercritical is None
    sloping = cf.networks.from_jax(lambda w: w[0] ** 2 + w[0] ** 3 + w[0], np.zeros(1))
    assert sloping.edge([0.0]).slope == 1.0 and sloping.edge([0.0]).supercritical is None
    with pytest.raises(cf.CfdynError, match="no positive curvature"):
        cf.networks.from_jax(lambda w: -(w[0] ** 2), np.zeros(1)).edge([0.0])


# -- other sources ------------------------------------------------------------------------------------


def counted(net: cf.Network):
    calls = []

    def gradient(w):
        calls.append(w)
        return net.gradient(w)

    return calls, gradient


def test_two_gradients_give_a_product_and_t():
    """To 1e-5 of their size; the gradient at the point was asked for before."""
    net = network("mlp")
    calls, gradient = counted(net)
    bare = cf.networks.from_gradient(gradient, net.dim, start=net.start)
    w, (u, v) = net.start, directions(net.dim)
    bare.gradient(w)
    calls.clear()
    g, hu, t = bare.jet(w, 3 * u)
    assert len(calls) == 2 and (g == net.gradient(w)).all()
    assert near(hu, net.hvp(w, 3 * u), 1e-5) and near(t, 9 * net.curvature_gradient(w, u, u), 1e-5)
    calls.clear()
    assert near(bare.curvature_gradient(w, u, 2 * v), 2 * net.curvature_gradient(w, u, v), 1e-5) and len(calls) == 4
    assert bare.fourth(w, [u]) == pytest.approx(net.fourth(w, [u]), rel=1e-2)
    assert bare.sharpness(w) == pytest.approx(net.sharpness(w), rel=1e-5)


def test_a_gradient_in_float32_is_refused_where_its_rounding_drowns_t():
    """Of Σw⁴/4, T[u, u] = 6wu²: a rounding of 2⁻²⁴ g over 0.001² would be a tenth of it, over 0.02² it is 2e-4."""
    short = lambda w: np.float32(w) ** 3  # noqa: E731
    with pytest.raises(cf.CfdynError, match="comes in float32, .* compute it in float64, or give a step from 0.02 on"):
        cf.networks.from_gradient(short, 2).gradient([1.1, 1.3])
    found = cf.networks.from_gradient(short, 2, step=0.02).jet([1.1, 1.3], [0.6, 0.8])[2]
    np.testing.assert_allclose(found, [6 * 1.1 * 0.36, 6 * 1.3 * 0.64], rtol=2e-3)


def test_a_gradient_alone():
    bare = cf.networks.from_gradient(lambda w: 2 * w, 2)
    assert np.isnan(bare.value([1.0, 1.0])) and any("not known" in remark for remark in bare.remarks)
    assert not bare.hvp([1.0, 2.0], [0.0, 0.0]).any() and not bare.curvature_gradient([1.0, 2.0], [0.0, 0.0], [1.0, 0.0]).any()
    for options in ({"dim": 0}, {"dim": 2, "step": 0.0}, {"dim": 2, "start": [1.0]}, {"dim": 2, "step": np.nan}):
        with pytest.raises(cf.CfdynError, match="from_gradient|step"):
            cf.networks.from_gradient(lambda w: w, **options)
    with pytest.raises(cf.CfdynError, match=r"shape \(1,\), not \(2,\)"):
        cf.networks.from_gradient(lambda w: w[:1], 2).gradient([1.0, 2.0])
    with pytest.raises(cf.CfdynError, match="predicts nothing"):
        bare.predict([1.0, 2.0], [[1.0]])
    with pytest.raises(cf.CfdynError, match="`rows`"):
        bare.gradient([1.0, 2.0], rows=[0])


WRONG = {
    "integers": (lambda p: jnp.sum(p * 1.0), np.arange(3), "array of int64"),
    "a vector": (lambda p: p, np.ones(3), r"float64\[3\]"),
    "no float": (lambda p: p[0] > 0, np.ones(3), "bool"),
    "short within": (lambda p: jnp.sum(p.astype(jnp.float32) ** 2).astype(float), np.ones(3), "goes back to float32"),
    "short": (lambda p: jnp.sum(p.astype(jnp.float32) ** 2), np.ones(3), "float32"),
    "a branch": (lambda p: p[0] if p[0] > 0 else -p[0], np.ones(3), "cannot be traced"),
    "an index": (lambda p: p["x"], np.ones(3), "cannot be traced"),
    "nothing": (lambda p: 1.0, {}, "no weights|no floating-point"),
}  # fmt: skip


@pytest.mark.parametrize("function", [
    lambda p, x: jnp.sum((x @ p) ** 2), lambda p, x: jnp.mean((x @ p - jnp.mean(x @ p)) ** 2),
    lambda p, x: jnp.sum((x @ p) ** 2 * x[:, 0] ** 2) / jnp.sum(x[:, 0] ** 2),
], ids=["a sum", "rows beside each other", "rows with weights"])  # fmt: skip
def test_functions_in_jax_that_are_no_mean_over_rows_are_refused(function):
    x = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(cf.CfdynError, match="where the mean of those of its rows is"):
        cf.networks.from_jax(function, np.ones(3), (x,))


@pytest.mark.parametrize("case", WRONG)
def test_functions_in_jax_that_are_refused(case):
    function, params, words = WRONG[case]
    with pytest.raises(cf.CfdynError, match=words):
        cf.networks.from_jax(function, params)


def test_what_is_said_of_functions_in_jax():
    def remarks(function, *rows):
        return " ".join(cf.networks.from_jax(function, np.ones(3), rows).remarks)

    assert remarks(lambda p: jnp.sum(p**4)) == ""
    for smooth in (jax.nn.logsumexp, jax.nn.softmax, jax.nn.softplus, jax.nn.gelu, jax.nn.silu, jax.nn.log_softmax):
        assert remarks(lambda p, smooth=smooth: jnp.sum(smooth(p))) == ""
    assert "a comparison" in remarks(lambda p: jnp.sum(jax.nn.leaky_relu(p)))
    assert "maximum" in remarks(lambda p: jnp.sum(jax.nn.relu(p))) and "abs" in remarks(lambda p: jnp.sum(jnp.abs(p)))
    assert "max" in remarks(lambda p: jnp.max(p)) and "sort" in remarks(lambda p: jnp.sort(p)[0])
    assert "data in float32" in remarks(lambda p, x: jnp.mean(x @ p), np.ones((2, 3), np.float32))
    with pytest.raises(cf.CfdynError, match="have 2, 3 rows"):
        cf.networks.from_jax(lambda p, x, y: jnp.mean(x @ p) + jnp.mean(y), np.ones(3), (np.ones((2, 3)), np.ones(3)))
    assert jnp.ones(1).dtype == np.float32  # what the caller's own programs compute in is as it was


@pytest.mark.parametrize("count", [2, 4, 6, 9])
def test_multiple_eigenvalues_come_with_all_copies(count):
    """A net without hidden layers and with squared errors: the Hessian is one block [X 1]ᵀ[X 1]/n for each of four outputs."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 30))
    net = cf.networks.mlp(cf.DataSet(x, targets=rng.normal(size=(50, 4))), widths="")
    block = np.column_stack([x, np.ones(50)])
    values, vectors = net.eigenvalues(net.start, count)
    np.testing.assert_allclose(values, np.repeat(np.linalg.eigvalsh(block.T @ block / 50)[::-1], 4)[:count], rtol=1e-8)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(count), atol=1e-8)
    np.testing.assert_allclose(net.hvps(net.start, vectors), values[:, None] * vectors, atol=1e-5)
