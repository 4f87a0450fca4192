"""`cfdyn manifold`, `tangencies` and `crises`: what they print, save and draw, and what they refuse."""

import json

import pytest

import cfdyn as cf
from cfdyn.machine.jit import DISABLED
from tests.cli.terminal import run

HENON = ["--map", "1 - a*x**2 + y; b*x", "--variables", "x,y", "--set", "b=0.3"]
long = pytest.mark.skipif(DISABLED, reason="long")
NEAR = ["--start", "0.63,0.19", "--box=-1.5:1.5,-0.5:0.5"]


@pytest.mark.slow
@long
def test_manifolds_and_basins(capsys, tmp_path):
    call = ["manifold", "double_well", "--optimizer", "heavy_ball:lr=0.1,momentum=0.9", "--box=-2.5:2.5,-12:12", "--basins", "12", "--start", "0,0"]
    status, out, _ = run(capsys, *call, "--plot", str(tmp_path / "basins.png"))
    assert status == 0 and "ends on a cycle at w = 1" in out and "fixed point at 0, 0" in out
    assert (tmp_path / "basins.png").stat().st_size > 10_000
    saved = cf.load("cfdyn-out/manifold-001.npz")
    assert [c.kind for c in saved] == ["unstable", "stable"] and saved.basins.shape == (12, 12) and len(saved.attractors) == 2
    status, out, _ = run(capsys, *call, "--kind", "stable", "--json")
    answer = json.loads(out)
    [curve] = answer["curves"]
    assert answer["points"] == curve["curve"] and cf.load(answer["file"])[0].kind == "stable"
    assert curve["multiplier"] == pytest.approx(0.683772233983) and len(curve["curve"]) == len(curve["s"])


@long
def test_homoclinic_points(capsys, tmp_path):
    call = ["manifold", *HENON, "--set", "a=1.4", *NEAR, "--length", "10", "--crossings"]
    status, out, _ = run(capsys, *call, "--plot", str(tmp_path / "points.png"))
    assert status == 0 and "56 homoclinic points on 18 orbits in the box, 12 of them primary" in out
    assert (tmp_path / "points.png").stat().st_size > 10_000


@long
def test_a_tangency_and_its_curve(capsys, tmp_path):
    call = ["tangencies", *HENON, *NEAR, "--length", "8", "--vary", "a=1.391:1.394", "--samples", "2"]
    status, out, _ = run(capsys, *call, "--plot", str(tmp_path / "tangency.png"))
    assert status == 0 and "1 homoclinic tangency found" in out and "1.3924198079229" in out
    assert (tmp_path / "tangency.png").stat().st_size > 10_000
    plot = str(tmp_path / "curve.png")
    status, out, _ = run(capsys, *call, "--vary", "b=0.2998:0.3002", "--json", "--plot", plot)
    found = json.loads(out)
    assert found["tangencies"][0]["quadratic"] and len(found["curve"]["parameters"]) > 5 and found["figures"] == [plot]


def test_crises(capsys, tmp_path):
    call = ["crises", "--map", "r*x*(1-x)", "--vary", "r=3.95:4.05", "--box=-0.1:1.1", "--periods", "1", "--grid", "21", "--samples", "2"]
    status, out, _ = run(capsys, *call, "--plot", str(tmp_path / "crisis.png"))
    assert status == 0 and "1 crisis found for r from 3.95 to 4.05" in out and "boundary" in out and "2 steps" in out
    assert (tmp_path / "crisis.png").stat().st_size > 5_000


@pytest.mark.parametrize(("words", "call"), {
    "one variable": ("`crises` follows critical orbits", ["manifold", "double_well", "--optimizer", "gd:lr=0.5"]),
    "other": ("second saddle of --crossings", ["manifold", *HENON, "--set", "a=1.4", *NEAR, "--other", "1,1"]),
    "three": ("one parameter", ["tangencies", *HENON, *NEAR]),
    "twice": ("twice", ["tangencies", *HENON, *NEAR, "--vary", "a=1:2", "--vary", "a=1:2"]),
    "kind": ("kind of manifold", ["manifold", *HENON, "--set", "a=1.4", *NEAR, "--kind", "centre"]),
}.values())  # fmt: skip
def test_wrong_usage(capsys, words, call):
    status, out, err = run(capsys, *call)
    assert status == 2 and not out and words in " ".join(err.split())
