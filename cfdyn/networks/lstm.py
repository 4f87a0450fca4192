"""Recurrent networks."""

from __future__ import annotations

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.networks._models import build, places_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe
from cfdyn.networks._sequences import reading


def lstm(data: DataSet, width: int = 16, depth: int = 1, loss: str = "mse", seed: int = 0) -> Network:
    """``depth`` stacked layers of LSTM cells of ``width`` units, on sequences, or on pictures line by line.

    Each place is first mapped to ``width`` numbers. A linear layer predicts at the last places that are to be predicted, or at
    the last place. ``loss``: mse, the mean of ½‖f(x) − y‖², or cross_entropy.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.lstm(cf.data.copying(n=50, length=3), width=6, loss="cross_entropy")
    >>> net.dim, round(net.value(net.start), 1)
    (370, 1.4)

    References
    ----------
    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9.
    """
    size, layers_ = whole_number("lstm: width", width, 1, 10**5), whole_number("lstm: depth", depth, 1, 100)
    read, places = reading(data, "lstm"), places_of(data)

    def make(key: Array) -> Layers:
        nn, keys = library("equinox").nn, library("jax").random.split(key, layers_ + 2)
        return {"read": read.make(size, keys[0]), "cells": [nn.LSTMCell(size, size, key=k) for k in keys[1:-1]],
                "head": nn.Linear(size, data.n_outputs, key=keys[-1])}  # fmt: skip

    def forward(layers: Layers, x: Array) -> Array:
        jax, jnp = library("jax"), library("jax.numpy")
        x = jax.vmap(layers["read"])(read.split(x))
        for cell in layers["cells"]:

            def step(state: Layers, one: Array, cell: Layers = cell) -> tuple[Layers, Array]:
                state = cell(one, state)
                return state, state[0]

            _, x = jax.lax.scan(step, (jnp.zeros(size), jnp.zeros(size)), x)
        return jax.vmap(layers["head"])(x[-places:]) if places else layers["head"](x[-1])

    return build(Recipe(lstm, data, {"width": width, "depth": depth, "loss": loss, "seed": seed}), make, forward)
