"""``cfdyn chaos``: its keys, its words and its errors."""

from __future__ import annotations

import json

import matplotlib.image
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, _ = command("chaos")

LOGISTIC = ("--map", "r*x*(1-x)", "--start", "0.3", "--steps", "5000", "--set")


def test_keys_and_record(capsys, tmp_path):
    status, out, _ = run(capsys, *LOGISTIC, "r=4", "--json", "--plot", tmp_path / "c.png", "--pixels", 800)
    found = json.loads(out)
    assert status == 0 and found["kind"] == "chaotic" and found["zero_one"]["K"] > 0.98
    assert found["lyapunov"]["exponents"] == pytest.approx([0.6931], abs=5e-3) and found["permutation"]["order"] == 4
    assert {"value", "error", "fitted", "reason"} <= set(found["box_dimension"]) & set(found["correlation_dimension"])
    assert cf.load(found["record"]).chaotic and matplotlib.image.imread(tmp_path / "c.png").shape[1] == 800


def test_words(capsys):
    status, out, _ = run(capsys, *LOGISTIC, "r=3.83", "--no-dimensions")
    assert status == 0 and "regular: the largest exponent is -0.369" in " ".join(out.split()) and "box" not in out


def test_structure(capsys):
    status, out, err = run(capsys, *LOGISTIC, "r=3.9", "--no-dimensions", "--structure")
    assert status == 0 and "At most 3 cycles attract" in " ".join(out.split()), err
    henon = ("--map", "1 - a*x**2 + y; b*x", "--variables", "x,y", "--set", "a=1.4", "--set", "b=0.3", "--start", "0.1,0.1")
    status, out, err = run(capsys, *henon, "--steps", 5000, "--no-dimensions", "--structure", "--json")
    found = json.loads(out)
    assert status == 0 and 0 < found["least_angle"] < 0.01 < found["median_angle"], err
    status, out, err = run(capsys, *henon, "--set", "a=0.3", "--steps", 5000, "--no-dimensions", "--structure")
    assert status == 0 and "not both" in out, err


def test_errors(capsys):
    status, _, err = run(capsys, *LOGISTIC, "r=4.5")
    assert status == 1 and "diverged" in err
    status, _, err = run(capsys, *LOGISTIC, "r=4", "--steps", "1000000000000")
    assert status == 2 and "at most 10000000 steps" in err
