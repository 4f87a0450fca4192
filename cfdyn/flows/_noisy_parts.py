"""What the central flow of stochastic gradients is made of, as programs of a tape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfdyn.symbolic.programs.flow import FlowSpec, Preconditioned
from cfdyn.symbolic.programs.model import ModelNodes, Part
from cfdyn.symbolic.steps import row_node, squared
from cfdyn.tape.derivatives import directional, forward, hessian, reverse
from cfdyn.tape.program import Node, Program
from cfdyn.tape.rebuild import rebuild

LABEL = "y"  # the column of labels


@dataclass(frozen=True)
class NoisySpec(FlowSpec):
    """A flow whose state has a preconditioner's; ``parts`` and ``settings`` as of a `ModelSpec`."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    work: float = 1.0

    @property
    def title(self) -> str:
        return f"central flow ({', '.join(f'{k}={v}' for k, v in self.settings.items())}) of {self.map.title}"

    @property
    def key(self) -> str:
        return f"noisy {super().key}"

    def program(self, what: str) -> Program:
        part = self.parts.get(what)
        if part is None:
            return super().program(what)
        nodes = Preconditioned(self)
        return nodes.program(part.make(nodes), part.inputs)

    def size(self, what: str) -> int:
        part = self.parts.get(what)
        return super().size(what) if part is None else part.outputs

    def has(self, what: str) -> bool:
        return what in self.parts or super().has(what)


def lengths(nodes: Preconditioned) -> list[Node]:
    """D = √((1 − β)/P), (d,)."""
    t, left = nodes.tape, nodes.hyperparameters.get("beta1", nodes.tape.const(0))
    return [t.apply("sqrt", t.div(t.sub(t.const(1), left), pace)) for pace in nodes.pace]


def push_states(nodes: Preconditioned) -> list[Node]:
    """−GP⁻¹(g + ½∇⟨H, Σ⟩), then f(s, E g²), (n,), for Σ (d²) and E g² − (E g)² (d,) behind the state."""
    t, d = nodes.tape, nodes.d
    sigma, more = nodes.inputs(0, d * d), nodes.inputs(d * d, d)
    weights = [t.neg(t.div(slope, pace)) for slope, pace in zip(_moved(nodes, sigma), nodes.pace, strict=True)]
    if nodes.n == d:
        return weights
    fresh = t.leaves("w", d)
    rates = nodes.state_rates(fresh)
    for j in range(d):
        axis = [t.const(int(i == j)) for i in range(d)]
        bends = directional(t, nodes.state_rates(fresh), fresh, [axis, axis])
        rates = [t.add(rate, t.mul(t.div(bend, t.const(2)), more[j])) for rate, bend in zip(rates, bends, strict=True)]
    return weights + rebuild(t, rates, t, dict(zip(fresh, nodes.gradient, strict=True)))


def _scaled(nodes: Any, slope: list[Node], bent: list[list[Node]]) -> list[Node]:
    """η times a gradient (d,) and a Hessian (d²), or with a preconditioner D times them, DHD."""
    if isinstance(nodes, ModelNodes):
        return nodes.times(_kick(nodes), slope + sum(bent, []))
    t, sizes = nodes.tape, lengths(nodes)
    turned = [t.mul(t.mul(a, h), b) for a, line in zip(sizes, bent, strict=True) for b, h in zip(sizes, line, strict=True)]
    return [t.mul(a, g) for a, g in zip(sizes, slope, strict=True)] + turned


def _kick(nodes: ModelNodes) -> Node:
    """What a gradient is multiplied by when it first moves the weights, η without momentum."""
    t, p = nodes.tape, nodes.parameters
    left = p.get("dampening", p["momentum"] if nodes.optimizer.name == "ema_momentum" else t.const(0))
    return t.mul(nodes.lr, t.sub(t.const(1), left))


def curvature(nodes: ModelNodes) -> list[Node]:
    """ηg (d,), then ηH row by row (d²)."""
    return _scaled(nodes, nodes.gradient, hessian(nodes.tape, nodes.value, nodes.w))


def _moved(nodes: Any, sigma: list[Node]) -> list[Node]:
    """g + ½∇⟨H, Σ⟩, (d,), for Σ (d²), of which the upper triangle is read."""
    t, d = nodes.tape, nodes.d
    second = hessian(t, nodes.value, nodes.w)
    mixed = t.total(t.mul(second[i][j], sigma[i * d + j]) for i in range(d) for j in range(i + 1, d))
    half = t.div(t.total(t.mul(second[i][i], sigma[i * d + i]) for i in range(d)), t.const(2))
    return reverse(t, t.total([nodes.value, half, mixed]), nodes.w)


def push(nodes: ModelNodes) -> list[Node]:
    """−G η(g + ½∇⟨H, Σ⟩), (d,), for Σ (d²) behind the state."""
    t = nodes.tape
    pace = t.div(_kick(nodes), t.sub(t.const(1), nodes.parameters["momentum"])) if "momentum" in nodes.parameters else nodes.lr
    return nodes.times(t.neg(pace), _moved(nodes, nodes.inputs(0, nodes.d**2)))


def row(make: Callable[[ModelNodes, list[Node]], Node], nodes: ModelNodes) -> list[Node]:
    """η times gradient and Hessian of what is made of a row of data, which stands behind the state."""
    t = nodes.tape
    value = make(nodes, nodes.inputs(0, len(nodes.spec.map.loss.columns)))
    return _scaled(nodes, reverse(t, value, nodes.w), hessian(t, value, nodes.w))


def _row_loss(nodes: ModelNodes, row: list[Node]) -> Node:
    """The loss of a row, with the penalty that weight decay stands for."""
    t, value = nodes.tape, row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    if nodes.optimizer.gradient is None:
        return value
    return t.add(value, t.mul(t.div(nodes.parameters["weight_decay"], t.const(2)), squared(t, nodes.w)))


def label_slope(nodes: ModelNodes, row: list[Node]) -> Node:
    """The change of a row's loss with its label."""
    columns = nodes.spec.map.loss.columns
    if LABEL not in columns:
        return nodes.tape.const(0)
    value = row_node(nodes.tape, nodes.spec.map.loss, nodes.w, nodes.parameters, row)
    return forward(nodes.tape, [value], {row[columns.index(LABEL)]: nodes.tape.const(1)})[0]


ROWS = {"row": _row_loss, "label": label_slope}
