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
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SHARES = ("2/3", "3/4", "3/5", "4/5", "5/7", "7/10")


def _map(share, a):
    return cf.Map.from_text("x + b - sigmoid(a*x)", params={"a": a, "b": float(Fraction(share))})


@CLAIMS.add(
    "introduction, for machine learning", {"difference": "0"},
    Control("x = w without the division by η", changes={"scaled": False}), settled="proved", proof="a SymPy identity",
)  # fmt: skip
def descent_is_this_map(scaled=True):
    """Gradient descent on log(1 + e^w) − bw, in x = w/η, is x ← x + b − 1/(e^{−ηx} + 1).

    The step divided by η, with w = ηx, minus the map.
    """
    w, x, eta, b = sp.symbols("w x eta b", positive=True)
    scale = eta if scaled else sp.Integer(1)
    after = (w - eta * sp.diff(sp.log(1 + sp.exp(w)) - b * w, w)).subs(w, scale * x) / scale
    return {"difference": str(sp.simplify(after - (x + b - 1 / (sp.exp(-eta * x) + 1))))}


@CLAIMS.add(
    "theorem", {"periods": "3, 4, 5, 5, 7, 10"},
    Control("a = 60, where 5/7 and 7/10 are still chaotic", changes={"a": 100.0 * 0.6}), figure="cycle",
)  # fmt: skip
def period_of_the_denominator(a=100.0, shares=SHARES):
    """For b = k/n and a large enough there is an attracting cycle of period n.

    Verdicts on the orbit of 0.003 at a = 100 for b = 2/3, 3/4, 3/5, 4/5, 5/7, 7/10. Multipliers and residuals are kept: many
    are near 1, where convergence is slow.
    """
    found = [cf.analysis.classify(_map(share, a), [0.003]) for share in shares]
    names = [str(one.period) if one.period else one.kind for one in found]
    multipliers = [one.multipliers[0].real if one.period else None for one in found]
    return {"periods": ", ".join(names), "multipliers": multipliers, "residual": max(one.residual for one in found)}


@CLAIMS.add(
    "numbers", {"periods": "4, 5, 5, chaotic, chaotic", "evidence": "chaotic, chaotic"},
    Control("a = 100", changes={"a": 100.0}), read="a secondary source",
)  # fmt: skip
def large_depends_on_the_denominator(a=60.0, shares=SHARES[1:]):
    """How large a must be depends on b: at a = 60 the periods are 4, 5, 5 for 3/4, 3/5, 4/5, but 5/7 and 7/10 are chaotic.

    Verdicts on the orbit of 0.003, as above; ``evidence``: what exponent and 0–1 test say together of the last two.
    """
    found = [cf.analysis.classify(_map(share, a), [0.003]) for share in shares]
    evidence = [cf.analysis.chaos(_map(share, a), [0.003], dimensions=False).kind for share in shares[-2:]]
    names = [str(one.period) if one.period else one.kind for one in found]
    return {"periods": ", ".join(names), "exponents": [one.lyapunov for one in found], "evidence": ", ".join(evidence)}


@CLAIMS.add(
    "theorem", {"turns": True, "rotation": near(3 / 5, 1e-12)},
    Control("b = 4/5, which turns by 4/5", changes={"share": "4/5"}), figure="cycle",
)  # fmt: skip
def cycle_turns_like_a_rotation(share="3/5", a=100.0):
    """That cycle behaves like the rotation by k/n: in the order of its points on the line, each step moves k places on,
    modulo n.

    The cycle for b = 3/5 at a = 100: whether all steps move the same number of places modulo 5, and that number over 5.
    """
    cycle = cf.analysis.classify(_map(share, a), [0.003]).points[:, 0]
    places = np.argsort(np.argsort(cycle))
    moves = set(((np.roll(places, -1) - places) % len(cycle)).tolist())
    return {"turns": len(moves) == 1, "rotation": min(moves) / len(cycle)}


@CLAIMS.add(
    "theorem", {"share": near(1.0, 0.0)},
    Control("b = 5/7 at a = 60, where orbits are chaotic", changes={"share": "5/7", "a": 60.0, "starts": 5}),
)  # fmt: skip
def cycle_attracts_almost_all(share="3/5", a=60.0, starts=200, seed=11):
    """It attracts almost all starts.

    200 random starts x in (−1, 1) for b = 3/5 at a = 60: the share that ends with period n.
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
