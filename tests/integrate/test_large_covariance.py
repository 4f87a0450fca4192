"""Σ at the ends of long steps: what the last step held is shown, and a note says truly how late it is."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.integrate.large import large_run
from tests.integrate.test_large import GD, VALLEY, Plain

START, END = [1.5, 0.3], 8.0


def trace(run):
    u, x = run.covariance_factors
    return float(np.sum(x * (u @ u.T)))


@pytest.fixture(scope="module")
def exact():
    """tr Σ over time, from steps that are short enough: 0 before the edge is met, then falling."""
    path = cf.solve(cf.flows.central(Plain(VALLEY), GD), START, END, rtol=1e-7, max_step=0.02)
    return path.t, np.nansum(path.variances, axis=1)


@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-4])
def test_what_a_step_has_held_is_shown_at_its_end(rtol):
    """However far off the edge a loose step has let it: Σ falls to 0 with time, but is not 0 on the way."""
    run = large_run(cf.flows.central(Plain(VALLEY), GD), START, rtol=rtol)
    while run.t < END:
        run.step(END)
        assert trace(run) > 0 or not run.rank
    assert run.rank == 1


@pytest.mark.parametrize(("rtol", "told"), [(1e-3, True), (1e-4, False)])
def test_a_step_tells_how_late_its_covariance_is(exact, rtol, told):
    """Beside a path that is exact: what most steps say of themselves is their error, within a factor of 1.5, and two in a thousand."""
    run, off = large_run(cf.flows.central(Plain(VALLEY), GD), START, rtol=rtol), []
    while run.t < END:
        run.step(END)
        off.append(trace(run) / np.interp(run.t, *exact) - 1 if run.lags.steps else np.nan)
    off, lags = np.array(off[-len(run.lags.steps) :]), np.array([more for _, more in run.lags.steps])
    close = np.abs(off - lags) < 0.5 * np.abs(lags) + 0.002
    assert np.mean(close) > 0.6 and 0.5 < np.median(lags) / np.median(off) < 2
    (note,) = run.summary or [""]
    assert note.startswith("Σ is late") == told == (np.median(off) > 0.02)


def test_how_late_it_is_outlives_a_snapshot():
    """A run that goes on from arrays says what the first would have said."""
    run, other = (large_run(cf.flows.central(Plain(VALLEY), GD), START) for _ in range(2))
    run.advance(5.0)
    other.restore(run.snapshot())
    run.advance(END)
    other.advance(END)
    assert run.summary == other.summary != []


@pytest.mark.slow
@pytest.mark.parametrize(("rtol", "least", "most"), [(1e-3, 0.03, 0.15), (1e-4, 0.0, 0.02)])
def test_a_small_network_with_momentum_says_when_its_covariance_is_off(rtol, least, most):
    """1,108 weights under heavy ball at three modes: tr Σ beside that of an exact path, in nine of ten rows, and the note."""
    net = cf.networks.mlp(cf.data.digits(classes=4, n=100), widths="16")
    flow, t = cf.flows.central(net, cf.optimizers.heavy_ball(lr=1, momentum=0.9)), np.linspace(45.0, 195.0, 61)
    fine, path = (cf.solve(flow, net.start, 200, rtol=tol, save_at=t) for tol in (1e-5, rtol))
    off = np.quantile(np.abs(np.nansum(path.variances, axis=1) / np.nansum(fine.variances, axis=1) - 1), 0.9)
    assert least < off < most
    assert any(note.startswith("Σ is late") for note in path.notes) == (off > 0.02)
