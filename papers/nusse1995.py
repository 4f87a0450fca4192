"""H. E. Nusse, J. A. Yorke, *Border-collision bifurcations for piecewise smooth one-dimensional maps*, Int. J. Bifurcation and
Chaos 5 (1995) 189–207.

Where a fixed point of a map with a corner meets it, the slopes a and b on both sides decide what follows: for every m ≥ 2 a
stable cycle of m points, or chaos in m, 2m or one intervals, directly after the stable fixed point. The map is x → ax + μ for
x < 0, bx + μ for x > 0. Here it is gradient descent with rate 1 on a convex loss, curved by 1 − a on one side and 1 − b on the
other, and tilted by μ.
"""

from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@cache
def _bent():
    loss = cf.Loss("Piecewise(((1 - a)*w**2/2, w < 0), ((1 - b)*w**2/2, True)) - m*w", params={"a": 0.5, "b": -3.5, "m": 0.0})
    return cf.as_map(loss, cf.optimizers.gd(lr=1.0))


def _descent(a, b, tilt):
    return _bent().at(a=a, b=b, m=tilt)


@CLAIMS.add(
    "abstract (a period-3 attractor)", {"periods": [1, 3], "sizes": near(0.01 * 1.75 / 1.875, 1e-9)},
    Control("slopes 0.5 and −1.9, where a 2-cycle follows", changes={"b": -1.9}), figure="diagram",
    domain="slopes a = 0.5 and b = −3.5, μ = −0.01 and 0.01; gradient descent with η = 1, one weight",
    perturbations=(Control("the slope −3.6 in place of −3.5", changes={"b": -3.6}),),
)  # fmt: skip
def three_cycle_follows_a_fixed_point(a=0.5, b=-3.5, tilt=0.01):
    """A stable 3-cycle can follow a stable fixed point directly, on a convex loss too.

    Curvatures 1/2 on the left and 9/2 on the right: the periods on which the orbits of 0.001 end for both tilts. (The map with
    tilt cμ, c > 0, is the one with μ in other units, so two tilts stand for all.) ``sizes``: the largest point of the 3-cycle,
    by hand μ(1 + a + a²)/(1 − a²b).
    """
    found = [cf.analysis.classify(_descent(a, b, side), [0.001]) for side in (-tilt, tilt)]
    largest = max(float(found[1].points.max(initial=0.0)), float(found[0].points.max(initial=0.0)))
    return {"periods": [one.period for one in found], "sizes": largest}


def _edges(a, period, inside, low, high, rounds=34):
    """The ends of the range of b about ``inside`` in which the orbit of 0.001 ends on that period, by halving."""
    ends = []
    for outside in (low, high):
        yes, no = inside, outside
        for _ in range(rounds):
            middle = (yes + no) / 2
            same = cf.analysis.classify(_descent(a, middle, 0.01), [0.001], budget=20_000).period == period
            yes, no = (middle, no) if same else (yes, middle)
        ends.append(yes)
    return ends


@CLAIMS.add(
    "own statement (the abstract says that the regions are explicit)", {"three": near([-6.25, -3.5], 2e-3),
                                                                       "four": near([-15.625, -9.75], 2e-3)},
    Control("a = 0.45", changes={"a": 0.45}),
    domain="0 < a < 1 on the left, b < 0 on the right, μ > 0; n ≥ 3",
    examples="a = 0.4, n = 3 and 4, the orbit of 0.001 at μ = 0.01",
    perturbations=(Control("a = 0.404", changes={"a": 0.404}),),
)  # fmt: skip
def regions_of_cycles(a=0.4):
    """A cycle of n points, n − 1 of them on the left, is there and stable for −a^(1−n) < b < −(1 + 1/a + … + a^(2−n)).

    Where along b the orbit begins and ceases to end with period 3, and with period 4, by halving from b = −5 and −12.
    Convergence is slow beside the one end, where the multiplier is −1.
    """
    return {"three": _edges(a, 3, -5.0, -7.0, -2.6, 16), "four": _edges(a, 4, -12.0, -17.0, -7.5, 16)}


@CLAIMS.add(
    "own statement", {"chaotic": 20, "kinds": "chaos"},
    Control("slopes beside the region, of which some have stable cycles", changes={"left": (0.3, 0.9)}),
    domain="a > 1 on the left, −a/(a − 1) < b < −1 on the right, μ > 0",
    examples="20 random pairs with 1.05 < a < 1.5 and −1.9 < b < −1.05, the orbit of 0.001 at μ = 0.01",
    perturbations=(Control("−0.95 < b < −0.5, where the fixed point is stable", changes={"right": (-0.95, -0.5)}),),
)  # fmt: skip
def robust_chaos(left=(1.05, 1.5), right=(-1.9, -1.05), values=20, seed=95):
    """Chaos can follow the collision directly and is robust: for a > 1 and −a/(a − 1) < b < −1 orbits from near the corner stay
    bounded and are chaotic, and there is no window of a stable cycle. For μ < 0 there is no fixed point then.

    Of how many pairs exponent and 0–1 test say together that descent is chaotic, and what `border_collision` says. (Both slopes
    exceed 1 in absolute value, so no cycle is stable.)
    """
    rng, count, kinds = np.random.default_rng(seed), 0, set()
    for _ in range(values):
        a, b = float(rng.uniform(*left)), float(rng.uniform(*right))
        count += cf.analysis.chaos(_descent(a, b, 0.01), [0.001], 20_000, dimensions=False).chaotic
        kinds.add(cf.analysis.border_collision(_descent(a, b, 0.0), [0.0], "m").above)
    return {"chaotic": count, "kinds": ", ".join(sorted(kinds))}


@CLAIMS.prove(
    "own statement", {"kind": "measure", "b": near([-2.6, -2.4], 0), "growth": above(1)},
    Control("slopes 0.5 and −3.5, where a 3-cycle is stable", changes={"a": 0.5, "ends": ("-3.6", "-3.4")}),
    domain="gradient descent with η = 1 on a loss curved by 0.4 for w < 0 and by 1 − b for w > 0, −2.6 ≤ b ≤ −2.4, and tilted by "
    "−0.01 w; one weight",
    perturbations=(Control("slopes 0.5 and −3.2", changes={"a": 0.5, "ends": ("-3.3", "-3.1")}),),
)  # fmt: skip
def no_stable_cycle_on_a_convex_loss_proved(a=0.6, ends=("-2.6", "-2.4")):
    """Gradient descent on a convex loss curved by 0.4 on one side and by 3.4 to 3.6 on the other, and tilted to the steeper
    side, has an invariant measure with a density in [−0.0253, 0.0126] and no stable cycle there, for every such curvature.

    A certificate: some steps together expand on all their pieces. Where there is none, one of a stable 3-cycle.
    """
    step = _descent(a, float(ends[0]), 0.01)
    found = cf.certify.measure(step, start=0.001, b=ends)
    return found if found.proved else cf.certify.cycle(step, period=3, points=[-0.024, -0.002, 0.009])


def figures():
    """What descent ends on over the tilt, for slopes 0.5 and −3.5."""
    return {"diagram": lambda: cf.plot(cf.analysis.orbit_diagram(_descent(0.5, -3.5, 0.01), ("m", np.linspace(-0.02, 0.02, 400)),
                                                                 [0.001], keep=30))}  # fmt: skip
