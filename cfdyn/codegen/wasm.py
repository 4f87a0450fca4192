"""A program as WebAssembly text: a function ``(z, p, out)`` of three addresses, for a reader's browser.

It prints the operations of `cfdyn.codegen.llvm_ir` one by one, so that the numbers are the same to the last bit if only + − × ÷
√, comparisons and choices occur. Functions that WebAssembly lacks (`CALLED`) are imported from the page under the name "math".
Sums over data rows are loops that add one row after the other, the order of the machine code.
"""

from __future__ import annotations

from collections.abc import Iterable

from cfdyn.codegen.llvm_nodes import LITERALS
from cfdyn.codegen.schedule import LANES, Section, machine_program, nearest_double, schedule
from cfdyn.errors import FormulaError
from cfdyn.tape.program import BINARY, FAR, TRUTHS, Node, Program

LONGEST = 20_000  # operations of a function: an engine compiles no more than 50,000 local variables
PRODUCTS = 64  # the largest exponent of a power that is computed as products
CALLED = frozenset(("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log1p", "erf", "pow"))
_PLAIN = {
    "add": "f64.add", "sub": "f64.sub", "mul": "f64.mul", "div": "f64.div", "neg": "f64.neg", "lt": "f64.lt", "le": "f64.le",
    "eq": "f64.eq", "and": "i32.and", "or": "i32.or", "not": "i32.eqz", "sqrt": "f64.sqrt", "abs": "f64.abs",
    "round": "f64.nearest", "floor": "f64.floor",
}  # fmt: skip
_NAMED = {"pi": 3.141592653589793, "e": 2.718281828459045, "nil": 0.0}


def imported(programs: Iterable[Program]) -> list[str]:
    """The functions that the page must supply, sorted."""
    names = set[str]()
    for program in programs:
        made = machine_program(program)
        names |= {made.tape.ops[node].removeprefix("far_") for node in made.order} & CALLED
        if any(made.tape.ops[node] == "ipow" and abs(made.tape.args[node][1]) > PRODUCTS for node in made.order):
            names.add("pow")
    return sorted(names)


def declare(names: Iterable[str]) -> str:
    """The lines that import functions of one or two numbers."""
    lines = []
    for name in names:
        arguments = "(param f64 f64)" if name in BINARY else "(param f64)"
        lines.append(f'(import "math" "{name}" (func ${name} {arguments} (result f64)))\n')
    return "".join(lines)


def print_wat(program: Program, name: str) -> str:
    """The function ``name``, exported, of a module with a memory.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> print(print_wat(Program(t, (t.ipow(t.leaf("z", 0), 2),), n_z=1, n_p=0), "f"))
    (func $f (export "f") (param $z i32) (param $p i32) (param $out i32)
      (local $v0 f64) (local $v1 f64)
      (local.set $v0 (f64.load offset=0 (local.get $z)))
      (local.set $v1 (f64.mul (local.get $v0) (local.get $v0)))
      (f64.store offset=0 (local.get $out) (local.get $v1)))
    <BLANKLINE>
    """
    made = machine_program(program)
    if len(made.order) > LONGEST:
        raise FormulaError(f"a program of {len(made.order)} operations is too long for a page; {LONGEST} is the most")
    return _Function(made).text(name)


