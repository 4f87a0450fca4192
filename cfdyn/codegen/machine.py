"""A program in the operations that a processor has: the first step of both printers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial

from cfdyn.tape.elementary import BRANCH_FREE, COMPOSITE, FAR
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

Expansions = Mapping[str, Callable[[Tape, Node], Node]]


def machine_program(program: Program) -> Program:
    """The same outputs; what a mathematical library does not have is written out, and also what it would have to be
    called for row by row.

    One number is computed fastest by the system's library, many at once by arithmetic without branches.
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
