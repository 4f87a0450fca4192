"""Boxes that the step contracts: what is in them ends on the cycle, and by them basins are told sooner, not otherwise."""

import importlib

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles import attractors
from cfdyn.ensembles.membership import drawn_in

RNG = np.random.default_rng(5)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
TWO_CYCLE = np.array([[0.5130445095326298], [0.7994554904673701]])  # x = (r + 1 ± √((r − 3)(r + 1)))/(2r)
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))


def test_sides_of_a_quadratic_are_those_of_its_slope():
    """|r(1 − 2x)| is largest at an end: 3.2 |1 − 2·0.5130…| + 6.4 s over a box of half a side s; the second image must shrink."""
    first, second = drawn_in(LOGISTIC, TWO_CYCLE)
    assert second == pytest.approx(first * (3.2 * abs(1 - 2 * TWO_CYCLE[0, 0]) + 6.4 * first), rel=1e-12)
    assert first > 0.01


@pytest.mark.parametrize(("step", "points"), [(LOGISTIC, TWO_CYCLE), (HIMMELBLAU, np.array([[3.0, 2.0]]))], ids=["2-cycle", "minimum"])
def test_what_is_in_a_box_ends_on_the_cycle(step, points):
    sides = drawn_in(step, points)
    z = np.repeat(points, 200, axis=0) + np.repeat(sides, 200)[:, None] * RNG.uniform(-1, 1, (200 * len(points), step.dim))
    for _ in range(800):
        z = np.array([step(row) for row in z]) if len(points) == 1 else 3.2 * z * (1 - z)
    assert np.abs(z[:, None] - points).max(axis=2).min(axis=1).max() < 1e-10


@pytest.mark.parametrize(("text", "point"), [("x + x**3", 0.0), ("2*x", 0.0), ("Abs(x)/2", 0.0), ("x - x**3", 0.0)])
def test_none_is_found_where_nothing_contracts_or_branches_may_jump(text, point):
    assert not drawn_in(cf.Map.from_text(text, variables="x"), np.array([[point]])).any()


@pytest.mark.parametrize(
    ("step", "box"),
    [
        (HIMMELBLAU, [(-6, 6), (-6, 6)]),
        (HIMMELBLAU.at(lr=0.0155), [(-5, 5), (-5, 5)]),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.3, momentum=0.8)), [(-3, 3)]),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46)), [(-1.9, 1.9)]),
        pytest.param(cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.2266, "b": 0.3}),
                     [(-1.5, 1.5), (-0.5, 0.5)], marks=pytest.mark.slow),
    ],
    ids=["minima", "cycles beside minima", "with memory", "3-cycles", "Hénon's map"],
)
def test_basins_are_the_same_where_no_orbit_ends_early(step, box, monkeypatch):
    vary = [(name, (*ends, 48 if len(box) == 2 else 4096)) for name, ends in zip(step.names, box, strict=False)]
    module = importlib.import_module("cfdyn.analysis.attractors.basins")
    monkeypatch.setattr(module, "AT_ONCE", 512)
    monkeypatch.setattr(module, "SAMPLED", 64)
    soon = cf.analysis.basins(step, vary)
    monkeypatch.setattr(attractors, "HELD", 0)
    late = cf.analysis.basins(step, vary)
    assert [a.words for a in soon.attractors] == [a.words for a in late.attractors] and len(late.attractors)
    np.testing.assert_array_equal(soon.labels, late.labels)
