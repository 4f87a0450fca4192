"""R. M. May, *Simple mathematical models with very complicated dynamics*, Nature 261 (1976) 459–467.

The review that made the logistic map x → r x (1 − x) known: its fixed point loses its stability by a period doubling, the
doublings accumulate, and beyond lie windows of other periods, of which that of period 3 is the widest. A table compares where
the same things happen in three families; at most one cycle is stable at a time and it attracts essentially all starts.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC, CUBIC = "r*x*(1-x)", "r*x*(1-x**2)"
TENT, RICKER = "r*Min(x, 1-x)", "x*exp(r*(1-x))"


def _map(formula, r):
    return cf.Map.from_text(formula, params={"r": r})


def _cascade(formula="r*x*(1-x)", start=0.6, low=2.5, high=3.6, levels=7):
    return cf.analysis.cascade(_map(formula, low), [start], "r", bounds=(1.0, high), levels=levels)


@CLAIMS.add(
    "text: the 2-cycle", {"flip": near(3.0, 1e-12), "multiplier": near(-1.0, 1e-9)},
    Control("the map r x (1 − x²), whose fixed point flips at 2", changes={"formula": CUBIC, "start": 0.4, "low": 1.2}),
    figure="cascade",
)  # fmt: skip
def first_flip(formula=LOGISTIC, start=0.6, low=2.5):
    """The fixed point of the logistic map loses its stability at r = 3, where its multiplier is −1: a 2-cycle is born.

    The branch of fixed points is continued up to r = 3.2 and its first flip is located.
    """
    step = _map(formula, low)
    branch = cf.analysis.continue_cycle(step, [start], "r", (low, 3.2))
    flip = next(point for point in branch.bifurcations if point.kind == "flip")
    point = flip.points[0]
    return {"flip": flip.parameter, "multiplier": step.at(r=flip.parameter).jacobian(point)[0, 0], "kind": flip.kind}


@CLAIMS.add(
    "text: the 4-cycle", {"flip": near(1 + math.sqrt(6), 1e-12)},
    Control("the map r x (1 − x²), whose 2-cycle flips at √5", changes={"formula": CUBIC, "start": 0.6, "low": 1.9, "high": 2.5}),
    figure="cascade",
)  # fmt: skip
def second_flip(formula=LOGISTIC, start=0.6, low=2.9, high=3.5):
    """The 2-cycle of the logistic map is stable from r = 3 to 1 + √6 = 3.4495, where it doubles to a 4-cycle.

    The branch of fixed points is left at its flip for that of 2-cycles, whose first flip is located. Its multiplier is
    4 + 2r − r², which is −1 at 1 + √6.
    """
    branch = cf.analysis.continue_cycle(_map(formula, low), [start], "r", (low, high))
    flip = next(point for point in branch.bifurcations if point.kind == "flip")
    twice = flip.switch()
    return {"flip": next(point for point in twice.bifurcations if point.kind == "flip").parameter}


@CLAIMS.add(
    "text: harmonics",
    {"flips": near([3.544090359551922854, 3.564407266095432598, 3.568759419543826431, 3.569691609801396714], 1e-12)},
    Control("the map r x (1 − x²)", changes={"formula": CUBIC, "start": 0.6, "low": 1.9, "high": 2.6}), figure="cascade",
    read="a secondary source",
)  # fmt: skip
def later_flips(formula=LOGISTIC, start=0.6, low=2.5, high=3.6):
    """The 4-, 8-, 16- and 32-cycles double at r = 3.54409, 3.56441, 3.56876 and 3.56969: each interval is shorter than the
    last.

    The doublings are followed one after the other; each flip is solved for on all points of its cycle. The digits beyond
    May's four are of later tables.
    """
    return {"flips": _cascade(formula, start, low, high).flips[2:6]}


@CLAIMS.add(
    "table of three families", {"accumulation": near([3.5700, 2.6924], 1e-4)},
    Control("the second family is r x (1 − x²)", changes={"second": CUBIC, "start": 0.6, "low": 1.9}), figure="cascade",
)  # fmt: skip
def accumulation(second="x*exp(r*(1-x))", start=1.0, low=1.5):
    """The doublings accumulate at r = 3.5700 for r x (1 − x) and at 2.6924 for x exp(r(1 − x)).

    Eight doublings each, extrapolated; within one of the last digit of the table, for the first is 3.569946.
    """
    found = [_cascade(levels=8), _cascade(second, start, low, 2.75, 8)]
    return {"accumulation": [one.accumulation for one in found], "errors": [one.accumulation_error for one in found]}


@CLAIMS.add(
    "table of three families", {"odd": near(3.6786, 1e-4)},
    Control("cycles of the even period 20 instead, which come before", changes={"period": 20}),
)  # fmt: skip
def first_odd_period(period=21):
    """The first cycle of odd period appears in the logistic map at r = 3.6786.

    Halving of [3.6, 3.75] on whether there is a cycle of period 21. Odd periods n appear in falling order, and the values
    approach the first one as (r − 2)^−n, r − 2 = 1.68 being the slope at the fixed point: 2·10⁻⁵ for n = 21.
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
)  # fmt: skip
def period_three_in_three_families(period=3, first=3.7):
    """A 3-cycle first appears at r = 3.8284 in r x (1 − x), at 3.1024 in x exp(r(1 − x)), and at slope 1.618 in the tent map.

    The folds where the first windows of period 3 open over r in (3.7, 4) and (2.9, 3.3); for the tent map, whose 3-cycle is
    born without a fold, halving of the slope on whether there is one.
    """
    logistic = cf.analysis.windows(_map(LOGISTIC, 3.8), period, "r", (first, 4.0), [(0.0, 1.0)])
    ricker = cf.analysis.windows(_map("x*exp(r*(1-x))", 3.0), period, "r", (2.7, 3.3), [(0.0, 12.0)])
    low, high = 1.3, 2.0
    for _ in range(14):
        middle = (low + high) / 2
        there = len(cf.analysis.cycles(_map(TENT, middle), period, [(0.0, 1.0)])) > 0
        low, high = (low, middle) if there else (middle, high)
    return {"opens": [logistic[0].opens, ricker[0].opens], "tent": high}


