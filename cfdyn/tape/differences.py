"""Difference quotients of a program along a line, as an extension of the same program, without cancellation.

[y(z + hv) − y(z − hv)]/(2h) loses its digits as h → 0 if the two values are subtracted. Here each node gets its quotient
from those of its arguments: that of ab is ā·[b] + b̄·[a], where ā is the mean of the two values of a; nearly equal numbers are
never subtracted. At h = 0 the quotient is the directional derivative.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from cfdyn.tape.derivatives import forward
from cfdyn.tape.program import TRUTHS, Node, Tape
from cfdyn.tape.rebuild import rebuild

# Nearer than this, relative to the scale of a function, a series of three terms replaces the quotient of its two values:
# what the series leaves out is below 1e-15 there, and what the subtraction loses farther out below 1e-13.
NEAR = Fraction(1, 250)
# The square of the distance over which a function keeps its shape, where that is not 1: to a pole or the end of its domain.
_SCALES: dict[str, Callable[[Tape, Node], Node]] = {
    "log": lambda t, x: t.ipow(x, 2),
    "pow": lambda t, x: t.ipow(x, 2),
    "log1p": lambda t, x: t.ipow(t.add(t.const(1), x), 2),
    "tan": lambda t, x: t.ipow(t.apply("cos", x), 2),
}


def quotients(
    tape: Tape, outputs: Sequence[Node], direction: Mapping[Node, Node], size: Node
) -> tuple[list[Node], list[Node], list[Node]]:
    """The outputs y at z + hv, at z − hv, and [y(z + hv) − y(z − hv)]/(2h), accurate for every h ≥ 0.

    If a branch (Abs, Max, Piecewise) is taken on one side only, the quotient is that of the two values.

    direction : the entry of v for each moving leaf of z
    size : h; at 0, also by underflow, the quotient is the derivative Dy(z)[v]

    >>> from cfdyn.tape.evaluate import evaluate, mp_algebra
    >>> from cfdyn.tape.program import Program
    >>> t = Tape()
    >>> x, h = t.leaf("z", 0), t.leaf("z", 1)
    >>> _, _, [slope] = quotients(t, [t.ipow(x, 3)], {x: t.const(1)}, h)  # 3x² + h²
    >>> algebra = mp_algebra(15)
    >>> at = [algebra.functions["number"](v) for v in (2, 1e-9)]
    >>> print(*evaluate(Program(t, (slope,), n_z=2, n_p=0), algebra, at, []))
    12.0

    Reps & Rall (2003), Computational divided differencing and divided-difference arithmetics, Higher-Order and Symbolic
    Computation 16, 93–149.
    """
    work = _Quotients(tape, direction, size)
    work.add(outputs)
    return [work.plus[y] for y in outputs], [work.minus[y] for y in outputs], [work.quotient(y) for y in outputs]


class _Quotients:
    """For each node the values on both sides, and the quotient if they differ."""

    def __init__(self, tape: Tape, direction: Mapping[Node, Node], size: Node):
        self.tape, self.size, self.known = tape, size, dict(direction)
        moves = {leaf: tape.mul(size, v) for leaf, v in direction.items()}
        self.plus = {leaf: tape.add(leaf, move) for leaf, move in moves.items()}
        self.minus = {leaf: tape.sub(leaf, move) for leaf, move in moves.items()}

    def add(self, outputs: Sequence[Node]) -> None:
        """Add all nodes that the outputs need."""
        nodes = [node for node in self.tape.reachable(outputs) if node not in self.plus]
        for side in (self.plus, self.minus):
            side.update(zip(nodes, rebuild(self.tape, nodes, self.tape, side), strict=True))
        for node in nodes:
            if self.moves(node) and self.tape.ops[node] not in TRUTHS:
                self.known[node] = self._made(node)

    def moves(self, node: Node) -> bool:
        """True if its two values differ."""
        return self.plus[node] != self.minus[node]

    def quotient(self, node: Node) -> Node:
        """The node's quotient; 0 if it does not move."""
        return self.known.get(node, self.tape.const(0))

    def mean(self, node: Node) -> Node:
        """The mean of its two values."""
        return self._mean(self.plus[node], self.minus[node])

    def _mean(self, a: Node, b: Node) -> Node:
        t = self.tape
        return a if a == b else t.mul(t.const(Fraction(1, 2)), t.add(a, b))

    def _made(self, node: Node) -> Node:
        t, op, args = self.tape, self.tape.ops[node], self.tape.args[node]
        if op in ("add", "sub", "neg", "rowsum"):
            return t.apply(op, *map(self.quotient, args))
        if op in ("select", "max", "min", "abs", "sign", "heaviside", "floor"):
            return self._branch(node, op, args)
        if op == "mul":
            a, b = args
            return t.add(t.mul(self.mean(a), self.quotient(b)), t.mul(self.mean(b), self.quotient(a)))
        if op == "div":
            return self._ratio(*args)
        if op == "sqrt":
            return t.div(self.quotient(args[0]), t.add(self.plus[node], self.minus[node]))
        if op == "ipow":
            x, n = args
            power = self._power(self.plus[x], self.minus[x], self.quotient(x), abs(n))
            return power if n > 0 else t.neg(t.mul(power, t.mul(self.plus[node], self.minus[node])))
        if op == "pow" and self.moves(args[1]):
            same = t.apply("exp", t.mul(args[1], t.apply("log", args[0])))
            self.add([same])
            return self.quotient(same)
        return t.mul(self.quotient(args[0]), self._mean_slope(node, op, *args))

    def _ratio(self, a: Node, b: Node) -> Node:
        t = self.tape
        if not self.moves(b):
            return t.div(self.quotient(a), b)
        over = t.sub(t.mul(self.mean(b), self.quotient(a)), t.mul(self.mean(a), self.quotient(b)))
        return t.div(over, t.mul(self.plus[b], self.minus[b]))

    def _power(self, plus: Node, minus: Node, quotient: Node, n: int) -> Node:
        """The quotient of xⁿ from those of lower powers."""
        t = self.tape
        if n == 1:
            return quotient
        if n % 2 == 0:
            return t.mul(t.add(t.ipow(plus, n // 2), t.ipow(minus, n // 2)), self._power(plus, minus, quotient, n // 2))
        lower = self._power(plus, minus, quotient, n - 1)
        powers = self._mean(t.ipow(plus, n - 1), t.ipow(minus, n - 1))
        return t.add(t.mul(self._mean(plus, minus), lower), t.mul(powers, quotient))

    def _of_values(self, node: Node, half: Node) -> Node:
        """The difference of its two values over twice ``half``."""
        t = self.tape
        return t.div(t.sub(self.plus[node], self.minus[node]), t.mul(t.const(2), half))

    def _branch(self, node: Node, op: str, args: tuple[Node, ...]) -> Node:
        """The quotient of the branch that both sides take, otherwise that of their values."""
        t, zero, sides = self.tape, self.tape.const(0), (self.plus, self.minus)
        values = self._of_values(node, self.size)
        if op in ("sign", "heaviside", "floor"):
            return t.select(t.apply("eq", self.plus[node], self.minus[node]), zero, values)
        if op == "select":
            conditions, a, b = [side[args[0]] for side in sides], self.quotient(args[1]), self.quotient(args[2])
        elif op == "abs":
            conditions, b = [t.apply("lt", side[args[0]], zero) for side in sides], self.quotient(args[0])
            a = t.neg(b)
        else:
            low, high = args if op == "min" else args[::-1]
            conditions = [t.apply("lt", side[low], side[high]) for side in sides]
            a, b = map(self.quotient, args)
        return t.select(t.apply("and", *conditions), a, t.select(t.apply("or", *conditions), values, b))

    def _mean_slope(self, node: Node, op: str, x: Node, *rest: Node) -> Node:
        """The mean of f′ between the two values of x: f′ + f‴h²/6 + f⁽⁵⁾h⁴/120 at their mean, or from the values of f."""
        t, middle, half = self.tape, self.mean(x), self.tape.mul(self.size, self.quotient(x))
        fresh = t.leaf("w", 0)
        slopes = [t.apply(op, fresh, *rest)]
        for _ in range(5):
            slopes += forward(t, slopes[-1:], {fresh: t.const(1)})
        first, third, fifth = rebuild(t, slopes[1::2], t, {fresh: middle})
        square = t.ipow(half, 2)
        bend = t.add(t.mul(t.const(Fraction(1, 6)), third), t.mul(square, t.mul(t.const(Fraction(1, 120)), fifth)))
        series = t.add(first, t.mul(square, bend))
        scale = _SCALES[op](t, middle) if op in _SCALES else t.const(1)
        near = t.apply("lt", square, t.mul(t.const(NEAR**2), scale))
        return t.select(near, series, self._of_values(node, half))
