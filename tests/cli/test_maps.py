"""``cfdyn regimes`` and ``cfdyn diagram``: documents, windows, widths of figures, curves over them, Ctrl-C, and errors."""

from __future__ import annotations

import importlib
import json
import sys

import matplotlib.image
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import interrupts
from tests.cli.terminal import run

HEAVY = ("double_well", "--optimizer", "heavy_ball", "--start", "1.1")
PLANE = ("--vary", "lr=0.5:2:12", "--vary", "momentum=0:0.6:9")


def test_periods_over_two_parameters(capsys, tmp_path):
    status, out, err = run(capsys, "diagram", *HEAVY, *PLANE, "--json", "--plot", "periods.png", "--pixels", 1000)
    assert status == 0, err
    found = json.loads(out)
    kept = cf.load(found["record"])
    assert found["period"] == kept.period.tolist() and found["labels"] == kept.labels.tolist()
    assert found["fractions"] == kept.fractions and found["work"] == 1
    assert np.shape(found["period"]) == (9, 12)
    assert (kept.period[0, kept.first < 0.999] == 1).all()
    assert matplotlib.image.imread(tmp_path / "periods.png").shape[1] == 1000
    status, out, _ = run(capsys, "diagram", *HEAVY, *PLANE, "--coarse", 4, "--no-figure")
    assert status == 0 and "of the cells are filled" in out.replace("\n", " ") and "no period" in out


def test_a_window_is_a_part_with_as_many_values(capsys):
    status, out, err = run(capsys, "regimes", *HEAVY, *PLANE, "--window", "1:1.2,0.1:0.2", "--json", "--no-figure")
    assert status == 0, err
    found = json.loads(out)
    assert (found["first"][0], found["first"][-1], len(found["first"])) == (1, 1.2, 12)
    assert (found["second"][0], found["second"][-1], len(found["second"])) == (0.1, 0.2, 9)
    status, out, err = run(capsys, "diagram", *HEAVY, "--vary", "lr=0.5:2:7", "--window", "1:1.3", "--keep", 5, "--averaged", 0, "--json")
    assert status == 0, err
    assert (json.loads(out)["values"][0], json.loads(out)["values"][-1], len(json.loads(out)["values"])) == (1, 1.3, 7)
    status, out, err = run(capsys, "basins", "double_well", "--box=-2:2", "--window", "1:2", "--shape", 4, "--json", "--no-figure")
    assert status == 0 and json.loads(out)["box"] == [[1, 2]]


def test_times_to_settle(capsys):
    status, out, err = run(capsys, "regimes", *HEAVY, *PLANE, "--times", "--tolerance", "1e-3", "--json", "--no-figure")
    assert status == 0, err
    found = json.loads(out)
    steps, labels = np.array(found["steps"]), np.array(found["labels"])
    assert (steps[labels == 1] > 0).all() and (steps[labels == -3] > 0).all() and (steps[labels == 0] == 0).all()
    assert cf.load(found["record"]).steps.tolist() == found["steps"]


def test_lyapunov_exponents_over_one_and_two_parameters(capsys, tmp_path):
    henon = ("--map", "1 - a*x**2 + y; b*x", "--variables", "x,y", "--set", "a=1.4", "--set", "b=0.3", "--start", "0.1,0.1")
    status, out, err = run(capsys, "lyapunov", *henon, "--vary", "a=0.2:2:5", "--steps", 160, "--json", "--plot", "one.png")
    assert status == 0, err
    found = json.loads(out)
    assert np.array(found["exponents"][0][0]).sum() == pytest.approx(np.log(0.3)) and found["exponents"][0][4] == [None, None]
    assert cf.load(found["record"]).errors.shape == (1, 5, 2) and (tmp_path / "one.png").exists()
    status, out, err = run(capsys, "lyapunov", *HEAVY, *PLANE, "--exponents", 1, "--steps", 160, "--no-figure")
    assert status == 0 and "none above 0" in out.replace("\n", " "), err
    status, _, err = run(capsys, "lyapunov", *HEAVY, "--exponents", 1)
    assert status == 2 and "--vary" in err
    status, _, err = run(capsys, "lyapunov", *HEAVY, *PLANE, "--vary", "a=1:2:3")
    assert status == 2 and "one or two parameters" in err.replace("\n", " ")


