"""Fully connected networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cfdyn.data._data_set import DataSet
from cfdyn.networks._engine import float64, library
from cfdyn.networks._models import activation_of, build, titled, widths_of
from cfdyn.networks._network import Network


def mlp(
    data: DataSet, widths: str | int | Sequence[int] = (32, 32), activation: str = "tanh", loss: str = "mse", seed: int = 0
) -> Network:
    """f(x) = W_L φ(… φ(W₁x + b₁) …) + b_L with hidden ``widths``, on rows of data.

    ``activation`` φ: tanh, gelu, silu, softplus, sigmoid, linear (a deep linear net) or relu; ``loss``: mse, the mean of
    ½‖f(x) − y‖², or cross_entropy. Weights start uniform in ±1/√(inputs of the layer), by the ``seed``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32))
    >>> net.dim, net.gradient(net.start).shape  # 64·32 + 32 + 32·32 + 32 + 32·4 + 4
    (3268, (3268,))
    """
    hidden = widths_of(widths, "mlp")
    phi, remarks = activation_of(activation, "mlp")
    sizes = (data.n_inputs, *hidden, data.n_outputs)

    def make(key: Any) -> Any:
        jax, eqx = library("jax"), library("equinox")
        layers: list[Any] = [eqx.nn.Lambda(lambda x: x.ravel())]
        for k, key_k in enumerate(jax.random.split(key, len(sizes) - 1)):
            layers += [eqx.nn.Linear(sizes[k], sizes[k + 1], key=key_k), eqx.nn.Lambda(phi)]
        return eqx.nn.Sequential(layers[:-1])

    title = titled("mlp", mlp, widths="-".join(map(str, hidden)), activation=activation, loss=loss, seed=seed)
    with float64():
        return build(make, data, loss, seed, title, remarks)
