"""T. Chotibut, F. Falniowski, M. Misiurewicz, G. Piliouras, *Family of chaotic maps from game theory*, arXiv 1807.06831,
Dynamical Systems 36 (2021).

Multiplicative weights in a congestion game of two agents with two strategies; on the diagonal it is a family of interval maps
with periodic orbits and chaos: p ← p/(p + (1 − p)e^{a(p − b)}). The fixed point b, the Nash equilibrium, is usually repelling,
but time averages converge to it from every start in the minimal invariant interval, and the centres of mass of all periodic
orbits coincide. Our remark: with p = 1/(1 + e^{−w}) it is w ← w − a(p − b): gradient descent with step a on the logistic loss
with a share b of positive rows. What is said about b = 1/2 and period three is our own.
"""

import numpy as np
import sympy as sp
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _step(a, b):
    """Descent on the logistic loss of one constant feature."""
    return cf.as_map(cf.Loss("softplus(w) - b*w", params={"b": b}), cf.optimizers.gd(lr=a))


def _excess(decay=0):
    """p − b − (w − w₊)/a of a step, by algebra."""
    w, a, b, p = sp.symbols("w a b p")
    after = (1 - sp.nsimplify(decay)) * w - a * (p - b)
    return str(sp.simplify(p - b - (w - after) / a))


@CLAIMS.add(
    "abstract (centres of mass of all periodic orbits coincide)",
    {"excess": "0", "error": at_most(1e-9), "cycles": at_least(10), "complete": True},
    Control("the mean of w and the minimiser in place of p and b", changes={"of": "w"}),
    domain="w ← w − a(σ(w) − b), p = σ(w); all a > 0, 0 < b < 1, all cycles",
    perturbations=(Control("a weight decay of 0.01", changes={"decay": 0.01}),),
    proof="exact algebra: each step gives p − b = (w − w₊)/a, which adds up to 0 over a cycle",
)  # fmt: skip
def centre_of_mass_of_cycles(of="p", decay=0.0):
    """The centre of mass of every periodic orbit is the equilibrium b.

    ``excess``: p − b − (w − w₊)/a. All cycles of periods 1 to 6 in the invariant interval, b = 0.61, a = 30: ``error``: the
    largest difference between the mean of p = 1/(1 + e^{−w}) and b.
    """
    step, cycles, complete = cf.Map.from_text(f"{1 - decay}*w - a*(sigmoid(w) - b)", "w", params={"a": 30.0, "b": 0.61}), [], True
    for period in range(1, 7):
        found = cf.analysis.cycles(step, period, [(-0.39 * 30, 0.61 * 30)])
        cycles, complete = [*cycles, *found], complete and found.complete
    value, target = ((lambda w: 1 / (1 + np.exp(-w))), 0.61) if of == "p" else ((lambda w: w), np.log(0.61 / 0.39))
    errors = [abs(float(value(c.points[:, 0]).mean()) - target) for c in cycles]
    return {"excess": _excess(decay), "error": max(errors), "cycles": len(cycles), "complete": complete}


@CLAIMS.add(
    "abstract (time averages converge to b)", {"excess": "0", "errors": near([0.0] * 3, 1 / 200_000), "chaotic": True},
    Control("the same with a weight decay of 0.05", changes={"decay": 0.05}),
    domain="w ← w − a(σ(w) − b), p = σ(w); all a > 0, 0 < b < 1, all starts",
    perturbations=(Control("a weight decay of 0.01", changes={"decay": 0.01}),),
    proof="exact algebra: over n steps the mean of p − b is (w₀ − wₙ)/(an), and every orbit is bounded",
)  # fmt: skip
def time_average_of_chaos(decay=0.0):
    """For every start, on chaotic orbits too, the time average of p tends to b, with an error of order 1/n after n steps.

    A step gives p − b = (w − w₊)/a (``excess``: the difference). Each orbit is bounded: a step is shorter than a and points to
    the minimum, so that it crosses it by less than a. Three starts, 200,000 steps, b = 0.61, a = 30, in an invariant interval
    of length a: ``errors``, at most one over the number of steps; ``chaotic``: exponent and 0–1 test agree that all three are.
    """
    step = cf.Map.from_text(f"{1 - decay}*w - a*(sigmoid(w) - b)", "w", params={"a": 30.0, "b": 0.61})
    n = 200_000
    errors, found = [], []
    for start in (0.1, 1.0, -2.0):
        w = cf.iterate(step, [start], n).w[:n, 0]
        errors.append(float(np.mean(1 / (1 + np.exp(-w)))) - 0.61)
        found.append(cf.analysis.chaos(step, [start], 20_000, dimensions=False))
    exponents = [float(one.spectrum.exponents[0]) for one in found]
    return {"excess": _excess(decay), "errors": errors, "chaotic": all(one.chaotic for one in found), "exponents": exponents}


