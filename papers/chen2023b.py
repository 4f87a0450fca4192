"""X. Chen, C. Liang, D. Huang, E. Real, K. Wang, Y. Liu, H. Pham, X. Dong, T. Luong, C.-J. Hsieh, Y. Lu, Q. V. Le, *Symbolic
discovery of optimization algorithms*, arXiv 2302.06675, NeurIPS (2023).

The optimizer Lion: w ← w − η sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g, by default with β₁ = 0.9, β₂ = 0.99. All that is checked
here is our own: on λw²/2 a weight chatters in a 2-cycle a, a − η only for a in the band (β₁η/(1 + β₂), η − β₁η/(1 + β₂)), which
is 9.5 % of the step wide with the default values. Each step moves w by exactly η, so w modulo η never changes, and a start
outside the band cannot reach a 2-cycle: it ends on a cycle of a longer period.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
FRACTIONS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.44, 0.46, 0.5, 0.54)


def _period(start, b1=0.9, b2=0.99):
    step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.lion(lr=1.0, beta1=b1, beta2=b2))
    return cf.analysis.classify(step, [start]).period


def _by_whole_numbers():
    """The periods of the place in units of η, with the momentum in floating point, in plain Python."""
    return {"periods": [_whole(start, 0.9, 0.99) for start in FRACTIONS]}


def _whole(start, b1, b2):
    place, m, places = 0, 0.0, []
    for _ in range(12_000):
        g = start + place
        force = b1 * m + (1 - b1) * g
        m, place = b2 * m + (1 - b2) * g, place - (1 if force > 0 else -1)
        places.append(place)
    late = places[6000:]
    return next(n for n in range(1, 3000) if late[n:] == late[:-n])


@CLAIMS.add(
    "own statement (the optimizer: from memory)",
    {"low": "b1/(b2 + 1)", "from the top": "b1/(b2 + 1)", "ends": near([0.9 / 1.99, 1 - 0.9 / 1.99], 2e-3)},
    Control("signs of m alone, 1·m in place of β₁m + (1 − β₁)g", changes={"own": 0}), figure="periods",
    domain="λw²/2, one weight; Lion without weight decay, η, λ > 0, 0 ≤ β₁, β₂ < 1; cycles on which sign is never taken of 0",
    perturbations=(Control("the new average in place of the old one in the sign", changes={"fresh": True}),
                   Control("β₁ = 0.88", changes={"b1": 0.88})),
    proof="exact algebra: the momentum of a 2-cycle, and the two signs, linear in a",
)  # fmt: skip
def band_of_two_cycles(b1=0.9, b2=0.99, own=1, fresh=False):
    """On λw²/2 a pair a, a − η is a 2-cycle of Lion, with its own momentum, if and only if β₁η/(1 + β₂) < a < η − β₁η/(1 + β₂).

    The momentum at a and at a − η from the two equations of the cycle, for λ = 1 (λ scales the momentum); the step at a must
    be down, at a − η up: ``low`` and 1 − ``from the top``, over η, are the zeros of what the sign is taken of. ``ends``: half
    a grid step outside the first and the last of 51 starts from 0.4 to 0.6, η = 1, m = 0, β₁ = 0.9, β₂ = 0.99, that end with
    period 2.
    """
    a, eta, x, y, first, second = sp.symbols("a eta x y b1 b2", positive=True)
    momentum = sp.solve([y - second * x - (1 - second) * a, x - second * y - (1 - second) * (a - eta)], [x, y])
    at, beside = (momentum[y], momentum[x]) if fresh else (momentum[x], momentum[y])
    force = [first * m + own * (1 - first) * g for m, g in ((at, a), (beside, a - eta))]
    low, high = (sp.solve(one, a)[0] / eta for one in force)
    grid = np.linspace(0.4, 0.6, 51)
    two = [start for start in grid.tolist() if _period(start, b1, b2) == 2]
    return {"low": str(sp.factor(low)), "from the top": str(sp.factor(1 - high)), "ends": [two[0] - 0.002, two[-1] + 0.002]}


@CLAIMS.add(
    "own statement", {"periods": [184, 286, 254, 286, 30, 92, 2, 2, 2]},
    Control("β₁ = β₂ = 0, plain signs: period 2 from every start", changes={"b1": 0.0, "b2": 0.0}), figure="periods",
    second=_by_whole_numbers, domain="w²/2, one weight; Lion, η = 1, β₁ = 0.9, β₂ = 0.99; nine starts, m = 0",
    perturbations=(Control("β₂ = 0.98", changes={"b2": 0.98}),),
)  # fmt: skip
def long_periods(b1=0.9, b2=0.99):
    """On w²/2 with the step 1 a weight of Lion ends on long cycles outside the band of 2-cycles: from w₀ = 0.05, 0.1, 0.2,
    0.3, 0.4, 0.44 of the periods 184, 286, 254, 286, 30, 92; from 0.46, 0.5 and 0.54, inside, on 2-cycles.

    The orbits at nine starts in units of η.
    """
    return {"periods": [_period(start, b1, b2) for start in FRACTIONS]}


def figures():
    """The period over the fractional part of the start."""
    return {"periods": _periods}


def _periods():
    import matplotlib.pyplot as plt

    grid = np.linspace(0.005, 0.995, 199)
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.semilogy(grid, [_whole(a, 0.9, 0.99) for a in grid], ".")
    axes.axvspan(0.9 / 1.99, 1 - 0.9 / 1.99, color="C3", alpha=0.2)
    axes.set(xlabel="w₀/η modulo 1", ylabel="period", title="Lion on w²/2, β₁ = 0.9, β₂ = 0.99; red: the band of 2-cycles")
    return figure
