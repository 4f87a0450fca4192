"""X. Chen, K. Balasubramanian, P. Ghosal, B. Agrawalla, *From stability to chaos: analyzing gradient descent dynamics in
quadratic regression*, arXiv 2310.01687 (2023).

Gradient descent on one sample of quadratic regression is a cubic map with one parameter a, the step size times the target. As a
grows there are five phases: monotonic, catapult, periodic, chaotic, divergent. Two-layer nets with quadratic units and phase
retrieval on orthogonal data are many copies of it.
"""

import math

import mpmath as mp
import numpy as np
import sympy as sp
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
CUBIC = "z**3 + (a - 2)*z**2 + (1 - 2*a)*z"
VALUES = (0.5, 0.9, 0.99, 1.01, 1.23, 1.25, 1.295, 1.455, 1.9, 2.05)
POISSON = {"loss": "poisson_regression", "start": 0.0, "low": 1.5, "bounds": (1.0, 3.0)}


def _step(a, loss="quadratic_regression"):
    return cf.as_map(getattr(cf.losses, loss)(), cf.optimizers.gd(lr=a))


def _cascade(loss="quadratic_regression", start=2**0.5, low=0.9, bounds=(0.5, 1.5), levels=9):
    return cf.analysis.cascade(_step(low, loss), [start], "lr", bounds=bounds, levels=levels)


@CLAIMS.add(
    "the cubic map", {"difference": "0"},
    Control("the loss (w² − y)²/2, without the half", changes={"half": 1}), settled="proved", proof="a SymPy identity",
)  # fmt: skip
def descent_is_a_cubic_map(half=0.5):
    """With z = η(w²/2 − y) and a = ηy gradient descent on (w²/2 − y)²/2 is z ← z³ + (a − 2)z² + (1 − 2a)z.

    z after the step minus the cubic, with w² = 2(z + a)/η.
    """
    eta, y, w, z, a = sp.symbols("eta y w z a", positive=True)
    residual = sp.Rational(half) * w**2 - y
    after = eta * residual.subs(w, w - eta * sp.diff(residual**2 / 2, w))
    cubic = sp.sympify(CUBIC, {"z": z, "a": a}).subs({z: eta * residual, a: eta * y})
    return {"difference": str(sp.factor(sp.expand(after - cubic)))}


def _monotone(a, starts, only_small):
    """Whether no step from one of the starts, within the interval where orbits stay, raises the loss."""
    step = _step(a)
    values = step.rule("loss")
    for w in np.linspace(1e-6, (2.0 if only_small else 2 + 4 / a) ** 0.5 - 1e-6, starts):
        before, after = (values(np.atleast_1d(z), step.p)[0] for z in (w, step([w])))
        if after > before * (1 + 1e-12):
            return False
    return True


@CLAIMS.add(
    "phases 1 and 2", {"threshold": near(2 * math.sqrt(2) - 2, 1e-4)},
    Control("only starts whose output is too small, where the threshold is 1", changes={"only_small": True}), figure="phases",
)  # fmt: skip
def monotonic_up_to(starts=1001, only_small=False):
    """Up to a = 2√2 − 2 = 0.8284 the loss never rises, whatever the start; from there to 1 it may rise (catapult), and falls
    to 0.

    Halving of (0.5, 1.2) on whether a step from one of 1,001 starts w in (0, √(2 + 4/a)), where orbits stay, raises the loss.
    By hand: |z² + (a − 2)z + 1 − 2a| ≤ 1 for all z in (−a, 2) exactly if (2 − a)²/4 ≤ 2 − 2a.
    """
    low, high = 0.5, 1.2
    for _ in range(15):
        middle = (low + high) / 2
        low, high = (middle, high) if _monotone(middle, starts, only_small) else (low, middle)
    return {"threshold": low}


