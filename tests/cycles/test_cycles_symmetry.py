"""Cycles of symmetric maps: one of the images is looked for, and all are found."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from tests.oracles import needs_compiler

SHIFT = np.array([0.25, 0.5])  # moves the centre of a symmetry away from 0, where it is no exchange of entries or signs


def both(formulas, variables, period, side, params=None):
    """The cycles of a map, and of the same one about another centre, moved back; the links that either took."""
    names, box = variables.split(), [(-side, side)] * len(variables.split())
    step = cf.Map.from_text(formulas, variables, params)
    moved = [f"{by} + ({formula})" for formula, by in zip(formulas, SHIFT)]
    for name, by in zip(names, SHIFT):
        moved = [formula.replace(name, f"({name} - {by})") for formula in moved]
    other = cf.Map.from_text(moved, variables, params)
    here = cf.analysis.cycles(step, period, box)
    there = cf.analysis.cycles(other, period, np.array(box) + SHIFT[:, None])
    assert "symmetric under" in here.reason and "symmetric" not in there.reason
    return here, there, [found.provenance["settings"]["links"] for found in (here, there)]


def same(here, there):
    """The same cycles, with the same multipliers, whatever point comes first."""
    assert here.complete and there.complete and len(here) == len(there)
    points = there.points - SHIFT
    for cycle in here:
        gap = [np.abs(points[:, k] - cycle.points[0]).max(axis=1) for k in range(here.period)]
        row = int(np.argmin(np.min(gap, axis=0)))
        assert np.min(gap, axis=0)[row] < 1e-9
        np.testing.assert_allclose(there.multipliers[row], cycle.multipliers, rtol=1e-5, atol=1e-7)
    at = np.array([c.points[0] for c in here]).reshape(len(here), there.points.shape[2])
    assert len(at) < 2 or (np.abs(at[:, None] - at).max(axis=2) + np.eye(len(at))).min() > 1e-9


@pytest.mark.parametrize("period", [1, 2, 3, 5, 7])
def test_duffings_map(period):
    """(x, y) → (−x, −y): half of the work."""
    here, there, links = both(["y", "a*y - b*x - y**3"], "x y", period, 3, {"a": 2.75, "b": 0.2})
    same(here, there)
    assert links[0] < 0.7 * links[1]
    assert "(x, y) → (−x, −y): half of the box was searched" in here.reason


def test_two_layers():
    """(xy − 1)²/4 at lr 1.5: exchange and sign, less than a third of the work; on the diagonal the cubic's 3-cycles."""
    here, there, links = both(["x - 0.75*(x*y - 1)*y", "y - 0.75*(x*y - 1)*x"], "x y", 3, 3)
    same(here, there)
    assert links[0] < links[1] / 3
    line = cf.analysis.cycles(cf.Map.from_text("x - 0.75*(x**2 - 1)*x"), 3, [(-3, 3)])
    on = [c for c in here if np.abs(c.points[:, 0] - c.points[:, 1]).max() < 1e-9]
    np.testing.assert_allclose(sorted(c.points[:, 0].min() for c in on), sorted(line.points[:, 0, 0]), atol=1e-9)


@pytest.mark.parametrize("period", [1, 2, 3])
def test_a_group_of_eight(period):
    """Two odd cubics side by side: both signs, and their exchange."""
    here, there, links = both(["a*x - x**3", "a*y - y**3"], "x y", period, 2, {"a": 2.9})
    same(here, there)
    assert links[0] < links[1] / 3 and "an eighth" in here.reason


def test_a_cyclic_exchange():
    """Three logistic maps in a ring: (x, y, z) → (y, z, x) only."""
    formulas = [f"3.6*{a}*(1 - {a}) + 0.1*({b} - {a})" for a, b in ("xy", "yz", "zx")]
    step = cf.Map.from_text(formulas, "x y z")
    everywhere, part = ([(-1.0, 2.0)] * 3, [(-1.0, 2.0), (-1.0, 2.0), (-1.0, 2.1)])
    for period in (1, 2):
        found, whole = (cf.analysis.cycles(step, period, box) for box in (everywhere, part))
        assert "a third" in found.reason and "symmetric" not in whole.reason
        assert found.complete and whole.complete
        np.testing.assert_allclose(found.points, whole.points, atol=1e-9)


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.floats(0.1, 0.8), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_odd_polynomials_have_the_same_cycles_about_another_centre(c, b, period):
    params = {"c": c[0], "d": c[1], "e": 0.5 + abs(c[2]), "b": b}
    here, there, _ = both(["y", "c*y + d*x*y**2 - e*y**3 - b*x"], "x y", period, 3, params)
    complete = here.complete and there.complete
    assert complete or (here.reason and there.reason)
    if complete:
        same(here, there)


