"""Where a program changes its branch."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.tape.program import Node, Tape

_SIGNS = frozenset(("abs", "sign", "heaviside"))
_COMPARED = frozenset(("max", "min", "lt", "le", "eq"))


def switches(tape: Tape, outputs: Sequence[Node]) -> list[Node]:
    """The functions at whose zeros a value that the outputs need changes its branch; none that depends on a data row.

    u for |u|, sign(u) and Heaviside(u), a − b for max, min and comparisons of a and b; each once, whatever its sign.

    Examples
    --------
    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> found = switches(t, [t.add(t.apply("abs", x), t.apply("max", x, y))])
    >>> found == [x, t.sub(x, y)]
    True
    """
    found: list[Node] = []
    for node in tape.reachable(outputs):
        if tape.by_row[node] or tape.ops[node] not in _SIGNS | _COMPARED:
            continue
        args = tape.args[node]
        place = args[0] if tape.ops[node] in _SIGNS else tape.sub(args[0], args[1])
        if tape.value(place) is None and place not in found and tape.neg(place) not in found:
            found.append(place)
    return found
