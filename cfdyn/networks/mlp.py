"""Fully connected networks."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.networks._models import activation_of, build, dashed, numbers_only, widths_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe


def mlp(
    data: DataSet, widths: int | str | Sequence[int] = "32-32", activation: str = "tanh", loss: str = "mse", seed: int = 0
) -> Network:
    """f(x) = W_L φ(… φ(W₁x + b₁) …) + b_L with hidden ``widths``, such as "32-32", on rows of data.

    Without widths, "", the network is linear: softmax regression with ``loss`` cross_entropy. ``activation`` φ: tanh, gelu, silu,
    softplus, sigmoid, linear or relu, with a remark on its kinks; ``loss``: mse, the mean of ½‖f(x) − y‖², or cross_entropy.
    Initial weights are uniform in ±1/√(inputs of the layer), drawn with the ``seed``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.mlp(cf.data.digits(classes=4, n=500), widths="32-32")
    >>> net.dim, net.gradient(net.start).shape  # 64·32 + 32 + 32·32 + 32 + 32·4 + 4
    (3268, (3268,))

    References
    ----------
    Cohen, Kaur, Li, Kolter & Talwalkar, arXiv 2103.00065.
    """
    numbers_only(data, "mlp")
    hidden = widths_of(widths, "mlp")
    phi, remarks = activation_of(activation, "mlp")
    sizes = (data.n_inputs, *hidden, data.n_outputs)

    def make(key: Array) -> Layers:
        eqx, keys = library("equinox"), library("jax").random.split(key, len(sizes) - 1)
        return [eqx.nn.Linear(n, m, key=key_k) for n, m, key_k in zip(sizes[:-1], sizes[1:], keys, strict=True)]

    def forward(layers: Layers, x: Array) -> Array:
        values = x.ravel()
        for layer in layers[:-1]:
            values = phi(layer(values))
        return layers[-1](values)

    options = {"widths": dashed(hidden), "activation": activation, "loss": loss, "seed": seed}
    return build(Recipe(mlp, data, options), make, forward, remarks)
