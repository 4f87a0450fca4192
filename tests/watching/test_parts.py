"""The leading eigenvalue, the budget and the bounce of a watch, without torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.records.logs import read_columns
from cfdyn.watching.bounce import Bounce
from cfdyn.watching.cadence import Cadence
from cfdyn.watching.edge import Memory
from cfdyn.watching.history import History
from cfdyn.watching.leading import COLD, FEWEST, WARM, leading
from cfdyn.watching.names import NAMES
from cfdyn.watching.sinks import JsonLines


def symmetric(seed, d):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(d, d))
    return (a + a.T) / 2


@given(st.integers(0, 10**6), st.integers(2, 40), st.booleans())
def test_the_value_lies_within_its_residual_and_never_above_the_largest(seed, d, warm):
    a = symmetric(seed, d)
    found = leading(lambda v: a @ v, np.random.default_rng(seed + 1).normal(size=d), warm)
    values = np.linalg.eigvalsh(a)
    assert found.value <= values[-1] + 1e-9 * abs(values).max()
    assert abs(values - found.value).min() <= found.residual * abs(found.value) + 1e-9 * abs(values).max()
    assert found.products <= min(d, WARM if warm else COLD)
    assert np.linalg.norm(found.vector) == pytest.approx(1.0)


def test_a_warm_start_takes_five_products_and_keeps_its_sign():
    a = symmetric(0, 60) + 30 * np.outer(np.ones(60), np.ones(60)) / 60
    cold = leading(lambda v: a @ v, np.arange(1.0, 61.0), warm=False)
    warm = leading(lambda v: a @ v, -cold.vector + 0.01 * np.random.default_rng(0).normal(size=60), warm=True)
    assert warm.products == FEWEST and warm.vector @ cold.vector < -0.999
    assert warm.value == pytest.approx(np.linalg.eigvalsh(a)[-1], rel=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("share", [0.3, 0.95, 1.05, 1.5])
def test_the_growth_is_that_of_the_map_of_weight_and_velocity(share, beta, nesterov):
    """v ← βv + λw, w ← w − ηv on λw²/2, with Nesterov's momentum w ← w − η(λw + βv), at ηλ = share·2(1 + β)/(1 + 2β)."""
    a = share * 2 * (1 + beta) / (1 + 2 * beta if nesterov else 1)
    row = [1 - a * (1 + beta), -beta * beta] if nesterov else [1 - a, -beta]
    matrix = np.array([row, [a, beta]])
    memory = Memory(beta, 1 - beta if nesterov else 0.0)
    assert memory.growth(share) == pytest.approx(np.log(abs(np.linalg.eigvals(matrix)).max()), abs=1e-9)


@pytest.mark.parametrize(("share", "beta"), [(0.5, 0.0), (0.8, 0.5), (0.4, 0.9)])
def test_r1_under_noise_tells_the_share(share, beta):
    """w ← w − v, v ← βv + ηλw + noise: 200 windows of an AR(2) process."""
    rng, w, before, shares, bounce = np.random.default_rng(1), 0.0, 0.0, [], Bounce()
    for t in range(10_000):
        w, before = (1 + beta - 2 * (1 + beta) * share) * w - beta * before + rng.normal(), w
        bounce.add(w)
        if t % 50 == 49 and t > 100:
            shares.append(bounce.told(Memory(beta))["bounce/share"])
    assert np.mean(shares) == pytest.approx(share, abs=0.03)
    assert set(bounce.told(Memory(beta))) <= set(NAMES)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_budget_is_kept_and_spent_near_the_edge(share):
    """A run whose step takes 1 s and whose measurement takes 7 s, by a clock of its own."""
    now = [0.0]
    cadence, measured = Cadence(0.05, None, lambda: now[0]), []
    for t in range(5000):
        now[0] += 1.0
        began, due = now[0], cadence.due(share if measured else float("nan"))
        now[0] += 7.0 if due else 0.001
        measured += [t] if due else []
        cadence.paid(now[0] - began, due)
    allowed = 0.05 if share > 0.8 else 0.04
    assert 0.8 * allowed <= cadence.cost <= 1.05 * allowed
    assert np.diff(measured)[1:] == pytest.approx(7.0 / allowed, abs=12)


def test_what_is_due_by_every_is_measured_and_counted():
    now = [0.0]
    cadence, measured = Cadence(0.0, 10, lambda: now[0]), 0
    for _ in range(100):
        now[0] += 1.0
        due = cadence.due(0.1)
        measured += due
        cadence.paid(0.5, due)
    assert measured == 10 and cadence.forced == 9


def test_a_spike_behind_an_edge_is_told_from_one_whose_growth_is_another():
    """A log as a watch writes it, with steps that alternate and grow as the share predicts, and with others."""
    t = np.arange(300.0)
    loss = np.exp(-t / 300) * (1 + 1e-3 * np.random.default_rng(0).normal(size=300))
    loss[200:215] *= 1 + 0.05 * 1.25 ** np.arange(15)
    beyond = (t > 190) & (t < 215)
    columns = {"loss": loss, "edge/share": np.where(beyond, 1.1, 0.8), "edge/growth": np.where(beyond, 0.2, -0.3)}
    steps = {g: 1e-3 * (-1.0) ** t * np.exp(g * np.maximum(0, t - 190)) for g in (0.19, 0.02)}
    causes = {g: cf.analysis.explain(columns | {"bounce/step": step}, loss="loss").spikes[0]["cause"] for g, step in steps.items()}
    assert causes == {0.19: "crossed the edge", 0.02: "undecided"}
    for turned in (0.0, 3.0):  # what the turn of the direction took of the logarithm
        made = {f"edge/by_{name}": np.where(t == 191, part * np.log(1.1 / 0.8) - turned / 2, 0.0) for name, part in (("curvature", 0.7), ("scale", 0.3))}
        [spike] = cf.analysis.explain(columns | made | {"bounce/step": steps[0.19]}, loss="loss").spikes
        assert any("70 % is of the curvature and 30 % of the scale" in words for words in spike["evidence"]) == (turned == 0)


def test_what_is_not_finite_is_told_from_what_was_not_logged(tmp_path):
    """By the history and by the file: a loss that is NaN ends a run, a gradient norm that nobody heard says nothing."""
    history, file = History(), JsonLines(tmp_path / "run.jsonl")
    for step, row in enumerate(({"loss": 1.0, "grad_norm": 2.0}, {"loss": math.nan}, {"loss": -math.inf}), 1):
        history.add(row)
        file(step, row)
    file.close()
    read = read_columns(tmp_path / "run.jsonl")
    assert read.names == ("loss", "grad_norm")
    for loss, norm in (read.table.T, history.columns().values()):
        assert loss[0] == 1 and np.isinf(loss[1:]).all() and norm[0] == 2 and np.isnan(norm[1:]).all()
