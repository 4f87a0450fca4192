"""A. Damian, E. Nichani, J. D. Lee, *Self-stabilization: the implicit bias of gradient descent at the edge of stability*, arXiv
2209.15594 (2022; ICLR 2023): on a network.

The abstract says that a cubic expansion of the loss has the dynamics at the edge, and that its predictions are verified. With one
eigenvalue at the edge the swing x along its eigenvector u grows by ln(ηS − 1) a step, and the cubic term of the loss changes
the sharpness S by η(α − βx²/2), α = −g·∇S, β = ‖∇S‖²: what has grown beyond δ = √(2α/β) lowers S below 2/η, where it shrinks
again. Here a fully connected tanh net with 3268 weights learns 500 real digits of four classes with η = 0.6; the steps 500 to 800
are looked at, at the midpoints (w₋ + 2w + w₊)/4, from which the iterates are x away along u.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LR, FIRST, LAST, SEEDS = 0.6, 500, 800, (0, 1)


@cache
def _along(seed):
    """At each step S, x, α and β, (n, 4), by products and third derivatives at the midpoints."""
    net = cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=seed)
    orbit, rows, u = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=LR)), net.start, LAST + 2), [], None
    middles = orbit.midpoints()
    for t in range(FIRST, LAST + 1):
        w = middles[t - 1]
        values, vectors = net.eigenvalues(w, 1, start=u)
        u = vectors[0] if u is None or vectors[0] @ u > 0 else -vectors[0]
        g, _, bend = net.jet(w, u)
        rows.append([values[0], (orbit.w[t] - w) @ u, -g @ bend, bend @ bend])
    return np.array(rows).T


def _line(x, y):
    """Slope and correlation of y over x, about their means."""
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / (x @ x)), float(x @ y / np.sqrt((x @ x) * (y @ y)))


DOMAIN = "a 64-32-32-4 tanh net, 500 digits, squared errors, full batches; η = 0.6, steps 500 to 800, the starts of seeds 0 and 1"


@CLAIMS.add(
    "abstract (the cubic expansion)", {"slopes": near([1.0, 1.0], 0.1), "least correlation": at_least(0.7)},
    Control("the growth below and beyond the edge reversed", changes={"sign": -1}), slow=True, figure="cycle", domain=DOMAIN,
    perturbations=(Control("at half the rate, ½ ln(ηS − 1) a step", changes={"sign": 0.5}),),
)  # fmt: skip
def the_swing_grows_beyond_the_edge_and_shrinks_below(sign=1):
    """On a tanh net with 3268 weights the swing x of gradient descent along the top eigenvector grows by ln(ηS − 1) a step, up to
    noise: beyond 2/η it grows, below it shrinks.

    Slope (1 ± 0.1) and correlation (0.7 or more) of ln|x₊/x| over ln(ηS − 1) with S of both steps averaged, seeds 0 and 1.
    """
    found = []
    for seed in SEEDS:
        s, x, _, _ = _along(seed)
        found.append(_line(sign * np.log(LR * (s[:-1] + s[1:]) / 2 - 1), np.log(np.abs(x[1:] / x[:-1]))))
    return {"slopes": [one[0] for one in found], "least correlation": min(one[1] for one in found)}


@CLAIMS.add(
    "abstract (the cubic expansion)", {"slopes": near([1.0, 1.0], 0.15), "least correlation": at_least(0.9)},
    Control("without the cubic term", changes={"cubic": 0.0}), slow=True, figure="cycle", domain=DOMAIN,
    perturbations=(Control("the cubic term three halves as large", changes={"cubic": 1.5}),
                   Control("without the drift α", changes={"drift": 0.0})),
)  # fmt: skip
def the_swing_lowers_the_sharpness(cubic=1.0, drift=1.0):
    """On a tanh net with 3268 weights the sharpness S changes by η(α − βx²/2) a step: it rises while the swing x is small, and
    one beyond √(2α/β) lowers it.

    α = −g·∇S, β = ‖∇S‖². Slope (within 0.15 of 1) and correlation (0.9 or more) of the measured change over the predicted one,
    means of both steps, seeds 0 and 1.
    """
    found = []
    for seed in SEEDS:
        s, x, alpha, beta = _along(seed)
        predicted = LR * (drift * alpha - cubic * beta * x**2 / 2)
        found.append(_line((predicted[:-1] + predicted[1:]) / 2, np.diff(s)))
    return {"slopes": [one[0] for one in found], "least correlation": min(one[1] for one in found)}


def figures():
    """Swing and sharpness about the edge, step after step."""
    return {"cycle": _cycle}


def _cycle():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained", width_ratios=(3, 2))
    s, x, alpha, beta = _along(0)
    axes[0].plot(np.arange(FIRST, LAST + 1), (s - 2 / LR) / np.abs(s - 2 / LR).max(), label="S − 2/η, over its largest")
    axes[0].plot(np.arange(FIRST, LAST + 1), x**2 / np.median(2 * np.abs(alpha) / beta), label="x², over its level 2α/β")
    axes[0].set(xlabel="step")
    axes[0].legend(fontsize=8)
    axes[1].plot(np.abs(x), s - 2 / LR, lw=0.7)
    axes[1].set(xlabel="|x|", ylabel="S − 2/η")
    axes[1].locator_params(axis="x", nbins=3)
    return figure
