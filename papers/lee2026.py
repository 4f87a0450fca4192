"""Lee and Lee, *The road taken: the role of optimizers at the edge of stability* (2026).

An optimizer that filters the gradient with a causal filter Q leaves stability where (1 − e^{iω})/Q(e^{iω}) is real and positive
and least. Mixtures of exponential averages, momentum among them, always leave at the multiplier −1, so with oscillations of
period two; averages in cascade leave at other angles. A public text of it was read in part; it names no arXiv number. Our own
derivations, so labelled: for two equal averages in cascade and the curvature times step k the multipliers obey (z − 1)(z − β)²
+ k(1 − β)²z² = 0. With roots e^{±iω} and r the product of the roots is r = β², the sum of their products in pairs 1 + 2r cos ω
= β² + 2β, and the sum of the roots gives the edge k = 1/β² − 1, cos ω = (β² + 2β − 1)/(2β²), possible for β ≥ 1/3. For β = (√3
− 1)/2 this is ω = 2π/3 at k = 3 + 2√3. There a gradient g of an odd kind that visits a, −a, 0 in turn is filtered with the gain
1/k, and so an orbit a, −a, 0 is a cycle iff g(a)/a = k/η, which has a solution for each η just above the edge where g(a)/a
falls from 1.
"""

import math

import numpy as np
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
THIRD = (math.sqrt(3) - 1) / 2  # β at which the double average leaves at 2π/3
EDGE = 3 + 2 * math.sqrt(3)
FILTERS = {
    "cascade": ("b*m + (1 - b)*g", "c*n + (1 - c)*m1", "n1"),
    "parallel": ("b*m + (1 - b)*g", "c*n + (1 - c)*g", "(m1 + n1)/2"),
    "single": ("b*m + (1 - b)*g", "0", "m1"),
}


def _filtered(kind, lr=1.0, b=THIRD, c=None):
    """Gradient descent with the gradient filtered by two exponential averages."""
    first, second, used = FILTERS[kind]
    update = {"w": f"w - lr*({used})", "m": "m1", "n": "n1"}
    params = {"lr": lr, "b": b, "c": b if c is None else c}
    return cf.Optimizer.from_text(update, params, define={"m1": first, "n1": second}, name=kind)


@CLAIMS.add(
    "appendix C.2, eq. (50); the edge 1/β² − 1 is derived here (summary)",
    {"turns": [False, False, True, True, True, True], "edges": near([4.5, 2 * (1.3 / 0.7) ** 2, EDGE, 5.25, 3.0, 0.5625], 1e-9)},
    Control("the two averages side by side instead of in cascade", changes={"kind": "parallel"}), figure="edge",
    domain="gradient descent with two equal averages in cascade, 0 < β < 1, at a minimum of a quadratic",
    examples="β = 0.2, 0.3, (√3 − 1)/2, 0.4, 0.5, 0.8",
    perturbations=(Control("β = 0.81 in place of 0.8", changes={"last": 0.81}),),
)  # fmt: skip
def double_average(kind="cascade", last=0.8):
    """Two equal exponential averages in cascade leave stability with a complex pair of multipliers iff β > 1/3.

    The first loss of stability of the minimum of w²/2 as η grows, for β = 0.2, 0.3, (√3 − 1)/2, 0.4, 0.5, 0.8. ``turns``:
    whether its multiplier is not real. The edges are 2((1 + β)/(1 − β))² for a flip, else 1/β² − 1 (our derivation).
    """
    step = cf.as_map(cf.Loss("w**2/2"), _filtered(kind))
    edges = [cf.analysis.edge(step.at(b=b, c=b), [0.0], scale=0.1) for b in (0.2, 0.3, THIRD, 0.4, 0.5, last)]
    return {"turns": [bool(abs(complex(e.multiplier).imag) > 1e-6) for e in edges], "edges": [e.value for e in edges]}


