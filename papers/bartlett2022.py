"""P. L. Bartlett, P. M. Long, O. Bousquet, *The dynamics of sharpness-aware minimization: bouncing across ravines and
drifting towards wide minima*, arXiv 2210.01513, JMLR 24 (2023).

On a convex quadratic sharpness-aware minimization (SAM) ends, from almost all starts, on a cycle that bounces from one side
of the minimum to the other along the direction of the greatest curvature. Where the loss is not quadratic these oscillations
descend on the spectral norm of the Hessian, with a third derivative.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "abstract; the amplitude is derived here",
    {"cycles": 100, "across": below(1e-9), "amplitude": near(0.2 * 0.3 * 3 / (2 - 0.2 * 3), 1e-9)},
    Control("gradient descent, which converges", changes={"optimizer": "gd"}), figure="bouncing",
    domain="convex quadratics with a simple largest curvature λ, ηλ < 1, most random starts",
    examples="curvatures 1, 1.7, 3, η = 0.2, ρ = 0.3, 100 normal starts",
    perturbations=(Control("ρ = 0.303 held against the points of ρ = 0.3", changes={"rho": 0.303}),),
)  # fmt: skip
def cycle_on_quadratics(optimizer="sam", starts=100, rho=0.3):
    """On a convex quadratic SAM converges for most random starts to a cycle between the two points ±ηρλ/(2 − ηλ) u on either
    side of the minimum, u the unit vector along the largest curvature λ.

    800 steps: how many alternate at the end, the largest component across u, and the component along u with the largest error.
    """
    made = cf.optimizers.sam(lr=0.2, rho=rho) if optimizer == "sam" else cf.optimizers.gd(lr=0.2)
    step, rng = cf.as_map(cf.Loss("x**2/2 + 17*y**2/20 + 3*z**2/2"), made), np.random.default_rng(0)
    ends = np.array([cf.iterate(step, rng.normal(size=3), 800).w[-3:] for _ in range(starts)])
    again, other = np.abs(ends[:, 2] - ends[:, 0]).max(axis=1), np.abs(ends[:, 1, 2] + ends[:, 0, 2])
    size = np.abs(ends[:, 2, 2])
    return {
        "cycles": int(((again < 1e-12) & (other < 1e-12) & (size > 1e-3)).sum()), "across": float(np.abs(ends[..., :2]).max()),
        "amplitude": float(size[np.argmax(np.abs(size - 0.18 / 1.4))]),
    }  # fmt: skip


@CLAIMS.add(
    "own statement", {"residuals": "0, 0, 0", "stable": [True, False], "multipliers": near(37.21, 1e-8)},
    Control("gradient descent, for which the cycle is none", changes={"rho": 0}),
    domain="convex quadratics of d weights, 0 < ηλ < 2, ρ > 0; the 2-cycle on the axis of a curvature λ",
    proof="exact algebra: one step of SAM in symbols, differentiated at the cycle's point",
    perturbations=(Control("λ for c in the second term", changes={"power": 1}),),
)  # fmt: skip
def transverse_multipliers(rho=1, power=2):
    """The axis of each curvature λ carries a 2-cycle ±ηρλ/(2 − ηλ) of SAM. A step multiplies a small component along it by 1 −
    ηλ and one along another axis, of curvature c, by 1 − ηc − (c/λ)²(2 − ηλ): between −1 and 1 if c < λ, below −1 if c > λ. So
    for ηλ < 2 it attracts if λ is larger than all other curvatures, and is unstable if another one is larger.

    SymPy, diag(c, λ); other axes are alike, as ‖g‖ is even in them. The factor falls with c and is −1 at c = λ. Also the 2-cycles
    that cfdyn finds for ½(3x² + 1.5y²), η = 0.3, ρ = 0.1: which are stable, and the larger multiplier of two steps of the second,
    (1 − 0.9 − 4 · 1.55)² = 37.21.
    """
    c, top, lr, size, x, y = sp.symbols("c lambda eta rho x y", positive=True)
    g = sp.Matrix([c * x, top * y])
    norm = sp.sqrt(g.dot(g))
    step = [w - lr * k * (w + rho * size * s / norm) for w, k, s in zip((x, y), (c, top), g, strict=True)]
    at = {y: lr * size * top / (2 - lr * top)}
    wanted = (-at[y], 1 - lr * top, 1 - lr * c - (c / top) ** power * (2 - lr * top))
    on_axis = step[1].subs(x, 0)
    got = [one.subs(y, at[y]) for one in (on_axis, sp.diff(on_axis, y), sp.diff(step[0], x).subs(x, 0))]
    residuals = ", ".join(str(sp.simplify(a - b)) for a, b in zip(got, wanted, strict=True))
    made = cf.optimizers.sam(lr=0.3, rho=0.1) if rho else cf.optimizers.gd(lr=0.3)
    found = cf.analysis.cycles(cf.as_map(cf.Loss("3*x**2/2 + 3*y**2/4"), made), 2, [(-1, 1), (-1, 1)])
    found = sorted(found, key=lambda cycle: abs(cycle.points[0, 0]), reverse=True)
    return {"residuals": residuals, "stable": [bool(one.stable) for one in found],
            "multipliers": float(abs(found[-1].multipliers).max()) if found else 0.0}  # fmt: skip


@CLAIMS.add(
    "abstract (drift towards wide minima)", {"ratios": near([1.0, 1.0, 1.0], 0.01), "order": near(2.0, 0.15)},
    Control("ρ left out of the drift, as if only the bouncing made it", changes={"share": 0.0}), figure="drift",
    domain="the ravine (1 + y²)x²/2, two weights, near y = 0.6; SAM with η = 0.5; ρ → 0", examples="ρ = 0.01, 0.02, 0.04",
    perturbations=(Control("r + 0.98ρ in place of r + ρ", changes={"share": 0.98}),),
)  # fmt: skip
def descent_on_the_norm(share=1.0, lr=0.5):
    """Bouncing across the ravine (1 + y²)x²/2, whose Hessian on the floor x = 0 has the spectral norm λ = 1 + y², SAM descends
    on λ: with r = ηρλ/(2 − ηλ) the distance from the floor, a step along it is −(η/2)(r + ρ)² ∇λ to leading order in ρ.

    The change of y in two steps on the bouncing orbit, after 60 steps, over twice that formula at the y between; ``order``: of
    the error in ρ, from the first two.
    """
    ratios = []
    for rho in (0.01, 0.02, 0.04):
        w = cf.iterate(cf.as_map(cf.losses.valley(), cf.optimizers.sam(lr=lr, rho=rho)), [rho / 4, 0.6], 62).w
        y = (w[60, 1] + w[62, 1]) / 2
        r = lr * rho * (1 + y * y) / (2 - lr * (1 + y * y))
        ratios.append(float((w[62, 1] - w[60, 1]) / (-2 * lr * (r + share * rho) ** 2 * y)))
    return {"ratios": ratios, "order": float(np.log2((ratios[1] - 1) / (ratios[0] - 1)))}


def figures():
    """The cycle, and the drift to the flattest minimum."""
    return {"bouncing": _bouncing, "drift": _drift}


def _bouncing():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    step = cf.as_map(cf.Loss("x**2/2 + 3*z**2/2"), cf.optimizers.sam(lr=0.2, rho=0.3))
    w = cf.iterate(step, [1.0, 0.4], 60).w
    axes.plot(w[:, 0], ".-", lw=0.7, label="curvature 1")
    axes.plot(w[:, 1], ".-", lw=0.7, label="curvature 3")
    axes.set(xlabel="step", ylabel="weights", title="SAM on a quadratic, η = 0.2, ρ = 0.3")
    axes.legend()
    return figure


def _drift():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for rho in (0.05, 0.1, 0.2):
        step = cf.as_map(cf.losses.valley(), cf.optimizers.sam(lr=0.5, rho=rho))
        axes.plot(1 + cf.iterate(step, [rho / 4, 1.2], 600).w[:, 1] ** 2, label=f"ρ = {rho}")
    axes.set(xlabel="step", ylabel="curvature across the ravine", title="SAM on (1 + y²)x²/2, η = 0.5")
    axes.legend()
    return figure
