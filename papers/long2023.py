"""P. M. Long, P. L. Bartlett, *Sharpness-aware minimization and the edge of stability*, arXiv 2309.12488, JMLR 25 (2024).

Sharpness-aware minimization (SAM) takes the gradient a step of length ρ uphill. Its edge of stability, on a quadratic and for
a gradient along the top eigenvector, depends on the size of the gradient, and networks trained with SAM stay at it.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, between, interval, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _edge(size, lr, rho):
    """(‖g‖/2ρ)(√(1 + 8ρ/(η‖g‖)) − 1), which is 2/η for ρ = 0."""
    return 2 / lr if rho == 0 else size / (2 * rho) * (np.sqrt(1 + 8 * rho / (lr * size)) - 1)


@CLAIMS.add(
    "abstract (the SAM-edge depends on the norm of the gradient); the formula from a secondary source",
    {"step": "0", "at the edge": "0", "rising": True}, Control("8ρ/η in place of 8ρ/(η‖g‖)", changes={"eight": "8*g"}),
    domain="½ Σ Sᵢwᵢ², gradient along one eigenvector of curvature S; all ‖g‖, η, ρ > 0", read="a secondary source",
    perturbations=(Control("9 in place of 8", changes={"eight": "9"}), Control("a step downhill", changes={"sign": -1})),
    proof="exact algebra: the step of the rule and the equation of its edge in SymPy, for all positive ‖g‖, η, ρ",
)  # fmt: skip
def edge_formula(eight="8", sign=1):
    """SAM with step η and radius ρ overshoots along an eigenvector of curvature S, so that the weight comes back larger, iff
    S > (‖g‖/2ρ)(√(1 + 8ρ/(η‖g‖)) − 1).

    From y = ‖g‖/S > 0 a step leads to y − ηS(y + ρ) = −y + (2‖g‖ − ηS(‖g‖ + ρS))/S: what is missing from that, the last bracket
    at the stated S, and whether ηS(‖g‖ + ρS) rises with S > 0, so that it is negative exactly beyond.
    """
    g, eta, rho, s = sp.symbols("g eta rho S", positive=True)
    y, edge = g / s, g / (2 * rho) * (sp.sqrt(1 + sp.sympify(eight, {"g": g}) * rho / (eta * g)) - 1)
    excess = 2 * g - eta * s * (g + rho * s)
    step = y - eta * s * (y + sign * rho) - (-y + excess / s)
    slope = sp.Poly(sp.diff(eta * s * (g + rho * s), s), s)
    return {"step": str(sp.simplify(step)), "at the edge": str(sp.simplify(excess.subs(s, edge))),
            "rising": all(c.is_positive for c in slope.coeffs())}  # fmt: skip


@CLAIMS.add(
    "derivation of the SAM-edge", {"ratios": below(1.0), "rising": True, "small_radius": near(1.0, 1e-5)},
    Control("a radius with the opposite sign, downhill", changes={"sign": -1}), read="a secondary source", figure="edges",
    domain="½(x² + Sy²), gradient along y; η = 0.1, ρ = 0.1 and 10⁻⁶, ‖g‖ from 0.001 to 100",
    perturbations=(Control("the small radius 0.001", changes={"small": 1e-3}),),
)  # fmt: skip
def below_that_of_descent(sign=1, small=1e-6):
    """The SAM-edge lies below 2/η, the less so the larger the gradient; for ρ = 10⁻⁶ and ‖g‖ = 10 it is 2/η
    within 10⁻⁵ of it.

    On ½(x² + Sy²) at x = 0, y = ‖g‖/S, the S at which one step of SAM gives −y, by bisection: the least and greatest
    edge of 11 sizes ‖g‖ over 2/η, whether it rises with ‖g‖, and the ratio at ρ = 1e-6 (it is 1 − 2ρ/(η‖g‖) = 1 − 2e-6).
    """
    sizes = np.geomspace(0.001, 100, 11)
    found = [_measured(size, 0.1, 0.1, sign) * 0.05 for size in sizes]
    return {
        "ratios": interval(min(found), max(found), "range over 11 sizes of the gradient"),
        "rising": bool((np.diff(found) > 0).all()), "small_radius": _measured(10.0, 0.1, small, sign) * 0.05,
    }  # fmt: skip


@CLAIMS.add(
    "abstract (networks trained with SAM); the example is ours", {"ratio": between(0.9, 1.1), "of_descent": below(0.7)},
    Control("gradient descent in place of SAM", changes={"optimizer": "gd"}), figure="training",
    domain="a tanh network of seven weights, full batch; η = 0.4, ρ = 0.1, 8 random starts, 4,000 steps",
    perturbations=(Control("the edge of a radius of 0.15", changes={"of": 0.15}),),
)  # fmt: skip
def training_at_the_edge(optimizer="sam", lr=0.4, rho=0.1, starts=8, steps=4000, of=0.1):
    """Training with SAM ends within 10 % of the SAM-edge, and below 0.7 of 2/η.

    The sharpness over the SAM-edge of its own gradient, median over the last quarter of 4,000 steps, as a range over the starts,
    and the sharpness over 2/η. (On a
    2-cycle across a quadratic valley the first ratio is 1 by definition; what is measured is that training ends there.)
    """
    found, against = [], []
    for seed in range(starts):
        ratio, other = _ratios(optimizer, lr, rho, seed, steps, of)
        found.append(np.median(ratio[3 * steps // 4 :]))
        against.append(np.median(other[3 * steps // 4 :]))
    return {
        "ratio": interval(min(found), max(found), f"range over {starts} starts"),
        "of_descent": interval(min(against), max(against), f"range over {starts} starts"),
    }  # fmt: skip


def _ratios(optimizer, lr, rho, seed, steps, of=0.1):
    loss = cf.losses.tanh_network()
    made = cf.optimizers.sam(lr=lr, rho=rho) if optimizer == "sam" else cf.optimizers.gd(lr=lr)
    orbit = cf.iterate(cf.as_map(loss, made), 0.7 * np.random.default_rng(seed).normal(size=7), steps)
    sizes = np.array([np.linalg.norm(loss.gradient(w)) for w in orbit.w])
    return orbit.sharpness / _edge(sizes, lr, of), orbit.sharpness * lr / 2


def _measured(size, lr, rho, sign=1):
    """The curvature S at which a step from y = size/S leads to −y."""
    loss = cf.Loss("(x**2 + S*y**2)/2", "x y", params={"S": 1.0})
    made = cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": lr, "rho": sign * rho}, probe="w + rho*g/sqrt(gg)")
    step, low, high = cf.as_map(loss, made), 0.0, 4 / lr
    for _ in range(100):
        middle = (low + high) / 2
        start = size / middle
        low, high = (middle, high) if step.at(S=middle)([0.0, start])[1] > -start else (low, middle)
    return middle


def figures():
    """The edge against the size of the gradient, and training."""
    return {"edges": _edges, "training": _training}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    sizes = np.geomspace(0.001, 100, 40)
    for rho in (0.01, 0.1, 1.0):
        axes.plot(sizes, [_measured(size, 0.1, rho) * 0.05 for size in sizes], label=f"ρ = {rho}")
    axes.set(xlabel="size of the gradient", ylabel="SAM-edge over 2/η", xscale="log", title="Measured on a quadratic, η = 0.1")
    axes.legend()
    return figure


def _training():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    ratio, other = _ratios("sam", 0.4, 0.1, 0, 4000)
    axes.plot(ratio, lw=0.7, label="sharpness over the SAM-edge")
    axes.plot(other, lw=0.7, label="sharpness over 2/η")
    axes.axhline(1, color="0.5", lw=0.8, ls="--")
    axes.set(xlabel="step", ylim=(0, 2), title="SAM on a tanh network, η = 0.4, ρ = 0.1")
    axes.legend()
    return figure
