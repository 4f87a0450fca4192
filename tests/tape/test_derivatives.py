"""Formulas on the tape against SymPy's own derivatives, and branches that must not poison each other."""

from __future__ import annotations

import itertools
import math
import os
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen.compile import compile_rule, parameter_vector
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.symbolic.text.functions import logcosh, sigmoid, softplus
from cfdyn.symbolic.text.lower import lower
from cfdyn.symbolic.text.parse import parse, symbol
from cfdyn.tape.derivatives import directional, hessian, reverse, third
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import UNARY, Program, Tape
from tests.oracles import MP, derivative_tensor, formula

X, Y = symbol("x"), symbol("y")
ALGEBRA = mp_algebra(80)


def _piecewise(a, b, c, d):
    """a where b < c, else d; SymPy turns branches inside a condition into ITE, which no formula may have."""
    if any(sp.sympify(u).has(sp.Piecewise) for u in (b, c)):
        return a + d
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
    found = numbers_of(tape, nodes, (x, y))
    assert len(found) == 6
    for measured, exact in zip(found, expected, strict=True):
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
    "y**(2/3)", "x**-3", "x**7", "Max(x, y, x*y)", "Min(x, y)", "relu(x)*y", "pi*x + E*y", "mod(2.9*x*y, 1) + floor(4.7*y)*x",
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


# -- machine code of random expressions ---------------------------------------------------------------------------

_numbers = itertools.count()


def machine(program: Program):
    """The compiled rule, kept nowhere."""
    name = f"test_derivatives {os.getpid()} {next(_numbers)}"
    return compile_rule(name, len(program.outputs), lambda: program)


def largest_number(tape, nodes, point) -> float:
    """Of all that is computed on the way: round-off is a few units in its last place."""
    order = [n for n in tape.reachable(nodes) if tape.ops[n] not in ("lt", "le", "eq", "and", "or", "not")]
    return float(max(abs(v) for v in map(MP.mpf, numbers_of(tape, order, point)) if MP.isfinite(v)))


@settings(max_examples=150, deadline=None)
@given(expressions, coordinates, coordinates)
def test_machine_code_of_all_derivatives_agrees_with_50_digit_differences(expression, x, y):
    """Gradient, HVP, T[u, v] and third derivatives in (x, y); a gradient step's derivative in its parameter y."""
    point = [MP.mpf(x), MP.mpf(y)]
    assume(expression.has(X) and away_from_switches(expression, point))
    tape, z, node = tape_of(expression)
    u, v = ([tape.leaf("z", 2 * k + i) for i in range(2)] for k in (1, 2))
    gradient = reverse(tape, node, z)
    curvature = directional(tape, [node], z, [u, v])[0]
    nodes = [*gradient, *directional(tape, gradient, z, [u]), *reverse(tape, curvature, z), *third(tape, node, z)]
    lines = np.array([[x, y], [0.6, -1.1], [-0.4, 0.9]])
    scale = largest_number(tape, nodes, lines.ravel().tolist())
    assume(scale < 1e3)
    first, second, cubes = (derivative_tensor(formula(expression, "xy"), [x, y], k) for k in (1, 2, 3))
    exact = [*first, *(second @ lines[1]), *np.einsum("ijk,i,j->k", cubes, *lines[1:]), *cubes.ravel()]
    measured = machine(Program(tape, tuple(nodes), 6, 0))(lines.ravel(), np.empty(0))
    np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-12 * max(scale, 1))
    if expression.has(Y):
        step = cf.as_map(cf.Loss(expression, "x", {"y": y}), cf.optimizers.gd(lr=0.5))
        assert abs(step.parameter_derivative([x], "y")[0] + 0.5 * second[0, 1]) <= 1e-12 * max(scale, 1)


# -- deep networks of switches ------------------------------------------------------------------------------------

LAYERS = {
    "max": lambda t, u, v: t.apply("max", u, v),
    "relu": lambda t, u, v: t.add(v, t.select(t.apply("lt", v, u), t.sub(u, v), t.const(0))),
    "nested select": lambda t, u, v: t.select(t.apply("lt", u, v), t.select(t.apply("lt", u, v), v, u), u),
}


def network(layer: str, depth: int):
    """y₊ = max(a y, b y + c), as an expression of each kind."""
    t = Tape()
    y, a, b, c = leaves = [t.leaf("z", i) for i in range(4)]
    for _ in range(depth):
        y = LAYERS[layer](t, t.mul(a, y), t.add(t.mul(b, y), c))
    return t, leaves, y


def network_by_hand(depth, y, a, b, c):
    """Value and gradient from the rules of the maximum, the derivatives carried along in exact fractions."""
    slope = [Fraction(1), Fraction(0), Fraction(0), Fraction(0)]
    for _ in range(depth):
        assert a * y != b * y + c
        if a * y > b * y + c:
            y, slope = a * y, [a * s + (y if k == 1 else 0) for k, s in enumerate(slope)]
        else:
            y, slope = b * y + c, [b * s + (y if k == 2 else 1 if k == 3 else 0) for k, s in enumerate(slope)]
    return [y, *slope]


