"""What is proved of random maps holds along orbits in floating point; what is false for them is never proved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

numbers = st.integers(-20, 20).map(lambda k: k / 10)
cubics = st.tuples(numbers, numbers, numbers, numbers)
planes = st.tuples(*[numbers] * 6)


def cubic(c):
    return cf.Map.from_text("a + b*x + c*x**2 + d*x**3", "x", params=dict(zip("abcd", c, strict=True)))


def in_floats(c, x):
    return c[0] + c[1] * x + c[2] * x**2 + c[3] * x**3


def plane(c):
    text = ["a + b*x + c*y + x*y/4", "d + e*x + f*y - x**2/4"]
    return cf.Map.from_text(text, "x y", params=dict(zip("abcdef", c, strict=True)))


def plane_in_floats(c, z):
    x, y = z
    return np.array([c[0] + c[1] * x + c[2] * y + x * y / 4, c[3] + c[4] * x + c[5] * y - x**2 / 4])


def trapped(c, middle, half):
    box = (middle - half, middle + half)
    found = cf.certify.trapping(cubic(c), box=box)
    x = in_floats(c, np.linspace(*box, 2001))
    inside = bool((x > box[0]).all() and (x < box[1]).all())
    assert inside or not found.proved
    assert found.proved or x.min() < box[0] + 0.05 * half or x.max() > box[1] - 0.05 * half  # what has room is proved


def converges(c, middle, half):
    box = (middle - half, middle + half)
    found = cf.certify.convergence(cubic(c), box=box, most=60)
    x = np.linspace(*box, 501)
    with np.errstate(all="ignore"):
        for _ in range(4000):
            x = in_floats(c, x)
    together = bool(np.isfinite(x).all() and np.ptp(x) < 1e-6)
    assert together or not found.proved
    return found.proved


def plane_converges(c, half):
    found = cf.certify.convergence(plane(c), box=[(-half, half)] * 2, most=40, steps=20)
    z = np.array([g.ravel() for g in np.meshgrid(*[np.linspace(-half, half, 21)] * 2)])
    with np.errstate(all="ignore"):
        for _ in range(4000):
            z = plane_in_floats(c, z)
    together = bool(np.isfinite(z).all() and np.ptp(z, axis=1).max() < 1e-6)
    assert together or not found.proved
    return found.proved


halves = st.integers(1, 20).map(lambda k: k / 10)


@settings(max_examples=15)
@given(cubics, numbers, halves)
def test_boxes_said_to_be_trapping_are(c, middle, half):
    trapped(c, middle, half)


@settings(max_examples=6)
@given(cubics, numbers, halves)
def test_starts_said_to_converge_do(c, middle, half):
    assert converges(c, middle, half) in (True, False)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(cubics, numbers, halves)
def test_many_starts_said_to_converge_do(c, middle, half):
    trapped(c, middle, half)
    assert converges(c, middle, half) in (True, False)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(planes, halves)
def test_starts_in_the_plane_said_to_converge_do(c, half):
    assert plane_converges(c, half) in (True, False)


def test_random_draws_hold_cases_that_are_proved():
    assert converges((0.1, 0.5, 0.1, -0.2), 0.0, 1.0)
    assert plane_converges((0.1, 0.5, 0.1, 0, -0.2, 0.3), 0.5)


@settings(max_examples=12)
@given(st.integers(3400, 4000).map(lambda k: k / 1000))
def test_three_cycles_are_proved_from_their_birth_on_only(r):
    found = cf.certify.chaos(cf.Map.from_text("r*x*(1-x)", params={"r": r}), box=(0, 1), period=3, longest=1)
    assert found.proved is (r > 1 + math.sqrt(8))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(3600, 4000).map(lambda k: k / 1000))
def test_entropy_is_never_above_the_one_from_laps(r):
    step = cf.Map.from_text("r*x*(1-x)", params={"r": r})
    found = cf.certify.chaos(step, box=(0, 1), longest=8)
    assert not found.proved or float(found.claim["entropy"]) <= cf.analysis.topological_entropy(step, (0, 1)).upper + 1e-9
