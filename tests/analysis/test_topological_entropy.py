"""`topological_entropy` against closed forms, counts of laps in fractions, and cycles."""

import math
from fractions import Fraction

import numpy as np
import pytest

import cfdyn as cf

GOLDEN = math.log((1 + math.sqrt(5)) / 2)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
TENT = cf.Map.from_text("Piecewise((a*x, x <= c), (a*c - b*(x-c), True))", "x", {"a": 2.0, "b": 2.0, "c": 0.5})


def entropy(step, *interval):
    return cf.analysis.topological_entropy(step, *interval)


def exactly(found, value, within=1e-9):
    assert found.lower <= found.upper
    assert found.lower == pytest.approx(value, abs=within) and found.upper == pytest.approx(value, abs=within)


@pytest.mark.parametrize(
    ("r", "value"),
    [(4.0, math.log(2)), (5.0, math.log(2)), (3.83, GOLDEN), (3.8561, GOLDEN), (3.5, 0.0), (3.0, 0.0), (0.5, 0.0)],
)
def test_the_logistic_map(r, value):
    exactly(entropy(LOGISTIC.at(r=r), (0, 1)), value)


def test_where_bands_merge_it_is_half_of_ln_2():
    # f³(1/2) is the fixed point: r³ − 2r² − 4r − 8 = 0.
    r = float(max(np.roots([1, -2, -4, -8]).real))
    exactly(entropy(LOGISTIC.at(r=r), (0, 1)), math.log(2) / 2, 1e-6)


def test_beyond_period_three_it_is_more_and_below_less():
    assert entropy(LOGISTIC.at(r=3.9), (0, 1)).lower > GOLDEN > entropy(LOGISTIC.at(r=3.82), (0, 1)).upper
    limit = entropy(LOGISTIC.at(r=3.569945671870945), (0, 1))
    assert limit.lower == 0.0 and 0 < limit.upper < 2e-3 and "1024 images" in limit.reason


def test_the_double_well_has_ln_3_at_full_chaos_and_beyond():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=2.0))
    exactly(entropy(step), math.log(3))
    exactly(entropy(step, (-math.sqrt(2), math.sqrt(2))), math.log(3), 1e-6)
    exactly(entropy(step.at(lr=2.3)), math.log(3))


@pytest.mark.parametrize("s", [1.02, 1.3, 1.7, 1.99])
def test_tents_and_beta_maps_have_the_logarithm_of_their_slope(s):
    exactly(entropy(TENT.at(a=s, b=s), (0, 1)), math.log(s))
    exactly(entropy(cf.Map.from_text("frac(s*x + 0.3)", "x", {"s": s}), (0, 1)), math.log(s))


@pytest.mark.parametrize("c", [0.2, 0.37, 0.9])
def test_a_skew_tent_whose_turning_point_has_period_three(c):
    step = cf.Map.from_text("Piecewise((c + (1-c)/c*x, x <= c), ((1-x)/(1-c), True))", "x", {"c": c})
    exactly(entropy(step, (0, 1)), GOLDEN)


def laps_in_fractions(a, b, c, n):
    """How many laps the n-th iterates of the skew tent have on [0, 1]: pieces with their images, in fractions."""
    pieces, counts = [(Fraction(0), c), (c, Fraction(1))], []
    for _ in range(n):
        counts.append(len(pieces))
        tent = [tuple(sorted(a * x if x <= c else a * c - b * (x - c) for x in piece)) for piece in pieces]
        pieces = [part for lo, hi in tent for part in ([(lo, c), (c, hi)] if lo < c < hi else [(lo, hi)])]
    return counts


@pytest.mark.parametrize(
    ("a", "b"), [(Fraction(3, 2), Fraction(7, 5)), (Fraction(6, 5), Fraction(9, 5)), (Fraction(8, 5), Fraction(12, 5))]
)
def test_skew_tents_have_the_laps_that_fractions_count(a, b):
    c = Fraction(3, 5)
    found = entropy(TENT.at(a=float(a), b=float(b), c=float(c)), (0, 1))
    counts = laps_in_fractions(a, b, c, 14)
    assert found.words[:14].tolist() == counts
    assert found.upper - found.lower < 1e-3 and found.upper < math.log(counts[-1]) / 14
    assert math.log(counts[-1] / counts[-7]) / 6 == pytest.approx(found.lower, abs=0.05)


