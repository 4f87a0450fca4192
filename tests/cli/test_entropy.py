"""``cfdyn entropy``: its keys, its words and its errors."""

from __future__ import annotations

import json
import math

import matplotlib.image
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, _ = command("entropy")

WINDOW = ("--map", "r*x*(1-x)", "--set", "r=3.83")


def test_keys_and_record(capsys, tmp_path):
    status, out, _ = run(capsys, *WINDOW, "--box", "0:1", "--json", "--plot", tmp_path / "h.png", "--pixels", 800)
    found = json.loads(out)
    golden = math.log((1 + math.sqrt(5)) / 2)
    assert status == 0 and found["lower"] == pytest.approx(golden, abs=1e-9) == found["upper"]
    assert found["interval"] == [0.0, 1.0] and found["laps"] == 2
    assert found["words"][:4] == [2, 4, 8, 14]  # of the points with f³(x) = 1/2 two are missing: f(1/2) < 0.958
    assert cf.load(found["record"]).lower == found["lower"] and matplotlib.image.imread(tmp_path / "h.png").shape[1] == 800


def test_words_without_a_box(capsys):
    status, out, _ = run(capsys, *WINDOW)
    assert status == 0 and "holds all bounded orbits" in out and "0.4812118251 to 9 decimals" in " ".join(out.split())


def test_errors(capsys):
    for arguments, words in ((("linear_network",), "one variable"), ((*WINDOW, "--box", "1:2,3:4"), "one interval")):
        status, _, err = run(capsys, *arguments)
        assert status == 2 and words in err
