"""The cfdyn project, *Even convex losses: period two for ever* (2026).

What is derived here; every expected number is computed a second time without cfdyn. Gradient descent is g(w) = w − ηL′(w).

An even, strictly convex loss has no periods but 1 and 2, at any η. L′ is odd, so with h = −g, gⁿ = (−1)ⁿ hⁿ, and a cycle of g
is made of points of cycles of h and their negatives. If h had a 2-cycle x → y → x, then x + y = ηL′(x) = ηL′(y), so x = y. A
continuous map of the line without 2-cycles has fixed points only (Sharkovskii): h(w) = w, so g has fixed points and the
2-cycles 2w = ηL′(w). On log cosh the multiplier of these is (1 − η sech² w)², and η sech² w = 4w/sinh 2w lies in (0, 2): they
are stable for every η > 2.

With half of the labels positive, logistic regression on one constant feature is log cosh(w/2) up to a constant, so it belongs
here: one period doubling, at η = 8, and nothing after it. Without the symmetry there are doublings and chaos, as with 2 of 3
labels.
"""

import itertools

import mpmath as mp
import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
RATES = (2.1, 3.0, 5.0, 12.5)


def _differences(cycle):
    """Whether w − g(w) = ηL′(w) can be odd and strictly increasing on the points of this cycle."""
    steps = {}
    both = [pair for x, y in zip(cycle, cycle[1:] + cycle[:1], strict=True) for pair in ((x, x - y), (-x, y - x))]
    if any(steps.setdefault(point, step) != step for point, step in both):
        return False
    row = [steps[point] for point in sorted(steps)]
    return all(a < b for a, b in itertools.pairwise(row))


def _cycles_of_whole_numbers():
    """Cycles of 3 or 4 whole numbers up to 5 that could come from an odd increasing L′."""
    return {"longer": sum(_differences(cycle) for n in (3, 4) for cycle in itertools.permutations(range(-5, 6), n))}


@CLAIMS.add(
    "derivation", {"longer": 0, "two": 40},
    Control("a tilt, which makes the losses uneven", changes={"tilt": 0.6}),
    second=_cycles_of_whole_numbers,
)  # fmt: skip
def even_convex_losses_have_two_periods(tilt=0.0, losses=40, seed=6):
    """On an even, strictly convex loss of one variable gradient descent has no periods but 1 and 2, whatever the step size.

    All cycles of the periods 3 to 7 on 40 random sums of three log cosh(kw)/k with a parabola, η between 1.5 and 12 times the
    edge, and the number of losses with a 2-cycle. Second: how many cycles of 3 or 4 whole numbers up to 5 could come from an
    odd increasing L′.
    """
    rng, longer, two = np.random.default_rng(seed), 0, 0
    loss = cf.Loss("(a*logcosh(k*w) + logcosh(l*w) + logcosh(w/2))/3 + w**2/100 - t*w", "w", dict.fromkeys("aklt", 1.0))
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    for _ in range(losses):
        a, k, m = rng.uniform(0.2, 4, 3)
        here = step.at(a=a, k=k, l=m, t=tilt, lr=rng.uniform(1.5, 12) * 2 / ((a * k * k + m * m + 0.25) / 3 + 0.02))
        longer += sum(len(cf.analysis.cycles(here, n, [(-200.0, 200.0)])) for n in range(3, 8))
        two += len(cf.analysis.cycles(here, 2, [(-200.0, 200.0)])) > 0
    return {"longer": longer, "two": two}


def _pairs():
    """The 2-cycles 2w = η tanh w, by mpmath: the largest multiplier, and the η at which it is 0."""
    ends = [mp.findroot(lambda w, lr=lr: 2 * w - lr * mp.tanh(w), lr / 2) for lr in RATES]
    still = mp.findroot(lambda w: mp.sinh(2 * w) - 4 * w, 1.1)
    largest = max((1 - 4 * w / mp.sinh(2 * w)) ** 2 for w in ends)
    return {"superstable": float(2 * still / mp.tanh(still)), "largest": float(largest)}


