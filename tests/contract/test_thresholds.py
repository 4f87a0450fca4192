"""What the optimizers say of themselves: threshold, preconditioner, flow; weight decay, clipping, shared norms."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from tests.oracles import MP, OPTIMIZER_STEPS
from tests.oracles import formula as mp_function

QUADRATIC = cf.Loss("c*w**2/2", variables="w", params={"c": 1.0})
SPATIAL = cf.Loss("(1 - x*y*z)**2/2 + a*x**2 + z**4/8", params={"a": 0.25})
curvatures = st.floats(1e-3, 1e3)
signed = st.floats(-0.95, 0.95)
fractions = st.floats(0.0, 0.97)
decays = st.floats(1e-3, 1.0)
points = st.lists(st.floats(-2, 2), min_size=3, max_size=3)
off_axis = st.lists(st.floats(0.1, 2) | st.floats(-2, -0.1), min_size=3, max_size=3)
# What the second moment is after a step from v0, at g = 0.
KEPT = {name: lambda p: p["beta2"] for name in ("adam", "adamw", "nadam", "rmsprop", "scalar_rmsprop")}
KEPT |= {name: lambda p: 1.0 for name in ("amsgrad", "adagrad")}
EVERY = {name: cf.optimizers.get(name)(lr=0.1) for name in cf.optimizers.names()}
ADD = "a new optimizer has its answers here: add {name} to {table} in tests/contract/test_thresholds.py".format
PLAIN = ["gd", "heavy_ball", "nesterov", "ema_momentum", "qhm"]
PRECONDITIONED = ["gd", "scalar_rmsprop", "rmsprop", "adagrad"]
AVERAGED = ["adam", "adamw", "nadam"]  # preconditioned, with momentum
# At β = 0.9: 38 (Cohen et al. 2022), 13.571, 5.9375 for ν = 0.7 (Lee 2026, table 4); the closed forms of the textbooks.
PUBLISHED = {
    "gd": 2, "heavy_ball": 3.8, "nesterov": 3.8 / 2.8, "ema_momentum": 38, "adam": 38, "adamw": 38, "amsgrad": 38,
    "nadam": 13.571428571428571, "rmsprop": 2, "scalar_rmsprop": 2, "adagrad": 2, "qhm": 5.9375,
}  # fmt: skip


def accepted(name, options):
    """Those of the options that the optimizer has."""
    has = inspect.signature(cf.optimizers.get(name)).parameters
    return {key: value for key, value in options.items() if key in has}


def value(formula, **names):
    """A formula of an optimizer as a float, through SymPy and mpmath."""
    return float(mp_function(formula.expression, list(names))(*map(MP.mpf, names.values())))


def edge(optimizer, curvature, second=1.0, scale=1.0):
    """Where the point at rest loses stability, its second moments held at one value and its warm-ups over."""
    step = cf.as_map(QUADRATIC.at(c=curvature), optimizer)
    held = [second if name in ("nu", "nu_w", "v_w", "vmax_w") and optimizer.name in KEPT else 0.0 for name in step.names]
    return cf.analysis.edge(step, held, scale=scale / curvature)


def steady_root(optimizer, second):
    """The denominator of that step."""
    if optimizer.name not in KEPT:
        assert "eps" not in optimizer.params, ADD(name=optimizer.name, table="KEPT")
        return 1.0
    return math.sqrt(KEPT[optimizer.name](optimizer.params) * second) + optimizer.params["eps"]


# -- thresholds ------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(curvatures)
def test_edge_of_gradient_descent(curvature):
    found = edge(cf.optimizers.gd(lr=0.1), curvature)
    assert found.value == pytest.approx(2 / curvature, rel=1e-12)
    assert found.kind == "flip" and found.multiplier == pytest.approx(-1)


@pytest.mark.parametrize("name", [name for name, one in EVERY.items() if one.threshold is not None and name != "gd"])
@settings(max_examples=25, deadline=None)
@given(curvatures, signed, fractions, st.floats(0.1, 10.0), st.sampled_from([0.0, 0.3]))
def test_threshold_is_where_a_multiplier_leaves_the_unit_circle(name, curvature, beta, beta2, second, decay):
    chosen = {"momentum": beta if name in ("heavy_ball", "nesterov") else abs(beta), "weight_decay": decay * curvature}
    chosen |= {"beta1": abs(beta), "beta": abs(beta), "nu": beta2, "beta2": beta2 + 0.01, "eps": 0.125}
    others = {"lr", "clip", "dampening", "bias_correction", "eps_inside", "momentum_decay"}  # tested below, or no part of the edge
    left = inspect.signature(cf.optimizers.get(name)).parameters.keys() - chosen.keys() - others
    assert not left, f"the edge of {name} is tested for one value of {left} only: draw it here"
    optimizer = cf.optimizers.get(name)(lr=0.1, **accepted(name, chosen))
    root = steady_root(optimizer, second)
    if name == "adamw":  # its decay is not divided by the root
        optimizer = optimizer.at(weight_decay=decay * curvature / root)
    found = edge(optimizer, curvature, second, scale=root)
    coupled = 0.0 if name == "adamw" else optimizer.params.get("weight_decay", 0.0)
    names = {**optimizer.params, "lr": found.value}
    assert found.value * (curvature + coupled) / root == pytest.approx(value(optimizer.threshold, **names), rel=1e-9)
    if not (name == "nesterov" and beta < -0.3):
        assert found.kind == "flip"


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 0.9), st.floats(0.01, 0.9))
def test_threshold_with_dampening(beta, dampening):
    optimizer = cf.optimizers.heavy_ball(lr=0.1, momentum=beta, dampening=dampening)
    assert edge(optimizer, 1.0).value == pytest.approx(value(optimizer.threshold, **optimizer.params), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(points, fractions)
def test_quasi_hyperbolic_momentum_is_three_others(w, beta):
    """Ma & Yarats 2018, section 3: ν = 0, 1 and β; Nesterov's at the rate (1−β)η."""
    others = {0.0: ("gd", {"lr": 0.01}), 1.0: ("ema_momentum", {"lr": 0.01, "momentum": beta})}
    others[beta] = others.get(beta, ("nesterov", {"lr": (1 - beta) * 0.01, "momentum": beta}))
    for nu, (name, options) in others.items():
        expected = weights(SPATIAL, cf.optimizers.get(name)(**options), w)
        np.testing.assert_allclose(weights(SPATIAL, cf.optimizers.qhm(0.01, beta, nu), w), expected, rtol=1e-11, atol=1e-12)


