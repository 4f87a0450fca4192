"""The uncertainty exponent: of smooth boundaries, of one whose dimension is ln 2/ln 3, and of grids that cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

# Outside of Cantor's set an orbit leaves through the middle third: by its left half to −4, by its right half to 4.
CANTOR = cf.Map.from_text(
    "Piecewise((x/2 - 2, x < 0), (3*x, x < 1/3), (-1, x < 1/2), (2, x < 2/3), (3*x - 2, x < 1), (x/2 + 2, True))", "x"
)
WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))


def test_cantors_boundary_has_its_dimension():
    found = cf.analysis.boundary_dimension(cf.analysis.basins(CANTOR, [(CANTOR.names[0], (0, 1, 20_000))]))
    assert abs(found.dimension - np.log(2) / np.log(3)) < found.error < 0.06
    assert found.dimension == pytest.approx(1 - found.exponent)


def test_what_is_uncertain_is_counted_from_the_places_of_the_boundary():
    """Cells of Cantor's basins by their base-3 digits: the first digit 1, and whether the rest is above a half."""
    basins = cf.analysis.basins(CANTOR, [(CANTOR.names[0], (0, 1, 3000))])
    ends = np.array([_end(x) for x in basins.first])
    place = np.array([one.points[0, 0] for one in basins.attractors])
    assert np.array_equal(np.sign(place[basins.labels[0]]), ends)
    found = cf.analysis.boundary_dimension(basins)
    for k, part in enumerate(found.uncertain):
        step = 2**k
        there = [ends[i] != ends[i - step] or ends[i] != ends[i + step] for i in range(step, len(ends) - step)]
        assert part == pytest.approx(np.mean(there))
        assert found.sizes[k] == step / 3000


def _end(x: float) -> int:
    while not 1 / 3 <= x < 2 / 3:
        x = 3 * x if x < 1 / 3 else 3 * x - 2
    return -1 if x < 1 / 2 else 1


@pytest.mark.parametrize(("step", "box", "shape"), [(WELL, [(-2, 2)], 1000), (HIMMELBLAU, [(-5, 5)] * 2, 200)])
def test_smooth_boundaries_give_one(step, box, shape):
    vary = [(name, (*ends, shape)) for name, ends in zip(step.names, box, strict=True)]
    found = cf.analysis.boundary_dimension(cf.analysis.basins(step, vary))
    assert found.exponent == pytest.approx(1, abs=0.05)
    assert abs(found.exponent - 1) < 3 * found.error + 0.01


@pytest.mark.slow
def test_a_fractal_boundary_does_not():
    found = cf.analysis.boundary_dimension(cf.analysis.basins(HIMMELBLAU.at(lr=0.03), [("x", (-6, 6, 200)), ("y", (-6, 6, 200))]))
    assert found.exponent + 3 * found.error < 0.8


def test_grids_that_cannot_tell_are_refused():
    with pytest.raises(UsageError, match="needs a grid"):
        cf.analysis.boundary_dimension(cf.analysis.basins(WELL, [("w", (-2, 2, 100))]))
    with pytest.raises(UsageError, match="no boundary"):
        cf.analysis.boundary_dimension(cf.analysis.basins(WELL, [("w", (0.5, 1.5, 300))]))


def test_labels_and_regimes_are_taken_too():
    """A straight line, through true and false and between two periods."""
    rows, columns = np.mgrid[:240, :240]
    found = cf.analysis.boundary_dimension(rows > 120 + columns / 3)
    assert found.dimension == pytest.approx(1, abs=0.02)
    regimes = cf.analysis.regimes(WELL, [("lr", [0.2, 0.3]), ("a", [1.0, 1.1])], [0.3])
    assert cf.analysis.boundary_dimension(replace(regimes, labels=np.where(rows > 120 + columns / 3, 1, 2))).sizes.tolist() == found.sizes.tolist()
    assert cf.analysis.boundary_dimension(replace(regimes, labels=np.where(rows > 120 + columns / 3, 1, 2))).dimension < 1.02
    for labels, words in ((np.full((200, 200), 0.5), "whole numbers"), (np.ones((200, 200)), "one label"), ("abc", "labels")):
        with pytest.raises(UsageError, match=words):
            cf.analysis.boundary_dimension(labels)


