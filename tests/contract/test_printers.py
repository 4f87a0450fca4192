"""One program, four ways to run it: machine code, Python source, the same compiled by numba, and the evaluator."""

from __future__ import annotations

import itertools
import os
import re
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import cfdyn as cf
from cfdyn.codegen.compile import Rule, parameter_vector
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.codegen.native import assemble, load
from cfdyn.codegen.schedule import machine_program
from cfdyn.registry import defaults
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.programs.oracle import loss_program
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import FAR, Program, Tape
from tests.oracles import MP, derivative_tensor, formula, loss_function, needs_compiler
from tests.python_source import PythonRule, native_rule, python_function

ALGEBRA = mp_algebra(60)
NUMBER = ALGEBRA.functions["number"]
PROGRAMS = {"mlp", "softmax_regression"}  # which have no expression; tests/systems/test_large.py holds them against numpy
NAMES = [n for n in cf.losses.names() if n not in PROGRAMS and "required" not in defaults(getattr(cf.losses, n)).values()]
WHATS = ("value", "gradient", "hessian", "third", "hvp", "curvature_gradient", "switching")
CALLS = frozenset("exp log sin cos tan sinh cosh tanh log1p erf pow".split()) | FAR
_numbers = itertools.count()


def built(name: str) -> cf.Loss:
    return getattr(cf.losses, name)()


def offered(name: str) -> list[str]:
    """What there is to compute of a loss."""
    loss = built(name)
    return [w for w in WHATS if (w != "third" or loss.dim <= 4) and (w != "switching" or loss.spec.switching)]


CASES = [(name, what) for name in NAMES for what in offered(name)]


@cache
def points(name: str) -> np.ndarray:
    """Points of the box away from the switches; two directions behind each, (2, 3, d)."""
    loss = built(name)
    box, rng, found = np.array(loss.spec.box), np.random.default_rng(11), []
    while len(found) < 2:
        w = rng.uniform(box[:, 0], box[:, 1]) / 2
        if not loss.spec.switching or np.abs(loss.switching(w)).min() > 1e-3:
            found.append([w, *rng.normal(size=(2, loss.dim))])
    return np.array(found)


@cache
def tensor(name: str, i: int, order: int) -> np.ndarray:
    """Value or derivatives at a point from the SymPy expression in 80 digits, without the package's derivatives."""
    function, w = loss_function(built(name).spec), points(name)[i, 0].tolist()
    return derivative_tensor(function, w, order) if order else np.array(float(function(*map(MP.mpf, w))))


def switches(name: str, i: int) -> np.ndarray:
    """|f| of each f at whose zero a branch changes."""
    spec = built(name).spec
    names = [*spec.variables, *spec.params]
    values = [MP.mpf(v) for v in [*points(name)[i, 0].tolist(), *spec.params.values()]]
    nodes = list(sp.preorder_traversal(spec.expression))
    gaps = [f.lhs - f.rhs for f in nodes if isinstance(f, sp.core.relational.Relational)]
    gaps += [f.args[0] for f in nodes if f.func.__name__ in ("Abs", "sign", "Heaviside", "relu")]
    gaps += [a - b for f in nodes if isinstance(f, sp.Max | sp.Min) for a, b in itertools.combinations(f.args, 2)]
    once = {frozenset((g, -g)): g for g in gaps if g.free_symbols}
    return np.sort([abs(float(formula(g, names)(*values))) for g in once.values()])


def expected(name: str, what: str, i: int) -> np.ndarray:
    _, u, v = points(name)[i]
    if what == "hvp":
        return tensor(name, i, 2) @ u
    if what == "curvature_gradient":
        return np.einsum("ijk,i,j->k", tensor(name, i, 3), u, v)
    if what == "switching":
        return switches(name, i)
    return tensor(name, i, ("value", "gradient", "hessian", "third").index(what)).ravel()


# -- the printers: (loss, what) -> function of the state -----------------------------------------------------------


def machine_code(loss, what):
    return lambda z: loss.rule(what)(z, loss.p)


def plain_python(loss, what):
    program = loss_program(loss.spec, what)
    rule = PythonRule(python_function(machine_program(program)), len(program.outputs))
    return lambda z: rule(z, loss.p)


