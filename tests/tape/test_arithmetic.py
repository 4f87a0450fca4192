"""The tape's simplifications keep every value: exact rational arithmetic against a plain recursion."""

from __future__ import annotations

import operator
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cfdyn.tape.derivatives import forward, hessian, jacobian, reverse, third
from cfdyn.tape.evaluate import Algebra, evaluate
from cfdyn.tape.program import Program, Tape

EXACT = Algebra(
    constant=lambda f: f,
    functions={
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
        "ipow": operator.pow, "max": max, "min": min, "abs": abs, "sign": lambda x: Fraction((x > 0) - (x < 0)),
        "lt": operator.lt, "le": operator.le, "not": operator.not_, "and": operator.and_, "or": operator.or_, "select": lambda c, a, b: a if c else b,
    },
    pi=None,
    e=None,
)  # fmt: skip
fractions = st.fractions(-3, 3, max_denominator=7)
leaves = st.one_of(st.sampled_from("xy"), fractions)
trees = st.recursive(
    leaves,
    lambda t: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div", "max", "min"]), t, t),
        st.tuples(st.sampled_from(["neg", "abs"]), t),
        st.tuples(st.just("ipow"), t, st.sampled_from([-2, -1, 0, 2, 3])),
        st.tuples(st.just("select"), t, t, t, t),
    ),
    max_leaves=12,
)


class Dual:
    """A rational number with its derivative; `None` as derivative at a switch, where there is none."""

    def __init__(self, value, slope=Fraction(0)):
        self.value, self.slope = Fraction(value), slope


def dual(tree, x: Dual, y: Dual) -> Dual:
    """The value and derivative of a tree by the rules of calculus, straight from its shape."""
    if isinstance(tree, str):
        return x if tree == "x" else y
    if isinstance(tree, Fraction):
        return Dual(tree)
    op, *rest = tree
    if op == "ipow":
        a, n = dual(rest[0], x, y), rest[1]
        if n == 0:
            return Dual(1)
        return Dual(a.value**n, n * a.value ** (n - 1) * a.slope)
    args = [dual(t, x, y) for t in rest]
    a, b = args[0], args[-1]
    if op in ("max", "min", "select"):
        assume(args[0].value != args[1].value)
    if op == "select":
        return args[2] if args[0].value < args[1].value else args[3]
    if op in ("max", "min"):
        return max(a, b, key=lambda d: d.value) if op == "max" else min(a, b, key=lambda d: d.value)
    if op == "abs":
        assume(a.value != 0)
        return a if a.value > 0 else Dual(-a.value, -a.slope)
    if op == "neg":
        return Dual(-a.value, -a.slope)
    if op == "add":
        return Dual(a.value + b.value, a.slope + b.slope)
    if op == "sub":
        return Dual(a.value - b.value, a.slope - b.slope)
    if op == "mul":
        return Dual(a.value * b.value, a.slope * b.value + a.value * b.slope)
    return Dual(a.value / b.value, (a.slope * b.value - a.value * b.slope) / b.value**2)


def planted(tape: Tape, tree):
    """The tree on a tape, through the simplifying constructors."""
    if isinstance(tree, str):
        return tape.leaf("z", "xy".index(tree))
    if isinstance(tree, Fraction):
        return tape.const(tree)
    op, *rest = tree
    if op == "ipow":
        return tape.ipow(planted(tape, rest[0]), rest[1])
    args = [planted(tape, t) for t in rest]
    if op == "select":
        return tape.select(tape.apply("lt", *args[:2]), *args[2:])
    return tape.apply(op, *args)


def computed(tape, nodes, point):
    return evaluate(Program(tape, tuple(nodes), 2, 0), EXACT, point, [])


@settings(max_examples=400, deadline=None)
@given(trees, fractions, fractions)
def test_values_and_gradients_are_exact(tree, x, y):
    try:
        along_x = dual(tree, Dual(x, Fraction(1)), Dual(y))
        along_y = dual(tree, Dual(x), Dual(y, Fraction(1)))
    except ZeroDivisionError:
        assume(False)
    tape = Tape()
    node = planted(tape, tree)
    z = [tape.leaf("z", 0), tape.leaf("z", 1)]
    try:
        value, *slopes = computed(tape, [node, *reverse(tape, node, z)], [x, y])
        tangents = [computed(tape, forward(tape, [node], {leaf: tape.const(1)}), [x, y])[0] for leaf in z]
    except ZeroDivisionError:
        # Every branch is evaluated here, also one that divides by zero and is not taken.
        assume(False)
    assert value == along_x.value
    assert slopes == tangents == [along_x.slope, along_y.slope]


