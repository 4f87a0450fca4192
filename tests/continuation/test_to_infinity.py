"""Branches and curves that run off to infinity, and such that go far without doing so, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
LINE = cf.Map.from_text("a*x + b", "x", {"a": 0.5, "b": 1.0})
LOG = cf.Map.from_text("x + a + c*exp(-x) - b", "x", {"a": 0.5, "b": 1.0, "c": 1.0})
TENT = cf.Map.from_text("Piecewise((x/2 + r, x < s), (-3*x/2 + r + 2*s, True))", "x", {"r": 0.1, "s": 0.2})


@pytest.mark.parametrize(("kind", "x", "a", "factor"), [("flip", 2 / 2.1, 0.3675, 0.75), ("fold", 2 / 0.7, -0.1225, -0.25)])
def test_curves_of_henon(kind, x, a, factor):
    """a = ¾(1 − b)² and −¼(1 − b)²: x grows as 1/(1 − b), and both end where b = 1."""
    found = cf.analysis.bifurcation_curve(HENON.at(a=a), (kind, [[x, 0.3 * x]]), ("a", "b"), ((-1, 3), (-0.9, 1.5)))
    values, b = found.parameters.T
    assert len(found) < 1000 and found.ends[0] == "b = -0.9" and found.ends[1].startswith("diverges to infinity near a = ")
    assert values == pytest.approx(factor * (1 - b) ** 2, abs=1e-11) and 0 < 1 - b[-1] < 1e-4
    assert found.points[-1, 0, 0] > 1e4


def test_a_state_that_grows_like_a_logarithm():
    """1 − c e^−x = −1 and x = f(x): the flip is at b = a + 2, x = ln(c/2), and c comes to 0 only at −∞."""
    found = cf.analysis.bifurcation_curve(LOG, ("flip", [[0.0]]), ("a", "c"), ((-5, 5), (-3, 30)), search=True)
    x, c = found.points[:, 0, 0], found.parameters[:, 1]
    assert found.ends[0].startswith("diverges to infinity near a = -1, c = ") and found.ends[1] == "c = 30"
    assert x == pytest.approx(np.log(c / 2), abs=1e-4) and x[0] < -50


def test_a_branch_that_grows_like_a_logarithm():
    """The fixed point ln(c/(b − a)) for a → b."""
    found = cf.analysis.continue_cycle(LOG, [0.69], "a", (-5, 5))
    a, x = found.parameter, found.points[:, 0, 0]
    near = a < 1 - 1e-6
    assert found.ends == ("a = -5", "diverges to infinity near a = 1") and len(found) < 1000
    assert x[near] == pytest.approx(-np.log(1 - a[near]), abs=1e-8)


@pytest.mark.parametrize("start", [1e-3, 1e-7, 1e-10])
def test_a_small_start_is_no_reason_to_end(start):
    """2b is the fixed point; from b = 10⁻¹⁰ on it moves by many times its size at the start, but not to infinity."""
    found = cf.analysis.continue_cycle(LINE.at(b=start), [2 * start], "b", (-1, 1))
    assert found.ends == ("b = -1", "b = 1") and found.points[:, 0, 0] == pytest.approx(2 * found.parameter, abs=1e-12)
    part = cf.analysis.continue_cycle(LINE.at(b=start), [2 * start], "b", (-1, 1), max_steps=90)
    while max(part.paces) > 0:
        part = part.extended(max_steps=90)
    assert part.ends == found.ends, "also where it goes on from far away"
    curve = cf.analysis.bifurcation_curve(LINE.at(b=start), [[2 * start]], ("a", "b"), ((-1, 0.9), (-1, 1)), condition="x - 2*b")
    assert curve.ends == ("b = -1", "b = 1") and curve.parameters[:, 0] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("start", [0.2, 1e-5, -1e-9, 3.0])
def test_a_straight_border_takes_the_longest_steps(start):
    """The fixed point 2r meets the border on s = 2r, a straight line, whatever its size at the start."""
    step = TENT.at(r=start / 2, s=start)
    found = cf.analysis.bifurcation_curve(step, ("border collision", [[start]]), ("r", "s"), ((-2, 2), (-4, 4)))
    r, s = found.parameters.T
    assert (found.ends, len(found)) == (("r = -2", "r = 2"), 102) and s == pytest.approx(2 * r, abs=1e-13)
    short = cf.analysis.bifurcation_curve(step, ("border collision", [[start]]), ("r", "s"), ((-2, 2), (-4, 4)), max_steps=7)
    assert short.extended().ends == found.ends
