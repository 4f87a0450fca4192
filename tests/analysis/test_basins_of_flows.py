"""Basins of flows and of their sections: against boundaries in closed form, and against SciPy."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED

BISTABLE = cf.Flow.from_text("x - x**3; -y", "x y", {"a": 1.0})
DUFFING = cf.Flow.from_text("v; x - x**3 - d*v + F*cos(w*t)", "x v", {"d": 0.3, "F": 0.2, "w": 1.2})
WELL = cf.Flow.from_text("v; x - x**3 - d*v", "x v", {"d": 0.3})
# r' = r(r² − m)(b − r²), θ' = w: at rest at 0 inside of r = √m, on the circle r = √b outside.
HOPF = cf.Flow.from_text("-w*y + x*(x**2 + y**2 - m)*(b - x**2 - y**2); w*x + y*(x**2 + y**2 - m)*(b - x**2 - y**2)", "x y",
                         {"m": 0.5, "b": 2.0, "w": 1.0})  # fmt: skip


def radius(found):
    return np.hypot(*np.meshgrid(found.first, found.second))


def test_basins_of_a_bistable_flow_are_the_sides_of_0():
    found = cf.analysis.basins(BISTABLE, list(zip(BISTABLE.names, [(-2, 2, 12), (-1, 1, 3)], strict=True)))
    assert [one.kind for one in found.attractors] == ["fixed point"] * 2
    np.testing.assert_allclose([one.points[0] for one in found.attractors], [[-1, 0], [1, 0]], atol=1e-9)
    np.testing.assert_array_equal(found.labels, np.tile(found.first > 0, (3, 1)))
    # Eigenvalues −2 and −1 of the rest points, over a unit of time.
    np.testing.assert_allclose(np.sort(abs(found.attractors[0].multipliers)), np.exp([-2, -1]), rtol=1e-9)


@pytest.mark.parametrize("w", [1.0, pytest.param(2 * np.pi, marks=pytest.mark.slow)])
def test_a_rest_point_within_a_limit_cycle(w):
    """The boundary is the circle r² = m; also where the limit cycle is back after each unit of time."""
    found = cf.analysis.basins(HOPF.at(w=w), [("x", (-2, 2, 10)), ("y", (-2, 2, 10))])
    kinds = [one.kind for one in found.attractors]
    assert kinds == ["limit cycle", "fixed point"]
    np.testing.assert_array_equal(found.labels == 1, radius(found) ** 2 < 0.5)
    cycle = found.attractors[0]
    np.testing.assert_allclose(np.hypot(*cycle.points.T), np.sqrt(2), atol=1e-9)
    # d/dr of r(r² − m)(b − r²) at √b: −2b(b − m).
    assert cycle.lyapunov == pytest.approx(-2 * 2 * 1.5, rel=1e-7)
    assert cycle.words.startswith("limit cycle through")
    assert cf.plot(found) is not None


def test_fractions_over_a_parameter_are_areas():
    found = cf.analysis.basin_fractions(HOPF, ("m", [0.5, 1.0]), [(-1.2, 1.2), (-1.2, 1.2)], count=60, transient=60)
    random = np.random.default_rng(0).random((60, 2)) * 2.4 - 1.2
    inside = [(np.hypot(*random.T) ** 2 < m).mean() for m in (0.5, 1.0)]
    rest = next(one for one in found.attractors if one.regimes[0] == "fixed point")
    np.testing.assert_allclose(rest.fractions, inside)


def test_a_flow_that_blows_up_diverges():
    """x' = x³ − x: from |x| > 1 to infinity in finite time."""
    found = cf.analysis.basins(cf.Flow.from_text("x**3 - x", "x"), [("x", (-2, 2, 16))])
    np.testing.assert_array_equal(found.labels[0] == ESCAPED, abs(found.first) > 1)
    assert [one.points.tolist() for one in found.attractors] == [[[0.0]]]


def minimum_reached(x, v, forced=False):
    """The sign of x where the oscillator comes to rest, or of its mean over the last period, by SciPy."""
    force = 0.2 if forced else 0.0
    turn = 2 * np.pi / 1.2
    path = solve_ivp(lambda t, z: [z[1], z[0] - z[0] ** 3 - 0.3 * z[1] + force * np.cos(1.2 * t)], (0, 30 * turn), [x, v],
                     rtol=1e-9, atol=1e-11, method="DOP853", t_eval=[30 * turn])  # fmt: skip
    return path.y[0, -1]


@pytest.mark.slow
def test_a_forced_oscillator_by_another_integrator():
    step = cf.stroboscopic_map(DUFFING, "2*pi/w")
    found = cf.analysis.basins(step, [(name, (-2, 2, 6)) for name in step.names])
    assert found.labels.shape == (6, 6)
    for row, v in enumerate(found.second):
        for column, x in enumerate(found.first):
            end = found.attractors[found.labels[row, column]].points[0, 0]
            assert minimum_reached(x, v, forced=True) == pytest.approx(end, abs=1e-4)


def test_basins_of_a_damped_double_well_meet_at_the_stable_manifold_of_the_saddle():
    """The manifold by SciPy, back in time from its direction at 0: labels change across it, and only there."""
    lam = (-0.3 - np.sqrt(0.09 + 4)) / 2
    start = 1e-7 * np.array([1, lam]) / np.hypot(1, lam)
    arm = solve_ivp(lambda t, z: [-z[1], -(z[0] - z[0] ** 3 - 0.3 * z[1])], (0, 40), start, rtol=1e-11, atol=1e-13,
                    events=lambda t, z: abs(z[0]) + abs(z[1]) - 3, dense_output=True)  # fmt: skip
    t = np.linspace(0, arm.t[-1], 4000)
    curve = arm.sol(t)
    # The first time that it comes to v = −0.8 its x is the boundary on that row, by the symmetry also at −x.
    at = np.flatnonzero(np.diff(np.sign(curve[1] + 0.5)))[0]
    edge = curve[0, at]
    width = 0.01
    found = cf.analysis.basins(WELL, list(zip(WELL.names, [(edge - width, edge + width, 2), (-0.502, -0.498, 1)], strict=False)), transient=60)
    assert sorted(found.labels[0].tolist()) == [0, 1]
    beside = cf.analysis.basins(WELL, list(zip(WELL.names, [(edge + width, edge + 3 * width, 2), (-0.502, -0.498, 1)], strict=False)), transient=60)
    assert beside.labels[0].tolist() == [0, 0]


def test_the_basins_of_a_section_are_those_of_its_map():
    """r₁ > √m goes to √b, less to 0 — where the flow rests and the section has no next state: undecided, and said."""
    step = cf.poincare_map(HOPF, "y", "up")
    found = cf.analysis.basins(step, [(step.names[0], (0.75, 2, 8))])
    assert [one.words for one in found.attractors] == ["fixed point at 1.414"]
    assert (found.labels == 0).all()


def test_starts_that_do_not_come_back_are_undecided_and_said():
    step = cf.poincare_map(cf.Flow.from_text("v; -x - v/5 - 2*(x > 10)", "x v"), "x = 1", "up", most_time=50.0)
    found = cf.analysis.basins(step, [(step.names[0], (0.1, 1.0, 3))])
    assert (found.labels == UNSETTLED).all() and "does not return to its section" in found.note


@pytest.mark.parametrize("given", [DUFFING, cf.flows.central(cf.Loss("w**2"), cf.optimizers.gd(lr=0.1))])
def test_flows_without_basins_of_their_own(given):
    with pytest.raises(UsageError, match="stroboscopic_map|smooth flow"):
        cf.analysis.basins(given, [(given.names[0], (-1, 1, 400))])
