"""A watch of JAX: shares against dense Hessians, a training that it does not change, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import float64

jax = pytest.importorskip("jax", reason="jax is not installed: no watch of JAX was tested")
optax = pytest.importorskip("optax", reason="optax is not installed: no watch of JAX was tested")

jnp = jax.numpy
RATE = 0.05


def rows(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype(np.float32)
    return x, (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] > 0.3).astype(np.int32)


def weights(*shapes, seed=0):
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    return [jax.random.normal(key, shape) * (shape[0] ** -0.5 if shape[0] else 1.0) for key, shape in zip(keys, shapes, strict=True)]


def dense(params, rows):
    """Two layers, cross-entropy."""
    x, y = rows
    hidden = jnp.tanh(x @ params["in"]["w"] + params["in"]["b"])
    return optax.softmax_cross_entropy_with_integer_labels(hidden @ params["out"], y).mean()


def recurrent(params, rows):
    """An Elman network over six numbers, squared error."""
    x, y = rows
    first, again, out = params

    def step(h, given):
        return jnp.tanh(given[:, None] * first + h @ again), None

    h = jax.lax.scan(step, jnp.zeros((len(x), again.shape[0]), first.dtype), x.T)[0]
    return ((h @ out - y) ** 2).mean()


def small():
    first, bias, last = weights((6, 7), (7,), (7, 2))
    return {"in": {"w": first, "b": bias}, "out": last}


def equinox():
    """A module of Equinox, of which the arrays are trained."""
    eqx = pytest.importorskip("equinox")
    arrays, rest = eqx.partition(eqx.nn.MLP(6, 1, 8, 1, jax.nn.gelu, key=jax.random.key(3)), eqx.is_inexact_array)
    return arrays, lambda params, rows: ((jax.vmap(eqx.combine(params, rest))(rows[0])[:, 0] - rows[1]) ** 2).mean()


class Run:
    """A training, with the weights and the state after each step."""

    def __init__(self, loss, tx, params, batch=None, **compiled):
        def step(params, state, given):
            value, grads = jax.value_and_grad(loss)(params, given)
            updates, state = tx.update(grads, state, params)
            return optax.apply_updates(params, updates), state, value, grads

        self.step, self.batch, self.rng = jax.jit(step, **compiled), batch, np.random.default_rng(0)
        self.params, self.state, self.rows = params, tx.init(params), rows()

    def on(self, steps, watch=None):
        for _ in range(steps):
            chosen = self.rng.integers(0, len(self.rows[0]), self.batch) if self.batch else slice(None)
            self.params, self.state, value, grads = self.step(self.params, self.state, [one[chosen] for one in self.rows])
            if watch:
                watch.step(value, params=self.params, state=self.state, grads=grads, lr=RATE)


def dense_hessian(loss, like):
    """The function that gives the whole Hessian in float64."""
    leaves, kind = jax.tree.flatten(like)
    ends = np.cumsum([one.size for one in leaves])

    def value(flat, given):
        pieces = jnp.split(flat, ends[:-1])
        return loss(jax.tree.unflatten(kind, [piece.reshape(one.shape) for piece, one in zip(pieces, leaves, strict=True)]), given)

    hessian = jax.jit(jax.hessian(value))
    with float64():
        given = tuple(np.asarray(one, float) if one.dtype == np.float32 else one for one in rows())
    return lambda params: np.array(hessian(flat(params), given))


def flat(tree):
    return np.concatenate([np.asarray(one, float).reshape(-1) for one in jax.tree.leaves(tree)])


def of_adamw(state):
    t = float(state[0].count)
    return (np.sqrt(flat(state[0].nu) / (1 - 0.99**t)) + 1e-8) / RATE * 38 * (1 - RATE * 0.1 / 2)


NETS = {
    "dense, adamw": (lambda: (small(), dense), optax.adamw(RATE, b2=0.99, weight_decay=0.1), of_adamw, None),
    "recurrent, rmsprop, batches": (lambda: (weights((8,), (8, 8), (8,)), recurrent), optax.rmsprop(RATE / 10, decay=0.9),
                                    lambda state: 2 * np.sqrt(flat(state[0].nu) + 1e-8) / RATE * 10, 64),
    "equinox, momentum": (equinox, optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(RATE, 0.9)), lambda state: 3.8 / RATE, None),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_the_share_is_that_of_the_dense_hessian(name):
    made, tx, scale, batch = NETS[name]
    params, loss = made()
    run, watch, errors = Run(loss, tx, params, batch), cf.watch(loss, tx, params, rows(), every=1, budget=0), []
    run.on(70)
    with float64():
        hessian = dense_hessian(loss, params)
    for _ in range(32):
        run.on(2)
        run.on(1, watch)
        if "edge/share" in watch.log:
            with float64():
                whitened = hessian(run.params) / np.sqrt(np.multiply.outer(one := np.broadcast_to(scale(run.state), sum(x.size for x in jax.tree.leaves(params))), one))
            errors.append(abs(watch.log["edge/share"] / np.linalg.eigvalsh(whitened)[-1] - 1))
    assert len(errors) >= 12 and np.quantile(errors, 0.9) < 0.01, errors
    assert watch.notes[0].startswith("products by second derivatives")
