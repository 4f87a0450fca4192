"""Closed forms where no polynomial rules: what is found, what is said of the rest."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import brentq

import cfdyn as cf

GD = cf.optimizers.gd(lr=1.0)


def fixed(formula, **params):
    return cf.symbolic.cycles(cf.Map.from_text(formula, "x", params), 1)


def formulas(record):
    return [(str(x), str(m)) for family in record.families for x, m in zip(family.roots, family.multipliers, strict=True)]


@pytest.mark.parametrize("name, slope", [("sin", math.sin), ("tanh", math.tanh), ("erf", math.erf)])
def test_the_origin_is_found_and_the_rest_is_said(name, slope):
    record = fixed(f"r*{name}(x)", r=2.0)
    assert [x for x, _ in formulas(record)] == ["0"] and not record.complete
    other = brentq(lambda x: 2 * slope(x) - x, 0.5, 3.0, xtol=1e-14)
    assert f"one near x = {other:.6g}" in record.reason
    # The multiplier at 0 is r times the slope there, which is 1, or 2/√π for erf: an odd map has a pitchfork where it is 1.
    at = math.sqrt(math.pi) / 2 if name == "erf" else 1.0
    assert [(kind, root.value) for kind, root in record.bifurcations] == [
        ("flip", pytest.approx(-at, rel=1e-15)), ("branch point", pytest.approx(at, rel=1e-15))]  # fmt: skip


def test_conditions_that_are_no_polynomials():
    """x → r x exp(−x): log r with the multiplier 1 − log r, which is −1 at e²."""
    record = fixed("r*x*exp(-x)", r=5.0)
    assert record.complete and formulas(record) == [("0", "r"), ("log(r)", "1 - log(r)")]
    assert [(kind, root.value) for kind, root in record.bifurcations] == [
        ("flip", -1.0), ("branch point", 1.0), ("flip", pytest.approx(math.e**2, rel=1e-15))]  # fmt: skip
    root = record.bifurcations[-1][1]
    assert root.formula.text == "exp(2)" and root.points == (pytest.approx(2.0, abs=1e-15),)


def test_infinitely_many_are_not_all():
    record = fixed("x + r*sin(x)", r=0.5)
    assert "period 2*pi" in record.reason and formulas(record) == [("0", "r + 1"), ("pi", "1 - r")]
    edges = cf.symbolic.edge(cf.Loss("sin(w)"), GD)
    assert "period 2*pi" in edges.reason and [m.values["point"] for m in edges.minima] == [pytest.approx(1.5 * math.pi)]


@pytest.mark.parametrize("r, expected", [(-0.1, [0.5 - math.sqrt(0.15), 0.5 + math.sqrt(0.15)]), (2.0, [2.0]), (-0.3, [])])
def test_a_formula_may_be_a_fixed_point_for_some_parameters_alone(r, expected):
    """x² = x + r with x ≥ 0: both roots for r in [−1/4, 0]; the fold at −1/4 is the only bifurcation."""
    record = fixed("sqrt(x + r)", r=r)
    assert len(formulas(record)) == 2
    assert [c.points[0, 0] for c in record.at(r=r)] == pytest.approx(expected, abs=1e-12)
    assert [(kind, root.value) for kind, root in record.bifurcations] == [("fold", -0.25)]


def test_simple_roots_beside_unreadable_ones():
    """log x + x = 2(x − 1) at 1, and at −W(−e⁻²)."""
    record = fixed("a*log(x) + x - b*(x - 1)", a=1.0, b=2.0)
    other = brentq(lambda x: math.log(x) - 2 * (x - 1), 0.1, 0.5)
    assert formulas(record)[0][0] == "1" and f"one near x = {other:.6g}" in record.reason


def test_points_without_a_derivative_are_left_out():
    record = fixed("r*sqrt(x)", r=2.0)
    assert formulas(record) == [("r**2", "r/(2*Abs(r))")] and "x = 0 it has no derivative" in record.reason
    assert record.bifurcations == [] and record.at(r=3.0)[0].points[0, 0] == pytest.approx(9.0)


@pytest.mark.parametrize("formula, words", [
    ("w**4/4", "sharpness is 0"), ("w**3", "w = 0 the sharpness is 0"), ("-w**2", "none of its critical points"),
    ("w", "no critical points"), ("w**2/2 + 2*cos(w)", "one near w = 1.89549"), ("w**6/6 + w**3/3 - 3*w**2", "degree 4"),
])  # fmt: skip
def test_a_loss_without_edges_says_why(formula, words):
    edges = cf.symbolic.edge(cf.Loss(formula), GD)
    assert edges.minima == () and words in edges.reason
