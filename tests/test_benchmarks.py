"""The harness of the benchmarks: medians, missing peers, targets, tables, JSON, failures that hide nothing."""

from __future__ import annotations

import importlib
import itertools
import json
import math
import re
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def harness(on_path):
    return importlib.import_module("harness")


@pytest.fixture
def report(on_path):
    return importlib.import_module("report")


@pytest.fixture
def clock(harness, monkeypatch):
    """A clock that only moves when a competitor says so."""
    now = [0.0]
    monkeypatch.setattr(harness.time, "process_time", lambda: now[0])
    return now


def advancing(clock, *seconds):
    steps = itertools.cycle(seconds)

    def call():
        clock[0] += next(steps)

    return call


def test_the_median_ignores_one_slow_round_and_the_warm_up(harness, clock):
    # Two calls before the rounds: warm-up and calibration.
    timing = harness.measure(advancing(clock, 900.0, 1.0, 3.0, 1.0, 2.0, 50.0, 2.5), repeats=5)
    assert (timing.median, timing.least, timing.most, timing.repeats) == (2.5, 1.0, 50.0, 5)


def test_short_calls_are_timed_in_a_loop(harness, clock):
    calls = [0]

    def call():
        calls[0] += 1
        clock[0] += 1e-4

    timing = harness.measure(call, repeats=3)
    assert timing.median == pytest.approx(1e-4)
    assert calls[0] >= 3 * harness.SHORTEST / 1e-4


def test_waiting_for_others_does_not_count(harness):
    assert harness.measure(lambda: time.sleep(0.05), repeats=3).most < 0.02


def test_competitors_take_turns(harness, clock):
    order = []

    def competitor(name):
        def call():
            order.append(name)
            clock[0] += 1.0

        return call

    harness.interleaved({"a": competitor("a"), "b": competitor("b")}, repeats=3)
    assert order[-6:] == ["a", "b"] * 3


def test_a_missing_competitor_is_not_found(harness, report):
    times = harness.interleaved({"cfdyn": lambda: None, "peer": None}, repeats=1)
    assert harness.peer("no_such_package_anywhere") is None
    assert times["cfdyn"] is not None and times["peer"] is None
    cells = {"peer": harness.per_step(times["peer"], 10), "share": harness.ratio(None, 2.0)}
    row = report.Row("task", cells, (report.Goal(cells["share"], 0.9, above=True),))
    text = report.markdown(report.Table("t", ("peer", "share", "other"), [row]))
    assert text.splitlines()[2] == "| task | not found | not found | – | ≥ 0.9 (not measured) |"


def test_without_a_compiler_c_is_not_found(harness, monkeypatch):
    monkeypatch.setattr(harness.shutil, "which", lambda name: None)
    library = harness.compile_c("int answer(void) { return 42; } /* no compiler */")
    assert library is None and harness.c_function(library, "answer", None) is None


def test_c_is_compiled_on_the_spot(harness):
    if harness.compiler() is None:
        pytest.skip("no C compiler")
    library = harness.compile_c("int answer(int x) { return x + 2; }")
    assert harness.c_function(library, "answer", harness.ctypes.c_int, harness.ctypes.c_int)(40) == 42
    with pytest.raises(harness.BenchmarkError, match="failed"):
        harness.compile_c("this is no C")


@pytest.mark.parametrize(
    ("measured", "bound", "above", "reached"),
    [(0.9, 0.9, True, True), (0.89, 0.9, True, False), (3.0, 3.0, False, True), (3.01, 3.0, False, False),
     (None, 1.0, True, None)],
)  # fmt: skip
def test_targets(report, measured, bound, above, reached):
    assert report.Goal(measured, bound, above).reached is reached


def sample(report, quick=False):
    good = report.Row("good", {"cfdyn (s)": 0.25, "C": 1234.5, "peer": None}, (report.Goal(0.25, 0.5),))
    bad = report.Row("bad | worse", {"cfdyn (s)": 2.0}, (report.Goal(2.0, 0.5), report.Goal(0.1, 0.9, above=True)))
    return report.Report("sample", [report.Table("a question", ("cfdyn (s)", "C", "peer"), [good, bad], "A note.")], quick)


