"""Where minima lose stability for optimizers that divide by a root: against 160 digits on both sides, and companion matrices."""

from __future__ import annotations

from functools import partial

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.studies.defaults import edge_at
from tests import oracles

MP = mpmath.mp.clone()
MP.dps = 160  # in its first steps bias correction makes a small deviation very much larger
grows = partial(oracles.grows, steps=400, digits=120, mp=MP)

LOSSES = {
    "double well": ("(w**2-1)**2/4", lambda w: [w[0] ** 3 - w[0]], 2.0, [1]),
    "two weights": ("x**2/2 + 2*y**2 + x*y/4 + x**3/8", lambda w: [w[0] + w[1] / 4 + 3 * w[0] ** 2 / 8, 4 * w[1] + w[0] / 4],
                    2.5 + np.sqrt(2.3125), [0, 0]),
}  # fmt: skip
EACH_LOSS = pytest.mark.parametrize("which", LOSSES)
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
INSIDE = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-4, "eps_inside": True}
# The optimizer, its settings, and θ/(1/P) at ε = 1: θ ε, or θ √ε
CASES = [
    ("adam", ADAM, 38 * 1e-8), ("adam", {**ADAM, "bias_correction": False}, 38 * 1e-8), ("adam", {**ADAM, "beta1": 0.5}, 6e-8),
    ("adam", INSIDE, 0.38), ("adam", {**INSIDE, "bias_correction": False}, 0.38), ("rmsprop", {"beta2": 0.99, "eps": 1e-8}, 2e-8),
    ("rmsprop", {"beta2": 0.99, "eps": 1e-8, "bias_correction": True}, 2e-8),
    ("scalar_rmsprop", {"beta2": 0.99, "eps": 1e-8}, 2e-8),
    ("nadam", {**ADAM, "momentum_decay": 4.0}, 2 * 1.9 / (0.1 * 2.8) * 1e-8),
    ("nadam", {**ADAM, "momentum_decay": 0.0}, 2 / (0.55 + 0.45 * 0.1 / 1.9) * 1e-8),
]  # fmt: skip


@EACH_LOSS
@pytest.mark.parametrize(("name", "options", "expected"), CASES, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CASES)])
def test_the_minimum_is_stable_up_to_theta_eps_over_lambda(name, options, expected, which):
    text, gradient, sharpness, rests = LOSSES[which]
    loss = cf.Loss(text)
    found, why = edge_at(loss, getattr(cf.optimizers, name)(lr=0.1, **options), cf.minima(loss)[0])
    assert found is not None, why
    assert found.value == pytest.approx(expected / sharpness, rel=1e-7) and found.kind == "flip"
    assert found.smooth == bool(options.get("eps_inside", False))
    assert not grows(name, options, found.value * 0.98, gradient, [MP.mpf(x) for x in rests])
    assert grows(name, options, found.value * 1.02, gradient, [MP.mpf(x) for x in rests])


@pytest.mark.parametrize(("beta1", "theta"), [(0.9, "38"), (0.5, "6"), (0.0, "2")])
def test_as_published_for_the_double_well(beta1, theta):
    """0.19 with ε = 1e-4 inside the root and 1.9e-7 with 1e-8 outside, for β₁ = 0.9."""
    loss = cf.losses.double_well()
    lowest = cf.minima(loss)[0]
    for options, root in (({"eps": 1e-4, "eps_inside": True}, 1e-2), ({"eps": 1e-8}, 1e-8)):
        found, _ = edge_at(loss, cf.optimizers.adam(lr=0.1, beta1=beta1, **options), lowest)
        assert found.value == pytest.approx(float(theta) * root / 2, rel=1e-9)


