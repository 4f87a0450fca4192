"""A flow with its own programs: a right-hand side on a tape, and the other programs that its kernel reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.loss import merged
from cfdyn.symbolic.maps import TIME, FormulaMap, LossMap
from cfdyn.symbolic.programs.flow import FlowOfMap, Preconditioned
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.tape.derivatives import directional, hessian, jacobian, reverse
from cfdyn.tape.program import Node, Program


class ModelNodes(Preconditioned):
    """`Preconditioned`, with the further nodes that models of an optimizer need."""

    @property
    def behind(self) -> list[Node]:
        """The entries of the state behind the weights."""
        return self.z[self.d :]

    @property
    def lr(self) -> Node:
        """η."""
        return self.parameters["lr"]

    def step(self, z: list[Node]) -> list[Node]:
        """The optimizer's next state from the nodes of its state."""
        return step_nodes(self.tape, self.spec.map, z, self.parameters)

    def plus(self, u: list[Node], v: list[Node], factor: Node | None = None) -> list[Node]:
        """u + v, or u + factor·v."""
        t = self.tape
        return [t.add(a, b if factor is None else t.mul(factor, b)) for a, b in zip(u, v, strict=True)]

    def times(self, factor: Node | float, v: list[Node]) -> list[Node]:
        """factor · v."""
        t = self.tape
        number = t.exactly(factor) if isinstance(factor, float) else factor
        return [t.mul(number, a) for a in v]


class Part(NamedTuple):
    """A program: the function that builds its outputs, their number, and the number of inputs that it reads behind the state."""

    make: Callable[[Any], list[Node]]
    outputs: int
    inputs: int = 0


@dataclass(frozen=True)
class ModelSpec(FlowOfMap):
    """A flow given by its parts.

    ``name``: the name that the user types; ``map``: the loss and the optimizer, or plain formulas; ``parts``: ``drift`` dz/dt
    and, if it predicts an oscillation, ``covariance`` Σ (d²), and the parts that a kernel reads; ``behind``: names of the entries
    behind the weights; ``options``: settings besides the map on which the parts depend; ``constants``: parameters of its own;
    ``settings``: further words of its title. ``discrete``: the drift is the increment of one step of a map. ``lead``: the number
    of steps by which w(t) is ahead of the time average at t; ½ if w(t) represents (w_t + w_{t+1})/2. ``reconstruction``: derived
    from a paper's abstract. ``follows``: whether it is a model of the optimizer's steps on the loss itself. ``work``: the cost of
    one drift in gradients, with a product with the Hessian counted as 2, T[u, v] as 5. ``remark``: a remark shown with every
    path. ``key`` identifies the compiled code, ``title`` is for messages and tables.
    """

    name: str
    map: LossMap | FormulaMap
    parts: Mapping[str, Part]
    behind: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    discrete: bool = False
    lead: float = 0.0
    reconstruction: bool = False
    follows: bool = True
    work: float = 1.0
    remark: str = ""

    kind = "plain"

    def __post_init__(self) -> None:
        for taken in self.constants.keys() & self.map.params.keys():
            raise UsageError(f"{taken!r} is a parameter of both the flow {self.name!r} and the loss; rename it in the loss")

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (*self.map.names[: self.n_weights], *self.behind)

    @cached_property
    def params(self) -> dict[str, float]:
        return {**self.map.params, **self.constants}

    @cached_property
    def key(self) -> str:
        return f"model {self.name}|{dict(self.options)}|{tuple(self.constants)}|{self.behind}|{self.map.key}"

    @property
    def title(self) -> str:
        if isinstance(self.map, FormulaMap):
            return "; ".join(f"d{n}/dt = {f.text.strip()}" for n, f in zip(self.map.names, self.map.formulas, strict=True))[:160]
        settings = ", ".join(f"{k}={v}" for k, v in {**self.options, **self.settings}.items())
        named = f"{self.name} flow" if not settings else f"{self.name} flow ({settings})"
        return f"{named} of {self.map.title}" + (" [reconstruction]" if self.reconstruction else "")

    @property
    def timed(self) -> bool:
        """True if the last entry of the state is the time, which the formulas contain."""
        return isinstance(self.map, FormulaMap) and self.behind == (TIME,)

    def at(self, params: Mapping[str, float]) -> "ModelSpec":
        """The same with other values of parameters."""
        own = {name: value for name, value in params.items() if name in self.constants}
        rest = {name: value for name, value in params.items() if name not in own}
        return replace(self, map=self.map.at(rest), constants=merged(self.constants, own, "parameter of the flow"))

    def has(self, what: str) -> bool:
        """True if the flow has this program."""
        return what in self.parts or (what == "observed" and isinstance(self.map, LossMap))

    def size(self, what: str) -> int:
        """The number of outputs of a program."""
        n, d = len(self.names), self.n_weights
        return {"drift_jacobian": n * n, "observed": 1 + d + d * d}.get(what) or self.parts[what].outputs

    def program(self, what: str) -> Program:
        """One of the parts, ``drift_jacobian`` (n, n), or ``observed`` L, ∇L, ∇²L."""
        nodes = ModelNodes(self)
        if what == "observed":
            return nodes.program(nodes.observed(), 0)
        part = self.parts.get("drift" if what == "drift_jacobian" else what)
        if part is None:
            raise unknown("program of a flow", what, self.parts)
        outputs = part.make(nodes)
        if what == "drift_jacobian":
            outputs = sum(jacobian(nodes.tape, outputs, nodes.z), [])
        return nodes.program(outputs, part.inputs)


def formula_flow(made: FormulaMap) -> ModelSpec:
    """The flow dx/dt = F(x) of formulas; if they contain the time, also dt/dt = 1."""
    free = {name for f in made.formulas for name in f.names} - {*made.names, *made.params}
    behind = (TIME,) if free else ()
    return ModelSpec("text", made, {"drift": Part(formula_drift, len(made.names) + len(behind))}, behind)


def formula_drift(nodes: ModelNodes) -> list[Node]:
    """The right-hand side of a flow given by formulas."""
    names = {**dict(zip(nodes.spec.names, nodes.z, strict=True)), **nodes.parameters}
    return [*(f.on(nodes.tape, names) for f in nodes.spec.map.formulas), *(nodes.tape.const(1) for _ in nodes.spec.behind)]


def curvature(nodes: ModelNodes) -> list[Node]:
    """ηg (d,), then ηH row by row (d²), with weight decay: the data of a loss at a point that a kernel needs."""
    return nodes.times(nodes.lr, nodes.gradient + sum(hessian(nodes.tape, nodes.value, nodes.w), []))


def rise(nodes: ModelNodes) -> list[Node]:
    """ηT[u, u] = η∇(uᵀHu), (d,), for the direction u (d,) behind the state."""
    u = nodes.direction(0)
    curved = directional(nodes.tape, [nodes.value], nodes.w, [u, u])[0]
    return nodes.times(nodes.lr, reverse(nodes.tape, curved, nodes.w))
