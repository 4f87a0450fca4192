"""Figures of branches, cascades and exact cycles: what is drawn, what is written beside it, and that it fits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import cfdyn as cf
from cfdyn.plotting.panels import spread
from cfdyn.plotting.sweeps import middles, swept

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
WELLS = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8))


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts if t.get_text()]


def test_both_wells_have_their_orbits():
    """w ↦ A w − η w³, A = 1 + η: ±1, then w² = (A ± √(A² − 4))/2η; each well its own until they merge at 3√3/2 − 1."""
    values = np.linspace(0.5, 1.9, 29)
    x, y = swept(WELLS, "lr", values, [(0.7, np.array([1.0])), (0.7, np.array([-1.0]))])
    below = y[np.isclose(x, 0.9)]
    assert set(np.round(below, 6)) == {-1.0, 1.0}
    cycle = y[np.isclose(x, 1.2)]
    squares = (2.2 + np.array([-1, 1]) * np.sqrt(2.2**2 - 4)) / 2.4
    assert set(np.round(cycle, 6)) == set(np.round(np.concatenate([np.sqrt(squares), -np.sqrt(squares)]), 6))
    apart = y[np.isclose(x, 1.5)]
    assert (apart < 0).any() and (apart > 0).any() and np.abs(apart).min() > 0.1
    np.testing.assert_allclose(np.abs(y[np.isclose(x, 1.8)]).min(), 0, atol=0.1)


def test_a_second_start_on_the_same_attractor_adds_nothing():
    values = np.linspace(1.5, 3.4, 20)
    once = swept(LOGISTIC, "r", values, [(2.5, np.array([0.6]))])
    twice = swept(LOGISTIC, "r", values, [(2.5, np.array([0.6])), (2.8, np.array([0.2]))])
    np.testing.assert_array_equal(once, twice)


def test_orbits_that_escape_are_left_out():
    x, _ = swept(LOGISTIC, "r", np.linspace(3.8, 4.2, 21), [(3.9, np.array([0.4]))])
    assert x.min() == 3.8 and 3.98 < x.max() < 4.001


@given(st.lists(st.floats(0, 1), max_size=20))
def test_labels_move_apart_and_stay(values):
    places = spread(sorted(values), 0.04, 1.0)
    gaps = np.diff(places)
    assert (gaps > 0.04 - 1e-12).all() and all(-1e-12 <= place <= 1 for place in places)


def test_the_middle_of_each_stable_piece():
    assert middles(np.array([True, True, True, False, True, False])) == [1, 4]


def test_a_deep_diagram_fits_and_names_all_its_flips():
    """The flips 3, 1 + √6, 3.54409…, 3.56440…, 3.56875…; the legend is inside the figure."""
    found = cf.analysis.branches(LOGISTIC, [(-0.5, 1.2)], "r", (0.5, 3.9), depth=4)
    figure = cf.plot(found)
    assert texts(figure) == ["1", "3", "3.4495", "3.5441", "3.5644", "3.5688"]
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert box.x0 >= whole.x0 and box.x1 <= whole.x1 and len(legend.get_texts()) == 9
    # Without the lines that lead to them.
    labels = [Text.get_window_extent(t) for t in figure.axes[0].texts if t.get_text()]
    assert all(a.x1 <= b.x0 for a, b in zip(labels[:-1], labels[1:], strict=True)) and labels[-1].x1 <= whole.x1


def test_what_runs_off_at_one_value_does_not_set_the_scale():
    """The Hénon map's fixed points are of size (1 − b)/a where a → 0; its orbits for a up to 1.4 stay within ±1.5."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "0.3*x"], "x y", {"a": 0.3})
    axes = cf.plot(cf.analysis.branches(step, [(-5, 5), (-2, 2)], "a", (-0.2, 1.4), depth=1)).axes[0]
    low, high = axes.get_ylim()
    assert -20 < low < -1.5 and 2 < high < 20
    assert "$a$ = −0.1225" in [t.get_text() for t in axes.texts]


def test_pieces_of_a_branch_join():
    """Along a circle x² + l² = 1 the stable upper and the unstable lower half meet at the folds; along r = 3 at the flip."""
    circle = cf.Map.from_text("x + c*(1 - x**2 - l**2)", params={"c": 0.3, "l": 0.2})
    for step, start, name, bounds in ((circle, [0.96**0.5], "l", (-2, 2)), (LOGISTIC, [0.6], "r", (1.5, 4.0))):
        axes = cf.plot(cf.analysis.continue_cycle(step, start, name, bounds), orbit=False).axes[0]
        pieces = [np.array(line.get_xydata()) for line in axes.lines if len(line.get_xydata()) > 1 and line.get_marker() == "None"]
        assert len(pieces) >= 2
        for before, after in zip(pieces[:-1], pieces[1:], strict=True):
            np.testing.assert_array_equal(before[-1], after[0])


def test_a_border_collision_at_zero_is_written_as_zero():
    step = cf.Map.from_text("Piecewise((x/2 + l, x < 0), (l - s*x, True))", "x", {"l": 0.5, "s": 1.2})
    branch = cf.analysis.continue_cycle(step, [0.5 / 2.2], "l", (-1, 1))
    assert [s.kind for s in branch.bifurcations] == ["border collision"] and texts(cf.plot(branch)) == ["$l$ = 0"]


def test_a_cascade_names_its_parameter():
    found = cf.analysis.cascade(WELLS, [1.0], "lr", (0.5, 1.9), levels=6)
    title = cf.plot(found).axes[1].get_title()
    assert title.startswith(r"$\eta$ → 1.3022") and "λ" not in title


@pytest.mark.parametrize(("period", "lo", "hi"), [(2, 2.75, 3.7), (3, 3.55, 4.0)])
def test_exact_cycles_have_orbits_all_along_and_end_where_orbits_escape(period, lo, hi):
    """The logistic map's orbits escape beyond r = 4."""
    axes = cf.plot(cf.symbolic.cycles(LOGISTIC, period)).axes[0]
    x = np.unique(axes.lines[0].get_xdata())
    first, last = axes.get_xlim()
    assert first < lo and hi - 0.02 < last < 4.02
    assert x[0] < first + 0.03 * (last - first) and x[-1] > last - 0.03 * (last - first)
    assert np.diff(x).max() < 0.02 * (last - first)


def test_titles_have_single_spaces():
    step = cf.Map.from_text(["1 - a*x**2 + y", " b*x "], "x y", {"a": 0.5, "b": 0.3})
    assert step.title == "x → 1 - a*x**2 + y; y → b*x"
