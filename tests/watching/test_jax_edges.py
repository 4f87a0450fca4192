"""The edges that a watch finds for transformations of optax, against the steps that optax takes."""

from __future__ import annotations

import numpy as np
import pytest

from cfdyn.networks._oracle.engine import float64

jax = pytest.importorskip("jax", reason="jax is not installed: no watch of JAX was tested")
optax = pytest.importorskip("optax", reason="optax is not installed: no watch of JAX was tested")
from optax import contrib  # noqa: E402

from cfdyn.watching.of_jax.subject import Subject  # noqa: E402

jnp = jax.numpy
SLOW, TINY, LATE = 1 - 1e-9, 1e-30, 10**9
MOMENTA = ("mu", "trace", "m", "v", "z", "acc_grads", "m1", "m2", "previous_gradient")
VALUES = {"count": LATE, "nu": 4.0, "nu_max": 4.0, "sum_of_squares": 4.0, "e_g": 4.0, "e_x": 9.0, "n": 4.0, "is_initial_step": False}
THETA = 2 * 1.9 / 0.1
P = 2 / np.sqrt(1 - np.exp(-1.0)) / 0.1  # (√v̂ + 0)/η at v = 4, of which 1 − β₂ᵗ = 1 − 1/e are there
CASES = {  # the transformation, and its edge by theory/practice where it has a closed form
    "sgd": (optax.sgd(0.1), 20.0),
    "momentum": (optax.sgd(0.1, 0.9), 38.0),
    "nesterov": (optax.sgd(0.1, 0.9, nesterov=True), 38 / 2.8),
    "adam": (optax.adam(0.1, b2=SLOW, eps=0), THETA * P),
    "adam with decay in the gradient": (optax.chain(optax.add_decayed_weights(0.5), optax.adam(0.1, b2=SLOW, eps=0)), THETA * P - 0.5),
    "adamw": (optax.adamw(0.1, b2=SLOW, eps=0, weight_decay=0.7), (2 - 0.07) / 2 * THETA * P),
    "nadam": (optax.nadam(0.1, b2=SLOW, eps=0), THETA / 2.8 * P),
    "amsgrad": (optax.amsgrad(0.1, b2=SLOW, eps=0), None),
    "yogi": (optax.yogi(0.1, b2=SLOW, eps=0), THETA * P),
    "adabelief": (optax.adabelief(0.1, b2=SLOW, eps=0, eps_root=0), THETA * P),
    "adamax": (optax.adamax(0.1, b2=SLOW, eps=0), THETA * 40),
    "radam": (optax.radam(0.1, b2=SLOW, eps=0), None),
    "adan": (optax.adan(0.1, b3=SLOW), None),
    "adagrad": (optax.adagrad(0.1, eps=0), 40.0),
    "rmsprop": (optax.rmsprop(0.1, decay=SLOW, eps=0), 40.0),
    "rmsprop, momentum": (optax.rmsprop(0.1, decay=SLOW, eps=0, momentum=0.5), 60.0),
    "rmsprop, nesterov": (optax.rmsprop(0.1, decay=SLOW, eps=0, momentum=0.5, nesterov=True), 30.0),
    "rmsprop, centred": (optax.rmsprop(0.1, decay=SLOW, eps=0, centered=True, momentum=0.5), 60.0),
    "adadelta": (optax.adadelta(0.1, rho=SLOW, eps=1e-9), 2 * np.sqrt(4 / 9) / 0.1),
    "optimistic": (optax.optimistic_gradient_descent(0.1), 20 / 3),
    "schedule": (optax.sgd(optax.linear_schedule(0.2, 0.1, 1000), 0.9), 38.0),
    "clipped": (optax.chain(optax.clip_by_global_norm(1.0), optax.clip(0.5), optax.sgd(0.1, 0.9)), 38.0),
    "injected": (optax.inject_hyperparams(optax.sgd)(0.1, momentum=0.9), 38.0),
    "accumulated": (optax.MultiSteps(optax.sgd(0.1, 0.9), 3), 38.0),
    "accumulated adamw": (optax.MultiSteps(optax.adamw(0.1, b2=SLOW, eps=0, weight_decay=0.7), 2).gradient_transformation(), (2 - 0.07) / 2 * THETA * P),
    "groups": (optax.multi_transform({"a": optax.sgd(0.1, 0.9), "b": optax.sgd(0.1)}, {"w": "a", "other": "b"}), 38.0),
    "ademamix": (contrib.ademamix(0.1, b2=SLOW, eps=0, b3=0.99, alpha=2.0), None),
    "schedule-free": (contrib.schedule_free_sgd(0.1, b1=0.8), None),
    "schedule-free adamw": (contrib.schedule_free_adamw(0.1, b2=SLOW, eps=1e-12, weight_decay=0.3), None),
}  # fmt: skip
STEADY = {"schedule-free": 60, "schedule-free adamw": 60}  # steps that make the state, where its parts hang together


