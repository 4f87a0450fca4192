"""T. Chotibut, F. Falniowski, M. Misiurewicz, G. Piliouras, *Family of chaotic maps from game theory*, arXiv 1807.06831,
Dynamical Systems 36 (2021).

Multiplicative weights with step a in a game of two parallel links: p ← p/(p + (1 − p)e^{a(p − b)}). If the equilibrium b is
1/2, the orbits converge or end on a 2-cycle, for ever. Otherwise a large step brings chaos in the sense of Li and Yorke and
cycles of all periods, while the time average of p stays exactly at b. With p = 1/(1 + e^{−w}) it is w ← w − a(p − b): gradient
descent with step a on the logistic loss with a share b of positive rows (our remark).
"""

import numpy as np
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _step(a, b):
    """Descent on the logistic loss of one constant feature."""
    return cf.as_map(cf.Loss("softplus(w) - b*w", params={"b": b}), cf.optimizers.gd(lr=a))


@CLAIMS.add(
    "abstract", {"error": at_most(1e-9), "cycles": at_least(10), "complete": True},
    Control("the mean of w and the minimiser in place of p and b", changes={"of": "w"}),
)  # fmt: skip
def centre_of_mass_of_cycles(of="p"):
    """The centre of mass of every periodic orbit is the equilibrium b.

    All cycles of periods 1 to 6 in the invariant interval at b = 0.61, a = 30. ``error``: the largest difference between the
    mean of p = 1/(1 + e^{−w}) and b.
    """
    step, cycles, complete = _step(30.0, 0.61), [], True
    for period in range(1, 7):
        found = cf.analysis.cycles(step, period, [(-0.39 * 30, 0.61 * 30)])
        cycles, complete = [*cycles, *found], complete and found.complete
    value, target = ((lambda w: 1 / (1 + np.exp(-w))), 0.61) if of == "p" else ((lambda w: w), np.log(0.61 / 0.39))
    errors = [abs(float(value(c.points[:, 0]).mean()) - target) for c in cycles]
    return {"error": max(errors), "cycles": len(cycles), "complete": complete}


@CLAIMS.add(
    "abstract", {"errors": near([0.0] * 3, 1 / 200_000), "chaotic": True},
    Control("the same with a weight decay of 0.05", changes={"formula": "0.95*w - a*(sigmoid(w) - b)"}),
)  # fmt: skip
def time_average_of_chaos(formula="w - a*(sigmoid(w) - b)"):
    """For every start in the invariant interval, on chaotic orbits too, the time average of p is exactly b.

    Three starts, 200,000 steps, b = 0.61 and a = 30; ``chaotic``: exponent and 0–1 test agree that all three are. In w the
    orbit moves by a times the sum of p − b and stays in an interval of length a, so the mean differs from b by at most one
    over the number of steps.
    """
    step, n = cf.Map.from_text(formula, "w", params={"a": 30.0, "b": 0.61}), 200_000
    errors, found = [], []
    for start in (0.1, 1.0, -2.0):
        w = cf.iterate(step, [start], n).w[:n, 0]
        errors.append(float(np.mean(1 / (1 + np.exp(-w)))) - 0.61)
        found.append(cf.analysis.chaos(step, [start], 20_000, dimensions=False))
    exponents = [float(one.spectrum.exponents[0]) for one in found]
    return {"errors": errors, "chaotic": all(one.chaotic for one in found), "exponents": exponents}


@CLAIMS.add(
    "abstract", {"periods": [2, 2, 2], "others": 0, "complete": True},
    Control("b = 2/3", changes={"b": 2 / 3}),
)  # fmt: skip
def two_for_ever(b=0.5):
    """If the equilibrium is b = 1/2 there is one period doubling, and then a 2-cycle for ever.

    The orbit of w = 0.1 at a = 9, 20 and 60, just above the flip at 8 and far beyond. ``others``: cycles of periods 3 to 6 in
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
    "abstract (period three for large a); the numbers are computed here",
    {"births": near([18.66560631, 24.72828478, 26.95015962, 55.300464], 1e-6), "before": 0},
    Control("the births of cycles of period 5", changes={"period": 5}), figure="births", second=_births_by_newton,
)  # fmt: skip
def birth_of_period_three(period=3):
    """If b is not 1/2, cycles of period 3, and so chaos in the sense of Li and Yorke, exist for large a; the nearer b is to
    1/2, the larger.

    For b = 2/3, 0.61, 0.6, 0.55 the cycles of period 3 are found at a = 60 and their branches continued down to the folds where
    they are born; ``births``: the lowest. ``before``: cycles of period 3 at 0.999 of it. Expected are solutions of f³(w) = w,
    (f³)′(w) = 1 by SciPy (``second``).
    """
    births, before = [], 0
    for b in (2 / 3, 0.61, 0.6, 0.55):
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