@CLAIMS.add(
    "text: the window of period 3", {"opens": near(1 + math.sqrt(8), 1e-12), "superstable": near(3.831874055283315568, 1e-11),
                "flips": near(3.841499007543507846, 1e-11), "closes": near(3.856800652477764822, 1e-10)},
    Control("the first window of period 5", changes={"period": 5}), figure="window", read="a secondary source",
)  # fmt: skip
def window_of_three(period=3):
    """The 3-cycle is born in a fold at r = 1 + √8, is superstable at 3.8319 and doubles at 3.8415; the window ends at 3.8568.

    The fold and the flip are located on the branch of 3-cycles; the end solves f⁶(½) = the unstable 3-cycle's point next to ½
    (an interior crisis). May gives 3.8284 and 3.8415; the digits are of later tables.
    """
    window = cf.analysis.windows(_map(LOGISTIC, 3.8), period, "r", (3.5, 4.0), [(0.0, 1.0)])[0]
    return {"opens": window.opens, "superstable": window.superstable, "flips": window.flips, "closes": window.closes}


CASES = (2.9999, 3.0, 3.0001, 1 + math.sqrt(6) - 1e-6, 3.5, 3.83, 3.5699, 3.9)


@CLAIMS.add(
    "at values chosen here",
    {"periods": "1, 1, 2, 2, 4, 3, 128, chaotic", "multipliers": near([-0.9999, -1.0, 0.99959999, -0.99999510102051], 1e-8),
     "evidence": "chaotic"},
    Control("r = 3.56 instead of 3.5, where the period is 8", changes={"cases": (*CASES[:4], 3.56, *CASES[5:])}),
)  # fmt: skip
def periods_at_eight_values(cases=CASES):
    """At r = 2.9999, 3, 3.0001, 1 + √6 − 10⁻⁶, 3.5, 3.83, 3.5699 and 3.9 orbits end with periods 1, 1, 2, 2, 4, 3, 128, and
    none.

    Verdicts on the orbit of 0.3. The first four are slow, with multipliers 2 − r of the fixed point and 4 + 2r − r² of the
    2-cycle, in closed form; a count of digits that repeat would get them wrong. 128 is so by the table of flips.
    ``evidence``: exponent and 0–1 test together at the last value.
    """
    found = [cf.analysis.classify(_map(LOGISTIC, r), [0.3]) for r in cases]
    names = [str(one.period) if one.period else one.kind for one in found]
    return {"periods": ", ".join(names), "multipliers": [one.multipliers[0].real for one in found[:4]],
            "evidence": cf.analysis.chaos(_map(LOGISTIC, cases[-1]), [0.3], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "text", {"share": near(1.0, 0.0)},
    Control("r = 3.9, where no cycle of a period up to 64 attracts", changes={"r": 3.9, "starts": 10}),
)  # fmt: skip
def stable_cycle_attracts_almost_all(r=3.83, starts=200, seed=1976):
    """Where a cycle is stable, it attracts essentially all starts, although there are infinitely many other cycles.

    200 random starts in (0, 1) at r = 3.83, where the 3-cycle is stable: the share that ends on it.
    """
    step, rng = _map(LOGISTIC, r), np.random.default_rng(seed)
    ends = [cf.analysis.classify(step, [x], max_period=64, budget=5000).period for x in rng.uniform(0, 1, starts)]
    return {"share": sum(period == 3 for period in ends) / starts}


@CLAIMS.add(
    "text", {"stay_at_4": 200, "leave_beyond": 200},
    Control("beyond is r = 3.99", changes={"beyond": 3.99}),
)  # fmt: skip
def chaos_ends_at_four(beyond=4.01, starts=200, seed=4):
    """Up to r = 4 the interval (0, 1) is mapped into itself; beyond, almost all orbits leave it and diverge.

    200 random starts, 20,000 steps each, at r = 4 and at 4.01, where the mean time to escape is some hundred steps.
    """
    points = np.random.default_rng(seed).uniform(0, 1, starts)
    stay = sum(cf.iterate(_map(LOGISTIC, 4.0), [x], 20_000).status == "done" for x in points)
    leave = sum(cf.iterate(_map(LOGISTIC, beyond), [x], 20_000).status.startswith("diverged") for x in points)
    return {"stay_at_4": stay, "leave_beyond": leave}


@CLAIMS.add(
    "text", {"cycles": at_least(1), "stable": 0},
    Control("r = 3.83, where one of the cycles is stable", changes={"r": 3.83}),
)  # fmt: skip
def many_unstable_cycles(r=3.9):
    """There are values of r with cycles of many periods of which none is stable: orbits then look random.

    All cycles of the periods 1 to 12 at r = 3.9, with their multipliers. (Whether a longer one is stable is not seen.)
    """
    found = [cycle for n in range(1, 13) for cycle in cf.analysis.cycles(_map(LOGISTIC, r), n, [(0.0, 1.0)])]
    return {"cycles": len(found), "stable": sum(cycle.stable is True for cycle in found)}


@CLAIMS.add(
    "as gradient descent", {"flips": near([1.0, math.sqrt(6) / 2, 1.27204517977596, 1.28220363304772], 1e-12),
                            "accumulation": near(1.284972835935472, 1e-11),
                            "window": near([math.sqrt(2), 1.415937027641658, 1.428400326238882], 1e-11)},
    Control("the loss times 1.1", changes={"loss": "1.1*(w**3/3 - w)"}), figure="descent", read="a secondary source",
)  # fmt: skip
def descent_on_a_cubic(loss="w**3/3 - w"):
    """Gradient descent on w³/3 − w is the logistic map with r = 1 + 2η: flips at 1, √6/2, 1.27205, …, a 3-cycle from √2 to
    1.4284.

    Ten flips with their limit, and the window of period 3: where it opens, is superstable and closes. Each is half of what the
    logistic map has, less ½.
    """
    step = cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=0.6))
    found = cf.analysis.cascade(step, [1.0], "lr", bounds=(0.4, 1.5), levels=10)
    window = cf.analysis.windows(step, 3, "lr", (1.0, 1.5), [(-3.0, 3.0)])[0]
    return {"flips": found.flips[:4], "accumulation": found.accumulation,
            "window": [window.opens, window.superstable, window.closes]}  # fmt: skip


