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


def _scalar(lr):
    return cf.as_map(cf.losses.uv_factorization(n=1), cf.optimizers.gd(lr=lr))


@CLAIMS.add(
    "function space", {"differences": "0, 0"},
    Control("the term of second order in f left out", changes={"second": 0}), settled="proved", proof="a SymPy identity",
)  # fmt: skip
def closed_in_function_space(second=1):
    """The output f = u·v and the sharpness at zero loss, S = |u|² + |v|², close: with e = f − y, f ← f − ηeS + η²e²f, S ← S −
    4ηef + η²e²S.

    What a step u ← u − ηev, v ← v − ηeu makes of uv and u² + v² of one entry, e being any number, minus the right sides. They are
    linear in uv and u² + v², so they hold for the sums over all entries.
    """
    u, v, e, eta = sp.symbols("u v e eta")
    f, s = u * v, u**2 + v**2
    after = {u: u - eta * e * v, v: v - eta * e * u}
    ours = f - eta * e * s + second * eta**2 * e**2 * f, s - 4 * eta * e * f + eta**2 * e**2 * s
    differences = [sp.expand(a.subs(after, simultaneous=True) - b) for a, b in zip((f, s), ours, strict=True)]
    return {"differences": ", ".join("0" if d == 0 else "not 0" for d in differences)}


@CLAIMS.add(
    "early sharpness reduction", {"largest_change": below(0.0), "orbits": 40},
    Control("starts with e f < 0: the output is too small", changes={"sign": -1}), read="a secondary source",
)  # fmt: skip
def sharpness_falls_where_output_is_too_large(sign=1, starts=40, seed=1):
    """Early in training sharpness falls where the output lies beyond the target, and rises where it falls short of it.

    40 random starts with u·v > 1 and η = 0.05: the largest change of |u|² + |v|² in the first step. It is −ηe(4f − ηeS).
    """
    rng, changes = np.random.default_rng(seed), []
    while len(changes) < starts:
        w = rng.normal(size=4)
        f = w[:2] @ w[2:]
        if sign * (f - 1) > 0.1 and f > 0.1:
            changes.append(float(np.sum(_net(0.05)(w) ** 2) - np.sum(w**2)))
    return {"largest_change": max(changes), "orbits": len(changes)}


def _start(rng):
    """Weights of a net of two units, small enough that it does not diverge."""
    w = rng.normal(size=4)
    return w * rng.uniform(0.2, 1.0) / np.linalg.norm(w)


@CLAIMS.add(
    "edge of stability", {"at_zero_loss": "20, 20, 0, 0"},
    Control("targets of half the size, for which minima of sharpness 2y stay stable", changes={"y": 0.5}), figure="edge",
    read="a secondary source",
)  # fmt: skip
def edge_needs_a_sharp_enough_target(y=1.0, rates=(0.9, 0.99, 1.01, 1.1), starts=20, seed=2):
    """Nets end at the edge where no minimum is stable, so for ηy > 1: the flattest minimum, a balanced one, has sharpness 2y.

    20 random small starts with target 1: how many reach zero loss at η = 0.9, 0.99, 1.01 and 1.1 within 20,000 steps.
    """
    rng, counts = np.random.default_rng(seed), []
    for lr in rates:
        counts.append(sum(cf.iterate(_net(lr, y), _start(rng), 20_000).loss[-1] < 1e-12 for _ in range(starts)))
    return {"at_zero_loss": ", ".join(map(str, counts))}


