"""All cycles of maps of one variable: numbers in closed form, folds, poles, kinks, unbounded boxes, polynomials' roots."""

from __future__ import annotations

import math
import time

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.cycles.line.sampling import sampled
from cfdyn.errors import NumericsError, UsageError
from tests.oracles import needs_compiler

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
FOLD = 1 + math.sqrt(8)  # birth of the logistic map's 3-cycle
INF = math.inf


def gd(loss, lr):
    return cf.as_map(cf.Loss(loss) if isinstance(loss, str) else loss, cf.optimizers.gd(lr=lr))


def every(step, period, *box):
    found = cf.analysis.cycles(step, period, [box])
    assert found.complete and not len(found.undecided), found.reason
    return found


def firsts(found):
    return [float(c.points[0, 0]) for c in found]


@pytest.mark.slow
@needs_compiler
def test_prime_cycles_of_the_full_parabola():
    """All are x = sin²(π k/(2ⁿ ± 1)), with multiplier ±2ⁿ, or 4 at 0."""
    counts = []
    for n in range(1, 13):
        found = every(LOGISTIC, n, 0, 1)
        counts.append(len(found))
        at = np.concatenate([np.sin(np.pi * np.arange(1, 2**n) / (2**n + s)) ** 2 for s in (-1, 1)])
        distance = np.abs(found.points.reshape(-1, 1) - at).min(axis=1)
        assert distance[found.points.ravel() > 1e-9].max() < 1e-13
        assert np.abs(np.abs(found.multipliers[found.points[:, 0, 0] > 1e-9]) / 2**n - 1).max() < 1e-8
    assert counts == [2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186, 335]


@needs_compiler
def test_prime_cycles_of_the_full_cubic():
    cubic = gd("(w**2-1)**2/4", 2.0)
    assert [len(every(cubic, n, -2, 2)) for n in range(1, 9)] == [3, 3, 8, 18, 48, 116, 312, 810]
    assert len(every(cubic, 4, -20, 5)) == 18, "what lies outside escapes"
    points = np.sort(every(cubic, 5, -2, 2).points[:, :, 0].ravel())
    np.testing.assert_allclose(points, -points[::-1], atol=1e-12)  # the map is odd


def test_just_beyond_a_fold_and_just_before():
    assert firsts(every(LOGISTIC.at(r=FOLD - 1e-10), 3, 0, 1)) == []
    for beyond in (1e-10, 1e-12):
        pair = every(LOGISTIC.at(r=FOLD + beyond), 3, 0, 1)
        assert [c.stable for c in pair] == [True, False]
        # μ = 1 ± 2 √(…): the two multipliers lie about 1 like the square root of the distance.
        assert (1 - pair.multipliers).sum() == pytest.approx(0, abs=1e-2 * math.sqrt(beyond))


@pytest.mark.parametrize(("step", "laps", "box"), [
    (LOGISTIC.at(r=5.0), 2, (0, 1)), (gd("(w**2-1)**2/4", 2.0), 3, (-2, 2)), (gd(cf.losses.meng_logistic(), 0.1548), 3, (-20, 20)),
    (cf.Map.from_text("1 - (x - 0.3)**8"), 2, (-1, 1)),
])  # fmt: skip
def test_no_laps_of_round_off_at_turning_points(step, laps, box):
    for n in range(1, 7):
        found = every(step, n, *box)
        assert found.provenance["settings"]["laps"] == laps


def test_a_tangency_is_undecided():
    found = cf.analysis.cycles(LOGISTIC.at(r=FOLD), 3, [(0, 1)])
    assert not found.complete and "(fⁿ)′ = 1" in found.reason
    (lo, hi), = found.undecided[:, 0]
    double = composed([0, FOLD, -FOLD], 3).deriv().roots()
    assert np.abs(double - (lo + hi) / 2).min() < 1e-7 and hi - lo < 1e-6
    flip = cf.analysis.cycles(LOGISTIC.at(r=3.0), 2, [(0, 1)])
    assert len(flip) == 0 and not flip.complete and flip.undecided[0, 0] == pytest.approx([2 / 3, 2 / 3], abs=1e-3)


