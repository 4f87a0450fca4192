"""Programs as machine code: sections, loops over rows in lanes, far arguments, everything to the last bit."""

from __future__ import annotations

import itertools
import math
import operator
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfdyn.codegen import compile as compiler
from cfdyn.codegen import llvm_ir, schedule
from cfdyn.codegen.compile import Rule, compile_rule, parameter_vector
from cfdyn.codegen.llvm_nodes import hexadecimal
from cfdyn.codegen.native import assemble, load
from cfdyn.codegen.schedule import machine_program
from cfdyn.errors import FormulaError
from cfdyn.tape.derivatives import hessian, reverse
from cfdyn.tape.evaluate import Algebra, evaluate
from cfdyn.tape.program import Program, Tape
from tests.oracles import MP, needs_compiler

_numbers = itertools.count()
NO_STATE = np.empty(0)


def machine(program: Program) -> Rule:
    name = f"llvm_ir_{os.getpid()}_{next(_numbers)}"
    return Rule(load(assemble(llvm_ir.print_ir(machine_program(program), name)), name), len(program.outputs))


@contextmanager
def cut(group: int, section: int, sums: int, whole: int):
    """Programs are cut into pieces of these sizes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("GROUP", group), ("SECTION", section), ("SUMS", sums), ("WHOLE", whole)):
            patch.setattr(schedule, name, size)
        patch.setattr(llvm_ir, "WHOLE", whole)
        yield


def table(rows) -> np.ndarray:
    return parameter_vector([], np.asarray(rows, dtype=float).reshape(len(rows), -1))


def same_bits(a, b) -> bool:
    """Equal doubles, also in the sign of zero; any NaN equals any other."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    bits = [np.where(np.isnan(x), 0, x.view(np.int64)) for x in (a, b)]
    return bool((np.isnan(a) == np.isnan(b)).all() and (bits[0] == bits[1]).all())


# -- doubles by the evaluator, one operation at a time -------------------------------------------------------------