@CLAIMS.prove(
    "text: the 2-cycle, the 4-cycle", {"kind": ["bifurcation"] * 2, "period": [1, 2], "supercritical": [True] * 2,
                                       "side": ["above"] * 2, "r": near([3.0, 1 + math.sqrt(6)], 1e-11)},
    Control("the map r x (1 − x²), whose flips are at 2 and √5", changes={"formula": CUBIC, "low": (1.9, 2.2), "high": (2.1, 2.3),
                                                                    "points": ([0.7], [0.54, 0.95])}),
)  # fmt: skip
def first_flips_proved(formula=LOGISTIC, low=(2.9, 3.4), high=(3.1, 3.5), points=([0.66], [0.44, 0.85])):
    """The logistic map doubles its period at r = 3 and at 1 + √6, both times supercritically: the longer cycle is there for r
    above, and stable.

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
)  # fmt: skip
def window_opens_proved(formula=LOGISTIC, low="3.82", high="3.84", points=(0.16, 0.514, 0.956)):
    """A pair of 3-cycles of the logistic map is born in a fold at r = 1 + √8, and is there for r above.

    A certificate of the fold, with an interval of r of width 1e-11.
    """
    return cf.certify.bifurcation(_map(formula, float(low)), kind="fold", points=list(points), period=3, r=(low, high))


@CLAIMS.prove(
    "text", {"kind": "trapping", "whole": True, "r": near([3.84, 3.9], 0), "box": "[0.07, 0.98] (ends rounded to doubles)"},
    Control("the interval from 0.3, which a point of the 3-cycle leaves", changes={"low": 0.3}),
)  # fmt: skip
def orbits_stay_proved(low=0.07):
    """For every r in [3.84, 3.9] the logistic map takes the interval [0.07, 0.98] into its interior: no orbit leaves it.

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