@CLAIMS.add(
    "table 3", {"edges": near([2.571, 0.681], 5e-4), "angles": near([0.263, 0.088], 5e-4)},
    Control("one average with the product of the poles", changes={"kind": "single", "product": True}),
    domain="gradient descent with two averages in cascade, at a minimum of curvature λ",
    perturbations=(Control("the pole 0.41 in place of 0.4", changes={"least": 0.41}),),
)  # fmt: skip
def cascades_of_two_poles(kind="cascade", product=False, least=0.4):
    """A pure cascade with the poles 0.4 and 0.7 has the edge ηλ = 2.571 at the angle 0.263π, with 0.7 and 0.85 the edge 0.681
    at 0.088π.

    The edge of w²/2 and the angle of its multiplier divided by π. The tolerance is half the last digit of the table.
    """
    step, edges = cf.as_map(cf.Loss("w**2/2"), _filtered(kind)), []
    for b, c in ((least, 0.7), (0.7, 0.85)):
        edges.append(cf.analysis.edge(step.at(b=b * c if product else b, c=c), [0.0], scale=0.1))
    return {"edges": [e.value for e in edges], "angles": [abs(float(np.angle(e.multiplier))) / np.pi for e in edges]}


@CLAIMS.add(
    "lemma B.3", {"flips": 20, "error": near(0.0, 1e-8)},
    Control("the averages in cascade: 1/Q(−1) is then the product", changes={"kind": "cascade"}),
    domain="gradient descent with a mean of exponential averages with positive weights, at a minimum of curvature λ",
    examples="20 means of two averages with equal weights, β and γ uniform in (0, 0.98)",
    perturbations=(Control("2.02/Q(−1) in place of 2/Q(−1)", changes={"two": 2.02}),),
)  # fmt: skip
def mixtures_flip(kind="parallel", seed=0, two=2.0):
    """A positive mixture of exponential averages leaves stability at −1, at ηλ = 2/Q(−1).

    The mean of two averages has Q(−1) = ((1 − β)/(1 + β) + (1 − γ)/(1 + γ))/2; the edge of w²/2 is found for 20 pairs of β, γ
    uniform in (0, 0.98). ``error``: the largest relative difference from 2/Q(−1).
    """
    rng, step, errors, flips = np.random.default_rng(seed), cf.as_map(cf.Loss("w**2/2"), _filtered(kind)), [], 0
    for b, c in rng.uniform(0, 0.98, (20, 2)).tolist():
        gains = (1 - b) / (1 + b), (1 - c) / (1 + c)
        stated = two / (gains[0] * gains[1] if kind == "cascade" else sum(gains) / 2)
        found = cf.analysis.edge(step.at(b=b, c=c), [0.0], scale=0.1)
        flips, errors = flips + (found.kind == "flip"), [*errors, abs(found.value / stated - 1)]
    return {"flips": flips, "error": max(errors)}


@CLAIMS.add(
    "table 4", {"edges": near([38.0, 5.9375, 1.357], 5e-4)},
    Control("momentum 0.8 in place of 0.9", changes={"beta": 0.8}), domain="β = 0.9, at a minimum of curvature λ",
    perturbations=(Control("ν = 0.71 in place of 0.7", changes={"nu": 0.71}),),
)  # fmt: skip
def edges_of_momentum(beta=0.9, nu=0.7):
    """With β = 0.9 the edge ηλ is 38 for an exponential average of the gradient, 5.9375 for quasi-hyperbolic momentum with ν =
    0.7 and 1.357 for Nesterov's method.

    The edge of each optimizer on w²/2, quasi-hyperbolic momentum as w ← w − η((1 − ν)g + νm).
    """
    qhm = cf.Optimizer.from_text(
        {"w": "w - lr*((1 - nu)*g + nu*m1)", "m": "m1"}, {"lr": 0.1, "b": beta, "nu": nu}, define={"m1": "b*m + (1 - b)*g"}
    )  # fmt: skip
    chosen = cf.optimizers.ema_momentum(lr=0.1, momentum=beta), qhm, cf.optimizers.nesterov(lr=0.1, momentum=beta)
    return {"edges": [cf.analysis.edge(cf.as_map(cf.Loss("w**2/2"), o), [0.0], scale=0.1).value for o in chosen]}


