"""`Flow`: a continuous-time model of an optimizer, with its compiled rules; made by the functions in `cfdyn.flows`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import OF_NO_FORMULA, check_finite, vector
from cfdyn.errors import UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.maps import LossMap, make_map
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.flow import FlowSpec
from cfdyn.symbolic.programs.model import ModelSpec, formula_flow
from cfdyn.symbolic.text.formula import AsSystem, is_formula
from cfdyn.systems.fields import CompiledFlow, Kernel
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.notebook import in_markdown
from cfdyn.words import LONGEST_REPR, few, how_many, shortened


class Flow(CompiledFlow):
    """A flow dz/dt = F(z), z = (weights, further state), time in optimizer steps; see `cfdyn.flows` and `cfdyn.solve`.

    ``name``: its name in `cfdyn.flows`. ``names``: the n entries of the state, weights first; ``n_weights``: the number of
    weights. ``discrete``: True if the model is a map, with one step per unit of time and straight lines in between. ``lead``: the
    number of steps by which its weights at t are ahead of the time average at t. ``work``: the cost of one evaluation of its
    right-hand side in gradients, without the cost of an edge. ``lift``: the full state (n,) from the weights alone or from the
    optimizer's whole state, if the flow has more entries than these.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    >>> flow, flow.drift([1.0])
    (Flow(gradient flow of gd:lr=0.5 on w**2/2; state w), array([-0.5]))
    """

    def __init__(
        self, formulas: FlowSpec | ModelSpec | AsSystem, variables: str | int | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None, *, lift: Callable[[Flow, np.ndarray], np.ndarray] | None = None,
        kernel: Kernel | None = None,
    ):  # fmt: skip
        if isinstance(formulas, FlowSpec | ModelSpec):
            spec = formulas
        else:
            spec, lift = formula_flow(make_map(formulas, variables, params, "flow")), _from_now
        self.spec, self._lift, self._kernel = spec, lift, kernel
        self.name, self.names, self.n_weights = spec.name, spec.names, spec.n_weights
        self.discrete, self.lead, self.work = spec.discrete, spec.lead, spec.work
        self.reversed = False

    @classmethod
    def from_text(
        cls, formulas: AsSystem, variables: str | int | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None,
    ) -> Flow:  # fmt: skip
        """A flow of differential equations dx/dt = F(x, t), one right-hand side per variable; the same as `Flow(formulas, …)`.

        ``formulas``: a text for each variable, one text with ``;`` between them, SymPy expressions, or a Python function of the
        variables that returns all. The name ``t`` is the time unless it is a variable or a parameter. The time is then the last
        entry of the state, and starts may omit it. Time and rates have the units of the equations.

        Raises
        ------
        FormulaError : a text that is not a formula, a name without a value, or a number of formulas other than that of the
            variables

        Examples
        --------
        >>> import cfdyn as cf
        >>> logistic = cf.Flow.from_text("x*(1 - x)")
        >>> print(cf.solve(logistic, [0.5], t=2, rtol=1e-12).z[-1].round(8))  # 1/(1 + e^-2)
        [0.88079708]
        >>> oscillator = cf.Flow(lambda x, y, mu=1.0: (y, mu * (1 - x**2) * y - x))
        >>> oscillator.at(mu=2.0).drift([2.0, 1.0])
        array([ 1., -8.])
        >>> forced = cf.Flow("cos(t) - x", "x")
        >>> cf.solve(forced, [0.5], t=(0, 10), rtol=1e-12).w[-1].round(8)  # (cos t + sin t)/2
        array([-0.69154632])
        """
        return cls(formulas, variables, params)

    @classmethod
    def of(cls, given: Any) -> Flow | None:
        """The flow of a text, a SymPy expression or a Python function, where a flow is wanted; None for anything else."""
        named = isinstance(given, str) and given in catalogue("losses").names()
        return cls.from_text(given) if is_formula(given) and not named else None

    @cached_property
    def title(self) -> str:
        """For messages and tables."""
        return self.spec.title

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the loss, the optimizer and the model with their values."""
        return dict(self.spec.params)

    @property
    def remarks(self) -> list[str]:
        """Sentences to print wherever its path is shown."""
        origin = ["a reconstruction: only the abstract of its paper was read"] if self.spec.reconstruction else []
        return origin + [self.spec.remark] * bool(self.spec.remark)

    def __repr__(self) -> str:
        return shortened(f"Flow({self.title}; state {few(self.names)})", LONGEST_REPR)

    def _repr_markdown_(self) -> str:
        return in_markdown("Flow", self, r"\frac{{d{name}}}{{dt}} =")

    @property
    def timed(self) -> bool:
        """True if its formulas contain the time, which is then the last entry of its state."""
        return isinstance(self.spec, ModelSpec) and self.spec.timed

    @property
    def smooth(self) -> bool:
        """True if the flow has one smooth right-hand side, without an edge, and is not a map."""
        return self.spec.kind == "plain" and not self.discrete

    @property
    def is_formula(self) -> bool:
        """True if its right-hand side is one formula, not a kernel of several programs."""
        return self._kernel is None

    def jacobian(self, z: Any) -> np.ndarray:
        """DF(z), (n, n), for a flow without an edge."""
        from cfdyn.machine.jit import apply

        state, right = self.state(z), self.right_hand_side()
        out = np.empty((self.dim, self.dim))
        apply(int(right.rules[1]), state, right.p, out)
        return out

    def at(self, /, **params: float) -> Flow:
        """The same flow with other parameter values (nothing is recompiled); a UsageError for a model with a state of its own."""
        if self._kernel is not None:
            raise UsageError(f"the {self.name} flow has no other parameters: make it again, from the loss and the optimizer")
        made = Flow(self.spec.at(params), lift=self._lift)
        made.reversed = self.reversed
        return made

    def backward(self) -> Flow:
        """The flow with its time reversed, dz/dt = −F(z), or −F(z, t) and dt/dt = −1: attractors become repellers.

        Raises
        ------
        UsageError : a flow at an edge, whose past is not unique, a model that is a map, or one with states besides the weights
        """
        if not self.smooth or self._kernel is not None:
            raise UsageError(f"the {self.title} is integrated forward in time only")
        made = Flow(self.spec, lift=self._lift)
        made.reversed = not self.reversed
        return made

    def observe(self, states: np.ndarray) -> np.ndarray | None:
        """The quantities of its kernel's observer at each of the states (m, n); None if the flow has no observer."""
        from cfdyn.kernels.rows import at_rows
        from cfdyn.machine.jit import address

        if self._kernel is None or self._kernel.observer is None:
            return None
        out = np.empty((len(states), self._kernel.observed))
        at_rows(address(self._kernel.observer.compiled), np.ascontiguousarray(states), self._block(self._kernel), out)
        return out

    @property
    def noisy(self) -> bool:
        """True of a model of stochastic steps."""
        return self._kernel is not None and self._kernel.observer is not None

    @property
    def flat(self) -> bool:
        """True if the part of Σ along flat directions is computed too."""
        return self._kernel is not None and bool(self._kernel.sizes.get("flat"))

    @property
    def pace(self) -> float:
        """The factor of a slow gradient in a flow with noise: dw/dt = −pace·g without noise."""
        return self._kernel.pace if self._kernel is not None else math.nan

    def with_flat(self) -> Flow:
        """The same flow with an observer that includes flat directions."""
        assert self._kernel is not None
        if self.flat:
            return self
        sizes, seen = {**self._kernel.sizes, "flat": 1}, self._kernel.observed + self.n_weights**2
        return Flow(self.spec, lift=self._lift, kernel=replace(self._kernel, sizes=sizes, observed=seen))

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer whose steps on the loss the flow models; None for other flows."""
        return getattr(self.spec.map, "optimizer", None) if self.spec.follows else None

    def edge_per_sharpness(self) -> float:
        """2η over the largest stable ηλ₁; NaN if the optimizer's edge is not a bound on λ₁(H), or without an optimizer."""
        optimizer = self.optimizer
        if optimizer is None or optimizer.limit is None or optimizer.flow or "beta2" in optimizer.params:
            return float("nan")
        return 2 * self.params["lr"] / optimizer.limit

    def state(self, start: Any) -> np.ndarray:
        """A full state (n,) from the weights alone or from the full state.

        Weights alone are completed, unless the model says otherwise, by the optimizer's state that its first step uses: the
        initial one, updated once with the gradient there. The momentum in a full state of the optimizer is dropped, since flows
        have none.
        """
        if isinstance(self.spec, ModelSpec):
            return self._state_of_model(start)
        step, kept, d = Map(self.spec.map), list(self.spec.kept), self.n_weights
        given = vector("a start", start)
        if given.shape == (self.dim,) and self.dim not in (d, step.dim):
            check_finite("a start needs", given)
            return given
        z = step.state(given)
        if self.dim > d and given.size == d:
            return np.concatenate([z[:d], step(z)[kept[d:]]])
        return z[kept]

    def _state_of_model(self, start: Any) -> np.ndarray:
        z = vector("a start", start)
        check_finite("a start needs", z)
        if z.shape == (self.n_weights,) and self._lift is not None:
            return self._lift(self, z)
        if z.shape != (self.dim,):
            allowed = f"{how_many(self.dim, 'entry', 'entries')} ({', '.join(self.names)})"
            if self._lift is not None and self.n_weights < self.dim:
                weights = how_many(self.n_weights, "entry", "entries")
                allowed = f"{weights} ({', '.join(self.names[: self.n_weights])}) or all {allowed}"
            raise UsageError(f"a start has {allowed}, not {z.size if z.ndim == 1 else z.shape}")
        return z

    def started(self, z: np.ndarray) -> np.ndarray:
        """A full state (n,) from the whole state of its optimizer, (D,), without the momentum."""
        if isinstance(self.spec, FlowSpec):
            return z[list(self.spec.kept)]
        return z[: self.n_weights] if self._lift is None else self._lift(self, z)

    def drift(self, z: Any) -> np.ndarray:
        """F(z), (n,); for flows with an edge F₀(z) = (−GP⁻¹g, f(s, g)), the flow without oscillations."""
        return self.drift_at(self.state(z))

    def drift_at(self, state: np.ndarray) -> np.ndarray:
        """`drift` at what `state` gives, without another look at it."""
        if self._kernel is None:
            return self.rule("drift")(state, self.p)
        from cfdyn.machine.jit import apply

        out, right = np.empty(self.dim), self.right_hand_side(jacobian=False)
        apply(right.rules[0], state, right.p, out)
        return out

    def drifts(self) -> Callable[[np.ndarray], np.ndarray]:
        """`drift_at` for many states (m, n) at once, (m, n), with memory of its own."""
        from cfdyn.kernels.rows import at_rows

        right = self.right_hand_side(jacobian=False)

        def drift(states: np.ndarray) -> np.ndarray:
            out = np.empty(states.shape)
            at_rows(int(right.rules[0]), np.ascontiguousarray(states), right.p, out)
            return out

        return drift


def _from_now(flow: Flow, x: np.ndarray) -> np.ndarray:
    """The variables, at time 0 where the formulas name it."""
    return np.append(x, 0.0) if flow.timed else x


def preconditioned(name: str, kind: str, loss: Any, optimizer: Optimizer, state_speed: float = 1.0) -> Any:
    """A flow of an optimizer with a preconditioner; ``kind`` as in `symbolic.programs.flow`. A loss that is not a formula gives a
    `MatrixFreeFlow`, if there is one of this kind.
    """
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
        from cfdyn.systems.matrix_free.optimizer_map import require_oracle

        if kind in ("plain", "central"):
            return MatrixFreeFlow(name, kind, require_oracle(loss), optimizer)
        raise UsageError(f"the flow {name!r} takes a cf.Loss, not {type(loss).__name__}; {OF_NO_FORMULA}")
    return Flow(FlowSpec(name, kind, LossMap(loss.spec, optimizer), state_speed))
