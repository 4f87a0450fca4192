"""E. Regis, S. Chewi, *Rod flow: a continuous-time model for gradient descent at the edge of stability*, arXiv 2602.01480
(2026): on a network.

The abstract says that the model matches the accuracy of the central flow on representative architectures. Here a fully connected
tanh net with 3268 weights learns 500 real digits of four classes; the flows begin at the midpoint (w₋ + 2w + w₊)/4 of an early
step, rods with the swing w − midpoint there; distances and sharpness are at midpoints. Σ is kept by its eigenvectors, without
those whose eigenvalues are below 1e-5 of its norm, or 1e-15 near the edge. "A single rod" has one direction, the drift's. What
is stated are measurements of this project, on this net alone.

All bounds were set before the seeds that they are tested on were run; what had been seen is said here. At onset the bounds of
the edge flow's claims (marion2026_network.py), 1.5 times nearer than the central flow and a correlation of 0.9 between the
sharpness of flow and descent, are met by neither kind: the single rod misses the onset on the seeds 3 and 7 of 3 to 8, where
it is 0.17 and 0.14 times as near, and has 1.3 to 7.8 and correlations of 0.80 to 0.99 on the others; all rods are 3.9, 2.4,
2.9, 1.3, 2.9 and 1.8 times nearer, with correlations of 0.78, 0.92, 0.88, 0.88, 0.92 and 0.29. What is claimed is that all
rods are nearer at all, on new seeds, and that a single rod is not enough. Steps have rtol = 1e-3: with 1e-4 the ratios at onset
differ by up to 10 %, the late sharpness by less than 0.1 %.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
EVERY, NEW, SEEDS = 5, (9, 10, 11), (3, 4)
ONSET, LATE = (0.75, 30, 200), (0.6, 10, 200)  # η, the step at which flows begin, and the last one
MODELS = {"single rod": "top", "all rods": "all"}


@cache
def _net(seed):
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=seed)


def _times(setting):
    return np.arange(EVERY, setting[2] - setting[1], EVERY)


@cache
def _middles(setting, seed):
    """Midpoints from the step at which flows begin on, and the swing at the first."""
    lr, warm, steps = setting
    orbit = cf.iterate(cf.as_map(_net(seed), cf.optimizers.gd(lr=lr)), _net(seed).start, steps + 2)
    middles = orbit.midpoints()[warm - 1 :]
    return middles, orbit.w[warm] - middles[0]


@cache
def _path(name, setting, seed):
    (middles, off), gd, times = _middles(setting, seed), cf.optimizers.gd(lr=setting[0]), _times(setting)
    if name in MODELS:
        flow, start = cf.flows.rod(_net(seed), gd, rods=MODELS[name]), np.concatenate([middles[0], off])
    else:
        flow, start = cf.flows.get(name)(_net(seed), gd), middles[0]
    return cf.solve(flow, start, times[-1], save_at=times, rtol=1e-3)


def _sharpness(name, setting, seed, last=None):
    """λ₁ at the times (at the last ones), of a flow's weights or of the midpoints."""
    weights = _middles(setting, seed)[0][_times(setting)] if name == "descent" else _path(name, setting, seed).w
    return np.array([_net(seed).sharpness(w) for w in weights[-(last or len(weights)) :]])


def _away(name, setting, seed):
    return np.linalg.norm(_path(name, setting, seed).w - _middles(setting, seed)[0][_times(setting)], axis=1)


@CLAIMS.add(
    "own statement", {"least ratio": at_least(1.0)},
    Control("the stable flow in the rod flow's place", changes={"model": "stable"}), slow=True, figure="onset",
    domain="a 64-32-32-4 tanh net, 500 digits, squared errors, full batches; η = 0.75, steps 35 to 195, seeds 9 to 11",
    perturbations=(Control("three times nearer", expected={"least ratio": at_least(3.0)}),),
)  # fmt: skip
def nearer_than_the_central_flow_at_onset(model="all rods"):
    """Where gradient descent on a tanh net with 3268 weights comes to the edge, the rod flow with all rods is nearer to it than
    the central flow, from each of three starts.

    Flows from step 30 on. Median distance of the central flow over that of the rod flow; the least of three seeds.
    """
    ratios = [float(np.median(_away("central", ONSET, seed)) / np.median(_away(model, ONSET, seed))) for seed in NEW]
    return {"least ratio": min(ratios), "ratios": ratios}


@CLAIMS.add(
    "own statement", {"single rod": at_least(1.3), "all rods": at_most(1.1), "descent": at_most(1.1)},
    Control("all rods in the single one's place", changes={"single": "all rods"}), slow=True, figure="late",
    domain="a 64-32-32-4 tanh net, 500 digits, squared errors, full batches; η = 0.6, flows from step 10 on, seeds 3 and 4",
    perturbations=(Control("descent misses it, too", expected={"descent": at_least(1.3)}),),
)  # fmt: skip
def single_rod_misses_a_later_onset(single="single rod"):
    """On a tanh net with 3268 weights that comes to the edge after the flow has begun, the rod flow with a single rod misses the
    onset: from two starts its sharpness is 1.3 times 2/η or more in the steps 150 to 195, that of descent and of the rod flow
    with all rods below 1.1 times.

    The mean sharpness of these steps over 2/η: the least of two seeds for the single rod, the largest for all rods and for
    descent. The single rod is the drift's, and no swing grows; with a rod for each eigenvector of Σ, of which those near the edge
    are kept however small they are, one does.
    """
    ends = {name: [float(_sharpness(name, LATE, seed, 10).mean() * LATE[0] / 2) for seed in SEEDS]
            for name in (single, "all rods", "descent")}  # fmt: skip
    return {"single rod": min(ends[single]), "all rods": max(ends["all rods"]), "descent": max(ends["descent"]), "by seed": ends}


def figures():
    """The sharpness of descent and of the flows, at onset and at a later one."""
    return {"onset": lambda: _drawn(ONSET, ("single rod", "all rods", "central")),
            "late": lambda: _drawn(LATE, ("single rod", "all rods"))}  # fmt: skip


def _drawn(setting, models):
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, style in zip(("descent", *models), ("k-", "C3--", "C1-.", "C0:"), strict=False):
        axis.plot(setting[1] + _times(setting), _sharpness(name, setting, SEEDS[1]), style, label=name)
    axis.axhline(2 / setting[0], color="0.5", lw=0.8)
    axis.set(xlabel="step", ylabel="sharpness", title=f"A tanh net on 500 digits, η = {setting[0]:g}, at the midpoints")
    axis.legend(fontsize=8)
    return figure
