"""What is taken where the user gives no learning rate or no start."""

from __future__ import annotations

import numpy as np

from cfdyn.analysis.edge import NO_EDGE, Edge, edge
from cfdyn.errors import NumericsError, UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import as_map
from cfdyn.systems.minima import Minimum

BEYOND = 1.1
OFF = 0.107


def edge_at(loss: Loss, optimizer: Optimizer, minimum: Minimum) -> tuple[Edge | None, str]:
    """The learning rate at which the optimizer loses this minimum; None where none is defined, with the reason in words.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.double_well()
    >>> [lowest, _] = cf.minima(loss)
    >>> edge_at(loss, cf.optimizers.gd(lr=0.1), lowest)[0].value
    1.0
    >>> edge_at(loss, cf.optimizers.sign_gd(lr=0.1), lowest)
    (None, 'the map jumps at this point')
    """
    if minimum.kind == "degenerate" or not minimum.sharpness > 0:
        return None, "it is degenerate: no curvature defines an edge"
    if not np.isfinite(minimum.sharpness):
        return None, "the loss has no second derivative there"
    try:
        return edge(as_map(loss, optimizer), minimum.w, scale=1 / minimum.sharpness), ""
    except NumericsError as problem:
        return None, str(problem).removesuffix(NO_EDGE)


def learning_rate(loss: Loss, optimizer: Optimizer, found: list[Minimum]) -> float:
    """1.1 × the edge of the lowest minimum.

    Raises
    ------
    UsageError : there is no minimum, or it has no edge for this optimizer
    """
    border, why = edge_at(loss, optimizer, found[0]) if found else (None, "")
    if border is None:
        why = f"{optimizer.name} has no edge at the lowest minimum ({why})" if found else "no minimum was found"
        raise UsageError(f"{why}, so there is no default learning rate; give one: "
                         f"`optimizer=cf.optimizers.{optimizer.name}(lr=0.1)`")  # fmt: skip
    return BEYOND * border.value


def start_near(loss: Loss, found: list[Minimum]) -> np.ndarray:
    """The lowest minimum moved by 0.107 (of its size, at least of 1) along (1, 1/2, 1/3, …).

    Where no minimum was found: the middle of the loss's box, or 0, moved in the same way.
    """
    if found:
        centre = found[0].w
    elif loss.spec.box is not None:
        centre = np.array(loss.spec.box).mean(axis=1)
    else:
        centre = np.zeros(loss.dim)
    direction = 1 / np.arange(1, loss.dim + 1)
    distance = OFF * max(1.0, float(np.abs(centre).max()))
    return np.round(centre + distance * direction / np.linalg.norm(direction), 6)
