"""P. L. Bartlett, P. M. Long, O. Bousquet, *The dynamics of sharpness-aware minimization: bouncing across ravines and drifting
towards wide minima*, arXiv 2210.01513, Journal of Machine Learning Research 24 (2023) 1–36.

On a convex quadratic sharpness-aware minimization with the normalised perturbation does not converge: most orbits end on a
cycle across the minimum in the direction of the largest curvature. Our own derivation for w ← w − ηH(w + ρHw/‖Hw‖): on the axis
of the curvature λ₁ the points ±R with R = ηρλ₁/(2 − ηλ₁) form a 2-cycle. Its multiplier along the axis is (1 − ηλ₁)², across,
for a curvature λ, it is (1 − ηλ − (λ/λ₁)²(2 − ηλ₁))², below 1 for λ < λ₁ and above 1 for λ > λ₁: only the cycle of the largest
curvature attracts.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LR, RHO, TOP, LOW = 0.3, 0.1, 3.0, 1.5
RADIUS = LR * RHO * TOP / (2 - LR * TOP)


def _step(top=TOP, normalised=True):
    loss = cf.Loss("top*x**2/2 + low*y**2/2", "x y", params={"top": top, "low": LOW})
    if normalised:
        return cf.as_map(loss, cf.optimizers.sam(lr=LR, rho=RHO))
    rule = cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": LR, "rho": RHO}, probe="w + rho*g")
    return cf.as_map(loss, rule)


@CLAIMS.add(
    "abstract (convex quadratics)", {"share": at_least(0.99), "off_axis": near(0.0, 1e-9)},
    Control("a perturbation that is not normalised", changes={"normalised": False}), figure="orbit",
)  # fmt: skip
def bounces_across_the_ravine(normalised=True, starts=100, seed=0):
    """On a convex quadratic, for most starts, it converges to a cycle that oscillates across the minimum in the direction of
    the largest curvature.

    Curvatures 3 and 1.5, η = 0.3, ρ = 0.1; 100 starts uniform in a square, 300 steps. ``share``: of starts whose last points w,
    w₁, w₂ have w₂ = w and w₁ = −w to 1e-12, with |w| > 0.01; ``off_axis``: their largest distance from the axis of the
    curvature 3.
    """
    drawn, step = np.random.default_rng(seed).uniform(-2, 2, (starts, 2)), _step(normalised=normalised)
    ends = np.array([cf.iterate(step, z, 300).w[-3:] for z in drawn])
    bounces = (abs(ends[:, 2] - ends[:, 0]).max(1) < 1e-12) & (abs(ends[:, 1] + ends[:, 0]).max(1) < 1e-12)
    bounces &= np.hypot(*ends[:, 0].T) > 0.01
    return {"share": float(bounces.mean()), "off_axis": float(abs(ends[:, :, 1]).max())}


@CLAIMS.add(
    "not in the source as read: derived here (summary)",
    {"radius": near(RADIUS, 1e-12), "multipliers": near([(1 - LR * LOW - (LOW / TOP) ** 2 * (2 - LR * TOP)) ** 2, 0.01], 1e-9)},
    Control("the curvature 2.9 in the loss", changes={"top": 2.9}), figure="orbit",
)  # fmt: skip
def size_and_multipliers_of_the_bounce(top=TOP):
    """The 2-cycle has the radius R = ηρλ₁/(2 − ηλ₁), the multiplier (1 − ηλ₁)² along and (1 − ηλ − (λ/λ₁)²(2 − ηλ₁))² across.

    The attractor of the orbit from (0.5, 0.7) with its multipliers from exact derivatives, largest first.
    """
    found = cf.analysis.classify(_step(top), [0.5, 0.7])
    sizes = sorted((float(abs(m)) for m in found.multipliers), reverse=True)
    return {"radius": float(abs(found.points[:, 0]).max()), "multipliers": sizes, "period": found.period}


@CLAIMS.add(
    "not in the source as read: derived here (summary)", {"stable": [True, False], "across": near(37.21, 1e-9)},
    Control("the curvature 1.5 as the larger of the two", changes={"top": 1.0}),
)  # fmt: skip
def only_the_top_cycle_attracts(top=TOP):
    """There is one such 2-cycle on each axis, and only that of the largest curvature is stable.

    All 2-cycles in a square around the minimum; the one on the first axis, then the other. ``across``: the larger multiplier of
    the second, (1 − 0.9 − 4 · 1.55)² = 37.21.
    """
    found = sorted(cf.analysis.cycles(_step(top), 2, [(-1, 1), (-1, 1)]), key=lambda c: abs(c.points[0, 0]), reverse=True)
    return {"stable": [bool(c.stable) for c in found], "across": float(abs(found[-1].multipliers).max())}


def figures():
    """An orbit that ends in bouncing."""
    return {"orbit": _orbit}


def _orbit():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    x, y = np.meshgrid(np.linspace(-0.25, 0.55, 80), np.linspace(-0.2, 0.75, 80))
    axes.contour(x, y, TOP * x**2 / 2 + LOW * y**2 / 2, 10, colors="0.85")
    axes.plot(*cf.iterate(_step(), [0.5, 0.7], 60).w.T, ".-", lw=0.7)
    axes.plot([-RADIUS, RADIUS], [0, 0], "o", color="C3", mfc="none", label="±R")
    axes.set(xlabel="x (curvature 3)", ylabel="y (curvature 1.5)", title="Sharpness-aware minimization, η = 0.3, ρ = 0.1")
    axes.legend()
    return figure