def test_curves_and_branches_lie_over_maps(capsys, monkeypatch):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.5, momentum=0.5))
    curve = cf.analysis.bifurcation_curve(step, ("flip", [[1.0, 0.0]]), ("lr", "momentum"), ((0.8, 2), (0, 0.6)), max_steps=4)
    curve.save("curve.npz")
    cf.analysis.branches(step, None, "lr", (0.9, 1.0), depth=0, starts=[(0.95, [1.0, 0.0])]).save("branches.npz")
    drawn = []

    def plot(found, path, also):
        drawn.append((type(found).__name__, {type(one).__name__ for one in also}))

    with monkeypatch.context() as patched:
        patched.setattr(cf, "plot", plot)
        for command in (["diagram"], ["regimes"], ["regimes", "--times"]):
            assert run(capsys, *command, *HEAVY, *PLANE, "--also", "curve.npz", "--plot", "a.png")[0] == 0
        assert run(capsys, "diagram", *HEAVY, "--vary", "lr=0.7:1.1:5", "--keep", 5, "--also", "branches.npz", "--plot", "a.png")[0] == 0
    assert [name for name, _ in drawn] == ["PeriodDiagram", "RegimeMap", "SettlingTimes", "OrbitDiagram"]
    assert drawn[0][1] == {"BifurcationCurve"} and drawn[3][1] == {"Branch"}
    status, _, err = run(capsys, "diagram", *HEAVY, *PLANE, "--also", "branches.npz")
    assert status == 2 and "curves of bifurcations" in err


def test_ctrl_c_writes_what_is_done_and_the_file_goes_on(capsys, monkeypatch):
    """In a process that lives on; that the program ends with status 130 is in test_interrupts."""
    monkeypatch.setattr(importlib.import_module("cfdyn.ensembles.grids"), "AT_ONCE", 20)
    ends, look = [], sys.modules["cfdyn.ensembles.grids"].look
    monkeypatch.setattr(interrupts, "end", lambda: ends.append(interrupts._words[0]))
    module = importlib.import_module("cfdyn.analysis.parameters._over_grids")

    def stopped(labels, looked, take, coarse, progress):
        def tell(done: int) -> None:
            if done >= 60:
                raise KeyboardInterrupt

        return look(labels, looked, take, coarse, tell)

    for command, extra in (("diagram", ()), ("regimes", ("--times",))):
        monkeypatch.setattr(module, "look", stopped)
        status, out, err = run(capsys, command, *HEAVY, *PLANE, *extra)
        assert status == 130 and out == ""
        name = ends[-1].rpartition(" ")[2]
        assert ends[-1] == f"interrupted; the finished part is in {name}; resume with: cfdyn {command} {name}"
        part = cf.load(name)
        assert part.looked.sum() == 60 and not part.complete
        monkeypatch.setattr(module, "look", look)
        status, out, err = run(capsys, command, name, "--json", "--no-figure")
        assert status == 0, err
        whole = json.loads(run(capsys, command, *HEAVY, *PLANE, *extra, "--json", "--no-figure")[1])
        assert json.loads(out)["period"] == whole["period"]
        assert "is complete" in run(capsys, command, json.loads(out)["record"], "--no-figure")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diagram", *HEAVY), "--vary lr=0.1:2:250"),
        (("diagram", *HEAVY, *PLANE, "--keep", "3"), "--keep is for the states"),
        (("diagram", *HEAVY, "--vary", "lr=1:2:9", "--coarse", "4"), "give --vary twice"),
        (("diagram", *HEAVY, *PLANE, "--window", "1:2"), "2 ranges"),
        (("diagram", *HEAVY, *PLANE, "--window", "1:3,0:0.1"), "not part of 0.5:2"),
        (("diagram", *HEAVY, *PLANE, "--also", "none.npz", "--plot", "a.png"), "no file none.npz"),
        (("diagram", "none.npz"), "no file none.npz"),
        (("diagram", "none.npz", *PLANE), "was saved with its options"),
        (("regimes", *HEAVY, *PLANE, "--tolerance", "0.1"), "is only for --times"),
        (("regimes", *HEAVY, *PLANE, "--times", "--coarse", "2"), "every cell"),
        (("regimes", *HEAVY, *PLANE, "--times", "--tolerance=-1"), "positive distance"),
        (("regimes", *HEAVY, "--vary", "lr=0.1:1:100000", "--vary", "momentum=0:0.5:10000"), "GiB"),
        (("diagram", *HEAVY, "--vary", "lr=0.1:1:100000", "--vary", "momentum=0:0.5:10000"), "GiB"),
        (("regimes", *HEAVY, "--vary", "q=0.1:1:3", "--vary", "momentum=0:0.5:4"), "unknown parameter"),
        (("regimes", *HEAVY, "--vary", "lr=0:1:3", "--vary", "momentum=0:0.5:4"), "greater than 0"),
        (("basins", "double_well", "--box=-2:2", "--window", "1:3"), "not part"),
        (("orbit", "double_well", "--pixels", "4000"), "no such option"),
    ],
)
def test_errors_say_what_to_do(capsys, arguments, words):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and out == ""
    assert words.lower() in err.lower() and err.count("\n") == 1, err
