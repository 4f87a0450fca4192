"""K. Danovski, M. C. Soriano and L. Lacasa, *Dynamical stability and chaos in artificial neural network trajectories along
training*, arXiv 2404.05782, Frontiers in Complex Systems 2 (2024).

Training is followed as a trajectory in the space of networks: hints of regular and of chaotic behaviour, depending on the
range of the learning rate. The source trains a shallow network on a simple classification task; here the same is asked of
losses that can be written down.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
X, LABELS = (-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75), (1, 1, -1, 1, -1, -1, 1, -1)


def _network():
    """Mean logistic loss of a net with two tanh units on 8 points with labels that it cannot all learn."""
    units = "(a*tanh(w*{x} + b) + v*tanh(u*{x} + d) + c)"
    terms = (f"softplus(-({label})*{units.format(x=x)})" for x, label in zip(X, LABELS, strict=True))
    return cf.Loss(f"({' + '.join(terms)})/8", variables="w u b d a v c")


def _exponents(lr, seeds):
    step = cf.as_map(_network(), cf.optimizers.gd(lr=lr))
    starts = [np.random.default_rng(seed).normal(size=7) for seed in seeds]
    return [float(cf.analysis.lyapunov(step, start, 10_000, 5000)[0]) for start in starts]


@CLAIMS.add(
    "abstract (regular and chaotic ranges of the learning rate); the net: own choice",
    {"small rate, most": at_most(0.002), "large rate, least": at_least(0.1), "evidence": "chaotic, chaotic"},
    Control("a rate of 6 in place of 16", changes={"large": 6.0}), figure="exponents",
    domain="a net of two tanh units, 7 weights, logistic loss on 8 points; gradient descent, η = 1 and 16; two starts",
    perturbations=(Control("a rate of 16 in place of 1", changes={"small": 16.0}),),
)  # fmt: skip
def network_becomes_chaotic(small=1.0, large=16.0, seeds=(0, 1)):
    """Gradient descent on a shallow network has a largest Lyapunov exponent of at most 0.002 a step at η = 1, and is chaotic,
    with one of 0.1 or more, at η = 16.

    All points in each step: the largest exponent over 10,000 steps after 5,000; ``evidence``: exponent and 0–1 test together
    at the large one, over 20,000.
    """
    step = cf.as_map(_network(), cf.optimizers.gd(lr=large))
    found = [cf.analysis.chaos(step, np.random.default_rng(k).normal(size=7), 20_000, dimensions=False) for k in seeds]
    return {"small rate, most": max(_exponents(small, seeds)), "large rate, least": min(_exponents(large, seeds)),
            "evidence": ", ".join(one.kind for one in found)}  # fmt: skip


@CLAIMS.add(
    "abstract (regular and chaotic ranges of the learning rate); the example: own choice",
    {"kinds": "fixed point, cycle of 2, chaotic, cycle of 3", "evidence": "regular, regular, chaotic, regular"},
    Control("the rates 8, 11, 12, 13", changes={"lrs": (8.0, 11.0, 12.0, 13.0)}), figure="exponents",
    domain="logistic regression of one measurement of 569 tumours, one weight; η = 10, 16, 20, 24; the start 0.1",
    perturbations=(Control("the rate 13 in place of 16", changes={"lrs": (10.0, 13.0, 20.0, 24.0)}),),
)  # fmt: skip
def regular_and_chaotic_rates(lrs=(10.0, 16.0, 20.0, 24.0)):
    """Gradient descent on a logistic regression of one real measurement converges at η = 10, ends on a 2-cycle at 16, is
    chaotic at 20 and ends on a 3-cycle at 24: neither a hidden layer nor a loss that is not convex is needed for chaos.

    The measurement is the texture of tumours: verdicts on the orbit of 0.1;
    ``evidence``: exponent and 0–1 test together, over 10,000 steps.
    """
    step, kinds, evidence = cf.as_map(cf.losses.breast_cancer(features=1), cf.optimizers.gd(lr=1.0)), [], []
    for lr in lrs:
        found = cf.analysis.classify(step.at(lr=lr), [0.1])
        kinds.append(f"cycle of {found.period}" if found.kind == "cycle" else found.kind)
        evidence.append(cf.analysis.chaos(step.at(lr=lr), [0.1], 10_000, dimensions=False).kind)
    return {"kinds": ", ".join(kinds), "evidence": ", ".join(evidence)}


CLAIMS.undecided(
    "separation_along_training", "a public summary of the paper",
    "At small rates nearby networks separate along training, neither monotonically nor chaotically, which points to marginal "
    "stability in flat basins of many dimensions.",
    needs="a neural network on data", domain="a shallow network trained on iris flowers by gradient descent, small η",
)  # fmt: skip


@CLAIMS.prove(
    "own statement", {"kind": "horseshoe", "entropy": above(0.5)},
    Control("η = 2, where less entropy is found", changes={"lr": "2"}), figure="horseshoe", read="from memory",
    domain="(w² − 1)²/4, one weight; heavy ball v ← 0.3v + g, w ← w − ηv, η = 2.2",
    perturbations=(Control("η = 2.05, where less entropy is found", changes={"lr": "2.05"}),),
)  # fmt: skip
def heavy_ball_horseshoe_proved(lr="2.2"):
    """With η = 2.2 and momentum 0.3 heavy ball on the double well has a horseshoe in the plane of weight and velocity, with a
    topological entropy above 0.5.

    A certificate of parallelograms that cover each other.
    """
    heavy = cf.optimizers.heavy_ball(lr=2.2, momentum=0.3)
    return cf.certify.horseshoe("(w**2 - 1)**2/4", heavy, [(-3, 3), (-3, 3)], lr=lr)


@CLAIMS.prove(
    "own statement", {"kind": "horseshoe", "entropy": above(0.25)},
    Control("η = 1.7, where less entropy is found", changes={"lr": "1.7"}), read="from memory",
    domain="(x² − 1)²/4 + y²/2 + xy/5; gradient descent with η = 1.6",
    perturbations=(Control("η = 1.75, where less entropy is found", changes={"lr": "1.75"}),),
)  # fmt: skip
def horseshoe_in_the_plane_proved(lr="1.6"):
    """Plain gradient descent on (x² − 1)²/4 + y²/2 + xy/5, a double well coupled to a valley, has a horseshoe with a
    topological entropy above 0.25 at η = 1.6.

    A certificate of parallelograms that cover each other.
    """
    return cf.certify.horseshoe("(x**2 - 1)**2/4 + y**2/2 + x*y/5", cf.optimizers.gd(lr=1.6), [(-2, 2), (-2, 2)], lr=lr)


def figures():
    """The largest exponent of the small network against the learning rate."""
    return {"exponents": _drawn, "horseshoe": lambda: cf.plot(heavy_ball_horseshoe_proved())}


def _drawn():
    import matplotlib.pyplot as plt

    lrs = np.geomspace(1, 25, 40)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for seed in (0, 1):
        axis.semilogx(lrs, [_exponents(lr, [seed])[0] for lr in lrs], ".-", label=f"start {seed}")
    axis.axhline(0, color="k", lw=1)
    axis.set(xlabel="η", ylabel="largest Lyapunov exponent per step", title="A net of two tanh units, logistic loss")
    axis.legend()
    return figure
