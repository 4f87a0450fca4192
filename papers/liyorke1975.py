"""T.-Y. Li and J. A. Yorke, *Period three implies chaos*, Amer. Math. Monthly 82 (1975) 985–992.

If a continuous map of an interval into itself has a point a with f³(a) ≤ a < f(a) < f²(a), as it has if there is a 3-cycle,
then it has cycles of every period, and an uncountable set of starts of which each two come arbitrarily close and part again.
The theorem does not say that typical orbits are chaotic: almost all may end on the 3-cycle.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC = "r*x*(1-x)"
JUMPING = "mod(x + 1/3 + sin(6*pi*x)/40, 1)"


def _map(r, formula=LOGISTIC):
    return cf.Map.from_text(formula, params={"r": r})


def _counts(step, box, periods=12):
    return [len(cf.analysis.cycles(step, n, [box])) for n in range(1, periods + 1)]


@CLAIMS.add(
    "theorem 1, T1", {"counts": near([2, 1, 2, 1, 2, 2, 4, 5, 8, 11, 18, 25], 0)},
    Control("r = 3.82, just before the 3-cycle is born", changes={"r": 3.82}), figure="cycles",
    domain="continuous maps of an interval into itself with a cycle of period three",
    examples="the logistic map at r = 3.83, periods 1 to 12",
    perturbations=(Control("r = 3.845, where the 3-cycle has doubled to a 6-cycle", changes={"r": 3.845}),),
)  # fmt: skip
def period_three_brings_all_periods(r=3.83):
    """A continuous map of an interval into itself that has a cycle of period three has cycles of every period.

    All cycles of the periods 1 to 12. Expected: the repelling points in (0, 1) are coded by the words of 0 and 1 without 00,
    so fⁿ has L_n = 1, 3, 4, 7, 11, … (Lucas numbers) of them; to their cycles, (1/n) Σ μ(n/d) L_d = 1, 1, 1, 1, 2, 2, 4, 5, 8,
    11, 18, 25 of the periods n, come the fixed point 0 and the stable 3-cycle.
    """
    return {"counts": _counts(_map(r), (0.0, 1.0))}


@CLAIMS.add(
    "theorem 1, T1", {"periods": 12},
    Control("a map with a jump: a turn of the circle by a third, cut open", changes={"jump": True}), figure="descent",
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; η = 20",
    perturbations=(Control("η = 18, before the 3-cycle is born", changes={"lr": 18.0}),),
)  # fmt: skip
def descent_has_all_periods(jump=False, lr=20.0):
    """Gradient descent on a convex loss, logistic regression with 2 of 3 labels positive, has at η = 20 cycles of each of the
    periods 1 to 12.

    How many of these periods there are. The map must be continuous: a turn of the circle by 1/3 with a ripple, as a map of [0,
    1) with a jump, has 3-cycles and no other.
    """
    if jump:
        counts = _counts(cf.Map.from_text(JUMPING), (0.0, 1.0))
    else:
        counts = _counts(cf.as_map(cf.losses.logistic_regression(), cf.optimizers.gd(lr=lr)), (-20.0, 20.0))
    return {"periods": sum(count > 0 for count in counts), "counts": counts}


@CLAIMS.add(
    "theorem 1, hypothesis", {"agree": 61, "with_three": at_least(20)},
    Control("the points with f²(a) ≤ a < f(a), which a 2-cycle gives too", changes={"steps": 2}),
    domain="x → r x(1 − x) on [0, 1], 61 values of r from 3.7 to 4",
    perturbations=(Control("the 3-cycles of 1.01 r x(1 − x) in their place", changes={"formula": "1.01*r*x*(1-x)"}),),
)  # fmt: skip
def hypothesis_and_three_cycles(steps=3, values=61, formula=LOGISTIC):
    """At 61 values of r from 3.7 to 4 the logistic map has a point a with f³(a) ≤ a < f(a) < f²(a), the hypothesis of the
    theorem, exactly where it has a 3-cycle.

    For each r 20,001 starts a, and all 3-cycles: how many values agree, and how many have a 3-cycle.
    """
    a, agree, three = np.linspace(0, 1, 20_001), 0, 0
    for r in np.linspace(3.7, 4.0, values):
        first = r * a * (1 - a)
        second = r * first * (1 - first)
        third = r * second * (1 - second)
        last, rising = (third, first < second) if steps == 3 else (second, True)
        there = bool(((last <= a) & (a < first) & rising).any())
        cycles = len(cf.analysis.cycles(_map(r, formula), 3, [(0.0, 1.0)])) > 0
        agree, three = agree + (there == cycles), three + cycles
    return {"agree": agree, "with_three": three}


@CLAIMS.add(
    "own statement", {"share": near(1.0, 0.0), "exponent_below_zero": True},
    Control("η = 17, before the 3-cycle is born: the orbits end elsewhere", changes={"lr": 17.0, "starts": 5}), figure="descent",
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; η = 20, 200 random starts in (−10, 10)",
    perturbations=(Control("η = 18.5, still before its birth", changes={"lr": 18.5, "starts": 5}),),
)  # fmt: skip
def typical_orbits_may_be_periodic(lr=20.0, starts=200, seed=3):
    """Chaos in the sense of the theorem does not keep orbits from ending on the 3-cycle: on logistic regression with 2 of 3
    labels positive at η = 20, where a 3-cycle is stable, all of 200 random starts end on it.

    The share of the starts that ends with period 3, and whether all their exponents are negative.
    """
    step = cf.as_map(cf.losses.logistic_regression(), cf.optimizers.gd(lr=lr))
    ends = [cf.analysis.classify(step, [w]) for w in np.random.default_rng(seed).uniform(-10, 10, starts)]
    share = sum(one.period == 3 for one in ends) / starts
    return {"share": share, "exponent_below_zero": all(one.lyapunov < 0 for one in ends)}


@CLAIMS.prove(
    "theorem 1", {"kind": "chaos", "period": 3, "points": near([0.1561493, 0.5046665, 0.9574166], 1e-7)},
    Control("r = 3.75, where there is a 5-cycle and no 3-cycle", changes={"r": "3.75"}), figure="proof",
    domain="x → r x(1 − x) on [0, 1], r = 3.83",
    perturbations=(Control("r = 3.84, with another 3-cycle", changes={"r": "3.84"}),),
)  # fmt: skip
def scrambled_set_of_the_logistic_map(r="3.83"):
    """The logistic map at r = 3.83 has cycles of every period and an uncountable set of starts of which each two come
    arbitrarily close and part again.

    A certificate of the stable 3-cycle and of continuity, the hypotheses of the theorem, which gives the rest.
    """
    return cf.certify.chaos(_map(3.83), box=(0.0, 1.0), longest=3, r=r)


@CLAIMS.prove(
    "theorem 1", {"kind": "chaos", "period": 3, "entropy": above(0.48121)},
    Control("η = 17, before the 3-cycle is born: the least odd period is longer", changes={"lr": "17"}), figure="descent",
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; η = 20",
    perturbations=(Control("η = 18.5, still before its birth", changes={"lr": "18.5"}),),
)  # fmt: skip
def descent_is_chaotic_proved(lr="20"):
    """Gradient descent on a convex loss, logistic regression with 2 of 3 labels positive, has at η = 20 a 3-cycle, hence
    cycles of every period and an uncountable scrambled set, and a topological entropy above 0.48121.

    A certificate of the 3-cycle, of continuity, and of the entropy, whose bound is a little below ln of the golden ratio.
    """
    return cf.certify.chaos(cf.losses.logistic_regression(), cf.optimizers.gd(lr=20), (-20, 20), lr=lr)


def figures():
    """The 3-cycles of the logistic map at 3.83, and those of gradient descent on logistic regression at η = 20."""
    descent = cf.as_map(cf.losses.logistic_regression(), cf.optimizers.gd(lr=20.0))
    return {
        "cycles": lambda: cf.plot(cf.analysis.cycles(_map(3.83), 3, [(0.0, 1.0)])),
        "proof": lambda: cf.plot(scrambled_set_of_the_logistic_map()),
        "descent": lambda: cf.plot(cf.analysis.cycles(descent, 3, [(-20.0, 20.0)])),
    }