def test_a_box_that_is_not_symmetric_is_searched_whole():
    step = cf.Map.from_text(["y", "a*y - b*x - y**3"], "x y", {"a": 2.75, "b": 0.2})
    whole, part = (cf.analysis.cycles(step, 3, box) for box in ([(-3, 3)] * 2, [(-3, 0.1), (-3, 3)]))
    assert "symmetric" in whole.reason and "symmetric" not in part.reason
    inside = [((c.points >= [-3, -3]) & (c.points <= [0.1, 3])).all(axis=1).any() for c in whole]
    assert part.complete and len(part) == sum(inside)


def test_what_is_undecided_has_images_too():
    """The valley xy = 1 of fixed points has two branches, each mapped to itself and to the other."""
    found = cf.analysis.cycles(cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=1.1)), 1, [(-3, 3)] * 2)
    assert "a quarter" in found.reason and not found.complete
    for x in (0.4, 1.0, 2.9, -0.4, -1.0, -2.9):
        assert any(((box[:, 0] <= [x, 1 / x]) & ([x, 1 / x] <= box[:, 1])).all() for box in found.undecided)


@needs_compiler
@pytest.mark.parametrize("period", [9, 10])
def test_words_of_an_odd_cubic(period):
    """The full cubic's 2184 and 5880 cycles, and those of the same map about another centre, whose words are all looked at."""
    cubic = cf.Map.from_text("3*x - x**3")
    moved = cf.Map.from_text("0.5 + 3*(x - 0.5) - (x - 0.5)**3")
    here, there = cf.analysis.cycles(cubic, period, [(-2, 2)]), cf.analysis.cycles(moved, period, [(-1.5, 2.5)])
    assert "x → −x: mirror images of itineraries were omitted" in here.reason and "symmetric" not in there.reason
    assert here.complete and there.complete and len(here) == len(there) == {9: 2184, 10: 5880}[period]
    np.testing.assert_allclose(np.sort(here.points.ravel()), np.sort(there.points.ravel() - 0.5), atol=1e-12)
    assert np.abs(np.sort(here.points.ravel()) + np.sort(here.points.ravel())[::-1]).max() < 1e-12


def pair(formula, period, side, **params):
    """The cycles of an odd map with half of its words looked at from the first on, and about another centre with all."""
    here = cf.Map.from_text(formula.format(x="x"), "x", params)
    there = cf.Map.from_text("0.5 + " + formula.format(x="(x - 0.5)"), "x", params)
    with patch("cfdyn.cycles.line.itineraries.SHORT", 0):
        found = cf.analysis.cycles(here, period, [(-side, side)])
    whole = cf.analysis.cycles(there, period, [(0.5 - side, 0.5 + side)])
    assert "symmetric" not in whole.reason and "mirror images" in found.reason
    return found, whole


