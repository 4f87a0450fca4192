"""Maps that AUTO and MatContM are shown with: which points of codimension two their curves have, and the coefficients in 30 digits.

Points are given by what makes them: a Neimark–Sacker point has det A = 1, and 1:1, 1:2, 1:3 and 1:4 are at tr A = 2, −2, −1, 0.
"""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

import cfdyn as cf
from tests.normal_forms import multilinear
from tests.normal_forms.test_normal_form_literature import AGES, LESLIE_GOWER, LESLIE_GOWER_POINTS


class Subject:
    """A map from formulas, for the package and, evaluated by Python, for the independent implementation."""

    def __init__(self, formulas, names, params):
        self.formulas, self.names = formulas, names
        self.step = cf.Map.from_text(formulas, names, params)

    def function(self, params):
        values = {name: mp.mpf(float(value)) for name, value in params.items()}
        compiled = [compile(formula, "formula", "eval") for formula in self.formulas]

        def f(*z):
            scope = {**values, **dict(zip(self.names.split(), z, strict=True)), "exp": multilinear.exp}
            return [eval(code, {"__builtins__": {}}, scope) for code in compiled]

        return f

    def curve(self, kind, start, vary, bounds, **params):
        return cf.analysis.bifurcation_curve(self.step.at(**params), (kind, [start]), vary, bounds)


LOGISTIC = Subject(["r*x*(1 - x) + h"], "x", {"r": 3.0, "h": 0.0})
HENON = Subject(["a - x**2 + b*y", "x"], "x y", {"a": 0.0, "b": 0.4})
DELAYED = Subject(["r*x*(1 - y) + h", "x"], "x y", {"r": 2.0, "h": 0.0})
PREY = Subject(["a*x*(1 - x) - x*y", "x*y/b"], "x y", {"a": 4.0, "b": 0.375})
KOPEL = Subject(["(1 - rho)*x + rho*mu*y*(1 - y)", "(1 - rho)*y + rho*mu*x*(1 - x)"], "x y", {"mu": 3.2, "rho": 1.1})
CONTROL = Subject(["y", "b*x + k + y*z", "z - k*y/(c + y**2)*(b*x + k + z*y - 1)"], "x y z", {"b": 0.6, "k": 0.6, "c": 0.5})
RICKER = Subject(["a*x*exp(-x - s*y)", "x"], "x y", {"a": 8.0, "s": 0.5})


def pairs(*points):
    """(kind, parameters) in an order of its own."""
    return sorted((kind, tuple(round(float(v), 8) + 0.0 for v in values)) for kind, values in points)


def assert_coefficients(subject, curve, least):
    """All of them against the 30-digit implementation; at least so many points have some."""
    known = [s for s in curve.special if s.coefficients]
    assert len(known) >= least
    for special in known:
        params = curve.map_at(special).params
        angles = [special.coefficients[key] for key in ("theta", "theta1", "theta2") if key in special.coefficients]
        name = special.kind.replace(" ", "_").replace("-", "_").replace("1:", "")
        at = multilinear.Derivatives(subject.function(params), special.points[0], len(special.points))
        wanted = {key: complex(value) for key, value in getattr(multilinear, name)(at, *angles).items()}
        found = {key: special.coefficients[key] for key in wanted if key in special.coefficients}
        assert len(found) >= len(wanted) - 1
        assert found == pytest.approx({key: wanted[key] for key in found}, rel=1e-7, abs=1e-9)


@pytest.mark.slow
def test_the_logistic_map_has_none():
    """Its Schwarzian derivative is negative: no flip is degenerate, and in one variable x² has no cusp."""
    flip = LOGISTIC.curve("flip", [2 / 3], ("r", "h"), ((1, 4), (-0.5, 0.5)))
    fold = LOGISTIC.curve("fold", [0.0], ("r", "h"), ((0.2, 4), (-0.5, 0.5)), r=1.0)
    assert len(flip) > 20 and len(fold) > 20 and flip.special == fold.special == []


