"""I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep learning*, ICML 2013.

Nesterov's accelerated gradient is a momentum method whose gradient is taken where the momentum leads. On a quadratic it is the
classical method with a smaller momentum, μ(1 − ελ), in directions of high curvature λ, and so oscillates less there. The two
methods, in the form used here, were read in a summary of the paper.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


@CLAIMS.add(
    "theorem 2.1", {"difference": "0"},
    Control("an unchanged momentum μ", changes={"effective": "mu"}), read="from memory",
    domain="quadratics of d weights, any μ and ε, from equal θ and v",
    proof="exact algebra: on a quadratic both methods act on each eigenvector alone; the steps of v are equal polynomials "
          "in μ, ε, λ, θ and v, and θ₊ = θ + v₊ in both",
    perturbations=(Control("μ(1 − 2ελ)", changes={"effective": "mu*(1 - 2*e*s)"}),),
)  # fmt: skip
def effective_momentum(effective="mu*(1 - e*s)"):
    """On a quadratic Nesterov's method with rate ε and momentum μ moves, along each eigenvector of curvature λ, as the
    classical method does with rate ε and momentum μ(1 − ελ).

    The paper's two forms, v₊ = μv − ε∇f(θ + μv) and v₊ = μv − ε∇f(θ), θ₊ = θ + v₊, on f = sθ²/2: the difference of the two
    steps (of θ and v) from a general state, by SymPy.
    """
    mu, e, s, x, v = sp.symbols("mu e s x v")
    nesterov = mu * v - e * s * (x + mu * v)
    classical = sp.sympify(effective, locals={"mu": mu, "e": e, "s": s}) * v - e * s * x
    return {"difference": str(sp.expand(nesterov - classical))}


@CLAIMS.add(
    "own statement (a consequence of theorem 2.1)",
    {"edges": near([2.0, 3 / 2, 19 / 14], 1e-9), "kinds": ["flip"] * 3},
    Control("heavy ball", changes={"optimizer": "heavy_ball"}), figure="moduli",
    domain="convex quadratics, 0 ≤ β < 1, η > 0", examples="λ = 1, β = 0, 0.5 and 0.9",
    perturbations=(Control("β larger by 0.01", changes={"more": 0.01}),),
)  # fmt: skip
def edge(optimizer="nesterov", more=0.0):
    """On a quadratic of largest curvature λ Nesterov's method is stable iff ηλ < (2 + 2β)/(1 + 2β), less than gradient descent's
    2 for any momentum β > 0.

    The first η at which a multiplier leaves the unit circle. The form is that of deep-learning libraries, where the weights are
    the look-ahead points; the multipliers are the same.
    """
    found = [
        cf.analysis.edge(cf.as_map(cf.Loss("x**2/2"), getattr(cf.optimizers, optimizer)(lr=0.1, momentum=b + more)), [0.0], 1.0)
        for b in (0.0, 0.5, 0.9)
    ]
    return {"edges": [one.value for one in found], "kinds": [one.kind for one in found]}


@CLAIMS.add(
    "own statement (a consequence of theorem 2.1)",
    {"heavy_ball": near([np.sqrt(0.9)] * 3, 1e-12), "nesterov": near([0.9, np.sqrt(0.45), 0.3], 1e-12)},
    Control("curvatures beyond the stable range", changes={"rates": (1.3, 1.35, 1.5)}), figure="moduli",
    domain="quadratics, along eigenvectors on which both methods have complex multipliers",
    examples="μ = 0.9, ελ = 0.1, 0.5 and 0.9", perturbations=(Control("momentum 0.91", changes={"momentum": 0.91}),),
)  # fmt: skip
def less_oscillation(rates=(0.1, 0.5, 0.9), momentum=0.9):
    """Where the iterates swing, Nesterov's method damps them by √(μ(1 − ελ)) a step, the faster the larger the curvature λ; the
    classical method damps them by √μ whatever the curvature.

    Moduli of the complex multipliers of both maps.
    """
    return {name: [_modulus(name, rate, momentum) for rate in rates] for name in ("heavy_ball", "nesterov")}


def _modulus(name, rate, momentum=0.9):
    step = cf.as_map(cf.Loss("x**2/2"), getattr(cf.optimizers, name)(lr=rate, momentum=momentum))
    return float(np.abs(np.linalg.eigvals(step.jacobian([0.0, 0.0]))).max())


def figures():
    """The two contraction rates over curvature."""
    return {"moduli": _moduli}


def _moduli():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    rates = np.linspace(0.002, 4.2, 800)
    for name in ("heavy_ball", "nesterov"):
        axes.plot(rates, [_modulus(name, rate) for rate in rates], label=name.replace("_", " "))
    axes.axhline(1, color="0.5", lw=0.8, ls="--")
    axes.set(xlabel="rate × curvature", ylabel="largest multiplier", ylim=(0, 1.3), title="Momentum 0.9: edges at 19/14 and 3.8")
    axes.legend()
    return figure
