"""H. Bao, S. Sakaue, Y. Takezawa, *Any-stepsize gradient descent for separable data under Fenchel–Young losses*,
arXiv 2502.04889 (2025).

On separable data gradient descent from 0 with any step reaches a small loss in finitely many steps if the loss vanishes beyond
a margin, as those of Fenchel–Young with a separation margin do (the modified Huber loss, Tsallis-2, is one), without any
descent lemma. The text was read in part. The counts of steps are ours.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above

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
    "experiment (the data and the step 2⁴ are the source's, the counts ours)", {"steps": [14, 13, 13]},
    Control("the logistic loss, which has no margin", changes={"loss": "logistic"}), figure="losses", second=_by_hand,
)  # fmt: skip
def exactly_zero_after_a_few_steps(loss="huber"):
    """With the modified Huber loss gradient descent reaches the loss 0 in finitely many steps for steps far beyond any descent
    lemma.

    The four points of the source, η = 2⁴, 2⁸, 2¹²: the first step at which the loss is exactly 0, −1 if there is none in 3,000.
    """
    losses = [_orbit(lr, loss)[1] for lr in (16.0, 256.0, 4096.0)]
    return {"steps": [int((values == 0).argmax()) if (values == 0).any() else -1 for values in losses]}


@CLAIMS.add(
    "experiment (loss curves)", {"rises": above(1000.0), "last": 0},
    Control("a step of 0.1, with which the loss falls monotonically", changes={"lr": 0.1}), figure="losses",
)  # fmt: skip
def the_loss_does_not_fall(lr=4096.0):
    """The loss is not monotone on the way: no descent lemma holds.

    The largest loss in units of the one at the start, 1, with η = 2¹², and whether the last is 0.
    """
    values = _orbit(lr)[1]
    return {"rises": float(values.max() / values[0]), "last": int(values[-1] != 0)}


@CLAIMS.add(
    "theorem (separable data)", {"zero": True},
    Control("data that nothing separates, with one label turned", changes={"rows": (*ROWS[:3], (2.0, -0.2))}),
)  # fmt: skip
def separable_data_only(rows=ROWS):
    """That the data are separable is what makes it stop.

    η = 2⁴, 3,000 steps: whether the last loss is exactly 0.
    """
    return {"zero": bool(_orbit(16.0, rows=rows)[1][-1] == 0)}


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