def test_henon():
    """Flip a = ¾(1 − b)², fold a = −¼(1 − b)²; b = −1 keeps areas, b = 1 too, but for their sign."""
    box = ((-3, 6), (-1.5, 1.5))
    flip = HENON.curve("flip", [0.3, 0.3], ("a", "b"), box, a=0.27)
    fold = HENON.curve("fold", [-0.3, -0.3], ("a", "b"), box, a=-0.09)
    circle = HENON.curve("neimark-sacker", [math.sqrt(1.5) - 1] * 2, ("a", "b"), box, a=0.5, b=-1.0)
    found = [pairs(*((s.kind, s.parameters) for s in curve.special)) for curve in (flip, fold, circle)]
    assert found == [
        pairs(("fold-flip", (0, 1)), ("resonance 1:2", (3, -1))), pairs(("fold-flip", (0, 1)), ("resonance 1:1", (-1, -1))),
        pairs(*((f"resonance 1:{k}", (a, -1)) for k, a in ((1, -1), (2, 3), (3, 1.25), (4, 0)))),
    ]  # fmt: skip
    for curve in (flip, fold, circle):
        assert_coefficients(HENON, curve, 2)
    said = {s.kind: s.meaning for curve in (flip, circle) for s in curve.special}
    assert "b − 2a vanishes" in said["resonance 1:1"] and "D vanishes" in said["resonance 1:2"]
    assert "neutral" in said["resonance 1:3"] and "|A| = 1" in said["resonance 1:4"] and "neutral" in said["fold-flip"]


@pytest.mark.slow
def test_delayed_logistic_map():
    """Neimark–Sacker: rx = 1, trace r − 1."""
    curve = DELAYED.curve("neimark-sacker", [0.5, 0.5], ("r", "h"), ((-4, 6), (-6, 6)))
    assert pairs(*((s.kind, s.parameters) for s in curve.special)) == pairs(
        ("resonance 1:1", (3, -1 / 3)), ("resonance 1:4", (1, 1))
    )
    assert_coefficients(DELAYED, curve, 2)


def test_predator_and_prey():
    """Neimark–Sacker: a(1 − 2b) = 1, trace 2 − ab; flip: a(3b − 1) = 3."""
    curve = PREY.curve("neimark-sacker", [0.375, 1.5], ("a", "b"), ((0.5, 12), (0.01, 0.6)))
    wanted = pairs(("resonance 1:4", (5, 2 / 5)), ("resonance 1:3", (7, 3 / 7)), ("resonance 1:2", (9, 4 / 9)))
    assert pairs(*((s.kind, s.parameters) for s in curve.special)) == wanted
    assert_coefficients(PREY, curve, 3)
    flip = PREY.curve("flip", [0.5, 2.0], ("a", "b"), ((0.5, 12), (0.01, 0.9)), a=6.0, b=0.5)
    assert pairs(*((s.kind, s.parameters) for s in flip.special)) == pairs(
        ("branch point-flip", (3, 2 / 3)), ("resonance 1:2", (9, 4 / 9))
    )
    assert_coefficients(PREY, flip, 1)


def test_kopels_duopoly():
    """The fixed point off the diagonal: det A = 1, and 1:4 at ρ = 1, μ = 1 + √6, where A = −3."""
    mu = 1 + math.sqrt(6)
    start = np.array([(mu + 1 + s * math.sqrt((mu + 1) * (mu - 3))) / (2 * mu) for s in (1, -1)])
    curve = KOPEL.curve("neimark-sacker", start, ("mu", "rho"), ((3.05, 6), (0.3, 1.9)), mu=mu, rho=1.0)
    found = {s.kind: s for s in curve.special}
    assert set(found) == {"resonance 1:3", "resonance 1:4"} and len(curve.special) == 2
    assert found["resonance 1:4"].parameters == pytest.approx([mu, 1], abs=1e-9)
    assert found["resonance 1:4"].coefficients["A"] == pytest.approx(-3, abs=1e-9)
    assert found["resonance 1:3"].coefficients["a"] == pytest.approx(-4 / 3, abs=1e-9)
    assert_coefficients(KOPEL, curve, 2)


