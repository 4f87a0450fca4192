"""Names that a user declares: hers, or refused; and variables that a formula does not contain."""

import numpy as np
import pytest
import sympy

import cfdyn as cf
from cfdyn.errors import FormulaError, UsageError
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.text.formula import check_names
from cfdyn.symbolic.text.functions import CALLEES
from cfdyn.symbolic.text.tokens import RESERVED

# What mathematics, Python or SymPy give a meaning of its own; some mean nothing in a formula here.
MEANINGFUL = """E I N O Q S e i j pi tau inf nan oo zoo exp log ln log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh erf erfc
    gamma beta zeta sqrt cbrt abs Abs sign Max Min max min Heaviside Piecewise sigmoid softplus relu logcosh floor ceil ceiling
    frac mod Mod round True False None and or not if else lambda in is for def class del import from return yield with
    w g gg h t lr x y""".split()
EVERY = sorted({*MEANINGFUL, *CALLEES, *RESERVED})


def outcome(make):
    """The value of what is made, or None where the name is refused with a sentence."""
    try:
        return make()
    except cf.CfdynError as error:
        assert str(error).strip() and "\n" not in str(error)
        return None


@pytest.mark.parametrize("name", EVERY)
def test_a_parameter_has_the_value_that_was_given_or_is_refused(name):
    other = "u" if name != "u" else "v"
    step = outcome(lambda: cf.Map.from_text(f"2*{other} + {name}", other, {name: 0.25}))
    assert step is None or step([3.0])[0] == 6.25
    loss = outcome(lambda: cf.Loss(f"{name}*{other}**2", other, {name: 0.25}))
    assert loss is None or loss.value([3.0]) == 2.25
    flow = outcome(lambda: cf.Flow.from_text(f"{other} + {name}", other, {name: 0.25}))
    assert flow is None or flow.drift([3.0])[0] == 3.25
    assert (step is None) == (loss is None) == (flow is None)


@pytest.mark.parametrize("name", EVERY)
def test_a_variable_is_the_state_or_is_refused(name):
    step = outcome(lambda: cf.Map.from_text(f"2*{name} + 1", name))
    assert step is None or (step.names == (name,) and step([3.0])[0] == 7.0)
    loss = outcome(lambda: cf.Loss(f"{name}**2", name))
    assert loss is None or (loss.variables == (name,) and loss.value([3.0]) == 9.0)
    assert (step is None) == (loss is None)


@pytest.mark.parametrize("name", EVERY)
def test_an_unused_name_is_refused_where_a_used_one_is(name):
    used = outcome(lambda: cf.Map.from_text(f"2*{name} + 1", name))
    unused = outcome(lambda: cf.Map.from_text("0.5", name))
    parameter = outcome(lambda: cf.Map.from_text("u", "u", {name: 1.0}))
    assert (used is None) == (unused is None) == (parameter is None)


@pytest.mark.parametrize("name", EVERY)
def test_a_data_column_is_the_data_or_is_refused(name):
    other = "u" if name != "u" else "v"
    loss = outcome(lambda: cf.Loss.from_spec(make_loss(f"{name}*{other}**2", other, columns=[name], data=np.array([[1.0], [2.0]]))))
    assert loss is None or loss.value([3.0]) == 13.5


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"w", "lr"}))
def test_a_hyperparameter_and_a_state_of_an_optimizer_are_hers_or_refused(name):
    made = outcome(lambda: cf.Optimizer.from_text({"w": f"w - lr*g*{name}"}, {"lr": 0.5, name: 0.25}))
    assert made is None or cf.as_map(cf.Loss("q**2/2"), made)([8.0])[0] == 7.0
    made = outcome(lambda: cf.Optimizer.from_text({"w": f"w - lr*{name}", name: f"{name} + g"}, {"lr": 0.5}))
    assert made is None or cf.as_map(cf.Loss("q**2/2"), made)([8.0, 4.0]).tolist() == [6.0, 12.0]


@pytest.mark.parametrize("name", ["E", "pi", "exp", "sign"])
def test_a_symbol_of_sympy_with_such_a_name_is_refused(name):
    with pytest.raises(FormulaError, match=name):
        cf.Loss(sympy.Symbol(name) ** 2)


@pytest.mark.parametrize("name", "e I S beta gamma zeta tau i j ln t x lr w g gg h".split())
def test_what_means_nothing_in_a_formula_is_an_ordinary_name(name):
    assert cf.Map.from_text(f"2*u + {name}", "u", {name: 0.25})([3.0])[0] == 6.25
    assert cf.Map.from_text(f"2*{name} + 1", name)([3.0])[0] == 7.0


