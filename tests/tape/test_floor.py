"""floor, ceil, frac and mod: exact values in every printer, slopes between jumps, and the jumps themselves."""

from __future__ import annotations

import itertools
import math
import os
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.codegen.compile import Rule, parameter_vector
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.native import assemble, load
from cfdyn.codegen.schedule import machine_program
from cfdyn.errors import FormulaError
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.symbolic.text.formula import formula
from cfdyn.symbolic.text.parse import parse, parse_value
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape
from cfdyn.tape.switching import one_sided, switches
from tests.oracles import needs_compiler
from tests.python_source import PythonRule, native_rule, python_function

COUNT = itertools.count()
TEXTS = ("floor(x)", "ceil(x)", "frac(x)", "mod(x, y)")
EXACT = {
    "floor(x)": lambda x, y: math.floor(x), "ceil(x)": lambda x, y: math.ceil(x), "frac(x)": lambda x, y: x - math.floor(x),
    "mod(x, y)": lambda x, y: x - y * math.floor(x / y),
}  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-300, -1e-300, 5e-324, 2.0**52 + 0.5, -(2.0**51) - 0.5, 1e300, -1e300]


def tape_of(text: str) -> tuple[Tape, list[int], int]:
    tape = Tape()
    z = [tape.leaf("z", 0), tape.leaf("z", 1)]
    return tape, z, formula(text).on(tape, dict(zip("xy", z, strict=True)))


def program_of(text: str) -> Program:
    tape, _, node = tape_of(text)
    return Program(tape, (node,), 2, 0)


def machine(program: Program) -> Rule:
    ready, name = machine_program(program), f"floor_{os.getpid()}_{next(COUNT)}"
    return Rule(load(assemble(print_ir(ready, name)), name), len(ready.outputs))


def python(program: Program) -> PythonRule:
    return PythonRule(python_function(machine_program(program)), len(program.outputs))


def by_numba(program: Program):
    kept = native_rule(python_function(machine_program(program)))
    rule = Rule(kept.address, len(program.outputs))
    return lambda z, p, kept=kept: rule(z, p)


def evaluator(program: Program):
    algebra = mp_algebra(400)
    number = algebra.functions["number"]
    return lambda z, p: np.array([float(v) for v in evaluate(program, algebra, [number(float(x)) for x in z], [])])


PRINTERS = [machine, python, pytest.param(by_numba, marks=needs_compiler), evaluator]


@pytest.mark.parametrize("printer", PRINTERS)
@pytest.mark.parametrize("text", TEXTS)
def test_every_printer_gives_the_exact_value(text, printer):
    """Against rational arithmetic: x and y small multiples of 1/64, so that nothing is rounded, and special numbers."""
    rng, rule = np.random.default_rng(1), printer(program_of(text))
    pairs = [(x / 64, y / 4) for x, y in zip(rng.integers(-4000, 4000, 300), rng.integers(1, 9, 300), strict=True)]
    for x, y in [*pairs, *((x, 1.0) for x in SPECIAL)]:
        wanted = EXACT[text](Fraction(x), Fraction(2.0 ** round(math.log2(y))))
        assert rule(np.array([x, 2.0 ** round(math.log2(y))]), np.empty(0))[0] == float(wanted), (x, y)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_all_printers_agree_where_there_is_no_number(x):
    for text in ("floor(x)", "ceil(x)", "frac(x)"):
        found = [printer(program_of(text))(np.array([x, 1.0]), np.empty(0)) for printer in (machine, python)]
        np.testing.assert_array_equal(*found)


def test_rows_of_data_are_the_same_in_both_printers_to_the_last_bit():
    spec = make_loss("floor(3*w*x) + mod(w*x, 0.3) + frac(x - w)", "w", columns=["x"], data=np.zeros((1, 1)))
    program = loss_program(spec, "value")
    rules = machine(program), python(program)
    for rows in (1, 7, 8, 9, 40):
        p = parameter_vector([], np.random.default_rng(rows).normal(size=(rows, 1)))
        one, other = (rule(np.array([0.7]), p) for rule in rules)
        assert one.tobytes() == other.tobytes() and np.isfinite(one).all()


@given(st.fractions(-50, 50, max_denominator=97), st.fractions(-20, 20, max_denominator=31))
def test_constants_are_folded_exactly(a, b):
    assume(b != 0)
    assert parse(f"mod({a}, {b})") == sp.Rational(*(a - b * math.floor(a / b)).as_integer_ratio())
    assert parse(f"floor({a}) + frac({a}) - ({a})") == 0 and parse(f"ceil({a}) + floor(-({a}))") == 0


def test_constants_that_are_no_rational_numbers():
    assert parse_value("mod(100, 2*pi)") == pytest.approx(math.fmod(100, 2 * math.pi), rel=1e-14)
    assert parse_value("floor(-pi)") == -4 and parse_value("ceil(E)") == 3
    for text in ("floor(log(exp(1)))", "mod(3*pi, pi)*0 + floor(3*pi/pi + log(exp(2)))"):
        with pytest.raises(FormulaError, match="whole number|cannot|decided"):
            parse_value(text)


@pytest.mark.parametrize("text", ["mod(x)", "mod(x, y, 2)", "floor()", "ceil(x, 1)", "mod(x, 0)", "x % 2", "x // 2"])
def test_wrong_uses_are_refused(text):
    with pytest.raises(FormulaError):
        parse(text)


X, Y = sp.symbols("x y", real=True)


@pytest.mark.parametrize(("theirs", "ours"), [(sp.floor(X), "floor(x)"), (sp.ceiling(X), "ceil(x)"), (sp.frac(X), "frac(x)"),
                                              (sp.Mod(X, Y), "mod(x, y)")])  # fmt: skip
