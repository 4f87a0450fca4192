"""A user's own CSV file on the command line: the study of it, and every way in which it can be wrong."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from tests.cli.terminal import run
from tests.processes import finished

GOOD = "dose,ill\n0.5,0\n1.5,1\n2.5,0\n3.5,1\n4.5,1\n5.5,0\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(GOOD)
    return tmp_path


@pytest.mark.slow
def test_study_of_a_file(folder):
    """Minimum and edge a second time, by Newton's method in numpy."""
    command = [sys.executable, "-m", "cfdyn", "study", "logistic:good.csv", "--json", "--no-figure", "--vary", "lr=8:9"]
    # With the compiler on, whatever this test run does: a scan in plain Python takes a minute.
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    done = finished(command, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    x, y = np.loadtxt("good.csv", delimiter=",", skiprows=1).T
    x = np.column_stack([(x - x.mean()) / x.std(), np.ones(6)])
    w = np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = x.T @ (x * (p * (1 - p))[:, None]) / 6
        w -= np.linalg.solve(hessian, x.T @ (p - y) / 6)
    assert found["minima"][0]["w"] == pytest.approx(w, abs=1e-9)
    assert found["edge"] == pytest.approx(2 / np.linalg.eigvalsh(hessian)[-1], rel=1e-9)
    assert found["period"] == 2


OPTIONS = {
    "logistic:good.csv": 2,
    "logistic: good.csv ": 2,
    "logistic:file=good.csv,target=ill": 2,
    "logistic:good.csv,standardize=false,intercept=false": 1,
    "least_squares:good.csv,target=dose": 2,
    "poisson:./deep-er/a file.v2.csv,intercept=false": 1,
    "logistic:file=deep-er/a=b.csv": 2,
    "tanh_network:file=good.csv,hidden=1": 4,
    "linear_network:hidden=1,file=good.csv": 2,
    "quadratic:1:10:100": 3,
    "quadratic:spectrum=1:10:100": 3,
    "cyclic_pair:log_cosh": 2,
}


@pytest.mark.parametrize("text", OPTIONS)
def test_options_that_are_texts(text, folder, capsys):
    (folder / "deep-er").mkdir()
    for name in ("a file.v2.csv", "a=b.csv"):
        (folder / "deep-er" / name).write_text(GOOD)
    code, out, err = run(capsys, "orbit", text, "--optimizer", "gd:lr=0.1", "--start", ",".join(["0.1"] * OPTIONS[text]),
                            "--steps", "2", "--json")  # fmt: skip
    assert code == 0, err
    assert np.array(json.loads(out)["z"]).shape == (3, OPTIONS[text])


FILES = {
    "empty.csv": "",
    "ragged.csv": "x,y\n1,0\n2\n",
    "text.csv": "x,y\n1,0\n2,yes\n",
    "nan.csv": "x,y\n1,0\nnan,1\n",
    "inf.csv": "x,y\n1,0\n1,inf\n",
    "single.csv": "x,y\n1,0\n",
    "constant.csv": "x,same,y\n1,3,0\n2,3,1\n",
    "binary.csv": "\0\1\2",
    "column.csv": "y\n0\n1\n",
    "labels.csv": "x,y\n1,0\n2,1\n3,2\n",
    "agreed.csv": "x,y\n1,1\n2,1\n",
    "negative.csv": "x,y\n1,-1\n2,1\n",
}
WRONG = {
    "missing": ("logistic:gone.csv", "there is no file 'gone.csv'"),
    "folder": ("logistic:.", "is a folder"),
    "empty": ("logistic:empty.csv", "empty.csv is empty"),
    "ragged": ("logistic:ragged.csv", "line 3 of ragged.csv has 1 entry,"),
    "text": ("logistic:text.csv", "'yes' in column 'y', line 3 of text.csv"),
    "nan": ("logistic:nan.csv", "'nan' in column 'x', line 3"),
    "infinite": ("poisson:inf.csv", "'inf' in column 'y', line 3"),
    "single row": ("logistic:single.csv", "1 row of numbers"),
    "constant": ("least_squares:constant.csv", "column 'same' of constant.csv is constant"),
    "too large": ("logistic:huge.csv", "huge.csv has 400 MB, and at most 256 MB"),
    "binary": ("logistic:binary.csv", "binary.csv is not a text"),
    "target": ("logistic:good.csv,target=il", "did you mean 'ill'?"),
    "target alone": ("logistic:column.csv", "1 to 100 columns beside the target"),
    "labels": ("logistic:labels.csv", "needs two labels such as 0 and 1, and holds 3 different numbers"),
    "one label": ("logistic:agreed.csv", "holds only 1"),
    "counts": ("poisson:negative.csv", "-1 is negative"),
    "no file": ("logistic", "loss logistic needs file, such as logistic:data.csv"),
    "no file but options": ("poisson:target=y", "such as poisson:data.csv"),
    "comma in the name": ("logistic:a,b.csv", "a file name cannot hold a comma"),
    "twice": ("logistic:good.csv,file=good.csv", "file is given twice"),
    "misspelt option": ("logistic:good.csv,standardise=false", "did you mean 'standardize'?"),
    "no truth": ("logistic:good.csv,standardize=2", "true or false, not '2'"),
    "number without a name": ("deep_linear:4", "write options as name=value, such as depth=4, not '4'"),
    "spectrum": ("quadratic:1:x", "'1:x'"),
    "residual": ("cyclic_pair:residual=logcosh", "did you mean 'log_cosh'?"),
    "variables": ("logistic:good.csv --variables x", "--variables belongs to a formula"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_get_one_sentence_and_status_2(case, folder, capsys):
    for name, content in FILES.items():
        (folder / name).write_text(content)
    with open(folder / "huge.csv", "wb") as file:
        file.truncate(400_000_000)
    text, words = WRONG[case]
    loss, *more = text.split(" --variables ")
    code, out, err = run(capsys, "study", loss, *(["--variables", *more] if more else []))
    assert code == 2 and out == ""
    assert err.startswith("cfdyn: ") and err.count("\n") == 1 and len(err) < 600
    assert words in err
    assert not list(folder.rglob("*.npz"))
