"""All cycles of maps of two variables: published counts, closed forms, and maps that leave the box."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
PRODUCT = cf.Map.from_text(["r*x*(1-x)", "q*y*(1-y)"], variables="x y", params={"r": 4.0, "q": 3.9})


def check_cycles(found, step, period):
    """Each is one: the points follow each other, are different, and no two lists are the same up to a shift."""
    for cycle in found:
        assert cycle.points.shape == (period, step.dim)
        following = np.array([step(point) for point in cycle.points])
        np.testing.assert_allclose(following, np.roll(cycle.points, -1, axis=0), rtol=1e-9, atol=1e-9 * np.abs(cycle.points).max())
        product = np.eye(step.dim)
        for point in cycle.points:
            product = step.jacobian(point) @ product
        np.testing.assert_allclose(np.prod(cycle.multipliers), np.linalg.det(product), rtol=1e-6, atol=1e-9)
    starts = np.array([cycle.points.mean(axis=0) for cycle in found]).reshape(-1, step.dim)
    points = np.array([cycle.points for cycle in found]).reshape(-1, step.dim)
    distances = np.abs(points[:, None] - points).max(axis=2) + np.eye(len(points))
    assert len(points) < 2 or distances.min() > 1e-9, starts


@pytest.mark.parametrize(("period", "count"), list(enumerate([2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14], start=1)))
def test_henon_has_the_published_numbers_of_cycles(period, count):
    """Prime cycles of the whole plane at a = 1.4, b = 0.3, with the product of the multipliers (-b)ⁿ."""
    found = cf.analysis.cycles(HENON, period, [(-3, 3), (-3, 3)])
    assert (len(found), found.complete, len(found.undecided)) == (count, True, 0)
    check_cycles(found, HENON, period)
    assert all(np.isclose(np.prod(cycle.multipliers), (-0.3) ** period) for cycle in found)


def test_hundred_times_the_box_changes_nothing():
    """The same cycles, far away from them too."""
    near, far = (cf.analysis.cycles(HENON, 7, [(-size, size)] * 2) for size in (3, 300))
    assert far.complete
    np.testing.assert_allclose(near.points, far.points, atol=1e-12)


def test_cycles_that_leave_the_box_count():
    """One point in the box is enough: a window holds what the plane has there."""
    everywhere = cf.analysis.cycles(HENON, 11, [(-3, 3)] * 2)
    window = [(1.1, 1.2), (-0.1, 0.1)]
    low, high = np.array(window).T
    expected = [c for c in everywhere if ((c.points >= low) & (c.points <= high)).all(axis=1).any()]
    found = cf.analysis.cycles(HENON, 11, window)
    assert found.complete and 0 < len(expected) < len(everywhere)
    np.testing.assert_allclose(found.points, [c.points for c in expected], atol=1e-10)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5])
def test_products_of_maps_of_one_variable(period):
    """fⁿ × gⁿ has the pairs of fixed points of fⁿ and gⁿ; Möbius inversion gives the cycles."""

    def fixed(name, value, n):
        line = cf.Map.from_text("r*x*(1-x)", params={"r": value})
        return sum(k * len(cf.analysis.cycles(line, k, [(-1, 2)])) for k in range(1, n + 1) if n % k == 0)

    pairs = {n: fixed("r", 4.0, n) * fixed("q", 3.9, n) for n in range(1, period + 1) if period % n == 0}
    moebius = {1: 1, 2: -1, 3: -1, 4: 0, 5: -1}
    expected = sum(moebius[period // n] * pairs[n] for n in pairs) // period
    found = cf.analysis.cycles(PRODUCT, period, [(-1, 2), (-1, 2)])
    assert (len(found), found.complete) == (expected, True)
    check_cycles(found, PRODUCT, period)