def test_every_record_of_labels_on_a_grid_is_taken_and_what_ctrl_c_left_open_is_left_out():
    vary = [("lr", np.linspace(0.2, 2.2, 240)), ("a", np.linspace(0.5, 2, 240))]
    periods, times = cf.analysis.period_diagram(WELL, vary, z0=[0.3]), cf.analysis.settling_times(WELL, vary, [0.3])
    expected = cf.analysis.boundary_dimension(periods.labels)
    assert cf.analysis.boundary_dimension(periods).exponent == expected.exponent
    assert cf.analysis.boundary_dimension(times).exponent == cf.analysis.boundary_dimension(times.labels).exponent
    rows = np.arange(240)[:, None]
    stopped, undecided = (replace(periods, labels=np.where(rows < 200, periods.labels, label)) for label in (-5, -2))
    assert cf.analysis.boundary_dimension(stopped).uncertain.tolist() == cf.analysis.boundary_dimension(undecided).uncertain.tolist()


def test_finer_grids_do_not_promise_too_much():
    """z² − 1 on boxes where slopes look straight: 1.277 at 1000² starts, 0.009 too much, whatever their scatter."""
    step = cf.Map.from_text(["x**2 - y**2 - 1", "2*x*y"], "x y")
    for box in ([(-2, 2)] * 2, [(-1.1, 0.9), (-0.9, 1.1)]):
        found = cf.analysis.boundary_dimension(cf.analysis.basins(step, [(name, (*ends, 1000)) for name, ends in zip(step.names, box, strict=True)], transient=300))
        assert abs(found.dimension - 1.26835) < 2 * found.error < 0.03


@pytest.mark.parametrize(("a", "b", "dimension"), [(-1.0, 0.0, 1.26835), (-0.122561166876654, 0.744861766619744, 1.3934), (0, 0, 1)])
def test_julia_sets_have_their_published_dimensions(a, b, dimension):
    """z² − 1, the rabbit (C. McMullen, Hausdorff dimension and conformal dynamics III, 1998) and the circle."""
    step = cf.Map.from_text(["x**2 - y**2 + a", "2*x*y + b"], "x y", {"a": a, "b": b})
    found = cf.analysis.boundary_dimension(cf.analysis.basins(step, [("x", (-1.8, 1.8, 400)), ("y", (-1.3, 1.3, 400))], transient=300))
    assert abs(found.dimension - dimension) < 2 * found.error < 0.05


def grebogi(n: int, steps: int) -> np.ndarray:
    """θ' = θ + 1.32 sin 2θ − 0.9 sin 4θ − x sin θ, x' = −0.3 cos θ: whether starts end at θ = 0 or at π."""
    x, t = np.meshgrid((np.arange(n) + 0.5) / n - 0.5, np.linspace(0, 2 * np.pi, n, endpoint=False) + 0.001, indexing="ij")
    for _ in range(steps):
        x, t = -0.3 * np.cos(t), t + 1.32 * np.sin(2 * t) - 0.9 * np.sin(4 * t) - x * np.sin(t)
    return (np.cos(t) > 0).astype(int)


@pytest.mark.parametrize(("n", "steps", "most"), [(200, 150, 0.2), pytest.param(384, 1000, 0.04, marks=pytest.mark.slow)])
def test_a_dense_boundary_whose_line_is_straight_has_its_dimension(n, steps, most):
    """1.8 (Grebogi, McDonald, Ott & Yorke 1983, α = 0.2): half of neighbours differ, and the line is straight all the same."""
    found = cf.analysis.boundary_dimension(grebogi(n, steps))
    assert found.uncertain[0] > 0.4
    assert abs(found.dimension - 1.8) < 3 * found.error < 3 * most


@pytest.mark.parametrize("rate", [0.02, 0.05])
def test_points_too_dense_for_the_grid_do_not_pass_for_a_fractal(rate):
    """Labels that change at random places: isolated points, α = 1, of which a coarse grid shows a flat line."""
    labels = np.cumsum(np.random.default_rng(0).random(20_000) < rate) % 2
    found = cf.analysis.boundary_dimension(labels)
    assert found.exponent < 0.5 and abs(found.exponent - 1) < 3 * found.error
