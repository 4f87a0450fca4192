"""J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, *signSGD: compressed optimisation for non-convex problems*,
ICML 2018, arXiv 1802.04434.

Descent by the signs of the gradient's entries alone, w ← w − δ sign(g). Its natural geometry is that of coordinate-wise
curvature bounds Lᵢ and of the 1-norm of the gradient, in which it converges as fast as gradient descent.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, interval, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


@CLAIMS.add(
    "theorem 1, without noise", {"ratio": at_most(1.0)},
    Control("the bound without its ½", changes={"half": 0.0}), figure="runs",
)  # fmt: skip
def bound_on_gradients(half=0.5, starts=20, steps=400):
    """With the step δ = 1/√(K‖L‖₁) the mean of ‖g‖₁ over K steps is at most √(‖L‖₁/K)·(f₀ − f* + ½), where ∂²f/∂wᵢ² and its
    kin are bounded by Lᵢ: |f(y) − f(x) − g·(y − x)| ≤ ½ Σ Lᵢ(yᵢ − xᵢ)².

    f = log cosh x + 3 log cosh y + (x + y)²/4 has the bounds L = (2, 4), as diag(L) − ∇²f is never negative, and f* = 0: the
    mean over the bound from 20 normal starts, K = 400, as a range. It is nearly attained: the ½ is what the bouncing at the
    end adds.
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
    return {"ratio": interval(min(ratios), max(ratios), f"range over {starts} starts")}


@CLAIMS.add(
    "algorithm 1", {"jump": near(0.1, 1e-12), "farthest": at_most(0.1 + 1e-12), "alternates": 40},
    Control("gradient descent, which comes to rest", changes={"optimizer": "gd"}), figure="runs",
)  # fmt: skip
def bounces_for_ever(optimizer="sign_gd"):
    """With a constant step δ the iterates do not converge: each weight ends on a 2-cycle that jumps by δ across the minimum,
    at most δ away.

    ½x² + 5y², δ = 0.1, 40 random starts, 400 steps: the size of a jump, the largest distance from the minimum, and in how
    many runs two steps lead back.
    """
    step = cf.as_map(cf.Loss("x**2/2 + 5*y**2"), getattr(cf.optimizers, optimizer)(lr=0.1))
    ends = np.array([cf.iterate(step, np.random.default_rng(seed).normal(size=2), 400).w[-3:] for seed in range(40)])
    jumps = np.abs(ends[:, 1] - ends[:, 0])
    back = np.abs(ends[:, 2] - ends[:, 0]).max(axis=1) < 1e-12
    return {
        "jump": float(jumps.ravel()[np.argmax(np.abs(jumps - 0.1))]), "farthest": float(np.abs(ends).max()),
        "alternates": int((back & (jumps.min(axis=1) > 1e-6)).sum()),
    }  # fmt: skip


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
