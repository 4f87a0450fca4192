"""Y. K. Cheung, G. Piliouras, *Vortices instead of equilibria in minmax optimization: chaos and butterfly effects of online
learning in zero-sum games*, arXiv 1905.08396, COLT (2019).

In the space of cumulative payoffs multiplicative weights expands volume in every zero-sum game, so no distribution of starts
settles, and orbits drift to the boundary; in coordination games (a companion, arXiv 2005.13996) it contracts. Our own
derivation for two strategies each: u ← u + η(σ(v) − ½), v ← v ∓ η(σ(u) − ½) has the determinant 1 ± η²σ′(u)σ′(v). What the
authors call Lyapunov chaos is this expansion, not a positive exponent on a bounded set: along orbits σ′ vanishes and the
exponents with it.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _step(sign=-1.0, lr=0.5):
    """Multiplicative weights in cumulative payoffs; ``sign`` −1: matching pennies, 1: coordination."""
    rules = ["u + lr*(sigmoid(v) - 0.5)", "v + sign*lr*(sigmoid(u) - 0.5)"]
    return cf.Map.from_text([rule.replace("sign", "c") for rule in rules], "u v", params={"lr": lr, "c": sign})


@CLAIMS.add(
    "abstract; the determinant is derived here", {"excess": "lr**2*p*q*(p - 1)*(q - 1)"},
    Control("a coordination game", changes={"sign": 1}), settled="proved", proof="exact algebra",
)  # fmt: skip
def volume_expands_in_zero_sum_games(sign=-1):
    """In matching pennies a step of multiplicative weights expands volume in payoff space at every point, by 1 + η²p(1 − p)q(1
    − q).

    With p = σ(u), q = σ(v) and σ′ = σ(1 − σ); the determinant of the step minus 1, factored. The product is positive inside.
    """
    u, v, lr, p, q = sp.symbols("u v lr p q")
    half = sp.Rational(1, 2)
    new = sp.Matrix([u + lr * (1 / (1 + sp.exp(-v)) - half), v + sign * lr * (1 / (1 + sp.exp(-u)) - half)])
    excess = new.jacobian([u, v]).det() - 1
    logits = {sp.exp(-u): (1 - p) / p, sp.exp(-v): (1 - q) / q}
    return {"excess": str(sp.factor(sp.simplify(excess.subs(logits))))}


@CLAIMS.add(
    "abstract; the vanishing exponents are observed here",
    {"growth": above(0.0), "exponent": at_most(2e-3), "extreme": above(0.99)},
    Control("a coordination game, whose volume shrinks", changes={"sign": 1.0}), figure="drift",
)  # fmt: skip
def expansion_without_exponents(sign=-1.0, n=50_000):
    """Orbits of multiplicative weights in matching pennies expand volume and drift to the boundary; their Lyapunov exponents
    vanish.

    η = 0.5 from (0.3, 0.1), 50,000 steps. ``growth``: the sum of log det over the first 2,000; ``exponent``: the larger
    exponent; ``extreme``: the largest probability of a strategy on the way.
    """
    step = _step(sign)
    w = cf.iterate(step, [0.3, 0.1], n).w
    growth = sum(float(np.log(np.linalg.det(step.jacobian(z)))) for z in w[:2000])
    exponents = cf.analysis.lyapunov(step, [0.3, 0.1], n=n, transient=0)
    return {"growth": growth, "exponent": float(exponents[0]), "extreme": float((1 / (1 + np.exp(-abs(w)))).max())}


def figures():
    """An orbit in the square of the mixed strategies."""
    return {"drift": _drift}


def _drift():
    import matplotlib.pyplot as plt

    orbit = cf.iterate(_step(lr=0.5), [0.3, 0.1], 1500).w
    p, q = (1 / (1 + np.exp(-orbit))).T
    figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
    axes.plot(p, q, ".", ms=1.5)
    axes.set(xlabel="p", ylabel="q", xlim=(0, 1), ylim=(0, 1), aspect="equal", title="Matching pennies, η = 0.5")
    return figure
