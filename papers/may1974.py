"""R. M. May, *Biological populations with nonoverlapping generations: stable points, stable cycles, and chaos*, Science 186
(1974) 645–647.

The map N → N exp(r(1 − N)), in fisheries Ricker's, is stable up to r = 2, has stable cycles of 2, 4, 8, … up to r = 2.692 and
is chaotic beyond. Gradient descent on Poisson regression with one count, L = e^w − w, is this map in N = e^w, with r = η.
"""

import math

import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _step(lr=1.5, loss="poisson_regression"):
    return cf.as_map(getattr(cf.losses, loss)(), cf.optimizers.gd(lr=lr))


def _cascade(loss="poisson_regression", start=0.0, low=1.5, bounds=(1.0, 3.0), levels=9):
    return cf.analysis.cascade(_step(low, loss), [start], "lr", bounds=bounds, levels=levels)


WELL = {"loss": "double_well", "start": 1.0, "low": 0.9, "bounds": (0.5, 1.5)}


@CLAIMS.add(
    "equation 2, as gradient descent", {"difference": "0"},
    Control("the loss e^w − 2w", changes={"count": 2}), settled="proved", proof="a SymPy identity", read="a secondary source",
)  # fmt: skip
def descent_is_this_map(count=1):
    """With N = e^w the step w ← w − η(e^w − 1) of gradient descent on e^w − w is N ← N exp(η(1 − N)).

    The logarithms of both sides, with w = ln N, are subtracted.
    """
    eta, n, w = sp.symbols("eta N w", positive=True)
    after = w - eta * sp.diff(sp.exp(w) - count * w, w)
    return {"difference": str(sp.expand(after.subs(w, sp.log(n)) - (sp.log(n) + eta * (1 - n))))}


@CLAIMS.add(
    "text and table", {"flips": near([2.0, 2.526, 2.656], 6e-4), "accumulation": near(2.692, 5e-4)},
    Control("the double well", changes=WELL), figure="cascade",
)  # fmt: skip
def doublings(loss="poisson_regression", start=0.0, low=1.5, bounds=(1.0, 3.0)):
    """The fixed point is stable up to r = 2, the 2-cycle up to 2.526, the 4-cycle up to 2.656, all these cycles up to 2.692.

    Nine flips of gradient descent on Poisson regression, with their limit.
    """
    found = _cascade(loss, start, low, bounds)
    return {"flips": found.flips[:3], "accumulation": found.accumulation}


@CLAIMS.add(
    "the same with more digits",
    {"flips": near([2.5264677258538192, 2.6563532651571774, 2.6846233582942236], 1e-12),
     "accumulation": near(2.6923688544, 1e-10)},
    Control("the double well", changes=WELL), figure="cascade", read="a secondary source",
)  # fmt: skip
def doublings_in_digits(loss="poisson_regression", start=0.0, low=1.5, bounds=(1.0, 3.0)):
    """The 2-, 4- and 8-cycles double at η = 2.526467725854, 2.656353265157, 2.684623358294; the limit is 2.6923688544.

    Eleven flips, with their limit extrapolated.
    """
    found = _cascade(loss, start, low, bounds, 11)
    return {"flips": found.flips[1:4], "accumulation": found.accumulation, "error": found.accumulation_error}


@CLAIMS.add(
    "later", {"opens": near(3.102439915635427, 1e-11)},
    Control("period 5", changes={"period": 5}), figure="window", read="a secondary source",
)  # fmt: skip
def window_of_three(period=3):
    """A 3-cycle is born at η = 3.102439915635.

    The fold in which the first window of period 3 opens over η in (2.9, 3.3).
    """
    window = cf.analysis.windows(_step(3.0), period, "lr", (2.7, 3.3), [(-12.0, 2.0)])[0]
    return {"opens": window.opens, "superstable": window.superstable, "flips": window.flips, "closes": window.closes}


@CLAIMS.add(
    "text", {"largest": near([math.exp(2.0) / 3.0, math.exp(3.0) / 4.0], 1e-3)},
    Control("gradient descent on the double well", changes={"loss": "double_well"}), read="a secondary source",
)  # fmt: skip
def populations_stay_bounded(loss="poisson_regression", values=(3.0, 4.0), steps=200_000):
    """No orbit leaves: N is never above its greatest value exp(r − 1)/r, so gradient descent never diverges, however large η.

    The greatest N = e^w over 200,000 steps at r = 3 and 4, where orbits come near the hump at N = 1/r.
    """
    found = [cf.iterate(_step(r, loss), [0.1], steps).z[1:, 0].max() for r in values]
    return {"largest": [math.exp(min(one, 700.0)) for one in found]}


@CLAIMS.prove(
    "as gradient descent", {"kind": "no_cycles", "period": "all above 1", "lr": near([0.1, 1.9], 0), "box": "[-inf, inf]"},
    Control("up to η = 2.1, beyond the flip", changes={"high": "2.1"}),
)  # fmt: skip
def only_fixed_points_proved(high="1.9"):
    """For no r in [0.1, 1.9] the map x exp(r(1 − x)) of x > 0 has any cycle but its fixed points.

    A certificate on the whole line for gradient descent on e^w − w, w = ln x: no cycle of period 2, hence none of any longer
    period, by Sharkovskii. Where there is none, one of a 2-cycle at the upper end.
    """
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles("exp(w) - w", gd, "all above 1", (-math.inf, math.inf), lr=("0.1", high), most=50_000)
    return found if found.proved else cf.certify.cycle("exp(w) - w", gd, [-0.63, 0.49], lr=high)


@CLAIMS.prove(
    "text", {"kind": "bifurcation", "type": "flip", "period": 1, "supercritical": True, "side": "above", "lr": near(2.0, 1e-11)},
    Control("the double well, whose flip is at 1",
            changes={"loss": "(w**2 - 1)**2/4", "point": 1.0, "low": "0.9", "high": "1.1"}),
    figure="cascade",
)  # fmt: skip
def flip_proved(loss="exp(w) - w", point=0.0, low="1.9", high="2.1"):
    """At r = 2 the fixed point of x exp(r(1 − x)) doubles its period supercritically: for r above there is a stable 2-cycle.

    A certificate of the flip of gradient descent on e^w − w.
    """
    return cf.certify.bifurcation(loss, cf.optimizers.gd(lr=1), "flip", 1, [point], lr=(low, high))


@CLAIMS.prove(
    "the window of period 3", {"kind": "cycle", "period": 3, "stable": True, "multipliers": near([0.27074766005], 1e-9)},
    Control("the 3-cycle born with it, which is unstable", changes={"points": (-4.1, -0.99, 0.97)}), figure="window",
)  # fmt: skip
def three_cycle_proved(points=(-4.157, -1.096, 0.975)):
    """At r = 3.11, a little above 3.1024, the map x exp(r(1 − x)) has a stable 3-cycle.

    A certificate for gradient descent on e^w − w at η = 3.11, with the multiplier.
    """
    return cf.certify.cycle("exp(w) - w", cf.optimizers.gd(lr=3.11), list(points))


def figures():
    """The doublings of gradient descent on Poisson regression, and its 3-cycles at η = 3.11."""
    return {
        "cascade": lambda: cf.plot(_cascade()),
        "window": lambda: cf.plot(cf.analysis.cycles(_step(3.11), 3, [(-12.0, 2.0)])),
    }
