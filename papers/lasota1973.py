"""A. Lasota, J. A. Yorke, *On the existence of invariant measures for piecewise monotonic transformations*, Trans. Amer. Math.
Soc. 186 (1973) 481–488.

A map of an interval of finitely many pieces, each twice continuously differentiable up to its ends, whose slopes, or those of
an iterate, are above 1 in size has an invariant measure with a density. For a step of gradient descent that means: each piece of
the loss is concave or curved by more than 2/η, and a corner of the gradient lies between.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
KINK, REMAINDER = "(Abs(w) - 1)**2/2", "frac(b*x)"
GOLDEN = (1 + math.sqrt(5)) / 2


@CLAIMS.prove(
    "theorem 1", {"kind": "measure", "b": near([1.1, 3.0], 0), "steps": 1, "growth": at_least(1.0999)},
    Control("b from 1.05", changes={"low": "1.05"}),
)  # fmt: skip
def remainders_proved(low="1.1"):
    """The remainder of bx by 1 has an invariant measure with a density for every b in [1.1, 3], although it jumps.

    A certificate: the slope is b on all pieces.
    """
    return cf.certify.measure(cf.Map.from_text(REMAINDER, params={"b": 2.0}), box=(-0.1, 1.1), b=(low, "3"))


@CLAIMS.add(
    "theorem 1; the density is Rényi's (1957)", {"shares": near([(5 + math.sqrt(5)) / 10, (5 - math.sqrt(5)) / 10], 3e-3)},
    Control("b = 1.7", changes={"b": 1.7}),
)  # fmt: skip
def density_at_the_golden_mean(b=GOLDEN, steps=400_000):
    """For the golden mean b the density is (5 + 3√5)/10 below 1/b and (5 + √5)/10 above.

    Shares of 400,000 iterates below (√5 − 1)/2 and above.
    """
    z = cf.iterate(cf.Map.from_text(REMAINDER, params={"b": b}), [0.1234567], steps).z[:, 0]
    below = float(np.mean(z < (math.sqrt(5) - 1) / 2))
    return {"shares": [below, 1 - below]}


@CLAIMS.prove(
    "theorem 1, of gradient descent", {"kind": "measure", "lr": near([2.01, 2.99], 0), "steps": 1, "growth": at_least(1.0099)},
    Control("curvature 1/2, whose minima are stable up to 4", changes={"loss": "(Abs(w) - 1)**2/4"}), read="a secondary source",
)  # fmt: skip
def descent_into_a_kink_proved(loss=KINK):
    """Gradient descent on (|w| − 1)²/2 past its edge η = 2 has an invariant measure with a density and no stable cycle, for every
    η in [2.01, 2.99], and no orbit escapes.

    A certificate: the step is (1 − η)w ± η, which expands; up to η = 3 it stays in [−3.01, 3.01]. Where there is none, one of a
    stable fixed point at η = 2.5.
    """
    found = cf.certify.measure(loss, cf.optimizers.gd(lr=1), (-3.01, 3.01), lr=("2.01", "2.99"))
    return found if found.proved else cf.certify.cycle(loss, cf.optimizers.gd(lr=2.5), [1.0])


@CLAIMS.add(
    "theorem 1, of gradient descent", {"exponents": near([math.log(1.1), math.log(1.5), math.log(1.9)], 1e-9)},
    Control("the double well", changes={"loss": "(w**2 - 1)**2/4", "rates": (1.3, 1.5, 1.7)}),
    read="a secondary source", figure="kink",
)  # fmt: skip
def exponent_of_the_kink(loss=KINK, rates=(2.1, 2.5, 2.9)):
    """Its Lyapunov exponent is ln(η − 1), at every η in (2, 3): chaos begins at the edge of stability, without period doublings.

    Means over 20,000 steps at three rates.
    """
    step = cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=2.5))
    return {"exponents": [cf.analysis.lyapunov(step.at(lr=lr), [0.3], 20_000)[0] for lr in rates]}


def figures():
    """The orbits of gradient descent on the kink over η."""
    step = cf.as_map(cf.Loss(KINK), cf.optimizers.gd(lr=2.5))
    return {"kink": lambda: cf.plot(cf.analysis.orbit_diagram(step, ("lr", np.linspace(1.8, 2.98, 300)), [0.3], keep=40))}
