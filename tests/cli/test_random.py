"""`cfdyn random` and `cfdyn escape`: the numbers are those of Python, and what cannot be done is refused in a sentence."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main

WELL = cf.losses.double_well()
ROOT = Path(__file__).parents[2]
WORDS = ["double_well", "--optimizer", "gd:lr=0.5", "--start=1.1", "--noise", "0.01", "--steps", "60", "--runs", "9"]
SHORT = ["--transient", "20"]


def run(capsys, *words):
    quiet = [] if "--plot" in words else ["--no-figure"]
    with pytest.raises(SystemExit) as end:
        main([*words, *quiet])
    out, err = capsys.readouterr()
    return end.value.code, out, err


def document(capsys, *words):
    code, out, err = run(capsys, *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_exponents(capsys, tmp_path):
    found = document(capsys, "random", *WORDS, *SHORT, "--plot", str(tmp_path / "x.png"), "--pixels", "700")
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=0.01)
    same = cf.analysis.random_lyapunov(step, [1.1], 60, 9, 20)
    assert (found["exponents"], found["errors"], found["sign"]) == (same.exponents.tolist(), same.errors.tolist(), same.sign)
    assert cf.load(found["record"]).of_runs.tolist() == same.of_runs.tolist() and matplotlib.image.imread(tmp_path / "x.png").shape[1] == 700
    code, out, _ = run(capsys, "random", *WORDS, *SHORT)
    assert code == 0 and "9 done; 60 steps of each" in out and f"{same.exponents[0]:.6g} per step" in out


def test_a_density_and_a_cycle_and_several_sizes(capsys):
    density = document(capsys, "random", *WORDS, *SHORT, "--look", "density", "--coordinate", "w")
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.5), noise=0.01)
    assert density["density"] == cf.analysis.invariant_density(step, [1.1], "w", steps=60, runs=9, transient=20).density.tolist()
    sizes = ["double_well", "--optimizer", "gd:lr=1.1", "--start=1.1", "--steps", "60", "--runs", "4", "--transient", "200", "--vary", "noise=1e-8,1e-3"]
    cycle = document(capsys, "random", *sizes, "--look", "cycle")
    assert (cycle["period"], cycle["seen"][0], cycle["values"]) == (2, 4, [1e-8, 1e-3])
    induced = document(capsys, "random", *sizes)
    step = cf.random_map(WELL, cf.optimizers.gd(lr=1.1))
    same = cf.analysis.noise_induced(step, [1.1], ("noise", [1e-8, 1e-3]), 60, 4, 200)
    assert induced["exponents"] == same.exponents.tolist() and induced["induced"] == ["", ""]
    for look in ("cycle", "exponents"):
        assert run(capsys, "random", *sizes, "--look", look)[0] == 0


def test_escape_times_and_their_slope(capsys, tmp_path):
    well = ["double_well", "--optimizer", "gd:lr=0.1", "--start=-1", "--outside", "w > 0", "--runs", "60"]
    one = document(capsys, "escape", *well, "--noise", "2")
    step = cf.random_map(WELL, cf.optimizers.gd(lr=0.1), noise=2.0)
    same = cf.analysis.escape_times(step, [-1.0], "w > 0", runs=60)
    assert (one["times"], one["mean"], one["low"]) == (same.times.tolist(), same.mean, same.low)
    fit = document(capsys, "escape", *well, "--vary", "noise=2,3", "--plot", str(tmp_path / "x.png"), "--pixels", "900")
    assert matplotlib.image.imread(tmp_path / "x.png").shape[1] == 900
    assert (tmp_path / "x.png").stat().st_size > 5000
    other = cf.analysis.escape_times(step.varied("noise", 3.0), [-1.0], "w > 0", runs=60)
    assert fit["slope"] == cf.analysis.arrhenius([same, other], [2.0, 3.0]).slope and len(fit["each"]) == 2
    code, out, _ = run(capsys, "escape", *well, "--noise", "0.01", "--steps", "50")
    assert code == 0 and "no run escaped; the mean is above 1001.42 (95 %)" in out
    assert "two sizes lie on any line" in run(capsys, "escape", *well, "--vary", "noise=2,3")[1]


def test_batches_labels_and_maps(capsys):
    batches = document(capsys, "random", "tanh_network", "--batch", "3", "--no-replace", "--repeat", "2", "--label-noise", "0.1",
                       "--start=0.5,0.5,0.5,0.5,0.5,0.5,0.5", "--optimizer", "heavy_ball:lr=0.1,momentum=0.5", "--steps", "20",
                       "--runs", "3", *SHORT)  # fmt: skip
    step = cf.random_map(cf.losses.tanh_network(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5), batch=3, replace=False, repeat=2,
                         label_noise=0.1)  # fmt: skip
    assert batches["exponents"] == cf.analysis.random_lyapunov(step, [0.5] * 7, 20, 3, 20).exponents.tolist()
    tent = document(capsys, "random", "--map", "1 - 2*Abs(x)", "--noise", "1e-8", "--steps", "200", "--runs", "8")
    assert abs(tent["exponents"][0] - np.log(2)) < 1e-12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["random", "double_well"], "this map has no randomness: give --batch, --noise"),
        (["random", "double_well", "--noise", "1", "--look", "cycle"], "--look cycle needs several sizes of noise: --vary"),
        (["random", "double_well", "--vary", "noise=1,2", "--look", "density"], "density takes one size"),
        (["random", "double_well", "--noise", "1", "--look", "entropy"], "look"),
        (["random", "double_well", "--noise", "1", "--coordinate", "w"], "--coordinate is for --look density"),
        (["random", "double_well", "--vary", "noise"], "--vary takes NAME=A,B"),
        (["random", "double_well", "--batch", "2"], "has none; give --noise"),
        (["random", "--map", "x/2", "--batch", "2"], "a map has none: give --noise"),
        (["random", "double_well", "--noise", "1", "--periodic", "w=1"], "--periodic belongs to a --map"),
        (["escape", "double_well", "--noise", "1"], 'say when a run has left the region: --outside "w > 0"'),
        (["escape", "double_well", "--outside", "w > 9", "--vary", "lr=0.1,0.2"], "a slope is over two or more values of noise"),
        (["escape", "double_well", "--outside", "w = 0", "--noise", "1"], "a condition such as"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused(capsys, words, said):
    code, out, err = run(capsys, *words)
    assert code == 2 and out == "" and said in err
