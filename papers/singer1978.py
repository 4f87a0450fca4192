"""D. Singer, *Stable orbits and bifurcation of maps of the interval*, SIAM J. Appl. Math. 35 (1978) 260–267.

If the Schwarzian derivative Sf = f‴/f′ − (3/2)(f″/f′)² is negative, each attracting cycle attracts a critical point of the
map, or an end of the interval, which bounds their number. Without that condition a map with one hump can have two attractors.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC, DOUBLE = "r*x*(1-x)", "r*x - x**3"
EXAMPLE = "7.86*x - 23.31*x**2 + 28.75*x**3 - 13.30*x**4"


def _stable(step, box, most=12):
    return [c for n in range(1, most + 1) for c in cf.analysis.cycles(step, n, [box]) if c.stable]


def _critical(f, x):
    """The zeros of f′ in (0, 1)."""
    roots = [root for root in sp.Poly(sp.diff(f, x), x).nroots(n=20) if root.is_real]
    return [root for root in roots if 0 < root < 1]


def _schwarzian(f, x):
    first, second, third = (sp.diff(f, x, k) for k in (1, 2, 3))
    return third / first - sp.Rational(3, 2) * (second / first) ** 2


@CLAIMS.add(
    "lemma", {"difference": "0"},
    Control("the factor 3/2 replaced by 1", changes={"factor": 1}),
    domain="all three times differentiable f and g, where f′ and g′ are not 0",
    proof="exact algebra: an identity in the derivatives of f and g as free symbols",
    perturbations=(Control("g′ in place of g′²", changes={"power": 1}),),
)  # fmt: skip
def schwarzian_of_a_composition(factor=1.5, power=2):
    """The Schwarzian derivative of a composition is S(f∘g) = (Sf∘g) g′² + Sg, so if Sf is negative it is so for all iterates.

    Derivatives of f at g(x) and of g at x as free symbols; the difference of both sides is simplified to 0.
    """
    f1, f2, f3, g1, g2, g3 = sp.symbols("f1 f2 f3 g1 g2 g3", nonzero=True)

    def s(a, b, c):
        return c / a - sp.Rational(factor) * (b / a) ** 2

    chain = f1 * g1, f2 * g1**2 + f1 * g2, f3 * g1**3 + 3 * f2 * g1 * g2 + f1 * g3
    return {"difference": str(sp.simplify(s(*chain) - s(f1, f2, f3) * g1**power - s(g1, g2, g3)))}


@CLAIMS.add(
    "corollary of the theorem", {"most": at_most(1), "with_one": at_least(10)},
    Control("r x − x³, which has two critical points", changes={"formula": DOUBLE, "low": 2.0, "high": 2.3, "box": (-2.0, 2.0)}),
    domain="maps of an interval with one critical point and Sf < 0, of which no end attracts",
    examples="the logistic map at 70 random r in (3.4, 4), periods 1 to 12",
    perturbations=(Control("Singer's quartic with Sf > 0 somewhere", changes={"formula": f"{EXAMPLE} + 0*r", "values": 12}),),
)  # fmt: skip
def one_attractor_for_one_critical_point(formula=LOGISTIC, low=3.4, high=4.0, box=(0.0, 1.0), values=70, seed=78):
    """A map of an interval with one critical point and negative Schwarzian derivative has at most one attracting cycle inside
    it.

    The largest number of attracting cycles of the periods 1 to 12, and at how many r there is one.
    """
    step = cf.Map.from_text(formula, params={"r": low})
    counts = [len(_stable(step.at(r=r), box)) for r in np.random.default_rng(seed).uniform(low, high, values)]
    return {"most": max(counts), "with_one": sum(count > 0 for count in counts)}


@CLAIMS.add(
    "theorem", {"attractors": at_least(40), "missed": 0},
    Control("the double well's critical points, of which one is replaced by the other", changes={"both": False}), figure="two",
    domain="maps of an interval with Sf < 0, of which no end attracts",
    examples="gradient descent on (w² − 1)²/4 at 40 random η in (0.1, 1.9), periods 1 to 12",
    perturbations=(Control("starts at 0 in place of the critical points", changes={"factor": 0.0}),),
)  # fmt: skip
def attractors_found_from_critical_points(both=True, factor=1.0, values=40, seed=2):
    """Where the Schwarzian derivative is negative each attracting cycle attracts a critical point, so gradient descent on the
    double well has two at most.

    All attracting cycles, and how many of them no critical point ±w_c of the map is attracted to, w_c² = (1 + η)/(3η). The
    Schwarzian derivative of A w − (A − 1) w³ is negative.
    """
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    found, missed = 0, 0
    for lr in np.random.default_rng(seed).uniform(0.1, 1.9, values):
        here = step.at(lr=lr)
        critical = factor * np.sqrt((1 + lr) / (3 * lr))
        ends = [cf.iterate(here, [w], 20_000).z[-1, 0] for w in ((critical, -critical) if both else (critical, critical))]
        for cycle in _stable(here, (-2.0, 2.0)):
            points = cycle.points[:, 0]
            found += 1
            missed += all(abs(points - end).min() > 1e-6 for end in ends)
    return {"attractors": found, "missed": missed}


@CLAIMS.add(
    "example", {"fixed_point": near(0.7263986, 1e-7), "two_cycle": near([0.3217591, 0.9309168], 1e-7), "attractors": 2,
                "largest_schwarzian": above(0.0), "critical_points": 1},
    Control("the logistic map at 3.83", changes={"formula": "3.83*x*(1-x)"}), figure="example",
    domain="the polynomial 7.86x − 23.31x² + 28.75x³ − 13.30x⁴ on (0, 1); periods 1 to 12",
    perturbations=(Control("7.80 in place of 7.86", changes={"formula": EXAMPLE.replace("7.86", "7.80")}),),
)  # fmt: skip
def two_attractors_with_one_hump(formula=EXAMPLE):
    """Without the condition it fails: 7.86x − 23.31x² + 28.75x³ − 13.30x⁴ has one critical point in (0, 1) and two attracting
    cycles of the periods up to 12 there, the fixed point 0.7263986 and the 2-cycle of 0.3217591; its Schwarzian derivative is
    positive somewhere.

    All attracting cycles, the number of zeros of f′, and the largest Schwarzian derivative on a grid.
    """
    x = sp.Symbol("x")
    f = sp.sympify(formula, rational=True)
    stable = _stable(cf.Map.from_text(formula), (0.0, 1.0))
    points = [cycle.points[:, 0].tolist() for cycle in stable]
    grid = sp.lambdify(x, _schwarzian(f, x), "numpy")(np.linspace(0.001, 0.999, 9974))
    critical = _critical(f, x)
    return {"fixed_point": points[0][0], "two_cycle": points[-1], "attractors": len(stable),
            "largest_schwarzian": float(grid.max()), "critical_points": len(critical)}  # fmt: skip


@CLAIMS.add(
    "example", {"ends": "2, 1"},
    Control("the second start is 0.35", changes={"second": 0.35}), figure="example",
    domain="the polynomial 7.86x − 23.31x² + 28.75x³ − 13.30x⁴ on (0, 1)",
    perturbations=(Control("the second start is 0.93, beside a point of the 2-cycle", changes={"second": 0.93}),),
)  # fmt: skip
def critical_point_misses_an_attractor(second=0.73):
    """In the quartic example the orbit of the critical point ends on the 2-cycle, while that of 0.73 ends on the fixed point,
    which so attracts no critical point.

    The period at which the orbits of the critical point and of 0.73 end.
    """
    x = sp.Symbol("x")
    [critical] = _critical(sp.sympify(EXAMPLE, rational=True), x)
    ends = [cf.analysis.classify(cf.Map.from_text(EXAMPLE), [float(start)]).period for start in (critical, second)]
    return {"ends": ", ".join(map(str, ends)), "critical": float(critical)}


@CLAIMS.prove(
    "example", {"kind": ["cycle"] * 2, "period": [1, 2], "stable": [True, True],
                "points": near([0.7263986, 0.3217591, 0.9309168], 1e-7)},
    Control("the logistic map at 3.2, whose fixed point is unstable",
            changes={"formula": "3.2*x*(1-x)", "points": ([0.6875], [0.513, 0.7995])}), figure="example",
    domain="the polynomial 7.86x − 23.31x² + 28.75x³ − 13.30x⁴, these decimals",
    perturbations=(Control("7.80 in place of 7.86", changes={"formula": EXAMPLE.replace("7.86", "7.80")}),),
)  # fmt: skip
def two_attractors_proved(formula=EXAMPLE, points=([0.7264], [0.3218, 0.9309])):
    """The example's map has a stable fixed point near 0.7263986 and a stable 2-cycle near 0.3217591 and 0.9309168.

    Two certificates, with the decimals of the formula taken exactly.
    """
    return [cf.certify.cycle(cf.Map.from_text(formula), points=cycle, period=len(cycle)) for cycle in points]


def figures():
    """The map with two attractors and one hump, and the double well's two."""
    well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    return {
        "example": lambda: cf.plot(cf.analysis.cycles(cf.Map.from_text(EXAMPLE), 2, [(0.0, 1.0)])),
        "two": lambda: cf.plot(cf.analysis.cycles(well, 2, [(-2.0, 2.0)])),
    }
