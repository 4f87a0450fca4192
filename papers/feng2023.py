"""Y. Feng, H. Fu, Q. Hu, P. Li, I. Panageas, B. Peng, X. Wang, *On the last-iterate convergence in time-varying zero-sum games:
extragradient succeeds where optimism fails*, arXiv 2310.02604, NeurIPS (2023).

In unconstrained bilinear zero-sum games whose payoffs change periodically with time extragradient converges, while optimistic
gradient descent-ascent and the momentum method diverge; in games that settle fast enough all converge. Our own derivation for
the payoff ±xy with the sign changing each step, z = x + iy: two steps of extragradient multiply z by 1 − η² + η⁴, below 1 iff
η < 1; the multipliers of two steps of the optimistic method obey μ² − (1 + 4η²)μ + η² = 0, those of momentum m μ² − (1 + m² +
η²)μ + m² = 0, which is −3η² and −η² at μ = 1, so that one of them is above 1 for every η > 0.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control

CLAIMS = Claims(__name__, __doc__, read="the abstract")
RULES = {
    "extra": ["x - lr*s*(y + lr*s*x)", "y + lr*s*(x - lr*s*y)"],
    "optimistic": ["x - lr*(2*s*y - q)", "y + lr*(2*s*x - p)", "s*x", "s*y"],
    "momentum": ["x - lr*s*y + mu*(x - p)", "y + lr*s*x + mu*(y - q)", "x", "y"],
}


def _multipliers(which, other=-1):
    """The characteristic polynomial in k of two steps, factored, the second with the payoff's sign ``other``."""
    rules = RULES[which]
    names = sp.symbols("x y p q")[: len(rules)]
    lr, mu, k = sp.symbols("lr mu k")
    known = {str(name): name for name in (*names, lr, mu)}
    one, two = (sp.Matrix([sp.sympify(rule, known | {"s": s}) for rule in rules]).jacobian(names) for s in (1, other))
    return str(sp.factor(sp.expand((two * one).charpoly(k).as_expr())))


@CLAIMS.add(
    "abstract (extragradient converges, the optimistic method diverges); the game and the numbers: own statement",
    {"extra": "(k - lr**4 + lr**2 - 1)**2", "optimistic": "(k**2 - 4*k*lr**2 - k + lr**2)**2"},
    Control("a game that does not change", changes={"other": 1}), figure="orbits",
    domain="the payoffs xy and −xy in turn, x and y real, both players at once; all η > 0, almost all starts",
    perturbations=(Control("the sign changes to −2", changes={"other": -2}),),
    proof="exact algebra: the characteristic polynomials of two steps in η",
)  # fmt: skip
def optimism_fails(other=-1):
    """In the bilinear game with the payoffs xy and −xy in turn extragradient converges for η < 1, and optimistic descent-ascent
    diverges for every η > 0.

    The polynomials of two steps. Extragradient has the double multiplier 1 − η² + η⁴, which is below 1 for 0 < η < 1. The factor
    k² − (1 + 4η²)k + η² of the optimistic method, whose memory is the gradient of the step before, is −3η² at k = 1 and grows
    beyond bounds, so that it has a zero above 1.
    """
    return {which: _multipliers(which, other) for which in ("extra", "optimistic")}


@CLAIMS.add(
    "abstract (the momentum method diverges); the game and the numbers: own statement",
    {"momentum": "(k**2 - k*lr**2 - k*mu**2 - k + mu**2)**2"},
    Control("a game that does not change", changes={"other": 1}), figure="orbits",
    domain="the payoffs xy and −xy in turn, x and y real, both players at once; all η > 0, all momenta, negative ones too",
    perturbations=(Control("the sign changes to −2", changes={"other": -2}),),
    proof="exact algebra: the characteristic polynomial of two steps in η and the momentum",
)  # fmt: skip
def momentum_fails_too(other=-1):
    """With momentum of any size and sign descent-ascent diverges in the game with the payoffs xy and −xy in turn.

    The factor k² − (1 + μ² + η²)k + μ² is −η² at k = 1 and grows beyond bounds, so that it has a zero above 1.
    """
    return {"momentum": _multipliers("momentum", other)}


def figures():
    """Distances from the equilibrium in the changing game."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    for which, rules in RULES.items():
        step = cf.Map.from_text(rules, "x y p q".split()[: len(rules)], params={"lr": 0.2, "s": 1.0, "mu": -0.3})
        start = [1.0, 0.5, 1.0, 0.5] if which == "momentum" else [1.0, 0.5, 0.0, 0.0]
        orbit = cf.iterate(cf.compose(step, step.at(s=-1.0)), start[: len(rules)], 100)
        axes.semilogy(2 * np.arange(len(orbit.z)), np.hypot(*orbit.z[:, :2].T), label=which)
    axes.set(xlabel="step", ylabel="distance from the equilibrium", title="The payoffs xy, −xy in turn, η = 0.2")
    axes.legend()
    return figure
