"""L. Chen and J. Bruna, *On gradient descent convergence beyond the edge of stability* (later: *Beyond the edge of
stability via two-step gradient updates*), arXiv 2206.04172, 2022.

If 3 f‴² > f″ f⁗ at a minimum of a loss of one variable (f‴ ≠ 0) there are steps just beyond 2/f″ with a 2-cycle about it (theorem
1). On matrix factorisation quasi-symmetric starts are drawn to the symmetric, flattest solution. Classical, not in the paper: the
sign of c = (f‴/f″)² − f⁗/(3f″) decides whether the cycle is stable and beyond the edge or unstable and before it, and its
half-amplitude is √((ηf″ − 2)/c) to leading order.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
# formula, minimum, f″, f‴, f⁗ there, by hand
LOSSES = (
    ("(w**2-1)**2/4", 1.0, 2.0, 6.0, 6.0),
    ("exp(w)-w", 0.0, 1.0, 1.0, 1.0),
    ("w**3/3-w", 1.0, 2.0, 2.0, 0.0),
    ("logcosh(w)", 0.0, 1.0, 0.0, -2.0),
    ("w**2/2+w**4/24", 0.0, 1.0, 0.0, 1.0),
    ("w**2/2+w**3/6+w**4/6", 0.0, 1.0, 1.0, 4.0),
    ("w**2/2+w**3/6+w**4/12", 0.0, 1.0, 1.0, 2.0),
)


def _coefficient(second, third, fourth):
    return (third / second) ** 2 - fourth / (3 * second)


@CLAIMS.add(
    "theorem 1 (a 2-cycle exists); its stability and the other sign: own statement",
    {"signs agree": len(LOSSES), "stable 2-cycles": 5},
    Control("the sign of f‴² − f″f⁗ decides", changes={"weight": 1.0}), figure="amplitude",
    domain="smooth losses of one weight; a minimum with f″ > 0, 3f‴² ≠ f″f⁗; η just above 2/f″; starts near it",
    perturbations=(Control("the sign of 5f‴² − f″f⁗ decides", changes={"weight": 5.0}),
                   Control("η = 1.98/f″, before the edge", changes={"distance": -0.02})),
    examples="seven losses with known derivatives, η = 2.004/f″, a start 0.02 from the minimum",
)  # fmt: skip
def sign_decides(weight=3.0, distance=0.004):
    """Just beyond the edge of a minimum with 3f‴² > f″f⁗ gradient descent from nearby settles on a small 2-cycle; with 3f‴² <
    f″f⁗ it does not.

    A 2-cycle within 0.3 of the minimum, or not, against the sign. The control, another inequality with the weight 1, is wrong
    for two of them.
    """
    agree = cycles = 0
    for formula, minimum, second, third, fourth in LOSSES:
        step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=(2 + distance) / second))
        found = cf.analysis.classify(step, [minimum + 0.02])
        small = found.kind == "cycle" and found.period == 2 and float(np.abs(found.points - minimum).max()) < 0.3
        cycles += small
        agree += small == (weight * third**2 > second * fourth)
    return {"signs agree": agree, "stable 2-cycles": cycles}


@CLAIMS.add(
    "own statement", {"largest error": at_most(0.002), "order of the error": near(1.0, 0.05)},
    Control("the cubic term (f‴/f″)² counted twice", changes={"cubic": 2.0}), figure="amplitude",
    domain="smooth losses of one weight; a minimum with f″ > 0 and c > 0; ηf″ − 2 → 0 from above",
    perturbations=(Control("f⁗/(4f″) in place of f⁗/(3f″)", changes={"divisor": 4.0}),),
    examples="(w² − 1)²/4 and exp(w) − w, ηf″ − 2 = 0.004 and 0.002",
)  # fmt: skip
def amplitude(cubic=1.0, divisor=3.0, distances=(0.004, 0.002)):
    """The half-amplitude of the 2-cycle is √((ηf″ − 2)/c), c = (f‴/f″)² − f⁗/(3f″), up to a relative error of first order
    in ηf″ − 2.

    Half the distance of the two points of the cycle against the formula; the order is log₂ of the ratio of the errors.
    """
    errors = []
    for distance in distances:
        worst = 0.0
        for formula, minimum, second, third, fourth in LOSSES[:2]:
            step = cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=(2 + distance) / second))
            points = cf.analysis.classify(step, [minimum + 0.02]).points[:, 0]
            c = cubic * (third / second) ** 2 - fourth / (divisor * second)
            worst = max(worst, abs(np.ptp(points) / 2 / np.sqrt(distance / c) - 1))
        errors.append(worst)
    return {"largest error": float(max(errors)), "order of the error": float(np.log2(errors[0] / errors[1]))}


@CLAIMS.add(
    "own statement (classical)",
    {"coefficients": near([_coefficient(*row[2:]) for row in LOSSES], 1e-9), "square": "0", "cube": "0"},
    Control("at a learning rate of momentum 1/2, with another coefficient", changes={"momentum": 0.5}),
    domain="all C⁴ losses of one weight; a minimum with f″ > 0; η = 2/f″",
    perturbations=(Control("f⁗/(4f″) in place of f⁗/(3f″)", changes={"divisor": 4}),),
    proof="exact algebra: the Taylor series of two steps up to the cube, with symbols for the derivatives",
)  # fmt: skip
def normal_form_coefficient(momentum=None, divisor=3):
    """At the flip, η = 2/f″, two steps of gradient descent are x ↦ x − 2cx³ + o(x³) about the minimum, with c = (f‴/f″)² −
    f⁗/(3f″).

    ``square`` and ``cube``: the coefficients of x² and x³ of two steps, the latter plus 2c. ``coefficients``: c as `normal_form`
    finds it for seven losses. With momentum β the flip is at (2+2β)/f″ and the coefficient another.
    """
    found = []
    for formula, minimum, second, _, _ in LOSSES:
        optimizer = cf.optimizers.gd(lr=2 / second)
        if momentum is not None:
            optimizer = cf.optimizers.heavy_ball(lr=(2 + 2 * momentum) / second, momentum=momentum)
        found.append(cf.analysis.normal_form(cf.as_map(cf.Loss(formula), optimizer), [minimum]).coefficient)
    x, d2, d3, d4 = sp.symbols("x d2 d3 d4", positive=True)
    once = -x - 2 / d2 * (d3 * x**2 / 2 + d4 * x**3 / 6)
    twice = sp.Poly(sp.expand(once.subs(x, once)), x)
    c = (d3 / d2) ** 2 - d4 / (divisor * d2)
    return {"coefficients": found, "square": str(sp.simplify(twice.coeff_monomial(x**2))),
            "cube": str(sp.simplify(twice.coeff_monomial(x**3) + 2 * c))}  # fmt: skip


@CLAIMS.add(
    "abstract (quasi-symmetric starts converge to symmetric solutions); the example: own choice",
    {"2-cycles": 20, "largest |x − y|": at_most(1e-9), "least distance of the points": at_least(0.3)},
    Control("below the edge 1/μ of the symmetric minimum there is no cycle", changes={"lr": 0.9}),
    domain="(1 − xy)²/2; η = 1.1; starts within 0.2 of (1, 1) in each weight",
    perturbations=(Control("η = 1.25", changes={"lr": 1.25}), Control("η = 1.05, with a narrower cycle", changes={"lr": 1.05})),
    examples="20 random starts",
)  # fmt: skip
def symmetric_cycle(lr=1.1, seed=0):
    """On (1 − xy)²/2 with η = 1.1, where every minimum is unstable, gradient descent from nearly symmetric starts converges to a
    2-cycle on the symmetric line x = y.

    μ = 1; every minimum is unstable for η > 1/μ. On the 2-cycle with residuals e₁, e₂ of μ − xy the difference x − y is
    multiplied by 1 + 2η²e₁e₂, which is below 1 as e₁e₂ < 0.
    """
    step = cf.as_map(cf.losses.scalar_factorization(target=1.0), cf.optimizers.gd(lr=lr))
    starts = 1 + np.random.default_rng(seed).uniform(-0.2, 0.2, (20, 2))
    found = [cf.analysis.classify(step, start) for start in starts]
    cycles = [one.points for one in found if one.kind == "cycle" and one.period == 2]
    return {
        "2-cycles": len(cycles),
        "largest |x − y|": float(max((np.abs(p[:, 0] - p[:, 1]).max() for p in cycles), default=np.inf)),
        "least distance of the points": float(min((np.abs(p[0] - p[1]).max() for p in cycles), default=0.0)),
    }


def figures():
    """The 2-cycle of the double well beyond its edge beside the square root of the normal form."""
    return {"amplitude": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.001))
    lrs = np.linspace(1.001, 1.2, 60)
    points = np.array([cf.analysis.classify(step.at(lr=lr), [1.02]).points[:, 0] for lr in lrs])
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(lrs, points, "C0.", ms=3)
    for sign in (-1, 1):
        axis.plot(lrs, 1 + sign * np.sqrt((2 * lrs - 2) / 8), "k--", lw=1)
    axis.set(xlabel="η", ylabel="w", title="Double well: the 2-cycle (dots), 1 ± √((ηf″ − 2)/c) with c = 8 (dashed)")
    return figure
