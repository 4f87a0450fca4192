"""Files that commands read and write: records have numbers and are whole, what is no record is refused in a sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "cut off", "foreign", "no permission", "device", "odd"])
@pytest.mark.parametrize("command", ["branch {}.npz", "curve {}.npz", "oscillation {}.csv", "study logistic:{}.csv",
                                     "orbit least_squares:{}.csv", "classify poisson:{}.csv"])  # fmt: skip
def test_a_file_that_is_none_has_status_2(command, kind, tmp_path, capsys):
    words = command.format("file").split()
    file = tmp_path / words[1].rpartition(":")[2]
    record = cf.iterate(cf.Map.from_text("x/2"), [1.0], 5).save(tmp_path / "whole.npz").read_bytes()
    {"missing": lambda: None, "folder": file.mkdir, "empty": file.touch, "text": lambda: file.write_text("no, 'numbers\n"),
     "cut off": lambda: file.write_bytes(record[:300]), "foreign": lambda: np.savez(file.with_suffix(".npz"), a=np.arange(3)),
     "no permission": lambda: (file.write_bytes(record), file.chmod(0)), "device": lambda: file.symlink_to("/dev/null"),
     "odd": lambda: file.write_bytes(b"\xff\x00\x1b[2J,\n" * 20)}[kind]()  # fmt: skip
    code, out, err = run(capsys, *words, "--json")
    assert (code, out) == (2, "") and err.startswith("cfdyn: ") and err.count("\n") == 1 and "defect" not in err
    assert not list(tmp_path.glob("cfdyn-out/*"))


RECORDS = ["orbit --map x/2 --steps 3", "classify --map x/2", "cycles --map x/2 --period 1 --box=-1:1",
           "branch --map r*x*(1-x) --vary r=1.5:2 --box 0.1:1", "exact --map r*x*(1-x) --set r=2 --period 1"]  # fmt: skip


@pytest.mark.parametrize("command", RECORDS)
def test_records_are_saved_alike(command, capsys):
    name = command.split()[0]
    code, out, err = run(capsys, *command.split(), "--json")
    assert (code, err) == (0, "") and json.loads(out)["record"] == f"cfdyn-out/{name}-001.npz"
    Path(f"cfdyn-out/{name}-002.npz").touch()
    Path(f"cfdyn-out/{name}-003.png").touch()
    code, out, err = run(capsys, *command.split())
    assert (code, err) == (0, "") and out.splitlines()[-1] == f"record  cfdyn-out/{name}-004.npz"
    assert type(cf.load(f"cfdyn-out/{name}-004.npz")) is type(cf.load(f"cfdyn-out/{name}-001.npz"))
    code, out, err = run(capsys, *command.split(), "--out", "else/where")
    assert code == 0 and [p.name for p in Path("else/where").iterdir()] == [f"{name}-001.npz"]


def test_a_record_that_cannot_be_saved_leaves_no_file(capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full)
    code, out, err = run(capsys, "orbit", "--map", "x/2", "--steps", "3")
    assert code == 1 and out == "" and "No space left" in err and not list(Path("cfdyn-out").iterdir())


@pytest.mark.slow
def test_a_number_belongs_to_one_process(tmp_path):
    """Four at once: four records, each whole."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "cfdyn", "orbit", "--map", "x/2", "--start"]
    begun = [subprocess.Popen([*words, str(k)], cwd=tmp_path, env=there, stdout=subprocess.DEVNULL) for k in range(1, 5)]
    assert [process.wait() for process in begun] == [0] * 4
    found = sorted(cf.load(p).z[0, 0] for p in (tmp_path / "cfdyn-out").iterdir())
    assert found == list(range(1, 5))
