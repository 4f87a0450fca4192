"""X. Chen, K. Balasubramanian, P. Ghosal, B. Agrawalla, *From stability to chaos: analyzing gradient descent dynamics in
quadratic regression*, arXiv 2310.01687 (2023).

Gradient descent on one sample of quadratic regression is a cubic map with one parameter a, the step size times the target. As a
grows there are five phases: monotonic, catapult, periodic, chaotic, divergent. Phase retrieval and two-layer nets with quadratic
units on orthogonal data are examples. Averages along the orbit steady the test error.
"""

import math

import mpmath as mp
import numpy as np
import sympy as sp
from scipy.optimize import brentq, fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
CUBIC = "z**3 + (a - 2)*z**2 + (1 - 2*a)*z"
VALUES = (0.5, 0.9, 0.99, 1.01, 1.23, 1.25, 1.295, 1.4, 1.455, 1.9, 2.05)
POISSON = {"loss": "poisson_regression", "start": 0.0, "low": 1.5, "bounds": (1.0, 3.0)}


def _step(a, loss="quadratic_regression"):
    return cf.as_map(getattr(cf.losses, loss)(), cf.optimizers.gd(lr=a))


def _cascade(loss="quadratic_regression", start=2**0.5, low=0.9, bounds=(0.5, 1.5), levels=9):
    return cf.analysis.cascade(_step(low, loss), [start], "lr", bounds=bounds, levels=levels)


@CLAIMS.add(
    "abstract (a specific cubic map); this form of it: own statement", {"difference": "0"},
    Control("the loss (w² − y)²/2, without the half", changes={"half": 1}),
    domain="(w²/2 − y)²/2, one weight; all η, y > 0, all w",
    perturbations=(Control("(1 − a)z in place of (1 − 2a)z", changes={"cubic": "z**3 + (a - 2)*z**2 + (1 - a)*z"}),),
    proof="exact algebra: both sides as polynomials in η, y and z",
)  # fmt: skip
def descent_is_a_cubic_map(half=0.5, cubic=CUBIC):
    """With z = η(w²/2 − y) and a = ηy gradient descent on (w²/2 − y)²/2 is z ← z³ + (a − 2)z² + (1 − 2a)z.

    z after the step minus the cubic, with w² = 2(z + a)/η.
    """
    eta, y, w, z, a = sp.symbols("eta y w z a", positive=True)
    residual = sp.Rational(half) * w**2 - y
    after = eta * residual.subs(w, w - eta * sp.diff(residual**2 / 2, w))
    wanted = sp.sympify(cubic, {"z": z, "a": a}).subs({z: eta * residual, a: eta * y})
    return {"difference": str(sp.factor(sp.expand(after - wanted)))}


@CLAIMS.add(
    "own statement (the end of the abstract's monotonic phase)",
    {"ends": "1, 1", "vertex": "1 - a/2", "excess": "-a**2/4 - a + 1", "threshold": "-2 + 2*sqrt(2)"},
    Control("the loss w²/2 of a line", changes={"cubic": "(1 - a)*z"}), figure="phases",
    domain="(w²/2 − y)²/2, one weight, y > 0; 0 < a = ηy < 1; w² < 2y(1 + 2/a), all starts whose orbits stay bounded",
    perturbations=(Control("(1 − 2.1a)z in place of (1 − 2a)z", changes={"cubic": "z**3 + (a - 2)*z**2 + (1 - 21*a/10)*z"}),),
    proof="exact algebra: the minimum of the parabola by which a step multiplies the residual",
)  # fmt: skip
def monotonic_up_to(cubic=CUBIC):
    """For a ≤ 2√2 − 2 = 0.8284… no step raises the loss, from whatever start that does not diverge; for larger a there are
    starts from which it does.

    A step multiplies z by g = z² + (a − 2)z + 1 − 2a, z in [−a, 2). At both ends g = 1 (``ends``); between them, at ``vertex``,
    it is least, and g + 1 there, ``excess``, is not negative iff a ≤ ``threshold``, its positive root.
    """
    z, a = sp.symbols("z a", positive=True)
    g = sp.expand(sp.cancel(sp.sympify(cubic, {"z": z, "a": a}) / z))
    turning = sp.solve(g.diff(z), z) or [z]
    excess = sp.expand(g.subs(z, turning[0]) + 1)
    return {"ends": ", ".join(str(sp.expand(g.subs(z, end))) for end in (-a, 2)), "vertex": str(sp.expand(turning[0])),
            "excess": str(excess), "threshold": ", ".join(map(str, sp.solve(excess, a)))}  # fmt: skip


