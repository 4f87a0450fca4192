"""J. P. Bailey, G. Gidel, G. Piliouras, *Finite regret and cycles with fixed step-size via alternating gradient
descent-ascent*, arXiv 1907.04392, COLT (2020).

In bilinear zero-sum games without constraints, gradient descent-ascent whose players move in turn stays bounded for any fixed
step and comes back near its start, with bounded regret, so that the time average approaches the equilibrium like 1/T; when both
players move at once the iterates spiral outwards. For the game xy our remark gives exact periods: x ← x − ηy, y ← y + ηx
preserves x² + y² − ηxy and the area, with the multipliers e^{±iθ}, cos θ = 1 − η²/2, so that every orbit has period 6 at η = 1,
4 at √2, 3 at √3.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
RULES = {"alternating": ["x - lr*y", "y + lr*(x - lr*y)"], "at once": ["x - lr*y", "y + lr*x"]}


@CLAIMS.add(
    "abstract (bounded strategies), for the game xy; the invariant is derived here", {"area": "1", "change": "0"},
    Control("both players at once", changes={"order": "at once"}),
    proof="exact algebra: both identities hold as polynomials in x, y, η; the form is definite for η < 2",
    domain="the game xy without constraints, both players with the same step 0 < η < 2, all starts",
    perturbations=(Control("the form with + ηxy", changes={"sign": 1}),),
)  # fmt: skip
def bounded_for_any_step(order="alternating", sign=-1):
    """Alternating gradient descent-ascent on the game xy preserves area and the quadratic form x² + y² − ηxy, so for η < 2 its
    orbits stay on ellipses.

    The determinant of the step and the change of the form in a step, expanded.
    """
    x, y, lr = sp.symbols("x y lr")
    new = [sp.sympify(rule, locals={"lr": lr}) for rule in RULES[order]]
    form = x**2 + y**2 + sign * lr * x * y
    change = form.subs({x: new[0], y: new[1]}, simultaneous=True) - form
    return {"area": str(sp.expand(sp.Matrix(new).jacobian([x, y]).det())), "change": str(sp.expand(change))}


@CLAIMS.add(
    "own statement", {"periods": [6, 4, 3]},
    Control("the steps 0.9, 1.3 and 1.6", changes={"squares": ("81/100", "169/100", "64/25")}),
    proof="exact algebra: powers of the step's matrix in radicals", figure="orbits",
    domain="the game xy without constraints; all starts but the equilibrium",
    perturbations=(Control("η = √2.5 in place of √2", changes={"squares": ("1", "5/2", "3")}),),
)  # fmt: skip
def exact_periods(squares=("1", "2", "3")):
    """Every orbit of alternating descent-ascent on xy except the equilibrium has period 6 at η = 1, 4 at η = √2 and 3 at η =
    √3.

    The least n ≤ 12 for which the n-th power of the step's matrix is the identity, in exact radicals; 0 if there is none. A
    smaller period of a single orbit would need an eigenvalue 1 of a smaller power, which the same search excludes.
    """
    return {"periods": [_least_period(sp.sqrt(sp.Rational(square))) for square in squares]}


def _least_period(lr):
    step, power = sp.Matrix([[1, -lr], [lr, 1 - lr**2]]), sp.eye(2)
    for n in range(1, 13):
        power = (power * step).applyfunc(sp.expand)
        if sp.expand((power - sp.eye(2)).det()) == 0:
            return n if power == sp.eye(2) else -n
    return 0


@CLAIMS.add(
    "abstract (bounded strategies, O(1/T)); the example is ours",
    {"norm": at_most(35 * np.sqrt(2) + 1e-9), "mean": at_most(225.0)},
    Control("both players at once", changes={"order": "at once"}), figure="orbits",
    domain="the game xy, η = 1/2, from (35, 35), 2,000 steps",
    perturbations=(Control("η = 0.3 held against the bounds for 1/2", changes={"lr": 0.3}),),
)  # fmt: skip
def averages_like_one_over_t(order="alternating", lr=0.5):
    """From (35, 35) with η = 1/2 the alternating orbit never leaves the disc about the equilibrium on which it starts, and the
    average of its first T points is within 225/T of the equilibrium.

    ``norm``: the largest distance from 0, at most that of the start, which lies on the long axis of the ellipse. ``mean``: the
    largest of T times the norm of the average; η Σy = x₀ − x_T, η Σx telescopes alike, and |x|, |y| ≤ 44.3 on the ellipse, so it
    is at most √2 (35 + 44.3)/η < 225.
    """
    orbit = cf.iterate(cf.Map.from_text(RULES[order], "x y", params={"lr": lr}), [35.0, 35.0], 2000).w
    return {"norm": float(np.hypot(*orbit.T).max()), "mean": float(np.hypot(*np.cumsum(orbit, axis=0).T).max())}


def figures():
    """Players in turn, and both at once."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(8, 2.9), layout="constrained")
    for panel, (order, lr, n) in zip(
        axes, (("alternating", 0.5, 60), ("alternating", 3**0.5, 60), ("at once", 0.3, 25)), strict=True
    ):
        step = cf.Map.from_text(RULES[order], "x y", params={"lr": lr})
        panel.plot(*cf.iterate(step, [1.0, 0.6], n).w.T, ".-", lw=0.5)
        panel.plot(0, 0, "k+")
        panel.set(aspect="equal", xlabel="x")
        panel.set_title(f"{order}, η = {lr:.4g}", fontsize="medium")
    axes[0].set_ylabel("y")
    return figure