def test_markdown(report):
    lines = report.markdown(sample(report).tables[0]).splitlines()
    assert lines[0] == "| a question | cfdyn (s) | C | peer | target |"
    assert lines[2] == "| good | 0.25 | 1234 | not found | ≤ 0.5 reached |"
    assert lines[3] == "| bad \\| worse | 2 | – | – | ≤ 0.5 **missed**; ≥ 0.9 **missed** |"
    assert lines[-1] == "A note."
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines[:4]} == {6}


def test_missed_targets_are_listed(report):
    assert sample(report).missed() == ["bad | worse: 2, target ≤ 0.5", "bad | worse: 0.1, target ≥ 0.9"]


def test_json_is_complete_and_strict(report, tmp_path):
    path = sample(report).save(tmp_path / "new folder")

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    read = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert {"name", "tables", "quick", "date", "machine", "versions"} <= read.keys()
    assert {"processor", "cores", "system"} <= read["machine"].keys() and read["machine"]["cores"] >= 1
    assert {"python", "numpy", "numba", "cfdyn", "C compiler", "pynamicalsys"} <= read["versions"].keys()
    row = read["tables"][0]["rows"][1]
    assert row["goals"][0] == {"measured": 2.0, "bound": 0.5, "above": False, "reached": False}
    assert read["tables"][0]["rows"][0]["cells"]["peer"] is None
    assert [p.name for p in path.parent.iterdir()] == ["sample.json"]


def test_not_a_number_never_reaches_the_json(report, tmp_path):
    table = report.Table("t", ("x",), [report.Row("r", {"x": float("nan")})])
    with pytest.raises(ValueError):
        report.Report("sample", [table], False).save(tmp_path)
    assert not (tmp_path / "sample.json").exists()


