"""Intervals of the checker hold what they must: point values to 60 digits by mpmath lie inside."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfdyn.certify.checker.numbers import boxes, elementary
from cfdyn.certify.checker.numbers.boxes import Interval, point

MP = mpmath.mp.clone()
MP.dps = 60
INF = np.inf
POINTS = np.concatenate([
    np.random.default_rng(1).normal(size=150), np.random.default_rng(2).normal(size=80) * 30, np.random.default_rng(3).normal(size=60) * 1e-9,
    [0.0, 1.0, -1.0, 0.5, 2.0, 0.35, -0.35, 0.3499999, 5.999, -6.0, 6.1, 36.7, -36.8, 354.9, -354.9, 709.7, 709.79, 710.1, -708.5, -745.0, -745.2,
     -800.0, 1e-300, -1e-300, 5e-324, 1e5, -99999.0, np.pi / 2, np.pi, -np.pi, 1e6 - 0.5],
])  # fmt: skip
EXACT = {
    "exp": MP.exp, "log": MP.log, "log1p": MP.log1p, "sin": MP.sin, "cos": MP.cos, "tan": MP.tan, "sinh": MP.sinh,
    "cosh": MP.cosh, "tanh": MP.tanh, "erf": MP.erf, "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "softplus": lambda x: MP.log1p(MP.exp(x)), "logcosh": lambda x: abs(x) + MP.log1p(MP.exp(-2 * abs(x))) - MP.ln2,
    "sign": MP.sign, "floor": MP.floor, "Abs": abs, "Heaviside": lambda x: (x > 0) + MP.mpf(x == 0) / 2,
}  # fmt: skip
LEAST = {"log": 0.0, "log1p": -1.0}


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def holds(found: Interval, exact, slack: float = 0.0) -> bool:
    return all(MP.mpf(lo) <= e <= MP.mpf(hi) for lo, hi, e in zip(np.atleast_1d(found.lo), np.atleast_1d(found.hi), exact))


def test_every_function_is_here():
    assert set(EXACT) == set(elementary.FUNCTIONS)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_a_function_at_doubles(name):
    x = POINTS[LEAST.get(name, -INF) < POINTS]
    found = elementary.FUNCTIONS[name](point(x))
    exact = [EXACT[name](MP.mpf(v)) for v in x]
    for k, value in enumerate(exact):
        assert MP.mpf(found.lo[k]) <= value <= MP.mpf(found.hi[k]), (name, x[k], found.lo[k], found.hi[k])
    usual = np.abs(x) < 300
    allowed = 400 if name == "erf" else 40  # units in the last place of the larger of 1 and the value
    sharp = [
        hi - lo <= allowed * 2.0**-52 * max(1.0, abs(float(v)))
        for lo, hi, v in zip(found.lo[usual], found.hi[usual], np.array(exact)[usual])
    ]
    # near a pole a function is steep, and a value near 0 of a wave is known to the digits of its argument
    assert np.mean(sharp) > 0.98


@pytest.mark.parametrize("name", sorted(EXACT))
def test_a_function_over_intervals(name):
    rng = np.random.default_rng(7)
    least = LEAST.get(name, -INF)
    middle = np.concatenate([rng.normal(size=120) * 2, rng.normal(size=60) * 20])
    width = np.abs(rng.normal(size=180)) * np.tile([1e-6, 0.3, 4.0], 60)
    lo, hi = middle, middle + width
    lo, hi = lo[lo > least], hi[lo > least]
    found = elementary.FUNCTIONS[name](Interval(lo, hi))
    for share in (0, 0.1, 0.37, 0.5, 0.83, 1):
        x = np.minimum(np.maximum(lo + share * (hi - lo), lo), hi)
        assert holds(found, [EXACT[name](MP.mpf(v)) for v in x]), name


def test_functions_at_infinity_and_outside_their_domain():
    ray = Interval(np.array(2.0), np.array(INF))
    assert elementary.tanh(ray).hi == 1 and 0.96 < elementary.tanh(ray).lo < 0.965
    assert elementary.exp(Interval(np.array(-INF), np.array(0.0))).lo == 0
    assert elementary.sigmoid(Interval(np.array(-INF), np.array(INF))).hi == 1
    for bad in (elementary.log(Interval(np.array(0.0), np.array(1.0))), boxes.root(Interval(np.array(-1e-9), np.array(1.0))),
                point(np.array(1.0)) / Interval(np.array(-1.0), np.array(1.0)), point(np.array(1.0)) / Interval(np.array(0.0), np.array(1.0)),
                elementary.tan(Interval(np.array(1.0), np.array(2.0))), ray - ray, Interval(np.array(0.0), np.array(0.0)) * ray,
                elementary.rational_power(Interval(np.array(-1.0), np.array(1.0)), Fraction(1, 3))):  # fmt: skip
        assert bad.lo == -INF and bad.hi == INF
    one = point(np.array(1.0)) / ray
    assert one.lo == 0 and one.hi >= 0.5


finite = st.floats(-1e30, 1e30, allow_subnormal=True)
interval = st.tuples(finite, finite).map(lambda ends: Interval(np.array(min(ends)), np.array(max(ends))))
ARITHMETIC = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b}


@settings(max_examples=150, deadline=None)
@given(interval, interval, st.sampled_from(sorted(ARITHMETIC)), st.floats(0, 1), st.floats(0, 1))
def test_arithmetic_holds_exact_results(a, b, name, s, t):
    found = ARITHMETIC[name](a, b)
    for x in (float(a.lo), float(a.hi), min(max(float(a.lo + s * (a.hi - a.lo)), float(a.lo)), float(a.hi))):
        for y in (float(b.lo), float(b.hi), min(max(float(b.lo + t * (b.hi - b.lo)), float(b.lo)), float(b.hi))):
            if name == "div" and b.lo <= 0 <= b.hi:
                assert found.lo == -INF and found.hi == INF
                continue
            exact = ARITHMETIC[name](Fraction(x), Fraction(y))
            assert (found.lo == -INF or Fraction(float(found.lo)) <= exact) and (
                found.hi == INF or exact <= Fraction(float(found.hi))
            )


@settings(max_examples=100, deadline=None)
@given(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), st.integers(-7, 9), st.floats(0, 1))
def test_powers_hold_exact_results(ends, n, s):
    a = Interval(np.array(min(ends)), np.array(max(ends)))
    found = boxes.power(a, n)
    for x in (min(ends), max(ends), min(max(min(ends) + s * (max(ends) - min(ends)), min(ends)), max(ends))):
        if n < 0 and a.lo <= 0 <= a.hi:
            assert found.lo == -INF and found.hi == INF
        else:
            exact = Fraction(x) ** n
            assert (found.lo == -INF or Fraction(float(found.lo)) <= exact) and (
                found.hi == INF or exact <= Fraction(float(found.hi))
            )
    if n % 2 == 0 and n > 0:
        assert found.lo >= 0


@pytest.mark.parametrize("q", [Fraction(1, 2), Fraction(3, 2), Fraction(-1, 2), Fraction(1, 3), Fraction(-5, 3), Fraction(7, 5)])
def test_rational_powers(q):
    x = np.concatenate([np.abs(POINTS[POINTS != 0][:150]), [1e-12, 3.0, 1e6]])
    found = elementary.rational_power(point(x), q)
    assert holds(found, [MP.power(MP.mpf(v), MP.mpf(q.numerator) / q.denominator) for v in x])
    from_zero = elementary.rational_power(Interval(np.array(0.0), np.array(2.0)), q)
    assert (from_zero.lo == 0 and float(2**q) <= from_zero.hi < 2.9) if q > 0 else from_zero.lo == -INF


def test_numbers_are_enclosed_by_the_nearest_doubles():
    third = boxes.exact(Fraction(1, 3))
    assert Fraction(float(third.lo)) < Fraction(1, 3) < Fraction(float(third.hi)) and third.hi == np.nextafter(third.lo, 1)
    huge = boxes.exact(Fraction(10) ** 400)
    assert huge.lo == np.finfo(float).max and huge.hi == INF
    assert boxes.rounds_as_expected()
