"""Difference quotients without cancellation, against the quotient of two values in many digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cfdyn.codegen.compile import compile_rule
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.symbolic.steps import loss_node
from cfdyn.symbolic.text.lower import lower
from cfdyn.symbolic.text.parse import parse
from cfdyn.tape.derivatives import directional
from cfdyn.tape.differences import quotients
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape

FORMULAS = [
    "exp(x)*y", "log(x + 3)", "sin(x*y)", "tan(x/2)", "tanh(3*x)", "sqrt(2 + x*y)", "(x + 2)**(1/3)", "(2 + x)**y", "erf(x)",
    "sigmoid(5*x)", "softplus(x)", "logcosh(x - y)", "log1p(x/2)", "x**7/(1 + y**2)", "(x + 3)**(-3)", "Abs(x - y)*x",
    "Max(x, y)**2 - Min(x, 2*y)", "sinh(x)/cosh(y)", "cos(x)**2", "Piecewise((x**2, x < y), (y**3*x, True))",
]  # fmt: skip
POINT, ALONG = [0.7310585786, -0.3141592653], [0.6, -0.8]
SIZES = [0.3, 1e-2, 4.1e-3, 3.9e-3, 1e-5, 1e-9, 1e-20, 1e-100, 1e-300]


def tape_of(text):
    """The formula of x, y on a tape that reads the point, the direction and the size."""
    tape = Tape()
    z = [tape.leaf("z", i) for i in range(5)]
    return tape, z, lower(tape, parse(text), {"x": z[0], "y": z[1]})


def quotient_of(text):
    tape, z, output = tape_of(text)
    plus, minus, slope = quotients(tape, [output], {z[0]: z[2], z[1]: z[3]}, z[4])
    return Program(tape, (*plus, *minus, *slope), 5, 0)


@pytest.mark.parametrize("text", FORMULAS)
def test_in_doubles_it_keeps_its_digits(text):
    """Every elementary function, for steps from large to far below round-off."""
    rule, algebra = compile_rule(f"quotient of {text}", 3, lambda: quotient_of(text)), mp_algebra(700)
    tape, _, output = tape_of(text)
    value, number = Program(tape, (output,), 5, 0), algebra.functions["number"]
    for size in SIZES:
        plus, minus, slope = rule(np.array([*POINT, *ALONG, size]), np.empty(0))
        x, v, h = [number(a) for a in POINT], [number(a) for a in ALONG], number(size)
        up, down = (evaluate(value, algebra, [a + s * h * b for a, b in zip(x, v)] + [h] * 3, [])[0] for s in (1, -1))
        np.testing.assert_allclose(slope, float((up - down) / (2 * h)), rtol=5e-13)
        np.testing.assert_allclose([plus, minus], [float(up), float(down)], rtol=1e-14)


@pytest.mark.parametrize("text", FORMULAS)
def test_at_size_0_it_is_the_derivative(text):
    tape, z, output = tape_of(text)
    want = compile_rule(f"derivative of {text}", 1, lambda: Program(tape, tuple(directional(tape, [output], z[:2], [z[2:4]])), 5, 0))
    got = compile_rule(f"quotient of {text}", 3, lambda: quotient_of(text))
    at = np.array([*POINT, *ALONG, 0.0])
    np.testing.assert_allclose(got(at, np.empty(0))[2], want(at, np.empty(0))[0], rtol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=5),
       st.floats(-30, 0))  # fmt: skip
def test_polynomials_are_exact(terms, log_size):
    """In 60 digits the two sides of the identity agree to what the subtraction leaves of them."""
    x, y = sp.symbols("x y")
    text = str(sum(c * x**i * y**j for c, i, j in terms))
    assume("x" in text and "y" in text)
    algebra = mp_algebra(60)
    at = [algebra.functions["number"](v) for v in (*POINT, *ALONG, 10.0**log_size)]
    plus, minus, slope = evaluate(quotient_of(text), algebra, at, [])
    assert abs(slope - (plus - minus) / (2 * at[4])) < 1e-25


def test_across_a_kink_it_is_the_quotient_of_the_values():
    """|x| and sign x on both sides of 0, where no slope of a branch would do."""
    for text, want in (("Abs(x)*y", 0.3 / 0.4 * 2), ("sign(x)", 1 / 0.4), ("Heaviside(x)*y", 2 / 0.8),
                       ("Max(x, 0)", 0.7 / 0.8), ("Piecewise((1, x < 0), (3, True))", 2 / 0.8)):  # fmt: skip
        rule = compile_rule(f"quotient of {text}", 3, lambda text=text: quotient_of(text))
        np.testing.assert_allclose(rule(np.array([0.3, 2.0, 1.0, 0.0, 0.4]), np.empty(0))[2], want, rtol=1e-14)


def test_sums_over_data_rows():
    """The quotient of a mean over rows is the mean of the quotients."""
    rows = np.array([[0.5, 1.0], [-1.5, 0.3], [2.0, -0.7]])
    spec = make_loss("logcosh(w*a - b) + w**3*b", ["w"], {}, ["a", "b"], data=rows)
    tape = Tape()
    w, h = tape.leaf("z", 0), tape.leaf("z", 1)
    slope = quotients(tape, [loss_node(tape, spec, [w], {})], {w: tape.const(1)}, h)[2]
    algebra = mp_algebra(60)
    number = algebra.functions["number"]
    data = [[number(v) for v in row] for row in rows.tolist()]
    got = evaluate(Program(tape, tuple(slope), 2, 0, 2), algebra, [number(0.4), number(0.3)], [], data)[0]
    values = [evaluate(loss_program(spec, "value"), algebra, [number(0.4) + s * number(0.3)], [], data)[0] for s in (1, -1)]
    assert mpmath.almosteq(got, (values[0] - values[1]) / number(0.6), rel_eps=1e-40)
