"""Folds and flips of maps that keep areas are strong resonances, and are called so."""

from __future__ import annotations

import math

import pytest

import cfdyn as cf

follow = cf.analysis.continue_cycle
HENON = ["1 - a*x**2 + y", "-x"]


def meanings(branch):
    return {(s.kind, round(s.parameter, 9) + 0.0): s.meaning.partition(": ")[0] for s in branch.bifurcations}


@pytest.mark.parametrize(
    ("formulas", "names", "others"),
    [(HENON, "x y", []), ([*HENON, "0.6*u - 0.8*v", "0.8*u + 0.6*v"], "x y u v", [0.0, 0.0])],
)
def test_fold_and_flip_of_the_henon_map_that_keeps_areas(formulas, names, others):
    """b = −1: x = (−1 ± √(1 + a))/a; two fixed points meet at a = −1, and at a = 3 one flips; also beside a rotation."""
    step = cf.Map.from_text(formulas, names, {"a": 0.5})
    x = (-1 + 1.5**0.5) / 0.5
    found = follow(step, [x, -x, *others], "a", (-1.5, 4.5))
    assert meanings(found) == {("fold", -1.0): "resonance 1:1 along a conservative family",
                               ("flip", 3.0): "resonance 1:2 along a conservative family"}  # fmt: skip
    assert all(s.coefficient is None and s.supercritical is None for s in found.bifurcations)


def test_flip_of_the_standard_map():
    """At (π, 0) the trace is 2 − K: a flip at K = 4."""
    step = cf.Map.from_text(["x + y + k*sin(x)", "y + k*sin(x)"], "x y", {"k": 2.0})
    found = follow(step, [math.pi, 0.0], "k", (0.5, 5.0))
    assert meanings(found) == {("flip", 4.0): "resonance 1:2 along a conservative family"}


def test_a_resonance_that_is_passed_once_is_no_family():
    """y, −(1 − m)x − (2 + m)y + y³: −1 twice at m = 0, where the determinant 1 − m only passes 1."""
    step = cf.Map.from_text(["y", "-(1 - m)*x - (2 + m)*y + y**3"], "x y", {"m": 0.3})
    (flip,) = follow(step, [0.0, 0.0], "m", (-0.5, 0.5)).bifurcations[:1]
    assert abs(flip.parameter) < 1e-9 and flip.coefficient is None
    assert "resonance 1:2" in flip.meaning and "conservative" not in flip.meaning


def test_a_scalar_double_multiplier_is_no_resonance():
    """−(1 + m)(x, y) + …: −1 twice with two eigenvectors, though the multipliers are equal all along."""
    step = cf.Map.from_text(["-(1 + m)*x + x**3", "-(1 + m)*y + y**3"], "x y", {"m": -0.3})
    (flip,) = (s for s in follow(step, [0.0, 0.0], "m", (-0.5, 0.5)).bifurcations if s.kind == "flip")
    assert flip.supercritical is not None and "resonance" not in flip.meaning