NETWORK_POINTS = [
    [Fraction(v, 8) for v in z] for z in ([3, 9, -7, 1], [-5, -9, 6, 3], [2, -3, 11, -1], [7, 8, -9, 5], [1, 4, 4, 9])
]


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_the_gradient_of_a_deep_network_is_that_of_its_branches(layer):
    t, leaves, y = network(layer, 12)
    nodes = [y, *reverse(t, y, leaves)]
    rule, taken = machine(Program(t, tuple(nodes), 4, 0)), set()
    for z in NETWORK_POINTS:
        exact = network_by_hand(12, *z)
        measured = evaluate(Program(t, tuple(nodes), 4, 0), ALGEBRA, list(map(ALGEBRA.constant, z)), [])
        for number, wanted in zip(measured, map(ALGEBRA.constant, exact), strict=True):
            assert abs(number - wanted) <= abs(wanted) * ALGEBRA.functions["number"](10) ** -70
        np.testing.assert_allclose(rule(np.array(z, dtype=float), np.empty(0)), np.array(exact, dtype=float), rtol=1e-13)
        taken.add(exact[4] != 0)
    assert taken == {True, False}


@pytest.mark.parametrize("layer", sorted(LAYERS))
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_a_deep_network_grow_with_its_depth_alone(layer, order):
    def size(depth):
        t, leaves, y = network(layer, depth)
        nodes = reverse(t, y, leaves)
        if order == 2:
            nodes = directional(t, nodes, leaves, [[t.leaf("p", i) for i in range(4)]])
        return len(t.reachable(nodes)), len(t.reachable([y]))

    sizes = {depth: size(depth) for depth in (6, 12, 24, 48)}
    # The same number of nodes for each further layer.
    assert sizes[48][0] - sizes[24][0] == 2 * (sizes[24][0] - sizes[12][0]) == 4 * (sizes[12][0] - sizes[6][0])
    assert all(gradient < 15 * order * value for gradient, value in sizes.values())


def test_a_relu_network_read_from_text_equals_sympy():
    text = "w1*x - w2"
    for k in range(5):
        text = f"relu(w{k % 2 + 1}*({text}) + {k}/4) - x/{k + 3}"
    expression, names = parse(text), ("w1", "w2", "x")
    point = [0.875, -1.25, 1.5]
    loss = cf.Loss(text)
    assert loss.variables == names
    exact = derivative_tensor(formula(expression, names), point, 1)
    assert np.count_nonzero(exact) == 3
    np.testing.assert_allclose(loss.gradient(point), exact, rtol=1e-13)
    exact = derivative_tensor(formula(expression, names), point, 2)
    np.testing.assert_allclose(loss.hessian(point), exact, rtol=1e-13, atol=1e-14)


# -- branches that some rows take, on numbers that all rows share --------------------------------------------------

SHARED = [  # a row's loss, and its first and second derivative in w where x > c and elsewhere
    (
        "Piecewise((x*sqrt(w), x > c), (x*w**2, True))",
        lambda w, x: (x / (2 * w**0.5), -x / (4 * w**1.5)),
        lambda w, x: (2 * x * w, 2 * x),
    ),
    (
        "Piecewise((log(w)**2 + x, x > c), (x*w**3, True))",
        lambda w, x: (2 * np.log(w) / w, (2 - 2 * np.log(w)) / w**2),
        lambda w, x: (3 * x * w**2, 6 * x * w),
    ),
    (
        "Piecewise((x*w*log(w), x > c), (w**2/2, True))",
        lambda w, x: (x * (np.log(w) + 1), x / w),
        lambda w, x: (w + 0 * x, 1 + 0 * x),
    ),
    (
        "w**2*x + Piecewise((sqrt(w)*log(w), x > c), (0, True))",
        lambda w, x: (2 * w * x + (np.log(w) + 2) / (2 * w**0.5), 2 * x - np.log(w) / (4 * w**1.5)),
        lambda w, x: (2 * w * x, 2 * x),
    ),
]


@pytest.mark.parametrize("n_rows", [1, 8, 13])
@pytest.mark.parametrize(("text", "above", "below"), SHARED, ids=[row[0] for row in SHARED])
def test_what_rows_share_counts_only_where_a_row_takes_it(text, above, below, n_rows):
    data = np.linspace(-2, 3, n_rows)[:, None]
    x = data[:, 0]
    for w, c in ((1.7, -5.0), (1.7, 0.4), (1.7, 5.0), (-0.8, 5.0), (-0.8, -5.0)):
        loss = cf.Loss.from_spec(make_loss(text, "w", {"c": c}, ["x"], data=data))
        program = loss_program(loss.spec, "gradient")
        number = ALGEBRA.functions["number"]
        precise = evaluate(program, ALGEBRA, [number(w)], [number(c)], [[number(v)] for v in x.tolist()])
        measured = [loss.gradient([w])[0], loss.hessian([w])[0, 0]]
        if w < 0 and c < 0:
            # A row takes what is not a number.
            assert math.isnan(loss.value([w])) and math.isnan(measured[0]) and not math.isfinite(float(precise[0]))
            continue
        taken = x > c
        parts = [(above(w, x) if w > 0 else below(w, x))[k] for k in (0, 1)]
        exact = [np.where(taken, parts[k], below(w, x)[k] + 0 * x).mean() for k in (0, 1)]
        assert measured == pytest.approx(exact, rel=1e-13, abs=1e-14)
        assert float(precise[0]) == pytest.approx(exact[0], rel=1e-13, abs=1e-14)


