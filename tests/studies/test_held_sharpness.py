"""`held_sharpness`: its cells are single comparisons, and its limits are known."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss

GD = cf.optimizers.gd(lr=0.1)
ROWS = np.column_stack([np.linspace(-2, 2, 12), np.sin(2 * np.linspace(-2, 2, 12))])
FORMULA = "(a1*tanh(w1*x + b1) + a2*tanh(w2*x + b2) - y)**2/2"
NET = cf.Loss.from_spec(make_loss(FORMULA, "w1 w2 b1 b2 a1 a2".split(), {}, ["x", "y"], data=ROWS))
START = [-0.45, -2.0, 0.0, 0.0, 2.5, -2.0]


@pytest.fixture(scope="module")
def found():
    return cf.held_sharpness(NET, GD, START, 2100, lr=[0.2, 1.2], batch=[1, 4, 64], after=300, runs=30, seed=2)


def test_a_cell_is_a_comparison(found):
    model = cf.compare(NET, GD.at(lr=0.2), ["stochastic"], START, 2100, batch=4, runs=30, after=300, seed=2)
    late = model.t >= 1500
    assert found.at_mean[1, 0] == pytest.approx(model.mean_sharpness[late].mean(), rel=0.01)
    assert found.runs[1, 0] == pytest.approx(model.sharpness[late, 2].mean(), rel=0.02)
    assert found.flow[1, 0] == pytest.approx(model.models[0].sharpness[late].mean(), rel=0.01)
    np.testing.assert_allclose(found.edge[:, 0], 2 / 0.2, rtol=1e-9)


def test_small_batches_hold_the_sharpness_lower(found):
    assert (np.diff(found.flow[:, 0]) > 0).all()
    assert (np.diff(found.at_mean[:, 0]) > 0).all()
    assert found.damping[0, 0] > 1 > found.damping[2, 0]
    np.testing.assert_allclose(found.flow[:, 0], found.at_mean[:, 0], rtol=0.06)


def test_where_there_is_no_flow_the_reason_is_told(found):
    missing = np.argwhere(np.isnan(found.flow))
    assert len(missing) == len(found.notes) > 0
    for (i, k), words in zip(missing, found.notes, strict=True):
        assert words.startswith(f"batch {found.batch[i]}, lr = {found.lr[k]:g}: ")


def test_a_batch_of_all_rows_is_the_deterministic_flow():
    """Twelve rows, none drawn twice: the runs are one orbit, and no noise holds anything."""
    found = cf.held_sharpness(NET, GD, START, 1000, lr=[0.2], batch=[12], after=100, runs=2, replace=False)
    orbit = cf.iterate(cf.as_map(NET, GD.at(lr=0.2)), START, 1001)
    flow = cf.flows.central(NET, GD.at(lr=0.2))
    path = cf.solve(flow, orbit.midpoints()[99], 900, save_at=np.arange(0, 901, 25))
    assert found.flow[0, 0] == pytest.approx(path.sharpness[path.t >= 600].mean(), rel=1e-9)
    assert found.edge[0, 0] == pytest.approx(found.flow[0, 0], rel=1e-9) and found.damping[0, 0] == 0.0


def test_the_map_is_drawn(found):
    assert len(cf.plot(found).axes) == 3


def test_a_single_run_has_no_error_of_its_mean():
    with pytest.raises(cf.CfdynError, match="runs is a whole number from 2 on"):
        cf.held_sharpness(NET, GD, START, 100, lr=[0.1], batch=[1], after=10, runs=1)


@pytest.mark.parametrize("options", [{"lr": []}, {"batch": []}, {"after": 0}, {"after": 100}])
def test_bad_input(options):
    with pytest.raises(cf.CfdynError, match="a map needs rates, batches and `after`"):
        cf.held_sharpness(NET, GD, START, 100, **({"lr": [0.1], "batch": [1], "after": 10} | options))


def test_a_preconditioner_is_refused_for_want_of_an_answer():
    """The flow does not tell who holds the sharpness there; "nothing" would be a guess."""
    with pytest.raises(cf.CfdynError, match="not for rmsprop"):
        cf.held_sharpness(NET, cf.optimizers.rmsprop(lr=0.1), START, 100, lr=[0.1], batch=[1], after=10)
