"""K. Ahn, S. Bubeck, S. Chewi, Y. T. Lee, F. Suarez and Y. Zhang, *Learning threshold neurons via the "edge of stability"*,
arXiv 2212.07469, NeurIPS 2023.

On ℓ(xy) with ℓ convex, even and of bounded slope gradient descent has two regimes. From y₀² < 2/η it behaves as the
gradient flow, which keeps y² − x². From y₀² > 2/η it bounces across the valley x = 0 and ends with y² in [2/η − O(η), 2/η].
In a mean model of a network with one bias that sets a sharp threshold: below a critical step size the bias stays where it
was, above it becomes negative.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
LOSSES = {"sqrt": cf.losses.sqrt_product, "log cosh": cf.losses.log_cosh_product}


def _end(loss, lr, x, y, steps=60):
    """Where gradient descent is after 60/η² steps."""
    return cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [x, y], int(steps / lr**2)).w[-1]


@CLAIMS.add(
    "theorem 2, as recalled", {"least gap/η": at_least(0.0), "greatest gap/η": at_most(2.0)},
    Control("(xy)²/2, whose slope has no bound: it ends far below", changes={"loss": "(x*y)**2/2"}), figure="valley",
)  # fmt: skip
def ends_below_the_edge(loss="", lrs=(0.1, 0.05, 0.025)):
    """In the regime y₀² > 2/η gradient descent on ℓ(xy) ends at x = 0 with y² in [2/η − Cη, 2/η], C not depending on η.

    ℓ = √(1 + s²) and log cosh s, three η, starts (0.01, y₀) with y₀ at 1.05 and 1.3 times √(2/η); C = 2.
    """
    gaps = []
    for one in [cf.Loss(loss)] if loss else [make() for make in LOSSES.values()]:
        for lr in lrs:
            for factor in (1.05, 1.3):
                y = _end(one, lr, 0.01, factor * math.sqrt(2 / lr))[1]
                gaps.append((2 / lr - y**2) / lr)
    return {"least gap/η": float(min(gaps)), "greatest gap/η": float(max(gaps))}


@CLAIMS.add(
    "measured here", {"gap/η": near(1.0, 1e-3), "order of the rest": near(2.0, 0.05)},
    Control("log cosh in place of the square root", changes={"loss": "log cosh"}),
)  # fmt: skip
def gap_of_the_square_root(loss="sqrt", lrs=(0.05, 0.025)):
    """For ℓ = √(1 + s²) the gap is η to leading order: (2/η − y²)/η → 1.

    Starts (0.01, 1.3√(2/η)) at η = 0.05 and 0.025; the rest is of order η².
    """
    gaps = [(2 / lr - _end(LOSSES[loss](), lr, 0.01, 1.3 * math.sqrt(2 / lr))[1] ** 2) / lr for lr in lrs]
    return {"gap/η": float(gaps[-1]), "order of the rest": math.log2(abs(gaps[0] - 1) / abs(gaps[1] - 1))}


@CLAIMS.add(
    "theorem 1, as recalled", {"order in η": near(1.0, 0.05)},
    Control("starts beyond the edge", changes={"y": 12.0}),
)  # fmt: skip
def gradient_flow_regime(y=3.0, lrs=(0.02, 0.01), x=1.0):
    """From y₀² < 2/η gradient descent on ℓ(xy) ends where the gradient flow does, y² = y₀² − x₀², up to O(η).

    ℓ = √(1 + s²), start (1, 3): |y² − 8| at η = 0.02 and 0.01; the control starts at (1, 12), where 2/η < y₀² for the larger η.
    """
    loss = cf.losses.sqrt_product()
    errors = [abs(_end(loss, lr, x, y, 40)[1] ** 2 - (y**2 - x**2)) for lr in lrs]
    return {"difference/η": float(errors[-1] / lrs[-1]), "order in η": math.log2(errors[0] / errors[1])}


@CLAIMS.add(
    "section 2, as recalled", {"steps that change side": near(1.0, 1e-9), "rises of y": 0},
    Control("a start in the gradient flow regime", changes={"factor": 0.7}), figure="valley",
)  # fmt: skip
def bounces(factor=1.3, lr=0.05):
    """In the regime y₀² > 2/η the iterate jumps across the valley on every step, and y only falls.

    ℓ = √(1 + s²), η = 0.05, from (0.01, 1.3√(2/η)): the first 400 steps.
    """
    step = cf.as_map(cf.losses.sqrt_product(), cf.optimizers.gd(lr=lr))
    w = cf.iterate(step, [0.01, factor * math.sqrt(2 / lr)], 400).w
    return {
        "steps that change side": float((w[1:, 0] * w[:-1, 0] < 0).mean()),
        "rises of y": int((np.diff(w[:, 1]) > 1e-15).sum()),
    }


@CLAIMS.add(
    "section 3, mean model, as recalled",
    {"bias below": at_least(-0.01), "bias beyond": at_most(-0.1), "sharpness beyond · η/2": at_most(1.0)},
    Control("twice below the threshold", changes={"factors": (0.5, 0.6, 0.7)}), figure="threshold",
)  # fmt: skip
def threshold_neuron(factors=(0.9, 1.3, 2.0), a=1e-3, steps=20_000):
    """A network learns a threshold (a negative bias b) only above a critical step size: gradient descent on ℓ(a·g(b)), ℓ(s)
    = ½[log(1+eˢ) + log(1+e⁻ˢ)] and g(b) = E max(0, z + b) for normal z, leaves b at 0 if η < 8/g(0)² = 16π and else lowers
    it until g(b)²ℓ″(0) ≤ 2/η.

    The number 16π belongs to this normalisation and is derived here: the minima are a = 0, of sharpness g(b)²/4. From (a,
    b) = (0.001, 0) at 0.9, 1.3 and 2 times 16π, 20,000 steps.
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
