"""Deep linear networks."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.networks._models import build, dashed, numbers_only, widths_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe


def deep_linear(data: DataSet, widths: int | str | Sequence[int] = "32-32", loss: str = "mse", seed: int = 0) -> Network:
    """f(x) = W_L ⋯ W₂W₁x without biases, with inner ``widths``, on rows of data: linear in x, but not in the weights.

    ``loss``: mse, the mean of ½‖f(x) − y‖², or cross_entropy. Initial weights are uniform in ±1/√(inputs of the layer), drawn
    with the ``seed``.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> rows = cf.DataSet(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])
    >>> net = cf.networks.deep_linear(rows, widths=2)
    >>> net.value([1.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 1.0]), net.dim  # W₁ = 1, W₂ = diag(3, 1)
    (0.0, 8)

    References
    ----------
    Saxe, McClelland & Ganguli, arXiv 1312.6120; Arora, Cohen, Golowich & Hu, arXiv 1810.02281.
    """
    numbers_only(data, "deep_linear")
    hidden = widths_of(widths, "deep_linear")
    sizes = (data.n_inputs, *hidden, data.n_outputs)

    def make(key: Array) -> Layers:
        eqx, keys = library("equinox"), library("jax").random.split(key, len(sizes) - 1)
        return [eqx.nn.Linear(n, m, use_bias=False, key=k) for n, m, k in zip(sizes[:-1], sizes[1:], keys, strict=True)]

    def forward(layers: Layers, x: Array) -> Array:
        values = x.ravel()
        for layer in layers:
            values = layer(values)
        return values

    return build(Recipe(deep_linear, data, {"widths": dashed(hidden), "loss": loss, "seed": seed}), make, forward)
