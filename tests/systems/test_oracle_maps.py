"""Optimizers on a loss that is no formula: steps, tangents, orbits and preconditioners are those of the same loss as a formula."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.matrix_free.optimizer_map import OptimizerMap

LOSS = cf.Loss("(1 - x*y)**2/2 + z**4/4 + x*z**2/3", "x y z")
START = [1.3, 0.4, -0.7]
ALL = {
    "clipped gd": cf.optimizers.gd(lr=0.2, weight_decay=0.1, clip=0.5), "adam": cf.optimizers.adam(lr=0.1),
    "adamw": cf.optimizers.adamw(lr=0.1, weight_decay=0.3), "adam, both": cf.optimizers.adam(lr=0.1, weight_decay=0.2, clip=0.3),
    "scalar_rmsprop": cf.optimizers.scalar_rmsprop(lr=0.1, bias_correction=True, weight_decay=0.1, clip=0.4),
    "rmsprop": cf.optimizers.rmsprop(lr=0.1), "normalized_gd": cf.optimizers.normalized_gd(lr=0.1),
    "nadam": cf.optimizers.nadam(lr=0.1), "amsgrad": cf.optimizers.amsgrad(lr=0.1), "lion": cf.optimizers.lion(lr=0.1),
    "nesterov": cf.optimizers.nesterov(lr=0.1),
    "by formulas": cf.Optimizer.from_text({"w": "w - lr*tanh(m)*sigmoid(erf(g) + q)", "m": "beta*m + g**3/(1 + g**4)"},
                                          {"lr": 0.2, "beta": 0.5}, shared={"q": "q/2 + log(1 + gg)"}),
}  # fmt: skip
WITH_P = ("adam", "adamw", "rmsprop", "nadam", "nesterov")


def by_gradients(loss=LOSS, **more):
    return SimpleNamespace(dim=loss.dim, value=loss.value, gradient=loss.gradient, hvp=loss.hvp, **more)


@pytest.mark.parametrize("name", ALL)
def test_steps_and_derivatives(name):
    formula, oracle = (cf.as_map(loss, ALL[name]) for loss in (LOSS, by_gradients()))
    assert (formula.params, formula.dim) == (oracle.params, oracle.dim)
    z = formula.state(START)
    np.testing.assert_array_equal(oracle.state(START), z)
    for _ in range(5):
        z = formula(z)
    image, product = oracle.tangent(z)
    np.testing.assert_allclose(image, formula(z), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(product(np.eye(oracle.dim)).T, formula.jacobian(z), rtol=1e-14, atol=1e-14)
    for parameter in formula.params:
        found = oracle.linearized(z, parameter, formula.params[parameter])[2]
        np.testing.assert_allclose(found, formula.parameter_derivative(z, parameter), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("name", "alone"), [("adam", (0.9, 0.999, 1.0)), ("adamw", (0.9, 0.97, 0.999)), ("rmsprop", (0.99, 1.0)),
                                             ("nadam", (0.9, 0.999, 1.0))])  # fmt: skip
def test_a_weight_that_the_loss_does_not_see(name, alone):
    """No slope of √ν at 0 is in the way: it and its states have the multipliers that they have alone, the others theirs."""
    seen = cf.Loss("(1 - x*y)**2/2")
    padded = SimpleNamespace(dim=3, value=lambda w: seen.value(w[:2]), gradient=lambda w: np.append(seen.gradient(w[:2]), 0.0),
                             hvp=lambda w, v: np.append(seen.hvp(w[:2], v[:2]), 0.0))  # fmt: skip
    formula, oracle = cf.as_map(seen, ALL[name]), cf.as_map(padded, ALL[name])
    z, large = formula.state([1.3, 0.4]), oracle.state([1.3, 0.4, 0.7])
    for _ in range(5):
        z, large = formula(z), oracle(large)
    jacobian = oracle.tangent(large)[1](np.eye(oracle.dim)).T
    own = [i for i, entry in enumerate(oracle.names) if entry.endswith("3")]
    others = np.setdiff1d(np.arange(oracle.dim), own)
    np.testing.assert_allclose(jacobian[np.ix_(others, others)], formula.jacobian(z), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(jacobian[np.ix_(own, own)])), alone, rtol=1e-14)
    assert not jacobian[np.ix_(others, own)].any() and not jacobian[np.ix_(own, others)].any()
    exponents = [cf.analysis.lyapunov_spectrum(*of, 200, 300, leading=2).exponents for of in ((formula, z), (oracle, large))]
    top = np.sort([*exponents[0], np.log(max(alone))])[-1]
    assert exponents[1][0] == pytest.approx(top, abs=0.015)


def test_a_step_without_a_derivative_is_no_orbit_that_ends():
    """√ν at rest, where the loss is curved: the orbit stays there, and has no exponents."""
    bowl = SimpleNamespace(dim=1, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    with pytest.raises(NumericsError, match="the derivative of the step along the tangents stops being finite at step"):
        cf.analysis.lyapunov_spectrum(cf.as_map(bowl, cf.optimizers.rmsprop(lr=0.1)), [0.0], 20, 10, leading=1)


def test_a_map_goes_to_other_processes_after_its_steps():
    step = OptimizerMap(cf.losses.double_well(), cf.optimizers.adam(lr=0.1))
    image = step([1.3])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(step))([1.3]), image)


@pytest.mark.parametrize("name", ALL)
def test_orbits(name):
    formula, oracle = (cf.iterate(cf.as_map(loss, ALL[name]), START, 20) for loss in (LOSS, by_gradients()))
    np.testing.assert_allclose(oracle.z, formula.z, rtol=1e-13, atol=1e-14)
    for what in ("loss", "sharpness"):
        np.testing.assert_allclose(getattr(oracle, what), getattr(formula, what), rtol=1e-13)


@pytest.mark.parametrize("name", WITH_P)
def test_preconditioned_sharpness(name):
    formula, oracle = (cf.iterate(cf.as_map(loss, ALL[name]), START, 20) for loss in (LOSS, by_gradients()))
    np.testing.assert_allclose(oracle.preconditioned_sharpness, formula.preconditioned_sharpness, rtol=1e-13)
    np.testing.assert_allclose(oracle.theta, formula.theta)


def test_a_parameter_of_one_name_in_loss_and_optimizer():
    loss = cf.Loss("eps*w**4", params={"eps": 0.5})
    formula = cf.as_map(loss, cf.optimizers.rmsprop(lr=0.1, eps=0.2))
    oracle = cf.as_map(by_gradients(loss, params=loss.params, at=loss.at), cf.optimizers.rmsprop(lr=0.1, eps=0.2))
    assert oracle.params == formula.params == {"eps": 0.5, "lr": 0.1, "beta2": 0.99, "optimizer_eps": 0.2}
    z = formula.state([1.3])
    for name in ("optimizer_eps", "beta2"):
        np.testing.assert_allclose(oracle.at(**{name: 0.4})(z), formula.at(**{name: 0.4})(z), rtol=1e-15)
        found = oracle.linearized(z, name, 0.4)[2]
        np.testing.assert_allclose(found, formula.at(**{name: 0.4}).parameter_derivative(z, name), rtol=1e-14)


def test_a_parameter_of_one_name_in_loss_and_optimizer_of_a_flow():
    """Drifts of the oracle's flow against those of the formula's, with the one or the other changed."""
    loss, optimizer = cf.Loss("eps*w**4", params={"eps": 0.5}), cf.optimizers.rmsprop(lr=0.1, eps=0.2)
    formula = cf.flows.gradient(loss, optimizer)
    oracle = cf.flows.gradient(by_gradients(loss, params=loss.params, at=loss.at), optimizer)
    assert oracle.params == formula.params == {"eps": 0.5, "lr": 0.1, "beta2": 0.99, "optimizer_eps": 0.2}
    z = [1.3, 0.4]
    for name in oracle.params:
        found = oracle.at(**{name: 0.7}).drift(z)
        np.testing.assert_allclose(found, formula.at(**{name: 0.7}).drift(z), rtol=1e-14)
        assert np.abs(found - oracle.drift(z)).max() > 1e-6


def test_a_rate_that_the_loss_has_too_is_refused():
    loss = cf.Loss("lr*w**4", params={"lr": 0.5})
    oracle, optimizer = by_gradients(loss, params=loss.params, at=loss.at), cf.optimizers.gd(lr=0.1)
    for make in (cf.as_map, cf.flows.central, cf.flows.edge):
        with pytest.raises(UsageError, match="'lr' is a parameter of both the loss and the optimizer"):
            make(oracle, optimizer)


def test_a_seeded_oscillation():
    formula, oracle = (cf.as_map(loss, cf.optimizers.gd(lr=0.9)) for loss in (LOSS, by_gradients()))
    runs = [cf.iterate(step, [1.0, 1.0, 0.0], 30, inject=1e-3).z for step in (formula, oracle)]
    np.testing.assert_allclose(*runs, rtol=1e-12, atol=1e-12)
    assert np.ptp(runs[0][-2:, 0]) > 1e-4


def test_rows_of_products_are_asked_for_at_once():
    asked = []

    def hvps(w, v):
        asked.append(len(v))
        return np.array([LOSS.hvp(w, row) for row in v])

    step = cf.as_map(by_gradients(hvps=hvps), cf.optimizers.gd(lr=0.1))
    step.tangent(np.array(START))[1](np.eye(3))
    assert asked == [3]


def test_an_orbit_that_ends():
    bowl = SimpleNamespace(dim=1, value=lambda w: w[0] ** 4, gradient=lambda w: 4 * w**3, hvp=lambda w, v: 12 * w**2 * v)
    step = cf.as_map(bowl, cf.optimizers.gd(lr=1.0))
    assert (
        cf.iterate(step, [10.0], 100).status
        == cf.iterate(cf.as_map(cf.Loss("w**4"), cf.optimizers.gd(lr=1.0)), [10.0], 100).status
    )
    root = SimpleNamespace(dim=1, value=lambda w: 0.0, gradient=lambda w: np.log(w), hvp=lambda w, v: v / w)
    assert cf.iterate(cf.as_map(root, cf.optimizers.gd(lr=3.0)), [3.0], 100).status == "left the domain at step 2"


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda step: cf.iterate(step, START, 5, digits=30), "a map"),
        (lambda step: cf.iterate(step, START[:2], 5), "3 weights"),
        (lambda step: step.rule("jacobian"), "rule"),
        (lambda step: step.observe("colour", np.zeros((1, 3))), "observable"),
        (lambda step: cf.iterate(step.at(lr=0.1), START, 3).ema(2.0), "decay"),
    ],
)
def test_what_cannot_be_asked(ask, words):
    with pytest.raises(UsageError, match=words):
        ask(cf.as_map(by_gradients(), cf.optimizers.gd(lr=0.2)))
