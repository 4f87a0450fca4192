"""What is taken where the user gives no learning rate or no start."""

from __future__ import annotations

import numpy as np

from cfdyn.analysis.edge import Edge, NoEdge, edge
from cfdyn.errors import NumericsError, UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.minima import Minimum
from cfdyn.systems.steps import as_map

BEYOND = 1.1  # of the edge: the least that shows what is beyond it
OFF = 0.107  # no round number, at which an orbit might land on a special point


def edge_at(loss: Loss, optimizer: Optimizer, minimum: Minimum) -> tuple[Edge | None, str]:
    """The learning rate at which the optimizer loses this minimum; None where there is none, with the reason in words.

    Raises
    ------
    NumericsError : there may be one, but it was not found

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
    if not np.isfinite(minimum.sharpness):
        return None, "the loss has no second derivative there"
    if minimum.kind == "degenerate" or not minimum.sharpness > 0:
        return None, "it is degenerate: no curvature defines an edge"
    try:
        return edge(as_map(loss, optimizer), minimum.w, scale=1 / minimum.sharpness), ""
    except NoEdge as reason:
        return None, str(reason).removesuffix(", so no edge is defined")


def learning_rate(loss: Loss, optimizer: Optimizer, found: list[Minimum]) -> float:
    """1.1 × the edge of the lowest minimum.

    Raises
    ------
    UsageError : there is no minimum, or it has no edge for this optimizer, or that was not found
    """
    try:
        border, none = edge_at(loss, optimizer, found[0]) if found else (None, "")
        why = f"{optimizer.name} has no edge at the lowest minimum ({none})" if found else "no minimum was found"
    except NumericsError as problem:
        border, why = None, f"the edge of {optimizer.name} at the lowest minimum was not found ({problem})"
    if border is None:
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
