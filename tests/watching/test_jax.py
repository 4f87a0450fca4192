"""A watch of JAX: shares against dense Hessians, a training that it does not change, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.networks._oracle.engine import float64

jax = pytest.importorskip("jax", reason="jax is not installed: no watch of JAX was tested")
optax = pytest.importorskip("optax", reason="optax is not installed: no watch of JAX was tested")
from optax import contrib  # noqa: E402

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


def noisy(params, rows):
    """With dropout, whose key is a part of the rows' numbers."""
    x, y = rows
    kept = jax.random.bernoulli(jax.random.key((1000 * x[0, 0]).astype(int)), 0.8, x.shape)
    return dense(params, (x * kept, y))


@pytest.mark.parametrize("given_away", [(), (0, 1)], ids=["kept", "donated"])
def test_the_training_is_the_same_bit_by_bit(given_away):
    """Dropout, AdamW with a schedule and clipping, mini-batches; with buffers that are given to the next step, too."""
    def end(watched):
        tx = optax.chain(optax.clip_by_global_norm(0.1), optax.adamw(optax.cosine_decay_schedule(RATE, 50)))
        run = Run(noisy, tx, small(), 32, donate_argnums=given_away)
        watch = cf.watch(noisy, tx, small(), rows(), fresh=rows(), every=3, budget=0.5) if watched else None
        run.on(40, watch)
        assert not watch or np.isfinite(watch.columns()["edge/share"]).sum() >= 6
        return [np.asarray(one).tobytes() for one in jax.tree.leaves([run.params, run.state])]

    assert end(True) == end(False)


def test_averages_are_those_after_the_step_and_dead_weights_are_left_out():
    """RMSprop with its usual decay, of which a gradient of zero would take 5 % off the scale."""
    def loss(params, rows):
        return ((rows[0] @ params["w"] - rows[1]) ** 2).mean()

    tx = optax.rmsprop(RATE, decay=0.9, eps=0.0)
    params = {"w": jnp.ones(6), "dead": jnp.ones(4)}
    watch, run = cf.watch(loss, tx, params, rows(), every=1, budget=0), Run(loss, tx, params)
    run.on(30, watch)
    nu = np.asarray(run.state[0].nu["w"], float)
    x = np.asarray(rows()[0], float)
    scale = 2 * np.sqrt(nu) / RATE
    share = np.linalg.eigvalsh(2 / len(x) * x.T @ x / np.sqrt(np.outer(scale, scale)))[-1]
    assert watch.log["edge/share"] == pytest.approx(share, rel=1e-4)
    assert any("4 of 10 weights never had a gradient" in note for note in watch.notes)
    assert set(watch.layers) == {"w", "dead"} and watch.layers["dead"] == 0.0


def test_steps_within_an_accumulation_are_none():
    """Three updates to a step: the share is that of the step, 2/η."""
    tx = optax.MultiSteps(optax.sgd(RATE), 3)
    watch, run = cf.watch(dense, tx, small(), rows(), every=1, budget=0), Run(dense, tx, small())
    run.on(9, watch)
    assert len(watch.columns()["edge/share"]) == 3
    with float64():
        hessian = dense_hessian(dense, small())
        share = np.linalg.eigvalsh(hessian(run.params))[-1] * RATE / 2
    assert watch.log["edge/share"] == pytest.approx(share, rel=0.01)


def test_without_second_derivatives_differences_are_taken():
    """A backward pass by NumPy."""
    @jax.custom_vjp
    def tanh(x):
        return jnp.tanh(x)

    def back(y, slope):
        return (jax.pure_callback(lambda y, slope: np.asarray(slope) * (1 - np.asarray(y) ** 2), jax.ShapeDtypeStruct(y.shape, y.dtype), y, slope),)

    tanh.defvjp(lambda x: (jnp.tanh(x), jnp.tanh(x)), back)

    def loss(params, rows):
        hidden = tanh(rows[0] @ params["in"]["w"] + params["in"]["b"])
        return optax.softmax_cross_entropy_with_integer_labels(hidden @ params["out"], rows[1]).mean()

    shares = []
    for one in (loss, dense):
        watch, run = cf.watch(one, optax.sgd(RATE), small(), rows(), every=1, budget=0), Run(one, optax.sgd(RATE), small())
        run.on(1, watch)
        shares.append(watch.log["edge/share"])
        assert ("differences" in watch.notes[0]) is (one is loss)
    assert shares[0] == pytest.approx(shares[1], rel=0.01)


