"""`as_map`, `compose`, `epoch`, `schedule`: a step of an optimizer, or many steps in turn, as one map."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.derived import CircleMap
from cfdyn.symbolic.maps import LossMap, compose_specs
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.angles import around, circle_map
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.matrix_free.optimizer_map import OptimizerMap, require_oracle
from cfdyn.systems.oracle import GradientOracle

ORDERS = ("cyclic", "reshuffled")
MOST_ROWS = 4096  # of data in an epoch, each of which becomes code of its own


@overload
def as_map(  # type: ignore[overload-overlap]  # a Loss is an oracle, too
    loss: Loss, optimizer: Optimizer, periodic: Mapping[str, float] | None = None
) -> Map: ...


@overload
def as_map(loss: GradientOracle, optimizer: Optimizer) -> OptimizerMap: ...


def as_map(loss: Any, optimizer: Optimizer, periodic: Mapping[str, float] | None = None) -> Map | OptimizerMap:
    """One step of an optimizer on a loss as a map of (weights, optimizer state); ``periodic`` as in `Map.from_text`.

    The loss may be a text, a SymPy expression or a Python function, as for `cf.Loss`.
    A loss that is not a formula, any object with ``dim``, ``value``, ``gradient`` and ``hvp`` (see `cfdyn.systems.oracle`), gives
    an `OptimizerMap`, which can be iterated, classified and continued without any matrix.
    If loss and optimizer share a parameter name, the loss keeps it and the optimizer's becomes, for example, ``optimizer_eps``;
    ``lr`` is always the optimizer's.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("x**2/2"), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    >>> step.names, step([1.0])
    (('x', 'v_x'), array([0.9, 1. ]))
    """
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        if periodic is not None:
            raise UsageError("angles are for a loss that is a formula, cf.Loss")
        return OptimizerMap(require_oracle(loss), optimizer)
    spec = LossMap(loss.spec, optimizer)
    return Map(spec if periodic is None else around(spec, periodic))


def compose(*maps: Map) -> Map:
    """The composition of maps, the first one applied first, as one map: an epoch, a schedule.

    A parameter whose values differ between the maps becomes ``lr_1``, ``lr_2``, …

    Examples
    --------
    >>> import cfdyn as cf
    >>> gd = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    >>> both = cf.compose(gd, gd.at(lr=0.25))
    >>> both([1.0]), both.params
    (array([0.375]), {'lr_1': 0.5, 'lr_2': 0.25})
    """
    specs = [require_map(m).spec for m in maps]
    circles = [spec for spec in specs if isinstance(spec, CircleMap)]
    if circles and len(circles) == len(specs) and all(spec.periods == circles[0].periods for spec in circles):
        return Map(circle_map(compose_specs([spec.base for spec in circles]), circles[0].periods))
    return Map(compose_specs(specs))


def epoch(loss: Loss, optimizer: Optimizer, batch: int = 1, order: str = "cyclic", epochs: int = 1, seed: int = 0) -> Map:
    """Stochastic gradient descent through all data rows as one map, with its exact Jacobian.

    Each step uses the mean loss of one batch, w ← w − η ∇L_B(w) for gradient descent; the last batch may be
    smaller. Loss and sharpness of an orbit are those of all rows. Rows are drawn without replacement. With
    ``"reshuffled"`` every epoch has its own order, and the map is all epochs in turn.

    Parameters
    ----------
    loss : a loss with data
    optimizer : any optimizer; its state passes from batch to batch
    batch : rows in a batch
    order : "cyclic" (the order of the table) or "reshuffled"
    epochs : number of epochs in the map
    seed : of the orders

    Raises
    ------
    UsageError : a loss without data, an unknown order, a batch of no rows, or more than 4096 rows in all
        (each row of each epoch is compiled separately)

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.symbolic.loss import make_loss
    >>> rows = cf.Loss.from_spec(make_loss("(w - x)**2/2", columns=["x"], data=np.array([[0.0], [1.0]])))
    >>> step = cf.epoch(rows, cf.optimizers.gd(lr=0.5))
    >>> step([0.0]), step([1 / 3]).round(6), step.jacobian([0.0])  # rests at 2/3 after the second row
    (array([0.5]), array([0.583333]), array([[0.25]]))
    """
    spec = loss.spec
    if spec.table is None:
        raise UsageError(f"an epoch goes through data rows, and the loss {spec.title} has none")
    if order not in ORDERS:
        raise unknown("order", order, ORDERS)
    rows = len(spec.data)
    batch, epochs, seed = whole_number("batch", batch, 1), whole_number("epochs", epochs, 1), whole_number("seed", seed, 0)
    if rows * epochs > MOST_ROWS:
        raise UsageError(f"{epochs} epochs of {rows} rows are {rows * epochs} rows of code; the limit is {MOST_ROWS}")
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(epochs):
        turn = rng.permutation(rows) if order == "reshuffled" else np.arange(rows)
        for first in range(0, rows, batch):
            chosen = tuple(int(r) for r in turn[first : first + batch])
            parts.append(LossMap(replace(spec, batch=chosen), optimizer))
    return Map(compose_specs(parts, observed=spec))


def schedule(step: Map, parameter: str, values: Sequence[float]) -> Map:
    """The composition of one step for each value of a parameter in turn, as one map.

    Examples
    --------
    >>> import cfdyn as cf
    >>> gd = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.1))
    >>> cf.schedule(gd, "lr", [0.5, 0.25, 0.125])([1.0])
    array([0.328125])
    """
    if len(values) == 0:
        raise UsageError("a schedule needs at least one value")
    return compose(*(require_map(step).at(**{parameter: float(v)}) for v in values))
