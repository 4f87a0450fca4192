"""The automatic diagram: every branch once, whatever way it is reached."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.bifurcations.branches import branches, passes
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle


def test_the_henon_map():
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.1, "b": 0.3})
    found = branches(step, [(-4, 4), (-4, 4)], "a", (0.05, 1.3), depth=2, samples=3)
    assert sorted(b.period for b in found) == [1, 1, 2, 4]
    by_period = {b.period: b for b in found if b.bifurcations}
    assert [s.parameter for s in by_period[1].bifurcations] == [pytest.approx(0.3675, rel=1e-12)]
    assert by_period[2].bifurcations[0].parameter == pytest.approx(0.9125, rel=1e-12)


def test_pitchfork_with_both_branches_and_their_flips():
    """x ↦ (1 + l)x − x³: 0 meets ±√l at 0, both flip at l = 1."""
    step = cf.Map.from_text("(1 + l)*x - x**3", params={"l": 0.5})
    found = branches(step, [(-2, 2)], "l", (-0.5, 1.1), depth=1)
    assert [b.period for b in found].count(1) == 2 and [b.period for b in found].count(2) == 2
    curved = next(b for b in found if b.period == 1 and np.ptp(b.points) > 0.1)
    assert 0 <= curved.parameter.min() < 0.01
    np.testing.assert_allclose(curved.points[:, 0, 0] ** 2, curved.parameter, atol=1e-9)
    kinds = sorted((s.kind, round(s.parameter, 9)) for s in curved.bifurcations)
    assert kinds == [("branch point", 0.0), ("flip", 1.0), ("flip", 1.0)]


def test_a_branch_knows_its_cycles():
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
    branch = branches(step, None, "r", (3.1, 3.4), starts=[(3.2, c.points) for c in cf.analysis.cycles(step, 2, [(0, 1)])],
                      period=2, depth=0)[0]  # fmt: skip
    other = cf.analysis.cycles(step.at(r=3.3), 2, [(0, 1)])[0].points
    assert passes(branch, 3.3, other) and passes(branch, 3.3, other[::-1].copy())
    assert not passes(branch, 3.3, other + 1e-3) and not passes(branch, 3.5, other)


def test_what_is_missing_is_said():
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
    with pytest.raises(cf.CfdynError, match="box"):
        branches(step, None, "r", (1, 3))
    with pytest.raises(cf.CfdynError, match="no cycle of period 3"):
        branches(step, [(0, 1)], "r", (1.2, 2.8), period=3)
    with pytest.raises(cf.CfdynError, match="depth"):
        branches(step, [(0, 1)], "r", (1.2, 2.8), depth=-1)
    assert "not followed" in branches(step, [(0.1, 1)], "r", (1.2, 3.5), depth=1).reason


def test_figures_also_of_what_was_loaded(tmp_path):
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
    branch = branches(step, [(0.1, 1)], "r", (1.2, 3.5), depth=0)[0]
    found = cf.load(branch.save(tmp_path / "branch.npz"))
    with_orbit, without = cf.plot(found), cf.plot(found, orbit=False)
    assert len(with_orbit.axes[0].lines) == len(without.axes[0].lines) + 1
    assert without.axes[0].get_xlabel() == "$r$" and without.axes[0].get_ylabel() == "$x$"
    # A record without the formulas of its map is drawn without its orbits.
    found.provenance["recipe"] = None
    assert len(cf.plot(found).axes[0].lines) == len(without.axes[0].lines)


def test_branches_that_cross_at_zero_name_each_other_alike():
    # (1 + μ) x − x²: 0 and μ cross. From either of them the point is transcritical, with the same coefficient.
    step = cf.Map.from_text("(1 + m)*x - x**2", params={"m": -0.5})
    (point,) = continue_cycle(step, [0.0], "m", (-1, 1)).bifurcations
    other = point.switch()
    assert [b.kind for b in other.bifurcations] == ["branch point"]
    for found in (point, *other.bifurcations):
        assert abs(found.parameter) < 1e-12 and found.meaning.startswith("transcritical")
        assert abs(found.coefficient + 1) < 1e-9
    # x ((1 + μ) + x² − x⁴): seen from the parabola it is the same subcritical pitchfork.
    step = cf.Map.from_text("(1 + m)*x + x**3 - x**5", params={"m": -0.5})
    (point,) = continue_cycle(step, [0.0], "m", (-1, 1)).bifurcations
    (same,) = (b for b in point.switch().bifurcations if b.kind == "branch point")
    for found in (point, same):
        assert found.supercritical is False and abs(found.coefficient - 1) < 1e-9
    # The delayed logistic map: 0 and 1 − 1/r cross at r = 1, from where the sign of f_r is round-off.
    step = cf.Map.from_text(["r*x*(1-y)", "x"], "x y", {"r": 1.5})
    point = continue_cycle(step, [1 / 3, 1 / 3], "r", (0.5, 1.8)).bifurcations[0]
    assert point.meaning.startswith("transcritical") and abs(point.parameter - 1) < 1e-12


def test_two_cycles_that_shrink_onto_a_minimum_at_zero_end_at_its_flip():
    step = cf.as_map(cf.Loss("log(cosh(w))"), cf.optimizers.gd(lr=2.733991))
    branch = continue_cycle(step, [1.2], "lr", (1, 10), period=2)
    (flip,) = branch.bifurcations
    assert branch.ends[0] == "flip of the fixed point at lr = 2" and flip.kind == "flip" and flip.period == 1
    # c = (L‴/L″)² − L⁗/(3L″) = 2/3.
    assert abs(flip.parameter - 2) < 1e-10 and abs(flip.coefficient - 2 / 3) < 1e-9


def test_a_branch_reaches_the_bound_at_which_every_state_is_fixed():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    branch = continue_cycle(step, [1.0], "lr", (0, 2))
    assert 0 <= branch.parameter[0] < 1e-6 and branch.ends[0] == "lr = 0"


def test_the_figure_shows_all_that_orbits_end_on():
    # At lr = 2 x = √2 w follows 3x − x³, which wanders over [−2, 2]: w comes as far out as √2, the branches as far as 1.
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    low, high = cf.plot(continue_cycle(step, [1.0], "lr", (0.1, 2))).axes[0].get_ylim()
    assert low < -1.41 and high > 1.41


def test_a_cycle_at_zero_is_found_once():
    """Newton's method leaves each start of it at another rounding of 0."""
    step = cf.as_map(cf.Loss("exp(w) - w"), cf.optimizers.gd(lr=1.0))
    found = branches(step, [(-5, 3)], "lr", (0.1, 4.0), depth=1)
    assert [b.period for b in found] == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": 1.5}, "depth is a whole number"),
        ({"samples": "a"}, "samples is a whole number"),
        ({"starts": [1, 2]}, "starts are pairs"),
        ({"starts": [(9.0, [0.5])]}, "outside the bounds"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_bad_input_gets_a_sentence(options, words):
    with pytest.raises(cf.CfdynError, match=words):
        branches(cf.Map.from_text("r*x*(1-x)", params={"r": 2.0}), [(0, 1)], "r", (1.2, 3.5), **options)


def test_branches_go_on_within_wider_bounds_where_they_end_at_the_old_ones():
    """x ↦ x + c (a − x²) x has x = 0 for all a and x = ±√a for a ≥ 0; a closed branch beside it stays as it is."""
    step = cf.Map.from_text("x + 0.3*(a - x**2)*x", "x", params={"a": 0.5})
    found = cf.analysis.branches(step, [(-2, 2)], "a", (-0.5, 1.0))
    wider = found.extended((-0.5, 2.0))
    again = cf.analysis.branches(step, [(-2, 2)], "a", (-0.5, 2.0))
    assert wider.bounds == (-0.5, 2.0) and len(wider) == len(again)
    assert sorted(b.ends for b in wider) == sorted(b.ends for b in again)
    with pytest.raises(cf.CfdynError, match="none of the branches"):
        wider.extended((-0.5, 2.0))
    circle = cf.analysis.branches(cf.Map.from_text("x + 0.3*(1 - x**2 - l**2)", params={"l": 0.2}), [(-2, 2)], "l", (-0.9, 0.9))
    assert all(b.ends == ("l = -0.9", "l = 0.9") for b in circle)
    assert [b.closed for b in circle.extended((-2.0, 2.0))] == [True]
