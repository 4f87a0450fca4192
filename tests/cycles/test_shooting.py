"""Newton's method on the points of a cycle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.cycles._kernels.newton import Shots, solve_ring
from cfdyn.cycles.shooting import log_growth, polish


def stepped(slopes, defect):
    block = Shots.make(n=len(slopes), w=1, d=1, matrices=np.reshape(slopes, (-1, 1, 1)), defect=np.reshape(defect, (-1, 1)))
    return solve_ring(block), block.solved


@given(st.integers(2, 40), st.sampled_from([0.0, 0.1, 1.0, 10.0]), st.integers(0, 10**6))
def test_newtons_step_around_a_ring_solves_its_equations(n, scale, seed):
    rng = np.random.default_rng(seed)
    slopes, defect = scale * rng.standard_normal(n), rng.standard_normal(n)
    moved = stepped(slopes, defect)[1]
    residual = slopes * moved - np.roll(moved, -1) - defect
    assert np.abs(residual).max() <= 1e-12 * (1 + scale) * max(1, np.abs(moved).max())


def test_newtons_step_around_a_ring_without_solution():
    for slopes, defect in (([1.0, 1.0, 1.0], [1.0, 0.0, 0.0]), ([0.5, 2.0], [1.0, 1.0])):  # product of the slopes 1
        sound, moved = stepped(slopes, defect)
        assert not sound and np.isnan(moved).all()


@pytest.mark.parametrize("text, points, found", [
    ("2*x*(1-x)", [[0.4]], [[0.5]]),
    ("x", [[0.3]], [[0.3]]),  # a continuum: the step is singular, and 0
    ("1 - x", [[0.25], [0.7]], [[0.275], [0.725]]),  # 2-cycles x, 1 − x: the nearest one
    ("x**2 + 1", [[0.3]], None),
])  # fmt: skip
def test_cycles_of_one_variable(text, points, found):
    got = polish(cf.Map.from_text(text, "x"), np.array(points))
    assert (got is None) == (found is None)
    np.testing.assert_allclose(np.empty(0) if got is None else got, np.empty(0) if found is None else found, rtol=1e-14)


def test_a_cycle_in_the_plane_and_of_many_points():
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    x = (-0.7 + math.sqrt(0.49 + 5.6)) / 2.8  # 1.4 x² + 0.7 x − 1 = 0
    np.testing.assert_allclose(polish(henon, np.array([[0.6, 0.2]])), [[x, 0.3 * x]], rtol=1e-15)
    # 2x mod 1 with 1/(2¹⁶⁰ − 1): 160 points, more than a matrix is kept for.
    orbit = [0.5**160 * 2.0**k for k in range(160)]
    got = polish(cf.Map.from_text("4*x*(1-x)", "x"), np.sin(np.pi * np.array(orbit))[:, None] ** 2)
    exact = np.sin([math.pi * 2.0 ** (k - 160) / (1 - 0.5**160) for k in range(160)]) ** 2
    np.testing.assert_allclose(got[-40:, 0], exact[-40:], rtol=1e-9)


def test_growth_of_tangents_beyond_floats():
    """Of (2x, y/2) after k steps √(4ᵏ + 4⁻ᵏ)."""
    lags = np.array([1, 2, 7, 64, 3000])
    found = log_growth(cf.Map.from_text(["2*x", "y/2"], "x y"), np.zeros((3000, 2)), lags)
    assert found == pytest.approx([*(0.5 * math.log(4.0**k + 4.0**-k) for k in lags[:-1]), 3000 * math.log(2)], rel=1e-13)
