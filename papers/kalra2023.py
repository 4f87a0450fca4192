"""D. S. Kalra, T. He, M. Barkeshli, *Universal sharpness dynamics in neural network training: fixed point analysis, edge of
stability, and route to chaos*, arXiv 2311.02076 (2023).

A two-layer linear net trained on one example, the UV model, shows early sharpness reduction, progressive sharpening, the edge
of stability, and a period-doubling route to chaos on the manifold that the edge holds it on. Here L = (u·v − y)²/2.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _net(lr, y=1.0):
    return cf.as_map(cf.losses.uv_factorization(n=2, y=y), cf.optimizers.gd(lr=lr))


def _scalar(lr, y=1.0):
    return cf.as_map(cf.losses.uv_factorization(n=1, y=y), cf.optimizers.gd(lr=lr))


@CLAIMS.add(
    "abstract (function space; sharpness reduction)", {"differences": "0, 0"},
    Control("the term of second order in f left out", changes={"second": 0}),
    domain="(u·v − y)²/2, u and v of any one length; all u, v, y, η > 0; e = u·v − y, S = |u|² + |v|²",
    perturbations=(Control("3ηef in place of 4ηef", changes={"four": 3}),),
    proof="exact algebra: both differences are 0 in SymPy; the signs are read off −ηe(4f − ηeS)",
)  # fmt: skip
def closed_in_function_space(second=1, four=4):
    """The output f = u·v and the sharpness at zero loss, S = |u|² + |v|², close: a step maps f to f − ηeS + η²e²f and S to S −
    4ηef + η²e²S. So where the output is positive S rises if it falls short of the target, and beyond the target S falls if
    and only if ηeS < 4f.

    What a step u ← u − ηev, v ← v − ηeu makes of uv and u² + v² of one entry, e being any number, minus the right sides. They are
    linear in uv and u² + v², so they hold for the sums over all entries.
    """
    u, v, e, eta = sp.symbols("u v e eta")
    f, s = u * v, u**2 + v**2
    after = {u: u - eta * e * v, v: v - eta * e * u}
    ours = f - eta * e * s + second * eta**2 * e**2 * f, s - four * eta * e * f + eta**2 * e**2 * s
    differences = [sp.expand(a.subs(after, simultaneous=True) - b) for a, b in zip((f, s), ours, strict=True)]
    return {"differences": ", ".join("0" if d == 0 else "not 0" for d in differences)}


def _start(rng):
    """Weights of a net of two units, small enough that it does not diverge."""
    w = rng.normal(size=4)
    return w * rng.uniform(0.2, 1.0) / np.linalg.norm(w)


@CLAIMS.add(
    "abstract (the required conditions for edge of stability); the condition is derived here", {"at_zero_loss": "20, 20, 0, 0"},
    Control("targets of half the size, for which minima of sharpness 2y stay stable", changes={"y": 0.5}), figure="edge",
    domain="(u·v − y)²/2, two units, y = 1; η = 0.9, 0.99, 1.01, 1.1; 20 random starts of norm 0.2 to 1 each",
    perturbations=(Control("η = 0.99 in place of 1.01", changes={"rates": (0.9, 0.99, 0.99, 1.1)}),
                   Control("a target of 0.98", changes={"y": 0.98})),
)  # fmt: skip
def edge_needs_a_sharp_enough_target(y=1.0, rates=(0.9, 0.99, 1.01, 1.1), starts=20, seed=2):
    """The flattest minima have the sharpness 2y, so that none is stable for ηy > 1: with y = 1 all of the small random starts
    reach zero loss at η = 0.9 and 0.99, and none of them at η = 1.01 and 1.1.

    Zero loss is a loss below 10⁻¹² after 20,000 steps. At zero loss the sharpness is |u|² + |v|² ≥ 2u·v = 2y.
    """
    rng, counts = np.random.default_rng(seed), []
    for lr in rates:
        counts.append(sum(cf.iterate(_net(lr, y), _start(rng), 20_000).loss[-1] < 1e-12 for _ in range(starts)))
    return {"at_zero_loss": ", ".join(map(str, counts))}


@CLAIMS.add(
    "abstract (edge of stability); the mean is derived here", {"means": near([2.005, 2.025, 2.05], 1e-6)},
    Control("the first step size is 0.99, below the edge", changes={"rates": (0.99, 1.05, 1.1)}), figure="edge",
    domain="(u·v − 1)²/2, two units; η = 1.01, 1.05, 1.1; ten random starts of norm 0.2 to 1 each",
    perturbations=(Control("η = 1.11 in place of 1.1", changes={"rates": (1.01, 1.05, 1.11)}),),
)  # fmt: skip
def sharpness_hovers_at_the_edge(rates=(1.01, 1.05, 1.1), starts=10, seed=4):
    """At the edge the sharpness ends on a 2-cycle about 2/η: η times its mean is 2 + (η − 1)/2, which is 2 in the limit η → 1.

    20,000 steps: η times the sharpness, the largest eigenvalue of the Hessian, averaged over the last 100 steps and all starts.
    By hand on u = v: the 2-cycle has ηe₁ + ηe₂ = 1 − ηy, and the sharpness is S + e with S = 2(y + e).
    """
    rng, means = np.random.default_rng(seed), []
    for lr in rates:
        ends = [cf.iterate(_net(lr), _start(rng), 20_000) for _ in range(starts)]
        means.append(float(np.mean([lr * orbit.sharpness[-100:].mean() for orbit in ends])))
    return {"means": means}


def _flips_by_hand():
    """The first three flips of the 2-cycle of u − ηu(u² − 1), by SciPy: where the slope along the 2ⁿ-cycle is −1."""
    from scipy.optimize import brentq

    def slope(lr, period):
        u, product = 1.2, 1.0
        for _ in range(200_000):
            u -= lr * u * (u * u - 1)
        for _ in range(60):  # Newton's method on the cycle
            point, product = u, 1.0
            for _ in range(period):
                point, product = point - lr * point * (point**2 - 1), product * (1 - lr * (3 * point**2 - 1))
            u -= (point - u) / (product - 1)
        return product + 1

    brackets = ((2, 1.2, 1.239), (4, 1.25, 1.2885), (8, 1.2895, 1.2993))
    return {"flips": [brentq(slope, low, high, args=(period,), xtol=1e-13) for period, low, high in brackets]}


@CLAIMS.add(
    "abstract (a period-doubling route to chaos); the numbers are ours",
    {"flips": near([math.sqrt(5) - 1, 1.288031754482843, 1.299227939650204], 1e-10),
     "accumulation": near(1.30228346270071, 1e-9), "delta": near(4.6692016, 1e-5)},
    Control("the log cosh of the residual in place of its square", changes={"loss": "log_cosh"}), figure="cascade",
    domain="(uv − 1)²/2, one unit; 1.1 ≤ η < 1.31, on the attractor u = v", second=_flips_by_hand,
    perturbations=(Control("the target 1.02", changes={"y": 1.02}),),
)  # fmt: skip
def period_doubling_route(loss="square", y=1.0):
    """On the edge-of-stability manifold u = v the 2-cycle doubles its period at η = √5 − 1, 1.28803, 1.29923, and so on, with
    Feigenbaum's ratio 4.6692, up to η = 1.302283.

    The 2-cycle of gradient descent in both weights, followed from η = 1.1 through eight more flips: the first three, their
    limit by extrapolation, and the ratio. The second and third flip and the limit are those of the cubic map u − ηu(u² − 1).
    """
    if loss == "square":
        step = _scalar(1.1, y)
    else:
        step = cf.as_map(cf.Loss("logcosh(u*v - 1)", "u v"), cf.optimizers.gd(lr=1.1))
    start = cf.iterate(step, [1.2, 1.1], 5000).z[-1]
    found = cf.analysis.cascade(step, start, "lr", bounds=(1.02, 2.0), levels=8, period=2)
    return {"flips": found.flips[:3], "accumulation": found.accumulation, "delta": found.delta}


@CLAIMS.add(
    "abstract (a period-doubling route to chaos); the example is ours",
    {"periods": "1, 2, 4, 8, chaotic, 3", "imbalance": below(1e-9), "evidence": "chaotic"},
    Control("η = 1.22 in place of 1.26", changes={"rates": (0.9, 1.1, 1.22, 1.295, 1.4, 1.455)}), figure="edge",
    domain="(u·v − 1)²/2, two units; η = 0.9, 1.1, 1.26, 1.295, 1.4, 1.455; one random start of norm 0.2 to 1 each",
    perturbations=(Control("η = 1.465 in place of 1.455", changes={"rates": (0.9, 1.1, 1.26, 1.295, 1.4, 1.47)}),),
)  # fmt: skip
def attractors_are_balanced(rates=(0.9, 1.1, 1.26, 1.295, 1.4, 1.455), seed=3):
    """From a random start nets of two units end at a minimum at η = 0.9, and beyond the edge on u = v with the period 2, 4, 8,
    in chaos, and with the period 3 of a window, at η = 1.1, 1.26, 1.295, 1.4 and 1.455.

    20,000 steps: the regime, and the greatest |uᵢ − vᵢ| at the end of the orbits beyond the edge; ``evidence``: exponent and 0–1
    test together where it is chaotic. (At 0.9 the orbit ends on one of many minima, which need not be balanced.)
    """
    rng, names, evidence, imbalance = np.random.default_rng(seed), [], [], 0.0
    for lr in rates:
        w = _start(rng)
        found = cf.analysis.classify(_net(lr), w)
        names.append(str(found.period) if found.period else found.kind)
        if lr > 1:
            last = cf.iterate(_net(lr), w, 20_000).w[-1]
            imbalance = max(imbalance, abs(last[:2] - last[2:]).max())
        if found.kind == "chaotic":
            evidence.append(cf.analysis.chaos(_net(lr), w, 20_000, dimensions=False).kind)
    return {"periods": ", ".join(names), "imbalance": imbalance, "evidence": ", ".join(evidence)}


@CLAIMS.add(
    "own statement", {"along": above(0.3), "across": below(-0.5), "across_at_two": near(0.0, 1e-4), "evidence": "chaotic"},
    Control("full chaos sought at η = 1.9", changes={"full": 1.9}),
    domain="(uv − 1)²/2, one unit; η = 1.5 and 2, orbits on u = v",
    perturbations=(Control("full chaos sought at η = 1.99", changes={"full": 1.99}),
                   Control("η = 1.455, in the window of period 3", changes={"lr": 1.455})),
)  # fmt: skip
def balance_attracts_until_full_chaos(lr=1.5, full=2.0):
    """Chaos on the manifold u = v is stable across it at η = 1.5, where the exponent along it is positive and that across it
    negative; at η = 2 the exponent across it is 0.

    Both Lyapunov exponents of gradient descent on (uv − 1)²/2 at u = v over 100,000 steps. u − v is multiplied by 1 + ηe; at
    full chaos, where z = ηe has the arcsine law on [−2, 2], the mean of ln |1 + z| is ∫ ln |1 + 2 cos θ| dθ/π = 0.
    ``evidence``: exponent and 0–1 test together at η = 1.5.
    """
    first, second = (cf.analysis.lyapunov(_scalar(r), [1.0001, 1.0001], 100_000) for r in (lr, full))
    return {"along": first[0], "across": first[1], "across_at_two": second[1],
            "evidence": cf.analysis.chaos(_scalar(lr), [1.0001, 1.0001], dimensions=False).kind}  # fmt: skip


def figures():
    """The doublings beyond the edge, and sharpness along one orbit beside 2/η."""
    return {"cascade": _doublings, "edge": lambda: cf.plot(cf.iterate(_net(1.1), [0.3, -0.1, 0.2, 0.4], 120))}


def _doublings():
    step = _scalar(1.1)
    start = cf.iterate(step, [1.2, 1.1], 5000).z[-1]
    return cf.plot(cf.analysis.cascade(step, start, "lr", bounds=(1.02, 1.4), levels=7, period=2))
