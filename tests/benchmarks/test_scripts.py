"""What the benchmarks compare: the same work for all, answers that are known, verdicts where peers are missing or give up."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

import averaging
import cfdyn as cf
import classify
import compile as compiling
import continuation
import explore
import flows
import measuring
import orbit
import start
import stiff
from measuring import peers
from peers import auto, derivatives, solvers
from problems import losses, maps
from problems import stiff as problems


def test_import_times_are_added_up_by_package():
    lines = ("import time: self [us] | cumulative | imported package\nimport time:      1000 |       1000 |   numba.core\n"
             "import time:      2000 |       3000 | numba\nimport time:       500 |        500 | json\nother | text")  # fmt: skip
    assert start.import_seconds(lines) == pytest.approx({"numba": 3e-3, start.OTHER: 5e-4})


def test_the_known_answers_are_those_of_the_logistic_map():
    cases = classify.exact_cases(5)
    assert [sum(p == n for _, p in cases) for n in range(1, 6)] == [1, 1, 1, 2, 3]
    assert {n: r for r, n in cases}[3] == pytest.approx(3.8318740552833156)
    for r, n in cases:
        x = [0.5]
        for _ in range(40):
            x.append(r * x[-1] * (1 - x[-1]))
        if n:  # the critical point is periodic with this least period
            assert [k for k in range(1, n + 1) if abs(x[k] - 0.5) < 1e-9] == [n]
        else:  # it lands on an unstable fixed point
            assert min(abs(x[k + 1] - x[k]) for k in range(8)) < 1e-9
    assert [classify.known_period(r) for r in (2.9, 3.2, 3.5, 3.55, 3.6, 3.835, 4.0)] == [1, 2, 4, 8, None, 3, 0]


@pytest.mark.parametrize("case", maps.CASES[2:5], ids=lambda case: case.name)
def test_all_competitors_iterate_the_same_map(case):
    calls = orbit.stored_calls(case, 25)
    orbits = {name: calls[name]() for name in ("cfdyn", "C", "Python") if calls[name]}
    maps.check(case, orbits)
    with pytest.raises(measuring.BenchmarkError, match="does not iterate the same map"):
        maps.check(case, {"wrong": orbits["Python"] + 1e-3})


@pytest.mark.parametrize("name", ["product:5", "net:2", "chain:4", "logistic:6"])
def test_all_compilers_are_given_the_same_loss(name):
    task = losses.problem(name)
    loss, (points, directions) = derivatives.read_cfdyn(task), task.points(3)
    functions = {"tanh": math.tanh, "softplus": lambda s: math.log1p(math.exp(s))}
    for w in points:
        assert task.expression(w.tolist(), functions, sum) == pytest.approx(loss.value(w), rel=1e-12)
    found = derivatives.build_cfdyn(task, loss, 3)
    assert set(found) == set(losses.DERIVATIVES)
    for i, (w, v) in enumerate(zip(points, directions, strict=True)):
        expected = {"gradient": loss.gradient(w), "hvp": loss.hvp(w, v), "curvature_gradient": loss.curvature_gradient(w, v, v)}
        for what, values in expected.items():
            assert found[what](points, directions)()[i] == pytest.approx(values, rel=1e-12)


def test_a_peer_with_other_derivatives_is_an_error():
    expected = {"gradient": [1.0, 1e3]}
    compiling.check("peer", "p", {"gradient": [1.0, 1e3 + 1e-8]}, expected)
    for wrong in ([1.0, 1e3 + 1e-6], [None, 1e3]):
        with pytest.raises(measuring.BenchmarkError, match="another gradient"):
            compiling.check("peer", "p", {"gradient": wrong}, expected)


def test_a_peer_may_be_missing_slow_or_broken(monkeypatch):
    ends = {"slow": measuring.TooSlow("slow"), "broken": measuring.BenchmarkError("broken")}
    monkeypatch.setattr(compiling, "MODULES", {"missing": "no_such_package_anywhere", "slow": "json", "broken": "json"})

    def measured(name, *_, **__):
        raise ends[name]

    monkeypatch.setattr(compiling, "measured", measured)
    assert [compiling.theirs(name, "chain:3", 1, 7.0) for name in ("missing", "slow", "broken")] == [None, "> 7 s", "failed"]


def test_the_exponent_of_growth():
    assert measuring.exponent([25, 50, 400], [3 * n**1.5 for n in (25, 50, 400)]) == pytest.approx(1.5)


def run_points(*measured):
    return [flows.Point("rtol = 1e-04", error, work, seconds, 1) for error, work, seconds in measured]


def test_the_work_for_an_error_is_measured_or_extrapolated_at_first_order():
    halving, stalled = run_points((0.2, 10, 1.0), (0.1, 20, 2.0)), run_points((0.2, 10, 1.0), (0.19, 20, 2.0))
    assert flows.order(halving) == pytest.approx(1) and flows.needed(halving, 0.15) == (20, 2.0, False)
    assert flows.needed(halving, 1e-3) == pytest.approx((2000, 200.0, True))
    assert flows.needed(stalled, 1e-3) is None and flows.needed(stalled, 0.19) == (20, 2.0, False)


def test_the_ratio_of_work_takes_the_better_variant_and_the_cheapest_tolerance():
    found = {flows.STALE: run_points((0.2, 10, 1.0), (0.19, 20, 2.0)),
             flows.RENEWED: run_points((0.2, 12, 1.0), (0.1, 24, 2.0)),
             "cfdyn": run_points((1e-2, 5, 1e-3), (1e-4, 6, 2e-3), (1e-6, 4, 3e-3))}  # fmt: skip
    row = flows.same_row("task", 1e-3, found, goal=True)
    assert row.cells[flows.THEIRS[0]] == "≈ 2.4e+03" and row.cells[flows.OURS[0]] == 4
    assert row.cells["ratio of work"] == pytest.approx(600) and row.goals[0].reached is False
    alone = flows.same_row("task", 1e-3, {"cfdyn": found["cfdyn"]}, goal=True)
    assert alone.cells[flows.THEIRS[0]] is None and alone.goals[0].reached is None
    stuck = flows.same_row("task", 1e-3, {**found, flows.RENEWED: found[flows.STALE]})
    assert stuck.cells[flows.THEIRS[0]] == "out of reach" and stuck.cells["ratio of work"] is None


def test_work_is_counted_in_gradients():
    pytest.importorskip("cvxpy")
    pytest.importorskip("clarabel")
    case = flows.cases()["product"]
    t, w, work = flows.scheme().solve_with_work(case.loss, case.lr, case.start, 2.0, 0.25)
    assert t[-1] == 2 and abs(w[-1] - case.w[list(case.times).index(2.0)]).max() < 0.1
    assert work.calls["gradient"] == 8 and work.calls["hessian"] == 2
    assert work.gradients(2) == 8 + 2 * 4 + 2 * work.calls["hvp"] + 5 * work.calls["curvature_gradient"]


def test_without_the_conic_solver_the_published_scheme_is_not_found(monkeypatch):
    monkeypatch.setattr(flows, "installed", lambda name: False)
    found = flows.points.__wrapped__("product", measuring.Plan(quick=True))
    assert list(found) == ["cfdyn"] and found["cfdyn"][2].error < 1e-7
    rows = flows.same_rows("product", found)
    assert len(rows) == 2 and all(row.cells["ratio of work"] is None for row in rows)


def test_averages_are_compared_with_the_best_of_the_exponential_ones():


    def case(lowest, **errors):
        entries = [types.SimpleNamespace(name=n, error=e, median_loss=lowest + e) for n, e in errors.items()]
        return types.SimpleNamespace(entries=entries, best_loss=lowest)

    def one(lowest, two, *memories):
        return case(lowest, last_two=two, **{f"ema={a}": e for a, e in zip((0.5, 0.9, 0.99), memories, strict=True)})

    found = {"a": one(-7.0, 1.0, 3.0, 2.0, 9.0), "b": one(5.0, 4.0, 6.0, 2.0, 5.0), "c": one(0.0, 1.0, math.nan, 8.0, 0.5)}
    for what in ("error", "median_loss"):
        seen = averaging.contest(found, what)
        assert (seen["wins"], seen["count"], seen["factors"], seen["over"], seen["above"]) == (1, 3, "2 to 2", 2, 2), what
        assert seen["losses"] == "; not on b (4 against 2), c (1 against 0.5)"
    assert averaging.best({"ema=0.5": 3.0, "ema=0.9": 2.0, "last_two": 1.0}) == "2 (0.9)"
    assert averaging.loss_row("a", case(3.0, **dict.fromkeys(averaging.TITLES, 0.25))).cells["midpoints"] == "0.25"


def test_flows_are_raced_to_the_lower_of_their_final_losses():
    t, loss = np.arange(6.0), np.array([5.0, 2.0, 3.0, 1.0, 1.0, 0.5])
    assert [averaging.since(t, loss, level) for level in (9.0, 2.5, 1.0, 0.1)] == [0.0, 3.0, 3.0, None]
    assert averaging.stages([1.5, None, 3]) == "1.5 / – / 3"
    # On c w²/2 both are the gradient flow, w = e^{−ηct}: the level f is reached at t = −ln(f)/(2ηc), in twentieths of a step.
    loss, gd = cf.Loss("c*w**2/2", "w", {"c": 2.0}), cf.optimizers.gd(lr=0.1)
    row = averaging.analog_row("a", [cf.flows.gradient(loss, gd), cf.flows.central(loss, gd)], (1.0,), 40.0)
    expected = averaging.stages([math.ceil(-math.log(f) / 0.4 * 20) / 20 for f in averaging.FRACTIONS])
    assert row.cells["gradient: times"] == row.cells["central: times"] == expected
    assert row.cells["central: sharpness"] == "2" and float(row.cells["gradient: loss"]) == pytest.approx(math.exp(-16), rel=5e-3)
    rows = [row, averaging.Row("b", {**row.cells, "central: loss": "1e-9", "central: sharpness": "1.9"})]
    assert averaging.race(rows) == {"count": 2, "gradient": 0, "central": 1, "where": " (b)", "flatter": 1}


def test_a_case_is_the_orbit_it_says():
    case = next(c for c in averaging.cases(measuring.Plan(quick=True)) if c.steps == 60)
    _, alone = averaging.averages_of(case)
    w = [np.array(case.start)]
    for _ in range(60):
        x, y = w[-1]
        w.append(w[-1] - case.lr * (x * y - 1) * np.array([y, x]))
    w = np.array(w)
    losses = {"iterate": w, "last two": (w[1:] + w[:-1]) / 2, "midpoints": (w[:-2] + 2 * w[1:-1] + w[2:]) / 4}
    losses = {name: (1 - row[:, 0] * row[:, 1]) ** 2 / 2 for name, row in losses.items()}
    cells = averaging.loss_row("a", alone).cells
    for name, loss in losses.items():
        lowest = min(row.min() for row in losses.values())
        assert float(cells[name]) == pytest.approx(np.median(loss[-(len(loss) // 10) :]) - lowest, rel=6e-3, abs=1e-22)
    raw = losses["iterate"]  # the lowest loss is 0 to ten digits, so the levels are parts of the first
    expected = [int(np.flatnonzero(raw > f * raw[0])[-1]) + 1 for f in averaging.FRACTIONS]
    assert averaging.steps_row("a", alone).cells["iterate"] == averaging.stages(expected)


@pytest.mark.slow
def test_all_solvers_of_stiff_equations_are_given_the_same_equations():
    for task in (problems.problem("E4"), problems.problem("F1"), problems.brusselator(6), problems.PREY):
        y = np.array(task.start) + 0.25
        expected = solvers.flow(task).drift(y)
        np.testing.assert_allclose(task.slope(0.0, y), expected, rtol=1e-12)
        np.testing.assert_allclose(solvers.slope(task)(0.0, y), expected, rtol=1e-12)
        out = np.empty(task.n)
        solvers.slope_into(task)(0.0, y, out)
        np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_references_of_stiff_problems():
    pair = problems.Problem("pair", ("-y1 + y2", "-2*y2 + 4"), (1.0, 0.0), 1.5, linear=True)
    # y2 = 2(1 - e^-2t), and y1 by variation of constants.
    fast, slow = math.exp(-3.0), math.exp(-1.5)
    exact = [slow + 2 * (1 - slow) - 2 * (slow - fast), 2 * (1 - fast)]
    np.testing.assert_allclose(pair.reference, exact, rtol=1e-15)
    np.testing.assert_allclose(problems.tight(pair, "Radau"), exact, rtol=1e-11)
    assert pair.error(exact) < 1e-15 and pair.error([math.nan, 0]) == math.inf
    assert pair.error([exact[0], exact[1] + 1e-3]) == pytest.approx(1e-3 / (1e-3 + exact[1]))


def test_the_time_for_an_error_is_interpolated_or_that_of_the_loosest_tolerance():
    between = stiff.Needed((1e-4, 1e-3), (1e-5, 1e-5))
    assert between.tolerances == [1e-4, 1e-5]
    assert between.seconds({1e-4: 1.0, 1e-5: 4.0}, 1e-4) == pytest.approx(2.0)
    assert stiff.Needed(None, (1e-2, 1e-9)).seconds({1e-2: 3.0}, 1e-4) == 3.0
    task = problems.Problem("decay", ("-y1",), (1.0,), 1.0, 0.0, linear=True)
    exact, answers = math.exp(-1.0), {1e-2: None, 1e-3: 1e-2, 1e-4: 1e-5}

    def solve(rtol):
        return None if answers.get(rtol) is None else np.array([exact * (1 + answers[rtol])])

    need = stiff.needed(task, solve, 1e-4)
    assert need.looser == (1e-3, pytest.approx(1e-2)) and need.tighter == (1e-4, pytest.approx(1e-5))
    assert stiff.needed(task, solve, 0.02).looser is None
    assert stiff.needed(task, lambda rtol: None, 1e-4) is None


def test_ratios_of_stiff_solvers_where_a_peer_is_missing(monkeypatch):
    task = stiff.problem("D4")
    monkeypatch.setattr(peers, "peer", lambda name: None)
    row = stiff.same_row(task, 1)
    assert row.cells["numbalsoda (µs)"] is None and row.cells["CVODE (µs)"] is None
    assert row.cells["cfdyn radau5 ÷ numbalsoda"] is None and row.cells["SciPy Radau ÷ cfdyn radau5"] > 1
    assert [goal.reached for goal in row.goals][:2] == [None, None]
    mean = stiff.mean_row([row])
    assert mean.cells["cfdyn radau5 ÷ numbalsoda"] is None
    assert mean.cells["SciPy Radau ÷ cfdyn radau5"] == pytest.approx(row.cells["SciPy Radau ÷ cfdyn radau5"])
    lost = stiff.finished_row("task", 1e-6, {**dict.fromkeys(stiff.SAME, 1.0), "SciPy Radau": "out of reach"})
    assert lost.cells["SciPy Radau (µs)"] == "out of reach" and lost.goals[2].reached is None
    assert lost.cells["cfdyn radau5 ÷ numbalsoda"] == 1.0 and lost.goals[0].reached


def test_a_solver_that_gives_up_has_no_time():
    assert stiff.accuracy_cell(None, None) is None and stiff.accuracy_cell(math.inf, None) == "gives up"
    assert stiff.accuracy_cell(2e-7, 1.5e-3) == "2e-07 in 1.5"


def test_a_branch_in_python_is_the_one_that_cfdyn_follows():
    assert continuation.by_python(200, 1e-2) == pytest.approx(3, abs=1e-10)
    tracer, start = continuation.tracer_at(continuation.LOGISTIC, np.array([[0.5]]), "r", (2.0, 100.0))
    assert continuation.loop(tracer, start, 50, 2e-3) == 51
    points = continuation.some_cycle(continuation.LOGISTIC.at(r=3.99), 4)
    assert np.abs(3.99 * points * (1 - points) - np.roll(points, -1, axis=0)).max() < 1e-12
    row = continuation.accumulation_row("a", 2.0, 2.0 + 2e-6, 0.1)
    assert row.cells["error"] == "1.0e-06" and row.goals[0].reached is False


def test_the_equations_for_auto_are_those_of_the_map():
    text = auto.fortran(("1 - a*x**2 + y", "3*x/10"), "x y", "a", (0.5, -1e-6), (2.0,), 2).replace("&\n", "")
    assert "u(2) = -9.99999999999999955d-07" in text and "p(1) = 2.00000000000000000d+00" in text

    def value(row, x, y, a):  # the right side of an assignment, as Python reads it
        right = text.split(f"  {row} = ", 1)[1].split("\n")[0].replace("d0", "")
        return eval(right, {"u": lambda i: (x, y)[i - 1], "p": lambda i: a})

    def twice(x, y, a):
        for _ in range(2):
            x, y = 1 - a * x**2 + y, 3 * x / 10
        return x, y

    at, h = (0.7, -0.2, 1.3), 1e-6
    assert (value("f(1)", *at), value("f(2)", *at)) == pytest.approx(twice(*at), rel=1e-14)
    for i in (1, 2):
        for j, name in enumerate((f"dfdu({i},1)", f"dfdu({i},2)", f"dfdp({i},1)")):
            shift = np.eye(3)[j] * h
            slope = (twice(*(at + shift))[i - 1] - twice(*(at - shift))[i - 1]) / (2 * h)
            assert value(name, *at) == pytest.approx(slope, abs=1e-8)


def test_special_points_by_auto_where_it_is_found():
    if auto.folder() is None:
        pytest.skip("AUTO-07p is not found")
    rows = continuation.demo_rows(continuation.DEMOS[2])
    assert [row.task for row in rows] == ["logistic map, 3-cycle: fold", "logistic map, 3-cycle: flip"]
    assert all(goal.reached for row in rows for goal in row.goals)
    with pytest.raises(measuring.BenchmarkError, match="no fold was found near 2"):
        continuation.nearest([("flip", 2.0)], "fold", 2.0)


def test_without_auto_its_columns_read_not_found(monkeypatch):
    monkeypatch.setattr(auto, "folder", lambda: None)
    (row,) = continuation.demo_rows(continuation.DEMOS[-1])
    assert row.cells["AUTO-07p: error"] is None and [goal.reached for goal in row.goals] == [True, None]
    (speed,) = continuation.speed(measuring.Plan(quick=True))
    assert speed.cells["AUTO-07p (ms)"] is None and speed.goals[1].reached is None


def test_without_chromium_the_page_is_not_found(monkeypatch):
    monkeypatch.setattr(explore, "CHROMIUM", None)
    for table in (explore.slider, explore.cells, explore.first, explore.loop):
        rows = list(table(measuring.Plan(quick=True)))
        assert rows and all(value is None for row in rows for value in row.cells.values())
        assert all(goal.reached is None for row in rows for goal in row.goals)
