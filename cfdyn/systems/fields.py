"""What a flow's right-hand side is made of, and the programs that belong to it beside those of its specification."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cfdyn.tape.derivatives import forward
from cfdyn.tape.program import Program

BACKWARD, BY = "backward", "by"  # before the name of a program: with time reversed; and dF/d(parameter)


class RightHandSide(NamedTuple):
    """The addresses of the rules for F and DF, and the array that both read."""

    rules: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class Kernel:
    """A right-hand side that is more than one program: ``rule`` (of `cfdyn.kernels`) reads a block of this ``layout``.

    ``parts``: the programs that it calls; ``order``: of the matrix whose spectrum it needs; ``sizes``: the layout's own numbers
    and arrays. ``observer``: a rule of the same block that tells what else there is to see at a state, ``observed`` numbers;
    ``pace``: what its drift multiplies a slow gradient by.
    """

    rule: Any
    layout: Any
    parts: tuple[str, ...]
    order: int
    sizes: Mapping[str, Any] = field(default_factory=dict)
    observer: Any = None
    observed: int = 0
    pace: float = math.nan


def outputs_of(spec: Any, what: str) -> int:
    """The number of outputs of a program."""
    kind, _, rest = what.partition(":")
    if kind == BACKWARD:
        return outputs_of(spec, rest)
    return len(spec.names) if kind == BY else spec.size(what)


def program_of(spec: Any, what: str) -> Program:
    """A program of the specification; ``backward:WHAT`` with the other sign, ``by:NAME`` dF/d(parameter), (n,)."""
    kind, _, rest = what.partition(":")
    if kind not in (BACKWARD, BY):
        return spec.program(what)
    made = program_of(spec, rest if kind == BACKWARD else "drift")
    tape = made.tape
    if kind == BACKWARD:
        outputs = [tape.neg(node) for node in made.outputs]
    else:
        moved = tape.leaf("p", list(spec.params).index(rest))
        outputs = forward(tape, list(made.outputs), {moved: tape.const(1)})
    return Program(tape, tuple(outputs), made.n_z, made.n_p, made.n_columns)
