"""What the models of plain gradient descent and of its momentum share."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.registry import catalogue
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
    if not (_is_gd(optimizer) or in_catalogue(optimizer)):
        raise UsageError(f"flows.{name} knows {optimizer.name} by its name, and this one has other formulas than "
                         f"cf.optimizers.{optimizer.name}; give it another name")  # fmt: skip
    check_gradient(name, optimizer)
    return LossMap(loss.spec, optimizer)


def _is_gd(optimizer: Optimizer) -> bool:
    """True if an optimizer of another name is gradient descent by its formula."""
    update = optimizer.update.get("w")
    memory = (*optimizer.per_weight, *optimizer.shared, *filter(None, [optimizer.probe]))
    return update is not None and update.key == formula("w - lr*g").key and not memory


def in_catalogue(optimizer: Optimizer) -> bool:
    """Whether an optimizer has the formulas of the catalogue's optimizer of the same name.

    >>> import cfdyn as cf
    >>> own = cf.Optimizer.from_text({"w": "w - 2*lr*g"}, {"lr": 0.1}, name="gd")
    >>> in_catalogue(cf.optimizers.adam(lr=0.1, beta1=0.5)), in_catalogue(own)
    (True, False)
    """
    try:
        known = catalogue("optimizers").get(optimizer.name)(**optimizer.params, **optimizer.options)
    except (UsageError, TypeError):
        return False
    return _formulas(known) == _formulas(optimizer)


def _formulas(optimizer: Optimizer) -> list[dict[str, str]]:
    """What equal ones share."""
    single = {name: made.key for name in ("gradient", "probe") if (made := getattr(optimizer, name)) is not None}
    groups = (optimizer.update, optimizer.define, optimizer.flow)
    return [single, *({name: made.key for name, made in group.items()} for group in groups)]


def gradient_part(size: int) -> Part:
    """The program ``gradient``, ∇L with the penalty of weight decay, which `half_step` reads."""
    return Part(attrgetter("gradient"), size)


def half_step(flow: Flow, w0: np.ndarray) -> np.ndarray:
    """δ = −(η/2) g(w₀), (d,): half of the first step, so that w₀ + δ is the midpoint of the first two iterates."""
    # The gradient reads the weights only; what follows them does not matter.
    z = np.concatenate([w0, np.zeros(flow.dim - len(w0))])
    return -flow.params["lr"] / 2 * flow.rule("gradient")(z, flow.p)


def outer(nodes: ModelNodes, u: Sequence[Node], factor: Node) -> list[Node]:
    """factor · u uᵀ, row by row."""
    t = nodes.tape
    return [t.mul(factor, t.mul(a, b)) for a in u for b in u]
