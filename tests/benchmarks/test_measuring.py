"""The measuring core of the benchmarks: medians, missing peers, targets, tables, JSON, failures that hide nothing."""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import re
import time
from pathlib import Path

import pytest

import measuring
from measuring import benchmark, front, peers, processes, report, timing
from measuring.tables import markdown


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when a competitor says so."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "process_time", lambda: now[0])
    return now


def advancing(clock, *seconds):
    steps = itertools.cycle(seconds)

    def call():
        clock[0] += next(steps)

    return call


def test_the_median_ignores_one_slow_round_and_the_warm_up(clock):
    # Two calls before the rounds: warm-up and calibration.
    assert measuring.measure(advancing(clock, 900.0, 1.0, 3.0, 1.0, 2.0, 50.0, 2.5), repeats=5) == 2.5


def test_short_calls_are_timed_in_a_loop(clock):
    calls = [0]

    def call():
        calls[0] += 1
        clock[0] += 1e-4

    assert measuring.measure(call, repeats=3) == pytest.approx(1e-4)
    assert calls[0] >= 3 * timing.SHORTEST / 1e-4


@pytest.mark.slow
def test_waiting_for_others_does_not_count():
    assert measuring.measure(lambda: time.sleep(0.05), repeats=3) < 0.02


def test_competitors_take_turns(clock):
    order = []

    def competitor(name):
        def call():
            order.append(name)
            clock[0] += 1.0

        return call

    measuring.interleaved({"a": competitor("a"), "b": competitor("b")}, repeats=3)
    assert order[-8:] == ["a", "a", "b", "b"] + ["a", "b"] * 2  # known to be long, they are not made once more before


def test_a_race_gives_times_for_a_piece_of_work_and_ratios(clock):
    calls = {"cfdyn": advancing(clock, 2.0), "slow": advancing(clock, 3.0), "peer": None}
    assert measuring.race(calls, 1, "ms", work=100, less={"slow": 0.1}) == {
        "cfdyn (ms)": 20.0, "slow (ms)": 300.0, "peer (ms)": None, "slow ÷ cfdyn": 15.0, "peer ÷ cfdyn": None}  # fmt: skip


def test_a_missing_competitor_is_not_found():
    @measuring.needs("math", "no_such_package_anywhere")
    def competitor(*arguments):
        return arguments

    assert competitor(1) is None
    assert measuring.needs("math")(lambda module, size: (module, size))(1) == (math, 1)
    cells = measuring.race({"cfdyn": lambda: None, "peer": competitor()}, 1, "ns", label="{name}")
    row = measuring.Row("task", cells, (measuring.Goal(cells["peer ÷ cfdyn"], 0.9, above=True),))
    text = markdown(measuring.Table("t", ("peer", "peer ÷ cfdyn", "other"), [row]))
    assert text.splitlines()[2] == "| task | not found | not found | – | ≥ 0.9 (not measured) |"


@pytest.fixture
def answer(tmp_path):
    """A function of C whose answer a macro says."""
    source = tmp_path / "answer.c"
    source.write_text("int answer(int x) { return x + WHAT; }")
    return lambda what: measuring.c_function(source, "answer", ctypes.c_int, ctypes.c_int, WHAT=what)


def test_without_a_compiler_c_is_not_found(monkeypatch, answer):
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    assert answer("2") is None


def test_c_is_compiled_on_the_spot(answer):
    if peers.compiler() is None:
        pytest.skip("no C compiler")
    assert (answer("2")(40), answer("x")(40)) == (42, 80)
    with pytest.raises(measuring.BenchmarkError, match="failed"):
        answer("no C")


@pytest.mark.parametrize(
    ("measured", "bound", "above", "reached"),
    [(0.9, 0.9, True, True), (0.89, 0.9, True, False), (3.0, 3.0, False, True), (3.01, 3.0, False, False),
     (None, 1.0, True, None)],
)  # fmt: skip
def test_targets(measured, bound, above, reached):
    assert measuring.Goal(measured, bound, above).reached is reached


def a_benchmark():
    bench = measuring.Benchmark("sample")

    @bench.table("a question of {size}", ("cfdyn (s)", "C", "peer"))
    def question(plan):
        """A note
        with {words}."""
        yield measuring.Row("good", {"cfdyn (s)": 0.25, "C": 1234.5, "peer": None}, (measuring.Goal(0.25, 0.5),))
        yield measuring.Row("bad | worse", {"cfdyn (s)": 2.0}, (measuring.Goal(2.0, 0.5), measuring.Goal(0.1, 0.9, above=True)))
        return {"words": "words", "size": plan.pick(1, 2)}

    @bench.table("for each", each=lambda plan: plan.pick(["a"], ["a", "b"]))
    def others(plan, name):
        """Below the last."""
        yield measuring.Row(name, {"y": 1.0})
        yield measuring.Row(name, {"x": 1.0, "y": 2.0})

    @bench.table("never")
    def never(plan):
        yield from ()

    return bench


