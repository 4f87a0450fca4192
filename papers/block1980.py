"""L. Block, J. Guckenheimer, M. Misiurewicz, L. S. Young, *Periodic points and topological entropy of one dimensional maps*,
in: Global Theory of Dynamical Systems, Lecture Notes in Math. 819 (1980) 18–34.

A continuous map of an interval with a cycle of an odd period n > 1 has at least the topological entropy ln λ_n, λ_n the
largest root of λⁿ − 2λⁿ⁻² − 1 = 0: the golden mean for a 3-cycle. Entropy is positive exactly if some period is no power of
two. Both theorems were read in the abstract of S. Ruette, arXiv 1906.03649, not in this source.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
GOLDEN = (1 + math.sqrt(5)) / 2


def _points(step, n):
    """How many points fⁿ(x) = x has in [0, 1]."""
    return sum(d * len(cf.analysis.cycles(step, d, [(0.0, 1.0)])) for d in range(1, n + 1) if n % d == 0)


def _growth(step, most):
    """λ from the numbers N_n of points of fⁿ(x) = x: exp(−Σ N_n zⁿ/n) is a polynomial here, and 1/λ its smallest zero."""
    numbers = [_points(step, n) for n in range(1, most + 1)]
    series = np.zeros(most + 1)
    series[0] = 1.0
    for k in range(1, most + 1):
        series[k] = round(-sum(numbers[j - 1] * series[k - j] for j in range(1, k + 1)) / k)
    return 1 / abs(np.roots(np.trim_zeros(series[::-1], "f"))).min()


@CLAIMS.add(
    "the bound for odd periods",
    {"growth": near([GOLDEN, 1.5128763969, 1.4655712319], 1e-9), "bounds": near([math.log(GOLDEN)] * 2, 1e-9)},
    Control("r = 3.9, where entropy is larger", changes={"places": (3.9, 3.7389, 3.7017)}), figure="growth",
    domain="the logistic map on [0, 1] at r = 3.83, 3.7389 and 3.7017, in the first windows of the periods 3, 5 and 7",
    perturbations=(Control("the windows of the periods 5 and 7 exchanged", changes={"places": (3.83, 3.7017, 3.7389)}),),
)  # fmt: skip
def three_gives_the_golden_mean(places=(3.83, 3.7389, 3.7017)):
    """In its first windows of the periods 3, 5 and 7 the logistic map has the least entropy that a cycle of that odd period
    allows, the logarithm of the largest root of λⁿ − 2λⁿ⁻² − 1 = 0: ln 1.618034 (the golden mean), ln 1.512876 and ln 1.465571.

    ``growth``: from the numbers N_n of points of fⁿ(x) = x for n up to 16: exp(−Σ N_n zⁿ/n) is a polynomial here, and λ one
    over its smallest zero. ``bounds``: of `topological_entropy`, by words of laps, for the first.
    """
    steps = [cf.Map.from_text("r*x*(1-x)", params={"r": r}) for r in places]
    found = cf.analysis.topological_entropy(steps[0], (0.0, 1.0))
    return {"growth": [_growth(step, 16) for step in steps], "bounds": [found.lower, found.upper]}


@CLAIMS.add(
    "entropy and powers of two", {"points": near([2, 4, 8, 16, 16], 0), "upper": near(0.0, 0.0)},
    Control("r = 3.6, where a period is no power of two", changes={"r": 3.6}),
    domain="continuous maps of an interval", examples="the logistic map at r = 3.55",
    perturbations=(Control("r = 3.567, with a cycle of the period 16", changes={"r": 3.567}),),
)  # fmt: skip
def powers_of_two_give_none(r=3.55):
    """If all periods are powers of two the entropy is 0.

    Points of fⁿ(x) = x in [0, 1] for n = 1, 2, 4, 8, 16: of 0, the fixed point, and one cycle
    of each of the periods 2, 4 and 8. ``upper``: the upper bound of `topological_entropy`.
    """
    step = cf.Map.from_text("r*x*(1-x)", params={"r": r})
    upper = cf.analysis.topological_entropy(step, (0.0, 1.0)).upper
    return {"points": [_points(step, n) for n in (1, 2, 4, 8, 16)], "upper": upper}


@CLAIMS.prove(
    "the bound for a 3-cycle; the example is ours", {"kind": "chaos", "period": 3, "entropy": above(math.log(GOLDEN))},
    Control("r = 3.75, with a 5-cycle and no 3-cycle, where entropy is less", changes={"r": "3.75"}), figure="proof",
    domain="the logistic map on [0, 1] at r = 3.9",
    perturbations=(Control("r = 3.84, in the window of the 3-cycle, where entropy is just that", changes={"r": "3.84"}),),
)  # fmt: skip
def entropy_above_the_golden_mean(r="3.9"):
    """At r = 3.9 the logistic map has a 3-cycle and an entropy above ln((1 + √5)/2).

    A certificate: intervals between points of cycles of periods up to 7 that cover each other; their matrix A has Av ≥ λv with
    an integer vector v.
    """
    return cf.certify.chaos(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), box=(0, 1), r=r)


def figures():
    """Numbers of periodic points, with the slopes of the theorem."""
    return {"growth": _chart, "proof": lambda: cf.plot(entropy_above_the_golden_mean())}


def _chart():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.4), layout="constrained")
    axes = figure.subplots()
    periods = range(1, 21)
    for r, label in ((4.0, "r = 4"), (3.83, "3.83, period 3"), (3.7389, "3.7389, period 5"), (3.55, "3.55, period 8")):
        step = cf.Map.from_text("r*x*(1-x)", params={"r": r})
        axes.semilogy(periods, [_points(step, n) for n in periods], "o-", markersize=3, label=label)
    axes.semilogy(periods, [GOLDEN**n for n in periods], "k:", label="((1 + √5)/2)ⁿ")
    axes.set(xlabel="n", ylabel="points with fⁿ(x) = x")
    axes.legend(frameon=False, fontsize=8)
    return figure
