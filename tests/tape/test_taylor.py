"""Taylor series of programs against SymPy, mpmath's differences, closed forms and `directional`."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cfdyn.symbolic.text.functions import logcosh, sigmoid, softplus
from cfdyn.symbolic.text.lower import lower
from cfdyn.symbolic.text.parse import parse, symbol
from cfdyn.tape.derivatives import directional, reverse
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import BINARY, UNARY, Program, Tape
from cfdyn.tape.taylor import taylor
from tests.oracles import MP, formula

ALGEBRA = mp_algebra(60)
NUMBER = ALGEBRA.functions["number"]
S = sp.Symbol("s", real=True)


def values_of(tape, nodes, z=(), p=(), rows=()):
    """The numbers of some nodes at 60 digits."""
    def exact(line):
        return [NUMBER(v) if not isinstance(v, Fraction) else ALGEBRA.constant(v) for v in line]

    table = [exact(row) for row in rows]
    width = len(table[0]) if table else 0
    program = Program(tape, tuple(nodes), len(z), len(p), width)
    return [MP.mpf(v) for v in evaluate(program, ALGEBRA, exact(z), exact(p), table)]


def constants(tape, numbers):
    return [tape.const(Fraction(v)) for v in numbers]


def assert_close(measured, exact, digits=50):
    assert len(measured) > 1
    for a, b in zip(measured, exact, strict=True):
        assert abs(a - MP.mpf(b)) <= MP.mpf(10) ** -digits * (1 + abs(MP.mpf(b))), (measured, exact)


# -- every operation against SymPy ----------------------------------------------------------------

# Two curves, neither straight nor through a switch; u and w stay positive and below 1.
U = [Fraction(2, 5), Fraction(3, 7), Fraction(-1, 3), Fraction(1, 11)]
W = [Fraction(7, 10), Fraction(-2, 9), Fraction(5, 8)]
FUNCTIONS = {
    **{name: getattr(sp, name) for name in "exp log sin cos tan sinh cosh tanh sqrt erf".split()},
    "abs": sp.Abs, "sign": sp.sign, "heaviside": sp.Heaviside, "log1p": lambda u: sp.log(1 + u),
    "sigmoid": lambda u: 1 / (1 + sp.exp(-u)), "softplus": lambda u: sp.log(1 + sp.exp(u)),
    "logcosh": lambda u: sp.log(sp.cosh(u)), "floor": lambda u: sp.floor(u.subs(S, 0)),
    "sech2": lambda u: 1 / sp.cosh(u) ** 2,
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b, "max": lambda a, b: b, "min": lambda a, b: a,
}  # fmt: skip
CONDITIONS = {"lt": True, "le": True, "eq": False, "and": True, "or": True, "not": False}


def series_of(curve):
    return sum(sp.Rational(c.numerator, c.denominator) * S**k for k, c in enumerate(curve))


def derivatives_over_factorials(expression, order):
    result = []
    for k in range(order + 1):
        at_zero = (sp.diff(expression, S, k) if k else expression).replace(sp.DiracDelta, lambda *a: sp.Integer(0))
        result.append(MP.mpf(formula(at_zero / sp.factorial(k), ["s"])(MP.mpf(0))))
    return result


@pytest.mark.parametrize("op", sorted(FUNCTIONS))
def test_series_of_every_function_is_that_of_sympy(op):
    t = Tape()
    z = [t.leaf("z", 0), t.leaf("z", 1)][: 2 if op in BINARY else 1]
    curves = [constants(t, c) for c in (U, W)]
    [series] = taylor(t, [t.apply(op, *z)], dict(zip(z, curves, strict=False)), 6)
    exact = FUNCTIONS[op](*[series_of(c) for c in (U, W)][: len(z)])
    assert_close(values_of(t, series), derivatives_over_factorials(exact, 6))


@pytest.mark.parametrize("op", sorted(CONDITIONS))
def test_series_behind_every_condition_is_that_of_its_branch(op):
    t = Tape()
    u, w = t.leaf("z", 0), t.leaf("z", 1)
    less = t.apply("lt", u, w)
    other = t.apply("le", u, t.const(2))
    arguments = {"and": (less, other), "or": (t.apply("not", less), other), "not": (less,)}.get(op, (u, w))
    node = t.select(t.apply(op, *arguments), t.mul(u, w), t.div(u, w))
    [series] = taylor(t, [node], {u: constants(t, U), w: constants(t, W)}, 5)
    a, b = series_of(U), series_of(W)
    assert_close(values_of(t, series), derivatives_over_factorials(a * b if CONDITIONS[op] else a / b, 5))


def test_no_operation_lacks_a_series_test():
    assert set(FUNCTIONS) | set(CONDITIONS) == UNARY | BINARY


@pytest.mark.parametrize("text", ["x**7", "x**2", "x**-1", "x**-5", "x**(1/2)", "x**(-1/2)", "x**(7/3)", "x**(-2/3)", "3**x",
                                  "x**x", "-x/3 + 2", "pi*x**3 + E", "x**12", "(x**2 + x)**3"])  # fmt: skip
def test_series_of_powers_is_that_of_sympy(text):
    t = Tape()
    x = t.leaf("z", 0)
    [series] = taylor(t, [lower(t, parse(text), {"x": x})], {x: constants(t, U)}, 6)
    exact = parse(text).subs(symbol("x"), series_of(U))
    assert_close(values_of(t, series), derivatives_over_factorials(exact, 6))


# -- random expressions along random curves -------------------------------------------------------

X, Y = symbol("x"), symbol("y")
outer = [sp.sin, sp.tanh, sigmoid, softplus, logcosh, sp.erf, sp.Abs, lambda u: u * sp.sign(u), lambda u: u**3, lambda u: -u / 2,
         lambda u: sp.exp(-(u**2)), lambda u: sp.sqrt(1 + u**2), lambda u: sp.log(1 + u**2), lambda u: 1 / (2 + sp.cos(u)),
         lambda u: (1 + u**2) ** sp.Rational(-4, 3), lambda u: (2 + sp.sin(u)) ** u]  # fmt: skip
two = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, sp.Max, sp.Min, lambda a, b: a / (1 + b**2)]
random_expressions = st.recursive(
    # No integers: a quotient of two would be a float in the reference.
    st.sampled_from([X, Y, X, Y, sp.Rational(-9, 4), sp.Rational(7, 5)]),
    lambda e: st.one_of(
        st.builds(lambda f, a: f(a), st.sampled_from(outer), e),
        st.builds(lambda f, a, b: f(a, b), st.sampled_from(two), e, e),
        st.builds(lambda a, b, c, d: sp.Piecewise((a, sp.Lt(b, c)), (d, True)), e, e, e, e),
    ),
    max_leaves=6,
).filter(lambda e: e.free_symbols and not e.has(sp.ITE))  # SymPy makes ITE of a Piecewise within a condition.
random_curves = st.lists(st.sampled_from([Fraction(5, 7), Fraction(-4, 3), Fraction(2, 9), Fraction(0)]), min_size=1, max_size=4)


def switches_of(expression):
    """Everything whose sign decides a branch."""
    found = [r.lhs - r.rhs for r in expression.atoms(sp.core.relational.Relational)]
    found += [f.args[0] for f in expression.atoms(sp.Abs, sp.sign)]
    return found + [a - b for f in expression.atoms(sp.Max, sp.Min) for a in f.args for b in f.args if a is not b]


@settings(max_examples=150, deadline=None)
@given(random_expressions, random_curves, random_curves)
def test_series_of_random_expressions_agree_with_differences(expression, a, b):
    # Irrational starts: no switch is met by accident.
    curves = [[Fraction("0.7310585786") + a[0], *a[1:]], [Fraction("-0.3141592653") + b[0], *b[1:]]]

    def along(function):
        paths = [[MP.mpf(c.numerator) / c.denominator for c in reversed(curve)] for curve in curves]
        return lambda s: function(*(MP.polyval(path, s) for path in paths))

    assume(all(abs(along(formula(g, "xy"))(MP.mpf(0))) > 1e-3 for g in switches_of(expression)))
    MP.dps = 160
    try:
        exact = MP.taylor(along(formula(expression, "xy")), 0, 4)
    finally:
        MP.dps = 80
    assume(max(map(abs, exact)) < 1e12)
    t = Tape()
    z = [t.leaf("z", 0), t.leaf("z", 1)]
    node = lower(t, expression, dict(zip("xy", z, strict=True)))
    [series] = taylor(t, [node], {u: constants(t, c) for u, c in zip(z, curves, strict=True)}, 4)
    assert_close(values_of(t, series), exact, digits=40)


@settings(max_examples=60, deadline=None)
@given(random_expressions, random_curves.filter(any), random_curves.filter(any))
def test_series_along_a_line_are_directional_derivatives(expression, v, w):
    """k! c_k = Dᵏ F[v, …, v]."""
    t = Tape()
    z, directions = [t.leaf("z", 0), t.leaf("z", 1)], constants(t, [v[0], w[0]])
    node = lower(t, expression, dict(zip("xy", z, strict=True)))
    [series] = taylor(t, [node], {u: [u, d] for u, d in zip(z, directions, strict=True)}, 3)
    point = [Fraction("0.7310585786"), Fraction("-1.23456789")]
    slopes = [directional(t, [node], z, [directions] * k)[0] for k in range(4)]
    scaled = [math.factorial(k) * c for k, c in enumerate(values_of(t, series, point))]
    assert_close(scaled, values_of(t, slopes, point), digits=45)


# -- composition and closed forms -----------------------------------------------------------------

PLANE_MAP = ["1 - 1.4*x**2 + tanh(y)", "0.3*x/(1 + y**2) + Max(x, y)*exp(-x)"]


def plane_map(t, x, y):
    return [lower(t, parse(text), {"x": x, "y": y}) for text in PLANE_MAP]


def test_the_series_of_an_iterate_is_fed_by_the_series_before():
    t = Tape()
    z, v = [t.leaf("z", 0), t.leaf("z", 1)], [t.leaf("p", 0), t.leaf("p", 1)]
    once = plane_map(t, *z)
    whole = taylor(t, plane_map(t, *plane_map(t, *once)), {a: [a, b] for a, b in zip(z, v, strict=True)}, 6)
    stepwise = [[a, b] for a, b in zip(z, v, strict=True)]
    for _ in range(3):
        stepwise = taylor(t, once, dict(zip(z, stepwise, strict=True)), 6)
    at = ([Fraction(3, 10), Fraction(-1, 5)], [Fraction(2, 3), Fraction(-3, 2)])
    assert len(whole) == 2
    for a, b in zip(stepwise, whole, strict=True):
        assert_close(values_of(t, a, *at), values_of(t, b, *at))


@pytest.mark.slow
def test_the_series_of_a_gradient_step_with_its_learning_rate_moving_too():
    t = Tape()
    x, lr = t.leaf("z", 0), t.leaf("p", 0)
    text = "logcosh(x) + x**2/9 + exp(-x**4)"
    step = t.sub(x, t.mul(lr, reverse(t, lower(t, parse(text), {"x": x}), [x])[0]))
    [series] = taylor(t, [step], {x: constants(t, U), lr: constants(t, W)}, 5)
    slope = sp.diff(parse(text), X).subs(X, series_of(U))
    assert_close(values_of(t, series), derivatives_over_factorials(series_of(U) - series_of(W) * slope, 5))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_logistic_iterates_have_their_closed_form(n):
    """x ↦ 4x(1 − x) is sin²θ ↦ sin²2θ, so n steps are sin²(2ⁿ arcsin √x), a polynomial of degree 2ⁿ."""
    t = Tape()
    x = t.leaf("z", 0)
    step = t.mul(t.const(4), t.mul(x, t.sub(t.const(1), x)))
    curve = [x, t.const(1)]
    for _ in range(n):
        [curve] = taylor(t, [step], {x: curve}, 9)
    start, s = sp.Rational(3, 11), sp.Symbol("s")
    # sin²(mθ) = (1 − T_m(1 − 2 sin²θ))/2.
    exact = sp.Poly((1 - sp.chebyshevt(2**n, 1 - 2 * (start + s))) / 2, s).all_coeffs()[::-1]
    wanted = [MP.mpf(c.p) / c.q for c in exact] + [0] * (10 - len(exact))
    assert_close(values_of(t, curve, [Fraction(3, 11)]), wanted[:10])


TANGENT = sp.series(sp.tan(S), S, 0, 31).removeO()
CLOSED_FORMS = {
    "exp": (lambda t, x: t.apply("exp", x), lambda k: Fraction(1, math.factorial(k))),
    "geometric": (lambda t, x: t.div(t.const(1), t.sub(t.const(1), x)), lambda k: Fraction(1)),
    "tan": (lambda t, x: t.apply("tan", x), lambda k: Fraction(str(TANGENT.coeff(S, k)))),
    "log1p": (lambda t, x: t.apply("log1p", x), lambda k: Fraction((-1) ** (k + 1), k) if k else Fraction(0)),
    "power": (lambda t, x: t.ipow(t.add(t.const(1), x), 40), lambda k: Fraction(math.comb(40, k))),
}


@pytest.mark.parametrize("name", sorted(CLOSED_FORMS))
def test_thirty_coefficients_in_closed_form(name):
    build, coefficient = CLOSED_FORMS[name]
    t = Tape()
    x = t.leaf("z", 0)
    [series] = taylor(t, [build(t, x)], {x: [x, t.const(1)]}, 30)
    exact = [MP.mpf(c.numerator) / c.denominator for c in map(coefficient, range(31))]
    assert_close(values_of(t, series, [0]), exact)


# -- branches and zeros ---------------------------------------------------------------------------

KINKED_SERIES = [  # formula, point, coefficients 0…3
    ("Piecewise((sqrt(x), x > 0), (0, True))", -1, [0, 0, 0, 0]),
    ("Piecewise((sqrt(x), x > 0), (x**2, True))", 0, [0, 0, 1, 0]),
    ("Piecewise((sqrt(x), x > 0), (0, True))", 4, [2, 1 / 4, -1 / 64, 1 / 512]),
    ("Piecewise((x*log(x), x > 0), (x**2, True))", -3, [9, -6, 1, 0]),
    ("x*Piecewise((1/x, x > 1), (x**2, True))**2 + x", 0, [0, 1, 0, 0]),
    ("Piecewise((x**(-1/3), x > 0), (x**x, x > 1), (1 + x, True))*x", 0, [0, 1, 1, 0]),
    ("Abs(x)**3", -2, [8, -12, 6, -1]),
    ("Abs(x)", 0, [0, 0, 0, 0]),
    ("relu(x) + x*Heaviside(x) + sign(x)", 0, [0, 1 / 2, 0, 0]),
    ("Max(x**2, x)", 1, [1, 1, 0, 0]),
    ("Min(x**2, x)", 1 / 2, [1 / 4, 1, 1, 0]),
    ("x**7 - x**3", 0, [0, 0, 0, -1]),
    ("x**3.5 + x", 0, [0, 1, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point", "exact"), KINKED_SERIES)
def test_series_take_the_branch_of_the_constant_term(text, point, exact):
    t = Tape()
    x = t.leaf("z", 0)
    [series] = taylor(t, [lower(t, parse(text), {"x": x})], {x: [x, t.const(1)]}, 3)
    assert_close(values_of(t, series, [point]), exact)


@pytest.mark.parametrize("op", ["max", "min"])
def test_a_tie_is_broken_as_by_forward(op):
    t = Tape()
    x = t.leaf("z", 0)
    a, b = t.ipow(x, 2), t.sub(t.mul(t.const(2), x), t.const(1))
    for node in (t.apply(op, a, b), t.apply(op, x, t.ipow(x, 3)), t.apply(op, t.ipow(x, 5), x)):
        [series] = taylor(t, [node], {x: [x, t.const(1)]}, 2)
        slopes = [directional(t, [node], [x], [[t.const(1)]] * k)[0] for k in (1, 2)]
        first, second = values_of(t, slopes, [1])
        assert values_of(t, series, [1]) == [1, first, second / 2]


def test_powers_with_an_exponent_known_only_at_run_time():
    t = Tape()
    x, a = t.leaf("z", 0), t.leaf("p", 0)
    [series] = taylor(t, [t.pow(x, a)], {x: [x, t.const(1)]}, 3)
    assert_close(values_of(t, series, [-2], [5]), [-32, 80, -80, 40])
    assert_close(values_of(t, series, [9], [1.5]), [27, 4.5, 0.125, MP.mpf(-1) / 432])
    assert_close(values_of(t, series, [0], [3.5]), [0, 0, 0, 0])
    # The exponent as the curve: 2^(3 + s).
    [series] = taylor(t, [t.pow(x, a)], {a: [a, t.const(1)]}, 3)
    assert_close(values_of(t, series, [2], [3]), [8 * MP.log(2) ** k / math.factorial(k) for k in range(4)])


def test_what_does_not_move_has_the_constant_zero_for_coefficients():
    t = Tape()
    x, y = t.leaf("z", 0), t.leaf("z", 1)
    still = t.apply("tanh", t.mul(y, t.leaf("p", 0)))
    before = len(t)
    assert taylor(t, [still], {x: [x, t.const(1)]}, 4) == [[still] + [t.const(0)] * 4]
    assert taylor(t, [still], {}, 2) == [[still, t.const(0), t.const(0)]]
    assert taylor(t, [x, still], {x: [still]}, 1) == [[still, t.const(0)]] * 2
    assert len(t) <= before + 2
    # Neither do coefficients beyond the order.
    assert taylor(t, [t.apply("exp", x)], {x: [x, t.const(0), y]}, 1)[0][1] == t.const(0)


# -- sums over data, long programs ----------------------------------------------------------------


def test_series_of_a_sum_over_rows_equals_the_sum_written_out():
    rows = [[Fraction(k, 8), Fraction(3 - k, 5)] for k in (-7, -2, 1, 6)]
    curves = [[Fraction(1, 3), Fraction(2, 7), Fraction(-1, 2)], [Fraction(-5, 4), Fraction(1), Fraction(1, 9)]]

    def loss(t, w, b, x, label):
        score = t.add(t.mul(w, x), b)
        margin = t.apply("max", t.sub(t.const(1), t.mul(label, score)), t.const(0))
        return t.add(t.apply("softplus", score), t.add(t.ipow(margin, 2), t.mul(w, label)))

    t = Tape()
    w, b = t.leaf("z", 0), t.leaf("z", 1)
    given_curves = {w: constants(t, curves[0]), b: constants(t, curves[1])}
    body = loss(t, w, b, t.leaf("col", 0), t.leaf("col", 1))
    looped = t.apply("tanh", t.div(t.rowsum(body), t.leaf("rows")))
    written = t.apply("tanh", t.div(t.total(loss(t, w, b, *constants(t, row)) for row in rows), t.const(len(rows))))
    measured, exact = taylor(t, [looped, written], given_curves, 5)
    assert_close(values_of(t, measured, rows=rows), values_of(t, exact))
    # The loop stays a loop: one sum for each order.
    sums = [n for n in t.reachable(measured) if t.ops[n] == "rowsum"]
    assert len(sums) <= 2 * 6


def test_a_column_may_move():
    t = Tape()
    w, x = t.leaf("z", 0), t.leaf("col", 0)
    [series] = taylor(t, [t.rowsum(t.apply("exp", t.mul(w, x)))], {x: [x, t.const(1)]}, 3)
    exact = [MP.fsum(MP.exp(3 * MP.mpf(v)) for v in (0, 1, 2)) * MP.mpf(3) ** k / math.factorial(k) for k in range(4)]
    assert_close(values_of(t, series, [3], rows=[[0], [1], [2]]), exact)


@pytest.mark.slow
def test_deep_formulas_need_no_recursion():
    t = Tape()
    x = node = t.leaf("z", 0)
    for _ in range(3000):
        node = t.add(t.mul(t.const(Fraction(1, 2)), t.apply("sin", node)), t.apply("sqrt", t.add(node, t.const(1))))
    depth = len(t)
    assert depth > 12000
    [series] = taylor(t, [node], {x: [x, t.const(1)]}, 3)
    assert len(t) < 40 * depth
    slopes = [node, *(directional(t, [node], [x], [[t.const(1)]] * k)[0] for k in (1, 2))]
    measured = values_of(t, series, [Fraction(1, 10)])
    exact = values_of(t, slopes, [Fraction(1, 10)])
    for k, (a, b) in enumerate(zip(measured[:3], exact, strict=True)):
        assert abs(a - b / math.factorial(k)) <= abs(b) * MP.mpf(10) ** -45
    assert MP.isfinite(measured[3])


def test_the_cost_grows_with_the_square_of_the_order():
    t = Tape()
    z = [t.leaf("z", i) for i in range(3)]
    layer = z
    for depth in range(3):
        layer = [t.apply("tanh", t.dot([t.leaf("p", 9 * depth + 3 * i + j) for j in range(3)], layer)) for i in range(3)]

    def size(order):
        copy = {u: [u, t.leaf("p", 90 + i)] for i, u in enumerate(z)}
        return len(t.reachable(node for series in taylor(t, layer, copy, order) for node in series))

    assert size(16) < 4.5 * size(8)
    assert size(8) < (9 / 2) ** 2 * size(1)
