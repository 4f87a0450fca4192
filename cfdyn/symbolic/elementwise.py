"""What a flow of an optimizer is made of, weight by weight, as functions of arrays: for losses that are no formulas.

`preconditioning` writes the same for a loss that is one, and tells what metric Q = θP/2, pace P/G, decay δ and rates f mean.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.recursion import check_gradient, recursion_of
from cfdyn.symbolic.steps import updated
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import Algebra, Ready
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

PIECE = 16384  # weights at a time: what a program leaves behind stays small


def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b)


ARRAYS = Algebra(
    float,
    {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power,
     "ipow": np.power, "max": np.fmax, "min": np.fmin, "abs": np.abs, "sign": np.sign, "log": np.log, "exp": np.exp,
     "sqrt": np.sqrt, "log1p": np.log1p, "tanh": np.tanh, "floor": np.floor, "sin": np.sin, "cos": np.cos, "tan": np.tan,
     "lt": np.less, "le": np.less_equal, "eq": np.equal, "not": np.logical_not, "and": np.logical_and,
     "or": np.logical_or, "select": _where},
    np.pi, np.e,
)  # fmt: skip


class Elementwise:
    """The programs of an optimizer for one weight; ``wanted``: by which flow, ``edge``: whether it has one.

    ``each``, ``shared``: the slow states of a weight and those that all share. Arguments of all functions: the weights, the
    states of ``each``, numbers for ``shared``, the gradient g and gg = ‖g‖²; what they give are arrays, or numbers where
    all weights have the same.

    Examples
    --------
    >>> import cfdyn as cf
    >>> own = Elementwise(cf.optimizers.rmsprop(lr=0.1, beta2=0.5, eps=0.0), "central")
    >>> own.each, own.shared, own.drift([np.ones(2), np.array([4.0, 9.0]), np.array([1.0, 2.0]), 5.0])
    (('nu',), (), [array([0.05      , 0.03333333]), 0.0, array([-3., -5.])])
    """

    def __init__(self, optimizer: Optimizer, wanted: str, edge: bool = True):
        if isinstance(optimizer, MatrixOptimizer) or optimizer.probe is not None:
            raise UsageError(f"{optimizer.name} does not treat each weight by itself with the gradient at the weights; the flow "
                             f"{wanted!r} of it takes a cf.Loss")  # fmt: skip
        self.optimizer, self.recursion = optimizer, recursion_of(optimizer, wanted)
        check_gradient(wanted, optimizer)
        if edge:
            self.recursion.check_flip(optimizer)
        self.each = tuple(s for s in optimizer.per_weight if s in optimizer.flow)
        self.shared = tuple(s for s in optimizer.shared if s in optimizer.flow)
        self.states = (*self.each, *self.shared)
        self._build()

    def _build(self) -> None:
        t = self.tape = Tape()
        n = len(self.states)
        self._z = t.leaves("z", n + 3)
        self._w, self._s, self._g, self._gg = self._z[0], self._z[1 : n + 1], self._z[-2], self._z[-1]
        parameters = t.named("p", self.optimizer.params)
        names = {**parameters, "w": self._w, **dict(zip(self.states, self._s, strict=True)), "g": self._g, "gg": self._gg}
        read = self.recursion.parameters | self.recursion.moving
        coefficients = self.recursion.coefficients
        rebuilt = rebuild(self.recursion.tape, coefficients, t, {read[s]: names[s] for s in read})
        self._metric, self._pace, self._decay, self._scale, self._swing = rebuilt
        self._rates = [self.optimizer.flow[s].on(t, names) for s in self.states]
        first: dict[str, Node] = {**names, **{s: t.exactly(float(x)) for s, x in self.optimizer.initial.items()}}
        self._first = updated(t, self.optimizer, self.states, first) if self.states else []

    @cached_property
    def drift(self) -> Any:
        """1/(pace), δ, then f of each state."""
        one = self.tape.const(1)
        return self._function([self.tape.div(one, self._pace), self._decay, *self._rates])

    @cached_property
    def edge(self) -> Any:
        """The slopes ∂Q/∂s, then ½∂²f/∂g² and ∂f/∂gg of each state."""
        t, n = self.tape, len(self.states)
        slopes = jacobian(t, [self._metric], self._s)[0] if n else []
        along = jacobian(t, self._rates, [self._g, self._gg]) if n else []
        twice = jacobian(t, [node for row in along for node in row], [self._g, self._gg]) if n else []
        if any(t.value(row[1]) != 0 for row in twice):
            raise UsageError(f"{self.optimizer.name}: a rate that is not linear in ‖g‖² needs a cf.Loss")
        half = [t.div(row[0], t.const(2)) for row in twice[::2]]
        return self._function([*slopes, *half, *(row[1] for row in along)])

    @cached_property
    def metric(self) -> Any:
        """Q, 1/pace and P."""
        return self._function([self._metric, self.tape.div(self.tape.const(1), self._pace), self._scale])

    @cached_property
    def first(self) -> Any:
        """The slow states that the first step uses."""
        return self._function(self._first)

    def _function(self, outputs: Sequence[Node]) -> Any:
        program = Program(self.tape, tuple(outputs), len(self._z), len(self.optimizer.params))
        ready, p = Ready(program, ARRAYS), [float(x) for x in self.optimizer.params.values()]

        def found(z: Sequence[Any]) -> list[Any]:
            sizes = [len(x) for x in z if np.ndim(x)]
            with np.errstate(all="ignore"):
                if not sizes or sizes[0] <= PIECE:
                    return ready(z, p)
                parts = []
                for k in range(0, sizes[0], PIECE):
                    parts.append(ready([x[k : k + PIECE] if np.ndim(x) else x for x in z], p))
            return [np.concatenate(column) if np.ndim(column[0]) else column[0] for column in zip(*parts, strict=True)]

        return found
