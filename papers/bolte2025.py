"""J. Bolte, Q.-T. Le, E. Pauwels, *Convergence of optimizers implies eigenvalues filtering at equilibrium*, arXiv 2510.09034
(2025).

For a semialgebraic loss, almost every step and almost every start: if gradient descent converges, all eigenvalues of the
Hessian at the limit lie in [0, 2/η]. Other optimizers filter with windows of their own: heavy ball with 2(1 + β)/η,
unnormalised sharpness-aware minimization with λ(1 + ρλ) ≤ 2/η (our derivation from its multiplier 1 − ηλ(1 + ρλ)), which is
narrower.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between

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
    "abstract (gradient descent)",
    {"largest": between(0.9 * WINDOWS["gd"], WINDOWS["gd"] + 1e-6), "least": at_least(-1e-6), "limits": at_least(200)},
    Control("a quarter of the step held against the same window", changes={"lr": LR / 4}), figure="windows",
)  # fmt: skip
def gradient_descent_filters(lr=LR):
    """If gradient descent converges, then for almost every start the eigenvalues of the Hessian at the limit lie in [0, 2/η].

    (1 − xy)²/2, η = 0.5, 400 starts uniform with |x|, |y| < 2, 2,000 steps; of those that converge the extreme eigenvalues at
    the limit. The window is filled up to its end.
    """
    found = _limits("gd", lr)
    return {"largest": float(found.max()), "least": float(found.min()), "limits": len(found)}


@CLAIMS.add(
    "abstract (other optimizers filter differently); the windows are derived here",
    {"heavy_ball": at_most(WINDOWS["heavy_ball"] + 1e-6), "sam": between(0.85 * WINDOWS["sam"], WINDOWS["sam"] + 1e-6)},
    Control("gradient descent in place of sharpness-aware minimization", changes={"other": "gd"}), figure="windows",
)  # fmt: skip
def others_filter_by_their_own_windows(other="sam"):
    """Heavy ball ends below 2(1 + β)/η, and sharpness-aware minimization in a narrower window than gradient descent.

    The same loss and starts, η = 0.5, β = 0.5, ρ = 0.2: the largest eigenvalue of each at a limit. For the last the window ends
    at 2.623 in place of 4.
    """
    return {"heavy_ball": float(_limits("heavy_ball").max()), "sam": float(_limits(other).max())}


@CLAIMS.add(
    "abstract (almost every start)", {"end": "minimum", "least": at_least(-1e-6)},
    Control("a start on the line x = −y, which belongs to the exceptional set", changes={"turned": 0.0}),
)  # fmt: skip
def exceptional_starts_are_needed(turned=1e-6):
    """Saddles, with a negative eigenvalue, are reached from exceptional starts only.

    Gradient descent from (0.8, −0.8 + 1e-6), just beside the stable line x = −y of the saddle 0, 2,000 steps, and the least
    eigenvalue of the Hessian at the end.
    """
    loss = cf.Loss("(1 - x*y)**2/2")
    w = cf.iterate(cf.as_map(loss, RULES["gd"]), [0.8, -0.8 + turned], 2000).w[-1]
    return {"end": "saddle" if abs(w).max() < 1e-3 else "minimum", "least": float(np.linalg.eigvalsh(loss.hessian(w))[0])}


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
