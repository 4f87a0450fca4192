"""Copy a program to a tape, with leaves replaced or operations expanded on the way; or a tape to JSON and back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from cfdyn.tape.program import LEAVES, Node, Tape

Expansions = Mapping[str, Callable[[Tape, Node], Node]]


def rebuild(
    source: Tape, outputs: Sequence[Node], target: Tape, replaced: Mapping[Node, Node] | None = None,
    expansions: Expansions | None = None, rows_only: bool = False,
) -> list[Node]:  # fmt: skip
    """The outputs on the target tape, which may be the source itself.

    replaced : nodes of the source → their replacements on the target
    expansions : for unary operations, their expansions; with ``rows_only`` only if the value depends on a data row

    >>> from cfdyn.tape.program import Tape
    >>> t, other = Tape(), Tape()
    >>> x, two = t.leaf("z", 0), other.const(2)
    >>> other.value(rebuild(t, [t.ipow(x, 5)], other, {x: two})[0])
    Fraction(32, 1)
    """
    done: dict[Node, Node] = dict(replaced or {})
    table = expansions or {}
    for node in source.reachable(outputs, stop=done):
        if node in done:
            continue
        op, args = source.ops[node], source.args[node]
        if target is source and op not in table and all(done[c] == c for c in source.children(node)):
            done[node] = node
        elif op == "const":
            done[node] = target.const(args[0])
        elif op in LEAVES:
            done[node] = target.leaf(op, args[0])
        elif op == "ipow":
            done[node] = target.ipow(done[args[0]], args[1])
        else:
            children = [done[a] for a in args]
            wanted = op in table and (not rows_only or target.by_row[children[0]])
            done[node] = table[op](target, children[0]) if wanted else target.apply(op, *children)
    return [done[node] for node in outputs]


def written(tape: Tape) -> list[list]:
    """The operation and the arguments of each node, constants as texts without rounding.

    >>> t = Tape()
    >>> third = t.mul(t.const(Fraction(1, 3)), t.leaf("z", 0))
    >>> written(t), tape_of(written(t)).args == t.args
    ([['const', '0x1', '0x3'], ['z', 0], ['mul', 0, 1]], True)
    """
    pairs = zip(tape.ops, tape.args, strict=True)
    return [[op, *(map(hex, args[0].as_integer_ratio()) if op == "const" else args)] for op, args in pairs]


def tape_of(nodes: Iterable[Sequence]) -> Tape:
    """The tape that was `written`."""
    tape = Tape()
    for op, *args in nodes:
        exact = (Fraction(*(int(part, 16) for part in args)),) if op == "const" else tuple(args)
        children = () if op in LEAVES else exact[:1] if op == "ipow" else exact
        tape._node(op, exact, op == "col" or any(tape.by_row[a] for a in children))
    return tape
