"""M. Hénon, *A two-dimensional mapping with a strange attractor*, Commun. Math. Phys. 50 (1976) 69–77.

The map (x, y) → (1 − a x² + y, b x) contracts areas by the constant factor b and, at a = 1.4, b = 0.3, has an attractor that
looks like a line times a Cantor set. The numbers of its cycles and its exponents were tabulated later.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, above, between, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
BOX = [(-3.0, 3.0), (-3.0, 3.0)]
TEXT, LOZI = ("1 - a*x**2 + y", "b*x"), ("1 - a*Abs(x) + y", "b*x")


def _map(a=1.4, b=0.3, text=TEXT):
    return cf.Map.from_text(list(text), "x y", {"a": a, "b": b})


@CLAIMS.add(
    "numbers", {"point": near([0.63135448, 0.18940634], 1e-8), "multipliers": near([-1.92373886, 0.15594632], 1e-8)},
    Control("a = 1.3", changes={"a": 1.3}), figure="attractor",
)  # fmt: skip
def fixed_point(a=1.4):
    """At a = 1.4, b = 0.3 the fixed point (0.63135448, 0.18940634) is a saddle with the multipliers −1.92373886 and 0.15594632.

    All fixed points in the box |x|, |y| ≤ 3; the one with the greater x.
    """
    found = cf.analysis.cycles(_map(a), 1, BOX)[-1]
    return {"point": found.points[0].tolist(), "multipliers": found.multipliers.real.tolist()}


@CLAIMS.add(
    "text, and by hand", {"first": near([-0.1225, 0.3675], 1e-10), "second": near(0.9125, 1e-10)},
    Control("b = 0.2", changes={"b": 0.2}), figure="branch",
)  # fmt: skip
def first_bifurcations(b=0.3):
    """At b = 0.3 the fixed points are born at a = −(1 − b)²/4 = −0.1225, one is stable up to 3(1 − b)²/4 = 0.3675; the
    2-cycle up to 0.9125.

    The branch of fixed points from a = 0.2, with its fold and its flip, and the flip of the 2-cycle: (1 − b)² + (1 + b)²/4.
    """
    step = _map(0.2, b)
    branch = cf.analysis.continue_cycle(step, cf.analysis.cycles(step, 1, BOX)[-1], "a", (-0.5, 1.2))
    points = {point.kind: point for point in branch.bifurcations}
    twice = next(point for point in points["flip"].switch().bifurcations if point.kind == "flip")
    return {"first": [points["fold"].parameter, points["flip"].parameter], "second": twice.parameter}


@CLAIMS.add(
    "equation", {"error": near(0.0, 1e-12), "sum": near(math.log(0.3), 1e-10)},
    Control("b = 0.25", changes={"b": 0.25}),
)  # fmt: skip
def contracts_areas(b=0.3, steps=100_000):
    """Areas shrink by b = 0.3 in each step, so the Lyapunov exponents sum to ln 0.3.

    The largest | |det Df| − 0.3 | at 200 random points, and the sum of the exponents over 100,000 steps.
    """
    step, rng = _map(b=b), np.random.default_rng(76)
    error = max(abs(abs(np.linalg.det(step.jacobian(z))) - 0.3) for z in rng.uniform(-2, 2, (200, 2)))
    return {"error": error, "sum": cf.analysis.lyapunov(step, [0.1, 0.1], steps).sum()}


@CLAIMS.add(
    "later tables", {"exponent": near(0.41922, 1e-3), "evidence": "chaotic"},
    Control("a = 1.38", changes={"a": 1.38}), read="a secondary source", figure="attractor",
)  # fmt: skip
def largest_exponent(a=1.4, steps=1_000_000):
    """The largest Lyapunov exponent of the attractor is 0.41922.

    The mean over 10⁶ steps. Five stretches of 200,000 steps differ by about 10⁻³; the mean has an error of some 5·10⁻⁴.
    ``evidence``: exponent and 0–1 test together.
    """
    step = _map(a)
    parts = [cf.analysis.lyapunov(step, [0.1 + 0.01 * k, 0.1], steps // 5)[0] for k in range(5)]
    return {"exponent": float(np.mean(parts)), "spread": float(np.std(parts)),
            "evidence": cf.analysis.chaos(step, [0.1, 0.1], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "later tables", {"counts": "2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14", "complete": True},
    Control("the Lozi map, with |x| for x²", changes={"text": LOZI}), read="a secondary source", figure="cycles",
)  # fmt: skip
def numbers_of_cycles(text=TEXT, most=11):
    """The map has 2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14 cycles of the periods 1 to 11 in the whole plane.

    All cycles in the box |x|, |y| ≤ 3 by chains of small boxes with intervals; both fixed points and all bounded orbits lie
    in it. There is no 3-cycle and no 5-cycle: in the plane period seven, say, does not bring five.
    """
    found = [cf.analysis.cycles(_map(text=text), n, BOX) for n in range(1, most + 1)]
    return {"counts": ", ".join(str(len(one)) for one in found), "complete": all(one.complete for one in found)}


@CLAIMS.add(
    "later tables", {"dimension": near(1.258, 3e-3)},
    Control("b = 0.2", changes={"b": 0.2}), read="a secondary source",
)  # fmt: skip
def lyapunov_dimension(b=0.3, steps=400_000):
    """The attractor's dimension by Kaplan and Yorke's formula, 1 + λ₁/|λ₂|, is 1.258.

    Both exponents over 400,000 steps.
    """
    first, second = cf.analysis.lyapunov(_map(b=b), [0.1, 0.1], steps)
    return {"dimension": 1 + first / abs(second)}


@CLAIMS.add(
    "enlargements", {"across": between(0.1, 0.5), "of_its_error": above(3.0)},
    Control("a = 1.8, b = 0, where all is one line", changes={"a": 1.8, "b": 0.0}), figure="boxes",
)  # fmt: skip
def cantor_structure(a=1.4, b=0.3, steps=200_000):
    """Across its leaves the attractor is a Cantor set: enlarged, each line is seen to be several.

    Along its leaves the attractor has dimension 1, so what the box dimension has beyond 1 is that across: 0 for finitely many
    lines, 1 for an area. ``across``: from boxes of eight sizes and more that 200,000 points fill; ``of_its_error``: over its
    error. (Tables have 0.26.)
    """
    found = _boxes(a, b, steps)
    if math.isnan(found.value):
        raise Undecided(found.reason)
    return {"across": found.value - 1, "of_its_error": (found.value - 1) / found.error}


def _boxes(a=1.4, b=0.3, steps=200_000):
    return cf.analysis.fractal_dimension(cf.iterate(_map(a, b), [0.1, 0.0], steps + 1000).z[1000:], "box")


@CLAIMS.prove(
    "the attractor", {"kind": "horseshoe", "entropy": above(0.25)},
    Control("a = 1.2, where less entropy is found", changes={"a": 1.2}), read="a secondary source", figure="horseshoe",
)  # fmt: skip
def horseshoe_proved(a=1.4):
    """At a = 1.4, b = 0.3 the map has a horseshoe: infinitely many cycles, and an entropy above 0.25.

    A certificate of parallelograms that cover each other. (The entropy is believed to be 0.4651.)
    """
    return cf.certify.horseshoe(_map(a), box=((-2, 2), (-1, 1)))


@CLAIMS.prove(
    "numbers", {"kind": "cycle", "period": 1, "stable": False, "points": near([0.63135448, 0.18940634], 1e-7),
                "multipliers": near([-1.92373886, 0.15594632], 1e-8)},
    Control("a = 0.3, where the point is stable", changes={"a": 0.3, "point": [0.9, 0.27]}), figure="attractor",
)  # fmt: skip
def fixed_point_proved(a=1.4, point=(0.63, 0.19)):
    """At a = 1.4, b = 0.3 the point (0.63135448, 0.18940634) is a saddle with multipliers −1.92373886 and 0.15594632.

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
