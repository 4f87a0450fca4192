"""S. Y. Meng, A. Orvieto, D. Y. Cao, C. De Sa, *Gradient descent on logistic regression with non-separable data and large
step sizes*, arXiv 2406.05033 (2024).

Where no weights separate the data, gradient descent on logistic regression doubles its period at the critical step size 2/λ,
λ the largest curvature at the minimum. Below it convergence is local: for one weight, η < 1/λ converges from everywhere, and
for every η between 1/λ and 2/λ there are data on which some starts end on a stable cycle. Only the abstract was read; the data
sets and numbers here are this project's.
"""

import numpy as np
import sympy as sp
from scipy.optimize import fsolve

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
    "abstract (critical step size)", {"multiplier": "-1", "difference": "0"},
    Control("η = 3/λ, the edge of heavy ball with momentum 1/2", changes={"factor": "3"}),
    domain="mean loss ln(1 + e^w) − bw, one weight, all features 1, a share b of positive labels; every 0 < b < 1",
    proof="exact algebra: multiplier and flip coefficient at the minimum for symbolic b; 1/3 + (1 − 2b)² is positive",
    perturbations=(Control("Poisson regression, e^w − bw", changes={"formula": "exp(w) - b*w", "minimum": "log(b)"}),),
)  # fmt: skip
def flip_at_two_over_curvature(formula="log(1 + exp(w)) - b*w", minimum="log(b/(1 - b))", factor="2"):
    """With one weight and equal features the minimum loses its stability at η = 2/λ by a period doubling, which is supercritical
    whatever the share b of positive labels: its coefficient is 1/3 + (1 − 2b)².

    In SymPy: the multiplier 1 − ηL″ at the minimum, and f″²/2 + f‴/3 for f = w − ηL′, minus 1/3 + (1 − 2b)², both at η = 2/λ.
    """
    w, b = sp.symbols("w b", positive=True)
    loss, at = sp.sympify(formula, {"w": w, "b": b}), sp.sympify(minimum, {"b": b})
    second, third, fourth = (sp.simplify(sp.diff(loss, w, n).subs(w, at)) for n in (2, 3, 4))
    eta = sp.Rational(factor) / second
    coefficient = (eta * third) ** 2 / 2 - eta * fourth / 3
    return {"multiplier": str(sp.simplify(1 - eta * second)),
            "difference": str(sp.simplify(coefficient - sp.Rational(1, 3) - (1 - 2 * b) ** 2))}  # fmt: skip


def _flips_by_hand():
    """Where fⁿ(w) = w and (fⁿ)′(w) = −1 for n = 1, 2, 4, by SciPy, from rounded guesses."""

    def system(z, n):
        w, eta, slope = z[0], z[1], 1.0
        for _ in range(n):
            p = 1 / (1 + np.exp(-w))
            w, slope = w - eta * (p - 2 / 3), slope * (1 - eta * p * (1 - p))
        return [w - z[0], slope + 1]

    guesses = ((1, 0.7, 9.0), (2, 3.169, 12.59), (4, 4.503, 13.797))
    return {"flips": [float(fsolve(system, [w, eta], (n,), xtol=1e-12)[1]) for n, w, eta in guesses]}


@CLAIMS.add(
    "abstract (critical step size)",
    {"flips": near([9.0, 12.5862521524144848, 13.7972672838434748], 1e-10), "accumulation": near(14.123018, 1e-6)},
    Control("3 of 4 labels positive", changes={"k": 3.0, "n": 4.0}), figure="cascade", second=_flips_by_hand,
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive",
    perturbations=(Control("201 of 300 labels positive", changes={"k": 201.0, "n": 300.0}),),
)  # fmt: skip
def doublings_follow(k=2.0, n=3.0):
    """A sequence of period doublings begins at the critical step size: with 2 of 3 labels positive they are at η = 9,
    12.5862521524, 13.7972672838, …, up to 14.123018.

    Ten flips, with their limit extrapolated; ``second`` solves for the first three in SciPy.
    """
    loss = cf.losses.logistic_regression(K=k, N=n)
    w, curvature = _minimum(loss)
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.8 / curvature))
    found = cf.analysis.cascade(step, [w], "lr", bounds=(1.5 / curvature, 4 / curvature), levels=10)
    return {"flips": found.flips[:3], "accumulation": found.accumulation, "delta": found.delta}


