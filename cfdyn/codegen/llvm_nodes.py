"""One node of a program → instructions of LLVM IR, for one number or for a vector of several."""

import struct
from fractions import Fraction

from cfdyn.codegen.schedule import LANES, nearest_double
from cfdyn.tape.program import FAR, Node, Program

_INFIX = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole", "eq": "oeq"}
_INTRINSIC = {"sqrt": "sqrt", "abs": "fabs", "round": "rint", "floor": "floor"}
_NAMED = {"pi": Fraction(3.141592653589793), "e": Fraction(2.718281828459045), "nil": Fraction(0)}
LITERALS = frozenset(("const", *_NAMED))
# exp2i adds this, so that the sum's low bits are the biased exponent; exponent takes 2^52 + 1023 off again.
_EXPONENT_TO_BITS, _BITS_TO_EXPONENT = Fraction(3 * 2**51 + 1023), Fraction(2**52 + 1023)


def several(lanes: int, kind: str = "double") -> str:
    """The type of one number, or of a vector of several."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


VECTOR, MASK = several(LANES), several(LANES, "i1")


class Body:
    """The lines of a function, one node after the other; ``block`` is the label of the current basic block."""

    def __init__(self, program: Program, declared: set[str]):
        self.program, self.tape, self.declared = program, program.tape, declared
        self.lines: list[str] = []
        self.block = "start"
        self.loop = 0
        self.fresh = 0

    def new(self, what: str) -> str:
        """A new name for the value of an instruction."""
        self.fresh += 1
        self.lines.append(f"%t{self.fresh} = {what}")
        return f"%t{self.fresh}"

    def number(self, node: Node, lanes: int) -> str:
        """A number as an operand, spread over the lanes if it is the same for all rows."""
        if self.is_literal(node):
            return spread(hexadecimal(_NAMED.get(self.tape.ops[node], self.tape.args[node][0])), lanes)
        return f"%s{node}" if lanes > 1 and not self.tape.by_row[node] else self.name(node)

    def _truth(self, node: Node, lanes: int) -> str:
        if self.tape.ops[node] == "const":
            return spread("true" if self.tape.args[node][0] else "false", lanes, "i1")
        return self.number(node, lanes)

    def name(self, node: Node) -> str:
        """The name of the node's value; values that differ from row to row are computed again in each loop."""
        return f"%v{node}.{self.loop}" if self.tape.by_row[node] else f"%v{node}"

    def is_literal(self, node: Node) -> bool:
        """True for a constant, which is written at each use."""
        return self.tape.ops[node] in LITERALS

    def node(self, node: Node, lanes: int) -> None:
        """Compute a node, under its name."""
        if not self.is_literal(node):
            self.lines.append(f"{self.name(node)} = {self._value(self.tape.ops[node], node, lanes)}")

    def _value(self, op: str, node: Node, lanes: int) -> str:
        args, kind = self.tape.args[node], several(lanes)
        if op in ("z", "p", "rows"):
            return self._load(op, args[0])
        if op == "ipow":
            return self._power(self.number(args[0], lanes), args[1], lanes)
        if op in ("and", "or", "not", "select"):
            return self._choice(op, args, lanes, kind)
        x = [self.number(a, lanes) for a in args]
        if op in _INFIX:
            return f"{_INFIX[op]} {kind} {x[0]}, {x[1]}"
        if op == "neg":
            return f"fneg {kind} {x[0]}"
        if op in _COMPARE:
            return f"fcmp {_COMPARE[op]} {kind} {x[0]}, {x[1]}"
        if op in ("max", "min"):
            low, high = x if op == "max" else x[::-1]
            test = self.new(f"fcmp olt {kind} {low}, {high}")
            chosen = self.new(f"select {_truths(lanes)} {test}, {kind} {x[1]}, {kind} {x[0]}")
            # The comparison chose the first where one is NaN.
            missing = self.new(f"fcmp uno {kind} {x[1]}, {x[1]}")
            return f"select {_truths(lanes)} {missing}, {kind} {x[1]}, {kind} {chosen}"
        if op in ("sign", "heaviside"):
            return self._sign(op, x[0], lanes, kind)
        if op in _INTRINSIC:
            return self.intrinsic(f"llvm.{_INTRINSIC[op]}", x[0], lanes)
        if op in ("exp2i", "exponent", "mantissa"):
            return self._bits(op, x[0], lanes, kind)
        return self._far(op, x, lanes) if op in FAR else self._call(op, x, lanes)

    def _load(self, op: str, index: int) -> str:
        pointer, at = ("z", index) if op == "z" else ("p", self.program.n_p if op == "rows" else index)
        return f"load double, ptr {self.new(f'getelementptr double, ptr %{pointer}, i64 {at}')}"

    def _choice(self, op: str, args: tuple, lanes: int, kind: str) -> str:
        test = self._truth(args[0], lanes)
        if op == "not":
            return f"xor {_truths(lanes)} {test}, {spread('true', lanes, 'i1')}"
        if op == "select":
            a, b = (self.number(x, lanes) for x in args[1:])
            return f"select {_truths(lanes)} {test}, {kind} {a}, {kind} {b}"
        return f"{op} {_truths(lanes)} {test}, {self._truth(args[1], lanes)}"

    def _sign(self, op: str, x: str, lanes: int, kind: str) -> str:
        """(x > 0) - (x < 0), or half of it plus a half; NaN stays NaN."""
        one, minus, zero = (spread(hexadecimal(Fraction(v)), lanes) for v in (1, -1, 0))
        below = self.new(f"fcmp olt {kind} {x}, {zero}")
        nought = self.new(f"fmul {kind} {x}, {zero}")
        negative = self.new(f"select {_truths(lanes)} {below}, {kind} {minus}, {kind} {nought}")
        above = self.new(f"fcmp ogt {kind} {x}, {zero}")
        sign = f"select {_truths(lanes)} {above}, {kind} {one}, {kind} {negative}"
        if op == "sign":
            return sign
        half = spread(hexadecimal(Fraction(1, 2)), lanes)
        return f"fadd {kind} {half}, {self.new(f'fmul {kind} {half}, {self.new(sign)}')}"

    def _power(self, x: str, n: int, lanes: int) -> str:
        """x**n as products."""
        kind = several(lanes)
        if n < 0:
            inverse = self.new(self._power(x, -n, lanes)) if n < -1 else x
            return f"fdiv {kind} {spread(hexadecimal(Fraction(1)), lanes)}, {inverse}"
        if n > 64:
            return self._call("pow", [x, spread(hexadecimal(Fraction(n)), lanes)], lanes)
        if n <= 3:
            product = x
            for _ in range(n - 2):
                product = self.new(f"fmul {kind} {product}, {x}")
            return f"fmul {kind} {product}, {x}"
        half = self.new(self._power(x, n // 2, lanes))
        whole = f"fmul {kind} {half}, {half}"
        return f"fmul {kind} {self.new(whole)}, {x}" if n % 2 else whole

    def intrinsic(self, name: str, x: str, lanes: int) -> str:
        """The call of a unary function of LLVM."""
        full, kind = f"{name}.{'' if lanes == 1 else f'v{lanes}'}f64", several(lanes)
        self.declared.add(f"{kind} @{full}({kind})")
        return f"call {kind} @{full}({kind} {x})"

    def _bits(self, op: str, x: str, lanes: int, kind: str) -> str:
        """The three functions that read the exponent and the mantissa of a double."""
        whole = several(lanes, "i64")
        if op == "exp2i":
            x = self.new(f"fadd {kind} {x}, {spread(hexadecimal(_EXPONENT_TO_BITS), lanes)}")
        bits = self.new(f"bitcast {kind} {x} to {whole}")
        if op == "exp2i":
            shifted = self.new(f"shl {whole} {bits}, {spread('52', lanes, 'i64')}")
            return f"bitcast {whole} {shifted} to {kind}"
        if op == "mantissa":
            kept = self.new(f"and {whole} {bits}, {spread(str(2**52 - 1), lanes, 'i64')}")
            number = self.new(f"or {whole} {kept}, {spread(str(1023 << 52), lanes, 'i64')}")
            return f"bitcast {whole} {number} to {kind}"
        high = self.new(f"lshr {whole} {bits}, {spread('52', lanes, 'i64')}")
        number = self.new(f"or {whole} {high}, {spread(str(1075 << 52), lanes, 'i64')}")
        shifted = self.new(f"bitcast {whole} {number} to {kind}")
        return f"fsub {kind} {shifted}, {spread(hexadecimal(_BITS_TO_EXPONENT), lanes)}"

    def _call(self, op: str, x: list[str], lanes: int) -> str:
        """A function of the system's mathematical library; one lane after the other in a vector."""
        self.declared.add(f"double @{op}({', '.join(['double'] * len(x))})")
        if lanes == 1:
            return f"call double @{op}({', '.join(f'double {a}' for a in x)})"
        result, kind = "poison", several(lanes)
        for lane in range(lanes):
            parts = [self.new(f"extractelement {kind} {a}, i64 {lane}") for a in x]
            one = self.new(f"call double @{op}({', '.join(f'double {a}' for a in parts)})")
            last = f"insertelement {kind} {result}, double {one}, i64 {lane}"
            result = last if lane == lanes - 1 else self.new(last)
        return result

    def _far(self, op: str, x: list[str], lanes: int) -> str:
        """far_NAME(x, limit, near): the library's function where |x| > limit in any lane, which is rare."""
        kind = several(lanes)
        size = self.new(self.intrinsic("llvm.fabs", x[0], lanes))
        test = self.new(f"fcmp ogt {kind} {size}, {x[1]}")
        chosen, here, k = test, self.block, self.fresh
        if lanes > 1:
            self.declared.add(f"i1 @llvm.vector.reduce.or.v{lanes}i1({_truths(lanes)})")
            chosen = self.new(f"call i1 @llvm.vector.reduce.or.v{lanes}i1({_truths(lanes)} {test})")
        self.lines += [f"br i1 {chosen}, label %far{k}, label %near{k}", f"far{k}:"]
        slow = self.new(self._call(op.removeprefix("far_"), x[:1], lanes))
        mixed = self.new(f"select {_truths(lanes)} {test}, {kind} {slow}, {kind} {x[2]}")
        self.lines += [f"br label %near{k}", f"near{k}:"]
        self.block = f"near{k}"
        return f"phi {kind} [ {x[2]}, %{here} ], [ {mixed}, %far{k} ]"


def _truths(lanes: int) -> str:
    return several(lanes, "i1")


def spread(value: str, lanes: int, kind: str = "double") -> str:
    """A literal, for one number or for all lanes of a vector."""
    return value if lanes == 1 else "<" + ", ".join([f"{kind} {value}"] * lanes) + ">"


def hexadecimal(value: Fraction) -> str:
    """The nearest double as LLVM writes it exactly; see `nearest_double`."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', nearest_double(value)))[0]:016X}"
