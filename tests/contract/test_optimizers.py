"""What every optimizer in the folder must do, and steps written from their papers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.codegen import compile as compiler
from cfdyn.registry import describe
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from tests.oracles import MP, OPTIMIZER_STEPS, directional_difference

NAMES = cf.optimizers.names()
BETAS = {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3}
BOTH = {"weight_decay": 0.125, "clip": 0.5}
CORRECTIONS = [{"bias_correction": b, "eps_inside": e} for b in (True, False) for e in (True, False)]
VARIANTS = [
    ("gd", {"lr": 0.3}),
    ("gd", {"lr": 0.3, "weight_decay": 0.25}),
    ("gd", {"lr": 0.3, "clip": 0.25}),
    ("gd", {"lr": 0.3, **BOTH}),
    ("heavy_ball", {"lr": 0.2, "momentum": 0.6}),
    ("heavy_ball", {"lr": 0.2, "momentum": -0.3}),
    ("heavy_ball", {"lr": 0.2, "momentum": 0.6, "dampening": 0.4}),
    ("heavy_ball", {"lr": 0.2, "momentum": 0.6, "dampening": 0.4, **BOTH}),
    ("nesterov", {"lr": 0.2, "momentum": 0.6}),
    ("nesterov", {"lr": 0.2, "momentum": 0.6, **BOTH}),
    ("ema_momentum", {"lr": 0.4, "momentum": 0.6}),
    ("ema_momentum", {"lr": 0.4, "momentum": 0.6, **BOTH}),
    ("qhm", {"lr": 0.3, "beta": 0.6, "nu": 0.7}),
    ("qhm", {"lr": 0.3, "beta": 0.6, "nu": 0.7, **BOTH}),
    ("normalized_gd", {"lr": 0.005}),
    ("sign_gd", {"lr": 0.01}),
    ("lion", {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.0}),
    ("lion", {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.25}),
    ("sam", {"lr": 0.1, "rho": 0.125}),
    ("adagrad", {"lr": 0.2, "eps": 1e-3}),
    ("adagrad", {"lr": 0.2, "eps": 1e-3, "eps_inside": True, **BOTH}),
    *(("rmsprop", {"lr": 0.05, "beta2": 0.9, "eps": 0.25, **c}) for c in CORRECTIONS),
    ("rmsprop", {"lr": 0.05, "beta2": 0.9, "eps": 0.25, **BOTH}),
    *(("scalar_rmsprop", {"lr": 0.05, "beta2": 0.9, "eps": 0.25, **c}) for c in CORRECTIONS),
    ("scalar_rmsprop", {"lr": 0.01, "beta2": 0.9, "eps": 0.0}),
    ("scalar_rmsprop", {"lr": 0.05, "beta2": 0.9, "eps": 0.25, **BOTH}),
    *(("adam", {"lr": 0.05, **BETAS, **c}) for c in CORRECTIONS),
    ("adam", {"lr": 0.05, **BETAS, **BOTH}),
    *(("amsgrad", {"lr": 0.05, **BETAS, **c}) for c in CORRECTIONS[::3]),
    *(("adamw", {"lr": 0.05, **BETAS, "weight_decay": 0.25, **c}) for c in CORRECTIONS[::3]),
    ("nadam", {"lr": 0.02, **BETAS, "momentum_decay": 0.25}),
    ("nadam", {"lr": 0.01, **BETAS, "momentum_decay": 0.004}),
]
EACH = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(VARIANTS)])
LOSS = cf.Loss("(1 - x*y)**2/2 + a*x**4", params={"a": 0.125})
# Where the gradient is 0 these divide 0 by 0, as their docstrings say.
NO_DIRECTION = ("normalized_gd", "sam", "scalar_rmsprop")


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


MATRIX = [name for name in NAMES if isinstance(small(name), MatrixOptimizer)]


def loss_for(name: str) -> cf.Loss:
    """A loss that the optimizer takes: with two small matrices for those that need them."""
    return cf.losses.matrix_factorization(m=2, n=1) if name in MATRIX else LOSS


def trajectory(name: str, options: dict, w0: list, n: int, number=float, sqrt=lambda x: x**0.5) -> np.ndarray:
    """Weights of n steps by the reference, in the arithmetic of ``number``."""
    w, state, rows = [number(v) for v in w0], {}, []
    exact = {k: v if isinstance(v, bool) else number(v) for k, v in options.items()}
    for _ in range(n):
        rows.append(w)
        w = OPTIMIZER_STEPS[name](w, loss_gradient, state, sqrt, **exact)
    return np.array([*rows, w], dtype=object if number is not float else float)


def test_the_folder():
    """Whoever adds a file adds its definition and its variants."""
    for name in set(NAMES) - set(MATRIX):
        assert name in OPTIMIZER_STEPS, f"write one step of {name}, as published, in plain Python: {name}_step in tests/oracles.py"
        assert name in dict(VARIANTS), f"say with which settings {name} is tested: VARIANTS in tests/contract/test_optimizers.py"
    assert set(OPTIMIZER_STEPS) == set(NAMES) - set(MATRIX), "tests/oracles.py has a step of an optimizer that is gone"
    assert {name for name, _ in MATRIX_VARIANTS} == set(MATRIX), "MATRIX_VARIANTS has one for each optimizer of matrices"


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
    loss = loss_for(name) if name in MATRIX else cf.Loss("w**2/2 + v**2")
    step, start = cf.as_map(loss, small(name)), np.array([1.0, -1.0, 0.5, 0.25])
    assert step.names[: loss.dim] == tuple(loss.variables)
    rest = step(np.zeros(loss.dim))[: loss.dim]
    assert np.isnan(rest).all() if name in NO_DIRECTION else (rest == 0).all()
    orbit = cf.iterate(step, np.resize(start, loss.dim), 40)
    assert orbit.status == "done" and orbit.loss[-1] < orbit.loss[0]


@EACH
def test_200_steps_equal_the_published_definition(name, options):
    """PreciseMap against the definition in mpmath to 65 digits; the compiled map against it to round-off."""
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
    z = step.state(np.resize([0.5, 1.25, -0.25, 0.75], step.n_weights))
    for _ in range(3):
        z = step(z)
    return z * (1 - 0.01 * np.arange(1, len(z) + 1))


# Few iterations: thirty take a minute to differentiate three times.
MATRIX_VARIANTS = [("muon", {"lr": 0.05, "steps": 2}), ("shampoo", {"lr": 0.05, "iterations": 4})]
DERIVATIVE_VARIANTS = [*VARIANTS, *MATRIX_VARIANTS]


@pytest.mark.parametrize(
    ("name", "options"), DERIVATIVE_VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(DERIVATIVE_VARIANTS)]
)
def test_derivatives_of_the_map_agree_with_50_digit_differences(name, options):
    step = cf.as_map(loss_for(name), getattr(cf.optimizers, name)(**options))
    z, precise = probe(step), step.precise(80)

    def at(state):
        return precise([precise.number(v) for v in state])

    jacobian = np.column_stack([directional_difference(at, z.tolist(), [e]) for e in np.eye(step.dim)])
    np.testing.assert_allclose(step.jacobian(z), jacobian, rtol=1e-11, atol=1e-12 * np.abs(jacobian).max())
    directions = np.random.default_rng(4).normal(size=(3, step.dim)).tolist()
    for k in (1, 2, 3):
        expected = directional_difference(at, z.tolist(), directions[:k])
        measured = step.derivative(z, *directions[:k])
        np.testing.assert_allclose(measured, expected, rtol=1e-10, atol=1e-25 + 1e-11 * np.abs(expected).max())


@EACH
def test_parameter_derivatives_agree_with_differences(name, options):
    """Exact steps at five binary parameter values; the rule is exact to the fourth order."""
    # Off the ends of their domains, so that the differences can go to both sides.
    inside = {k: 2.0**-10 for k, v in options.items() if v == 0.0 and v is not False}
    step = cf.as_map(LOSS, getattr(cf.optimizers, name)(**options)).at(**inside)
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
    loss = loss_for(name)
    step = cf.as_map(loss, optimizer)
    z = probe(step)
    rule = step.rule("step")

    def refuse(*args):
        raise AssertionError("a hyperparameter value has led to a compilation")

    monkeypatch.setattr(compiler, "machine_program", refuse)
    for key, value in optimizer.params.items():
        changed = cf.as_map(loss, optimizer.at(**{key: 0.9 * value}))
        assert changed.rule("step") is rule
        assert step.at(**{key: 0.9 * value})(z).tolist() == changed(z).tolist()
    assert step.at(**{k: 0.5 * v for k, v in loss.params.items()}, lr=0.01)(z).tolist() != step(z).tolist()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: cf.optimizers.gd(lr=-0.1), "lr=-0.1 must be greater than 0"),
        (lambda: cf.optimizers.gd(lr=0.0), "greater than 0"),
        (lambda: cf.optimizers.gd(lr=float("nan")), "lr=nan"),
        (lambda: cf.optimizers.heavy_ball(lr=0.1, momentum=1.0), "momentum=1"),
        (lambda: cf.optimizers.qhm(lr=0.1, beta=1.0), "beta=1"),
        (lambda: cf.optimizers.qhm(lr=0.1, nu=1.5), r"nu=1.5 must lie in \[0, 1\]"),
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
