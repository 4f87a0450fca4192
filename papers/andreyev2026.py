"""A. Andreyev, A. Ananthkumar, M. Walden, T. Poggio, P. Beneventano, *Momentum further constrains sharpness at the edge of
stochastic stability*, arXiv 2604.14108 (2026).

SGD with momentum β settles where batch sharpness is 2(1 − β)/η for small batches, below SGD without momentum, and at 2(1 +
β)/η for large ones, above it; linear stability in the mean square has these two limits. The abstract was read, the examples are
ours.
"""

from functools import cache

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CHANCES, BETAS = (1.0, 0.5, 0.1, 0.001), (0.0, 0.5, 0.9)
RATE = 0.17  # η/(1 − β) of networks


@CLAIMS.add(
    "abstract (linear stability thresholds); the closed form is derived here",
    {"residual": "0", "edges": near([2 * (1 - b * b) / (1 + b - 2 * b * p) for b in BETAS for p in CHANCES], relative=1e-6)},
    Control("averaged momentum, m ← βm + (1 − β)g", changes={"optimizer": "ema_momentum"}), figure="edges",
    domain="heavy ball, 0 ≤ β < 1, at a zero of the loss; rows of curvature 1 drawn with the chance 0 < p ≤ 1, others without",
    proof="exact algebra: det(M − 1) of the second moments in symbols, with Perron–Frobenius on their cone",
    perturbations=(Control("the chance p² in place of p", changes={"power": 2}),
                   Control("1 + β² in place of 1 − β²", changes={"sign": 1})),
)  # fmt: skip
def between_the_limits(optimizer="heavy_ball", power=1, sign=-1):
    """Rows of curvature 1 are drawn with the chance p, others without any, so that batch sharpness is 1: the second moments of
    SGD with momentum β contract for η < 2(1 − β²)/(1 + β − 2βp) and do not for larger η. The threshold passes from 2(1 − β), as
    p → 0 and the noise dominates, to 2(1 + β) for p = 1, full batches.

    ``residual``: SymPy, det(M − 1) = ηp(η(1 + β − 2βp) − 2(1 − β²)) for the matrix M of the moments of w², wv, v². M maps
    covariances to covariances, so its spectral radius is an eigenvalue; that is 1 at η = 0 and falls, as det < 0 at small η, is
    never 1 until the threshold, and beyond it det > 0 in three dimensions means an eigenvalue above 1. ``edges``: where the
    second moments stop contracting, found by a scan and bisection, for β = 0, 0.5, 0.9 and p = 1, 0.5, 0.1, 0.001.
    """
    edges = [_threshold(optimizer, b, p**power) for b in BETAS for p in CHANCES]
    return {"residual": _determinant(sign), "edges": edges}


def _determinant(sign):
    """det(M − 1) less its closed form, M of the second moments of (w, v) in symbols."""
    b, p, lr = sp.symbols("beta p eta", positive=True)
    w, v, rows = *sp.symbols("w v"), []
    for name in ("ww", "wv", "vv"):
        mean = 0
        for bend, chance in ((1, p), (0, 1 - p)):
            speed = b * v + bend * w
            after = {"w": w - lr * speed, "v": speed}
            mean += chance * after[name[0]] * after[name[1]]
        found = sp.Poly(sp.expand(mean), w, v)
        rows.append([found.coeff_monomial(one) for one in (w**2, w * v, v**2)])
    stated = lr * p * (lr * (1 + b - 2 * b * p) - 2 * (1 + sign * b**2))
    return str(sp.expand((sp.Matrix(rows) - sp.eye(3)).det(method="berkowitz") - stated))


@CLAIMS.add(
    "abstract (large batches); the example is ours", {"sharpness": near([2.0, 3.0, 3.4], relative=0.01)},
    Control("averaged momentum, m ← βm + (1 − β)g", changes={"optimizer": "ema_momentum"}),
    domain="(y + x)x²/2 − 0.0003(x + y), two weights; heavy ball, η = 0.3, β = 0, 0.5, 0.7, from 0.97 of the edge; "
           "the median over the steps 20,000 to 40,000",
    perturbations=(Control("β 0.02 larger", changes={"more": 0.02}),),
)  # fmt: skip
def full_batch_training(optimizer="heavy_ball", more=0.0):
    """In a valley that steepens slowly full batches with momentum β up to 0.7 swing about the sharpness 2(1 + β)/η, their median
    within 1 % of it, higher than without momentum.

    η times the median of y, which is λ₁ of the floor, over the last half of 40,000 steps, for β = 0, 0.5 and 0.7. (With faster
    sharpening, or β = 0.9, it bursts, and its median lies lower.)
    """
    found = []
    for b in (more, 0.5 + more, 0.7 + more):
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


def _settled(momentum, batch, seed, rate=RATE, steps=10000, every=500):
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
    "abstract (small batches); the example is ours", {"η·batch sharpness/(2(1 − β))": near([1.0] * 3, 0.2)},
    Control("batches of 16 rows", changes={"batch": 16, "seeds": (3,)}), slow=True,
    domain="a 64-32-32-10 tanh net, squared errors on 500 digits; single rows drawn at random, η = 0.17(1 − β), β = 0, 0.5, 0.9",
    perturbations=(Control("η = 0.1(1 − β): smaller steps are held below", changes={"rate": 0.1, "seeds": (3,)}),),
)  # fmt: skip
def small_batch_training(batch=1, rate=RATE, seeds=(3, 4)):
    """On digits a small network that is trained with momentum, single rows and steps about as large as they can be has a batch
    sharpness within 20 % of 2(1 − β)/η over the later half of the run, for all β alike.

    Means over the steps 5,000 to 10,000 of two runs each. The bound was set, and η chosen, by other runs: from η/(1 − β) = 0.19
    on some of them run away. ``start``: before training; from there it falls first.
    """
    runs = [[_settled(momentum, batch, seed, rate) for seed in seeds] for momentum in BETAS]
    return {
        "η·batch sharpness/(2(1 − β))": [float(np.mean(row)) for row in runs], "runs": runs,
        "start": float(rate / 2 * _batch_sharpness(_net().start, batch, np.random.default_rng(0))),
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