@CLAIMS.add(
    "derivation", {"superstable": near(2.733991, 1e-6), "largest": below(1.0)},
    Control("log cosh w − w/10, which is not even", changes={"tilt": 0.1}), figure="for_ever", second=_pairs,
)  # fmt: skip
def period_two_for_ever(tilt=0.0, rates=RATES):
    """Gradient descent on log cosh has a stable 2-cycle for every η > 2: its multiplier (1 − η sech² w)² is 0 at η = 2.733991.

    The largest multiplier of the 2-cycles at η = 2.1, 3, 5, 12.5, and the η at which the slope of g at its greater point
    vanishes. Second: the same by mpmath.
    """
    step = cf.as_map(cf.Loss("logcosh(w) - t*w", "w", {"t": tilt}), cf.optimizers.gd(lr=1.0))

    def pairs(lr):
        return cf.analysis.cycles(step.at(lr=lr), 2, [(-60.0, 60.0)])

    def slope(lr):
        return step.at(lr=lr).jacobian(pairs(lr)[0].points[-1])[0, 0]

    largest = max(float(abs(one.multipliers[0])) for lr in rates for one in pairs(lr))
    return {"superstable": brentq(slope, 2.3, 4.5, xtol=1e-12), "largest": largest}


def _no_second_iterate():
    """log cosh: the interval of η is above the edge 2, and h = ηL′ − w has no 2-cycle as L′ increases: all periods are 1 or 2."""
    steps = [x * 0.01 for x in range(-500, 501)]
    increasing = all(a < b for a, b in itertools.pairwise(map(np.tanh, steps)))
    return {"kind": "no_cycles" if increasing else "cycle", "period": "all above 2"}


@CLAIMS.prove(
    "derivation", {"kind": "no_cycles", "period": "all above 2", "lr": near([2.1, 8], 0), "box": "[-inf, inf]"},
    Control("the double well, even but not convex, up to η = 1.46",
            changes={"loss": "(w**2 - 1)**2/4", "low": "1", "high": "1.46"}),
    second=_no_second_iterate,
)  # fmt: skip
def only_two_periods_proved(loss="logcosh(w)", low="2.1", high="8"):
    """On log cosh w gradient descent has for no η in [2.1, 8] a cycle of any period above 2, on the whole line.

    A certificate: |g| of [0, ∞) has no 2-cycle, over the whole interval of η. Where there is none, one of a 3-cycle at the upper
    end.
    """
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, "all above 2", (-np.inf, np.inf), lr=(low, high), most=30_000)
    return found if found.proved else cf.certify.cycle(loss, gd, [-0.3166, -0.7326, -1.2281], lr=high)


def _multiplier_by_hand():
    """(1 − η sech² w)² < 1 at both ends of the interval, w from 2w = η tanh w."""
    roots = [brentq(lambda w, lr=lr: 2 * w - lr * np.tanh(w), 0.1, 9) for lr in (2.1, 5.0)]
    sizes = [(1 - lr / np.cosh(w) ** 2) ** 2 for lr, w in zip((2.1, 5.0), roots, strict=True)]
    return {"period": 2, "stable": max(sizes) < 1}


@CLAIMS.prove(
    "derivation", {"kind": "branch", "period": 2, "stable": True, "lr": near([2.1, 5], 0)},
    Control("the double well from 1.24 to 1.3, where the 2-cycle is unstable",
            changes={"loss": "(w**2 - 1)**2/4", "low": "1.24", "high": "1.3", "start": 0.686}),
    second=_multiplier_by_hand, figure="proof",
)  # fmt: skip
def two_cycle_stable_proved(loss="logcosh(w)", low="2.1", high="5", start=0.54):
    """On log cosh w the 2-cycle of gradient descent is stable for every η in [2.1, 5].

    A certificate of the branch: a tube of boxes in which there is exactly one 2-cycle for each η.
    """
    return cf.certify.branch(loss, cf.optimizers.gd(lr=1), 2, [start], lr=(low, high))


def figures():
    """What orbits on log cosh end on over η."""
    step = cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=1.0))
    bands = lambda: cf.plot(cf.analysis.bands(step, [0.3], "lr", (1.0, 8.0), count=100))  # noqa: E731
    return {"for_ever": bands, "proof": lambda: cf.plot(two_cycle_stable_proved())}
