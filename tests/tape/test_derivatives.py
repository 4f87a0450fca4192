"""Formulas on the tape against SymPy's own derivatives, and branches that must not poison each other."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen.compile import compile_rule
from cfdyn.symbolic.functions import logcosh, sigmoid, softplus
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.lower import lower
from cfdyn.symbolic.oracle import loss_program
from cfdyn.symbolic.parse import parse, symbol
from cfdyn.tape.derivatives import hessian, reverse, third
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import UNARY, Program, Tape
from tests.oracles import MP, formula

X, Y = symbol("x"), symbol("y")
ALGEBRA = mp_algebra(80)


def _piecewise(a, b, c, d):
    return sp.Piecewise((a, sp.Lt(b, c)), (d, True))


smooth = [sp.sin, sp.cos, sp.tanh, sigmoid, softplus, logcosh, sp.erf, lambda u: sp.exp(-(u**2)),
          lambda u: sp.sqrt(1 + u**2), lambda u: sp.log(1 + u**2), lambda u: 1 / (2 + sp.cos(u)), lambda u: u**2, lambda u: -u, lambda u: u**3 / 3]  # fmt: skip
kinked = [sp.Abs, lambda u: u * sp.sign(u), lambda u: u * sp.Heaviside(u)]
pairs = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, sp.Max, sp.Min]
numbers = st.sampled_from([sp.Integer(1), sp.Integer(-2), sp.Rational(1, 3), sp.Rational(-7, 5)])
expressions = st.recursive(
    st.one_of(st.sampled_from([X, Y, X, Y]), numbers),
    lambda t: st.one_of(
        st.builds(lambda f, a: f(a), st.sampled_from(smooth + kinked), t),
        st.builds(lambda f, a, b: f(a, b), st.sampled_from(pairs), t, t),
        st.builds(_piecewise, t, t, t, t),
    ),
    max_leaves=6,
)
coordinates = st.sampled_from([0.7310585786, -1.23456789, 1.9182736455, -0.3141592653])


def tape_of(expression):
    tape = Tape()
    z = [tape.leaf("z", 0), tape.leaf("z", 1)]
    return tape, z, lower(tape, expression, {"x": z[0], "y": z[1]})


def numbers_of(tape, nodes, point):
    return evaluate(Program(tape, tuple(nodes), 2, 0), ALGEBRA, [ALGEBRA.functions["number"](v) for v in point], [])


def away_from_switches(expression, point) -> bool:
    """No comparison in the expression is close to a tie."""
    gaps = [r.lhs - r.rhs for r in expression.atoms(sp.core.relational.Relational)]
    gaps += [a for f in expression.atoms(sp.Abs, sp.sign, sp.Heaviside) for a in f.args[:1]]
    gaps += [a - b for f in expression.atoms(sp.Max, sp.Min) for a in f.args for b in f.args if a is not b]
    return all(abs(formula(g, "xy")(*point)) > 1e-6 for g in gaps)


@settings(max_examples=120, deadline=None)
@given(expressions, coordinates, coordinates)
def test_value_gradient_and_hessian_agree_with_sympy(expression, x, y):
    assume(expression.free_symbols)
    point = [MP.mpf(x), MP.mpf(y)]
    assume(away_from_switches(expression, point))
    wanted = [expression, *(sp.diff(expression, s) for s in (X, Y))]
    wanted += [sp.diff(expression, s, t) for s, t in ((X, X), (X, Y), (Y, Y))]
    # Dirac's delta belongs to the switches, which the point avoids.
    wanted = [w.replace(sp.DiracDelta, lambda *a: sp.Integer(0)) for w in map(sp.sympify, wanted)]
    assume(not any(w.has(sp.Derivative, sp.Subs, sp.zoo, sp.nan) for w in wanted))
    expected = [MP.mpf(formula(w, "xy")(*point)) for w in wanted]
    assume(max(map(abs, expected)) < 1e12)
    tape, z, node = tape_of(expression)
    second = hessian(tape, node, z)
    nodes = [node, *reverse(tape, node, z), second[0][0], second[0][1], second[1][1]]
    for measured, exact in zip(numbers_of(tape, nodes, (x, y)), expected, strict=True):
        assert abs(MP.mpf(measured) - exact) <= MP.mpf(10) ** -55 * (1 + abs(exact)), expression


@settings(max_examples=60, deadline=None)
@given(expressions, coordinates, coordinates)
def test_mixed_partials_are_symmetric(expression, x, y):
    assume(away_from_switches(expression, [MP.mpf(x), MP.mpf(y)]))
    tape, z, node = tape_of(expression)
    gradient = reverse(tape, node, z)
    xy, yx = reverse(tape, gradient[0], z)[1], reverse(tape, gradient[1], z)[0]
    a, b = (MP.mpf(v) for v in numbers_of(tape, [xy, yx], (x, y)))
    assert abs(a - b) <= MP.mpf(10) ** -55 * (1 + abs(a))


EVERY_FUNCTION = [
    "exp(x)", "log(y)", "sin(x*y)", "cos(x)", "tan(x)", "sinh(x)", "cosh(y)", "tanh(x)", "sqrt(y)", "Abs(x)*x**2",
    "x*sign(x)", "x**2*Heaviside(x - y)", "log1p(y)", "erf(x)", "sigmoid(x)", "softplus(y*x)", "logcosh(x + y)", "y**x",
    "y**(2/3)", "x**-3", "x**7", "Max(x, y, x*y)", "Min(x, y)", "relu(x)*y", "pi*x + E*y",
    "Piecewise((x**3, x < y), (y**2, x > 2*y), (x, True))",
]  # fmt: skip


def test_machine_code_equals_high_precision_for_every_function():
    """All functions in one rule, and their first derivatives in another."""
    tape = Tape()
    z = [tape.leaf("z", 0), tape.leaf("z", 1)]
    nodes = [lower(tape, parse(t), {"x": z[0], "y": z[1]}) for t in EVERY_FUNCTION]
    slopes = [s for n in nodes for s in reverse(tape, n, z)]
    assert {tape.ops[n] for n in range(len(tape))} >= UNARY - {"not"}
    for kind, wanted in (("values", nodes), ("slopes", slopes)):
        program = Program(tape, tuple(wanted), 2, 0)
        rule = compile_rule(f"every function: {kind}: {EVERY_FUNCTION}", len(wanted), lambda program=program: program)
        for point in ([-0.6, 1.3], [0.4, 0.15], [1.2, 2.5]):
            exact = [float(v) for v in numbers_of(tape, wanted, point)]
            np.testing.assert_allclose(rule(np.array(point), np.empty(0)), exact, rtol=2e-14, atol=1e-15)


# -- a branch that is not taken has no say ------------------------------------------------------------------------

POISONED = [  # formula, point, value, first, second derivative
    ("Piecewise((sqrt(x), x > 0), (0, True))", -1.0, 0.0, 0.0, 0.0),
    ("Piecewise((sqrt(x), x > 0), (0, True))", 0.0, 0.0, 0.0, 0.0),
    ("Piecewise((sqrt(x), x > 0), (0, True))", 4.0, 2.0, 0.25, -1 / 32),
    ("Piecewise((x*log(x), x > 0), (x**2, True))", -3.0, 9.0, -6.0, 2.0),
    ("Piecewise((exp(x), x < 1), (x**3, True))", 1000.0, 1e9, 3e6, 6e3),
    ("x*Piecewise((1/x, x > 1), (x**2, True))**2 + x", 0.0, 0.0, 1.0, 0.0),
    ("exp(-Piecewise((log(x)**2, x > 0), (x, True)))", -1.0, math.e, -math.e, math.e),
    ("Piecewise((1, x < 0), (Piecewise((log(x - 2), x > 2), (x**2, True)), True))", 1.5, 2.25, 3.0, 2.0),
    ("Piecewise((log(-x), x < 0), (log(x), x > 0), (7, True))", 0.0, 7.0, 0.0, 0.0),
    ("Max(x, 0)**2 + Piecewise((sqrt(x - 1), x > 1), (0, True))", 0.5, 0.25, 1.0, 2.0),
]


@pytest.mark.parametrize(("text", "x", "value", "first", "second"), POISONED)
def test_untaken_branches_do_not_leak(text, x, value, first, second):
    tape = Tape()
    z = tape.leaf("z", 0)
    node = lower(tape, parse(text), {"x": z})
    nodes = [node, *reverse(tape, node, [z]), *hessian(tape, node, [z])[0], *third(tape, node, [z])]
    result = evaluate(Program(tape, tuple(nodes), 1, 0), ALGEBRA, [ALGEBRA.functions["number"](x)], [])
    assert [float(v) for v in result[:3]] == pytest.approx([value, first, second], rel=1e-15, abs=1e-15)
    assert math.isfinite(float(result[3]))


@pytest.mark.parametrize("index", [0, 3, 5, 6])
def test_untaken_branches_do_not_leak_from_machine_code(index):
    text, x, value, first, second = POISONED[index]
    loss = cf.Loss(text)
    measured = [loss.value([x]), loss.gradient([x])[0], loss.hessian([x])[0, 0]]
    assert measured == pytest.approx([value, first, second], rel=1e-14, abs=1e-15)


def test_conventions_at_the_switch():
    """sign(0) = 0, Heaviside(0) = ½, relu′(0) = 0, |x|′(0) = 0."""
    tape = Tape()
    z = tape.leaf("z", 0)
    nodes = [lower(tape, parse(t), {"x": z}) for t in ("sign(x)", "Heaviside(x)", "relu(x)", "Abs(x)")]
    slopes = [reverse(tape, n, [z])[0] for n in nodes[2:]]
    result = evaluate(Program(tape, (*nodes, *slopes), 1, 0), ALGEBRA, [ALGEBRA.functions["number"](0)], [])
    assert [float(v) for v in result] == [0.0, 0.5, 0.0, 0.0, 0.0, 0.0]


def test_a_loss_on_data_equals_the_sum_written_out():
    # Multiples of 1/64: the same in binary and in the text.
    data = np.random.default_rng(5).integers(-200, 200, (6, 2)) / 64
    text = "softplus(a*x*w + b) - label*w*x + Max(w - x, label)**2 + w**2*b"
    spec = make_loss(text, "w b", {"a": 1.3}, ["x", "label"], data=data)
    values = [{"x": f"({x!r})", "label": f"({label!r})"} for x, label in data.tolist()]
    terms = [re.sub(r"\b(x|label)\b", lambda m, row=row: row[m[0]], text) for row in values]
    written = make_loss("(" + " + ".join(terms) + ")/6", "w b", {"a": 1.3})
    assert written.columns == ()
    number = ALGEBRA.functions["number"]
    z, p = [number(0.37), number(-1.4)], [number(1.3)]
    rows = [[number(v) for v in row] for row in data.tolist()]
    for what in ("value", "gradient", "hessian", "third"):
        looped = evaluate(loss_program(spec, what), ALGEBRA, z, p, rows)
        unrolled = evaluate(loss_program(written, what), ALGEBRA, z, p)
        for a, b in zip(looped, unrolled, strict=True):
            assert abs(a - b) <= number(10) ** -60 * (1 + abs(b))


def test_a_number_beyond_the_floats_is_refused():
    with pytest.raises(cf.CfdynError, match="beyond the range"):
        cf.Loss("w*10**400 + w**2").value([1.0])


def test_values_outside_the_domain_are_nan():
    loss = cf.Loss("log(w) + w")
    assert math.isnan(loss.value([-1.0]))
    program = loss_program(loss.spec, "value")
    assert not math.isfinite(float(evaluate(program, ALGEBRA, [ALGEBRA.functions["number"](-1)], [])[0]))
