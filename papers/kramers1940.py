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


def _by_integral():
    """Mean passage time of the diffusion dw = −L′dt + √(2T)dB from −1 to 1, over Kramers's formula, by the trapezoidal rule."""
    w = np.linspace(-3, 1, 200_001)
    loss, found = (w**2 - 1) ** 2 / 4, {}
    for name, T in (("barrier of 5 T", 0.05), ("of 4.2 T", 0.06)):
        well = np.exp(-loss / T)
        below = np.concatenate([[0], np.cumsum((well[1:] + well[:-1]) / 2)]) * (w[1] - w[0])
        inner = np.exp(loss[w >= -1] / T) * below[w >= -1]
        time = (inner.sum() - (inner[0] + inner[-1]) / 2) * (w[1] - w[0]) / T
        found[name] = float(time / (2 * math.pi * math.exp(0.25 / T) / math.sqrt(2)))
    return found


@CLAIMS.add(
    "strong friction", {"barrier of 5 T": near(1.107, 0.12), "of 4.2 T": near(1.135, 0.12)},
    Control("without the factor of the curvatures", changes={"curvatures": False}), second=_by_integral,
    domain="a smooth double well of one weight, strong friction; T/ΔL → 0",
    examples="gradient descent on (w² − 1)²/4 with η = 0.05, T = ΔL/5 and ΔL/4.17",
    perturbations=(Control("a barrier of 0.27 in place of 0.25 in the formula", changes={"barrier": 0.27}),),
)  # fmt: skip
def time_to_the_other_well(rate=0.05, curvatures=True, barrier=0.25):
    """With strong friction the mean time from one minimum to the other is 2π e^(ΔL/T)/√(L″ₘ|L″ₜ|), up to a relative error of
    the order of T/ΔL.

    800 runs for each temperature, over that formula. Expected are 1.107 and 1.135, of the diffusion itself by its integral
    (``second``); steps of size η take off some η/3. The tolerance is three standard errors and that.
    """
    temperatures, found = _escapes((5.0, 25 / 6), rate, 800)
    sizes = [one.mean * rate / (2 * math.pi * math.exp(barrier / T)) for one, T in zip(found, temperatures, strict=True)]
    factor = math.sqrt(2.0 * 1.0) if curvatures else 1.0
    return {"barrier of 5 T": sizes[0] * factor, "of 4.2 T": sizes[1] * factor}


@CLAIMS.add(
    "the exponent (Arrhenius)", {"barrier": near(0.25, 0.02)}, Control("a barrier a fifth lower", changes={"a": 0.9}),
    domain="a smooth double well of one weight; T/ΔL → 0",
    examples="gradient descent on (w² − 1)²/4 with η = 0.05, four T from ΔL/6 to ΔL/3",
    perturbations=(Control("a = 1.1, a barrier of 0.3025", changes={"a": 1.1}),),
    figure="slope",
)  # fmt: skip
def arrhenius_slope_is_the_barrier(a=1.0):
    """The logarithm of the mean time over a barrier grows as ΔL/T.

    The slope over 1/T, which is to be ΔL = ¼, 800 runs each: 0.02 is four standard errors.
    """
    found = _fit(a)
    return {"barrier": found.slope}


def _fit(a=1.0):
    temperatures, found = _escapes((3.0, 4.0, 5.0, 6.0), 0.05, 800, "w > 0", a)
    return cf.analysis.arrhenius(found, np.array(temperatures))


def figures():
    """By name."""
    return {"slope": lambda: cf.plot(_fit())}
