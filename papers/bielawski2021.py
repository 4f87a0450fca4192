"""J. Bielawski, T. Chotibut, F. Falniowski, G. Kosiorowski, M. Misiurewicz, G. Piliouras, *Follow-the-regularized-leader routes
to chaos in routing games*, arXiv 2102.07974, ICML (2021).

In a game of two parallel links follow-the-regularized-leader is w ← w − a(Φ(w) − b), Φ an increasing function from 0 to 1 given
by the regulariser. Unless the game is symmetric a large step brings chaos; a stable Nash equilibrium and chaos can coexist; the
time average of Φ is exactly b. Our remark: this is gradient descent on the convex loss ∫Φ − bw, here logistic regression whose
rows have offsets ±c.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
LOSS = "(softplus(w - c) + softplus(w + c))/2 - b*w"
STEP, SHARE, OFFSET = 50.0, 0.535, 4.63


def _step(c=OFFSET):
    return cf.as_map(cf.Loss(LOSS, "w", params={"b": SHARE, "c": c}), cf.optimizers.gd(lr=STEP))


@CLAIMS.add(
    "abstract (coexistence); the example is ours",
    {"part": below(1.0), "rests": 1, "exponent": above(0.05), "evidence": "chaotic"},
    Control("the entropic regulariser, c = 0, for which this does not happen", changes={"c": 0.0}), figure="both",
    domain="w ← w − 50(Φ(w) − 0.535), Φ(w) = (σ(w − 4.63) + σ(w + 4.63))/2; orbits from 0.1 beside the equilibrium and from 15",
    perturbations=(Control("offsets of 3.5", changes={"c": 3.5}),),
)  # fmt: skip
def equilibrium_beside_chaos(c=OFFSET):
    """A stable Nash equilibrium and chaos can coexist: with Φ(w) = (σ(w − 4.63) + σ(w + 4.63))/2, b = 0.535 and a = 50 the
    orbit from 0.1 beside the equilibrium comes to it, that from w = 15 has a positive Lyapunov exponent.

    ``part``: the step in units of the edge at the equilibrium;
    ``rests``: the period on which the orbit from 0.1 beside it ends; ``exponent``: the Lyapunov exponent of the orbit from w =
    15 over 200,000 steps; ``evidence``: what exponent and 0–1 test say of its attractor together.
    """
    step, minimum = _step(c), cf.minima(cf.Loss(LOSS, "w", params={"b": SHARE, "c": c}))[0]
    beside = cf.analysis.classify(step, [float(minimum.w[0]) + 0.1])
    exponent = cf.analysis.lyapunov(step, [15.0], n=200_000)
    return {"part": STEP / minimum.edge, "rests": beside.period, "exponent": float(exponent[0]),
            "evidence": cf.analysis.chaos(step, [15.0], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "abstract (the time average)", {"error": near(0.0, 2 / 200_000)},
    Control("the average of another sigmoid, that without offsets", changes={"offset": 0.0}),
    domain="w ← w − a(Φ(w) − b), Φ increasing from 0 to 1, 0 < b < 1, a > 0, all starts",
    examples="the orbit above from w = 15, which is chaotic, over 200,000 steps",
    perturbations=(Control("offsets of 4.6 in the average", changes={"offset": 4.6}),),
)  # fmt: skip
def the_average_is_exact(offset=OFFSET):
    """The time average of Φ along an orbit tends to exactly the equilibrium b, also where the orbit is chaotic.

    The mean of Φ less b. In w the orbit moves by a times the sum of Φ − b and stays in an interval of
    length at most 2a, so that the difference is at most 2 over the number of steps.
    """
    w = cf.iterate(_step(), [15.0], 200_000).w[:-1, 0]
    mean = ((2 + np.tanh((w - offset) / 2) + np.tanh((w + offset) / 2)) / 4).mean()
    return {"error": float(mean) - SHARE}


def figures():
    """Two orbits of one convex problem."""
    return {"both": _both}


def _both():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for start in (15.0, 0.5):
        axes.plot(cf.iterate(_step(), [start], 120).w[:, 0], ".-", lw=0.6, label=f"from w = {start:g}")
    axes.set(xlabel="step", ylabel="w", title="Descent on a convex loss below its edge: rest, and chaos")
    axes.legend()
    return figure