@needs_compiler
@given(st.floats(1.2, 3.4), st.floats(-0.05, 0.05), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_odd_polynomials_of_one_variable(a, c, period):
    """As many cycles, at the same places."""
    found, whole = pair("a*{x} - {x}**3 + c*{x}**5", period, 2.5, a=a, c=c)
    if found.complete and whole.complete:
        assert len(found) == len(whole)
        np.testing.assert_allclose(np.sort(found.points.ravel()), np.sort(whole.points.ravel() - 0.5), atol=1e-9)
    else:
        assert len(found.undecided) or len(whole.undecided)


@needs_compiler
@pytest.mark.parametrize("a", [1 + np.sqrt(5), 3.0, 2 + np.sqrt(5), 1.2, 1.5, 2.0])
def test_cycles_at_turning_points_of_odd_maps(a):
    """Where words meet, and where the signs of a fixed point's multiplier or of a cycle's points change."""
    for n in (1, 2, 3, 4, 6):
        found, whole = pair("a*{x} - {x}**3", n, 2.5, a=a)
        assert len(found) == len(whole) and found.complete == whole.complete


@pytest.mark.slow
def test_a_search_adds_images():
    """Nine variables and no boxes: each cycle comes with its images under the signs and exchanges that hold."""
    names = [f"w{i}" for i in range(9)]
    step = cf.Map.from_text(["2.9*w0 - w0**3", "2.5*w1 - w1**3", *(f"{n}/2 + 0.1" for n in names[2:])], " ".join(names))
    found = cf.analysis.cycles(step, 1, [(-2, 2)] * 9)
    assert "images were added" in found.reason and "w0 → −w0, w1 → −w1" in found.reason and not found.complete
    expected = [(a * np.sqrt(1.9), b * np.sqrt(1.5)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    assert sorted(found.points[:, 0, :2].round(9).tolist()) == [pytest.approx(at, abs=1e-8) for at in expected]
    np.testing.assert_allclose(found.points[:, 0, 2:], 0.2, atol=1e-12)


IKEDA = {2: 1, 3: 2, 4: 3, 5: 4, 6: 7, 7: 10}  # period -> cycles in its attractor


@pytest.mark.parametrize(
    ("method", "period", "count"),
    [
        *(("davidchack-lai", period, count) for period, count in IKEDA.items()),
        # Small steps take longer.
        *(pytest.param("schmelcher-diakonos", period, count, marks=[pytest.mark.slow] if period > 2 else [])
          for period, count in IKEDA.items()),
    ],
)  # fmt: skip
def test_ikedas_map(method, period, count):
    """The numbers of cycles in its attractor, by two methods of different kinds; up to period 4 boxes prove them all."""
    turn = "k - e/(1 + x**2 + y**2)"
    formulas = [f"1 + b*(x*cos({turn}) - y*sin({turn}))", f"b*(x*sin({turn}) + y*cos({turn}))"]
    step = cf.Map.from_text(formulas, "x y", {"b": 0.9, "k": 0.4, "e": 6.0})
    found = cf.analysis.cycles(step, period, [(-1, 3), (-3, 2)], method=method)
    assert len(found) == count and not found.complete and "there may be more" in found.reason
    for cycle in found:
        following = np.array([step(z) for z in cycle.points])
        np.testing.assert_allclose(following, np.roll(cycle.points, -1, axis=0), atol=1e-10)
    if period <= 4:
        every = cf.analysis.cycles(step, period, [(-1, 3), (-3, 2)])
        assert every.complete
        np.testing.assert_allclose(np.sort(found.points.ravel()), np.sort(every.points.ravel()), atol=1e-9)


@pytest.mark.slow
def test_small_steps_find_what_boxes_prove():
    """Hénon's cycles with their published numbers, two coupled Hénon maps, and all of a parabola."""
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    counts = [len(cf.analysis.cycles(henon, n, [(-2, 2), (-1, 1)], method="schmelcher-diakonos")) for n in range(1, 8)]
    assert counts == [2, 1, 0, 1, 0, 2, 4]
    pair = cf.Map.from_text(["1 - 1.4*x**2 + y + c*(u - x)", "0.3*x", "1 - 1.4*u**2 + v + c*(x - u)", "0.3*u"], "x y u v", {"c": 0.05})
    box = [(-2, 2), (-1, 1)] * 2
    for n in (1, 2):
        every, found = cf.analysis.cycles(pair, n, box), cf.analysis.cycles(pair, n, box, method="schmelcher-diakonos")
        assert every.complete and found.method == "schmelcher-diakonos"
        np.testing.assert_allclose(found.points, every.points, atol=1e-9)
    logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
    found = cf.analysis.cycles(logistic, 4, [(0, 1)], method="schmelcher-diakonos")
    at = np.concatenate([np.sin(np.pi * np.arange(1, 16) / (16 + s)) ** 2 for s in (-1, 1)])
    assert len(found) == 3 and np.abs(found.points.reshape(-1, 1) - at).min(axis=1).max() < 1e-12


@pytest.mark.parametrize(("options", "message"), [
    ({"method": "davidchack"}, "unknown method 'davidchack'; did you mean 'davidchack-lai'"), ({"method": None}, "`method` is a text"),
    ({"method": "davidchack-lai", "box": [(0, np.inf)]}, "finite for the method davidchack-lai; for x"), ({"period": True}, "a whole number, not True"),
])  # fmt: skip
def test_bad_options_get_a_sentence(options, message):
    logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
    with pytest.raises(cf.errors.UsageError, match=message):
        cf.analysis.cycles(logistic, **{"period": 2, "box": [(0, 1)], **options})