@settings(max_examples=60, deadline=None)
@given(trees, fractions, fractions)
def test_higher_derivatives_do_not_depend_on_the_order(tree, x, y):
    tape = Tape()
    node = planted(tape, tree)
    z = [tape.leaf("z", 0), tape.leaf("z", 1)]
    one = tape.const(1)
    gradient = reverse(tape, node, z)
    by_forward = [forward(tape, gradient, {leaf: one}) for leaf in z]
    by_reverse = [reverse(tape, slope, z) for slope in gradient]
    symmetric = hessian(tape, node, z)
    cubes = third(tape, node, z)
    straight = [
        forward(tape, forward(tape, forward(tape, [node], {z[i]: one}), {z[j]: one}), {z[k]: one})[0]
        for i in range(2) for j in range(2) for k in range(2)
    ]  # fmt: skip
    try:
        flat = [n for rows in (by_forward, by_reverse, symmetric) for row in rows for n in row]
        values = computed(tape, [*flat, *cubes, *straight], [x, y])
    except ZeroDivisionError:
        assume(False)
    assert values[0:4] == values[4:8] == values[8:12]
    assert values[1] == values[2]
    assert values[12:20] == values[20:28]


def test_rules_of_arithmetic_meet_in_one_node():
    t = Tape()
    x, y, zero, half = t.leaf("z", 0), t.leaf("z", 1), t.const(0), t.const(Fraction(1, 2))
    assert t.add(x, y) == t.add(y, x) and t.mul(x, y) == t.mul(y, x)
    assert t.sub(x, x) == zero and t.mul(x, zero) == zero and t.sub(t.add(x, y), t.add(y, x)) == zero
    assert t.neg(t.neg(x)) == x and t.sub(x, t.neg(y)) == t.add(x, y)
    assert t.mul(t.const(2), t.mul(half, x)) == x and t.div(t.div(x, t.const(4)), half) == t.mul(half, x)
    assert t.mul(x, x) == t.ipow(x, 2) == t.pow(x, t.const(2)) and t.ipow(t.ipow(x, 2), 3) == t.ipow(x, 6)
    assert t.sub(x, y) != t.sub(y, x) and t.div(x, y) != t.div(y, x)
    assert t.select(t.apply("lt", x, y), x, x) == x


def test_roots_of_squares_and_poles_are_kept():
    """√(x²) is not x, x⁻¹ x is not 1 at 0, and 0/0 stays undefined."""
    t = Tape()
    x = t.leaf("z", 0)
    assert t.pow(t.ipow(x, 2), t.const(Fraction(1, 2))) != x
    assert t.mul(t.ipow(x, -1), x) != t.const(1)
    assert t.ops[t.div(t.const(0), t.const(0))] == "div"
    assert t.ops[t.ipow(t.const(0), -1)] == "ipow"


def test_sums_over_rows():
    """Σ over rows against the same sum written out, exactly; factors without data move out of it."""
    rows = [[Fraction(1, 3), Fraction(2)], [Fraction(-5, 7), Fraction(1, 2)], [Fraction(4), Fraction(-3)]]
    t = Tape()
    w, a, c, label = t.leaf("z", 0), t.leaf("p", 0), t.leaf("col", 0), t.leaf("col", 1)
    body = t.add(t.mul(a, t.ipow(t.sub(t.mul(w, c), label), 3)), w)
    total = t.rowsum(body)
    derivatives = [reverse(t, total, [w])[0], hessian(t, total, [w])[0][0], third(t, total, [w])[0]]
    program = Program(t, (total, *derivatives), 1, 1, 2)
    w0, a0 = Fraction(3, 5), Fraction(7, 2)
    expected = [
        sum(a0 * (w0 * x - y) ** 3 + w0 for x, y in rows),
        sum(3 * a0 * x * (w0 * x - y) ** 2 + 1 for x, y in rows),
        sum(6 * a0 * x**2 * (w0 * x - y) for x, y in rows),
        sum(6 * a0 * x**3 for x, _ in rows),
    ]
    assert evaluate(program, EXACT, [w0], [a0], rows) == expected
    assert t.rowsum(t.mul(a, c)) == t.mul(a, t.rowsum(c))
    assert t.rowsum(w) == t.mul(t.leaf("rows"), w)


def test_a_jacobian_by_rows_equals_one_by_columns():
    t = Tape()
    x, y = t.leaf("z", 0), t.leaf("z", 1)
    tall = [t.mul(x, y), t.ipow(x, 3), t.div(x, y)]
    flat = [n for row in jacobian(t, tall, [x, y]) for n in row]
    wide = jacobian(t, [tall[2]], [x, y])[0]
    a, b = Fraction(2, 3), Fraction(5, 4)
    values = computed(t, [*flat, *wide], [a, b])
    assert values == [b, a, 3 * a**2, 0, 1 / b, -a / b**2, 1 / b, -a / b**2]
