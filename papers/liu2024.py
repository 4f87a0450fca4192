"""Y. Liu, *Complex fractal trainability boundary can arise from trivial non-convexity*, arXiv 2406.13971, 2024.

Gradient descent on a parabola with a cosine on it, x² + ε cos(2πx/λ) (additive) or x²(1 + ε cos(2πx/λ)) (multiplicative): the
boundary between learning rates whose orbits stay bounded and those whose orbits diverge can be fractal. A change of scale turns
one additive loss into another with the same roughness θ = ε/λ², which alone matters; the loss is not convex from
θ = 1/(2π²) on, where according to the source the boundary becomes fractal.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CRITICAL = 1 / (2 * np.pi**2)  # 0.0507
LOSSES = {"additive": "x**2 + e*cos(2*pi*x/l)", "multiplicative": "x**2*(1 + e*cos(2*pi*x/l))"}


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
    "methods, as recalled", {"least f″ at and above the threshold": "0, negative"},
    Control("at 1/(4π²)", changes={"share": 4}), settled="proved", read="from memory",
    proof="SymPy: f″ = 2 − ε(2π/λ)² cos(2πx/λ) with its least value where the cosine is 1",
)  # fmt: skip
def convexity_threshold(share=2):
    """x² + ε cos(2πx/λ) is convex exactly for ε/λ² ≤ 1/(2π²).

    f″ at x = 0, its minimum, as ε = θλ²: at θ = 1/(2π²), and its sign at 1.01 times that.
    """
    x, theta, length = sp.symbols("x theta lambda", positive=True)
    second = sp.diff(x**2 + theta * length**2 * sp.cos(2 * sp.pi * x / length), x, 2)
    assert sp.simplify(second - (2 - 4 * sp.pi**2 * theta * sp.cos(2 * sp.pi * x / length))) == 0
    least = [sp.simplify(second.subs(x, 0).subs(theta, factor / (share * sp.pi**2))) for factor in (1, sp.Rational(101, 100))]
    return {"least f″ at and above the threshold": f"{least[0]}, {'negative' if least[1] < 0 else 'positive'}"}


@CLAIMS.add(
    "methods, as recalled", {"largest difference": near(0.0, 0.0)},
    Control("with ε/b in place of ε/b²", changes={"power": 1}), read="from memory",
)  # fmt: skip
def scale_invariance(power=2, b=4.0, steps=200):
    """With ε/b² and λ/b the orbits of the additive loss are those of ε and λ divided by b; for the multiplicative loss ε
    stays as it is.

    b = 4, a power of two, so that the floating-point orbits must agree to the last bit: η = 0.3, ε = 0.2, λ = 1, 200 steps.
    """
    worst = 0.0
    for name, loss_power in (("additive", power), ("multiplicative", power - 2)):
        step = cf.as_map(cf.Loss(LOSSES[name], variables="x", params={"e": 0.2, "l": 1.0}), cf.optimizers.gd(lr=0.3))
        wide = cf.iterate(step, [2.6], steps).w
        narrow = cf.iterate(step.at(e=0.2 / b**loss_power, l=1 / b), [2.6 / b], steps).w
        both = min(len(wide), len(narrow))  # one may diverge
        worst = max(worst, float(np.abs(wide[:both] - b * narrow[:both]).max()))
    return {"largest difference": worst}


@CLAIMS.add(
    "abstract", {"additive, ratio": at_least(0.05), "multiplicative, ratio": at_least(0.02)},
    Control("additive with θ = 0.03 and multiplicative without any cosine", changes={"additive": 0.03, "multiplicative": 0.0}),
    figure="transition",
)  # fmt: skip
def trivial_waves_make_fractals(additive=0.2, multiplicative=0.01):
    """The boundary of trainability is fractal for a parabola with a cosine that is added, or multiplied with it.

    The part of the learning rates that is uncertain at a distance of 10⁻⁷ over that at 10⁻³: for a boundary of isolated
    points it would be 10⁻⁴. θ = 0.2 and 0.01, 3,000 rates.
    """
    found = {}
    for name, roughness, rates in (("additive", additive, (0.9, 1.3)), ("multiplicative", multiplicative, (0.3, 1.5))):
        parts = [_uncertain(roughness, d, multiplicative=name == "multiplicative", rates=rates) for d in (1e-7, 1e-3)]
        found[f"{name}, ratio"] = parts[0] / max(parts[1], 1e-9)
    return found


@CLAIMS.add(
    "abstract", {"uncertain at 1e-6": at_least(0.001), "boundary cells, growth": at_least(2.0)},
    Control("at θ = 0.09 and 0.1", changes={"roughnesses": (0.09, 0.1)}), settled="contradicted", figure="transition",
)  # fmt: skip
def transition_where_convexity_ends(roughnesses=(0.055, 0.07), starts=(0.7, 1.9)):
    """The transition from boundaries that are not fractal to fractal ones is where the loss stops being convex, at θ =
    1/(2π²) = 0.0507, for the additive wave in one variable.

    Measured just beyond it, at θ = 0.055 and 0.07, from two starts, 1,000 steps, in two ways: the least part of the rates
    that is uncertain at a distance of 10⁻⁶ (it is 0), and the least growth of the number of boundary cells from a grid of
    1,000 to one of 4,000 rates (it does not grow). Both say that the boundary is a few points there; it becomes fractal at
    about θ = 0.08 only.
    """
    parts, growths = [], []
    for roughness in roughnesses:
        for start in starts:
            parts.append(_uncertain(roughness, 1e-6, start))
            growths.append(_changes(roughness, 4000, start) / max(1, _changes(roughness, 1000, start)))
    return {"uncertain at 1e-6": min(parts), "boundary cells, growth": float(min(growths))}


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