def compiled_by_numba(loss, what):
    program = loss_program(loss.spec, what)
    kept = native_rule(python_function(machine_program(program)))
    rule = Rule(kept.address, len(program.outputs))
    # The rule does not own the code.
    return lambda z, kept=kept: rule(z, loss.p)


def evaluator(loss, what):
    program = loss_program(loss.spec, what)
    rows = [] if loss.spec.data is None else [[NUMBER(v) for v in row] for row in loss.spec.data.tolist()]
    parameters = [NUMBER(v) for v in loss.params.values()]
    return lambda z: np.array([float(v) for v in evaluate(program, ALGEBRA, list(map(NUMBER, z)), parameters, rows)])


PRINTERS = [machine_code, plain_python, compiled_by_numba, evaluator]


def marks(what, printer):
    """What numba makes of the Python source, which is itself run for all, takes as long as the others ten times: gradients only."""
    return [] if printer is not compiled_by_numba else [needs_compiler] if what == "gradient" else [needs_compiler, pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "what", "printer"), [pytest.param(*case, printer, marks=marks(case[1], printer)) for case in CASES for printer in PRINTERS]
)
def test_every_printer_gives_the_50_digit_value(name, what, printer):
    loss = built(name)
    function = printer(loss, what)
    assert len(points(name)) == 2
    for i, (w, u, v) in enumerate(points(name)):
        state = {"hvp": [w, u], "curvature_gradient": [w, u, v]}.get(what, [w])
        measured, exact = function(np.concatenate(state)), expected(name, what, i)
        if what == "switching":
            measured = np.sort(np.abs(measured))
        assert measured.shape == exact.shape
        np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-13 * max(np.abs(exact).max(), 1e-3))


# -- bit by bit ----------------------------------------------------------------------------------------------------


def both(program: Program) -> tuple[Rule, PythonRule]:
    """Machine code and plain Python of one program."""
    ready, name = machine_program(program), f"printers_{os.getpid()}_{next(_numbers)}"
    function, n_out = python_function(ready), len(ready.outputs)
    # What the source calls when numba is off: functions that give NaN and infinity where those of math raise.
    function.__globals__.update({f: getattr(np, f) for f in "exp log sin cos tan sinh cosh tanh sqrt log1p".split()})
    return Rule(load(assemble(print_ir(ready, name)), name), n_out), PythonRule(function, n_out)


def calls(program: Program) -> set[str]:
    ready = machine_program(program)
    return {ready.tape.ops[n] for n in ready.tape.reachable(ready.outputs)} & CALLS


def assert_same_bits(a: np.ndarray, b: np.ndarray) -> None:
    """The same doubles, also in the sign of zero; which NaN it is does not matter."""
    bits = [np.where(np.isnan(x), 0, x.view(np.int64)) for x in (a, b)]
    assert (np.isnan(a) == np.isnan(b)).all() and (bits[0] == bits[1]).all(), (a, b)


def test_arithmetic_is_the_same_in_machine_code_and_in_python_to_the_last_bit():
    rng, seen = np.random.default_rng(12), 0
    special = [0.0, -0.0, 1.0, -1.0, 1e300, -1e-300, 5e-324, np.inf, -np.inf, np.nan]
    for name, what in CASES:
        loss = built(name)
        program = loss_program(loss.spec, what)
        if loss.spec.data is not None or calls(program):
            continue
        seen += 1
        machine, python = both(program)
        for _ in range(40):
            z = rng.normal(size=program.n_z) * 10.0 ** rng.uniform(-3, 3)
            assert_same_bits(machine(z, loss.p), python(z, loss.p))
            z[rng.integers(program.n_z)] = rng.choice(special)
            assert_same_bits(machine(z, loss.p), python(z, loss.p))
    assert seen > 25


ROWS = (
    "exp(u) + tanh(u) + sigmoid(u) + softplus(u) + logcosh(u) + log1p(u**2) + sin(u)*cos(3*u) + log(u**2 + 1)"
    " + sinh(u)/cosh(u)"
)


@cache
def functions_in_rows() -> list[tuple[str, Rule, PythonRule]]:
    """Programs of a loss on data that takes all functions of a w + b."""
    spec = make_loss(re.sub(r"\bu\b", "(w*x + b*label)", ROWS), "w b", columns=["x", "label"], data=np.zeros((1, 2)))
    return [(what, *both(loss_program(spec, what))) for what in ("value", "gradient", "hvp", "curvature_gradient")]


