"""J. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter and J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206, ICLR 2025: a convolutional network and a transformer.

What cohen2024_networks has of a fully connected net, for two small nets of other kinds, by gradient descent on squared errors: a
CNN (468 weights, tanh) on 200 real digits of four classes with η = 0.65, and a transformer (756 weights) that sorts sequences of
four symbols with η = 0.1. Both have passed 2/η by a quarter to two thirds before an oscillation has grown; what begins there is
no matter of an average. So flows start after 200 steps, at the mean (w₋ + 2w + w₊)/4, and the next 300 are looked at.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
RATES, WARM, STEPS = {"cnn": 0.65, "transformer": 0.1}, 200, 300


@cache
def _net(name):
    if name == "cnn":
        return cf.networks.cnn(cf.data.digits(classes=4, n=200), channels="4-8", activation="tanh")
    return cf.networks.transformer(cf.data.sorting(n=100, length=4), width=8, hidden=16)


@cache
def _orbit(name):
    return cf.iterate(cf.as_map(_net(name), cf.optimizers.gd(lr=RATES[name])), _net(name).start, WARM + STEPS + 2)


@cache
def _path(model, name):
    """A flow at every fifth step from the warm start on."""
    flow = cf.flows.get(model)(_net(name), cf.optimizers.gd(lr=RATES[name]))
    return cf.solve(flow, _orbit(name).midpoints()[WARM - 1], STEPS, save_at=np.arange(0, STEPS + 1, 5.0), rtol=1e-4)


def _away(model, name):
    return np.linalg.norm(_path(model, name).w - _orbit(name).midpoints()[WARM - 1 : WARM + STEPS : 5], axis=1)


@CLAIMS.add(
    "section 3 and experiments", {"least ratio": at_least(5)},
    Control("gradient flow in the central flow's place", changes={"model": "gradient"}), slow=True, figure="distances",
)  # fmt: skip
def follows_where_gradient_flow_leaves(model="central"):
    """At the edge of stability gradient flow leaves descent's path, the central flow stays close, on a CNN and on a transformer.

    Median distance of gradient flow over that of the central flow, over the 300 steps; the lesser of both nets.
    """
    ratios = {name: float(np.median(_away("gradient", name)[10:] / _away(model, name)[10:])) for name in RATES}
    return {"least ratio": min(ratios.values()), **ratios}


@CLAIMS.add(
    "section 3 and experiments", {"loss": near([1.0, 1.0], 0.03), "squared gradient": near([1.0, 1.0], 0.15),
                                  "without oscillation": at_most(0.5)},
    Control("without the covariance: loss and squared gradient on the flow", changes={"oscillation": False}), slow=True,
)  # fmt: skip
def averages_are_predicted(oscillation=True):
    """The averages of loss and squared gradient are those of the flow and its covariance Σ, L + tr Σ/η and |∇L|² + 4 tr Σ/η²;
    most of the gradient is oscillation.

    Predicted over measured, means over the 300 steps, CNN and transformer; ``without oscillation``: the largest part of the
    squared gradient that the flow alone has.
    """
    found = [_averages(name, oscillation) for name in RATES]
    return {"loss": [one[0] for one in found], "squared gradient": [one[1] for one in found],
            "without oscillation": max(one[2] for one in found)}  # fmt: skip


def _averages(name, oscillation):
    net, orbit, path = _net(name), _orbit(name), _path("central", name)
    chosen = np.arange(WARM, WARM + STEPS + 1)
    squares = np.mean([(net.gradient(w) ** 2).sum() for w in orbit.w[chosen]])
    own = np.mean([(net.gradient(w) ** 2).sum() for w in path.w])
    loss, square = (path.predicted_loss, path.predicted_grad_norm_sq.mean()) if oscillation else (path.loss, own)
    return float(loss.mean() / orbit.loss[chosen].mean()), float(square / squares), float(own / squares)


@CLAIMS.add(
    "section 3 and experiments", {"sharpness · η/2": near([1.0, 1.0], 0.05), "rises of the flow's loss": at_most(0),
                                  "rises of descent's": at_least(0.2)},
    Control("the sharpness on gradient flow", changes={"model": "gradient"}), slow=True,
)  # fmt: skip
def hovers_while_the_flow_descends(model="descent"):
    """The sharpness hovers at 2/η, and the loss falls monotonically along the central flow while descent's goes up and down.

    Means over the 300 steps; ``rises``: the part of steps in which the loss rises, of the net that has more and that has fewer.
    """
    levels = []
    for name, lr in RATES.items():
        points = _orbit(name).midpoints()[WARM - 1 : WARM + STEPS : 10] if model == "descent" else _path(model, name).w[::2]
        levels.append(float(np.mean([_net(name).sharpness(w) for w in points]) * lr / 2))
    flow = max(float(np.mean(np.diff(_path("central", name).loss) > 0)) for name in RATES)
    descent = min(float(np.mean(np.diff(_orbit(name).loss[WARM:]) > 0)) for name in RATES)
    return {"sharpness · η/2": levels, "rises of the flow's loss": flow, "rises of descent's": descent}


@CLAIMS.add(
    "section 3 and experiments", {"total": near([1.0, 1.0], 0.15), "largest": near([1.0, 1.0], 0.25)},
    Control("the variance of the averaged weights in place of the oscillation's", changes={"fast": False}), slow=True,
)  # fmt: skip
def variance_is_predicted(fast=True):
    """tr Σ and the largest eigenvalue of Σ are those of the oscillation's covariance, on a CNN and on a transformer.

    Predicted over measured: the mean of tr Σ over that of |w − (w₋ + 2w + w₊)/4|², and the largest eigenvalue of Σ over that
    of the covariance of such differences within 60 steps, means of five times 60 steps.
    """
    total, largest = [], []
    for name in RATES:
        middle, sizes = _orbit(name).midpoints()[WARM - 1 : WARM + STEPS], np.nan_to_num(_path("central", name).variances)
        off = _orbit(name).w[WARM : WARM + STEPS + 1] - middle if fast else middle - middle.mean(axis=0)
        tops = [np.linalg.svd(off[k : k + 60], compute_uv=False)[0] ** 2 / 60 for k in range(0, STEPS, 60)]
        total.append(float(sizes.sum(axis=1).mean() / (off**2).sum(axis=1).mean()))
        largest.append(float(sizes[:, 0].mean() / np.mean(tops)))
    return {"total": total, "largest": largest}


def figures():
    """Distances from descent, on both nets."""
    return {"distances": _distances}


def _distances():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, colour in zip(RATES, ("C0", "C1"), strict=True):
        for model, style in (("gradient", "--"), ("central", "-")):
            away, label = _away(model, name)[1:], f"{name}, {model} flow"
            axis.semilogy(_path(model, name).t[1:] + WARM, away, style, color=colour, label=label)
    axis.set(xlabel="step", ylabel="distance from descent")
    axis.legend(fontsize=8)
    return figure
