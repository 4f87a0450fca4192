"""B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR Comput. Math. Math. Phys. 4 (1964) 1–17.

The heavy-ball method x₊ = x − α∇f + β(x − x₋), its region of stability on a quadratic and the α, β with the fastest
convergence.
"""

import numpy as np
import sympy as sp
from scipy.optimize import minimize

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


@CLAIMS.add(
    "on two-step methods",
    {"rate": near(9 / 11, 1e-6), "gd": near(99 / 101, 1e-12), "best_found": at_least(9 / 11 - 1e-6)},
    Control("Nesterov's method with the same numbers", changes={"optimizer": "nesterov"}), figure="rates",
    domain="quadratics with 0 < m ≤ eigenvalues ≤ L, both attained; α > 0, 0 ≤ β < 1", examples="½(x² + 100y²)",
    perturbations=(Control("α 2 % larger", changes={"scale": 1.02}),),
)  # fmt: skip
def optimal_rate(optimizer="heavy_ball", m=1.0, L=100.0, scale=1.0):
    """With α = 4/(√L + √m)² and β = ((√L − √m)/(√L + √m))² heavy ball converges at the rate (√κ − 1)/(√κ + 1), κ = L/m, and
    no α, β do better; gradient descent's best is (κ − 1)/(κ + 1).

    Spectral radii of the map's Jacobian, κ = 100 (9/11 and 99/101). At the optimum the multipliers are double, so they are known
    to 1e-8 only. A search by Nelder and Mead's method from 5 places finds no better pair.
    """
    a, b = np.sqrt(m), np.sqrt(L)
    best = (scale * 4 / (a + b) ** 2, ((b - a) / (b + a)) ** 2)
    gd = cf.as_map(_quadratic(m, L), cf.optimizers.gd(lr=scale * 2 / (m + L)))

    def radius(pair):
        return _radius(optimizer, m, L, *pair) if 0 < pair[0] < 1 and 0 <= pair[1] < 1 else 2.0

    found = [minimize(radius, [best[0] * s, t], method="Nelder-Mead", options={"maxfev": 300}).fun
             for s, t in ((0.3, 0.2), (0.6, 0.5), (0.9, 0.7), (1.1, 0.65), (0.5, 0.9))]  # fmt: skip
    return {"rate": radius(best), "gd": float(np.abs(np.linalg.eigvals(gd.jacobian([0, 0]))).max()), "best_found": min(found)}


@CLAIMS.add(
    "on two-step methods", {"at_1": "s", "at_minus_1": "2*b - s + 2", "product": "b"},
    Control("Nesterov's look-ahead", changes={"ahead": True}),
    domain="quadratics; S > 0 one of their curvatures, α > 0, |β| < 1",
    proof="exact algebra: the characteristic polynomial at 1, −1 and 0; with Jury's criterion for two roots",
    perturbations=(Control("the averaged gradient, (1 − β)g", changes={"averaged": True}),),
)  # fmt: skip
def only_a_flip(ahead=False, averaged=False):
    """Heavy ball's multipliers on a curvature S are the roots of p(z) = z² − (1 + β − αS)z + β. They lie inside the unit
    circle iff p(1) = αS > 0, p(−1) = 2(1 + β) − αS > 0 and |β| < 1; a complex pair has modulus √β. So it converges iff 0 < α <
    2(1 + β)/S, and the first instability as α grows is a flip, never a rotation.

    SymPy takes the characteristic polynomial of the step x₊ = x − α∇f + β(x − x₋) (s = αS, b = β).
    """
    s, b, z = sp.symbols("s b z")
    look = sp.Matrix([[(1 + b) * (1 - s), -b * (1 - s)], [1, 0]]) if ahead else sp.Matrix([[1 + b - s, -b], [1, 0]])
    p = look.subs(s, (1 - b) * s if averaged else s).charpoly(z).as_expr()
    return {
        "at_1": str(sp.expand(p.subs(z, 1))), "at_minus_1": str(sp.expand(p.subs(z, -1))),
        "product": str(sp.expand(p.subs(z, 0))),
    }  # fmt: skip


def _quadratic(m, L):
    return cf.Loss("m*x**2/2 + L*y**2/2", "x y", params={"m": m, "L": L})


def _radius(optimizer, m, L, lr, momentum):
    step = cf.as_map(_quadratic(m, L), getattr(cf.optimizers, optimizer)(lr=float(lr), momentum=float(momentum)))
    return float(np.abs(np.linalg.eigvals(step.jacobian([0.0, 0.0]))).max())


@CLAIMS.prove(
    "own statement", {"kind": ["convergence"] * 2, "box": ["[-3, 3] × [-1, 1]"] * 2},
    Control("η = 3.2, beyond the edge 3", changes={"lr": "3.2"}), figure="proof",
    domain="w²/2 and log cosh w, one weight; β = 1/2, η = 1.5",
    perturbations=(Control("η = 3.05, just beyond the edge", changes={"lr": "3.05"}),),
)  # fmt: skip
def converges_proved(lr="1.5"):
    """With β = 1/2 and η = 1.5, half of the edge 2(1 + β)/L″(0) = 3, heavy ball v ← βv + g, w ← w − ηv takes every weight in
    [−3, 3] with every v in [−1, 1] to the minimum.

    Two certificates of convergence. Where there is none, one of the unstable minimum.
    """
    heavy, box = cf.optimizers.heavy_ball(lr=1, momentum=0.5), ((-3, 3), (-1, 1))
    return [_to_minimum(loss, heavy, box, lr) for loss in ("w**2/2", "logcosh(w)")]


@CLAIMS.prove(
    "own statement", {"kind": ["convergence"] * 2, "box": ["[0.1, 1.5] (ends rounded to doubles)", "[-3, 3]"]},
    Control("η = 2.1, beyond both edges", changes={"lr": "2.1"}),
    domain="(w² − 1)²/4 and log cosh w, one weight; η = 1/2",
    perturbations=(Control("η = 1.02, beyond the edge of the double well", changes={"lr": "1.02"}),),
)  # fmt: skip
def descent_converges_proved(lr="0.5"):
    """At η = 1/2 gradient descent takes every start in [0.1, 1.5] to the minimum 1 of the double well, and every start in
    [−3, 3] to that of log cosh.

    Two certificates of convergence. Where there is none, one of the unstable minimum.
    """
    gd = cf.optimizers.gd(lr=1)
    return [_to_minimum("(w**2 - 1)**2/4", gd, (0.1, 1.5), lr, 1.0), _to_minimum("logcosh(w)", gd, (-3, 3), lr)]


def _to_minimum(loss, optimizer, box, lr, minimum=0.0):
    found = cf.certify.convergence(loss, optimizer, box, lr=lr)
    beside = found if found.proved else cf.certify.cycle(loss, optimizer, [minimum], 1, lr=lr)
    return beside if beside.claim.get("stable") is not True else found


def figures():
    """The rate over momentum, for the best step."""
    return {"rates": _rates, "proof": lambda: cf.plot(converges_proved()[1])}


def _rates():
    import matplotlib.pyplot as plt

    momenta = np.linspace(0, 0.95, 96)
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name in ("heavy_ball", "nesterov"):
        rates = np.linspace(0.005, 0.045, 60)
        axes.plot(momenta, [min(_radius(name, 1.0, 100.0, r, b) for r in rates) for b in momenta], label=name.replace("_", " "))
    axes.axhline(9 / 11, color="0.5", lw=0.8, ls="--")
    axes.set(xlabel="momentum β", ylabel="contraction per step, best α", title="A quadratic with L/m = 100; dashed: 9/11")
    axes.legend()
    return figure
