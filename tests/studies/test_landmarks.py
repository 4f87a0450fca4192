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


def by_hand(loss, w, lr, rho, steps):
    """The last two iterates of SAM from its definition."""
    for _ in range(steps):
        before, g = w, loss.gradient(w)
        w = w - lr * loss.gradient(w + rho * g / np.linalg.norm(g))
    return before, w


def test_where_the_2_cycle_of_sam_is_far_from_the_minimum_an_orbit_finds_it():
    """SAM's step at a minimum is ηρλ₁ along the sharpest direction; its 2-cycle is where flat directions have taken it."""
    loss, lr, rho = cf.losses.tanh_network(), 0.5, 0.05
    minimum = cf.minima(loss)[0]
    found, reason = edge_at(loss, cf.optimizers.sam(lr=lr, rho=rho), minimum)
    # The next order of ρ is a hundredth of it.
    assert found is None and float(re.search(r"is (\S+) long", reason)[1]) == pytest.approx(
        lr * rho * minimum.sharpness, rel=0.03
    )
    here, below = reason.split("at a tenth of lr")
    start = minimum.w + 0.5 * lr * np.linalg.eigh(loss.hessian(minimum.w))[1][:, -1]
    one, other = by_hand(loss, start, lr, rho, 20_000)
    assert f"2-cycle {np.linalg.norm(one - other):.3g} wide" in here and "settles on a 2-cycle" in below
    far = max(np.abs(one - minimum.w).max(), np.abs(other - minimum.w).max())
    assert float(re.search(r"up to (\S+) from it", here)[1]) == pytest.approx(far, rel=5e-3)


def test_where_no_2_cycle_takes_the_place_of_a_minimum_it_is_said_what_does():
    loss, sam = cf.losses.double_well(), cf.optimizers.sam(lr=0.05, rho=0.05)
    _, reason = edge_at(loss, sam, cf.minima(loss)[0])
    points = cf.iterate(cf.as_map(loss, sam), cf.minima(loss)[0].w + 0.025, 3000).w[-31:, 0]
    np.testing.assert_allclose(points[15:], points[:16], atol=1e-14)
    assert f"settles on a 15-cycle {np.ptp(points):.3g} wide" in reason
    _, reason = edge_at(cf.losses.tanh_network(), cf.optimizers.sam(lr=0.5, rho=0.3), cf.minima(cf.losses.tanh_network())[0])
    assert "from a point 0.5 × lr from it is quasi-periodic; at a tenth of lr it settles on a 2-cycle" in reason
