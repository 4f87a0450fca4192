"""Y. Pomeau, P. Manneville, *Intermittent transition to turbulence in dissipative dynamical systems*, Commun. Math. Phys. 74
(1980) 189–197.

Just before a stable cycle is born in a fold, orbits pass through the narrow channel where it will be, and look periodic for
long: laminar phases between bursts, whose mean length grows like the distance from the fold to the power −1/2 (type I).
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, between

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
BIRTHS = {"logistic": 1 + math.sqrt(8), "double well": 1.450440964487875}


def _lengths(beyond=0.0, steps=1_000_000):
    """Before both windows, for a critical value that lies so far beyond the births."""
    distances = 10.0 ** -np.arange(4.0, 7.5, 0.5)
    logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
    well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.44))
    return [
        cf.analysis.intermittency(step, [0.3], name, born - distances, born + beyond, period=3, steps=steps)
        for born, step, name in ((BIRTHS["logistic"], logistic, "r"), (BIRTHS["double well"], well, "lr"))
    ]


@CLAIMS.add(
    "type I", {"logistic": between(-0.53, -0.47), "double well": between(-0.53, -0.47)},
    Control("distances from a point 10⁻⁶ beyond the births", changes={"beyond": 1e-6}), figure="lengths",
    domain="families of maps before a fold in which a cycle is born, orbits that are fed back",
    examples="the 3-cycles of the logistic map and of descent on the double well, at distances from 10⁻⁴ to 10⁻⁷",
    perturbations=(Control("distances from a point 3·10⁻⁷ beyond the births", changes={"beyond": 3e-7}),),
)  # fmt: skip
def laminar_phases_grow_like_the_root(beyond=0.0):
    """Before the fold in which a stable cycle is born the mean length of laminar phases grows like the distance from the fold
    to the power −1/2.

    The exponents of the mean lengths of runs that return after three steps to 1 % of the extent, at seven distances, 10⁶ steps
    each.
    """
    found = _lengths(beyond)
    return {"logistic": found[0].exponent, "double well": found[1].exponent, "errors": [one.error for one in found]}


def figures():
    """Mean lengths before the window of the double well."""
    return {"lengths": lambda: cf.plot(_lengths()[1])}
