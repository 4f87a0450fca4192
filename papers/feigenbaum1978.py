"""M. J. Feigenbaum, *Quantitative universality for a class of nonlinear transformations*, J. Stat. Phys. 19 (1978) 25–52.

The period doublings of maps x ← λf(x) with one differentiable maximum of order z accumulate geometrically, and the ratio of the
intervals is the same number for all f of one order, δ = 4.669201609103 for z = 2; cycles are rescaled by another one, α =
2.5029078750957. A universal function, the fixed point of a transformation, explains it. Gradient descent on losses of one weight
does it too.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
DELTA, ALPHA = 4.669201609102990, 2.502907875095893
LOGISTIC, QUARTIC = "r*x*(1-x)", "1 - r*x**4"


def _found(formula=LOGISTIC, start=0.6, low=2.5, bounds=(1.5, 4.0), levels=10):
    return cf.analysis.cascade(cf.Map.from_text(formula, params={"r": low}), [start], "r", bounds=bounds, levels=levels)


def _descent(loss, lr, start, bounds, levels=9):
    return cf.analysis.cascade(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [start], "lr", bounds=bounds, levels=levels)


FLAT = {"formula": QUARTIC, "start": 0.8, "low": 0.45, "bounds": (0.3, 1.7)}


@CLAIMS.add(
    "abstract; the accumulation: from memory",
    {"accumulation": near(3.569945671870944902, 1e-10), "delta": near(DELTA, 1e-6), "alpha": near(ALPHA, 1e-5)},
    Control("a maximum of order four, 1 − r x⁴", changes=FLAT), figure="cascade",
    domain="r x (1 − x), 2.5 ≤ r ≤ 4; the cascade that begins at the fixed point",
    perturbations=(Control("a maximum of order six, 1 − r x⁶", changes=FLAT | {"formula": "1 - r*x**6", "low": 0.4}),),
)  # fmt: skip
def delta(formula=LOGISTIC, start=0.6, low=2.5, bounds=(1.5, 4.0)):
    """The period doublings of the logistic map accumulate at r = 3.569945671871; the intervals between them shrink by a factor
    that tends to δ = 4.6692016, and the distances between the points of the cycles by one that tends to α = 2.502908.

    Ten flips, the ratios of their gaps, and of the widest gaps of the cycles at them, extrapolated by Wynn's ε algorithm.
    """
    found = _found(formula, start, low, bounds)
    return {"accumulation": found.accumulation, "delta": found.delta, "alpha": found.alpha,
            "errors": [found.accumulation_error, found.delta_error, found.alpha_error]}  # fmt: skip


@CLAIMS.add(
    "abstract", {"deltas": near([DELTA] * 4, relative=1e-6)},
    Control("in place of the double well a map with a maximum of order four, 1 − r x⁴", changes={"first": "flat"}),
    figure="double_well",
    domain="families of smooth maps with one quadratic maximum (or odd ones with a pair) whose periods double without end",
    perturbations=(Control("in place of the double well a map with a maximum of order six", changes={"first": "flatter"}),),
    examples="the double well, Poisson and logistic regression under gradient descent, and r sin(πx)",
)  # fmt: skip
def delta_is_universal(first="double well"):
    """The ratio δ of the intervals between doublings is the same for all maps with a smooth maximum of second order.

    The double well gives an odd cubic map, Poisson regression the Ricker map; logistic regression with 2 of 3 positive labels.
    """
    other = {"flat": FLAT, "flatter": FLAT | {"formula": "1 - r*x**6", "low": 0.4}}.get(first)
    wells = _found(**other, levels=9) if other else _descent(cf.losses.double_well(), 0.9, 1.0, (0.5, 1.5))
    others = [
        _descent(cf.losses.poisson_regression(), 1.5, 0.0, (1.0, 3.0)),
        _descent(cf.losses.logistic_regression(), 8.0, np.log(2), (7.0, 15.0), 10),
        _found("r*sin(pi*x)", 0.6, 0.6, (0.5, 0.95), 9),
    ]
    return {"deltas": [one.delta for one in (wells, *others)], "accumulations": [one.accumulation for one in (wells, *others)]}


@CLAIMS.add(
    "abstract (the numbers depend on the order z alone); the digits: from memory",
    {"delta": near(7.28469, 1e-3), "alpha": near(1.69030, 1e-4)},
    Control("a maximum of order two, 1 − r x²", changes={"formula": "1 - r*x**2", "low": 0.7}), read="from memory",
    domain="1 − r x⁴, 0.3 ≤ r ≤ 1.7",
    perturbations=(Control("a maximum of order six", changes={"formula": "1 - r*x**6", "low": 0.4}),),
)  # fmt: skip
def quartic_maximum(formula=QUARTIC, low=0.45):
    """The doublings of 1 − r x⁴, with a maximum of order four, have the ratios δ = 7.2847 and α = 1.6903.

    Nine flips from r = 0.45, extrapolated.
    """
    found = _found(formula, 0.8, low, (0.3, 1.7), 9)
    return {"delta": found.delta, "alpha": found.alpha, "errors": [found.delta_error, found.alpha_error]}


def _operator(terms=11, digits=40):
    """α from Feigenbaum's equation g(x) = −α g(g(x/α)), g(0) = 1: even polynomial, collocation, mpmath."""
    import mpmath as mp

    with mp.workdps(digits):
        places = [mp.mpf(k) / terms for k in range(1, terms + 1)]

        def value(c, x):
            return 1 + mp.fsum(c[k] * x ** (2 * k + 2) for k in range(terms))

        def residual(*c):
            a = -1 / value(c, mp.mpf(1))
            return [value(c, x) + a * value(c, value(c, x / a)) for x in places]

        start = [mp.mpf("-1.5276"), mp.mpf("0.1048"), mp.mpf("0.0267"), mp.mpf("-0.0035")] + [mp.mpf(0)] * (terms - 4)
        solution = mp.findroot(residual, start, tol=1e-30, maxsteps=30)
        return float(-1 / value(list(solution), mp.mpf(1)))


