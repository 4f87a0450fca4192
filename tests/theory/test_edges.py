"""Where optimizers hover on losses that sharpen by themselves: momentum, Adam, SAM, norms, mini-batches, noise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss

# A valley with walls of slope y: its sharpness y at x = 0 grows until ⟨log cosh x⟩ = pull.
VALLEY = cf.Loss("b*y*logcosh(x) - pull*y", "x y", {"b": 1.0, "pull": 0.01})
TOP = 30.0  # the sharpness at which the optimizer is at its edge
NINE = {"momentum": 0.9}
HOVERING = {"gd": ({}, 2.0), "heavy_ball": (NINE, 3.8), "nesterov": (NINE, 3.8 / 2.8), "ema_momentum": (NINE, 38.0)}


# -- thresholds of the learning rate ---------------------------------------------------------------------------


@pytest.mark.parametrize("pull", [0.002, 0.03])
@pytest.mark.parametrize("name", HOVERING)
def test_sharpness_rises_to_the_threshold_and_stays(name, pull):
    """At the edge x = ±a with log cosh a = pull, where the wall's mean slope y tanh(a)/a is the threshold over η."""
    options, threshold = HOVERING[name]
    optimizer = getattr(cf.optimizers, name)(lr=threshold / TOP, **options)
    assert optimizer.limit == pytest.approx(threshold, rel=1e-12)
    loss = VALLEY.at(pull=pull)
    orbit = cf.iterate(cf.as_map(loss, optimizer), [math.sqrt(2 * pull), 0.97 * TOP], 30_000)
    a = math.acosh(math.exp(pull))
    found = np.mean([loss.sharpness(w) for w in orbit.midpoints()[-200:]])
    assert np.abs(orbit.w[-200:, 0]) == pytest.approx(np.full(200, a), rel=2e-2)
    assert found == pytest.approx(TOP * a / math.tanh(a), rel=2e-3) and found == pytest.approx(TOP, rel=0.06)


@pytest.mark.parametrize(("name", "threshold"), [("adam", 38.0), ("nadam", 2 / (1 - 0.9 + 0.9 * 0.1 / 1.9))])
def test_adaptive_methods_hover_at_theirs(name, threshold):
    """λ₁ over the root of the second moment, on 3 log cosh x; nadam's look-ahead β(1 − 0.96^t/2) has reached β."""
    options = {"beta1": 0.9, "beta2": 0.999, **({"momentum_decay": 1.0} if name == "nadam" else {})}
    optimizer = getattr(cf.optimizers, name)(lr=0.1 * threshold, **options)
    assert optimizer.limit == pytest.approx(threshold, rel=1e-12) and round(threshold, 3) in (38, 13.571)
    step = cf.as_map(cf.Loss("3*logcosh(x)"), optimizer)
    second = cf.iterate(step, [0.1], 30_000).z[-5000:, step.names.index("v_x")]
    effective = optimizer.params["lr"] * 3 / (np.sqrt(second) + optimizer.params["eps"])
    assert effective.mean() == pytest.approx(threshold, rel=0.06)
    assert np.abs(effective / threshold - 1).max() < 0.06


@pytest.mark.parametrize("rho", [0.01, 0.03, 0.1])
def test_sam_hovers_below_two_over_lr(rho):
    """S = (‖g‖/2ρ)(√(1 + 8ρ/(η‖g‖)) − 1), with the mean length of the gradient that it meets."""
    lr = 2 / TOP
    orbit = cf.iterate(cf.as_map(VALLEY, cf.optimizers.sam(lr=lr, rho=rho)), [0.1, 10.0], 12_000)
    late = orbit.w[-400:]
    length = np.mean([np.linalg.norm(VALLEY.gradient(w)) for w in late])
    edge = length / (2 * rho) * (math.sqrt(1 + 8 * rho / (lr * length)) - 1)
    sharpness = np.mean([VALLEY.sharpness(w) for w in orbit.midpoints()[-400:]])
    assert sharpness == pytest.approx(edge, rel=0.03) and sharpness < 0.8 * TOP


