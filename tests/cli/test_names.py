"""Names on the command line: what was read as weights, and names that mean something else."""

import json

import pytest

from tests.cli.terminal import run


@pytest.mark.slow
def test_a_study_says_first_which_weights_it_read(capsys, tmp_path):
    call = ["study", "(w + 2*b - 1)**2/2 + w**4/4", "--optimizer", "gd:lr=0.1", "--no-figure", "--out", str(tmp_path)]
    status, out, _ = run(capsys, *call)
    assert status == 0 and out.splitlines()[0].rstrip() == "2 weights: b, w"
    status, out, _ = run(capsys, *call, "--json")
    assert json.loads(out)["weights"] == ["b", "w"]


@pytest.mark.parametrize(("name", "call"), {
    "set in a map": ("E", ["classify", "--map", "2*x+E", "--set", "E=0.25"]),
    "set in a loss": ("pi", ["classify", "pi*x**2", "--set", "pi=3"]),
    "set, not used": ("exp", ["classify", "x**2", "--set", "exp=3"]),
    "variable": ("E", ["classify", "E**2", "--variables", "E"]),
    "variable of a map": ("floor", ["classify", "--map", "x; 0.5", "--variables", "x,floor"]),
    "varied": ("E", ["branch", "--map", "2*x+E", "--variables", "x", "--vary", "E=0:1"]),
}.values())  # fmt: skip
def test_a_name_that_means_something_else_is_wrong_usage(capsys, name, call):
    status, out, err = run(capsys, *call)
    assert status == 2 and not out and f"{name!r} cannot name a variable or a parameter" in err


def test_a_variable_that_the_formula_does_not_contain(capsys):
    status, out, _ = run(capsys, "classify", "x**2/2", "--variables", "x,y", "--optimizer", "gd:lr=0.5", "--start", "1,3", "--json")
    assert status == 0 and json.loads(out)["points"][0][1] == 3.0
