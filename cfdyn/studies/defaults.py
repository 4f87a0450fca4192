"""Defaults for a missing learning rate, start or box."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cfdyn.analysis.training.edge import NEVER_FALLS, NO_EDGE, ROUGH, Edge, NoEdge, edge
from cfdyn.cycles.shooting import polish
from cfdyn.errors import NumericsError, UsageError
from cfdyn.registry import catalogue
from cfdyn.studies.without_edge import in_its_place
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum, minima
from cfdyn.systems.steps import as_map

# Where gradient descent on most losses has just left the minimum for a 2-cycle, and a start that is not a special point.
BEYOND = 1.1
WITH_NOISE = 0.5  # of the edge: the minimum must be stable in the mean square of stochastic steps
OFF = 0.107
BY_EDGE, NEAR = f"{BEYOND} × the edge", "near the lowest minimum"
USUAL, BY_CUSTOM = 0.001, "the usual one of Adam"  # Kingma & Ba, if an edge is unrelated to usual rates
MAP_START = 0.1  # for each variable of a user's map; 0 is a fixed point of many
EDGE = "looking for the edge of the lowest minimum"  # message during that computation
SIDE = 5.0  # of the default box


def edge_at(loss: Loss, optimizer: Optimizer, minimum: Minimum) -> tuple[Edge | None, str]:
    """The learning rate at which this minimum loses stability under the optimizer; None if there is none, with the reason in
    words.

    A NumericsError if the search failed.

    >>> import cfdyn as cf
    >>> loss = cf.losses.double_well()
    >>> [lowest, _] = cf.minima(loss)
    >>> edge_at(loss, cf.optimizers.gd(lr=0.1), lowest)[0].value
    1.0
    >>> edge_at(loss, cf.optimizers.sign_gd(lr=0.1), lowest)[1].partition("; ")[0]
    'the map jumps at this point'
    """
    if not np.isfinite(minimum.sharpness):
        return None, "the loss has no second derivative there"
    if minimum.kind == "degenerate" or not minimum.sharpness > 0:
        return None, "it is degenerate: no curvature defines an edge"
    try:
        return edge(as_map(loss, optimizer), _held(loss, optimizer, minimum), scale=1 / minimum.sharpness), ""
    except NoEdge as reason:
        instead = in_its_place(loss, optimizer, minimum) if str(reason) in ROUGH.values() else ""
        return None, str(reason).removesuffix(NO_EDGE) + instead
    except NumericsError as problem:
        # With steps that do not become small no point is at rest if floats have no point of gradient 0.
        instead = in_its_place(loss, optimizer, minimum, at_all_rates=True)
        if not instead:
            raise
        return None, f"{problem}{instead}"


def _held(loss: Loss, optimizer: Optimizer, minimum: Minimum) -> np.ndarray:
    """A zero of the gradient as the optimizer takes it: with coupled weight decay it is near the minimum, not at it."""
    if optimizer.gradient is None or not optimizer.per_weight:
        return minimum.w
    plain = catalogue("optimizers").get("gd")(lr=1 / minimum.sharpness)
    plain = replace(plain, params={**optimizer.params, **plain.params}, gradient=optimizer.gradient)
    points = polish(as_map(loss, plain), minimum.w[None])
    return minimum.w if points is None else points[0]


def learning_rate(loss: Loss, optimizer: Optimizer, known: list[Minimum], share: float = BEYOND) -> tuple[float, str]:
    """1.1 × the edge of the lowest minimum, or another multiple of it, with an explanation in words; the usual rate if ε alone,
    or nothing, sets an edge.

    A UsageError without a minimum or an edge.
    """
    try:
        border, none = edge_at(loss, optimizer, known[0]) if known else (None, "")
        tried = f"with lr = {optimizer.params['lr']:g}: " if "× lr" in none else ""
        why = f"{optimizer.name} has no edge at the lowest minimum ({tried}{none})" if known else "no minimum was found"
    except NumericsError as problem:
        border, none = None, ""
        why = f"the edge of {optimizer.name} at the lowest minimum was not found ({problem})"
    if NEVER_FALLS in none or "eps" in optimizer.params and not (border and border.smooth):
        return USUAL, BY_CUSTOM
    if border is None:
        raise UsageError(f"{why}, so there is no default learning rate; give one: "
                         f"`optimizer=cf.optimizers.{optimizer.name}(lr=0.1)`")  # fmt: skip
    return share * border.value, f"{share} × the edge"


def start_near(loss: Loss, known: list[Minimum]) -> np.ndarray:
    """The lowest minimum moved by 0.107 (of its size, at least of 1) along (1, 1/2, 1/3, …).

    Without a minimum: the middle of the loss's box, or 0, moved in the same way.
    """
    if known:
        centre = known[0].w
    elif loss.spec.box is not None:
        centre = np.array(loss.spec.box).mean(axis=1)
    else:
        centre = np.zeros(loss.dim)
    direction = 1 / np.arange(1, loss.dim + 1)
    distance = OFF * max(1.0, float(np.abs(centre).max()))
    return np.round(centre + distance * direction / np.linalg.norm(direction), 6)


def completed(
    loss: Loss, optimizer: Optimizer, start: Sequence[float] | None = None, open_lr: bool = False, seed: int = 0,
    share: float = BEYOND, say: Callable[[str], None] = lambda words: None,
) -> tuple[Optimizer, Sequence[float], dict[str, str]]:  # fmt: skip
    """The optimizer with its learning rate, the start, and how they were chosen, in words, if ``open_lr``, or if ``start`` is
    None.

    ``say`` is called with a message about the current task.

    >>> import cfdyn as cf
    >>> optimizer, start, chosen = completed(cf.losses.double_well(), cf.optimizers.gd(lr=1), open_lr=True)
    >>> optimizer.params["lr"], start, chosen["start"]
    (1.1, [1.107], 'near the lowest minimum')
    """
    chosen: dict[str, str] = {}
    if open_lr or start is None:
        known = minima(loss, seed=seed, progress=lambda k, n: say(f"searching for minima: {k} of {n} starts"))
        if open_lr:
            say(EDGE)
            lr, chosen["lr"] = learning_rate(loss, optimizer, known, share)
            optimizer = optimizer.at(lr=lr)
        if start is None:
            start, chosen["start"] = start_near(loss, known).tolist(), NEAR
    return optimizer, start, chosen


def usual_box(step: Map, loss: Loss | None = None) -> list[tuple[float, float]]:
    """The default box for cycles: one turn of each angle, else the loss's own box, the whole line, or [−5, 5] in each variable.

    >>> import cfdyn as cf
    >>> usual_box(cf.Map.from_text("x/2")), usual_box(cf.Map.from_text(["x/2", "y/2"]))
    ([(-inf, inf)], [(-5.0, 5.0), (-5.0, 5.0)])
    """
    if step.periodic:
        return [(0.0, step.periodic[name]) if name in step.periodic else (-SIDE, SIDE) for name in step.names]
    if loss is None:
        return [(-math.inf, math.inf)] if step.dim == 1 else [(-SIDE, SIDE)] * step.dim
    usual = list(loss.spec.box or [(-SIDE, SIDE)] * loss.dim)
    return usual + [(-SIDE, SIDE)] * (step.dim - len(usual))


def of_loss(loss: Loss) -> str:
    """A text that is equal exactly for equal losses with equal data."""
    spec = loss.spec
    return repr((spec.title, spec.key, dict(spec.params), spec.box, spec.data_digest))


def family(loss: Loss, optimizer: Optimizer) -> str:
    """A text that is equal exactly for the same loss and optimizer up to the learning rate."""
    rates = {name: value for name, value in optimizer.params.items() if name != "lr"}
    own = (optimizer.name, optimizer.key, rates, dict(optimizer.options), dict(optimizer.initial))
    return f"{of_loss(loss)} / {own}"
