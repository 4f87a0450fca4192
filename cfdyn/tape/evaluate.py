"""Evaluate a program over any number type: one loop over the nodes and a table of functions.

The table (`Algebra`) defines the number type. `mp_algebra(digits)` computes with mpmath numbers of
that many digits, `on_arrays` with NumPy arrays; `compile` in the codegen layer prints the same program for the machine.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from cfdyn.tape.program import Node, Program, Tape

HUGE = 100_000  # exp(2^HUGE) still is a number of 12 kB
HIGH = 1000  # x**(2^HIGH) takes as many squarings, each in four times as many bits
PIECE = 16384  # entries of arrays at a time: what a program leaves behind stays small
FEW = PIECE // 16  # numbers so few are computed for many rows of data at once

Call = tuple[int, Callable, list[int]]  # where a value goes, its function, and where what it reads is


@dataclass(frozen=True)
class Algebra:
    """A number type: the constructor of constants, and the functions by the tape's names."""

    constant: Callable[[Fraction], Any]
    functions: Mapping[str, Callable]
    pi: Any
    e: Any


def evaluate(program: Program, algebra: Algebra, z: Sequence, p: Sequence, data: Sequence = ()) -> list:
    """The outputs as numbers of the algebra.

    z, p : sequences of the algebra's numbers, (n_z,) and (n_p,)
    data : rows of numbers, (rows, n_columns); empty if the program reads no data

    >>> t = Tape()
    >>> square = Program(t, (t.ipow(t.leaf("z", 0), 2),), n_z=1, n_p=0)
    >>> algebra = mp_algebra(30)
    >>> evaluate(square, algebra, [algebra.constant(Fraction(1, 3))], [])
    [mpf('0.111111111111111111111111111111102')]
    """
    return Ready(program, algebra, data)(z, p)


class Ready:
    """A program for repeated evaluation over one number type: constants are made once, functions are resolved once.

    >>> t = Tape()
    >>> square = Program(t, (t.mul(t.const(3), t.ipow(t.leaf("z", 0), 2)),), n_z=1, n_p=0)
    >>> algebra = mp_algebra(30)
    >>> Ready(square, algebra)([algebra.constant(Fraction(2))], [])
    [mpf('12.0')]
    """

    def __init__(self, program: Program, algebra: Algebra, data: Sequence = ()):
        tape, place = program.tape, {node: k for k, node in enumerate(program.order)}
        self.start: list[Any] = [None] * len(place)
        self.inputs: list[tuple[int, str, int]] = []
        levels, calls, sums = _levels(program), dict[int, list[Call]](), dict[int, list[Node]]()
        for node, k in place.items():
            op, args = tape.ops[node], tape.args[node]
            if tape.by_row[node]:
                continue
            if op in ("z", "p"):
                self.inputs.append((k, op, args[0]))
            elif op in ("const", "rows", "pi", "e", "nil"):
                self.start[k] = _value(tape, algebra, node, {}, {}, len(data))
            elif op == "rowsum":
                sums.setdefault(levels[node], []).append(node)
            else:
                calls.setdefault(levels[node], []).append(_call(tape, algebra, node, place))
        each = range(max(levels.values(), default=0) + 1)
        self.stages = [(calls.get(n, []), _RowSums(tape, algebra, sums.get(n, []), place, data)) for n in each]
        self.outputs = [place[node] for node in program.outputs]

    def __call__(self, z: Sequence, p: Sequence, blocks: Iterable | None = None) -> list:
        """The outputs, as of `evaluate`. ``blocks``: blocks of rows, each column an array whose first axis counts the rows."""
        values = self.start.copy()
        for k, op, index in self.inputs:
            values[k] = z[index] if op == "z" else p[index]
        for calls, sums in self.stages:
            _fill(values, calls)
            sums.fill(values, blocks)
        return [values[k] for k in self.outputs]


def _levels(program: Program) -> dict[Node, int]:
    """The nesting depth of sums over rows below each node."""
    tape, levels = program.tape, dict[Node, int]()
    for node in program.order:
        levels[node] = max((levels[a] + (tape.ops[a] == "rowsum") for a in tape.children(node)), default=0)
    return levels


class _RowSums:
    """Sums over the rows of data: shared nodes are computed once per row."""

    def __init__(self, tape: Tape, algebra: Algebra, sums: Sequence[Node], place: Mapping[Node, int], data: Sequence):
        bodies = [tape.args[node][0] for node in sums]
        by_row = [node for node in tape.reachable(bodies) if tape.by_row[node]]
        self.columns = [(place[node], tape.args[node][0]) for node in by_row if tape.ops[node] == "col"]
        self.calls = [_call(tape, algebra, node, place) for node in by_row if tape.ops[node] != "col"]
        self.places, self.bodies = [place[node] for node in sums], [place[body] for body in bodies]
        self.data, self.zero = data, algebra.constant(Fraction(0))

    def fill(self, values: list, blocks: Iterable | None = None) -> None:
        """Store the sums in their places, from the values of the nodes that do not depend on a row; row by row in either case."""
        if not self.places:
            return
        totals, added = [self.zero] * len(self.places), operator.add if blocks is None else _all_added
        for row in self.data if blocks is None else blocks:
            for k, column in self.columns:
                values[k] = row[column]
            _fill(values, self.calls)
            totals = [added(total, values[k]) for total, k in zip(totals, self.bodies, strict=True)]
        for k, total in zip(self.places, totals, strict=True):
            values[k] = total


