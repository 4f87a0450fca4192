"""The developers of cfdyn, *A cycle of period three below the edge, with three data points*, this project (2026).

Each number is the result of `cf.claims.search`, continuation or algebra, and is computed a second time without cfdyn.

Meng et al. (2406.05033) show that in logistic regression on one feature gradient descent with η < 1/λ
converges (λ: the sharpness of the minimum), and that for every η in (1/λ, 2/λ) some data make it cycle. Write each point as
u = label · feature, L = Σ log(1 + exp(−u w)). Let one point have u = a → ∞: its force is a wall at w = 0 which throws any w just
above 0 to any place that we like. The others, L₀ with minimum w* > 0, then need only a point w > w* that one step takes to 0:
η = w/L₀′(w). So 3-cycles are born in a fold at η₀ = min_w w/L₀′(w), where as at every fold of one variable one of the two is
stable. With L₀ of the points 1 and −b, b → 1 from below, w* → 0, L₀″ → L₀″(0) and ηλ → 1, while ηλ grows as b falls. This is an
argument in the limit a → ∞, no proof: it suggests that **three points are enough for every ηλ in (1, 2)**.
"""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq, fsolve, minimize_scalar

import cfdyn as cf
from cfdyn.claims import Claims, Control, Family, Statement, Undecided, between, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
FOUR = 1.914777064403  # ηλ of the fold for 2 + 1 points and one outlier, the best outlier


def sigmoid(t):
    """1/(1 + exp(−t))."""
    return 1 / (1 + math.exp(-t)) if t > -700 else 0.0


@lru_cache(maxsize=64)
def sharpness(points):
    """L″ at the minimum of Σ k log(1 + exp(−u w)), for ((u, k), …): Newton's method, bisection where it leaves the bracket."""
    low, high, w = -1e4, 1e4, 0.0
    for _ in range(300):
        slope = -sum(k * u * sigmoid(-u * w) for u, k in points)
        curvature = sum(k * u * u * sigmoid(u * w) * sigmoid(-u * w) for u, k in points)
        low, high = (low, w) if slope > 0 else (w, high)
        new = w - slope / curvature if curvature else math.inf
        new = new if low < new < high else (low + high) / 2
        if abs(new - w) <= 1e-15 * (1 + abs(w)):
            break
        w = new
    return curvature


def _logistic(signs, box, starts, period=3, **options):
    """The search for a stable cycle with the least ηλ on the points 1, ±a, ±b, … in the order of their signs."""
    names = "abcd"[: len(signs)]

    def edge(step, points):
        values = step.params
        data = ((1.0, 1.0), *((sign * values[name], 1.0) for sign, name in zip(signs, names, strict=True)))
        return values["lr"] * sharpness(data)

    family = Family(_text(signs), cf.optimizers.gd(lr=1.0), box, [(-10, 20)])
    statement = Statement("no stable cycle beside a stable minimum", (period,), True, edge, below=2.0)
    return cf.claims.search(statement, family, starts=starts, **options)


def _text(signs):
    """The loss on the points 1, ±a, ±b, …"""
    terms = [f"softplus({'-' if sign > 0 else ''}{name}*w)" for sign, name in zip(signs, "abcd", strict=False)]
    return "softplus(-w) + " + " + ".join(terms)


def _fold(force, slope, start):
    """(η, x₁, x₂, …) where a cycle of w − η force(w) has the multiplier 1, near a start, by SciPy's root finder."""

    def equations(unknown):
        lr, x = unknown[0], unknown[1:]
        steps = [value - lr * force(value) - after for value, after in zip(x, np.roll(x, -1), strict=True)]
        return [*steps, math.prod(1 - lr * slope(value) for value in x) - 1]

    found, _, status, _ = fsolve(equations, start, full_output=True, xtol=1e-14)
    assert status == 1 or np.abs(equations(found)).max() < 1e-10
    return found


