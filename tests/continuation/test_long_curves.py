"""Curves of long cycles, and curves that ran out of steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

curve_of = cf.analysis.bifurcation_curve
QUADRATIC = cf.Map.from_text(["c + s*x**2", "x/2 + y/3"], "x y", {"c": -0.5, "s": 1.0})
CIRCLE = cf.Map.from_text("x + x**2 + k**2 + c**2 - 1", "x", {"k": 1.0, "c": 0.0})
FOLD = ("fold", [[0.01]]), ("k", "c"), ((-2, 2), (-2, 2))
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], "x y", {"a": 2.0, "b": 0.25})
PAIR = ("neimark-sacker", [[0.25, 0.5]]), ("a", "b"), ((1.1, 20.0), (0.01, 0.499))


@pytest.fixture(scope="module")
def flips():
    cycle = cf.analysis.cycles(QUADRATIC, 1, [(-1, 0), (-1, 0)])[0]
    return cf.analysis.cascade(QUADRATIC, cycle, "c", (-1.5, -0.1), 9)


@pytest.mark.parametrize("period", [32, 256])
def test_flips_of_long_cycles(flips, period):
    """By scaling sc is a constant along a curve of flips; 256 points in the plane are 1,026 unknowns."""
    value, points = next((v, p) for v, p in zip(flips.flips, flips.points, strict=True) if len(p) == period)
    found = curve_of(QUADRATIC.at(c=value), ("flip", points), ("c", "s"), ((-2, -1.2), (0.5, 2)))
    assert found.period == period and set(found.ends) == {"c = -2", "c = -1.2"}
    assert found.parameters.prod(axis=1) == pytest.approx(value, abs=1e-10)
    assert found.special == [] and (np.abs(found.multipliers + 1).min(axis=1) < 1e-4).all()
    # With x = X/s the cubic coefficient c scales as s².
    s = found.parameters[:, 1]
    shares = found.coefficient / s**2
    assert shares == pytest.approx(shares[0], rel=1e-3)


@pytest.mark.parametrize("period", [32, 128])
def test_flips_of_cycles_that_repel(flips, period):
    """The same with a direction across in which 3 is gained in each step, in coordinates that mix both: 3¹²⁸ is 1e61."""
    bent, across = "(c + s*(x + y)**2/4)", "(3*(x - y)/2 + (x + y)/4)"
    step = cf.Map.from_text([f"{bent} + {across}", f"{bent} - {across}"], "x y", {"c": -0.5, "s": 1.0})
    value, points = next((v, p) for v, p in zip(flips.flips, flips.points, strict=True) if len(p) == period)
    x, y = points[:, 0], np.zeros(period)
    for k in np.tile(np.arange(period - 1, -1, -1), 3):
        y[k] = (y[(k + 1) % period] - x[k] / 2) / 3
    cycle = np.column_stack([x + y, x - y])
    mu = cf.analysis.continue_cycle(step.at(c=value - 1e-9), cycle, "c", (value - 2e-9, value)).multipliers
    assert np.abs(mu[:, 1] + 1).max() < 1e-2 and (mu[:, 0] > 1e14).all()
    found = curve_of(step.at(c=value), ("flip", cycle), ("c", "s"), ((-2, -1.2), (0.5, 2)))
    assert found.parameters.prod(axis=1) == pytest.approx(value, abs=1e-12)
    assert set(found.ends) == {"c = -2", "c = -1.2"} and found.special == []
    assert found.multipliers[:, 1] == pytest.approx(-1.0, abs=1e-4)


def test_out_of_steps_and_on():
    """The fold of the circle in three goes is the whole circle, once round."""
    short = curve_of(CIRCLE, *FOLD, max_steps=10)
    assert all("out of steps; increase `max_steps`" in end for end in short.ends) and not short.closed
    longer = short.extended(20)
    assert len(longer) == 61 and np.array_equal(longer.parameters[20:41], short.parameters)
    whole = longer.extended()
    assert whole.closed and whole.ends[1].startswith("closed")
    assert (whole.parameters**2).sum(axis=1) == pytest.approx(1, abs=1e-12)
    angle = np.unwrap(np.arctan2(*whole.parameters.T))
    assert np.ptp(angle) == pytest.approx(2 * math.pi, abs=1e-9) and (np.diff(angle) * np.sign(np.diff(angle)[0]) > 0).all()
    with pytest.raises(cf.CfdynError, match="did not run out of steps"):
        whole.extended()


def test_a_closed_curve_on_which_the_direction_turns_round():
    """Round the unit circle the eigenvector of the multiplier −1 turns by half: the curve is gone round once."""
    r, size = "sqrt(k*k + c*c)", "(k*k + c*c)"
    mixed = [f"((1 + k/{r})*x + c/{r}*y)/2", f"(c/{r}*x + (1 - k/{r})*y)/2"]
    step = cf.Map.from_text([f"{x} - ({size} + 1)*{p}" for x, p in zip(("x/2", "y/2"), mixed, strict=True)], "x y",
                            {"k": 0.7, "c": 0.1})  # fmt: skip
    # Along (cos t/2, sin t/2) the multiplier is ½ − r² − 1: −1 where r² = ½.
    found = curve_of(step, ("flip", [[0.0, 0.0]]), ("k", "c"), ((-2, 2), (-2, 2)))
    assert found.closed and (found.parameters**2).sum(axis=1) == pytest.approx(0.5, abs=1e-12)
    assert np.ptp(np.unwrap(np.arctan2(*found.parameters.T))) == pytest.approx(2 * math.pi, abs=1e-9)
    short = curve_of(step, ("flip", [[0.0, 0.0]]), ("k", "c"), ((-2, 2), (-2, 2)), max_steps=20).extended()
    assert short.closed and np.ptp(np.unwrap(np.arctan2(*short.parameters.T))) == pytest.approx(2 * math.pi, abs=1e-9)


def test_a_saved_curve_goes_on(tmp_path):
    """It meets the resonances of the curve in one go: 1:4 at (5, 2/5), 1:3 at (7, 3/7), 1:2 at (9, 4/9)."""
    short = curve_of(PREY, *PAIR, max_steps=40)
    assert short.special == []
    loaded = cf.load(short.save(tmp_path / "curve.npz"))
    found = loaded.extended(100).extended()
    exact = {"resonance 1:4": [5, 2 / 5], "resonance 1:3": [7, 3 / 7], "resonance 1:2": [9, 4 / 9]}
    assert {s.kind for s in found.special} == set(exact)
    for s in found.special:
        assert s.parameters == pytest.approx(exact[s.kind], abs=1e-10)
        assert np.abs(found.parameters[s.place] - s.parameters).max() < 0.2
    assert set(found.ends) == {"a = 1.1", "resonance 1:2 at a = 9, b = 0.444444"}
    a, b = found.parameters.T
    assert a == pytest.approx(1 / (1 - 2 * b), rel=1e-10) and (np.diff(a) * np.sign(a[-1] - a[0]) > 0).all()


def test_a_border_goes_on():
    """m = sin(3a)/2 with its fold and flip at a = ±1."""
    step = cf.Map.from_text("Piecewise((a*x, x < 0), (x/4, True)) + m - sin(3*a)/2", "x", {"a": 0.0, "m": 0.0})
    found = curve_of(step, ("border collision", [[0.0]]), ("a", "m"), ((-2, 2), (-1, 1)), max_steps=5).extended()
    a, m = found.parameters.T
    assert m == pytest.approx(np.sin(3 * a) / 2, abs=1e-12) and set(found.ends) == {"a = -2", "a = 2"}
    assert len(found.above) == len(found) and (found.above == 0.25).all()
    assert found.multipliers[:, 0] == pytest.approx(a, abs=1e-13)
    assert sorted(s.kind for s in found.special) == ["border-collision-flip", "border-collision-fold"]


@pytest.mark.parametrize(("steps", "step"), [(0, 0.1), (2.5, 0.1), (None, 0.1), (10, 0.0), (10, 2.0), (10, "q"), (10, "0.1"), (10, np.nan), (10, 10**400)])
def test_steps_are_checked(steps, step):
    with pytest.raises(cf.CfdynError, match="`max_steps` is a whole number from 1 on|`max_step"):
        curve_of(CIRCLE, *FOLD, max_steps=5).extended(steps, step)


def test_what_does_not_fit_into_memory():
    with pytest.raises(cf.CfdynError, match="ask for `max_steps="):
        curve_of(CIRCLE, *FOLD, max_steps=10**18)
    with pytest.raises(cf.CfdynError, match="ask for `max_steps="):
        curve_of(CIRCLE, *FOLD, max_steps=10**18)
