"""R. M. May, *Simple mathematical models with very complicated dynamics*, Nature 261 (1976) 459–467.

The review that made the logistic map x → r x (1 − x) known: its fixed point loses its stability by a period doubling, the
doublings accumulate, and beyond lie windows of other periods, that of period 3 among them. A table compares where the same
things happen in three families. Of the paper itself only the abstract could be read; the table is quoted from memory.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC, CUBIC = "r*x*(1-x)", "r*x*(1-x**2)"
TENT, RICKER = "r*Min(x, 1-x)", "x*exp(r*(1-x))"


def _map(formula, r):
    return cf.Map.from_text(formula, params={"r": r})


def _cascade(formula="r*x*(1-x)", start=0.6, low=2.5, high=3.6, levels=7):
    return cf.analysis.cascade(_map(formula, low), [start], "r", bounds=(1.0, high), levels=levels)


@CLAIMS.add(
    "text: the 2-cycle", {"flip": near(3.0, 1e-12), "multiplier": near(-1.0, 1e-9), "kind": "flip"},
    Control("the map r x (1 − x²), whose fixed point flips at 2", changes={"formula": CUBIC, "start": 0.4, "low": 1.2}),
    domain="x → r x(1 − x) on [0, 1]; the fixed point 1 − 1/r, 2.5 ≤ r ≤ 3.2", figure="cascade",
    perturbations=(Control("the map 1.03 r x(1 − x)", changes={"formula": "1.03*r*x*(1-x)", "low": 2.4}),),
)  # fmt: skip
def first_flip(formula=LOGISTIC, start=0.6, low=2.5):
    """The fixed point of the logistic map loses its stability at r = 3 by a flip: there its multiplier is −1.

    The branch of fixed points is continued up to r = 3.2 and its first flip is located.
    """
    step = _map(formula, low)
    branch = cf.analysis.continue_cycle(step, [start], "r", (low, 3.2))
    flip = next(point for point in branch.bifurcations if point.kind == "flip")
    point = flip.points[0]
    return {"flip": flip.parameter, "multiplier": step.at(r=flip.parameter).jacobian(point)[0, 0], "kind": flip.kind}


@CLAIMS.add(
    "text: harmonics",
    {"flips": near([3.544090359551922854, 3.564407266095432598, 3.568759419543826431, 3.569691609801396714], 1e-12)},
    Control("the map r x (1 − x²)", changes={"formula": CUBIC, "start": 0.6, "low": 1.9, "high": 2.6}), figure="cascade",
    domain="x → r x(1 − x) on [0, 1]; the cascade of the fixed point",
    perturbations=(Control("the map 1.01 r x(1 − x)", changes={"formula": "1.01*r*x*(1-x)"}),),
)  # fmt: skip
def later_flips(formula=LOGISTIC, start=0.6, low=2.5, high=3.6):
    """The 4-, 8-, 16- and 32-cycles of the logistic map double at r = 3.54409, 3.56441, 3.56876 and 3.56969.

    The doublings are followed one after the other; each flip is solved for on all points of its cycle. The digits are of later
    tables.
    """
    return {"flips": _cascade(formula, start, low, high).flips[2:6]}


@CLAIMS.add(
    "table of three families", {"accumulation": near([3.5700, 2.6924], 1e-4)},
    Control("the second family is r x (1 − x²)", changes={"second": CUBIC, "start": 0.6, "low": 1.9}), figure="cascade",
    domain="the cascades of the fixed points of r x(1 − x) and x exp(r(1 − x))",
    perturbations=(Control("x exp(1.01 r(1 − x))", changes={"second": "x*exp(1.01*r*(1-x))"}),),
)  # fmt: skip
def accumulation(second="x*exp(r*(1-x))", start=1.0, low=1.5):
    """The period doublings accumulate at r = 3.5700 in r x (1 − x) and at 2.6924 in x exp(r(1 − x)), within 10⁻⁴.

    Eight doublings each, extrapolated. (To more digits the first is 3.569946, which the table rounds up.)
    """
    found = [_cascade(levels=8), _cascade(second, start, low, 2.75, 8)]
    return {"accumulation": [one.accumulation for one in found], "errors": [one.accumulation_error for one in found]}


@CLAIMS.add(
    "table of three families", {"odd": near(3.6786, 1e-4)},
    Control("cycles of the even period 20 instead, which come before", changes={"period": 20}),
    domain="x → r x(1 − x) on [0, 1], 3.6 < r < 3.75",
    perturbations=(Control("period 13, still far from the limit", changes={"period": 13}),),
)  # fmt: skip
def first_odd_period(period=21):
    """A cycle of the odd period 21 first appears in the logistic map at r = 3.6786, within 10⁻⁴: where the table has the first
    cycle of odd period.

    Halving of [3.6, 3.75] on whether there is a 21-cycle. Odd periods appear in falling order, and the values approach their
    infimum, where two bands merge, r³ − 2r² − 4r − 8 = 0 or r = 3.678573…, as (r − 2)^−n.
    """
    low, high = 3.6, 3.75
    for _ in range(16):
        middle = (low + high) / 2
        there = len(cf.analysis.cycles(_map(LOGISTIC, middle), period, [(0.0, 1.0)])) > 0
        low, high = (low, middle) if there else (middle, high)
    return {"odd": high}


@CLAIMS.add(
    "table of three families", {"opens": near([3.8284, 3.1024], 5e-5), "tent": near(1.618, 5e-4)},
    Control("5-cycles, which come before", changes={"period": 5, "first": 3.5}), figure="window",
    domain="r x(1 − x) for 3.6 < r < 4, x exp(r(1 − x)) for 2.7 < r < 3.3, r min(x, 1 − x) for 1.3 < r < 2",
    perturbations=(Control("x exp(1.01 r(1 − x))", changes={"ricker": "x*exp(1.01*r*(1-x))"}),
                   Control("a tent whose second slope is 0.97 of the first", changes={"tent": "Min(r*x, 0.97*r*(1-x))"})),
)  # fmt: skip
def period_three_in_three_families(period=3, first=3.6, ricker=RICKER, tent=TENT):
    """A 3-cycle first appears at r = 3.8284 in r x (1 − x), at 3.1024 in x exp(r(1 − x)), and at slope 1.618 in the tent map.

    The folds where the first windows of period 3 open; for the tent map, whose 3-cycle is born without a fold, halving of the
    slope on whether there is one.
    """
    logistic = cf.analysis.windows(_map(LOGISTIC, 3.8), period, "r", (first, 4.0), [(0.0, 1.0)])
    hump = cf.analysis.windows(_map(ricker, 3.0), period, "r", (2.7, 3.3), [(0.0, 12.0)])
    low, high = 1.3, 2.0
    for _ in range(14):
        middle = (low + high) / 2
        there = len(cf.analysis.cycles(_map(tent, middle), period, [(0.0, 1.0)])) > 0
        low, high = (low, middle) if there else (middle, high)
    return {"opens": [logistic[0].opens, hump[0].opens], "tent": high}


@CLAIMS.add(
    "text: the window of period 3", {"superstable": near(3.831874055283315568, 1e-11),
                                     "flips": near(3.841499007543507846, 1e-11), "closes": near(3.856800652477764822, 1e-10)},
    Control("the first window of period 5", changes={"period": 5}), figure="window",
    domain="x → r x(1 − x) on [0, 1], the 3-cycle born at r = 1 + √8",
    perturbations=(Control("the map 1.01 r x(1 − x)", changes={"formula": "1.01*r*x*(1-x)"}),),
)  # fmt: skip
def window_of_three(period=3, formula=LOGISTIC):
    """The 3-cycle that the logistic map has from r = 1 + √8 on is superstable at 3.8319 and doubles at 3.8415; the window ends in
    an interior crisis at 3.8568.

    The flip is located on the branch of 3-cycles; the end solves f⁶(½) = the unstable 3-cycle's point next to ½. The digits
    are of later tables.
    """
    window = cf.analysis.windows(_map(formula, 3.8), period, "r", (3.5, 4.0), [(0.0, 1.0)])[0]
    return {"superstable": window.superstable, "flips": window.flips, "closes": window.closes}


@CLAIMS.add(
    "text", {"share": near(1.0, 0.0)},
    Control("r = 3.9, where no cycle of a period up to 64 attracts", changes={"r": 3.9, "starts": 10}),
    domain="x → r x(1 − x) on [0, 1], r with a stable cycle; almost all starts", examples="r = 3.83, 200 random starts",
    perturbations=(Control("r = 3.845, where the 3-cycle is unstable", changes={"r": 3.845, "starts": 10}),),
)  # fmt: skip
def stable_cycle_attracts_almost_all(r=3.83, starts=200, seed=1976):
    """Where the logistic map has a stable cycle, that cycle attracts almost all starts.

    200 random starts in (0, 1) at r = 3.83, where the 3-cycle is stable: the share that ends on it.
    """
    step, rng = _map(LOGISTIC, r), np.random.default_rng(seed)
    ends = [cf.analysis.classify(step, [x], max_period=64, budget=5000).period for x in rng.uniform(0, 1, starts)]
    return {"share": sum(period == 3 for period in ends) / starts}


@CLAIMS.add(
    "own statement", {"difference": "0"}, Control("the loss 1.1(w³/3 − w)", changes={"loss": "11*(w**3/3 - w)/10"}),
    domain="w³/3 − w, one weight; every η > 0 and every w", figure="descent",
    proof="exact algebra: both sides of the conjugacy by x = η(w + 1)/(1 + 2η), subtracted and simplified",
    perturbations=(Control("r = 1 + 2.1 η", changes={"slope": "21/10"}),),
)  # fmt: skip
def descent_on_a_cubic(loss="w**3/3 - w", slope="2"):
    """Gradient descent on w³/3 − w is the logistic map with r = 1 + 2η in another coordinate, x = η(w + 1)/(1 + 2η).

    With x so chosen, x after the step minus r x(1 − x), in SymPy.
    """
    w, eta = sp.symbols("w eta")
    r = 1 + sp.Rational(slope) * eta
    x = eta * (w + 1) / r
    after = x.subs(w, w - eta * sp.diff(sp.sympify(loss), w))
    return {"difference": str(sp.simplify(after - r * x * (1 - x)))}


@CLAIMS.prove(
    "text: the 2-cycle, the 4-cycle", {"kind": ["bifurcation"] * 2, "period": [1, 2], "supercritical": [True] * 2,
                                       "side": ["above"] * 2, "r": near([3.0, 1 + math.sqrt(6)], 1e-11)},
    Control("the map r x (1 − x²), whose flips are at 2 and √5", changes={"formula": CUBIC, "low": (1.9, 2.2), "high": (2.1, 2.3),
                                                                    "points": ([0.7], [0.54, 0.95])}),
    domain="x → r x(1 − x) on [0, 1]; r near 3 and near 1 + √6",
    perturbations=(Control("the map 1.03 r x(1 − x)", changes={
        "formula": "1.03*r*x*(1-x)", "low": (2.85, 3.3), "high": (3.0, 3.4)}),),
)  # fmt: skip
def first_flips_proved(formula=LOGISTIC, low=(2.9, 3.4), high=(3.1, 3.5), points=([0.66], [0.44, 0.85])):
    """The fixed point and then the 2-cycle of the logistic map lose their stability by flips at r = 3 and at 1 + √6, to within
    10⁻¹¹, both supercritical: for r a little above, the cycle of twice the period is there and stable.

    Two certificates of flips, each with an interval of r of width 1e-11, and with the signs of the coefficient and of the speed.
    """
    return [
        cf.certify.bifurcation(_map(formula, a), kind="flip", points=cycle, period=len(cycle), r=(str(a), str(b)))
        for a, b, cycle in zip(low, high, points, strict=True)
    ]


@CLAIMS.prove(
    "text: the window of period 3", {"kind": "bifurcation", "type": "fold", "period": 3, "side": "above",
                                     "r": near(1 + math.sqrt(8), 1e-11)},
    Control("x exp(r(1 − x)), where it opens at 3.1024", changes={"formula": RICKER, "low": "3.1", "high": "3.11",
                                                                  "points": (0.1, 1.5, 0.35)}), figure="window",
    domain="x → r x(1 − x) on [0, 1], 3.82 < r < 3.84",
    perturbations=(Control("the map 1.01 r x(1 − x)", changes={"formula": "1.01*r*x*(1-x)", "low": "3.78", "high": "3.8"}),),
)  # fmt: skip
def window_opens_proved(formula=LOGISTIC, low="3.82", high="3.84", points=(0.16, 0.514, 0.956)):
    """A pair of 3-cycles of the logistic map is born in a fold at r = 1 + √8, to within 10⁻¹¹, and is there for r a little above.

    A certificate of the fold, with an interval of r of width 1e-11.
    """
    return cf.certify.bifurcation(_map(formula, float(low)), kind="fold", points=list(points), period=3, r=(low, high))


@CLAIMS.prove(
    "own statement", {"kind": "trapping", "whole": True, "r": near([3.84, 3.9], 0),
                      "box": "[0.07, 0.98] (ends rounded to doubles)"},
    Control("the interval from 0.3, which a point of the 3-cycle leaves", changes={"low": 0.3}),
    domain="x → r x(1 − x), all r in [3.84, 3.9]; starts in [0.07, 0.98], ends rounded to doubles",
    perturbations=(Control("the interval from 0.08, below which 0.98 is taken", changes={"low": 0.08}),),
)  # fmt: skip
def orbits_stay_proved(low=0.07):
    """For every r in [3.84, 3.9] the logistic map takes the interval [0.07, 0.98] into its interior: no orbit that starts
    there leaves it.

    A certificate of trapping. Where there is none, one of a 3-cycle at r = 3.9, which has points in [0.3, 0.98] and below.
    """
    found = cf.certify.trapping(_map(LOGISTIC, 3.9), box=(low, 0.98), r=("3.84", "3.9"))
    return found if found.proved else cf.certify.cycle(_map(LOGISTIC, 3.9), points=[0.1327, 0.4487, 0.9647])


def figures():
    """The period doublings of the logistic map, and its 3-cycles inside their window."""
    descent = cf.as_map(cf.losses.cubic(), cf.optimizers.gd(lr=1.42))
    return {
        "descent": lambda: cf.plot(cf.analysis.cycles(descent, 3, [(-3.0, 3.0)])),
        "cascade": lambda: cf.plot(_cascade()),
        "window": lambda: cf.plot(cf.analysis.cycles(_map(LOGISTIC, 3.84), 3, [(0.0, 1.0)])),
    }
