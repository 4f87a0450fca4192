"""Derivatives of a program, as an extension of the same program: forward and reverse mode on the tape.

Every derivative in the package comes from `forward` and `reverse`. A branch (Abs, Max, Piecewise)
is differentiated piece by piece, and floor has the slope 0; at the switch itself the convention is sign(0) = 0,
relu'(0) = 0, and Max and Min of a number and a constant have slope 0 at a tie. If two moving arguments tie, the slope is that of
one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from cfdyn.tape.program import Node, Tape


def forward(tape: Tape, outputs: Sequence[Node], tangents: Mapping[Node, Node]) -> list[Node]:
    """Directional derivatives of the outputs, given the tangents of some leaves (others 0)."""
    zero = tape.const(0)
    dot: dict[Node, Node] = dict(tangents)
    for node in tape.reachable(outputs):
        if node in dot:
            continue
        moving = [(k, dot[c]) for k, c in enumerate(tape.children(node)) if dot.get(c, zero) != zero]
        if not moving:
            continue
        branches = _branches(tape, node)
        if tape.ops[node] == "rowsum":
            dot[node] = tape.rowsum(moving[0][1])
        elif branches:
            condition, a, b = branches
            dot[node] = tape.select(condition, dot.get(a, zero), dot.get(b, zero))
        elif tape.ops[node] == "div":
            # (a′ − (a/b) b′)/b: the square of b may overflow.
            (a, b), minus = tape.args[node], tape.const(-1)
            moved = tape.total([dot.get(a, zero), tape.mul(minus, tape.mul(node, dot.get(b, zero)))])
            dot[node] = tape.mul(tape.div(tape.const(1), b), moved)
        else:
            slopes = partials(tape, node)
            dot[node] = tape.total(tape.mul(slopes[k](), d) for k, d in moving)
    return [dot.get(node, zero) for node in outputs]


def reverse(tape: Tape, output: Node, leaves: Sequence[Node]) -> list[Node]:
    """The gradient of one output with respect to leaves, with a size that is a multiple of the program's size."""
    return _Adjoints(tape, output, leaves).run()


class _Adjoints:
    """∂(output)/∂(node), from the output down.

    Two cases need care. The contributions of nodes in a sum to a node without rows are added up over the rows, in one sum. And a
    node that only branches not taken use gets exactly 0, although 0 times its slope may be NaN: ``used`` is the condition under
    which a node is used (no entry: always).
    """

    def __init__(self, tape: Tape, output: Node, leaves: Sequence[Node]):
        self.tape, self.output, self.leaves, self.wanted = tape, output, leaves, set(leaves)
        self.order = tape.reachable([output])
        self.active: set[Node] = set()
        for node in self.order:
            if node in self.wanted or any(c in self.active for c in tape.children(node)):
                self.active.add(node)
        self.bar: dict[Node, Node] = {output: tape.const(1)}
        self.by_row: dict[Node, Node] = {}
        self.used: dict[Node, Node] = {}
        self.reached: set[Node] = {output}

    def run(self) -> list[Node]:
        tape, zero = self.tape, self.tape.const(0)
        for node in reversed(self.order):
            if node in self.by_row:
                self.bar[node] = tape.add(self.bar.get(node, zero), tape.rowsum(self.by_row[node]))
            if node not in self.bar or node not in self.active or node in self.wanted:
                continue
            branches = _branches(tape, node)
            if branches:
                self._choose(node, *branches)
            elif tape.ops[node] == "rowsum":
                self._give(node, tape.args[node][0], self.bar[node])
            else:
                slopes = partials(tape, node)
                for k, child in enumerate(tape.children(node)):
                    if child in self.active:
                        self._give(node, child, self._times(node, slopes[k]()))
        return [self.bar.get(leaf, zero) for leaf in self.leaves]

    def _times(self, node: Node, slope: Node) -> Node:
        tape = self.tape
        product = tape.mul(self.bar[node], slope)
        if node not in self.used or tape.bounded[slope]:
            return product
        return tape.select(self.used[node], product, tape.const(0))

    def _choose(self, node: Node, condition: Node, a: Node, b: Node) -> None:
        tape, seed, zero = self.tape, self.bar[node], self.tape.const(0)
        for child, test in ((a, condition), (b, tape.apply("not", condition))):
            if child in self.active:
                self._give(node, child, tape.select(test, seed, zero), test)

    def _give(self, node: Node, child: Node, part: Node, test: Node | None = None) -> None:
        """Add to the child's adjoint; ``test``: the node depends on the child only if this holds."""
        tape, zero = self.tape, self.tape.const(0)
        crossing = tape.by_row[node] and not tape.by_row[child]
        table = self.by_row if crossing else self.bar
        table[child] = tape.add(table.get(child, zero), part)
        when = self.used.get(node) if test is None else test
        if test is not None and node in self.used:
            when = tape.apply("and", test, self.used[node])
        if child in self.reached and child not in self.used:
            return
        if when is not None and tape.by_row[when] and not tape.by_row[child]:
            rows = tape.rowsum(tape.select(when, tape.const(1), zero))
            when = tape.apply("lt", zero, rows)
        if when is None:
            self.used.pop(child, None)
        else:
            self.used[child] = tape.apply("or", self.used[child], when) if child in self.reached else when
        self.reached.add(child)