@pytest.mark.parametrize(("a", "b"), np.random.default_rng(21).uniform(1.05, 1.9, (12, 2)).tolist())
def test_random_skew_tents_lie_between_near_bounds_that_slopes_allow(a, b):
    """At most ln 2, with two laps; least and greatest slopes bound it where both are above 1."""
    step = cf.Map.from_text("Piecewise((a*x + 1, x <= 0), (1 - b*x, True))", params={"a": a, "b": b})
    found = entropy(step, (-1 / (a - 1), 1.0))
    assert 0 <= found.upper - found.lower < 1e-6
    assert found.upper >= math.log(min(a, b)) - 1e-9 and found.lower <= min(math.log(max(a, b)), math.log(2)) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_sums_of_cosines_have_the_laps_that_a_fine_grid_counts(seed):
    rng = np.random.default_rng(seed)
    sizes, turns, x = rng.uniform(-1, 1, 4), rng.uniform(0, 6, 4), np.linspace(-1, 1, 200_001)
    waves = [np.cos((j + 1) * np.pi * x + turns[j]) for j in range(4)]
    sizes *= 0.9 / np.abs(sizes @ waves).max()
    terms = [f"({c!r})*cos({j + 1}*pi*x + {a!r})" for j, (c, a) in enumerate(zip(sizes.tolist(), turns.tolist(), strict=True))]
    found, y = entropy(cf.Map.from_text(" + ".join(terms)), (-1, 1)), x
    for words in found.words[:3].tolist():
        y = sum(c * np.cos((j + 1) * np.pi * y + a) for j, (c, a) in enumerate(zip(sizes, turns, strict=True)))
        rises = np.sign(np.diff(y))
        assert words == 1 + np.sum(rises[1:] != rises[:-1])
    assert 0 <= found.upper - found.lower < 1e-6


def test_other_numbers_of_laps():
    exactly(entropy(cf.Map.from_text("10*sin(100*x)"), (-10, 10)), math.log(637), 0.01)
    exactly(entropy(cf.Map.from_text("frac(3*x)"), (0, 1)), math.log(3))
    exactly(entropy(cf.Map.from_text("2*x**2 - 1")), math.log(2))


def test_gradient_descent_on_the_whole_line():
    two_in_three = cf.as_map(cf.losses.logistic_regression(), cf.optimizers.gd(lr=20.0))
    exactly(entropy(two_in_three), GOLDEN)  # its attractor is a 3-cycle
    ricker = cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=3.11))
    exactly(entropy(ricker), GOLDEN)
    log_cosh = cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=50.0))
    assert entropy(log_cosh).upper == 0.0


def test_as_many_cycles_as_the_entropy_says():
    step = LOGISTIC.at(r=3.9)
    points = sum(d * len(cf.analysis.cycles(step, d, [(0, 1)])) for d in (1, 2, 3, 6, 9, 18))
    assert math.log(points) / 18 == pytest.approx(entropy(step, (0, 1)).lower, abs=0.01)


def test_no_upper_bound_where_the_laps_are_not_known():
    found = entropy(cf.Map.from_text("x*sin(1/x)"), (-1, 1))
    assert found.upper == math.inf and "not certain" in found.reason


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: entropy(cf.Map.from_text(["y", "x"], "x y"), (0, 1)), "one variable"),
        (lambda: entropy(cf.Map.from_text("x + 0.3", periodic={"x": 1}), (0, 1)), "angle"),
        (lambda: entropy(LOGISTIC, (1, 0)), "lo < hi"),
        (lambda: entropy(LOGISTIC, 3), "lo < hi"),
        (lambda: entropy(LOGISTIC, (0, math.nan)), "finite|lo < hi"),
        (lambda: entropy(LOGISTIC, (5, math.inf)), "no orbit stays"),
        (lambda: entropy(cf.Map.from_text("x + sin(x)")), "finite ends"),
        (lambda: cf.analysis.topological_entropy(LOGISTIC, (0, 1), steps=0), "steps"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()
