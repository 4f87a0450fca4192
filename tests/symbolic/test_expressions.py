"""Losses given as SymPy expressions."""

from __future__ import annotations

import pytest
import sympy as sp

import cfdyn as cf

X = sp.Symbol("x")


def test_an_expression_is_as_good_as_a_text():
    y = sp.Symbol("y", positive=True)
    loss = cf.Loss((1 - X * y) ** 2 / 2)
    assert loss.variables == ("x", "y") and loss.gradient([2.0, 1.0]).tolist() == [1.0, 2.0]
    assert cf.Loss(X * sp.Float("1e-400") + X**2).value([3.0]) == 9.0


def nested(n: int) -> sp.Expr:
    expression = X
    for _ in range(n):
        expression = sp.sin(expression, evaluate=False) + X / 2
    return expression


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ((sp.Dummy("x") - sp.Dummy("x")) ** 2, "name of its own"),
        ((X - sp.Symbol("x", positive=True)) ** 2, "name of its own"),
        (sp.MatrixSymbol("A", 2, 2)[0, 0] ** 2, "plain symbols"),
        (sp.Sum(X**2, (sp.Symbol("k"), 1, 3)), "plain symbols|sums"),
        (sp.Function("exp")(X), "undefined"),
        (sp.Heaviside(X, 1), "1/2 at 0"),
        (X * sp.Float("1e400"), "beyond the range"),
        (sp.gamma(X), "not supported"),
        (X * sp.I, "real"),
        (3.0, "not float"),
        (nested(400), "nested too deeply"),
    ],
)
def test_what_is_refused_in_a_sentence(expression, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.Loss(expression).value([0.5])