def _branches(tape: Tape, node: Node) -> tuple[Node, Node, Node] | None:
    """(condition, a, b) of a node that is either a or b."""
    op, args = tape.ops[node], tape.args[node]
    if op == "select":
        return args  # type: ignore[return-value]
    if op in ("max", "min"):
        # At a tie with a constant the slope is the constant's, 0; at another tie that of either.
        steady = [tape.value(x) is not None for x in args]
        a, b = args[::-1] if steady[0] else args
        low, high = (a, b) if op == "min" else (b, a)
        return tape.apply("lt" if any(steady) else "le", low, high), a, b
    return None


def jacobian(tape: Tape, outputs: Sequence[Node], leaves: Sequence[Node]) -> list[list[Node]]:
    """Rows of first derivatives: reverse mode for few outputs, forward mode otherwise."""
    if len(outputs) < len(leaves):
        return [reverse(tape, node, leaves) for node in outputs]
    columns = [forward(tape, outputs, {leaf: tape.const(1)}) for leaf in leaves]
    return [list(row) for row in zip(*columns, strict=True)]


def hessian(tape: Tape, output: Node, leaves: Sequence[Node]) -> list[list[Node]]:
    """The symmetric matrix of second derivatives; the upper triangle is computed once."""
    gradient = reverse(tape, output, leaves)
    rows = [[tape.const(0)] * len(leaves) for _ in leaves]
    for j, leaf in enumerate(leaves):
        for i, slope in enumerate(forward(tape, gradient[: j + 1], {leaf: tape.const(1)})):
            rows[i][j] = rows[j][i] = slope
    return rows


def third(tape: Tape, output: Node, leaves: Sequence[Node]) -> list[Node]:
    """The flattened symmetric tensor (d, d, d) of third derivatives."""
    d = len(leaves)
    second = hessian(tape, output, leaves)
    known: dict[tuple[int, ...], Node] = {}
    for k, leaf in enumerate(leaves):
        pairs = [(i, j) for j in range(k + 1) for i in range(j + 1)]
        slopes = forward(tape, [second[i][j] for i, j in pairs], {leaf: tape.const(1)})
        known.update({(*pair, k): slope for pair, slope in zip(pairs, slopes, strict=True)})
    return [known[tuple(sorted((i, j, k)))] for i in range(d) for j in range(d) for k in range(d)]


def directional(tape: Tape, outputs: Sequence[Node], leaves: Sequence[Node], directions: Sequence[Sequence[Node]]) -> list[Node]:
    """D^k F[v_1, …, v_k]: forward mode once for each direction."""
    current = list(outputs)
    for direction in directions:
        current = forward(tape, current, dict(zip(leaves, direction, strict=True)))
    return current


_SLOPES: dict[str, Callable[[Tape, Node, Node], Node]] = {
    "exp": lambda t, x, y: y,
    "log": lambda t, x, y: t.div(t.const(1), x),
    "sin": lambda t, x, y: t.apply("cos", x),
    "cos": lambda t, x, y: t.neg(t.apply("sin", x)),
    "tan": lambda t, x, y: t.add(t.const(1), t.ipow(y, 2)),
    "sinh": lambda t, x, y: t.apply("cosh", x),
    "cosh": lambda t, x, y: t.apply("sinh", x),
    # 1/cosh² has a node of its own: far out 1 - tanh² would cancel.
    "tanh": lambda t, x, y: t.apply("sech2", x),
    "sech2": lambda t, x, y: t.mul(t.const(-2), t.mul(t.apply("tanh", x), y)),
    "sqrt": lambda t, x, y: t.div(t.const(Fraction(1, 2)), y),
    "abs": lambda t, x, y: t.apply("sign", x),
    "sign": lambda t, x, y: t.const(0),
    "heaviside": lambda t, x, y: t.const(0),
    "floor": lambda t, x, y: t.const(0),
    "log1p": lambda t, x, y: t.div(t.const(1), t.add(t.const(1), x)),
    "erf": lambda t, x, y: t.mul(t.div(t.const(2), t.apply("sqrt", t.leaf("pi"))), t.apply("exp", t.neg(t.ipow(x, 2)))),
    # sigmoid(x) sigmoid(-x) keeps full relative accuracy where 1 - sigmoid(x) would cancel.
    "sigmoid": lambda t, x, y: t.mul(y, t.apply("sigmoid", t.neg(x))),
    "softplus": lambda t, x, y: t.apply("sigmoid", x),
    "logcosh": lambda t, x, y: t.apply("tanh", x),
}


def partials(tape: Tape, node: Node) -> tuple[Callable[[], Node], ...]:
    """One function for each child that adds the partial derivative to the tape when called."""
    op, args = tape.ops[node], tape.args[node]
    one, zero = tape.const(1), tape.const(0)
    if op in _SLOPES:
        return (lambda: _SLOPES[op](tape, args[0], node),)
    if op == "ipow":
        x, n = args
        return (lambda: tape.mul(tape.const(n), tape.ipow(x, n - 1)),)
    if op == "neg":
        return (lambda: tape.const(-1),)
    if op == "add":
        return (lambda: one, lambda: one)
    if op == "sub":
        return (lambda: one, lambda: tape.const(-1))
    if op == "mul":
        return (lambda: args[1], lambda: args[0])
    if op == "div":
        return (lambda: tape.div(one, args[1]), lambda: tape.neg(tape.div(node, args[1])))
    if op == "pow":
        x, y = args
        return (lambda: tape.mul(y, tape.pow(x, tape.sub(y, one))), lambda: tape.mul(node, tape.apply("log", x)))
    return tuple(lambda: zero for _ in args)