def _all_added(total: Any, rows: np.ndarray) -> Any:
    return reduce(operator.add, rows, total)


def _fill(values: list, calls: Sequence[Call]) -> None:
    for k, function, args in calls:
        if len(args) == 2:
            values[k] = function(values[args[0]], values[args[1]])
        else:
            values[k] = function(*[values[a] for a in args])


def _call(tape: Tape, algebra: Algebra, node: Node, place: Mapping[Node, int]) -> Call:
    """The function of a node, and the places of its arguments."""
    op, args = tape.ops[node], tape.args[node]
    function = _to_power(algebra.functions[op], args[1]) if op == "ipow" else algebra.functions[op]
    return place[node], function, [place[a] for a in tape.children(node)]


def _to_power(power: Callable, n: int) -> Callable:
    return lambda x: power(x, n)


def _value(tape: Tape, algebra: Algebra, node: Node, values: Mapping, inputs: Mapping, rows: int) -> Any:
    op, args = tape.ops[node], tape.args[node]
    if op in ("const", "nil"):
        return algebra.constant(Fraction(args[0]))
    if op in inputs:
        return inputs[op][args[0]]
    if op == "rows":
        return algebra.constant(Fraction(rows))
    if op in ("pi", "e"):
        return getattr(algebra, op)
    if op == "ipow":
        return algebra.functions["ipow"](values[args[0]], args[1])
    return algebra.functions[op](*(values[a] for a in args))


@lru_cache(maxsize=16)
def mp_algebra(digits: int) -> Algebra:
    """mpmath numbers of ``digits`` decimal digits, in a separate context.

    A value outside the real domain (the log of a negative number) is NaN, and so is a pole (1/0), which is infinite in floats.
    """
    import mpmath

    mp = mpmath.MPContext()
    mp.dps = digits
    # Each context has a class of its own, which no module knows by name.
    mp.mpf.__reduce__ = lambda x: (_number, (digits, mpmath.libmp.to_pickable(x._mpf_)))

    def real(function: Callable) -> Callable:
        def guarded(*args: Any) -> Any:
            try:
                result = function(*args)
            except (ZeroDivisionError, ValueError, OverflowError):
                return mp.nan
            return result if isinstance(result, mp.mpf) else mp.nan

        return guarded

    logic: dict[str, Callable] = {
        "lt": operator.lt, "le": operator.le, "eq": operator.eq, "not": operator.not_,
        "and": lambda a, b: a and b, "or": lambda a, b: a or b,
        "select": lambda condition, a, b: a if condition else b, "number": mp.mpf,
    }  # fmt: skip
    functions = {name: real(f) for name, f in _mp_functions(mp).items()} | logic
    constant = lru_cache(maxsize=4096)(lambda f: mp.mpf(f.numerator) / f.denominator)
    return Algebra(constant, functions, +mp.pi, +mp.e)


def _number(digits: int, parts: tuple) -> Any:
    import mpmath

    return mp_algebra(digits).functions["number"](mpmath.libmp.from_pickable(parts))


def _mp_functions(mp: Any) -> dict[str, Callable]:
    one = mp.mpf(1)
    names = "log sqrt erf log1p floor".split()
    table = {name: getattr(mp, name) for name in names}
    table |= {name: _bounded(mp, getattr(mp, name)) for name in "sin cos tan sinh cosh".split()}
    exp = _bounded(mp, mp.exp)
    table.update(
        add=operator.add, sub=operator.sub, mul=operator.mul, div=operator.truediv, neg=operator.neg,
        pow=_bounded_power(mp), ipow=operator.pow, max=lambda a, b: b if a < b or b != b else a,
        min=lambda a, b: b if b < a or b != b else a,
        abs=abs, sign=lambda x: mp.sign(x), heaviside=lambda x: (mp.sign(x) + 1) / 2,
        exp=exp, tanh=lambda x: mp.tanh(x) if mp.mag(x) < 64 else mp.sign(x),
        sigmoid=lambda x: one / (one + exp(-x)) if x > 0 else exp(x) / (one + exp(x)),
        softplus=lambda x: max(x, mp.zero) + mp.log1p(exp(-abs(x))),
        logcosh=lambda x: abs(x) + mp.log1p(exp(-2 * abs(x))) - mp.log(2) if abs(x) > 1 else mp.log1p(2 * mp.sinh(x / 2) ** 2),
        sech2=lambda x: 4 * exp(-2 * abs(x)) / (one + exp(-2 * abs(x))) ** 2,
    )  # fmt: skip
    return table


