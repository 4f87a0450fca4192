"""The part of Σ along flat directions: closed forms on quadratic rows, runs, who holds the sharpness, what notes say."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from tests.flows.noisy_losses import TOY_START, on_rows, toy

gd, central = cf.optimizers.gd, cf.flows.central
FLAT = cf.Loss("a*x**2/2 + b*y**2/2 + c*z**2/2", "x y z", {"a": 2.0, "b": 4e-3, "c": 0.0})
NOISE = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 2.0]])


def recursion(optimizer, curvatures, steps):
    """Σ of w after some steps of (w, v) with noise of the covariance `NOISE`, from 0."""
    p, one, h = optimizer.params, np.eye(3), np.diag(curvatures)
    beta, lr = p.get("momentum", 0.0), p["lr"]
    at_once, kept = (1 + beta, beta * beta) if optimizer.name == "nesterov" else (1.0, beta)
    step = np.block([[one - lr * at_once * h, -lr * kept * one], [h, beta * one]])
    kick = np.vstack([-lr * at_once * one, one])
    moments = np.zeros((6, 6))
    for _ in range(steps):
        moments = step @ moments @ step.T + kick @ NOISE @ kick.T
    return moments[:3, :3]


@pytest.mark.parametrize(
    "optimizer", [gd(lr=0.5), cf.optimizers.heavy_ball(lr=0.3, momentum=0.5), cf.optimizers.nesterov(lr=0.3, momentum=0.5)]
)
@pytest.mark.parametrize("steps", [40, 400, 4000])
def test_all_blocks_on_a_quadratic(optimizer, steps):
    """Sharp, slow (ηλ = .002) and flat (λ = 0), with correlated noise: all six entries of the recursion, up to 1/t and ηλ."""
    path = cf.solve(central(FLAT, optimizer, noise=NOISE, flat=True), [0.0, 0.0, 0.0], steps, rtol=1e-9)
    exact = recursion(optimizer, [2.0, 4e-3, 0.0], steps)
    np.testing.assert_allclose(path.covariance[-1], exact, rtol=0.004 + 2.0 / steps, atol=1e-12)
    np.testing.assert_allclose(path.predicted_loss[-1], np.trace(np.diag([2.0, 4e-3, 0.0]) @ path.covariance[-1]) / 2, rtol=1e-12)
    np.testing.assert_allclose(path.shift[-1], 0, atol=1e-12)
    assert path.flat[-1][0, 0] == pytest.approx(0, abs=1e-12) and path.flat[-1][2, 2] > 0


def test_the_mean_moves_as_a_cubic_says():
    """dw/dt = −η(λw + w²/2): F' = −2ηλF + η²σ², y' = −ηλy − ηF/2, along a direction that is flat for the flow."""
    loss, lr, curvature, variance = cf.Loss("a*x**2/2 + x**3/6 + y**2/2", "x y", {"a": 0.02}), 0.1, 0.02, 1e-4
    path = cf.solve(central(loss, gd(lr=lr), noise=[variance, 0.0], flat=True), [0.0, 0.0], 3000, save_at=[1000, 3000])
    rate, limit = lr * curvature, lr * variance / (2 * curvature)
    spread = limit * (1 - np.exp(-2 * rate * path.t))
    moved = -lr / 2 * limit * (1 - np.exp(-rate * path.t)) ** 2 / rate
    np.testing.assert_allclose(path.covariance[:, 0, 0], spread, rtol=0.01)
    np.testing.assert_allclose(path.shift[:, 0], moved, rtol=0.01)
    np.testing.assert_allclose(path.shift[:, 1], 0, atol=1e-12)


@pytest.mark.slow
def test_noise_on_all_weights_against_runs():
    """Without flat directions tr Σ is 7 times too small, the loss 3.5 % too low; with them and the shift all come nearer."""
    options = {"noise": [0.01] * 6}
    runs = cf.iterate_many(toy(), gd(lr=0.2), TOY_START, 3000, None, 300, every=100, **options)
    first, times = 3, (runs.t[3:] - 300).tolist()
    plain, whole = (
        cf.solve(central(toy(), gd(lr=0.2), flat=flat, **options), runs.averaged[first], times[-1], 1e-6, 1e-9, save_at=times)
        for flat in (False, True)
    )
    late = runs.t[first:] >= 2100
    traces, loss = np.einsum("mii->m", runs.covariance[first:])[late].mean(), runs.loss[first:][late].mean()
    seen = [np.einsum("mii->m", path.covariance)[late].mean() / traces for path in (plain, whole)]
    losses = [path.predicted_loss[late].mean() / loss for path in (plain, whole)]
    assert seen[0] < 0.2 and 0.75 < seen[1] < 1.1
    assert losses[0] < 0.975 and losses[1] == pytest.approx(1, abs=0.01)
    far = [np.linalg.norm((at - runs.averaged[first:])[late], axis=1).mean() for at in (plain.w, whole.w + whole.shift)]
    assert far[1] < 0.5 * far[0]
    np.testing.assert_array_equal(plain.w, whole.w)
    _, axes = np.linalg.eigh(toy().hessian(whole.w[-1]))
    measured, predicted = (axes.T @ c @ axes for c in (runs.covariance[first:][late].mean(axis=0), whole.covariance[late].mean(axis=0)))
    np.testing.assert_allclose(np.diag(predicted)[:2], np.diag(measured)[:2], rtol=0.35)
    np.testing.assert_allclose(np.diag(predicted)[-1:], np.diag(measured)[-1:], rtol=0.2)


def test_what_is_left_out_is_told():
    path = cf.solve(central(toy(), gd(lr=0.2), noise=[0.01] * 6), TOY_START, 3000)
    words = next(note for note in path.notes if "Σ omits flat directions" in note)
    share = float(words.split("would add ")[1].split(" %")[0])
    assert 0.3 < share < 5 and words.endswith("flat=True includes them")
    assert not any("flat directions" in note for note in cf.solve(central(FLAT, gd(lr=0.5), noise=[1, 0, 0]), [1, 0, 0], 50).notes)


def test_flat_is_refused_where_it_is_not_made_for():
    wide = on_rows(" + ".join(f"w{i}**2*p" for i in range(15)), " ".join(f"w{i}" for i in range(15)), "p", [[1.0], [2.0]])
    for loss, optimizer, words in [(wide, gd(lr=0.1), "at most 14 weights"), (toy(), cf.optimizers.adam(lr=0.1), "`flat` is made for gd")]:
        with pytest.raises(UsageError, match=words):
            central(loss, optimizer, batch=1, flat=True)


@pytest.mark.parametrize(
    ("loss", "start", "options", "lr", "steps", "words"),
    [
        (cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02}), [0.0, 15.0], {"noise": [1, 0]}, 0.1, 20_000, "noise holds the sharpness: "),
        (cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02}), [0.0, 5.0], {"noise": [1e-6, 0]}, 0.1, 3000, "nothing holds the sharpness: "),
        (cf.Loss("y*x**2/2 + a*y", "x y", {"a": 0.02}), [0.0, 15.0], {"noise": [1e-6, 0]}, 0.1, 3000, "the loss itself lowers it"),
        (cf.Loss("y*x**2/2", "x y"), [0.0, 5.0], {"noise": [1, 0]}, 0.1, 30, "noise lowers it"),
        (cf.Loss("x**2 + y**2", "x y"), [0.0, 5.0], {"noise": [1, 0]}, 0.3, 30, "nothing pushes the sharpness"),
    ],
)  # fmt: skip
def test_who_holds_the_sharpness(loss, start, options, lr, steps, words):
    """A valley that the loss sharpens at the rate ηa, with noise enough to stop that, and without; one that it flattens; none."""
    path = cf.solve(central(loss, gd(lr=lr), **options), start, steps, rtol=1e-9)
    assert path.notes[0].startswith("not edge-held: ") and words in path.notes[0]


def test_without_noise_what_the_loss_adds_is_what_happens():
    """ηa = 0.002 a step, for the last third of 3,000 steps; the loss has no curvature along y."""
    path = cf.solve(central(cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02}), gd(lr=0.1), noise=[1e-12, 0]), [0.0, 5.0], 3000)
    assert "of 2 that the loss alone would add" in path.notes[0] and "it goes from 9 to 11" in path.notes[0]


def test_noise_of_no_size_leaves_nothing_out():
    """Nor does a minimum of all rows; Σ = 0 there, and no share of it can be told."""
    flow = cf.flows.central(cf.Loss("x**2/2 + y**2/2000", "x y"), cf.optimizers.gd(lr=0.5), noise=[0, 0])
    path = cf.solve(flow, [1.0, 1.0], 5)
    assert not path.covariance.any() and not any("flat" in words for words in path.notes)
