"""``cfdyn certify``, ``cfdyn cycles --prove`` and what a study proves: keys, words, files that `cfdyn check` finds valid, errors."""

from __future__ import annotations

import contextlib
import itertools
import json
from types import SimpleNamespace

import pytest

from tests.cli.terminal import run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cycle", "--map", "r*x*(1-x)", "--set", "r=3.83", "--period", 3), "exactly one cycle of least period 3"),
        (("chaos", "--map", "r*x*(1-x)", "--set", "r=3.9", "--box", "0:1"), "Li and Yorke"),
        (("all", "double_well", "--optimizer", "gd:lr=1.7", "--period", 3), "exactly 4 cycles of least period 3"),
        (("none", "double_well", "--vary", "lr=0.5:0.9", "--box=-1.4:1.4", "--jobs", 2), "no cycle of least period 3"),
        (("branch", "double_well", "--vary", "lr=1.1:1.15", "--period", 2), "is stable everywhere"),
        (("trapping", "double_well", "--optimizer", "gd:lr=1.4", "--box=-1.4:1.4"), "into its interior"),
        (("convergence", "double_well", "--optimizer", "gd:lr=0.5", "--box", "0.5:1.5"), "one and the same fixed point"),
        (("flip", "double_well", "--vary", "lr=0.9:1.1"), "supercritical"),
        (("edge", "double_well", "--optimizer", "gd:lr=1.7", "--box", "0.7:1"), "is held at the edge"),
        (("edge", "double_well", "--optimizer", "heavy_ball:lr=1.2,momentum=0.5"), "leaves the edge"),
        (("measure", "(Abs(w) - 1)**2/2", "--optimizer", "gd:lr=2.5", "--box=-2.9:2.9"), "probability measure with a density"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_each_kind_is_proved_and_its_file_is_valid(capsys, arguments, words):
    status, out, _ = run(capsys, "certify", *arguments, "--json")
    found = json.loads(out)
    assert status == 0 and found["proved"] is True and words in found["statement"] and found["reason"] == ""
    status, out, _ = run(capsys, "check", found["file"], "--json")
    assert status == 0 and json.loads(out) == {"valid": True, "statement": found["statement"], "reason": ""}


def test_what_is_false_is_not_proved(capsys, tmp_path):
    status, out, _ = run(capsys, "certify", "none", "double_well", "--optimizer", "gd:lr=1.7", "--json")
    found = json.loads(out)
    assert status == 1 and found["proved"] is False and found["file"] is None and found["reason"]
    assert not list(tmp_path.glob("cfdyn-out/*.json"))  # at lr = 1.7 there are four 3-cycles


@pytest.mark.parametrize("arguments", [("cycle", "--optimizer", "gd:lr=1.2"), ("branch", "--vary", "lr=1.1:1.15"), ("flip", "--vary", "lr=1.1:1.15")])
def test_without_a_cycle_to_begin_with_it_stays_unproved(capsys, arguments):
    """The double well has no 3-cycles below lr = 1.45."""
    status, out, _ = run(capsys, "certify", arguments[0], "double_well", *arguments[1:], "--period", 3, "--json")
    found = json.loads(out)
    assert status == 1 and found["proved"] is False and "no cycle of period 3 was found;" in found["reason"]


def test_the_file_that_is_asked_for(capsys, tmp_path):
    words = ("double_well", "--optimizer", "gd:lr=1.4", "--box=-1.4:1.4", "--out", "proof.json", "--plot", "proof.pdf")
    status, out, _ = run(capsys, "certify", "trapping", *words)
    assert status == 0 and (tmp_path / "proof.pdf").stat().st_size > 3000 and "proof.json" in out and json.loads((tmp_path / "proof.json").read_text())["kind"] == "trapping"


def test_cycles_with_proof(capsys):
    status, out, _ = run(capsys, "cycles", "double_well", "--optimizer", "gd:lr=1.7", "--period", 3, "--prove", "--jobs", 1, "--json")
    found = json.loads(out)
    assert status == 0 and found["proved"] and found["complete"] and found["undecided"] == [] and found["count"] == 4
    assert "exactly 15 points" in found["statement"]  # 3 + 4·3 zeros of a polynomial of degree 27
    assert run(capsys, "check", found["certificates"][0])[0] == 0


def test_a_study_proves_its_cycle_and_the_chaos_beside_it(capsys):
    status, out, _ = run(capsys, "study", "double_well", "--optimizer", "gd:lr=1.46", "--vary", "lr=1.4:1.5", "--no-figure", "--json")
    found = json.loads(out)
    assert status == 0 and [c["kind"] for c in found["certificate"]] == ["cycle", "bifurcation", "chaos"] and found["unproved"] == []
    assert "Proved in ball arithmetic: a stable 3-cycle; the supercritical flip at the edge; a 3-cycle and the chaos that follows." in found["verdict"]
    assert found["headline"] == "Stable 3-cycle, 1.46 × the edge of stability. Proved." and len(found["bullets"]) == 5
    assert [run(capsys, "check", file)[0] for file in found["certificates"]] == [0, 0, 0]


def test_jobs_are_for_proofs(capsys):
    status, out, err = run(capsys, "cycles", "double_well", "--period", 3, "--jobs", 2)
    assert status == 2 and "--jobs is only for --prove" in err and out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("caos", "double_well"), "did you mean 'chaos'"),
        (("cycle", "double_well", "--period", "three"), "whole number"),
        (("branch", "double_well", "--period", 2), "--vary NAME=LO:HI"),
        (("chaos", "double_well", "--vary", "lr=1.7:max"), "as far as the proof extends"),
        (("none", "double_well", "--period", "above 3"), "a whole number from 2 on, or 'above 1' or 'above 2'"),
        (("chaos", "linear_network"), "one variable"),
        (("measure", "linear_network"), "one variable"),
        (("trapping", "double_well", "--out", "."), "is a folder"),
        (("cycle", "double_well", "--jobs", 2), "no --jobs: it is for all, none"),
        (("trapping", "double_well", "--period", 2), "no --period"),
        (("measure", "double_well", "--box=-2:2", "--start", 1), "not both"),
        (("edge", "river_valley", "--box=0:1,0:1", "--start=1,1"), "not both"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_errors(capsys, arguments, words):
    status, out, err = run(capsys, "certify", *arguments)
    assert status == 2 and words in err and len(err.splitlines()) <= 3 and out == ""


def test_a_zero_on_the_border_of_the_box_is_named(capsys):
    status, out, _ = run(capsys, "certify", "all", "double_well", "--optimizer", "gd:lr=1.7", "--box=0:1")
    words = " ".join(out.split())
    assert status == 1 and "proved no" in words and "0 cycles proved, 2 boxes undecided" in words
    assert "fixed point at w = 0 is on the border" in words and "fixed point at w = 1 is on the border" in words


def test_cycles_with_angles_are_not_proved(capsys):
    status, _, err = run(capsys, "cycles", "--map", "x + 0.3 - sin(2*pi*x)/20", "--periodic", "x=1", "--box=0:1", "--prove")
    assert status == 2 and "omit --periodic" in " ".join(err.split())


@pytest.mark.parametrize(("arguments", "of"), [
    (("certify", "none", "double_well", "--vary", "lr=0.5:0.9", "--box=-1.4:1.4"), ""),
    (("certify", "none", "double_well", "--vary", "lr=0.5:max", "--box=-1.4:1.4"), " of this pass"),
    (("certify", "all", "double_well", "--optimizer", "gd:lr=1.7", "--period", 2), " of this pass"),
    (("cycles", "double_well", "--optimizer", "gd:lr=1.7", "--period", 2, "--prove"), " of this pass"),
])  # fmt: skip
def test_the_time_left_is_told_of_all_or_of_a_pass(capsys, monkeypatch, arguments, of):
    """A clock that moves by a second when it is read, and an estimate of 75 boxes, each a second, after the first one."""
    said = []
    monkeypatch.setattr("cfdyn.cli.command.progress", lambda words, quiet: contextlib.nullcontext(said.append))
    monkeypatch.setattr("cfdyn.certify.boxes.search.time", SimpleNamespace(monotonic=itertools.count().__next__))
    monkeypatch.setattr("cfdyn.certify.boxes.search.Pace.settled_left", lambda self, most: 75.0)
    monkeypatch.setattr("cfdyn.certify.boxes.search.Rate.of", lambda self, settled: settled)
    run(capsys, *arguments)
    assert next(words for words in said if "boxes done" in words).endswith(f" wait, about 1 min 15 s{of} left")


@pytest.mark.parametrize(("arguments", "words"), [
    (("trapping", "double_well", "--optimizer", "gd:lr=1.4", "--box=-1.4:1.4"), "boxes done"),
    (("convergence", "double_well", "--optimizer", "gd:lr=0.4", "--box=0.1:1.5"), "boxes done"),
    (("edge", "(x*y - 1)**2/2", "--optimizer", "gd:lr=0.5", "--start=0.6,2"), "boxes done"),
    (("measure", "(Abs(w) - 1)**2/2", "--optimizer", "gd:lr=2.5", "--box=-2.9:2.9"), "boxes done"),
    (("none", "double_well", "--optimizer", "gd:lr=1", "--period", "3"), "proving: searching for a cycle that refutes it"),
    (("chaos", "double_well", "--optimizer", "gd:lr=1.7"), "proving: searching for cycles of period 7, up to 7"),
    (("flip", "double_well", "--vary", "lr=0.9:1.1"), "proving: cycle 1 (of up to 3): its normal form"),
    (("branch", "double_well", "--vary", "lr=0.5:0.6", "--start=1"), "proving: 100.00 of 100 % of the interval"),
])  # fmt: skip
def test_how_far_a_proof_is_is_told(capsys, monkeypatch, arguments, words):
    said = []
    monkeypatch.setattr("cfdyn.cli.command.progress", lambda words, quiet: contextlib.nullcontext(said.append))
    run(capsys, "certify", *arguments)
    assert any(words in line for line in said)


def test_advice_that_python_alone_can_follow_says_so(capsys):
    status, out, _ = run(capsys, "certify", "chaos", "double_well", "--optimizer", "gd:lr=1.3")
    assert status == 1 and "or longest=9. 'longest' is an argument in Python: cf.certify.chaos." in " ".join(out.split())