def test_sympys_own_functions_are_the_same(theirs, ours):
    step, other = cf.Map.from_text([ours, "y"], "x y"), cf.Loss(theirs, variables="x y")
    for z in ([2.7, 0.4], [-2.7, 0.4], [0.3, -0.7]):
        assert other.value(z) == pytest.approx(step(z)[0], abs=1e-15)
    assert len(other.switching([0.3, 0.7])) == 1


# -- slopes and jumps -----------------------------------------------------------------------------


def test_slopes_are_those_of_the_branch():
    """mod(a, b) = a − kb with k = floor(a/b): slopes 1 and −k, all others 0."""
    step = cf.Map.from_text(["mod(x, y)", "floor(x*y)*x"], "x y")
    k, m = math.floor(7.3 / 2.1), math.floor(7.3 * 2.1)
    np.testing.assert_allclose(step.jacobian([7.3, 2.1]), [[1, -k], [m, 0]], rtol=1e-15)
    assert step.derivative([7.3, 2.1], [1.0, 2.0], [3.0, 4.0]).tolist() == [0.0, 0.0]
    series = step.taylor([[7.3, 2.1], [1.0, 2.0], [0.5, 0.0]])
    np.testing.assert_allclose(series, [step([7.3, 2.1]), [1 - 2 * k, m], [0.5, 0.5 * m]], rtol=1e-14)


@given(st.integers(-1000, 1000), st.floats(1e-9, 0.49))
def test_a_switching_function_vanishes_at_whole_numbers_only_and_tells_the_sides(k, shift):
    tape, _, node = tape_of("floor(x)")
    [place] = switches(tape, [node])
    rule = python(Program(tape, (place,), 2, 0))
    at, above, below = (rule(np.array([k + s, 0.0]), np.empty(0))[0] for s in (0.0, shift, -shift))
    assert at == 0.0 and above * below < 0 and abs(above) == pytest.approx(math.sin(math.pi * ((k + shift) - k)), rel=1e-9)


@pytest.mark.parametrize("k", [-3, -2, -1, 0, 1, 2, 7])
def test_the_branches_on_either_side_of_a_jump(k):
    """With the signs just beside k taken at k itself: floor is k and k − 1, mod(3x, 1) is 0 and 1."""
    for text, scale, wanted in (("floor(x)", 1.0, (k, k - 1)), ("mod(3*x, 1)", 1 / 3, (0.0, 1.0)), ("ceil(x)", 1.0, (k + 1, k))):
        tape, _, node = tape_of(text)
        [place] = switches(tape, [node])
        sign = python(Program(tape, (place,), 2, 0))
        for side, value in zip((1e-6, -1e-6), wanted, strict=True):
            given_sign = int(np.sign(sign(np.array([k * scale + side, 0.0]), np.empty(0))[0]))
            rule = python(Program(tape, tuple(one_sided(tape, [node], {place: given_sign})), 2, 0))
            assert rule(np.array([k * scale, 0.0]), np.empty(0))[0] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("text", "box", "finite"), [("mod(2*x, 1)", (0.1, 0.4), True), ("mod(2*x, 1)", (0.4, 0.6), False),
                                                     ("frac(1/x)", (0.34, 0.49), True), ("frac(1/x)", (0.3, 0.35), False),
                                                     ("x*floor(x)", (1.0, 1.9), True), ("x*floor(x)", (0.9, 1.0), False)])  # fmt: skip
def test_bounds_of_slopes_are_infinite_over_a_jump(text, box, finite):
    step = cf.Map.from_text(text, "x")
    assert np.isfinite(step.rule("interval:jacobian")(np.array(box), step.p)).all() == finite


def test_a_jump_is_no_smooth_point_of_a_cycle():
    """The doubling map in doubles ends at 0, where it jumps; away from the jump orbits and cycles are ordinary."""
    step = cf.Map.from_text("mod(2*x, 1)", "x")
    found = cf.analysis.classify(step, [0.1234])
    assert found.kind == "undecided" and "jump" in found.reason
    three = cf.analysis.cycles(step, 3, [(0.01, 0.99)])
    assert three.complete and sorted(round(7 * c.points[0, 0]) for c in three) == [1, 3]
    np.testing.assert_allclose(three.multipliers, 8.0)


# -- classical maps, written with jumps -------------------------------------------------------------


def test_gauss_map():
    """x → 1/x mod 1 has the fixed points [0; n, n, …] = (−n + √(n² + 4))/2 with slopes −1/x²; λ = π²/(6 log 2)."""
    step = cf.Map.from_text("frac(1/x)", "x")
    found = cf.analysis.cycles(step, 1, [(0.095, 0.999)])
    wanted = [(-n + math.sqrt(n * n + 4)) / 2 for n in range(10, 0, -1)]
    assert found.complete
    np.testing.assert_allclose(found.points[:, 0, 0], wanted, rtol=1e-14)
    np.testing.assert_allclose(found.multipliers[:, 0], [-1 / x**2 for x in wanted], rtol=1e-12)
    orbit_exponent = cf.analysis.lyapunov(step, [math.sqrt(2) - 1.3], 200_000)[0]
    assert orbit_exponent == pytest.approx(math.pi**2 / (6 * math.log(2)), rel=0.01)


def test_cat_map_exponents():
    """Every orbit of [[2, 1], [1, 1]] mod 1 has the exponents ± log((3 + √5)/2)."""
    step = cf.Map.from_text(["mod(2*x + y, 1)", "mod(x + y, 1)"], "x y")
    found = cf.analysis.classify(step, [0.1234, 0.33])
    assert found.kind == "chaotic" and found.lyapunov == pytest.approx(math.log((3 + math.sqrt(5)) / 2), rel=1e-9)
