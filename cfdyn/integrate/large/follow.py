"""Which modes a run follows from step to step: predicted, kept with a guard behind those that are near, searched for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import AT_EDGE, diagonal, force, packed, rank_of
from cfdyn.integrate.large.costs import LONG
from cfdyn.integrate.large.modes import aligned, completed, orthonormal, recombine
from cfdyn.integrate.large.point import COARSE, NEAR, Point, Wanted, turn_thirds

if TYPE_CHECKING:
    from cfdyn.integrate.large.run import LargeRun

CHECK = 8  # steps after which another mode is searched for
ROUGH = 0.15  # of its eigenvalue: the residual that the mode of a flow without oscillations may have
AHEAD, FARTHEST = 1.2, 2.0  # of the next step: what a mode may reach in it; of the last one: how far modes are extrapolated
GUARDS = 2  # modes followed behind those near the edge: one more mode comes unseen past a single one
NEXT = 0.02  # below the edge of 2: there two held modes or more turn into the next one, which shortens steps if it is not near
MORE = 1  # guards beyond these at most: a mode that is near for some steps only is not sought anew
FEW = 1  # of many weights: near modes behind those that are held, for memory; of a crowd few enter at once
IDLE, SPARE = 1.9, 1.6  # of the edge of 2: a guard below that is one too many; the same of flows other than the central one


def predicted(run: LargeRun, x: np.ndarray, h: float) -> tuple[np.ndarray, Wanted]:
    """The modes (k, d) after a step with the covariance x, and which are near then; those of the point keep near ones alone,
    for memory, until `regained`."""
    point = run.point
    y, ahead, none = point.y.copy(), min(h / run.pace, FARTHEST), point.y[:0]
    if run.before is not None:
        # A guard stays as it is: errors of what is seldom refined would grow by extrapolation.
        count = min(point.near, len(run.before))
        turn = aligned(run.before[:count], point.y[:count])
        recombine(np.hstack([(1 + ahead) * np.eye(count), -ahead * turn]), y[:count], run.before[:count])
        run.before = None  # memory
    y = orthonormal(y, none)
    if len(y) < len(point.y):
        y = point.y.copy()
    point.y = point.y[: point.near].copy()
    if run.flow.kind != "central":
        return y, Wanted(0, np.full(len(y), -math.inf), run.angle, ROUGH)
    trend = run.trend.copy()
    gap = 2.0 - point.values - h * trend
    if point.rates is not None:
        k = point.near
        moved = point.rates.alpha + point.rates.beta @ packed(x)
        own = moved[diagonal(k)]
        trend[:k], gap[:k] = -own, 2.0 - point.values[:k] + h * own
    reach = np.maximum(NEAR, AHEAD * min(AHEAD * h, run.settings.max_step) * np.maximum(trend, 0.0))
    rank = rank_of(x)
    reach[:rank] = math.inf
    if rank > 1:
        reach[rank : rank + 1] = np.maximum(reach[rank : rank + 1], NEXT)
    near, there = (int((gap < least).nonzero()[0].max(initial=-1)) + 1 for least in (reach, 0.0))
    # Of modes that come in the step after this one, T of one more than are held: for memory.
    near = min(near, max(rank + 1, there))
    reach[near:] = np.minimum(reach[near:], 2 * NEAR)
    if len(run.w) >= LONG:
        near = min(near, rank + FEW)
        reach[rank + FEW :] = 0.0
    reach[:near] = np.maximum(reach[:near], 2 * NEAR)
    angle = min(run.angle, COARSE) if run.turning is not None and run.turning.on else run.angle
    return y, Wanted(near if point.turned else 0, reach, angle, near=near)


def regained(point: Point, rows: np.ndarray) -> None:
    """The guards of a point again, after a step that is not taken, from the modes (k, d) that were looked at."""
    point.y = completed(rows, point.y)


def guarded(run: LargeRun) -> None:
    """A guard behind the near modes, found anew where there is none; now and then a search for a mode that nobody saw."""
    point, d = run.point, run.flow.n_weights
    least = min(d, point.near + GUARDS if run.flow.kind == "central" else 1)
    if len(point.y) < least:
        run.before = run.bent = None  # memory
        join(run, *run.look.search(point.z, point.edge, least - len(point.y), point.y, run.steps + 1, 0.02, 4))
    elif run.since >= CHECK and len(point.y) < d:
        run.since = 0
        if run.look.top(point.z, point.edge, point.y, run.steps + 1) > point.values[-1]:
            run.before = run.bent = None
            join(run, *run.look.search(point.z, point.edge, 1, point.y, run.steps + 1, 0.02, 4))
    point = run.point
    least = min(d, point.near + GUARDS if run.flow.kind == "central" else 1)
    count, idle = len(point.y), SPARE
    if run.flow.kind == "central":
        count, idle = min(count, max(2, least + MORE)), IDLE
    while count > max(2, least) and point.values[count - 1] < idle:
        count -= 1
    if count < len(point.y):
        point.y, point.values, run.trend = point.y[:count].copy(), point.values[:count].copy(), run.trend[:count].copy()
        run.before = None if run.before is None else run.before[:count].copy()


def join(run: LargeRun, values: np.ndarray, y: np.ndarray) -> None:
    """One more mode, in its place by value; where it is near, its forces are taken too."""
    point = run.point
    new = orthonormal(y, point.y)
    if not len(new):
        return
    values = np.concatenate([point.values, values[: len(new)]])
    order = np.argsort(-values, kind="stable")
    run.before, run.bent, run.trend = None, None, np.zeros(len(values))
    rows, y, values = [*point.y, *new], np.empty((len(values), len(run.w))), values[order]
    for row, i in zip(y, order, strict=True):  # one by one, for memory
        row[:] = rows[i]
    del rows, new
    near = int(np.argsort(order)[: point.near].max(initial=-1)) + 1
    if run.flow.kind == "central":
        close, there = (int((values > least).sum()) for least in (2.0 - 2 * NEAR, 2.0 * (1 - AT_EDGE)))
        near = max(near, there, close if len(run.w) < LONG else min(close, run.rank + FEW))
    point.y, point.values = y, values
    if near > point.near:
        widened(run, near)


def widened(run: LargeRun, near: int) -> None:
    """The point anew with more of its modes as near ones: what was a guard is known roughly, and T of it is not. Others that are
    close by are near ones, too, but for many weights, for memory."""
    point = run.point
    run.bent, run.spent, run.missed = None, None, np.zeros((0, 0))
    reach = np.full(len(point.y), 2 * NEAR if len(run.w) < LONG else 0.0)
    reach[:near] = math.inf
    point.g, point.thirds = np.zeros(0), np.zeros((0, 0))  # memory
    try:
        run.point = run.look.at(point.z, point.y, Wanted(near, reach, run.angle))
    except NumericsError:  # the path ends here, and its last row asks for the gradient
        point.g, point.near, point.rates = run.oracle.gradient(run.w), 0, None
        raise


def renewed(run: LargeRun) -> None:
    """The point anew with one more mode, which is sought: where step after step is not taken, one may be at the edge unseen."""
    point = run.point
    run.before, run.bent, point.thirds = None, None, np.zeros((0, 0))  # memory: T is made anew in any case
    if len(point.y) < run.flow.n_weights:
        join(run, *run.look.search(point.z, point.edge, 1, point.y, run.steps + 1, 0.02, 4))
    widened(run, run.point.near)


def given_up(run: LargeRun, x: np.ndarray, near: int) -> None:
    """T of the run's point, once so many modes are near after a step: where these are others and weights many, only what pushes
    is kept of it, for memory; a step that is not taken has it made anew."""
    point = run.point
    if len(run.w) >= LONG and len(x) and near != point.near:
        run.spent = force(x, point.edge, point.movers(run.flow), point.thirds, bool(run.flow.own.states))
        point.thirds = np.zeros((0, point.thirds.shape[1]), point.thirds.dtype)


def bent_before(old: Point, found: Point) -> np.ndarray | None:
    """T of the near modes of a point that is done with, in its place, in the basis of another; None where these are others."""
    k = found.near
    if old.near != k or not k:
        return None
    turn_thirds(aligned(old.y[:k], found.y[:k]), list(old.thirds))
    return old.thirds