@CLAIMS.add(
    "phases 2 and 3", {"ends": "1, 1, 1, 2, 2, 4, 8, 3, chaotic, divergent", "evidence": "chaotic"},
    Control("a = 1.3 in place of 1.25", changes={"values": (*VALUES[:5], 1.3, *VALUES[6:])}), figure="phases",
)  # fmt: skip
def what_orbits_end_on(values=VALUES):
    """Orbits converge up to a = 1, end on a 2-cycle up to √5 − 1, on longer ones, on chaos up to 2, and diverge beyond.

    Verdicts on the orbit of w = 0.3 at a = 0.5, 0.9, 0.99, 1.01, 1.23, 1.25, 1.295, 1.455 (in the window of period 3), 1.9
    and 2.05; ``evidence``: what exponent and 0–1 test say together at 1.9.
    """
    found = [cf.analysis.classify(_step(a), [0.3]) for a in values]
    evidence = cf.analysis.chaos(_step(values[-2]), [0.3], dimensions=False).kind
    return {"ends": ", ".join(str(one.period) if one.period else one.kind for one in found), "evidence": evidence}


@CLAIMS.add(
    "phase 3", {"flips": near([1.0, math.sqrt(5) - 1, 1.288031754482843, 1.299227939650204], 1e-11),
                "accumulation": near(1.30228346270071, 1e-11)},
    Control("Poisson regression", changes=POISSON), figure="cascade",
)  # fmt: skip
def period_doublings(loss="quadratic_regression", start=2**0.5, low=0.9, bounds=(0.5, 1.5)):
    """Periods double at a = 1, √5 − 1, 1.288031754483, 1.299227939650, …, up to 1.302283462701.

    Ten flips of gradient descent on quadratic regression with target 1, with their limit extrapolated.
    """
    found = _cascade(loss, start, low, bounds, 10)
    return {"flips": found.flips[:4], "accumulation": found.accumulation, "error": found.accumulation_error}


@CLAIMS.add(
    "phase 4", {"opens": near(1.450440964487875, 1e-11)},
    Control("period 5", changes={"period": 5}), figure="window",
)  # fmt: skip
def period_three(period=3):
    """A 3-cycle, and with it Li and Yorke's chaos, is there from a = 1.450440964488.

    The fold in which the first window of period 3 opens over a in (1.3, 2).
    """
    found = cf.analysis.windows(_step(1.5), period, "lr", (1.31, 1.99), [(0.0, 2.5)])
    return {"opens": found[0].opens, "windows": len(found)}


@CLAIMS.add(
    "phases 4 and 5", {"exponent": near(math.log(3), 1e-4), "share_beyond": near(1.0, 0.0), "evidence": "chaotic"},
    Control("a = 1.9 for full chaos", changes={"full": 1.9}),
)  # fmt: skip
def full_chaos_at_two(full=2.0, beyond=2.02, starts=200, seed=5):
    """At a = 2 chaos is full, with the Lyapunov exponent ln 3; beyond, almost all orbits diverge.

    The exponent over 400,000 steps at a = 2, and the share of 200 random starts w in (0, 2) that diverge at 2.02 within 100,000
    steps; ``evidence``: exponent and 0–1 test together at a = 2.
    """
    step = _step(beyond)
    ends = [cf.iterate(step, [w], 100_000).status for w in np.random.default_rng(seed).uniform(0.0, 2.0, starts)]
    share = sum(end.startswith("diverged") for end in ends) / starts
    return {"exponent": cf.analysis.lyapunov(_step(full), [0.7654321], 400_000)[0], "share_beyond": share,
            "evidence": cf.analysis.chaos(_step(full), [0.7654321], dimensions=False).kind}  # fmt: skip


def _thrice(v, growth):
    """f³ and its slope for f(v) = (growth) v − v³."""
    slope = 1
    for _ in range(3):
        v, slope = growth * v - v**3, slope * (growth - 3 * v**2)
    return v, slope


