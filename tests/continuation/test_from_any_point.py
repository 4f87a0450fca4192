"""Branches and curves, saved and loaded, from any of whose rows and special points another one starts."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle

CUBIC = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.136, "c": 1.5})
TENT = cf.Map.from_text("Piecewise((x/2 + r, x < s), (-3*x/2 + r + 2*s, True))", "x", {"r": 0.1, "s": 0.5})
BALL = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))


def kinds(branch):
    return sorted((s.kind, round(s.parameter, 9)) for s in branch.bifurcations)


@pytest.mark.parametrize(
    ("step", "start", "name", "bounds"),
    [(CUBIC, [0.9], "k", (-1, 1)), (TENT, [0.2], "r", (-1, 1)), (BALL, [1.0], "lr", (0.1, 3))], ids=["cubic", "tent", "heavy ball"],
)  # fmt: skip
def test_the_branch_is_the_same_from_every_row(step, start, name, bounds, tmp_path):
    """Also from its folds, its flips, and the border that it meets."""
    branch = continue_cycle(step, start, name, bounds)
    loaded = cf.load(branch.save(tmp_path / "branch.npz"))
    assert loaded.bifurcations
    beside = [min(s.place + k, len(loaded) - 1) for s in loaded.bifurcations for k in (0, 1)]
    for row in sorted({0, len(loaded) - 1, *range(0, len(loaded), 9), *beside}):
        again = continue_cycle(loaded.map_at(row), loaded.at(row), name, bounds)
        assert kinds(again) == kinds(branch) and sorted(again.ends) == sorted(branch.ends)
    for special in loaded.bifurcations:
        again = continue_cycle(special.step, special.points, name, bounds)
        assert kinds(again) == kinds(branch) and sorted(again.ends) == sorted(branch.ends)


def test_from_a_row_along_another_parameter(tmp_path):
    """Fixed points of the cubic map: k = x − cx + x³ for every c."""
    branch = continue_cycle(CUBIC, [0.9], "k", (-1, 1))
    loaded = cf.load(branch.save(tmp_path / "branch.npz"))
    assert len(loaded) > 80
    for row in range(0, len(loaded), 40):
        along = continue_cycle(loaded.map_at(row), loaded.at(row), "c", (0, 3))
        x, k = along.points[:, 0, 0], loaded.parameter[row]
        assert along.parameter == pytest.approx(1 + x**2 - k / x, abs=1e-9)


def test_from_far_out_the_branch_is_not_hopped_over(tmp_path):
    """Fixed points a = (1 − 0.7x)/x² of the Hénon map have a pole at x = 0, a spike as seen from x = 10⁴."""
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.2, "b": 0.3})
    branch = continue_cycle(henon, [0.9, 0.27], "a", (-0.2, 2))
    assert branch.ends[0].startswith("diverges to infinity") and branch.points[0, 0, 0] > 1e5
    far = np.flatnonzero((branch.points[:, 0, 0] > 10) & (branch.points[:, 0, 0] < 1e5))
    for row in far[::7]:
        again = continue_cycle(branch.map_at(row), branch.at(row), "a", (-0.2, 2))
        assert [kind for kind, _ in kinds(again)] == ["flip", "fold"] and "a = 2" in again.ends
        assert [b.parameter for b in again.bifurcations] == pytest.approx([0.3675, -0.1225], abs=1e-6)
    first = continue_cycle(branch.map_at(0), branch.at(0), "a", (-0.2, 2))
    assert "much finer than where the branch began; start again from this row" in first.ends[0]
    assert len(continue_cycle(first.map_at(0), first.at(0), "a", (-0.2, 2)).bifurcations) == 2


def test_from_a_curve(tmp_path):
    """Folds at c = 1 + 3x², k = −2x³; in one parameter each row is a fold, and the curve is the same from every one."""
    curve = cf.analysis.bifurcation_curve(CUBIC, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)))
    loaded = cf.load(curve.save(tmp_path / "curve.npz"))
    for row in range(0, len(loaded), 25):
        folds = [b.parameter for b in continue_cycle(loaded.map_at(row), loaded.points[row], "k", (-1.2, 1.2)).bifurcations]
        assert np.abs(np.array(folds) - loaded.parameters[row, 0]).min() < 1e-9
        again = cf.analysis.bifurcation_curve(loaded.map_at(row), (loaded.kind, loaded.points[row]), ("k", "c"), ((-1, 1), (0, 3)))
        assert set(again.ends) == set(curve.ends) and [s.kind for s in again.special] == ["cusp"]
    cusp = loaded.special[0]
    assert loaded.map_at(cusp).params == pytest.approx({"k": 0, "c": 1}, abs=1e-9)
    again = cf.analysis.bifurcation_curve(loaded.map_at(cusp), ("fold", cusp.points), ("k", "c"), ((-1, 1), (0, 3)))
    assert set(again.ends) == set(curve.ends)
