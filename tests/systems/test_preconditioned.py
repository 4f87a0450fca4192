"""The preconditioned sharpness along orbits against preconditioners and thresholds written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

OPT, ETA, STEPS = cf.optimizers, 0.05, 25
LOSS = cf.Loss("(1 - x*y)**2/2 + x**4/8")
START = [1.5, 0.3]


def constant(states, w, g, own):
    return np.full((len(w), 2), 1 / ETA)


def squares(beta, corrected, eps=1e-8, inside=False, top=False, scalar=False):
    """(√v̂ + ε)/η, the average of g² (or of |g|² for all weights) made by a loop."""

    def scale(states, w, g, own):
        v, rows, most = np.zeros(2), [], np.zeros(2)
        for t, gradient in enumerate(g, 1):
            v = beta * v + (1 - beta) * ((gradient**2).sum() if scalar else gradient**2)
            most = np.maximum(most, v)
            seen = (most if top else v) / (1 - beta**t if corrected else 1)
            rows.append((np.sqrt(seen + eps) if inside else np.sqrt(seen) + eps) / ETA)
        return np.array(rows)

    return scale


def total(states, w, g, own):
    return (np.sqrt(np.cumsum(g**2, axis=0)) + 1e-10) / ETA


BY_HAND = {
    "gd": (OPT.gd(ETA), constant, 2.0),
    "heavy_ball": (OPT.heavy_ball(ETA, 0.6), constant, 3.2),
    "nesterov": (OPT.nesterov(ETA, 0.6), constant, 3.2 / 2.2),
    "ema_momentum": (OPT.ema_momentum(ETA, 0.6), constant, 2 * 1.6 / 0.4),
    "rmsprop": (OPT.rmsprop(ETA, beta2=0.9), squares(0.9, False), 2.0),
    "rmsprop corrected": (OPT.rmsprop(ETA, beta2=0.9, bias_correction=True, eps=0.1, eps_inside=True), squares(0.9, True, 0.1, True), 2.0),
    "scalar_rmsprop": (OPT.scalar_rmsprop(ETA, beta2=0.9), squares(0.9, False, 0.0, scalar=True), 2.0),
    "adam": (OPT.adam(ETA, beta2=0.9), squares(0.9, True), 38.0),
    "adam without correction": (OPT.adam(ETA, 0.5, 0.9, 0.01, False, True), squares(0.9, False, 0.01, True), 6.0),
    "adamw": (OPT.adamw(ETA, beta2=0.9, weight_decay=0.4), squares(0.9, True), (2 - 0.4 * ETA) * 19),
    "nadam, μ at half": (OPT.nadam(ETA, 0.8, 0.9, momentum_decay=0.0), squares(0.9, True), 2 * 1.8 / (1.8 - 2 * 0.4 * 0.8)),
    "amsgrad": (OPT.amsgrad(ETA, beta2=0.9), squares(0.9, True, top=True), 38.0),
    "amsgrad without correction": (OPT.amsgrad(ETA, beta2=0.9, bias_correction=False), squares(0.9, False, top=True), 38.0),
    "adagrad": (OPT.adagrad(ETA), total, 2.0),
    "own, nothing declared": (cf.Optimizer.from_text({"w": "w - lr*g/(sqrt(s) + eps)", "v": "s"}, {"lr": ETA, "b": 0.9, "eps": 1e-8},
                              define={"s": "b*v + (1 - b)*g**2"}), squares(0.9, False), 2.0),
    "own, a counter": (cf.Optimizer.from_text({"w": "w - lr*g/(sqrt(s/(1 - b**t)) + eps)", "v": "s"}, {"lr": ETA, "b": 0.9, "eps": 1e-8},
                       define={"s": "b*v + (1 - b)*g**2"}), squares(0.9, True), 2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_preconditioner_and_threshold_are_those_written_by_hand(name):
    optimizer, scale, theta = BY_HAND[name]
    orbit = cf.iterate(cf.as_map(LOSS, optimizer), START, STEPS)
    w, own = orbit.w, optimizer.params
    p = scale(orbit.z, w, np.array([LOSS.gradient(row) for row in w]), own)
    expected = [np.linalg.eigvals(LOSS.hessian(row) / scales[:, None]).real.max() for row, scales in zip(w, p)]
    np.testing.assert_allclose(orbit.theta, theta, rtol=1e-12)
    np.testing.assert_allclose(orbit.preconditioned_sharpness, expected, rtol=1e-9)


def test_an_old_average_in_the_step_is_taken_as_it_is():
    """w ← w − ηg/(√ν + ε) with the ν from before the step, which no flow takes."""
    own = cf.Optimizer.from_text({"w": "w - lr*g/(sqrt(v) + eps)", "v": "b*v + (1 - b)*g**2"}, {"lr": ETA, "b": 0.9, "eps": 1e-3},
                                 initial={"v": 1.0})  # fmt: skip
    orbit = cf.iterate(cf.as_map(LOSS, own), START, STEPS)
    p = (np.sqrt(orbit.z[:, 2:4]) + 1e-3) / ETA
    expected = [np.linalg.eigvals(LOSS.hessian(row) / scales[:, None]).real.max() for row, scales in zip(orbit.w, p)]
    np.testing.assert_allclose(orbit.preconditioned_sharpness, expected, rtol=1e-9)
    np.testing.assert_allclose(orbit.theta, 2.0, rtol=1e-12)


def test_coupled_weight_decay_is_part_of_the_curvature():
    orbit = cf.iterate(cf.as_map(LOSS, OPT.gd(ETA, weight_decay=0.7)), START, STEPS)
    np.testing.assert_allclose(orbit.preconditioned_sharpness, ETA * (orbit.sharpness + 0.7), rtol=1e-12)


def test_the_threshold_of_nadam_moves_as_its_momentum_grows():
    """θ = 2/F(−1): in step t = 1, 2, … the gradient has the share 1 − μ_t, its average μ_{t+1}, of (−1)ᵗ it keeps (1−β₁)/(1+β₁)."""
    orbit = cf.iterate(cf.as_map(LOSS, OPT.nadam(ETA)), START, 4000)
    mu, after = (0.9 * (1 - 0.96 ** (0.004 * (np.arange(4001) + k)) / 2) for k in (1, 2))
    np.testing.assert_allclose(orbit.theta, 2 / (1 - mu + after * 0.1 / 1.9), rtol=1e-9)
    assert orbit.theta[0] == pytest.approx(3.487, abs=1e-3) and orbit.theta[-1] == pytest.approx(5.42, abs=1e-2)


AT_REST = {"adam": {"beta2": 1 - 1e-15, "bias_correction": False}, "rmsprop": {"beta2": 1 - 1e-15},
           "amsgrad": {"beta2": 1 - 1e-15, "bias_correction": False}, "adagrad": {}, "heavy_ball": {}, "nesterov": {}}  # fmt: skip


SQUARES = {
    "adam": ["v_w"],
    "rmsprop": ["nu_w"],
    "amsgrad": ["v_w", "vmax_w"],
    "adagrad": ["nu_w"],
    "heavy_ball": [],
    "nesterov": [],
}


@pytest.mark.parametrize("name", AT_REST)
def test_a_mode_flips_beyond_the_threshold(name):
    """On w²/2 with a preconditioner that stays where it is, 1/η: an alternation of 1e-9 dies or grows."""
    for share, grows in ((0.99, False), (1.01, True)):
        step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.get(name)(lr=1.0, **AT_REST[name]))
        z = step.state([1e-9])
        z[[key in SQUARES[name] for key in step.names]] = 1.0
        theta = cf.iterate(step, z, 1).theta[0]
        orbit = cf.iterate(step.at(lr=share * theta), z, 150)
        np.testing.assert_allclose(orbit.preconditioned_sharpness, share * theta, rtol=1e-6)
        assert (np.abs(orbit.w[-5:]).max() > 1e-9) == grows


@pytest.mark.parametrize(("optimizer", "words"), [
    (OPT.sign_gd(ETA), "not of the form"), (OPT.lion(ETA), "not of the form"), (OPT.normalized_gd(ETA), "not of the form"),
    (OPT.sam(ETA), "not of the form"), (OPT.adam(ETA, clip=1.0), "clips or changes the gradient"),
    (OPT.nesterov(ETA, -0.6), "a flip is not its first instability"),
], ids=["sign_gd", "lion", "normalized_gd", "sam", "clip", "nesterov"])  # fmt: skip
def test_what_has_none_says_so(optimizer, words):
    orbit = cf.iterate(cf.as_map(LOSS, optimizer), START, 5)
    with pytest.raises(UsageError, match=f"{words}.*no λ₁"):
        _ = orbit.preconditioned_sharpness
    with pytest.raises(UsageError, match=words):
        _ = orbit.theta


def test_maps_that_are_no_single_step_have_none():
    gd = cf.as_map(LOSS, OPT.gd(ETA))
    with pytest.raises(UsageError, match="not a single step"):
        _ = cf.iterate(cf.compose(gd, gd.at(lr=0.01)), START, 5).theta
    with pytest.raises(UsageError, match="not an optimizer on a loss"):
        _ = cf.iterate(cf.Map.from_text("r*x*(1 - x)", params={"r": 3.2}), [0.3], 5).theta


def test_a_weight_without_gradient_has_no_preconditioner_without_epsilon():
    """P = 0 there: λ₁(P⁻¹H) is no number, θ is, and nothing warns."""
    loss = cf.Loss("x**2 + 0*y", "y x")
    assert np.isfinite(cf.iterate(cf.as_map(loss, OPT.adagrad(ETA)), [1.0, 1.0], 60).preconditioned_sharpness).all()
    orbit = cf.iterate(cf.as_map(loss, OPT.adagrad(ETA, eps=0.0)), [1.0, 1.0], 60)
    found = cf.analysis.hovering(orbit)
    assert orbit.status == "done" and np.isnan(found.sharpness).all() and found.theta.tolist() == [2.0] * 59
    assert found.meaning == "Whether λ₁(P⁻¹H) hovers at its edge θ = 2 is undecided: it is not finite all the time."
    assert len(cf.plot(orbit).axes) == 3


def test_matrix_steps_have_none():
    loss = cf.losses.matrix_factorization()
    orbit = cf.iterate(cf.as_map(loss, OPT.muon(ETA)), np.full(loss.dim, 0.3), 3)
    with pytest.raises(UsageError, match="muon is not of the form"):
        _ = orbit.theta
