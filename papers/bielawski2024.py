"""J. Bielawski, T. Chotibut, F. Falniowski, M. Misiurewicz, G. Piliouras, *Interval maps mimicking circle rotations*, arXiv
2411.01495 (2024).

The maps F(x) = x + b − 1/(1 + e^{−ax}) look for large a like the rotation of a circle by b, though they are maps of an
interval. If b = k/n, and a is large enough, almost every orbit ends on one cycle of n points that are visited in the order of
the rotation. With w = ax this is gradient descent with step a on the logistic loss of a share b of positive rows (our remark;
the abstract names machine learning as an origin), so full-batch descent on a convex loss has stable cycles of every period.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CASES = {(2, 3): 20.0, (3, 4): 60.0, (3, 5): 60.0, (4, 5): 60.0, (5, 7): 100.0}


def _step(a, b):
    """Descent on the logistic loss of one constant feature."""
    return cf.as_map(cf.Loss("softplus(w) - b*w", params={"b": b}), cf.optimizers.gd(lr=a))


@CLAIMS.add(
    "abstract; the multipliers are computed here",
    {"periods": [3, 4, 5, 5, 7], "turns": [2, 3, 3, 4, 5],
     "multipliers": near([0.0288938, 0.93371, 0.70508, 0.70508, 0.84229], 1e-5)},
    Control("another loss whose slope has the same limits", changes={"formula": "sqrt(1 + w**2)/2 + w/2 - b*w"}),
    figure="staircase",
)  # fmt: skip
def stable_cycles_of_a_rotation(formula="softplus(w) - b*w"):
    """For b = k/n and a large the map has an attracting cycle of n points, ordered like the rotation of a circle by k/n.

    The orbit of w = 0.1 for b = 2/3 at a = 20, 3/4, 3/5 and 4/5 at 60, 5/7 at 100. ``turns``: k such that the point of rank i
    goes to the one of rank i + k modulo n, −1 if there is none. The expected multipliers come from Newton's method in plain
    numpy.
    """
    found = []
    for (k, n), a in CASES.items():
        step = cf.as_map(cf.Loss(formula, "w", params={"b": k / n}), cf.optimizers.gd(lr=a))
        found.append(cf.analysis.classify(step, [0.1]))
    largest = [float(abs(r.multipliers).max()) if r.period else 0.0 for r in found]
    return {"periods": [r.period for r in found], "turns": [_turn(r.points[:, 0]) for r in found], "multipliers": largest}


def _turn(points):
    """By how many ranks each point of a cycle goes on, −1 if not all by the same number."""
    rank = np.argsort(np.argsort(points))
    steps = set(((np.roll(rank, -1) - rank) % len(rank)).tolist())
    return steps.pop() if len(steps) == 1 else -1


@CLAIMS.add(
    "abstract", {"share": near(1.0, 0.0)},
    Control("a = 12, before the 3-cycle is born", changes={"a": 12.0}),
)  # fmt: skip
def almost_every_start(a=40.0, starts=100, seed=0):
    """That cycle attracts Lebesgue almost every start.

    b = 2/3, a = 40; 100 starts uniform in the invariant interval (−a/3, 2a/3). ``share``: of those whose orbit ends on a cycle
    of period 3.
    """
    step = _step(a, 2 / 3)
    drawn = np.random.default_rng(seed).uniform(-a / 3, 2 * a / 3, starts)
    return {"share": float(np.mean([cf.analysis.classify(step, [w]).period == 3 for w in drawn]))}


@CLAIMS.add(
    "not in the source: computed here", {"multipliers": near([0.0288938, 0.898485, 0.994546], 1e-5), "stable": [1, 1, 1]},
    Control("the cycle on the other branch, which is unstable", changes={"which": -1}),
)  # fmt: skip
def a_rotation_in_the_limit(which=0):
    """The multiplier of the stable 3-cycle for b = 2/3 rises towards 1, that of a rotation, as a grows.

    All 3-cycles in the invariant interval at a = 20, 40 and 60, by the complete search; expected is Newton's method in numpy.
    """
    found = [cf.analysis.cycles(_step(a, 2 / 3), 3, [(-a / 3, 2 * a / 3)]) for a in (20.0, 40.0, 60.0)]
    chosen = [sorted(cycles, key=lambda c: abs(c.multipliers[0]))[which] for cycles in found]
    return {
        "multipliers": [float(c.multipliers[0].real) for c in chosen],
        "stable": [sum(c.stable for c in cycles) for cycles in found],
        "complete": all(cycles.complete for cycles in found), "cycles": [len(cycles) for cycles in found],
    }  # fmt: skip


def figures():
    """The period on which orbits end, over the share b."""
    return {"staircase": _staircase}


def _staircase():
    import matplotlib.pyplot as plt

    a, shares = 60.0, np.linspace(0.5, 1, 601)
    w = np.full(601, 0.1)
    for _ in range(20000):
        w = w - a * (1 / (1 + np.exp(-w)) - shares)
    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for _ in range(200):
        w = w - a * (1 / (1 + np.exp(-w)) - shares)
        axes.plot(shares, w / a, ",", color="C0", alpha=0.5)
    for k, n in CASES:
        axes.axvline(k / n, color="C3", lw=0.5)
    axes.set(xlabel="share b of positive rows", ylabel="w/a", title="Descent on the logistic loss, a = 60; red: 2/3, 3/4, 3/5, …")
    return figure
