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
    Control("r = 3 in place of 4", changes={"r": 3}), settled="proved", proof="a SymPy identity",
)  # fmt: skip
def doubles_the_angle(r=4):
    """With x = sin² θ the map x → 4x(1 − x) is θ → 2θ.

    4 sin² θ (1 − sin² θ) − sin² 2θ, expanded in sin θ and cos θ, is 0 modulo sin² + cos² = 1.
    """
    s, c = sp.symbols("s c")
    difference = sp.reduced(r * s**2 * (1 - s**2) - (2 * s * c) ** 2, [c**2 + s**2 - 1], c, s)[1]
    return {"difference": str(sp.expand(difference))}


@CLAIMS.add(
    "note", {"exponent": near(math.log(2), 1e-4)},
    Control("r = 3.9", changes={"r": 3.9}),
)  # fmt: skip
def exponent_is_ln_2(r=4.0, steps=400_000):
    """Almost all orbits of 4x(1 − x) have the Lyapunov exponent ln 2.

    The mean of ln |f′| over 400,000 steps. As ln |f′| = ln 2 + ln |sin 4θ| − ln |sin 2θ|, the sum telescopes, and the error is
    ln |sin 2θ| at the ends, at most some 40 in floats, over the number of steps.
    """
    step = cf.Map.from_text("r*x*(1-x)", params={"r": r})
    return {"exponent": cf.analysis.lyapunov(step, [0.1234567], steps)[0]}


@CLAIMS.add(
    "note", {"shares": near([0.25, 0.25, 0.25, 0.25], 0.01)},
    Control("quarters of the interval that are equal in x, not in the angle", changes={"even": True}), figure="density",
)  # fmt: skip
def invariant_density(even=False):
    """Orbits of 4x(1 − x) are distributed with the density 1/(π √(x(1 − x))): equally in θ = arcsin √x.

    Shares of 400,000 iterates in the four intervals sin²(kπ/8) to sin²((k+1)π/8), each of which has the measure ¼. Correlated
    counts: 1 % is more than ten standard errors of independent ones.
    """
    ends = np.linspace(0, 1, 5) if even else np.sin(np.arange(5) * math.pi / 8) ** 2
    counts, _ = np.histogram(_orbit(), bins=ends)
    return {"shares": (counts / counts.sum()).tolist()}


@CLAIMS.add(
    "beyond the note: Chebyshev's polynomials", {"exponent": near(math.log(3), 1e-4), "difference": "0"},
    Control("η = 1.9 in place of 2", changes={"lr": 1.9}), read="a secondary source",
)  # fmt: skip
def cubic_exponent_is_ln_3(lr=2.0, steps=400_000):
    """Gradient descent on the double well at η = 2, w ← 3w − 2w³, triples an angle, and has the Lyapunov exponent ln 3.

    In v = w√η it is v ← (1 + η)v − v³, at η = 2 minus Chebyshev's cubic: v = 2 cos θ goes to −2 cos 3θ (SymPy). The exponent is
    the mean over 400,000 steps; its error is again that of a sum that telescopes.
    """
    v, c = sp.symbols("v c")
    a = sp.Rational(1) + sp.nsimplify(lr)
    difference = sp.expand((a * v - v**3).subs(v, 2 * c) + 2 * (4 * c**3 - 3 * c))
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=lr))
    return {"exponent": cf.analysis.lyapunov(step, [0.1234567], steps)[0], "difference": str(difference)}


@CLAIMS.add(
    "beyond the note: quadratic maps", {"exponent": near(math.log(2), 1e-4), "status": "diverged"},
    Control("η = 1.45 in place of 1.5", changes={"lr": 1.45}), read="a secondary source",
)  # fmt: skip
def cubic_loss_at_three_halves(lr=1.5, beyond=1.51, steps=400_000):
    """Gradient descent on w³/3 − w is the logistic map with r = 1 + 2η: at η = 3/2 it has the exponent ln 2, beyond it
    diverges.

    The mean over 400,000 steps at η = 1.5, and what becomes of the orbit at 1.51.
    """
    step = cf.as_map(cf.losses.cubic(), cf.optimizers.gd(lr=lr))
    status = cf.iterate(step.at(lr=beyond), [0.1234567], 100_000).status
    return {"exponent": cf.analysis.lyapunov(step, [0.1234567], steps)[0], "status": status.split()[0]}


@CLAIMS.prove(
    "gradient descent, as a corollary",
    {"kind": ["chaos"] * 2, "period": [3, 3], "entropy": near([math.log(2), math.log(3)], relative=0.02)},
    Control("η = 1.45 and 1.6, where the entropy is less", changes={"rates": ("1.45", "1.6")}),
)  # fmt: skip
def entropies_proved(rates=("1.5", "2")):
    """Gradient descent at full chaos, on w³/3 − w at η = 3/2 and on the double well at η = 2, has an entropy of at least 98 % of
    ln 2 and of ln 3, and 3-cycles.

    Two certificates: intervals between points of cycles that cover each other, counted in integers.
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
