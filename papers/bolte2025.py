"""J. Bolte, Q.-T. Le, E. Pauwels, *Convergence of optimizers implies eigenvalues filtering at equilibrium*, arXiv 2510.09034
(2025).

For a semialgebraic C² loss, almost every step and almost every start: if gradient descent converges, all eigenvalues of the
Hessian at the limit lie in [0, 2/η]. Other optimizers filter with windows of their own: heavy ball with 2(1 + β)/η,
unnormalised sharpness-aware minimization with λ(1 + ρλ) ≤ 2/η, which is narrower. The abstract was read, the windows in a
summary by others.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, between

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LR, RHO = 0.5, 0.2
WINDOWS = {"gd": 2 / LR, "heavy_ball": 2 * 1.5 / LR, "sam": (math.sqrt(1 + 8 * RHO / LR) - 1) / (2 * RHO)}
RULES = {
    "gd": cf.optimizers.gd(lr=LR), "heavy_ball": cf.optimizers.heavy_ball(lr=LR, momentum=0.5),
    "sam": cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": LR, "rho": RHO}, probe="w + rho*g"),
}  # fmt: skip


def _limits(which, lr=LR, starts=400, seed=0):
    """Extreme Hessian eigenvalues of (1 − xy)²/2 where orbits converge."""
    loss, rng, found = cf.Loss("(1 - x*y)**2/2"), np.random.default_rng(seed), []
    step = cf.as_map(loss, RULES[which]).at(lr=lr)
    for start in rng.uniform(-2, 2, (starts, 2)):
        w = cf.iterate(step, start, 2000).w
        if np.isfinite(w[-1]).all() and abs(w[-1] - w[-2]).max() < 1e-10:
            found.append(np.linalg.eigvalsh(loss.hessian(w[-1])))
    return np.array(found)


@CLAIMS.add(
    "abstract (gradient descent avoids the sharpest minima)",
    {"largest": between(0.9 * WINDOWS["gd"], WINDOWS["gd"] + 1e-6), "least": at_least(-1e-6), "limits": at_least(200)},
    Control("a quarter of the step held against the same window", changes={"lr": LR / 4}), figure="windows",
    domain="semialgebraic C² losses, almost every η and almost every start, if the orbit converges",
    examples="(1 − xy)²/2, η = 0.5, 400 starts uniform in |x|, |y| < 2",
    perturbations=(Control("η = 0.48 held against the window of 0.5", changes={"lr": 0.48}),),
)  # fmt: skip
def gradient_descent_filters(lr=LR):
    """If gradient descent converges, then for almost every start the eigenvalues of the Hessian at the limit lie in [0, 2/η].

    2,000 steps; of the starts that converge the extreme eigenvalues at the limit. The window is filled up to its end. (Starts
    with y = −x come to the saddle 0, with an eigenvalue −1: they are a line.)
    """
    found = _limits("gd", lr)
    return {"largest": float(found.max()), "least": float(found.min()), "limits": len(found)}


@CLAIMS.add(
    "abstract (SAM favors wider basins); the windows as others sum them up",
    {"heavy_ball": between(0.85 * WINDOWS["heavy_ball"], WINDOWS["heavy_ball"] + 1e-6),
     "sam": between(0.85 * WINDOWS["sam"], WINDOWS["sam"] + 1e-6)},
    Control("gradient descent in place of sharpness-aware minimization", changes={"other": "gd"}), figure="windows",
    domain="semialgebraic C² losses, almost every η and almost every start, if the orbit converges",
    examples="(1 − xy)²/2, η = 0.5, β = 0.5, ρ = 0.2, 400 starts uniform in |x|, |y| < 2",
    perturbations=(Control("η = 0.45 held against the windows of 0.5", changes={"lr": 0.45}),), read="a secondary source",
)  # fmt: skip
def others_filter_by_their_own_windows(other="sam", lr=LR):
    """If heavy ball converges, then for almost every start the eigenvalues at the limit lie in [0, 2(1 + β)/η], and for
    sharpness-aware minimization without normalisation where 0 ≤ λ(1 + ρλ) ≤ 2/η, a narrower window than that of gradient
    descent.

    The largest eigenvalue of each at a limit. For the last the window ends at 2.623 in place of 4.
    """
    return {"heavy_ball": float(_limits("heavy_ball", lr).max()), "sam": float(_limits(other, lr).max())}


def figures():
    """How sharp the limits are."""
    return {"windows": _windows}


def _windows():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for k, which in enumerate(RULES):
        axes.hist(_limits(which)[:, 1], bins=np.linspace(2, 6.2, 60), histtype="step", color=f"C{k}", label=which)
        axes.axvline(WINDOWS[which], color=f"C{k}", lw=0.8, ls="--")
    axes.set(
        xlabel="sharpness of the limit", ylabel="starts of 400", title="(1 − xy)²/2, η = 0.5; dashed: the ends of the windows"
    )
    axes.legend()
    return figure
