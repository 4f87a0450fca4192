"""The preconditioner P = p(ν)/η of adaptive optimizers, and how p moves as ν follows the squares of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb

from cfdyn.certify.balls import Enclosure
from cfdyn.certify.subject import Floats, Subject, floats_of
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.derivatives import reverse
from cfdyn.tape.program import Node, Program, Tape


@dataclass(frozen=True)
class Rule:
    """The rule of one optimizer: ``state`` ν, ``text`` of p with ``flow`` dν/dt, formulas of ν, g and the hyperparameters."""

    state: str
    text: str
    flow: str

    @staticmethod
    def of(plain: Optimizer) -> Rule | None:
        """The rule of an optimizer without bias correction; None if it has no preconditioner with a state for each weight."""
        if not plain.flow or plain.preconditioner is None:
            return None
        [(state, flow)] = plain.flow.items()
        return Rule(state, plain.preconditioner.text.removesuffix("/lr").removeprefix("(").removesuffix(")"), flow.text)


@dataclass
class Scale:
    """p, p′ and dp/dt = p′·dν/dt for each weight; ``about`` has the hyperparameters."""

    about: Subject
    rule: Rule

    @cached_property
    def _program(self) -> Program:
        tape, spec, d = Tape(), self.about.spec, self.about.weights
        own = spec.optimizer.beside(spec.loss.params)  # type: ignore[union-attr]
        leaves, parameters = tape.leaves("z", 2 * d), tape.named("p", spec.params)
        given = {name: parameters[called] for name, called in own.items()}
        sizes: list[Node] = []
        slopes: list[Node] = []
        moves: list[Node] = []
        for state, g in zip(leaves[:d], leaves[d:], strict=True):
            names = {**given, self.rule.state: state, "g": g}
            p = formula(self.rule.text).on(tape, names)
            [slope] = reverse(tape, p, [state])
            sizes, slopes = [*sizes, p], [*slopes, slope]
            moves.append(tape.mul(slope, formula(self.rule.flow).on(tape, names)))
        return Program(tape, (*sizes, *slopes, *moves), 2 * d, len(spec.params))

    @cached_property
    def _balls(self) -> Enclosure:
        return self.about.enclosed(self._program)

    @cached_property
    def _floats(self) -> Floats:
        return floats_of(self._balls)

    def over(self, states: list[arb], gradient: list[arb]) -> tuple[list[arb], list[arb]]:
        """p and dp/dt over a box of states and gradients."""
        balls, d = self._balls([*states, *gradient]), len(states)
        return balls[:d], balls[2 * d :]

    def sizes(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p and p′ at points (d, n), in doubles."""
        d = len(states)
        floats = self._floats(np.concatenate([states, np.zeros_like(states)]))
        return floats[:d], floats[d : 2 * d]
