"""R. M. May, *Biological populations with nonoverlapping generations: stable points, stable cycles, and chaos*, Science 186
(1974) 645–647.

The map N → N exp(r(1 − N)), in fisheries Ricker's, has a stable equilibrium up to r = 2, then stable cycles of 2, 4, 8, …
points up to r = 2.692, and a chaotic regime beyond. The paper was not read; a worksheet on it gives its equations. Gradient
descent on Poisson regression with one count, L = e^w − w, is this map in N = e^w, with r = η.
"""

import math

import sympy as sp
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _step(lr=1.5, loss="exp(w) - w"):
    return cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=lr))


def _cascade(loss="exp(w) - w", start=0.0, low=1.5, bounds=(1.0, 3.0), levels=9):
    return cf.analysis.cascade(_step(low, loss), [start], "lr", bounds=bounds, levels=levels)


def _flips_by_hand():
    """Where fⁿ(w) = w and (fⁿ)′(w) = −1 for n = 2, 4, 8, by SciPy, from points of the cycles."""

    def system(z, n):
        w, eta, slope = z[0], z[1], 1.0
        for _ in range(n):
            w, slope = w - eta * (math.exp(w) - 1), slope * (1 - eta * math.exp(w))
        return [w - z[0], slope + 1]

    found = []
    for n, eta in ((2, 2.526), (4, 2.656), (8, 2.6845)):
        w = 0.1
        for _ in range(8000):
            w -= eta * (math.exp(w) - 1)
        found.append(float(fsolve(system, [w, eta], (n,), xtol=1e-12)[1]))
    return {"flips": found}


WELL = {"loss": "(w**2 - 1)**2/4", "start": 1.0, "low": 0.9, "bounds": (0.5, 1.5)}


@CLAIMS.add(
    "equation 2, as gradient descent", {"difference": "0"},
    Control("the loss e^w − 2w", changes={"count": 2}),
    domain="e^w − w, one weight; every η > 0 and every w, N = e^w > 0", read="a secondary source",
    proof="exact algebra: the difference of the logarithms of both sides is expanded to 0",
    perturbations=(Control("N exp(η(1 − 1.1 N))", changes={"pull": "11/10"}),),
)  # fmt: skip
def descent_is_this_map(count=1, pull="1"):
    """With N = e^w the step w ← w − η(e^w − 1) of gradient descent on e^w − w is N ← N exp(η(1 − N)).

    The logarithms of both sides, with w = ln N, are subtracted.
    """
    eta, n, w = sp.symbols("eta N w", positive=True)
    after = w - eta * sp.diff(sp.exp(w) - count * w, w)
    return {"difference": str(sp.expand(after.subs(w, sp.log(n)) - (sp.log(n) + eta * (1 - sp.Rational(pull) * n))))}


@CLAIMS.add(
    "text and table, with more digits",
    {"flips": near([2.5264677258538192, 2.6563532651571774, 2.6846233582942236], 1e-12),
     "accumulation": near(2.6923688544, 1e-10)},
    Control("the double well", changes=WELL), figure="cascade",
    domain="e^w − w, one weight; the cascade that begins at η = 2", second=_flips_by_hand,
    perturbations=(Control("the count 1.01 in place of 1", changes={"loss": "exp(w) - 101/100*w", "start": 0.00995}),),
)  # fmt: skip
def doublings_in_digits(loss="exp(w) - w", start=0.0, low=1.5, bounds=(1.0, 3.0)):
    """The 2-, 4- and 8-cycles double at η = 2.526467725854, 2.656353265157, 2.684623358294; the limit of the doublings is
    2.6923688544, May's 2.526, 2.656 and 2.692 with more digits.

    Eleven flips, with their limit extrapolated; ``second`` solves for the first two in SciPy.
    """
    found = _cascade(loss, start, low, bounds, 11)
    return {"flips": found.flips[1:4], "accumulation": found.accumulation, "error": found.accumulation_error}


