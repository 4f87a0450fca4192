"""L. E. MacDonald, H. Min, L. Palma, S. Tarmoun, Z. Xu, R. Vidal, *Convergence rates for gradient descent on the edge of
stability in overparametrised least squares*, arXiv 2510.17506 (2025).

For (f(θ) − y)²/2 with a scalar output the minima form a surface M. Gradient descent above the edge is Riemannian descent of the
sharpness along M coupled to the normal form of a flip across M. Below 2/λ, λ the least sharpness of a minimum, it ends at a
minimum that is not the flattest, at a linear rate; at 2/λ it approaches the flattest like t^{−1/2}; just above it ends on a
2-cycle through the flattest minimum. The displayed formulas were missing in the copy that was read. Our own derivation for (1 −
xy)²/2 with n = xy − 1 and t = x² − y²: a step of η = 1 maps t to (1 − n²)t, so that t falls like 1/√k only if n² is 1/(2k), and
then t² is 2/k. On the diagonal the step is u − η(u³ − u), whose 2-cycle p, q obeys p² − pq + q² = 1, p² + pq + q² = 1 + 2/η: (p
− q)² = 1 − 1/η.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, between, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
PRODUCT = "(1 - x*y)**2/2"


def _slope(ns, values):
    """The exponent of a power law between the first and the last entry."""
    return math.log(values[-1] / values[0]) / math.log(ns[-1] / ns[0])


@CLAIMS.add(
    "theorem 5.2 (η = 2/λ); the constants are derived here (summary)",
    {"loss": near(1 / math.sqrt(2), 1e-3), "distance": near(math.sqrt(2), 1e-3), "slope": near(-0.5, 1e-3)},
    Control("η = 0.99, below 2/λ", changes={"lr": 0.99}), figure="rates",
    domain="(1 − xy)²/2, two weights; η = 1 = 2/λ, from (1.2, 0.7), 10⁶ steps",
    perturbations=(Control("η = 1.0001", changes={"lr": 1.0001}),),
)  # fmt: skip
def square_root_rate(lr=1.0):
    """On (1 − xy)²/2 at η = 2/λ = 1 an orbit approaches the flattest minimum like a power of the number k of steps: |x² − y²| √k
    comes to √2 and |xy − 1| √k to 1/√2.

    ``loss``: |xy − 1|√k, ``distance``: |x² − y²|√k at the end; ``slope``: the exponent of |x² − y²| between 10⁵ and 10⁶ steps.
    """
    orbit = cf.iterate(cf.as_map(cf.Loss(PRODUCT), cf.optimizers.gd(lr=lr)), [1.2, 0.7], 1_000_000).w
    ns = np.array([100_000, 1_000_000])
    x, y = orbit[ns].T
    found = {"loss": abs(x * y - 1) * np.sqrt(ns), "distance": abs(x**2 - y**2) * np.sqrt(ns)}
    return {name: float(v[-1]) for name, v in found.items()} | {"slope": _slope(ns, abs(x**2 - y**2))}


@CLAIMS.add(
    "theorem 5.2 for products of three factors", {"slopes": near([-0.5, -0.5], 0.02)},
    Control("η = 0.65, below 2/3", changes={"lr": 0.65}),
    domain="(1 − xyz)²/2, three weights; η = 2/3 = 2/λ, from (1.15, 0.95, 0.9), 3 · 10⁵ steps",
    perturbations=(Control("η = 0.666", changes={"lr": 0.666}),),
)  # fmt: skip
def square_root_rate_of_depth_three(lr=2 / 3):
    """The same exponent −1/2 on (1 − xyz)²/2, whose flattest minimum has the sharpness 3, at η = 2/3.

    Exponents of |xyz − 1| and of the distance from (1, 1, 1) between 3 · 10⁴ and 3 · 10⁵ steps. The
    tolerance allows for corrections of the order of 1/√k.
    """
    orbit = cf.iterate(cf.as_map(cf.Loss("(1 - x*y*z)**2/2"), cf.optimizers.gd(lr=lr)), [1.15, 0.95, 0.9], 300_000).w
    ns = np.array([30_000, 300_000])
    floor = 1e-300
    loss, distance = abs(orbit[ns].prod(1) - 1) + floor, np.linalg.norm(orbit[ns] - 1, axis=1) + floor
    return {"slopes": [_slope(ns, loss), _slope(ns, distance)]}


@CLAIMS.add(
    "theorem 5.1 (η below 2/λ)", {"monotone": True, "sharpness": between(2.001, 2 / 0.9), "loss": between(0.0, 1e-24)},
    Control("η = 0.62, at which the start is stable: no descent of the sharpness", changes={"lr": 0.62}),
    domain="(1 − xy)²/2, two weights; η = 0.9, from 10⁻³ beside the minimum of sharpness 3",
    perturbations=(Control("η = 0.66, just stable at the start", changes={"lr": 0.66}),),
)  # fmt: skip
def suboptimal_minimum(lr=0.9):
    """On (1 − xy)²/2 at η = 0.9, below 2/λ = 1, the sharpness falls monotonically until the step is stable, and gradient descent
    converges to a minimum that is flat enough, with a sharpness below 2/η, but not the flattest, with one above 2.

    3,000 steps. ``monotone``: whether √((x² − y²)² + 4),
    the sharpness of the minimum on the hyperbola x² − y² = t, never rises, and falls by more than 0.1; ``sharpness``: the
    final one; ``loss``: the final loss.
    """
    t = math.sqrt(5.0)  # x² + y² = 3 and xy = 1
    x, y = math.sqrt((3 + t) / 2), math.sqrt((3 - t) / 2)
    w = cf.iterate(cf.as_map(cf.Loss(PRODUCT), cf.optimizers.gd(lr=lr)), [x + 1e-3, y], 3000).w
    nearest = np.sqrt((w[:, 0] ** 2 - w[:, 1] ** 2) ** 2 + 4)
    falls = bool((np.diff(nearest) < 1e-12).all() and nearest[0] - nearest[-1] > 0.1)
    return {"monotone": falls, "sharpness": float((w[-1] ** 2).sum()), "loss": float((1 - w[-1].prod()) ** 2 / 2)}


@CLAIMS.add(
    "theorem 5.3 (η slightly above 2/λ); the size is derived here (summary)",
    {"periods": [2] * 3, "sizes": near([math.sqrt((h - 1) / (2 * h)) for h in (1.01, 1.05, 1.2)], 1e-9), "off": near(0.0, 1e-7)},
    Control("a loss that is 2 % larger", changes={"formula": "0.51*(1 - x*y)**2"}), figure="rates",
    domain="(1 − xy)²/2, two weights; η = 1.01, 1.05, 1.2 from (1.2, 0.7)",
    perturbations=(Control("a loss that is 0.1 % larger", changes={"formula": "0.5005*(1 - x*y)**2"}),),
)  # fmt: skip
def two_cycle_above(formula=PRODUCT):
    """Above 2/λ = 1 gradient descent on (1 − xy)²/2 comes to a 2-cycle on the diagonal about the flattest minimum, of the
    half-width √((η − 1)/(2η)).

    ``sizes``: half the distance of the two points; ``off``: the largest |x² − y²| on the cycle.
    """
    step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=1.0))
    found = [cf.analysis.classify(step.at(lr=lr), [1.2, 0.7]) for lr in (1.01, 1.05, 1.2)]
    ends = [r.points[[0, -1]] for r in found]
    return {
        "periods": [r.period for r in found], "sizes": [float(np.linalg.norm(e[1] - e[0])) / 2 for e in ends],
        "off": max(float(abs(r.points[:, 0] ** 2 - r.points[:, 1] ** 2).max()) for r in found),
    }  # fmt: skip


def figures():
    """Three rates: below, at and above 2/λ."""
    return {"rates": _rates}


def _rates():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for lr in (0.97, 1.0, 1.03):
        w = cf.iterate(cf.as_map(cf.Loss(PRODUCT), cf.optimizers.gd(lr=lr)), [1.2, 0.7], 30_000).w
        axes.loglog(abs(w.prod(1) - 1), lw=0.8, label=f"η = {lr}")
    k = np.logspace(1, 4.4, 20)
    axes.loglog(k, 1 / np.sqrt(2 * k), "k--", lw=0.8, label="1/√(2k)")
    axes.set(xlabel="step k", ylabel="|xy − 1|", ylim=(1e-8, 2), title="(1 − xy)²/2: below, at and above η = 2/λ = 1")
    axes.legend()
    return figure
