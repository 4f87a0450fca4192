"""Convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._models import activation_of, build, dashed, pictures_only, widths_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe


def cnn(
    data: DataSet, channels: int | str | Sequence[int] = "8-16", kernel: int = 3, activation: str = "gelu", loss: str = "mse",
    seed: int = 0,
) -> Network:  # fmt: skip
    """Convolutions with ``channels``, each followed by φ and means over 2 × 2 pixels, then a linear layer, on pictures.

    The means are omitted where fewer pixels are left.

    ``kernel`` is odd, and convolutions preserve the size of the picture; ``activation`` φ: gelu, tanh, silu, softplus, sigmoid,
    linear or relu, with a remark on its kinks; ``loss``: mse, the mean of ½‖f(x) − y‖², or cross_entropy. Initial weights are
    uniform in ±1/√(inputs of an output), drawn with the ``seed``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.cnn(cf.data.digits(classes=4, n=100), channels="4-8")
    >>> net.dim  # 9·4 + 4, 9·4·8 + 8 and 2·2·8·4 + 4
    468

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Proceedings of the IEEE 86; Cohen et al., arXiv 2410.24206.
    """
    inputs, height, width = pictures_only(data, "cnn")
    stages = widths_of(channels, "cnn", "channels", 1)
    phi, remarks = activation_of(activation, "cnn")
    if whole_number("cnn: kernel", kernel, 1, 99) % 2 == 0:
        raise UsageError(f"cnn: kernel is odd, so that a picture keeps its size, not {kernel}")
    sides = [(height, width)]
    for _ in stages:
        sides.append((sides[-1][0] // 2, sides[-1][1] // 2) if min(sides[-1]) > 1 else sides[-1])

    def make(key: Array) -> Layers:
        nn, keys = library("equinox").nn, library("jax").random.split(key, len(stages) + 1)
        convolutions = [nn.Conv2d(n, m, kernel, padding=kernel // 2, key=k) for n, m, k in zip((inputs, *stages), stages, keys)]
        return {
            "convolutions": convolutions,
            "head": nn.Linear(stages[-1] * sides[-1][0] * sides[-1][1], data.n_outputs, key=keys[-1]),
        }

    def forward(layers: Layers, x: Array) -> Array:
        for layer, before, after in zip(layers["convolutions"], sides, sides[1:]):
            x = phi(layer(x))
            x = halved(x) if after != before else x
        return layers["head"](x.ravel())

    options = {"channels": dashed(stages), "kernel": kernel, "activation": activation, "loss": loss, "seed": seed}
    return build(Recipe(cnn, data, options), make, forward, remarks)


def halved(x: Array) -> Array:
    """Means over 2 × 2 pixels of a picture (channels, height, width); an odd last row or column is omitted."""
    channels, height, width = x.shape
    return x[:, : height // 2 * 2, : width // 2 * 2].reshape(channels, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