def power(x, n):
    """In the order of the printers."""
    if n < 0:
        return 1.0 / power(x, -n)
    if n > 64:  # powers of powers
        return np.power(x, float(n))
    if n <= 3:
        return math.prod([x] * (n - 1), start=x)
    half = power(x, n // 2)
    return half * half * (x if n % 2 else 1.0)


def sign(x):
    return np.float64(1.0) if x > 0 else np.float64(-1.0) if x < 0 else x * 0.0


DOUBLES = Algebra(
    lambda f: np.float64(f.numerator / f.denominator),
    {
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
        "ipow": power, "lt": operator.lt, "le": operator.le, "eq": operator.eq, "and": lambda a, b: a and b,
        "or": lambda a, b: a or b, "not": operator.not_, "select": lambda c, a, b: a if c else b, "abs": np.abs,
        "sqrt": np.sqrt, "max": lambda a, b: b if a < b or b != b else a, "min": lambda a, b: b if b < a or b != b else a, "sign": sign,
        "heaviside": lambda x: 0.5 + 0.5 * sign(x), "round": np.rint,
        "exp2i": lambda n: np.ldexp(np.float64(1.0), int(n)) if abs(n) <= 1023 else n,
        "exponent": lambda x: np.float64(math.frexp(x)[1] - 1), "mantissa": lambda x: np.float64(2 * math.frexp(x)[0]),
    },
    np.float64(np.pi), np.float64(np.e),
)  # fmt: skip


def by_evaluator(program: Program, z, p, rows) -> list:
    numbers = [[np.float64(v) for v in line] for line in (z, p, *rows)]
    with np.errstate(all="ignore"):
        return evaluate(machine_program(program), DOUBLES, numbers[0], numbers[1], numbers[2:])


# -- random programs -----------------------------------------------------------------------------------------------

BINARY = "add sub mul div max min".split()
UNARY = "neg abs sqrt sign heaviside".split()
IN_ROWS = "tanh exp softplus".split()
picks = st.integers(0, 10**6)
steps = st.lists(
    st.tuples(st.sampled_from("binary unary power compare logic not select select sum sum row row".split()), st.integers(0, 99),
              st.booleans(), picks, picks, picks),
    min_size=5, max_size=60,
)  # fmt: skip


class Growing:
    """A tape with what is on it so far: numbers and truths, of a row and shared."""

    def __init__(self):
        t = self.tape = Tape()
        x, y, rows = t.leaf("col", 0), t.leaf("col", 1), t.leaf("rows")
        mean = t.div(t.rowsum(x), rows)
        variance = t.div(t.rowsum(t.ipow(t.sub(x, mean), 2)), rows)
        inputs = [t.leaf("z", 0), t.leaf("z", 1), t.leaf("p", 0), rows, t.leaf("pi"), t.const(Fraction(1, 3))]
        self.numbers = {False: [*inputs, mean, variance], True: [x, y, t.sub(y, mean)]}
        self.truths = {False: [t.apply("lt", inputs[0], mean)], True: [t.apply("le", x, mean)]}

    def step(self, kind, op, row, i, j, k):
        t = self.tape
        a, b, c = (self.pick(self.numbers, row, n) for n in (i, j, k))
        test, other = self.pick(self.truths, row, i), self.pick(self.truths, row, j)
        if kind == "binary":
            return t.apply(BINARY[op % len(BINARY)], a, b)
        if kind == "unary":
            return t.apply(UNARY[op % len(UNARY)], a)
        if kind == "power":
            return t.ipow(a, (-3, -1, 2, 3, 5, 6)[op % 6])
        if kind == "select":
            return t.select(test, b, c)
        if kind == "sum":
            return t.rowsum(self.pick(self.numbers, True, i))
        if kind == "row":
            return t.apply(IN_ROWS[op % len(IN_ROWS)], self.numbers[True][-1 - i % len(self.numbers[True])])
        if kind == "compare":
            return t.apply(("lt", "le", "eq")[op % 3], a, b)
        return t.apply("not", test) if kind == "not" else t.apply(("and", "or")[op % 2], test, other)

    def pick(self, pools, row, k):
        pool = pools[row] + (pools[False] if row else [])
        return pool[-1 - k % len(pool)]

    def grow(self, kind, *choice):
        made = self.step(kind, *choice)
        pools = self.truths if kind in ("compare", "not", "logic") else self.numbers
        pools[self.tape.by_row[made]].append(made)


def planted(choices, wanted) -> Program:
    """A program of these steps; outputs come twice, are constants, and are inputs."""
    made = Growing()
    for choice in choices:
        made.grow(*choice)
    shared = made.numbers[False]
    outputs = [shared[-1 - n % len(shared)] for n in wanted] + [shared[-1], shared[0], made.tape.const(7), shared[-1]]
    return Program(made.tape, tuple(outputs), 2, 1, 2)


@settings(max_examples=100, deadline=None)
@given(steps, st.lists(picks, max_size=8), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(1, 17))
def test_sections_do_not_change_a_bit(choices, wanted, group, section, sums, n_rows):
    program = planted(choices, wanted)
    rows = np.random.default_rng(n_rows).normal(size=(n_rows, 2))
    whole = machine(program)
    with cut(group, section, sums, whole=0):
        pieces = machine(program)
    for z in ([0.3, -1.7], [0.0, math.inf]):
        p = np.concatenate([[0.25], table(rows)])
        found = whole(np.array(z), p)
        assert same_bits(pieces(np.array(z), p), found)
        assert same_bits(by_evaluator(program, z, [0.25], rows.tolist()), found)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 4, 2), (100, 800, 64)])
def test_truths_pass_between_sections(sizes):
    """A truth of the state, of a sum, their combinations, used in rows, in sums of sums and at the end."""
    t = Tape()
    z, x = t.leaf("z", 0), t.leaf("col", 0)
    total = t.rowsum(x)
    positive, large = t.apply("lt", t.const(0), z), t.apply("lt", z, total)
    either, both = t.apply("or", positive, t.apply("not", large)), t.apply("and", positive, large)
    inside = t.rowsum(t.select(either, t.ipow(x, 2), t.neg(x)))
    second = t.rowsum(t.select(t.apply("and", both, t.apply("lt", x, inside)), x, t.const(1)))
    program = Program(t, (t.select(both, second, inside), inside, second, t.select(either, z, total)), 1, 0, 1)
    column = [0.5, -2.0, 3.0, 1.0, -1.0, 0.25, 8.0, -0.75, 2.0]
    with cut(*sizes, whole=0):
        rule = machine(program)
    for z0 in (-3.0, 4.0, 100.0):
        s = sum(column)
        a, b = z0 > 0 or not z0 < s, z0 > 0 and z0 < s
        expected_inside = sum(x**2 if a else -x for x in column)
        expected_second = sum(x if b and x < expected_inside else 1.0 for x in column)
        expected = [expected_second if b else expected_inside, expected_inside, expected_second, z0 if a else s]
        assert rule(np.array([z0]), table(column)).tolist() == expected


