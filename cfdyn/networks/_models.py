"""What the networks of the catalogue share: layers of Equinox, a criterion, rows of data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError, unknown
from cfdyn.networks._first_weights import first_weights
from cfdyn.networks._oracle.by_jax import JaxEngine
from cfdyn.networks._oracle.engine import Array, Layers, Tree, float64, library
from cfdyn.networks._oracle.network import Network, Recipe

ROUGH = ("its activation has kinks, which T[u, v] by automatic differentiation does not see: no statement about a central flow "
         "rests on it, and what one shows omits them")  # fmt: skip
LOSSES = ("mse", "cross_entropy")
MOST = 10**7  # of a width


def widths_of(widths: Any, what: str, name: str = "widths", least: int = 0) -> tuple[int, ...]:
    """(32, 32) from 32, "32-32" or a sequence; a UsageError for anything else and for fewer than ``least``."""
    try:
        items: Sequence[Any] = (
            widths.split("-") if isinstance(widths, str) else [widths] if isinstance(widths, int) else [*widths]
        )
        sizes = [int(item) for item in items if item != "" or len(items) > 1]
    except (TypeError, ValueError):
        raise UsageError(f"{what}: {name} are whole numbers such as 32-32, not {widths!r}") from None
    if len(sizes) < least:
        raise UsageError(f"{what}: {name} are {least} or more whole numbers such as 8-16, not {widths!r}")
    return tuple(whole_number(f"{what}: each of its {name}", width, 1, MOST) for width in sizes)


def dashed(numbers: Sequence[int]) -> str:
    """(32, 32) as 32-32."""
    return "-".join(map(str, numbers))


def activation_of(name: str, what: str) -> tuple[Callable[[Array], Array], tuple[str, ...]]:
    """The function, and a remark about it."""
    nn, jnp = library("jax.nn"), library("jax.numpy")
    known = {"tanh": jnp.tanh, "gelu": lambda x: nn.gelu(x, approximate=False), "silu": nn.silu, "softplus": nn.softplus,
             "sigmoid": nn.sigmoid, "relu": nn.relu, "linear": lambda x: x}  # fmt: skip
    if name not in known:
        raise unknown(f"activation of {what}:", name, known)
    return known[name], (ROUGH,) if name == "relu" else ()


def criterion_of(loss: str, data: DataSet, what: str) -> tuple[Callable[[Array, Array], Array], np.ndarray]:
    """The mean over rows (and places of a sequence) of ½‖f − y‖² or −log softmax(f)_c, and the targets that it needs."""
    jax, jnp = library("jax"), library("jax.numpy")
    if loss not in LOSSES:
        raise unknown(f"loss of {what}:", loss, LOSSES)
    if loss == "mse":
        return lambda f, y: jnp.mean(jnp.sum((f - y) ** 2, axis=-1)) / 2, data.targets
    if data.labels is None:
        raise UsageError(f"{what}: cross_entropy needs classes, and {data.title} has numbers to predict; take loss=mse")
    return lambda f, c: jnp.mean(jax.nn.logsumexp(f, axis=-1) - jnp.take_along_axis(f, c[..., None], -1)[..., 0]), data.labels


def build(
    recipe: Recipe, make: Callable[[Array], Layers], forward: Callable[[Layers, Array], Array], remarks: Sequence[str] = ()
) -> Network:  # fmt: skip
    """The network of layers ``make(key)``, a tree of Equinox modules, with outputs ``forward(layers, x)`` of one input x."""
    jax, eqx = library("jax"), library("equinox")
    data, options = recipe.data, recipe.options
    what = recipe.entry.__name__
    criterion, targets = criterion_of(options["loss"], data, what)
    with float64():
        depends = (options, data.inputs.shape[1:], data.targets.shape[1:], data.symbols)
        layers = first_weights(make, whole_number(f"{what}: seed", options["seed"], 0), what, depends)
        params, static = eqx.partition(layers, eqx.is_inexact_array)

    def predict(tree: Tree, x: Array) -> Array:
        return jax.vmap(lambda one: forward(eqx.combine(tree, static), one))(x)

    engine = JaxEngine(lambda tree, x, y: criterion(predict(tree, x), y), params, (data.inputs, targets), predict)
    return Network.of(engine, f"{recipe.title} on {data.title}", remarks, recipe)


def pictures_only(data: DataSet, what: str) -> tuple[int, int, int]:
    """(channels, height, width) of the inputs; a UsageError if they are not pictures."""
    if data.inputs.ndim != 4:
        raise UsageError(f"{what} takes pictures, (n, channels, height, width), and the inputs of {data.title} are "
                         f"{data.inputs.shape}; digits, mnist and cifar10 are pictures, mlp takes any rows")  # fmt: skip
    channels, height, width = data.inputs.shape[1:]
    return channels, height, width


def places_of(data: DataSet) -> int:
    """The number of last places of a sequence that are to be predicted; 0 if the sequence has one answer."""
    return data.targets.shape[1] if data.targets.ndim == 3 else 0


def numbers_only(data: DataSet, what: str) -> None:
    """Raise UsageError for sequences of symbols, which are not quantities."""
    if data.symbols:
        raise UsageError(f"{what} takes numbers, and {data.title} has sequences of symbols; lstm and transformer read these")
