"""A. Agarwala, Y. N. Dauphin, *SAM operates far from home: eigenvalue regularization as a dynamical phenomenon*, arXiv
2302.08692, ICML (2023).

Sharpness-aware minimization without normalisation, w ← w − η∇L(w + ρ∇L(w)), regularises the largest eigenvalue throughout
training and has its own edge of stability below 2/η, predicted from η and ρ. On a quadratic of curvature λ (our derivation) a
step multiplies w by 1 − ηλ(1 + ρλ), so that it is stable iff ηλ(1 + ρλ) < 2: λ < (√(1 + 8ρ/η) − 1)/(2ρ).
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
PAIRS = ((0.3, 0.1), (0.8, 0.3), (0.1, 1.0))


def _edge(lr, rho):
    return (math.sqrt(1 + 8 * rho / lr) - 1) / (2 * rho)


def _rule(lr, rho):
    return cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": lr, "rho": rho}, probe="w + rho*g")


@CLAIMS.add(
    "abstract (its own edge of stability); the formula is derived here",
    {"residual": "0", "at the edge": "-1", "edges": near([_edge(*pair) for pair in PAIRS], 1e-9), "below": True},
    Control("gradient descent, whose edge is 2/η", changes={"factor": 0}), figure="edges",
    domain="λw²/2, λ > 0, or any direction of a quadratic; w ← w − η∇L(w + ρ∇L(w)), η, ρ > 0",
    proof="exact algebra: the step's multiplier in symbols, and its value at the edge",
    perturbations=(Control("the uphill step twice as long", changes={"factor": 2}),),
)  # fmt: skip
def edge_below_two_over_eta(factor=1):
    """On a quadratic sharpness-aware minimization without normalisation multiplies w by 1 − ηλ(1 + ρλ): it is stable if 0 < λ <
    (√(1 + 8ρ/η) − 1)/(2ρ), which is below 2/η, and unstable for larger λ.

    SymPy: the multiplier less that, and its value at the edge, from which on it falls below −1. Also the edges that cfdyn finds
    for (η, ρ) = (0.3, 0.1), (0.8, 0.3), (0.1, 1), and whether they are below 2/η.
    """
    w, bend, lr, rho = sp.symbols("w lambda eta rho", positive=True)
    multiplier = sp.diff(w - lr * bend * (w + factor * rho * bend * w), w)
    edge = (sp.sqrt(1 + 8 * rho / lr) - 1) / (2 * rho)
    bowl, edges = cf.Loss("a*w**2/2", "w", params={"a": 0.1}), []
    for pair in PAIRS:
        step = cf.as_map(bowl, _rule(pair[0], factor * pair[1]))
        edges.append(cf.analysis.edge(step, [0.0], scale=0.1, parameter="a").value)
    return {"residual": str(sp.expand(multiplier - (1 - lr * bend * (1 + rho * bend)))),
            "at the edge": str(sp.simplify(sp.expand(multiplier.subs(bend, edge)))), "edges": edges,
            "below": all(one < 2 / pair[0] - 1e-9 for one, pair in zip(edges, PAIRS, strict=True))}  # fmt: skip


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