def slots_of(ir: str) -> int:
    return int(re.search(r"alloca \[(\d+) x double\]", ir)[1])


def test_memory_between_sections_is_used_again():
    """A chain of 400 squares and sums needs as much memory as a step of it, whatever its length."""
    def chain(n):
        t = Tape()
        a, b = t.leaf("z", 0), t.leaf("z", 1)
        for _ in range(n):
            a, b = t.apply("sqrt", t.add(t.ipow(a, 2), t.ipow(b, 2))), t.div(a, t.add(a, b))
        return Program(t, (a, b), 2, 0)

    with cut(10, 5, 1, whole=0):
        texts = [llvm_ir.print_ir(chain(n), "f") for n in (50, 400)]
    crossing = [len({line.split("=")[0] for line in text.splitlines() if "load double" in line}) for text in texts]
    assert crossing[1] > 300 and slots_of(texts[1]) == slots_of(texts[0]) < 10


def test_constants_need_no_memory_between_sections():
    t = Tape()
    x = node = t.leaf("z", 0)
    constants = [t.const(Fraction(k, 7)) for k in range(1, 40)]
    for _ in range(3):
        for c in constants:
            node = t.mul(c, t.add(x, t.apply("sqrt", node)))
    with cut(10, 10, 1, whole=0):
        text = llvm_ir.print_ir(Program(t, (node,), 1, 0), "f")
    assert slots_of(text) <= 4


def test_3000_nodes_are_cut_into_short_functions():
    t = Tape()
    x, y = t.leaf("z", 0), t.leaf("z", 1)
    a, b = x, y
    for k in range(800):
        a, b = t.add(t.mul(t.const(Fraction(k % 7 + 1, 8)), b), x), t.sub(t.mul(a, y), t.apply("abs", b))
    program = Program(t, (a, b), 2, 0)
    n = len(t.reachable(program.outputs))
    assert n > schedule.WHOLE
    text = llvm_ir.print_ir(program, "f")
    bodies = [part.count("\n") for part in text.split("define ")[1:]]
    assert len(bodies) == math.ceil(n / schedule.SECTION) + 1
    # An operation is a line; fetching or storing a value, two.
    assert max(bodies) < 3 * schedule.SECTION and sum(bodies) < 2 * n
    z = [0.3, -0.7]
    expected_a, expected_b = z
    for k in range(800):
        expected_a, expected_b = (k % 7 + 1) / 8 * expected_b + z[0], expected_a * z[1] - abs(expected_b)
    assert machine(program)(np.array(z), NO_STATE).tolist() == [expected_a, expected_b]


def test_a_long_hessian_of_a_loss_on_data_is_that_of_the_short_functions():
    t = Tape()
    w, x = [t.leaf("z", i) for i in range(5)], [t.leaf("col", i) for i in range(5)]
    layer = [t.apply("tanh", t.add(t.mul(u, v), w[(i + 1) % 5])) for i, (u, v) in enumerate(zip(w, x))]
    loss = t.rowsum(t.apply("softplus", t.dot(layer, layer[1:] + layer[:1])))
    program = Program(t, tuple(sum(hessian(t, loss, w), reverse(t, loss, w))), 5, 0, 5)
    rows = np.random.default_rng(3).normal(size=(21, 5))
    z = np.random.default_rng(4).normal(size=5)
    whole = machine(program)(z, table(rows))
    with cut(20, 30, 4, whole=0):
        assert same_bits(machine(program)(z, table(rows)), whole)
    assert same_bits(by_evaluator(program, z, [], rows), whole)


