"""What every optimizer in the folder must do, and steps written from their papers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen import compile as compiler
from cfdyn.registry import describe
from tests.oracles import MP, OPTIMIZER_STEPS, directional_difference

NAMES = cf.optimizers.names()
VARIANTS = [
    ("gd", {"lr": 0.3}),
    ("heavy_ball", {"lr": 0.2, "momentum": 0.6}),
    ("heavy_ball", {"lr": 0.2, "momentum": -0.3}),
    ("nesterov", {"lr": 0.2, "momentum": 0.6}),
    *(
        ("adam", {"lr": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "bias_correction": b, "eps_inside": e})
        for b in (True, False)
        for e in (True, False)
    ),
]
LOSS = cf.Loss("(1 - x*y)**2/2 + a*x**4", params={"a": 0.125})


def loss_gradient(w):
    """Of LOSS, by hand."""
    x, y = w
    r = 1 - x * y
    return [-r * y + x**3 / 2, -r * x]


def small(name: str) -> cf.Optimizer:
    """With its defaults and a small learning rate, if it has one."""
    build = getattr(cf.optimizers, name)
    needed = [k for k, p in inspect.signature(build).parameters.items() if p.default is inspect.Parameter.empty]
    return build(**dict.fromkeys(needed, 0.05))


def trajectory(name: str, options: dict, w0: list, n: int, number=float, sqrt=lambda x: x**0.5) -> np.ndarray:
    """Weights of n steps by the reference, in the arithmetic of ``number``."""
    w, state, rows = [number(v) for v in w0], {}, []
    exact = {k: v if isinstance(v, bool) else number(v) for k, v in options.items()}
    for _ in range(n):
        rows.append(w)
        w = OPTIMIZER_STEPS[name](w, loss_gradient(w), state, sqrt, **exact)
    return np.array([*rows, w], dtype=object if number is not float else float)


def test_the_folder():
    assert set(OPTIMIZER_STEPS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_called_twice_by_name(name):
    first, second = small(name), small(name)
    assert isinstance(first, cf.Optimizer) and first.key == second.key
    assert first.name == name
    assert first.at(**first.params).params == first.params


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    found = describe(getattr(cf.optimizers, name))
    assert found["summary"].endswith((".", ":")) and len(found["reference"]) > 3
    assert ">>>" in inspect.getdoc(getattr(cf.optimizers, name))


@pytest.mark.parametrize("name", NAMES)
def test_a_minimum_stays_and_a_small_step_descends(name):
    step = cf.as_map(cf.Loss("w**2/2 + v**2"), small(name))
    assert step.names[:2] == ("v", "w")
    rest = step(step.state([0.0, 0.0]))
    assert rest[:2].tolist() == [0.0, 0.0]
    orbit = cf.iterate(step, [1.0, -1.0], 40)
    assert orbit.status == "done" and orbit.loss[-1] < orbit.loss[0]


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(VARIANTS)])
def test_200_steps_equal_the_published_definition(name, options):
    """PreciseMap against the definition in mpmath to 70 digits; the compiled map against it to round-off."""
    step = cf.as_map(LOSS, getattr(cf.optimizers, name)(**options))
    w0 = [0.5, 1.25]
    expected = trajectory(name, options, w0, 200, MP.mpf, MP.sqrt)
    precise = cf.iterate(step, w0, 200, digits=80)
    worst = max(abs(MP.mpf(a) - b) for a, b in zip(precise.w.ravel(), expected.ravel(), strict=True))
    assert worst < MP.mpf(10) ** -65
    orbit = cf.iterate(step, w0, 200)
    # Adam ends at its own edge of stability, where round-off grows: 100 steps are enough for the floats.
    np.testing.assert_allclose(orbit.w[:101], expected[:101].astype(float), rtol=1e-12, atol=1e-13)
    assert orbit.status == "done"


def probe(step) -> np.ndarray:
    """A state at which every entry matters: a few steps in, then moved."""
    z = step.state([0.5, 1.25])
    for _ in range(3):
        z = step(z)
    return z * (1 - 0.01 * np.arange(1, len(z) + 1))


DERIVATIVE_VARIANTS = [*VARIANTS, *((n, None) for n in NAMES if n not in OPTIMIZER_STEPS)]


@pytest.mark.parametrize(
    ("name", "options"), DERIVATIVE_VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(DERIVATIVE_VARIANTS)]
)
def test_derivatives_of_the_map_agree_with_50_digit_differences(name, options):
    step = cf.as_map(LOSS, small(name) if options is None else getattr(cf.optimizers, name)(**options))
    z, precise = probe(step), step.precise(80)

    def at(state):
        return precise([precise.number(v) for v in state])

    jacobian = np.column_stack([directional_difference(at, z.tolist(), [e]) for e in np.eye(step.dim)])
    np.testing.assert_allclose(step.jacobian(z), jacobian, rtol=1e-11, atol=1e-12 * np.abs(jacobian).max())
    directions = np.random.default_rng(4).normal(size=(3, step.dim)).tolist()
    for k in (1, 2, 3):
        expected = directional_difference(at, z.tolist(), directions[:k])
        measured = step.derivative(z, *directions[:k])
        np.testing.assert_allclose(measured, expected, rtol=1e-10, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "options"), [VARIANTS[i] for i in (0, 2, 3, 4)], ids=["gd", "heavy_ball", "nesterov", "adam"])
def test_parameter_derivatives_agree_with_differences(name, options):
    """Exact steps at five binary parameter values; the rule is exact to the fourth order."""
    step = cf.as_map(LOSS, getattr(cf.optimizers, name)(**options))
    z = probe(step)
    for parameter, value in step.params.items():
        h = 2.0**-20 * max(abs(value), 2.0**-10)
        offsets, weights = (-2, -1, 1, 2), (1 / 12, -8 / 12, 8 / 12, -1 / 12)
        total = [MP.mpf(0)] * step.dim
        for k, weight in zip(offsets, weights):
            moved = step.at(**{parameter: value + k * h}).precise(80)
            image = moved([moved.number(v) for v in z.tolist()])
            total = [t + MP.mpf(round(12 * weight)) / 12 * MP.mpf(v) for t, v in zip(total, image)]
        width = (MP.mpf(value + h) - MP.mpf(value - h)) / 2
        expected = np.array([float(t / width) for t in total])
        np.testing.assert_allclose(
            step.parameter_derivative(z, parameter), expected, rtol=1e-9, atol=1e-9 * max(np.abs(expected).max(), 1e-6)
        )
    with pytest.raises(cf.CfdynError, match="parameter of the map"):
        step.parameter_derivative(z, "lrr")


@pytest.mark.parametrize("name", NAMES)
def test_hyperparameters_are_runtime_arguments(name, monkeypatch):
    optimizer = small(name)
    step = cf.as_map(LOSS, optimizer)
    z = probe(step)
    rule = step.rule("step")

    def refuse(*args):
        raise AssertionError("a hyperparameter value has led to a compilation")

    monkeypatch.setattr(compiler, "machine_program", refuse)
    for key, value in optimizer.params.items():
        changed = cf.as_map(LOSS, optimizer.at(**{key: 0.9 * value}))
        assert changed.rule("step") is rule
        assert step.at(**{key: 0.9 * value})(z).tolist() == changed(z).tolist()
    assert step.at(a=0.5, lr=0.01)(z).tolist() != step(z).tolist()


# -- thresholds ------------------------------------------------------------------------------------------------

QUADRATIC = cf.Loss("c*w**2/2", variables="w", params={"c": 1.0})
curvatures = st.floats(1e-4, 1e4)
momenta = st.floats(0.0, 0.98)


def threshold(optimizer, curvature):
    return cf.analysis.edge(cf.as_map(QUADRATIC.at(c=curvature), optimizer), [0.0], scale=1 / curvature)


@settings(max_examples=40, deadline=None)
@given(curvatures)
def test_edge_of_gradient_descent(curvature):
    found = threshold(cf.optimizers.gd(lr=0.1), curvature)
    assert found.value == pytest.approx(2 / curvature, rel=1e-12)
    assert found.kind == "flip" and found.multiplier == pytest.approx(-1)


@settings(max_examples=40, deadline=None)
@given(curvatures, momenta)
def test_edge_of_heavy_ball(curvature, beta):
    found = threshold(cf.optimizers.heavy_ball(lr=0.1, momentum=beta), curvature)
    assert found.value == pytest.approx((2 + 2 * beta) / curvature, rel=1e-10)
    assert found.kind == "flip"


@settings(max_examples=40, deadline=None)
@given(curvatures, momenta)
def test_edge_of_nesterov(curvature, beta):
    found = threshold(cf.optimizers.nesterov(lr=0.1, momentum=beta), curvature)
    assert found.value == pytest.approx((2 + 2 * beta) / ((1 + 2 * beta) * curvature), rel=1e-10)
    assert found.kind == "flip"


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
        cf.analysis.edge(cf.as_map(cf.Loss("w**2"), cf.optimizers.adam(lr=0.1)), [0.0], scale=1.0)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: cf.optimizers.gd(lr=-0.1), "lr=-0.1 must be greater than 0"),
        (lambda: cf.optimizers.gd(lr=0.0), "greater than 0"),
        (lambda: cf.optimizers.gd(lr=float("nan")), "lr=nan"),
        (lambda: cf.optimizers.heavy_ball(lr=0.1, momentum=1.0), "momentum=1"),
        (lambda: cf.optimizers.adam(lr=0.1, beta1=1.0), "beta1=1"),
        (lambda: cf.optimizers.adam(lr=0.1, eps=-1e-8), "eps"),
        (lambda: cf.optimizers.gd(lr=0.1).at(momentum=0.9), "hyperparameter of gd"),
        (lambda: cf.optimizers.gd(lr=0.1).at(lr=float("inf")), "finite"),
        (lambda: cf.optimizers.get("adm"), "did you mean 'adam'"),
        (lambda: cf.Optimizer.from_text({"v": "v + g"}, {"lr": 0.1}), "'w'"),
        (lambda: cf.Optimizer.from_text({"w": "w - lr*g", "g": "g"}, {"lr": 0.1}), "'g' cannot be a state"),
        (lambda: cf.as_map(cf.Loss("lr*w**2", "w", {"lr": 1.0}), cf.optimizers.gd(lr=0.1)), "both the loss and"),
    ],
)
def test_senseless_settings_are_refused(build, words):
    with pytest.raises(cf.CfdynError, match=words):
        build()


def test_an_optimizer_of_the_users_own():
    """Simultaneous update and the step count t, against a plain loop."""
    own = cf.Optimizer.from_text({"w": "w - lr*v/t", "v": "mu*v + g"}, {"lr": 0.1, "mu": 0.9})
    step = cf.as_map(cf.Loss("w**2/2"), own)
    assert step.names == ("w", "v_w", "t")
    orbit = cf.iterate(step, [1.0], 20)
    w, v = 1.0, 0.0
    for t in range(1, 21):
        w, v = w - 0.1 * v / t, 0.9 * v + w
        assert orbit.w[t, 0] == pytest.approx(w, rel=1e-14)
    assert orbit.z[-1, 2] == 21.0


# -- against another implementation ----------------------------------------------------------------------------

NOT_CHAOTIC = [
    ("gd", {"learning_rate": 0.3}, {"lr": 0.3}),
    ("heavy_ball", {"learning_rate": 0.1, "momentum": 0.7}, {"lr": 0.1, "momentum": 0.7}),
    ("nesterov", {"learning_rate": 0.1, "momentum": 0.7, "nesterov": True}, {"lr": 0.1, "momentum": 0.7}),
    ("adam", {"learning_rate": 0.02, "b1": 0.9, "b2": 0.99, "eps": 1e-8}, {"lr": 0.02, "beta2": 0.99}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "theirs", "ours"), NOT_CHAOTIC, ids=[row[0] for row in NOT_CHAOTIC])
def test_trajectories_equal_those_of_optax(name, theirs, ours):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    losses = [
        ("(1 - x*y)**2/2 + x**4/8", lambda w: (1 - w[0] * w[1]) ** 2 / 2 + w[0] ** 4 / 8, [0.5, 1.25]),
        ("logcosh(x - 1) + (y - x)**2/2", lambda w: jnp.log(jnp.cosh(w[0] - 1)) + (w[1] - w[0]) ** 2 / 2, [-0.5, 0.75]),
        ("softplus(2*w) - w/2 + w**2/20", lambda w: jnp.logaddexp(0.0, 2 * w[0]) - w[0] / 2 + w[0] ** 2 / 20, [1.5]),
    ]
    build = optax.adam if name == "adam" else optax.sgd
    for text, function, w0 in losses:
        optimizer = build(**theirs)
        w = jnp.array(w0, dtype=jnp.float64)
        state, rows = optimizer.init(w), [np.array(w)]
        gradient = jax.jit(jax.grad(function))
        for _ in range(300):
            change, state = optimizer.update(gradient(w), state)
            w = optax.apply_updates(w, change)
            rows.append(np.array(w))
        orbit = cf.iterate(cf.as_map(cf.Loss(text), getattr(cf.optimizers, name)(**ours)), w0, 300)
        np.testing.assert_allclose(orbit.w, np.array(rows), rtol=1e-12, atol=1e-12)
