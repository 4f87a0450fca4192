"""`held_sharpness`: the sharpness at which stochastic gradients hold an optimizer, over rates and batches."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.runs import iterate_many
from cfdyn.errors import NumericsError, UsageError
from cfdyn.flows._noisy import PRECONDITIONED
from cfdyn.flows.central import central
from cfdyn.integrate.noise import ENOUGH, late_balance
from cfdyn.integrate.solve import solve
from cfdyn.records.record import Record, provenance
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.steps import as_map

ROWS = 30  # of a path


@dataclasses.dataclass(frozen=True)
class HeldSharpness(Record):
    """Sharpness over rates and batches: means over the last third of the time, NaN where undefined.

    ``lr`` (p,), ``batch`` (q,); ``flow`` (q, p): λ₁ on the central flow with this noise; ``damping``: its least ΔS/√(2α), below
    1 where the edge holds the sharpness (0 without noise), ∞ where ηλ₁ ≤ 1; ``opposed``: the fraction by which noise reduces
    the growth of λ₁ due to the loss alone, ½ to 2 where noise holds the sharpness, NaN without such growth; ``runs``: the
    median over the runs; ``at_mean``: λ₁ at their mean; ``edge``: of the optimizer without noise; all (q, p). ``notes``:
    sentences on cells without a flow.
    """

    lr: Annotated[np.ndarray, "p"]
    batch: Annotated[np.ndarray, "q"]
    flow: Annotated[np.ndarray, "q p"]
    damping: Annotated[np.ndarray, "q p"]
    opposed: Annotated[np.ndarray, "q p"]
    runs: Annotated[np.ndarray, "q p"]
    at_mean: Annotated[np.ndarray, "q p"]
    edge: Annotated[np.ndarray, "q p"]
    notes: list[str]

    @property
    def held(self) -> np.ndarray:
        """What holds the sharpness, (q, p): "edge", "noise", "nothing", or "" without a flow."""
        noise = (self.opposed >= ENOUGH) & (self.opposed <= 1 / ENOUGH)
        words = np.where(self.damping <= 1, "edge", np.where(noise, "noise", "nothing"))
        return np.where(np.isfinite(self.flow), words, "")


def held_sharpness(
    loss: Loss, optimizer: Optimizer, start: Any, steps: int, lr: Sequence[float], batch: Sequence[int], after: int = 300,
    runs: int = 40, replace: bool = True, seed: int = 0, progress: Callable[[str], None] | None = None,
) -> HeldSharpness:  # fmt: skip
    """The sharpness that the central flow of stochastic gradients predicts, and that of runs, for each rate and batch.

    The flow starts at the mean of the runs after some steps, so that both have the same past.

    Parameters
    ----------
    loss, optimizer : a loss with data; gd, heavy_ball, nesterov or ema_momentum, used with each of the rates
    start : weights (d,)
    steps : of the runs
    lr, batch : the learning rates and the batch sizes
    after : number of steps after which the flow starts
    runs : number of runs in each cell, at least 2
    replace, seed : as for `iterate_many`

    Returns
    -------
    HeldSharpness; `cfdyn.plot` draws the map, with the crossover from noise-held to edge-held

    Raises
    ------
    UsageError : no rates or batches, another optimizer, or arguments that `iterate_many` refuses

    Examples
    --------
    >>> import cfdyn as cf
    >>> net, start = cf.losses.tanh_network(), [1.6, 1.45, 1.1, -0.84, 0.78, -1.06, -0.37]
    >>> sharpness = cf.held_sharpness(net, cf.optimizers.gd(lr=0.1), start, 1500, lr=[1.0], batch=[1, 8], runs=20)
    >>> print(sharpness.flow[1].round(2), sharpness.at_mean[1].round(2), sharpness.notes)
    [1.57] [1.57] ['batch 1, lr = 1: the runs leave']
    """
    if not len(lr) or not len(batch) or not 0 < after < steps:
        raise UsageError(f"a map needs rates, batches and `after` between 0 and {steps}, not {len(lr)}, {len(batch)} and {after}")
    runs = whole_number("runs", runs, 2)
    if loss.spec.rows is None:
        raise UsageError(f"SGD draws rows of data, and the loss {loss.spec.title} has none; "
                         "take one with data, such as tanh_network")  # fmt: skip
    if optimizer.name in PRECONDITIONED:
        raise UsageError(f"held_sharpness is for optimizers with a constant preconditioner, such as gd, not for {optimizer.name}")
    tables = {name: np.full((len(batch), len(lr)), np.nan) for name in ("flow", "damping", "opposed", "runs", "at_mean", "edge")}
    notes: list[str] = []
    for i, rows in enumerate(batch):
        for k, rate in enumerate(lr):
            if progress:
                progress(f"{i * len(lr) + k} of {len(batch) * len(lr)} cells, batch {rows}, lr = {rate:g}")
            cell = _cell(loss, optimizer.at(lr=rate), start, steps, after, runs, {"batch": rows, "replace": replace}, seed)
            if isinstance(cell["flow"], str):
                notes.append(f"batch {rows}, lr = {rate:g}: {cell.pop('flow')}")
            for name, value in cell.items():
                tables[name][i, k] = value
    step = as_map(loss, optimizer)
    settings = provenance(map=step.title, params=step.params, start=start, steps=steps, after=after, runs=runs, replace=replace,
                          seed=seed)  # fmt: skip
    return HeldSharpness(np.array(lr, dtype=float), np.array(batch), **tables, notes=notes, provenance=settings)


def _cell(
    loss: Loss, optimizer: Optimizer, start: Any, steps: int, after: int, runs: int, sampling: dict[str, Any], seed: int
) -> dict[str, Any]:  # fmt: skip
    """The numbers of one cell; ``flow`` is a sentence if there is no flow."""
    every = max(k for k in range(1, max(1, (steps - after) // ROWS) + 1) if after % k == 0)
    many = iterate_many(loss, optimizer, start, steps, runs=runs, every=every, seed=seed, **sampling)
    late = many.t >= after + 2 * (steps - after) // 3
    with np.errstate(all="ignore"):
        cell: dict[str, Any] = {"runs": np.nanmean(many.sharpness[late, len(many.levels) // 2]) if many.alive[-1] else np.nan,
                                 "at_mean": many.mean_sharpness[late].mean()}  # fmt: skip
    first = many.t.tolist().index(after)
    if many.alive[first] < 2:
        return {**cell, "flow": "the runs leave"}
    flow, end = central(loss, optimizer, **sampling), float(many.t[-1] - after)
    try:
        path = solve(flow, many.averaged[first], end, save_at=(many.t[first:] - after).tolist())
    except NumericsError as error:
        return {**cell, "flow": str(error)}
    if path.status != "done":
        return {**cell, "flow": path.status}
    seen = path.t >= 2 * end / 3
    cell |= {"flow": path.sharpness[seen].mean(), "edge": (2 * path.sharpness / path.edge)[seen].mean()}
    if path.damping is None:
        return cell | {"damping": 0.0 if path.rank[seen].any() else np.inf}
    balance = late_balance(flow, path)
    cell["opposed"] = balance.taken / balance.gain if balance.pushed else np.nan
    return cell | {"damping": np.nanmin(path.damping[seen], initial=np.inf)}
