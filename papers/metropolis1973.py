"""N. Metropolis, M. L. Stein, P. R. Stein, *On finite limit sets for transformations on the unit interval*, J. Combin. Theory
A 15 (1973) 25–44.

Where the critical point of a map with one hump lies on a cycle, the sides on which the points of the cycle fall spell a word
of L and R. As the height of the hump grows these words come in an order that is the same for all such maps, the U-sequence.
"""

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control

CLAIMS = Claims(__name__, __doc__, read="the abstract")
WORDS = "R RLR RLRRR RLRR RL RLLRL RLLR RLLRR RLL RLLLR RLLL RLLLL"


def _superstable(step, centre, bounds, n, grid):
    """(r, word) of each r at which the critical point ``centre``(r) has the least period n."""
    extended = step.extended("r")

    def orbit(r):
        z = np.array([centre(r), r])
        return [(z := extended(z))[0] for _ in range(n)]

    def gap(r):
        return orbit(r)[-1] - centre(r)

    ticks = np.linspace(*bounds, grid)
    gaps = [gap(r) for r in ticks]
    roots = [
        brentq(gap, a, b, xtol=1e-14) for a, b, u, v in zip(ticks[:-1], ticks[1:], gaps[:-1], gaps[1:], strict=True) if u * v < 0
    ]
    places = [(r, [x - centre(r) for x in orbit(r)]) for r in roots]
    return [(r, "".join("R" if x > 0 else "L" for x in xs[:-1])) for r, xs in places if min(map(abs, xs[:-1])) > 1e-8]


# Formula, critical point as a function of r, and range of r.
SHAPES = {
    "logistic": ("4*r*x*(1-x)", lambda r: 0.5, (0.7, 1.0)),
    "sine": ("r*sin(pi*x)", lambda r: 0.5, (0.7, 1.0)),
    "ricker": ("x*exp(r*(1-x))", lambda r: 1 / r, (1.9, 6.6)),
    "cubic": ("r*x - x**3", lambda r: (r / 3) ** 0.5, (1.9, 3.0)),
}


def _words(shape, periods, top=1.0, grid=3000):
    """Of each period; ``top``: up to which part of the range's end."""
    formula, centre, (low, high) = SHAPES[shape]
    step = cf.Map.from_text(formula, params={"r": high})
    return [sorted(_superstable(step, centre, (low, top * high), n, grid)) for n in periods]


def _order(shape, top=1.0, most=6):
    return sorted(pair for pairs in _words(shape, range(2, most + 1), top) for pair in pairs)


TWO_HUMPS = {"shape": "cubic"}


@CLAIMS.add(
    "table of patterns", {"words": WORDS},
    Control("the orbit of one of the two critical points of r x − x³", changes=TWO_HUMPS), figure="words", read="from memory",
    domain="x → 4 r x(1 − x), 0.7 ≤ r ≤ 1; periods 2 to 6",
    perturbations=(Control("heights up to 0.99 only", changes={"top": 0.99}),
                   Control("RLLRL and RL in the other order", expected={"words": WORDS.replace("RL RLLRL", "RLLRL RL")})),
)  # fmt: skip
def order_of_the_words(shape="logistic", top=1.0):
    """As the height grows, the logistic map's superstable cycles of the periods 2 to 6 have the words (with the last letter, C,
    left out) R, RLR, RLRRR, RLRR, RL, RLLRL, RLLR, RLLRR, RLL, RLLLR, RLLL, RLLLL, in this order, each once.

    All r at which ½ has a least period n ≤ 6: sign changes of fⁿ(½) − ½ on 3,000 values, then Brent's method; the words are
    those of the orbit of ½, in the order of r.
    """
    found = _order(shape, top)
    return {"words": " ".join(word for _, word in found), "values": [r for r, _ in found]}


@CLAIMS.add(
    "abstract (universality)", {"words": WORDS},
    Control("the orbit of one of the two critical points of r x − x³", changes=TWO_HUMPS), figure="words",
    domain="the class of maps with one hump for which the source states it",
    examples="the sine map r sin πx, 0.7 ≤ r ≤ 1, periods 2 to 6",
    perturbations=(Control("heights up to 0.99 only", changes={"top": 0.99}),),
)  # fmt: skip
def order_is_the_same_for_other_maps(shape="sine", top=1.0):
    """The patterns and the order in which they occur do not depend on the map, within a class of maps with one hump: they are
    those of the logistic map.

    As for the logistic map.
    """
    return {"words": " ".join(word for _, word in _order(shape, top))}


def _necklaces(n):
    """(1/2n) Σ μ(d) 2^(n/d) over the odd divisors d of n."""
    mobius = {1: 1, 3: -1, 5: -1, 7: -1}
    return sum(sign * 2 ** (n // d) for d, sign in mobius.items() if n % d == 0) // (2 * n)


@CLAIMS.add(
    "table of patterns", {"counts": ", ".join(str(_necklaces(n)) for n in range(2, 8))},
    Control("the orbit of one of the two critical points of r x − x³", changes=TWO_HUMPS), read="from memory",
    domain="one-hump maps of the U-sequence", examples="x → 4 r x(1 − x), 0.7 ≤ r ≤ 1, n = 2 to 7",
    perturbations=(Control("heights up to 0.99 only", changes={"top": 0.99}),),
)  # fmt: skip
def how_many_words(shape="logistic", top=1.0):
    """There are (1/2n) Σ μ(d) 2^(n/d) superstable cycles of period n, d the odd divisors of n: 1, 1, 2, 3, 5, 9 for n = 2 to 7.

    Counted as the words are, against the formula.
    """
    return {"counts": ", ".join(str(len(found)) for found in _words(shape, range(2, 8), top))}


@CLAIMS.add(
    "own statement: universality, for gradient descent", {"words": WORDS},
    Control("the orbit of one of the two critical points of r x − x³", changes=TWO_HUMPS), figure="words",
    domain="e^w − w, one weight; 1.9 ≤ η ≤ 6.6, periods 2 to 6",
    perturbations=(Control("η up to 3.96 only", changes={"top": 0.6}),),
)  # fmt: skip
def order_for_poisson_regression(shape="ricker", top=1.0):
    """Gradient descent on Poisson regression, e^w − w, has its superstable cycles of the periods 2 to 6 in the same order as η
    grows.

    In y = e^w it is y exp(η(1 − y)), which has one hump, at y = 1/η.
    """
    found = _order(shape, top)
    return {"words": " ".join(word for _, word in found), "values": [r for r, _ in found]}


def figures():
    """Where the words come in three families."""
    return {"words": _chart}


def _chart():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    names = WORDS.split()
    for shape, label in (("logistic", "4r x(1 − x)"), ("sine", "r sin πx"), ("ricker", "x exp(r(1 − x))")):
        found = _order(shape)
        r = np.array([value for value, _ in found])
        places = [names.index(word) for _, word in found]
        axes.plot(places, (r - r[0]) / (r[-1] - r[0]), "o-", markersize=4, label=label)
    axes.set_xticks(range(len(names)), names, rotation=60)
    axes.set(ylabel="parameter, from R to RLLLL")
    axes.legend(frameon=False)
    return figure