# -- rows ----------------------------------------------------------------------------------------------------------


def row_by_row(op: str, n: int) -> Program:
    """f(col 0) of each row by itself; col 1 numbers the rows."""
    t = Tape()
    value, row = t.apply(op, t.leaf("col", 0)), t.leaf("col", 1)
    return Program(t, tuple(t.rowsum(t.select(t.apply("eq", row, t.const(k)), value, t.const(0))) for k in range(n)), 0, 0, 2)


@pytest.mark.parametrize("op", ["sin", "cos"])
def test_far_arguments_in_some_lanes(op):
    """Beyond 2**20 the library's function, in the same vector as near ones."""
    rng = np.random.default_rng(6)
    far = [1e7, -1e7, 1e22, -1e22, 2.0**20 + 1, -(2.0**20) - 0.5, 1e300, 1.7e308, math.inf, -math.inf, math.nan]
    for _ in range(6):
        x = rng.normal(size=19) * 10 ** rng.uniform(-3, 5, 19)
        where = rng.choice(19, 6, replace=False)
        x[where] = rng.choice(far, 6)
        measured = machine(row_by_row(op, 19))(NO_STATE, table(np.column_stack([x, range(19)])))
        assert measured.shape == x.shape
        for value, argument in zip(measured.tolist(), x.tolist()):
            if math.isfinite(argument):
                MP.dps, kept = 400, MP.dps
                exact = getattr(MP, op)(MP.mpf(argument))
                MP.dps = kept
                assert abs(exact - MP.mpf(value)) <= 2 * float(np.spacing(abs(float(exact)))), argument
            else:
                assert math.isnan(value)


def test_far_arguments_of_a_single_row_and_none_at_all():
    rule = machine(row_by_row("sin", 1))
    for x in (1e7, 1e22, 2.0**20, 0.5):
        assert rule(NO_STATE, table([[x, 0.0]]))[0] == pytest.approx(math.sin(x), rel=1e-15)


