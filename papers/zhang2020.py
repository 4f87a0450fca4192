"""G. Zhang, Y. Yu, *Convergence of gradient methods on bilinear zero-sum games*, arXiv 1908.05699, ICLR (2020).

Exact conditions under which gradient descent-ascent, extragradient, optimistic gradients and momentum converge on bilinear
games, with both players moving at once or in turn; moving in turn is better. The abstract was read. Our own derivation for the
game xy, in the complex variable z = x + iy: extragradient multiplies z by 1 + iη − η², of modulus √(1 − η² + η⁴), below 1 iff η
< 1. Optimistic descent-ascent, z ← z + iη(2z − z₋), has the characteristic equation μ² − (1 + 2iη)μ + iη = 0; on the unit
circle it holds at μ = e^{iπ/3}, η = 1/√3.
"""

import cmath
import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
OPTIMISTIC = ["x - lr*(2*y - q)", "y + lr*(2*x - p)", "x", "y"]
EXTRA = ["x - lr*(y + lr*x)", "y + lr*(x - lr*y)"]
IN_TURN = ["x - lr*(2*y - q)", "y + lr*(2*(x - lr*(2*y - q)) - x)", "x", "y"]


def _edge(rules):
    """The step at which the game's equilibrium loses stability, and the angle of the multiplier there in turns."""
    step = cf.Map.from_text(rules, "x y" if len(rules) == 2 else "x y p q", params={"lr": 0.1})
    found = cf.analysis.edge(step, [0.0] * len(rules), scale=0.05)
    return found.value, abs(cmath.phase(complex(found.multiplier))) / (2 * math.pi)


@CLAIMS.add(
    "own statement", {"edge": near(1.0, 1e-9), "optimistic": near(1 / math.sqrt(3), 1e-9)},
    Control("a look-ahead of one step and a half", changes={"extra": ("x - lr*(y + 3*lr/2*x)", "y + lr*(x - 3*lr/2*y)")}),
    domain="the game xy, one number for each player, η > 0",
    perturbations=(Control("a look-ahead of 1.02 steps",
                           changes={"extra": ("x - lr*(y + 1.02*lr*x)", "y + lr*(x - 1.02*lr*y)")}),),
)  # fmt: skip
def edges(extra=tuple(EXTRA)):
    """On the game xy extragradient converges iff η < 1, optimistic descent-ascent, both players at once, iff η < 1/√3.

    The edges of both maps at the equilibrium, optimistic descent-ascent with its memory of one step as a map of four variables.
    """
    return {"edge": _edge(list(extra))[0], "optimistic": _edge(OPTIMISTIC)[0]}


@CLAIMS.add(
    "own statement", {"turn": near(1 / 6, 1e-9), "resonance": 6},
    Control("the players in turn", changes={"rules": tuple(IN_TURN)}), figure="multipliers",
    domain="the game xy, one number for each player, both at once; η = 1/√3",
    perturbations=(Control("1.95 times the new gradient",
                           changes={"rules": ("x - lr*(1.95*y - q)", "y + lr*(1.95*x - p)", "x", "y")}),),
)  # fmt: skip
def optimism_leaves_with_period_six(rules=tuple(OPTIMISTIC)):
    """Optimistic descent-ascent on xy loses stability with the multiplier e^{iπ/3}: at the edge its orbits have period 6.

    The angle of the multiplier at the edge in turns, and the least n at which the n-th power of the map's matrix there has the
    eigenvalue 1 twice (to 1e-7).
    """
    edge, turn = _edge(list(rules))
    matrix = cf.Map.from_text(list(rules), "x y p q", params={"lr": edge}).jacobian([0.0] * 4)
    powers = (n for n in range(1, 40) if np.sum(abs(np.linalg.eigvals(matrix) ** n - 1) < 1e-7) >= 2)
    return {"turn": turn, "resonance": next(powers, 0)}


@CLAIMS.add(
    "abstract (alternating updates are better)",
    {"at_once": near(1.0 + 0.3**2, 1e-12), "in_turn": near(1.0, 1e-12), "negative": below(0.98)},
    Control("momentum 0.3 instead of −0.3 for the players in turn", changes={"momentum": 0.3}),
    domain="the game xy, one number for each player, η = 0.3",
    perturbations=(Control("momentum 0.01", changes={"momentum": 0.01}),),
)  # fmt: skip
def negative_momentum_in_turn(momentum=-0.3):
    """On the game xy with η = 0.3 descent-ascent diverges if the players move at once, is neutral if they move in turn, and
    converges in turn with the momentum −0.3.

    Squared spectral radii of the maps, the first two against 1 + η² and 1.
    """
    plain = cf.Map.from_text(["x - lr*y", "y + lr*x"], "x y", params={"lr": 0.3})
    turn = cf.Map.from_text(["x - lr*y", "y + lr*(x - lr*y)"], "x y", params={"lr": 0.3})
    new = "(x - lr*y + mu*(x - p))"
    heavy = cf.Map.from_text([new, f"y + lr*{new} + mu*(y - q)", "x", "y"], "x y p q", params={"lr": 0.3, "mu": momentum})
    radii = [float(abs(np.linalg.eigvals(step.jacobian([0.0] * step.dim))).max()) ** 2 for step in (plain, turn, heavy)]
    return {"at_once": radii[0], "in_turn": radii[1], "negative": radii[2]}


def figures():
    """The multipliers of both methods over the step."""
    return {"multipliers": _multipliers}


def _multipliers():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    steps = np.linspace(0.01, 1.2, 240)
    for name, rules in (("optimistic, at once", OPTIMISTIC), ("optimistic, in turn", IN_TURN), ("extragradient", EXTRA)):
        step = cf.Map.from_text(rules, "x y" if len(rules) == 2 else "x y p q", params={"lr": 0.1})
        zero = [0.0] * len(rules)
        axes.plot(steps, [abs(np.linalg.eigvals(step.at(lr=s).jacobian(zero))).max() for s in steps], label=name)
    axes.axhline(1, color="0.7", lw=0.8)
    axes.axvline(1 / math.sqrt(3), color="0.7", lw=0.8)
    axes.set(xlabel="step η", ylabel="largest |multiplier|", title="The game xy; vertical: 1/√3")
    axes.legend()
    return figure
