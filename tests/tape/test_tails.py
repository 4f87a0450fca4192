"""Derivatives of functions that saturate: as good far out, where they are tiny, as near 0."""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from flint import arb, arb_series, ctx

import cfdyn as cf
from cfdyn.codegen.compile import Rule, parameter_vector
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.native import assemble, load
from cfdyn.codegen.schedule import machine_program
from cfdyn.tape.derivatives import forward
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape
from cfdyn.tape.taylor import taylor
from tests.python_source import PythonRule, python_function

MP = mpmath.mp.clone()
MP.dps = 400
BITS = 5000  # textbook definitions, of whose 1500 digits 912 cancel at 700


def both(x: arb_series) -> tuple[arb_series, arb_series]:
    return x.exp(), (-x).exp()


def quotient(up: arb_series, down: arb_series) -> arb_series:
    return (up - down) / (up + down)


DEFINITIONS = {
    "tanh": lambda x: quotient(*both(x)), "sigmoid": lambda x: 1 / (1 + (-x).exp()), "softplus": lambda x: (1 + x.exp()).log(),
    "logcosh": lambda x: (sum(both(x)) / 2).log(), "sech2": lambda x: (2 / sum(both(x))) ** 2,
}  # fmt: skip
POINTS = [s * x for x in (2.5, 7.0, 15.0, 19.5, 40.0, 120.25, 300.0) for s in (1, -1)]
ORDER = 5
COUNT = itertools.count()
# In units of the last place: sums of a few terms, each a product of functions good to 3.
ULPS = 24


@functools.cache
def exact(definition: Callable[[arb_series], arb_series], x: float, order: int = ORDER) -> list:
    """f and its derivatives from the series of its definition, in balls with 300 digits that are right."""
    bits, ctx.prec = ctx.prec, BITS
    try:
        series = definition(arb_series([arb(x), 1], order + 1))
        found = [series[k] * math.factorial(k) for k in range(order + 1)]
        assert all(ball == 0 or ball.rel_accuracy_bits() > 1000 for ball in found)
        return [MP.mpf(ball.mid().str(MP.dps, radius=False)) for ball in found]
    finally:
        ctx.prec = bits


def derivatives(tape: Tape, op: str, x: int) -> list[int]:
    found = [tape.apply(op, x)]
    for _ in range(ORDER):
        found += forward(tape, found[-1:], {x: tape.const(1)})
    return found


def rules(program: Program) -> tuple[Rule, PythonRule]:
    ready, name = machine_program(program), f"tails_{os.getpid()}_{next(COUNT)}"
    n_out = len(ready.outputs)
    return Rule(load(assemble(print_ir(ready, name)), name), n_out), PythonRule(python_function(ready), n_out)


def check(op: str, x: float, found: np.ndarray) -> None:
    assert len(found) == ORDER + 1
    for k, (value, wanted) in enumerate(zip(found, exact(DEFINITIONS[op], x), strict=True)):
        if abs(wanted) < 1e-290:
            assert abs(value) < 1e-289
        else:
            assert abs(float((MP.mpf(float(value)) - wanted) / wanted)) <= ULPS * 2.0**-52, (op, x, k)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("op", DEFINITIONS)
def test_every_order_has_its_digits(op, rows):
    tape = Tape()
    if rows:
        program = Program(tape, tuple(tape.rowsum(d) for d in derivatives(tape, op, tape.leaf("col", 0))), 0, 0, 1)
    else:
        program = Program(tape, tuple(derivatives(tape, op, tape.leaf("z", 0))), 1, 0)
    machine, python = rules(program)
    for rule in (machine, python):
        for x in POINTS:
            data = (np.empty(0), parameter_vector([], np.array([[x]]))) if rows else (np.array([x]), np.empty(0))
            check(op, x, rule(*data))


@pytest.mark.slow
@pytest.mark.parametrize("op", DEFINITIONS)
def test_every_order_has_its_digits_in_the_series(op):
    tape = Tape()
    x = tape.leaf("z", 0)
    [series] = taylor(tape, [tape.apply(op, x)], {x: [x, tape.const(1)]}, ORDER)
    machine, python = rules(Program(tape, tuple(series), 1, 0))
    for point in POINTS:
        for rule in (machine, python):
            check(op, point, rule(np.array([point]), np.empty(0)) * [math.factorial(k) for k in range(ORDER + 1)])


@pytest.mark.parametrize("op", DEFINITIONS)
@pytest.mark.parametrize("x", [1e-25, -1e-12, 0.75, 15.0, -120.25])
def test_every_order_has_its_digits_in_high_precision(op, x):
    tape = Tape()
    program = Program(tape, tuple(derivatives(tape, op, tape.leaf("z", 0))), 1, 0)
    algebra = mp_algebra(60)
    found = evaluate(program, algebra, [algebra.functions["number"](x)], [])
    assert len(found) == ORDER + 1
    for value, wanted in zip(found, exact(DEFINITIONS[op], x), strict=True):
        # Odd derivatives at 0 are 0 and come out as differences: those are good to 60 digits of their terms.
        assert abs(MP.mpf(value) - wanted) <= MP.mpf(10) ** -50 * abs(wanted) + MP.mpf(10) ** -58 * (abs(x) < 0.1), (op, x)


def test_the_value_of_logcosh_near_0_has_its_digits_in_high_precision():
    algebra = mp_algebra(60)
    x = algebra.functions["number"]("1e-30")
    assert abs(algebra.functions["logcosh"](x) / (x**2 / 2) - 1) < 1e-55


@pytest.mark.parametrize(("x", "wanted"), [(15.0, 3.7430492e-13), (19.5, 4.6192e-17), (-19.5, 4.6192e-17), (300.0, 1.0603e-260)])
def test_hessian_of_log_cosh(x, wanted):
    """1/cosh² x = 4 e^(−2x) but for e^(−4x)."""
    found = cf.Loss("logcosh(w)").hessian([x])[0, 0]
    assert found == pytest.approx(4 * math.exp(-2 * abs(x)), rel=1e-12) and found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("formula", "definition"),
    [
        ("log(cosh(w))", DEFINITIONS["logcosh"]),
        ("log(1 + exp(w))", DEFINITIONS["softplus"]),
        ("w/(1 + exp(w))", lambda x: x / (1 + x.exp())),
        ("log(exp(w) + exp(-2*w))", lambda x: (x.exp() + (-2 * x).exp()).log()),
    ],
)
def test_quotients_whose_denominator_has_no_square(formula, definition):
    """Second derivatives where b² is beyond 1e308 and b is not: absolutely as good as near 0."""
    for x in (3.0, 350.0, 360.0, 700.0):
        wanted = exact(definition, x, 2)[2]
        assert cf.Loss(formula).hessian([x])[0, 0] == pytest.approx(float(wanted), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("x", "sign", "wanted"), [
    (0.5, 1, 0), (-0.5, 1, 0), (2, -1, 0), (0, 1, 0), (1, 1, 1), (-1, 1, 1), (1, -1, 1), (2, 1, None), (0.5, -1, None), (0, -1, None),
])  # fmt: skip
def test_powers_beyond_all_exponents_end_at_once(x, sign, wanted):
    """y = ±e^(10⁸) has 144 million binary digits: as many squarings would take for ever. None: no number, as after an overflow."""
    functions = mp_algebra(60).functions
    far = functions["exp"](functions["number"](1e8))
    found = functions["pow"](functions["number"](x), sign * far)
    assert found == wanted if wanted is not None else found != found
