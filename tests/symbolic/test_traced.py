"""Python functions as formulas: the formula computes what the function does, and what is none is refused in a sentence."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import FormulaError, UsageError
from cfdyn.symbolic.traced import Traced, traced


def test_arguments_are_variables_and_parameters():
    loss = cf.Loss(lambda x, y, a=1.0: (a - x) ** 2 + 100 * (y - x**2) ** 2)
    assert loss.variables == ("x", "y")
    assert loss.params == {"a": 1.0}
    assert loss.gradient([2.0, 1.0]).tolist() == [2 * (2 - 1) - 400 * 2 * (1 - 4), 200 * (1 - 4)]


def test_an_array_of_weights():
    matrix = np.array([[2.0, 0.1], [0.1, 1.0]])
    loss = cf.Loss(lambda w: w @ matrix @ w / 2 + np.sum(np.cos(w)), "u v")
    w = np.array([0.3, -0.7])
    assert loss.hessian(w) == pytest.approx(matrix - np.diag(np.cos(w)), rel=1e-15)


def test_decimals_are_exact_as_in_a_text():
    assert cf.Loss(lambda w: 0.1 * w**2 + 1e-20 * w).spec.key == cf.Loss("0.1*w**2 + 0.00000000000000000001*w").spec.key


def test_a_map_of_several_variables_and_its_cases():
    step = cf.Map.from_text(lambda x, y: [np.where((x > 0) & ~(y < 1), x, y), np.maximum(x, 2) - np.abs(y)])
    states = np.array([[1.0, 2.0], [1.0, 0.5], [-1.0, 3.0]])
    expected = [[x if x > 0 and not y < 1 else y, max(x, 2) - abs(y)] for x, y in states]
    assert [step(z).tolist() for z in states] == expected


def test_questions_take_functions_texts_and_expressions():
    import sympy

    x = sympy.Symbol("x")
    given = (lambda x: 3.5 * x * (1 - x), "3.5*x*(1 - x)", sympy.Rational(7, 2) * x * (1 - x))
    assert [cf.analysis.classify(step, [0.3]).period for step in given] == [4, 4, 4]


def test_a_row_of_data():
    data = {"x": [-1.0, 0.0, 2.0], "y": [0.0, 0.0, 1.0]}
    loss = cf.Loss(lambda w, b, x, y: (np.tanh(w * x + b) - y) ** 2, data=data)
    assert loss.variables == ("w", "b")
    assert loss.value([1.0, 0.5]) == pytest.approx(np.mean((np.tanh(np.array(data["x"]) + 0.5) - data["y"]) ** 2), rel=1e-15)


def branches(w):
    return w if w > 0 else -w


@pytest.mark.parametrize("function, words", [
    (branches, "the function branches is no formula: it decides by the values"),
    (lambda w: math.tanh(w), "take those of numpy"),
    (lambda w: np.arctan(w), "numpy.arctan has no formula here"),
    (lambda w: np.sort(w), "numpy.sort of a single number"),
    (lambda *w: 1.0, "needs plain arguments"),
    (lambda w, *, a=1: w, "needs plain arguments"),
    (lambda w: [w, w], "a loss is one number"),
    (lambda w: "a", "which is no number of a formula"),
    (lambda w: math.inf * w, "no number of a formula"),
    (lambda w: w / (1 - 1), None),
    (lambda w: undefined * w, "undefined"),  # noqa: F821
])  # fmt: skip
def test_what_is_no_formula(function, words):
    with pytest.raises(FormulaError, match=words):
        cf.Loss(function).value([1.0])


def test_an_endless_formula_is_refused():
    def long(w):
        for _ in range(40):
            w = w * (1 - w)
        return w

    with pytest.raises(FormulaError, match="more than 128 KiB"):
        cf.Loss(long)


def test_a_wrong_keyword_is_named():
    with pytest.raises(UsageError, match="unknown option of heavy_ball: 'momentun'; did you mean 'momentum'"):
        cf.optimizers.heavy_ball(lr=0.1, momentun=0.9)


LEAVES = st.sampled_from(["x", "y"]) | st.integers(-3, 3) | st.sampled_from([0.5, -1.25])
TREES = st.recursive(LEAVES, lambda part: st.tuples(st.sampled_from("+-*/"), part, part) | st.tuples(st.sampled_from(["neg", "tanh", "sq"]), part), max_leaves=8)


def value(tree, names):
    """The same tree computed with numbers, or with traced numbers."""
    if not isinstance(tree, tuple):
        return names.get(tree, tree) if isinstance(tree, str) else tree
    parts = [value(part, names) for part in tree[1:]]
    match tree[0]:
        case "+":
            return parts[0] + parts[1]
        case "-":
            return parts[0] - parts[1]
        case "*":
            return parts[0] * parts[1]
        case "/":
            return parts[0] / (2 + parts[1] * parts[1])
        case "neg":
            return -parts[0]
        case "tanh":
            return np.tanh(parts[0])
        case _:
            return parts[0] ** 2


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_the_text_means_what_the_function_computes(tree):
    at = {"x": 0.7, "y": -1.3}
    texts, _, _ = traced(lambda x, y: value(tree, {"x": x, "y": y}) + 0 * x)
    read = eval(texts[0], {"tanh": np.tanh, "__builtins__": {}}, at)
    assert read == pytest.approx(value(tree, at), rel=1e-13, abs=1e-13)
    assert isinstance(Traced("x") + 1, Traced)
