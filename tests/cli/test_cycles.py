"""``cfdyn cycles``: its keys, words, figures and errors."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, document = command("cycles")

FULL = ("--map", "r*x*(1-x)", "--set", "r=4")
HENON = ("--map", "1 - a*x**2 + y; b*x", "--set", "a=1.4", "--set", "b=0.3", "--variables", "x,y")


def test_three_cycles_of_logistic_regression(capsys):
    found = document(capsys, "logistic_regression", "--optimizer", "gd:lr=20", "--period", "3", "--box", "-inf:inf")
    assert [c["multipliers"] for c in found["cycles"]] == [pytest.approx([0.02889380514762]), pytest.approx([4.06787929050705])]
    assert [c["stable"] for c in found["cycles"]] == [True, False]
    assert found["complete"] is True and found["undecided"] == [] and found["box"] == [[None, None]]
    assert np.shape([c["points"] for c in found["cycles"]]) == (2, 3, 1)


def test_the_usual_box_and_the_words(capsys):
    status, out, _ = run(capsys, "double_well", "--optimizer", "gd:lr=1.46", "--period", "3")
    assert status == 0 and "4 cycles of period 3, 2 of them stable: these are all" in out and "-0.914585" in out
    status, out, _ = run(capsys, "double_well", "--optimizer", "gd:lr=1.4", "--period", "3")
    assert status == 0 and "no cycles of period 3: there is none" in out
    status, out, _ = run(capsys, *FULL, "--period", "14", "--budget", "500")
    assert status == 0 and "there may be more" in out and "--budget 5000" in out


def test_the_plane(capsys, tmp_path):
    found = document(capsys, *HENON, "--period", "2", "--box", "-2:2,-2:2", "--plot", tmp_path / "plane.svg")
    (cycle,) = found["cycles"]
    # Both points solve (1 − b)² + … : x₁ + x₂ = (1 − b)/a.
    assert sum(p[0] for p in cycle["points"]) == pytest.approx(0.7 / 1.4) and cycle["stable"] is False
    assert "<svg" in (tmp_path / "plane.svg").read_text()


def test_the_method_and_the_symmetry_are_said(capsys):
    found = document(capsys, *HENON, "--period", "6", "--box", "-2:2,-1:1", "--method", "schmelcher-diakonos")
    assert len(found["cycles"]) == 2 and found["method"] == "schmelcher-diakonos" and found["complete"] is False
    status, out, _ = run(capsys, "(w1*w2-1)**2/4", "--optimizer", "gd:lr=1.5", "--period", "3", "--box", "-3:3,-3:3")
    assert status == 0 and "8 cycles" in out and "(w1, w2) → (w2, w1) and (w1, w2) → (−w1, −w2): a quarter" in " ".join(out.split())


def test_record_and_cobweb(capsys, tmp_path):
    found = document(capsys, *FULL, "--period", "3", "--out", tmp_path, "--plot", tmp_path / "web.png")
    assert (tmp_path / "web.png").read_bytes().startswith(b"\x89PNG") and found["figures"] == [str(tmp_path / "web.png")]
    loaded = cf.load(found["record"])
    assert [c.points.tolist() for c in loaded] == [c["points"] for c in found["cycles"]] and loaded.complete
    cf.plot(loaded, tmp_path / "again.png")
    axes = cf.plot(cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 4.0}), 3, [(0, 1)])).axes[0]
    # Diagonal, graph, and for each cycle its web and its points: the points lie on the graph.
    for line in axes.lines[3::2]:
        x, y = line.get_data()
        np.testing.assert_allclose(y, 4 * x * (1 - x), atol=1e-12)


@pytest.mark.parametrize(("arguments", "words"), [
    (("double_well", "--period", "0"), "at least 1"), (("double_well", "--box", "1:0"), "lo < hi"),
    (("double_well", "--box", "nan:1"), "the ends of a box are numbers, inf or -inf, not 'nan'"),
    (("double_well", "--box", "1:zwei"), "--box='zwei' is not a number"), (("double_well", "--box", "1"), "lo:hi"), (("double_well", "--box", "0:1,0:1"), "2 intervals"),
    (("double_wel",), "did you mean 'double_well'"), ((*FULL, "--period", "1000000"), "laps"), ((), "or --map FORMULA"),
    ((*FULL, "--plot", "x.doc"), "cannot be written as"), ((*HENON, "--box", "-inf:inf,0:1"), "finite"),
    ((*FULL, "--method", "lap"), "did you mean 'laps'"),
])  # fmt: skip
def test_errors_are_one_sentence(capsys, arguments, words):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and out == "" and words in err and len(err.splitlines()) == 1


def test_a_continuum_is_a_failure_of_the_numerics(capsys):
    status, out, err = run(capsys, "--map", "1-x", "--period", "2", "--box", "-1:2")
    assert status == 1 and out == "" and "continuum" in err
