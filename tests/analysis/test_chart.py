"""Charts: curves that begin at special points, each once, and what lives between them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.continuation.curve.passing import passes
from cfdyn.numerics.regions import regions, samples
from tests.cli.terminal import run

chart = cf.analysis.chart
WELL = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5}), cf.optimizers.gd(lr=2.0))
BOX = ((1.0, 3.0), (-1.5, 1.5))
UNIT = np.array([[0.0, 1.0], [0.0, 1.0]])


@pytest.fixture(scope="module")
def well():
    return chart(WELL, ("flip", [[0.0]]), ("lr", "a"), BOX, depth=3)


def kinds(found):
    return sorted((curve.kind, curve.period) for curve in found)


def test_no_curve_twice(well):
    """From the flips to the folds at both of their special points, from there back to them: three curves at any depth."""
    assert kinds(well) == [("flip", 1), ("fold", 2), ("fold", 2)] and well.said == []
    assert well.origins[0] == "start" and all(origin.startswith("generalized flip of the fixed point") for origin in well.origins[1:])
    again = chart(WELL, [*well.curves, ("flip", [[0.0]])], ("lr", "a"), BOX, depth=1, sampled=0)
    assert len(again) == 3 and again.regions == []


@pytest.mark.parametrize(("lr", "a", "name"), [
    (1.5, 0.0, "fixed point"), (1.9, -1.3, "fixed point"), (2.1, 1.2, "2-cycle"), (2.1, -1.2, "2-cycle"),
    (2.1, 0.5, "all orbits diverge"), (2.9, 0.0, "all orbits diverge")])  # fmt: skip
def test_regions(well, lr, a, name):
    """The 2-cycle of the supercritical flips, |a| > 1/√2, lives up to its fold; a run from beside 0 agrees."""
    region = well.region_at(lr, a)
    assert region.name == name and region.attractors == ["infinity" if "diverge" in name else name] and region.also == []
    end = cf.analysis.classify(WELL.at(lr=lr, a=a), [1e-3])
    assert end.kind == {"fixed point": "fixed point", "2-cycle": "cycle"}.get(name, "divergent")


def test_shares_and_samples(well):
    assert well.region_at(0.9, 0.0) is None and well.region_at(1.5, 2.0) is None
    assert sum(region.share for region in well.regions) == pytest.approx(1, abs=1e-3)
    for region in well.regions:
        assert {well.region_at(*place).number for place in region.samples} == {region.number}
    assert well.region_at(1.5, 0.0).share == pytest.approx(0.5, abs=0.01)


def test_two_wells_have_two_of_each():
    """Heavy ball: flips at lr = 1 + β; the minima mirror one another."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5))
    found = chart(step.at(lr=1.5), ("flip", [[1.0, 0.0]]), ("lr", "momentum"), ((0.5, 1.7), (0.3, 0.6)))
    lr, momentum = found[0].parameters.T
    assert np.abs(lr - 1 - momentum).max() < 1e-10
    assert found.region_at(0.8, 0.4).name == "two fixed points"
    assert "two 2-cycles" in {*found.region_at(1.5, 0.4).attractors, *found.region_at(1.5, 0.4).also}


def test_figure(well):
    axes = cf.plot(well).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[:4] == ["flip", "fold, period 2", "subcritical", "generalized flip"]
    assert words[4:] == ["1: fixed point", "2: all orbits diverge", "3, 4: 2-cycle"]
    assert axes.get_xlim() == BOX[0] and axes.get_ylim() == BOX[1] and len(axes.images) == 1
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "3", "4", "GPD", "GPD"]


def test_saved(well, tmp_path):
    loaded = cf.load(well.save(tmp_path / "chart.npz"))
    assert kinds(loaded) == kinds(well) and (loaded.labels == well.labels).all()
    assert loaded.region_at(2.1, 1.2).name == "2-cycle" and len(cf.plot(loaded).axes) == 1


def test_cells_of_regions():
    """Two lines that cross make four regions; one that ends inside makes none more."""
    cross = [np.array([[0.0, 0.4], [1.0, 0.4]]), np.array([[0.7, 0.0], [0.7, 1.0]])]
    labels, free = regions(cross, UNIT, (50, 50))
    assert labels.max() == 4 and labels.min() == 1
    assert [labels[40, 10], labels[40, 45], labels[5, 10], labels[5, 45]] == [1, 3, 2, 4] or (
        np.unique([labels[40, 10], labels[40, 45], labels[5, 10], labels[5, 45]]).size == 4)  # fmt: skip
    assert regions([np.array([[0.0, 0.0], [0.6, 0.5]])], UNIT, (50, 50))[0].max() == 1
    assert regions([np.array([[0.0, 0.013], [1.0, 1.0]])], UNIT, (50, 50))[0].max() == 2, "no way round the corners of cells"
    places = samples(free & (labels == labels[40, 10]), UNIT, 3)
    assert ((places[:, 0] < 0.7) & (places[:, 1] > 0.4)).all() and len(np.unique(places, axis=0)) == 3


def test_whether_a_curve_passes():
    t = np.linspace(0, 1, 30)
    rows, points = np.column_stack([t, t**2]), np.stack([np.sin(t), np.cos(t)], axis=1)[:, :, None]
    at = 0.437
    cycle = np.array([[np.sin(at)], [np.cos(at)]])
    assert passes(rows, points, np.ones(2), np.array([at, at**2]), cycle)
    assert passes(rows, points, np.ones(2), np.array([at, at**2]), cycle[::-1]), "which point comes first does not matter"
    assert not passes(rows, points, np.ones(2), np.array([at, at**2 + 1e-3]), cycle)
    assert not passes(rows, points, np.ones(2), np.array([at, at**2]), cycle + 1e-2)


