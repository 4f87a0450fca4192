"""The log of a run, explained: events that are put in are found where they are, and noise has none."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.series.spikes import rises


def falling(n=600, noise=0.02, seed=0, rate=300.0):
    return np.exp(-np.arange(n) / rate) * (1 + noise * np.random.default_rng(seed).normal(size=n))


def grown(loss, at, factor=1.4, rows=10, first=0.1):
    """An excess of the level that grows by a factor in each row, and is gone afterwards."""
    loss = loss.copy()
    loss[at : at + rows] *= 1 + first * factor ** np.arange(rows)
    return loss


@settings(max_examples=25, deadline=None)
@given(at=st.integers(80, 550), factor=st.floats(1.3, 2.0), unit=st.floats(1e-6, 1e6), seed=st.integers(0, 99))
def test_a_spike_that_grows_is_found_where_it_is(at, factor, unit, seed):
    """Also its growth; and in every unit of the loss."""
    loss = grown(falling(seed=seed), at, factor)
    found = cf.analysis.explain({"loss": unit * loss})
    [spike] = found.spikes
    assert at <= spike["since"] <= at + 4 and spike["peak"] == at + 9 and at + 7 <= spike["until"] <= at + 10
    assert spike["growth"] == pytest.approx(factor, rel=0.15) and spike["cause"] == "undecided"
    expected = loss[at + 9] / np.median(falling(seed=seed)[at - 3 : at + 3])
    assert spike["times"] == pytest.approx(expected, rel=0.15)
    assert [one["since"] for one in cf.analysis.explain({"loss": loss}).spikes] == [spike["since"]]


def test_noise_has_no_spikes():
    """50,000 rows of independent Gaussian noise about a falling loss."""
    random = np.random.default_rng(1)
    for k in range(5):
        y = -np.arange(10_000) / 3000 + 0.1 * random.normal(size=10_000)
        assert rises(y) == [], k


def test_period_two_below_a_drift():
    t = np.arange(400)
    found = cf.analysis.explain({"loss": 1 + np.exp(-t / 100) + 0.02 * (-1.0) ** t + 0.001 * np.random.default_rng(0).normal(size=400)})
    assert found.period == 2 and "period 2 in steps 0 to 399" in found.verdict and found.spikes == []


def test_steps_are_those_of_the_clock(tmp_path):
    """Each tenth step is logged: events are in steps, growth is per step, and period 2 cannot be seen."""
    file = tmp_path / "log.csv"
    loss = grown(falling(), 300, 1.5)
    file.write_text("step,loss\n" + "\n".join(f"{10 * k},{x!r}" for k, x in enumerate(loss.tolist())))
    [spike] = cf.analysis.explain(file).spikes
    assert 3000 <= spike["since"] <= 3030 and spike["peak"] == 3090 and spike["growth"] == pytest.approx(1.5**0.1, rel=0.02)
    assert "in one of 10 a period of 2 cannot be seen" in cf.analysis.explain(file).verdict


def test_a_plateau_ends_in_a_fall_and_the_end_is_none():
    steps = [np.full(300, 1.0), np.linspace(1.0, 0.4, 100), np.full(600, 0.4)]
    loss = np.concatenate(steps) * (1 + 0.01 * np.random.default_rng(0).normal(size=1000))
    found = cf.analysis.explain({"loss": loss})
    [(since, until)] = found.plateaus
    assert since == 0 and 270 <= until <= 330
    assert "flat within its noise" in found.verdict


def test_drift_has_its_slope_and_error():
    random, t = np.random.default_rng(3), np.arange(3000)
    found = cf.analysis.explain({"loss": np.exp(-2e-4 * t + 0.05 * random.normal(size=3000))})
    assert abs(found.drift + 0.2) < 3 * found.drift_error < 0.1
    errors = [cf.analysis.explain({"loss": np.exp(0.1 * random.normal(size=300))}) for _ in range(40)]
    assert sum(abs(one.drift) > 3 * one.drift_error for one in errors) <= 3  # Student's t of 10 degrees: 1.3 % each


def test_causes_need_their_columns():
    """A rate that jumps is a cause only where the share of the edge says that it mattered; a gradient likewise."""
    n, at = 400, 250
    loss = grown(falling(n), at + 1, 1.5)
    rate = np.where(np.arange(n) < at, 0.1, 0.3)
    share = np.where(np.arange(n) < at, 0.6, 1.8)
    assert _cause(loss=loss, lr=rate) == "undecided"
    assert _cause(loss=loss, lr=rate, **{"edge/share": share}) == "schedule"
    assert _cause(loss=loss, lr=rate, **{"edge/share": np.full(n, 0.4)}) == "undecided"
    norm = np.full(n, 2.0)
    norm[at] = 40.0
    jump = falling(n)
    jump[at + 1 : at + 9] *= 3.0
    below, probe = {"edge/share": np.full(n, 0.4)}, {"probe/loss": falling(n)}
    assert _cause(loss=jump, grad_norm=norm, **below) == "undecided"  # whether the weights were good is unknown
    assert _cause(loss=jump, grad_norm=norm, **below, **probe) == "one batch"
    assert _cause(loss=jump, grad_norm=norm, **{"edge/share": np.full(n, 1.4)}, **probe) == "undecided"
    raised = probe["probe/loss"].copy()
    raised[at - 3 :] *= 2.0
    assert _cause(loss=jump, grad_norm=norm, **below, **{"probe/loss": raised}) == "undecided"
    norm[at] = np.inf
    assert _cause(loss=jump, grad_norm=norm) == "numbers"


def _cause(**series):
    [spike] = cf.analysis.explain(series).spikes
    return spike["cause"]


def test_the_end_of_a_run(tmp_path):
    loss = falling(200)
    died = loss.copy()
    died[150:] = np.nan
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(json.dumps({"step": k, "loss": float(x)}) for k, x in enumerate(died)) + '\n{"step": 20')
    found = cf.analysis.explain(file)
    assert found.end == "not finite" and "not finite after step 149" in found.headline
    away = loss.copy()
    away[150:] *= 1.3 ** np.arange(50)
    assert cf.analysis.explain({"loss": away}).end == "diverged"
    assert cf.analysis.explain({"loss": loss}).end == ""


def test_descent_beyond_its_edge_grows_by_its_multiplier():
    """½λw² beside a constant: the excess grows by (1 − ηλ)² per step, and that is what the log shows."""
    w = 1e-3 * np.concatenate([np.full(100, 1.0), (-1.3) ** np.arange(30)])
    found = cf.analysis.explain({"loss": 1e-3 + w**2 / 2})
    [spike] = found.spikes
    assert spike["growth"] == pytest.approx(1.69, rel=0.05) and spike["until"] is None


@pytest.mark.parametrize(
    ("run", "loss", "words"),
    [
        ("no-such-file.csv", None, "there is no file"),
        ({"loss": [1.0] * 40}, "lss", "did you mean 'loss'"),
        ({"loss": [1.0] * 5}, None, "16 or more"),
        ({"loss": [1.0] * 40, "lr": [1.0]}, None, "of one length"),
        ({}, None, "lists of numbers|no series"),
        (3.0, None, "a path to a log"),
    ],
)
def test_bad_input_gets_a_sentence(run, loss, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.analysis.explain(run, loss)


def test_a_record_is_kept_and_drawn(tmp_path):
    found = cf.analysis.explain({"loss": grown(falling(), 300)})
    again = cf.load(found.save(tmp_path / "run.npz"))
    assert again.verdict == found.verdict and again.spikes == found.spikes
    assert cf.plot(found).axes[0].get_yscale() == "log" and len(found.table()["since"]) == 1


def test_a_steep_fall_does_not_hide_where_a_spike_begins():
    """Rows before it lie above its level, and below the line through the last rows."""
    t, n = np.arange(400.0), np.random.default_rng(0).normal(size=400)
    loss = np.exp(-0.023 * t) * (1 + 0.002 * n)
    jump = loss.copy()
    jump[350:355] *= 3
    norm = np.ones(400)
    norm[349] = 20
    assert _cause(loss=jump, grad_norm=norm, **{"edge/share": np.full(400, 0.5), "probe/loss": loss}) == "one batch"
    [spike] = cf.analysis.explain({"loss": grown(loss, 300)}).spikes
    assert spike["growth"] == pytest.approx(1.4, rel=0.05) and spike["peak"] == 309 and 9 <= spike["rows"] <= 11


def test_a_monotone_loss_neither_oscillates_nor_has_plateaus():
    """Descent on a quadratic of four curvatures, without noise; and a falling loss with noise."""
    curvatures = np.array([0.01, 0.1, 0.5, 1.0])
    loss = (curvatures * (1 - 0.9 * curvatures) ** (2 * np.arange(400)[:, None])).sum(axis=1) / 2
    assert "no oscillation is found" in cf.analysis.explain({"loss": loss}).oscillation
    noisy = [np.exp(-np.arange(400) / 200 + 0.1 * np.random.default_rng(k).normal(size=400)) for k in range(20)]
    assert sum(bool(cf.analysis.explain({"loss": one}).plateaus) for one in noisy) <= 1


def test_rows_that_a_resumed_run_writes_again_are_left_out():
    steps = [*range(0, 3000, 10), *range(2000, 3000, 10)]
    loss = np.exp(-np.array(steps) / 2000)
    loss[350:355] *= 3
    found = cf.analysis.explain({"step": steps, "loss": loss})
    assert [spike["since"] for spike in found.spikes] == [2500.0] and len(found.steps) == 300 and "100 rows" in found.verdict


def test_what_was_not_examined_is_said():
    loss = falling(400)
    loss[100], loss[200] = 0.0, np.inf
    words = cf.analysis.explain({"loss": loss}).verdict
    assert "1 entry not positive" in words and "1 entry before the end not finite" in words
    above = falling(400)
    above[250:] = 5 + 0.05 * np.random.default_rng(2).normal(size=150)
    assert cf.analysis.explain({"loss": above}).end == "stays above"
    assert cf.analysis.explain({"kl_loss": above, "train_loss": above, "val_loss": above}).loss == "train_loss"
    for wrong in ({"a": np.ones((40, 2)), "loss": np.ones(40)}, {"a": np.ones(40), "b": np.ones(40)}, {"loss": [math.nan] * 40}):
        with pytest.raises(cf.CfdynError, match="lists of numbers|called loss|is finite"):
            cf.analysis.explain(wrong)