def test_lucas_numbers_in_the_window_of_period_three():
    """Beside 0 and the stable 3-cycle the orbits that stay are those of the golden-mean shift: fⁿ has Lucas(n) fixed points."""
    lucas = [2, 1]
    while len(lucas) <= 17:
        lucas.append(lucas[-1] + lucas[-2])
    primes = {}
    for n in range(1, 18):
        primes[n] = (lucas[n] - sum(d * primes[d] for d in range(1, n) if n % d == 0)) // n
        found = every(LOGISTIC.at(r=3.84), n, 0, 1)
        assert len(found) == primes[n] + (n in (1, 3)), n
        assert (np.abs(found.multipliers) > 1).sum() == len(found) - (n == 3)


def test_many_cycles_of_one_word():
    """x + a sin x rises everywhere: one lap, in which all kπ are fixed, with the multipliers 1 ± a in turn."""
    found = every(cf.Map.from_text("x + a*sin(x)", params={"a": 0.9}), 1, -20, 20)
    assert firsts(found) == pytest.approx([math.pi * k for k in range(-6, 7)], abs=1e-12)
    assert found.multipliers[:, 0] == pytest.approx([1.9 if k % 2 == 0 else 0.1 for k in range(-6, 7)], abs=1e-12)


def test_cycles_at_both_ends_of_a_lap_and_in_its_middle():
    """1.5 x − x³ has the fixed points 0, ±√½, and turns at the latter: three zeros of f(x) − x that are no continuum."""
    for centre in (0.0, 0.5):
        step = cf.Map.from_text("c + a*(x - c) - (x - c)**3", "x", {"a": 1.5, "c": centre})
        found = every(step, 1, centre - 2.5, centre + 2.5)
        assert firsts(found) == pytest.approx([centre - math.sqrt(0.5), centre, centre + math.sqrt(0.5)], abs=1e-12)
        assert found.multipliers[:, 0] == pytest.approx([0.0, 1.5, 0.0], abs=1e-7)


def test_superstable_cycles():
    for r, n in ((2.0, 1), (1 + math.sqrt(5), 2), (3.831874055283315568, 3)):
        found = every(LOGISTIC.at(r=r), n, 0, 1)
        assert min(np.abs(found.multipliers[:, 0])) < 1e-12
        assert np.abs(found.points - 0.5).min() < 1e-14


def test_published_three_cycles_of_logistic_regression():
    """C5 at η = 20, and P1 (Meng et al. 2024)."""
    for box in ((-15, 15), (-INF, INF)):
        found = every(gd(cf.losses.logistic_regression(), 20.0), 3, *box)
        assert found.multipliers[:, 0] == pytest.approx([0.02889380514762, 4.06787929050705], abs=1e-12)
        assert found[0].points[:, 0] == pytest.approx([-2.709031064527574, 9.375451224991260, 2.710480014019355], abs=1e-12)
    found = every(gd(cf.losses.meng_logistic(), 0.15486309001950452), 3, -20, 20)
    stable = [c for c in found if c.stable]
    assert [float(c.multipliers[0]) for c in stable] == pytest.approx([-0.479053575443], abs=1e-9)
    assert sorted(stable[0].points[:, 0]) == pytest.approx([0.009145832036495854, 0.9585807636931881, 3.059462301755785])


def test_the_rough_parabola_has_three_cycles_from_four_on():
    """P2 (Kong & Tao 2020): η/ε."""
    counts = [len(every(gd(cf.losses.rough_parabola(eps=0.1 / k), 0.1), 3, -2, 2)) for k in (2, 3, 4, 5)]
    assert counts[:2] == [0, 0] and counts[2] >= 20 and counts[3] > counts[2]
    step = gd(cf.losses.rough_parabola(eps=0.025), 0.1)
    assert firsts(every(step, 3, -INF, INF)) == pytest.approx(firsts(every(step, 3, -2, 2)))


def test_log_cosh_has_period_two_only():
    step = gd(cf.losses.log_cosh(), 3.0)
    (cycle,) = every(step, 2, -INF, INF)
    w = abs(float(cycle.points[0, 0]))
    assert 2 * w == pytest.approx(3 * math.tanh(w)) and cycle.multipliers[0] == pytest.approx((1 - 3 / math.cosh(w) ** 2) ** 2)
    assert [len(every(step, n, -INF, INF)) for n in (1, 3, 4, 5, 6)] == [1, 0, 0, 0, 0]


def test_the_one_sided_quadratic():
    """Slopes 1 and 1 − ηa: the first 3-cycle, through the corner, at ηa = 3, and two beyond."""
    loss = cf.losses.one_sided_quadratic(a=1.0)
    assert [len(every(gd(loss, lr), 3, -10, 10)) for lr in (2.5, 2.99, 3.01, 3.3)] == [0, 0, 2, 2]
    critical = cf.analysis.cycles(gd(loss, 3.0), 3, [(-10, 10)])
    assert np.abs(critical.points).min(initial=INF) < 1e-12


