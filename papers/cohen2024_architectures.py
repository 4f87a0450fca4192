"""J. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter and J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206, ICLR 2025: a convolutional network and a transformer.

What cohen2024_networks has of a fully connected net, for two small nets of other kinds, by gradient descent on squared errors: a
CNN (468 weights, tanh) on 200 real digits of four classes with η = 0.65, and a transformer (756 weights) that sorts sequences of
four symbols with η = 0.1. Both have passed 2/η by a quarter to two thirds before an oscillation has grown; what begins there is
no matter of an average. So flows start after 200 steps, at the mean (w₋ + 2w + w₊)/4, and the next 300 are looked at. What was
read are the abstract and the companion site, centralflows.github.io, part I; bounds are ours.
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


DOMAIN = ("a CNN (468 weights, tanh) on 200 digits, η = 0.65, and a transformer (756 weights) that sorts, η = 0.1; squared "
          "errors, full batches; steps 200 to 500, one start each")  # fmt: skip


@CLAIMS.add(
    "companion site, part I", {"least ratio": at_least(5)},
    Control("gradient flow in the central flow's place", changes={"model": "gradient"}), slow=True, figure="distances",
    domain=DOMAIN, perturbations=(Control("thirty times nearer", expected={"least ratio": at_least(30)}),),
)  # fmt: skip
def follows_where_gradient_flow_leaves(model="central"):
    """On a small CNN and on a small transformer at the edge of stability the central flow is five times nearer to the averaged
    iterates of gradient descent than gradient flow, or more.

    Median of the distance of gradient flow over that of the central flow, steps 250 to 500; the lesser of both nets.
    """
    ratios = {name: float(np.median(_away("gradient", name)[10:] / _away(model, name)[10:])) for name in RATES}
    return {"least ratio": min(ratios.values()), **ratios}


@CLAIMS.add(
    "companion site, part I", {"loss": near([1.0, 1.0], 0.03), "squared gradient": near([1.0, 1.0], 0.15),
                               "without oscillation": at_most(0.05)},
    Control("without the covariance: loss and squared gradient on the flow", changes={"oscillation": 0.0}), slow=True,
    domain=DOMAIN, perturbations=(Control("with half the covariance", changes={"oscillation": 0.5}),),
)  # fmt: skip
def averages_are_predicted(oscillation=1.0):
    """On a small CNN and on a small transformer the averages of loss and squared gradient over 300 steps of gradient descent are
    those of L + tr Σ/η and |∇L|² + 4 tr Σ/η² on the central flow, within 3 % and 15 %; the flow alone has 5 % of the squared
    gradient or less.

    Predicted over measured, CNN and transformer; ``without oscillation``: the largest part of the squared gradient that the flow
    alone has.
    """
    found = [_averages(name, oscillation) for name in RATES]
    return {"loss": [one[0] for one in found], "squared gradient": [one[1] for one in found],
            "without oscillation": max(one[2] for one in found)}  # fmt: skip


def _averages(name, part):
    net, orbit, path = _net(name), _orbit(name), _path("central", name)
    chosen = np.arange(WARM, WARM + STEPS + 1)
    squares = np.mean([(net.gradient(w) ** 2).sum() for w in orbit.w[chosen]])
    own = np.mean([(net.gradient(w) ** 2).sum() for w in path.w])
    loss, square = path.loss + part * (path.predicted_loss - path.loss), own + part * (path.predicted_grad_norm_sq.mean() - own)
    return float(loss.mean() / orbit.loss[chosen].mean()), float(square / squares), float(own / squares)


@CLAIMS.add(
    "companion site, part I", {"sharpness · η/2": near([1.0, 1.0], 0.05), "rises of the flow's loss": at_most(0),
                               "rises of descent's": at_least(0.2)},
    Control("the sharpness on gradient flow", changes={"model": "gradient"}), slow=True, domain=DOMAIN,
    perturbations=(Control("the sharpness is 1.8/η", changes={"edge": 1.8}),),
)  # fmt: skip
def hovers_while_the_flow_descends(model="descent", edge=2.0):
    """On a small CNN and on a small transformer the sharpness along gradient descent is 2/η on average within 5 %; the loss falls
    along the central flow from row to row, five steps apart, while descent's rises in a fifth of its steps or more.

    Means over the 300 steps of the sharpness at (w₋ + 2w + w₊)/4; ``rises``: the part of steps in which the loss rises, of the
    net that has more and that has fewer.
    """
    levels = []
    for name, lr in RATES.items():
        points = _orbit(name).midpoints()[WARM - 1 : WARM + STEPS : 10] if model == "descent" else _path(model, name).w[::2]
        levels.append(float(np.mean([_net(name).sharpness(w) for w in points]) * lr / edge))
    flow = max(float(np.mean(np.diff(_path("central", name).loss) > 0)) for name in RATES)
    descent = min(float(np.mean(np.diff(_orbit(name).loss[WARM:]) > 0)) for name in RATES)
    return {"sharpness · η/2": levels, "rises of the flow's loss": flow, "rises of descent's": descent}


@CLAIMS.add(
    "companion site, part I", {"total": near([1.0, 1.0], 0.15), "largest": near([1.0, 1.0], 0.25)},
    Control("the variance of the averaged weights in place of the oscillation's", changes={"fast": False}), slow=True,
    domain=DOMAIN, perturbations=(Control("Σ has twice the variance", changes={"part": 2.0}),),
)  # fmt: skip
def variance_is_predicted(fast=True, part=1.0):
    """On a small CNN and on a small transformer tr Σ is the total variance of gradient descent's oscillation within 15 %, and the
    largest eigenvalue of Σ that of the oscillation's covariance within 60 steps, within 25 %.

    Predicted over measured: the mean of tr Σ over that of |w − (w₋ + 2w + w₊)/4|², and the largest eigenvalue of Σ over that
    of the covariance of such differences, means of five times 60 steps.
    """
    total, largest = [], []
    for name in RATES:
        middle, sizes = _orbit(name).midpoints()[WARM - 1 : WARM + STEPS], part * np.nan_to_num(_path("central", name).variances)
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
