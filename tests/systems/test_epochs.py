"""Epochs of stochastic gradient descent, schedules, and averages of orbits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss

ANGLE = math.pi / 3
PAIR = np.array([[1.0, 0.0], [math.cos(ANGLE), math.sin(ANGLE)]])


def on_rows(formula: str, rows=PAIR) -> cf.Loss:
    return cf.Loss.from_spec(make_loss(formula, ["x", "y"], {}, ["p", "q"], data=np.asarray(rows)))


SQUARE = on_rows("(x*p + y*q)**2/2")


def test_two_rows_at_60_degrees_rotate_by_120():
    """(I − 2 u₂u₂ᵀ)(I − 2 u₁u₁ᵀ): two reflections at 60° are a rotation by 120°."""
    step = cf.epoch(SQUARE, cf.optimizers.gd(lr=2.0))
    turn = np.array([[math.cos(2 * ANGLE), -math.sin(2 * ANGLE)], [math.sin(2 * ANGLE), math.cos(2 * ANGLE)]])
    np.testing.assert_allclose(step.jacobian([0.3, -1.1]), turn, atol=1e-15)
    orbit = cf.iterate(step, [1.0, 0.5], 3)
    np.testing.assert_allclose(orbit.w[3], orbit.w[0], atol=1e-15)
    assert np.abs(orbit.w[1] - orbit.w[0]).max() > 1


@pytest.mark.parametrize("lr", [2.1, 2.5, 3.0])
def test_log_cosh_residuals_settle_on_period_3_in_epochs(lr):
    found = cf.analysis.classify(cf.epoch(on_rows("logcosh(x*p + y*q)"), cf.optimizers.gd(lr=lr)), [1.0, 0.3])
    assert (found.kind, found.period) == ("cycle", 3)
    assert np.abs(found.multipliers).max() < 1


def plain_epochs(rows, w, turns, lr, mu, batch):
    """Heavy ball on ½(w·r)², batch by batch, written out."""
    w, v = np.array(w), np.zeros(2)
    for turn in turns:
        for first in range(0, len(rows), batch):
            chosen = rows[turn[first : first + batch]]
            v = mu * v + (chosen @ w) @ chosen / len(chosen)
            w = w - lr * v
    return np.concatenate([w, v])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from(["cyclic", "reshuffled"]), st.integers(1, 2))
def test_an_epoch_is_its_batches_in_turn(batch, seed, order, epochs):
    rows = np.array([[1.0, 0.5], [-0.25, 2.0], [0.75, -1.0]])
    step = cf.epoch(on_rows("(x*p + y*q)**2/2", rows), cf.optimizers.heavy_ball(lr=0.125, momentum=0.5),
                    batch=batch, order=order, epochs=epochs, seed=seed)  # fmt: skip
    rng = np.random.default_rng(seed)
    turns = [rng.permutation(3) if order == "reshuffled" else np.arange(3) for _ in range(epochs)]
    np.testing.assert_allclose(step([0.5, -2.0]), plain_epochs(rows, [0.5, -2.0], turns, 0.125, 0.5, batch), rtol=1e-13)


def test_an_epoch_is_measured_by_the_loss_on_all_rows():
    step = cf.epoch(SQUARE, cf.optimizers.gd(lr=0.5))
    orbit = cf.iterate(step, [1.0, -0.5], 5)
    assert orbit.loss == pytest.approx([np.mean((PAIR @ w) ** 2 / 2) for w in orbit.w], rel=1e-13)
    assert orbit.sharpness == pytest.approx(np.full(6, np.linalg.eigvalsh(PAIR.T @ PAIR / 2)[-1]), rel=1e-13)


def test_one_batch_of_all_rows_is_gradient_descent():
    whole = cf.epoch(SQUARE, cf.optimizers.gd(lr=0.5), batch=2)
    full = cf.as_map(SQUARE, cf.optimizers.gd(lr=0.5))
    np.testing.assert_allclose(whole([0.7, 0.2]), full([0.7, 0.2]), rtol=1e-15)


def test_many_rows():
    rows = np.random.default_rng(0).normal(size=(400, 2))
    step = cf.epoch(on_rows("logcosh(x*p + y*q - 1)", rows), cf.optimizers.gd(lr=0.05))
    w = np.array([0.1, 0.2])
    for row in rows:
        w = w - 0.05 * np.tanh(row @ w - 1) * row
    np.testing.assert_allclose(step([0.1, 0.2]), w, rtol=1e-12)
    assert np.abs(step.jacobian([0.1, 0.2])).max() < 1


@pytest.mark.parametrize(
    ("options", "words"),
    [({"batch": 0}, "batch is a whole number from 1"), ({"epochs": 0}, "epochs is a whole number from 1"), ({"order": "cyclc"}, "did you mean 'cyclic'"),
     ({"epochs": 3000}, "limit is 4096")],
)  # fmt: skip
def test_wrong_epochs_are_refused(options, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.epoch(SQUARE, cf.optimizers.gd(lr=0.5), **options)


def test_a_loss_without_data_has_no_epochs():
    with pytest.raises(cf.CfdynError, match="has none"):
        cf.epoch(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))


def test_a_schedule_is_its_steps_and_keeps_the_loss():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1))
    both = cf.schedule(step, "lr", [0.3, 0.6])
    assert both([0.5]) == pytest.approx(step.at(lr=0.6)(step.at(lr=0.3)([0.5])), rel=1e-15)
    assert both.params["lr_1"] == 0.3 and cf.iterate(both, [0.5], 2).loss[0] == pytest.approx((0.25 - 1) ** 2 / 4)
    with pytest.raises(cf.CfdynError, match="at least one value"):
        cf.schedule(step, "lr", [])


# -- averages ------------------------------------------------------------------------------


def oscillating(drift: float, amplitude: float, n: int = 40) -> cf.Orbit:
    """w_t = 1 + drift·t + amplitude·(−1)^t."""
    step = cf.Map.from_text(["u + d", "-v"], "u v", {"d": drift})
    z = cf.iterate(step, [1.0, amplitude], n).z
    return cf.Orbit(z.sum(axis=1)[:, None], ("w",), 1, "done")


sizes = st.floats(0.01, 10)


@given(sizes, st.floats(-1, 1))
def test_the_last_two_cancel_a_2_cycle_exactly(amplitude, drift):
    mean = oscillating(drift, amplitude).last_two()[:, 0]
    np.testing.assert_allclose(mean, 1 + drift * (np.arange(40) + 0.5), atol=1e-12)


@given(sizes, st.floats(-1, 1))
def test_midpoints_follow_a_2_cycle_that_drifts(amplitude, drift):
    np.testing.assert_allclose(oscillating(drift, amplitude).midpoints()[:, 0], 1 + drift * np.arange(1, 40), atol=1e-12)


@given(sizes, st.floats(0.1, 0.9))
def test_an_ema_leaves_its_share_of_a_2_cycle(amplitude, decay):
    """(1 − a)/(1 + a), once the start is forgotten."""
    orbit = oscillating(0.0, amplitude, 600)
    fast = np.abs(np.diff(orbit.ema(decay)[-10:, 0])) / 2
    np.testing.assert_allclose(fast, amplitude * (1 - decay) / (1 + decay), rtol=1e-9)


@given(st.floats(0.1, 0.9), st.floats(-1, 1))
def test_an_ema_lags(decay, drift):
    orbit = oscillating(drift, 0.0, 600)
    assert orbit.ema(decay)[-1, 0] == pytest.approx(1 + drift * (600 - decay / (1 - decay)), rel=1e-9, abs=1e-9)


def test_polyak_is_the_running_mean():
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.2)), [0.4], 20)
    assert orbit.polyak()[:, 0] == pytest.approx([orbit.w[: t + 1].mean() for t in range(21)], rel=1e-13)
    with pytest.raises(cf.CfdynError, match="decay"):
        orbit.ema(1.0)
