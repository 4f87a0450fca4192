"""Quotients by sums of exponentials as one types them: values and derivatives in floats where the exponentials overflow."""

import mpmath
import numpy as np
import pytest
import sympy

import cfdyn as cf
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.rebuild import written

MP = mpmath.mp.clone()
NAMED = {name: getattr(MP, name) for name in ("exp", "cosh", "sinh", "cos", "sqrt", "log")}
# The name of the same function, where it has one.
SPELLINGS = {
    "1/(1 + exp(-w))": "sigmoid(w)", "exp(w)/(1 + exp(w))": "sigmoid(w)", "exp(2*w)/(exp(2*w) + exp(-2*w))": "sigmoid(4*w)",
    "1/(1 + exp(-5*w/2))": "sigmoid(5*w/2)", "-1/(exp(w) + 1)": "-sigmoid(-w)", "w/(1 + exp(-w))": "w*sigmoid(w)",
    "(exp(w) - exp(-w))/(exp(w) + exp(-w))": "tanh(w)", "(exp(w) - 1)/(exp(w) + 1)": "tanh(w/2)", "sinh(w)/cosh(w)": "tanh(w)",
    "(1 - exp(-2*w))/(1 + exp(-2*w))": "tanh(w)", "((exp(w) - exp(-w))/(exp(w) + exp(-w)))**3": "tanh(w)**3",
    "1/(1 + exp(-w))**2": "sigmoid(w)**2", "1/(1 + exp(-w**2))": "sigmoid(w**2)", "1 - 2/(1 + exp(2*w))": "1 - 2*sigmoid(-2*w)",
    "(w**2 + 1)/(1 + exp(w))": "(w**2 + 1)*sigmoid(-w)",
}  # fmt: skip
OTHERS = [
    "3/(2 + 5*exp(-w))", "1/cosh(w)", "1/cosh(w)**2", "4/(exp(w) + exp(-w))**2", "exp(w)/(1 + exp(w))**2", "(1 + exp(w))/(1 + exp(2*w))",
    "exp(w)/(1 + exp(w) + exp(2*w))", "1/(1 + exp(w) + exp(2*w))", "1/sqrt(1 + exp(w))", "(1 + exp(-w))**(-1/3)", "(w + exp(w))/(1 + exp(w))",
    "w*(exp(w) - exp(-w))/(exp(w) + exp(-w))/(2 + cos(w))", "(2*exp(w) - 3*exp(-w))/(exp(w) + exp(-w))", "exp(w)/((1 + exp(w))*(1 + exp(-2*w)))",
    "(1 - exp(-w))/(2 + exp(-w))", "sinh(w)**2/cosh(w)**3", "1/(1 + 1/(1 + exp(-w)))", "log(1 - exp(w)/(exp(w) + exp(-w) + 1))",
]  # fmt: skip
UNTOUCHED = [
    "1/(1 + K*exp(-w))", "1/(exp(w) - 1)", "1/(1 + w**2)", "w*exp(-w)", "1/(w + exp(w))", "1/(10**-400 + exp(w))", "tanh(w)/(1 + w**2)",
    "(exp(w) - exp(-w))/(exp(w) - 2*exp(-w))", "1/(2 + cos(w))", "w/(1 + exp(w) - w**2)", "(1 + exp(w))**2", "exp(w)/w", "1/(1 + sigmoid(w))",
]  # fmt: skip


def exact(text):
    """Three derivatives by SymPy of the formula read anew, as functions; digits enough that e^(2w) + 1 keeps its 1."""
    w = sympy.Symbol("w")
    read = [sympy.sympify(text, locals={"w": w})]
    for _ in range(3):
        read.append(sympy.diff(read[-1], w))
    of = sympy.lambdify(w, read, modules=[NAMED], cse=True)

    def values(at):
        with MP.workdps(50 + int(2 * abs(at))):
            return [float(value) for value in of(MP.mpf(at))]

    return values


@pytest.mark.parametrize("text", [*SPELLINGS, *OTHERS])
def test_three_derivatives_where_exponentials_overflow(text):
    """To a few roundings of the terms, the largest of which is at most w² + 1."""
    loss, wanted = cf.Loss(text), exact(text)
    for w in (-1e4, -800.0, -40.0, -1.5, 0.0, 0.5, 40.0, 800.0, 1e4):
        found = [loss.value([w]), loss.gradient([w])[0], loss.hessian([w])[0, 0], loss.third([w])[0, 0, 0]]
        size = (w**2 + 1) if "w**2" in text else abs(w) + 1 if text[0] == "w" or "(w +" in text else 1
        np.testing.assert_allclose(found, wanted(w), rtol=1e-12, atol=4e-15 * size)


@pytest.mark.parametrize(("text", "name"), SPELLINGS.items())
def test_it_is_the_function_that_has_a_name(text, name):
    """To the last digit, as it is the same program."""
    typed, named = formula(text), formula(name)
    order = [found.tape.reachable([found.root]) for found in (typed, named)]
    parts = [[typed.tape.ops[n] for n in order[0]], [named.tape.ops[n] for n in order[1]]]
    assert sorted(parts[0]) == sorted(parts[1])
    loss = [cf.Loss(found) for found in (text, name)]
    for w in np.linspace(-3.0, 3.0, 13):
        assert [loss[0].value([w]), loss[0].gradient([w])[0]] == [loss[1].value([w]), loss[1].gradient([w])[0]]