def _fold_by_algebra(near_to="1.98178"):
    """η of a fold of 3-cycles: f³(v) = v, (f³)′(v) = 1 with 40 digits, from the root of f³(v) − v whose slope is nearest to
    1."""
    v = np.polynomial.Polynomial([0, 1])
    roots = (_thrice(v, 1 + float(near_to))[0] - v).roots()
    start = min(roots[abs(roots.imag) < 1e-3].real, key=lambda x: abs(_thrice(x, 1 + float(near_to))[1] - 1))
    with mp.workdps(40):
        found = mp.findroot(lambda v, eta: [a - b for a, b in zip(_thrice(v, 1 + eta), (v, 1), strict=True)],
                            (mp.mpf(float(start)), mp.mpf(near_to)))  # fmt: skip
        return float(found[1])


@CLAIMS.add(
    "beyond the paper", {"opens": near(1.98177187596, 1e-10), "algebra": near(1.98177187596, 1e-10)},
    Control("the first window", changes={"place": 0}),
)  # fmt: skip
def second_window_of_three(place=1):
    """There is a second window of period 3, which opens at a = 1.98177187596.

    The fold in which the last window of period 3 opens over (1.3, 2), on the double well, whose map is the same; and Newton's
    method on the fold's two equations with 40 digits.
    """
    found = cf.analysis.windows(_step(1.5, "double_well"), 3, "lr", (1.31, 1.99), [(-2.0, 2.0)])
    return {"opens": found[place].opens, "algebra": _fold_by_algebra()}


@CLAIMS.add(
    "beyond the paper",
    {"threshold": near(1.5 * math.sqrt(3) - 1, 1e-10), "crossings": "0, some", "evidence": "chaotic, chaotic"},
    Control("a = 1.55 in place of 1.62", changes={"above": 1.55}), figure="merging",
)  # fmt: skip
def two_attractors_merge(below=1.59, above=1.62, steps=100_000):
    """The double well's two chaotic attractors, one about each minimum, merge at η = 3√3/2 − 1 = 1.5981.

    Where the critical point's second iterate is 0, the unstable point between the wells, by Brent's method; and whether the
    sign of w changes in 100,000 steps at η = 1.59 and 1.62; ``evidence``: exponent and 0–1 test together, at both.
    """

    def gap(lr):
        step = _step(lr, "double_well")
        return step(step([((1 + lr) / (3 * lr)) ** 0.5]))[0]

    signs = [np.sign(cf.iterate(_step(lr, "double_well"), [0.3], steps).z[:, 0]) for lr in (below, above)]
    crossings = ["some" if (np.diff(sign) != 0).any() else "0" for sign in signs]
    evidence = [cf.analysis.chaos(_step(lr, "double_well"), [0.3], dimensions=False).kind for lr in (below, above)]
    return {"threshold": brentq(gap, 1.4, 1.9, xtol=1e-14), "crossings": ", ".join(crossings), "evidence": ", ".join(evidence)}


@CLAIMS.add(
    "averaging", {"closer": 20},
    Control("a = 0.9, where the last iterate converges", changes={"a": 0.9}), read="the abstract",
)  # fmt: skip
def averages_steady_the_error(a=1.6, starts=20, steps=2000, seed=6):
    """Averaging the predictions along the orbit steadies the error in the phases that are neither monotonic nor divergent.

    20 starts at a = 1.6: for how many the running mean of w²/2 varies less over the last 500 of 2,000 steps than w²/2 itself
    (a tenth or less, and by more than round-off).
    """
    closer = 0
    for w in np.random.default_rng(seed).uniform(0.2, 1.9, starts):
        prediction = cf.iterate(_step(a), [w], steps).z[:, 0] ** 2 / 2
        mean = np.cumsum(prediction) / np.arange(1, steps + 2)
        closer += 1e-9 < np.ptp(mean[-500:]) < 0.1 * np.ptp(prediction[-500:])
    return {"closer": int(closer)}


REGRESSION = "(w**2/2 - 1)**2/2"


