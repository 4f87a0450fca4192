"""X. Chen, C. Liang, D. Huang, E. Real, K. Wang, Y. Liu, H. Pham, X. Dong, T. Luong, C.-J. Hsieh, Y. Lu, Q. V. Le, *Symbolic
discovery of optimization algorithms*, arXiv 2302.06675, NeurIPS (2023).

The optimizer Lion: w ← w − η sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g. What is checked is a public note of 2026 on it, not
peer reviewed: on λw²/2 a weight chatters in a 2-cycle a, a − η only for a in a band (β₁η/(1 + β₂), η − β₁η/(1 + β₂)), not empty
iff 2β₁ < 1 + β₂; with the default β₁ = 0.9, β₂ = 0.99 it is 9.5 % of the step wide. Our remark: each step moves w by exactly η,
so w modulo η never changes, and a start outside the band cannot reach a 2-cycle: it ends on a cycle of a longer period, found
here with whole numbers.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
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
    "a note of 2026 (the band)", {"ends": near([0.9 / 1.99, 1 - 0.9 / 1.99], 2e-3), "width": near(0.0955, 4e-3)},
    Control("β₁ = β₂ = 0, plain signs: every start", changes={"b1": 0.0, "b2": 0.0}), figure="periods",
)  # fmt: skip
def band_of_two_cycles(b1=0.9, b2=0.99):
    """With β₁ = 0.9 and β₂ = 0.99 the weight chatters in a 2-cycle only for w₀ mod η between 0.4523 η and 0.5477 η.

    The orbits of w₀ = a, η = λ = 1, for 51 values of a from 0.4 to 0.6: ``ends``, half a grid step outside the first and the
    last a that end with period 2.
    """
    grid = np.linspace(0.4, 0.6, 51)
    two = [a for a in grid.tolist() if _period(a, b1, b2) == 2]
    ends = [two[0] - 0.002, two[-1] + 0.002]
    return {"ends": ends, "width": ends[1] - ends[0]}


@CLAIMS.add(
    "not in the source: derived here (summary)", {"periods": [184, 286, 254, 286, 30, 92, 2, 2, 2]},
    Control("β₁ = β₂ = 0, plain signs: period 2 from every start", changes={"b1": 0.0, "b2": 0.0}), figure="periods",
    second=_by_whole_numbers,
)  # fmt: skip
def long_periods(b1=0.9, b2=0.99):
    """Outside the band the weight ends on long cycles: from w₀/η = 0.05, 0.1, 0.2, 0.3, 0.4, 0.44 of the periods 184, 286, 254,
    286, 30, 92.

    The same orbits at nine fractions; from 0.46, 0.5 and 0.54, in the band, the period is 2.
    """
    return {"periods": [_period(start, b1, b2) for start in FRACTIONS]}


@CLAIMS.add(
    "a note of 2026 (the 2-cycles)", {"multipliers": near([0.99**2, 1.0], 1e-12), "points": near([-0.52, 0.48], 1e-12)},
    Control("β₂ = 0.9", changes={"b2": 0.9}),
)  # fmt: skip
def multipliers_of_the_two_cycles(b2=0.99):
    """The 2-cycles a, a − η have the multipliers 1, along their continuum, and β₂².

    The attractor of w₀ = 0.48 with β₁ = 0.9, away from the jump of the sign.
    """
    found = cf.analysis.classify(cf.as_map(cf.Loss("w**2/2"), cf.optimizers.lion(lr=1.0, beta1=0.9, beta2=b2)), [0.48])
    points = sorted(found.points[:, 0].tolist())
    return {"multipliers": sorted(abs(found.multipliers).tolist()), "points": points}


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
