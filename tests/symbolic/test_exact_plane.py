"""Closed forms of maps of the plane: all fixed points, and what happens where the determinant is 1."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

pytestmark = pytest.mark.usefixtures("algebra_at_hand")

PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "b*x*y"], "x y", {"a": 3.5, "b": 3.2})
GD = cf.optimizers.gd(lr=0.9)


def kinds(record):
    return {(c.kind, round(root.value, 12)) for family in record.families for c in family.conditions for root in c.roots}


def points(cycles):
    return np.array(sorted(tuple(np.round(c.points[0], 9) + 0.0) for c in cycles))


def test_fixed_points_on_the_axes():
    """Prey and predator: (0, 0), (1 − 1/a, 0) and (1/b, a(1 − 1/b) − 1)."""
    record = cf.symbolic.cycles(PREY, 1)
    a, b = 3.5, 3.2
    assert record.complete
    expected = sorted([(0.0, 0.0), (1 - 1 / a, 0.0), (1 / b, a * (1 - 1 / b) - 1)])
    np.testing.assert_allclose(points(record.at(a=a, b=b)), expected, atol=1e-9)
    # At the third the determinant is a(1 − 2/b); at the second the multipliers are 2 − a and b(1 − 1/a).
    assert ("neimark-sacker", round(b / (b - 2), 12)) in kinds(record)
    assert ("flip", 3.0) in kinds(record) and ("branch point", round(b / (b - 1), 12)) in kinds(record)


@pytest.mark.parametrize("formula, count", [
    ("(x**2 - 1)**2/4 + (y**2 - 1)**2/4", 9), ("(x**2 - 1)**2/4 + y**3/3 - y", 6), ("x**2/2 + y**2 + x*y**2", 3),
])  # fmt: skip
def test_critical_points_that_share_a_coordinate(formula, count):
    loss = cf.Loss(formula)
    found = cf.symbolic.cycles(loss, GD, 1)
    assert found.complete and len(found.at()) == count
    for cycle in found.at():
        np.testing.assert_allclose(loss.gradient(cycle.points[0]), 0.0, atol=1e-12)


def test_gradient_descent_has_no_neimark_sacker_bifurcation():
    """Its Jacobian is symmetric: where the determinant is 1 the multipliers are real."""
    found = cf.symbolic.cycles(cf.Loss("x**2/2 + y**2 + x*y**2"), GD, 1)
    assert ("neutral saddle", 1.5) in kinds(found)  # (1 − η)(1 − 2η) = 1 at the origin
    assert not any("neimark" in kind or "saddle" in kind for kind, _ in found.bifurcations)


def test_nesterov_passes_a_neutral_saddle_and_the_delayed_logistic_map_a_bifurcation():
    """Determinant β(1 − ηλ) = 1 with trace 3 at w = 0; the delayed logistic map has multipliers e^(±iπ/3) at r = 2."""
    found = cf.symbolic.cycles(cf.losses.double_well(), cf.optimizers.nesterov(lr=1.0, momentum=0.5), 1)
    assert ("neutral saddle", 1.0) in kinds(found)
    delayed = cf.symbolic.cycles(cf.Map.from_text(["r*x*(1-y)", "x"], "x y", {"r": 2.1}), 1)
    assert ("neimark-sacker", 2.0) in [(kind, root.value) for kind, root in delayed.bifurcations]
