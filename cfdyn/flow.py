"""`Flow`: a continuous-time model of an optimizer, with its compiled rules; made by the functions in `cfdyn.flows`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.codegen.compile import Rule, compile_rule, parameter_vector
from cfdyn.errors import UsageError
from cfdyn.loss import Loss
from cfdyn.symbolic.flow import FlowSpec, flow_program, flow_size
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems import Map


class Flow:
    """dz/dt = F(z), z = (weights, optimizer state), time in optimizer steps; see `cfdyn.flows`, `cfdyn.solve`.

    ``names`` are the n entries of the state, weights first; ``n_weights`` how many are weights.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    >>> flow, flow.drift([1.0])
    (Flow(gradient flow of gd:lr=0.5 on w**2/2; state w), array([-0.5]))
    """

    def __init__(self, name: str, kind: str, loss: Loss, optimizer: Optimizer, haste: float = 1.0):
        if not isinstance(loss, Loss):
            raise UsageError(f"flows.{name} takes a cf.Loss, not {type(loss).__name__}")
        if not isinstance(optimizer, Optimizer):
            raise UsageError(f"flows.{name} takes an optimizer such as cf.optimizers.gd(lr=0.1), not {type(optimizer).__name__}")
        self.spec = FlowSpec(name, kind, LossMap(loss.spec, optimizer), haste)
        self.names, self.n_weights = self.spec.names, self.spec.n_weights

    @property
    def name(self) -> str:
        """What it is called in `cfdyn.flows`."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """Dimension n of the state."""
        return len(self.names)

    @property
    def title(self) -> str:
        """For messages and tables."""
        return self.spec.title

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the loss and the optimizer with their values."""
        return dict(self.spec.params)

    def __repr__(self) -> str:
        return f"Flow({self.title}; state {', '.join(self.names)})"

    @cached_property
    def p(self) -> np.ndarray:
        """Parameters and data as the compiled rules read them."""
        return parameter_vector(self.spec.params.values(), self.spec.data)

    def rule(self, what: str) -> Rule:
        """The compiled rule for ``drift``, ``edge``, ``force``, …; inputs as in `cfdyn.symbolic.flow`."""
        return compile_rule(f"{self.spec.key}|{what}", flow_size(self.spec, what), lambda: flow_program(self.spec, what))

    def state(self, start: Any) -> np.ndarray:
        """A full state (n,) from the weights alone or from the full state.

        The optimizer's state behind weights alone is the one that its first step uses: the initial one, updated
        once with the gradient there.
        """
        step = Map(self.spec.map)
        z = step.state(start)
        if self.dim > self.n_weights and np.size(start) == self.n_weights:
            z = np.concatenate([z[: self.n_weights], step(z)[self.n_weights :]])
        return z

    def drift(self, z: Any) -> np.ndarray:
        """F₀(z) = (−P⁻¹g, f(s, g)), (n,): the flow without oscillations."""
        return self.rule("drift")(self.state(z), self.p)
