"""The edge that is reported for each optimizer at a minimum: just below it a tiny perturbation dies out, just above it grows."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.studies.defaults import edge_at
from tests.oracles import MP, OPTIMIZER_STEPS, grows

INSIDE = {"eps": 1e-6, "eps_inside": True}
BETAS = {"beta1": 0.9, "beta2": 0.99}
SMOOTH = [
    ("gd", {}), ("gd", {"weight_decay": 0.1}), ("gd", {"clip": 0.5}), ("gd", {"weight_decay": 0.1, "clip": 0.5}),
    ("heavy_ball", {"momentum": 0.6}), ("heavy_ball", {"momentum": 0.6, "dampening": 0.4}),
    ("heavy_ball", {"momentum": 0.9, "weight_decay": 0.1}), ("nesterov", {"momentum": 0.6}),
    ("nesterov", {"momentum": 0.6, "weight_decay": 0.1}), ("ema_momentum", {"momentum": 0.6}),
    ("ema_momentum", {"momentum": 0.6, "weight_decay": 0.1}),
    *(("rmsprop", {"beta2": 0.9, **INSIDE, "bias_correction": b}) for b in (True, False)),
    *(("adam", {**BETAS, **INSIDE, "bias_correction": b}) for b in (True, False)),
]  # fmt: skip
NONE = [
    ("sign_gd", {}, "jumps"), ("lion", {}, "jumps"), ("lion", {"weight_decay": 0.01}, "jumps"),
    ("normalized_gd", {}, "no derivative"), ("sam", {"rho": 0.05}, "no derivative"), ("scalar_rmsprop", {}, "no derivative"),
    ("adagrad", {}, "never falls"), ("adagrad", INSIDE, "never falls"), ("amsgrad", {}, "never falls"),
    ("amsgrad", INSIDE, "never falls"),
]  # fmt: skip
# name: loss, its gradient by hand, and where g + λw = 0
LOSSES = {
    "double well": ("(w**2-1)**2/4", lambda w: [w[0] ** 3 - w[0]], lambda decay: [MP.sqrt(1 - decay)]),
    "two weights": ("x**2/2 + 2*y**2 + x*y/4 + x**3/8", lambda w: [w[0] + w[1] / 4 + 3 * w[0] ** 2 / 8, 4 * w[1] + w[0] / 4],
                    lambda decay: [MP.mpf(0), MP.mpf(0)]),
}  # fmt: skip
EACH_LOSS = pytest.mark.parametrize("which", LOSSES)


@EACH_LOSS
@pytest.mark.parametrize(("name", "options"), SMOOTH, ids=[f"{n}-{i}" for i, (n, _) in enumerate(SMOOTH)])
def test_below_the_edge_it_stays_and_above_it_leaves(name, options, which):
    text, gradient, rest = LOSSES[which]
    loss = cf.Loss(text)
    [lowest, *_] = cf.minima(loss)
    found, why = edge_at(loss, getattr(cf.optimizers, name)(lr=0.1, **options), lowest)
    assert found is not None, why
    rests = rest(MP.mpf(options.get("weight_decay", 0)))
    np.testing.assert_allclose(found.points[0, : loss.dim], [float(x) for x in rests], atol=1e-7)
    assert not grows(name, options, found.value * 0.97, gradient, rests)
    assert grows(name, options, found.value * 1.03, gradient, rests)


@EACH_LOSS
@pytest.mark.parametrize(("name", "options", "words"), NONE, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(NONE)])
def test_where_the_map_has_no_derivative_no_edge_is_reported(name, options, words, which):
    loss = cf.Loss(LOSSES[which][0])
    [lowest, *_] = cf.minima(loss)
    try:
        found, why = edge_at(loss, getattr(cf.optimizers, name)(lr=0.1, **options), lowest)
    except NumericsError as problem:  # there may be a fixed point that was not found
        found, why = None, str(problem)
    assert found is None and why
    assert any(word in why for word in words.split("|")) and ("no fixed point" in words or "no fixed point" not in why)


@pytest.mark.parametrize("curvature", [1e-8, 1.0, 1e8])
def test_a_jump_is_seen_at_every_scale(curvature):
    for build in (cf.optimizers.sign_gd, cf.optimizers.lion):
        step = cf.as_map(cf.Loss("h*w**2/2", params={"h": curvature}), build(lr=0.1))
        with pytest.raises(NumericsError, match="jumps"):
            cf.analysis.edge(step, [0.0], scale=1 / curvature)


def test_a_corner_of_the_gradient_is_none_of_the_slope():
    """max(w, 0)³ has two derivatives at 0, max(w, 0)² one: for w²/2 + the first the edge is 2, for the other there is none."""
    smooth = cf.as_map(cf.Loss("w**2/2 + Max(w, 0)**3"), cf.optimizers.gd(lr=0.1))
    assert cf.analysis.edge(smooth, [0.0], scale=1.0).value == pytest.approx(2, rel=1e-12)
    with pytest.raises(NumericsError, match="corner"):
        cf.analysis.edge(cf.as_map(cf.Loss("w**2/2 + Max(w, 0)**2"), cf.optimizers.gd(lr=0.1)), [0.0], scale=1.0)


def test_what_is_no_fixed_point_has_no_edge():
    """Half-way up a slope; and x ← x/2 + lr, whose fixed point 2 lr moves."""
    with pytest.raises(NumericsError, match="no fixed point"):
        cf.analysis.edge(cf.as_map(cf.Loss("exp(w)"), cf.optimizers.gd(lr=0.1)), [0.0], scale=1.0)
    moving = cf.Map.from_text("lr - lr*x**2/4", params={"lr": 0.1})
    with pytest.raises(NumericsError, match="moves with lr"):
        cf.analysis.edge(moving, [0.1], scale=0.1)


def test_a_small_eps_inside_the_root_puts_the_edge_far_down():
    """2 √ε (1 + β₁)/((1 − β₁) λ)."""
    step = cf.as_map(cf.Loss("w**2"), cf.optimizers.adam(lr=0.1, eps=1e-10, eps_inside=True))
    assert cf.analysis.edge(step, [0.0], scale=0.5).value == pytest.approx(19 * 1e-5, rel=1e-9)


def test_the_verdict_says_why_there_is_none(monkeypatch):
    """Lion with weight decay: the orbit does not settle at any learning rate below 1/λ, however closely one looks."""
    monkeypatch.setattr("cfdyn.settling.samples.MOST_CALLED", 1e8)
    found = cf.study(cf.losses.double_well(), cf.optimizers.lion(lr=0.1, weight_decay=0.01))
    assert found.edge is None and "jumps" in found.no_edge
    assert "no edge" in found.verdict and "jumps" in found.verdict and "below the edge" not in found.verdict
    with pytest.raises(UsageError, match="jumps"):
        cf.study(cf.losses.double_well(), cf.optimizers.sign_gd(lr=0.1), auto_lr=True)
    w, state = [mpmath.mpf(1) + mpmath.mpf("1e-3")], {}
    late = []
    for k in range(400):
        w = OPTIMIZER_STEPS["lion"](w, lambda v: [v[0] ** 3 - v[0]], state, mpmath.sqrt, lr=0.1, beta1=0.9, beta2=0.99,
                                    weight_decay=0.01)  # fmt: skip
        late += [abs(w[0] - 1)] if k > 200 else []
    assert max(late) > 0.05
