"""A program as one of intervals: from a box of states, bounds of the outputs over it.

Every value that moves becomes a pair (lo, hi), and after each operation the pair is widened by more than its rounding. The bounds
rely on doubles and on the system's mathematical library: in practice they contain all values, but they are not a proof.
"""

import random
from collections.abc import Callable, Sequence

from cfdyn.errors import UsageError
from cfdyn.tape.enclosures import EVEN, FALLING, RISING, Enclosures, Pair
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Node, Program, Tape

_DOMAINS = {"sqrt": 0, "log": 0, "log1p": -1}  # the least argument of functions that do not exist below it
SEGMENTS, HALVINGS, DIGITS = 48, 90, 30  # drawn at random; down to round-off of 30 digits
ENOUGH, PLENTY = 3, 12  # crossings of the border: with fewer nothing is known, more are not asked for
LONGEST = 400  # nodes of a program that is worth it
SCALES = (0.5, 1.0, 3.0, 10.0)  # of the state, in turn


def interval_program(program: Program, function: Sequence[Node] | None = None) -> Program:
    """The program over boxes: z = (lo_0, hi_0, lo_1, hi_1, …), the outputs in the same way; parameters and data are points.

    An output without a bound is (−∞, ∞). If the program is undefined on the whole box (the log of negative numbers), all outputs
    are (∞, −∞): an empty interval.

    function : if the program computes derivatives, the nodes of the differentiated function; the bounds are (−∞, ∞) wherever it
        may jump or leave its domain in the box, so that they also hold for all difference quotients; whether the branches of a
        Piecewise agree is inferred from samples of their border

    UsageError: an operation without an interval version

    >>> from cfdyn.codegen.compile import compile_rule
    >>> import numpy as np
    >>> t = Tape()
    >>> x = t.leaf("z", 0)
    >>> rule = compile_rule("x² - x over an interval", 2, lambda: interval_program(Program(t, (t.sub(t.ipow(x, 2), x),), 1, 0)))
    >>> rule(np.array([-1.0, 2.0]), np.empty(0)).round(12)
    array([-2.,  5.])

    Moore, Kearfott & Cloud (2009), Introduction to Interval Analysis, SIAM, ch. 2 and 5.
    """
    work = _Intervals(program.tape, program.outputs, function)
    pairs = [work.pairs[node] for node in program.outputs]
    if function is None:
        outputs = work.bounds(pairs, work.either(*(work.undefined.get(n) for n in program.outputs)), empty=True)
    else:
        outputs = work.bounds(pairs, work.either(*(work.irregular.get(n) for n in function)), empty=False)
    return Program(work.tape, tuple(outputs), 2 * program.n_z, program.n_p, program.n_columns)


