"""A program as the source of one Python function ``rule(z, p, out)`` that numba compiles.

``p`` holds the parameters, then the number of data rows and the data, row by row; sums over rows
are loops, one for all sums that can run together.
"""

from __future__ import annotations

from fractions import Fraction

from cfdyn.errors import FormulaError
from cfdyn.tape.program import Node, Program, Tape

VERSION = 1
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "eq": "==", "and": "and", "or": "or"}
_CALLS = {"max": "maximum", "min": "minimum", "abs": "abs"}
_HEAD = """\
from cfdyn._jit import rule
from cfdyn.kernels.elementary import *
from cfdyn.kernels.elementary import cos, cosh, erf, exp, log, log1p, sin, sinh, sqrt, tan, tanh


@rule
def compiled(z, p, out):
"""


def print_source(program: Program) -> str:
    """The module that defines the rule ``compiled``.

    Examples
    --------
    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> square = Program(t, (t.ipow(t.leaf("z", 0), 2),), n_z=1, n_p=0)
    >>> print(print_source(square).split("compiled")[1])
    (z, p, out):
        v0 = z[0]
        v1 = v0*v0
        out[0] = v1
    <BLANKLINE>
    """
    tape = program.tape
    order = tape.reachable(program.outputs)
    level = _levels(tape, order)
    lines: list[str] = []
    for current in range(max(level.values(), default=0) + 1):
        sums = [n for n in order if tape.ops[n] == "rowsum" and level[n] == current]
        if sums:
            lines += _loop(program, sums)
        scalars = [n for n in order if level[n] == current and not tape.by_row[n] and tape.ops[n] != "rowsum"]
        lines += [f"{_name(n)} = {_expression(program, n)}" for n in scalars]
    lines += [f"out[{i}] = {_name(n)}" for i, n in enumerate(program.outputs)]
    return _HEAD + "".join(f"    {line}\n" for line in lines or ["pass"])


def _levels(tape: Tape, order: list[Node]) -> dict[Node, int]:
    """How many loops over the data must have run before a node can be computed."""
    level: dict[Node, int] = {}
    for node in order:
        below = max((level[c] for c in tape.children(node)), default=0)
        level[node] = below + (tape.ops[node] == "rowsum")
    return level


def _loop(program: Program, sums: list[Node]) -> list[str]:
    tape = program.tape
    bodies = [tape.args[n][0] for n in sums]
    inside = [n for n in tape.reachable(bodies) if tape.by_row[n]]
    start = program.n_p + 1
    lines = [f"{_name(n)} = 0.0" for n in sums]
    lines.append(f"for row in range({start}, {start} + int(p[{program.n_p}])*{program.n_columns}, {program.n_columns}):")
    lines += [f"    {_name(n)} = {_expression(program, n)}" for n in inside]
    lines += [f"    {_name(n)} += {_name(body)}" for n, body in zip(sums, bodies, strict=True)]
    return lines


def _name(node: Node) -> str:
    return f"v{node}"


def _expression(program: Program, node: Node) -> str:
    op, args = program.tape.ops[node], program.tape.args[node]
    if op == "const":
        return _constant(args[0])
    if op in ("z", "p"):
        return f"{op}[{args[0]}]"
    if op == "col":
        return f"p[row + {args[0]}]"
    if op == "rows":
        return f"p[{program.n_p}]"
    if op in ("pi", "e"):
        return {"pi": "3.141592653589793", "e": "2.718281828459045"}[op]
    if op == "ipow":
        return _integer_power(_name(args[0]), args[1])
    names = [_name(a) for a in args]
    if op == "neg":
        return f"-{names[0]}"
    if op in _INFIX:
        return f"{names[0]} {_INFIX[op]} {names[1]}"
    if op == "pow":
        return f"{names[0]}**{names[1]}"
    if op == "not":
        return f"not {names[0]}"
    if op == "select":
        return f"{names[1]} if {names[0]} else {names[2]}"
    return f"{_CALLS.get(op, op)}({', '.join(names)})"


def _constant(value: Fraction) -> str:
    try:
        return repr(value.numerator / value.denominator)
    except OverflowError:
        raise FormulaError("the formula has a number beyond the range of floating point (1e308)") from None


def _integer_power(x: str, n: int) -> str:
    """x**n as products for small n: faster than a call, and the same on every platform."""
    if n < 0:
        return f"1.0/({_integer_power(x, -n)})"
    if n > 64:
        return f"{x}**{float(n)!r}"
    if n <= 3:
        return "*".join([x] * n)
    half = f"({_integer_power(x, n // 2)})"
    return f"{half}*{half}" + (f"*{x}" if n % 2 else "")
