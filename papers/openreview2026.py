"""The authors of OpenReview 3U6wH7uAPZ (names not seen), *On the convergence direction of gradient descent*, ICLR (2026).

At a minimum whose curvatures λ₁ < … < λₙ are simple at both ends, gradient descent from almost every start comes in along the
flattest direction if η < 2/(λ₁ + λₙ), and along the sharpest one with alternating signs if η lies between that and 2/λₙ, so
that the sharpness approaches its limit from both sides in turn. The abstract and a page of notes on the paper were read.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
LOSSES = {"x**2/2 + 2*y**2 + x*y**2 + y**3": (0.39, 0.41), "x**2 + y**2/2 + x**2*y + x**3": (0.65, 0.685)}


def _ends(formula, lr, start=(0.02, 0.025)):
    """Unit vectors towards the last two iterates of 100 ≥ |w| > 1e-60 digits left."""
    w = cf.iterate(cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=lr)), start, 20_000).w
    last = np.flatnonzero(np.hypot(*w.T) > 1e-60)[-1]
    return [w[k] / np.hypot(*w[k]) for k in (last - 1, last)]


@CLAIMS.add(
    "main theorem, as a page of notes gives it",
    {"directions": near([1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0], 1e-6), "alternate": [False, True, False, True]},
    Control("1.06 of the steps: both beyond the border", changes={"factor": 1.06}), figure="directions",
    domain="smooth losses at a minimum with H > 0 and simple λ₁ < … < λₙ; almost every start that converges to it, η < 2/λₙ",
    examples="two cubic losses of two weights, each at one η below and one above the border",
    perturbations=(Control("0.96 of the steps: both before the border", changes={"factor": 0.96}),),
)  # fmt: skip
def flat_then_sharp(factor=1.0):
    """Gradient descent that converges to such a minimum does so along the flattest direction if η < 2/(λ₁ + λₙ), and along the
    sharpest, with alternating signs, if η is above that.

    x²/2 + 2y² + xy² + y³, curvatures 1 and 4, border 2/5, at η = 0.39 and 0.41, and x² + y²/2 + x²y + x³, curvatures 2 and 1,
    border 2/3, at 0.65 and 0.685. ``directions``: |x| and |y| of the unit vector to the last iterate farther than 1e-60;
    ``alternate``: whether the one before points the other way.
    """
    ends = [_ends(formula, factor * lr) for formula, steps in LOSSES.items() for lr in steps]
    return {
        "directions": [abs(float(u)) for _, last in ends for u in last],
        "alternate": [bool(before @ last < 0) for before, last in ends],
    }  # fmt: skip


@CLAIMS.add(
    "abstract (a perspective on the sharpness)", {"sides": [1, 2]},
    Control("η = 0.3 in place of 0.45", changes={"large": 0.3}), figure="directions",
    domain="x²/2 + 2y² + xy² + y³, two weights, η = 0.3 and 0.45, from (0.02, 0.025)",
    perturbations=(Control("η = 0.38 in place of 0.45, still below the border", changes={"large": 0.38}),),
)  # fmt: skip
def sharpness_from_both_sides(large=0.45):
    """On x²/2 + 2y² + xy² + y³, whose border is η = 2/5, the sharpness approaches its limit 4 from alternating sides at η =
    0.45 and from one side at η = 0.3.

    How many different signs the sharpness minus 4 has over steps 30 to 60.
    """
    loss, sides = cf.Loss("x**2/2 + 2*y**2 + x*y**2 + y**3"), []
    for lr in (0.3, large):
        w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [0.02, 0.025], 60).w[30:]
        sides.append(len({float(np.sign(loss.sharpness(z) - 4)) for z in w}))
    return {"sides": sides}


def figures():
    """The angle at which the minimum is approached."""
    return {"directions": _directions}


def _directions():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    for lr in (0.3, 0.39, 0.41, 0.45):
        w = cf.iterate(cf.as_map(cf.Loss("x**2/2 + 2*y**2 + x*y**2 + y**3"), cf.optimizers.gd(lr=lr)), [0.02, 0.025], 120).w
        axes.plot(np.degrees(np.arctan2(w[:, 1], w[:, 0])), ".", ms=3, label=f"η = {lr}")
    axes.set(xlabel="step", ylabel="angle of w in degrees", title="Curvatures 1 and 4: the border is η = 2/5")
    axes.legend()
    return figure