def test_thresholds_as_published():
    assert len(EVERY) > 15
    at = {"beta1": 0.9, "momentum": 0.9, "beta": 0.9, "nu": 0.7, "lr": 0.1, "weight_decay": 0.0}
    for name, one in EVERY.items():
        if one.threshold is None:
            says = "no stability threshold" in " ".join(cf.optimizers.get(name).__doc__.split()) or isinstance(one, MatrixOptimizer)
            assert name not in PUBLISHED and says, f"the docstring of {name} says that it has no threshold, and why"
        else:
            assert name in PUBLISHED, ADD(name=name, table="PUBLISHED")
            assert value(one.threshold, **at) == pytest.approx(PUBLISHED[name], rel=1e-14), name


def test_edge_of_the_top_eigenvalue_in_two_dimensions():
    loss = cf.Loss("(3*x - y)**2/2 + (x + 2*y)**2")
    top = np.linalg.eigvalsh([[9 + 2, -3 + 4], [-3 + 4, 1 + 8]])[-1]
    found = cf.analysis.edge(cf.as_map(loss, cf.optimizers.gd(lr=0.01)), [0.0, 0.0], scale=1 / top)
    assert found.value == pytest.approx(2 / top, rel=1e-12)


def test_edge_leaves_the_continuum_out_and_refuses_what_has_none():
    step = cf.as_map(cf.losses.scalar_factorization(), cf.optimizers.gd(lr=0.1))
    assert cf.analysis.edge(step, [2.0, 0.5], scale=0.2).value == pytest.approx(2 / 4.25, rel=1e-10)
    with pytest.raises(cf.CfdynError, match="unstable already"):
        cf.analysis.edge(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1)), [0.0], scale=1.0)
    with pytest.raises(cf.CfdynError, match="stays stable"):
        cf.analysis.edge(cf.as_map(cf.Loss("w**4"), cf.optimizers.gd(lr=0.1)), [0.0], scale=1.0)
    with pytest.raises(cf.CfdynError, match="no derivative"):
        cf.analysis.edge(cf.as_map(cf.Loss("w**2"), cf.optimizers.adam(lr=0.1, eps=0.0)), [0.0], scale=1.0)


