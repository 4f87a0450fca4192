"""H. A. Kramers, *Brownian motion in a field of force and the diffusion model of chemical reactions*, Physica 7 (1940) 284.

A particle in a well, driven by thermal noise of temperature T: the rate at which it comes over a barrier ΔL is proportional to
e^(−ΔL/T), with a prefactor from the curvatures of the well and of the top, for strong friction √(L″ₘ|L″ₜ|)/(2π). Gradient descent
with small steps and noise on its gradient is such a particle.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _escapes(heights, rate, runs, outside="w > 1", a=1.0):
    """Exit times of gradient descent on (w² − a)²/4 from its left minimum, in units of time, for temperatures ΔL/height."""
    step = cf.random_map(cf.losses.double_well(a=a), cf.optimizers.gd(lr=rate), noise=1.0)
    temperatures = [0.25 / h for h in heights]
    return temperatures, [
        cf.analysis.escape_times(step.varied("noise", 2 * T / rate), [-(a**0.5)], outside, 4_000_000, runs) for T in temperatures
    ]


@CLAIMS.add(
    "strong friction", {"barrier of 5 T": near(1.091, 0.12), "of 4.2 T": near(1.121, 0.12)},
    Control("without the factor of the curvatures", changes={"curvatures": False}),
)  # fmt: skip
def time_to_the_other_well(rate=0.05, curvatures=True):
    """With strong friction the mean time from one minimum to the other is 2π e^(ΔL/T)/√(L″ₘ|L″ₜ|) for T well below ΔL.

    Gradient descent on (w² − 1)²/4, η = 0.05, T = ΔL/5 and ΔL/4.17, 800 runs each: 1.09 and 1.12 of it, the rest being of the
    order of T (1.107 and 1.135 for the diffusion itself, by its integral, and less by some η/3). Tolerances are three standard
    errors.
    """
    temperatures, found = _escapes((5.0, 25 / 6), rate, 800)
    sizes = [one.mean * rate / (2 * math.pi * math.exp(0.25 / T)) for one, T in zip(found, temperatures, strict=True)]
    factor = math.sqrt(2.0 * 1.0) if curvatures else 1.0
    return {"barrier of 5 T": sizes[0] * factor, "of 4.2 T": sizes[1] * factor}


@CLAIMS.add(
    "the exponent (Arrhenius)", {"barrier": near(0.25, 0.02)}, Control("a well of a sixth less height", changes={"a": 0.9}),
    figure="slope",
)  # fmt: skip
def arrhenius_slope_is_the_barrier(a=1.0):
    """The logarithm of the mean time over a barrier grows as ΔL/T.

    The slope over 1/T of gradient descent with η = 0.05 on (w² − 1)²/4, ΔL = ¼, four temperatures from ΔL/6 to ΔL/3, 800 runs
    each: 0.02 is four standard errors.
    """
    found = _fit(a)
    return {"barrier": found.slope}


def _fit(a=1.0):
    temperatures, found = _escapes((3.0, 4.0, 5.0, 6.0), 0.05, 800, "w > 0", a)
    return cf.analysis.arrhenius(found, np.array(temperatures))


def figures():
    """By name."""
    return {"slope": lambda: cf.plot(_fit())}
