"""Programs on arrays: every operation of the tape against 60 digits, and what is no number, no array, or long."""

import numpy as np
import pytest

from cfdyn.tape.evaluate import PIECE, evaluate, mp_algebra, on_arrays
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
