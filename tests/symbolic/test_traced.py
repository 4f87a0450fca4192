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


@pytest.mark.parametrize("ask, answer", [
    (lambda loss, gd: cf.as_map(loss, gd), "Map(gd:lr=0.3 on "),
    (lambda loss, gd: cf.flows.central(loss, gd), "Flow(central flow of gd:lr=0.3 on "),
    (lambda loss, gd: cf.flows.rod(loss, gd), "Flow(rod flow"),
    (lambda loss, gd: cf.random_map(loss, gd, noise=0.1), "RandomMap(gd:lr=0.3 on "),
    (lambda loss, gd: cf.minima(loss)[0], "Minimum(w=array([1.])"),
    (lambda loss, gd: cf.symbolic.edge(loss, gd), "ExactEdge("),
    (lambda loss, gd: cf.certify.edge(loss, gd, box=(0.5, 1.5)), "Certificate("),
], ids="as_map central rod random_map minima symbolic certify".split())  # fmt: skip
def test_wherever_a_loss_is_taken(ask, answer):
    import sympy

    w = sympy.Symbol("w")
    given = ("(w**2 - 1)**2/4", lambda w: (w**2 - 1) ** 2 / 4, (w**2 - 1) ** 2 / 4)
    assert all(repr(ask(loss, cf.optimizers.gd(lr=0.3))).startswith(answer) for loss in given)


def henon(x, y, a=1.4, b=0.3):
    return 1 - a * x**2 + y, b * x


def test_wherever_a_map_is_taken():
    import sympy

    x, y = sympy.symbols("x y")
    given = ["1 - 1.4*x**2 + y; 0.3*x", ["1 - 1.4*x**2 + y", "0.3*x"], henon, [1 - 1.4 * x**2 + y, 0.3 * x]]
    given += [sympy.Matrix(given[-1]), cf.Map("1 - a*x**2 + y; b*x", "x y", {"a": 1.4, "b": 0.3})]
    maps = [*map(cf.Map, given[:-1]), given[-1], *map(cf.Map.from_text, given[:-1])]
    assert [step([0.5, 0.2]).round(12).tolist() for step in maps] == [[0.85, 0.15]] * len(maps)
    assert [cf.iterate(step, [0.5, 0.2], 1).z[1].round(12).tolist() for step in given[:3]] == [[0.85, 0.15]] * 3
    assert [cf.lifts.rod(step).dim for step in given[:3]] == [4, 4, 4] and cf.compose(henon, henon).dim == 2


def test_wherever_a_flow_is_taken():
    import sympy

    x = sympy.Symbol("x")
    given = ("x*(1 - x)", lambda x: x * (1 - x), x * (1 - x))
    assert [cf.Flow(field).drift([0.25]).tolist() for field in given] == [[0.1875]] * 3
    ends = [cf.solve(field, [0.5], t=2.0, rtol=1e-12).z[-1, 0] for field in given]
    assert ends == pytest.approx([1 / (1 + math.exp(-2))] * 3, rel=1e-11)
    assert cf.Flow("y; mu*(1 - x**2)*y - x", "x y", {"mu": 2.0}).drift([2.0, 1.0]).tolist() == [1.0, -8.0]


@pytest.mark.parametrize("ask", [
    cf.Loss, cf.Map, cf.Flow, lambda f: cf.solve(f, [1.0], 1), lambda f: cf.analysis.classify(f, [1.0]), lambda f: cf.study(f),
    lambda f: cf.as_map(f, cf.optimizers.gd(lr=0.1)), lambda f: cf.flows.central(f, cf.optimizers.gd(lr=0.1)),
    lambda f: cf.symbolic.cycles(f, cf.optimizers.gd(lr=0.1), 2), lambda f: cf.certify.edge(f, cf.optimizers.gd(lr=0.1)),
])  # fmt: skip
def test_a_function_that_branches_is_refused_everywhere(ask):
    with pytest.raises(FormulaError, match="the function branches is not a formula: it branches on the values.*numpy.where"):
        ask(branches)


def test_a_row_of_data():
    data = {"x": [-1.0, 0.0, 2.0], "y": [0.0, 0.0, 1.0]}
    loss = cf.Loss(lambda w, b, x, y: (np.tanh(w * x + b) - y) ** 2, data=data)
    assert loss.variables == ("w", "b")
    assert loss.value([1.0, 0.5]) == pytest.approx(np.mean((np.tanh(np.array(data["x"]) + 0.5) - data["y"]) ** 2), rel=1e-15)


def branches(w):
    return w if w > 0 else -w


@pytest.mark.parametrize("function, words", [
    (branches, "the function branches is not a formula: it branches on the values"),
    (lambda w: math.tanh(w), "take those of numpy"),
    (lambda w: np.arctan(w), "numpy.arctan has no formula here"),
    (lambda w: np.sort(w), "numpy.sort of a single number"),
    (lambda *w: 1.0, "needs plain arguments"),
    (lambda w, *, a=1: w, "needs plain arguments"),
    (lambda w: [w, w], "a loss is one number"),
    (lambda w: "a", "which is not a number in a formula"),
    (lambda w: math.inf * w, "not a number in a formula"),
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


@pytest.mark.parametrize("given, meant", [
    ("learning_rate", "lr"), ("Lr", "lr"), ("eta", "lr"), ("beta_1", "beta1"), ("epsilon", "eps"), ("wd", "weight_decay"),
])  # fmt: skip
def test_a_keyword_of_another_library_is_known(given, meant):
    with pytest.raises(UsageError, match=f"unknown option of adam: '{given}'; did you mean '{meant}'"):
        cf.optimizers.adam(**{given: 0.1})


def test_a_misspelt_name_suggests_itself():
    """Python says "Did you mean" where the error tells what was asked of what."""
    with pytest.raises(AttributeError) as caught:
        cf.losses.doublewell  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("doublewell", cf.losses)


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


def test_a_function_of_jax_is_sent_to_networks():
    import jax.numpy as jnp

    with pytest.raises(FormulaError, match="it calls jax; a loss of its functions is cf.networks.from_jax$"):
        cf.Loss(lambda w: jnp.tanh(w) ** 2)


@pytest.mark.parametrize("function", [lambda w: (w[0] * w[1] - 1) ** 2, lambda w: (w**2).sum()])
def test_a_function_of_an_array_needs_the_names_of_its_entries(function):
    with pytest.raises(FormulaError, match=r"say how many entries it has, as .variables=16."):
        cf.Loss(function)
    assert cf.Loss(function, "x y").variables == ("x", "y")
