"""The functions at whose zeros a program changes branch."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild

_SIGNS = frozenset(("abs", "sign", "heaviside"))
_COMPARED = frozenset(("max", "min", "lt", "le", "eq"))
_SWITCHING = _SIGNS | _COMPARED | {"floor"}


def switches(tape: Tape, outputs: Sequence[Node]) -> list[Node]:
    """The functions at whose zeros a value that the outputs need changes branch, except those that depend on a data row.

    u for |u|, sign(u) and Heaviside(u), a − b for max, min and comparisons of a and b, sin πu for floor(u), which is exactly 0 at
    whole numbers; each once, up to its sign.

    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> nodes = switches(t, [t.add(t.apply("abs", x), t.apply("max", x, y))])
    >>> nodes == [x, t.sub(x, y)]
    True
    """
    nodes: list[Node] = []
    for node in tape.reachable(outputs):
        if tape.by_row[node] or tape.ops[node] not in _SWITCHING:
            continue
        place = _place(tape, node)
        if tape.value(place) is None and place not in nodes and tape.neg(place) not in nodes:
            nodes.append(place)
    return nodes


def one_sided(tape: Tape, outputs: Sequence[Node], signs: Mapping[Node, int]) -> list[Node]:
    """The outputs with the branches, used everywhere, that are taken where the given switching functions have these signs.

    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> one_sided(t, [t.apply("abs", x), t.apply("max", x, y)], {x: -1}) == [t.neg(x), t.apply("max", x, y)]
    True
    """
    chosen: dict[Node, Node] = {}
    for node in tape.reachable(outputs):
        if tape.by_row[node] or tape.ops[node] not in _SWITCHING:
            continue
        place = _place(tape, node)
        sign = signs.get(place, -signs.get(tape.neg(place), 0))
        if sign:
            children = rebuild(tape, tape.args[node], tape, chosen)
            chosen[node] = _branch(tape, tape.ops[node], children, sign)
    return rebuild(tape, outputs, tape, chosen)


def _place(tape: Tape, node: Node) -> Node:
    args = tape.args[node]
    if tape.ops[node] == "floor":
        nearest, parity = _nearest(tape, args[0])
        turn = tape.apply("sin", tape.mul(tape.leaf("pi"), tape.sub(args[0], nearest)))
        return tape.mul(parity, turn)
    return args[0] if tape.ops[node] in _SIGNS else tape.sub(args[0], args[1])


def _nearest(tape: Tape, u: Node) -> tuple[Node, Node]:
    """The whole number k nearest to u, and (−1)ᵏ."""
    half = tape.const(Fraction(1, 2))
    nearest = tape.apply("floor", tape.add(u, half))
    pairs = tape.apply("floor", tape.mul(half, nearest))
    odd = tape.sub(nearest, tape.mul(tape.const(2), pairs))
    return nearest, tape.sub(tape.const(1), tape.mul(tape.const(2), odd))


def _branch(tape: Tape, op: str, children: Sequence[Node], sign: int) -> Node:
    """The value of an operation on one side of its switch."""
    if op in ("max", "min"):
        return children[0 if (sign > 0) == (op == "max") else 1]
    if op == "floor":
        # Above k where sin πu has the sign of (−1)ᵏ, else below it: k or k − 1.
        nearest, parity = _nearest(tape, children[0])
        above = tape.mul(tape.const(sign), parity)
        return tape.sub(nearest, tape.mul(tape.const(Fraction(1, 2)), tape.sub(tape.const(1), above)))
    if op == "abs":
        return children[0] if sign > 0 else tape.neg(children[0])
    return tape.const({"sign": sign, "heaviside": int(sign > 0), "eq": 0}.get(op, int(sign < 0)))
