"""A hash-consed straight-line program: every value is computed once, in the order of its number.

A node is an int. Its operation and arguments are in ``Tape.ops`` and ``Tape.args``; arguments
always have smaller numbers, so a walk in increasing order is an evaluation. Constants are exact
(``Fraction``); nodes that depend on a data column are *row nodes*, and ``rowsum`` adds one up over
all data rows, so a loss on many rows remains a small program with a loop.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

Node = int

UNARY = frozenset(
    "exp log sin cos tan sinh cosh tanh sech2 sqrt abs sign heaviside floor log1p erf sigmoid softplus logcosh not".split()
)
TRUTHS = frozenset("lt le eq and or not".split())
# NAME(x) where |x| exceeds a limit, else a value that is good only nearer to 0: far_NAME(x, limit, value).
FAR = frozenset(("far_sin", "far_cos"))
BINARY = frozenset("add sub mul div pow max min lt le eq and or".split())
TRANSCENDENTAL = frozenset("exp log sin cos tan sinh cosh tanh sech2 log1p erf sigmoid softplus logcosh pow".split())
# Finite wherever the arguments are, short of an overflow of products.
_BOUNDED = frozenset(
    "const z p w name col rows pi e nil add sub mul neg ipow sin cos tanh sech2 abs sign heaviside floor erf sigmoid max min"
    " select".split()
)
LEAVES = frozenset("const z p w name col rows pi e nil".split())
_COMMUTATIVE = frozenset("add mul max min eq and or".split())
_SIMPLIFIED = frozenset("add sub mul div neg pow select rowsum".split())
_FOLD_BITS = 256  # of exact constants, which would grow without bound


class Tape:
    """Nodes with simplifying constructors; equal expressions get equal numbers.

    >>> t = Tape()
    >>> x = t.leaf("z", 0)
    >>> t.add(x, x) == t.mul(t.const(2), x), t.sub(x, x) == t.const(0)
    (True, True)
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[tuple] = []
        self.by_row: list[bool] = []
        self.bounded: list[bool] = []
        self._known: dict[tuple, Node] = {}
        # Making a Fraction of 0 or 1 again and again took a tenth of the time.
        self._integers: dict[int, Node] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def _node(self, op: str, args: tuple, by_row: bool) -> Node:
        key = (op, args)
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = len(self.ops)
            self.ops.append(op)
            self.args.append(args)
            self.by_row.append(by_row)
            children = () if op in LEAVES else args[:1] if op == "ipow" else args[1:] if op == "select" else args
            inverse = op == "ipow" and args[1] < 0
            self.bounded.append(op in _BOUNDED and not inverse and all(self.bounded[c] for c in children))
        return node

    def const(self, value: int | Fraction) -> Node:
        """An exact constant."""
        node = self._integers.get(value) if type(value) is int else None
        if node is None:
            node = self._node("const", (Fraction(value),), False)
            if type(value) is int:
                self._integers[value] = node
        return node

    def exactly(self, value: float) -> Node:
        """The exact value of a double, as a constant."""
        return self.const(Fraction(value))

    def leaf(self, op: str, index: int = 0) -> Node:
        """An input: ``z`` state, ``p`` parameter, ``col`` data column, ``rows`` their count, ``pi``, ``e``.

        ``nil`` is a 0 that no rule simplifies: nil·u is 0 where u is finite, and undefined elsewhere.
        """
        return self._node(op, (index,), op == "col")

    def leaves(self, op: str, count: int, first: int = 0) -> list[Node]:
        """A number of inputs of one kind, from the index ``first`` on."""
        return [self.leaf(op, first + i) for i in range(count)]

    def named(self, op: str, names: Iterable[str]) -> dict[str, Node]:
        """An input of one kind for each name, in this order."""
        return {name: self.leaf(op, i) for i, name in enumerate(names)}

    def value(self, node: Node) -> Fraction | None:
        """The exact value of a constant node, else None."""
        return self.args[node][0] if self.ops[node] == "const" else None

    def children(self, node: Node) -> tuple[Node, ...]:
        """The nodes that a node reads."""
        op = self.ops[node]
        if op == "ipow":
            return self.args[node][:1]
        return () if op in LEAVES else self.args[node]

    def apply(self, op: str, *args: Node) -> Node:
        """The node for ``op`` of the arguments, simplified if there is a rule for it."""
        return getattr(self, op)(*args) if op in _SIMPLIFIED else self._raw(op, *args)

    def _raw(self, op: str, *args: Node) -> Node:
        if op in _COMMUTATIVE:
            args = tuple(sorted(args))
        return self._node(op, args, any(self.by_row[a] for a in args))

    def add(self, a: Node, b: Node) -> Node:
        """a + b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None and _small(x, y):
            return self.const(x + y)
        if x == 0 or y == 0:
            return b if x == 0 else a
        if a == b:
            return self.mul(self.const(2), a)
        if self.ops[b] == "neg":
            return self.sub(a, self.args[b][0])
        if self.ops[a] == "neg":
            return self.sub(b, self.args[a][0])
        return self._raw("add", a, b)

    def sub(self, a: Node, b: Node) -> Node:
        """a - b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None and _small(x, y):
            return self.const(x - y)
        if y == 0:
            return a
        if a == b:
            return self.const(0)
        if x == 0:
            return self.neg(b)
        if self.ops[b] == "neg":
            return self.add(a, self.args[b][0])
        return self._raw("sub", a, b)

    def neg(self, a: Node) -> Node:
        """-a."""
        x = self.value(a)
        if x is not None:
            return self.const(-x)
        if self.ops[a] == "neg":
            return self.args[a][0]
        if self.ops[a] == "sub":
            return self.sub(self.args[a][1], self.args[a][0])
        return self._node("neg", (a,), self.by_row[a])

    def mul(self, a: Node, b: Node) -> Node:
        """a * b; constants are collected in front."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None and _small(x, y):
            return self.const(x * y)
        if y is not None:
            a, b, x, y = b, a, y, x
        if x is not None:
            if x == 0:
                return a
            if x == 1:
                return b
            if x == -1:
                return self.neg(b)
            if self.ops[b] == "neg":
                return self.mul(self.const(-x), self.args[b][0])
            inner = self.value(self.args[b][0]) if self.ops[b] == "mul" else None
            if inner is not None and _small(x, inner):
                return self.mul(self.const(x * inner), self.args[b][1])
            return self._node("mul", (a, b), self.by_row[b])
        if self.ops[a] == "neg":
            return self.neg(self.mul(self.args[a][0], b))
        if self.ops[b] == "neg":
            return self.neg(self.mul(a, self.args[b][0]))
        if a == b:
            return self.ipow(a, 2)
        x, y = self._power_of_two(a), self._power_of_two(b)
        if x is not None and y is not None and _small(x, y):
            # Exact in floats too.
            return self.mul(self.const(x * y), self.mul(self.args[a][1], self.args[b][1]))
        return self._raw("mul", a, b)

    def _power_of_two(self, a: Node) -> Fraction | None:
        """The constant in front of a product, if it is a power of two."""
        x = self.value(self.args[a][0]) if self.ops[a] == "mul" else None
        alone = x is not None and all(abs(n).bit_count() == 1 for n in (x.numerator, x.denominator))
        return x if alone else None

    def div(self, a: Node, b: Node) -> Node:
        """a / b."""
        x, y = self.value(a), self.value(b)
        if x == 0 and y != 0:
            return a
        if y is not None and y != 0:
            return self.mul(self.const(1 / y), a) if x is None or _small(x, y) else self._raw("div", a, b)
        return self._raw("div", a, b)

    def ipow(self, a: Node, n: int) -> Node:
        """a to an integer power."""
        if n == 0:
            return self.const(1)
        if n == 1:
            return a
        x = self.value(a)
        if x is not None and abs(n) * max(x.numerator.bit_length(), x.denominator.bit_length()) <= _FOLD_BITS:
            if x != 0 or n > 0:
                return self.const(x**n)
        if self.ops[a] == "ipow" and n > 0 and self.args[a][1] > 0:
            return self.ipow(self.args[a][0], n * self.args[a][1])
        return self._node("ipow", (a, n), self.by_row[a])

    def pow(self, a: Node, b: Node) -> Node:
        """a ** b; integer and half-integer exponents become products and roots."""
        y = self.value(b)
        if y is not None and y.denominator == 1 and abs(y) <= 1024:
            return self.ipow(a, int(y))
        if y == Fraction(1, 2):
            return self._raw("sqrt", a)
        if y == Fraction(-1, 2):
            return self.div(self.const(1), self._raw("sqrt", a))
        return self._raw("pow", a, b)

    def select(self, condition: Node, a: Node, b: Node) -> Node:
        """a where the condition holds, else b."""
        known = self.value(condition)
        if a == b or known is not None:
            return a if a == b or known else b
        return self._node("select", (condition, a, b), any(self.by_row[n] for n in (condition, a, b)))

    def rowsum(self, a: Node) -> Node:
        """The sum of ``a`` over all data rows; factors that do not depend on the row move out."""
        if not self.by_row[a]:
            return self.mul(self.leaf("rows"), a)
        op, args = self.ops[a], self.args[a]
        if op == "neg":
            return self.neg(self.rowsum(args[0]))
        if op == "mul" and not (self.by_row[args[0]] and self.by_row[args[1]]):
            outer, inner = args if self.by_row[args[1]] else args[::-1]
            return self.mul(outer, self.rowsum(inner))
        return self._node("rowsum", (a,), False)

    def total(self, terms: Iterable[Node]) -> Node:
        """The sum of the terms."""
        result = self.const(0)
        for term in terms:
            result = self.add(result, term)
        return result

    def dot(self, a: Sequence[Node], b: Sequence[Node]) -> Node:
        """The inner product of two lists of nodes."""
        return self.total(self.mul(x, y) for x, y in zip(a, b, strict=True))

    def reachable(self, outputs: Iterable[Node], stop: Container[Node] = ()) -> list[Node]:
        """All nodes that the outputs need, in the order of evaluation; none below the nodes in ``stop``."""
        seen: set[Node] = set()
        stack = list(outputs)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if node not in stop:
                    stack.extend(self.children(node))
        return sorted(seen)


@dataclass(frozen=True)
class Program:
    """Outputs on a tape, read from a state ``z`` (n_z,), parameters ``p`` (n_p,) and data columns."""

    tape: Tape
    outputs: tuple[Node, ...]
    n_z: int
    n_p: int
    n_columns: int = 0

    @cached_property
    def order(self) -> list[Node]:
        """The nodes that the outputs need, in the order of evaluation."""
        return self.tape.reachable(self.outputs)

    def cost(self, rows: int = 1) -> int:
        """The number of operations of one evaluation, a transcendental function counted as eight."""
        total = 0
        for node in self.order:
            weight = 8 if self.tape.ops[node] in TRANSCENDENTAL else 1
            total += weight * (rows if self.tape.by_row[node] else 1)
        return total


def _small(*values: Fraction) -> bool:
    return all(max(v.numerator.bit_length(), v.denominator.bit_length()) <= _FOLD_BITS for v in values)
