"""Y. Feng, H. Fu, Q. Hu, P. Li, I. Panageas, B. Peng, X. Wang, *On the last-iterate convergence in time-varying zero-sum games:
extragradient succeeds where optimism fails*, arXiv 2310.02604, NeurIPS (2023).

In a bilinear game whose payoffs change periodically with time extragradient converges, while optimistic descent-ascent and
momentum diverge. Our own derivation for the payoff ±xy with the sign changing each step, z = x + iy: two steps of extragradient
multiply z by 1 − η² + η⁴, below 1 iff η < 1; the multipliers of two steps of the optimistic method obey μ² − (1 + 4η²)μ + η² =
0, which is −3η² at μ = 1, so that one of them is above 1 for every η > 0.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
STEPS = (0.1, 0.2, 0.4)
RULES = {
    "extra": ["x - lr*s*(y + lr*s*x)", "y + lr*s*(x - lr*s*y)"],
    "optimistic": ["x - lr*(2*s*y - q)", "y + lr*(2*s*x - p)", "s*x", "s*y"],
    "momentum": ["x - lr*s*y + mu*(x - p)", "y + lr*s*x + mu*(y - q)", "x", "y"],
}


def _grows(which, lr, other=-1.0):
    """The largest modulus of a multiplier of two steps, the second with the payoff's sign ``other``."""
    rules = RULES[which]
    step = cf.Map.from_text(rules, "x y p q".split()[: len(rules)], params={"lr": lr, "s": 1.0, "mu": -0.3})
    both = cf.compose(step, step.at(s=other))
    return float(abs(np.linalg.eigvals(both.jacobian([0.0] * both.dim))).max())


@CLAIMS.add(
    "abstract; the numbers are derived here (summary)",
    {"extra": near([1 - h**2 + h**4 for h in STEPS], 1e-12),
     "optimistic": near([(1 + 4 * h**2 + math.sqrt((1 + 4 * h**2) ** 2 - 4 * h**2)) / 2 for h in STEPS], 1e-12)},
    Control("a game that does not change", changes={"other": 1.0}), figure="orbits",
)  # fmt: skip
def optimism_fails(other=-1.0):
    """In a periodic bilinear game extragradient converges and optimistic descent-ascent diverges.

    The payoff is xy and −xy in turn. The largest modulus of a multiplier of the map of two steps at η = 0.1, 0.2, 0.4: below 1
    for extragradient, above 1 for the optimistic method, whose memory is the gradient of the step before.
    """
    return {which: [_grows(which, lr, other) for lr in STEPS] for which in ("extra", "optimistic")}


@CLAIMS.add(
    "abstract (momentum)", {"least": above(1.0)},
    Control("the extragradient method", changes={"which": "extra"}), figure="orbits",
)  # fmt: skip
def momentum_fails_too(which="momentum"):
    """Negative momentum diverges in a periodic bilinear game.

    The same game and steps with momentum −0.3, both players at once. ``least``: the smallest of the three moduli.
    """
    return {"least": min(_grows(which, lr) for lr in STEPS)}


def figures():
    """Distances from the equilibrium in the changing game."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    for which, rules in RULES.items():
        step = cf.Map.from_text(rules, "x y p q".split()[: len(rules)], params={"lr": 0.2, "s": 1.0, "mu": -0.3})
        start = [1.0, 0.5, 1.0, 0.5] if which == "momentum" else [1.0, 0.5, 0.0, 0.0]
        orbit = cf.iterate(cf.compose(step, step.at(s=-1.0)), start[: len(rules)], 100)
        axes.semilogy(2 * np.arange(len(orbit.z)), np.hypot(*orbit.z[:, :2].T), label=which)
    axes.set(xlabel="step", ylabel="distance from the equilibrium", title="The payoffs xy, −xy in turn, η = 0.2")
    axes.legend()
    return figure
