"""Preparation of a program for printing: the operations that a processor has, and their order, with loops over the data rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from cfdyn.errors import FormulaError
from cfdyn.tape.elementary import BRANCH_FREE, COMPOSITE, FAR
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import Expansions, rebuild

LANES = 8  # rows computed at once; the columns of a table are filled up to a multiple of it
# Outputs whose nodes stand together, the longest section or piece of a loop, the sums of such a piece, and the longest program in
# one function: long ones take compilers more than in proportion, many short ones pass values on through memory.
GROUP, SECTION, SUMS, WHOLE = 100, 800, 64, 3000


def machine_program(program: Program) -> Program:
    """A program with the same outputs, in the operations of a processor and a mathematical library.

    Functions that the library lacks are expanded, and also those that it would have to compute row by row.

    The system's library is fastest for one number, arithmetic without branches for many at once.
    """
    outputs, tape = list(program.outputs), program.tape
    if any(tape.by_row):
        rows = Tape()
        table: Expansions = {**BRANCH_FREE, "sin": partial(_with_fallback, "sin"), "cos": partial(_with_fallback, "cos")}
        outputs, tape = rebuild(tape, outputs, rows, expansions=table, rows_only=True), rows
    if not COMPOSITE.keys().isdisjoint(tape.ops):
        single = Tape()
        # 1/cosh² and tanh have nearly all in common, so that both cost less than the library's tanh.
        both = {"tanh": BRANCH_FREE["tanh"]} if "sech2" in tape.ops else {}
        outputs, tape = rebuild(tape, outputs, single, expansions={**COMPOSITE, **both}), single
    return replace(program, tape=tape, outputs=tuple(outputs))


def _with_fallback(name: str, tape: Tape, x: Node) -> Node:
    """Arithmetic without branches up to |x| = FAR, the library's function beyond."""
    return tape.apply(f"far_{name}", x, tape.const(Fraction(FAR)), BRANCH_FREE[name](tape, x))


def nearest_double(value: Fraction) -> float:
    """The double nearest to a constant of a formula; a FormulaError beyond the range of floating point."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        raise FormulaError("the formula has a number beyond the range of floating point (1e308)") from None


class Section(NamedTuple):
    """Either plain ``nodes``, or a loop over the rows that computes row ``nodes`` and adds up ``sums``."""

    nodes: list[Node]
    sums: list[Node]


def schedule(program: Program) -> list[Section]:
    """The sections of a program in order, none of them long.

    >>> t = Tape()
    >>> mean = t.div(t.rowsum(t.leaf("col", 0)), t.leaf("rows"))
    >>> [(len(s.nodes), len(s.sums)) for s in schedule(Program(t, (mean,), 0, 0, 1))]
    [(1, 0), (1, 1), (1, 0)]
    """
    tape = program.tape
    order = in_order(tape, program.outputs)
    level = _levels(tape, order)
    last = max(level.values(), default=0)
    sums: list[list[Node]] = [[] for _ in range(last + 1)]
    plain: list[list[Node]] = [[] for _ in range(last + 1)]
    for node in order:
        if tape.ops[node] == "rowsum":
            sums[level[node]].append(node)
        elif not tape.by_row[node]:
            plain[level[node]].append(node)
    sections = []
    for k in range(last + 1):
        if sums[k]:
            bodies = [tape.args[n][0] for n in sums[k]]
            sections.append(Section([n for n in in_order(tape, bodies) if tape.by_row[n]], sums[k]))
        sections += [Section(some, []) for some in in_pieces(plain[k], SECTION)]
    return sections


def pieces_of_loop(program: Program, loop: Section) -> list[Section]:
    """The body of a loop in short pieces, each with the sums that can be added to behind it."""
    tape, wanted = program.tape, dict[Node, list[Node]]()
    for node in loop.sums:
        wanted.setdefault(tape.args[node][0], []).append(node)
    pieces, nodes, sums = [], list[Node](), list[Node]()
    for node in loop.nodes:
        nodes.append(node)
        sums += wanted.get(node, ())
        if len(nodes) >= SECTION or len(sums) >= SUMS:
            pieces.append(Section(nodes, sums))
            nodes, sums = [], []
    return [*pieces, Section(nodes, sums)] if nodes else pieces


def in_pieces(nodes: list[Node], size: int) -> Iterator[list[Node]]:
    """Consecutive groups of a given size."""
    return (nodes[i : i + size] for i in range(0, len(nodes), size))


def in_order(tape: Tape, outputs: Sequence[Node]) -> list[Node]:
    """Every node after its arguments: the nodes that successive groups of outputs need, in the order of the tape.

    Large groups let the processor work on many values at once; small ones keep few alive, since otherwise the compiler's time
    grows with the square of the program.
    """
    order: list[Node] = []
    done: set[Node] = set()
    group: set[Node] = set()
    for output in outputs:
        stack = [output]
        while stack:
            node = stack.pop()
            if node not in done and node not in group:
                group.add(node)
                stack.extend(tape.children(node))
        if len(group) >= GROUP:
            order += sorted(group)
            done |= group
            group = set()
    return order + sorted(group)


def _levels(tape: Tape, order: list[Node]) -> dict[Node, int]:
    """The number of loops over the data that must have run before a node can be computed."""
    level: dict[Node, int] = {}
    for node in order:
        below = max((level[c] for c in tape.children(node)), default=0)
        level[node] = below + (tape.ops[node] == "rowsum")
    return level
