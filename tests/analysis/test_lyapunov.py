"""`lyapunov` against closed forms and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.linalg.products import frame
from cfdyn.symbolic.loss import make_loss
from tests.oracles import needs_compiler

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.0})
CUBIC, DOUBLE_WELL = (cf.as_map(loss, cf.optimizers.gd(lr=1.0)) for loss in (cf.losses.cubic(), cf.losses.double_well()))
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


@needs_compiler
def test_lyapunov_exponents():
    assert cf.analysis.lyapunov(LOGISTIC.at(r=4.0), [0.3], 500_000)[0] == pytest.approx(math.log(2), abs=2e-3)
    assert cf.analysis.lyapunov(CUBIC.at(lr=1.5), [0.3], 500_000)[0] == pytest.approx(math.log(2), abs=2e-3)
    # At the very end of the chaos the orbit may step over the edge by round-off.
    assert cf.analysis.lyapunov(DOUBLE_WELL.at(lr=2 - 1e-12), [0.3], 500_000)[0] == pytest.approx(math.log(3), abs=3e-3)


@needs_compiler
def test_lyapunov_spectrum_of_henon():
    exponents = cf.analysis.lyapunov(HENON, [0.1, 0.1], 1_000_000)
    assert exponents[0] == pytest.approx(0.41922, abs=1e-3)
    assert exponents.sum() == pytest.approx(math.log(0.3), abs=1e-9)
    found = cf.analysis.classify(HENON, [0.1, 0.1])
    assert found.kind == "chaotic" and found.lyapunov == pytest.approx(0.41922, abs=5e-3)


def test_lyapunov_of_a_cycle_and_of_linear_maps():
    assert cf.analysis.lyapunov(LOGISTIC.at(r=3.3), [0.3], 5000)[0] == pytest.approx(
        math.log(abs(4 + 6.6 - 3.3**2)) / 2, rel=1e-6
    )
    linear = cf.Map.from_text(["x/2 + y", "y/3"], "x y")
    assert cf.analysis.lyapunov(linear, [0.0, 0.0], 500) == pytest.approx([-math.log(2), -math.log(3)], abs=1e-12)
    dead = cf.Map.from_text(["x/2", "x/4"], "x y")
    assert cf.analysis.lyapunov(dead, [1.0, 0.0], 100)[1] == -math.inf


@needs_compiler
def test_errors_of_exponents_are_as_large_as_their_scatter():
    starts = [[0.1 + 0.01 * k, 0.1] for k in range(12)]
    found = [cf.analysis.lyapunov_spectrum(HENON, start, 20_000) for start in starts]
    scatter = np.std([f.exponents[0] for f in found], ddof=1)
    assert 0.5 * scatter < np.mean([f.errors[0] for f in found]) < 2 * scatter
    assert all(f.total == pytest.approx(math.log(0.3), abs=1e-10) and f.total_error < 1e-10 for f in found)
    assert found[0].dimension == pytest.approx(1 + found[0].exponents[0] / -found[0].exponents[1], rel=1e-14)


def test_exponents_of_cycles_are_those_of_their_multipliers():
    # Of Hénon's 7-cycle in a window: to round-off, as the period divides a twentieth of the steps.
    step = HENON.at(a=1.24)
    cycle = next(c for c in cf.analysis.cycles(step, 7, [(-3, 3), (-3, 3)]) if c.stable)
    found = cf.analysis.lyapunov_spectrum(step, cycle.points[0], 7 * 20 * 5)
    assert found.exponents == pytest.approx(np.log(np.abs(cycle.multipliers)) / 7, rel=1e-9)
    assert found.errors.max() < 1e-9 and found.dimension == 0.0


def test_directions_that_nearly_vanish_keep_their_exponents():
    steep = cf.Map.from_text(["x/2 + 1e3*y", "1e-7*y"], "x y")  # eight steps of it have no digit left of the second
    assert cf.analysis.lyapunov(steep, [0.0, 0.0], 1000) == pytest.approx([-math.log(2), -7 * math.log(10)], rel=1e-12)
    assert cf.analysis.lyapunov(cf.Map.from_text("1e60*x"), [0.0], 1000)[0] == pytest.approx(60 * math.log(10), rel=1e-12)
    assert cf.analysis.lyapunov(cf.Map.from_text("1e-60*x"), [0.0], 1000)[0] == pytest.approx(-60 * math.log(10), rel=1e-12)


def test_the_error_of_the_dimension_is_that_of_its_scatter():
    """Hénon's at twelve starts: they scatter as the error says."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    found = [cf.analysis.lyapunov_spectrum(step, [0.1 + 0.01 * k, 0.1], 20_000) for k in range(12)]
    scatter = np.std([one.dimension for one in found], ddof=1)
    assert 0.4 < np.mean([one.dimension_error for one in found]) / scatter < 2.5
    assert abs(np.mean([one.dimension for one in found]) - 1.258) < 4 * scatter / np.sqrt(12)


