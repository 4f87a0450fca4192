"""`classify`, `lyapunov` and `cycles` against closed forms and published numbers."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
GD = {name: cf.as_map(getattr(cf.losses, name)(), cf.optimizers.gd(lr=1.0))
      for name in ("cubic", "double_well", "poisson_regression", "logistic_regression", "log_cosh", "huber", "quartic")}  # fmt: skip
ROOT6 = math.sqrt(6)


def classify(step, z0, **params):
    return cf.analysis.classify(step.at(**params), z0)


def logistic_multiplier(r: float, period: int) -> float:
    """Of the attracting cycle, from a 60-digit orbit that has converged."""
    mp = mpmath.mp.clone()
    mp.dps = 60
    x, r = mp.mpf("0.3"), mp.mpf(r)
    for _ in range(60_000):
        x = r * x * (1 - x)
    product = mp.one
    for _ in range(period):
        product *= r * (1 - 2 * x)
        x = r * x * (1 - x)
    return float(product)


# -- the logistic map ----------------------------------------------------------------------------------------------

HONEST = [  # r, period, multiplier in closed form: 2 − r, then 4 + 2r − r²
    (2.9999, 1, 2 - 2.9999),
    (3.0, 1, -1.0),
    (3.0001, 2, 4 + 2 * 3.0001 - 3.0001**2),
    (1 + ROOT6 - 1e-6, 2, 4 + 2 * (1 + ROOT6 - 1e-6) - (1 + ROOT6 - 1e-6) ** 2),
]


@pytest.mark.parametrize(("r", "period", "multiplier"), HONEST)
@needs_compiler
def test_honest_cases_with_a_closed_form(r, period, multiplier):
    found = classify(LOGISTIC, [0.3], r=r)
    assert (found.kind, found.period) == ("fixed point" if period == 1 else "cycle", period)
    assert found.multipliers[0] == pytest.approx(multiplier, abs=1e-7)
    assert found.lyapunov == pytest.approx(math.log(abs(multiplier)) / period, abs=1e-7)
    assert found.points.shape == (period, 1) and found.residual <= 1e-14


@pytest.mark.parametrize(("r", "period"), [(3.5, 4), (3.83, 3)])
def test_honest_cases_by_60_digits(r, period):
    found = classify(LOGISTIC, [0.3], r=r)
    assert (found.kind, found.period) == ("cycle", period)
    assert found.multipliers[0] == pytest.approx(logistic_multiplier(r, period), abs=1e-9)


@needs_compiler
def test_honest_period_128():
    found = classify(LOGISTIC, [0.3], r=3.5699)
    assert (found.kind, found.period) == ("cycle", 128)
    assert found.multipliers[0] == pytest.approx(0.616, abs=5e-4)


@pytest.mark.parametrize("r", [3.9, 3.7, 4.0])
@needs_compiler
def test_chaos(r):
    found = classify(LOGISTIC, [0.3], r=r)
    assert found.kind == "chaotic" and found.period is None and len(found.points) == 0
    assert found.lyapunov > 0.3


@pytest.mark.parametrize("start", [0.1, 0.3, 0.77])
def test_superstable_three_cycle(start):
    found = classify(LOGISTIC, [start], r=3.831874055283315568)
    assert found.period == 3 and abs(found.multipliers[0]) < 1e-7
    assert np.abs(found.points - 0.5).min() < 1e-8


def test_the_two_cycle_has_its_closed_form():
    r = 3.3
    found = classify(LOGISTIC, [0.2], r=r)
    roots = [(r + 1 + s * math.sqrt((r - 3) * (r + 1))) / (2 * r) for s in (-1, 1)]
    assert sorted(found.points[:, 0]) == pytest.approx(roots, rel=1e-14)


# -- flips of the solvable losses: the period doubles there, within a thousandth -----------------------------------

FLIPS = [
    (LOGISTIC, "r", 0.3, [3, 1 + ROOT6, 3.544090359551922854, 3.564407266095432598], 1e-3),
    (GD["cubic"], "lr", 0.6, [1, ROOT6 / 2, 1.27204517977596, 1.28220363304772], 5e-4),
    (GD["double_well"], "lr", 0.8, [1, math.sqrt(5) - 1, 1.288031754482843, 1.299227939650204], 5e-4),
    (GD["poisson_regression"], "lr", 0.2, [2, 2.5264677258538192, 2.6563532651571774, 2.6846233582942236], 2e-3),
    (GD["logistic_regression"], "lr", 0.5, [9, 12.5862521524144848, 13.7972672838434748], 2e-2),
]


@pytest.mark.parametrize(("step", "name", "start", "flips", "gap"), FLIPS, ids=["logistic", "C1", "C2", "C4", "C5"])
def test_flips(step, name, start, flips, gap):
    found = [[classify(step, [start], **{name: flip + s * gap}) for s in (-1, 1)] for flip in flips]
    assert [(below.period, above.period) for below, above in found] == [(2**k, 2 ** (k + 1)) for k in range(len(flips))]
    # The multiplier falls through −1, and the new cycle starts at +1.
    assert all(-1 < below.multipliers[0] < -0.5 and 0.2 < above.multipliers[0] < 1 for below, above in found)


@pytest.mark.parametrize(
    ("step", "name", "birth", "gap", "count", "box"),
    [
        (LOGISTIC, "r", 3.828427124746190098, 1e-5, 2, (0, 1)),
        (GD["cubic"], "lr", math.sqrt(2), 1e-5, 2, (-2, 2)),
        (GD["double_well"], "lr", 1.450440964487875, 1e-5, 4, (-2, 2)),  # two pairs, by symmetry
        (GD["poisson_regression"], "lr", 3.102439915635427, 1e-4, 2, (-20, 4)),
        (GD["logistic_regression"], "lr", 18.66560631478335, 1e-3, 2, (-20, 20)),
    ],
    ids=["logistic", "C1", "C2", "C4", "C5"],
)
def test_births_of_three_cycles(step, name, birth, gap, count, box):
    below, above = (cf.analysis.cycles(step.at(**{name: birth + s * gap}), 3, [box]) for s in (-1, 1))
    assert (len(below), len(above)) == (0, count)
    # A saddle-node: stable and unstable in pairs, multipliers near 1 on both sides of it.
    assert sorted(c.stable for c in above) == [False] * (count // 2) + [True] * (count // 2)
    for c in above:
        assert (abs(c.multipliers[0]) < 1) == c.stable and c.multipliers[0] == pytest.approx(1, abs=0.2)


def test_numbers_of_prime_cycles():
    """r = 4, and the cubic 3x − x³ with three full branches."""
    counts = [len(cf.analysis.cycles(LOGISTIC.at(r=4.0), n, [(-0.01, 1.01)])) for n in range(1, 9)]
    assert counts == [2, 1, 2, 3, 6, 9, 18, 30]
    cubic = GD["double_well"].at(lr=2.0)
    assert [len(cf.analysis.cycles(cubic, n, [(-2.01, 2.01)])) for n in range(1, 6)] == [3, 3, 8, 18, 48]


def test_cycles_at_full_chaos_have_multipliers_of_two_to_the_n():
    """Conjugate to the tent map: |multiplier| = 2ⁿ, but 4 at the corner x = 0; points sin²(πk/(2ⁿ±1))."""
    for n, count in ((2, 1), (3, 2), (4, 3)):
        found = cf.analysis.cycles(LOGISTIC.at(r=4.0), n, [(0, 1)])
        assert len(found) == count
        for c in found:
            assert abs(c.multipliers[0]) == pytest.approx(2.0**n, rel=1e-9)
            angle = np.arcsin(np.sqrt(c.points[:, 0])) / math.pi
            whole = [angle * (2**n - 1), angle * (2**n + 1)]
            assert min(np.abs(w - np.round(w)).max() for w in whole) < 1e-9


# -- C1 … C8 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lr", "start", "kind", "period"),
    [
        ("cubic", 0.9, 0.5, "fixed point", 1),
        ("cubic", 1.415937027641658, 0.5, "cycle", 3),
        ("cubic", 1.49, 0.5, "chaotic", None),
        ("cubic", 1.55, 0.5, "divergent", None),
        ("double_well", 0.9, 0.5, "fixed point", 1),
        ("double_well", 1.1, 0.5, "cycle", 2),
        ("double_well", 1.46, 0.5, "cycle", 3),
        ("double_well", 1.98, 0.5, "chaotic", None),
        ("double_well", 2.05, 0.5, "divergent", None),
        ("poisson_regression", 3.11, 0.1, "cycle", 3),
        ("poisson_regression", 3.0, 0.1, "chaotic", None),
        ("logistic_regression", 20.0, 0.5, "cycle", 3),
        ("quartic", 2.5, 0.3, "cycle", 2),
    ],
)
@needs_compiler
def test_regimes(name, lr, start, kind, period):
    found = classify(GD[name], [start], lr=lr)
    assert (found.kind, found.period) == (kind, period), found.reason


def test_conjugacies():
    """C1 is logistic with r = 1 + 2η, C4 the Ricker map: same period and multiplier."""
    ricker = cf.Map.from_text("y*exp(r*(1-y))", params={"r": 2.0})
    for lr in (0.8, 1.1, 1.25, 1.4159):
        ours, theirs = classify(GD["cubic"], [0.5], lr=lr), classify(LOGISTIC, [0.3], r=1 + 2 * lr)
        assert ours.period == theirs.period
        assert ours.multipliers[0] == pytest.approx(theirs.multipliers[0], abs=1e-7)
    for lr in (1.5, 2.3, 2.6, 3.11):
        ours, theirs = classify(GD["poisson_regression"], [0.1], lr=lr), classify(ricker, [1.2], r=lr)
        assert ours.period == theirs.period
        assert ours.multipliers[0] == pytest.approx(theirs.multipliers[0], abs=1e-7)


def test_C2_attractors_merge():
    """Below 3√3/2 − 1 an orbit keeps its sign; above it does not."""
    merge = 3 * math.sqrt(3) / 2 - 1
    below = cf.iterate(GD["double_well"].at(lr=merge - 1e-3), [0.5], 5000).w
    above = cf.iterate(GD["double_well"].at(lr=merge + 1e-3), [0.5], 5000).w
    assert (below > 0).all() and (above < 0).any()


def test_C3_phases():
    """z = η(w²/2 − y): monotone, catapult, 2-cycle, 4-cycle, 3-cycle."""
    step = cf.as_map(cf.losses.quadratic_regression(), cf.optimizers.gd(lr=1.0))

    def residuals(alpha, start, n=60):
        w = cf.iterate(step.at(y=alpha), [start], n).w[:, 0]
        return w * w / 2 - alpha

    quiet = residuals(2 * math.sqrt(2) - 2 - 0.05, 0.2)
    assert (np.diff((quiet**2)[1:]) <= 1e-15).all()
    catapult = residuals(0.95, math.sqrt(2 * (0.6 + 0.95)), 400) ** 2
    # z = 0.6 goes to 0.6³ − 1.05·0.6² − 0.9·0.6 = −0.702: the loss rises, and then falls to 0.
    assert catapult[:2] == pytest.approx([0.36, 0.702**2], rel=1e-12) and catapult[-1] < 1e-12
    cases = ((0.9, 1), (1.1, 2), (math.sqrt(5) - 1 - 1e-3, 2), (math.sqrt(5) - 1 + 1e-3, 4), (1.4505, 3))
    for alpha, period in cases:
        assert classify(step, [1.0], y=alpha).period == period
    assert classify(step, [1.0], y=2.1).kind == "divergent"


def test_C5_three_cycles_at_20():
    found = classify(GD["logistic_regression"], [0.5], lr=20.0)
    published = np.array([-2.709031064527574, 9.375451224991260, 2.710480014019355])
    first = int(np.argmin(found.points[:, 0]))
    np.testing.assert_allclose(np.roll(found.points[:, 0], -first), published, rtol=1e-12)
    assert found.multipliers[0] == pytest.approx(0.02889380514762, abs=1e-11)
    every = cf.analysis.cycles(GD["logistic_regression"].at(lr=20.0), 3, [(-12, 12)])
    assert [c.multipliers[0] for c in every if c.stable] == [pytest.approx(0.02889380514762, abs=1e-11)]
    assert [c.multipliers[0] for c in every if not c.stable] == [pytest.approx(4.06787929050705, rel=1e-11)]


@pytest.mark.parametrize(
    ("K", "N", "lr", "period"), [(3, 4, 60, 4), (3, 5, 60, 5), (4, 5, 60, 5), (5, 7, 100, 7), (7, 10, 100, 10)]
)
@needs_compiler
def test_C5_periods_at_large_rates(K, N, lr, period):
    found = classify(GD["logistic_regression"], [0.5], lr=float(lr), K=K, N=N)
    assert (found.kind, found.period) == ("cycle", period)


@pytest.mark.parametrize(("K", "N"), [(5, 7), (7, 10)])
@needs_compiler
def test_C5_chaos_at_60(K, N):
    assert classify(GD["logistic_regression"], [0.5], lr=60.0, K=K, N=N).kind == "chaotic"


@pytest.mark.parametrize("lr", [2.01, 2.3, 2.733991, 5.0, 12.0])
def test_C8_period_two_for_ever(lr):
    found = classify(GD["log_cosh"], [0.7], lr=lr)
    assert (found.kind, found.period) == ("cycle", 2)
    w = np.abs(found.points[:, 0]).max()
    guess = lr / 2 if lr > 2.5 else math.sqrt(3 * (1 - 2 / lr))
    root = float(mpmath.findroot(lambda x: 2 * x - lr * mpmath.tanh(x), guess))
    expected = (1 - lr / math.cosh(w) ** 2) ** 2
    # A root is known to round-off over 1 − multiplier: the cycle is nearly neutral for large lr.
    assert w == pytest.approx(abs(root), rel=max(1e-10, 1e-15 / (1 - expected)))
    assert found.multipliers[0] == pytest.approx(expected, abs=1e-10)
    if lr == 2.733991:
        assert expected < 1e-11


def test_C8_beyond_the_resolution_of_floats():
    """At η = 50 the multiplier is 1 − 10⁻²⁰: every {w, w − 50} far out is a 2-cycle in floats, and is called neutral."""
    found = classify(GD["log_cosh"], [0.7], lr=50.0)
    assert (found.kind, found.period) == ("cycle", 2)
    assert abs(found.multipliers[0] - 1.0) < 1e-14 and "neutral" in found.reason


def test_neutral_two_cycles_of_huber():
    """A continuum: {w, w − ηδ} for every w; all are neutral."""
    found = classify(GD["huber"], [3.3], lr=2.5)
    assert (found.kind, found.period) == ("cycle", 2)
    assert found.multipliers[0] == 1.0 and "neutral" in found.reason
    assert abs(np.diff(found.points[:, 0])[0]) == pytest.approx(2.5, rel=1e-14)
    other = classify(GD["huber"], [3.1], lr=2.5)
    assert np.abs(np.sort(other.points[:, 0]) - np.sort(found.points[:, 0])).max() > 0.01


def test_a_continuum_of_minima():
    found = classify(cf.as_map(cf.losses.scalar_factorization(), cf.optimizers.gd(lr=0.2)), [1.5, 0.3])
    assert found.kind == "fixed point" and found.points[0].prod() == pytest.approx(1, abs=1e-9)
    assert found.multipliers[0] == pytest.approx(1, abs=1e-9)
    expected = 1 - 0.2 * (found.points[0] ** 2).sum()
    assert found.multipliers[1] == pytest.approx(expected, abs=1e-9)