@pytest.mark.parametrize("name", sorted({*CALLEES, "E", "pi", "inf", "nan", "True", "lambda", "and", "not"}))
def test_what_means_something_in_a_formula_is_refused_by_name(name):
    for make in (lambda: cf.Map.from_text("u", "u", {name: 1.0}), lambda: cf.Loss("u**2", f"u {name}")):
        with pytest.raises(FormulaError, match=name):
            make()


@pytest.mark.parametrize("name", ["2x", "x y", "", "x-1", "é", "_x", "x" * 65, 3, None, "x\n"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(FormulaError, match="cannot name"):
        check_names([name])


def test_one_name_for_two_things_is_refused():
    data = {"data": np.ones((2, 1))}
    with pytest.raises(UsageError, match="'x' cannot be a variable and a column at once"):
        make_loss("x**2", "x", columns=["x"], **data)
    with pytest.raises(UsageError, match="'a' cannot be a parameter and a column at once"):
        make_loss("a*x**2", "x", {"a": 1.0}, columns=["a"], **data)


# -- variables that the formula does not contain ------------------------------------------------


@pytest.mark.parametrize("formula", ["x**2/2", "x**2/2 + 0*y", "x**2/2 + y - y", sympy.Symbol("x") ** 2 / 2])
def test_a_declared_variable_is_one_whatever_the_formula_contains(formula):
    loss = cf.Loss(formula, variables="x y")
    assert loss.variables == ("x", "y") and loss.value([3.0, 7.0]) == 4.5
    assert loss.gradient([3.0, 7.0]).tolist() == [3.0, 0.0] and loss.hessian([3.0, 7.0]).tolist() == [[1, 0], [0, 0]]
    assert loss.third([3.0, 7.0]).tolist() == np.zeros((2, 2, 2)).tolist()
    step = cf.as_map(loss, cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    assert step.names == ("x", "y", "v_x", "v_y") and step([3.0, 7.0]).tolist() == [1.5, 7.0, 3.0, 0.0]


def test_a_parameter_that_cancels_is_one():
    assert cf.Loss("x**2 + 0*a", params={"a": 1.0}).at(a=2.0).params == {"a": 2.0}
    with pytest.raises(UsageError, match="unknown parameter 'b'"):
        cf.Loss("x**2 + 0*a", params={"b": 1.0})


def test_a_map_and_a_flow_keep_variables_that_cancel():
    assert cf.Map.from_text(["x/2", "0*y + 1"], "x y")([3.0, 7.0]).tolist() == [1.5, 1.0]
    assert cf.Flow.from_text(["-x", "y - y"], "x y").drift([3.0, 7.0]).tolist() == [-3.0, 0.0]


def test_steps_on_losses_that_see_one_weight_each_are_one_epoch():
    gd = cf.optimizers.gd(lr=0.5)
    step = cf.compose(*(cf.as_map(cf.Loss(f, variables="x y"), gd) for f in ("x**2/2", "y**2")))
    assert step([8.0, 4.0]).tolist() == [4.0, 0.0]
    rows = cf.Loss.from_spec(make_loss("(a*x + b*y - c)**2/2", "x y", columns="a b c".split(),
                                       data=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0]])))  # fmt: skip
    assert cf.epoch(rows, gd)([8.0, 4.0]).tolist() == [4.0, 3.0]


def test_a_study_of_a_loss_with_a_free_weight_goes_through():
    found = cf.study(cf.Loss("(x**2 - 1)**2/4", variables="x y"), cf.optimizers.gd(lr=0.4), start=[0.7, 3.0])
    assert found.regime.period == 1 and found.regime.points.round(9).tolist() == [[1.0, 3.0]]
    assert found.weights == ("x", "y") and found.edge.value == pytest.approx(1.0)


# -- names of the catalogue ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["quartic", " quartic ", "double_well:a=2"])
def test_the_name_of_a_catalogue_loss_is_no_formula(text):
    name = text.strip().partition(":")[0]
    with pytest.raises(FormulaError, match=rf"write cf\.losses\.{name}\("):
        cf.Loss(text)


def test_a_declared_weight_may_have_the_name_of_a_catalogue_loss():
    assert cf.Loss("quartic", variables="quartic").gradient([2.0]).tolist() == [1.0]
    assert cf.Loss("q").gradient([2.0]).tolist() == [1.0]
