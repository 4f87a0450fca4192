"""What the models of plain gradient descent, and of its momentum, share."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, Part
from cfdyn.symbolic.recursion import check_gradient
from cfdyn.symbolic.text.formula import formula
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.program import Node


def descent(name: str, loss: Loss, optimizer: Optimizer, models: Sequence[str] = ("gd",)) -> LossMap:
    """The loss and the optimizer, one of ``models``, possibly with weight decay; a UsageError for another one, or clipping."""
    if optimizer.name not in models and not ("gd" in models and _is_gd(optimizer)):
        known = " or ".join(filter(None, (", ".join(models[:-1]), models[-1])))
        raise UsageError(f"flows.{name} is a model of {known}, not of {optimizer.name}; take `cf.optimizers.{models[0]}(lr=…)`")
    check_gradient(name, optimizer)
    return LossMap(loss.spec, optimizer)


def _is_gd(optimizer: Optimizer) -> bool:
    """True if an optimizer of another name is gradient descent by its formula."""
    update = optimizer.update.get("w")
    memory = (*optimizer.per_weight, *optimizer.shared, *filter(None, [optimizer.probe]))
    return update is not None and update.key == formula("w - lr*g").key and not memory


def gradient_part(size: int) -> Part:
    """The program ``gradient``, ∇L with the penalty of weight decay, which `half_step` reads."""
    return Part(attrgetter("gradient"), size)


def half_step(flow: Flow, w0: np.ndarray) -> np.ndarray:
    """δ = −(η/2) g(w₀), (d,): half of the first step, so that w₀ + δ is the midpoint of the first two iterates."""
    # The gradient reads the weights only; what stands behind them does not matter.
    z = np.concatenate([w0, np.zeros(flow.dim - len(w0))])
    return -flow.params["lr"] / 2 * flow.rule("gradient")(z, flow.p)


def outer(nodes: ModelNodes, u: Sequence[Node], factor: Node) -> list[Node]:
    """factor · u uᵀ, row by row."""
    t = nodes.tape
    return [t.mul(factor, t.mul(a, b)) for a in u for b in u]