def test_the_readme_gets_the_tables_between_its_markers(report, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        report.insert([sample(report)], readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert text.count("| a question |") == 1 and report.machine()["processor"] in text
    report.insert([report.Report("other", [], False)], readme)  # the sections of other benchmarks stay
    assert readme.read_text(encoding="utf-8").startswith(text.split(report.END)[0])
    readme.write_text("no markers", encoding="utf-8")
    with pytest.raises(Exception, match="lacks"):
        report.insert([sample(report)], readme)


@pytest.mark.parametrize(("before", "after", "busy"), [(0.0, 1.5, False), (9.5, 1.5, True), (0.0, 9.5, True)])
def test_a_busy_machine_is_told(report, before, after, busy):
    where = {**report.machine(), "cores": 2, "load before": before, "load after": after}
    text = report.document([report.Report("s", [], False, machine=where)])
    assert ("was busy" in text) is busy and (f"{before}–{after}" in text) is busy


def test_the_readme_of_the_benchmarks_has_the_markers(report):
    text = report.README.read_text(encoding="utf-8")
    assert text.index(report.BEGIN) < text.index(report.END)


def test_a_failure_does_not_hide_the_others(report, monkeypatch, tmp_path, capsys):
    run = importlib.import_module("run")
    monkeypatch.setattr(run.report, "RESULTS", tmp_path)
    monkeypatch.setattr(run.run_all, "__defaults__", (tmp_path,))
    monkeypatch.setattr(run, "NAMES", ("broken_benchmark", "working_benchmark"))
    broken, working = types.ModuleType("broken_benchmark"), types.ModuleType("working_benchmark")
    broken.run = lambda quick: 1 / 0
    working.run = lambda quick: sample(report, quick).tables
    monkeypatch.setitem(sys.modules, "broken_benchmark", broken)
    monkeypatch.setitem(sys.modules, "working_benchmark", working)
    assert run.main(["--quick"]) == 1
    shown = capsys.readouterr()
    assert "failed: broken_benchmark" in shown.out and "| good | 0.25 |" in shown.out
    assert "missed: bad" in shown.out and "ZeroDivisionError" in shown.err
    assert [p.name for p in tmp_path.iterdir()] == ["working_benchmark.json"]
    assert run.main(["working_benchmark"]) == 0
    with pytest.raises(SystemExit) as end:
        run.main(["no_such_benchmark"])
    assert end.value.code == 2


def test_a_fresh_process_is_timed_and_its_failure_is_told(harness):
    end = harness.fresh(["-c", "import sys, time; time.sleep(0.3); sys.stderr.write('said')"])
    assert end.seconds >= 0.3 and 0 < end.cpu < end.seconds and end.errors == "said"
    with pytest.raises(harness.BenchmarkError, match=r"status 3: the last line"):
        harness.fresh(["-c", "import sys; sys.stderr.write('first\\nthe last line'); sys.exit(3)"])


def test_each_cold_start_gets_an_environment_of_its_own(harness, tmp_path):
    made = iter(range(9))
    code = f"import os; open(os.path.join({str(tmp_path)!r}, os.environ['WHICH']), 'w')"
    harness.fresh_timing(["-c", code], lambda: {"WHICH": str(next(made))}, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1", "2"]


def test_memory_is_that_of_the_code_alone(harness):
    assert harness.peak_memory("x = bytearray(80_000_000)") == pytest.approx(80, abs=8)
    # A large parent must not count.
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert harness.peak_memory("pass") < 8


def test_import_times_are_added_up_by_package():
    start = importlib.import_module("start")
    lines = ("import time: self [us] | cumulative | imported package\nimport time:      1000 |       1000 |   numba.core\n"
             "import time:      2000 |       3000 | numba\nimport time:       500 |        500 | json\nother | text")  # fmt: skip
    assert start.import_seconds(lines) == pytest.approx({"numba": 3e-3, start.OTHER: 5e-4})


def test_the_known_answers_are_those_of_the_logistic_map():
    classify = importlib.import_module("classify")
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


def test_all_competitors_iterate_the_same_map():
    cases = importlib.import_module("cases")
    orbit = importlib.import_module("orbit")
    assert len(cases.CASES) > 2
    for case in cases.CASES[:3]:
        n = 25
        orbits = {"Python": orbit.python_call(case, n)()}
        for name in ("cfdyn", "C"):
            call = orbit.stored_calls(case, n)[name]
            orbits[name] = call() if call else None
        cases.check(case, orbits)
        with pytest.raises(Exception, match="does not iterate the same map"):
            cases.check(case, {"wrong": orbits["Python"] + 1e-3})


@pytest.mark.parametrize("name", ["product:5", "net:2", "chain:4", "logistic:6"])
def test_all_compilers_are_given_the_same_loss(name):
    peers, problems = importlib.import_module("compile_peers"), importlib.import_module("compile_problems")
    task = problems.problem(name)
    loss, (points, directions) = peers.read_cfdyn(task), task.points(3)
    functions = {"tanh": math.tanh, "softplus": lambda s: math.log1p(math.exp(s))}
    assert len(points) == 3
    for w in points:
        assert task.expression(w.tolist(), functions, sum) == pytest.approx(loss.value(w), rel=1e-12)
    found = peers.build_cfdyn(task, loss, 3)
    for i, (w, v) in enumerate(zip(points, directions, strict=True)):
        expected = {"gradient": loss.gradient(w), "hvp": loss.hvp(w, v), "curvature_gradient": loss.curvature_gradient(w, v, v)}
        for what, values in expected.items():
            assert found[what](points, directions)()[i] == pytest.approx(values, rel=1e-12)


def test_a_peer_with_other_derivatives_is_an_error(harness):
    compiling = importlib.import_module("compile")
    expected = {"gradient": [1.0, 1e3]}
    compiling.check("peer", "p", {"gradient": [1.0, 1e3 + 1e-8]}, expected)
    for wrong in ([1.0, 1e3 + 1e-6], [None, 1e3]):
        with pytest.raises(harness.BenchmarkError, match="another gradient"):
            compiling.check("peer", "p", {"gradient": wrong}, expected)


def test_a_peer_may_be_missing_slow_or_broken(harness, monkeypatch):
    compiling = importlib.import_module("compile")
    ends = {"slow": harness.TooSlow("slow"), "broken": harness.BenchmarkError("broken")}
    monkeypatch.setattr(compiling, "MODULES", {"missing": "no_such_package_anywhere", "slow": "json", "broken": "json"})

    def measured(name, *_, **__):
        raise ends[name]

    monkeypatch.setattr(compiling, "measured", measured)
    assert [compiling.theirs(name, "chain:3", 1, 7.0) for name in ("missing", "slow", "broken")] == [None, "> 7 s", "failed"]
    with pytest.raises(harness.TooSlow, match=r"more than 0\.2 s"):
        harness.fresh(["-c", "import time; time.sleep(9)"], patience=0.2)


def test_the_exponent_of_growth():
    assert importlib.import_module("compile").exponent([25, 50, 400], [3 * n**1.5 for n in (25, 50, 400)]) == pytest.approx(1.5)


def run_points(flows, *measured):
    return [flows.Point("rtol = 1e-04", error, work, seconds, 1) for error, work, seconds in measured]


def test_the_work_for_an_error_is_measured_or_extrapolated_at_first_order():
    flows = importlib.import_module("flows")
    halving, stalled = run_points(flows, (0.2, 10, 1.0), (0.1, 20, 2.0)), run_points(flows, (0.2, 10, 1.0), (0.19, 20, 2.0))
    assert flows.order(halving) == pytest.approx(1) and flows.needed(halving, 0.15) == (20, 2.0, False)
    assert flows.needed(halving, 1e-3) == pytest.approx((2000, 200.0, True))
    assert flows.needed(stalled, 1e-3) is None and flows.needed(stalled, 0.19) == (20, 2.0, False)


def test_the_ratio_of_work_takes_the_better_variant_and_the_cheapest_tolerance():
    flows = importlib.import_module("flows")
    found = {flows.STALE: run_points(flows, (0.2, 10, 1.0), (0.19, 20, 2.0)),
             flows.RENEWED: run_points(flows, (0.2, 12, 1.0), (0.1, 24, 2.0)),
             "cfdyn": run_points(flows, (1e-2, 5, 1e-3), (1e-4, 6, 2e-3), (1e-6, 4, 3e-3))}  # fmt: skip
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
    euler = importlib.import_module("euler_central")
    case = importlib.import_module("flows").cases()["product"]
    t, w, work = euler.solve_with_work(case.loss, case.lr, case.start, 2.0, 0.25)
    assert t[-1] == 2 and abs(w[-1] - case.w[list(case.times).index(2.0)]).max() < 0.1
    assert work.calls["gradient"] == 8 and work.calls["hessian"] == 2
    assert work.gradients(2) == 8 + 2 * 4 + 2 * work.calls["hvp"] + 5 * work.calls["curvature_gradient"]


def test_without_the_conic_solver_the_published_scheme_is_not_found(monkeypatch):
    flows = importlib.import_module("flows")
    monkeypatch.setattr(flows.harness, "installed", lambda name: False)
    case = flows.cases()["product"]
    found = flows.points(case, [0.25], [1e-8], 1)
    assert list(found) == ["cfdyn"] and found["cfdyn"][0].error < 1e-7
    rows = flows.same_rows(case, found)
    assert len(rows) == 2 and all(row.cells["ratio of work"] is None for row in rows)


def test_averages_are_compared_with_the_best_of_the_exponential_ones():
    averaging = importlib.import_module("averaging")

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
    assert averaging.best(found["a"], "error") == "2 (0.9)"
    assert averaging.loss_row("a", case(3.0, **dict.fromkeys(averaging.SHOWN, 0.25))).cells["midpoints"] == "0.25"


def test_flows_are_raced_to_the_lower_of_their_final_losses():
    averaging = importlib.import_module("averaging")
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
    averaging = importlib.import_module("averaging")
    case = next(c for c in averaging.cases(quick=True) if c.steps == 60)
    _, alone = averaging.judged(case)
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


def test_all_solvers_of_stiff_equations_are_given_the_same_equations():
    problems, solvers = importlib.import_module("stiff_problems"), importlib.import_module("stiff_solvers")
    for task in (problems.problem("E4"), problems.problem("F1"), problems.brusselator(6), problems.PREY):
        y = np.array(task.start) + 0.25
        expected = solvers.flow(task).drift(y)
        np.testing.assert_allclose(task.slope(0.0, y), expected, rtol=1e-12)
        np.testing.assert_allclose(solvers._slope(task)(0.0, y), expected, rtol=1e-12)
        out = np.empty(task.n)
        solvers._slope_into(task)(0.0, y, out)
        np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_references_of_stiff_problems():
    problems = importlib.import_module("stiff_problems")
    pair = problems.Problem("pair", ("-y1 + y2", "-2*y2 + 4"), (1.0, 0.0), 1.5, linear=True)
    # y2 = 2(1 - e^-2t), and y1 by variation of constants.
    fast, slow = math.exp(-3.0), math.exp(-1.5)
    exact = [slow + 2 * (1 - slow) - 2 * (slow - fast), 2 * (1 - fast)]
    np.testing.assert_allclose(pair.reference, exact, rtol=1e-15)
    np.testing.assert_allclose(problems.tight(pair, "Radau"), exact, rtol=1e-11)
    assert pair.error(exact) < 1e-15 and pair.error([math.nan, 0]) == math.inf
    assert pair.error([exact[0], exact[1] + 1e-3]) == pytest.approx(1e-3 / (1e-3 + exact[1]))


def test_the_time_for_an_error_is_interpolated_or_that_of_the_loosest_tolerance():
    stiff, problems = importlib.import_module("stiff"), importlib.import_module("stiff_problems")
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
    stiff, solvers = importlib.import_module("stiff"), importlib.import_module("stiff_solvers")
    task = importlib.import_module("stiff_problems").problem("D4")
    monkeypatch.setattr(solvers.harness, "peer", lambda name: None)
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
    stiff, harness = importlib.import_module("stiff"), importlib.import_module("harness")
    assert stiff.accuracy_cell(None, None) is None and stiff.accuracy_cell(math.inf, None) == "gives up"
    assert stiff.accuracy_cell(2e-7, harness.Timing(1.5e-3, 1e-3, 2e-3, 3)) == "2e-07 in 1.5"


def test_a_branch_in_python_is_the_one_that_cfdyn_follows():
    continuation = importlib.import_module("continuation")
    assert continuation.by_python(200, 1e-2) == pytest.approx(3, abs=1e-10)
    tracer, start = continuation.tracer_at(continuation.LOGISTIC, np.array([[0.5]]), "r", (2.0, 100.0))
    assert continuation.loop(tracer, start, 50, 2e-3) == 51
    points = continuation.some_cycle(continuation.LOGISTIC.at(r=3.99), 4)
    assert np.abs(3.99 * points * (1 - points) - np.roll(points, -1, axis=0)).max() < 1e-12
    row = continuation.point_row("a", 2.0, 2.0 + 2e-6)
    assert row.cells["error"] == "1.0e-06" and row.goals[0].reached is False


def test_the_equations_for_auto_are_those_of_the_map(harness):
    auto = importlib.import_module("continuation_auto")
    text = auto.fortran(("1 - a*x**2 + y", "3*x/10"), "x y", "a", (0.5, -1e-6), 2.0, 2).replace("&\n", "")
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


def test_special_points_by_auto_where_it_is_found(harness):
    auto, continuation = importlib.import_module("continuation_auto"), importlib.import_module("continuation")
    if auto.folder() is None:
        pytest.skip("AUTO-07p is not found")
    rows = continuation.demo_rows(continuation.DEMOS[2])
    assert [row.task for row in rows] == ["logistic map, 3-cycle: fold", "logistic map, 3-cycle: flip"]
    assert all(goal.reached for row in rows for goal in row.goals)
    with pytest.raises(harness.BenchmarkError, match="no fold was found near 2"):
        continuation.nearest([("flip", 2.0)], "fold", 2.0)


def test_without_auto_its_columns_read_not_found(monkeypatch):
    auto, continuation = importlib.import_module("continuation_auto"), importlib.import_module("continuation")
    monkeypatch.setattr(auto, "folder", lambda: None)
    (row,) = continuation.demo_rows(continuation.DEMOS[-1])
    assert row.cells["AUTO-07p: error"] is None and [goal.reached for goal in row.goals] == [True, None]
    speed = continuation.speed_row(1)
    assert speed.cells["AUTO-07p (ms)"] is None and speed.goals[1].reached is None
