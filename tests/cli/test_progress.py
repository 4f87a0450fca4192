"""Progress on stderr: what is said and when, on a terminal and in a file; stdout knows nothing of it."""

import json
import os
import pty
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from cfdyn.cli import main
from cfdyn.cli.progress import Progress, duration, pause
from cfdyn.machine import compiling
from tests.processes import PROGRESS

ROOT = Path(__file__).parents[2]
LONG = ["lyapunov", "--map", "r*x*(1-x)", "--set", "r=3.9", "--steps", "40000000"]
FAST = """
import sys
from cfdyn.cli import main, progress
progress.FIRST = progress.PACE = progress.AT_ONCE = progress.TICK = 0.01
progress.SLOWER = 1e9
main()
"""


def test_the_time_left_is_that_of_the_pace():
    """Of 100 cells 20 in 4 s since the first words of their kind: 60 more take 12 s."""
    about = Progress("regimes", 0.0)
    assert about.line(3.0) == "[3 s] regimes"
    about.say("20 of 100 cells", 10.0)
    assert about.line(11.0) == "[11 s] 20 of 100 cells"
    about.say("40 of 100 cells", 14.0)
    assert about.line(14.0) == "[14 s, about 12 s left] 40 of 100 cells"
    assert about.line(20.0) == "[20 s, about 6 s left] 40 of 100 cells"
    about.say("drawing", 27.0)
    assert about.line(28.0) == "[28 s] drawing"


@pytest.mark.parametrize("words", ["12 branches, at r = 3.5", "5 of 0 values", "7 of 3 steps", "1 of the 3", "t = 1.2.3 of 4"])
def test_what_tells_no_share_has_no_time_left(words):
    about = Progress("", 0.0)
    about.say("1 of 10 parts", 1.0)
    about.say(words, 2.0)
    about.say(words + " ", 3.0)
    assert about.line(4.0) == f"[4 s] {words} "


def test_a_new_round_begins_anew():
    about = Progress("", 0.0)
    for k, now in ((1, 1.0), (9, 2.0), (1, 3.0)):
        about.say(f"{k} of 10 steps", now)
    assert about.line(3.0) == "[3 s] 1 of 10 steps"
    about.say("2 of 10 steps", 5.0)
    assert about.line(5.0) == "[5 s, about 16 s left] 2 of 10 steps"


def test_the_time_left_of_a_stage_is_said_to_be_that():
    """Stages say nothing of each other's length: 100 of 400 values in 2 s, then 150 in 1 s more: 250 more take 5."""
    about = Progress("study", 0.0)
    about.say("stage 2 of 7, scanning", 1.0)
    about.say("stage 2 of 7, scanning: 100 of 400 values", 3.0)
    assert about.line(3.0) == "[3 s] stage 2 of 7, scanning: 100 of 400 values"
    about.say("stage 2 of 7, scanning: 150 of 400 values", 4.0)
    assert about.line(4.0) == "[4 s, about 5 s of this stage left] stage 2 of 7, scanning: 150 of 400 values"
    about.say("stage 3 of 7, proving", 6.0)
    assert about.line(7.0) == "[7 s] stage 3 of 7, proving"


def test_fast_words_are_read_now_and_then():
    about = Progress("", 0.0)
    for k in range(1, 10_001):
        about.say(f"{k} of 100000 steps", k * 1e-3)
    assert about.line(10.0) == "[10 s, about 1 min 30 s left] 10000 of 100000 steps"


def test_compiling_is_said():
    about = Progress("solving", 0.0)
    with compiling.told(), compiling.told():
        assert about.line(2.0) == "[2 s] solving; compiling, once"
    assert about.line(2.0) == "[2 s] solving"


@pytest.mark.slow
def test_a_kernel_that_is_compiled_tells_so():
    from cfdyn.machine import jit

    seen = []
    found = jit.numba.njit(jit.numba.extending.register_jitable(lambda x: x + 1))
    old = compiling.begin
    compiling.begin = lambda: (seen.append(True), old())
    try:
        assert found(1) == 2 and found(2) == 3
    finally:
        compiling.begin = old
    assert seen == [True] * (not jit.DISABLED) and not compiling.under_way()


def test_a_slow_pace_without_a_terminal():
    """At 2 s for the first time, then each 10 s, in long waits each twentieth part of them."""
    times = [0.0]
    while times[-1] < 3600:
        times.append(times[-1] + pause(times[-1], False))
    assert times[1:4] == [2.0, 12.0, 22.0] and len(times) < 85 and pause(0.0, True) < 2 > pause(100.0, True)
    assert duration(3599.6) == "1 h 0 min"


def run(words, place, **options):
    return subprocess.run([sys.executable, "-c", FAST, *words], cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT)}, **options)


def test_a_document_stays_one_and_words_go_to_stderr(tmp_path):
    done = run([*LONG, "--json"], tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["steps"] == 40_000_000
    words = [PROGRESS.fullmatch(line)["words"] for line in done.stderr.splitlines()]
    assert "lyapunov: preparing" in words and any("of 40000000 steps" in line for line in words)


@pytest.mark.slow
def test_quiet_says_nothing(tmp_path):
    done = run([*LONG, "--json", "--quiet"], tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)["steps"] == 40_000_000


@pytest.mark.parametrize(("words", "last"), [
    (["classify", "double_well"], "classifying the orbit"), (["flow", "double_well", "--no-figure"], "solving the flow"),
    (["cycles", "double_well"], "searching for cycles of period 2"),
])  # fmt: skip
def test_what_is_prepared_is_said(words, last, tmp_path, monkeypatch):
    """A weight is looked at from 32 starts; then comes the edge, by which the learning rate is chosen, then the work."""
    said = []
    monkeypatch.setattr("cfdyn.cli.command.progress", lambda about, quiet: nullcontext(said.append))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words)
    starts = [f"searching for minima: {k} of 32 starts" for k in range(32)]
    assert end.value.code == 0 and said[:34] == [*starts, "looking for the edge of the lowest minimum", last]


def test_on_a_terminal_one_line_changes_and_is_gone_in_the_end(tmp_path):
    ours, theirs = pty.openpty()
    done = run(LONG, tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    assert done.returncode == 0 and done.stdout.startswith("map ")
    lines = shown.decode().split("\r\x1b[2K")
    assert lines[0] == "" and lines[-1] == "" and len(lines) > 3 and "\n" not in shown.decode()
    assert all(PROGRESS.fullmatch(line) and len(line) < 80 for line in lines[1:-1])
