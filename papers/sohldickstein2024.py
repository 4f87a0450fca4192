"""J. Sohl-Dickstein, *The boundary of neural network trainability is fractal*, arXiv 2402.06184, 2024.

The learning rates of the two layers of a small network are a plane. The boundary in it between training that converges and
training that diverges is fractal over more than ten decades, in every configuration that was tried; box counting gives
dimensions from 1.17 to 1.98.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
X, Y = np.array([-1.5, -0.5, 0.5, 1.5]), np.array([0.2, 1.0, -0.6, 0.4])
START = (0.8, -1.3, 0.9, 1.1)  # w₁, w₂, a₁, a₂
FAR = 1e3


def _train(inner, outer, steps):
    """Weights (4, points) of a₁ tanh(w₁x) + a₂ tanh(w₂x), loss mean (·)²/2, after ``steps`` with a rate for each layer."""
    w = np.repeat(np.array(START)[:, None], len(inner), axis=1)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            units = np.tanh(w[:2, :, None] * X)
            error = (w[2:, :, None] * units).sum(axis=0) - Y
            slope = w[2:, :, None] * (1 - units**2) * X
            w = w - np.concatenate([inner * (error * slope).mean(axis=2), outer * (error * units).mean(axis=2)])
    return w


def _bounded(inner, outer, steps, rows=4000):
    """Which pairs of rates keep all weights below `FAR`, a block of pairs at a time."""
    blocks = [slice(first, first + rows) for first in range(0, len(inner), rows)]
    return np.concatenate([~(np.abs(_train(inner[b], outer[b], steps)) > FAR).any(axis=0) for b in blocks])


def _uncertain(distances, points, steps, seed):
    """The parts of random pairs of rates near the boundary whose fate a relative change of one rate alters."""
    random = np.random.default_rng(seed)
    inner, outer = 10 ** random.uniform(0, 2.5, points), 10 ** random.uniform(-0.1, 0.4, points)
    fate = _bounded(inner, outer, steps)
    return [float((_bounded(inner * (1 + distance), outer, steps) != fate).mean()) for distance in distances]


@CLAIMS.add(
    "abstract", {"part at 1e-2": at_least(0.003), "part at 1e-8 to that at 1e-2": at_least(0.05)},
    Control("after ten steps, when the boundary is still smooth", changes={"steps": 10}), figure="plane",
)  # fmt: skip
def uncertainty_over_six_decades(steps=200, points=12_000, seed=0):
    """The boundary between bounded and divergent training in the plane of two learning rates has structure at all scales,
    as a fractal has: the part of uncertain pairs hardly falls with the size of the change.

    Four weights on four points, 12,000 random pairs of rates: of how many a relative change of one rate by 10⁻² or 10⁻⁸
    alters the fate after 200 steps (a weight above 1000, or not). Along a smooth boundary the part falls as the change,
    here by 10⁶. The exponent α of the part estimates a dimension of 2 − α: evidence only, of one small net.
    """
    wide, narrow = _uncertain((1e-2, 1e-8), points, steps, seed)
    found = {"part at 1e-2": wide, "part at 1e-8 to that at 1e-2": narrow / max(wide, 1 / points)}
    return {**found, "2 − α": 2 - float(np.log10(wide / narrow)) / 6} if narrow > 0 else found


@CLAIMS.add(
    "section 2, as recalled", {"largest difference": near(0.0, 1e-9)},
    Control("with the rates of the layers exchanged", changes={"exchange": True}), read="from memory",
)  # fmt: skip
def separate_rates_are_one_rate(exchange=False, inner=2.0, outer=0.5, steps=50):
    """Training with a rate for each layer is gradient descent with one rate on weights that are scaled, w = √η_w w̃ and a =
    √η_a ã, so it iterates one map f(W) = W − ηg(W).

    50 steps of the two-layer net, once with two rates in NumPy and once by gradient descent with η = 1 on the scaled
    weights.
    """
    net = "rb*(a1*tanh(ra*w1*({x})) + a2*tanh(ra*w2*({x})))"
    terms = (f"({net.format(x=x)} - ({y}))**2" for x, y in zip(X, Y, strict=True))
    roots = np.sqrt([inner, inner, outer, outer])
    loss = cf.Loss(f"({' + '.join(terms)})/8", variables="w1 w2 a1 a2", params={"ra": roots[0], "rb": roots[2]})
    scaled = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=1.0)), np.array(START) / roots, steps).w[-1] * roots
    rates = (outer, inner) if exchange else (inner, outer)
    direct = _train(np.array([rates[0]]), np.array([rates[1]]), steps)[:, 0]
    return {"largest difference": float(np.abs(scaled - direct).max())}


CLAIMS.undecided(
    "box_dimension", "table of configurations",
    "The box dimension of the boundary lies between 1.17 and 1.98, depending on the configuration, and is a fractal's in all.",
    needs="a fractal dimension, measured by box counting with error bars, and neural networks on data",
)  # fmt: skip


def figures():
    """Which pairs of learning rates end bounded."""
    return {"plane": _plane}


def _plane():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    for axis, (x0, x1, y0, y1) in zip(axes, ((0, 2.5, -0.1, 0.4), (0.5, 0.7, 0.08, 0.16)), strict=True):
        inner, outer = np.meshgrid(np.linspace(x0, x1, 300), np.linspace(y0, y1, 240))
        fate = _bounded(10 ** inner.ravel(), 10 ** outer.ravel(), 150).reshape(inner.shape)
        axis.imshow(fate, origin="lower", extent=(x0, x1, y0, y1), aspect="auto", cmap="Blues", vmin=-0.3)
        axis.set(xlabel="log₁₀ η of the inner layer")
    axes[0].set(ylabel="log₁₀ η of the outer layer", title="dark: bounded after 150 steps")
    axes[1].set(title="a part of it")
    return figure