class _Intervals(Enclosures):
    """For each node of a source its pair; for conditions the pair (certain, possible).

    ``irregular``: where a node may jump or leave its domain; ``undefined``: where it has no value anywhere.
    """

    def __init__(self, source: Tape, outputs: Sequence[Node], function: Sequence[Node] | None):
        super().__init__(Tape())
        self.function = list(function or ())
        self.inner, self.jumping = set(source.reachable(self.function)), dict[Node, bool]()
        self.source = source
        self.pairs: dict[Node, Pair] = {}
        self.irregular: dict[Node, Node] = {}
        self.undefined: dict[Node, Node] = {}
        for node in source.reachable([*outputs, *(function or ())]):
            self.pairs[node] = self._pair(node, source.ops[node], source.args[node])
            self._note(node, source.ops[node], source.args[node])

    def bounds(self, pairs: list[Pair], bad: Node | None, empty: bool) -> list[Node]:
        """The ends in turn; NaN, and all ends where ``bad`` holds, replaced by the infinity that marks this."""
        t, lowest = self.tape, self.tape.neg(self.infinite)
        result = []
        for pair in pairs:
            for end, open_end in zip(pair, (lowest, self.infinite), strict=True):
                known = t.select(t.apply("eq", end, end), end, open_end) if t.value(end) is None else end
                other = t.neg(open_end) if empty else open_end
                result.append(known if bad is None else t.select(bad, other, known))
        return result

    def _pair(self, node: Node, op: str, args: tuple) -> Pair:
        t = self.tape
        if op == "const":
            return self.constant(args[0])
        if op == "nil":
            return self.zero, self.zero
        if op in ("pi", "e"):
            point = {"pi": 3.141592653589793, "e": 2.718281828459045}[op]
            return self.outward(t.exactly(point), t.exactly(point))
        if op == "z":
            return t.leaf("z", 2 * args[0]), t.leaf("z", 2 * args[0] + 1)
        if op in ("p", "col", "rows"):
            return (t.leaf(op, args[0]),) * 2
        if op == "ipow":
            power = self.power(self.pairs[args[0]], abs(args[1]))
            return power if args[1] > 0 else self.div((self.one, self.one), power)
        return self._operation(node, op, [self.pairs[a] for a in args])

    def _operation(self, node: Node, op: str, x: list[Pair]) -> Pair:
        t = self.tape
        if op in RISING:
            return self.rising(op, self._inside(op, x[0]))
        if op in EVEN or op in FALLING:
            return self.even(op, x[0])
        if op in ("add", "sub", "mul", "div", "neg"):
            return getattr(self, op)(*x)
        if op in ("max", "min", "sign", "heaviside", "and", "or"):
            return t.apply(op, *(a[0] for a in x)), t.apply(op, *(a[1] for a in x))
        simple: dict[str, Callable[..., Pair]] = {
            "abs": self.size, "tan": self.tangent, "floor": self.whole, "rowsum": self.total, "select": self._chosen,
        }  # fmt: skip
        if op in simple:
            return simple[op](*x)
        if op in ("sin", "cos"):
            return self.wave(op, x[0])
        if op == "pow":
            return self._any_power(self.source.args[node][1], *x)
        if op == "not":
            return self.denied(x[0][1]), self.denied(x[0][0])
        if op in ("lt", "le", "eq"):
            return self._compared(op, *x)
        raise UsageError(f"there are no intervals for the operation {op!r} of this map")

    def _inside(self, op: str, a: Pair) -> Pair:
        """The part of an argument where the function exists."""
        if op not in _DOMAINS or a[0] in self.never_negative:
            return a
        return self.tape.apply("max", a[0], self.tape.const(_DOMAINS[op])), a[1]

    def _any_power(self, exponent: Node, a: Pair, b: Pair) -> Pair:
        t = self.tape
        if a[0] in self.never_negative or self._is_root(exponent):
            return self.real_power((t.apply("max", a[0], self.zero), a[1]), b)
        # A negative base has powers with whole exponents only, of either sign.
        lo, hi = self.real_power(self.size(a), b)
        return t.select(t.apply("le", self.zero, a[0]), lo, t.neg(hi)), hi

    def _is_root(self, exponent: Node) -> bool:
        value = self.source.value(exponent)
        return value is not None and value.denominator != 1

    def _compared(self, op: str, a: Pair, b: Pair) -> Pair:
        t = self.tape
        below, above = t.apply("lt", a[1], b[0]), t.apply("lt", b[1], a[0])
        if op == "eq":
            same = t.apply("and", t.apply("le", a[1], b[0]), t.apply("le", b[1], a[0]))
            return same, self.denied(t.apply("or", below, above))
        if op == "lt":
            return below, self.denied(t.apply("le", b[1], a[0]))
        return t.apply("le", a[1], b[0]), self.denied(above)

    def _chosen(self, condition: Pair, a: Pair, b: Pair) -> Pair:
        """One branch, or both if the condition is undecided."""
        t, (certain, possible) = self.tape, condition
        lo, hi = t.apply("min", a[0], b[0]), t.apply("max", a[1], b[1])
        ends = [t.select(certain, x, t.select(possible, both, y)) for x, both, y in zip(a, (lo, hi), b, strict=True)]
        if a[0] in self.never_negative and b[0] in self.never_negative:
            self.never_negative.add(ends[0])
        return ends[0], ends[1]

    def _note(self, node: Node, op: str, args: tuple) -> None:
        """Collect the notes of the node itself and its arguments; those of branches only as far as they are taken."""
        for table, own in ((self.irregular, self._breaks(node, op, args)), (self.undefined, self._missing(op, args))):
            children = self.source.children(node)
            if op == "select":
                certain, possible = self.pairs[args[0]]
                taken = (possible, self.denied(certain)) if table is self.irregular else (certain, self.denied(possible))
                # A comparison with what does not exist is false, and the other branch is taken.
                parts = [own, table.get(args[0]) if table is self.irregular else None]
                parts += [self.tape.apply("and", w, table[c]) for w, c in zip(taken, args[1:]) if c in table]
            else:
                parts = [own, *(table.get(c) for c in children)]
            kind = self.either(*parts)
            if kind is not None and op == "rowsum" and self.tape.by_row[kind]:
                kind = self._in_any_row(kind)
            if kind is not None:
                table[node] = kind

    def _in_any_row(self, truth: Node) -> Node:
        count = self.tape.rowsum(self.tape.select(truth, self.one, self.zero))
        return self.tape.apply("lt", self.zero, count)

    def _breaks(self, node: Node, op: str, args: tuple) -> Node | None:
        """The condition, as a node, that the operation itself may jump, have a pole, or leave its domain; None if it cannot."""
        if op in ("sign", "heaviside"):
            return self.denied(self.apart(self.pairs[args[0]]))
        if op == "floor":
            return self.denied(self.tape.apply("eq", *self.pairs[node]))
        if op == "select":
            certain, possible = self.pairs[args[0]]
            return self.tape.apply("and", possible, self.denied(certain)) if self._jumps(node, args[0]) else None
        if op == "div" or (op == "ipow" and args[1] < 0):
            return self.denied(self.apart(self.pairs[args[-1] if op == "div" else args[0]]))
        if op == "tan":
            return self.denied(self.tape.apply("eq", self.pairs[node][1], self.pairs[node][1]))
        if op in _DOMAINS or op == "pow":
            lowest = self.tape.const(_DOMAINS.get(op, 0))
            return self.denied(self.tape.apply("lt", lowest, self.pairs[args[0]][0]))
        return None

    def _jumps(self, node: Node, condition: Node) -> bool:
        """True if the function may jump where this condition of one of its nodes changes."""
        if node not in self.inner:
            return False
        if condition not in self.jumping:
            self.jumping[condition] = not continuous(self.source, self.function, condition)
        return self.jumping[condition]

    def _missing(self, op: str, args: tuple) -> Node | None:
        """The condition, as a node, that the operation has no value at any point of its arguments; None if it always has one."""
        if op in _DOMAINS or (op == "pow" and self._is_root(args[1])):
            lowest = self.tape.const(_DOMAINS.get(op, 0))
            return self.tape.apply("le" if "log" in op else "lt", self.pairs[args[0]][1], lowest)
        return None


