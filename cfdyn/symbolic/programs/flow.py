"""The parts of a flow of a preconditioned optimizer, as programs of a tape.

An optimizer w ← w − P(s)⁻¹g with states s that follow ds/dt = f(s, g) has the stable flow dw/dt = −P⁻¹g and the
edge 2P − H ⪰ 0. With momentum a linear average of g takes its place, a mode flips at θP, and a slow gradient moves the weights by
GP⁻¹g per step: dw/dt = −GP⁻¹g − δw (δ: decoupled weight decay) and the edge θP − H ⪰ 0; `recursion` determines θ and G from the
optimizer's formulas. In what follows Q = θP/2 is called the metric and P/G the pace; without momentum both are P.

With oscillations of covariance Σ = Σ_ij X_ij u_i u_jᵀ, uᵀQu = 1, the drift is F₀ + Σ_ij X_ij B(u_i, u_j), and the edge moves
at the rate d(uᵀ(2Q − H)v)/dt = a(u, v)·dz/dt, for z = (w, s); the momentum is slaved and not part of z.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

from cfdyn.errors import unknown
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.recursion import Coefficients, Recursion, check_gradient, recursion_of
from cfdyn.symbolic.steps import Parameters, hyperparameters, loss_node, squared
from cfdyn.tape.derivatives import directional, hessian, jacobian, reverse
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild


class FlowOfMap:
    """A flow with the weights and data of its ``map``; the attributes are those of `cfdyn.symbolic.programs.model.ModelSpec`."""

    name: str
    map: Any
    discrete, follows, reconstruction, lead, work, remark, state_speed = False, True, False, 0.0, 1.0, "", 1.0
    n_weights = property(attrgetter("map.n_weights"))
    data = property(attrgetter("map.data"))

    @cached_property
    def recursion(self) -> Recursion:
        """The optimizer's step with its preconditioner at rest."""
        return recursion_of(self.map.optimizer, self.name)

    @cached_property
    def slow(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The states with a ds/dt: those of each weight, and the shared ones."""
        optimizer = self.map.optimizer
        each, shared = (tuple(s for s in part if s in optimizer.flow) for part in (optimizer.per_weight, optimizer.shared))
        return each, shared

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The entries of the map's state that a flow with preconditioner and slaved momentum has: the weights, then `slow`."""
        optimizer, d = self.map.optimizer, self.n_weights
        per_weight = [k for k, s in enumerate(optimizer.per_weight, 1) if s in self.slow[0]]
        first = d * (1 + len(optimizer.per_weight))
        shared = [first + k for k, s in enumerate(optimizer.shared) if s in self.slow[1]]
        return (*range(d), *(d * k + i for k in per_weight for i in range(d)), *shared)


@dataclass(frozen=True)
class FlowSpec(FlowOfMap):
    """A flow on a loss: ``kind`` is "plain", or how oscillations enter ("central", "trace", "ablated").

    ``name`` is the name that the user types, ``map`` the loss and the optimizer, ``state_speed`` a factor on ds/dt. The state is
    the weights and those states of the optimizer that have a ds/dt; ``kept`` says which entries of the map's state these are.
    """

    name: str
    kind: str
    map: LossMap
    state_speed: float = 1.0
    params = property(attrgetter("map.params"))

    def __post_init__(self) -> None:
        optimizer = self.map.optimizer
        recursion = self.recursion
        check_gradient(self.name, optimizer)
        if self.kind != "plain":
            recursion.check_flip(optimizer)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the state."""
        return tuple(self.map.names[k] for k in self.kept)

    @cached_property
    def key(self) -> str:
        """The key of the compiled code; flows of one optimizer share their common parts."""
        optimizer = self.map.optimizer
        flows = {name: f.key for name, f in optimizer.flow.items()}
        return f"flow of {self.map.key}|{flows}|{optimizer.preconditioner and optimizer.preconditioner.key}|{self.state_speed}"

    @property
    def title(self) -> str:
        return f"{self.name} flow of {self.map.title}"

    def at(self, params: Mapping[str, float]) -> "FlowSpec":
        """A copy with other values of parameters."""
        return replace(self, map=self.map.at(params))

    def program(self, what: str) -> Program:
        """The program ``drift`` F₀ (n), ``edge`` (H, Q), ``scale`` P (d), ``force`` (B, a) for directions u, v; Jacobians:
        ``drift_jacobian`` (n, n), ``slack_jacobian`` ∂_z[(H − 2Q)u] (d, n), ``force_jacobian`` (2n, n + 2d); and
        ``observed`` L, ∇L, ∇²L."""
        if what not in PROGRAMS:
            raise unknown("program of a flow", what, PROGRAMS)
        make, directions, differentiated = PROGRAMS[what]
        nodes = Preconditioned(self)
        outputs = make(nodes)
        if differentiated:
            leaves = nodes.z + (nodes.direction(0) + nodes.direction(1) if what == "force_jacobian" else [])
            outputs = sum(jacobian(nodes.tape, outputs, leaves), [])
        return nodes.program(outputs, nodes.d * directions)

    def size(self, what: str) -> int:
        n, d = len(self.names), self.n_weights
        sizes = {"drift": n, "drift_jacobian": n * n, "edge": d * d + d, "scale": d, "slack_jacobian": d * n, "force": 2 * n,
                 "force_jacobian": 2 * n * (n + 2 * d), "observed": 1 + d + d * d}  # fmt: skip
        return sizes[what]

    def has(self, what: str) -> bool:
        return what in PROGRAMS


class FlowNodes:
    """The state, the parameters, the loss and its gradient, on one tape; ``optimizer``: whose model the flow is."""

    optimizer = property(attrgetter("spec.map.optimizer"))

    def __init__(self, spec: Any):
        self.tape, self.spec = Tape(), spec
        self.n, self.d = len(spec.names), spec.n_weights
        self.z = self.tape.leaves("z", self.n)
        self.w = self.z[: self.d]
        self.parameters: Parameters = self.tape.named("p", spec.params)

    @cached_property
    def hyperparameters(self) -> Parameters:
        """The parameters by their names in the optimizer's formulas."""
        return hyperparameters(self.optimizer, self.spec.map.loss, self.parameters)

    def direction(self, k: int) -> list[Node]:
        """The k-th direction (d,) behind the state."""
        return self.inputs(self.d * k, self.d)

    def inputs(self, first: int, count: int) -> list[Node]:
        """Inputs behind the state, from index ``first`` on."""
        return self.tape.leaves("z", count, self.n + first)

    @cached_property
    def value(self) -> Node:
        """The loss, with the penalty that weight decay represents."""
        t = self.tape
        loss = loss_node(t, self.spec.map.loss, self.w, self.parameters)
        if self.optimizer.gradient is None:
            return loss
        decay = t.div(self.hyperparameters["weight_decay"], t.const(2))
        return t.add(loss, t.mul(decay, squared(t, self.w)))

    @cached_property
    def gradient(self) -> list[Node]:
        """∇ of `value`, (d,)."""
        return reverse(self.tape, self.value, self.w)

    def observed(self) -> list[Node]:
        """L without a penalty, its gradient (d,) and its Hessian (d²)."""
        t = self.tape
        loss = loss_node(t, self.spec.map.loss, self.w, self.parameters)
        return [loss, *reverse(t, loss, self.w), *sum(hessian(t, loss, self.w), [])]

    def program(self, outputs: Sequence[Node], inputs: int) -> Program:
        """The outputs as a program that reads a given number of inputs behind the state."""
        data = self.spec.data
        columns = 0 if data is None else data.shape[1]
        return Program(self.tape, tuple(outputs), self.n + inputs, len(self.spec.params), columns)


class Preconditioned(FlowNodes):
    """`FlowNodes` with the preconditioner, the states' rates and the forces at the edge; slow states follow the weights."""

    @cached_property
    def own(self) -> list[dict[str, Node]]:
        """For each weight the names in the optimizer's formulas."""
        d, (states, shared) = self.d, self.spec.slow
        common = {**self.hyperparameters, **dict(zip(shared, self.z[d * (1 + len(states)) :], strict=False))}
        return [{**common, "w": self.w[i], **{s: self.z[d * k + i] for k, s in enumerate(states, 1)}} for i in range(d)]

    @cached_property
    def coefficients(self) -> list[Coefficients]:
        """The coefficients of the recursion of each weight, (d,)."""
        recursion = self.spec.recursion
        read = recursion.parameters | recursion.moving
        return [Coefficients(*rebuild(recursion.tape, recursion.coefficients, self.tape, {read[s]: own[s] for s in read}))
                for own in self.own]  # fmt: skip

    @cached_property
    def metric(self) -> list[Node]:
        """The diagonal of Q = θP/2, (d,)."""
        return [each.edge for each in self.coefficients]

    @cached_property
    def pace(self) -> list[Node]:
        """The diagonal of P/G, (d,)."""
        return [each.pace for each in self.coefficients]

    def state_rates(self, gradient: Sequence[Node]) -> list[Node]:
        """f(s, g), (n − d,)."""
        t, flow, (states, common) = self.tape, self.optimizer.flow, self.spec.slow
        square = squared(t, gradient)
        names = [{**own, "g": g, "gg": square} for own, g in zip(self.own, gradient, strict=True)]
        per_weight = [flow[s].on(t, each) for s in states for each in names]
        shared = {k: v for k, v in names[0].items() if k not in ("g", "w", *states)}
        rates = per_weight + [flow[s].on(t, shared) for s in common]
        return rates if self.spec.state_speed == 1.0 else [t.mul(t.exactly(self.spec.state_speed), rate) for rate in rates]

    def drift(self) -> list[Node]:
        """F₀ = (−GP⁻¹g − δw, f(s, g)), (n,)."""
        t = self.tape
        weights = [t.sub(t.neg(t.div(g, each.pace)), t.mul(each.decay, w))
                   for g, w, each in zip(self.gradient, self.w, self.coefficients, strict=True)]  # fmt: skip
        return weights + self.state_rates(self.gradient)

    def edge(self) -> list[Node]:
        """H row by row, then the diagonal of Q, (d² + d,)."""
        return sum(hessian(self.tape, self.value, self.w), []) + self.metric

    def scale(self) -> list[Node]:
        """The diagonal of P, (d,)."""
        return [each.preconditioner for each in self.coefficients]

    def slack(self) -> list[Node]:
        """(H − 2Q)u, (d,)."""
        t, u = self.tape, self.direction(0)
        curved = directional(t, self.gradient, self.w, [u])
        return [t.sub(h, t.mul(t.mul(t.const(2), q), x)) for h, q, x in zip(curved, self.metric, u, strict=True)]

    def force(self) -> list[Node]:
        """B(u, v), then a(u, v), (2n,)."""
        t, (u, v) = self.tape, (self.direction(0), self.direction(1))
        third = reverse(t, directional(t, [self.value], self.w, [u, v])[0], self.w)
        half = [t.neg(t.div(c, t.mul(t.const(2), p))) for c, p in zip(third, self.pace, strict=True)]
        states = self.z[self.d :]
        metric = t.total(t.mul(t.mul(x, y), q) for x, y, q in zip(u, v, self.metric, strict=True))
        rates = [t.mul(t.const(2), slope) for slope in reverse(t, metric, states)] if states else []
        return half + self._spread(u, v) + [t.neg(c) for c in third] + rates

    def _spread(self, u: Sequence[Node], v: Sequence[Node]) -> list[Node]:
        """½ D²_g f[Hu, Hv], where Hu = 2Qu at the edge, (n − d,)."""
        if self.n == self.d:
            return []
        t, double = self.tape, [self.tape.mul(self.tape.const(2), q) for q in self.metric]
        # f is differentiated at leaves that then become the gradient.
        fresh = t.leaves("w", self.d)
        along = [[t.mul(p, x) for p, x in zip(double, direction, strict=True)] for direction in (u, v)]
        second = directional(t, self.state_rates(fresh), fresh, along)
        at_gradient = rebuild(t, second, t, dict(zip(fresh, self.gradient, strict=True)))
        return [t.div(x, t.const(2)) for x in at_gradient]


# For each program what makes its outputs, how many directions follow the state, and whether it is a Jacobian.
PROGRAMS: Mapping[str, tuple[Callable[[Preconditioned], list[Node]], int, bool]] = {
    "drift": (Preconditioned.drift, 0, False), "drift_jacobian": (Preconditioned.drift, 0, True),
    "edge": (Preconditioned.edge, 0, False), "scale": (Preconditioned.scale, 0, False),
    "slack_jacobian": (Preconditioned.slack, 1, True),
    "force": (Preconditioned.force, 2, False), "force_jacobian": (Preconditioned.force, 2, True),
    "observed": (Preconditioned.observed, 0, False),
}  # fmt: skip