def _by_folds():
    """ηλ of the fold for K = 2, M = 1, least over the outlier x, by root finding at each x."""
    start = [2.855, 0.15882, 4.5985, 1.8285]

    def edge(x):
        data = ((1.0, 2), (-1.0, 1), (x, 1))
        slope = lambda w: sum(k * u * u * sigmoid(u * w) * sigmoid(-u * w) for u, k in data)  # noqa: E731
        force = lambda w: -sum(k * u * sigmoid(-u * w) for u, k in data)  # noqa: E731
        low = brentq(force, -5, 5, xtol=1e-15)
        return _fold(force, slope, start)[0] * slope(low)

    return {"least lr λ": float(minimize_scalar(edge, bounds=(15.5, 16.4), method="bounded", options={"xatol": 1e-9}).fun)}


@CLAIMS.add(
    "a cycle below the edge", {"points": 4, "least lr λ": near(FOUR, 1e-8), "period": 3},
    Control("no outlier: its feature from 0.5 to 2", changes={"outlier": (0.5, 2.0)}),
    slow=True, second=_by_folds,
    domain="sum of logistic losses without intercept, K points at 1, M at −1 and one at x, 1 ≤ x ≤ 1000; K ≤ 3, M ≤ 2; η < 20",
    perturbations=(Control("an outlier of at most 15", changes={"outlier": (1.0, 15.0)}),),
)  # fmt: skip
def fewest_points(outlier=(1.0, 1000.0), seed=0):
    """Of data with K points at 1, M at −1 and an outlier the smallest on which a search finds a 3-cycle beside a stable minimum
    has four points, K = 2 and M = 1; there the least ηλ is 1.914777, with the outlier at 15.95.

    K and M are counted up together; the first choice with a 3-cycle at ηλ < 2 ends the search (K + M = 2 comes before). Counts
    are searched for both orders, the outlier is positive.
    """

    def edge(step, points):
        value = step.params
        return value["lr"] * sharpness(((1.0, value["K"]), (-1.0, value["M"]), (value["x"], 1.0)))

    box = {"K": (1, 3), "M": (1, 2), "x": outlier, "lr": (0.02, 20.0)}
    family = Family(cf.losses.meng_logistic(), cf.optimizers.gd(lr=1.0), box, [(-10, 20)], ["K", "M"])
    statement = Statement("no 3-cycle beside a stable minimum", (3,), quantity=edge, below=2.0)
    found = cf.claims.search(statement, family, starts=12, seed=seed, first=True)
    if found.hit is None:
        return {"points": 0, "least lr λ": math.inf, "period": 0, "evaluations": found.evaluations}
    values = found.hit.params
    return {"points": int(values["K"] + values["M"]) + 1, "least lr λ": found.hit.quantity, "period": found.hit.period,
            "x": values["x"], "lr": values["lr"], "evaluations": found.evaluations}  # fmt: skip


def _two_kinds(w, b):
    """The force of the points 1 and −b."""
    return b * sigmoid(b * w) - sigmoid(-w)


def _wall(b=0.9):
    """λ min_w w/L₀′(w), of the points 1 and −b."""
    low = brentq(_two_kinds, 0, 50, args=(b,))
    least = minimize_scalar(
        lambda w: w / _two_kinds(w, b), bounds=(1.01 * low + 1e-3, 50), method="bounded", options={"xatol": 1e-12}
    )
    return {"least lr λ": least.fun * (sigmoid(low) * sigmoid(-low) + b * b * sigmoid(b * low) * sigmoid(-b * low))}


