"""A forum thread on *How does gradient descent work?* (centralflows.github.io, arXiv 2410.24206), 2025, on networks.

Readers asked whether the bouncing at the edge of stability is always of period 2, or could be of period 3 and chaotic. Here the
question is put to a fully connected tanh net with 3268 weights on 500 real digits, by gradients and Hessian-vector products: what
descent does along the leading eigenvector, and what becomes of that when the learning rate is raised.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
LR, BEFORE, AFTER = 0.75, 500, 400


@cache
def _net(seed):
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=seed)


@cache
def _along(seed, factor):
    """Along the leading eigenvector at the middle of the run: the weights in the steps after η was raised, and the status."""
    net = _net(seed)
    first = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=LR)), net.start, BEFORE)
    orbit = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=factor * LR)), first.z[-1], AFTER)
    middle = orbit.midpoints()[len(orbit.w) // 2 - 1] if len(orbit.w) > 4 else orbit.w[-1]
    return orbit.w @ net.eigenvalues(middle)[1][0], orbit.status


def _uneven(x):
    """How far the best fit of a period 3 or 4 beyond that of 2 goes: the part of the fast power at frequencies ⅓ and ¼."""
    fast = np.diff(x, 2)[-(len(x) - 2) // 12 * 12 :]
    power = np.abs(np.fft.rfft(fast * np.hanning(len(fast)))) ** 2
    at = {q: power[len(fast) // q - 3 : len(fast) // q + 4].sum() for q in (3, 4)}
    return float(max(at.values()) / power.sum())


@CLAIMS.add(
    "question 1", {"alternates": at_least(0.95), "share of periods 3 and 4": at_most(0.05), "diverges at 2.2": True},
    Control("logistic regression at the step at which it has a 3-cycle", changes={"on": "three"}), slow=True, figure="alternation",
)  # fmt: skip
def the_bouncing_has_period_two(on="digits"):
    """On a network trained on real digits the iterates at the edge of stability bounce with period 2 along the leading
    eigenvector. Raising η by up to 1.8 changes its size, not its period; from about twice that they diverge. Neither period 3
    nor period 4 was seen.

    A 64-32-32-4 tanh net, mean squared error, η = 0.75 for 500 steps, then times 1, 1.25, 1.5 and 1.8 for 400 more; two seeds.
    ``alternates``: the least part of the steps at which the second difference changes its sign (of noise two thirds, of a
    2-cycle 1). ``share``: the largest part of the power of second differences near the frequencies ⅓ and ¼.
    """
    if on == "three":
        loss = cf.losses.logistic_regression(data=[[1, 1], [1, 1], [1, -1]])
        runs, divergent = [cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=20.0)), [9.0], AFTER).w[:, 0]], True
    else:
        runs = [_along(seed, factor)[0] for seed in (0, 1) for factor in (1.0, 1.25, 1.5, 1.8)]
        divergent = all(_along(seed, 2.2)[1].startswith("diverged") for seed in (0, 1))
    flips = [float((np.diff(np.sign(np.diff(x, 2))) != 0).mean()) for x in runs]
    return {"alternates": min(flips), "share of periods 3 and 4": max(map(_uneven, runs)), "diverges at 2.2": divergent,
            "of each": flips}  # fmt: skip


@CLAIMS.add(
    "question 1", {"largest exponent": above(0.0), "in standard errors": at_least(2)},
    Control("a learning rate whose edge is not reached", changes={"lr": 0.05}), slow=True,
)  # fmt: skip
def exponents_along_training(lr=1.0):
    """Along training at the edge nearby runs separate: the largest Lyapunov exponent of the steps 300 to 900 is positive.

    By tangent vectors pushed with Hessian-vector products; a number for a stretch of a transient, not for an attractor. Error
    by 20 parts.
    """
    net = _net(0)
    step = cf.as_map(net, cf.optimizers.gd(lr=lr))
    found = cf.analysis.lyapunov_spectrum(step, net.start, 600, 300, leading=2)
    return {"largest exponent": float(found.exponents[0]), "in standard errors": float(found.exponents[0] / found.errors[0])}


def figures():
    """The weights along the leading eigenvector of the digits' net for three learning rates."""
    return {"alternation": _alternation}


def _alternation():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(7, 5), sharex=True, layout="constrained")
    for axis, factor in zip(axes, (1.0, 1.5, 1.8), strict=True):
        x, _ = _along(0, factor)
        axis.plot(np.arange(len(x))[::2], x[::2], ".", ms=2, label="even steps")
        axis.plot(np.arange(len(x))[1::2], x[1::2], ".", ms=2, label="odd steps")
        axis.set(ylabel="along u₁", title=f"η = {factor * LR:g}")
    axes[0].legend(fontsize=8)
    axes[-1].set(xlabel="step")
    return figure
