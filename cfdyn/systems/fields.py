"""What a flow's right-hand side is made of: programs beside those of its specification, and their machine code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cfdyn.codegen.compile import OfSpecification, Rule, compile_rule
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
    and arrays. ``observer``: a rule of the same block that shows what else there is to see at a state, ``observed`` numbers;
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


class CompiledFlow(OfSpecification):
    """What a flow is to kernels: rules by name, and the right-hand side made of them."""

    n_weights: int
    reversed: bool
    _kernel: Kernel | None

    @cached_property
    def _sides(self) -> dict[bool, np.ndarray]:
        return {}

    def rule(self, what: str) -> Rule:
        """The compiled rule for ``drift``, ``by:NAME`` (dF/d(parameter)), ``edge``, …; inputs as in `symbolic.programs.flow`."""
        asked = f"{BACKWARD}:{what}" if self.reversed and what.startswith(("drift", "by:")) else what
        if asked not in self._rules:
            key, size = f"{self.spec.key}|{asked}", outputs_of(self.spec, asked)
            self._rules[asked] = compile_rule(key, size, lambda: program_of(self.spec, asked))
        return self._rules[asked]

    def right_hand_side(self, jacobian: bool = True) -> RightHandSide:
        """F and, only if asked for, DF."""
        rules = self._sides.get(jacobian)
        if rules is None:
            rules = self._sides[jacobian] = self._addresses(jacobian)
        return RightHandSide(rules, self.p if self._kernel is None else self._block(self._kernel))

    @property
    def has_jacobian(self) -> bool:
        """True if DF is compiled already."""
        return True in self._sides

    def _addresses(self, jacobian: bool) -> np.ndarray:
        from cfdyn.machine.jit import addresses

        if self._kernel is None:
            slope = self.rule("drift").compiled
            return addresses(slope, self.rule("drift_jacobian").compiled if jacobian else slope)
        from cfdyn.kernels.models import differences

        slope = self._kernel.rule.compiled
        return addresses(slope, differences.compiled if jacobian else slope)

    def _block(self, kernel: Kernel) -> np.ndarray:
        """The block that a kernel reads, with memory of its own: several integrations may run at once."""
        from cfdyn.kernels.edge.modes import decompose

        rules = {part: self.rule(part).compiled for part in kernel.parts}
        return kernel.layout.make(n=self.dim, d=self.n_weights, parameters=len(self.p), p=self.p, own=kernel.rule.compiled,
                                  eigh=decompose.compiled, order=kernel.order, **rules, **kernel.sizes).memory  # fmt: skip
