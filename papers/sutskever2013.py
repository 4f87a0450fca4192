"""I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep learning*, ICML 2013.

Nesterov's accelerated gradient is a momentum method whose gradient is taken where the momentum leads. On a quadratic it is the
classical method with a smaller momentum, μ(1 − ελ), in directions of high curvature λ, and so oscillates less there.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


@CLAIMS.add(
    "theorem 2.1", {"difference": "0"},
    Control("an unchanged momentum μ", changes={"effective": "mu"}), settled="proved", proof="exact algebra", read="from memory",
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
    "theorem 2.1 and Cohen et al. 2021, appendix B",
    {"edges": near([2.0, 3 / 2, 19 / 14], 1e-9), "kinds": ["flip"] * 3},
    Control("heavy ball", changes={"optimizer": "heavy_ball"}), figure="moduli",
)  # fmt: skip
def edge(optimizer="nesterov"):
    """On a quadratic Nesterov's method is stable iff ηλ < (2 + 2β)/(1 + 2β): less than gradient descent's 2, against 2 + 2β
    for heavy ball.

    The first η at which a multiplier leaves the unit circle, λ = 1, β = 0, 0.5, 0.9. The form is that of deep-learning
    libraries, where the weights are the look-ahead points; the multipliers are the same.
    """
    found = [
        cf.analysis.edge(cf.as_map(cf.Loss("x**2/2"), getattr(cf.optimizers, optimizer)(lr=0.1, momentum=b)), [0.0], 1.0)
        for b in (0.0, 0.5, 0.9)
    ]
    return {"edges": [one.value for one in found], "kinds": [one.kind for one in found]}


@CLAIMS.add(
    "section 2.1",
    {"heavy_ball": near([np.sqrt(0.9)] * 3, 1e-12), "nesterov": near([0.9, np.sqrt(0.45), 0.3], 1e-12)},
    Control("curvatures beyond the stable range", changes={"rates": (1.3, 1.35, 1.5)}), figure="moduli",
)  # fmt: skip
def less_oscillation(rates=(0.1, 0.5, 0.9)):
    """In directions of high curvature Nesterov's method damps oscillations faster: by √(μ(1 − ελ)) a step, where the
    classical method keeps √μ whatever the curvature.

    Moduli of the complex multipliers of both maps at μ = 0.9, ελ = 0.1, 0.5 and 0.9.
    """
    return {name: [_modulus(name, rate) for rate in rates] for name in ("heavy_ball", "nesterov")}


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