def test_the_tent_and_a_plateau():
    tent = cf.Map.from_text("1 - 2*Abs(x)")
    assert [len(every(tent, n, -1, 1)) for n in range(1, 7)] == [2, 1, 2, 3, 6, 9]
    assert every(tent, 3, -1, 1).points[0, :, 0] == pytest.approx([-5 / 9, -1 / 9, 7 / 9])
    (fixed,) = every(gd(cf.losses.huber(), 1.0), 1, -10, 10)
    assert fixed.points[0, 0] == 0 and fixed.multipliers[0] == 0


def test_a_cycle_next_to_a_turning_point_is_not_lost():
    """2.81406859 is close to the map's maximum 2.82193628, the image of a turning point."""
    a, b, c = 3.912251446063938, 1.7819012783496826, 0.11369582878818552
    (cycle,) = every(cf.Map.from_text("x - a*tanh(b*x) + c", "x", {"a": a, "b": b, "c": c}), 2, -2, 2)
    x = cycle.points[:, 0]
    np.testing.assert_allclose(x - a * np.tanh(b * x) + c, x[::-1], atol=1e-12)


def test_poles_and_the_angle_tripled():
    """(x − 1/x)/2 doubles the angle of x = cot θ: cycles at θ = π k/(2ⁿ − 1)."""
    step = cf.Map.from_text("(x - 1/x)/2")
    for n, count in ((2, 1), (3, 2), (4, 3), (5, 6)):
        found = every(step, n, -30, 30)
        assert len(found) == count and "pole" in found.reason
        roots = 1 / np.tan(np.pi * np.arange(1, 2**n - 1) / (2**n - 1))
        assert np.abs(found.points.reshape(-1, 1) - roots).min(axis=1).max() < 1e-9


def test_where_the_map_is_not_defined():
    found = every(cf.Map.from_text("2*log(x) + 1"), 1, -5, 5)
    assert firsts(found)[0] == pytest.approx(1) and len(found) == 2 and "no value" in found.reason


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("box", [(0.0, 1e300), (0.0, 1e308), (-1e308, 1e308), (-INF, 1e308)])
def test_boxes_so_wide_that_the_map_overflows_there(box):
    """The 2-cycle has the sum 1 + 1/r and the product (1 + 1/r)/r."""
    (cycle,) = every(LOGISTIC.at(r=3.8), 2, *box)
    a, b = cycle.points[:, 0]
    assert (a + b, a * b) == pytest.approx((4.8 / 3.8, 4.8 / 3.8**2), rel=1e-14)


def test_unbounded_boxes():
    assert firsts(every(LOGISTIC, 5, -INF, INF)) == pytest.approx(firsts(every(LOGISTIC, 5, 0, 1)))
    assert [len(every(LOGISTIC, n, -1e12, 1e12)) for n in (3, 4)] == [2, 3], "a box far larger than what is in it"
    assert len(every(LOGISTIC, 2, 0.5, INF)) == 1 and len(every(LOGISTIC, 2, -INF, 0.3)) == 0
    poisson = gd("exp(w) - w", 3.2)
    assert firsts(every(poisson, 3, -INF, INF)) == pytest.approx(firsts(every(poisson, 3, -10, 5)))
    tilted = cf.analysis.cycles(cf.Map.from_text("x + 3*sin(x)"), 1, [(-INF, INF)])
    assert not tilted.complete and tilted.undecided.min() == -INF and len(tilted) > 100


@pytest.mark.parametrize(("formula", "n"), [("-x", 2), ("1 - x", 2), ("x", 1), ("1/(1-x)", 3)])
def test_a_continuum_is_said(formula, n):
    with pytest.raises(NumericsError, match="continuum"):
        cf.analysis.cycles(cf.Map.from_text(formula), n, [(-3, 3)])


def test_long_periods():
    monotone = cf.Map.from_text("x/2 + sin(x)/10")
    assert len(every(monotone, 10**6, -1, 1)) == 0
    with pytest.raises(UsageError, match=r"10\^\d+ laps.*budget"):
        cf.analysis.cycles(LOGISTIC, 10**6, [(0, 1)])
    assert len(every(LOGISTIC.at(r=3.2), 1000, 0, 1)) == 0, "multipliers beyond the largest number"
    with pytest.raises(UsageError, match="GiB"):
        cf.analysis.cycles(LOGISTIC, 10**9, [(0, 1)])
    few = cf.analysis.cycles(LOGISTIC, 14, [(0, 1)], budget=1000)
    assert not few.complete and "budget=10000" in few.reason


