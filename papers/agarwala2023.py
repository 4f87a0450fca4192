"""A. Agarwala, Y. N. Dauphin, *SAM operates far from home: eigenvalue regularization as a dynamical phenomenon*, arXiv
2302.08692, ICML (2023).

Sharpness-aware minimization without normalisation, w ← w − η∇L(w + ρ∇L(w)), regularises the largest eigenvalue throughout
training and has its own edge of stability below 2/η, predicted from η and ρ. On a quadratic of curvature λ (our derivation) a
step multiplies w by 1 − ηλ(1 + ρλ), so that it is stable iff ηλ(1 + ρλ) < 2: λ < (√(1 + 8ρ/η) − 1)/(2ρ).
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
PAIRS = ((0.3, 0.1), (0.8, 0.3), (0.1, 1.0))


def _edge(lr, rho):
    return (math.sqrt(1 + 8 * rho / lr) - 1) / (2 * rho)


def _rule(lr, rho):
    return cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": lr, "rho": rho}, probe="w + rho*g")


@CLAIMS.add(
    "abstract (its own edge of stability); the formula is derived here", {"edges": near([_edge(*pair) for pair in PAIRS], 1e-9)},
    Control("gradient descent, whose edge is 2/η", changes={"factor": 0.0}), figure="edges",
)  # fmt: skip
def edge_below_two_over_eta(factor=1.0):
    """The largest stable curvature of the unnormalised method on a quadratic is (√(1 + 8ρ/η) − 1)/(2ρ), below 2/η.

    The curvature at which the minimum of a w²/2 loses stability, for (η, ρ) = (0.3, 0.1), (0.8, 0.3), (0.1, 1).
    """
    bowl, edges = cf.Loss("a*w**2/2", "w", params={"a": 0.1}), []
    for lr, rho in PAIRS:
        step = cf.as_map(bowl, _rule(lr, factor * rho))
        edges.append(cf.analysis.edge(step, [0.0], scale=0.1, parameter="a").value)
    return {"edges": edges}


@CLAIMS.add(
    "abstract; the example is ours", {"largest": between(0.9 * _edge(0.6, 0.2), _edge(0.6, 0.2) + 1e-6), "minima": at_least(100)},
    Control("gradient descent, which ends up to 2/η", changes={"rho": 0.0}),
)  # fmt: skip
def final_sharpness_below_its_edge(rho=0.2, starts=200, seed=0):
    """Trained with this method a model of two weights ends below that smaller edge, up to it.

    The loss (1 − xy)²/2, η = 0.6, ρ = 0.2: 200 starts uniform with |x|, |y| < 1.6, 3,000 steps, ``minima``: those that end with
    |1 − xy| < 1e-6; ``largest``: the largest final sharpness x² + y².
    """
    step, rng, final = cf.as_map(cf.Loss("(1 - x*y)**2/2"), _rule(0.6, rho)), np.random.default_rng(seed), []
    for start in rng.uniform(-1.6, 1.6, (starts, 2)):
        x, y = cf.iterate(step, start, 3000).w[-1]
        final += [x * x + y * y] if abs(1 - x * y) < 1e-6 else []
    return {"largest": max(final), "minima": len(final)}


def figures():
    """The edge in units of 2/η."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    ratio = np.logspace(-2, 3, 200)
    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    axes.semilogx(ratio, (np.sqrt(1 + 8 * ratio) - 1) / (4 * ratio))
    axes.set(xlabel="ρ/η", ylabel="edge / (2/η)", title="Edge with perturbation ρ, not normalised")
    return figure