def _sizes():
    import mpmath as mp

    with mp.workdps(30):
        excess = [mp.mpf("1.02"), mp.mpf("1.1"), mp.mpf("1.3")]
        log_cosh = [mp.findroot(lambda a, s=s: mp.tanh(a) * s - a, mp.sqrt(3 * (s - 1))) for s in excess]
        return {"log_cosh": [float(a) for a in log_cosh], "root": [float(mp.sqrt(s * s - 1)) for s in excess]}


@CLAIMS.add(
    "not in the source: derived here from appendix C.2 (summary)",
    {"periods": [3] * 6, "log_cosh": near(_sizes()["log_cosh"], 1e-8), "root": near(_sizes()["root"], 1e-8)},
    Control("one average with the same mean delay, 2β/(1 − β)", changes={"kind": "single"}), figure="period_three", second=_sizes,
    domain="log cosh w and √(1 + w²), one weight; β = (√3 − 1)/2; η of 1.02, 1.1 and 1.3 times the edge; start 0.3",
    perturbations=(Control("β = 0.4", changes={"beta": 0.4}),),
)  # fmt: skip
def period_three_at_the_edge(kind="cascade", beta=THIRD):
    """With two exponential averages of β = (√3 − 1)/2 in cascade, descent on the convex losses log cosh w and √(1 + w²) settles
    on a stable 3-cycle above the edge 3 + 2√3, from 2 % on.

    Orbits at 1.02, 1.1, 1.3 times the edge; expected are cycles a, −a, 0 with
    tanh(a)/a or 1/√(1 + a²) the inverse of that factor. ``log_cosh``, ``root``: the largest w of each cycle.
    """
    mean_delay = 2 * THIRD / (1 - THIRD)
    b, edge = (beta, EDGE) if kind == "cascade" else (mean_delay / (1 + mean_delay), 2 + 4 * mean_delay)
    found = {}
    for name, loss in (("log_cosh", cf.losses.log_cosh()), ("root", cf.Loss("sqrt(1 + w**2)"))):
        step = cf.as_map(loss, _filtered(kind, b=b))
        found[name] = [cf.analysis.classify(step.at(lr=edge * s), [0.3]) for s in (1.02, 1.1, 1.3)]
    return {
        "periods": [r.period for rs in found.values() for r in rs],
        **{name: [float(r.points[:, 0].max()) for r in rs] for name, rs in found.items()},
    }  # fmt: skip


@CLAIMS.add(
    "not in the source: derived here from appendix C.2 (summary)", {"periods": [6, 6, 6], "turn": near(1 / 6, 1e-12),
                                                                 "edge": near(3.0, 1e-9)},
    Control("β = 0.3, below 1/3: a flip and a 2-cycle", changes={"b": 0.3}),
    domain="log cosh w, one weight; β = 1/2; η of 1.05, 1.1 and 1.3 times the edge; start w = 0.3, averages 0",
    perturbations=(Control("β = 0.49", changes={"b": 0.49}),),
)  # fmt: skip
def period_six_at_the_edge(b=0.5):
    """With β = 1/2 the same cascade leaves at the angle π/3, at ηλ = 3, and log cosh has a stable
    6-cycle from 5 to 30 % above the edge.

    The angle of the multiplier at the edge in turns, and the orbit from w = 0.3 at 1.05, 1.1 and 1.3 times the edge found.
    """
    edge = cf.analysis.edge(cf.as_map(cf.Loss("w**2/2"), _filtered("cascade", b=b)), [0.0], scale=0.1)
    step = cf.as_map(cf.losses.log_cosh(), _filtered("cascade", b=b))
    periods = [cf.analysis.classify(step.at(lr=edge.value * s), [0.3]).period for s in (1.05, 1.1, 1.3)]
    return {"periods": periods, "turn": abs(float(np.angle(edge.multiplier))) / (2 * np.pi), "edge": edge.value}


