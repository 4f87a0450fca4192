"""J. Sohl-Dickstein, *The boundary of neural network trainability is fractal*, arXiv 2402.06184, 2024.

The learning rates of the two layers of a small network are a plane. The boundary in it between training that converges and
training that diverges is fractal over more than ten decades, in every configuration that was tried; box counting gives
dimensions from 1.17 to 1.98.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, between, interval, near
from cfdyn.ensembles.orbits import Orbits

CLAIMS = Claims(__name__, __doc__, read="the abstract")
X, Y = np.array([-1.5, -0.5, 0.5, 1.5]), np.array([0.2, 1.0, -0.6, 0.4])
START = (0.8, -1.3, 0.9, 1.1)  # w₁, w₂, a₁, a₂
FAR = 1e3
RESOLVED = 0.15  # error of a dimension
MIDDLE, WHOLE = (1.25, 0.15), (2.5, 0.5)  # of the plane of log₁₀ η


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
    "abstract (on larger networks)", {"part at 1e-2": at_least(0.003), "part at 1e-8 to that at 1e-2": at_least(0.05)},
    Control("after ten steps, when the boundary is still smooth", changes={"steps": 10}), figure="plane",
    domain="a₁ tanh(w₁x) + a₂ tanh(w₂x) on four points, squared error, one start, 200 steps; rates of 1 to 316 and 0.8 to 2.5",
    perturbations=(Control("after 20 steps", changes={"steps": 20}),),
)  # fmt: skip
def uncertainty_over_six_decades(steps=200, points=12_000, seed=0):
    """A net of two tanh units, a learning rate for each layer: of random pairs of rates the part whose fate, bounded or not, is
    altered by a relative change of 10⁻⁸ in one rate is at least a twentieth of the part that is altered by 10⁻². Along a
    smooth boundary it would be a millionth.

    Four weights on four points, 12,000 random pairs of rates: of how many the change alters the fate after 200 steps (a weight
    above 1000, or not). The exponent α of the part estimates a dimension of 2 − α: evidence only, of one small net.
    """
    wide, narrow = _uncertain((1e-2, 1e-8), points, steps, seed)
    found = {"part at 1e-2": wide, "part at 1e-8 to that at 1e-2": narrow / max(wide, 1 / points)}
    return {**found, "2 − α": 2 - float(np.log10(wide / narrow)) / 6} if narrow > 0 else found


@cache
def _scaled_net():
    """Gradient descent with rate 1 on w̃ = w/√η, ã = a/√η: one map, with the roots of both rates as parameters."""
    net = "rb*(a1*tanh(ra*w1*({x})) + a2*tanh(ra*w2*({x})))"
    terms = (f"({net.format(x=x)} - ({y}))**2" for x, y in zip(X, Y, strict=True))
    loss = cf.Loss(f"({' + '.join(terms)})/8", variables="w1 w2 a1 a2", params={"ra": 1.0, "rb": 1.0})
    return cf.as_map(loss, cf.optimizers.gd(lr=1.0))


def _stays(inner, outer, steps):
    """Which pairs of decimal logarithms of the rates keep all scaled weights below `FAR`."""
    step, roots = _scaled_net(), 10 ** (np.stack([inner, inner, outer, outer], axis=1) / 2)
    parameters = np.tile([*step.params.values()], (len(roots), 1))
    for name, column in (("ra", 0), ("rb", 2)):
        parameters[:, [*step.params].index(name)] = roots[:, column]
    orbits = Orbits(step, np.array(START) / roots, parameters, FAR)
    orbits.advance(steps)
    return orbits.ended == 0


def _window(centre, size, steps, count):
    """Fates in a window of the plane, (count, count), ``size`` (2,) wide."""
    first, second = (c + s * ((np.arange(count) + 0.5) / count - 0.5) for c, s in zip(centre, size, strict=True))
    inner, outer = np.meshgrid(first, second)
    return _stays(inner.ravel(), outer.ravel(), steps).reshape(count, count)


def _on_the_boundary(steps, points, seed, count=400):
    """Random points on the boundary in the whole plane, by halving between neighbours of different fates."""
    fates, rng = _window(MIDDLE, WHOLE, steps, count), np.random.default_rng(seed)
    rows, columns = np.nonzero(fates[:, 1:] != fates[:, :-1])
    chosen = rng.choice(len(rows), points, replace=False)
    cell = np.array(WHOLE) / count
    low = np.array(MIDDLE) - np.array(WHOLE) / 2 + cell * (np.stack([columns, rows], axis=1)[chosen] + 0.5)
    left, right, fate = low[:, 0], low[:, 0] + cell[0], fates[rows[chosen], columns[chosen]]
    for _ in range(40):
        middle = (left + right) / 2
        same = _stays(middle, low[:, 1], steps) == fate
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return np.stack([left, low[:, 1]], axis=1)


def _mixed(fates):
    """The slope of ln(boxes with both fates) over −ln(side of a box), sides of 4, 8, 16 and 32 cells."""
    sides, counts = [4, 8, 16, 32], []
    for side in sides:
        boxes = fates[: len(fates) // side * side, : len(fates) // side * side]
        boxes = boxes.reshape(len(boxes) // side, side, -1, side)
        counts.append((boxes.any(axis=(1, 3)) & ~boxes.all(axis=(1, 3))).sum())
    return float(-np.polyfit(np.log(sides), np.log(counts), 1)[0])


@CLAIMS.add(
    "the range of dimensions, as a summary of the paper gives it",
    {"dimension": between(1.17, 1.98), "fractal": near(1.0, 0.0), "resolved": at_least(6), "boxes": between(1.17, 1.98)},
    Control("after ten steps, when the boundary is still smooth", changes={"steps": 10}), figure="zooms",
    read="a secondary source", slow=True,
    domain="a₁ tanh(w₁x) + a₂ tanh(w₂x) on four points, squared error, one start, 200 steps; windows of 10⁻² and 10⁻⁴ decades "
           "about six random points of the boundary",
    perturbations=(Control("after 20 steps", changes={"steps": 20}),),
)  # fmt: skip
def box_dimension_of_a_small_net(steps=200, points=6, seed=1, count=192):
    """A net of four weights has, in the plane of two learning rates, a boundary between bounded and divergent training whose
    dimension, estimated at scales of 10⁻⁷ to 10⁻³ decades, is between 1.17 and 1.98 in the mean of the windows that the grid
    resolves, as is said of the larger networks of the paper, and above 1 in each of these.

    Six random points of the boundary after 200 steps, a window of 10⁻² and one of 10⁻⁴ decades about each, 192 × 192 pairs of
    rates in it: 2 − α with α the uncertainty exponent at 1 to 8 cells. ``resolved``: in how many windows its error is at most
    0.15 (in the others the boundary is too dense for the grid, or bends); ``dimension``: the mean of these, with a 95 %
    interval by their scatter and errors; ``fractal``: the share of them that are above 1 by three errors; ``boxes``: the mean
    by counting boxes of 4 to 32 cells that hold both fates, which is too low, as boundary between the few starts of a small
    box is missed.
    """
    rows, boxes = [], []
    for centre in _on_the_boundary(steps, points, seed):
        for size in (1e-2, 1e-4):
            fates = _window(centre, (size, size / 5), steps, count)
            found = cf.analysis.boundary_dimension(fates)
            rows.append((found.dimension, found.error))
            boxes.append(_mixed(fates))
    values, errors = np.array([row for row in rows if row[1] <= RESOLVED]).T
    half = 1.96 * np.sqrt((values.var(ddof=1) + np.mean(errors**2)) / len(values))
    return {"dimension": interval(values.mean() - half, values.mean() + half, f"{len(values)} windows, 95 %"),
            "fractal": float(np.mean(values - 3 * errors > 1)), "resolved": len(values), "boxes": float(np.mean(boxes)),
            "windows": [list(map(float, row)) for row in rows]}  # fmt: skip


CLAIMS.undecided(
    "box_dimension", "the range of dimensions, as a summary of the paper gives it",
    "The box dimension of the boundary lies between 1.17 and 1.98, depending on the configuration.",
    needs="neural networks on data", domain="the six configurations of the paper, in planes of two hyperparameters",
)  # fmt: skip


def figures():
    """Which pairs of learning rates end bounded, in the plane and in windows about a point of the boundary."""
    return {"plane": _plane, "zooms": _zooms}


def _zooms(steps=200, count=384):
    from matplotlib.figure import Figure

    centre = _on_the_boundary(steps, 6, 1)[0]
    figure = Figure(figsize=(9.6, 3.5), layout="constrained")
    for axes, size in zip(figure.subplots(1, 3), (WHOLE, (1e-2, 2e-3), (1e-4, 2e-5)), strict=True):
        middle = MIDDLE if size is WHOLE else centre
        fates = _window(middle, size, steps, count)
        found = cf.analysis.boundary_dimension(fates)
        axes.imshow(fates, origin="lower", aspect="auto", cmap="Blues", vmin=-0.3)
        axes.set_title(f"dimension {found.dimension:.2f} ± {found.error:.1g}", fontsize="medium")
        axes.set(xticks=[], yticks=[], xlabel=f"log₁₀ η inner: {size[0]:g} wide about {middle[0]:.5g}",
                 ylabel=f"outer: {size[1]:g} about {middle[1]:.4g}")  # fmt: skip
    figure.suptitle("Dark: bounded after 200 steps; a net of two tanh units, a learning rate for each layer", fontsize="medium")
    return figure


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
