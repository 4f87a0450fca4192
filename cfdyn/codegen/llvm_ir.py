"""A program as LLVM IR: a function ``void(double* z, double* p, double* out)``; out overlaps neither z nor p.

Sums over data rows are loops that compute LANES rows at once, in vectors, and add them up one by one, so that
the result does not depend on the processor. The data are in ``p`` in the layout of `parameter_vector`.
"""

from collections.abc import Sequence

from cfdyn.codegen.llvm_functions import RELOADED, Calls, Function, Piece
from cfdyn.codegen.llvm_nodes import LITERALS
from cfdyn.codegen.schedule import SUMS, WHOLE, Section, in_pieces, pieces_of_loop, schedule
from cfdyn.tape.program import Node, Program


def print_ir(program: Program, name: str) -> str:
    """The module that defines the function ``name``.

    A long program becomes a function for each of its sections, which pass values through memory.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> square = Program(t, (t.ipow(t.leaf("z", 0), 2),), n_z=1, n_p=0)
    >>> print(print_ir(square, "f"))
    define void @f(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {
    start:
      %t1 = getelementptr double, ptr %z, i64 0
      %v0 = load double, ptr %t1
      %v1 = fmul double %v0, %v0
      %t2 = getelementptr double, ptr %out, i64 0
      store double %v1, ptr %t2
      ret void
    }
    <BLANKLINE>
    """
    sections = schedule(program) or [Section([], [])]
    loops = {i: pieces_of_loop(program, s) for i, s in enumerate(sections) if s.sums}
    loops = {i: pieces for i, pieces in loops.items() if len(pieces) > 1}
    declared: set[str] = set()
    if not loops and sum(len(s.nodes) for s in sections) <= WHOLE:
        return _module(declared, [_in_one(program, sections, declared, name)])
    slots, size = _slots(program, [s.nodes + s.sums for s in sections], set(loops))
    calls, functions = Calls(program, name, slots, size), []
    for i, section in enumerate(sections):
        if i in loops:
            functions += _pieces_of_loop(program, loops[i], declared, slots, f"{name}_{i}", calls)
        for k, sums in enumerate(in_pieces(section.sums, SUMS) if i in loops else [None]):
            function, own = Function(program, declared, slots), f"{name}_{i}_{k}"
            if i == k == 0:
                function.constants()
            if sums is None:
                function.section(section, i)
            else:
                function.sums(sums)
            functions.append(function.text(own, main=False))
            calls.call(own)
    return _module(declared, [*functions, calls.text()])


def _module(declared: set[str], functions: Sequence[str]) -> str:
    return "".join(f"declare {line}\n" for line in sorted(declared)) + "".join(functions)


def _in_one(program: Program, sections: Sequence[Section], declared: set[str], name: str) -> str:
    function = Function(program, declared, {})
    function.constants()
    for index, section in enumerate(sections):
        function.section(section, index)
    return function.text(name, main=True)


def _pieces_of_loop(
    program: Program, pieces: Sequence[Section], declared: set[str], slots: dict[Node, int], name: str, calls: Calls
) -> list[str]:
    """The functions of the pieces of a loop over blocks of rows, and their calls; they pass rows through memory."""
    rows, size = _slots(program, [piece.nodes for piece in pieces], set(), by_row=True)
    functions, names = [], [f"{name}_piece{k}" for k in range(len(pieces))]
    for own, piece in zip(names, pieces, strict=True):
        function = Piece(program, declared, slots, rows)
        function.piece(piece)
        functions.append(function.text(own, main=False))
    calls.loop(names, [node for piece in pieces for node in piece.sums], size)
    return functions


def _slots(
    program: Program, parts: Sequence[Sequence[Node]], long_loops: set[int], by_row: bool = False
) -> tuple[dict[Node, int], int]:
    """A place in memory for each value that another part needs, freed after its last use; and the maximal number of places.

    For numbers, or for values that differ from row to row; the sums of a long loop have adjacent places.
    """
    tape = program.tape
    last = {child: i for i, some in enumerate(parts) for node in some for child in tape.children(node)}
    free: list[int] = []
    slots: dict[Node, int] = {}
    ending: list[list[int]] = [[] for _ in parts]
    size = 0
    for i, some in enumerate(parts):
        for node in some:
            summed = i in long_loops and tape.ops[node] == "rowsum"
            crosses = summed or last.get(node, i) > i
            if crosses and tape.by_row[node] == by_row and tape.ops[node] not in RELOADED | LITERALS:
                if summed or not free:
                    free, size = [*free, size], size + 1
                slots[node] = free.pop()
                ending[max(last.get(node, i), i)].append(slots[node])
        free += ending[i]
    return slots, size