@pytest.mark.parametrize(("period", "box", "words"), [
    (0, [(0, 1)], "at least 1"), (-3, [(0, 1)], "at least 1"), (2.5, [(0, 1)], "whole number"), (3, [(1, 0)], "lo < hi"),
    (3, [(0, 0)], "lo < hi"), (3, [(0, math.nan)], "finite number"), (3, [(0, 1), (0, 1)], "2 intervals"), (3, [], "list of intervals"),
    (3, "0:1", "`box` is a list"), (3, None, "`box` is a list"), (3, [(INF, INF)], "lo < hi"),
    (10**12, [(0, 1)], "GiB.*period up to 2097152"),
])  # fmt: skip
def test_bad_input(period, box, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.cycles(LOGISTIC, period, box)


@pytest.mark.parametrize("budget", ["a", -5, 0, True, math.nan])
def test_bad_budget(budget):
    with pytest.raises(UsageError, match="budget.* is a (whole )?number"):
        cf.analysis.cycles(LOGISTIC, 2, [(0, 1)], budget=budget)


def composed(coefficients, n):
    """The polynomial fⁿ(x) − x."""
    f = np.polynomial.Polynomial(coefficients)
    power = f
    for _ in range(n - 1):
        power = f(power)
    return power - np.polynomial.Polynomial([0, 1])


@needs_compiler
@settings(max_examples=25, deadline=None)
@given(st.sampled_from([2, 3]), st.floats(-1.9, 0.2), st.floats(-1.5, 1.5))
def test_polynomials_have_as_many_cycles_as_roots(degree, a, b):
    """x² + a and x³ + a x + b: real roots of fⁿ(x) − x, all between −4 and 4, each isolated in a ball by python-flint."""
    coefficients = [a, 0.0, 1.0] if degree == 2 else [b, a, 0.0, 1.0]
    step = cf.Map.from_text("x**2 + a" if degree == 2 else "x**3 + a*x + b", "x", {"a": a} | ({"b": b} if degree == 3 else {}))
    x, f = flint.fmpq_poly([0, 1]), flint.fmpq_poly([flint.fmpq(*c.as_integer_ratio()) for c in coefficients])
    image, counts = x, {}
    for n in (1, 2, 3, 4):
        image = f(image)
        roots = sum(root.imag == 0 for root, _ in (image - x).numer().complex_roots())
        counts[n] = (roots - sum(q * c for q, c in counts.items() if n % q == 0)) // n
        found = cf.analysis.cycles(step, n, [(-4, 4)])
        assert len(found) == counts[n] or not found.complete, (n, found.multipliers)
        assert len(found) == counts[n] or found.undecided.size
        if (degree, n) == (3, 3):
            break


@pytest.mark.parametrize("box", [(-1.0, 3.0), (-np.inf, np.inf)])
def test_steep_fixed_point_beside_a_large_image(box):
    # x e^{50(1−x)}: slopes e⁵⁰ at 0 and −49 at 1.
    found = cf.analysis.cycles(cf.Map.from_text("x*exp(a*(1-x))", params={"a": 50.0}), 1, [box])
    assert found.complete
    assert found.points.ravel() == pytest.approx([0.0, 1.0], abs=1e-15)
    assert found.multipliers.ravel() == pytest.approx([np.exp(50.0), -49.0], rel=1e-12)


@pytest.mark.parametrize("a", [5.0, 20.0, 50.0, 100.0])
def test_cycles_with_points_of_very_different_sizes(a):
    """x e^{a(1−x)}: the points of an n-cycle add up to n, and e^{a−1}/a is an image; for a = 50 and n = 2, δ = 3.86e-22."""
    step = cf.Map.from_text("x*exp(a*(1-x))", params={"a": a})
    pair, triples = every(step, 2, -1.0, 3.0), every(step, 3, -1.0, 3.0)
    assert len(pair) == 1 and len(triples) == 2
    for cycle in (*pair, *triples):
        x = cycle.points[:, 0]
        assert x.sum() == pytest.approx(cycle.period, rel=1e-13)
        # Relative to each point, however small.
        assert x * np.exp(a * (1 - x)) == pytest.approx(np.roll(x, -1), rel=1e-12 * a, abs=0.0)
        assert cycle.multipliers[0] == pytest.approx(np.prod(1 - a * x), rel=1e-9)
    delta = pair[0].points[0, 0]
    assert delta == pytest.approx(2 * math.exp(-a * (1 - delta)), rel=1e-12 * a) or a < 10


@pytest.mark.parametrize("period", [2, 3])
def test_nothing_at_the_poles_of_newtons_method(period):
    step = cf.Map.from_text("(2*x**3 - 2)/(3*x**2 - 2)")
    found = cf.analysis.cycles(step, period, [(-5.0, 5.0)])
    assert len(found) == 2
    for cycle in found:
        x = cycle.points[:, 0]
        assert (2 * x**3 - 2) / (3 * x**2 - 2) == pytest.approx(np.roll(x, -1), rel=1e-6, abs=1e-9)


def test_samples_find_what_laps_do_and_leave_out_what_is_known():
    for n in (1, 2, 3, 4, 5):
        every = cf.analysis.cycles(LOGISTIC, n, [(0.0, 1.0)])
        points, mu = sampled(LOGISTIC, n, -0.1, 1.1)
        np.testing.assert_allclose(points, every.points[:, :, 0], atol=1e-12)
        np.testing.assert_allclose(mu, every.multipliers[:, 0], rtol=1e-7)
        some = every.points[::2, :, 0]
        np.testing.assert_allclose(sampled(LOGISTIC, n, -0.1, 1.1, some)[0], every.points[1::2, :, 0], atol=1e-12)


def test_poles_without_end_stay_within_the_budget():
    """Every branch of the tangent has its laps: a list that is not complete, of cycles that are some, in seconds of the processor."""
    step, start = cf.Map.from_text("a*tan(x)", params={"a": 0.5}), time.process_time()
    found = cf.analysis.cycles(step, 2, [(-1000.0, 1000.0)], budget=4_000_000)
    assert time.process_time() - start < 20 and not found.complete and "budget=40000000" in found.reason
    for cycle in found:
        x = cycle.points[:, 0]
        bend = 1e-13 * np.abs(x) * 0.5 / np.cos(x) ** 2  # what round-off of x does to its image
        assert (np.abs(0.5 * np.tan(x) - x[::-1]) <= 1e-9 * np.abs(x[::-1]) + bend).all()


@pytest.mark.parametrize("r", np.linspace(3.6, 4.0, 21))
def test_a_fixed_point_at_zero_is_found_whatever_rounding_makes_of_it(r):
    found = cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": float(r)}), 1, [(-1.0, 2.0)])
    assert found.complete and [c.points[0, 0] for c in found] == pytest.approx([0.0, 1 - 1 / r], abs=1e-15)


def test_steps_that_only_come_near_zero_end_there():
    step = cf.Map.from_text("Piecewise((a*x, x < 0.5), (a*(1 - x) + b, True))", "x", {"a": 1.2292169317707757, "b": -0.1410905369510368})
    assert firsts(every(step, 1, 0, 1)) == [0.0]


def test_a_map_whose_laps_are_unknown_is_not_called_monotone():
    """x ↦ frac(1/x) has 3-cycles, one for each word of three quotients that are not all the same: none may be ruled out."""
    found = cf.analysis.cycles(cf.Map.from_text("frac(1/x)", "x"), 3, [(0.01, 0.99)])
    assert not found.complete and "monotone" not in found.reason


def test_the_table_has_a_row_for_each_cycle():
    """The logistic map's two 3-cycles at r = 4: sin² of multiples of π/7 and π/9, with the multipliers ±2³."""
    found = cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 4.0}), 3, [(0, 1)])
    columns = found.table()
    assert list(columns) == ["period", "x_1", "x_2", "x_3", "mu1", "stable"]
    first = sorted(np.sin(np.pi / n) ** 2 for n in (7, 9))
    assert sorted(columns["x_1"]) == pytest.approx(first, abs=1e-12)
    assert sorted(columns["mu1"]) == pytest.approx([-8, 8], abs=1e-9)
    assert columns["stable"] == [False, False] and columns["period"] == [3, 3]
    lines = found.to_latex(digits=4).splitlines()
    assert lines[2] == r"period & x\_1 & x\_2 & x\_3 & mu1 & stable \\" and len(lines) == 8
    assert cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 2.0}), 3, [(0, 1)]).table()["period"] == []
