"""Maps: from text, composed, and their starts."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


def test_classical_maps_by_hand():
    x, y = 0.3, -0.2
    assert HENON([x, y]) == pytest.approx([1 - 1.4 * x * x + y, 0.3 * x], rel=1e-15)
    assert HENON.jacobian([x, y]) == pytest.approx(np.array([[-2.8 * x, 1], [0.3, 0]]), rel=1e-15)
    assert HENON.derivative([x, y], [1, 2], [3, 4]) == pytest.approx([-2.8 * 3, 0])
    assert HENON.derivative([x, y], [1, 2], [3, 4], [5, 6]).tolist() == [0, 0]
    assert HENON.parameter_derivative([x, y], "a") == pytest.approx([-x * x, 0])
    assert HENON.parameter_derivative([x, y], "b") == pytest.approx([0, x])
    assert HENON.names == ("x", "y") and HENON.dim == 2 and HENON.params == {"a": 1.4, "b": 0.3}
    assert HENON.at(a=1.0).params == {"a": 1.0, "b": 0.3} and HENON.params["a"] == 1.4


def test_variables_in_natural_order():
    step = cf.Map.from_text(["x10", "x2 + k"], params={"k": 1.0})
    assert step.names == ("x2", "x10") and step([5.0, 7.0]).tolist() == [7.0, 6.0]


@pytest.mark.parametrize(
    ("formulas", "variables", "params", "words"),
    [
        ("r*x*(1-x)", None, {}, "formula"),  # r becomes a variable: one formula for two
        ("r*x*(1-x)", "x", {}, "'r'"),
        (["x + y"], "x y", {}, "one formula for each"),
        (["x", "y"], "x", {}, "'y'|one formula"),
        ("0.5", None, {}, "no variables: its formulas are constants; name one for each"),
        ("a/2", None, {"a": 1.0}, "no variables"),
        (["x", "0.5"], None, {}, "2 formulas for the name x; name the others too"),
        ("x +* 2", "x", {}, "character"),
        ("__import__('os')", "x", {}, "formula|quote|character|allowed"),
        ("x*r", "x", {"r": math.nan}, "finite"),
        ("x*r", "x", {"r": math.inf}, "finite"),
        ("x", "x x", {}, "distinct"),
    ],
)
def test_senseless_maps_are_refused(formulas, variables, params, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.Map.from_text(formulas, variables, params)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([math.nan, 1.0], "finite"),
        ([math.inf, 1.0], "finite"),
        ([1.0], "2 entries"),
        ([1.0, 2.0, 3.0], "2 entries"),
        ([], "2 entries"),
        ([[1.0, 2.0]], "list of numbers"),
        ("abc", "list of numbers"),
        ([1.0, "a"], "list of numbers"),
        (None, "list of numbers|2 entries|finite"),
        ({"x": 1.0}, "list of numbers"),
        ([1j, 0.0], "list of numbers"),
    ],
)
def test_senseless_starts_are_refused(start, words):
    for call in (HENON.state, HENON, HENON.jacobian, lambda z: cf.iterate(HENON, z, 3)):
        with pytest.raises(cf.CfdynError, match=words):
            call(start)


def test_weights_alone_or_the_full_state():
    step = cf.as_map(cf.Loss("x**2 + y**2"), cf.optimizers.adam(lr=0.1))
    assert step.names == ("x", "y", "m_x", "m_y", "v_x", "v_y", "decay1", "decay2")
    assert step.state([3.0, 4.0]).tolist() == [3, 4, 0, 0, 0, 0, 1, 1]
    full = [3, 4, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert step.state(full).tolist() == full
    with pytest.raises(cf.CfdynError, match="or the full state of 8"):
        step.state([1.0, 2.0, 3.0])
    assert cf.Map.from_text("x/2").state(3.0).tolist() == [3.0]


def test_direction_counts():
    with pytest.raises(cf.CfdynError, match="one to three"):
        HENON.derivative([0.1, 0.1])
    with pytest.raises(cf.CfdynError, match="one to three"):
        HENON.derivative([0.1, 0.1], *([[1, 0]] * 4))
    with pytest.raises(cf.CfdynError, match="did you mean|known"):
        HENON.at(c=1.0)


def test_composition_in_order():
    """First 2x, then x + 1: not the other way round."""
    double, add = cf.Map.from_text("2*x"), cf.Map.from_text("x + 1")
    assert cf.compose(double, add)([3.0]).tolist() == [7.0]
    assert cf.compose(add, double)([3.0]).tolist() == [8.0]
    assert cf.compose(add)([3.0]).tolist() == [4.0]
    assert cf.compose(double, cf.compose(add, double))([3.0]).tolist() == [14.0]


def test_a_schedule_and_shared_parameters():
    loss = cf.Loss("c*w**4/4", "w", {"c": 2.0})
    gd = cf.as_map(loss, cf.optimizers.gd(lr=0.1))
    epoch = cf.compose(gd, gd.at(lr=0.05), gd)
    assert epoch.params == {"c": 2.0, "lr_1": 0.1, "lr_2": 0.05, "lr_3": 0.1}
    w = 0.8
    for lr in (0.1, 0.05, 0.1):
        w = w - lr * 2 * w**3
    assert epoch([0.8])[0] == pytest.approx(w, rel=1e-15)
    w = 0.8
    for lr in (0.1, 0.2, 0.1):
        w = w - lr * 3 * w**3
    assert epoch.at(c=3.0, lr_2=0.2)([0.8])[0] == pytest.approx(w, rel=1e-15)
    same = cf.compose(gd, gd)
    assert same.params == {"c": 2.0, "lr": 0.1}
    assert same.at(lr=0.3)([0.8])[0] == pytest.approx(gd.at(lr=0.3)(gd.at(lr=0.3)([0.8]))[0], rel=1e-15)


def test_derivatives_of_a_composition_obey_the_chain_rule():
    loss = cf.Loss("(1 - x*y)**2/2")
    first, second = (cf.as_map(loss, cf.optimizers.heavy_ball(lr=lr, momentum=0.5)) for lr in (0.1, 0.3))
    both = cf.compose(first, second)
    z = np.array([0.4, 1.2, 0.3, -0.1])
    chain = second.jacobian(first(z)) @ first.jacobian(z)
    np.testing.assert_allclose(both.jacobian(z), chain, rtol=1e-13, atol=1e-14)
    u, v = np.random.default_rng(7).normal(size=(2, 4))
    inner = first.jacobian(z)
    expected = second.derivative(first(z), inner @ u, inner @ v) + second.jacobian(first(z)) @ first.derivative(z, u, v)
    np.testing.assert_allclose(both.derivative(z, u, v), expected, rtol=1e-12, atol=1e-13)
    expected = second.jacobian(first(z)) @ first.parameter_derivative(z, "lr")
    np.testing.assert_allclose(both.parameter_derivative(z, "lr_1"), expected, rtol=1e-13, atol=1e-14)


def test_maps_that_do_not_fit_together():
    with pytest.raises(cf.CfdynError, match="cannot be composed"):
        cf.compose(HENON, cf.Map.from_text("x/2"))
    with pytest.raises(cf.CfdynError, match="at least one"):
        cf.compose()


def test_a_composition_of_data_losses():
    step = cf.as_map(cf.losses.breast_cancer(features=1), cf.optimizers.gd(lr=1.0))
    both = cf.compose(step, step.at(lr=2.0))
    assert both([0.2])[0] == pytest.approx(step.at(lr=2.0)(step([0.2]))[0], rel=1e-13)
    assert step.cost > 569


# -- series --------------------------------------------------------------------------------


def test_the_series_of_an_iterate_is_the_iterated_series():
    """r = 4: f(sin²θ) = sin²2θ, so the third iterate at x = 1/4 + s is known as a polynomial."""
    logistic = cf.Map.from_text("4*x*(1-x)")
    series = np.zeros((9, 1))
    series[0], series[1] = 0.25, 1.0
    polynomial = np.polynomial.Polynomial([0.25, 1.0])
    for _ in range(3):
        series = logistic.taylor(series)
        polynomial = 4 * polynomial * (1 - polynomial)
    np.testing.assert_allclose(series[:, 0], polynomial.coef, rtol=1e-14)


def test_a_series_holds_the_directional_derivatives():
    step = cf.as_map(cf.Loss("exp(x*y) + tanh(x - y)/3"), cf.optimizers.heavy_ball(lr=0.25, momentum=0.5))
    z, v = np.array([0.3, -0.2, 0.1, 0.4]), np.array([1.0, -0.5, 0.25, 2.0])
    series = step.taylor([z, v, 0 * z, 0 * z])
    for k, found in enumerate([step(z), step.jacobian(z) @ v, step.derivative(z, v, v), step.derivative(z, v, v, v)]):
        np.testing.assert_allclose(math.factorial(k) * series[k], found, rtol=1e-12, atol=1e-14)


def test_a_series_in_high_precision():
    precise = cf.Map.from_text("exp(x)").precise(60)
    zero, one = precise.number(0), precise.number(1)
    coefficients = precise.evaluate("taylor:20", [zero, one, *[zero] * 19])
    assert all(abs(c * math.factorial(k) - 1) < precise.number(10) ** -55 for k, c in enumerate(coefficients))


@pytest.mark.parametrize("curve", [[0.5], [[0.5, 1.0, 2.0]], np.empty((0, 2)), 3.0])
def test_a_curve_of_the_wrong_shape_is_refused(curve):
    with pytest.raises(cf.CfdynError, match="2 columns"):
        HENON.taylor(curve)
