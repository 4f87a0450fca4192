"""What a study finds over the learning rate: doublings, windows, and the formulas for them."""

import json
import re

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.studies.defaults import edge_at
from cfdyn.studies.landmarks import landmarks


@pytest.fixture(scope="module")
def double_well():
    return cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.46))


def test_the_double_well_has_its_published_landmarks(double_well):
    flips = [1.0, np.sqrt(5) - 1, 1.288031754482843, 1.299227939650204]
    assert double_well.cascade.flips[:4] == pytest.approx(flips, abs=2e-15)
    assert double_well.cascade.accumulation == pytest.approx(1.30228346270071, abs=1e-8)
    assert double_well.windows[0].opens == pytest.approx(1.450440964487875, abs=1e-14)


def test_landmarks_are_in_order_and_carry_their_formulas(double_well):
    rows = landmarks(double_well)
    assert [row.value for row in rows] == sorted(row.value for row in rows)
    named = {row.formula: row for row in rows if row.formula}
    assert named["-1 + sqrt(5)"].what == "flip of the 2-cycle" and named["1/a"].what.startswith("edge")
    assert any(row.what == "fold: a 3-cycle is born" and row.formula.startswith("root of") for row in rows)


def test_a_study_with_landmarks_survives_being_saved(double_well, tmp_path):
    double_well.save(tmp_path / "study.npz")
    loaded = cf.load(tmp_path / "study.npz")
    assert landmarks(loaded) == landmarks(double_well) and loaded.verdict == double_well.verdict
    assert "born by folds at lr = 1.45044 and 1.98177" in loaded.verdict


def test_two_variables_have_the_windows_that_the_orbit_meets():
    study = cf.study(cf.losses.himmelblau())
    met = [(lo, hi) for lo, hi, name in study.bands.bands if name == "period 3"]
    assert met and study.windows
    window = study.windows[0]
    # Where the bands, which only iterate, saw period 3 lies between the fold and the flip, to their resolution.
    assert min(lo for lo, _ in met) == pytest.approx(window.opens, rel=2e-3)
    step = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=(window.opens + window.flips) / 2))
    assert cf.analysis.classify(step, window.points[0]).period == 3


def test_a_loss_that_is_no_polynomial_has_no_formulas_and_a_minimum_without_edge_no_cascade():
    assert cf.study(cf.losses.poisson_regression()).exact == []
    flat = cf.study(cf.losses.log_cosh(), cf.optimizers.gd(lr=3.0))
    assert flat.windows == [] and len(flat.cascade.flips) == 1


def test_the_command_gives_flips_windows_and_formulas(capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["study", "double_well", "--optimizer", "gd:lr=1.2", "--no-figure", "--json", "--out", str(tmp_path)])
    assert end.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["flips"][1] == pytest.approx(np.sqrt(5) - 1, abs=2e-15) and found["delta"] == pytest.approx(4.669, abs=2e-3)
    assert found["windows"][0]["period"] == 3 and {"name", "text", "latex", "value"} <= found["exact"][0].keys()


def test_figure_of_a_2_cycle_holds_both_points():
    found = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    assert found.regime.period == 2
    assert found.landscape.x.min() < found.regime.points.min() and found.regime.points.max() < found.landscape.x.max()
    assert found.cycles.complete and "all of the box was searched" in found.verdict


def test_steps_of_sam_that_do_not_become_small_are_told_where_its_2_cycle_is_not_found():
    """SAM's step at a minimum is ηρλ₁ along the sharpest direction, here 0.1 · 0.05 · 1.58643 for the network of seven weights."""
    loss = cf.losses.tanh_network()
    minimum = cf.minima(loss)[0]
    found, reason = edge_at(loss, cf.optimizers.sam(lr=0.1, rho=0.05), minimum)
    assert found is None and "a 2-cycle across it was not found" in reason
    # The next order of ρ is a hundredth of it.
    assert float(re.search(r"is (\S+) long", reason)[1]) == pytest.approx(0.1 * 0.05 * minimum.sharpness, rel=0.03)