@CLAIMS.prove(
    "phases 2 and 3", {"kind": ["bifurcation"] * 2, "type": ["flip"] * 2, "period": [1, 2], "supercritical": [True] * 2,
                       "side": ["above"] * 2, "lr": near([1.0, math.sqrt(5) - 1], 1e-11)},
    Control("e^w − w, whose flips are at 2 and 2.5265", changes={"loss": "exp(w) - w", "points": ([0.0], [-1.3, 0.8]),
                                                           "rates": (("1.9", "2.1"), ("2.5", "2.6"))}), figure="phases",
)  # fmt: skip
def flips_proved(loss=REGRESSION, points=([1.414], [1.0, 1.618]), rates=(("0.9", "1.1"), ("1.2", "1.25"))):
    """The minimum doubles its period at a = 1 and the 2-cycle at a = √5 − 1, both supercritically: beyond, a stable cycle of
    twice the period is there.

    Two certificates of flips for the target 1, each with an interval of the step of width 1e-11.
    """
    return [
        cf.certify.bifurcation(loss, cf.optimizers.gd(lr=1), "flip", len(cycle), cycle, lr=rate)
        for cycle, rate in zip(points, rates, strict=True)
    ]


@CLAIMS.prove(
    "phase 3", {"kind": "branch", "period": 2, "stable": True, "lr": near([1.01, 1.23], 0)},
    Control("from 1.24 to 1.3, where it is unstable", changes={"low": "1.24", "high": "1.3", "point": 0.97}), figure="proof",
)  # fmt: skip
def two_cycle_stable_throughout(low="1.01", high="1.23", point=1.34):
    """For every a in [1.01, 1.23] there is a 2-cycle, and it is stable.

    A certificate of the branch for the target 1: a tube of boxes in which there is exactly one cycle for each step.
    """
    return cf.certify.branch(REGRESSION, cf.optimizers.gd(lr=1), 2, [point], lr=(low, high))


@CLAIMS.prove(
    "phase 4", {"kind": "no_cycles", "period": 3, "lr": near([0.1, 1.4504], 0), "box": "[-2.2, 2.2] (ends rounded to doubles)"},
    Control("up to a = 1.46, beyond the fold", changes={"high": "1.46"}),
)  # fmt: skip
def no_three_cycle_below_its_fold(high="1.4504"):
    """For no a in [0.1, 1.4504] there is a 3-cycle among w in [−2.2, 2.2].

    A certificate over the box and the whole interval of steps, for the target 1. Where there is none, one of a 3-cycle at the
    upper end.
    """
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(REGRESSION, gd, 3, (-2.2, 2.2), lr=("0.1", high), most=100_000)
    cycle = [2**0.5 * w for w in (-0.3166, -0.7326, -1.2281)]
    return found if found.proved else cf.certify.cycle(REGRESSION, gd, cycle, lr=high)


@CLAIMS.prove(
    "phase 4", {"kind": "bifurcation", "type": "fold", "period": 3, "side": "above", "lr": near(1.450440964487875, 1e-11)},
    Control("e^w − w, where it is at 3.1024", changes={"loss": "exp(w) - w", "cycle": (-4.16, -1.1, 0.98), "low": "3.1",
                                                      "high": "3.11"}), figure="window",
)  # fmt: skip
def fold_of_three_proved(loss=REGRESSION, cycle=(-0.4759, -1.0881, -1.7321), low="1.45", high="1.46"):
    """A pair of 3-cycles, and with it Li and Yorke's chaos, is born in a fold at a = 1.450440964488.

    A certificate of the fold for the target 1, with an interval of the step of width 1e-11.
    """
    return cf.certify.bifurcation(loss, cf.optimizers.gd(lr=1), "fold", 3, list(cycle), lr=(low, high))


def figures():
    """The phases as regimes over a, the doublings, and the 3-cycles."""
    return {
        "phases": lambda: cf.plot(cf.analysis.bands(_step(1.0), [0.3], "lr", (0.7, 2.05), count=200)),
        "cascade": lambda: cf.plot(_cascade()),
        "merging": lambda: cf.plot(cf.analysis.bands(_step(1.0, "double_well"), [0.3], "lr", (1.4, 2.0), count=200)),
        "proof": lambda: cf.plot(two_cycle_stable_throughout()),
        "window": lambda: cf.plot(cf.analysis.cycles(_step(1.455), 3, [(0.0, 2.5)])),
    }
