"""A. Andreyev, A. Ananthkumar, M. Walden, T. Poggio, P. Beneventano, *Momentum further constrains sharpness at the edge of
stochastic stability*, arXiv 2604.14108 (2026).

SGD with momentum β settles where batch sharpness is 2(1 − β)/η for small batches, below SGD without momentum, and at 2(1 +
β)/η for large ones, above it; linear stability in the mean square has these two limits.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CHANCES = (1.0, 0.5, 0.1, 0.001)
RATE = 0.17  # η/(1 − β) of networks


@CLAIMS.add(
    "linear stability",
    {"limits": near([2 * (1 - b) for b in (0.0, 0.5, 0.9)], 0.002), "full": near([2 * (1 + b) for b in (0.0, 0.5, 0.9)], 1e-6)},
    Control("averaged momentum, m ← βm + (1 − β)g", changes={"optimizer": "ema_momentum"}), figure="edges",
)  # fmt: skip
def two_limits(optimizer="heavy_ball"):
    """In the linear theory the batch sharpness at which SGD with momentum loses its stability is 2(1 − β)/η where the noise
    dominates and 2(1 + β)/η for full batches.

    The sharpest noise that a zero of the loss can have: a row of curvature 1 is drawn with the chance p, otherwise one
    without any, so that batch sharpness is 1. The η at which the second moments of (w, v) stop contracting, for β = 0, 0.5,
    0.9: p = 0.001 and p = 1.
    """
    return {
        "limits": [_threshold(optimizer, b, 0.001) for b in (0.0, 0.5, 0.9)],
        "full": [_threshold(optimizer, b, 1.0) for b in (0.0, 0.5, 0.9)],
    }  # fmt: skip


@CLAIMS.add(
    "abstract (no single threshold)", {"edges": near([2 * (1 - 0.81) / (1.9 - 1.8 * p) for p in CHANCES], relative=1e-6)},
    Control("the chance counted twice", changes={"power": 2}), figure="edges", read="a secondary source",
)  # fmt: skip
def between_the_limits(momentum=0.9, power=1):
    """The threshold depends on the batch, not on a single number adjusted for momentum: it passes from one limit to the other.

    The same rows with β = 0.9 and p = 1, 0.5, 0.1, 0.001. In closed form, from Jury's criterion for the three second moments, the
    threshold is 2(1 − β²)/(1 + β − 2βp).
    """
    return {"edges": [_threshold("heavy_ball", momentum, p**power) for p in CHANCES]}


@CLAIMS.add(
    "abstract (large batches)", {"sharpness": near([2.0, 3.0, 3.4], relative=0.02)},
    Control("averaged momentum, m ← βm + (1 − β)g", changes={"optimizer": "ema_momentum"}),
)  # fmt: skip
def full_batch_training(optimizer="heavy_ball"):
    """With full batches training settles at the sharpness 2(1 + β)/η, higher than without momentum.

    A valley that steepens along y, (y + x)x²/2 − (x + y)·0.0003, from 0.97·2(1 + β)/η with η = 0.3: η times the median of y
    over the last half of 40,000 steps, for β = 0, 0.5, 0.7. (With faster sharpening, or β = 0.9, it bursts, and its median
    lies lower.)
    """
    found = []
    for b in (0.0, 0.5, 0.7):
        made = getattr(cf.optimizers, optimizer)(lr=0.3, momentum=b)
        step = cf.as_map(cf.Loss("(y + x)*x**2/2 - 0.0003*(x + y)", "x y"), made)
        start = [0.01, 0.97 * 2 * (1 + b) / 0.3]
        found.append(0.3 * float(np.median(cf.iterate(step, start, 40000).w[20000:, 1])))
    return {"sharpness": found}


@cache
def _net():
    return cf.networks.mlp(cf.data.digits(classes=10, n=500), widths=(32, 32))


def _batch_sharpness(w, batch, rng):
    """E[gᵀHg]/E[gᵀg] over 100 batches."""
    net = _net()
    rows = rng.integers(net.n_rows, size=(100, batch))
    slopes = [net.gradient(w, one) for one in rows]
    return sum(g @ net.hvp(w, g, one) for g, one in zip(slopes, rows, strict=True)) / sum(g @ g for g in slopes)


def _settled(momentum, batch, seed, rate=RATE, steps=10000, every=100):
    """Batch sharpness over 2(1 − β)/η, η = rate·(1 − β), mean over the later half of a run; NaN if it runs away."""
    net, rng, asked, found = _net(), np.random.default_rng(seed), np.random.default_rng(1000 + seed), []
    w, v = net.start, np.zeros(net.dim)
    for t in range(steps):
        v = momentum * v + net.gradient(w, rng.integers(net.n_rows, size=batch))
        w = w - rate * (1 - momentum) * v
        if not np.isfinite(w).all():
            return np.nan
        if t >= steps // 2 and t % every == 0:
            found.append(rate / 2 * _batch_sharpness(w, batch, asked))
    return float(np.mean(found))


@CLAIMS.add(
    "abstract (small batches)", {"η·batch sharpness/(2(1 − β))": near([1.0] * 3, 0.2)},
    Control("batches of 16 rows", changes={"batch": 16}), slow=True,
)  # fmt: skip
def small_batch_training(batch=1):
    """Networks trained with momentum and small batches settle at a batch sharpness of 2(1 − β)/η, where steps are about as large
    as they can be.

    A 64-32-32-10 tanh net on 500 real digits, squared errors, single rows drawn at random, η = 0.17(1 − β) for β = 0, 0.5 and
    0.9; means over the steps 5,000 to 10,000 of three runs each. The bound was set, and η chosen, by other runs: from η/(1 − β)
    = 0.19 on some of them run away. ``start``: before training; from there it falls to 0.8 first. ``at 0.1``: one run each with
    η = 0.1(1 − β), β = 0 and 0.9: smaller steps are held below. At equal η/(1 − β) it is the same for all β.
    """
    runs = [[_settled(momentum, batch, seed) for seed in (3, 4, 5)] for momentum in (0.0, 0.5, 0.9)]
    return {
        "η·batch sharpness/(2(1 − β))": [float(np.mean(row)) for row in runs], "runs": runs,
        "start": float(RATE / 2 * _batch_sharpness(_net().start, batch, np.random.default_rng(0))),
        "at 0.1": [_settled(momentum, batch, 3, 0.1) for momentum in (0.0, 0.9)],
    }  # fmt: skip


def _threshold(optimizer, momentum, chance):
    """The first η at which the spectral radius of the second moments passes 1, by a scan and bisection."""
    step = cf.as_map(cf.Loss("a*x**2/2", params={"a": 1.0}), getattr(cf.optimizers, optimizer)(lr=0.1, momentum=momentum))

    def grows(lr):
        on, off = (step.at(lr=lr, a=a).jacobian([0.0, 0.0]) for a in (1.0, 0.0))
        return np.abs(np.linalg.eigvals(chance * np.kron(on, on) + (1 - chance) * np.kron(off, off))).max() > 1

    low, high = 0.0, next(lr for lr in np.linspace(0.05, 60, 1200) if grows(lr))
    low = high - 0.05
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return float(high)


def figures():
    """The threshold over the chance of the steep row."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    chances = np.geomspace(0.01, 1, 25)
    for b in (0.0, 0.5, 0.9):
        line = axes.plot(chances, [_threshold("heavy_ball", b, p) for p in chances], label=f"β = {b}")[0]
        for limit in (2 - 2 * b, 2 + 2 * b):
            axes.axhline(limit, color=line.get_color(), lw=0.6, ls="--")
    axes.set(xlabel="chance p of the steep row", ylabel="η × batch sharpness at the edge", xscale="log", title="Dashed: 2(1 ∓ β)")
    axes.legend()
    return figure
