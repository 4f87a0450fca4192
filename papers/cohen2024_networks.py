"""J. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter and J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206, ICLR 2025: networks on data.

The central flow is the time average of gradient descent at the edge of stability: gradient flow with the covariance of the
oscillation that keeps the sharpness at 2/η. It stays close to descent where gradient flow leaves it, and predicts the averaged
loss and squared gradient by the oscillation's covariance. Here a fully connected tanh net with 3268 weights learns 500 real
digits of four classes; flows have no matrix of d × d numbers, and start after 30 steps of descent, at the mean
(w₋ + 2w + w₊)/4: before, descent and gradient flow differ along directions that are at no edge.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
WARM, STEPS, RATES, SEEDS = 30, 900, (0.6, 0.75), (0, 1)


@cache
def _net(seed):
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=seed)


@cache
def _orbit(lr, seed):
    return cf.iterate(cf.as_map(_net(seed), cf.optimizers.gd(lr=lr)), _net(seed).start, STEPS)


@cache
def _path(name, lr, seed):
    """A flow after the warm start, at every tenth step; its time t is the step WARM + t of the orbit."""
    flow, start = cf.flows.get(name)(_net(seed), cf.optimizers.gd(lr=lr)), _orbit(lr, seed).midpoints()[WARM - 1]
    t = STEPS - WARM - 1
    return cf.solve(flow, start, t, save_at=np.arange(0, t, 10.0), rtol=1e-4)


def _away(name, lr, seed):
    """Its distance from the orbit's means, at the times of the path."""
    path, means = _path(name, lr, seed), _orbit(lr, seed).midpoints()
    return np.array([np.linalg.norm(w - means[WARM - 1 + int(t)]) for t, w in zip(path.t, path.w, strict=True)])


@CLAIMS.add(
    "section 3 and experiments", {"least ratio": at_least(5)},
    Control("gradient flow in the central flow's place", changes={"model": "gradient"}), slow=True, figure="distances",
)  # fmt: skip
def follows_where_gradient_flow_leaves(model="central"):
    """At the edge of stability gradient flow leaves descent's path, the central flow stays close.

    Distances from (w₋ + 2w + w₊)/4; of each run the median over the steps 130 to 890 of gradient flow's over the central flow's;
    the least of η = 0.6 and 0.75, seeds 0 and 1, one to three eigenvalues at the edge.
    """
    ratios = {f"{lr}, {seed}": float(np.median(_away("gradient", lr, seed)[10:] / _away(model, lr, seed)[10:]))
              for lr in RATES for seed in SEEDS}  # fmt: skip
    return {"least ratio": min(ratios.values()), "ratios": list(ratios.values())}


@CLAIMS.add(
    "section 3 and experiments", {"loss": near(np.ones(4).tolist(), 0.03), "squared gradient": near(np.ones(4).tolist(), 0.1),
                                  "without oscillation": at_most(0.5)},
    Control("without the covariance: loss and squared gradient on the flow", changes={"oscillation": False}), slow=True,
    figure="averages",
)  # fmt: skip
def averages_are_predicted(oscillation=True):
    """The averages of loss and squared gradient are those of the flow and its covariance Σ: L + tr Σ/η and |∇L|² + 4 tr Σ/η².
    Most of the gradient is oscillation.

    Predicted over measured, means over the steps 130 to 890, η = 0.6 and 0.75, seeds 0 and 1; ``without oscillation``: the
    largest part of the squared gradient that the flow alone has.
    """
    found = [_averages(lr, seed, oscillation) for lr in RATES for seed in SEEDS]
    return {"loss": [one[0] for one in found], "squared gradient": [one[1] for one in found],
            "without oscillation": max(one[2] for one in found)}  # fmt: skip


def _averages(lr, seed, oscillation):
    net, orbit, path, chosen = _net(seed), _orbit(lr, seed), _path("central", lr, seed), np.arange(130, 890)
    squares = np.array([(net.gradient(w) ** 2).sum() for w in orbit.w[chosen]])
    own = np.array([(net.gradient(w) ** 2).sum() for w in path.w])
    of_loss, of_square = (path.predicted_loss, path.predicted_grad_norm_sq) if oscillation else (path.loss, own)
    model, square, plain = (np.interp(chosen - WARM, path.t, x).mean() for x in (of_loss, of_square, own))
    return float(model / orbit.loss[chosen].mean()), float(square / squares.mean()), float(plain / squares.mean())


