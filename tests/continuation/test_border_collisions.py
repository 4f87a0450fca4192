"""Border collisions of piecewise linear maps, whose fixed points are known on both sides of the border."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle

TENT = "Piecewise((a*x, x < 0), (b*x, True)) + m"


def tent(a, b, m=-0.5):
    return cf.Map.from_text(TENT, params={"a": a, "b": b, "m": m})


def only(branch):
    (point,) = [s for s in branch.bifurcations if s.kind == "border collision"]
    return point


@pytest.mark.parametrize(("a", "b"), [(0.5, -0.5), (0.3, 0.8), (-0.5, -3.0), (2.0, 3.0)])
def test_a_fixed_point_goes_on_across_the_border(a, b):
    branch = continue_cycle(tent(a, b), [-0.5 / (1 - a)], "m", (-1.0, 1.0))
    point = only(branch)
    assert point.parameter == pytest.approx(0, abs=1e-12) and abs(point.points[0, 0]) < 1e-12
    x, m = branch.points[:, 0, 0], branch.parameter
    np.testing.assert_allclose(x, np.where(m * (1 - a) < 0, m / (1 - a), m / (1 - b)), atol=1e-10)
    assert sorted(branch.ends) == ["m = -1", "m = 1"]


def test_two_fixed_points_meet_at_the_border_and_vanish():
    """Slopes 0.5 and 1.5: both fixed points exist for m < 0 only."""
    branch = continue_cycle(tent(0.5, 1.5), [-1.0], "m", (-1.0, 1.0))
    point = only(branch)
    assert point.parameter == pytest.approx(0, abs=1e-12) and branch.ends == ("m = -1", "m = -1")
    x, m = branch.points[:, 0, 0], branch.parameter
    np.testing.assert_allclose(x, np.where(x < 0, 2 * m, -2 * m), atol=1e-10)
    assert branch.stable[x < -1e-6].all() and not branch.stable[x > 1e-6].any()
    assert "fold" in point.meaning


def test_the_kind_of_a_collision():
    """Feigin: an odd number of multipliers beyond +1 on both sides together is a fold, beyond −1 a 2-cycle is born."""
    assert "persistence" in only(continue_cycle(tent(0.5, -0.5), [-1.0], "m", (-1.0, 1.0))).meaning
    assert "2-cycle" in only(continue_cycle(tent(0.5, -2.0), [-1.0], "m", (-1.0, 1.0))).meaning


def test_a_plane_map():
    """x ↦ τx + y + m, y ↦ −δx with (τ, δ) = (0.6, 0.3) on the left and (−0.4, 0.5) on the right."""
    step = cf.Map.from_text(["Piecewise((0.6*x, x < 0), (-0.4*x, True)) + y + m", "Piecewise((-0.3*x, x < 0), (-0.5*x, True))"],
                            variables="x y", params={"m": -0.5})  # fmt: skip
    left, right = (lambda m, t=t, d=d: m / (1 - t + d) for t, d in ((0.6, 0.3), (-0.4, 0.5)))
    branch = continue_cycle(step, [left(-0.5), -0.3 * left(-0.5)], "m", (-1.0, 1.0))
    assert only(branch).parameter == pytest.approx(0, abs=1e-12)
    m = branch.parameter
    np.testing.assert_allclose(branch.points[:, 0, 0], np.where(m < 0, left(m), right(m)), atol=1e-10)


def test_a_point_of_a_two_cycle_collides():
    """The kink lies at x = c: the 2-cycle of −1.5x + m (left) collides as c moves onto one of its points."""
    step = cf.Map.from_text("r*x*(1-x) + Abs(x - c)/10 - (x - c)/10", params={"r": 3.2, "c": 0.2})
    start = cf.iterate(step, [0.6], 2000).z[-2:]
    branch = continue_cycle(step, start, "c", (0.1, 0.7))
    collisions = [s for s in branch.bifurcations if s.kind == "border collision"]
    # Right of both points of the cycle the kink is at the lower one, which is there that of the smooth map.
    smooth = np.sort(cf.analysis.cycles(cf.Map.from_text("r*x*(1-x)", params={"r": 3.2}), 2, [(0.4, 0.9)])[0].points[:, 0])
    assert collisions[0].parameter == pytest.approx(smooth[0], rel=1e-10)
    assert np.abs(collisions[0].points - smooth[0]).min() < 1e-10 and branch.period == 2