@CLAIMS.add(
    "a cycle below the edge", {"least lr λ": near(1.21585870587, 5e-5), "stable": True},
    Control("a point at −0.97 in place of −0.9", changes={"b": 0.97}), second=_wall,
    domain="sum of logistic losses of the points 1, −b and a, 0 < b < 1; a → ∞",
    examples="b = 0.9, a = 10⁶",
    perturbations=(Control("a point at −0.89", changes={"b": 0.89}),),
)  # fmt: skip
def wall(b=0.9):
    """On the data 1, −b and an outlier a the first stable 3-cycle that a search finds is at an η that tends to min_w w/L₀′(w) as
    a → ∞, L₀ of the first two points.

    b = 0.9, a = 10⁶; the search has only η to vary. The difference to the limit falls as 1/a: at a = 10⁵ it is 1.5·10⁻⁴.
    """
    lam = sharpness(((1.0, 1.0), (-b, 1.0), (1e6, 1.0)))
    family = Family(
        f"softplus(-w) + softplus({b}*w) + softplus(-1e6*w)", cf.optimizers.gd(lr=1.0), {"lr": (1.0, 6.0)}, [(-10, 20)]
    )
    statement = Statement("no stable 3-cycle below the edge", (3,), True, lambda step, points: step.params["lr"] * lam)
    found = cf.claims.search(statement, family, starts=6)
    return {"least lr λ": found.hit.quantity, "stable": bool(abs(found.hit.multipliers[0]) < 1)}


def _at_a_hundred_thousand():
    """ηλ of the fold at a = 10⁵, b = 0.99967 by SciPy's root finder, in logarithms of the point at the wall."""
    data = ((1.0, 1.0), (-0.99967, 1.0), (1e5, 1.0))
    slope = lambda w: sum(u * u * sigmoid(u * w) * sigmoid(-u * w) for u, _ in data)  # noqa: E731
    force = lambda w: -sum(u * sigmoid(-u * w) for u, _ in data)  # noqa: E731
    lr = _fold(force, slope, [2.0065, 1.2076e-4, 1.1432, 0.10742])[0]
    return {"least lr λ": float(lr * slope(brentq(force, 1e-5, 5.0, xtol=1e-16)))}


@CLAIMS.add(
    "a cycle below the edge", {"stable": True, "least lr λ": between(1, 1.01)},
    Control("no outlier: its feature up to 2", changes={"most": 2.0}), slow=True, second=_at_a_hundred_thousand,
    domain="sum of logistic losses of the points 1, a and −b, one weight; 1 ≤ a ≤ 10⁵, 0.1 ≤ b ≤ 1",
    perturbations=(Control("an outlier of at most 1000", changes={"most": 1e3}),),
)  # fmt: skip
def three_points(most=1e5, seed=0):
    """In logistic regression on one feature three data points are enough for a stable 3-cycle beside a stable minimum, at some ηλ
    between 1 and 1.01.

    Meng et al. prove convergence from everywhere for ηλ < 1. Data 1, a, −b with a up to 10⁵ and b from 0.1 to 1; least ηλ of a
    stable 3-cycle that was found, 1.0030. That it comes as near 1 as one likes is argued above and not proved.
    """
    found = _logistic((1, -1), {"a": (1.0, most), "b": (0.1, 1.0), "lr": (0.1, 20.0)}, 12, seed=seed)
    end = found.hit or found.nearest
    if end is None:
        raise Undecided(found.text)
    return {"stable": bool(end.stable), "least lr λ": end.quantity, **end.params, "evaluations": found.evaluations}


def _around_by_folds():
    """ηλ of the folds of 2-, 4-, 5- and 6-cycles at a = 10⁴, b = 0.99733 by SciPy's root finder."""
    data = (1.0, 1e4, -0.99733)
    slope = lambda w: sum(u * u * sigmoid(u * w) * sigmoid(-u * w) for u in data)  # noqa: E731
    force = lambda w: -sum(u * sigmoid(-u * w) for u in data)  # noqa: E731
    starts = {2: [2.02756, 0.00115118, 0.205678], 4: [2.03029, 0.00087, 3.40961, 1.51507, 0.22211],
              5: [2.02938, 0.00096279, 1.3392899, 0.15809976, 0.00114507, 0.21865005],
              6: [2.03034, 0.00086410, 3.5900521, 1.6745560, 0.2908405, 0.00114308, 0.2231169]}  # fmt: skip
    low = slope(brentq(force, 1e-5, 5.0, xtol=1e-16))
    return {f"period {n}": float(_fold(force, slope, start)[0] * low) for n, start in starts.items()}