# -- criteria of those that have none --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["normalized_gd", "sign_gd"]), off_axis, st.floats(0.01, 2.0))
def test_loss_falls_where_the_curvature_along_the_step_is_below_the_criterion(name, entries, lr):
    a, x, y = entries
    loss, hessian = cf.Loss("2*x**2 + a*x*y + y**2", variables="x y", params={"a": a}), np.array([[4, a], [a, 2]])
    gradient = hessian @ [x, y]
    assume(np.abs(gradient).min() > 1e-3)
    s, size = (np.sign(gradient), np.abs(gradient).sum()) if name == "sign_gd" else (gradient, np.linalg.norm(gradient))
    s = s / np.linalg.norm(s) if name == "normalized_gd" else s
    margin = s @ hessian @ s - 2 * size / lr
    assume(abs(margin) > 1e-6)
    after = cf.as_map(loss, getattr(cf.optimizers, name)(lr=lr))([x, y])
    assert (loss.value(after) < loss.value([x, y])) == (margin < 0)


@given(curvatures, st.floats(0.01, 2.0), st.floats(0.01, 3.0), st.floats(0.05, 0.95))
def test_edge_and_two_cycle_of_sam(curvature, rho, size, share):
    """At Long & Bartlett's edge a step turns w into −w; the 2-cycle ±ηρS/(2 − ηS) has the multiplier (1−ηS)²."""
    lr = 2 * share / curvature
    edge = size / (2 * rho) * (math.sqrt(1 + 8 * rho / (lr * size)) - 1)
    at_edge = cf.as_map(QUADRATIC.at(c=edge), cf.optimizers.sam(lr=lr, rho=rho))
    assert at_edge([size / edge])[0] == pytest.approx(-size / edge, rel=1e-9)
    step = cf.as_map(QUADRATIC.at(c=curvature), cf.optimizers.sam(lr=lr, rho=rho))
    w = lr * rho * curvature / (2 - lr * curvature)
    assert step([w])[0] == pytest.approx(-w, rel=1e-9)
    assert step.jacobian([w]) * step.jacobian([-w]) == pytest.approx((1 - lr * curvature) ** 2, abs=1e-9)


# -- preconditioner and flow -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"bias_correction": True}, {"eps_inside": True}, {"weight_decay": 0.5, "clip": 0.25}],
    ids=["plain", "corrected", "eps inside", "decay and clip"],
)
@pytest.mark.parametrize("name", PRECONDITIONED)
@settings(max_examples=15, deadline=None)
@given(points, st.floats(0.1, 3.0), st.floats(0.05, 0.99), st.integers(1, 50))
def test_step_and_state_are_those_of_preconditioner_and_flow(name, options, w, nu, beta2, t):
    own = accepted(name, options)
    optimizer = cf.optimizers.get(name)(lr=0.25, **own)
    optimizer = optimizer.at(**{k: v for k, v in {"beta2": beta2, "eps": 0.125}.items() if k in optimizer.params})
    step = cf.as_map(SPATIAL, optimizer)
    z = np.array(w + [beta2**t if name == "decay2" else nu for name in step.names[3:]])
    new, raw = step(z), SPATIAL.gradient(w)
    shorter = own["clip"] / max(own["clip"], math.hypot(*raw)) if "clip" in own else 1.0
    g = raw * shorter + own.get("weight_decay", 0.0) * np.array(w)
    states = [s for s in ("nu", "decay2") if s in optimizer.initial]
    assert set(optimizer.flow) == set(states)
    for i, variable in enumerate("xyz"):
        at = {s: step.names.index(s if s in optimizer.shared else f"{s}_{variable}") for s in states}
        before, after = ({s: float(row[k]) for s, k in at.items()} for row in (z, new))
        names = dict(optimizer.params, g=g[i], gg=float(g @ g))
        assert new[i] == pytest.approx(w[i] - g[i] / value(optimizer.preconditioner, **names, **after), rel=1e-14, abs=1e-14)
        if "nu" in at:
            slope = value(optimizer.flow["nu"], **names, **after)
            assert after["nu"] - before["nu"] == pytest.approx(slope, rel=1e-13, abs=1e-14 * (nu + g @ g) / beta2)
        if "decay2" in at:  # as ν does it, for a g² of 0
            slope = value(optimizer.flow["decay2"], **names, **after)
            assert after["decay2"] - before["decay2"] == pytest.approx(slope, rel=1e-12)


