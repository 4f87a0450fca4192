"""Modes that meet the edge and leave it, on the way of flows without a formula: rows beside, and what counts as an event."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.integrate.large import idle_run, large_run
from tests.integrate.test_large import REFERENCES, Plain, case

NET = cf.losses.tanh_network()
START, LESS = (size * np.random.default_rng(1).normal(size=7) for size in (0.7, 0.6))
GD = cf.optimizers.gd(lr=1.2)


def listed(path):
    return [(event.kind, event.rank) for event in path.events]


@pytest.mark.parametrize("name", ["two-independent", "three-coupled", "two-coupled-rank-drop"])
def test_rows_beside_a_kink_are_as_exact_as_the_ends_of_steps(name):
    """Against the dense flow, from 1 before each event to 1 after it. Where steps went on through kinks, rows inside were
    off by 10 to 50 times as much as ends."""
    entry = next(entry for entry in REFERENCES if entry["name"] == name)
    loss, optimizer = case(entry)
    flow, dense = cf.flows.central(Plain(loss), optimizer), cf.flows.central(loss, optimizer)
    times = np.unique(np.concatenate([np.linspace(max(t - 1, 0.0), t + 1, 81) for t, *_ in entry["events"]]))
    end = times[-1]
    steps = cf.solve(flow, entry["start"], end, rtol=1e-5)
    both = np.unique(np.concatenate([times, steps.t]))
    exact = cf.solve(dense, entry["start"], end, save_at=both, rtol=1e-10)
    exact = {float(t): w for t, w in zip(exact.t, exact.w, strict=True)}
    rows = cf.solve(flow, entry["start"], end, save_at=times, rtol=1e-5)
    off = [max(float(np.abs(w - exact[float(t)]).max()) for t, w in zip(path.t, path.w, strict=True)) for path in (steps, rows)]
    assert off[1] < 1.5 * off[0] < 1e-3


@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-4])
def test_events_of_a_network_that_comes_and_goes_are_those_of_the_dense_flow(rtol):
    """Five up to t = 1000. Just behind the first one a step takes the mode off the edge, the next one lets it come back: counted
    by X alone these were nine events at 1e-3 and seven at 1e-4."""
    dense = cf.solve(cf.flows.central(NET, GD), START, 1000.0, rtol=1e-8)
    path = cf.solve(cf.flows.central(Plain(NET), GD), START, 1000.0, rtol=rtol)
    assert listed(path) == listed(dense) == [("enter", 1), ("leave", 0)] * 2 + [("enter", 1)]


@pytest.mark.parametrize("rtol", [1e-3, 1e-4])
def test_a_mode_that_leaves_by_one_percent_and_comes_back_is_not_lost(rtol):
    """From t = 2.3 to 6 the dense flow is at most 1 % below the edge, 10 times the larger tolerance."""
    rmsprop, times = cf.optimizers.rmsprop(lr=0.3, beta2=0.99, eps=1e-2), np.linspace(2.4, 5.9, 50)
    dense = cf.solve(cf.flows.central(NET, rmsprop), LESS, 100.0, rtol=1e-8, save_at=times)
    path = cf.solve(cf.flows.central(Plain(NET), rmsprop), LESS, 100.0, rtol=rtol)
    assert 1 - dense.edge.min() / 2 < 0.011
    assert listed(path) == listed(dense) == [("enter", 1), ("leave", 0), ("enter", 1), ("enter", 2)]
    np.testing.assert_allclose([event.t for event in path.events], [event.t for event in dense.events], rtol=0.02, atol=0.3)


@pytest.mark.slow
def test_four_modes_at_a_loose_tolerance_do_not_come_and_go_with_every_step():
    """The dense flow has four, all of them modes that come, but for what is over in 1e-5 steps where one comes to others: which
    of them is held first is rounding. X alone changed its rank 29 times."""
    loss, rmsprop = cf.losses.mlp(), cf.optimizers.rmsprop(lr=0.3, beta2=0.99, eps=1e-2)
    start = 0.6 * np.random.default_rng(1).normal(size=loss.dim)
    dense = cf.solve(cf.flows.central(loss, rmsprop), start, 350.0, rtol=1e-6)
    path = cf.solve(cf.flows.central(Plain(loss), rmsprop), start, 350.0, rtol=1e-2)
    later = [*(event.t for event in dense.events[1:]), 350.0]
    lasting = [event for event, then in zip(dense.events, later, strict=True) if then - event.t > 1e-5]
    assert [(event.kind, event.rank) for event in lasting] == [("enter", rank) for rank in (1, 2, 3, 4)]
    assert len(path.events) <= 12 and path.events[-1].rank == 4


def test_two_modes_that_enter_in_a_step_are_two_events():
    """Both curvatures are y, which rises from 3 by 1/8 a step to 2/0.5; there tr Σ = 1/2 holds it, and a = b = 0 shares that."""
    loss = cf.Loss("(y*(q**2 + p**2) + a*(q**2 - p**2) + 2*b*q*p)/2 - y/4 + (a**2 + b**2)/2", "q p y a b")
    path = cf.solve(cf.flows.central(Plain(loss), cf.optimizers.gd(lr=0.5)), [0, 0, 3.0, 0, 0], 20.0, rtol=1e-4)
    assert listed(path) == [("enter", 1), ("enter", 2)]
    np.testing.assert_allclose([event.t for event in path.events], 8.0, atol=1e-9)
    np.testing.assert_allclose(path.variances[-1], [0.25, 0.25], atol=1e-9)
    np.testing.assert_allclose(path.w[-1], [0, 0, 4, 0, 0], atol=1e-9)


def test_two_modes_of_which_only_the_force_is_determined_enter_at_once_or_one_by_one():
    """Of two valleys alike: how they oscillate together is open, so that Σ has the rank 1 or 2; the path is determined."""
    loss = cf.Loss("(1 - x1*y1)**2/2 + (1 - x2*y2)**2/2", "x1 y1 x2 y2")
    dense = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=0.8)), [1.5, 0.3, 1.5, 0.3], 5.0, rtol=1e-8)
    path = cf.solve(cf.flows.central(Plain(loss), cf.optimizers.gd(lr=0.8)), [1.5, 0.3, 1.5, 0.3], 5.0, rtol=1e-4)
    assert not dense.stats["unique"]
    assert listed(path) in ([("enter", 1)], [("enter", 1), ("enter", 2)])
    assert path.events[0].t == pytest.approx(0.3887982898966939, abs=2e-3)
    np.testing.assert_allclose(path.eigenvalues[-1, :2], path.theta[-1], rtol=1e-3)
    np.testing.assert_allclose(path.w[-1], dense.w[-1], atol=2e-3)


def test_a_mode_of_which_it_is_open_whether_it_has_left_is_remembered():
    """A run that is stored and read after each step has the events of one that is not."""
    flow = cf.flows.central(Plain(NET), GD)
    whole, part, open_ones = large_run(flow, START), large_run(flow, START), 0
    while part.t < 20.0:
        part.step(20.0)
        kept, part = part.snapshot(), idle_run(flow)
        open_ones += len(kept["gone"])
        part.restore(kept)
    whole.advance(20.0)
    assert open_ones > 0
    assert whole.events == part.events
    assert np.array_equal(whole.z, part.z)


@pytest.mark.parametrize(("optimizer", "start", "t", "rtol"), [
    (GD, START, 40.0, 1e-3), (GD, START, 30.3, 1e-2), (cf.optimizers.rmsprop(lr=0.3, beta2=0.99, eps=1e-2), LESS, 70.0, 1e-3),
])  # fmt: skip
def test_a_run_that_goes_on_by_small_pieces_does_not_let_modes_go(optimizer, start, t, rtol):
    """The dense flow holds them all along. A step of the run's own length brings a mode back that was left off the edge; pieces
    of 0.002 need more than four for it, which were taken for its leaving."""
    dense = cf.solve(cf.flows.central(NET, optimizer), start, t + 0.2, rtol=1e-8)
    run = large_run(cf.flows.central(Plain(NET), optimizer), start, rtol=rtol)
    run.advance(t)
    assert run.point.values[run.events[-1].rank - 1] < 2.0
    for k in range(1, 101):
        run.advance(t + 0.002 * k)
    assert [(event.kind, event.rank) for event in run.events] == listed(dense)


@pytest.mark.parametrize("behind", [1e-9, 1e-5, 1e-3])
@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_two_modes_one_just_behind_the_other_at_the_end_of_a_straight_way(behind, rtol):
    """s = 0.1t up to the edge, at t = 10 exactly: a step there has an error of 0 and a mode it did not know; and of the
    curvatures 0, ½, ½ and two at the edge a search that starts like the one before has nothing new."""
    loss = cf.Loss(f"-s*0.1 + (c**2 + d**2)/4 + (1.5 + s/2 + c)*x**2/2 + (1.5 - {behind} + s/2 + d)*y**2/2", "s c d x y")
    gd, times = cf.optimizers.gd(lr=1.0), np.linspace(1.0, 30.0, 30)
    dense = cf.solve(cf.flows.central(loss, gd), np.zeros(5), 30.0, save_at=times, rtol=1e-9, max_step=0.1)
    path = cf.solve(cf.flows.central(Plain(loss), gd), np.zeros(5), 30.0, save_at=times, rtol=rtol)
    assert path.status == "done" and listed(path) == [("enter", 1), ("enter", 2)]
    np.testing.assert_allclose([event.t for event in path.events], [10.0, 10.0 + 25 * behind], atol=1.5e-3)
    np.testing.assert_allclose(path.w, dense.w, atol=20 * rtol)