@CLAIMS.add(
    "edge of stability", {"means": near([2.005, 2.025, 2.05], 1e-6)},
    Control("the first step size is 0.99, below the edge", changes={"rates": (0.99, 1.05, 1.1)}), figure="edge",
    read="a secondary source",
)  # fmt: skip
def sharpness_hovers_at_the_edge(rates=(1.01, 1.05, 1.1), starts=10, seed=4):
    """At the edge sharpness oscillates about 2/η: η times its mean tends to 2 as ηy falls to 1.

    10 random starts, 20,000 steps, η = 1.01, 1.05, 1.1, target 1: η times the sharpness, the largest eigenvalue of the Hessian,
    averaged over the last 100 steps and all starts. By hand on u = v: the 2-cycle z₁ + z₂ = 1 − ηy gives 2 + (ηy − 1)/2.
    """
    rng, means = np.random.default_rng(seed), []
    for lr in rates:
        ends = [cf.iterate(_net(lr), _start(rng), 20_000) for _ in range(starts)]
        means.append(float(np.mean([lr * orbit.sharpness[-100:].mean() for orbit in ends])))
    return {"means": means}


@CLAIMS.add(
    "route to chaos", {"flips": near([math.sqrt(5) - 1, 1.288031754482843, 1.299227939650204], 1e-10),
                       "accumulation": near(1.30228346270071, 1e-9), "delta": near(4.6692016, 1e-5)},
    Control("the log cosh of the residual in place of its square", changes={"loss": "log_cosh"}), figure="cascade",
)  # fmt: skip
def period_doubling_route(loss="square"):
    """On the edge-of-stability manifold the learning rate leads through period doublings to chaos, as in a cubic map.

    The 2-cycle of gradient descent on (uv − 1)²/2 in both weights, followed from η = 1.1 through eight more flips. On u = v
    this is quadratic regression, with flips at ηy = √5 − 1, 1.28803, 1.29923 and so on.
    """
    if loss == "square":
        step = _scalar(1.1)
    else:
        step = cf.as_map(cf.Loss("logcosh(u*v - 1)", "u v"), cf.optimizers.gd(lr=1.1))
    start = cf.iterate(step, [1.2, 1.1], 5000).z[-1]
    found = cf.analysis.cascade(step, start, "lr", bounds=(1.02, 2.0), levels=8, period=2)
    return {"flips": found.flips[:3], "accumulation": found.accumulation, "delta": found.delta}


@CLAIMS.add(
    "route to chaos", {"periods": "1, 2, 4, 8, chaotic, 3", "imbalance": below(1e-9), "evidence": "chaotic"},
    Control("η = 1.22 in place of 1.26", changes={"rates": (0.9, 1.1, 1.22, 1.295, 1.4, 1.455)}), figure="edge",
)  # fmt: skip
def attractors_are_balanced(rates=(0.9, 1.1, 1.26, 1.295, 1.4, 1.455), seed=3):
    """From random starts nets of two units end on u = v with the periods of the cubic map: 1, 2, 4, 8, chaos, and 3 in its
    window.

    At η = 0.9, 1.1, 1.26, 1.295, 1.4, 1.455, one random small start each, 20,000 steps: the regime, and the greatest |uᵢ −
    vᵢ| at the end of the orbits beyond the edge; ``evidence``: exponent and 0–1 test together where it is
    chaotic. (At 0.9 the orbit ends on one of many minima, which need not be balanced.)
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
    "route to chaos", {"along": above(0.3), "across": below(-0.5), "across_at_two": near(0.0, 1e-4), "evidence": "chaotic"},
    Control("full chaos sought at η = 1.9", changes={"full": 1.9}), read="a secondary source",
)  # fmt: skip
def balance_attracts_until_full_chaos(lr=1.5, full=2.0):
    """Chaos on the manifold is stable across it: at ηy = 1.5 one exponent is positive, the other negative; at 2 the latter
    reaches 0.

    Both Lyapunov exponents of gradient descent on (uv − 1)²/2 at u = v over 100,000 steps. u − v is multiplied by 1 + ηe; at
    full chaos, where z = ηe has the arcsine law on [−2, 2], the mean of ln |1 + z| is ∫ ln |1 + 2 cos θ| dθ/π = 0.
    ``evidence``: exponent and 0–1 test together at ηy = 1.5.
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
