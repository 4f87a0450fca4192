"""Z. Bai, Z. Zhou, J. Zhao, X. Li, Z. Li, F. Xiong, H. Yang, Y. Zhang, Z.-Q. J. Xu, *Adaptive preconditioners trigger loss
spikes in Adam*, arXiv 2506.04805, ICML (2026).

Adam's preconditioner decouples from the gradient: where the gradient vanishes the second moment decays at its own rate, the
preconditioned curvature grows beyond its edge, and the loss spikes, on a quadratic of one variable too and for any small step.
A larger ε removes it.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _orbit(lr, eps=0.0, b2=0.99, steps=20_000):
    """Adam with β₁ = 0.9 on w²/2 from 1: state after each step."""
    return cf.iterate(cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=lr, beta1=0.9, beta2=b2, eps=eps)), [1.0], steps).z


@CLAIMS.add(
    "abstract (the preconditioner alone triggers spikes); the example is ours",
    {"deep": at_most(1e-20), "growth": at_least(1e10)},
    Control("ε = 0.1", changes={"eps": 0.1}), figure="spikes",
    domain="w²/2, one weight; Adam with bias correction, β₁ = 0.9, β₂ = 0.99, ε = 0 from w = 1; any small η",
    examples="η = 0.1, 0.01 and 0.001, 20,000 steps", perturbations=(Control("ε = 0.001", changes={"eps": 1e-3}),),
)  # fmt: skip
def spikes_for_any_small_step(eps=0.0):
    """Without ε Adam on w²/2, whose curvature is the same everywhere, spikes for any small step: |w| first falls below 1e-20
    and then grows by more than 1e10.

    ``deep``: the largest over the steps of the least |w|; ``growth``:
    the least over the steps of the largest |w| after that, within the rest of the run, in units of the least. A run that has
    reached 0 to the range of floats has not grown.
    """
    deep, growth = [], []
    for lr in (1e-1, 1e-2, 1e-3):
        w = abs(_orbit(lr, eps)[:, 0])
        k = int(w[:15_000].argmin())
        deep, growth = [*deep, float(w[k])], [*growth, float(w[k:].max() / w[k]) if w[k] > 1e-300 else 0.0]
    return {"deep": max(deep), "growth": min(growth)}


@CLAIMS.add(
    "abstract (decay of the second moment); the threshold with momentum is ours",
    {"decay": near(0.99, 1e-3), "gap": near(0.0, 20.0)},
    Control("a short memory, β₂ = 0.5, held against the same numbers", changes={"b2": 0.5}), figure="spikes",
    domain="w²/2, one weight; Adam with β₁ = 0.9, β₂ = 0.99, ε = 0, η = 0.01 from w = 1, 1,650 steps, up to the first spike",
    perturbations=(Control("the threshold without momentum, 2 in place of 38", changes={"edge": 2.0}),),
)  # fmt: skip
def the_second_moment_decays_alone(b2=0.99, edge=38.0):
    """Before the first spike the second moment decays by the factor β₂ a step, as if there were no gradient, until the curvature
    divided by its root crosses the edge 2(1 + β₁)/((1 − β₁)η) of momentum; within 20 steps of that |w| begins to grow.

    ``decay``: the median factor of v over steps 1,000 to 1,500. ``gap``: from the first step with η/√v > 38 to the one at which
    the largest |w| of 21 steps around is least; the oscillation of |w| blurs it by some steps.
    """
    z = _orbit(1e-2, b2=b2, steps=1650)
    w, v = abs(z[:, 0]), z[:, list(_names()).index("v_w")]
    beyond = np.flatnonzero(1e-2 / np.sqrt(v[50:]) > edge)
    envelope = [w[k - 10 : k + 11].max() for k in range(10, len(w) - 10)]
    gap = int(np.argmin(envelope)) + 10 - int(beyond[0]) - 50 if len(beyond) else len(w)
    return {"decay": float(np.median(v[1001:1501] / v[1000:1500])), "gap": float(gap)}


def _names():
    return cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.1)).names


def figures():
    """An orbit that spikes, and one that does not."""
    return {"spikes": _spikes}


def _spikes():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for eps in (0.0, 0.1):
        axes.semilogy(abs(_orbit(1e-2, eps, steps=6000)[:, 0]), lw=0.7, label=f"ε = {eps:g}")
    axes.set(xlabel="step", ylabel="|w|", ylim=(1e-40, 3), title="Adam on w²/2, η = 0.01, β₁ = 0.9, β₂ = 0.99")
    axes.legend()
    return figure