class _Function:
    """The lines of one function, and its local variables."""

    def __init__(self, program: Program):
        self.program, self.tape = program, program.tape
        self.locals: dict[str, str] = {}
        self.lines: list[str] = []

    def text(self, name: str) -> str:
        """The definition."""
        for section in schedule(self.program) or [Section([], [])]:
            if section.sums:
                self._loop(section)
            else:
                self._nodes(section.nodes)
        for i, node in enumerate(self.program.outputs):
            self.lines.append(f"(f64.store offset={8 * i} (local.get $out) {self._number(node)})")
        head = f'(func ${name} (export "{name}") (param $z i32) (param $p i32) (param $out i32)'
        declared = " ".join(f"(local {local} {kind})" for local, kind in self.locals.items())
        return "\n  ".join([head, *([declared] if declared else []), *self.lines]) + ")\n"

    def _set(self, local: str, kind: str, value: str) -> None:
        self.locals[local] = kind
        self.lines.append(f"(local.set {local} {value})")

    def _nodes(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if self.tape.ops[node] not in LITERALS:
                self._set(f"$v{node}", "i32" if self.tape.ops[node] in TRUTHS else "f64", self._value(node))

    def _loop(self, section: Section) -> None:
        """One row after the other; the columns are in p, each padded to a multiple of LANES."""
        n, k = self.program.n_p, len(self.lines)
        self._set("$rows", "i32", f"(i32.trunc_f64_s (f64.load offset={8 * n} (local.get $p)))")
        filled = f"(i32.and (i32.add (local.get $rows) (i32.const {LANES - 1})) (i32.const {-LANES}))"
        self._set("$column", "i32", f"(i32.mul (i32.const 8) {filled})")
        self._set("$row", "i32", f"(i32.add (local.get $p) (i32.const {8 * (n + 1)}))")
        for node in section.sums:
            self._set(f"$v{node}", "f64", "(f64.const 0)")
        self.lines.append(f"(block $end{k} (loop $rows{k} (br_if $end{k} (i32.eqz (local.get $rows)))")
        self._nodes(section.nodes)
        for node in section.sums:
            term = self._number(self.tape.args[node][0])
            self._set(f"$v{node}", "f64", f"(f64.add (local.get $v{node}) {term})")
        self._set("$row", "i32", "(i32.add (local.get $row) (i32.const 8))")
        self._set("$rows", "i32", "(i32.sub (local.get $rows) (i32.const 1))")
        self.lines.append(f"(br $rows{k})))")

    def _number(self, node: Node) -> str:
        op, args = self.tape.ops[node], self.tape.args[node]
        if op == "const":
            return _literal(nearest_double(args[0]))
        return _literal(_NAMED[op]) if op in _NAMED else f"(local.get $v{node})"

    def _truth(self, node: Node) -> str:
        if self.tape.ops[node] == "const":
            return f"(i32.const {int(bool(self.tape.args[node][0]))})"
        return self._number(node)

    def _value(self, node: Node) -> str:
        op, args = self.tape.ops[node], self.tape.args[node]
        if op in ("z", "p", "rows", "col"):
            return self._load(op, args[0])
        if op == "ipow":
            return self._power(self._number(args[0]), args[1], f"$w{node}")
        if op in ("and", "or", "not"):
            return f"({_PLAIN[op]} {' '.join(self._truth(a) for a in args)})"
        if op == "select":
            return _select(self._number(args[1]), self._number(args[2]), self._truth(args[0]))
        x = [self._number(a) for a in args]
        if op in _PLAIN:
            return f"({_PLAIN[op]} {' '.join(x)})"
        if op in ("max", "min"):
            low, high = x if op == "max" else x[::-1]
            chosen = _select(x[1], x[0], f"(f64.lt {low} {high})")
            return _select(x[1], chosen, f"(f64.ne {x[1]} {x[1]})")  # the comparison chose the first where one is NaN
        if op in ("sign", "heaviside"):
            return _sign(op, x[0])
        if op in ("exp2i", "exponent", "mantissa"):
            return _bits(op, x[0])
        if op in FAR:  # the function of the page where |x| is beyond the limit
            far = f"(call ${op.removeprefix('far_')} {x[0]})"
            return f"(if (result f64) (f64.gt (f64.abs {x[0]}) {x[1]}) (then {far}) (else {x[2]}))"
        assert op in CALLED, op
        return f"(call ${op} {' '.join(x)})"

    def _load(self, op: str, index: int) -> str:
        if op == "col":
            return f"(f64.load (i32.add (local.get $row) (i32.mul (local.get $column) (i32.const {index}))))"
        pointer, at = ("z", index) if op == "z" else ("p", self.program.n_p if op == "rows" else index)
        return f"(f64.load offset={8 * at} (local.get ${pointer}))"

    def _power(self, x: str, n: int, local: str) -> str:
        """x**n as products, in the order of the machine code."""
        if n < 0:
            return f"(f64.div (f64.const 1) {self._power(x, -n, local)})"
        if n > PRODUCTS:
            return f"(call $pow {x} {_literal(float(n))})"
        if n <= 3:
            product = x
            for _ in range(n - 1):
                product = f"(f64.mul {product} {x})"
            return product
        self._set(f"{local}.{n}", "f64", self._power(x, n // 2, local))
        half = f"(local.get {local}.{n})"
        whole = f"(f64.mul {half} {half})"
        return f"(f64.mul {whole} {x})" if n % 2 else whole


def _literal(value: float) -> str:
    return f"(f64.const {value.hex()})"


def _select(a: str, b: str, test: str) -> str:
    return f"(select {a} {b} {test})"


def _sign(op: str, x: str) -> str:
    """(x > 0) - (x < 0), or half of it plus a half; NaN stays NaN."""
    negative = _select("(f64.const -1)", f"(f64.mul {x} (f64.const 0))", f"(f64.lt {x} (f64.const 0))")
    sign = _select("(f64.const 1)", negative, f"(f64.gt {x} (f64.const 0))")
    return sign if op == "sign" else f"(f64.add (f64.const 0.5) (f64.mul (f64.const 0.5) {sign}))"


def _bits(op: str, x: str) -> str:
    """The three functions that read the exponent and the mantissa of a double."""
    if op == "exp2i":  # the sum's low bits are the biased exponent
        moved = f"(i64.reinterpret_f64 (f64.add {x} {_literal(float(3 * 2**51 + 1023))}))"
        return f"(f64.reinterpret_i64 (i64.shl {moved} (i64.const 52)))"
    bits = f"(i64.reinterpret_f64 {x})"
    if op == "mantissa":
        kept = f"(i64.and {bits} (i64.const {2**52 - 1}))"
        return f"(f64.reinterpret_i64 (i64.or {kept} (i64.const {1023 << 52})))"
    number = f"(f64.reinterpret_i64 (i64.or (i64.shr_u {bits} (i64.const 52)) (i64.const {1075 << 52})))"
    return f"(f64.sub {number} {_literal(float(2**52 + 1023))})"