# -- steepest descent in another norm --------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.2, 3.0))
def test_steepest_descent_in_the_largest_entry(seed, times):
    """w ← w − η‖g‖₁ sign g: below η max dᵀHd = 2 (over |dᵢ| ≤ 1) the loss falls from anywhere; along the d of the maximum,
    Hd has its signs and w = cd becomes c(1 − η dᵀHd)d."""
    rng = np.random.default_rng(seed)
    hessian = (lambda a: a @ a.T + 0.1 * np.eye(3))(rng.normal(size=(3, 3)))
    text = " + ".join(f"h{i}{j}*{u}*{v}/2" for (i, u), (j, v) in itertools.product(enumerate("xyz"), repeat=2))
    loss = cf.Loss(text, "x y z", {f"h{i}{j}": hessian[i, j] for i in range(3) for j in range(3)})
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    sizes = np.einsum("ci,ij,cj->c", corners, hessian, corners)
    d, most = corners[sizes.argmax()], sizes.max()
    rate, step = times / most, cf.as_map(loss, cf.optimizers.sign_gd(lr=1.0))

    def descend(w):
        return step.at(lr=rate * np.abs(loss.gradient(w)).sum())(w)

    np.testing.assert_allclose(descend(0.7 * d), 0.7 * (1 - rate * most) * d, rtol=1e-9, atol=1e-12)
    if times < 1.99:
        w = rng.normal(size=3)
        assert loss.value(descend(w)) < loss.value(w)


@pytest.mark.parametrize("times", [1.8, 2.2])
def test_muon_without_momentum_at_its_edge(times):
    """W ← W − η‖G‖ₙ O in the spectral norm (‖·‖ₙ the sum of singular values): on a loss that is stiff for rotations, with
    max dᵀHd = 2a over the orthogonal d, a rotation W is multiplied by 1 − ηs·2a; its O is s times itself, s ≈ 1."""
    a, b, c, angle = 3.0, 0.5, 0.8, 0.4
    text = f"({a}/4)*((p + s)**2 + (q - r)**2) + ({b}/4)*((p - s)**2 + (q + r)**2)"
    loss = cf.Loss.from_spec(make_loss(text, "p q r s", shapes=((2, 2),)))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    singular = 2**-0.5
    for _ in range(5):
        singular = 3.4445 * singular - 4.775 * singular**3 + 2.0315 * singular**5
    assert 0.68 < singular < 1.13
    w = c * turn.ravel()
    assert turn.ravel() @ loss.hessian(w) @ turn.ravel() == pytest.approx(2 * a)
    nuclear = np.linalg.svd(loss.gradient(w).reshape(2, 2))[1].sum()
    rate = times / (2 * a) / singular
    step = cf.as_map(loss, cf.optimizers.muon(lr=rate * nuclear, momentum=0.0, nesterov=False))
    after = step(w)[:4]
    np.testing.assert_allclose(after, (1 - times) * w, rtol=1e-9)
    assert (loss.value(after) < loss.value(w)) == (times < 2)


# -- mini-batches ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 4.0))
def test_batch_sharpness_decides_whether_steps_lower_the_loss_of_their_own_batch(seed, times):
    """On a quadratic the mean change of it is −η E‖g_B‖² (1 − ηS_B/2), S_B = E g_BᵀH_Bg_B / E‖g_B‖²."""
    rng = np.random.default_rng(seed)
    w, rows = rng.normal(size=2), rng.normal(size=(6, 3))
    batches = [cf.Loss("(a*x + b*y - c)**2/2", "x y", dict(zip("abc", row))) for row in rows]
    gradients = [batch.gradient(w) for batch in batches]
    curved = np.mean([g @ batch.hvp(w, g) for g, batch in zip(gradients, batches)])
    squares = np.mean([g @ g for g in gradients])
    rate = times * squares / curved
    gd = cf.optimizers.gd(lr=rate)
    change = np.mean([batch.value(cf.as_map(batch, gd)(w)) - batch.value(w) for batch in batches])
    assert change == pytest.approx(-rate * squares * (1 - times / 2), rel=1e-8, abs=1e-10 * rate * squares)


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-3, 1.0), st.floats(0.0, 0.95))
def test_threshold_of_batches_with_momentum(share, beta):
    """Where a batch sees the curvature H with probability p and none otherwise, the batch sharpness is H, and second moments
    stay bounded iff ηH ≤ 2(1 − β²)/(1 + β − 2βp): 2(1 − β) for small batches (p → 0), 2(1 + β) for whole ones (p = 1)."""
    threshold = 2 * (1 - beta**2) / (1 + beta - 2 * beta * share)
    step = cf.as_map(cf.Loss("c*w**2/2", "w", {"c": 1.0}), cf.optimizers.heavy_ball(lr=1.0, momentum=beta))

    def growth(curvature):
        moments = sum(
            weight * np.kron(jacobian, jacobian)
            for weight, jacobian in ((share, step.at(c=curvature).jacobian([0.0])), (1 - share, step.at(c=0.0).jacobian([0.0])))
        )
        return np.abs(np.linalg.eigvals(moments)).max()

    assert growth(threshold) == pytest.approx(1, abs=1e-7)
    assert growth(1.01 * threshold) > 1 > growth(0.99 * threshold)
    for p, limit in ((0.0, 2 * (1 - beta)), (1.0, 2 * (1 + beta))):
        assert 2 * (1 - beta**2) / (1 + beta - 2 * beta * p) == pytest.approx(limit)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_batch_sharpness_hovers_at_two_over_lr_and_sharpness_far_below(share):
    """The same on the valley: a step sees the wall, 1/p times as steep, with probability p."""
    lr, rng = 2 / TOP, np.random.default_rng(7)
    loss = VALLEY.at(pull=0.003)
    seen, unseen = (loss.at(b=b) for b in (1 / share, 0.0))
    steps = [(m.rule("step"), m.p) for m in (cf.as_map(part, cf.optimizers.gd(lr=lr)) for part in (seen, unseen))]
    z, states = np.array([0.1, 0.97 * share * TOP]), []
    for hit in rng.random(12_000) < share:
        rule, p = steps[0 if hit else 1]
        z = rule(z, p)
        states.append(z)
    late = states[6000::5]
    curved = squares = 0.0
    for part, weight in ((seen, share), (unseen, 1 - share)):
        gradients = [part.gradient(w) for w in late]
        curved += weight * sum(g @ part.hvp(w, g) for w, g in zip(late, gradients))
        squares += weight * sum(g @ g for g in gradients)
    assert curved / squares == pytest.approx(TOP, rel=0.02)
    assert np.mean([loss.sharpness(w) for w in late]) == pytest.approx(share * TOP, rel=0.02)


