"""``cfdyn basins``: its document, words, figures and errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, _ = command("basins")

WELL = ("double_well", "--optimizer", "gd:lr=0.2")
HEAVY = ("double_well", "--optimizer", "heavy_ball:momentum=0.5")


def test_the_document_is_the_record(capsys, tmp_path):
    status, out, err = run(capsys, *WELL, "--box=-4:4", "--shape", 80, "--json", "--plot", tmp_path / "basins.png")
    assert status == 0, err
    found = json.loads(out)
    kept = cf.load(found["record"])
    assert found["labels"] == kept.labels.tolist()
    assert found["shape"] == [1, 80]
    assert [one["points"] for one in found["attractors"]] == [one.points.tolist() for one in kept.attractors]
    # A step grows beyond √(1 + 2/lr).
    assert np.array_equal(kept.labels[0] == -3, np.abs(kept.first) > 11**0.5)
    assert found["fractions"]["divergent"] == pytest.approx(np.mean(np.abs(kept.first) > 11**0.5))
    assert (tmp_path / "basins.png").stat().st_size > 5000


def test_a_plane_and_its_words(capsys):
    status, out, _ = run(capsys, *HEAVY[:2], "heavy_ball:lr=0.5,momentum=0.5", "--box=-1:1,-1:1", "--plane", "w,v_w", "--shape",
                         "10,20", "--no-figure")  # fmt: skip
    assert status == 0
    assert "10 × 20, w from -1 to 1, v_w from -1 to 1" in out
    assert "fixed point at (1, 0)" in out
    assert "the usual" not in out
    status, out, _ = run(capsys, *WELL, "--shape", "10", "--no-figure")
    assert "the default box" in out


def test_fractions_over_a_parameter(capsys, tmp_path):
    arguments = (*HEAVY, "--vary", "lr=0.5:1.9:3", "--box=-2:2", "--count", 40, "--plot", tmp_path / "fractions.png")
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    found = json.loads(out)
    total = np.array(found["fractions"]).sum(axis=0) + found["divergent"] + found["undecided"]
    assert total == pytest.approx([1, 1, 1])
    assert found["divergent"][-1] == 1
    assert (tmp_path / "fractions.png").stat().st_size > 5000
    status, out, _ = run(capsys, *arguments)
    assert "fixed point at (1, 0)" in out and "divergent" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*WELL, "--box=2:-2"), "LO < HI"),
        ((*WELL, "--box=-1e308:1e308"), "finite"),
        (("--map", "x/2"), "need a box of starts"),
        ((*WELL, "--shape", "100000,100000"), "shape of the grid"),
        ((*WELL, "--vary", "lr=0.1:1:1"), "2 to"),
        (("himmelblau", "--shape", "100000,100000"), "GiB"),
    ],
)
def test_errors_say_what_to_do(capsys, arguments, words):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert words in err
    assert "defect" not in err
