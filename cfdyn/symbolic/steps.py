"""One step of an optimizer on a loss as nodes of a tape."""

from collections.abc import Callable, Mapping, Sequence

from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.tape.derivatives import reverse
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild

Parameters = Mapping[str, Node]


def hyperparameters(optimizer: Optimizer, loss: LossSpec, parameters: Parameters) -> dict[str, Node]:
    """The parameters of a map, by the names in the optimizer's formulas."""
    return {**parameters, **{name: parameters[called] for name, called in optimizer.beside(loss.params).items()}}


def loss_node(tape: Tape, loss: LossSpec, weights: Sequence[Node], parameters: Parameters) -> Node:
    """The loss, or its mean over the data rows or over a batch of them, at the given weights."""
    if loss.batch is not None:
        rows = [list(map(tape.exactly, row)) for row in loss.batch_rows()]
        return tape.div(tape.total(row_node(tape, loss, weights, parameters, row) for row in rows), tape.const(len(rows)))
    row = tape.leaves("col", len(loss.columns))
    value = row_node(tape, loss, weights, parameters, row)
    return tape.div(tape.rowsum(value), tape.leaf("rows")) if row else value


def row_node(tape: Tape, loss: LossSpec, weights: Sequence[Node], parameters: Parameters, row: Sequence[Node]) -> Node:
    """The formula of the loss on one row of data, given a node for each column; without columns the loss itself."""
    # Only its own parameters: a weight may be called lr.
    own = {name: parameters[name] for name in loss.params}
    names = {**dict(zip(loss.variables, weights, strict=True)), **own, **dict(zip(loss.columns, row, strict=True))}
    return loss.formula.on(tape, names)


def gradient_at(tape: Tape, loss: LossSpec, weights: Sequence[Node], parameters: Parameters) -> list[Node]:
    """∇L at any nodes as weights, such as the output of another map."""
    # The gradient is built at separate leaves, which the weights then replace.
    fresh = tape.leaves("w", len(weights))
    gradient = reverse(tape, loss_node(tape, loss, fresh, parameters), fresh)
    return rebuild(tape, gradient, tape, dict(zip(fresh, weights, strict=True)))


def bound(
    optimizer: Optimizer, d: int, z: Sequence[Node], parameters: Parameters
) -> tuple[list[dict[str, Node]], dict[str, Node]]:
    """The nodes of the names in the optimizer's formulas at a state z: those of each weight, and those that all share."""
    states = optimizer.per_weight
    shared = {**parameters, **dict(zip(optimizer.shared, z[d * (1 + len(states)) :], strict=True))}
    return [{"w": z[i], **{s: z[d * (k + 1) + i] for k, s in enumerate(states)}} for i in range(d)], shared


def optimizer_step(
    tape: Tape, loss: LossSpec, optimizer: Optimizer, z: Sequence[Node], parameters: Parameters,
    slope: Callable[[Sequence[Node]], list[Node]] | None = None,
) -> list[Node]:  # fmt: skip
    """The next (weights, per-weight states, shared states); ``slope`` computes ∇L at given weights in place of the loss."""
    slope = slope or (lambda weights: gradient_at(tape, loss, weights, parameters))
    d, states, gradient = len(loss.variables), optimizer.per_weight, slope(z[: len(loss.variables)])
    if isinstance(optimizer, MatrixOptimizer):
        return optimizer.matrix_step(tape, loss, z, gradient, hyperparameters(optimizer, loss, parameters))
    own, shared = bound(optimizer, d, z, hyperparameters(optimizer, loss, parameters))
    if optimizer.gradient is not None:
        shared["gg"] = squared(tape, gradient)
        gradient = [optimizer.gradient.on(tape, {**shared, **o, "g": g}) for o, g in zip(own, gradient, strict=True)]
    shared["gg"] = squared(tape, gradient)
    for o, g in zip(own, gradient, strict=True):
        o["g"] = g
    if optimizer.probe is not None:
        points = [optimizer.probe.on(tape, {**shared, **o}) for o in own]
        probed = slope(points)
        for o, h in zip(own, probed, strict=True):
            o["h"] = h
    columns = [updated(tape, optimizer, ("w", *states), {**shared, **o}) for o in own]
    result = [column[k] for k in range(1 + len(states)) for column in columns]
    return result + updated(tape, optimizer, optimizer.shared, shared)


def squared(tape: Tape, vector: Sequence[Node]) -> Node:
    """The squared length of a vector."""
    return tape.total(tape.ipow(x, 2) for x in vector)


def updated(tape: Tape, optimizer: Optimizer, states: Sequence[str], names: dict[str, Node]) -> list[Node]:
    """The new values of some states; definitions that need a missing name belong to other states and are skipped."""
    for name, definition in optimizer.define.items():
        if set(definition.names) <= set(names):
            names[name] = definition.on(tape, names)
    return [optimizer.update[state].on(tape, names) for state in states]
