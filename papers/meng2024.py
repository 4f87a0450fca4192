"""S. Y. Meng, A. Orvieto, D. Y. Cao, C. De Sa, *Gradient descent on logistic regression with non-separable data and large
step sizes*, arXiv 2406.05033 (2024).

Where no weights separate the data, gradient descent on logistic regression doubles its period at the critical step size 2/λ,
λ the largest curvature at the minimum. Below it convergence is local: for one weight, η < 1/λ converges from everywhere, and
for every η between 1/λ and 2/λ there are data on which some starts end on a stable cycle.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
RATE = 0.15486309001950452


def _minimum(loss, low=-40.0, high=40.0):
    """The minimum of a convex loss of one weight and its curvature, by halving on the sign of the slope."""
    for _ in range(90):
        middle = (low + high) / 2
        low, high = (low, middle) if loss.gradient([middle])[0] > 0 else (middle, high)
    return high, loss.sharpness([high])


def _random(rng, loss):
    """K positive and M negative points at 1, one positive point at x, with K ≈ M."""
    negative = int(rng.integers(2, 60))
    positive = max(negative + int(rng.integers(-3, 6)), 1)
    return loss.at(K=float(positive), M=float(negative), x=float(10 ** rng.uniform(0.5, 2.7)))


@CLAIMS.add(
    "critical step size", {"times_curvature": near([2.0] * 4, 1e-9), "kinds": "flip, flip, flip, flip", "supercritical": True},
    Control("heavy ball with momentum 0.5, whose edge is 3/λ", changes={"momentum": 0.5}), figure="cascade",
)  # fmt: skip
def flip_at_two_over_curvature(momentum=0.0, shares=((2, 3), (3, 4), (3, 5), (9, 10))):
    """The minimum loses its stability by a period doubling at η = 2/λ.

    One feature, K of N labels positive: 2 of 3, 3 of 4, 3 of 5, 9 of 10. η at the edge times the curvature, and its normal
    form.
    """
    optimizer = cf.optimizers.heavy_ball(lr=0.1, momentum=momentum) if momentum else cf.optimizers.gd(lr=0.1)
    products, kinds, forms = [], [], []
    for k, n in shares:
        loss = cf.losses.logistic_regression(K=float(k), N=float(n))
        w, curvature = _minimum(loss)
        step = cf.as_map(loss, optimizer)
        edge = cf.analysis.edge(step, [w], scale=1 / curvature)
        products.append(edge.value * curvature)
        kinds.append(edge.kind)
        forms.append(cf.analysis.normal_form(step.at(lr=edge.value), [w]).supercritical)
    return {"times_curvature": products, "kinds": ", ".join(kinds), "supercritical": all(forms)}


@CLAIMS.add(
    "critical step size",
    {"flips": near([9.0, 12.5862521524144848, 13.7972672838434748], 1e-10), "accumulation": near(14.123018, 1e-6)},
    Control("3 of 4 labels positive", changes={"k": 3.0, "n": 4.0}), figure="cascade", read="a secondary source",
)  # fmt: skip
def doublings_follow(k=2.0, n=3.0):
    """A sequence of period doublings begins there: for 2 of 3 positive labels at η = 9, 12.5862521524, 13.7972672838, …, up
    to 14.123018.

    Ten flips, with their limit extrapolated.
    """
    loss = cf.losses.logistic_regression(K=k, N=n)
    w, curvature = _minimum(loss)
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.8 / curvature))
    found = cf.analysis.cascade(step, [w], "lr", bounds=(1.5 / curvature, 4 / curvature), levels=10)
    return {"flips": found.flips[:3], "accumulation": found.accumulation, "delta": found.delta}


@CLAIMS.add(
    "critical step size: a limit of the statement", {"doublings": 1, "at": near([8.0], 1e-9)},
    Control("2 of 3 labels positive, where the doublings go on", changes={"k": 2.0, "n": 3.0}),
)  # fmt: skip
def doublings_for_balanced_labels(k=1.0, n=2.0):
    """Not on all data do period doublings go on beyond the critical step size: with half of the labels positive there is one.

    The doubling is at η = 8, and none follows up to 70: flips that are followed. So it is by hand: the loss is log cosh(w/2) up
    to a constant, even and strictly convex, so all periods are 1 or 2, and its 2-cycle has the multiplier
    (1 − (η/4) sech²(w/2))² < 1.
    """
    loss = cf.losses.logistic_regression(K=k, N=n)
    branch = cf.analysis.continue_cycle(cf.as_map(loss, cf.optimizers.gd(lr=7.0)), [0.0], "lr", (6.0, 70.0))
    flips = [point for point in branch.bifurcations if point.kind == "flip"]
    twice = flips[0].switch()
    later = [point.parameter for point in twice.bifurcations if point.kind == "flip"]
    return {"doublings": len(flips) + len(later), "at": [point.parameter for point in flips] + later, "ends": list(twice.ends)}


@CLAIMS.add(
    "larger step sizes", {"opens": near(18.66560631478335, 1e-10), "stable": near(0.02889380514762, 1e-10),
                          "unstable": near(4.06787929050705, 1e-10)},
    Control("3 of 4 labels positive", changes={"k": 3.0, "n": 4.0}), figure="window", read="a secondary source",
)  # fmt: skip
def three_cycle_of_two_in_three(k=2.0, n=3.0):
    """A 3-cycle is born at η = 18.665606314783; at η = 20 it is stable, with multiplier 0.0288938, beside one with 4.0678793.

    The fold in which the window opens, and all 3-cycles at η = 20. The numbers are from ball arithmetic.
    """
    step = cf.as_map(cf.losses.logistic_regression(K=k, N=n), cf.optimizers.gd(lr=20.0))
    windows = cf.analysis.windows(step, 3, "lr", (16.0, 24.0), [(-20.0, 20.0)])
    found = sorted(abs(float(one.multipliers[0].real)) for one in cf.analysis.cycles(step, 3, [(-20.0, 20.0)]))
    return {"opens": windows[0].opens if windows else -1.0, "stable": found[0] if found else -1.0,
            "unstable": found[-1] if found else -1.0}  # fmt: skip


@CLAIMS.add(
    "coexistence", {"times_curvature": near(1.79499767450107, 1e-12), "multiplier": near(-0.479053575443, 1e-11),
                    "points": near([0.009145832036495854, 3.059462301755785, 0.9585807636931881], 1e-11)},
    Control("16 in place of 17 positive points at 1", changes={"k": 16.0}), figure="coexisting", read="a secondary source",
)  # fmt: skip
def three_cycle_below_the_edge(k=17.0):
    """On 33 points a stable 3-cycle lives beside the stable minimum: ηλ = 1.795 < 2, multiplier −0.479053575443.

    17 positive and 15 negative points at 1 and a positive one at 47.84364162396009, the sum of losses, η =
    0.15486309001950452: the stable 3-cycle and ηλ. The numbers are from ball arithmetic.
    """
    loss = cf.losses.meng_logistic(K=k)
    step = cf.as_map(loss, cf.optimizers.gd(lr=RATE))
    stable = [one for one in cf.analysis.cycles(step, 3, [(-2.0, 6.0)]) if one.stable]
    points = stable[0].points[:, 0].tolist() if stable else [0.0] * 3
    multiplier = float(stable[0].multipliers[0].real) if stable else 0.0
    return {"times_curvature": RATE * _minimum(loss)[1], "multiplier": multiplier, "points": points}


@CLAIMS.add(
    "coexistence", {"ends": "1, 3"},
    Control("η smaller by a half, below 1/λ", changes={"lr": RATE / 2}), figure="coexisting",
)  # fmt: skip
def end_depends_on_the_start(lr=RATE):
    """There the end depends on the initialization: near the minimum gradient descent converges, from 3 it ends on the 3-cycle.

    Verdicts on the orbits of 0.2 and of 3 on those 33 points.
    """
    step = cf.as_map(cf.losses.meng_logistic(), cf.optimizers.gd(lr=lr))
    return {"ends": ", ".join(str(cf.analysis.classify(step, [w]).period) for w in (0.2, 3.0))}


def _found_cycles(gamma, sets, seed):
    """The first period above 1 of an orbit on random data with η = gamma/λ, or 0 if none has one."""
    rng, base = np.random.default_rng(seed), cf.losses.meng_logistic()
    for _ in range(sets):
        loss = _random(rng, base)
        w, curvature = _minimum(loss, -10.0, 10.0)
        step = cf.as_map(loss, cf.optimizers.gd(lr=gamma / curvature))
        last = cf.iterate(step, [w + 10 ** rng.uniform(-1, 1) * rng.choice([-1, 1])], 1500).z[-1, 0]
        if abs(last - w) > 1e-3:
            found = cf.analysis.classify(step, [last])
            if found.period and found.period > 1 and abs(found.multipliers[0]) < 1:
                return found.period
    return 0


@CLAIMS.add(
    "theorem on one dimension", {"with_a_cycle": 7, "least_period": at_least(2)},
    Control("0.5 to 0.98 in place of 1.1 to 1.9", changes={"gammas": (0.5, 0.7, 0.8, 0.9, 0.95, 0.96, 0.98), "sets": 100}),
)  # fmt: skip
def data_with_a_cycle_for_every_step(gammas=(1.15, 1.2, 1.3, 1.5, 1.6, 1.75, 1.9), sets=1500, seed=5):
    """For every η between 1/λ and 2/λ there are data on which gradient descent ends on a stable cycle.

    ηλ = 1.15, 1.2, 1.3, 1.5, 1.6, 1.75, 1.9: random data (some points at 1 and one far out, nearly balanced) and starts until
    an orbit ends on a cycle of a period above 1 that is stable: for how many there is one among 1,500 sets, and its least
    period.
    """
    periods = [_found_cycles(gamma, sets, seed) for gamma in gammas]
    return {"with_a_cycle": sum(period > 1 for period in periods), "least_period": min(periods), "periods": periods}


@CLAIMS.add(
    "theorem on one dimension", {"share": near(1.0, 0.0)},
    Control("η = 1.9/λ", changes={"gamma": 1.9}),
)  # fmt: skip
def converges_globally_below_one_over_curvature(gamma=0.98, sets=150, seed=8):
    """With one weight η < 1/λ converges from every start.

    150 random data sets as above with a random start each, within 10 of the minimum, η = 0.98/λ: the share of orbits whose
    end is the minimum.
    """
    rng, base, good = np.random.default_rng(seed), cf.losses.meng_logistic(), 0
    for _ in range(sets):
        loss = _random(rng, base)
        w, curvature = _minimum(loss, -10.0, 10.0)
        step = cf.as_map(loss, cf.optimizers.gd(lr=gamma / curvature))
        found = cf.analysis.classify(step, [w + rng.uniform(-10, 10)])
        good += found.kind == "fixed point" and abs(found.points[0, 0] - w) < 1e-6
    return {"share": good / sets}


CLAIMS.undecided(
    "cycles_below_one_over_curvature_in_more_dimensions", "higher dimensions",
    "With two weights or more there are data for which gradient descent ends on a cycle even with η below 1/λ.",
    needs="the data of the paper's construction, or a search over data in the plane",
)  # fmt: skip


@CLAIMS.prove(
    "larger step sizes", {"kind": ["cycle"] * 2, "period": [3, 3], "stable": [True, False],
                          "multipliers": near([0.02889380514762, 4.06787929050705], 1e-10)},
    Control("η = 19", changes={"lr": "19"}), figure="window", read="a secondary source",
)  # fmt: skip
def both_three_cycles_proved(lr="20"):
    """With 2 of 3 labels positive there are at η = 20 a stable 3-cycle, with the multiplier 0.0288938051, and an unstable one,
    with 4.0678792905.

    Two certificates; the intervals of the multipliers are narrower than 1e-10.
    """
    points, loss = ([-2.709, 9.375, 2.710], [-1.478, 8.141, 1.480]), cf.losses.logistic_regression()
    return [cf.certify.cycle(loss, cf.optimizers.gd(lr=20), cycle, lr=lr) for cycle in points]


@CLAIMS.prove(
    "larger step sizes", {"kind": "no_cycles", "period": 3, "lr": near([1, 11.99], 0), "box": "[-inf, inf]"},
    Control("up to η = 20", changes={"high": "20"}), read="a secondary source",
)  # fmt: skip
def no_three_cycle_proved(high="11.99"):
    """With 2 of 3 labels positive there is no 3-cycle on the whole line for any η in [1, 11.99].

    A certificate; by hand, η max L″ < 3 and max L″ = ¼. Where there is none, one of a 3-cycle at the upper end.
    """
    loss, gd = cf.losses.logistic_regression(), cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, 3, (-np.inf, np.inf), lr=("1", high), most=30_000)
    return found if found.proved else cf.certify.cycle(loss, gd, [-2.709, 9.375, 2.710], lr=high)


@CLAIMS.prove(
    "one weight", {"kind": ["cycle"] * 2, "period": [3, 1], "stable": [True, True]},
    Control("a step 1.2 times as long, beyond the edge of the minimum", changes={"factor": 1.2, "period": 1}),
    figure="coexisting", read="a secondary source",
)  # fmt: skip
def coexisting_three_cycle_proved(factor=1.0, period=3):
    """At ηλ = 1.795, below the edge 2, there are data on which a stable 3-cycle stands beside the stable minimum.

    Two certificates for 33 points, the data and the step being those decimals.
    """
    loss, gd = cf.losses.meng_logistic(), cf.optimizers.gd(lr=RATE * factor)
    cycle = [3.0594, 0.9586, 0.00915] if period == 3 else [0.135]
    return [cf.certify.cycle(loss, gd, cycle, period), cf.certify.cycle(loss, gd, [0.135], 1)]


@CLAIMS.prove(
    "critical step size", {"kind": "bifurcation", "type": "flip", "period": 1, "supercritical": True, "lr": near(9.0, 1e-10)},
    Control("3 of 4 labels positive, where it is at 32/3", changes={"k": "3", "n": "4", "low": "10.5", "high": "10.8"}),
    figure="cascade",
)  # fmt: skip
def flip_proved(k="2", n="3", low="8.9", high="9.1"):
    """With 2 of 3 labels positive the minimum doubles its period at η = 2/λ = 9, supercritically.

    A certificate of the flip: λ = p(1 − p) = 2/9.
    """
    loss, start = cf.losses.logistic_regression(K=float(k), N=float(n)), float(np.log(float(k) / (float(n) - float(k))))
    return cf.certify.bifurcation(loss, cf.optimizers.gd(lr=1), "flip", 1, [start], lr=(low, high))


@CLAIMS.prove(
    "larger step sizes", {"kind": "bifurcation", "type": "fold", "period": 3, "side": "above",
                          "lr": near(18.66560631478335, 1e-10)},
    Control("twice the feature, where it is at a quarter of that", changes={"formula": "softplus(2*w) - 4/3*w"}),
    figure="window", read="a secondary source",
)  # fmt: skip
def birth_of_three_cycles_proved(formula="softplus(w) - 2/3*w"):
    """With 2 of 3 labels positive a pair of 3-cycles is born in a fold at η = 18.665606314783, and is there for η above.

    A certificate of the fold.
    """
    scale = 2 if "2*w)" in formula else 1
    rates, cycle = (18.6 / scale**2, 18.7 / scale**2), [w / scale for w in (-1.9702, 8.1895, 1.9728)]
    return cf.certify.bifurcation(formula, cf.optimizers.gd(lr=1), "fold", 3, cycle, lr=tuple(map(str, rates)))


def figures():
    """The doublings of 2 in 3, its 3-cycles at η = 20, and the 3-cycles below the edge."""
    two_in_three = cf.as_map(cf.losses.logistic_regression(), cf.optimizers.gd(lr=20.0))
    coexisting = cf.as_map(cf.losses.meng_logistic(), cf.optimizers.gd(lr=RATE))
    return {
        "cascade": lambda: cf.plot(cf.analysis.cascade(two_in_three.at(lr=8.0), [np.log(2)], "lr", bounds=(7.0, 15.0), levels=8)),
        "window": lambda: cf.plot(cf.analysis.cycles(two_in_three, 3, [(-20.0, 20.0)])),
        "coexisting": lambda: cf.plot(cf.analysis.cycles(coexisting, 3, [(-2.0, 6.0)])),
    }
