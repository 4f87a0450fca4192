"""Muon and Shampoo against NumPy's matrices and eigenvalues."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.optimizers.muon import orthogonalised
from cfdyn.symbolic.loss import make_loss
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.matrices import inverse_root, matrix
from cfdyn.tape.program import Program, Tape
from tests.oracles import directional_difference

shapes = st.tuples(st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 2**32 - 1)


def on_matrices(function, *values: np.ndarray) -> np.ndarray:
    """A function of matrices of nodes, at numbers (40 digits)."""
    tape, arguments, first = Tape(), [], 0
    for value in values:
        arguments.append(matrix([tape.leaf("z", first + i) for i in range(value.size)], *value.shape))
        first += value.size
    result = function(tape, *arguments)
    algebra = mp_algebra(40)
    z = [algebra.functions["number"](float(v)) for value in values for v in value.ravel()]
    nodes = tuple(x for row in result for x in row)
    numbers = evaluate(Program(tape, nodes, first, 0), algebra, z, [])
    return np.array([float(v) for v in numbers]).reshape(len(result), -1)


def distance_loss(targets: list[np.ndarray], curvature: float = 1.0) -> cf.Loss:
    """½ curvature Σ ‖W_k − T_k‖² + ⅛ Σ w⁴, whose gradient is written below."""
    names = [f"w{k}_{i}{j}" for k, t in enumerate(targets) for i, j in np.ndindex(t.shape)]
    entries = np.concatenate([t.ravel() for t in targets]).tolist()
    text = " + ".join(f"c*({n} - ({v!r}))**2/2 + {n}**4/8" for n, v in zip(names, entries, strict=True))
    spec = make_loss(text, names, {"c": curvature})
    return cf.Loss.from_spec(replace(spec, shapes=tuple(t.shape for t in targets)))


def gradient(w: np.ndarray, target: np.ndarray) -> np.ndarray:
    return w - target + w**3 / 2


def power(a: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(a)
    return vectors @ np.diag(values**exponent) @ vectors.T


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(shapes, shapes, seeds)
def test_shampoo_equals_the_definition_with_eigenvalues(first, second, seed):
    rng = np.random.default_rng(seed)
    targets = [rng.normal(size=first), rng.normal(size=second)]
    w = [rng.normal(size=first), rng.normal(size=second)]
    left, right = [0.01 * np.eye(x.shape[0]) for x in w], [0.01 * np.eye(x.shape[1]) for x in w]
    step = cf.as_map(distance_loss(targets), cf.optimizers.shampoo(lr=0.1, eps=0.01))
    z = step.state(np.concatenate([x.ravel() for x in w]))
    for _ in range(3):
        z = step(z)
        for k in range(2):
            g = gradient(w[k], targets[k])
            left[k], right[k] = left[k] + g @ g.T, right[k] + g.T @ g
            w[k] = w[k] - 0.1 * power(left[k], -0.25) @ g @ power(right[k], -0.25)
        whole = np.concatenate([x.ravel() for x in (*w, left[0], right[0], left[1], right[1])])
        np.testing.assert_allclose(z, whole, rtol=1e-9, atol=1e-11)


def quintic(a: np.ndarray) -> np.ndarray:
    """The five iterations act on the singular values alone."""
    u, s, v = np.linalg.svd(a, full_matrices=False)
    s = s / max(np.sqrt((s**2).sum()), 1e-7)
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return u @ np.diag(s) @ v


@pytest.mark.parametrize("nesterov", [True, False])
@settings(max_examples=15, deadline=None)
@given(shape=shapes, seed=seeds)
def test_muon_equals_the_definition_on_singular_values(nesterov, shape, seed):
    rng = np.random.default_rng(seed)
    target, w, buffer = rng.normal(size=shape), rng.normal(size=shape), np.zeros(shape)
    step = cf.as_map(distance_loss([target]), cf.optimizers.muon(lr=0.1, momentum=0.75, nesterov=nesterov, weight_decay=0.5))
    z = step.state(w.ravel())
    for _ in range(3):
        z = step(z)
        g = gradient(w, target)
        buffer = 0.75 * buffer + 0.25 * g
        update = 0.25 * g + 0.75 * buffer if nesterov else buffer
        w = w - 0.05 * w - 0.1 * np.sqrt(max(1.0, shape[0] / shape[1])) * quintic(update)
        np.testing.assert_allclose(z, np.concatenate([w.ravel(), buffer.ravel()]), rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_muon_equals_optax():
    import jax
    import optax.contrib

    jax.config.update("jax_enable_x64", True)
    target, w = np.random.default_rng(2).normal(size=(2, 3, 3))
    other = optax.contrib.muon(0.1, beta=0.75, nesterov=False, eps=0.0)
    here = cf.as_map(distance_loss([target]), cf.optimizers.muon(lr=0.1, momentum=0.75, nesterov=False))
    z, params = here.state(w.ravel()), {"w": jax.numpy.array(w)}
    state = other.init(params)
    for _ in range(10):
        z = here(z)
        updates, state = other.update({"w": jax.numpy.array(gradient(np.asarray(params["w"]), target))}, state, params)
        params = optax.apply_updates(params, updates)
    # optax corrects the bias of the momentum, which the division by its norm takes out again; it scales oblong
    # matrices by their other side.
    np.testing.assert_allclose(z[:9], np.asarray(params["w"]).ravel(), rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(shapes, seeds)
def test_orthogonalisation_turns_with_its_argument(shape, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=shape)
    turn = np.linalg.qr(rng.normal(size=(shape[0], shape[0])))[0]
    whole = on_matrices(lambda tape, x: orthogonalised(tape, x, 5), turn @ a)
    part = on_matrices(lambda tape, x: orthogonalised(tape, x, 5), a)
    np.testing.assert_allclose(whole, turn @ part, atol=1e-12)
    np.testing.assert_allclose(on_matrices(lambda tape, x: orthogonalised(tape, x, 5), a.T), part.T, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.floats(0, 7), st.floats(-3, 3), seeds)
def test_inverse_roots(n, p, spread, scale, seed):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(n, n)))[0]
    values = 10 ** (scale - rng.uniform(0, spread, n))
    a = vectors @ np.diag(values) @ vectors.T
    root = on_matrices(lambda tape, x: inverse_root(tape, x, p, 60 // p + 20), (a + a.T) / 2)
    expected = vectors @ np.diag(values ** (-1 / p)) @ vectors.T
    np.testing.assert_allclose(root, expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["muon", "shampoo"])
def test_jacobian_by_50_digit_differences(name):
    loss = distance_loss([np.array([[0.5, -1.0], [2.0, 0.25]])])
    step = cf.as_map(loss, getattr(cf.optimizers, name)(lr=0.1))
    z, precise = step(step.state([0.3, -0.2, 0.9, 1.4])), step.precise(80)
    direction = np.random.default_rng(1).normal(size=step.dim)
    expected = directional_difference(lambda x: precise([precise.number(v) for v in x]), z.tolist(), [direction.tolist()])
    np.testing.assert_allclose(step.jacobian(z) @ direction, expected, rtol=1e-9, atol=1e-10)


def test_weights_that_are_no_matrices_are_refused():
    with pytest.raises(cf.CfdynError, match="needs weights that are matrices"):
        cf.as_map(cf.losses.double_well(), cf.optimizers.muon(lr=0.1)).state([1.0])


def test_hyperparameters_need_no_compilation_and_settings_do():
    loss = distance_loss([np.eye(2)])
    step = cf.as_map(loss, cf.optimizers.muon(lr=0.1))
    assert step.at(lr=0.2).rule("step") is step.rule("step")
    assert cf.as_map(loss, cf.optimizers.muon(lr=0.1, steps=3)).rule("step") is not step.rule("step")
    assert step.names[:4] == loss.variables and step.names[4] == "B_11"
    np.testing.assert_allclose(step.at(lr=0.2)([0.1, 0.2, 0.3, 0.4])[:4] - [0.1, 0.2, 0.3, 0.4],
                               2 * (step([0.1, 0.2, 0.3, 0.4])[:4] - [0.1, 0.2, 0.3, 0.4]), rtol=1e-12)  # fmt: skip
