"""Orbits that round-off alone holds, many of them at once: each is the one that goes alone, and ends where theory says."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles.grids import Grid
from cfdyn.ensembles.held import divides_by_state
from cfdyn.kernels.orbits import CHAOTIC
from cfdyn.settling.disturbed import PARTS, Held, disturbed, lost_to_rounding
from cfdyn.settling.orbit import orbit_of

SQUARE = cf.Loss("w**2/2")
ADAM = cf.as_map(SQUARE, cf.optimizers.adam(lr=0.01))
FLIP = 3 - 2 * np.sqrt(2)  # β₁ below which Adam's 2-cycle on a parabola attracts, ε → 0


def cells(count: int) -> Grid:
    return Grid(ADAM, (("lr", np.geomspace(0.003, 0.3, count)), ("beta1", np.array([0.1, 0.9]))), ADAM.state([1.1]), 1)


def test_pauses_are_those_of_single_orbits():
    grid = cells(60)
    orbits, steps, strides = grid.orbits(np.arange(grid.count)), 4000, np.zeros(grid.count)
    at, paused = orbits.pauses(steps, strides)
    assert 20 < (at > 0).sum() < grid.count
    for k in range(0, grid.count, 7):
        step, start, _ = grid.at(k)
        orbit = orbit_of(step, start, steps + 1)
        assert (lost_to_rounding(step, orbit) or 0) == at[k]
        assert np.array_equal(paused[k], orbit[at[k]] if at[k] else np.zeros(step.dim))
        assert np.array_equal(orbits.states[k], orbit[-1])
        assert strides[k] == np.abs(np.diff(orbit[:, 0])).max()


def test_many_disturbed_orbits_are_those_that_go_alone():
    """In lanes, where there are many; their tangents are made units otherwise, which is round-off of an exponent."""
    begun = [Held.at(ADAM.at(lr=lr), ADAM.at(lr=lr).state([0.0]), lr, 200_000) for lr in np.geomspace(1e-3, 0.1, 100)]
    together = disturbed(begun, PARTS[0], 200_000)
    for k in (0, 50, 99):
        (alone,) = disturbed(begun[k : k + 1], PARTS[0], 200_000)
        assert np.array_equal(alone.z, together[k].z)
        assert (alone.reach, alone.steps, alone.size) == (together[k].reach, together[k].steps, together[k].size)
        assert alone.exponent == pytest.approx(together[k].exponent, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "divides"), [("adam", True), ("rmsprop", True), ("amsgrad", True), ("heavy_ball", False), ("nesterov", False)]
)
def test_only_what_divides_by_a_state_is_followed(name, divides):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.get(name)(lr=0.1))
    assert divides_by_state(Grid(step, (("lr", [0.1, 0.2]), ("a", [1.0, 2.0])), step.state([1.1])).orbits(np.arange(2))) == divides


def test_adam_bursts_where_its_two_cycle_repels():
    """On a parabola. Below β₁ = 3 − 2√2 its 2-cycle attracts, as slowly as v forgets; above it repels, and bursts follow."""
    beta1 = np.array([0.0, 0.6 * FLIP, 0.9])
    found = cf.analysis.regimes(ADAM, [("lr", [0.01, 0.05]), ("beta1", beta1)], [1.1])
    assert (found.labels[:2] == 2).all()
    assert (found.labels[2] == CHAOTIC).all()
    assert np.allclose(found.lyapunov[0], np.log(0.999) / 2, rtol=1e-3)


def test_adam_rests_below_its_edge():
    """lr S/ε < 2(1 + β₁)/(1 − β₁), here 38, and does not beyond."""
    found = cf.analysis.regimes(ADAM.at(eps=0.1), [("lr", [2.0, 3.79, 3.81, 4.0]), ("beta2", [0.9, 0.99])], [1e-3])
    assert (found.labels[:, :2] == 1).all()
    assert (found.labels[:, 2:] != 1).all()
    # The block of w and m has the determinant β₁, and v forgets by β₂.
    assert np.allclose(found.lyapunov[:, :2].T, [np.log(0.9) / 2, np.log(0.99)], atol=1e-7)


def test_an_undecided_cell_says_by_what():
    found = cf.analysis.regimes(cf.as_map(SQUARE, cf.optimizers.adam(lr=0.01)), [("lr", [0.01, 0.02]), ("beta1", [0.3])], [1.1])
    assert sum(found.undecided.values()) == (found.labels == -2).sum() > 0
    assert np.isfinite(found.lyapunov).all()
