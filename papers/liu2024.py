"""Y. Liu, *Complex fractal trainability boundary can arise from trivial non-convexity*, arXiv 2406.13971, 2024.

Gradient descent on a parabola with a cosine on it, x² + ε cos(2πx/λ) (additive) or x²(1 + ε cos(2πx/λ)) (multiplicative): the
boundary between learning rates whose orbits stay bounded and those whose orbits diverge can be fractal. A change of scale turns
one additive loss into another with the same roughness θ = ε/λ². The abstract says that the boundary becomes fractal where the
roughness makes the loss non-convex, for the additive loss at θ = 1/(2π²). The text of the paper was not read, so what is measured
here may differ from it in rates, starts and number of steps.
"""

import numpy as np
import sympy as sp

from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CRITICAL = 1 / (2 * np.pi**2)  # 0.0507


def _bounded(rates, roughness, start, multiplicative, steps):
    """Which learning rates keep an orbit below 10⁶, with λ = 1."""
    x, k = np.full(rates.shape, start), 2 * np.pi
    with np.errstate(all="ignore"):
        for _ in range(steps):
            wave = -roughness * k * np.sin(k * x)
            slope = 2 * x * (1 + roughness * np.cos(k * x)) + x * x * wave if multiplicative else 2 * x + wave
            x = x - rates * slope
    return np.abs(x) < 1e6


def _uncertain(roughness, distance, start=0.7, multiplicative=False, rates=(0.9, 1.3), points=3000, steps=1000):
    """The part of random rates whose fate a relative change by ``distance`` alters."""
    rate = np.random.default_rng(0).uniform(*rates, points)
    fates = [_bounded(one, roughness, start, multiplicative, steps) for one in (rate, rate * (1 + distance))]
    return float((fates[0] != fates[1]).mean())


def _changes(roughness, cells, start=0.7, rates=(0.9, 1.3)):
    """On how many of the cells of a grid of rates the fate changes: box counting of the boundary."""
    fate = _bounded(np.linspace(*rates, cells + 1), roughness, start, False, 1000)
    return int((fate[1:] != fate[:-1]).sum())


@CLAIMS.add(
    "abstract (the critical roughness makes the loss non-convex); its value is in a review of the paper",
    {"least f″": "zero", "threshold": "1/(2*pi**2)"}, Control("cos(πx/λ) in place of cos(2πx/λ)", changes={"turn": 1}),
    domain="x² + ε cos(2πx/λ), one weight; all ε, λ > 0", read="a secondary source",
    perturbations=(Control("with 2x² in place of x²", changes={"parabola": 2}),),
    proof="exact algebra: f″ = 2 − 4π²θ cos(2πx/λ) by SymPy, least where the cosine is 1, and linear in θ",
)  # fmt: skip
def convexity_threshold(turn=2, parabola=1):
    """x² + ε cos(2πx/λ) is convex exactly for ε/λ² ≤ 1/(2π²).

    With ε = θλ²: f″ is 2 − 4π²θ times a cosine, which takes the value 1 at x = 0. ``least f″``: f″ there less 2 − 4π²θ;
    ``threshold``: its only zero in θ.
    """
    x, theta, length = sp.symbols("x theta lambda", positive=True)
    angle = turn * sp.pi * x / length
    second = sp.diff(parabola * x**2 + theta * length**2 * sp.cos(angle), x, 2)
    least = sp.expand(second.subs(x, 0))
    assert sp.simplify(second - least.subs(theta, theta * sp.cos(angle))) == 0
    known = sp.expand(least - 2 + 4 * sp.pi**2 * theta) == 0
    return {"least f″": "zero" if known else "not zero", "threshold": ", ".join(map(str, sp.solve(least, theta)))}


@CLAIMS.add(
    "methods, by a review of the paper", {"additive": "0", "multiplicative": "0"},
    Control("with ε/b in place of ε/b² for the added wave", changes={"power": 1}),
    domain="x² + ε cos(2πx/λ) and x²(1 + ε cos(2πx/λ)), one weight; all ε, λ, η, b > 0 and all starts", read="a secondary source",
    perturbations=(Control("the multiplied wave with ε/b² too", changes={"factor": 2}),
                   Control("λ b in place of λ/b", changes={"stretch": -1})),
    proof="exact algebra: the difference of the two steps is 0 in SymPy, for one step and hence for all",
)  # fmt: skip
def scale_invariance(power=2, factor=0, stretch=1):
    """With ε/b² and λ/b the orbits of gradient descent on the additive loss are those of ε and λ divided by b; for the
    multiplicative loss λ/b alone does that, with the same ε.

    The step of the loss with the new constants from x/b, minus the old step from x over b, with ε/bᵖ for the p of each loss.
    """
    x, e, length, eta, b = sp.symbols("x epsilon lambda eta b", positive=True)
    found = {}
    for name, p in (("additive", power), ("multiplicative", factor)):

        def step(at, e, length, name=name):
            wave = e * sp.cos(2 * sp.pi * x / length)
            return at - eta * sp.diff(x**2 + wave if name == "additive" else x**2 * (1 + wave), x).subs(x, at)

        found[name] = str(sp.simplify(step(x / b, e / b**p, length / b**stretch) - step(x, e, length) / b))
    return found


