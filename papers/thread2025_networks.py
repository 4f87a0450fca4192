"""A forum thread on *How does gradient descent work?* (centralflows.github.io, arXiv 2410.24206), 2025, on networks.

Readers asked whether the bouncing at the edge of stability is always of period 2, or could be of period 3 and chaotic. Here the
question is put to a fully connected tanh net with 3268 weights on 500 real digits, by gradients and Hessian-vector products: how
descent bounces, and what becomes of that when the learning rate is raised.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
LR, BEFORE, LATE, STAGE, RAISE = 0.75, 500, 400, 160, 1.06
SEEDS = (0, 1, 2)
TANGENTS = 4  # starts of tangent vectors


@cache
def _net(seed):
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=seed)


@cache
def _late(seed):
    """The weights after 500 steps."""
    return cf.iterate(cf.as_map(_net(seed), cf.optimizers.gd(lr=LR)), _net(seed).start, BEFORE).z[-1]


def _at_once(seed, factor=1.8):
    """The step at which the run diverges when η is raised by so much after 500 steps; a whole stage where it does not."""
    orbit = cf.iterate(cf.as_map(_net(seed), cf.optimizers.gd(lr=factor * LR)), _late(seed), STAGE)
    return len(orbit.z) - 1


@cache
def _raised(seed, factor=RAISE):
    """Stages of 160 steps, η raised between them until the run diverges: (η over the first one, late weights along their fastest
    direction), and the η at which it diverged over the first one."""
    net, times, z, stages = _net(seed), 1.0, _late(seed), []
    while times < 10:
        orbit = cf.iterate(cf.as_map(net, cf.optimizers.gd(lr=times * LR)), z, STAGE)
        if orbit.status != "done":
            break
        z, late = orbit.z[-1], orbit.w[64:]
        stages.append((times, late @ np.linalg.svd(np.diff(late, 2, axis=0), full_matrices=False)[2][0]))
        times *= factor
    return stages, times


def _exponents(seed):
    """Means per step of ln of what tangent vectors gain over the steps 500 to 900, (4,); they turn from step 250 on."""
    step, means = cf.as_map(_net(seed), cf.optimizers.gd(lr=LR)), np.zeros(TANGENTS)
    z = cf.iterate(step, _net(seed).start, BEFORE // 2).z[-1]
    rows = np.array([np.random.default_rng(k).normal(size=step.dim) for k in range(TANGENTS)])
    for k in range(BEFORE // 2, BEFORE + LATE):
        sizes = np.linalg.norm(rows, axis=1)
        means += np.log(sizes) / LATE if k > BEFORE else 0.0
        z, product = step.tangent(z)
        rows = product(rows / sizes[:, None])
    return means + np.log(np.linalg.norm(rows, axis=1)) / LATE


def _uneven(x):
    """The part of the fast power near the frequencies ⅓ and ¼, the larger of the two."""
    fast = np.diff(x, 2)[-(len(x) - 2) // 12 * 12 :]
    power = np.abs(np.fft.rfft(fast * np.hanning(len(fast)))) ** 2
    return float(max(power[len(fast) // q - 3 : len(fast) // q + 4].sum() for q in (3, 4)) / power.sum())


@CLAIMS.add(
    "question 1",
    {"alternates": at_least(0.99), "periods 3 and 4, part": at_most(1e-3), "diverges at": near([2.7, 2.7, 2.7], 0.17),
     "at once, steps": at_most(35)},
    Control("logistic regression at a step at which its attractor is a 3-cycle", changes={"on": "three"}), slow=True,
    figure="alternation",
    domain="a 64-32-32-4 tanh net, 500 digits, squared errors, full batches; η = 0.75 for 500 steps, then "
    "6 % more every 160 steps; seeds 0 to 2",
    perturbations=(Control("they diverge at twice the first η", expected={"diverges at": near([2.0, 2.0, 2.0], 0.17)}),),
)  # fmt: skip
def the_bouncing_has_period_two(on="digits"):
    """On a tanh net with 3268 weights the iterates of gradient descent at the edge of stability bounce with period 2. Where η is
    raised slowly they do so until they diverge, at 2.5 to 2.9 times its first value; raised to 1.8 times in one go they diverge
    within 35 steps. Neither period 3 nor 4 was seen, from three starts.

    ``alternates``: the least part of the steps at which the second difference along the fastest direction of a stage changes its
    sign (of noise two thirds, of a 2-cycle 1). ``periods 3 and 4``: the largest part of its power near the frequencies ⅓ and ¼.
    ``at once``: the last of the three runs to diverge where η goes from 0.75 to 1.35 after the 500 steps, so that how far η
    can be raised is no number of the network alone.
    """
    if on == "three":
        step = cf.as_map(cf.Loss("softplus(w) - 2*w/3"), cf.optimizers.gd(lr=20.0))
        runs, ends = [cf.iterate(step, [9.375451224991260], STAGE).w[:, 0]], [2.7]
        at_once = STAGE
    else:
        found = [_raised(seed) for seed in SEEDS]
        runs, ends = [x for stages, _ in found for _, x in stages], [times for _, times in found]
        at_once = max(map(_at_once, SEEDS))
    flips = [float((np.diff(np.sign(np.diff(x, 2))) != 0).mean()) for x in runs]
    return {"alternates": min(flips), "periods 3 and 4, part": max(map(_uneven, runs)), "diverges at": ends,
            "at once, steps": at_once}  # fmt: skip


@CLAIMS.add(
    "question 1", {"largest exponent": at_most(1e-3), "of a convex loss, chaotic": above(0.05)},
    Control("the convex loss in the place of the network", changes={"on": "softmax"}), slow=True,
    domain="a 64-32-32-4 tanh net, 500 digits, squared errors, full batches; η = 0.75, steps 500 to 900; seeds 0 and 1",
    perturbations=(Control("tangents grow by 1 % a step", expected={"largest exponent": near(0.01, 1e-3)}),),
)  # fmt: skip
def no_chaos_along_training(on="digits"):
    """On a tanh net with 3268 weights runs of gradient descent that start close stay close in one stretch at the edge of
    stability: tangent vectors grow by at most a thousandth a step on average over the steps 500 to 900, where on a softmax
    regression at a large step they grow by 0.05 or more.

    ``largest exponent``: the largest mean of ln of what a vector gains in a step, of four that were begun at random at step 250,
    by Hessian-vector products; two seeds. ``of other tangents``: the smallest. A number for a stretch of a transient, not for an
    attractor.
    """
    convex = cf.as_map(cf.losses.softmax_regression(), cf.optimizers.gd(lr=12.0))
    chaotic = float(cf.analysis.lyapunov_spectrum(convex, np.linspace(-1, 1, 9), 4000).exponents[0])
    if on == "softmax":
        return {"largest exponent": chaotic, "of a convex loss, chaotic": chaotic}
    found = np.array([_exponents(seed) for seed in SEEDS[:2]])
    return {"largest exponent": float(found.max()), "of a convex loss, chaotic": chaotic,
            "of other tangents": [float(one.min()) for one in found]}  # fmt: skip


def figures():
    """The net's weights along the direction that bounces, for three learning rates."""
    return {"alternation": _alternation}


def _alternation():
    import matplotlib.pyplot as plt

    stages, _ = _raised(0)
    figure, axes = plt.subplots(3, 1, figsize=(7, 5), sharex=True, layout="constrained")
    for axis, (times, x) in zip(axes, stages[:: len(stages) // 2], strict=True):
        for first, label in ((0, "even steps"), (1, "odd steps")):
            axis.plot(np.arange(len(x))[first::2], x[first::2] - x.mean(), ".-", ms=3, lw=0.5, label=label)
        axis.set(ylabel="along the fastest", title=f"η = {times * LR:.3g}")
    axes[0].legend(fontsize=8)
    axes[-1].set(xlabel="step")
    return figure
