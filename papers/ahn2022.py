"""K. Ahn, S. Bubeck, S. Chewi, Y. T. Lee, F. Suarez and Y. Zhang, *Learning threshold neurons via the "edge of stability"*,
arXiv 2212.07469, NeurIPS 2023.

On ℓ(xy) with ℓ convex, even and of bounded slope gradient descent has two regimes. From y₀² well below 2/η it behaves as the
gradient flow, which keeps y² − x². From y₀² > 2/η it bounces across the valley x = 0 and ends with y² just below 2/η. In a mean
model of a network with one bias that sets a sharp threshold: below a critical step size the bias stays where it was, above it
becomes negative. The abstract was read; the examples and their numbers are ours.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LOSSES = {"sqrt": cf.losses.sqrt_product, "log cosh": cf.losses.log_cosh_product}


def _end(loss, lr, x, y, steps=60):
    """Where gradient descent is after 60/η² steps."""
    return cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [x, y], int(steps / lr**2)).w[-1]


@CLAIMS.add(
    "abstract (the edge of stability, provably); the constants are ours",
    {"least gap/η": at_least(0.0), "greatest gap/η": at_most(1.6), "limits": near([1.0, 1.0, 1.5, 1.5], 1e-3),
     "order of the rest": near([2.0, 2.0, 2.0, 2.0], 0.05), "x": at_most(1e-12)},
    Control("(xy)²/2, whose slope has no bound: it ends far below", changes={"loss": "(x*y)**2/2"}), figure="valley",
    domain="√(1 + s²) and log cosh s of s = xy, two weights, from (0.01, y₀), y₀ = 1.05 and 1.3 times √(2/η); η → 0",
    examples="η = 0.1, 0.05, 0.025", perturbations=(Control("the edge 1.99/η in place of 2/η", changes={"edge": 1.99}),),
)  # fmt: skip
def ends_below_the_edge(loss="", lrs=(0.1, 0.05, 0.025), edge=2.0):
    """From y₀² > 2/η gradient descent on √(1 + (xy)²) and on log cosh(xy) ends on the axis x = 0, whose sharpness there is y²,
    with y² = 2/η − η + O(η³) and 2/η − 3η/2 + O(η³).

    The gap 2/η − y² over η: the least and the greatest, the last for each loss and start, and the order in η of its distance
    from 1 and 3/2 from the last two η.
    """
    gaps, x = [], 0.0
    for one in [cf.Loss(loss)] if loss else [make() for make in LOSSES.values()]:
        for factor in (1.05, 1.3):
            ends = [_end(one, lr, 0.01, factor * math.sqrt(2 / lr)) for lr in lrs]
            x = max(x, *(abs(float(w[0])) for w in ends))
            gaps.append([float(edge / lr - w[1] ** 2) / lr for lr, w in zip(lrs, ends, strict=True)])
    rest = [abs(np.array(row[-2:]) - (1.0 if k < 2 else 1.5)) for k, row in enumerate(gaps)]
    return {"least gap/η": min(map(min, gaps)), "greatest gap/η": max(map(max, gaps)), "limits": [row[-1] for row in gaps],
            "order of the rest": [float(np.log2(a / b)) for a, b in rest], "x": x}  # fmt: skip


@CLAIMS.add(
    "own statement", {"order in η": near(1.0, 0.05)},
    Control("a start beyond the edge for the larger η, (1, 12)", changes={"y": 12.0}),
    domain="√(1 + s²) of s = xy, two weights, from (1, 3); η → 0", examples="η = 0.02 and 0.01",
    perturbations=(Control("y² alone kept by the flow", changes={"share": 0.0}),
                   Control("y² − 0.95x² kept by the flow", changes={"share": 0.95})),
)  # fmt: skip
def gradient_flow_regime(y=3.0, lrs=(0.02, 0.01), x=1.0, share=1.0):
    """From (1, 3), below the edge y₀² = 2/η, gradient descent on √(1 + (xy)²) ends where the gradient flow does, y² = y₀² − x₀² =
    8, up to O(η).

    |y² − 8| at the end for η = 0.02 and 0.01, and its order in η.
    """
    loss = cf.losses.sqrt_product()
    errors = [abs(_end(loss, lr, x, y, 40)[1] ** 2 - (y**2 - share * x**2)) for lr in lrs]
    return {"difference/η": float(errors[-1] / lrs[-1]), "order in η": math.log2(errors[0] / errors[1])}


@CLAIMS.add(
    "abstract (a sharp phase transition of the step size); the model's normalisation and number are ours",
    {"bias below": at_least(-1e-3), "bias beyond": at_most(-0.1), "sharpness beyond · η/2": at_most(1.0)},
    Control("all below the threshold", changes={"factors": (0.5, 0.6, 0.7)}), figure="threshold",
    domain="ℓ(a·g(b)), two weights (a, b), from (0.001, 0); η = 0.9, 1.3 and 2 times 16π",
    perturbations=(Control("1.1 in place of 0.9 times the threshold", changes={"factors": (1.1, 1.3, 2.0)}),),
)  # fmt: skip
def threshold_neuron(factors=(0.9, 1.3, 2.0), a=1e-3, steps=20_000):
    """A neuron learns a threshold (a negative bias b) only above a critical step size: from (a, b) = (0.001, 0) gradient
    descent on ℓ(a·g(b)), ℓ(s) = ½[log(1+eˢ) + log(1+e⁻ˢ)] and g(b) = E max(0, z + b) for normal z, leaves b within 0.001 of 0
    at 0.9 times 8/g(0)² = 16π, and at 1.3 and 2 times that lowers it below −0.1, until g(b)²ℓ″(0) ≤ 2/η.

    The minima are a = 0, of sharpness g(b)²/4. 20,000 steps.
    """
    g = "(exp(-b**2/2)/sqrt(2*pi) + b*(1 + erf(b/sqrt(2)))/2)"
    loss = cf.Loss(f"softplus(a*{g})/2 + softplus(-a*{g})/2", variables="a b")
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    lrs = [factor * 16 * math.pi for factor in factors]
    ends = [cf.iterate(step.at(lr=lr), [a, 0.0], steps).w[-1] for lr in lrs]
    return {
        "bias below": float(ends[0][1]),
        "bias beyond": float(max(w[1] for w in ends[1:])),
        "sharpness beyond · η/2": max(loss.sharpness(w) * lr / 2 for w, lr in zip(ends[1:], lrs[1:], strict=True)),
    }


def figures():
    """The bouncing path in the valley, and the final bias against the step size."""
    return {"valley": _valley, "threshold": _threshold}


def _valley():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    step = cf.as_map(cf.losses.sqrt_product(), cf.optimizers.gd(lr=0.05))
    for factor, colour in ((1.3, "C3"), (0.8, "C0")):
        w = cf.iterate(step, [0.3, factor * math.sqrt(40)], 600).w
        axis.plot(w[:, 0], w[:, 1], ".-", color=colour, lw=0.4, ms=2, label=f"y₀ = {factor} √(2/η)")
    axis.axhline(math.sqrt(40), color="k", ls="--", lw=1, label="y² = 2/η")
    axis.set(xlabel="x", ylabel="y", title="√(1 + (xy)²), η = 0.05")
    axis.legend()
    return figure


def _threshold():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    factors = np.linspace(0.6, 2.5, 39)
    biases = [threshold_neuron(factors=(f, f))["bias beyond"] for f in factors]
    axis.plot(factors, biases, "C0.-")
    axis.axvline(1, color="k", ls="--", lw=1)
    axis.set(xlabel="η / 16π", ylabel="final bias b", title="A threshold is learnt only beyond a critical step size")
    return figure