@CLAIMS.add(
    "abstract; the two losses are ours", {"additive, ratio": at_least(0.05), "multiplicative, ratio": at_least(0.02)},
    Control("additive with θ = 0.03 and multiplicative without any cosine", changes={"additive": 0.03, "multiplicative": 0.0}),
    domain="x² + 0.2 cos(2πx), 0.9 < η < 1.3, and x²(1 + 0.01 cos(2πx)), 0.3 < η < 1.5; start 0.7; distances from 10⁻³ to 10⁻⁷",
    perturbations=(Control("the added wave with θ = 0.06", changes={"additive": 0.06}),
                   Control("no multiplied wave", changes={"multiplicative": 0.0})), figure="transition",
)  # fmt: skip
def trivial_waves_make_fractals(additive=0.2, multiplicative=0.01):
    """On a parabola with a cosine added, or multiplied with it, the boundary between the learning rates of bounded and of
    divergent orbits is fractal over four decades: the part of the rates whose fate a small relative change alters falls by less
    than 20 and 50 from a change of 10⁻³ to one of 10⁻⁷.

    For a boundary of isolated points it would fall by 10⁴. 3,000 random rates, 1,000 steps; bounded is |x| < 10⁶ at the end.
    """
    found = {}
    for name, roughness, rates in (("additive", additive, (0.9, 1.3)), ("multiplicative", multiplicative, (0.3, 1.5))):
        parts = [_uncertain(roughness, d, multiplicative=name == "multiplicative", rates=rates) for d in (1e-7, 1e-3)]
        found[f"{name}, ratio"] = parts[0] / max(parts[1], 1e-9)
    return found


@CLAIMS.add(
    "own statement, on the transition of the abstract",
    {"uncertain just beyond": at_most(2e-4), "boundary cells, growth": at_most(1.5), "uncertain at 0.1": at_least(0.001)},
    Control("at θ = 0.09 and 0.1", changes={"roughnesses": (0.09, 0.1)}),
    domain="x² + θ cos(2πx), 0.9 < η < 1.3; starts 0.7 and 1.9; 1,000 steps",
    perturbations=(Control("the rough loss at θ = 0.075 in place of 0.1", changes={"rough": 0.075}),
                   Control("θ = 0.055 and 0.1 in place of 0.055 and 0.07", changes={"roughnesses": (0.055, 0.1)})),
    figure="transition",
)  # fmt: skip
def transition_where_convexity_ends(roughnesses=(0.055, 0.07), rough=0.1, starts=(0.7, 1.9)):
    """The boundary of the rates with bounded orbits is not yet fractal just beyond the end of convexity, θ = 1/(2π²) = 0.0507: at
    θ = 0.055 and 0.07 it is a few points, while at θ = 0.1 a relative change of 10⁻⁶ still alters the fate of
    more than a thousandth of the rates.

    At θ = 0.055 and 0.07, from two starts: the largest part of 3,000 random rates that is uncertain at a relative change of 10⁻⁶,
    and the largest growth of the number of boundary cells from a grid of 1,000 to one of 4,000 rates; and the least uncertain
    part at θ = 0.1. (The abstract has the transition at the end of convexity itself; its setting was not read.)
    """
    parts, growths = [], []
    for roughness in roughnesses:
        for start in starts:
            parts.append(_uncertain(roughness, 1e-6, start))
            growths.append(_changes(roughness, 4000, start) / max(1, _changes(roughness, 1000, start)))
    return {"uncertain just beyond": max(parts), "boundary cells, growth": float(max(growths)),
            "uncertain at 0.1": min(_uncertain(rough, 1e-6, start) for start in starts)}  # fmt: skip


def figures():
    """The uncertain part against the roughness."""
    return {"transition": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    roughnesses = np.linspace(0.04, 0.11, 15)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for start in (0.7, 1.9):
        axis.plot(roughnesses, [_uncertain(r, 1e-6, start, points=1500) for r in roughnesses], ".-", label=f"from x = {start}")
    axis.axvline(CRITICAL, color="k", ls="--", lw=1, label="not convex from here on")
    axis.set(xlabel="roughness ε/λ²", ylabel="uncertain part at 10⁻⁶", title="x² + ε cos(2πx/λ)")
    axis.legend()
    return figure
