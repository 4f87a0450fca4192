"""``cfdyn held-sharpness`` against the same call in Python."""

import json

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli.input.values import spaced
from cfdyn.errors import UsageError
from tests.cli.terminal import command

run, _ = command("held-sharpness")

START = [1.6, 1.45, 1.1, -0.84, 0.78, -1.06, -0.37]
USUAL = ["tanh_network", "--optimizer", "gd:lr=0.5", "--start", ",".join(map(str, START)), "--steps", "400", "--after", "100", "--runs", "6"]


def test_the_numbers_are_those_of_the_call(capsys, tmp_path):
    code, out, err = run(capsys, *USUAL, "--lr", "0.5:1:2", "--batch", "8", "--json")
    assert code == 0, err
    shown, optimizer = json.loads(out), cf.optimizers.gd(lr=0.1)
    found = cf.held_sharpness(cf.losses.tanh_network(), optimizer, START, 400, [0.5, 1.0], [8], 100, 6)
    for key in ("flow", "runs", "at_mean", "edge"):
        np.testing.assert_array_equal(np.array(shown[key], dtype=float), getattr(found, key))
    assert shown["held"] == found.held.tolist() and shown["notes"] == found.notes and shown["batch"] == [8]
    np.testing.assert_array_equal(cf.load(tmp_path / shown["record"]).flow, found.flow)
    assert (tmp_path / shown["figures"][0]).read_bytes().startswith(b"\x89PNG")


def test_in_words(capsys):
    code, out, err = run(capsys, *USUAL, "--lr", "0.25,1", "--batch", "1,8", "--no-figure")
    assert code == 0, err
    rows = [line.split() for line in out.splitlines() if line.startswith(("1 ", "8 "))]
    assert [row[:2] for row in rows] == [["1", "0.25"], ["1", "1"], ["8", "0.25"], ["8", "1"]]
    assert all(line.rstrip().endswith(("noise", "nothing", "the edge", "no flow")) for line in out.splitlines() if line[:2] in ("1 ", "8 "))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([*USUAL, "--batch", "1.5"], "--batch is a whole number"), ([*USUAL, "--batch", "0"], "batch is a whole number"),
     ([*USUAL, "--lr", "0.1:0.2"], "A:B:N"), ([*USUAL, "--lr", "0.2:0.1:3"], "0 < A < B"), ([*USUAL, "--after", "400"], "--after between 0 and 400"),
     (["double_well", "--optimizer", "gd:lr=0.1", "--lr", "0.1", "--start", "1"], "rows of data"), ([], "needs a LOSS")],
)  # fmt: skip
def test_wrong_usage(capsys, arguments, words):
    code, out, err = run(capsys, *arguments)
    assert code != 0 and out == "" and words in " ".join(err.split()) and "Traceback" not in err


def test_learning_rates_a_factor_apart():
    assert spaced("0.1,0.4", "--lr") == [0.1, 0.4]
    np.testing.assert_allclose(spaced("0.1:0.4:3", "--lr"), [0.1, 0.2, 0.4], rtol=1e-14)
    with pytest.raises(UsageError, match="N from 2"):
        spaced("0.1:0.4:1", "--lr")
