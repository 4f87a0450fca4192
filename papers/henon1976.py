"""M. Hénon, *A two-dimensional mapping with a strange attractor*, Commun. Math. Phys. 50 (1976) 69–77.

The map (x, y) → (1 − a x² + y, b x) contracts areas by the constant factor b and, at a = 1.4, b = 0.3, has an attractor that
looks like a line times a Cantor set. The numbers of its cycles and its exponents were tabulated later.
The paper is classical and was not read anew.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, above, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
BOX = [(-3.0, 3.0), (-3.0, 3.0)]
TEXT, LOZI = ("1 - a*x**2 + y", "b*x"), ("1 - a*Abs(x) + y", "b*x")


def _map(a=1.4, b=0.3, text=TEXT):
    return cf.Map.from_text(list(text), "x y", {"a": a, "b": b})


@CLAIMS.add(
    "the conditions on a; the 2-cycle's flip by hand", {"first": near([-0.1225, 0.3675], 1e-10), "second": near(0.9125, 1e-10)},
    Control("b = 0.2", changes={"b": 0.2}), figure="branch", domain="b = 0.3; −0.5 ≤ a ≤ 1.2",
    perturbations=(Control("b = 0.301", changes={"b": 0.301}),),
)  # fmt: skip
def first_bifurcations(b=0.3):
    """At b = 0.3 two fixed points are born at a = −(1 − b)²/4 = −0.1225; one of them is stable from there up to a flip at
    3(1 − b)²/4 = 0.3675, and the 2-cycle born there up to a flip at (1 − b)² + (1 + b)²/4 = 0.9125.

    The branch of fixed points from a = 0.2, with its fold and its first flip, and the first flip of the 2-cycle.
    """
    step = _map(0.2, b)
    branch = cf.analysis.continue_cycle(step, cf.analysis.cycles(step, 1, BOX)[-1], "a", (-0.5, 1.2))
    points = {point.kind: point for point in branch.bifurcations}
    twice = next(point for point in points["flip"].switch().bifurcations if point.kind == "flip")
    return {"first": [points["fold"].parameter, points["flip"].parameter], "second": twice.parameter}


@CLAIMS.add(
    "tables of other authors, as recalled", {"exponent": near(0.41922, 1.5e-3), "dimension": near(1.25827, 1.2e-3)},
    Control("a = 1.38", changes={"a": 1.38}), figure="attractor",
    domain="a = 1.4, b = 0.3; the orbits of five starts near (0.1, 0.1)",
    perturbations=(Control("b = 0.29", changes={"b": 0.29}),),
)  # fmt: skip
def largest_exponent(a=1.4, b=0.3, steps=1_000_000):
    """The largest Lyapunov exponent of the attractor is 0.419, and so its dimension by Kaplan and Yorke's formula is 1.258.

    Means over five orbits of 200,000 steps; they differ by about 10⁻³, so the mean has an error of some 5·10⁻⁴. ``dimension``:
    1 + λ₁/|λ₂|.
    """
    step = _map(a, b)
    parts = np.array([cf.analysis.lyapunov(step, [0.1 + 0.01 * k, 0.1], steps // 5) for k in range(5)])
    first, second = parts.mean(axis=0)
    return {"exponent": float(first), "spread": float(parts[:, 0].std()), "dimension": float(1 + first / abs(second))}


@CLAIMS.add(
    "tables of other authors, as recalled", {"counts": "2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14", "complete": True},
    Control("the Lozi map, with |x| for x²", changes={"text": LOZI}), figure="cycles",
    domain="a = 1.4, b = 0.3; all of the plane",
    perturbations=(Control("a = 1.38", changes={"a": 1.38}),),
)  # fmt: skip
def numbers_of_cycles(text=TEXT, most=11, a=1.4):
    """The map has 2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14 cycles of the periods 1 to 11: in the plane period 7 brings neither 3 nor 5.

    All cycles in the box |x|, |y| ≤ 3 by chains of small boxes with intervals, which the search says to be complete. All
    bounded orbits lie in it: on them |x| ≤ (1 + b + √((1 + b)² + 4a))/(2a) = 1.43 and |y| = b|x|.
    """
    found = [cf.analysis.cycles(_map(a, text=text), n, BOX) for n in range(1, most + 1)]
    return {"counts": ", ".join(str(len(one)) for one in found), "complete": all(one.complete for one in found)}


@CLAIMS.add(
    "enlargements; the number is from tables of other authors, as recalled",
    {"across": near(0.26, 0.08), "of_its_error": above(3.0)},
    Control("a = 1.8, b = 0, where all is one line", changes={"a": 1.8, "b": 0.0}), figure="boxes",
    domain="a = 1.4, b = 0.3; boxes of the sizes that 200,000 points fill",
    perturbations=(Control("b = 0.1, whose attractor is thinner", changes={"b": 0.1}),),
)  # fmt: skip
def cantor_structure(a=1.4, b=0.3, steps=200_000):
    """The box dimension of the attractor is about 1.26: more than finitely many lines have, and less than an area, as the
    enlargements suggest, which show each line to be several.

    ``across``: what the box dimension has beyond 1, from boxes of eight sizes and more that 200,000 points fill;
    ``of_its_error``: over its error. (To these sizes only.)
    """
    found = _boxes(a, b, steps)
    if math.isnan(found.value):
        raise Undecided(found.reason)
    return {"across": found.value - 1, "of_its_error": (found.value - 1) / found.error}


def _boxes(a=1.4, b=0.3, steps=200_000):
    return cf.analysis.fractal_dimension(cf.iterate(_map(a, b), [0.1, 0.0], steps + 1000).z[1000:], "box")


@CLAIMS.prove(
    "own statement", {"kind": "horseshoe", "entropy": above(0.25)},
    Control("a = 1.2, where less entropy is found", changes={"a": 1.2}), figure="horseshoe", domain="a = 1.4, b = 0.3",
    perturbations=(Control("a = 1.3", changes={"a": 1.3}),),
)  # fmt: skip
def horseshoe_proved(a=1.4):
    """At a = 1.4, b = 0.3 the map has a horseshoe, so infinitely many cycles and a topological entropy above 0.25.

    A certificate of parallelograms that cover each other.
    """
    return cf.certify.horseshoe(_map(a), box=((-2, 2), (-1, 1)))


@CLAIMS.prove(
    "numbers", {"kind": "cycle", "period": 1, "stable": False, "points": near([0.63135448, 0.18940634], 1e-7),
                "multipliers": near([-1.92373886, 0.15594632], 1e-8)},
    Control("a = 0.3, where the point is stable", changes={"a": 0.3, "point": [0.9, 0.27]}), figure="attractor",
    domain="a = 1.4, b = 0.3",
    perturbations=(Control("a = 1.41", changes={"a": 1.41}),),
)  # fmt: skip
def fixed_point_proved(a=1.4, point=(0.63, 0.19)):
    """At a = 1.4, b = 0.3 the map has a fixed point within 10⁻⁷ of (0.63135448, 0.18940634), a saddle with multipliers within
    10⁻⁸ of −1.92373886 and 0.15594632.

    A certificate of the fixed point and of both multipliers.
    """
    return cf.certify.cycle(_map(a), points=[list(point)], period=1)


def figures():
    """The attractor with the fixed point, boxes that cover it, its 7-cycles, and the branch of fixed points."""
    return {
        "attractor": _attractor,
        "horseshoe": lambda: cf.plot(horseshoe_proved()),
        "boxes": lambda: cf.plot(_boxes()),
        "cycles": lambda: cf.plot(cf.analysis.cycles(_map(), 7, BOX)),
        "branch": lambda: cf.plot(
            cf.analysis.continue_cycle(_map(0.2), cf.analysis.cycles(_map(0.2), 1, BOX)[-1], "a", (0.05, 1.2))
        ),
    }


def _attractor():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.subplots()
    z = cf.iterate(_map(), [0.1, 0.1], 30_000).z[100:]
    axes.plot(z[:, 0], z[:, 1], ",", color="C0")
    axes.plot(*cf.analysis.cycles(_map(), 1, BOX)[-1].points[0], "o", color="C3", markersize=5, label="fixed point")
    axes.set(xlabel="x", ylabel="y", title="Hénon's attractor, 30,000 points", ylim=(-0.42, 0.47))
    axes.legend(frameon=False, loc="upper left")
    return figure
