"""X. Zhu, Z. Wang, X. Wang, M. Zhou and R. Ge, *Understanding edge-of-stability training dynamics with a minimalist
example*, arXiv 2210.03294, ICLR 2023.

On the product of four numbers, (1 − xyzw)²/2, gradient descent from beyond the edge ends with a sharpness just below 2/η:
between 2/η − 20η/3 and 2/η. On the product of two numbers the gap is much larger. With x = z and y = w the coordinates c =
(x² − y²)^½ and d = xy describe it; at the minimum (c, d) = ((η⁻² − 4)^¼, 1) the sharpness is exactly 2/η.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
FROM = (1.03, 1.1, 1.2)


def _start(lr, beyond, depth=4):
    """Near the minimum with the weights x and 1/x in turn and the sharpness 2·beyond/η."""
    sum_of_squares = 4 * beyond / lr / depth  # x² + 1/x²
    x = math.sqrt((sum_of_squares + math.sqrt(sum_of_squares**2 - 4)) / 2)
    return [x, 1 / x + 1e-3] * (depth // 2)


def _gaps(lr, depth=4, steps=40):
    """2/η minus the final sharpness, from three starts."""
    loss = cf.losses.deep_linear(depth=depth)
    step = cf.as_map(loss, cf.optimizers.gd(lr=lr))
    ends = [cf.iterate(step, _start(lr, beyond, depth), int(steps / lr**2)).w[-1] for beyond in FROM]
    return np.array([2 / lr - loss.sharpness(w) for w in ends])


@CLAIMS.add(
    "abstract (slightly below 2/η); the bounds are our statement",
    {"least gap/η": at_least(0.0), "greatest gap/η": at_most(20 / 3)},
    Control("the product of two numbers", changes={"depth": 2}), figure="endings",
    domain="(1 − xyzw)²/2, four weights; η = 0.05, 0.02 and 0.01, starts near minima at 1.03, 1.1 and 1.2 times the edge",
    perturbations=(Control("a gap of at least η", expected={"least gap/η": at_least(1.0)}),),
)  # fmt: skip
def final_sharpness(depth=4, lrs=(0.05, 0.02, 0.01)):
    """From starts near minima at 1.03 to 1.2 times the edge gradient descent on (1 − xyzw)²/2 ends with a sharpness in (2/η −
    20η/3, 2/η).

    η = 0.05, 0.02, 0.01, each from three starts, 40/η² steps.
    """
    gaps = np.array([_gaps(lr, depth) / lr for lr in lrs])
    return {"least gap/η": float(gaps.min()), "greatest gap/η": float(gaps.max())}


@CLAIMS.add(
    "own statement", {"gap/η": near(0.5, 0.002), "order of the rest": near(2.0, 0.1)},
    Control("at larger learning rates", changes={"lrs": (0.2, 0.1)}),
    domain="(1 − xyzw)²/2, four weights; starts near minima somewhat beyond the edge; η → 0",
    examples="η = 0.02 and 0.01, from 1.03, 1.1 and 1.2 times the edge",
    perturbations=(Control("a gap of 0.51 η", changes={"half": 0.51}),),
)  # fmt: skip
def gap_is_half(lrs=(0.02, 0.01), half=0.5):
    """On (1 − xyzw)²/2, from beyond the edge, the gap 2/η − S of the final sharpness is η/2 + O(η³) as η → 0.

    The median of three starts; what is missing from 1/2 falls as η², by the ratio of the two.
    """
    found = [float(np.median(_gaps(lr) / lr)) for lr in lrs]
    return {"gap/η": found[-1], "order of the rest": math.log2((half - found[0]) / (half - found[1]))}


@CLAIMS.add(
    "abstract", {"relative gap, two factors": at_least(0.1), "relative gap, four factors": at_most(0.002)},
    Control("from 1.001 times the edge, where two factors end near it too", changes={"beyond": 1.001}), figure="endings",
    domain="(1 − xy)²/2 and (1 − xyzw)²/2, η = 0.05, from a start near a minimum at 1.1 times the edge",
    perturbations=(Control("from 1.02 times the edge", changes={"beyond": 1.02}),),
)  # fmt: skip
def two_factors_end_lower(beyond=1.1, lr=0.05):
    """From 1.1 times the edge, η = 0.05, two factors also converge, but end at least 10 % below 2/η; four end at most 0.2 %
    below.

    (2/η − S) in units of 2/η.
    """
    found = {}
    for depth, name in ((2, "two"), (4, "four")):
        loss = cf.losses.deep_linear(depth=depth)
        w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), _start(lr, beyond, depth), int(40 / lr**2)).w[-1]
        found[f"relative gap, {name} factors"] = 1 - loss.sharpness(w) * lr / 2
    return found


@CLAIMS.add(
    "abstract and summary (the η-EoS minimum)", {"sharpness · η/2": near([1.0] * 3, 1e-12), "loss": near([0.0] * 3, 1e-20)},
    Control("the fourth root of η⁻² − 1", changes={"offset": 1.0}),
    domain="(1 − x²y²)²/2 as (1 − xyzw)²/2 at x = z, y = w, 0 < η < 1/2", examples="η = 0.2, 0.05 and 0.01",
    perturbations=(Control("η⁻² − 4.1", changes={"offset": 4.1}),),
)  # fmt: skip
def minimum_at_the_edge(offset=4.0, lrs=(0.2, 0.05, 0.01)):
    """The minimum of (1 − x²y²)²/2, x = z and y = w, whose sharpness is exactly 2/η has x² − y² = (η⁻² − 4)^½ and xy = 1.

    The Hessian of the four weights at that point for three η.
    """
    loss, found, values = cf.losses.deep_linear(depth=4), [], []
    for lr in lrs:
        difference = math.sqrt(lr**-2 - offset)
        x = math.sqrt((difference + math.sqrt(difference**2 + 4)) / 2)
        found.append(loss.sharpness([x, 1 / x] * 2) * lr / 2)
        values.append(loss.value([x, 1 / x] * 2))
    return {"sharpness · η/2": found, "loss": values}


@CLAIMS.add(
    "own statement", {"steps that change side": between(0.99, 1.0), "sharpness falls to the edge": True},
    Control("from 0.9 times the edge", changes={"beyond": 0.9}),
    domain="(1 − xyzw)²/2, η = 0.05, from a start near a minimum at 1.1 times the edge",
    perturbations=(Control("from 0.97 times the edge", changes={"beyond": 0.97}),),
)  # fmt: skip
def bounces_until_stable(beyond=1.1, lr=0.05):
    """On (1 − xyzw)²/2, η = 0.05, from 1.1 times the edge, the residual changes its sign on at least 99 % of the first 1,000
    steps, and the sharpness comes down to within 1 % of 2/η.

    The part of the first 1,000 steps on which xyzw − 1 changes its sign, and whether the sharpness of the midpoints then
    goes from above to within 1 % of the edge.
    """
    step = cf.as_map(cf.losses.deep_linear(depth=4), cf.optimizers.gd(lr=lr))
    orbit = cf.iterate(step, _start(lr, beyond), 20_000)
    residual = orbit.w[:1001].prod(axis=1) - 1
    near_edge = abs(orbit.sharpness[-1] * lr / 2 - 1) < 0.01 < orbit.sharpness[0] * lr / 2 - 1
    return {
        "steps that change side": float((residual[1:] * residual[:-1] < 0).mean()),
        "sharpness falls to the edge": bool(near_edge),
    }


def figures():
    """Sharpness along gradient descent for two and for four factors."""
    return {"endings": _endings}


def _endings():
    import matplotlib.pyplot as plt

    lr = 0.05
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
    for axis, depth in zip(axes, (2, 4), strict=True):
        loss = cf.losses.deep_linear(depth=depth)
        for beyond in FROM:
            orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), _start(lr, beyond, depth), 8000)
            sharpness = [loss.sharpness(w) * lr / 2 for w in orbit.midpoints()]
            axis.semilogx(np.arange(1, 8000), sharpness, lw=1, label=f"from {beyond} times the edge")
        axis.axhline(1, color="k", ls="--", lw=1)
        axis.set(xlabel="step", title=f"{depth} factors, η = {lr}", ylim=(0.6, 1.4))
    axes[0].set_ylabel("sharpness of the midpoints · η/2")
    axes[1].legend()
    return figure
