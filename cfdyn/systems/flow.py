"""`Flow`: a continuous-time model of an optimizer, with its compiled rules; made by the functions in `cfdyn.flows`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import OF_NO_FORMULA, vector
from cfdyn.codegen.compile import Rule, compile_rule, parameter_vector
from cfdyn.errors import UsageError
from cfdyn.machine.portable import Portable
from cfdyn.symbolic.flow import FlowSpec
from cfdyn.symbolic.maps import LossMap, make_map
from cfdyn.symbolic.model import ModelSpec, Part, formula_drift
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import AsSystem, is_formula
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.words import LONGEST_REPR, few, shortened


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


class Flow(Portable):
    """dz/dt = F(z), z = (weights, further state), time in optimizer steps; see `cfdyn.flows`, `cfdyn.solve`.

    ``name``: its own in `cfdyn.flows`. ``names`` are the n entries of the state, weights first; ``n_weights`` how many are
    weights. ``discrete``: True if the model is a map, one step for each unit of time, straight lines in between; ``lead``:
    steps by which its weights at t are ahead of the time average at t; ``work``: gradients that one evaluation of its
    right-hand side costs, without what an edge takes. ``lift``: the state (n,) from the weights alone or
    the optimizer's whole state, if it is more than these have.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    >>> flow, flow.drift([1.0])
    (Flow(gradient flow of gd:lr=0.5 on w**2/2; state w), array([-0.5]))
    """

    def __init__(
        self, formulas: FlowSpec | ModelSpec | AsSystem, variables: str | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None, *, lift: Callable[[Flow, np.ndarray], np.ndarray] | None = None,
        kernel: Kernel | None = None,
    ):  # fmt: skip
        if isinstance(formulas, FlowSpec | ModelSpec):
            spec = formulas
        else:
            made = make_map(formulas, variables, params, "flow")
            spec = ModelSpec("text", made, {"drift": Part(formula_drift, len(made.names))})
        self.spec, self._lift, self._kernel = spec, lift, kernel
        self.name, self.names, self.n_weights = spec.name, spec.names, spec.n_weights
        self.discrete, self.lead, self.work = spec.discrete, spec.lead, spec.work

    @classmethod
    def from_text(
        cls, formulas: AsSystem, variables: str | Sequence[str] | None = None,
        params: Mapping[str, float] | None = None,
    ) -> Flow:  # fmt: skip
        """Any autonomous system of differential equations, one right-hand side for each variable; as `Flow(formulas, …)`.

        ``formulas``: a list of texts or SymPy expressions, one text with ``;`` between them, or a Python function of the
        variables that gives them all, as `cf.Loss` takes one.

        Raises
        ------
        FormulaError : a text that is no formula, a name without a value, or not one formula for each variable

        Examples
        --------
        >>> import cfdyn as cf
        >>> logistic = cf.Flow.from_text("x*(1 - x)")
        >>> print(cf.solve(logistic, [0.5], t=2, rtol=1e-12).z[-1].round(8))  # 1/(1 + e^-2)
        [0.88079708]
        >>> cf.Flow(lambda x, y, mu=1.0: (y, mu * (1 - x**2) * y - x)).drift([2.0, 1.0])
        array([ 1., -5.])
        """
        return cls(formulas, variables, params)

    @classmethod
    def of(cls, given: Any) -> Flow | None:
        """The flow of a text, a SymPy expression or a Python function, where a flow is wanted; None for anything else."""
        return cls(given) if is_formula(given) else None

    @property
    def dim(self) -> int:
        """Dimension n of the state."""
        return len(self.names)

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

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {}

    @cached_property
    def _sides(self) -> dict[bool, np.ndarray]:
        return {}

    @cached_property
    def p(self) -> np.ndarray:
        """Parameters and data as the compiled programs read them."""
        return parameter_vector(self.spec.params.values(), self.spec.data)

    def rule(self, what: str) -> Rule:
        """The compiled rule for ``drift``, ``edge``, ``force``, …; inputs as in `cfdyn.symbolic.flow`."""
        if what not in self._rules:
            key, size = f"{self.spec.key}|{what}", self.spec.size(what)
            self._rules[what] = compile_rule(key, size, lambda: self.spec.program(what))
        return self._rules[what]

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
        from cfdyn.kernels.models.block import differences

        slope = self._kernel.rule.compiled
        return addresses(slope, differences.compiled if jacobian else slope)

    def _block(self, kernel: Kernel) -> np.ndarray:
        """The block that a kernel reads, with memory of its own: several integrations may run at once."""
        from cfdyn.kernels.edge.modes import decompose

        rules = {part: self.rule(part).compiled for part in kernel.parts}
        return kernel.layout.make(n=self.dim, d=self.n_weights, parameters=len(self.p), p=self.p, own=kernel.rule.compiled,
                                  eigh=decompose.compiled, order=kernel.order, **rules, **kernel.sizes).memory  # fmt: skip

    def observe(self, states: np.ndarray) -> np.ndarray | None:
        """What its kernel's observer tells of each of the states (m, n); None of a flow that has none."""
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
        """True where the part of Σ along flat directions is wanted too."""
        return self._kernel is not None and bool(self._kernel.sizes.get("flat"))

    @property
    def pace(self) -> float:
        """By what a flow with noise multiplies a slow gradient: dw/dt = −pace·g without noise."""
        return self._kernel.pace if self._kernel is not None else math.nan

    def with_flat(self) -> Flow:
        """The same flow, whose observer tells of flat directions too."""
        assert self._kernel is not None
        if self.flat:
            return self
        sizes, seen = {**self._kernel.sizes, "flat": 1}, self._kernel.observed + self.n_weights**2
        return Flow(self.spec, lift=self._lift, kernel=replace(self._kernel, sizes=sizes, observed=seen))

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer whose steps on the loss it is a model of; None where there are no such steps."""
        return getattr(self.spec.map, "optimizer", None) if self.spec.follows else None

    def edge_per_sharpness(self) -> float:
        """2 η over the largest stable η λ₁; NaN for an optimizer whose edge is no bound on λ₁(H), or without one."""
        optimizer = self.optimizer
        if optimizer is None or optimizer.limit is None or optimizer.flow or "beta2" in optimizer.params:
            return float("nan")
        return 2 * self.params["lr"] / optimizer.limit

    def state(self, start: Any) -> np.ndarray:
        """A full state (n,) from the weights alone or from the full state.

        Unless the model says otherwise, the optimizer's state behind weights alone is the one that its first step
        uses: the initial one, updated once with the gradient there. Of a full state of the optimizer the momentum, which
        a flow has none of, is left out.
        """
        if isinstance(self.spec, ModelSpec):
            return self._model_state(start)
        step, kept, d = Map(self.spec.map), list(self.spec.kept), self.n_weights
        given = vector("a start", start)
        if given.shape == (self.dim,) and self.dim not in (d, step.dim):
            if not np.isfinite(given).all():
                raise UsageError(f"a start needs finite numbers, not {given.tolist()}")
            return given
        z = step.state(given)
        if self.dim > d and given.size == d:
            return np.concatenate([z[:d], step(z)[kept[d:]]])
        return z[kept]

    def started(self, z: np.ndarray) -> np.ndarray:
        """A full state (n,) from the whole state of its optimizer, (D,): what it has of it, the momentum left out."""
        if isinstance(self.spec, FlowSpec):
            return z[list(self.spec.kept)]
        return z[: self.n_weights] if self._lift is None else self._lift(self, z)

    def _model_state(self, start: Any) -> np.ndarray:
        z = vector("a start", start)
        if not all(map(math.isfinite, z.ravel().tolist())):
            raise UsageError(f"a start needs finite numbers, not {z.tolist()}")
        if z.shape == (self.n_weights,) and self._lift is not None:
            return self._lift(self, z)
        if z.shape != (self.dim,):
            allowed = f"{self.dim} entries ({', '.join(self.names)})"
            if self._lift is not None:
                allowed = f"{self.n_weights} entries ({', '.join(self.names[: self.n_weights])}) or all {allowed}"
            raise UsageError(f"a start has {allowed}, not {z.size if z.ndim == 1 else z.shape}")
        return z

    def drift(self, z: Any) -> np.ndarray:
        """F(z), (n,); of flows with an edge F₀(z) = (−GP⁻¹g, f(s, g)), the flow without oscillations."""
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

        def found(states: np.ndarray) -> np.ndarray:
            out = np.empty(states.shape)
            at_rows(int(right.rules[0]), np.ascontiguousarray(states), right.p, out)
            return out

        return found


def preconditioned(name: str, kind: str, loss: Any, optimizer: Optimizer, state_speed: float = 1.0) -> Any:
    """A flow of an optimizer with a preconditioner; ``kind`` as in `cfdyn.symbolic.flow`. Of a loss that is no formula an
    `OracleFlow`, if there is one of this kind."""
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        from cfdyn.systems.oracle_flow import OracleFlow
        from cfdyn.systems.oracle_map import require_oracle

        if kind in ("plain", "central") and state_speed == 1.0:
            return OracleFlow(name, kind, require_oracle(loss), optimizer)
        raise UsageError(f"the flow {name!r} takes a cf.Loss, not {type(loss).__name__}; {OF_NO_FORMULA}")
    return Flow(FlowSpec(name, kind, LossMap(loss.spec, optimizer), state_speed))