@CLAIMS.add(
    "a cycle below the edge", {f"period {n}": between(1, 1.02) for n in (2, 4, 5, 6)},
    Control("no outlier: its feature up to 2", changes={"most": 2.0}), slow=True, second=_around_by_folds,
    domain="sum of logistic losses of the points 1, a and −b, one weight; 1 ≤ a ≤ 10⁴, 0.1 ≤ b ≤ 1",
    perturbations=(Control("an outlier of at most 1000", changes={"most": 1e3}),),
)  # fmt: skip
def other_periods(most=1e4, seed=0):
    """Stable cycles of the periods 2, 4, 5 and 6 beside a stable minimum exist too on three data points, each at some ηλ between
    1 and 1.02.

    As for period 3, with a up to 10⁴: the wall throws to wherever n − 1 steps lead down to 0, so η₀ is the same for all n.
    """
    box = {"a": (1.0, most), "b": (0.1, 1.0), "lr": (0.1, 20.0)}
    least = {}
    for period in (2, 4, 5, 6):
        found = _logistic((1, -1), box, 9, period=period, seed=seed)
        least[f"period {period}"] = math.inf if found.hit is None else found.hit.quantity
    return least


def _ricker():
    """η of the first 3-cycle of exp(w) − w, where multiplier and points are solved for, and ηλ of that of the points 1, −121."""
    data = ((1.0, 1.0), (-121.0, 1.0))
    slope = lambda w: sum(u * u * sigmoid(u * w) * sigmoid(-u * w) for u, _ in data)  # noqa: E731
    force = lambda w: -sum(u * sigmoid(-u * w) for u, _ in data)  # noqa: E731
    lr = _fold(force, slope, [0.0502, -0.0791, -0.0535, -0.0371])[0]
    return {"least lr λ": float(lr * slope(brentq(force, -5, 5, xtol=1e-15))),
            "limit": float(_ricker_fold([3.1024, -3.5, -0.5, 0.6]))}  # fmt: skip


def _ricker_fold(start):
    best = math.inf
    for scale in np.linspace(0.6, 1.6, 41):
        found, _, status, _ = fsolve(
            lambda u: [*(u[1:] - u[0] * (np.exp(u[1:]) - 1) - np.roll(u[1:], -1)), np.prod(1 - u[0] * np.exp(u[1:])) - 1],
            np.array(start) * [1, scale, scale, scale], full_output=True, xtol=1e-13,
        )  # fmt: skip
        if status == 1 and np.ptp(found[1:]) > 0.1 and 2 < found[0] < best:
            best = found[0]
    return best


@CLAIMS.add(
    "a cycle below the edge", {"found below the edge": False, "least lr λ": between(3.102439, 3.12),
                                 "limit": near(3.102439915635, 1e-9)},
    Control("three points, one an outlier", changes={"signs": (1, -1)}), slow=True, second=_ricker,
    domain="sum of logistic losses of the points 1 and −a, one weight; 1 ≤ a ≤ 10⁴; 24 starts of a search",
    perturbations=(Control("a feature of at most 20", changes={"most": 20.0}),),
)  # fmt: skip
def two_points(signs=(-1,), seed=0, most=1e4):
    """A search finds no stable 3-cycle below the edge on two data points: the least ηλ that it meets is above 3.1024399, the η
    of the first 3-cycle of exp(w) − w, and by less than 0.02.

    The order of the points does not matter (a reflection). ``limit``: η of that 3-cycle, the fold of its branch. For large a the
    minimum is where σ(aw) is nearly exp(aw), so the loss is that of Poisson regression; "not found" is no proof.
    """
    box = {"a": (1.0, most), **({"b": (0.1, 1.0)} if len(signs) > 1 else {}), "lr": (1e-6, 200.0)}
    found = _logistic(signs, box, 24, seed=seed)
    end = found.hit or found.nearest
    if end is None:
        raise Undecided(found.text)
    return {"found below the edge": found.hit is not None, "least lr λ": end.quantity, "limit": _first_of_exp(),
            "evaluations": found.evaluations}  # fmt: skip


