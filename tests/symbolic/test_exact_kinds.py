"""What happens where a multiplier is 1: two cycles merge, or cycles with a shorter one, or families cross, or nothing real."""

from __future__ import annotations

import cmath
import math

import pytest
import sympy as sp

import cfdyn as cf

pytestmark = pytest.mark.usefixtures("algebra_at_hand")

QUADRATIC = cf.Map.from_text("x**2 + c", params={"c": -1.0})


def conditions(record, kind):
    return [c for family in record.families for c in family.conditions if c.kind == kind]


def roots(condition):
    """All, complex ones too."""
    return [complex(z) for z in sp.Poly(condition.polynomial.expression).nroots(n=25)]


@pytest.mark.parametrize("n, name", [(2, "doubling"), (3, "tripling"), (4, "quadrupling")])
def test_births_from_the_fixed_point_are_where_its_multiplier_is_a_root_of_unity(n, name):
    """The fixed point of x² + c has the multiplier λ at c = λ/2 − λ²/4."""
    found = conditions(cf.symbolic.cycles(QUADRATIC, n), f"birth by {name}")
    unity = [cmath.exp(2j * math.pi * k / n) for k in range(1, n) if math.gcd(k, n) == 1]
    expected = sorted((z / 2 - z * z / 4 for z in unity), key=lambda z: z.imag)
    (mine,) = found
    assert sorted(roots(mine), key=lambda z: z.imag) == pytest.approx(expected, abs=1e-14)
    assert bool(mine.roots) == (n == 2)


def test_4_cycles_are_born_from_2_cycles_too():
    """Of which x² + c has one with the multiplier 4(1 + c)."""
    (mine,) = conditions(cf.symbolic.cycles(QUADRATIC, 4), "birth by doubling")
    assert [root.value for root in mine.roots] == [-1.25]


def test_folds_alone_are_folds():
    """Of x² + c: 1/4 of the fixed points, −7/4 of 3-cycles, and one real one of 4-cycles."""
    assert [r.value for c in conditions(cf.symbolic.cycles(QUADRATIC, 1), "fold") for r in c.roots] == [0.25]
    assert [r.value for c in conditions(cf.symbolic.cycles(QUADRATIC, 3), "fold") for r in c.roots] == [-1.75]
    (four,) = conditions(cf.symbolic.cycles(QUADRATIC, 4), "fold")
    # The logistic map's stable 4-cycle is born at r = 3.9601018827, and c = r/2 − r²/4.
    r = 3.9601018827
    assert [root.value for root in four.roots] == [pytest.approx(r / 2 - r * r / 4, abs=1e-9)]


def test_a_fixed_point_that_goes_on_is_no_fold():
    for formula, at in (("r*x", 1.0), ("r*x + x**2", 1.0), ("r*x - x**3", 1.0)):
        found = cf.symbolic.cycles(cf.Map.from_text(formula, params={"r": 0.5}), 1)
        assert ("branch point", at) in [(kind, root.value) for kind, root in found.bifurcations], formula
        assert not conditions(found, "fold")


@pytest.mark.parametrize("formula", ["2 + r*x", "r*x + 1/3", "7/6 + r*x"])
def test_a_fixed_point_at_infinity_is_no_bifurcation(formula):
    found = cf.symbolic.cycles(cf.Map.from_text(formula, params={"r": 0.5}), 1)
    assert found.complete and [(kind, root.value) for kind, root in found.bifurcations] == [("flip", -1.0)]
    constant = float(sp.sympify(formula).subs("r", 0))
    assert found.at(r=0.25)[0].points[0, 0] == pytest.approx(constant / 0.75, rel=1e-15)
