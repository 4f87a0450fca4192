"""K. Matsumoto, I. Tsuda, *Noise-induced order*, J. Stat. Phys. 31 (1983) 87.

A map of an interval fitted to the Belousov–Zhabotinsky reaction, with a steep branch, a flat one and a sharp hump, is chaotic.
With noise of a thousandth of the interval its Lyapunov exponent becomes negative and its spectrum sharp: noise makes order.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below

CLAIMS = Claims(__name__, __doc__, read="from memory")
RULE = "Piecewise(((sign(x - 1/8)*Abs(x - 1/8)**(1/3) + a)*exp(-x) + b, x < 0.3), (c*(10*x*exp(-10*x/3))**19 + b, True))"
CONSTANTS = {"a": 0.50607357, "b": 0.0232885279, "c": 0.121205692}


def _map(rule=RULE):
    params = {name: value for name, value in CONSTANTS.items() if rule == RULE}
    return cf.random_map(cf.Map.from_text(rule, "x", params), noise=1.0)


def _sweep(rule=RULE):
    sizes = np.array([1e-6, 1e-5, 1e-3, 1e-2])
    return cf.analysis.noise_induced(_map(rule), [0.3], ("noise", sizes**2), 5000, 40)


@CLAIMS.add(
    "abstract", {"without": above(0.25), "small": above(0.1), "large": below(-0.1), "induced": ["", "", "order", "order"]},
    Control("gradient descent on the double well, as chaotic", changes={"rule": "x - 1.45*x*(x**2 - 1)"}),
    figure="order",
)  # fmt: skip
def noise_induced_order(rule=RULE):
    """The map of the Belousov–Zhabotinsky reaction is chaotic, also with very small noise, and has a negative Lyapunov exponent
    with noise of 10⁻³ to 10⁻² of the interval.

    Normal noise of standard deviation 10⁻⁶, 10⁻⁵, 10⁻³ and 10⁻², 40 runs of 5000 steps; theirs is uniform. ``small``: the lower
    of the first two exponents, ``large``: the higher of the last two.
    """
    found = _sweep(rule)
    return {"without": found.without, "small": float(found.exponents[:2].min()), "large": float(found.exponents[2:].max()),
            "induced": found.induced.tolist()}  # fmt: skip


def figures():
    """By name."""

    def order():
        sizes = np.geomspace(1e-7, 2e-2, 20)
        return cf.plot(cf.analysis.noise_induced(_map(), [0.3], ("noise", sizes**2), 3000))

    return {"order": order}