def _first_of_exp():
    """η of the fold in which the 3-cycles of exp(w) − w begin."""
    step = cf.as_map(cf.Loss("exp(w) - w"), cf.optimizers.gd(lr=3.12))
    points = cf.analysis.cycles(step, 3, [(-8.0, 4.0)])[0].points
    branch = cf.analysis.continue_cycle(step, points, "lr", (3.0, 3.13))
    return min(special.parameter for special in branch.bifurcations if special.kind == "fold")


def _steepness_by_folds():
    """Least η max L″ of the folds for the data 1, −a and 1, 1, −b."""

    def at_fold(feature, ones, start):
        slope = lambda w: sum(k * u * u * sigmoid(u * w) * sigmoid(-u * w) for u, k in ((1.0, ones), (-feature, 1)))  # noqa: E731
        force = lambda w: feature * sigmoid(feature * w) - ones * sigmoid(-w)  # noqa: E731
        return _fold(force, slope, start)[0] * (ones + feature**2) / 4

    two = minimize_scalar(at_fold, bounds=(2.2, 2.4), args=(1, [3.08, -4.19, -1.155, 0.72]), method="bounded")
    three = minimize_scalar(at_fold, bounds=(0.83, 0.87), args=(2, [6.604, -1.4336, 7.9508, 2.3641]), method="bounded")
    return {"two points": float(two.fun), "three points": float(three.fun)}


@CLAIMS.add(
    "how steep", {"two points": near(4.80992195, 1e-6), "three points": near(4.48832168, 1e-6)},
    Control("only features that are alike, up to 1.2 times each other", changes={"most": 1.2}), slow=True,
    second=_steepness_by_folds,
    domain="sum of logistic losses of two or three points on one feature, one at ±1 the largest of its sign, ratios up to 100; "
        "searches from 24 starts",
    perturbations=(Control("features up to twice each other", changes={"most": 2.0}),),
)  # fmt: skip
def steepness(most=100.0, seed=0):
    """The least η max L″ with a 3-cycle that a search finds is 4.80992 on two data points, and 4.48832 on three, of which two
    are equal and one is at −0.8476.

    max L″ = Σ u²/4 is at w = 0. One point is at ±1, the largest of its sign; four points come down to 4.4880 with two
    tiny features, which is listed beside.
    """
    found = {"two points": (-1,), "three points": (1, -1), "four points, 3 + 1": (1, 1, -1), "four points, 2 + 2": (1, -1, -1)}
    return {name: _least_steepness(signs, most, seed) for name, signs in found.items()}


def _least_steepness(signs, most, seed):
    names = "abc"[: len(signs)]
    box = {name: (1 / most, 1.0) if sign > 0 else (1 / most, most) for sign, name in zip(signs, names, strict=True)}
    steep = lambda step, points: step.params["lr"] * (1 + sum(step.params[name] ** 2 for name in names)) / 4  # noqa: E731
    family = Family(_text(signs), cf.optimizers.gd(lr=1.0), {**box, "lr": (0.01, 200.0)}, [(-20, 20)])
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=steep), family, starts=24, seed=seed)
    return math.inf if found.hit is None else found.hit.quantity


def figures():
    """The stable 3-cycle on three data points, below the edge."""
    return {"three_points": _figure}


def _figure():
    hit = _logistic((1, -1), {"a": (1.0, 60.0), "b": (0.1, 1.0), "lr": (0.1, 20.0)}, 6).hit
    step = cf.as_map(
        cf.Loss(_text((1, -1)), params={"a": hit.params["a"], "b": hit.params["b"]}), cf.optimizers.gd(hit.params["lr"])
    )
    return cf.plot(cf.analysis.cycles(step, 3, [(-0.5, 4.0)]))
