"""A second printer, to hold the first against: a program as the source of a Python function ``compiled(z, p, out)``.

Sums over rows are loops, one for all sums that can run together. Numba can compile the function too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from cfdyn.codegen.schedule import LANES, nearest_double, schedule
from cfdyn.machine.jit import DISABLED, SIGNATURE
from cfdyn.tape.program import FAR, Node, Program

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "lt": "<", "le": "<=", "eq": "==",
          "and": "and", "or": "or"}  # fmt: skip
_CALLS = {"max": "maximum", "min": "minimum", "round": "rint"}
_HEAD = """\
from tests.elementary import *


def compiled(z, p, out):
"""


def print_source(program: Program) -> str:
    """The module that defines the rule ``compiled``.

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
    lines: list[str] = []
    for section in schedule(program):
        computed = [f"{_name(n)} = {_expression(program, n)}" for n in section.nodes]
        lines += _loop(program, section.sums, computed) if section.sums else computed
    lines += [f"out[{i}] = {_name(n)}" for i, n in enumerate(program.outputs)]
    return _HEAD + "".join(f"    {line}\n" for line in lines or ["pass"])


def _loop(program: Program, sums: list[Node], computed: list[str]) -> list[str]:
    lines = [f"{_name(n)} = 0.0" for n in sums]
    lines.append(f"rows = int(p[{program.n_p}])")
    lines.append(f"padded = (rows + {LANES - 1})//{LANES}*{LANES}")
    lines.append(f"for row in range({program.n_p + 1}, {program.n_p + 1} + rows):")
    lines += [f"    {line}" for line in computed]
    return lines + [f"    {_name(n)} += {_name(program.tape.args[n][0])}" for n in sums]


def _name(node: Node) -> str:
    return f"v{node}"


def _expression(program: Program, node: Node) -> str:
    op, args = program.tape.ops[node], program.tape.args[node]
    if op == "const":
        # Not a plain float: Python's own division and powers raise where a processor gives inf or NaN.
        return f"float64({nearest_double(args[0])!r})"
    if op in ("z", "p"):
        return f"{op}[{args[0]}]"
    if op == "col":
        return f"p[row + {args[0]}*padded]"
    if op == "rows":
        return f"p[{program.n_p}]"
    if op == "nil":
        return "float64(0.0)"
    if op in ("pi", "e"):
        return {"pi": "float64(3.141592653589793)", "e": "float64(2.718281828459045)"}[op]
    if op == "ipow":
        return _integer_power(_name(args[0]), args[1])
    names = [_name(a) for a in args]
    if op == "neg":
        return f"-{names[0]}"
    if op in _INFIX:
        return f"{names[0]} {_INFIX[op]} {names[1]}"
    if op == "not":
        return f"not {names[0]}"
    if op == "select":
        return f"{names[1]} if {names[0]} else {names[2]}"
    if op in FAR:
        return f"{op.removeprefix('far_')}({names[0]}) if abs({names[0]}) > {names[1]} else {names[2]}"
    return f"{_CALLS.get(op, op)}({', '.join(names)})"


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


@dataclass(frozen=True)
class PythonRule:
    """The function as a rule."""

    compiled: Callable[[Any, Any, Any], None]
    n_out: int

    def __call__(self, z: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The outputs, (n_out,)."""
        out = np.empty(self.n_out)
        with np.errstate(all="ignore"):
            self.compiled(z, p, out)
        return out


def python_function(program: Program) -> Callable[[Any, Any, Any], None]:
    """The program as a Python function ``(z, p, out)``."""
    names: dict[str, Any] = {}
    exec(compile(print_source(program), "<rule>", "exec"), names)
    return names["compiled"]


def native_rule(function: Callable) -> Any:
    """Such a function compiled by numba, in memory."""
    return function if DISABLED else numba.cfunc(SIGNATURE, error_model="numpy")(function)
