"""Simplifications of the tape."""

from __future__ import annotations

from fractions import Fraction

import pytest

import cfdyn as cf
from cfdyn.tape.program import Tape


def test_powers_of_two_are_gathered_from_factors():
    t = Tape()
    x, y = t.leaf("z", 0), t.leaf("z", 1)
    half = t.mul(t.mul(t.const(2), x), t.mul(t.const(Fraction(1, 4)), y))
    assert half == t.mul(t.const(Fraction(1, 2)), t.mul(x, y))
    assert t.mul(t.mul(t.const(2), x), t.mul(t.const(Fraction(-1, 2)), y)) == t.neg(t.mul(x, y))
    # Other constants are not exact in floats: each stays where it is.
    thirds = t.mul(t.mul(t.const(Fraction(1, 3)), x), t.mul(t.const(3), y))
    assert thirds not in (t.mul(x, y), half) and t.ops[thirds] == "mul"


@pytest.mark.parametrize("x", [1.1, -0.3, 7.7])
def test_a_step_of_the_double_well_has_no_halves(x):
    """w − η a w (w² − 1), as floats make it in this order."""
    step = cf.as_map(cf.losses.double_well(a=1.3), cf.optimizers.gd(lr=0.1))
    assert step([x])[0] == x - 0.1 * (1.3 * (x * (x * x - 1.0)))
