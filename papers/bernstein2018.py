"""J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, *signSGD: compressed optimisation for non-convex problems*,
ICML 2018, arXiv 1802.04434.

Descent by the signs of the gradient's entries alone, w ← w − δ sign(g). Its natural geometry is that of coordinate-wise
curvature bounds Lᵢ and of the 1-norm of the gradient, in which it converges as fast as gradient descent. The abstract was read;
the bound without noise follows in a line from the descent lemma in this geometry.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "abstract (convergence rate, 1-norm geometry); the bound without noise is derived here",
    {"ratio": at_most(1.0), "least ratio": at_least(0.5)},
    Control("the bound without its ½", changes={"half": 0.0}), figure="runs",
    domain="losses f ≥ f* with |f(y) − f(x) − g·(y − x)| ≤ ½ Σ Lᵢ(yᵢ − xᵢ)²; descent by signs without noise, all K and starts",
    examples="log cosh x + 3 log cosh y + (x + y)²/4 with L = (2, 4), f* = 0, K = 400, 20 normal starts",
    perturbations=(Control("0.4 in place of ½", changes={"half": 0.4}),),
)  # fmt: skip
def bound_on_gradients(half=0.5, starts=20, steps=400):
    """With the step δ = 1/√(K‖L‖₁) the mean of ‖g‖₁ over the K steps is at most √(‖L‖₁/K)·(f₀ − f* + ½).

    L bounds the example, as diag(L) − ∇²f is never negative. The mean over the bound: the greatest and the least of the
    starts. It is nearly attained: the ½ is what the bouncing at the end adds.
    """
    loss = cf.Loss("logcosh(x) + 3*logcosh(y) + (x + y)**2/4")
    bounds = np.array([2.0, 4.0])
    step = cf.as_map(loss, cf.optimizers.sign_gd(lr=1 / np.sqrt(steps * bounds.sum())))
    ratios = []
    for seed in range(starts):
        start = np.random.default_rng(seed).normal(size=2)
        w = cf.iterate(step, start, steps - 1).w
        mean = np.mean([np.abs(loss.gradient(row)).sum() for row in w])
        ratios.append(mean / (np.sqrt(bounds.sum() / steps) * (loss.value(start) + half)))
    return {"ratio": float(max(ratios)), "least ratio": float(min(ratios))}


def figures():
    """Two runs by signs beside gradient descent."""
    return {"runs": _runs}


def _runs():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    loss = cf.Loss("x**2/2 + 5*y**2")
    for made, label in ((cf.optimizers.sign_gd(lr=0.1), "signs, δ = 0.1"), (cf.optimizers.sign_gd(lr=0.02), "signs, δ = 0.02"),
                        (cf.optimizers.gd(lr=0.1), "gradient descent")):  # fmt: skip
        axes.semilogy(np.maximum(cf.iterate(cf.as_map(loss, made), [1.23, -0.77], 80).loss, 1e-8), label=label)
    axes.set(xlabel="step", ylabel="loss", title="½x² + 5y²")
    axes.legend()
    return figure