@pytest.mark.parametrize("n_rows", range(1, 18))
def test_every_row_counts_once_and_what_fills_the_table_not_at_all(n_rows):
    t = Tape()
    x, y = t.leaf("col", 0), t.leaf("col", 1)
    mean = t.div(t.rowsum(x), t.leaf("rows"))
    outputs = (t.rowsum(x), t.rowsum(t.mul(x, y)), t.rowsum(t.ipow(t.sub(t.mul(t.leaf("rows"), x), t.rowsum(x)), 2)), mean)
    rule = machine(Program(t, outputs, 0, 0, 2))
    rows = np.random.default_rng(n_rows).integers(-50, 50, (n_rows, 2))
    s = int(rows[:, 0].sum())
    exact = [s, int((rows[:, 0] * rows[:, 1]).sum()), int(((n_rows * rows[:, 0] - s) ** 2).sum()), s / n_rows]
    p = table(rows)
    assert rule(NO_STATE, p).tolist() == exact
    padded = -(-n_rows // schedule.LANES) * schedule.LANES
    assert len(p) == 1 + 2 * padded
    for column in range(2):
        p[1 + column * padded + n_rows : 1 + (column + 1) * padded] = math.nan
    assert rule(NO_STATE, p).tolist() == exact


@pytest.mark.parametrize("n_rows", [1, 7, 8, 9, 17])
def test_nan_in_any_row_reaches_what_uses_it(n_rows):
    t = Tape()
    x, y = t.leaf("col", 0), t.leaf("col", 1)
    bodies = (x, t.apply("exp", x), t.apply("tanh", x), t.apply("softplus", x), t.apply("sin", x), t.apply("sign", x), y)
    rule = machine(Program(t, tuple(map(t.rowsum, bodies)), 0, 0, 2))
    found = []
    for k in range(n_rows):
        rows = np.ones((n_rows, 2))
        rows[k, 0] = math.nan
        found.append(rule(NO_STATE, table(rows)))
    np.testing.assert_array_equal(found, [[math.nan] * 6 + [n_rows]] * n_rows)


@pytest.mark.parametrize("n_rows", [1, 3, 8, 11])
def test_sums_of_signed_zeros_are_those_of_ieee_arithmetic(n_rows):
    """0 + (-0) is 0; nothing that is added to fill a vector turns a zero round."""
    t = Tape()
    x = t.leaf("col", 0)
    z = t.leaf("z", 0)
    program = Program(t, (t.rowsum(x), t.neg(t.rowsum(t.ipow(x, 2))), t.mul(z, t.rowsum(t.apply("abs", x)))), 1, 0, 1)
    found = machine(program)(np.array([-1.0]), table([-0.0] * n_rows))
    assert same_bits(found, [0.0, -0.0, -0.0])


# -- calls ---------------------------------------------------------------------------------------------------------


def two_level_program() -> Program:
    t = Tape()
    z, x = t.leaf("z", 0), t.leaf("col", 0)
    u = t.apply("tanh", t.mul(z, x))
    mean = t.div(t.rowsum(u), t.leaf("rows"))
    variance = t.div(t.rowsum(t.ipow(t.sub(u, mean), 2)), t.leaf("rows"))
    return Program(t, (variance, *reverse(t, variance, [z]), mean, t.const(3), z, variance), 1, 0, 1)


@pytest.mark.parametrize("whole", [0, 3000])
def test_an_array_of_garbage_is_overwritten(whole):
    with cut(5, 5, 1, whole):
        rule = machine(two_level_program())
    z, p = np.array([0.7]), table(np.linspace(-1, 2, 13))
    expected = rule(z, p)
    for garbage in (math.nan, math.inf, -1e300):
        out = np.full(len(expected) + 2, garbage)
        rule._native(z.ctypes.data, p.ctypes.data, out.ctypes.data)
        assert same_bits(out[:-2], expected) and same_bits(out[-2:], [garbage] * 2)
    assert np.isfinite(expected).all()


def test_inputs_stay_as_they_are():
    z, p = np.array([0.7]), table(np.linspace(-1, 2, 13))
    copies = z.copy(), p.copy()
    machine(two_level_program())(z, p)
    assert same_bits(z, copies[0]) and same_bits(p, copies[1])


@needs_compiler
@pytest.mark.parametrize("whole", [0, 3000])
def test_four_threads_may_call_a_rule_at_once(whole):
    with cut(5, 5, 1, whole):
        rule = machine(two_level_program())
    p = table(np.random.default_rng(1).normal(size=500))
    states = [np.array([v]) for v in np.linspace(-2, 2, 400)]
    alone = [rule(z, p).tolist() for z in states]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda order: [rule(states[i], p).tolist() for i in order], [range(400)] * 4)
        assert list(found) == [alone] * 4


@needs_compiler
def test_four_threads_may_ask_for_a_rule_at_once(monkeypatch, tmp_path):
    """All get a rule that works, whoever compiles it."""
    monkeypatch.setattr(compiler, "_known", {})
    with ThreadPoolExecutor(4) as pool:
        for k in range(10):
            key = f"asked for at once {os.getpid()} {k}"
            rules = list(pool.map(lambda _, key=key: compile_rule(key, 6, two_level_program), range(4)))
            z, p = np.array([0.7]), table(np.linspace(-1, 2, 13))
            assert all(same_bits(rule(z, p), rules[0](z, p)) for rule in rules)


# -- literals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [Fraction(10) ** 400, -Fraction(10) ** 309, Fraction(2) ** 1024])
def test_a_constant_beyond_the_doubles_is_refused(value):
    with pytest.raises(FormulaError, match="beyond the range"):
        hexadecimal(value)


@pytest.mark.parametrize("value", [0.1, -1 / 3, 5e-324, 1.7976931348623157e308, 2.0**-1022, -0.5, 1e22])
def test_a_constant_arrives_as_the_nearest_double(value):
    t = Tape()
    near = Fraction(value) * (1 + Fraction(1, 2**60))
    rule = machine(Program(t, (t.const(near), t.add(t.leaf("z", 0), t.const(near))), 1, 0))
    assert rule(np.zeros(1), NO_STATE).tolist() == [value] * 2


def test_a_constant_below_the_doubles_is_zero():
    assert hexadecimal(Fraction(1, 10**400)) == hexadecimal(Fraction(0)) == "0x0000000000000000"
