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
    "abstract (chaotic); the example and its numbers are ours",
    {"least": at_least(1), "growing": True, "least exponent": above(0.4)},
    Control("η/ε = 2 among the ratios", changes={"ratios": (2.0, 8.0, 15.0)}), figure="cycles",
    domain="x²/2 + ε sin(x/ε), one weight; η = 0.1, η/ε = 5, 8, 15; exponents from the start 0.3",
    perturbations=(Control("η/ε = 3, 8 and 15", changes={"ratios": (3.0, 8.0, 15.0)}),
                   Control("η/ε = 5, 15 and 8, in this order", changes={"ratios": (5.0, 15.0, 8.0)})),
)  # fmt: skip
def chaotic_for_fine_ripples(ratios=(5.0, 8.0, 15.0)):
    """At η/ε = 5, 8 and 15 gradient descent on x²/2 + ε sin(x/ε) has 3-cycles, so chaos in Li and Yorke's sense, the more of
    them the finer the ripples, and a Lyapunov exponent above 0.4.

    All 3-cycles are in |x| ≤ 1, as the step is (1 − η)x − η cos(x/ε). ``least``: the least number of 3-cycles; the exponent is
    over 100,000 steps.
    """
    exponents = [cf.analysis.lyapunov(_step(ratio), [0.3], 100_000)[0] for ratio in ratios]
    counts = [len(_threes(ratio)) for ratio in ratios]
    growing = all(a < b for a, b in zip(counts[:-1], counts[1:], strict=True))
    return {"least": min(counts), "growing": growing, "least exponent": min(exponents), "counts": counts}


@CLAIMS.add(
    "own statement", {"excess": near([0.0, 0.0, 0.0], 5e-3)},
    Control("η/ε = 5, where phases are not spread evenly", changes={"ratios": (5.0, 1e4, 1e5)}),
    domain="x²/2 + ε sin(x/ε), one weight; 0 < η < 2; ε → 0", examples="η = 0.1 and η/ε = 10³, 10⁴, 10⁵, from the start 0.3",
    perturbations=(Control("ln(η/2.1ε) in place of ln(η/2ε)", changes={"divisor": 2.1}),),
)  # fmt: skip
def exponent_is_that_of_random_phases(ratios=(1e3, 1e4, 1e5), steps=1_000_000, divisor=2):
    """For ε ≪ η the iterates meet the ripples as at random phases: the Lyapunov exponent is near ln(η/2ε).

    The exponent over 10⁶ steps less ln(η/2ε). By hand: f′ = 1 − η + (η/ε) sin(x/ε), and the mean of ln |c + A sin θ| is ln(A/2)
    for |c| < A. The standard deviation of ln |A sin θ| is 0.9, so 10⁶ independent steps err by 0.001.
    """
    exponents = [cf.analysis.lyapunov(_step(ratio), [0.3], steps)[0] for ratio in ratios]
    return {"excess": [one - math.log(ratio / divisor) for one, ratio in zip(exponents, ratios, strict=True)]}


def _late(ratio, lr, start=0.3, steps=1_000_000):
    return cf.iterate(_step(ratio, lr), [start], steps).z[1000:, 0]


@CLAIMS.add(
    "abstract (a statistical limit, not a local minimizer); its variance is derived here",
    {"variance": near([1.0, 1.0, 1.0], 0.03)},
    Control("η/ε = 5, where the ripples are resolved", changes={"ratio": 5.0}), figure="distribution",
    domain="x²/2 + ε sin(x/ε), one weight; η = 0.1, 0.05, 0.02, ε = η/10⁴; the start 0.3",
    perturbations=(Control("η/4 in place of η/(2(2 − η))", changes={"exact": False}),),
)  # fmt: skip
def variance_of_the_limit(ratio=1e4, rates=(0.1, 0.05, 0.02), exact=True):
    """Gradient descent that does not resolve the ripples keeps moving, with a variance of η/(2(2 − η)), about η/4, over a long
    run.

    The variance over 10⁶ steps over η/(2(2 − η)), that of x ← (1 − η)x − η cos θ with independent phases θ. The correlation time
    1/η makes the error some √(2/(10⁶ η)), up to 1 %.
    """
    expected = [lr / (2 * (2 - lr)) if exact else lr / 4 for lr in rates]
    return {"variance": [float(_late(ratio, lr).var() / one) for lr, one in zip(rates, expected, strict=True)]}


@CLAIMS.add(
    "abstract (a rescaled Gibbs distribution); its temperature is derived here",
    {"within_one": near(0.6827, 0.012), "within_two": near(0.9545, 0.008)},
    Control("η/ε = 5, where the ripples are resolved", changes={"ratio": 5.0}), figure="distribution",
    domain="x²/2 + ε sin(x/ε), one weight; η = 0.05, ε = η/10⁴; the start 0.3",
    perturbations=(Control("a standard deviation 5 % larger", changes={"factor": 1.05}),),
)  # fmt: skip
def shape_of_the_limit(ratio=1e4, lr=0.05, factor=1.0):
    """The distribution of the iterates is near the rescaled Gibbs one of the smooth part, exp(−x²/(2T)) with the temperature
    T = η/(2(2 − η)), about η/4: it has the normal shares within one and two standard deviations.

    The shares of 10⁶ iterates. The fourth cumulant, by hand −(3/4)η in units of the variance's square, moves the shares by less
    than 0.01.
    """
    scaled = abs(_late(ratio, lr)) / (factor * math.sqrt(lr / (2 * (2 - lr))))
    return {"within_one": float((scaled < 1).mean()), "within_two": float((scaled < 2).mean())}


@CLAIMS.prove(
    "abstract (chaotic); the example is ours", {"kind": "chaos", "period": 3},
    Control("ε = η/2.94, where the least odd period is 5", changes={"eps": "0.034"}), figure="cycles",
    domain="x²/2 + ε sin(x/ε), one weight; η = 0.1, ε = 0.025",
    perturbations=(Control("ε = η/3.03", changes={"eps": "0.033"}),),
)  # fmt: skip
def chaos_proved(eps="0.025"):
    """At η = 0.1 and ε = η/4 gradient descent on x²/2 + ε sin(x/ε) is chaotic in Li and Yorke's sense: it has a 3-cycle.

    A certificate of the 3-cycle and of continuity.
    """
    return cf.certify.chaos(cf.losses.rough_parabola(eps=0.025), cf.optimizers.gd(lr=0.1), (-0.5, 0.5), longest=3, eps=eps)


@CLAIMS.prove(
    "own statement", {"kind": "no_cycles", "period": 3, "box": "[-2, 2]"},
    Control("ε = η/4", changes={"eps": "0.025"}), domain="x²/2 + ε sin(x/ε), one weight; η = 0.1, ε = 0.04; all starts",
    perturbations=(Control("ε = η/3.85", changes={"eps": "0.026"}),),
)  # fmt: skip
def no_three_cycle_proved(eps="0.04"):
    """At η = 0.1 and ε = η/2.5 gradient descent on x²/2 + ε sin(x/ε) has no 3-cycle.

    A certificate for [−2, 2], where all cycles are, as the step is (1 − η)x − η cos(x/ε); where there is none, one of all
    3-cycles there.
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