def continuous(tape: Tape, outputs: Sequence[Node], condition: Node) -> bool:
    """True if the outputs agree on both sides of the border of a condition, wherever random segments cross it.

    Parameters are drawn between 0 and 1: continuity only for special values of them is not detected.

    >>> t = Tape()
    >>> x, one = t.leaf("z", 0), t.const(1)
    >>> inside = t.apply("lt", x, one)
    >>> [continuous(t, [t.select(inside, t.ipow(x, 2), other)], inside) for other in (x, t.add(x, one))]
    [True, False]
    """
    nodes = tape.reachable([condition, *outputs])
    if len(nodes) > LONGEST or any(tape.ops[n] == "rowsum" or tape.by_row[n] for n in nodes):
        return False
    n_z, n_p = (1 + max((tape.args[n][0] for n in nodes if tape.ops[n] == op), default=-1) for op in ("z", "p"))
    program, algebra = Program(tape, (condition, *outputs), n_z, n_p), mp_algebra(DIGITS)
    draw, number, crossings = random.Random(1), algebra.functions["number"], 0
    for k in range(SEGMENTS):
        p = [number(draw.random()) for _ in range(n_p)]
        ends = [[number(draw.uniform(-1, 1) * SCALES[k % len(SCALES)]) for _ in range(n_z)] for _ in range(2)]
        sides = [evaluate(program, algebra, z, p) for z in ends]
        if sides[0][0] == sides[1][0]:
            continue
        for _ in range(HALVINGS):
            middle = [(x + y) / 2 for x, y in zip(*ends, strict=True)]
            values = evaluate(program, algebra, middle, p)
            side = 0 if values[0] == sides[0][0] else 1
            ends[side], sides[side] = middle, values
        if not all(abs(a - b) <= 1e-15 * (1 + abs(a) + abs(b)) for a, b in zip(sides[0][1:], sides[1][1:], strict=True)):
            return False
        crossings += 1
        if crossings == PLENTY:
            break
    return crossings >= ENOUGH