def _points_by_newton():
    """The three weights of the cycle by SciPy: both averages of three gradients that repeat are finite sums."""

    def average(values):
        return (1 - THIRD) / (1 - THIRD**3) * sum(THIRD**j * np.roll(values, j) for j in range(3))

    def missing(w):
        return w - 0.98 * EDGE * average(average(4.5 * (1 / (1 + np.exp(-w)) - 2 / 3))) - np.roll(w, -1)

    best = min((fsolve(missing, np.roll([-0.13, 1.19, 1.19], k), full_output=True)[:2] for k in range(3)),
               key=lambda found: np.abs(found[1]["fvec"]).max() + (np.ptp(found[0]) < 0.1))  # fmt: skip
    return {"points": sorted(best[0].tolist())}


@CLAIMS.add(
    "not in the source: observed here", {"minimum": 1, "cycle": 3, "points": near([-0.131169, 1.187941, 1.187941], 1e-6)},
    Control("half of the rows positive: an odd gradient, no cycle below the edge", changes={"share": 0.5}),
    second=_points_by_newton,
    domain="logistic loss of a constant w, two positive rows of three; β = (√3 − 1)/2, η of 0.98 times the edge",
    perturbations=(Control("a share of 0.66 of positive rows", changes={"share": 0.66}),),

)  # fmt: skip
def logistic_regression_below_the_edge(share=2 / 3):
    """On logistic regression of a constant with two positive rows of three the cascade of two averages has a stable 3-cycle at
    0.98 of the edge, beside the stable minimum.

    The loss has the curvature 1 at its minimum. Orbits at η = 0.98(3 + 2√3) start at the minimum + 0.05 and at w = 2. Expected
    are the points of a root finder (``second``). Two attractors of a convex problem below the edge: the transition there
    is not the one of log cosh, whose gradient is odd.
    """
    scale = 1 / (share * (1 - share))
    loss = cf.Loss("top*(softplus(w) - share*w)", params={"top": scale, "share": share})
    step = cf.as_map(loss, _filtered("cascade", lr=0.98 * EDGE))
    near_minimum, far = (cf.analysis.classify(step, [w]) for w in (math.log(share / (1 - share)) + 0.05, 2.0))
    return {"minimum": near_minimum.period, "cycle": far.period, "points": sorted(far.points[:, 0].tolist())}


def figures():
    """The edge of the double average, and three iterates of the convex loss for ever."""
    return {"edge": _edge, "period_three": _period_three}


def _edge():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained")
    b = np.linspace(0.05, 0.9, 300)
    flip, turn = 2 * ((1 + b) / (1 - b)) ** 2, 1 / b**2 - 1
    left.semilogy(b, flip, "C0--", label="multiplier −1")
    left.semilogy(b[b > 1 / 3], turn[b > 1 / 3], "C3", label="complex pair")
    left.set(xlabel="β", ylabel="ηλ where stability is lost", ylim=(0.1, 300))
    left.legend()
    angle = np.arccos(np.clip((b**2 + 2 * b - 1) / (2 * b**2), -1, 1))
    right.plot(b, 2 * np.pi / angle, "C3")
    for period in (3, 4, 6):
        right.axhline(period, color="0.8", lw=0.8)
    right.set(xlabel="β", ylabel="period at the edge", ylim=(1.5, 12))
    left.set_title("two equal averages in cascade", fontsize="medium")
    return figure


def _period_three():
    step = cf.as_map(cf.losses.log_cosh(), _filtered("cascade", lr=1.3 * EDGE))
    return cf.plot(cf.iterate(step, [0.1], 90))