@CLAIMS.add(
    "own statement", {"doublings": 1, "at": near([8.0], 1e-9)},
    Control("2 of 3 labels positive, where the doublings go on", changes={"k": 2.0, "n": 3.0}),
    domain="mean logistic loss, one weight, all features 1, half of the labels positive; 6 < η < 70",
    perturbations=(Control("51 of 100 labels positive", changes={"k": 51.0, "n": 100.0}),),
)  # fmt: skip
def doublings_for_balanced_labels(k=1.0, n=2.0):
    """With one weight, equal features and half of the labels positive there is one doubling only: the 2-cycle that is born at
    η = 2/λ = 8 has no flip up to η = 70.

    All flips of the branch of the minimum and of that 2-cycle. So it is by hand for every η > 8: the cycle ±w has
    η = 4w/tanh(w/2) and the multiplier (1 − 2w/sinh w)² < 1.
    """
    loss = cf.losses.logistic_regression(K=k, N=n)
    branch = cf.analysis.continue_cycle(cf.as_map(loss, cf.optimizers.gd(lr=7.0)), [0.0], "lr", (6.0, 70.0))
    flips = [point for point in branch.bifurcations if point.kind == "flip"]
    twice = flips[0].switch()
    later = [point.parameter for point in twice.bifurcations if point.kind == "flip"]
    return {"doublings": len(flips) + len(later), "at": [point.parameter for point in flips] + later, "ends": list(twice.ends)}


def _found_cycles(gamma, sets, seed, far=None):
    """The first period above 1 of an orbit on random data with η = gamma/λ, or 0 if none has one."""
    rng, base = np.random.default_rng(seed), cf.losses.meng_logistic()
    for _ in range(sets):
        loss = _random(rng, base) if far is None else _random(rng, base).at(x=far)
        w, curvature = _minimum(loss, -10.0, 10.0)
        step = cf.as_map(loss, cf.optimizers.gd(lr=gamma / curvature))
        last = cf.iterate(step, [w + 10 ** rng.uniform(-1, 1) * rng.choice([-1, 1])], 1500).z[-1, 0]
        if abs(last - w) > 1e-3:
            found = cf.analysis.classify(step, [last])
            if found.period and found.period > 1 and abs(found.multipliers[0]) < 1:
                return found.period
    return 0


@CLAIMS.add(
    "abstract (one dimension)", {"with_a_cycle": 7, "least_period": at_least(2)},
    Control("0.5 to 0.98 in place of 1.1 to 1.9", changes={"gammas": (0.5, 0.7, 0.8, 0.9, 0.95, 0.96, 0.98), "sets": 100}),
    domain="logistic loss, one weight, data that no weight separates; every η with 1 < ηλ < 2, λ the curvature at the minimum",
    examples="seven values of ηλ from 1.15 to 1.9, none nearer to 1",
    perturbations=(Control("data of equal length, the far point at 1 too", changes={"far": 1.0, "sets": 60}),),
)  # fmt: skip
def data_with_a_cycle_for_every_step(gammas=(1.15, 1.2, 1.3, 1.5, 1.6, 1.75, 1.9), sets=1500, far=None, seed=5):
    """For every η between 1/λ and 2/λ, λ the curvature at the minimum, there are data of one feature on which gradient descent
    converges to a stable cycle from some start.

    ηλ = 1.15, 1.2, 1.3, 1.5, 1.6, 1.75, 1.9: random data (points at 1, nearly balanced, and one far out) and starts until an
    orbit ends on a stable cycle of a period above 1: for how many of the seven there is one among 1,500 sets, and its least
    period.
    """
    periods = [_found_cycles(gamma, sets, seed, far) for gamma in gammas]
    return {"with_a_cycle": sum(period > 1 for period in periods), "least_period": min(periods), "periods": periods}


