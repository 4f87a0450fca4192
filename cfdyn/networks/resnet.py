"""Residual networks."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._models import activation_of, build, dashed, pictures_only, widths_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe


def resnet(
    data: DataSet, channels: int | str | Sequence[int] = "8-16", blocks: int = 1, groups: int = 4, activation: str = "gelu",
    loss: str = "mse", seed: int = 0,
) -> Network:  # fmt: skip
    """A residual network with GroupNorm on pictures: x + C₂φ(N₂(C₁φ(N₁(x)))), ``blocks`` times for each number of ``channels``.

    C are 3 × 3 convolutions, N normalises ``groups`` of channels; each stage after the first halves the picture, and a 1 × 1
    convolution maps its channels. Then follow N, φ, the mean over all pixels and a linear layer. ``activation`` φ: gelu, tanh,
    silu, softplus, sigmoid, linear or relu, with a remark on its kinks; ``loss``: mse, the mean of ½‖f(x) − y‖², or
    cross_entropy.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.resnet(cf.data.digits(classes=4, n=100), channels="4-8", groups=2)
    >>> net.dim
    1348

    References
    ----------
    He, Zhang, Ren & Sun, arXiv 1603.05027; Wu & He, arXiv 1803.08494; Cohen et al., arXiv 2410.24206.
    """
    inputs, height, width = pictures_only(data, "resnet")
    stages = widths_of(channels, "resnet", "channels", 1)
    depth, parts = whole_number("resnet: blocks", blocks, 1, 100), whole_number("resnet: groups", groups, 1, 10**6)
    for one in stages:
        if one % parts:
            raise UsageError(f"resnet: {parts} groups do not divide {one} channels evenly")
    if min(height, width) < 2 ** (len(stages) - 1):
        raise UsageError(f"resnet: pictures of {height} × {width} cannot be halved {len(stages) - 1} times")
    phi, remarks = activation_of(activation, "resnet")
    # Channels before and after each block, and whether it halves the picture.
    plan = [(stages[max(s - (b == 0), 0)], c, s > 0 and b == 0) for s, c in enumerate(stages) for b in range(depth)]

    def make(key: Array) -> Layers:
        nn, keys = library("equinox").nn, iter(library("jax").random.split(key, 3 * len(plan) + 2))

        def conv(n: int, m: int, stride: int = 1) -> Layers:
            return nn.Conv2d(n, m, 3, stride, padding=1, key=next(keys))

        layers = [{"norms": [nn.GroupNorm(parts, n), nn.GroupNorm(parts, m)], "inner": [conv(n, m, 1 + half), conv(m, m)],
                   "skip": nn.Conv2d(n, m, 1, 1 + half, key=next(keys)) if half else None} for n, m, half in plan]  # fmt: skip
        return {"stem": conv(inputs, stages[0]), "blocks": layers, "norm": nn.GroupNorm(parts, stages[-1]),
                "head": nn.Linear(stages[-1], data.n_outputs, key=next(keys))}  # fmt: skip

    def forward(layers: Layers, x: Array) -> Array:
        x = layers["stem"](x)
        for block in layers["blocks"]:
            inner = x
            for norm, convolution in zip(block["norms"], block["inner"], strict=True):
                inner = convolution(phi(norm(inner)))
            x = inner + (x if block["skip"] is None else block["skip"](x))
        return layers["head"](phi(layers["norm"](x)).mean(axis=(1, 2)))

    options = {"channels": dashed(stages), "blocks": blocks, "groups": groups, "activation": activation, "loss": loss,
               "seed": seed}  # fmt: skip
    return build(Recipe(resnet, data, options), make, forward, remarks)