def _fold_by_hand():
    """Where f³(w) = w and (f³)′(w) = 1, by SciPy."""

    def system(z):
        w, eta, slope = z[0], z[1], 1.0
        for _ in range(3):
            w, slope = w - eta * (math.exp(w) - 1), slope * (1 - eta * math.exp(w))
        return [w - z[0], slope - 1]

    return {"opens": float(fsolve(system, [-1.04, 3.1025], xtol=1e-12)[1])}


@CLAIMS.add(
    "own statement", {"opens": near(3.102439915635427, 1e-11)},
    Control("period 5", changes={"period": 5}), figure="window", domain="e^w − w, one weight; 2.7 < η < 3.3",
    perturbations=(Control("the count 1.01 in place of 1", changes={"loss": "exp(w) - 101/100*w"}),), second=_fold_by_hand,
)  # fmt: skip
def window_of_three(period=3, loss="exp(w) - w"):
    """The first 3-cycle of the map for η from 2.7 on is born in a fold at η = 3.102439915635.

    The fold in which the first window of period 3 opens over η in (2.7, 3.3); ``second`` solves for it in SciPy.
    """
    window = cf.analysis.windows(_step(3.0, loss), period, "lr", (2.7, 3.3), [(-12.0, 2.0)])[0]
    return {"opens": window.opens, "superstable": window.superstable, "flips": window.flips, "closes": window.closes}


@CLAIMS.prove(
    "own statement", {"kind": "no_cycles", "period": "all above 1", "lr": near([0.1, 1.9], 0), "box": "[-inf, inf]"},
    Control("up to η = 2.1, beyond the flip", changes={"high": "2.1"}),
    domain="N exp(r(1 − N)) for N > 0; every r in [0.1, 1.9]",
    perturbations=(Control("the loss 1.1(e^w − w), whose flip is at 1.82", changes={"scale": 1.1}),),
)  # fmt: skip
def only_fixed_points_proved(high="1.9", scale=1):
    """For no r in [0.1, 1.9] has the map N → N exp(r(1 − N)) of N > 0 a cycle of a period above 1.

    A certificate on the whole line for gradient descent on e^w − w, w = ln N: no cycle of period 2, hence none of any longer
    period, by Sharkovskii. Where there is none, one of a 2-cycle at the upper end.
    """
    gd, loss = cf.optimizers.gd(lr=1), "exp(w) - w" if scale == 1 else f"{scale}*(exp(w) - w)"
    found = cf.certify.no_cycles(loss, gd, "all above 1", (-math.inf, math.inf), lr=("0.1", high), most=50_000)
    return found if found.proved else cf.certify.cycle(loss, gd, [-0.63, 0.49], lr=high)


@CLAIMS.prove(
    "text", {"kind": "bifurcation", "type": "flip", "period": 1, "supercritical": True, "side": "above", "lr": near(2.0, 1e-11)},
    Control("the double well, whose flip is at 1",
            changes={"loss": "(w**2 - 1)**2/4", "point": 1.0, "low": "0.9", "high": "1.1"}),
    figure="cascade", domain="N exp(r(1 − N)) for N > 0; r near 2",
    perturbations=(Control("the count 1.02 in place of 1", changes={"loss": "exp(w) - 102/100*w", "point": 0.0198}),),
)  # fmt: skip
def flip_proved(loss="exp(w) - w", point=0.0, low="1.9", high="2.1"):
    """At r = 2, to within 10⁻¹¹, the fixed point N = 1 of N → N exp(r(1 − N)) loses its stability by a supercritical flip: for
    r a little above there is a stable 2-cycle.

    A certificate of the flip of gradient descent on e^w − w.
    """
    return cf.certify.bifurcation(loss, cf.optimizers.gd(lr=1), "flip", 1, [point], lr=(low, high))


def figures():
    """The doublings of gradient descent on Poisson regression, and its 3-cycles at η = 3.11."""
    return {
        "cascade": lambda: cf.plot(_cascade()),
        "window": lambda: cf.plot(cf.analysis.cycles(_step(3.11), 3, [(-12.0, 2.0)])),
    }
