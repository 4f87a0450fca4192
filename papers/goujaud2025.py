"""B. Goujaud, A. Taylor, A. Dieuleveut, *Open problem: two riddles in heavy-ball dynamics*, arXiv 2502.19916 (2025).

Does heavy ball accelerate in dimension one, and how does it behave for parameters for which it seems that neither a Lyapunov
function nor a cycle exists? What is checked here are parameters without cycles at the roots of unity, whose existence is
decided by the sign of the formula of goujaud2023.condition.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _formula(c, ratio, step, momentum):
    """Not positive iff the K-th roots of unity, c = cos(2π/K), are a cycle on some loss with curvatures in [μ, L]."""
    mg = ratio * step
    linear = -2 * (momentum - c + ratio * (1 - momentum * c)) * mg
    return mg**2 + linear + 2 * ratio * (1 - c) * (1 + momentum**2 - 2 * momentum * c)


@CLAIMS.add(
    "own statement",
    {"cycles": "none", "convex": True, "inside": True, "least": "3469/25000000"},
    Control("β = 7/10", changes={"momentum": "7/10"}),
    domain="heavy ball, μ/L = 1/100, Lη = 113/50, β = 3/5; the inequality of goujaud2023.condition, all K ≥ 3",
    perturbations=(Control("Lη = 116/50", changes={"step": "116/50"}),),
    proof="exact algebra: the zeros of the inequality as a parabola in c = cos(2π/K)",
)  # fmt: skip
def no_cycle_at_the_roots_of_unity(momentum="3/5", step="113/50"):
    """With μ/L = 1/100, Lη = 113/50 and β = 3/5 the condition for a cycle of heavy ball at the K-th roots of unity holds for
    no K ≥ 3.

    The formula is a convex parabola in c = cos(2π/K). Its zeros lie between the values of c for K = 4 and 5, 0 and (√5 − 1)/4,
    and no K gives a c between, so that it is positive at all K. ``least``: its value at K = 4. All in exact numbers.
    """
    c = sp.symbols("c")
    parabola = sp.Poly(sp.expand(_formula(c, sp.Rational(1, 100), sp.Rational(step), sp.Rational(momentum))), c)
    zeros = sp.real_roots(parabola)
    inside = len(zeros) == 2 and bool(zeros[0] > 0) and bool(zeros[1] < (sp.sqrt(5) - 1) / 4)
    cycles = [k for k in range(3, 60) if parabola.as_expr().subs(c, sp.cos(2 * sp.pi / k)).evalf(30) <= 0]
    return {
        "cycles": ", ".join(map(str, cycles)) or "none", "convex": bool(parabola.LC() > 0), "inside": inside,
        "least": str(parabola.eval(0)),
    }  # fmt: skip


@CLAIMS.add(
    "own statement", {"cycles": 0},
    Control("Lη = 3 and β = 0.7, inside the stable range too: some orbits cycle", changes={"step": 3.0, "momentum": 0.7}),
    domain="60 random convex losses of one weight, slope piecewise linear with the curvatures 1/100 and 1; two starts each",
    perturbations=(Control("Lη = 3.3, beyond the edge 2 + 2β on quadratics", changes={"step": 3.3}),),
)  # fmt: skip
def no_cycle_on_piecewise_quadratics(step=2.26, momentum=0.6, losses=60, seed=0):
    """With μ/L = 1/100, Lη = 2.26 and β = 0.6 all 120 orbits of heavy ball on a sample of piecewise quadratic losses of one
    weight end at rest.

    The curvatures 1/100 and 1 alternate on six pieces: how many orbits of 4,000 steps do not end at rest.
    """
    rng, moving = np.random.default_rng(seed), 0
    for _ in range(losses):
        knots = np.sort(rng.uniform(-2, 2, 5)).tolist()
        kinks = " + ".join(f"({'-' if k % 2 else ''}0.99)*Max(0, w - ({knot}))**2/2" for k, knot in enumerate(knots))
        loss = cf.Loss(f"0.01*w**2/2 + ({kinks}) - ({float(rng.uniform(-1, 1))})*w", "w")
        ball = cf.as_map(loss, cf.optimizers.heavy_ball(lr=step, momentum=momentum))
        for start in rng.uniform(-4, 4, 2).tolist():
            w = cf.iterate(ball, [start], 4000).w[-60:, 0]
            moving += not (np.isfinite(w).all() and np.ptp(w) < 1e-6 * (1 + abs(w).max()))
    return {"cycles": moving}


CLAIMS.undecided(
    "no_acceleration_in_one_dimension", "abstract (the riddle)",
    "No tuning of heavy ball accelerates in dimension one on smooth and strongly convex losses.",
    needs="a proof, or a search over all piecewise quadratic losses", domain="L-smooth μ-strongly convex losses of one weight",
)  # fmt: skip


def figures():
    """The formula over the angle."""
    return {"formula": _panel}


def _panel():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    c = np.linspace(-0.1, 0.4, 200)
    axes.plot(c, _formula(c, 0.01, 2.26, 0.6), label="β = 0.6")
    axes.plot(c, _formula(c, 0.01, 2.26, 0.7), label="β = 0.7")
    axes.axhline(0, color="0.6", lw=0.8)
    for k in (4, 5):
        axes.axvline(math.cos(2 * math.pi / k), color="0.6", lw=0.8)
    axes.set(xlabel="c = cos(2π/K), lines at K = 4 and 5", ylabel="cycle iff not positive", ylim=(-0.003, 0.003))
    axes.legend()
    return figure