def test_dimensions_of_other_spectra():
    grows = cf.Map.from_text(["2*x", "3*y"], "x y")
    assert cf.analysis.lyapunov_spectrum(grows, [0.0, 0.0], 100).dimension == 2.0
    assert math.isnan(cf.analysis.lyapunov_spectrum(LOGISTIC, [0.3], 1).errors[0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.analysis.lyapunov(LOGISTIC.at(r=5.0), [0.3], 1000), "diverges|diverged|finite"),
        (lambda: cf.analysis.lyapunov(LOGISTIC, [0.3], 0), "at least one step"),
        (lambda: cf.analysis.classify(LOGISTIC, [0.3], max_period=0), "at least 1"),
        (lambda: cf.analysis.classify(LOGISTIC, [math.nan]), "finite"),
        (lambda: cf.analysis.cycles(cf.Map.from_text(["y", "x"], "x y"), 3, [(0, 1)]), "2 variables"),
        (lambda: cf.analysis.cycles(LOGISTIC, 0, [(0, 1)]), "at least 1"),
        (lambda: cf.analysis.cycles(LOGISTIC, 3, [(1, 0)]), "lo < hi"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()


@pytest.mark.parametrize("transient", [0, 3])
@pytest.mark.parametrize("matrix", [[[1.1, 0.0], [0.0, 0.8]], [[1.05, 3.0], [0.0, 0.8]], [[0.9, 0.4, 0.1], [0.0, 0.5, 0.2], [0.0, 0.0, 0.3]]])
def test_a_linear_map_has_its_exponents_without_a_transient(matrix, transient):
    """ln |eigenvalues|, each step the same: the turn of the first tangents is in no average. So too over grids, and by chance."""
    a, names = np.array(matrix), "xyz"[: len(matrix)]
    exact = np.log(np.diag(a))
    texts = [" + ".join(f"{'q*' * (i == j)}{value}*{names[j]}" for j, value in enumerate(row)) for i, row in enumerate(matrix)]
    step = cf.Map.from_text(texts, " ".join(names), {"q": 1.0})
    found = cf.analysis.lyapunov_spectrum(step, np.ones(len(a)), 200, transient)
    assert found.exponents == pytest.approx(exact, abs=1e-12) and found.errors.max() < 1e-12
    grid = cf.analysis.lyapunov_spectra(step, [("q", [1.0, 1.5])], np.ones(len(a)), n=200, transient=transient)
    assert grid.exponents.reshape(2, -1)[0] == pytest.approx(exact, abs=1e-12)
    # cos of the angle between a first tangent and the leading eigenvector: what an average over 200 steps would be off by.
    assert abs(np.log(abs(frame(len(a), 1)[0, 0]))) / 200 > 1e-4


@pytest.mark.slow
def test_a_linear_flow_and_a_linear_loss_by_batches_have_theirs_too():
    flow = cf.Flow.from_text("0.1*x; x - 0.2*y", "x y")
    assert cf.analysis.lyapunov(flow, [1.0, 1.0], 100.0, 0.0) == pytest.approx([0.1, -0.2], abs=1e-9)
    loss = cf.Loss.from_spec(make_loss("h*(3*x**2 + (x - y)**2)/2", columns=["h"], data=np.array([[1.0], [1.0]])))
    step = cf.random_map(loss, cf.optimizers.gd(lr=0.1), batch=1)
    exact = np.sort(np.log(1 - 0.1 * np.linalg.eigvalsh([[4.0, -1.0], [-1.0, 1.0]])))[::-1]
    found = cf.analysis.random_lyapunov(step, [0.3, 0.2], steps=400, runs=2, transient=0)
    assert found.exponents == pytest.approx(exact, abs=1e-12)
