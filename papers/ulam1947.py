"""S. M. Ulam, J. von Neumann, *On combination of stochastic and deterministic processes*, Bull. Amer. Math. Soc. 53 (1947)
1120.

A note that proposes x → 4x(1 − x) as a source of random numbers: with x = sin² θ it doubles the angle, so almost all orbits
have the density 1/(π √(x(1 − x))). The Lyapunov exponent is then ln 2, and, for Chebyshev's cubic, ln 3.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")


def _orbit(formula="r*x*(1-x)", r=4.0, steps=400_000, start=0.1234567):
    return cf.iterate(cf.Map.from_text(formula, params={"r": r}), [start], steps).z[:, 0]


@CLAIMS.add(
    "note", {"difference": "0"},
    Control("r = 3 in place of 4", changes={"r": 3}), read="a secondary source",
    domain="all θ", proof="exact algebra: a polynomial identity in sin θ and cos θ, modulo sin² + cos² = 1",
    perturbations=(Control("r = 41/10", changes={"r": sp.Rational(41, 10)}),),
)  # fmt: skip
def doubles_the_angle(r=4):
    """With x = sin² θ the map x → 4x(1 − x) is θ → 2θ.

    4 sin² θ (1 − sin² θ) − sin² 2θ, expanded in sin θ and cos θ, is 0 modulo sin² + cos² = 1. (Read was P. R. Stein and S. M.
    Ulam's later account of the map.)
    """
    s, c = sp.symbols("s c")
    difference = sp.reduced(r * s**2 * (1 - s**2) - (2 * s * c) ** 2, [c**2 + s**2 - 1], c, s)[1]
    return {"difference": str(sp.expand(difference))}


@CLAIMS.add(
    "corollary of the density", {"exponent": near(math.log(2), 1e-4)},
    Control("r = 3.9", changes={"r": 3.9}),
    domain="x → 4x(1 − x) on [0, 1]", examples="the orbit of 0.1234567, 400,000 steps in double precision",
    perturbations=(Control("r = 3.9999", changes={"r": 3.9999}),),
)  # fmt: skip
def exponent_is_ln_2(r=4.0, steps=400_000):
    """Almost all orbits of 4x(1 − x) have the Lyapunov exponent ln 2.

    The mean of ln |f′|. As ln |f′| = ln 2 + ln |sin 4θ| − ln |sin 2θ|, the sum telescopes, and the error is ln |sin 2θ| at the
    ends, at most some 40 in floats, over the number of steps.
    """
    step = cf.Map.from_text("r*x*(1-x)", params={"r": r})
    return {"exponent": cf.analysis.lyapunov(step, [0.1234567], steps)[0]}


@CLAIMS.add(
    "note", {"shares": near([0.25, 0.25, 0.25, 0.25], 0.005)},
    Control("quarters of the interval that are equal in x, not in the angle", changes={"even": True}), figure="density",
    domain="x → 4x(1 − x) on [0, 1]", examples="the orbit of 0.1234567, 400,000 steps in double precision",
    read="a secondary source",
    perturbations=(Control("r = 3.99", changes={"r": 3.99}),),
)  # fmt: skip
def invariant_density(even=False, r=4.0):
    """Almost all orbits of 4x(1 − x) are distributed with the density 1/(π √(x(1 − x))): equally in θ = arcsin √x.

    Shares of the iterates in the four intervals sin²(kπ/8) to sin²((k+1)π/8), each of which has the measure ¼. 0.005 is seven
    standard errors of as many independent draws.
    """
    ends = np.linspace(0, 1, 5) if even else np.sin(np.arange(5) * math.pi / 8) ** 2
    counts, _ = np.histogram(_orbit(r=r), bins=ends)
    return {"shares": (counts / counts.sum()).tolist()}


@CLAIMS.add(
    "own statement: Chebyshev's cubic", {"exponent": near(math.log(3), 1e-4), "difference": "0"},
    Control("η = 1.9 in place of 2", changes={"lr": 1.9}),
    domain="gradient descent on (w² − 1)²/4, one weight, |w| ≤ √2; η = 2",
    examples="the orbit of 0.1234567, 400,000 steps in double precision (the tripling is an identity)",
    perturbations=(Control("η = 1.999", changes={"lr": 1.999}),),
)  # fmt: skip
def cubic_exponent_is_ln_3(lr=2.0, steps=400_000):
    """Gradient descent on the double well at η = 2, w ← 3w − 2w³, triples an angle, and almost all of its orbits have the
    Lyapunov exponent ln 3.

    In v = w√η it is v ← (1 + η)v − v³, at η = 2 minus Chebyshev's cubic: v = 2 cos θ goes to −2 cos 3θ (SymPy). The exponent is
    a mean along an orbit; its error is again that of a sum that telescopes.
    """
    v, c = sp.symbols("v c")
    a = sp.Rational(1) + sp.nsimplify(lr)
    difference = sp.expand((a * v - v**3).subs(v, 2 * c) + 2 * (4 * c**3 - 3 * c))
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=lr))
    return {"exponent": cf.analysis.lyapunov(step, [0.1234567], steps)[0], "difference": str(difference)}


@CLAIMS.prove(
    "own statement: gradient descent at full chaos",
    {"kind": ["chaos"] * 2, "period": [3, 3], "entropy": near([math.log(2), math.log(3)], relative=0.02)},
    Control("η = 1.45 and 1.6, where the entropy is less", changes={"rates": ("1.45", "1.6")}),
    domain="gradient descent on w³/3 − w at η = 3/2, and on (w² − 1)²/4 at η = 2; one weight",
    perturbations=(Control("the double well at η = 1.9", changes={"rates": ("1.5", "1.9")}),),
)  # fmt: skip
def entropies_proved(rates=("1.5", "2")):
    """Gradient descent on w³/3 − w at η = 3/2 and on the double well at η = 2 has a 3-cycle and an entropy of at least 98 % of
    ln 2, and of ln 3.

    Two certificates: intervals between points of cycles that cover each other, counted in integers. (In suitable coordinates
    they are 4x(1 − x) and Chebyshev's cubic, with the entropies ln 2 and ln 3.)
    """
    losses = ("w**3/3 - w", (-3, 3)), ("(w**2 - 1)**2/4", (-2, 2))
    return [cf.certify.chaos(loss, cf.optimizers.gd(lr=1), box, lr=lr) for (loss, box), lr in zip(losses, rates, strict=True)]


def figures():
    """A histogram of an orbit over the density."""
    return {"density": _density}


def _density():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.hist(_orbit(), bins=200, range=(0, 1), density=True, color="0.75", label="400,000 iterates of 4x(1 − x)")
    x = np.sin(np.linspace(0.03, math.pi / 2 - 0.03, 400)) ** 2
    axes.plot(x, 1 / (math.pi * np.sqrt(x * (1 - x))), color="C3", label="1/(π √(x(1 − x)))")
    axes.set(xlabel="x", ylabel="density", ylim=(0, 5))
    axes.legend(frameon=False)
    return figure
