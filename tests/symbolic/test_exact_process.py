"""The process for the algebra of closed forms: it ends in time, with its parent, and its answers are kept."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import cfdyn as cf
import cfdyn.studies.landmarks
from cfdyn.cli.commands.study import summary
from cfdyn.symbolic.exact import process, short
from cfdyn.symbolic.exact.process import MODULE
from cfdyn.symbolic.exact.request import request, subject
from cfdyn.symbolic.exact.short import short_forms
from tests.processes import finished, status, used

GD = cf.optimizers.gd(lr=1.0)
NOTHING_KEPT = SimpleNamespace(read=lambda question: None, write=lambda question, answer: None)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})


def test_the_time_limit_holds_and_nothing_is_left():
    before = used()
    record = cf.symbolic.cycles(LOGISTIC, 6, time_limit=1.0)
    assert used() - before < 1.5 and "time limit" in record.reason and not record.complete
    if os.path.isdir("/proc"):
        children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True).stdout
        assert "exact.worker" not in children


@pytest.mark.slow
def test_the_limit_is_of_the_processor_and_all_of_it_is_used():
    """Also where a first try with all parameters as symbols is given up for one with the first alone."""
    step, limit = cf.Map.from_text("(a*x**2 + b)/(c + x**2)", "x", {"a": 3.2, "b": 0.1, "c": 1.0}), 2.5
    before = used()
    record = cf.symbolic.cycles(step, 4, time_limit=limit)
    assert record.parameters == ("a",) and "time limit" in record.reason
    assert 0.9 * limit < used() - before < 1.2 * limit


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks whether a process is stopped")
def test_a_process_that_is_kept_waiting_is_not_ended(monkeypatch):
    """Stopped for longer than any multiple of its limit that a clock might allow, and then let go: it has all its time."""
    begin, limit = process._begin, 4.0
    stopped = []

    def held(seconds):
        worker = begin(seconds)
        os.kill(worker.pid, signal.SIGSTOP)
        threading.Timer(4 * limit, lambda: (stopped.append(state(worker.pid)), os.kill(worker.pid, signal.SIGCONT))).start()
        return worker

    def state(pid):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    monkeypatch.setattr(process, "_shelf", lambda: NOTHING_KEPT)
    monkeypatch.setattr(process, "_begin", held)
    found = cf.symbolic.cycles(LOGISTIC, 1, parameters=["r"], time_limit=limit)
    assert stopped == ["T"] and found.families and not found.reason


@pytest.mark.slow
def test_a_study_names_the_formulas_for_which_time_did_not_suffice(monkeypatch, tmp_path):
    """A process that ends while it is still importing SymPy."""
    monkeypatch.setattr(process, "_shelf", lambda: NOTHING_KEPT)
    landmarks = sys.modules["cfdyn.studies.landmarks"]  # a function has its name
    monkeypatch.setattr(landmarks, "PATIENCE", 0.01)
    found = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    assert found.exact == []
    for part in ("edge and flip coefficient", "flip of the 2-cycle", "fold of the 3-cycle", process.TOO_LATE):
        assert part in found.unfinished and part in found.verdict
    assert summary(found)["unfinished"] == cf.load(found.save(tmp_path / "study.npz")).unfinished == found.unfinished
    monkeypatch.setattr(landmarks, "PATIENCE", 60.0)
    found = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    assert len(found.exact) == 5 and found.unfinished == "" and "not computed" not in found.verdict


def test_what_was_found_before_the_end_is_kept_and_the_rest_named(monkeypatch):
    lines = ['{"name": "edge", "text": "1", "latex": "1", "value": 1.0}\n', f'{{"done": "{short.MINIMA}"}}\n']
    monkeypatch.setattr(process, "_shelf", lambda: NOTHING_KEPT)
    monkeypatch.setattr(process, "_ask", lambda question, limit: process._collected(lines))
    forms, unfinished = short.report_forms(cf.losses.double_well(), GD, 1.0)
    assert [form.name for form in forms] == ["edge"]
    assert unfinished == f"flip of the 2-cycle, fold of the 3-cycle ({process.ENDED_EARLY})"


def test_a_line_that_was_cut_off_is_no_answer():
    found, reason = process._collected(iter(['{"map": []}\n', '{"kind": "cyc']))
    assert found == [{"map": []}] and reason == process.ENDED_EARLY


def test_an_interrupt_ends_it_at_once():
    code = ("import cfdyn as cf, os, signal, threading\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in what a shell runs in the background
            "step = cf.Map.from_text('r*x*(1-x)', params={'r': 3.2})\n"
            "cf.symbolic.cycles(step, 1)\n"
            "threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
            "cf.symbolic.cycles(step, 6, time_limit=60.0)")  # fmt: skip
    before = used()
    done = finished([sys.executable, "-c", code])
    assert "KeyboardInterrupt" in done.stderr and used() - before < 30


def test_the_worker_ends_with_its_parent():
    """Its stdin closes when the parent is gone, however that ended."""
    asked = json.dumps(request(subject(LOGISTIC, None), ["r"], job="cycles", n=6)) + "\n"
    worker = subprocess.Popen([sys.executable, "-m", MODULE, "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    worker.stdin.write(asked)
    worker.stdin.flush()
    assert "map" in worker.stdout.readline()
    worker.stdin.close()
    assert status(worker) == 0
    worker.stdout.close()


def test_importing_loads_no_sympy():
    code = "import sys, cfdyn; from cfdyn import symbolic; symbolic.cycles; cfdyn.symbolic.edge; print('sympy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False"]


def test_short_forms():
    forms = {form.name: form for form in short_forms(cf.losses.double_well(a=2.0), GD, 20.0)}
    assert forms["edge at w = 1, -1"].text == "1/a" and forms["edge at w = 1, -1"].value == 0.5
    assert forms["flip of the 2-cycle"].value == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-15)
    before = used()
    assert short_forms(cf.losses.poisson_regression(), GD) == [] and used() == before, "no process was begun"


def test_an_answer_serves_every_learning_rate(monkeypatch):
    first = short_forms(cf.losses.double_well(a=3.0), cf.optimizers.gd(lr=0.3), 20.0)
    monkeypatch.setattr(process, "_ask", lambda *question: pytest.fail("asked again"))
    assert short_forms(cf.losses.double_well(a=3.0), cf.optimizers.gd(lr=0.4), 20.0) == first
    edges = [form for form in first if form.name.startswith("edge")]
    assert [form.value for form in edges] == pytest.approx([1 / 3], rel=1e-15)  # 2/f″ with f″(±1) = 2a


def test_a_process_begun_ahead_answers_the_next_question_and_is_gone(monkeypatch):
    pids = []
    begin = process._begin
    monkeypatch.setattr(process, "_shelf", lambda: NOTHING_KEPT)
    monkeypatch.setattr(process, "_begin", lambda limit: pids.append(begin(limit)) or pids[-1])
    with process.begun(20.0):
        assert len(pids) == 1 and pids[0].poll() is None
        found = cf.symbolic.cycles(cf.Map.from_text("r*x*(1-x) + x/997", "x", {"r": 3.2}), 1, time_limit=20.0)
        assert len(pids) == 1 and pids[0].returncode is not None and found.families
    with process.begun(20.0):
        cf.symbolic.cycles(cf.Map.from_text("r*x*(1-x) + x/991", "x", {"r": 3.2}), 1, time_limit=19.0)
        assert len(pids) == 3, "its time limit is another"
    assert all(p.returncode is not None for p in pids) and process._begun == []
