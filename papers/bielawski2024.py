"""J. Bielawski, T. Chotibut, F. Falniowski, M. Misiurewicz, G. Piliouras, *Interval maps mimicking circle rotations*, arXiv
2411.01495 (2024).

The maps x → x + b − 1/(e^{−ax} + 1), which arise in game theory, biology and machine learning, are near a rotation of a
circle if a is large. For b = k/n there is then an attracting cycle of period n that turns by k/n and attracts almost all
starts. With x = w/η, a = η and b = K/N they are gradient descent on logistic regression with one constant feature and K of N
labels positive.
"""

from fractions import Fraction

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SHARES = ("2/3", "3/4", "3/5", "4/5", "5/7", "7/10")


def _map(share, a):
    return cf.Map.from_text("x + b - sigmoid(a*x)", params={"a": a, "b": float(Fraction(share))})


@CLAIMS.add(
    "abstract (models of machine learning); the loss is our reading", {"difference": "0"},
    Control("x = w without the division by η", changes={"scaled": False}), proof="exact algebra: a SymPy identity",
    domain="log(1 + eʷ) − bw, one weight; all real w and b, η > 0",
    perturbations=(Control("labels turned, b for 1 − b", changes={"turned": True}),),
)  # fmt: skip
def descent_is_this_map(scaled=True, turned=False):
    """Gradient descent on log(1 + e^w) − bw, in x = w/η, is x ← x + b − 1/(e^{−ηx} + 1).

    The step divided by η, with w = ηx, minus the map.
    """
    w, x, b = sp.symbols("w x b", real=True)
    eta = sp.Symbol("eta", positive=True)
    scale = eta if scaled else sp.Integer(1)
    after = (w - eta * sp.diff(sp.log(1 + sp.exp(w)) - b * w, w)).subs(w, scale * x) / scale
    return {"difference": str(sp.simplify(after - (x + (1 - b if turned else b) - 1 / (sp.exp(-eta * x) + 1))))}


@CLAIMS.add(
    "abstract", {"periods": "3, 4, 5, 5, 7, 10", "rotations": "2/3, 3/4, 3/5, 4/5, 5/7, 7/10"},
    Control("a = 60, where 5/7 and 7/10 are still chaotic", changes={"a": 60.0}), figure="cycle",
    domain="x + b − 1/(e^{−ax} + 1), b = k/n with k and n coprime, a large enough",
    examples="b = 2/3, 3/4, 3/5, 4/5, 5/7, 7/10 at a = 100 from x = 0.003",
    perturbations=(Control("b = 2/5 in place of 3/5", changes={"shares": ("2/3", "3/4", "2/5", "4/5", "5/7", "7/10")}),),
)  # fmt: skip
def period_of_the_denominator(a=100.0, shares=SHARES):
    """For b = k/n and a large enough there is an attracting cycle of period n, and it behaves like the rotation by k/n: in the
    order of its points on the line each step moves k places on, modulo n.

    The cycle on which the orbit ends; by how many places, over the period, all steps move. Multipliers and residuals are
    kept: many are near 1, where convergence is slow.
    """
    found = [cf.analysis.classify(_map(share, a), [0.003]) for share in shares]
    names = [str(one.period) if one.period else one.kind for one in found]
    multipliers = [one.multipliers[0].real if one.period else None for one in found]
    return {"periods": ", ".join(names), "rotations": ", ".join(map(_rotation, found)), "multipliers": multipliers,
            "residual": max(one.residual for one in found)}  # fmt: skip


def _rotation(regime):
    """By how many places of the period each step moves, or "none"."""
    if not regime.period:
        return "none"
    places = np.argsort(np.argsort(regime.points[:, 0]))
    moves = set(((np.roll(places, -1) - places) % regime.period).tolist())
    return f"{moves.pop()}/{regime.period}" if len(moves) == 1 else "none"


@CLAIMS.add(
    "own statement", {"periods": "4, 5, 5, chaotic, chaotic", "least exponent": above(0.1)},
    Control("a = 100", changes={"a": 100.0}),
    domain="x + b − 1/(e^{−ax} + 1) at a = 60, b = 3/4, 3/5, 4/5, 5/7, 7/10, the orbit of 0.003",
    perturbations=(Control("a = 75", changes={"a": 75.0}),),
)  # fmt: skip
def large_depends_on_the_denominator(a=60.0, shares=SHARES[1:]):
    """How large a must be depends on b: at a = 60 the orbit of 0.003 ends on cycles of the periods 4, 5, 5 for 3/4, 3/5, 4/5, but
    for 5/7 and 7/10 it has a positive Lyapunov exponent.

    Verdicts on the orbit, and the least exponent of the last two.
    """
    found = [cf.analysis.classify(_map(share, a), [0.003]) for share in shares]
    names = [str(one.period) if one.period else one.kind for one in found]
    exponents = [one.lyapunov for one in found]
    return {"periods": ", ".join(names), "exponents": exponents, "least exponent": float(min(exponents[-2:]))}


@CLAIMS.add(
    "abstract", {"share": near(1.0, 0.0)},
    Control("b = 5/7 at a = 60, where orbits are chaotic", changes={"share": "5/7", "a": 60.0, "starts": 5}),
    domain="x + b − 1/(e^{−ax} + 1), b = k/n with k and n coprime, a large enough; Lebesgue almost all starts",
    examples="b = 3/5, a = 60, 200 random starts in (−1, 1)",
    perturbations=(Control("a = 20, which is not large enough", changes={"a": 20.0, "starts": 20}),),
)  # fmt: skip
def cycle_attracts_almost_all(share="3/5", a=60.0, starts=200, seed=11):
    """For b = k/n and a large enough the cycle of period n attracts almost all starts.

    The share of the starts that end with period n.
    """
    step, n = _map(share, a), Fraction(share).denominator
    starts_at = np.random.default_rng(seed).uniform(-1, 1, starts)
    return {"share": sum(cf.analysis.classify(step, [x]).period == n for x in starts_at) / starts}


def figures():
    """The cycle of period 5 for b = 3/5."""
    return {"cycle": _cycle}


def _cycle():
    found = cf.analysis.cycles(_map("3/5", 60.0), 5, [(-1.0, 1.0)])
    return cf.plot(found)