def _bounded(mp: Any, function: Callable) -> Callable:
    """The function for arguments below 2^HUGE; beyond, its value or its reduction would exhaust the memory."""

    def guarded(x: Any) -> Any:
        if x != 0 and mp.isfinite(x) and mp.mag(x) > HUGE:
            if function == mp.exp and x < 0:
                return mp.zero
            raise OverflowError("an argument too large")
        return function(x)

    return guarded


def _bounded_power(mp: Any) -> Callable:
    """x**y for |y| below 2^HIGH; beyond, 1 or 0, or an overflow, whose computation would not end."""

    def guarded(x: Any, y: Any) -> Any:
        if y == 0 or not (mp.isfinite(y) and mp.mag(y) > HIGH):
            return x**y
        if abs(x) == 1:
            return x * x  # y is an even number
        if abs(x) < 1 < y or y < 0 and abs(x) > 1:
            return mp.zero
        raise OverflowError("an exponent too large")

    return guarded


def on_arrays(program: Program, data: Sequence = ()) -> Callable[[Sequence, Sequence[float] | np.ndarray], list]:
    """The program as a function of (z, p), with z arrays of one shape or numbers; an output that reads no array is a number.

    >>> t = Tape()
    >>> x, y = t.leaves("z", 2)
    >>> on_arrays(Program(t, (t.mul(x, y), t.ipow(y, 3)), n_z=2, n_p=0))([np.array([1.0, 2.0]), 3.0], [])
    [array([3., 6.]), 27.0]
    """
    ready, table, tape = Ready(program, _arrays(), data), np.array(data, dtype=float), program.tape
    reads = [{tape.args[n][0] for n in tape.reachable([node]) if tape.ops[n] == "z"} for node in program.outputs]

    def one(z: Sequence[Any], p: Any, size: int) -> list[Any]:
        if not len(table) or size > FEW or any(np.ndim(x) > 1 for x in z):
            return ready(z, p)
        room = PIECE // max(size, 1)
        blocks = [table[k : k + room].T[:, :, None] for k in range(0, len(table), room)]
        outputs = zip(ready(z, p, blocks), reads, strict=True)
        return [x if any(np.ndim(z[k]) for k in read) else np.ravel(x)[0] for x, read in outputs]

    def on_rows(z: Sequence[Any], p: Any) -> list[Any]:
        size = max((len(x) for x in z if np.ndim(x)), default=0)
        with np.errstate(all="ignore"):
            if size <= PIECE:
                return one(z, p, size)
            parts = [one([x[k : k + PIECE] if np.ndim(x) else x for x in z], p, PIECE) for k in range(0, size, PIECE)]
        return [np.concatenate(column) if np.ndim(column[0]) else column[0] for column in zip(*parts, strict=True)]

    return on_rows


@lru_cache(maxsize=1)
def _arrays() -> Algebra:
    names = "sqrt abs sign log exp log1p tanh sinh cosh sin cos tan floor".split()
    functions: dict[str, Callable] = {name: getattr(np, name) for name in names} | {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power,
        "ipow": _array_power, "max": np.maximum, "min": np.minimum, "lt": np.less, "le": np.less_equal, "eq": np.equal,
        "not": np.logical_not, "and": np.logical_and, "or": np.logical_or, "select": lambda which, a, b: np.where(which, a, b),
        "erf": _array_erf, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "heaviside": lambda x: (np.sign(x) + 1) / 2,
        "softplus": lambda x: np.logaddexp(0.0, x),
        "logcosh": lambda x: np.where(np.abs(x) > 1, np.logaddexp(x, -x) - np.log(2), np.log1p(2 * np.sinh(x / 2) ** 2)),
        "sech2": lambda x: 4 * np.exp(-2 * np.abs(x)) / (1 + np.exp(-2 * np.abs(x))) ** 2,
    }  # fmt: skip
    return Algebra(float, functions, np.pi, np.e)


def _array_erf(x: Any) -> Any:
    from scipy.special import erf  # takes .2 s to import

    return erf(x)


def _array_power(x: Any, n: int) -> Any:
    """x**n as products: np.power takes some 170 ns an entry for whole n other than 2 and -1."""
    if n < 0:
        return np.divide(1.0, _array_power(x, -n))  # of Python's 0.0 too, which 1.0 / refuses
    if n > 64:
        return np.power(x, float(n))
    if n <= 1:
        return x if n else np.ones_like(x)
    half = _array_power(x, n // 2)
    return half * half * x if n % 2 else half * half