@CLAIMS.add(
    "abstract (the phases); the values of a: own choice",
    {"ends": "1, 1, 1, 2, 2, 4, 8, chaotic, 3, chaotic, divergent", "evidence": "chaotic"},
    Control("a = 1.3 in place of 1.25", changes={"values": (*VALUES[:5], 1.3, *VALUES[6:])}), figure="phases",
    domain="(w²/2 − 1)²/2, one weight; eleven values of a = η; the start w = 0.3",
    perturbations=(
        Control("a = 1.475 in place of 1.455", changes={"values": (*VALUES[:8], 1.475, *VALUES[9:])}),
        Control("a = 1.99 in place of 2.05", changes={"values": (*VALUES[:-1], 1.99)}),
    ),
)  # fmt: skip
def what_orbits_end_on(values=VALUES):
    """The orbit of w = 0.3 converges at a = 0.5, 0.9 and 0.99, ends on a 2-cycle at 1.01 and 1.23, on a 4-cycle at 1.25, an
    8-cycle at 1.295, is chaotic at 1.4 and 1.9, ends on a 3-cycle at 1.455 between, and diverges at 2.05.

    Verdicts on the orbit; ``evidence``: what exponent and 0–1 test say together at 1.9.
    """
    found = [cf.analysis.classify(_step(a), [0.3]) for a in values]
    evidence = cf.analysis.chaos(_step(values[-2]), [0.3], dimensions=False).kind
    return {"ends": ", ".join(str(one.period) if one.period else one.kind for one in found), "evidence": evidence}


def _flips_by_newton():
    """Roots (z, a) of fⁿ(z) = z, (fⁿ)′(z) = −1, n = 1, 2, 4, 8, of the cubic map by SciPy."""
    found = []
    for n, a in ((1, 0.99), (2, 1.23), (4, 1.286), (8, 1.2985)):
        z = 0.2
        for _ in range(4000):
            z = z**3 + (a - 2) * z**2 + (1 - 2 * a) * z

        def missing(u, n=n):
            z, slope = u[0], 1.0
            for _ in range(n):
                z, slope = z**3 + (u[1] - 2) * z**2 + (1 - 2 * u[1]) * z, slope * (3 * z**2 + 2 * (u[1] - 2) * z + 1 - 2 * u[1])
            return [z - u[0], slope + 1]

        found.append(float(fsolve(missing, [z, a], xtol=1e-12)[1]))
    return {"flips": found}


@CLAIMS.add(
    "abstract (the periodic phase); the numbers: own statement",
    {"flips": near([1.0, math.sqrt(5) - 1, 1.288031754482843, 1.299227939650204], 1e-10),
     "accumulation": near(1.30228346270071, 1e-10)},
    Control("Poisson regression", changes=POISSON), figure="cascade", second=_flips_by_newton,
    domain="(w²/2 − 1)²/2, one weight; a = η from 0.5 to 1.5",
    perturbations=(Control("the flip at 1.288 2 % higher", expected={"flips": near([1.0, 1.236068, 1.314, 1.299228], 1e-6)}),),
)  # fmt: skip
def period_doublings(loss="quadratic_regression", start=2**0.5, low=0.9, bounds=(0.5, 1.5)):
    """The cycle that starts at the minimum doubles its period at a = 1, √5 − 1, 1.288031754483, 1.299227939650, …; the doublings
    accumulate at 1.302283462701.

    Ten flips of gradient descent on quadratic regression with target 1, with their limit extrapolated.
    """
    found = _cascade(loss, start, low, bounds, 10)
    return {"flips": found.flips[:4], "accumulation": found.accumulation, "error": found.accumulation_error}


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
    "own statement",
    {"opens": near(1.450440964487875, 1e-10), "closes": near(1.472927653985, 1e-8),
     "last": near(1.98177187596, 1e-9), "windows": 2},
    Control("period 5", changes={"period": 5}), figure="window", domain="(w²/2 − 1)²/2, one weight; a = η from 1.31 to 1.99",
    second=lambda: {"opens": _fold_by_algebra("1.45045"), "last": _fold_by_algebra()},
    perturbations=(Control("the target 1.02", changes={"loss": "(w**2/2 - 1.02)**2/2"}),),
)  # fmt: skip
def period_three(period=3, loss="(w**2/2 - 1)**2/2"):
    """The first window of period 3 opens at a = 1.450440964488, where a pair of 3-cycles appears, and closes at
    1.472927653985, where the attractor meets the unstable one; there is one more window of period 3 below 1.99, from
    1.98177187596 on.

    Folds and crises over a in (1.31, 1.99) among orbits in (0, 2.5). By other code: the two equations of the fold on the
    double well, whose map is the same, by Newton's method with 40 digits.
    """
    step = cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=1.5))
    found = cf.analysis.windows(step, period, "lr", (1.31, 1.99), [(0.0, 2.5)])
    return {"opens": found[0].opens, "closes": found[0].closes, "last": found[-1].opens, "windows": len(found)}