@CLAIMS.add(
    "own statement", {"periods": [2, 2, 2], "others": 0, "complete": True},
    Control("b = 2/3", changes={"b": 2 / 3}), domain="w ← w − a(σ(w) − 1/2); a = 9, 20 and 60, the start 0.1",
    perturbations=(Control("b = 0.52", changes={"b": 0.52}),),
)  # fmt: skip
def two_for_ever(b=0.5):
    """If the equilibrium is b = 1/2 the orbit ends on a 2-cycle just above the flip at a = 8 and far beyond, at a = 9, 20 and
    60; at a = 60 there is no cycle of period 3 to 6.

    The orbit of w = 0.1. ``others``: cycles of periods 3 to 6 in
    the invariant interval at a = 60, by a complete search.
    """
    periods = [cf.analysis.classify(_step(a, b), [0.1]).period for a in (9.0, 20.0, 60.0)]
    found = [cf.analysis.cycles(_step(60.0, b), n, [(-60 * (1 - b), 60 * b)]) for n in (3, 4, 5, 6)]
    return {"periods": periods, "others": sum(map(len, found)), "complete": all(f.complete for f in found)}


def _births_by_newton():
    """Roots (w, a) of f³(w) = w, (f³)′(w) = 1 by SciPy, from the place on a grid where both are nearly so."""

    def thrice(w, a, b):
        slope = 1.0
        for _ in range(3):
            p = 1 / (1 + np.exp(-w))
            w, slope = w - a * (p - b), slope * (1 - a * p * (1 - p))
        return w, slope

    births = []
    for b, guess in ((2 / 3, 18.67), (0.61, 24.73), (0.6, 26.95), (0.55, 55.3)):
        w = np.linspace(-guess * (1 - b), guess * b, 200_001)
        after, slope = thrice(w, guess, b)
        place = w[np.argmin(np.abs(after - w) + np.abs(slope - 1))]
        missing = lambda u, b=b: np.subtract(thrice(u[0], u[1], b), (u[0], 1.0))  # noqa: E731
        births.append(float(fsolve(missing, [place, guess], xtol=1e-13)[1]))
    return {"births": births}


@CLAIMS.add(
    "own statement",
    {"births": near([18.66560631, 24.72828478, 26.95015962, 55.300464], 1e-6), "before": 0},
    Control("the births of cycles of period 5", changes={"period": 5}), figure="births", second=_births_by_newton,
    domain="w ← w − a(σ(w) − b), the invariant interval; b = 2/3, 0.61, 0.6, 0.55; a ≤ 60",
    perturbations=(Control("b = 0.612 in place of 0.61", changes={"equilibria": (2 / 3, 0.612, 0.6, 0.55)}),),
)  # fmt: skip
def birth_of_period_three(period=3, equilibria=(2 / 3, 0.61, 0.6, 0.55)):
    """For b = 2/3, 0.61, 0.6, 0.55 cycles of period 3, and so chaos in the sense of Li and Yorke, are born at a = 18.666, 24.728,
    26.950, 55.300: the nearer b is to 1/2, the larger.

    The cycles of period 3 are found at a = 60 and their branches continued down to the folds where
    they are born; ``births``: the lowest. ``before``: cycles of period 3 at 0.999 of it. Expected are solutions of f³(w) = w,
    (f³)′(w) = 1 by SciPy (``second``).
    """
    births, before = [], 0
    for b in equilibria:
        box = lambda a, b=b: [(-a * (1 - b), a * b)]  # noqa: E731
        folds = []
        for cycle in cf.analysis.cycles(_step(60.0, b), period, box(60.0)):
            branch = cf.analysis.continue_cycle(_step(60.0, b), cycle, "lr", (10.0, 61.0), coefficients=False)
            folds += [x.parameter for x in branch.bifurcations if x.kind == "fold"]
        births.append(min(folds))
        before += len(cf.analysis.cycles(_step(0.999 * births[-1], b), period, box(births[-1])))
    return {"births": births, "before": before}


def figures():
    """Orbits over the step, for two equilibria."""
    return {"births": _births}


def _births():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained", sharey=True)
    steps = np.linspace(5, 35, 900)
    for panel, b in zip(axes, (0.5, 2 / 3), strict=True):
        w = np.full(900, 0.1)
        for k in range(1200):
            w = w - steps * (1 / (1 + np.exp(-w)) - b)
            if k > 1000:
                panel.plot(steps, 1 / (1 + np.exp(-w)), ",", color="C0", alpha=0.4)
        panel.axhline(b, color="C3", lw=0.8)
        panel.set(xlabel="step a")
        panel.set_title(f"b = {b:.3g} (red), the mean", fontsize="medium")
    axes[0].set_ylabel("p")
    return figure
