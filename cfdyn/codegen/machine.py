"""A program in the operations that a processor has: the first step of both printers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from cfdyn.tape.elementary import BRANCH_FREE, COMPOSITE, FAR
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild


def machine_program(program: Program, branch_free: bool = True) -> Program:
    """The same outputs; what a mathematical library does not have is written out, and with ``branch_free`` also what
    it would have to be called for row by row.

    One number is computed fastest by the system's library, many at once by arithmetic without branches.
    """
    outputs, tape = list(program.outputs), program.tape
    if branch_free and any(tape.by_row):
        rows = Tape()
        table = {**BRANCH_FREE, "sin": _sin, "cos": _cos}
        outputs, tape = rebuild(tape, outputs, rows, expansions=table, rows_only=True), rows
    if not COMPOSITE.keys().isdisjoint(tape.ops):
        single = Tape()
        # 1/cosh² and tanh have nearly all in common, so that both cost less than the library's tanh.
        both = {"tanh": BRANCH_FREE["tanh"]} if "sech2" in tape.ops else {}
        outputs, tape = rebuild(tape, outputs, single, expansions={**COMPOSITE, **both}), single
    return replace(program, tape=tape, outputs=tuple(outputs))


def _sin(tape: Tape, x: Node) -> Node:
    return tape.apply("far_sin", x, tape.const(Fraction(FAR)), BRANCH_FREE["sin"](tape, x))


def _cos(tape: Tape, x: Node) -> Node:
    return tape.apply("far_cos", x, tape.const(Fraction(FAR)), BRANCH_FREE["cos"](tape, x))