@pytest.mark.slow
def test_adaptive_control():
    """c = ½: Neimark–Sacker at b = −3/5 along k, with 1:4, 1:3 and 1:2 at k = 6/5, 9/5, 12/5, and two Chenciner points."""
    k = 2.35
    curve = CONTROL.curve("neimark-sacker", [1.0, 1.0, 1.6 - k], ("b", "k"), ((-3, 3), (0.05, 6)), b=-0.6, k=k)
    assert curve.parameters[:, 0] == pytest.approx(-0.6, abs=1e-10)
    strong = [(s.kind, s.parameters) for s in curve.special if s.kind != "chenciner"]
    assert pairs(*strong) == pairs(*((f"resonance 1:{q}", (-0.6, value)) for q, value in ((4, 1.2), (3, 1.8), (2, 2.4))))
    assert sum(s.kind == "chenciner" for s in curve.special) == 2 and len(curve.special) == 5
    assert_coefficients(CONTROL, curve, 5)
    flip = CONTROL.curve("flip", [1.0, 1.0, -0.2], ("k", "c"), ((-3, 6), (0.05, 4)))
    assert [s.kind for s in flip.special] == ["generalized flip"]
    assert_coefficients(CONTROL, flip, 1)


@pytest.mark.slow
def test_a_population_with_two_ages():
    """x ↦ ax e^{−x−sy}, y ↦ x: all of its Neimark–Sacker and flip curve, with exponentials."""
    start = math.log(8) / 1.5
    edge = cf.analysis.continue_cycle(RICKER.step, [start, start], "a", (2, 60)).bifurcations
    curve = cf.analysis.bifurcation_curve(RICKER.step.at(a=edge[0].parameter), edge[0], ("a", "s"), ((1.5, 400), (0.05, 6)))
    assert len(curve.special) > 0
    assert_coefficients(RICKER, curve, 1)


@pytest.mark.slow
def test_leslie_gower_with_two_species_of_two_ages():
    """Both flips of the coexisting populations: four points where they are degenerate, and where they meet a multiplier 1."""
    subject = Subject(AGES, "J A Y Z", dict(LESLIE_GOWER.params))
    branch = cf.analysis.continue_cycle(LESLIE_GOWER, LESLIE_GOWER_POINTS[1][1], "cyj", (0.1, 0.5))
    flips = [found for found in branch.bifurcations if found.kind == "flip"]
    assert len(flips) == 2
    for flip in flips:
        step = LESLIE_GOWER.at(cyj=flip.parameter)
        curve = cf.analysis.bifurcation_curve(step, flip, ("cyj", "cjy"), ((0.05, 0.6), (0.05, 0.6)))
        assert sorted(s.kind for s in curve.special) == ["fold-flip", "fold-flip", "generalized flip", "generalized flip"]
        assert_coefficients(subject, curve, 4)


@pytest.mark.slow
def test_points_on_a_curve_of_the_2_cycle():
    """Neimark–Sacker points of the generalised Hénon map, R = −0.4, from its own 1:2 to the fold–flip point of the fixed point."""
    subject = Subject(["y", "a - b*x - y**2 + R*x*y"], "x y", {"a": 0.5, "b": -1.05, "R": -0.4})
    start, box = [[0.6, -0.6], [-0.6, 0.6]], ((-3, 5), (-3, 2))
    curve = cf.analysis.bifurcation_curve(subject.step, ("neimark-sacker", start), ("a", "b"), box, search=True)
    known = {s.kind: len(s.points) for s in curve.special if s.coefficients}
    assert known == {"resonance 1:2": 2, "resonance 1:3": 2, "resonance 1:4": 2, "fold-flip": 1}
    assert_coefficients(subject, curve, 4)