def test_a_condition_shared_by_all_rows_guards_what_is_in_them():
    """Where w <= 0 no row needs log(w x), whatever the row; where w > 0 all do."""
    data = np.array([[0.5], [1.5], [4.0]])
    loss = cf.Loss.from_spec(make_loss("Piecewise((log(w*x)**2, w > 0), (w**2*x, True))", "w", {}, ["x"], data=data))
    assert loss.gradient([-2.0])[0] == pytest.approx(-4 * data.mean(), rel=1e-14)
    assert loss.hessian([-2.0])[0, 0] == pytest.approx(2 * data.mean(), rel=1e-14)
    assert loss.gradient([2.0])[0] == pytest.approx(np.log(2 * data).mean(), rel=1e-13)


# -- sums of sums --------------------------------------------------------------------------------------------------


def moments(t: Tape, total, count, row):
    """Variance and kurtosis of sin(w x) + v x²: sums at two and three levels; ``total`` adds row(k) over k."""
    mean = t.div(total(row), count)
    variance = t.div(total(lambda k: t.ipow(t.sub(row(k), mean), 2)), count)
    sigma = t.apply("sqrt", variance)
    fourth = t.div(total(lambda k: t.ipow(t.div(t.sub(row(k), mean), sigma), 4)), count)
    return [variance, fourth]


def test_derivatives_through_sums_of_sums_are_those_of_the_sum_written_out():
    data = np.random.default_rng(8).integers(-64, 64, 11) / 32

    def body(t, w, x):
        return t.add(t.apply("sin", t.mul(w[0], x)), t.mul(w[1], t.ipow(x, 2)))

    looped, written = Tape(), Tape()
    w, x = [looped.leaf("z", i) for i in range(2)], looped.leaf("col", 0)
    sums = moments(looped, lambda f: looped.rowsum(f(None)), looped.leaf("rows"), lambda k: body(looped, w, x))
    v, columns = [written.leaf("z", i) for i in range(2)], [written.const(Fraction(value)) for value in data.tolist()]
    everything, count = range(len(data)), written.const(len(data))
    terms = moments(written, lambda f: written.total(map(f, everything)), count, lambda k: body(written, v, columns[k]))

    def derivatives(t, nodes, leaves):
        found = [n for f in nodes for n in (f, *reverse(t, f, leaves), *sum(hessian(t, f, leaves), []))]
        # Reverse mode twice: the adjoints of sums that are adjoints.
        return found + [n for f in nodes for g in reverse(t, f, leaves) for n in reverse(t, g, leaves)]

    both = ((looped, sums, w), (written, terms, v))
    programs = [Program(t, tuple(derivatives(t, nodes, leaves)), 2, 0, int(t is looped)) for t, nodes, leaves in both]
    z, number = [0.7, -0.3], ALGEBRA.functions["number"]
    a = evaluate(programs[0], ALGEBRA, list(map(number, z)), [], [[number(value)] for value in data.tolist()])
    b = evaluate(programs[1], ALGEBRA, list(map(number, z)), [])
    assert len(a) == len(b) == 22
    for one, other in zip(a, b, strict=True):
        assert abs(one - other) <= number(10) ** -60 * (1 + abs(other))
    for program, p in zip(programs, (parameter_vector([], data[:, None]), np.empty(0)), strict=True):
        np.testing.assert_allclose(machine(program)(np.array(z), p), [float(value) for value in b], rtol=1e-12, atol=1e-12)


def test_the_gradient_of_the_variance_is_the_covariance():
    """∂/∂w of the variance of w x is 2 w times that of x; of w x + v y, twice the covariance with it."""
    rows = np.random.default_rng(9).normal(size=(10, 2))
    t = Tape()
    w, v, x, y, n = t.leaf("z", 0), t.leaf("z", 1), t.leaf("col", 0), t.leaf("col", 1), t.leaf("rows")
    s = t.add(t.mul(w, x), t.mul(v, y))
    variance = t.div(t.rowsum(t.ipow(t.sub(s, t.div(t.rowsum(s), n)), 2)), n)
    rule, z = machine(Program(t, tuple(reverse(t, variance, [w, v])), 2, 0, 2)), np.array([1.3, -0.6])
    np.testing.assert_allclose(rule(z, parameter_vector([], rows)), 2 * np.cov(rows.T, bias=True) @ z, rtol=1e-13)