COMMAND = ["curve", "w**2/2 + a*w**3/3 + w**4/4", "--start", "0", "--set", "a=0.5", "--vary", "lr=1:3", "--vary", "a=0:1.5"]


def test_command(capsys, tmp_path):
    status, out, err = run(capsys, *COMMAND, "--switch", "--depth", "1", "--json", "--out", str(tmp_path))
    found = json.loads(out)
    assert status == 0 and [(c["kind"], c["period"]) for c in found["curves"]] == [("flip", 1), ("fold", 2)]
    assert {region["name"] for region in found["regions"]} == {"fixed point", "2-cycle", "all orbits diverge"}
    assert len(cf.load(found["record"])) == 2


@pytest.mark.slow
def test_command_for_people(capsys, tmp_path):
    status, out, err = run(capsys, *COMMAND, "--switch", "--out", str(tmp_path), "--plot", str(tmp_path / "a.png"))
    assert status == 0, err
    assert "fold, 2-cycle" in out and "generalized flip" in out and "all orbits diverge" in out
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_tongues_of_the_delayed_logistic_map():
    """cos θ = 1/2 at r = 2, e = 0; every tongue comes back to the curve, and what lives between them."""
    step = cf.Map.from_text(["r*x*(1-y) + e", "x"], "x y", {"r": 2.0, "e": 0.0})
    found = chart(step, ("neimark-sacker", [[0.5, 0.5]]), ("r", "e"), ((1.1, 2.7), (-0.5, 0.5)), tongues=7)
    tips = {s.kind: s.parameters for s in found.resonances}
    assert set(tips) == {"resonance 1:5", "resonance 1:6", "resonance 1:7"}
    assert tips["resonance 1:6"] == pytest.approx([2, 0], abs=1e-9)
    assert kinds(found) == [("fold", q) for q in (5, 5, 6, 6, 7, 7)] + [("neimark-sacker", 1)]
    for curve in found.curves[1:]:
        tip = tips[f"resonance 1:{curve.period}"]
        assert np.linalg.norm((curve.parameters - tip) / (1.6, 1.0), axis=1).min() < 3e-4
    assert found.region_at(1.5, 0.1).also == ["fixed point", "infinity"], "it is born at a fold that was not followed"
    assert "quasi-periodic orbits" in found.region_at(1.8, 0.2).attractors


@pytest.mark.slow
def test_a_cascade_of_doublings_of_circles():
    """The generalised Hénon map from its fold: 1:1, 1:2 and the fold–flip lead to circles of the 2-, 4- and 8-cycle."""
    step = cf.Map.from_text(["y", "a - b*x - y**2 + r*x*y"], "x y", {"a": 0.0, "b": 0.9, "r": -0.1})
    box = ((-2, 6), (-1.5, 2))
    fold = cf.analysis.bifurcation_curve(step, ("fold", [[-1.0, -1.0]]), ("a", "b"), box, search=True)
    found = chart(step, fold, ("a", "b"), box, depth=2, sampled=0)
    assert {("fold", 1), ("flip", 1), ("flip", 2), ("fold", 4), ("neimark-sacker", 1), ("neimark-sacker", 2)} <= set(kinds(found))
    starts = [(c.kind, c.period, *c.parameters[len(c) // 2].round(6)) for c in found]
    assert len(set(starts)) == len(starts)


def test_several_kinds_in_one_chart(capsys, tmp_path):
    words = ["--map", "k + c*x - x**3", "--vary", "k=-2:2", "--vary", "c=-2:4", "--set", "k=0.1", "--set", "c=1.5", "--start", "1"]
    status, out, err = run(capsys, "curve", *words, "--kind", "fold,flip", "--json", "--out", str(tmp_path))
    found = json.loads(out)
    assert status == 0 and [c["kind"] for c in found["curves"]] == ["fold", "flip"] and found["regions"] == []


def test_a_kind_that_is_not_met_is_said(capsys, tmp_path):
    """One variable has no Neimark–Sacker bifurcation; the flips are drawn."""
    status, out, err = run(capsys, *COMMAND, "--kind", "neimark-sacker,flip", "--out", str(tmp_path))
    assert status == 0 and "flip of the fixed point" in out and "meets no Neimark–Sacker" in err


@pytest.mark.parametrize(("words", "message"), [
    (["--depth", "1"], "--depth belongs to --switch"), (["--depth", "1", "--tongues", "7"], "--depth and --tongues belong to"),
    (["--kind", "flip,flop"], "did you mean 'flip'"), (["--switch", "--tongues", "1000"], "from 5 to 100")])  # fmt: skip
def test_bad_input(capsys, words, message):
    status, out, err = run(capsys, *COMMAND, *words)
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1


def test_bad_charts():
    for options, message in (({"depth": -1}, "depth"), ({"tongues": 3}, "from 5"), ({"sampled": -1}, "sampled"), ({"seed": -1}, "seed")):
        with pytest.raises(cf.CfdynError, match=message):
            chart(WELL, ("flip", [[0.0]]), ("lr", "a"), BOX, **options)
    with pytest.raises(cf.CfdynError, match="start"):
        chart(WELL, [], ("lr", "a"), BOX)
    short = cf.analysis.bifurcation_curve(WELL, ("flip", [[0.0]]), ("lr", "a"), [(0.9 * lo + 0.1 * hi, hi) for lo, hi in BOX])
    with pytest.raises(cf.CfdynError, match="narrower bounds"):
        chart(WELL, short, ("lr", "a"), BOX)