@CLAIMS.add(
    "abstract (chaotic and divergent phases); the numbers: own statement",
    {"exponent": near(math.log(3), 1e-4), "share_beyond": near(1.0, 0.0), "evidence": "chaotic"},
    Control("a = 1.9 for full chaos", changes={"full": 1.9}),
    domain="(w²/2 − 1)²/2, one weight; a = η = 2 and 2.02; one start, and 200 random ones in (0, 2)",
    perturbations=(Control("1.99 in place of 2.02", changes={"beyond": 1.99}), Control("a = 1.99", changes={"full": 1.99})),
)  # fmt: skip
def full_chaos_at_two(full=2.0, beyond=2.02, starts=200, seed=5):
    """At a = 2, where the cubic map is z³ − 3z, an orbit has the Lyapunov exponent ln 3; at a = 2.02 all of 200 random starts
    diverge.

    z = 2 cos θ turns z³ − 3z into θ ← 3θ. The exponent over 400,000 steps, and the share of random starts w in (0, 2) that
    diverge within 100,000 steps; ``evidence``: exponent and 0–1 test together at a = 2.
    """
    step = _step(beyond)
    ends = [cf.iterate(step, [w], 100_000).status for w in np.random.default_rng(seed).uniform(0.0, 2.0, starts)]
    share = sum(end.startswith("diverged") for end in ends) / starts
    return {"exponent": cf.analysis.lyapunov(_step(full), [0.7654321], 400_000)[0], "share_beyond": share,
            "evidence": cf.analysis.chaos(_step(full), [0.7654321], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "own statement",
    {"threshold": near(1.5 * math.sqrt(3) - 1, 1e-10), "crossings": "0, some", "evidence": "chaotic, chaotic"},
    Control("η = 1.55 in place of 1.62", changes={"above": 1.55}), figure="merging",
    domain="(w² − 1)²/4, one weight; η = 1.59 and 1.62, the start 0.3",
    perturbations=(Control("η = 1.61 in place of 1.59", changes={"below": 1.61}),),
)  # fmt: skip
def two_attractors_merge(below=1.59, above=1.62, steps=100_000):
    """On the double well the second iterate of the step's critical point reaches 0, the maximum between the wells, at η =
    3√3/2 − 1 = 1.5981; at η = 1.59 a chaotic orbit keeps to one well for 100,000 steps, at 1.62 it visits both.

    The landing by Brent's method; whether the sign of w changes; ``evidence``: exponent and 0–1 test together, at both.
    """

    def gap(lr):
        step = _step(lr, "double_well")
        return step(step([((1 + lr) / (3 * lr)) ** 0.5]))[0]

    signs = [np.sign(cf.iterate(_step(lr, "double_well"), [0.3], steps).z[:, 0]) for lr in (below, above)]
    crossings = ["some" if (np.diff(sign) != 0).any() else "0" for sign in signs]
    evidence = [cf.analysis.chaos(_step(lr, "double_well"), [0.3], dimensions=False).kind for lr in (below, above)]
    return {"threshold": brentq(gap, 1.4, 1.9, xtol=1e-12), "crossings": ", ".join(crossings), "evidence": ", ".join(evidence)}


@CLAIMS.add(
    "abstract (averaging stabilizes the error in the phases that are neither monotonic nor divergent)", {"closer": [20] * 4},
    Control("a = 0.9 in place of 1.05, where the last iterate converges", changes={"values": (0.9, 1.25, 1.6, 1.9)}),
    domain="(w²/2 − 1)²/2, one weight; a = η with orbits that do not converge or diverge",
    perturbations=(Control("a = 2.02 in place of 1.9, where orbits diverge", changes={"values": (1.05, 1.25, 1.6, 2.02)}),),
    examples="a = 1.05, 1.25, 1.6 and 1.9, 20 starts in (0.2, 1.9) each",
)  # fmt: skip
def averages_steady_the_error(values=(1.05, 1.25, 1.6, 1.9), starts=20, steps=2000, seed=6):
    """Averaging the predictions along the orbit steadies them in the periodic and the chaotic phase.

    For how many starts the running mean of w²/2 varies less over the last 500 of 2,000 steps than w²/2 itself (a tenth or less,
    and by more than round-off).
    """
    closer = []
    for a in values:
        found = 0
        for w in np.random.default_rng(seed).uniform(0.2, 1.9, starts):
            prediction = cf.iterate(_step(a), [w], steps).z[:, 0] ** 2 / 2
            mean = np.cumsum(prediction) / np.arange(1, len(prediction) + 1)
            found += len(mean) > steps and bool(1e-9 < np.ptp(mean[-500:]) < 0.1 * np.ptp(prediction[-500:]))
        closer.append(found)
    return {"closer": closer}


REGRESSION = "(w**2/2 - 1)**2/2"


@CLAIMS.prove(
    "own statement", {"kind": ["bifurcation"] * 2, "type": ["flip"] * 2, "period": [1, 2], "supercritical": [True] * 2,
                       "side": ["above"] * 2, "lr": near([1.0, math.sqrt(5) - 1], 1e-11)},
    Control("e^w − w, whose flips are at 2 and 2.5265", changes={"loss": "exp(w) - w", "points": ([0.0], [-1.3, 0.8]),
                                                           "rates": (("1.9", "2.1"), ("2.5", "2.6"))}), figure="phases",
    domain="(w²/2 − 1)²/2, one weight; a = η",
    perturbations=(Control("the target 1.02, at the same η", changes={"loss": "(w**2/2 - 1.02)**2/2"}),),
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
    "own statement", {"kind": "branch", "period": 2, "stable": True, "lr": near([1.01, 1.23], 0)},
    Control("from 1.24 to 1.3, where it is unstable", changes={"low": "1.24", "high": "1.3", "point": 0.97}), figure="proof",
    domain="(w²/2 − 1)²/2, one weight; 1.01 ≤ a = η ≤ 1.23",
    perturbations=(Control("from 1.24 to 1.25", changes={"low": "1.24", "high": "1.25", "point": 0.97}),),
)  # fmt: skip
def two_cycle_stable_throughout(low="1.01", high="1.23", point=1.34):
    """For every a in [1.01, 1.23] there is a 2-cycle, and it is stable.

    A certificate of the branch for the target 1: a tube of boxes in which there is exactly one cycle for each step.
    """
    return cf.certify.branch(REGRESSION, cf.optimizers.gd(lr=1), 2, [point], lr=(low, high))


@CLAIMS.prove(
    "own statement",
    {"kind": "no_cycles", "period": 3, "lr": near([0.1, 1.4504], 0), "box": "[-2.2, 2.2] (ends rounded to doubles)"},
    Control("up to a = 1.46, beyond the fold", changes={"high": "1.46"}),
    domain="(w²/2 − 1)²/2, one weight; 0.1 ≤ a = η ≤ 1.4504; −2.2 ≤ w ≤ 2.2",
    perturbations=(Control("up to a = 1.4515, just beyond the fold", changes={"high": "1.4515"}),),
)  # fmt: skip
def no_three_cycle_below_its_fold(high="1.4504"):
    """For no a in [0.1, 1.4504] is there a 3-cycle among w in [−2.2, 2.2].

    A certificate over the box and the whole interval of steps, for the target 1. Where there is none, one of a 3-cycle at the
    upper end.
    """
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(REGRESSION, gd, 3, (-2.2, 2.2), lr=("0.1", high), most=100_000)
    cycle = [2**0.5 * w for w in (-0.3166, -0.7326, -1.2281)]
    return found if found.proved else cf.certify.cycle(REGRESSION, gd, cycle, lr=high)


@CLAIMS.prove(
    "own statement", {"kind": "bifurcation", "type": "fold", "period": 3, "side": "above", "lr": near(1.450440964487875, 1e-11)},
    Control("e^w − w, where it is at 3.1024", changes={"loss": "exp(w) - w", "cycle": (-4.16, -1.1, 0.98), "low": "3.1",
                                                      "high": "3.11"}), figure="window",
    domain="(w²/2 − 1)²/2, one weight; a = η from 1.45 to 1.46",
    perturbations=(Control("the target 1.02", changes={"loss": "(w**2/2 - 1.02)**2/2", "cycle": (-0.4807, -1.099, -1.7494),
                                                       "low": "1.42", "high": "1.43"}),),
)  # fmt: skip
def fold_of_three_proved(loss=REGRESSION, cycle=(-0.4759, -1.0881, -1.7321), low="1.45", high="1.46"):
    """A pair of 3-cycles is born in a fold at a = 1.450440964488: beyond, there are two near it.

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
