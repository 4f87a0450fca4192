"""Losses with many weights: no program of theirs grows with the square of the weights, and λ₁ comes from products."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.training.hovering import hovering
from cfdyn.codegen import compile as compiler
from cfdyn.codegen.columns import WRITTEN
from cfdyn.errors import NumericsError
from cfdyn.symbolic.programs.oracle import loss_program, map_program
from cfdyn.systems.eigenvalues import largest_eigenvalues, leading
from tests.oracles import needs_compiler

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(11, 4)), RNG.normal(size=(11, 3))
NET = cf.losses.mlp(widths="6-5", outputs=3, data=np.hstack([X, Y]))  # 83 weights
W = np.random.default_rng(1).normal(size=NET.dim) / 2


def forward(w, widths, x):
    """The outputs of a tanh net by numpy, (n, outputs)."""
    for k, (n, m) in enumerate(zip(widths[:-1], widths[1:])):
        matrix, bias, w = w[: n * m].reshape(m, n), w[n * m : n * m + m], w[n * m + m :]
        x = x @ matrix.T + bias
        x = np.tanh(x) if k < len(widths) - 2 else x
    assert w.size == 0
    return x


def numpy_gradient(function, w, h=1e-6):
    return np.array([(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(len(w))])


def test_a_deep_net_of_several_outputs_is_that_of_numpy():
    def value(w):
        return float((np.linalg.norm(forward(w, [4, 6, 5, 3], X) - Y, axis=1) ** 2).mean() / 2)

    assert NET.dim == 83 > WRITTEN
    assert NET.value(W) == pytest.approx(value(W), rel=1e-13)
    np.testing.assert_allclose(NET.gradient(W), numpy_gradient(value, W), atol=1e-8)


@pytest.mark.parametrize(("activation", "phi"), [("gelu", "0.5*x*(1+erf(x/sqrt(2)))"), ("silu", "x*sigmoid(x)"), ("linear", "x")])
def test_activations_are_the_formulas(activation, phi):
    net = cf.losses.mlp(widths="1", outputs=1, activation=activation, data=[[0.7, 0.2]])
    by_hand = cf.Loss(f"(v*({phi.replace('x', '(w*0.7+b)').replace('e(w*0.7+b)p', 'exp')}) + c - 0.2)**2/2", "w b v c")
    w = [0.8, -1.3, 1.1, 0.4]
    assert net.value(w) == pytest.approx(by_hand.value(w), rel=1e-14)
    np.testing.assert_allclose(net.gradient(w), by_hand.gradient(w), rtol=1e-13)


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_cross_entropy_is_that_of_numpy_also_where_exponentials_overflow(size):
    labels = np.arange(11) % 3
    loss = cf.losses.mlp(widths="6-5", outputs=3, criterion="cross_entropy", data=np.column_stack([X, labels]))
    w = size * W
    scores = forward(w, [4, 6, 5, 3], X)
    most = scores.max(axis=1)
    expected = most + np.log(np.exp(scores - most[:, None]).sum(axis=1)) - scores[np.arange(11), labels]
    assert loss.value(w) == pytest.approx(expected.mean(), rel=1e-13)
    assert np.isfinite(loss.gradient(w)).all()


def test_softmax_regression_has_its_gradient_and_its_gauge():
    loss = cf.losses.softmax_regression(data=np.column_stack([X, np.arange(11) % 3]))
    w = np.random.default_rng(2).normal(size=15)
    scores = X @ w[:12].reshape(3, 4).T + w[12:]
    share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) - np.eye(3)[np.arange(11) % 3]
    np.testing.assert_allclose(loss.gradient(w), np.concatenate([(share.T @ X).ravel(), share.sum(axis=0)]) / 11, atol=1e-15)
    values = np.linalg.eigvalsh(loss.hessian(w))
    assert (np.abs(values) < 1e-14).sum() == 5 and (values > 1e-6).sum() == 10


def test_matrices_by_columns_are_those_of_differences_and_exactly_symmetric():
    matrix = NET.hessian(W)
    by_differences = np.array([(NET.gradient(W + 1e-6 * e) - NET.gradient(W - 1e-6 * e)) / 2e-6 for e in np.eye(83)])
    np.testing.assert_allclose(matrix, by_differences, atol=1e-8)
    assert (matrix == matrix.T).all()
    step = cf.as_map(NET, cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    z, h = np.concatenate([W, W[::-1]]), 1e-6
    slopes = np.array([(step(z + h * e) - step(z - h * e)) / (2 * h) for e in np.eye(166)]).T
    np.testing.assert_allclose(step.jacobian(z), slopes, atol=1e-8)


@pytest.mark.slow
def test_the_hessian_by_columns_is_the_one_that_is_written_out(monkeypatch):
    by_columns = NET.hessian(W)
    monkeypatch.setattr(compiler, "WRITTEN", 1000)
    monkeypatch.setattr(compiler, "_known", {})
    monkeypatch.setattr(type(compiler._shelf()), "read", lambda *_: None)
    written = NET.hessian(W)
    np.testing.assert_allclose(by_columns, written, rtol=0, atol=1e-14 * np.abs(written).max())


def test_no_program_grows_with_the_square_of_the_weights():
    """Of twice as many weights everything that descent and λ₁ need is at most 2.2 times as long."""
    nets = [cf.losses.softmax_regression(classes=20, data=np.column_stack([np.eye(20, n), np.arange(20)])) for n in (10, 20)]
    for what in ("gradient", "hvp"):
        lengths = [len(loss_program(net.spec, what).tape.reachable(loss_program(net.spec, what).outputs)) for net in nets]
        assert lengths[1] < 2.2 * lengths[0], what
    steps = [cf.as_map(net, cf.optimizers.gd(lr=0.1)) for net in nets]
    for what in ("step", "derivative1", "hvp", "preconditioner"):
        programs = [map_program(step.spec, what) for step in steps]
        assert len(programs[1].tape) < 2.2 * len(programs[0].tape), what


def test_lambda_1_by_products_is_that_of_the_matrix():
    expected = np.linalg.eigvalsh(NET.hessian(W))[-1]
    assert NET.sharpness(W) == pytest.approx(expected, rel=1e-12)
    value, vector = leading(NET.rule, W, NET.p, NET.dim)
    assert np.linalg.norm(NET.hvp(W, vector) - value * vector) < 1e-6 * value


def test_an_orbit_of_many_weights_has_its_sharpness_also_preconditioned():
    step = cf.as_map(NET, cf.optimizers.adam(lr=0.01))
    orbit = cf.iterate(step, W, 12)
    matrices = [NET.hessian(w) for w in orbit.w]
    np.testing.assert_allclose(orbit.sharpness, [np.linalg.eigvalsh(m)[-1] for m in matrices], rtol=1e-9)
    expected = []
    for matrix, row in zip(matrices, orbit.preconditioners):
        scale = 1 / np.sqrt(row[83:166])
        expected.append(np.linalg.eigvalsh(matrix * scale[:, None] * scale)[-1])
    np.testing.assert_allclose(orbit.preconditioned_sharpness, expected, rtol=1e-9)
    assert hovering(orbit).kind in ("never", "undecided", "beyond", "hovers", "left")


def test_what_is_not_finite_has_no_lambda_1():
    points = np.array([W, np.full(83, np.inf), W])
    found = largest_eigenvalues(NET.rule, points, NET.p, NET.dim)
    assert np.isnan(found).tolist() == [False, True, False] and found[2] == pytest.approx(found[0], rel=1e-12)


def test_a_spectrum_that_crowds_at_its_end_is_said_not_guessed(monkeypatch):
    monkeypatch.setattr("cfdyn.systems.eigenvalues.RESTARTS", 1)
    chain = cf.Loss(" + ".join(f"(x{k} - x{k + 1})**2" for k in range(100)))
    with pytest.raises(NumericsError, match="restarts"):
        chain.sharpness(np.zeros(101))


def test_third_derivatives_are_for_few_weights():
    with pytest.raises(cf.CfdynError, match="curvature_gradient"):
        NET.third(W)


@needs_compiler
def test_descent_of_many_weights_is_classified():
    """Least squares with 100 weights: the fixed point is the solution, its multipliers 1 − ηλ."""
    rng = np.random.default_rng(3)
    a, y = np.linalg.qr(rng.normal(size=(100, 100)))[0] * np.sqrt(100 * np.linspace(1, 2, 100)), rng.normal(size=100)
    names = [f"w{k}" for k in range(100)]
    text = " + ".join(f"{name}*x{k}" for k, name in enumerate(names))
    loss = cf.Loss(f"({text} - y)**2/2", names, data={**{f"x{k}": a[:, k] for k in range(100)}, "y": y})
    found = cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=0.5)), np.zeros(100))
    assert found.kind == "fixed point"
    np.testing.assert_allclose(found.points[0], np.linalg.solve(a, y), atol=1e-12)
    np.testing.assert_allclose(np.sort(found.multipliers.real), np.sort(1 - 0.5 * np.linspace(1, 2, 100)), atol=1e-12)


def test_exponents_of_many_variables_are_those_of_the_matrix():
    """80 uncoupled contractions x → a x: exponents log a, by products with tangents."""
    slopes = np.array([*np.linspace(0.2, 0.6, 78), 0.75, 0.9])
    step = cf.Map.from_text([f"{a!r}*x{k}" for k, a in enumerate(slopes.tolist())], [f"x{k}" for k in range(80)])
    found = cf.analysis.lyapunov_spectrum(step, np.ones(80), n=200, transient=200)
    np.testing.assert_allclose(found.exponents[:2], np.log(slopes[::-1][:2]), atol=1e-9)
