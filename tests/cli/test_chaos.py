"""``cfdyn chaos``: its keys, its words and its errors."""

from __future__ import annotations

import json

import pytest

import cfdyn as cf
from cfdyn.cli import main

LOGISTIC = ("--map", "r*x*(1-x)", "--start", "0.3", "--steps", "5000", "--set")


def run(capsys, folder, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["chaos", *map(str, arguments), "--out", str(folder)])
    out, err = capsys.readouterr()
    return stopped.value.code or 0, out, err


def test_keys_and_record(capsys, tmp_path):
    status, out, _ = run(capsys, tmp_path, *LOGISTIC, "r=4", "--json", "--plot", tmp_path / "c.png")
    found = json.loads(out)
    assert status == 0 and found["kind"] == "chaotic" and found["zero_one"]["K"] > 0.98
    assert found["lyapunov"]["exponents"] == pytest.approx([0.6931], abs=5e-3) and found["permutation"]["order"] == 4
    assert {"value", "error", "fitted", "reason"} <= set(found["box_dimension"]) & set(found["correlation_dimension"])
    assert cf.load(found["record"]).chaotic and (tmp_path / "c.png").stat().st_size > 5000


def test_words(capsys, tmp_path):
    status, out, _ = run(capsys, tmp_path, *LOGISTIC, "r=3.83", "--no-dimensions")
    assert status == 0 and "regular: the largest exponent is -0.369" in " ".join(out.split()) and "box" not in out


def test_errors(capsys, tmp_path):
    status, _, err = run(capsys, tmp_path, *LOGISTIC, "r=4.5")
    assert status == 1 and "diverged" in err
    status, _, err = run(capsys, tmp_path, *LOGISTIC, "r=4", "--steps", "1000000000000")
    assert status == 2 and "at most 10000000 steps" in err
