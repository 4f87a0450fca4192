"""M. Misiurewicz, W. Szlenk, *Entropy of piecewise monotone mappings*, Studia Math. 67 (1980) 45–63.

The topological entropy h of a map of an interval that is monotone in pieces is the exponential growth rate of the number of
laps of its iterates; since lap numbers are submultiplicative, (1/n) ln of the number of laps of fⁿ is an upper bound for every
n. Where all slopes are s or −s, s ≥ 1, the entropy is ln s. (J. Milnor and W. Thurston, *On iterated maps of the interval*,
1988: in the quadratic family it does not fall as the parameter grows.)
"""

import itertools
import math
from collections import Counter

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
STEEP = "Piecewise((s*x, x <= 1/2), (t*(1 - x), True))"


def _entropy(step):
    return cf.analysis.topological_entropy(step, (0.0, 1.0))


def _quadratic(r):
    return cf.Map.from_text("r*x*(1-x)", params={"r": r})


@CLAIMS.add(
    "theorem on constant slope", {"apart": at_most(1e-9)},
    Control("a second slope of 0.9 s", changes={"second": 0.9}),
    domain="continuous maps of an interval that are monotone in pieces, with all slopes s or −s, s ≥ 1",
    examples="tents with s = 1.05, 1.1, √2, 1.618, 1.9, 2",
    perturbations=(Control("a second slope of 0.99 s", changes={"second": 0.99}),),
)  # fmt: skip
def constant_slope(second=1.0, slopes=(1.05, 1.1, 2**0.5, 1.618, 1.9, 2.0)):
    """A map whose slopes are all s or −s with s ≥ 1 has the entropy ln s.

    The greatest distance of either bound of `topological_entropy` from ln s.
    """
    found = [(s, _entropy(cf.Map.from_text(STEEP, "x", {"s": s, "t": second * s}))) for s in slopes]
    return {"apart": max(max(abs(one.lower - math.log(s)), abs(one.upper - math.log(s))) for s, one in found)}


def _laps(r, most):
    """How many laps fⁿ has on [0, 1] for n = 1 to most, f = r x(1 − x): each lap by its values at both ends, and its image is
    cut where it holds ½."""
    counts, laps = [], Counter({(0.0, 1.0): 1})
    for _ in range(most):
        after = Counter()
        for (u, v), count in laps.items():
            ends = [u, 0.5, v] if min(u, v) < 0.5 < max(u, v) else [u, v]
            values = [r * x * (1 - x) for x in ends]
            for pair in itertools.pairwise(values):
                after[pair] += count
        laps = after
        counts.append(laps.total())
    return counts


@CLAIMS.add(
    "theorem on laps", {"excess": at_least(0.0), "growth": at_most(1e-4), "falls": True},
    Control("laps of fⁿ for f, r = 3.7 beside h at r = 4", changes={"beside": 4.0}), figure="laps",
    domain="continuous maps of an interval that are monotone in pieces", examples="the logistic map at r = 3.7, n up to 120",
    perturbations=(Control("h at r = 3.701 in place of 3.7", changes={"beside": 3.701}),),
)  # fmt: skip
def laps_bound_the_entropy(r=3.7, beside=None, most=120):
    """(1/n) ln of the number of laps of fⁿ is at least h for every n, and tends to h.

    Laps by the images of their ends in plain Python; h: the upper bound of `topological_entropy`. ``excess``: the least of
    (1/n) ln laps − h; ``growth``: how far the growth of ln laps per step over the last half is from h, relatively; ``falls``:
    true if doubling n never gives more.
    """
    h = _entropy(_quadratic(r if beside is None else beside)).upper
    logs = [math.log(count) for count in _laps(r, most)]
    rates = {n: value / n for n, value in enumerate(logs, 1)}
    falls = all(rates[2 * n] <= rates[n] for n in range(1, most // 2 + 1))
    grown = (logs[-1] - logs[most // 2 - 1]) / (most - most // 2)
    return {"excess": min(rates.values()) - h, "growth": abs(grown / h - 1), "falls": falls}


@CLAIMS.add(
    "own statement, after Milnor & Thurston (1988)", {"steps_down": 0, "ends": near([0.0, math.log(2)], 1e-9)},
    Control("values of r that go to and fro", changes={"shift": 0.004}),
    domain="x → r x(1 − x) on [0, 1], 3.5 ≤ r ≤ 4", examples="60 values of r",
    perturbations=(Control("up to r = 3.99 only", changes={"top": 3.99}),
                   Control("to and fro by 0.001 more than the distance of the values", changes={"shift": 0.0095, "wave": 1.0e6})),
)  # fmt: skip
def entropy_does_not_fall(shift=0.0, wave=40_000.0, top=4.0, count=60):
    """The entropy of the logistic map does not fall as r grows, and grows from 0 at r = 3.5 to ln 2 at r = 4.

    At how many r the upper bound is below the lower bound of the r before, by more than 10⁻¹².
    """
    rates = np.linspace(3.5, top, count)
    found = [_entropy(_quadratic(min(r + shift * math.sin(wave * r), top))) for r in rates.tolist()]
    down = sum(after.upper < before.lower - 1e-12 for before, after in zip(found[:-1], found[1:], strict=True))
    return {"steps_down": down, "ends": [found[0].upper, found[-1].lower]}


def figures():
    """Laps and entropy at r = 3.7, and the entropy of the logistic map over r."""
    return {"laps": lambda: cf.plot(_entropy(_quadratic(3.7))), "staircase": _staircase}


def _staircase(count=400):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.subplots()
    rates = np.linspace(3.5, 4.0, count)
    found = [_entropy(_quadratic(r)) for r in rates.tolist()]
    axes.fill_between(rates, [one.lower for one in found], [one.upper for one in found], color="#1f5fa8", linewidth=0.8)
    axes.axhline(math.log((1 + math.sqrt(5)) / 2), color="k", linestyle=":", linewidth=0.8, label="ln((1 + √5)/2): period 3")
    axes.axhline(math.log(2), color="k", linestyle="--", linewidth=0.8, label="ln 2")
    axes.set(xlabel="r", ylabel="topological entropy")
    axes.legend(frameon=False, fontsize=8)
    return figure
