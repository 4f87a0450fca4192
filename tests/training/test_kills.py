"""Processes that are killed at any moment, and gone on with: the arrays are those of a run that was left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from tests import processes
from tests.training import toy
from tests.training.runs import arrays

ROOT = Path(__file__).resolve().parents[2]
TOY = "import sys, cfdyn; from tests.training import toy; toy.use(setattr); where = sys.argv[2]; net = toy.Toy();"
BEGIN = f"{TOY} cfdyn.train(toy.SETTINGS, network=net, out=where, keep=0.0) if sys.argv[1] == 'begin' else cfdyn.train(resume=where, network=net, keep=0.0)"


def begun(*words):
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)  # fmt: skip


def steps_done(folder):
    try:
        return cf.Run(folder)._steps
    except cf.CfdynError:
        return -1


def same(one, other):
    a, b = arrays(one), arrays(other)
    assert a.keys() == b.keys() and len(a) > 8 and np.isfinite(a["steps/loss"]).all()
    assert [name for name in a if a[name].tobytes() != b[name].tobytes()] == []


def test_killed_once(tmp_path, monkeypatch):
    toy.use(monkeypatch.setattr)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = begun("-c", BEGIN, "begin", str(killed))
    processes.until(lambda: steps_done(killed) > 8)
    process.send_signal(signal.SIGKILL)
    assert processes.status(process) == -signal.SIGKILL and 8 < steps_done(killed) < 120
    assert cf.train(resume=killed, network=toy.Toy()).status == "done"
    cf.train(toy.SETTINGS, network=toy.Toy(), out=str(whole))
    same(whole, killed)
    assert {path.name for path in killed.iterdir()} <= {"config.toml", "run.zarr", ".lock", "checkpoint-0.npz", "checkpoint-1.npz"}


@pytest.mark.slow
@pytest.mark.parametrize("more", [
    ("--optimizer", "gd:lr=0.74", "--exponents", "2"), ("--optimizer", "rmsprop:lr=0.002,beta2=0.95,eps=1e-6", "--batch", "40"),
    ("--optimizer", "gd:lr=0.6", "--batch", "20", "--cut", "0.4")])  # fmt: skip
def test_a_network_killed_at_ten_random_moments(tmp_path, more):
    options = ["mlp:widths=8-8", "--data", "digits:classes=3,n=100", *more, "--steps", "400", "--every", "4", "--keep", "0.1"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert processes.status(begun("-m", "cfdyn", "train", *options, "--out", str(whole))) == 0
    rng, kills, last = np.random.default_rng(5), 0, -1
    words = [*options, "--out", str(killed)]
    while kills < 10:
        process = begun("-m", "cfdyn", "train", *words)
        if rng.random() < 0.2 and (killed / "config.toml").exists():
            time.sleep(float(rng.uniform(0.0, 3.0)))  # while it starts
        else:
            processes.until(lambda process=process, last=last: steps_done(killed) > last or process.poll() is not None)
            time.sleep(float(rng.uniform(0.0, 0.3)))
        process.send_signal(signal.SIGKILL)
        processes.status(process)
        kills, last = kills + 1, max(last, steps_done(killed))
        words = ["--resume", str(killed), "--keep", "0.1"]
    assert last > 0
    assert processes.status(begun("-m", "cfdyn", "train", "--resume", str(killed))) == 0
    same(whole, killed)
