"""Whole trajectories against optax: where ε stands, what is corrected, the order of clipping and decay."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

MOMENTUM = {"lr": 0.1, "momentum": 0.7}
BETAS = {"lr": 0.02, "beta1": 0.8, "beta2": 0.99}
ADAPTIVE = {"lr": 0.01, "beta2": 0.9, "eps": 0.1}
BOTH = {"weight_decay": 0.1, "clip": 0.25}
# Ours, and how optax says it; none of the trajectories is chaotic.
PAIRS = [
    ("gd", {"lr": 0.3}, lambda o: o.sgd(0.3)),
    ("gd", {"lr": 0.3, **BOTH}, lambda o: extras(o, o.sgd(0.3))),
    ("heavy_ball", MOMENTUM, lambda o: o.sgd(0.1, momentum=0.7)),
    ("heavy_ball", {**MOMENTUM, **BOTH}, lambda o: extras(o, o.sgd(0.1, momentum=0.7))),
    ("nesterov", MOMENTUM, lambda o: o.sgd(0.1, momentum=0.7, nesterov=True)),
    ("nesterov", {**MOMENTUM, **BOTH}, lambda o: extras(o, o.sgd(0.1, momentum=0.7, nesterov=True))),
    ("ema_momentum", MOMENTUM, lambda o: o.chain(o.ema(0.7, debias=False), o.scale(-0.1))),
    ("normalized_gd", {"lr": 0.005}, lambda o: o.chain(o.normalize_by_update_norm(eps=0.0), o.scale(-0.005))),
    ("sign_gd", {"lr": 0.01}, lambda o: o.sign_sgd(0.01)),
    ("lion", {"lr": 0.01, "weight_decay": 0.25}, lambda o: o.lion(0.01, weight_decay=0.25)),
    ("adam", {"lr": 0.02, "beta2": 0.99}, lambda o: o.adam(0.02, b2=0.99)),
    ("adam", {**BETAS, "eps": 1e-3, **BOTH}, lambda o: extras(o, o.adam(0.02, b1=0.8, b2=0.99, eps=1e-3))),
    ("adam", {**BETAS, "eps": 1e-3, "eps_inside": True}, lambda o: o.adam(0.02, b1=0.8, b2=0.99, eps=0.0, eps_root=1e-3)),
    ("adamw", {**BETAS, "weight_decay": 0.3}, lambda o: o.adamw(0.02, b1=0.8, b2=0.99, weight_decay=0.3)),
    ("rmsprop", ADAPTIVE, lambda o: o.rmsprop(0.01, decay=0.9, eps=0.1, eps_in_sqrt=False)),
    ("rmsprop", {**ADAPTIVE, "eps_inside": True}, lambda o: o.rmsprop(0.01, decay=0.9, eps=0.1)),
    (
        "rmsprop",
        {**ADAPTIVE, "bias_correction": True},
        lambda o: o.rmsprop(0.01, decay=0.9, eps=0.1, eps_in_sqrt=False, bias_correction=True),
    ),
    ("adagrad", {"lr": 0.05, "eps": 0.1, "eps_inside": True}, lambda o: o.adagrad(0.05, initial_accumulator_value=0.0, eps=0.1)),
]
STARTS = {"(1 - x*y)**2/2 + x**4/8": [0.5, 1.25], "logcosh(x - 1) + (y - x)**2/2": [-0.5, 0.75]}


def extras(optax, optimizer):
    """Clipped to the global norm, then decayed, as BOTH."""
    return optax.chain(optax.clip_by_global_norm(0.25), optax.add_decayed_weights(0.1), optimizer)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "theirs"), PAIRS, ids=[f"{row[0]}-{i}" for i, row in enumerate(PAIRS)])
def test_trajectories_equal_those_of_optax(name, options, theirs):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    functions = [
        lambda w: (1 - w[0] * w[1]) ** 2 / 2 + w[0] ** 4 / 8,
        lambda w: jnp.log(jnp.cosh(w[0] - 1)) + (w[1] - w[0]) ** 2 / 2,
    ]
    for (text, w0), function in zip(STARTS.items(), functions):
        optimizer = theirs(optax)
        w = jnp.array(w0, dtype=jnp.float64)
        state, rows = optimizer.init(w), [np.array(w)]
        gradient = jax.jit(jax.grad(function))
        for _ in range(200):
            change, state = optimizer.update(gradient(w), state, w)
            w = optax.apply_updates(w, change)
            rows.append(np.array(w))
        orbit = cf.iterate(cf.as_map(cf.Loss(text), getattr(cf.optimizers, name)(**options)), w0, 200)
        np.testing.assert_allclose(orbit.w, np.array(rows), rtol=1e-12, atol=1e-12)