@pytest.mark.parametrize("n_rows", [1, 7, 8, 9, 16, 569])
def test_functions_in_rows_are_the_same_in_both_printers_to_the_last_bit(n_rows):
    rng = np.random.default_rng(n_rows)
    p = parameter_vector([], rng.normal(size=(n_rows, 2)) * 10.0 ** rng.uniform(-3, 1, (n_rows, 2)))
    assert len(functions_in_rows()) == 4
    for what, machine, python in functions_in_rows():
        z = rng.normal(size=2 * {"hvp": 2, "curvature_gradient": 3}.get(what, 1))
        found = machine(z, p)
        assert np.isfinite(found).all()
        assert_same_bits(found, python(z, p))


ONE_BY_ONE = "exp tanh sech2 sigmoid softplus logcosh log1p sin cos log sinh cosh".split()


@cache
def one_by_one() -> tuple[Rule, PythonRule]:
    """Σ f(x) over the rows, for each function."""
    tape = Tape()
    x = tape.leaf("col", 0)
    return both(Program(tape, tuple(tape.rowsum(tape.apply(op, x)) for op in ONE_BY_ONE), 0, 0, 1))


ENDS = [
    0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-20, -1e-20, 0.3, -0.3, 0.7, -0.5, -1.0, -1.5, -2.0, -3.0, 36.7, -36.8, 709.78, 709.79,
    -708.4, -745.1, -746.0, 710.4, 711.0, 1e6, 2.0**20, -(2.0**20), 1e7, 1e22, -1e22, 1e300, -1e300, 1.7e308, np.inf, -np.inf,
    np.nan,
]  # fmt: skip


@pytest.mark.parametrize("x", ENDS)
def test_the_ends_of_the_functions_in_rows_are_the_same_in_both_printers(x):
    """Overflow, underflow, poles, infinities: one row at a time, and behind other rows."""
    rules = one_by_one()
    # sin and cos of far arguments are the library's, and numpy's need not be libc's.
    kept = np.array([abs(x) <= 2.0**20 or op not in ("sin", "cos") for op in ONE_BY_ONE])
    for column in ([x], [0.5] * 7 + [x], [0.5] * 8 + [x]):
        p = parameter_vector([], np.array(column)[:, None])
        assert_same_bits(*(rule(np.empty(0), p)[kept] for rule in rules))


def test_functions_of_one_number_are_good_to_two_units_in_both_printers():
    """Called from the system's library, or composed from what is."""
    names = sorted((CALLS - FAR - {"pow"}) | {"sigmoid", "softplus", "logcosh", "sech2", "sqrt"})
    tape = Tape()
    x = tape.leaf("z", 0)
    machine, python = both(Program(tape, tuple(tape.apply(op, x) for op in names), 1, 0))
    exact = {"sigmoid": lambda t: 1 / (1 + MP.exp(-t)), "softplus": lambda t: MP.log(1 + MP.exp(t)),
             "logcosh": lambda t: MP.log(MP.cosh(t)), "log1p": lambda t: MP.log(1 + t), "sech2": lambda t: MP.sech(t) ** 2}  # fmt: skip
    for t in [*np.random.default_rng(13).uniform(0, 30, 200), 1e-9, 0.5, 1.0]:
        wanted = np.array([float(exact.get(op, getattr(MP, op, None))(MP.mpf(t))) for op in names])
        for rule in (machine, python):
            error = np.abs(rule(np.array([t]), np.empty(0)) - wanted) / np.spacing(np.abs(wanted))
            error[names.index("sech2")] /= 2  # good to four
            assert error.max() <= 2, (names[int(error.argmax())], t)


def test_the_evaluator_has_more_digits_than_50():
    loss = cf.losses.log_cosh()
    program = loss_program(loss.spec, "gradient")
    with mpmath.workdps(70):
        measured = mpmath.mpf(evaluate(program, ALGEBRA, [NUMBER(1)], [])[0])
        assert abs(measured - mpmath.tanh(1)) < mpmath.mpf(10) ** -55
