"""L. Kong, M. Tao, *Stochasticity of deterministic gradient descent: large learning rate for multiscale objective function*,
arXiv 2002.06189 (2020).

Gradient descent with a step that resolves the coarse shape of a loss but not its fine ripples is chaotic, and its iterates
have a distribution, near a rescaled Gibbs one, as if there were noise. Here the loss is x²/2 + ε sin(x/ε).
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _step(ratio, lr=0.1):
    """Gradient descent with ε = η/ratio."""
    return cf.as_map(cf.losses.rough_parabola(eps=lr / ratio), cf.optimizers.gd(lr=lr))


def _threes(ratio):
    """All 3-cycles: |w| ≤ 1 is mapped into itself and attracts."""
    return cf.analysis.cycles(_step(ratio), 3, [(-1.01, 1.01)])


@CLAIMS.add(
    "Li–Yorke chaos, an example", {"none": near([0, 0, 0, 0], 0), "many": at_least(20), "complete": True},
    Control("η/ε = 3.2 among the ratios without a 3-cycle", changes={"without": (1.0, 2.0, 2.5, 3.2)}),
    figure="cycles", read="a secondary source",
)  # fmt: skip
def period_three_from_ratio_four(without=(1.0, 2.0, 2.5, 3.0), with_many=4.0):
    """At η = 0.1 there is no 3-cycle for η/ε ≤ 3 and there are many for η/ε = 4.

    All 3-cycles in |w| ≤ 1.01 at η/ε = 1, 2, 2.5, 3 and 4: the search says that the lists are complete.
    """
    found = [_threes(ratio) for ratio in without]
    many = _threes(with_many)
    return {"none": [len(one) for one in found], "many": len(many), "complete": all(one.complete for one in (*found, many))}


@CLAIMS.add(
    "Li–Yorke chaos", {"least": at_least(1), "growing": True, "exponents_positive": True, "evidence": True},
    Control("η/ε = 2 among the ratios", changes={"ratios": (2.0, 8.0, 15.0)}), figure="cycles", read="a secondary source",
)  # fmt: skip
def chaotic_for_fine_ripples(ratios=(5.0, 8.0, 15.0)):
    """For ε ≪ η gradient descent is chaotic in Li and Yorke's sense: there are 3-cycles, and more of them the finer the
    ripples.

    The number of 3-cycles at η/ε = 5, 8, 15, whether the Lyapunov exponent is positive, and whether it and the 0–1 test agree
    that the attractor is chaotic. By hand the number grows as the
    third power of the laps, 2/(πε): the numbers expected are rough.
    """
    exponents = [cf.analysis.lyapunov(_step(ratio), [0.3], 100_000)[0] for ratio in ratios]
    counts = [len(_threes(ratio)) for ratio in ratios]
    growing = all(a < b for a, b in zip(counts[:-1], counts[1:], strict=True))
    evidence = all(cf.analysis.chaos(_step(ratio), [0.3], dimensions=False).chaotic for ratio in ratios)
    return {"least": min(counts), "growing": growing, "exponents_positive": min(exponents) > 0.05, "counts": counts,
            "evidence": evidence}  # fmt: skip


@CLAIMS.add(
    "chaos", {"excess": near([0.0, 0.0, 0.0], 5e-3)},
    Control("η/ε = 5, where phases are not spread evenly", changes={"ratios": (5.0, 1e4, 1e5)}), read="a secondary source",
)  # fmt: skip
def exponent_is_that_of_random_phases(ratios=(1e3, 1e4, 1e5), steps=1_000_000):
    """For ε ≪ η the iterates meet the ripples at random phases: the Lyapunov exponent tends to ln(η/2ε).

    The exponent over 10⁶ steps less ln(η/2ε), at η = 0.1. By hand: f′ = 1 − η + (η/ε) sin(w/ε), and the mean of ln |A sin θ| is
    ln(A/2). Its standard deviation is 0.9, so 10⁶ independent steps err by 0.001.
    """
    exponents = [cf.analysis.lyapunov(_step(ratio), [0.3], steps)[0] for ratio in ratios]
    return {"excess": [one - math.log(ratio / 2) for one, ratio in zip(exponents, ratios, strict=True)]}


def _late(ratio, lr, start=0.3, steps=1_000_000):
    return cf.iterate(_step(ratio, lr), [start], steps).z[1000:, 0]


@CLAIMS.add(
    "statistical limit", {"variance": near([1.0, 1.0, 1.0], 0.03)},
    Control("η/ε = 5, where the ripples are resolved", changes={"ratio": 5.0}), figure="distribution",
)  # fmt: skip
def variance_of_the_limit(ratio=1e4, rates=(0.1, 0.05, 0.02)):
    """Iterates do not converge to a minimum but to a distribution, with a variance proportional to η: about η/4 here.

    The variance over 10⁶ steps at η = 0.1, 0.05, 0.02 and ε = η/10⁴ over η/(2(2 − η)), that of w ← (1 − η)w − η cos θ with
    independent phases. The correlation time 1/η makes the error some √(2/(10⁶ η)), up to 1 %.
    """
    return {"variance": [float(_late(ratio, lr).var() / (lr / (2 * (2 - lr)))) for lr in rates]}


@CLAIMS.add(
    "rescaled Gibbs distribution", {"within_one": near(0.6827, 0.012), "within_two": near(0.9545, 0.008)},
    Control("η/ε = 5, where the ripples are resolved", changes={"ratio": 5.0}), figure="distribution",
)  # fmt: skip
def shape_of_the_limit(ratio=1e4, lr=0.05):
    """The distribution is near the rescaled Gibbs one, exp(−x²/2 over a temperature of η/4): a normal one.

    The shares of 10⁶ iterates within one and two standard deviations √(η/4) of 0, at η = 0.05. The distribution tends to the
    normal one as η → 0; its fourth cumulant, by hand −(3/4)η in units of the variance's square, moves the shares by less than
    0.01.
    """
    scaled = abs(_late(ratio, lr)) / math.sqrt(lr / (2 * (2 - lr)))
    return {"within_one": float((scaled < 1).mean()), "within_two": float((scaled < 2).mean())}


@CLAIMS.add(
    "stochasticity", {"spread": above(0.02)},
    Control("η/ε = 0.5, where gradient descent converges", changes={"ratio": 0.5}),
)  # fmt: skip
def does_not_converge(ratio=1e4, lr=0.1):
    """Deterministic gradient descent keeps moving: it does not converge to any of the many local minima.

    The standard deviation of the last 1,000 of 10⁵ iterates.
    """
    return {"spread": float(np.std(_late(ratio, lr, steps=100_000)[-1000:]))}


@CLAIMS.prove(
    "Li–Yorke chaos", {"kind": "chaos", "period": 3},
    Control("ε = η/2.94, where the least odd period is 5", changes={"eps": "0.034"}), figure="cycles",
)  # fmt: skip
def chaos_proved(eps="0.025"):
    """At η = 0.1 and ε = η/4 gradient descent on x²/2 + ε sin(x/ε) is chaotic in Li and Yorke's sense: it has a 3-cycle.

    A certificate of the 3-cycle and of continuity.
    """
    return cf.certify.chaos(cf.losses.rough_parabola(eps=0.025), cf.optimizers.gd(lr=0.1), (-0.5, 0.5), longest=3, eps=eps)


@CLAIMS.prove(
    "Li–Yorke chaos, an example", {"kind": "no_cycles", "period": 3, "box": "[-2, 2]"},
    Control("ε = η/4", changes={"eps": "0.025"}), read="a secondary source",
)  # fmt: skip
def no_three_cycle_proved(eps="0.04"):
    """At η = 0.1 and ε = η/2.5 there is no 3-cycle in [−2, 2].

    A certificate; where there is none, one of all 3-cycles there.
    """
    loss, gd = cf.losses.rough_parabola(eps=0.04), cf.optimizers.gd(lr=0.1)
    found = cf.certify.no_cycles(loss, gd, 3, (-2, 2), eps=eps, most=30_000)
    return found if found.proved else cf.certify.chaos(loss, gd, (-0.5, 0.5), longest=3, eps=eps)


def figures():
    """The 3-cycles at η/ε = 4 and the distribution of the iterates."""
    return {"cycles": lambda: cf.plot(_threes(4.0)), "distribution": _distribution}


def _distribution(lr=0.1):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.hist(_late(1e4, lr, steps=300_000), bins=150, density=True, color="0.75", label="iterates, η/ε = 10⁴")
    variance = lr / (2 * (2 - lr))
    x = np.linspace(-0.7, 0.7, 300)
    label = "normal, variance η/(2(2 − η))"
    axes.plot(x, np.exp(-(x**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance), color="C3", label=label)
    axes.set(xlabel="w", ylabel="density", ylim=(0, 3.3), title=f"gradient descent on w²/2 + ε sin(w/ε), η = {lr}")
    axes.legend(frameon=False, fontsize=8)
    return figure