def sample(quick=False):
    return report.Report("sample", list(a_benchmark().run(quick))[:1], quick)


def test_functions_that_yield_rows_become_tables():
    tables = list(a_benchmark().run(quick=False))
    assert [(table.title, table.note) for table in tables] == [
        ("a question of 2", "A note with words."), ("for each", ""), ("for each", "Below the last.")]  # fmt: skip
    assert tables[1].columns == ("y", "x") and [row.task for row in tables[2].rows] == ["b", "b"]
    assert [table.title for table in a_benchmark().run(quick=True)] == ["a question of 1", "for each"]


def test_markdown():
    lines = markdown(sample().tables[0]).splitlines()
    assert lines[0] == "| a question of 2 | cfdyn (s) | C | peer | target |"
    assert lines[2] == "| good | 0.25 | 1234 | not found | ≤ 0.5 reached |"
    assert lines[3] == "| bad \\| worse | 2 | – | – | ≤ 0.5 **missed**; ≥ 0.9 **missed** |"
    assert lines[-1] == "A note with words."
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines[:4]} == {6}


def test_missed_targets_are_listed():
    assert sample().missed() == ["bad | worse: 2, target ≤ 0.5", "bad | worse: 0.1, target ≥ 0.9"]


def test_json_is_complete_and_strict(tmp_path):
    path = sample().save(tmp_path / "new folder")

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


def test_not_a_number_never_reaches_the_json(tmp_path):
    table = measuring.Table("t", ("x",), [measuring.Row("r", {"x": float("nan")})])
    with pytest.raises(ValueError):
        report.Report("sample", [table], False).save(tmp_path)
    assert not (tmp_path / "sample.json").exists()


