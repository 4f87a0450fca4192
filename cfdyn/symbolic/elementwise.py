"""An elementwise optimizer as functions of arrays, for losses that are not formulas: its step, and the parts of its flows.

`steps` and `preconditioning` do the same for a loss that is a formula. Steps and flows read the formulas of an optimizer in
different ways: a step updates every state, a flow keeps the slow ones and has coefficients in place of momentum.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.preconditioning import at_step, step_recursion
from cfdyn.symbolic.recursion import check_gradient, recursion_of
from cfdyn.symbolic.steps import updated
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import on_arrays
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

Function = Callable[[Sequence[Any], Sequence[float] | np.ndarray], list[Any]]


def check_elementwise(optimizer: Optimizer) -> None:
    """Raise a UsageError for an optimizer that uses matrices or a second gradient."""
    if isinstance(optimizer, MatrixOptimizer) or optimizer.probe is not None:
        raise UsageError(f"{optimizer.name} uses matrices of weights, or the gradient elsewhere than at the weights; "
                         "its step needs a cf.Loss")  # fmt: skip


class ElementwiseStep:
    """A step, for all values of the hyperparameters p, (n_p,), in the optimizer's order.

    Arguments of all functions: z = (the weights, the states of each weight, numbers for the shared states, the gradient g, gg =
    ‖g‖²), and p. They return arrays, or numbers where all weights share one value.

    Examples
    --------
    >>> import cfdyn as cf, numpy as np
    >>> own = ElementwiseStep(cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> own.step([np.array([1.0, 2.0]), np.array([0.0, 4.0]), np.array([1.0, 2.0]), 5.0], [0.5, 0.5])
    [array([0.5, 0. ]), array([1., 4.])]
    """

    def __init__(self, optimizer: Optimizer):
        check_elementwise(optimizer)
        self.optimizer, self._made = optimizer, dict[str, Function]()
        self.columns = ("w", *optimizer.per_weight)
        t, names = Tape(), (*self.columns, *optimizer.shared, "g", "gg")
        self._tape, self._z, self._p = t, t.leaves("z", len(names)), t.named("p", optimizer.params)
        self._before = {**self._p, **dict(zip(names, self._z, strict=True))}
        common = {name: self._before[name] for name in (*self._p, *optimizer.shared, "gg")}
        self._after = updated(t, optimizer, self.columns, dict(self._before)) + updated(t, optimizer, optimizer.shared, common)
        self.changes_gradient = optimizer.gradient is not None
        self._gradient = self._before["g"] if optimizer.gradient is None else optimizer.gradient.on(t, self._before)

    def __reduce__(self) -> tuple[type, tuple[Optimizer]]:
        return type(self), (self.optimizer,)

    @property
    def step(self) -> Function:
        """The next weight, its next states, and the next shared states."""
        return self._function("step", lambda: self._after)

    @property
    def jacobian(self) -> Function:
        """The Jacobian of `step` with respect to all entries of z, row by row."""
        return self._function("jacobian", lambda: sum(jacobian(self._tape, self._after, self._z), []))

    @property
    def gradient(self) -> Function:
        """The vector that replaces g in `step`, such as g clipped, given the loss's own g and gg; then its derivatives by z."""
        return self._function("gradient", lambda: [self._gradient, *jacobian(self._tape, [self._gradient], self._z)[0]])

    @property
    def preconditioner(self) -> Function:
        """θP/2 and P of the step; a UsageError for an optimizer without P."""
        return self._function("preconditioner", self._preconditioner)

    def by_parameter(self, name: str) -> Function:
        """The derivatives of `step` and of the replacement of g with respect to a hyperparameter."""
        outputs = [*self._after, self._gradient]
        return self._function(f"by {name}", lambda: [row[0] for row in jacobian(self._tape, outputs, [self._p[name]])])

    def _preconditioner(self) -> list[Node]:
        recursion, states = step_recursion(self.optimizer), (*self.columns, *self.optimizer.shared)
        after = {**self._p, **dict(zip(states, self._after, strict=True))}
        return at_step(recursion, self._tape, self._before, after)

    def _function(self, what: str, outputs: Callable[[], Sequence[Node]]) -> Function:
        if what not in self._made:
            self._made[what] = on_arrays(Program(self._tape, tuple(outputs()), len(self._z), len(self._p)))
        return self._made[what]


class ElementwiseFlow:
    """The parts of a flow; ``wanted``: the name of the flow, ``edge``: whether it has an edge.

    ``each``, ``shared``: the slow states of a weight and those that all weights share. Arguments of all functions: the weights,
    the states of ``each``, numbers for ``shared``, the gradient g and gg = ‖g‖²; they return arrays, or numbers where all weights
    share one value. `preconditioning` explains the metric Q = θP/2, the pace P/G, the decay δ and the rates f.

    Examples
    --------
    >>> import cfdyn as cf, numpy as np
    >>> own = ElementwiseFlow(cf.optimizers.rmsprop(lr=0.1, beta2=0.5, eps=0.0), "central")
    >>> own.each, own.shared, own.drift([np.ones(2), np.array([4.0, 9.0]), np.array([1.0, 2.0]), 5.0])
    (('nu',), (), [array([0.05      , 0.03333333]), 0.0, array([-3., -5.])])
    """

    def __init__(self, optimizer: Optimizer, wanted: str, edge: bool = True):
        self.optimizer, self.recursion, self._asked = optimizer, recursion_of(optimizer, wanted), (optimizer, wanted, edge)
        check_gradient(wanted, optimizer)
        if edge:
            self.recursion.check_flip(optimizer)
        self.each = tuple(s for s in optimizer.per_weight if s in optimizer.flow)
        self.shared = tuple(s for s in optimizer.shared if s in optimizer.flow)
        self.states = (*self.each, *self.shared)
        self._build()

    def __reduce__(self) -> tuple[type, tuple[Optimizer, str, bool]]:
        return type(self), self._asked

    def _build(self) -> None:
        t = self.tape = Tape()
        n = len(self.states)
        self._z = t.leaves("z", n + 3)
        w, *self._s, self._g, self._gg = self._z
        parameters = t.named("p", self.optimizer.params)
        names = {**parameters, "w": w, **dict(zip(self.states, self._s, strict=True)), "g": self._g, "gg": self._gg}
        read = self.recursion.parameters | self.recursion.moving
        rebuilt = rebuild(self.recursion.tape, self.recursion.coefficients[:4], t, {read[s]: names[s] for s in read})
        self._metric, self._pace, self._decay, self._scale = rebuilt
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
        """The derivatives ∂Q/∂s, then ½∂²f/∂g² and ∂f/∂gg of each state."""
        t, n = self.tape, len(self.states)
        slopes = jacobian(t, [self._metric], self._s)[0] if n else []
        along = jacobian(t, self._rates, [self._g, self._gg]) if n else []
        twice = jacobian(t, [node for row in along for node in row], [self._g, self._gg]) if n else []
        if any(t.value(row[1]) != 0 for row in twice):
            raise UsageError(f"{self.optimizer.name}: a rate that is not linear in ‖g‖² needs a cf.Loss")
        half = [t.div(row[0], t.const(2)) for row in twice[::2]]
        return self._function([*slopes, *half, *(row[1] for row in along)])

    @cached_property
    def relaxation(self) -> Any:
        """−∂f/∂s of each state with respect to itself: its relaxation rate."""
        t = self.tape
        slopes = jacobian(t, self._rates, self._s)
        return self._function([t.neg(slopes[k][k]) for k in range(len(self.states))])

    @cached_property
    def metric(self) -> Any:
        """Q, 1/pace and P."""
        return self._function([self._metric, self.tape.div(self.tape.const(1), self._pace), self._scale])

    @cached_property
    def first(self) -> Any:
        """The slow states that the first step uses."""
        return self._function(self._first)

    def _function(self, outputs: Sequence[Node]) -> Callable[[Sequence[Any]], list[Any]]:
        values = on_arrays(Program(self.tape, tuple(outputs), len(self._z), len(self.optimizer.params)))
        p = [float(x) for x in self.optimizer.params.values()]
        return lambda z: values(z, p)