@pytest.mark.parametrize("w", [-800.0, -1.5, 0.25, 800.0])
def test_a_parameter_in_the_exponent(w):
    loss = cf.Loss("1/(1 + exp(-k*w))", "w", params={"k": 2.5})
    named = cf.Loss("sigmoid(5*w/2)")
    assert loss.hessian([w])[0, 0] == pytest.approx(named.hessian([w])[0, 0], rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("text", UNTOUCHED)
def test_other_quotients_stay_what_they_are(text):
    """The sign of what is below is not known, a number there is too small for floats, or there is nothing that overflows."""
    found = formula(text)
    ops = {found.tape.ops[node] for node in found.tape.reachable([found.root])}
    assert not ops & {"softplus", "logcosh", "sech2"} and ("sigmoid" in text or "sigmoid" not in ops)
    assert ("tanh" in ops) == ("tanh" in text)


def test_what_stays_is_written_as_it_was():
    """It is asked whether 3 + w² is such a sum, which needs log 3: not on its own tape."""
    assert {op for op, *_ in written(formula("1/(3 + w**2 + exp(w)*w)").tape)} == {"name", "const", "ipow", "add", "mul", "exp"}


def test_the_text_stays_as_it_was_typed():
    loss = cf.Loss("(y - 1/(1 + exp(-u*x)))**2", "u", data={"x": [1.0, 2.0], "y": [1.0, 0.0]})
    assert loss.spec.formula.text == "(y - 1/(1 + exp(-u*x)))**2" and "sigmoid" not in loss.spec.formula.latex


@pytest.mark.parametrize("n", [3, 10])
def test_shares_of_many_exponentials(n):
    """A softmax and the slopes of its squares against numpy, with scores of ±2000; the program grows with n, not n²."""
    names = [f"s{k}" for k in range(n)]
    total = " + ".join(f"exp({s})" for s in names)
    found = formula(" + ".join(f"c{k}*exp({s})/({total})" for k, s in enumerate(names)))
    assert len(found.tape.reachable([found.root])) < 20 * n
    rng = np.random.default_rng(n)
    weights, scores = rng.normal(size=n), rng.normal(size=n) * 2000
    loss = cf.Loss(found.text, " ".join(names), params={f"c{k}": c for k, c in enumerate(weights)})
    share = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert loss.value(scores) == pytest.approx(share @ weights, rel=1e-12)
    np.testing.assert_allclose(loss.gradient(scores), share * (weights - share @ weights), atol=1e-12)
    near = scores / 2000
    share = np.exp(near) / np.exp(near).sum()
    np.testing.assert_allclose(loss.gradient(near), share * (weights - share @ weights), rtol=1e-12)


def test_products_of_sums_above_are_not_multiplied_out_without_end():
    text = "*".join(f"(w + exp({k}*w))" for k in range(2, 42)) + "/(1 + exp(w))"
    assert len(formula(text).tape) < 1000


def test_sums_inside_sums_above_are_not_multiplied_out_without_end():
    """Two sums in each, five deep: 2·10^11 terms if all were taken apart."""
    numbers = iter(range(2, 100))

    def nested(depth):
        inside = f"*{nested(depth - 1)}*{nested(depth - 1)}" if depth else ""
        return f"(w + exp({next(numbers)}*w){inside})"

    assert len(formula(f"{nested(5)}/(1 + exp(w))").tape) < 1000


@pytest.mark.parametrize("text", ["(w*cosh(1/w) + sin(w)*cosh(1/w))/cosh(1/w)", "exp(w + softplus(1/w - w))/(exp(1/w) + exp(w))",
                                  "(exp(1/w)*w + exp(1/w))*exp(-1/w)/(1 + exp(w))", "(w*cosh(log(w)) + cosh(log(w)))/cosh(log(w))"])  # fmt: skip
def test_a_part_without_a_value_does_not_cancel(text):
    assert np.isnan(cf.Loss(text).value([0.0])) and np.isfinite(cf.Loss(text).value([0.5]))


def test_an_orbit_on_a_neuron_whose_sum_leaves_the_range_of_exp():
    """Squared error of 1/(1 + e^(−wx)) with x up to 3000: finite slopes lead to the same cycle or rest as numpy's own."""
    x, y = np.array([3000.0, -2000.0, 10.0, 25.0]), np.array([1.0, 0.0, 0.0, 1.0])
    step = cf.as_map(cf.Loss("(y - 1/(1 + exp(-w*x)))**2/2", "w", data={"x": x, "y": y}), cf.optimizers.gd(lr=0.002))
    orbit = cf.iterate(step, [1.0], 2000)
    w = 1.0
    for _ in range(2000):
        s = 1 / (1 + np.exp(-np.maximum(w * x, -700.0)))
        w -= 0.002 * float(np.mean((s - y) * s * (1 - s) * x))
    assert orbit.status == "done" and orbit.z[-1, 0] == pytest.approx(w, abs=1e-9)