def test_the_others_have_none():
    assert len(EVERY) > 15
    preconditioned, moved = {*PRECONDITIONED, *AVERAGED, *PLAIN, "amsgrad"}, {*PRECONDITIONED[1:], *AVERAGED}
    for name, one in EVERY.items():
        assert (one.preconditioner is not None) == (name in preconditioned), ADD(name=name, table="PLAIN, PRECONDITIONED or AVERAGED")
        assert bool(one.flow) == (name in moved), ADD(name=name, table="PRECONDITIONED or AVERAGED")


# -- weight decay, clipping, norms over all weights ------------------------------------------------------------

EXTRAS = [name for name in EVERY if len(accepted(name, {"clip": 0, "weight_decay": 0})) == 2]


def weights(loss, optimizer, w, n=20):
    return cf.iterate(cf.as_map(loss, optimizer), w, n).w


@pytest.mark.parametrize("name", EXTRAS)
def test_switched_off_they_are_not_there(name):
    build = cf.optimizers.get(name)
    assert build(lr=0.1, weight_decay=0.0, clip=0.0).key == build(lr=0.1).key
    assert not {"weight_decay", "clip"} & set(build(lr=0.1).params) and build(lr=0.1).gradient is None
    on = build(lr=0.1, weight_decay=0.5, clip=2.0)
    assert on.params["weight_decay"] == 0.5 and on.at(clip=1.0).key == on.key
    for wrong, words in (({"clip": -1.0}, "clip=-1 must be greater"), ({"weight_decay": -1.0}, "must not be negative")):
        with pytest.raises(cf.CfdynError, match=words):
            build(lr=0.1, **wrong)


@pytest.mark.parametrize("name", EXTRAS)
@settings(max_examples=10, deadline=None)
@given(off_axis, decays)
def test_coupled_decay_is_a_quadratic_in_the_loss_and_loose_clipping_changes_nothing(name, w, decay):
    build = cf.optimizers.get(name)
    own = {"eps": 0.5} if "eps" in build(lr=0.1).params else {}
    with_it = cf.Loss("(1 - x*y*z)**2/2 + a*x**2 + z**4/8 + lam*(x**2 + y**2 + z**2)/2", "x y z", {"a": 0.25, "lam": decay})
    expected = weights(with_it, build(lr=0.01, **own), w)
    np.testing.assert_allclose(weights(SPATIAL, build(lr=0.01, weight_decay=decay, **own), w), expected, rtol=1e-11, atol=1e-11)
    plain = weights(SPATIAL, build(lr=0.01, **own), w)
    assert (weights(SPATIAL, build(lr=0.01, clip=1e6, **own), w) == plain).all()


@settings(max_examples=40, deadline=None)
@given(points, st.floats(1e-3, 10.0))
def test_clipping_shortens_and_keeps_the_direction(w, clip):
    gradient = SPATIAL.gradient(w)
    moved = np.array(w) - cf.as_map(SPATIAL, cf.optimizers.gd(lr=1.0, clip=clip))(w)
    assert np.linalg.norm(moved) == pytest.approx(min(clip, np.linalg.norm(gradient)), rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(np.cross(moved, gradient), 0, atol=1e-13 * (1 + gradient @ gradient))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("normalized_gd", {"lr": 0.005}),
        ("sam", {"lr": 0.05, "rho": 0.25}),
        ("scalar_rmsprop", {"lr": 0.01, "beta2": 0.9, "eps": 0.0}),
        ("heavy_ball", {"lr": 0.05, "momentum": 0.5, "clip": 0.125, "weight_decay": 0.25}),
    ],
)
def test_norms_are_taken_over_all_three_weights(name, options):
    def gradient(w):
        x, y, z = w
        r = 1 - x * y * z
        return [-r * y * z + x / 2, -r * x * z, -r * x * y + z**3 / 2]

    expected, state = [[0.5, -1.25, 0.75]], {}
    for _ in range(60):
        expected.append(OPTIMIZER_STEPS[name](expected[-1], gradient, state, math.sqrt, **options))
    orbit = weights(SPATIAL, getattr(cf.optimizers, name)(**options), expected[0], 60)
    np.testing.assert_allclose(orbit, expected, rtol=1e-12, atol=1e-13)
