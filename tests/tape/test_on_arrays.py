"""Programs on arrays: every operation of the tape against 60 digits, and what is no number, no array, or long."""

import numpy as np
import pytest

from cfdyn.tape.evaluate import FEW, PIECE, Ready, evaluate, mp_algebra, on_arrays
from cfdyn.tape.program import BINARY, TRUTHS, UNARY, Program, Tape

ALGEBRA = mp_algebra(60)
NUMBER = ALGEBRA.functions["number"]
POINTS = np.array([-30.0, -2.5, -0.7, -1e-6, 1e-9, 0.3, 0.9, 1.1, 4.0, 30.0])
POSITIVE = {"log": abs, "sqrt": abs, "log1p": abs, "pow": abs}


def compared(outputs, tape, *columns):
    """What arrays give, and the same number by number in 60 digits."""
    program = Program(tape, tuple(outputs), len(columns), 0)
    rows = [evaluate(program, ALGEBRA, [NUMBER(float(x)) for x in row], []) for row in zip(*columns, strict=True)]
    return np.array(on_arrays(program)(columns, [])), np.array(rows, dtype=float).T


@pytest.mark.parametrize("op", sorted(UNARY - TRUTHS))
def test_functions_of_one_number(op):
    t = Tape()
    found, want = compared([t.apply(op, t.leaf("z", 0))], t, POSITIVE.get(op, np.array)(POINTS))
    np.testing.assert_allclose(found, want, rtol=2e-15)


@pytest.mark.parametrize("op", sorted(BINARY - TRUTHS))
def test_functions_of_two_numbers(op):
    t = Tape()
    x, y = t.leaves("z", 2)
    found, want = compared([t.apply(op, x, y)], t, POSITIVE.get(op, np.array)(POINTS), np.roll(POINTS, 3))
    np.testing.assert_allclose(found, want, rtol=2e-15)


@pytest.mark.parametrize("op", sorted(TRUTHS - {"not", "and", "or"}))
def test_comparisons_choose(op):
    t = Tape()
    x, y = t.leaves("z", 2)
    test, other = t.apply(op, x, y), t.apply("le", t.const(0), x)
    tests = [test, t.apply("not", test), t.apply("and", test, other), t.apply("or", test, other)]
    found, want = compared([t.select(which, x, t.const(7)) for which in tests], t, POINTS, np.where(POINTS > 0, POINTS, 1.0))
    np.testing.assert_array_equal(found, want)
    assert 7 in found and (found != 7).any()


@pytest.mark.parametrize("n", [-65, -3, -1, 2, 3, 4, 7, 64, 65])
def test_whole_powers(n):
    t = Tape()
    found, want = compared([t.ipow(t.leaf("z", 0), n)], t, POINTS[1:-1])
    np.testing.assert_allclose(found, want, rtol=2e-14)


@pytest.mark.parametrize("op", ["max", "min"])
def test_what_is_no_number_stays(op):
    t = Tape()
    x, y = t.leaves("z", 2)
    program = Program(t, (t.apply(op, x, y), t.apply(op, y, x)), 2, 0)
    assert np.isnan(on_arrays(program)([np.array([np.nan, 1.0]), np.array([1.0, np.nan])], [])).all()


def test_an_output_that_reads_no_array_is_a_number_and_long_arrays_are_whole():
    t = Tape()
    x, y, p = *t.leaves("z", 2), t.leaf("p", 0)
    long = np.arange(2 * PIECE + 3.0)
    product, number, one = on_arrays(Program(t, (t.mul(x, p), t.mul(y, p), t.const(1)), 2, 1))([long, 3.0], [2.0])
    np.testing.assert_array_equal(product, 2 * long)
    assert (number, one) == (6.0, 1.0) and np.ndim(number) == np.ndim(one) == 0


def sums():
    """Σ cᵢ exp(z cᵢ), Σ (z − dᵢ)², Σ dᵢ, and Σ cᵢ Σ_j exp(z c_j) d_j: two share the exponential, one reads no z, one a sum."""
    t = Tape()
    z, c, d = t.leaf("z", 0), t.leaf("col", 0), t.leaf("col", 1)
    power = t.apply("exp", t.mul(z, c))
    inner = t.rowsum(t.mul(power, d))
    outputs = t.rowsum(t.mul(power, c)), t.rowsum(t.ipow(t.sub(z, d), 2)), t.rowsum(d), t.rowsum(t.mul(c, t.apply("tanh", inner)))
    return Program(t, outputs, 1, 0, 2)


@pytest.mark.parametrize("count", [1, 7, FEW, FEW + 1, PIECE + 3])
def test_sums_over_rows_of_data(count):
    """Against sums of NumPy's, rows one after the other: more of them than fit in a piece, and fewer; to the last bit but for the nested one."""
    rows = np.random.default_rng(0).normal(size=(40, 2))
    z = np.linspace(-1, 1, count)
    found = on_arrays(sums(), rows.tolist())([z], [])
    first = second = inner = np.zeros(count)
    third = 0.0
    for c, d in rows:
        power = np.exp(z * c)
        first, second, third, inner = first + power * c, second + (z - d) ** 2, third + d, inner + power * d
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[1], second)
    assert np.ndim(found[2]) == 0 and found[2] == third
    np.testing.assert_allclose(found[3], np.tanh(inner) * rows[:, 0].sum(), rtol=1e-12, atol=1e-12)


def test_sums_over_rows_in_digits():
    """The same numbers in 60 digits, and 0 without rows."""
    rows = [[0.5, -1.25], [-0.75, 2.0], [0.25, 0.125]]
    exact = Ready(sums(), ALGEBRA, [[NUMBER(x) for x in row] for row in rows])([NUMBER("0.5")], [])
    found = on_arrays(sums(), rows)([0.5], [])
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(exact, dtype=float), rtol=1e-15)
    assert [float(x) for x in exact[1:3]] == [(0.5 + 1.25) ** 2 + 1.5**2 + 0.375**2, 0.875]
    assert [float(x) for x in on_arrays(sums())([0.5], [])] == [0.0] * 4


@pytest.mark.parametrize("count", [3, FEW + 1])
def test_inverse_powers_of_zeros(count):
    """Infinite, of a number, a parameter and a column too, which are Python's floats."""
    t = Tape()
    z, p, c = t.leaf("z", 0), t.leaf("p", 0), t.leaf("col", 0)
    sums = t.rowsum(t.mul(z, t.ipow(c, -1)))
    found = on_arrays(Program(t, (sums, t.ipow(p, -2), t.mul(z, t.ipow(p, -1))), 1, 1, 1), [[0.0], [2.0]])([np.ones(count)], [0.0])
    np.testing.assert_array_equal(found[0], np.full(count, np.inf))
    assert found[1] == np.inf and (found[2] == np.inf).all()