# -- noise -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeta", [0.0, 1.0])
def test_noise_keeps_the_sharpness_below_the_edge(zeta):
    """At S = 2/η − Δ the variance of x along u is σ²η/(S(2 − ηS)) = σ²/(SΔ); S rests where half of it times β is α, so
    Δ(2/η − Δ) = βσ²/(2α), ηβσ²/(4α) at first order, if Δ ≫ √(2α): else the swings, not the noise, set the variance.
    The noiseless offset of the 2-cycle, (3/2)ζ(3ζ − 1)ηε in y, is a thousandth of it."""
    eps, lr, goal = 1e-4, 0.3, 0.2
    loss = cf.losses.two_time_scales(zeta=zeta, eps=eps)
    # What enters, from the derivatives at the edge: u = (1, 0); ⊥ to it, as in the constrained trajectory.
    w, u = np.array([0.0, 2 / lr]), np.array([1.0, 0.0])
    steepening = loss.curvature_gradient(w, u, u) * [0, 1]
    alpha, beta = -loss.gradient(w) @ steepening, steepening @ steepening
    sigma = math.sqrt(4 * alpha * goal / (lr * beta))
    assert goal > 10 * math.sqrt(2 * alpha)
    gap, step = _noisy(loss, zeta, eps, lr, sigma, goal), lr * beta * sigma**2 / (4 * alpha)
    offset = 1.5 * zeta * (3 * zeta - 1) * lr * eps
    assert step == pytest.approx(goal)
    assert gap + offset == pytest.approx(step, rel=0.05)
    assert gap + offset == pytest.approx(1 / lr - math.sqrt(1 / lr**2 - beta * sigma**2 / (2 * alpha)), rel=0.015)


def _noisy(loss, zeta, eps, lr, sigma, gap):
    """Mean of 2/η − y over 256 runs of gradient descent with normal noise in ∂L/∂x, of one seed."""
    rng, runs = np.random.default_rng(11), 256
    x, y = rng.normal(size=runs) * 0.01, np.full(runs, 2 / lr - gap)

    def gradient(x, y):
        return y * x + 1.5 * zeta * x**2 - eps, x**2 / 2 - eps

    np.testing.assert_allclose(np.array(gradient(x, y))[:, 0], loss.gradient([x[0], y[0]]), rtol=1e-13)
    total, first, steps = 0.0, 5000, 20_000
    for k in range(steps):
        along, across = gradient(x, y)
        x, y = x - lr * (along + sigma * rng.normal(size=runs)), y - lr * across
        total += y.mean() if k >= first else 0.0
    return 2 / lr - total / (steps - first)