@CLAIMS.add(
    "abstract (one dimension)", {"share": near(1.0, 0.0)},
    Control("η = 1.9/λ", changes={"gamma": 1.9}),
    domain="logistic loss, one weight, data that no weight separates; 0 < η < 1/λ, every start",
    examples="150 random data sets, η = 0.98/λ, one start each",
    perturbations=(Control("η = 1.7/λ", changes={"gamma": 1.7}),),
)  # fmt: skip
def converges_globally_below_one_over_curvature(gamma=0.98, sets=150, seed=8):
    """With one weight gradient descent with η < 1/λ, λ the curvature at the minimum, which may be far below the greatest one,
    converges to the minimum from every start.

    150 random data sets as above with a random start each, within 10 of the minimum: the share of orbits whose end is the
    minimum.
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
    "cycles_below_one_over_curvature_in_more_dimensions", "abstract (higher dimensions)",
    "With two weights or more there are data for which gradient descent converges to a cycle from some start even with η below "
    "1/λ.",
    needs="the data of the paper's construction, or a search over data in the plane",
    domain="logistic loss, two weights or more, data that no weights separate; η < 1/λ",
)  # fmt: skip


@CLAIMS.prove(
    "own statement", {"kind": ["cycle"] * 2, "period": [3, 3], "stable": [True, False],
                          "multipliers": near([0.02889380514762, 4.06787929050705], 1e-10)},
    Control("η = 19", changes={"lr": "19"}), figure="window",
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; η = 20",
    perturbations=(Control("η = 20.2", changes={"lr": "20.2"}),),
)  # fmt: skip
def both_three_cycles_proved(lr="20"):
    """With 2 of 3 labels positive there are at η = 20 a stable 3-cycle, with the multiplier 0.0288938051, and an unstable one,
    with 4.0678792905.

    Two certificates, with intervals of the multipliers.
    """
    points, loss = ([-2.709, 9.375, 2.710], [-1.478, 8.141, 1.480]), cf.losses.logistic_regression()
    return [cf.certify.cycle(loss, cf.optimizers.gd(lr=20), cycle, lr=lr) for cycle in points]


@CLAIMS.prove(
    "own statement", {"kind": "no_cycles", "period": 3, "lr": near([1, 11.99], 0), "box": "[-inf, inf]"},
    Control("up to η = 20", changes={"high": "20"}),
    domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; every η in [1, 11.99], every start",
    perturbations=(Control("the feature 1.3 in place of 1", changes={"feature": 1.3}),),
)  # fmt: skip
def no_three_cycle_proved(high="11.99", feature=1):
    """With 2 of 3 labels positive there is no 3-cycle on the whole line for any η in [1, 11.99].

    A certificate. Where there is none, one of a 3-cycle at the upper end.
    """
    loss = cf.losses.logistic_regression() if feature == 1 else f"softplus({feature}*w) - 2/3*{feature}*w"
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, 3, (-np.inf, np.inf), lr=("1", high), most=30_000)
    return found if found.proved else cf.certify.cycle(loss, gd, [w / feature for w in (-2.709, 9.375, 2.710)], lr=high)


@CLAIMS.prove(
    "own statement", {"kind": ["cycle"] * 2, "period": [3, 1], "stable": [True, True],
                      "multipliers": near([-0.479053575443, 1 - 1.79499767450107], 1e-9)},
    Control("a step 1.2 times as long, beyond the edge of the minimum", changes={"factor": 1.2, "period": 1}),
    figure="coexisting", domain="sum of the logistic losses of 33 points, one weight; η = 0.15486309001950452",
    perturbations=(Control("a step 1.002 times as long", changes={"factor": 1.002}),),
)  # fmt: skip
def coexisting_three_cycle_proved(factor=1.0, period=3):
    """There are data on which a stable 3-cycle, with the multiplier −0.47905358, stands beside the stable minimum at ηλ =
    1.79499767, below 2: so each attracts an open set of starts.

    Two certificates for 17 positive and 15 negative points at 1 and a positive one at 47.84364162396009, the data and the step
    being those decimals; the multiplier of the minimum is 1 − ηλ.
    """
    loss, gd = cf.losses.meng_logistic(), cf.optimizers.gd(lr=RATE * factor)
    cycle = [3.0594, 0.9586, 0.00915] if period == 3 else [0.135]
    return [cf.certify.cycle(loss, gd, cycle, period), cf.certify.cycle(loss, gd, [0.135], 1)]


@CLAIMS.prove(
    "own statement", {"kind": "bifurcation", "type": "fold", "period": 3, "side": "above",
                          "lr": near(18.66560631478335, 1e-10)},
    Control("twice the feature, where it is at a quarter of that", changes={"formula": "softplus(2*w) - 4/3*w"}),
    figure="window", domain="mean logistic loss, one weight, all features 1, 2 of 3 labels positive; 18.6 < η < 18.7",
    perturbations=(Control("the loss times 1.003", changes={"formula": "1.003*(softplus(w) - 2/3*w)"}),),
)  # fmt: skip
def birth_of_three_cycles_proved(formula="softplus(w) - 2/3*w"):
    """With 2 of 3 labels positive a pair of 3-cycles is born in a fold at η = 18.665606314783, and is there for η a little above.

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
