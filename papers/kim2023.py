"""H. Kim, J. Park, Y. Choi, J. Lee, *Stability analysis of sharpness-aware minimization*, arXiv 2301.06308 (2023).

A saddle with the negative curvature λ attracts sharpness-aware minimization iff ρ > −1/λ (the perturbation is not normalised
here), so that the method can be trapped. Our own derivation for the *normalised* perturbation: near a maximum −|λ|y²/2 of one
variable the step is y ← (1 + η|λ|)y − η|λ|ρ sign y, which stretches everywhere by 1 + η|λ| and keeps |y| ≤ η|λ|ρ if η|λ| ≤ 1:
chaos with the exponent ln(1 + η|λ|). At a saddle of curvatures λ₁ > 0 > λ₂ the 2-cycle ±ηρλ₁/(2 − s), s = ηλ₁, on the axis of
λ₁ has the factor 1 + sr − r²(2 − s) a step across, r = |λ₂|/λ₁, below 1 iff r > s/(2 − s), whatever ρ is.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
BEALE = "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2"


def _unnormalised(lr, rho):
    return cf.Optimizer.from_text({"w": "w - lr*h"}, {"lr": lr, "rho": rho}, probe="w + rho*g")


def _ends_at(loss, lr, rho, start, saddle, steps=3000):
    """Whether an orbit ends within 1e-3 of the saddle."""
    end = cf.iterate(cf.as_map(loss, _unnormalised(lr, rho)), start, steps).w[-1]
    return bool(np.isfinite(end).all() and np.hypot(*(end - saddle)) < 1e-3)


@CLAIMS.add(
    "theorem 1 and its example x² − y² from (−3, −0.01)", {"trapped": [False, False, False, True, True, True]},
    Control("gradient descent's rule, no perturbation", changes={"factor": 0.0}), figure="orbits",
    domain="x² − y², perturbation ρ∇L not normalised; η = 0.05, six ρ from 0.3 to 0.8, the start (−3, −0.01)",
    perturbations=(Control("all ρ larger by 6 %", changes={"factor": 1.06}),),
)  # fmt: skip
def a_saddle_attracts(factor=1.0):
    """On x² − y², whose negative curvature is λ = −2, orbits end at the saddle for ρ = 0.52, 0.6 and 0.8, above −1/λ = 1/2, and
    not for ρ = 0.3, 0.4 and 0.48.

    3,000 steps. A step multiplies y by 1 + 2η(1 − 2ρ).
    """
    rhos = [factor * rho for rho in (0.3, 0.4, 0.48, 0.52, 0.6, 0.8)]
    return {"trapped": [_ends_at(cf.Loss("x**2 - y**2"), 0.05, rho, [-3.0, -0.01], [0.0, 0.0]) for rho in rhos]}


@CLAIMS.add(
    "theorem 1 and its example, Beale's function, η = 1e-4", {"attracts": [False, True], "least": near(1 / 27.75, 1e-9)},
    Control("the other eigenvalue's bound", changes={"which": -1}),
    domain="Beale's function, two weights, perturbation ρ∇L not normalised; η = 10⁻⁴, ρ of 0.97 and 1.03 times the bound",
    perturbations=(Control("2.6 in place of 2.625 in the loss", changes={"last": "2.6"}),),
)  # fmt: skip
def the_saddle_of_beale(which=0, last="2.625"):
    """The saddle (0, 1) of Beale's function, of the negative curvature −27.75, does not attract for ρ 3 % below 1/27.75,
    and does so for ρ 3 % above.

    ``least``: that bound. At (0, 1) the second derivatives are 0, Σ 2ck = 27.75 (c = 1.5, 2.25, 2.625, k = 1, 2, 3) and 0 for
    xx, xy, yy, so the curvatures are ±27.75. ``attracts``: whether all multipliers lie inside the circle at 0.97 and 1.03 of
    it.
    """
    loss, saddle = cf.Loss(BEALE.replace("2.625", last)), [0.0, 1.0]
    step = cf.as_map(loss, _unnormalised(1e-4, 0.0))
    curvature = np.linalg.eigvalsh((np.eye(2) - step.jacobian(saddle)) / 1e-4)[which]
    bound = -1 / float(curvature)
    radii = [abs(np.linalg.eigvals(step.at(rho=f * bound).jacobian(saddle))).max() for f in (0.97, 1.03)]
    return {"attracts": [bool(r < 1) for r in radii], "least": bound}


@CLAIMS.add(
    "not in the source: derived here (summary)",
    {"exponents": near([math.log(1.2), math.log(1.5), math.log(1.9)], 1e-6), "size": between(0.97, 1.0 + 1e-9), "evidence": True},
    Control("the perturbation not normalised, with ρ above the bound", changes={"normalised": False}), figure="orbits",
    domain="−|λ|y²/2, one weight, normalised perturbation; 0 < η|λ| ≤ 1, |y| ≤ η|λ|ρ",
    examples="λ = −2, ρ = 0.5, η = 0.1, 0.25, 0.45, from 0.03",
    perturbations=(Control("a curvature 2 % larger", changes={"formula": "-1.02*y**2"}),),
)  # fmt: skip
def normalised_chaos_at_a_maximum(normalised=True, formula="-y**2"):
    """With the normalised perturbation a maximum of one variable traps the iterates in a chaotic set |y| ≤ η|λ|ρ, with the
    Lyapunov exponent ln(1 + η|λ|).

    20,000 steps. ``size``: the largest |y| of the three orbits in units of
    η|λ|ρ; ``evidence``: whether exponent and 0–1 test agree on chaos for all three.
    """
    exponents, sizes, evidence = [], [], []
    for lr in (0.1, 0.25, 0.45):
        rule = cf.optimizers.sam(lr=lr, rho=0.5) if normalised else _unnormalised(lr, 0.8)
        step = cf.as_map(cf.Loss(formula), rule)
        exponents.append(float(cf.analysis.lyapunov(step, [0.03], n=20_000)[0]))
        sizes.append(float(abs(cf.iterate(step, [0.03], 20_000).w[100:]).max()) / (lr * 2 * 0.5))
        evidence.append(cf.analysis.chaos(step, [0.03], 20_000, dimensions=False).chaotic)
    return {"exponents": exponents, "size": max(sizes), "evidence": all(evidence)}


@CLAIMS.add(
    "not in the source: derived here (summary)", {"trapped": [False, True] * 3, "size": at_most(0.01)},
    Control("the rule for the unnormalised method, ρ > 1/|λ₂|",
            expected={"trapped": [False, False, False, False, False, True]}),
    domain="λ₁x²/2 − |λ₂|y²/2, two weights, normalised perturbation; 0 < s < 1; orbits near the axis of λ₁",
    examples="λ₁ = 2, η = 0.3, λ₂ = −0.85 and −0.87, ρ = 0.01, 0.1, 1.2, from (1, 10⁻⁶)",
    perturbations=(Control("λ₁ larger by 2 %", changes={"half": 1.02}),),
)  # fmt: skip
def normalised_traps_whatever_the_radius(half=1.0):
    """At a saddle the normalised method is trapped, on the 2-cycle on the axis of λ₁, iff |λ₂|/λ₁ > s/(2 − s), s = ηλ₁,
    whatever ρ is.

    The bound is |λ₂| = 0.857. 4,000 steps; trapped if |y| < 1e-5 at the end. ``size``: the largest |x| at the end, in units of ρ,
    less that of the 2-cycle.
    """
    trapped, sizes = [], []
    for rho in (0.01, 0.1, 1.2):
        for curvature in (0.85, 0.87):
            loss = cf.Loss("h*x**2 - c*y**2/2", "x y", params={"c": curvature, "h": half})
            w = cf.iterate(cf.as_map(loss, cf.optimizers.sam(lr=0.3, rho=rho)), [1.0, 1e-6], 4000).w
            trapped.append(bool(abs(w[-1, 1]) < 1e-5))
            sizes += [abs(abs(w[-1, 0]) / rho - 0.6 / 1.4)] if trapped[-1] else []
    return {"trapped": trapped, "size": float(max(sizes, default=9.0))}


def figures():
    """Two ways of being trapped."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained")
    for rho in (0.4, 0.6):
        orbit = cf.iterate(cf.as_map(cf.Loss("x**2 - y**2"), _unnormalised(0.05, rho)), [-3.0, -0.01], 150).w
        left.plot(*orbit.T, ".-", ms=2, lw=0.6, label=f"ρ = {rho}")
    left.set(xlabel="x", ylabel="y", ylim=(-0.3, 0.05))
    left.set_title("x² − y², not normalised", fontsize="medium")
    left.legend()
    orbit = cf.iterate(cf.as_map(cf.Loss("-y**2"), cf.optimizers.sam(lr=0.25, rho=0.5)), [0.03], 150).w
    right.plot(orbit[:, 0], ".-", lw=0.5)
    right.set(xlabel="step", ylabel="y")
    right.set_title("−y², normalised: trapped at the maximum", fontsize="medium")
    return figure
