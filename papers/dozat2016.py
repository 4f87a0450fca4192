"""T. Dozat, *Incorporating Nesterov momentum into Adam*, ICLR 2016 workshop.

NAdam: Adam whose average of gradients is replaced by one that already contains the next step, as Nesterov's method does, with a
momentum that warms up from half its value.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


@CLAIMS.add(
    "algorithm 2; its edge as in arXiv 2605.06821, table 2", {"edges": near([2.0, 3.0, 95 / 7], 1e-9), "kinds": ["flip"] * 3},
    Control("Adam, without the look-ahead", changes={"ahead": "m1"}), figure="edges",
)  # fmt: skip
def frozen_preconditioner(ahead="(1 - b)*g + b*m1"):
    """With its preconditioner frozen and after the warm-up NAdam steps along (1 − β)g + βm₊ and is stable iff ηλ₁(P⁻¹H) <
    2(1 + β)/((1 − β)(1 + 2β)): 13.571 = 95/7 at β = 0.9, where Adam's threshold is 38.

    That linear map on a curvature of 1: the first η at which a multiplier leaves the unit circle, for β = 0, 0.5 and 0.9.
    """
    found = [cf.analysis.edge(_frozen(ahead, b), [0.0, 0.0], 1.0) for b in (0.0, 0.5, 0.9)]
    return {"edges": [one.value for one in found], "kinds": [one.kind for one in found]}


@CLAIMS.add(
    "algorithm 2", {"below": below(0.5), "above": above(2.0)},
    Control("10 % further up", changes={"low": 1.08, "high": 1.12}),
)  # fmt: skip
def the_optimizer_itself(low=0.98, high=1.02):
    """NAdam's own map has that edge: with ε = 1 so large that √v̂ counts for nothing, weights near the minimum shrink at 0.98
    times the rate 95/7 and grow at 1.02 times it.

    From w = 1e-9 with the warm-up over (μ = β₁ and no corrections), 400 steps, the largest |w| of the last 20 over that of
    the first 20. That is about 6 % less, or 4 % more, a step.
    """
    found = [_growth(95 / 7 * factor) for factor in (low, high)]
    return {"below": found[0], "above": found[1]}


def _frozen(ahead, b):
    rule = ahead.replace("m1", "(b*m + (1 - b)*g)").replace("g", "x")
    return cf.Map.from_text([f"x - lr*({rule})", "b*m + (1 - b)*x"], "x m", params={"lr": 0.1, "b": b})


def _growth(lr):
    step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.nadam(lr=lr, beta1=0.9, beta2=0.99, eps=1.0))
    w = np.abs(cf.iterate(step, [1e-9, 0.0, 0.0, 0.0, 0.0, 0.0], 400).w[:, 0])
    return float(w[-20:].max() / w[:20].max())


def figures():
    """Thresholds over β."""
    return {"edges": _edges}


def _edges():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    momenta = np.linspace(0, 0.95, 20)
    for ahead, label in (("m1", "Adam"), ("(1 - b)*g + b*m1", "NAdam")):
        axes.plot(momenta, [cf.analysis.edge(_frozen(ahead, b), [0.0, 0.0], 1.0).value for b in momenta], ".-", label=label)
    axes.set(xlabel="β₁", ylabel="edge η λ₁(P⁻¹H)", yscale="log", title="Thresholds with a frozen preconditioner")
    axes.legend()
    return figure
