"""``cfdyn curve`` as a user meets it."""

import math
import re

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import document, run

WELL = ["curve", "(w**2 - a)**2/4", "--set", "a=1", "--vary", "lr=0.2:3", "--vary", "a=0.3:3"]


def test_flips_of_the_minimum_and_of_its_2_cycle(capsys, tmp_path):
    """ηa = 1 and ηa = √5 − 1 by scaling (C2)."""
    found = document(capsys, *WELL, "--out", str(tmp_path), "--plot", str(tmp_path / "chart.png"))
    assert found["kind"] == "flip" and found["names"] == ["lr", "a"] and found["period"] == 1
    assert np.prod(found["parameters"], axis=1) == pytest.approx(1, abs=1e-11)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG") and found["figures"] == [str(tmp_path / "chart.png")]
    loaded = cf.load(found["record"])
    assert loaded.parameters.tolist() == found["parameters"] and loaded.special == []
    found = document(capsys, *WELL, "--optimizer", "gd:lr=1.1", "--period", "2")
    assert found["period"] == 2 and np.prod(found["parameters"], axis=1) == pytest.approx(math.sqrt(5) - 1, rel=1e-10)


def test_special_points(capsys):
    """The cubic map: the flip is degenerate where 9x² = 1, the fold has its cusp at (0, 1)."""
    words = ["curve", "--map", "k + c*x - x**3", "--variables", "x", "--vary", "k=-3:3", "--vary", "c=-2:4"]
    found = document(capsys, *words, "--set", "k=0", "--set", "c=-0.9")
    assert [s["kind"] for s in found["special"]] == ["generalized flip"] * 2
    assert np.abs([s["parameters"] for s in found["special"]]) == pytest.approx(np.array([[16 / 27, 2 / 3]] * 2), abs=1e-9)
    assert [s["coefficients"].keys() for s in found["special"]] == [{"e"}] * 2
    status, out, _ = run(capsys, *words, "--set", "k=0.1", "--set", "c=1.5", "--start", "1", "--kind", "fold")
    assert status == 0 and "fold of the fixed point" in out
    assert "cusp, c = -1: two fold curves meet here; between them there are three fixed points, the outer two stable" in " ".join(out.split())


def test_starts_all_over_the_ranges(capsys):
    """c = 1 + 3x², k = −2x³: there is no fold where the search begins, c = 0.75."""
    found = document(capsys, "curve", "--kind", "fold", "--map", "k+c*x-x**3", "--vary", "k=-1:1", "--vary", "c=0:3")
    x = np.array(found["points"])[:, 0, 0]
    assert np.array(found["parameters"]) == pytest.approx(np.column_stack([-2 * x**3, 1 + 3 * x**2]), abs=1e-9)
    assert [s["kind"] for s in found["special"]] == ["cusp"] and found["chosen"]["start"].endswith("of k and c in their ranges")


def test_where_none_of_many_starts_leads_to_a_curve(capsys):
    """One multiplier cannot turn round the origin; a start that was given is the only one."""
    words = ["curve", "--kind", "neimark-sacker", "--map", "k+c*x-x**3", "--vary", "k=-1:1", "--vary", "c=0:3"]
    status, _, err = run(capsys, *words)
    assert status == 1 and re.search(r"none of \d\d cycles led to a curve; for the first: .*meets no Neimark–Sacker along k", err)
    status, _, err = run(capsys, *words, "--start", "0.5")
    assert status == 1 and err.startswith("cfdyn: the fixed point meets no Neimark–Sacker")


def test_a_saved_curve_goes_on(capsys, tmp_path):
    """Folds at c = 1 + 3x² with the cusp, which the short curve does not reach."""
    words = ["curve", "--kind", "fold", "--map", "k+c*x-x**3", "--set", "k=0.1", "--set", "c=1.5", "--start", "1"]
    short = document(capsys, *words, "--vary", "k=-1:1", "--vary", "c=0:3", "--steps", "4", "--out", str(tmp_path))
    whole = document(capsys, "curve", short["record"], "--out", str(tmp_path), "--plot", str(tmp_path / "chart.png"))
    assert short["special"] == [] and [s["kind"] for s in whole["special"]] == ["cusp"] and len(whole["figures"]) == 1
    assert set(whole["ends"]) == {"k = -1", "k = 1"} and whole["chosen"] == {"start": short["record"]}
    x = np.array(whole["points"])[:, 0, 0]
    assert np.array(whole["parameters"])[:, 1] == pytest.approx(1 + 3 * x**2, abs=1e-9)
    status, out, _ = run(capsys, "curve", short["record"], "--steps", "300")
    assert status == 0 and "cusp" in out
    for more, message in ((["--kind", "fold"], "was saved with its options"), (["--vary", "k=0:1"], "was saved with its options")):
        status, _, err = run(capsys, "curve", short["record"], *more)
        assert status == 2 and message in err
    status, _, err = run(capsys, "branch", short["record"])
    assert status == 2 and "holds a BifurcationCurve" in err
    status, _, err = run(capsys, "curve", whole["record"])
    assert status == 0 and "had not reached its maximal number of steps" in err
    status, _, err = run(capsys, "curve", str(tmp_path / "none.npz"))
    assert status == 2 and "there is no file" in err


def test_condition(capsys):
    """Superstable 2-cycle of x → c + s x²: sc = −1."""
    found = document(capsys, "curve", "--map", "c + s*x**2", "--variables", "x", "--set", "s=1", "--period", "2",
                     "--vary", "c=-4:-0.2", "--vary", "s=0.3:3", "--condition", "x")  # fmt: skip
    assert found["kind"] == "condition" and found["condition"] == "x"
    assert np.prod(found["parameters"], axis=1) == pytest.approx(-1, abs=1e-11)


def test_a_name_that_is_varied_needs_no_value(capsys):
    """The fold of x → k + x − x²: k = 0, whatever its scale s."""
    found = document(capsys, "curve", "--map", "k + x - s*x**2", "--variables", "x", "--vary", "k=-0.2:1", "--vary", "s=0.5:2",
                     "--kind", "fold", "--start", "0.5")  # fmt: skip
    assert np.abs(np.array(found["parameters"])[:, 0]).max() < 1e-12
    found = document(capsys, "curve", "(w**2 - a)**2/4", "--vary", "lr=0.2:3", "--vary", "a=0.3:3")
    assert np.prod(found["parameters"], axis=1) == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["curve", "double_well", "--vary", "lr=0.2:3"], 2, "two parameters"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "aa=0.3:3"], 2, "did you mean 'a'"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a"], 2, "NAME=LO:HI"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=3:1"], 2, "LO < HI"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=0.3:3", "--kind", "flop"], 2, "did you mean 'flip'"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=0.3:3", "--kind", "fold"], 1, "meets no fold"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=0.3:3", "--condition", "ww"], 2, "did you mean 'w'"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=0.3:3", "--period", "0"], 2, "period"),
        (["curve", "double_well", "--vary", "lr=0.2:3", "--vary", "a=0.3:3", "--plot", "x.doc"], 2, ".png"),
        (["curve", "double_well", "--vary", "lr=0.2:0.9", "--vary", "a=0.3:1", "--period", "3"], 1, "no cycle of period 3"),
        (["curve", "--vary", "lr=0.2:3", "--vary", "a=0.3:3"], 2, "or --map FORMULA"),
    ],
)
def test_bad_input(capsys, words, status, message):
    code, out, err = run(capsys, *words)
    assert (code, out) == (status, "") and re.search(message, err) and err.count("\n") == 1
