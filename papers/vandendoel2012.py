"""K. van den Doel and U. M. Ascher, *The chaotic nature of faster gradient descent methods*, Journal of Scientific
Computing 51 (2012) 560–581.

Steepest descent on a quadratic, x ← x − α g with α = gᵀg/gᵀAg, needs about as many steps as the best constant rate, in
proportion to the condition number κ. Faster variants take some larger steps, and the directions of their residuals then
move chaotically. Very little is needed for it: damping the steps by a constant factor close to 1 will do.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, between

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SPECTRA = ((1, 4, 10), (1, 20, 100), (1, 50, 1000))
START = np.array([0.5, 0.6, 0.62]) / np.linalg.norm([0.5, 0.6, 0.62])


def _directions(spectrum, damping):
    """The map of the normalised residual g/|g| under g ← (I − ωαA) g, A = diag(spectrum)."""
    names = "xyz"
    square = "(" + " + ".join(f"{name}**2" for name in names) + ")"
    energy = "(" + " + ".join(f"{value}*{name}**2" for name, value in zip(names, spectrum, strict=True)) + ")"
    new = [f"({name}*(1 - w*{value}*{square}/{energy}))" for name, value in zip(names, spectrum, strict=True)]
    length = "sqrt(" + " + ".join(f"{entry}**2" for entry in new) + ")"
    return cf.Map.from_text([f"{entry}/{length}" for entry in new], "x y z", {"w": damping})


@CLAIMS.add(
    "classical (Akaike 1959)", {"periods": [2, 2, 2], "middle entry": at_most(1e-6)},
    Control("damped by 0.9", changes={"damping": 0.9}), figure="directions", read="from memory",
    domain="convex quadratics, almost all starts", examples="spectra (1, 4, 10), (1, 20, 100), (1, 50, 1000), one start",
    perturbations=(Control("damped by 0.97", changes={"damping": 0.97}),),
)  # fmt: skip
def steepest_descent_zigzags(damping=1.0):
    """The residuals of steepest descent on a quadratic end up alternating between two directions, in the plane of the extreme
    eigenvectors.

    The period of the normalised residual up to its sign, and the largest component
    along the middle eigenvector.
    """
    periods, middle = [], 0.0
    for spectrum in SPECTRA:
        found = cf.analysis.classify(_directions(spectrum, damping), START)
        periods.append(found.period)
        middle = max(middle, float(np.abs(found.points[:, 1]).max(initial=0.0))) if found.period else np.inf
    return {"periods": periods, "middle entry": middle}


@CLAIMS.add(
    "abstract", {"least exponent": at_least(0.1), "kinds": "chaotic", "evidence": "chaotic"},
    Control("undamped, ω = 1", changes={"dampings": (1.0,)}), figure="directions",
    domain="quadratics of at least three weights, ω somewhat below 1",
    examples="spectra (1, 4, 10), (1, 20, 100), (1, 50, 1000), ω = 0.8, 0.9, 0.95 and 0.99, one start",
    perturbations=(Control("ω = 0.9 and 1", changes={"dampings": (0.9, 1.0)}),),
)  # fmt: skip
def damping_makes_chaos(dampings=(0.8, 0.9, 0.95, 0.99)):
    """Steepest descent with its steps damped by a constant factor close to 1 generates a chaotic dynamical system for the
    normalised residuals.

    The least of the twelve largest Lyapunov exponents over 20,000 steps, and what
    `classify` says of the orbits; ``evidence``: what exponent and 0–1 test say together.
    """
    maps = [_directions(spectrum, damping) for spectrum in SPECTRA for damping in dampings]
    found = [cf.analysis.chaos(step, START, 20_000, 2000, dimensions=False) for step in maps]
    return {
        "least exponent": min(float(one.spectrum.exponents[0]) for one in found),
        "evidence": ", ".join(sorted({one.kind for one in found})),
        "kinds": ", ".join(sorted({cf.analysis.classify(step, START, budget=100_000).kind for step in maps})),
    }


def _steps(kappa, rule, n=50, seed=0):
    """Steps until |g| is 10⁻⁶ of its first value, and on how many |g| grows; ``rule``: a damping, "constant" or "lagged"."""
    values, g = np.geomspace(1, kappa, n), np.random.default_rng(seed).normal(size=n)
    first = size = np.linalg.norm(g)
    count = grown = 0
    last = g @ g / (g @ (values * g))
    while size > 1e-6 * first:
        cauchy = g @ g / (g @ (values * g))
        alpha = {"constant": 2 / (1 + kappa), "lagged": last}.get(rule) or rule * cauchy
        last, g = cauchy, g * (1 - alpha * values)
        grown += np.linalg.norm(g) > size
        size, count = np.linalg.norm(g), count + 1
    return count, grown / count


@CLAIMS.add(
    "abstract", {"steps to the constant rate's": between(0.5, 1.0), "steps, κ = 1000 to 100": between(7.0, 13.0)},
    Control("damped by 0.9", changes={"rule": 0.9}), figure="counts",
    domain="convex quadratics of condition number κ",
    examples="50 eigenvalues in geometric progression, κ = 100 and 1000, one start",
    perturbations=(Control("damped by 0.97", changes={"rule": 0.97}),),
)  # fmt: skip
def steepest_descent_is_slow(rule=1.0):
    """Steepest descent takes about as many steps as the best constant rate, in proportion to κ.

    Steps to 10⁻⁶ of the residual, over those of the rate 2/(1 + κ) at κ = 1000; and those at κ = 1000 over κ = 100.
    """
    steps = {kappa: _steps(kappa, rule)[0] for kappa in (100, 1000)}
    return {
        "steps to the constant rate's": steps[1000] / _steps(1000, "constant")[0],
        "steps, κ = 1000 to 100": steps[1000] / steps[100],
    }


@CLAIMS.add(
    "abstract",
    {"gain of ω = 0.9": at_least(5.0), "gain of the lagged step": at_least(10.0), "lagged: part that grows": above(0.1)},
    Control("at κ = 10 there is little to gain", changes={"kappa": 10}), figure="counts",
    domain="convex quadratics with a large condition number κ",
    examples="50 eigenvalues in geometric progression, κ = 1000, one start",
    perturbations=(Control("at κ = 100", changes={"kappa": 100}),),
)  # fmt: skip
def faster_variants(kappa=1000):
    """Where κ is large, steepest descent with steps damped by 0.9 converges at least 5 times faster than plain steepest descent,
    and with the step of one iteration before (Barzilai and Borwein) at least 10 times; the residual of the latter grows on more
    than a tenth of its steps.

    As above at κ = 1000: steps of steepest descent over those of each; the part of the steps on which the residual grows.
    """
    plain = _steps(kappa, 1.0)[0]
    lagged, grows = _steps(kappa, "lagged")
    gains = {"gain of ω = 0.9": plain / _steps(kappa, 0.9)[0], "gain of the lagged step": plain / lagged}
    return {**gains, "lagged: part that grows": grows}


def figures():
    """Directions of the residual, and numbers of steps."""
    return {"directions": _drawn, "counts": _counts}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharex=True, sharey=True)
    for axis, damping in zip(axes, (1.0, 0.9), strict=True):
        w = cf.iterate(_directions((1, 4, 10), damping), START, 20_000).w[100:]
        axis.plot(w[:, 0], w[:, 1], "k.", ms=1 if damping < 1 else 6, alpha=0.4)
        axis.set(xlabel="component along λ = 1", title=f"steps damped by ω = {damping}")
    axes[0].set_ylabel("component along λ = 4")
    figure.suptitle("normalised residuals of steepest descent, λ = 1, 4, 10")
    return figure


def _counts():
    import matplotlib.pyplot as plt

    kappas = np.geomspace(10, 2000, 9)
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    rules = {"constant": "best constant rate", 1.0: "steepest descent", 0.9: "damped by 0.9", "lagged": "lagged by one step"}
    for rule, label in rules.items():
        axis.loglog(kappas, [_steps(kappa, rule)[0] for kappa in kappas], ".-", label=label)
    axis.set(xlabel="κ", ylabel="steps to 10⁻⁶", title="50 eigenvalues in geometric progression")
    axis.legend()
    return figure
