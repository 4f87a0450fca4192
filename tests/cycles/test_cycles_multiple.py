"""Multiple zeros of fⁿ(x) − x: one cycle each, undecided, whatever round-off makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

INF = math.inf


def only(step, n, *box):
    """The cycles with multiplier 1 of a list that is not complete."""
    found = cf.analysis.cycles(step, n, [box])
    assert not found.complete and "(fⁿ)′ = 1 to round-off" in found.reason
    return found, [cycle for cycle in found if cycle.stable is None]


@pytest.mark.parametrize(("formula", "box", "place", "others"), [
    ("x - x**3", (-2, 2), 0, 0), ("x - x**3", (-INF, INF), 0, 0), ("x - x**5", (-1, 2), 0, 0), ("x + x**4", (-2, 2), 0, 0),
    ("x - (x - 0.3)**3", (-1, 2), 0.3, 0), ("x - (x - 0.3)**7", (-1, 2), 0.3, 0), ("sin(x)", (-2, 2), 0, 0),
    ("tan(x)", (-1, 1), 0, 0), ("x - x**3*(x - 1)", (-1, 2), 0, 1), ("x + x**2", (-2, 2), 0, 0),
    ("x**2 + 1/4", (-INF, INF), 0.5, 0), ("x**2 + 1/4", (-3, 3), 0.5, 0), ("x + (x - 0.3)**2", (-3, 3), 0.3, 0),
    ("1 + log(x)", (0, 3), 1, 0),
])  # fmt: skip
def test_one_fixed_point_for_each_zero(formula, box, place, others):
    found, (cycle,) = only(cf.Map.from_text(formula), 1, *box)
    assert cycle.points[0, 0] == pytest.approx(place, abs=1e-14) and cycle.multipliers[0] == pytest.approx(1, abs=1e-12)
    assert len(found) == 1 + others and found.undecided[:, 0].shape == (1, 2)
    assert found.undecided.min() <= place <= found.undecided.max() and " at a place:" in found.reason


@pytest.mark.parametrize(("loss", "places"), [
    ("w**4/4", [0]), ("(w - 0.3)**6", [0.3]), ("(w - 0.3)**6 + (w - 0.3)**7", [0.3]), ("(w - 0.2)**3", [0.2]),
    ("(w**2 - 1)**3", [-1, 1]),
])  # fmt: skip
def test_flat_minima_and_inflections_of_losses(loss, places):
    _, neutral = only(cf.as_map(cf.Loss(loss), cf.optimizers.gd(lr=0.4)), 1, -1.5, 1.5)
    assert [cycle.points[0, 0] for cycle in neutral] == pytest.approx(places, abs=1e-14)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.floats(-1, 1), st.floats(0.2, 3), st.booleans(), st.floats(-2, 2), st.floats(0.2, 1.4))
def test_a_zero_of_any_multiplicity(k, c, a, falls, b, width):
    step = cf.Map.from_text(f"x + a*(x - c)**{k}*(1 + b*(x - c))", "x", {"a": -a if falls else a, "b": b, "c": c})
    _, neutral = only(step, 1, c - width, c + 1.3 * width)
    assert [cycle.points[0, 0] for cycle in neutral if abs(cycle.points[0, 0] - c) < 0.05] == pytest.approx([c], abs=1e-12)


def test_the_birth_of_the_three_cycle():
    """The sums of the points of the two 3-cycles are the zeros of a quadratic, with the mean (3 + 1/r)/2; here they are one."""
    r = 1 + math.sqrt(8)
    found, (cycle,) = only(cf.Map.from_text("r*x*(1-x)", params={"r": r}), 3, 0, 1)
    x = cycle.points[:, 0]
    assert len(found) == 1 and r * x * (1 - x) == pytest.approx(np.roll(x, -1), abs=1e-15)
    assert x.sum() == pytest.approx((3 + 1 / r) / 2, abs=1e-14)
    assert np.prod(r * (1 - 2 * x)) == pytest.approx(1, abs=1e-12)


def test_a_pair_beyond_round_off_stays_two():
    for beyond in (1e-10, 1e-12):
        pair = cf.analysis.cycles(cf.Map.from_text("x**2 + c", params={"c": 0.25 - beyond}), 1, [(-3, 3)])
        assert pair.complete and [c.stable for c in pair] == [True, False]
        assert pair.points.ravel() == pytest.approx([0.5 - math.sqrt(beyond), 0.5 + math.sqrt(beyond)], abs=1e-9)


@pytest.mark.parametrize("formula", ["-x + x**3", "-x - x**3", "-x + x**2", "-sin(x)"])
def test_at_a_flip_there_is_no_two_cycle(formula):
    """f²(x) − x has a triple zero at the fixed point 0."""
    found, neutral = only(cf.Map.from_text(formula), 2, -1.4, 1.4)
    assert not neutral and len(found.undecided) == 1 and np.abs(found.undecided).max() < 1e-5