@CLAIMS.add(
    "abstract (a universal function as the fixed point of a transformation)", {"difference": near(0.0, 1e-6)},
    Control("the gaps of a family with a maximum of order four", changes=FLAT),
    domain="g even and analytic with a quadratic maximum; r x (1 − x) for the gaps",
    perturbations=(Control("the gaps of a family of order six", changes=FLAT | {"formula": "1 - r*x**6", "low": 0.4}),),
)  # fmt: skip
def fixed_point_equation(formula=LOGISTIC, start=0.6, low=2.5, bounds=(1.5, 4.0)):
    """The α of a solution of g(x) = −α g(g(x/α)), g(0) = 1, an even function with a quadratic maximum, is the factor by which
    the gaps of the logistic map's cycles shrink.

    The equation is solved by collocation of an even polynomial of degree 22 with 40 digits: two ways that share nothing.
    """
    equation, gaps = _operator(), _found(formula, start, low, bounds).alpha
    return {"difference": equation - gaps, "equation": equation, "gaps": gaps}


CLAIMS.undecided(
    "universality", "abstract (heuristic there); proved by O. E. Lanford (1982), from memory",
    "The doubling operator g → −α g(g(x/α)) has a fixed point with one unstable direction, whose eigenvalue is δ, so that δ is "
    "the same for all maps near it.",
    needs="a proof in interval arithmetic", domain="real analytic even maps with a quadratic maximum near the fixed point",
)  # fmt: skip


def figures():
    """The cascades of the logistic map and of the double well."""
    return {
        "cascade": lambda: cf.plot(_found()),
        "double_well": lambda: cf.plot(_descent(cf.losses.double_well(), 0.9, 1.0, (0.5, 1.5))),
    }
