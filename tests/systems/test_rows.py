"""Gradients and Hessians of the single rows of a loss with data."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import make_loss

X = np.random.default_rng(3).normal(size=(7, 2))
TABLE = np.column_stack([X, np.sin(2 * X[:, 0])])


def on_rows(formula: str, data=TABLE, **options) -> cf.Loss:
    return cf.Loss.from_spec(make_loss(formula, columns=["p", "q", "y"], data=data, **options))


LOSSES = {
    "linear": on_rows("(u*p + v*q - y)**2/2"),
    "with a parameter": on_rows("a*(u*p + v*q - y)**2/2 + b*u**4", params={"a": 1.5, "b": 0.25}),
    "tanh": on_rows("(a1*tanh(w1*p + v1*q) + a2*tanh(w2*p + v2*q) + c - y)**2/2"),
    "piecewise": on_rows("(Max(u*p + v*q, 0) - y)**2/2"),
    "of the catalogue": cf.losses.tanh_network(hidden=3),
    "deep linear": cf.losses.linear_network(),
}


def alone(loss: cf.Loss, i: int) -> cf.Loss:
    """The loss whose data is one row only: another table, the usual code."""
    s = loss.spec
    return cf.Loss.from_spec(make_loss(s.formula.text, s.variables, s.params, s.columns, data=np.asarray(s.data)[i : i + 1]))


@pytest.mark.parametrize("name", LOSSES)
def test_each_row_is_a_loss_of_one_row_and_the_loss_is_their_mean(name):
    loss, rng = LOSSES[name], np.random.default_rng(1)
    w, v, u = rng.normal(size=(3, loss.dim))
    gradients, hessians, products = loss.row_gradients(w), loss.row_hessians(w), loss.row_hvp(w, v)
    n = len(loss.spec.data)
    assert gradients.shape == products.shape == (n, loss.dim)
    assert hessians.shape == (n, loss.dim, loss.dim)
    np.testing.assert_allclose(gradients.mean(axis=0), loss.gradient(w), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(hessians.mean(axis=0), loss.hessian(w), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(products.mean(axis=0), loss.hvp(w, v), rtol=1e-13, atol=1e-14)
    for i in range(n):
        one = alone(loss, i)
        np.testing.assert_allclose(gradients[i], one.gradient(w), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(hessians[i], one.hessian(w), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(products[i], one.hvp(w, v), rtol=1e-13, atol=1e-14)
        given = np.concatenate([w, loss.spec.data[i]])
        assert loss.rule("row_value")(given, loss.p)[0] == pytest.approx(one.value(w), rel=1e-14)
        tensor = loss.rule("row_curvature_gradient")(np.concatenate([given, u, v]), loss.p)
        np.testing.assert_allclose(tensor, one.curvature_gradient(w, u, v), rtol=1e-13, atol=1e-14)


def test_directions_of_their_own_for_rows_and_many_for_the_loss():
    loss, rng = LOSSES["tanh"], np.random.default_rng(2)
    w, u, v = rng.normal(size=(3, loss.dim))
    own = rng.normal(size=(len(TABLE), loss.dim))
    hessians = loss.row_hessians(w)
    np.testing.assert_allclose(loss.row_hvp(w, own), np.einsum("nij,nj->ni", hessians, own), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(loss.hvps(w, own), own @ loss.hessian(w), rtol=1e-12, atol=1e-13)
    pushes = loss.row_curvature_gradients(w, u, v)
    np.testing.assert_allclose(pushes.mean(axis=0), loss.curvature_gradient(w, u, v), rtol=1e-12, atol=1e-13)
    h = 1e-5
    for j, e in enumerate(np.eye(loss.dim)):
        slope = [u @ (a - b) @ v / (2 * h) for a, b in zip(loss.row_hessians(w + h * e), loss.row_hessians(w - h * e))]
        np.testing.assert_allclose(pushes[:, j], slope, rtol=1e-6, atol=1e-8)
    for wrong in ([[1.0, 2.0]], [1.0, 2.0], own[:-1], "abc"):
        with pytest.raises(UsageError):
            loss.row_hvp(w, wrong)
    with pytest.raises(UsageError, match="6 entries|entries"):
        loss.hvps(w, [[1.0, 2.0]])


def test_rows_of_squares_in_closed_form():
    loss, w, v = LOSSES["linear"], np.array([0.3, -1.1]), np.array([2.0, 0.5])
    residual = X @ w - TABLE[:, 2]
    np.testing.assert_allclose(loss.row_gradients(w), residual[:, None] * X, rtol=1e-14)
    np.testing.assert_allclose(loss.row_hessians(w), X[:, :, None] * X[:, None, :], rtol=1e-14)
    np.testing.assert_allclose(loss.row_hvp(w, v), (X @ v)[:, None] * X, rtol=1e-13)


def test_the_rows_of_a_batch_are_the_rows_that_count():
    whole = LOSSES["tanh"]
    some = cf.Loss.from_spec(
        make_loss(whole.spec.formula.text, whole.variables, {}, whole.spec.columns, data=TABLE, batch=(4, 1))
    )
    w = np.linspace(-1, 1, whole.dim)
    np.testing.assert_array_equal(some.row_gradients(w), whole.row_gradients(w)[[4, 1]])
    np.testing.assert_allclose(some.row_gradients(w).mean(axis=0), some.gradient(w), rtol=1e-13)


def test_a_switching_function_of_a_row():
    loss, w = LOSSES["piecewise"], np.array([0.5, 2.0])
    found = [loss.rule("row_switching")(np.concatenate([w, row]), loss.p) for row in TABLE]
    np.testing.assert_allclose(np.abs(np.ravel(found)), np.abs(X @ w), rtol=1e-13)


def test_without_rows_there_are_none():
    loss = cf.losses.double_well()
    for ask in (lambda: loss.row_gradients([1.0]), lambda: loss.row_hessians([1.0]), lambda: loss.row_hvp([1.0], [1.0])):
        with pytest.raises(UsageError, match="no mean over rows of data"):
            ask()
    with pytest.raises(UsageError, match="row_gradient"):
        loss.rule("row_gradient")


@pytest.mark.parametrize("wrong", [[1.0], [1.0, 2.0, 3.0], "abc"])
def test_points_of_another_kind_are_refused(wrong):
    with pytest.raises(UsageError):
        LOSSES["linear"].row_gradients(wrong)
    with pytest.raises(UsageError):
        LOSSES["linear"].row_hvp([1.0, 1.0], wrong)


def test_a_formula_for_each_row_of_named_columns():
    x, y, w = np.array([-1.0, 0.0, 2.0]), np.array([0.0, 0.0, 1.0]), [1.3, -0.2]
    loss = cf.Loss("(sigmoid(w*x + b) - y)**2", "w b", data={"x": x.tolist(), "y": y})
    s = 1 / (1 + np.exp(-(1.3 * x - 0.2)))
    assert loss.value(w) == pytest.approx(((s - y) ** 2).mean(), rel=1e-14)
    slopes = 2 * (s - y) * s * (1 - s)
    np.testing.assert_allclose(loss.row_gradients(w), np.column_stack([slopes * x, slopes]), rtol=1e-13)



@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "at least one row"), ({"x": [1, 2], "y": [1]}, "x of 2, y of 1"), ({"x": [], "y": []}, "x of 0"),
        ({"x": [np.nan], "y": [1]}, "column 'x' of the data needs finite numbers: entry 0 .counted from 0. is nan"), ([1, 2], "data is a dict"), ({"x": ["a"], "y": [1]}, "list of numbers"),
        ({"x": [1.0]}, "'y' in the formula has no value"), ({"x": [1.0], "y": [1.0], "w": [1.0]}, "cannot be a variable and a column"),
    ],
)  # fmt: skip
def test_data_that_are_no_columns_are_refused(data, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.Loss("(w*x + b - y)**2", "w b", data=data)