@CLAIMS.add(
    "section 3 and experiments", {"rises of the flow's loss": at_most(0), "rises of descent's": above(0.0)},
    Control("descent's own loss in place of the flow's", changes={"model": "descent"}), slow=True,
)  # fmt: skip
def loss_falls_on_the_flow(model="central"):
    """The loss falls monotonically along the central flow while that of descent goes up and down.

    The part of steps (of ten, on the flow) from 30 on in which the loss rises, of the case that has most on the flow and fewest
    in descent; η = 0.6 and 0.75, seeds 0 and 1.
    """
    cases = [(lr, seed) for lr in RATES for seed in SEEDS]
    raw = [float(np.mean(np.diff(_orbit(*case).loss[WARM:]) > 0)) for case in cases]
    flow = raw if model == "descent" else [float(np.mean(np.diff(_path(model, *case).loss) > 0)) for case in cases]
    return {"rises of the flow's loss": max(flow), "rises of descent's": min(raw), "of each": raw}


@CLAIMS.add(
    "section 3 and experiments", {"total": near(np.ones(4).tolist(), 0.15)},
    Control("the variance of the averaged weights in place of the oscillation's", changes={"fast": False}), slow=True,
)  # fmt: skip
def variance_is_predicted(fast=True):
    """tr Σ is the variance of the oscillation.

    Predicted over measured: the mean of tr Σ over that of |w − (w₋ + 2w + w₊)/4|², steps 130 to 889; η = 0.6 and 0.75, seeds 0
    and 1.
    """
    found = [_swings(lr, seed, fast) for lr in RATES for seed in SEEDS]
    return {"total": [float(sizes.sum(axis=1).mean() / (off**2).sum(axis=1).mean()) for sizes, off in found]}


@CLAIMS.add(
    "section 3 and experiments", {"largest": near(np.ones(4).tolist(), 0.25)},
    Control("within 76 steps, in which two modes that swing together count as one", changes={"steps": 76}), slow=True,
)  # fmt: skip
def largest_variance_is_that_of_long_windows(steps=190):
    """The largest eigenvalue of Σ is that of the oscillation's covariance, within so many steps that modes change their phases.

    Predicted over measured, means of four times 190 steps, cases as above. The bound was set for 76 steps, which is no number of
    the source, and is not met there by η = 0.75: of seed 1 the swings of two modes are correlated by 0.7 to 0.95 within 60 steps,
    and their common direction is no eigenvector of Σ. Along those `cohen2024_directions` has what is predicted.
    """
    found = [_swings(lr, seed) for lr in RATES for seed in SEEDS]
    tops = [[np.linalg.svd(off[k : k + steps], compute_uv=False)[0] ** 2 / steps for k in range(0, 760, steps)]
            for _, off in found]  # fmt: skip
    return {"largest": [float(sizes[:, 0].mean() / np.mean(top)) for (sizes, _), top in zip(found, tops, strict=True)]}


def _swings(lr, seed, fast=True):
    """Eigenvalues of Σ along the flow, and w − (w₋ + 2w + w₊)/4 of each step from 130 to 889."""
    orbit, path = _orbit(lr, seed), _path("central", lr, seed)
    middle, sizes = orbit.midpoints()[129:889], np.nan_to_num(path.variances[path.t + WARM >= 130])
    return sizes, orbit.w[130:890] - middle if fast else middle - middle.mean(axis=0)


def figures():
    """Distances from descent of both flows, and the loss with its prediction, on real digits."""
    return {"distances": _distances, "averages": _losses}


def _distances():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for lr, colour in zip(RATES, ("C0", "C1"), strict=True):
        for name, style in (("gradient", "--"), ("central", "-")):
            axis.semilogy(_path(name, lr, 0).t + WARM, _away(name, lr, 0), style, color=colour, label=f"{name} flow, η = {lr}")
    axis.set(xlabel="step", ylabel="distance from descent", title="a tanh net on 500 digits, flows from step 30 on")
    axis.legend(fontsize=8)
    return figure


def _losses():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    orbit, path = _orbit(RATES[1], 0), _path("central", RATES[1], 0)
    axis.semilogy(orbit.loss, lw=0.5, color="0.6", label="descent")
    axis.semilogy(path.t + WARM, path.predicted_loss, "C3", label="central flow, L + tr Σ/η")
    axis.semilogy(path.t + WARM, path.loss, "C0--", label="loss on the flow")
    axis.set(xlabel="step", ylabel="loss")
    axis.legend(fontsize=8)
    return figure
