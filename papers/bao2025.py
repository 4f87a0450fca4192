"""H. Bao, S. Sakaue, Y. Takezawa, *Any-stepsize gradient descent for separable data under Fenchel–Young losses*,
arXiv 2502.04889 (2025).

On separable data gradient descent from 0 with any step reaches a small loss in finitely many steps if the loss vanishes beyond
a margin, as those of Fenchel–Young with a separation margin do (the modified Huber loss, Tsallis-2, is one), without any
descent lemma: the abstract's rate for a loss of ε is T = Ω(ε^(−1/2)) for Tsallis. The text was read in part. The counts of
steps are ours.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
ROWS = ((1.0, 0.2), (-2.0, 0.2), (1.0, 0.2), (-2.0, 0.2))  # y x for (1, .2), (−2, .2) of y = 1 and (−1, −.2), (2, −.2) of y = −1
LOSSES = {"huber": "Piecewise((-4*({z}), {z} < -1), (Max(0, 1 - ({z}))**2, True))", "logistic": "softplus(-({z}))"}


def _orbit(lr, loss="huber", rows=ROWS, steps=3000):
    """Gradient descent from 0 on the mean loss, and the mean loss along it."""
    terms = " + ".join(LOSSES[loss].format(z=f"{a}*x + {b}*y") for a, b in rows)
    step = cf.as_map(cf.Loss(f"({terms})/{len(rows)}", "x y"), cf.optimizers.gd(lr=lr))
    w = cf.iterate(step, [0.0, 0.0], steps).w
    z = w @ np.array(rows).T
    values = np.where(z < -1, -4 * z, np.maximum(0, 1 - z) ** 2) if loss == "huber" else np.logaddexp(0, -z)
    return w, values.mean(1)


def _by_hand():
    points, found = np.array(ROWS), []
    for lr in (16.0, 256.0, 4096.0):
        w, k = np.zeros(2), 0
        while (points @ w < 1).any():
            z = points @ w
            w, k = w + lr * np.where(z < -1, 4.0, 2 * np.maximum(0, 1 - z)) @ points / 4, k + 1
        found.append(k)
    return {"steps": found}


@CLAIMS.add(
    "experiment (the data and the step 2⁴ are the source's, the counts ours)",
    {"steps": [14, 13, 13], "rises": above(1000.0), "first": near(1.0, 1e-12)},
    Control("the logistic loss, which has no margin", changes={"loss": "logistic"}), figure="losses", second=_by_hand,
    domain="the mean modified Huber loss of four separable points of the plane, two weights, from 0; η = 16, 256, 4096",
    perturbations=(Control("one label turned: nothing separates the data", changes={"rows": (*ROWS[:3], (2.0, -0.2))}),
                   Control("η = 4 in place of 16", changes={"lrs": (4.0, 256.0, 4096.0)})),
)  # fmt: skip
def exactly_zero_after_a_few_steps(loss="huber", rows=ROWS, lrs=(16.0, 256.0, 4096.0)):
    """On four separable points gradient descent from 0 on the modified Huber loss reaches the loss 0 exactly after 14, 13 and
    13 steps at η = 16, 256 and 4096, although with the last the loss on the way rises to more than 1000 times that of the
    start, 1.

    The first step at which the loss is exactly 0, −1 if there is none in 3,000; the largest loss with η = 4096 over the first.
    """
    runs = [_orbit(lr, loss, rows)[1] for lr in lrs]
    steps = [int((values == 0).argmax()) if (values == 0).any() else -1 for values in runs]
    return {"steps": steps, "rises": float(runs[-1].max() / runs[-1][0]), "first": float(runs[-1][0])}


def figures():
    """Losses for three steps."""
    return {"losses": _losses}


def _losses():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for lr in (0.25, 16.0, 4096.0):
        axes.semilogy(_orbit(lr, steps=40)[1], ".-", label=f"modified Huber, η = {lr:g}")
    axes.semilogy(_orbit(16.0, "logistic", steps=40)[1], "--", color="0.4", label="logistic, η = 16")
    axes.set(xlabel="step", ylabel="mean loss (lines end at 0)", title="Four separable points")
    axes.legend(fontsize="small")
    return figure
