"""Transformers."""

from __future__ import annotations

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.errors import UsageError
from cfdyn.networks._models import activation_of, build, places_of
from cfdyn.networks._oracle.engine import Array, Layers, library
from cfdyn.networks._oracle.network import Network, Recipe
from cfdyn.networks._sequences import reading

SPREAD = 0.02  # of the first positions


def transformer(
    data: DataSet, width: int = 16, depth: int = 1, heads: int = 2, hidden: int = 32, patch: int = 4, activation: str = "gelu",
    loss: str = "mse", seed: int = 0,
) -> Network:  # fmt: skip
    """A transformer with LayerNorm: x + A(N₁(x)), then x + M(N₂(x)), ``depth`` times, on sequences or pictures.

    A is attention of ``heads``, in which every place attends to all others, written out, so that all its derivatives exist; M is
    a net of ``hidden`` units. Places have ``width`` numbers, with learned positions; pictures are read in patches of ``patch`` ×
    ``patch`` pixels. After a last N a linear layer predicts at the last places that are to be predicted, or from the mean over
    all places. ``activation``: gelu, tanh, silu, softplus, sigmoid, linear or relu, with a remark on its kinks; ``loss``: mse,
    the mean of ½‖f(x) − y‖², or cross_entropy.

    Examples
    --------
    >>> import cfdyn as cf
    >>> net = cf.networks.transformer(cf.data.sorting(n=50, length=4), width=8, loss="cross_entropy")
    >>> net.dim, net.predict(net.start, cf.data.sorting(n=3, length=4).inputs).shape
    (1028, (3, 4, 4))

    References
    ----------
    Vaswani et al., arXiv 1706.03762; Xiong et al., arXiv 2002.04745 (LayerNorm first); Cohen et al., arXiv 2410.24206.
    """
    size, layers_ = whole_number("transformer: width", width, 1, 10**5), whole_number("transformer: depth", depth, 1, 1000)
    if size % whole_number("transformer: heads", heads, 1, size):
        raise UsageError(f"transformer: {heads} heads do not divide a width of {size} evenly")
    inner = whole_number("transformer: hidden", hidden, 1, 10**6)
    phi, remarks = activation_of(activation, "transformer")
    read, places = reading(data, "transformer", patch), places_of(data)

    def make(key: Array) -> Layers:
        jax, nn = library("jax"), library("equinox").nn
        keys = iter(jax.random.split(key, 3 * layers_ + 3))
        blocks = [{"norms": [nn.LayerNorm(size), nn.LayerNorm(size)],
                   "attention": nn.MultiheadAttention(heads, size, use_query_bias=True, use_key_bias=True, use_value_bias=True,
                                                      use_output_bias=True, key=next(keys)),
                   "up": nn.Linear(size, inner, key=next(keys)), "down": nn.Linear(inner, size, key=next(keys))}
                  for _ in range(layers_)]  # fmt: skip
        positions = SPREAD * jax.random.normal(next(keys), (read.length, size))
        return {"read": read.make(size, next(keys)), "positions": positions, "blocks": blocks,
                "norm": nn.LayerNorm(size), "head": nn.Linear(size, data.n_outputs, key=next(keys))}  # fmt: skip

    def forward(layers: Layers, x: Array) -> Array:
        vmap = library("jax").vmap
        x = vmap(layers["read"])(read.split(x)) + layers["positions"]
        for block in layers["blocks"]:
            y = vmap(block["norms"][0])(x)
            x = x + block["attention"](y, y, y)
            y = vmap(block["norms"][1])(x)
            x = x + vmap(block["down"])(phi(vmap(block["up"])(y)))
        x = vmap(layers["norm"])(x)
        return vmap(layers["head"])(x[-places:]) if places else layers["head"](x.mean(axis=0))

    options = {"width": width, "depth": depth, "heads": heads, "hidden": hidden, "patch": patch, "activation": activation,
               "loss": loss, "seed": seed}  # fmt: skip
    return build(Recipe(transformer, data, options), make, forward, remarks)