@pytest.mark.parametrize("decay", [0.01, 0.5])
@pytest.mark.parametrize("options", [ADAM, INSIDE], ids=["outside", "inside"])
def test_adamw_rests_off_the_minimum_and_loses_that_point(options, decay):
    """There |g| = d|w| (√ν + ε), ν = g²: its average of squares does not vanish."""
    _, gradient, _, _ = LOSSES["double well"]
    options = {**options, "weight_decay": decay}
    loss = cf.losses.double_well()
    found, why = edge_at(loss, cf.optimizers.adamw(lr=0.1, **options), cf.minima(loss)[0])
    assert found is not None, why
    eps, exact = MP.mpf(options["eps"]), MP.mpf(decay)
    root = (lambda g: MP.sqrt(g * g + eps)) if options.get("eps_inside") else (lambda g: abs(g) + eps)

    def pull(w):
        return (w**3 - w) / root(w**3 - w) + exact * w

    w = MP.findroot(pull, (MP.mpf(1) - MP.mpf(10) ** -6 * eps, MP.mpf(1) - eps), solver="anderson", tol=1e-150)
    g = w**3 - w
    assert found.points[0, 0] == pytest.approx(float(w), abs=1e-15)
    assert found.points[0, 1] == pytest.approx(float(g), rel=1e-4)
    for share, expected in ((0.98, False), (1.02, True)):
        state = {"t": 10**6, "m": [g], "v": [g * g]}
        assert grows("adamw", options, found.value * share, gradient, [w], state) is expected


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("text", "most"), [("(w**2 - 1)**2/4", 1), ("(w - 3)**2", 1 / 3), ("(1 - x*y)**2/2 + (x - 3)**2", 1 / 3)]
)
def test_no_rest_where_the_decay_is_stronger_than_a_step(text, most, inside):
    """d|w| ≥ 1: a step is shorter than η. With 0.9 of the d at which that begins something rests, and has an edge."""
    loss = cf.Loss(text)
    minimum = cf.minima(loss)[0]
    found, why = edge_at(loss, cf.optimizers.adamw(lr=0.1, weight_decay=1.5 * most, eps_inside=inside), minimum)
    assert (
        found is None
        and "by 1.5 × lr a step" in why
        and f"more than 1 × lr, so there is no fixed point near it; with a weight_decay below {most:.4g}" in why
    )
    found, _ = edge_at(
        loss, cf.optimizers.adamw(lr=0.1, weight_decay=0.9 * most, eps=1e-12 if inside else 1e-8, eps_inside=inside), minimum
    )
    assert found.value > 0 and found.kind == "flip"


@pytest.mark.parametrize("name", ["adagrad", "amsgrad"])
def test_what_never_falls_lets_it_rest(name):
    """At a rate 10⁷ times larger than any edge that an ε sets it ends on a fixed point."""
    loss = cf.losses.double_well()
    found, why = edge_at(loss, getattr(cf.optimizers, name)(lr=0.1), cf.minima(loss)[0])
    assert found is None and "never falls" in why and "rest at any lr" in why
    regime = cf.analysis.classify(cf.as_map(loss, getattr(cf.optimizers, name)(lr=0.5)), [1.3])
    assert regime.kind == "fixed point"


def test_in_place_of_an_edge_there_is_a_two_cycle_as_large_as_the_step():
    loss = cf.Loss("c*w**2/2", params={"c": 2.0})
    lowest = cf.minima(loss)[0]
    for name, options, words in (("sign_gd", {}, "(0.5 × lr, at smaller rates too), |multiplier| 1"),
                                 ("normalized_gd", {}, "(0.5 × lr, at smaller rates too), |multiplier| 1"),
                                 ("lion", {}, "|multiplier| 1, 0.9801"),
                                 ("sam", {"rho": 0.05}, "0.00556 from it")):  # ηρS/(2 − ηS)  # fmt: skip
        found, why = edge_at(loss, getattr(cf.optimizers, name)(lr=0.1, **options), lowest)
        assert found is None and words in why, why
    assert "|multiplier| 0.64" in why  # (1 − ηS)²


# -- thresholds against companion matrices in 50 digits -----------------------------------------------------------


def step_matrix(name, load, p):
    """One step of (w, m) on the curvature λ with P = 1, written from the papers, as a matrix of 50 digits."""
    beta = p.get("beta1", p.get("momentum", 0))
    share = 1 if name in ("heavy_ball", "nesterov") else 1 - beta
    average = [share * load, beta]  # the new average or velocity, of w and of the old one
    if name == "nesterov":
        change = [load + beta * average[0], beta * average[1]]
    elif name == "nadam":
        change = [(1 - beta) * load + beta * average[0], beta * average[1]]
    else:
        change = average if beta or name != "gd" else [load, 0]
    keep = 1 - p["lr"] * p["weight_decay"] if name == "adamw" else 1
    return mpmath.matrix([[keep - change[0], -change[1]], average])


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "ema_momentum", "adam", "adamw", "amsgrad", "nadam"])
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9, 0.97])
def test_the_threshold_is_the_first_load_at_which_a_multiplier_leaves_the_circle(name, beta):
    with mpmath.workdps(50):
        which = "momentum" if name in ("heavy_ball", "nesterov", "ema_momentum") else "beta1"
        optimizer = getattr(cf.optimizers, name)(lr=0.25, **{which: beta})
        p = {k: mpmath.mpf(v) for k, v in optimizer.params.items()}

        def radius(load):
            return max(abs(x) for x in mpmath.eig(step_matrix(name, load, p), left=False, right=False))

        theta = mpmath.mpf(optimizer.limit)
        assert all(radius(theta * k / 20) < 1 for k in range(1, 20))
        assert radius(theta * mpmath.mpf("0.999")) < 1 < radius(theta * mpmath.mpf("1.001"))
        values = mpmath.eig(step_matrix(name, theta, p), left=False, right=False)
        assert min(abs(x + 1) for x in values) < 1e-12
