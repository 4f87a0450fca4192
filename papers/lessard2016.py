"""L. Lessard, B. Recht, A. Packard, *Analysis and design of optimization algorithms via integral quadratic constraints*, SIAM
J. Optim. 26 (2016) 57–95, arXiv 1408.3595.

The heavy-ball method with the tuning that is optimal for quadratics need not converge on a strongly convex function of one
variable with a Lipschitz gradient: on one with slopes 25, 1, 25 it has an attracting 3-cycle beside the attracting minimum.
"""

from fractions import Fraction

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
FORMULA = "Piecewise((25*x**2/2, x < 1), (x**2/2 + 24*x - 12, x < 2), (25*x**2/2 - 24*x + 36, True))"
CYCLE = [792 / 1225, -2208 / 1225, 2592 / 1225]


def _slope(x):
    """f′ and f″ at a rational number."""
    return (25 * x, 25) if x < 1 else (x + 24, 1) if x < 2 else (25 * x - 24, 25)


@CLAIMS.add(
    "the counterexample for heavy ball", {"closes": True, "multipliers": ["-8/27", "-8/27"]},
    Control("momentum 1/2 in place of 4/9", changes={"momentum": Fraction(1, 2)}),
    settled="proved", proof="exact rational arithmetic",
)  # fmt: skip
def exact_cycle(momentum=Fraction(4, 9), rate=Fraction(1, 9)):
    """Heavy ball with α = 1/9 and β = 4/9, Polyak's tuning for 1 ≤ f″ ≤ 25, has the 3-cycle {792, −2208, 2592}/1225 on the
    function with f′ = 25x, x + 24, 25x − 24 (pieces x < 1, 1 to 2, x ≥ 2), and it attracts.

    In rational numbers: x₊ = x − αf′(x) + β(x − x₋) at all three pairs, none of them on a border. The multipliers are the
    roots of z² − (trace)z + (determinant) of the product of the three Jacobians; its discriminant is 0, so both are half the
    trace.
    """
    points = [Fraction(792, 1225), Fraction(-2208, 1225), Fraction(2592, 1225)]
    product, closes = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], True
    for before, now, after in ((points[i - 1], points[i], points[(i + 1) % 3]) for i in range(3)):
        gradient, curvature = _slope(now)
        closes = closes and now - rate * gradient + momentum * (now - before) == after
        a, b = 1 + momentum - rate * curvature, -momentum
        product = [[a * product[0][k] + b * product[1][k] for k in (0, 1)], product[0]]
    trace = product[0][0] + product[1][1]
    determinant = product[0][0] * product[1][1] - product[0][1] * product[1][0]
    double = trace**2 == 4 * determinant
    return {"closes": closes, "multipliers": [str(trace / 2)] * 2 if double else [f"{trace} ± √{trace**2 - 4 * determinant}/2"]}


@CLAIMS.add(
    "the counterexample for heavy ball, its figure",
    {"period": 3, "points": near(sorted(CYCLE), 1e-9), "multipliers": near([-8 / 27] * 2, 1e-6)},
    Control("a start at 0.5, in the basin of the minimum", changes={"start": 0.5}), figure="orbits",
)  # fmt: skip
def cycle_attracts(start=3.3):
    """The orbit that starts at rest at x = 3.3 ends on that 3-cycle; near the minimum the method converges.

    `classify` follows the orbit. Both multipliers of the cycle are −8/27: its points lie where f″ = 25, and there the two
    multipliers of one step are −2/3 (a double root, known to the root of the rounding error only, hence 1e-6).
    """
    found = cf.analysis.classify(_step(), [start])
    return {
        "period": found.period, "points": np.sort(found.points[:, 0]).tolist(),
        "multipliers": np.real(found.multipliers).tolist(), "kind": found.kind,
    }  # fmt: skip


@CLAIMS.add(
    "the counterexample for heavy ball, its figure", {"cycles": 40, "converge": 0},
    Control("starts between 1 and 2", changes={"low": 1.0, "high": 2.0}), read="from memory",
)  # fmt: skip
def interval_of_starts(low=3.07, high=3.46):
    """Every start at rest in the interval 3.07 ≤ x ≤ 3.46 leads to the 3-cycle.

    40 starts, equally spaced, ends included, each followed for 400 steps.
    """
    ends = [cf.iterate(_step(), [x], 400).w[-3:, 0] for x in np.linspace(low, high, 40)]
    return {
        "cycles": sum(bool(np.allclose(np.sort(end), sorted(CYCLE), atol=1e-9)) for end in ends),
        "converge": sum(bool(np.abs(end).max() < 1e-9) for end in ends),
    }


def _step():
    return cf.as_map(cf.Loss(FORMULA, "x"), cf.optimizers.heavy_ball(lr=1 / 9, momentum=4 / 9))


@CLAIMS.prove(
    "the counterexample for heavy ball", {"kind": ["cycle"] * 2, "period": [3, 1], "stable": [True, True],
                                          "points": near([*CYCLE, 0.0], 1e-7)},
    Control("momentum 1/2 in place of 4/9", changes={"momentum": "1/2"}), figure="orbits",
)  # fmt: skip
def cycle_beside_the_minimum_proved(momentum="4/9"):
    """At α = 1/9 and β = 4/9 exactly, the attracting 3-cycle {792, −2208, 2592}/1225 stands beside the attracting minimum.

    Two certificates in the plane of weight and velocity; no border of the pieces lies in the boxes.
    """
    heavy, rate = cf.optimizers.heavy_ball(lr=0.1, momentum=0.4), {"lr": "1/9", "momentum": momentum}
    return [cf.certify.cycle(cf.Loss(FORMULA, "x"), heavy, cycle, len(cycle), **rate) for cycle in (CYCLE, [0.0])]


def figures():
    """Two orbits of one method."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for start, label in ((3.3, "x = 3.3: a 3-cycle"), (0.5, "x = 0.5: the minimum")):
        axes.plot(cf.iterate(_step(), [start], 40).w[:, 0], ".-", label=label)
    axes.set(xlabel="step", ylabel="x", title="Heavy ball, tuned for quadratics, on one convex function")
    axes.legend()
    return figure
