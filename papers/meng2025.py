"""S. Y. Meng, B. Goujaud, A. Orvieto, C. De Sa, *Gradient descent on logistic regression: do large step-sizes work with data on
the sphere?*, arXiv 2507.11228 (2025).

Gradient descent on logistic regression that no direction separates can cycle although the step is below 2/λ, λ the largest
curvature at the minimum. If all data have the same length, then in one dimension it converges from everywhere for every step
below 2/λ; in more dimensions cycles still occur.
"""

import cfdyn as cf
from cfdyn.claims import Claims, Control

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _cycles(loss, lr, box, periods=range(2, 9)):
    """How many cycles of these periods there are in an interval, and whether the searches were complete."""
    found = [cf.analysis.cycles(cf.as_map(loss, cf.optimizers.gd(lr=lr)), n, [box]) for n in periods]
    return sum(map(len, found)), all(f.complete for f in found)


@CLAIMS.add(
    "abstract (one dimension)", {"cycles": 0, "complete": True},
    Control("steps of 1.05 in place of 0.95 of 2/λ", changes={"part": 1.05}),
    domain="mean logistic loss, one weight, data of equal length that no weight separates; 0 < η < 2/λ",
    examples="shares of positive labels 0.55, 0.7, 0.9, 0.97, η = 0.95 · 2/λ, periods 2 to 8",
    perturbations=(Control("steps of 1.02 of 2/λ", changes={"part": 1.02}),),
)  # fmt: skip
def no_cycles_with_equal_lengths(part=0.95):
    """In one dimension with data of equal length gradient descent converges from every start for every step below 2/λ, so
    there are no cycles of a period above 1.

    A share b of positive rows, mean loss ln(1 + e^w) − bw: all cycles in the invariant interval (−(1 − b)η, bη), slightly
    enlarged, λ = b(1 − b), by a complete search.
    """
    total, complete = 0, True
    for b in (0.55, 0.7, 0.9, 0.97):
        loss, lr = cf.Loss("softplus(w) - b*w", "w", params={"b": b}), part * 2 / (b * (1 - b))
        count, sure = _cycles(loss, lr, (-(1 - b) * lr - 1, b * lr + 1))
        total, complete = total + count, complete and sure
    return {"cycles": total, "complete": complete}


@CLAIMS.add(
    "abstract (earlier work: data of different lengths)", {"stable": True, "cycles": 3},
    Control("the same step on 33 rows of equal length", changes={"x": 1.0}), figure="cycle",
    domain="sum of the logistic losses of 33 points, one weight; η = 0.1548630900",
    perturbations=(Control("the long row a fifth as long", changes={"x": 9.568}),),
)  # fmt: skip
def cycle_with_different_lengths(x=47.84364162396009):
    """On some data of different lengths gradient descent ends on a cycle of period 3 although the step is below 2/λ.

    33 points of this project, one of them 47.8 times as long as the others: the minimum is stable (``stable``) and the orbit
    of w = 3.0594623 ends on a cycle of period ``cycles``.
    """
    loss, lr = cf.losses.meng_logistic(x=x), 0.15486309001950452
    found = cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [3.0594623])
    minimum = cf.minima(loss)[0]
    return {"stable": bool(lr < minimum.edge), "cycles": found.period, "part": lr / minimum.edge}


CLAIMS.undecided(
    "cycles_on_the_sphere", "abstract (two dimensions and more)",
    "With data of equal length in two or more dimensions gradient descent can still cycle below 2/λ.",
    domain="logistic loss, two weights or more, data of equal length that no weights separate; η < 2/λ",
    needs="the paper's data set in two dimensions, which could not be read, or a search for one",
)  # fmt: skip


def figures():
    """Two attractors below the edge."""
    return {"cycle": _cycle}


def _cycle():
    import matplotlib.pyplot as plt

    step = cf.as_map(cf.losses.meng_logistic(), cf.optimizers.gd(lr=0.15486309001950452))
    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    for start in (3.0, 0.2):
        axes.plot(cf.iterate(step, [start], 40).w[:, 0], ".-", lw=0.7, label=f"from w = {start}")
    axes.set(xlabel="step", ylabel="w", title="Logistic regression at 0.897 of the edge")
    axes.legend()
    return figure
