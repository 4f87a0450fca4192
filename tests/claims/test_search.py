"""The search for counterexamples: known births of cycles are found, what is not found is not denied."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.claims import Family, Statement
from cfdyn.claims.pursuit import Axes
from cfdyn.errors import UsageError

BIRTHS = {3: 1 + math.sqrt(8), 5: 3.7381723752}  # of the first cycles of the logistic map; 5: Metropolis, Stein and Stein (1973)


def logistic(box=(2.5, 4.0), formula="r*x*(1-x)", **others):
    return Family(cf.Map.from_text(formula, params={"r": 3.0, **others}), None, {"r": box}, [(0, 1)])


def rate(step, points):
    return step.params["r"]


def least(period, family=None, starts=8, **options):
    return cf.claims.search(Statement("no cycle", (period,), quantity=rate, **options), family or logistic(), starts=starts)


@pytest.mark.parametrize("period", BIRTHS)
def test_the_least_parameter_with_a_cycle_is_its_birth(period):
    hit = least(period).hit
    assert hit is not None
    assert hit.quantity == pytest.approx(BIRTHS[period], abs=1e-9)
    assert abs(hit.multipliers[0] - 1) < 1e-3
    orbit = [hit.points[0, 0]]
    for _ in range(period):
        orbit.append(hit.quantity * orbit[-1] * (1 - orbit[-1]))
    assert orbit[:-1] == pytest.approx(hit.points[:, 0].tolist(), abs=1e-12)
    assert orbit[-1] == pytest.approx(orbit[0], abs=1e-12)


@pytest.mark.parametrize(("stable", "inside"), [(True, True), (False, False)])
def test_only_cycles_of_the_stability_that_was_asked_for_count(stable, inside):
    hit = least(3, stable=stable).hit
    assert hit is not None
    assert hit.stable is stable
    assert bool(abs(hit.multipliers[0]) < 1) is inside


def test_a_cycle_of_a_lesser_period_is_no_hit():
    hit = least(6, starts=12).hit
    assert hit is not None
    distances = [abs(hit.points[i, 0] - hit.points[j, 0]) for i in range(6) for j in range(i)]
    assert min(distances) > 1e-4
    assert hit.quantity == pytest.approx(3.6265531617, abs=1e-6)  # the first 6-cycle not from a doubling of a 3-cycle


def test_log_cosh_has_period_two_for_ever_and_the_search_does_not_deny_more():
    family = Family("logcosh(w)", cf.optimizers.gd(lr=1.0), {"lr": (0.1, 20)}, [(-9, 9)])
    found = cf.claims.search(Statement("no 3-cycle", (3,)), family, starts=5)
    assert found.hit is None
    assert found.nearest is None
    assert found.text.startswith(f"not found in {found.evaluations} evaluations from 5 starts (seed 0)")
    assert found.evaluations > 0
    assert cf.claims.search(Statement("no 2-cycle", (2,)), family, starts=5).hit is not None


def test_what_is_not_below_the_bound_is_the_nearest():
    found = least(3, below=3.8)
    assert found.hit is None
    assert found.nearest is not None
    assert found.nearest.quantity == pytest.approx(BIRTHS[3], abs=1e-9)
    assert "the closest cycle has the quantity 3.828" in found.text


def test_conditions_and_rows_hold_at_the_border():
    beyond = least(3, where=[lambda step, points: step.params["r"] - 3.9]).hit
    assert beyond is not None
    assert beyond.quantity == pytest.approx(3.9, abs=1e-8)
    row = Statement("x", (3,), quantity=lambda step, points: [step.params["r"], 7.7 - step.params["r"]])
    corner = cf.claims.search(row, logistic(), starts=4).hit
    assert corner is not None
    assert corner.quantity == pytest.approx(3.85, abs=1e-8)


def test_whole_numbers_are_counted_up_and_the_first_hit_can_end_the_search():
    step = cf.Map.from_text("k*r*x*(1-x)", params={"r": 1.0, "k": 1.0})
    family = Family(step, None, {"r": (0.9, 1.0), "k": (1, 6)}, [(0, 1)], whole=["k"])
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=rate), family, starts=3, first=True)
    assert found.hit is not None
    assert found.hit.params["k"] == 4
    assert found.hit.quantity * 4 == pytest.approx(BIRTHS[3], abs=1e-8)
    assert found.ended == "first hit"
    assert found.starts == 4 * 3
    assert [choice["k"] for choice in family.choices()] == [1, 2, 3, 4, 5, 6]


def test_several_variables_agree_with_a_branch():
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 3.0, "b": 0.3})
    family = Family(henon, None, {"a": (1.0, 4.0)}, [(-3, 3), (-1, 1)])
    statement = Statement("no 3-cycle", (3,), quantity=lambda step, points: step.params["a"])
    hit = cf.claims.search(statement, family, starts=4).hit
    assert hit is not None
    known = cf.analysis.cycles(henon, 3, [(-3, 3), (-1, 1)])
    branch = cf.analysis.continue_cycle(henon, known[0], "a", (1.0, 4.0))
    fold = next(b for b in branch.bifurcations if b.kind == "fold")
    assert hit.quantity == pytest.approx(fold.parameter, abs=1e-9)


def test_a_function_can_make_the_members():
    family = Family(lambda p: cf.Loss(f"w**3/3 - {p['c']}*w"), cf.optimizers.gd(lr=1.42), {"c": (1.0, 1.02)}, [(-1.5, 2.0)])
    assert cf.claims.search(Statement("no 3-cycle", (3,)), family, starts=1).hit is not None


def test_the_seed_decides_everything(tmp_path):
    first, again = least(3, starts=3), least(3, starts=3)
    assert first.to_json() == again.to_json()
    other = cf.claims.search(Statement("no cycle", (3,), quantity=rate), logistic(), starts=3, seed=1)
    assert other.evaluations != first.evaluations
    loaded = cf.load(first.save(tmp_path / "search.npz"))
    assert isinstance(loaded, cf.claims.Search)
    assert loaded.to_json() == first.to_json()
    assert loaded.text == first.text


def test_ctrl_c_keeps_what_was_found():
    def press(done):
        if done == 2:
            raise KeyboardInterrupt

    found = cf.claims.search(Statement("no cycle", (3,), quantity=rate), logistic(), starts=50, progress=press)
    assert found.ended == "interrupted"
    assert found.starts == 2
    assert found.hit is not None


def test_wide_boxes_are_taken_by_logarithms():
    axes = Axes({"a": (1e-3, 1e3), "b": (-1.0, 3.0)})
    assert axes.values(np.array([0.5, 0.5])) == pytest.approx({"a": 1.0, "b": 1.0})
    assert axes.place({"a": 10.0, "b": 0.0}) == pytest.approx([2 / 3, 1 / 4])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Statement("x", ()), "at least one period"),
        (lambda: Statement("x", (3,), below=2.0), "needs a `quantity`"),
        (lambda: logistic(box=(4.0, 2.5)), "lo < hi"),
        (lambda: Family(cf.Map.from_text("2*x"), None, {}, [(0, 1), (0, 1)]), "these maps have 1"),
        (lambda: Family(cf.Loss("w**2"), None, {}, [(0, 1)]), "of losses with an optimizer"),
        (lambda: Family(cf.Map.from_text("2*x"), None, {}, [(0, 1)], whole=["k"]), "has no box"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()