def test_the_page_gets_the_tables_between_its_markers(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        report.insert([sample()], page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert text.count("| a question of 2 |") == 1 and report.machine()["processor"] in text
    report.insert([report.Report("other", [], False)], page)  # the sections of other benchmarks stay
    assert page.read_text(encoding="utf-8").startswith(text.split(report.END)[0])
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(measuring.BenchmarkError, match="lacks"):
        report.insert([sample()], page)


def test_the_front_page_shows_cells_of_the_page():
    """`python benchmarks/run.py --write` keeps both in step; what is not there says where it was asked for."""
    page = report.PAGE.read_text(encoding="utf-8")
    assert f"{report.BEGIN}\n\n{front.table(page)}{report.END}" in front.README.read_text(encoding="utf-8")
    with pytest.raises(measuring.BenchmarkError, match=r"'Hénon map, flip curve': benchmarks/measuring/front\.py"):
        front.table(page.replace("| Hénon map, flip curve |", "| gone |"))


@pytest.mark.parametrize(("before", "after", "busy"), [(0.0, 1.5, False), (9.5, 1.5, True), (0.0, 9.5, True)])
def test_a_busy_machine_is_told(before, after, busy):
    where = {**report.machine(), "cores": 2, "load before": before, "load after": after}
    text = report.document([report.Report("s", [], False, machine=where)])
    assert ("was busy" in text) is busy and (f"{before}–{after}" in text) is busy


def test_the_page_has_a_section_for_each_benchmark():
    import run

    assert sorted(report.sections(report.PAGE.read_text(encoding="utf-8"))) == sorted(run.NAMES)
    how = (report.HERE / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}.py` |" in how for name in run.NAMES)


def failing(folder):
    """Three tables, of which the second says in its first row what is kept by then, and fails in its second."""
    bench = measuring.Benchmark("failing")

    @bench.table("first of {count}", ("x",))
    def first(plan):
        yield measuring.Row("one", {"x": 0.5})
        return {"count": 3}

    @bench.table("second", ("kept",))
    def second(plan):
        """Nobody reads this."""
        yield measuring.Row("two", {"kept": json.loads((folder / "failing.json").read_text())["tables"][0]["title"]})
        raise measuring.BenchmarkError("another answer than the known one\nand more")

    @bench.table("third", ("x",))
    def third(plan):
        yield measuring.Row("three", {"x": 0.25})

    return bench


def test_a_table_that_fails_loses_no_other(tmp_path, capsys):
    assert benchmark.main({"failing": lambda: failing(tmp_path)}, ["--quick"], tmp_path) == 1
    shown = capsys.readouterr()
    why = "BenchmarkError: another answer than the known one"
    assert [line for line in shown.out.splitlines() if line.startswith(("|", "**")) and "---" not in line] == [
        "| first of 3 | x |", "| one | 0.5 |", "| second | kept |", "| two | first of 3 |", f"**Failed**: {why}", "| third | x |", "| three | 0.25 |"]  # fmt: skip
    assert shown.out.splitlines()[-1] == f"failed: failing: second: {why}" and "Nobody reads this" not in shown.out
    tables = json.loads((tmp_path / "failing.json").read_text())["tables"]
    assert [table["failed"] for table in tables] == ["", why, ""]
    assert "Traceback" in shown.err and "failing: FAILED" in shown.err


def test_a_failure_does_not_hide_the_others(tmp_path, capsys):
    broken = measuring.Benchmark("broken")
    broken.table("t")(lambda plan: 1 / 0)
    known = {"broken": lambda: broken, "sample": a_benchmark, "missing": lambda: {}["no such script"]}
    assert benchmark.main(known, ["--quick"], tmp_path) == 1
    shown = capsys.readouterr()
    assert "failed: broken: t: ZeroDivisionError: division by zero" in shown.out and "| good | 0.25 |" in shown.out
    assert "failed: missing: missing: KeyError: 'no such script'" in shown.out
    assert "missed: bad" in shown.out and "ZeroDivisionError" in shown.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.json", "missing.json", "sample.json"]
    assert benchmark.main(known, ["sample"], tmp_path) == 0
    with pytest.raises(SystemExit) as end:
        benchmark.main(known, ["no_such_benchmark"], tmp_path)
    assert end.value.code == 2


def test_what_is_interrupted_leaves_the_tables_that_are_done(tmp_path):
    bench = a_benchmark()

    @bench.table("long")
    def interrupted(plan):
        yield measuring.Row("r", {"x": 1.0})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benchmark.main({"sample": lambda: bench}, [], tmp_path)
    titles = [table["title"] for table in json.loads((tmp_path / "sample.json").read_text())["tables"]]
    assert titles == ["a question of 2", "for each", "for each"]


def test_only_whole_benchmarks_are_written_to_the_pages(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(benchmark, "insert", lambda reports: written.extend(report.name for report in reports))
    monkeypatch.setattr(front, "write", lambda: written.append("front page"))
    known = {"failing": lambda: failing(tmp_path), "sample": a_benchmark}
    assert benchmark.main(known, ["--write"], tmp_path) == 1 and written == ["sample", "front page"]


def test_a_fresh_process_is_timed_and_its_failure_is_told():
    end = processes.fresh(["-c", "import sys, time; time.sleep(0.3); sys.stderr.write('said')"])
    assert end.seconds >= 0.3 and 0 < end.cpu < end.seconds and end.errors == "said"
    with pytest.raises(measuring.BenchmarkError, match=r"status 3: the last line"):
        processes.fresh(["-c", "import sys; sys.stderr.write('first\\nthe last line'); sys.exit(3)"])
    with pytest.raises(measuring.TooSlow, match=r"more than 0\.2 s"):
        processes.fresh(["-c", "import time; time.sleep(9)"], patience=0.2)


@pytest.mark.parametrize(("emptied", "runs"), [(True, [1, 5]), (False, [6])])
def test_each_cold_start_gets_caches_of_its_own(emptied, runs):
    caches, code = processes.Caches(), "import os; open(os.environ['CFDYN_CACHE_DIR'], 'a').write('x')"
    seen = [caches.environment["CFDYN_CACHE_DIR"]]
    made = caches.empty
    caches.empty = lambda: seen.append(made()["CFDYN_CACHE_DIR"]) or caches.environment
    cells = processes.process_cells(["-c", code], 2, caches, cold=2, memory=True, emptied=emptied)
    assert tuple(cells) == (processes.COLD, processes.COLD_CPU, processes.WARM, processes.WARM_CPU, processes.MEMORY)
    # Two cold runs, one that is not counted, two warm ones, one for memory.
    assert [len(Path(file).read_text()) for file in seen[emptied:]] == runs


def test_memory_is_that_of_the_code_alone():
    assert processes.peak_memory("x = bytearray(80_000_000)") == pytest.approx(80, abs=8)
    # A large parent must not count.
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert processes.peak_memory("pass") < 8
