"""Closed forms where no polynomial rules: what is found, what is said of the rest."""

from __future__ import annotations

import math

import pytest

import cfdyn as cf

pytestmark = pytest.mark.usefixtures("algebra_at_hand")

GD = cf.optimizers.gd(lr=1.0)


def fixed(formula, **params):
    return cf.symbolic.cycles(cf.Map.from_text(formula, "x", params), 1)


def formulas(record):
    return [(str(x), str(m)) for family in record.families for x, m in zip(family.roots, family.multipliers, strict=True)]


@pytest.mark.parametrize("formula", ["r*sin(x)", "r*tanh(x)", "r*erf(x)", "x + r*sin(x)", "r*log(x) + x - 2*(x - 1)", "r*x**2*exp(-x)"])
def test_what_may_not_be_all_is_not_given(formula):
    """0, multiples of π or 1 are fixed points, and there are others without a closed form, or without end."""
    record = fixed(formula, r=2.0)
    assert not record.complete and record.families == () and record.reason == "its fixed points have no closed form"


def test_conditions_that_are_no_polynomials():
    """x → r x exp(−x): log r with the multiplier 1 − log r, which is −1 at e²."""
    record = fixed("r*x*exp(-x)", r=5.0)
    assert record.complete and formulas(record) == [("0", "r"), ("log(r)", "1 - log(r)")]
    assert [(kind, root.value) for kind, root in record.bifurcations] == [
        ("flip", -1.0), ("branch point", 1.0), ("flip", pytest.approx(math.e**2, rel=1e-15))]  # fmt: skip
    root = record.bifurcations[-1][1]
    assert root.formula.text == "exp(2)" and root.points == (pytest.approx(2.0, abs=1e-15),)


@pytest.mark.parametrize("r, expected", [(-0.1, [0.5 - math.sqrt(0.15), 0.5 + math.sqrt(0.15)]), (2.0, [2.0]), (-0.3, [])])
def test_a_formula_may_be_a_fixed_point_for_some_parameters_alone(r, expected):
    """x² = x + r with x ≥ 0: both roots for r in [−1/4, 0]; the fold at −1/4 is the only bifurcation."""
    record = fixed("sqrt(x + r)", r=r)
    assert len(formulas(record)) == 2
    assert [c.points[0, 0] for c in record.at(r=r)] == pytest.approx(expected, abs=1e-12)
    assert [(kind, root.value) for kind, root in record.bifurcations] == [("fold", -0.25)]


def test_no_root_lies_where_the_equation_has_no_value():
    """r x log x = x at e^(1/r), and not at 0; r x √(1 − x) = x at 1 − 1/r², whose multiplier has no value at r = 0."""
    record = fixed("r*x*log(x)", r=1.3)
    assert record.complete and [x for x, _ in formulas(record)] == ["exp(1/r)"]
    assert 0.0 not in [root.value for _, root in fixed("r*sqrt(1-x)*x", r=1.3).bifurcations]


def test_points_without_a_derivative_are_left_out():
    record = fixed("r*sqrt(x)", r=2.0)
    assert formulas(record) == [("r**2", "r/(2*Abs(r))")] and "x = 0 it has no derivative" in record.reason
    assert record.bifurcations == [] and record.at(r=3.0)[0].points[0, 0] == pytest.approx(9.0)


@pytest.mark.parametrize("formula, words", [
    ("w**4/4", "sharpness is 0"), ("w**3", "w = 0 the sharpness is 0"), ("-w**2", "none of its critical points"),
    ("w", "no critical points"), ("w**2/2 + 2*cos(w)", "its critical points have no closed form"), ("sin(w)", "its critical points have no closed form"), ("w**6/6 + w**3/3 - 3*w**2", "degree 4"),
])  # fmt: skip
def test_a_loss_without_edges_says_why(formula, words):
    edges = cf.symbolic.edge(cf.Loss(formula), GD)
    assert edges.minima == () and words in edges.reason
