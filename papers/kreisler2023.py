"""I. Kreisler, M. Shpigel Nacson, D. Soudry and Y. Carmon, *Gradient descent monotonically decreases the sharpness of
gradient flow solutions in scalar networks and beyond*, arXiv 2305.13064, ICML 2023.

Take the point where the gradient flow from the present weights would end. On products of numbers, (w₁⋯w_D − 1)²/2, the
sharpness there falls in every step of gradient descent, although loss and sharpness themselves go up and down; from
there the source derives where gradient descent converges to the edge of stability.
"""

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between

CLAIMS = Claims(__name__, __doc__, read="the abstract")
DEPTHS = (2, 3, 4, 5, 6)


def _flow_sharpness(w):
    """The sharpness where the gradient flow from w > 0 ends: it keeps all wᵢ² − wⱼ², so wᵢ² = t + cᵢ with ∏(t + cᵢ) = 1."""
    offsets = w**2 - (w**2).min()
    t = brentq(lambda t: np.log(t + offsets).sum(), 1e-300, 2.0, xtol=1e-15, rtol=1e-14)
    return float((1 / (t + offsets)).sum())


def _orbits(depth, starts, beyond, steps, seed):
    """Orbits from near minima with learning rates up to ``beyond`` times the edge of where the gradient flow would end."""
    step, random = cf.as_map(cf.losses.deep_linear(depth=depth), cf.optimizers.gd(lr=0.1)), np.random.default_rng(seed)
    for _ in range(starts):
        w = random.uniform(0.3, 3, depth)
        w *= (random.uniform(0.7, 1.3) / w.prod()) ** (1 / depth)
        lr = 2 / _flow_sharpness(w) * random.uniform(1.0, beyond)
        yield lr, cf.iterate(step.at(lr=lr), w, steps)


@CLAIMS.add(
    "abstract; the range of rates as recalled", {"largest rise": at_most(1e-13)},
    Control("the sharpness at the weights themselves", changes={"quantity": "sharpness"}), figure="monotone",
    domain="(w₁⋯w_D − 1)²/2, positive starts with products from 0.7 to 1.3; η from 1 to 1.4 times the edge of the flow's end",
    examples="50 random orbits of depths 2 to 6",
    perturbations=(Control("rates up to 3 times the edge", changes={"beyond": 3.0}),),
)  # fmt: skip
def falls_in_every_step(quantity="flow sharpness", beyond=1.4, starts=10, seed=0):
    """The sharpness of the gradient flow's solution never rises along gradient descent on a product of weights.

    300 steps each: the largest relative rise in a step; 1e-13 is round-off.
    """
    rises = []
    for depth in DEPTHS:
        for _, orbit in _orbits(depth, starts, beyond, 300, seed):
            values = orbit.sharpness if quantity == "sharpness" else np.array([_flow_sharpness(w) for w in orbit.w])
            rises.append(float((np.diff(values) / values[:-1]).max()))
    return {"largest rise": max(rises)}


@CLAIMS.add(
    "abstract", {"orbits whose loss rises": at_least(40)},
    Control("rates at half the edge", changes={"scale": 0.5}), figure="monotone",
    domain="(w₁⋯w_D − 1)²/2; 50 random positive starts of depths 2 to 6, η from 1 to 1.4 times the edge of the flow's end",
    perturbations=(Control("rates smaller by 30 %", changes={"scale": 0.7}),),
)  # fmt: skip
def loss_is_not_monotone(scale=1.0, starts=10, seed=0):
    """Meanwhile the loss does not fall monotonically: it rises at least once on 40 and more of the 50 orbits.

    On how many of them the loss rises in at least one of the first 300 steps.
    """
    rising = 0
    for depth in DEPTHS:
        loss = cf.losses.deep_linear(depth=depth)
        for lr, orbit in _orbits(depth, starts, 1.4, 300, seed):
            step = cf.as_map(loss, cf.optimizers.gd(lr=scale * lr))
            rising += bool((np.diff(cf.iterate(step, orbit.w[0], 300).loss) > 1e-14).any())
    return {"orbits whose loss rises": rising}


@CLAIMS.add(
    "abstract (converges to the edge of stability); the example is ours",
    {"least final ηS/2": between(0.75, 1.0), "largest final ηS/2": between(0.95, 1.0), "converged": at_least(20)},
    Control("from a fifth to a half of the edge", changes={"scale": 0.4}),
    domain="(w₁⋯w_D − 1)²/2; 40 random positive starts of depths 3 to 6, η from 1 to 1.2 times the edge of the flow's end",
    perturbations=(Control("rates smaller by 30 %", changes={"scale": 0.7}),),
)  # fmt: skip
def ends_at_the_edge(scale=1.0, starts=10, seed=0):
    """From beyond the edge gradient descent comes to minima just inside it: more than half of the orbits converge within 20,000
    steps, and these to sharpnesses between 0.75 and 1 times 2/η.

    Of the orbits that have converged, the final sharpness in units of 2/η.
    """
    finals = []
    for depth in DEPTHS[1:]:
        loss = cf.losses.deep_linear(depth=depth)
        for lr, orbit in _orbits(depth, starts, 1.2, 1, seed):
            end = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=scale * lr)), orbit.w[0], 20_000).w[-1]
            if loss.value(end) < 1e-12:
                finals.append(loss.sharpness(end) * scale * lr / 2)
    return {"least final ηS/2": min(finals), "largest final ηS/2": max(finals), "converged": len(finals)}


def figures():
    """Along one orbit: the sharpness, and that of the gradient flow's solution."""
    return {"monotone": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    lr, orbit = list(_orbits(4, 5, 1.4, 3000, 4))[0]
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.semilogx(orbit.sharpness * lr / 2, lw=0.8, label="at the weights")
    axis.semilogx([_flow_sharpness(w) * lr / 2 for w in orbit.w], lw=2, label="where the gradient flow would end")
    axis.axhline(1, color="k", ls="--", lw=1)
    axis.set(xlabel="step", ylabel="sharpness · η/2", title=f"Depth 4, η = {lr:.3f}")
    axis.legend()
    return figure
