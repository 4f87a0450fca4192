"""What the networks of the catalogue share: a model of Equinox, a criterion, rows of data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError, unknown
from cfdyn.networks._engine import float64, library
from cfdyn.networks._network import Network

ROUGH = ("its activation has kinks, which T[u, v] by automatic differentiation does not see: no statement about a central flow "
         "rests on it")  # fmt: skip
LOSSES = ("mse", "cross_entropy")


def titled(name: str, maker: Callable[..., Any], **options: Any) -> str:
    """``name:option=value,…``, the options that differ from the maker's defaults; as the command line takes it."""
    known = inspect.signature(maker).parameters
    given = [f"{key}={value}" for key, value in options.items() if value != known[key].default]
    return f"{name}:{','.join(given)}" if given else name


def widths_of(widths: Any, what: str) -> tuple[int, ...]:
    """(32, 32) from 32, "32-32" or a sequence; a UsageError for anything else."""
    items: Sequence[Any] = widths.split("-") if isinstance(widths, str) else [widths] if isinstance(widths, int) else list(widths)
    try:
        found = [int(item) for item in items]
    except (TypeError, ValueError):
        raise UsageError(f"{what}: widths are whole numbers such as 32-32, not {widths!r}") from None
    return tuple(whole_number(f"{what}: a width", width, 1, 10**7) for width in found)


def activation_of(name: str, what: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The function, and what is to be said of it."""
    nn, jnp = library("jax.nn"), library("jax.numpy")
    known = {"tanh": jnp.tanh, "gelu": lambda x: nn.gelu(x, approximate=False), "silu": nn.silu, "softplus": nn.softplus,
             "sigmoid": nn.sigmoid, "relu": nn.relu, "linear": lambda x: x}  # fmt: skip
    if name not in known:
        raise unknown(f"activation of {what}:", name, known)
    return known[name], (ROUGH,) if name == "relu" else ()


def criterion_of(loss: str, data: DataSet, what: str) -> tuple[Callable[..., Any], Any]:
    """The mean over rows of ½‖f − y‖² or −log softmax(f)_c, and the targets it takes."""
    jax, jnp = library("jax"), library("jax.numpy")
    if loss not in LOSSES:
        raise unknown(f"loss of {what}:", loss, LOSSES)
    if loss == "mse":
        return lambda f, y: jnp.mean(jnp.sum((f - y) ** 2, axis=-1)) / 2, data.targets
    if data.labels is None:
        raise UsageError(f"{what}: cross_entropy needs classes, and {data.title} has numbers to predict; take loss=mse")
    return lambda f, c: jnp.mean(jax.nn.logsumexp(f, axis=-1) - jnp.take_along_axis(f, c[..., None], -1)[..., 0]), data.labels


def build(
    make: Callable[..., Any], data: DataSet, loss: str, seed: int, title: str, remarks: Sequence[str] = (), **options: Any
) -> Network:
    """The network of a model ``make(key)``, an Equinox module of one input, on rows of data."""
    jax, eqx = library("jax"), library("equinox")
    criterion, targets = criterion_of(loss, data, title)
    with float64():
        model = make(jax.random.PRNGKey(whole_number(f"{title}: seed", seed, 0)))
        params, static = eqx.partition(model, eqx.is_inexact_array)

    def predict(tree: Any, x: Any) -> Any:
        return jax.vmap(eqx.combine(tree, static))(x)

    return Network(lambda tree, x, y: criterion(predict(tree, x), y), params, (data.inputs, targets), f"{title} on {data.title}",
                   predict, remarks, **options)  # fmt: skip
