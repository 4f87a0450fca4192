"""K. Matsumoto, I. Tsuda, *Noise-induced order*, J. Stat. Phys. 31 (1983) 87.

A map of an interval fitted to the Belousov–Zhabotinsky reaction, with a steep branch, a flat one and a sharp hump, is chaotic.
With noise its Lyapunov exponent becomes negative: noise makes order. (The map and this are from an encyclopedia; a
computer-assisted proof is said to be of 2017.)
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
RULE = "Piecewise(((sign(x - 1/8)*Abs(x - 1/8)**(1/3) + a)*exp(-x) + b, x < 0.3), (c*(10*x*exp(-10*x/3))**19 + b, True))"
CONSTANTS = {"a": 0.50607357, "b": 0.0232885279, "c": 0.121205692}


def _map(rule=RULE):
    params = {name: value for name, value in CONSTANTS.items() if rule == RULE}
    return cf.random_map(cf.Map.from_text(rule, "x", params), noise=1.0)


def _sweep(rule=RULE, scale=1.0):
    sizes = scale * np.array([1e-6, 1e-5, 1e-3, 1e-2])
    return cf.analysis.noise_induced(_map(rule), [0.3], ("noise", sizes**2), 5000, 40)


@CLAIMS.add(
    "the map, by a secondary source",
    {"without": above(0.25), "small": above(0.1), "large": below(-0.1), "induced": ["", "", "order", "order"]},
    Control("gradient descent on the double well, as chaotic", changes={"rule": "x - 1.45*x*(x**2 - 1)"}),
    domain="the map fitted to the reaction, from 0.3; normal noise of standard deviation 10⁻⁶, 10⁻⁵, 10⁻³, 10⁻²",
    perturbations=(Control("all noise a hundred times smaller", changes={"scale": 0.01}),),
    figure="order",
)  # fmt: skip
def noise_induced_order(rule=RULE, scale=1.0):
    """The map of the Belousov–Zhabotinsky reaction has a positive Lyapunov exponent without noise and with noise of 10⁻⁶ and
    10⁻⁵, and a negative one with noise of 10⁻³ and 10⁻².

    40 runs of 5000 steps; the source's noise is uniform. ``small``: the lower
    of the first two exponents, ``large``: the higher of the last two.
    """
    found = _sweep(rule, scale)
    return {"without": found.without, "small": float(found.exponents[:2].min()), "large": float(found.exponents[2:].max()),
            "induced": found.induced.tolist()}  # fmt: skip


def figures():
    """By name."""

    def order():
        sizes = np.geomspace(1e-7, 2e-2, 20)
        return cf.plot(cf.analysis.noise_induced(_map(), [0.3], ("noise", sizes**2), 3000))

    return {"order": order}