def field(path):
    """The innermost name of a leaf of a state."""
    return next((part.name for part in reversed(path) if hasattr(part, "name")), "")


def late(tx, steps=0):
    """Weights of 0, and a state late in a run, with a momentum of 0."""
    params = {"w": jnp.zeros(2), "other": jnp.zeros(3)}
    state = tx.init(params)
    for k in range(steps):
        state = tx.update(jax.tree.map(lambda one, k=k: one + 1.0 + 0.01 * k, params), state, params)[1]
    calm = jax.tree_util.tree_map_with_path(lambda path, one: one * 0 if field(path) in MOMENTA else one, state)
    if steps:
        return params, calm
    return params, jax.tree_util.tree_map_with_path(lambda path, one: jnp.full_like(one, VALUES[field(path)]) if field(path) in VALUES else one, calm)


def real(tx, params, state, curvature):
    """The matrix of a step of the weight and its momenta at sizes of 1e-30, column by column from real updates."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    leaves, kind = jax.tree.flatten(state)
    momenta = [k for k, path in enumerate(paths) if field(path) in MOMENTA and leaves[k].shape == (2,)]

    def after(column):
        w = params | {"w": jnp.full(2, TINY * (column == 0))}
        now = jax.tree.unflatten(kind, [jnp.full_like(one, TINY) if k in momenta[column - 1 : column] and column else one for k, one in enumerate(leaves)])
        gradient, change = jax.tree.map(lambda one: curvature * one, w), 0.0
        while True:
            updates, now = tx.update(gradient, now, w)
            change += float(updates["w"][0])
            if not any(field(path) == "mini_step" and int(one) for path, one in jax.tree_util.tree_leaves_with_path(now)):
                break
        found = jax.tree.leaves(now)
        return np.array([float(w["w"][0]) + change, *(float(found[k][0]) for k in momenta)]) / TINY

    return np.array([after(column) for column in range(len(momenta) + 1)]).T


def found(tx, params, state):
    """The scale of the first weight, and its memory, as a watch finds them."""
    subject = Subject(lambda params, rows: (params["w"] ** 2).sum(), tx, params, jnp.zeros(1), None)
    assert subject.take(params=params, state=state)
    edges = subject.edges()
    return float(edges[1].scale[0]), edges[1].memory


@pytest.mark.parametrize("name", CASES)
def test_at_the_edge_the_real_step_has_the_multiplier_minus_one(name):
    tx, closed = CASES[name]
    with float64():
        params, state = late(tx, STEADY.get(name, 0))
        edge, memory = found(tx, params, state)
        matrix = {factor: np.linalg.eigvals(real(tx, params, state, factor * edge)) for factor in (0.97, 1.0, 1.03)}
    assert closed is None or edge == pytest.approx(closed, rel=1e-6)
    assert abs(matrix[1.0] + 1).min() < 1e-5
    assert abs(matrix[0.97]).max() < 1 + 1e-9 and abs(matrix[1.03]).max() > 1 + 1e-3
    if memory is not None and "decay" not in name and "adamw" not in name:  # also away from the edge, beside slow averages
        for factor in (0.97, 1.03):
            assert abs(np.abs(matrix[factor]) - np.exp(memory.growth(factor))).min() < 1e-3


def test_averages_that_see_the_momentum_are_taken_without_it():
    """AdaBelief's s averages (g − m)²: under slowly growing gradients m² is 1,000 s, and a gradient of 0 would be a surprise."""
    tx, b2, steps = optax.adabelief(0.1, b2=0.99, eps=0, eps_root=0), 0.99, 600
    with float64():
        params = {"w": jnp.zeros(2), "other": jnp.zeros(3)}
        state, update = tx.init(params), jax.jit(tx.update)
        for k in range(steps):
            state = update(jax.tree.map(lambda one, k=k: one + 1 + 1e-3 * k, params), state, params)[1]
        s, m = (float(getattr(state[0], name)["w"][0]) for name in ("nu", "mu"))
        edge = found(tx, params, state)[0]
    assert m**2 > 1000 * s
    assert edge == pytest.approx(THETA * np.sqrt(s / (1 - b2 ** (steps + 1))) / 0.1, rel=1e-6)
