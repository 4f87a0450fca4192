"""B. Goujaud, A. Taylor, A. Dieuleveut, *Provable non-accelerations of the heavy-ball method*, arXiv 2307.11291, Math.
Program. (2025).

For every condition number and every tuning heavy ball is either not accelerated on quadratics or does not converge on some
smooth and strongly convex function, on which it cycles. All parameters with cycles of a particular shape are described
analytically. The formulas below (cycles at the roots of unity in the plane, F(μ, L) the μ-strongly convex functions with an
L-Lipschitz gradient) are from memory and checked by other means.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
RATIO = 20.0  # L/μ of the example, above 9 + 4√5
ROOTS = [1.0, 0.0, -0.5, 0.75**0.5, -0.5, -(0.75**0.5)]


@CLAIMS.add(
    "abstract (all parametrizations with such cycles); the formula: own statement",
    {"disagreements": 0, "cycles": at_least(1000)},
    Control("half the angle, cos(π/K)", changes={"turn": 0.5}), figure="regions",
    domain="heavy ball x ← x + β(x − x₋) − γ∇f(x), 0 < β < 1, 0 < γL < 2 + 2β; f in F(μ, L) of two variables, κ = μ/L < 1; K ≥ 3",
    perturbations=(Control("2.05 in place of the first 2", changes={"weight": 2.05}),),
    examples="K = 3, 4, 5, 6, 7, 9 at 2,500 random (γ, β, κ) each, κ in (0.001, 0.5)",
)  # fmt: skip
def condition(turn=1.0, seed=0, weight=2.0):
    """Heavy ball with step γ and momentum β has the K-th roots of unity as a cycle on some function of F(μ, L) iff, with c =
    cos(2π/K) and κ = μ/L, (μγ)² − 2[β − c + κ(1 − βc)]μγ + 2κ(1 − c)(1 + β² − 2βc) ≤ 0.

    The cycle prescribes the gradients; a function of the class with these gradients at these points exists iff the
    interpolation inequalities of Taylor, Hendrickx and Glineur hold for all pairs of points, and by symmetry its values may
    be taken equal. ``disagreements``: where the two differ; ``cycles`` counts where they hold.
    """
    rng, wrong, cycles = np.random.default_rng(seed), 0, 0
    for K in (3, 4, 5, 6, 7, 9):
        for _ in range(2500):
            b, k = rng.uniform(0, 1), rng.uniform(0.001, 0.5)
            mg = rng.uniform(0, 2 * (1 + b)) * k
            c = np.cos(turn * 2 * np.pi / K)
            stated = mg**2 - weight * (b - c + k * (1 - b * c)) * mg + 2 * k * (1 - c) * (1 + b * b - 2 * b * c) <= 0
            exists = _interpolable(K, mg, b, k)
            wrong, cycles = wrong + (stated != exists), cycles + exists
    return {"disagreements": int(wrong), "cycles": int(cycles)}


@CLAIMS.add(
    "own statement", {"least": "4*sqrt(5) + 9", "one_sign": True},
    Control("a 4-cycle", changes={"double_cosine": 0}),
    domain="heavy ball with Polyak's tuning for quadratics; all L/μ > 1; the inequality of goujaud2023.condition, K = 3",
    perturbations=(Control("a step 2 % longer", changes={"stretch": "51/50"}),),
    proof="exact algebra: the roots in r = √(μ/L) of the inequality, and its sign between them",
)  # fmt: skip
def polyak_tuning(double_cosine=-1, stretch="1"):
    """With Polyak's tuning γ = 4/(√L + √μ)², β = ((√L − √μ)/(√L + √μ))² the condition for a 3-cycle at the roots of unity holds
    iff L/μ ≥ 9 + 4√5 = 17.944….

    With r = √(μ/L) the condition (the claim before) becomes −r²(r² + 4r − 1)(3r² − 4r − 3)/(1 + r)⁴ ≤ 0. On (0, 1) the last
    factor is negative (a convex parabola, negative at both ends), so the condition is r² + 4r − 1 ≤ 0, r ≤ √5 − 2. The check
    finds the roots in (0, 1) by algebra, that there is one, and the sign on its left.
    """
    r, c = sp.symbols("r", positive=True), sp.Rational(double_cosine, 2)
    b, k, mg = ((1 - r) / (1 + r)) ** 2, r**2, sp.Rational(stretch) * 4 * r**2 / (1 + r) ** 2
    stated = sp.together(mg**2 - 2 * (b - c + k * (1 - b * c)) * mg + 2 * k * (1 - c) * (1 + b**2 - 2 * b * c))
    roots = [root for root in sp.roots(sp.Poly(sp.numer(stated), r)) if root.is_real and 0 < root < 1]
    if len(roots) != 1:
        return {"least": f"{len(roots)} roots", "one_sign": False}
    left, right = (stated.subs(r, x) for x in (roots[0] / 2, (roots[0] + 1) / 2))
    return {"least": str(sp.expand(sp.radsimp(1 / roots[0] ** 2))), "one_sign": bool(left < 0 < right)}


@CLAIMS.add(
    "abstract (cycles; robustness to perturbations); the function: own statement",
    {"period": 3, "radii": near([1.0] * 3, 1e-9), "largest": near((1 - 2 / (1 + np.sqrt(RATIO))) ** 3, 1e-4)},
    Control("L/μ = 15, below 9 + 4√5", changes={"ratio": 15.0}), figure="cycle",
    domain="f = L|x|²/2 − (L − μ)d(x)²/2, d the distance from a triangle, L/μ = 20, Polyak's tuning; a start 0.01 from the cycle",
    perturbations=(Control("L/μ = 21, with another multiplier", changes={"ratio": 21.0}),),
)  # fmt: skip
def function_with_a_cycle(ratio=RATIO):
    """On f = L|x|²/2 − (L − μ)d(x)²/2, d the distance from a triangle, L/μ = 20, heavy ball with Polyak's tuning, which
    converges on every quadratic of the class, has an attracting 3-cycle at the third roots of unity, with multipliers of
    modulus √β³.

    The triangle has the corners (g − μx)/(L − μ), x the points of the cycle and g the gradients there. A start 0.01 away from
    the cycle is classified. Near the cycle f has the curvature μ, so its multipliers are those of a quadratic; for L/μ = 15
    the same start goes to the minimum.
    """
    step = _step(ratio)
    angle = 2 * np.pi / 3
    start = [1.01, 0.0, *((np.array([1.0, 0.0]) - [np.cos(angle), -np.sin(angle)]) / -step.params["lr"])]
    found = cf.analysis.classify(step, start)
    return {
        "period": found.period, "radii": np.hypot(*found.points[:, :2].T).tolist(), "kind": found.kind,
        "largest": float(np.abs(found.multipliers).max()),
    }  # fmt: skip


@CLAIMS.prove(
    "own statement", {"kind": "cycle", "period": 3, "points": near(ROOTS, 1e-6)},
    Control("a cycle of period 2 there", expected={"period": 2}), figure="cycle",
    domain="one function of two variables, L/μ = 20; Polyak's tuning for quadratics",
    perturbations=(Control("points 3 % further out", expected={"points": near([1.03 * x for x in ROOTS], 1e-6)}),),
)  # fmt: skip
def cycle_proved(ratio=RATIO):
    """On f = L|x|²/2 − (L − μ)d(x)²/2, d the distance from a triangle, L/μ = 20, heavy ball with Polyak's tuning, its numbers
    taken with 16 digits, has a 3-cycle within 1e-6 of the third roots of unity.

    The points lie on the rays through the triangle's corners, where the squared distances to two sides are equal but for the
    last digits: one is the smaller all over a point's box, which only exact polynomials show.
    """
    turn, lr = np.exp(2j * np.pi * np.arange(3) / 3), -_step(ratio).params["lr"]
    moves = (turn - np.roll(turn, 1)) / lr
    points = np.stack([turn.real, turn.imag, moves.real, moves.imag], axis=1).tolist()
    return cf.certify.cycle(_step(ratio), points=points, period=3)


def _interpolable(K, mg, b, k):
    """The inequalities for point 0 against the others, μ = 1, L = 1/k."""
    turn = np.exp(2j * np.pi / K)
    x = turn ** np.arange(K)
    g = ((1 + b) * x - b * x / turn - x * turn) / mg
    dx, dg = x[1:] - x[0], g[1:] - g[0]
    linear, mixed = (g[0] * dx.conj()).real, (dg * dx.conj()).real
    return bool((linear + (k * abs(dg) ** 2 + abs(dx) ** 2 - 2 * k * mixed) / (2 * (1 - k)) <= 0).all())


def _step(ratio):
    """Heavy ball on f with μ = 1, tuned for quadratics."""
    lr, momentum = 4 / (1 + np.sqrt(ratio)) ** 2, ((np.sqrt(ratio) - 1) / (np.sqrt(ratio) + 1)) ** 2
    turn = np.exp(2j * np.pi / 3)
    corner = (((1 + momentum) - momentum / turn - turn) / lr - 1) / (ratio - 1)
    names = {"L": ratio, "side": abs(corner) * np.sqrt(3) / 2, "inner": abs(corner) / 2}
    for j in range(3):
        normal = corner / abs(corner) * turn**j * np.exp(1j * np.pi / 3)
        names |= {f"p{j}": normal.real, f"q{j}": normal.imag}
    out = [f"(p{j}*x + q{j}*y - inner)" for j in range(3)]
    along = [f"Max(Abs(p{j}*y - q{j}*x) - side, 0)" for j in range(3)]
    square = f"Min({', '.join(f'{o}**2 + {a}**2' for o, a in zip(out, along, strict=True))})"
    formula = f"L*(x**2 + y**2)/2 - (L - 1)/2*Piecewise((0, Max({', '.join(out)}) < 0), ({square}, True))"
    return cf.as_map(cf.Loss(formula, "x y", params=names), cf.optimizers.heavy_ball(lr=lr, momentum=momentum))


def figures():
    """Where cycles exist, and one."""
    return {"regions": _regions, "cycle": _cycle}


def _regions():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    k = 0.02
    steps, momenta = np.meshgrid(np.linspace(0.01, 4, 240), np.linspace(0, 0.999, 200))
    for K, color in zip((3, 4, 5, 7), ("C0", "C1", "C2", "C3"), strict=True):
        c, mg = np.cos(2 * np.pi / K), steps * k
        stated = mg**2 - 2 * (momenta - c + k * (1 - momenta * c)) * mg + 2 * k * (1 - c) * (1 + momenta**2 - 2 * momenta * c)
        axes.contour(steps, momenta, np.where(steps < 2 + 2 * momenta, stated, np.nan), [0], colors=color)
        axes.plot([], [], color=color, label=f"cycles of {K} points")
    root = np.sqrt(1 / k)
    axes.plot(4 * root**2 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2, "k*", label="Polyak's tuning")
    axes.plot(2 + 2 * momenta[:, 0], momenta[:, 0], "k--", lw=0.8, label="edge on quadratics")
    axes.set(xlabel="step γL", ylabel="momentum β", title="Heavy ball, L/μ = 50:\ncycles between each line and the dashed edge")
    axes.legend(fontsize="small")
    return figure


def _cycle():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for ratio in (RATIO, 15.0):
        step = _step(ratio)
        start = [1.01, 0.0, -1.5 / step.params["lr"], -np.sqrt(0.75) / step.params["lr"]]
        axes.plot(np.hypot(*cf.iterate(step, start, 60).w.T), ".-", label=f"L/μ = {ratio:g}")
    axes.set(xlabel="step", ylabel="distance from the minimum", title="Heavy ball with Polyak's tuning")
    axes.legend()
    return figure
