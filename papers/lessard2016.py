"""L. Lessard, B. Recht, A. Packard, *Analysis and design of optimization algorithms via integral quadratic constraints*, SIAM
J. Optim. 26 (2016) 57–95, arXiv 1408.3595.

The heavy-ball method with the tuning that is optimal for quadratics need not converge on a strongly convex function of one
variable with a Lipschitz gradient: on one whose f″ is 25, 1, 25 in turn it has an attracting 3-cycle beside the attracting
minimum. (A public text of it was read, in which displayed formulas are missing: the function (4.11) is from memory.)
"""

from fractions import Fraction

import cfdyn as cf
from cfdyn.claims import Claims, Control

CLAIMS = Claims(__name__, __doc__, read="the paper")
FORMULA = "Piecewise((25*x**2/2, x < 1), (x**2/2 + 24*x - 12, x < 2), (25*x**2/2 - 24*x + 36, True))"
CYCLE = [792 / 1225, -2208 / 1225, 2592 / 1225]


def _slope(x):
    """f′ and f″ at a rational number."""
    return (25 * x, 25) if x < 1 else (x + 24, 1) if x < 2 else (25 * x - 24, 25)


@CLAIMS.add(
    "section 4.6; the points of the cycle are computed here",
    {"closes": True, "multipliers": ["-8/27", "-8/27"], "at the minimum": ["-2/3", "-2/3"]},
    Control("momentum 1/2 in place of 4/9", changes={"momentum": Fraction(1, 2)}), figure="orbits",
    domain="f′ = 25x for x < 1, x + 24 for 1 ≤ x < 2, 25x − 24 for x ≥ 2, one weight; α = 1/9, β = 4/9",
    perturbations=(Control("the step 1/10 in place of 1/9", changes={"rate": Fraction(1, 10)}),
                   Control("the point 800/1225 in place of 792/1225", changes={"first": Fraction(800, 1225)})),
    proof="exact rational arithmetic",
)  # fmt: skip
def exact_cycle(momentum=Fraction(4, 9), rate=Fraction(1, 9), first=Fraction(792, 1225)):
    """Heavy ball with α = 1/9 and β = 4/9, Polyak's tuning for 1 ≤ f″ ≤ 25, has the asymptotically stable 3-cycle {792, −2208,
    2592}/1225 on a strongly convex function with 1 ≤ f″ ≤ 25 whose minimum is asymptotically stable as well.

    In rational numbers: x₊ = x − αf′(x) + β(x − x₋) at all three pairs, none of them on a border. The multipliers are the
    roots of z² − (trace)z + (determinant) of the product of the three Jacobians; its discriminant is 0, so both are half the
    trace. At the minimum x = 0 they are those of the one Jacobian.
    """
    points = [first, Fraction(-2208, 1225), Fraction(2592, 1225)]
    product, closes = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], True
    for before, now, after in ((points[i - 1], points[i], points[(i + 1) % 3]) for i in range(3)):
        gradient, curvature = _slope(now)
        closes = closes and now - rate * gradient + momentum * (now - before) == after
        a, b = 1 + momentum - rate * curvature, -momentum
        product = [[a * product[0][k] + b * product[1][k] for k in (0, 1)], product[0]]
    determinant = product[0][0] * product[1][1] - product[0][1] * product[1][0]
    return {"closes": closes, "multipliers": _roots(product[0][0] + product[1][1], determinant),
            "at the minimum": _roots(1 + momentum - rate * _slope(Fraction(0))[1], momentum)}  # fmt: skip


def _roots(trace, determinant):
    """The roots of z² − (trace)z + (determinant) in words, exactly."""
    discriminant = trace**2 - 4 * determinant
    return [str(trace / 2)] * 2 if discriminant == 0 else [f"({trace} ± √({discriminant}))/2"]


def _pieces(low, high, steps, rate=Fraction(1, 9), momentum=Fraction(4, 9)):
    """The affine pieces of ``steps`` steps as a function of a start at rest in [low, high]: (x, x₋) at both ends of each."""
    pieces = [((low, low), (high, high))]
    for _ in range(steps):
        split = []
        for one, two in pieces:
            crossed = [border for border in (1, 2) if (border - one[0]) * (border - two[0]) < 0]
            cuts = sorted((border - one[0]) / (two[0] - one[0]) for border in crossed)
            parts = [Fraction(0), *cuts, Fraction(1)]
            ends = [tuple(a + t * (b - a) for a, b in zip(one, two, strict=True)) for t in parts]
            split += list(zip(ends[:-1], ends[1:], strict=True))
        pieces = [tuple((x - rate * _slope(x)[0] + momentum * (x - y), x) for x, y in piece) for piece in split]
    return pieces


@CLAIMS.add(
    "section 4.6", {"distance": "below 10⁻⁶"},
    Control("the starts from 1 to 2", changes={"low": "1", "high": "2"}), figure="orbits",
    domain="the same function, α = 1/9, β = 4/9; starts at rest, x₀ = x₋₁",
    perturbations=(Control("the starts from 3.06 to 3.46", changes={"low": "3.06"}),
                   Control("the starts from 3.07 to 3.47", changes={"high": "3.47"})),
    proof="exact rational arithmetic: pieces on which 90 steps are affine in the start, and a bound on all further steps",
)  # fmt: skip
def interval_of_starts(low="3.07", high="3.46", steps=90):
    """Every start at rest in the interval 3.07 ≤ x ≤ 3.46 leads to that 3-cycle.

    The interval is cut wherever an iterate crosses a border of f′, so that 90 steps are affine on each part: both ends of each
    image are within 10⁻⁶ of the same pair of the cycle, and so is all between. From there on f″ = 25, and the matrix A of a step
    has the double eigenvalue −2/3 with |Aⁿ| ≤ (2/3)ⁿ + (5/3) n (2/3)ⁿ⁻¹ < 4 in the maximum norm; borders are 0.1 away.
    """
    cycle = [Fraction(n, 1225) for n in (792, -2208, 2592)]
    pairs = [(cycle[k], cycle[k - 1]) for k in range(3)]
    pieces = _pieces(Fraction(low), Fraction(high), steps)
    far = max(min(max(max(abs(x - a), abs(y - b)) for x, y in piece) for a, b in pairs) for piece in pieces)
    return {"distance": "below 10⁻⁶" if far < Fraction(1, 10**6) else f"{float(far):.3g}"}


def _step():
    return cf.as_map(cf.Loss(FORMULA, "x"), cf.optimizers.heavy_ball(lr=1 / 9, momentum=4 / 9))


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