def test_descent_beyond_the_edge_spikes_the_cause_is_named_and_the_file_is_read(tmp_path):
    """A valley whose sharpness rises along it: descent crosses 2/η and the loss spikes."""
    def valley(w, rows):
        return 1e-3 + 0.5 * (1.5 + w[1]) * w[0] ** 2 + 0.005 * (3 - w[1]) + 0 * rows[0].sum()

    tx = optax.inject_hyperparams(optax.sgd)(1.0)
    watch = cf.watch(valley, tx, jnp.array([0.02, 0.0]), rows(), every=1, budget=0, out=tmp_path / "run.jsonl")
    w, state = jnp.array([0.02, 0.0]), tx.init(jnp.array([0.02, 0.0]))
    step = jax.jit(lambda w, state: tx.update(jax.grad(valley)(w, rows()), state, w))
    for k in range(400):
        heard = {"grads": jax.grad(valley)(w, rows())} if k < 10 else {}  # later they are not given: that says nothing of a spike
        updates, state = step(w, state)
        w = optax.apply_updates(w, updates)
        watch.step(valley(w, rows()), params=w, state=state, **heard)
    shares = watch.columns()["edge/share"]
    assert shares[0] < 1 < np.nanmax(shares)
    assert watch.explain().spikes[0]["cause"] == "crossed the edge"
    assert watch.suggest()["edge_rate"] == pytest.approx(1 / watch.log["edge/share"], rel=1e-6)
    watch.close()
    found = cf.analysis.explain(tmp_path / "run.jsonl", loss="loss")
    assert len(found.steps) == 400 and found.spikes[0]["cause"] == "crossed the edge"


def test_of_a_run_that_has_diverged_the_loss_alone_is_measured():
    """Descent on w² at three times its edge."""
    def square(w, rows):
        return (w**2).sum()

    tx, w = optax.sgd(3.0), jnp.array([1.0])
    watch = cf.watch(square, tx, w, jnp.zeros(1), every=1, budget=0)
    for _ in range(100):
        w = w - 3.0 * jax.grad(square)(w, None)
        watch.step(square(w, None), params=w, state=tx.init(w), lr=3.0)
    columns = watch.columns()
    shares = columns["edge/share"]
    known = np.isfinite(shares)
    assert shares[known] == pytest.approx(3.0) and np.array_equal(known, np.isfinite(columns["probe/loss"])) and 20 < known.sum() < 100
    assert columns["edge/growth"][known] == pytest.approx(np.log(5.0))
    with pytest.raises(UsageError, match="has diverged"):
        watch.suggest()
    assert watch.explain().end == "not finite"


def test_a_watch_that_fails_says_so_once_and_the_training_goes_on():
    def broken(params, rows):
        raise MemoryError("no room")

    watch, run = cf.watch(broken, optax.sgd(RATE), small(), rows(), every=1, budget=0), Run(dense, optax.sgd(RATE), small())
    run.on(3, watch)
    assert [note for note in watch.notes if "no room" in note] == ["measurements ended at step 1: MemoryError: no room"]


REFUSED = {
    "lion": (optax.lion(0.1), "takes its sign"),
    "sign": (optax.sign_sgd(0.1), "takes its sign"),
    "lamb": (optax.lamb(0.1), "not coordinate by coordinate"),
    "lars": (optax.lars(0.1), "not coordinate by coordinate"),
    "muon": (contrib.muon(0.1), "not coordinate by coordinate"),
    "centralized": (optax.chain(optax.centralize(), optax.sgd(0.1)), "not coordinate by coordinate"),
    "adafactor": (optax.adafactor(0.1), "not a number"),
    "masked": (optax.masked(optax.sgd(0.1), {"in": True, "out": False}), "up the gradient"),
    "linesearch": (optax.lbfgs(), "cannot be watched"),
    "frozen": (optax.set_to_zero(), "nothing is trained"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_step_without_an_edge_is_refused(name):
    tx, reason = REFUSED[name]
    with pytest.raises(UsageError, match=reason):
        cf.watch(dense, tx, small(), rows())


def test_wrong_arguments():
    tx, params = optax.sgd(RATE), small()
    for change, reason in [
        ({"model": 3}, "the first argument is the loss"), ({"loss": {"steps": jnp.arange(3)}}, "steps of the parameters is not"), ({"loss": {}}, "no parameters"),
        ({"mode": "train"}, "no modes"), ({"every": 0}, "every"), ({"loss": optax.LookaheadParams(params, params)}, "Lookahead"),
    ]:  # fmt: skip
        with pytest.raises(UsageError, match=reason):
            cf.watch(**({"model": dense, "optimizer": tx, "loss": params, "probe": rows()} | change))
    with pytest.raises(UsageError, match="params=params, state=state"):
        cf.watch(dense, tx, params, rows()).step(1.0)
