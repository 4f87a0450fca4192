"""`ModeTracker`: the modes that a run tracks from step to step, and a guard mode beyond those near the edge."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import AT_EDGE, diagonal, force, packed, rank_of, rates
from cfdyn.integrate.large.costs import LONG
from cfdyn.integrate.large.mode_solver import COARSE, NEAR, ModeSolver, Point, Wanted, turn_thirds
from cfdyn.integrate.large.modes import aligned, completed, orthonormal, recombine
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.flow import Force

CLOSE = 0.05  # below the edge of 2: modes whose forces are computed at the start; for many weights closer ones, to save memory
CHECK = 8  # steps after which another mode is searched for
ROUGH = 0.15  # relative to its eigenvalue: the allowed residual of the mode of a flow without oscillations
AHEAD, FARTHEST = 1.2, 2.0  # of the next step: what a mode may reach in it; of the last one: how far modes are extrapolated
GUARDS = 2  # modes tracked beyond those near the edge: another mode can pass a single one unseen
NEXT = 0.02  # below the edge of 2: there two held modes or more turn into the next one, which shortens steps if it is not near
MORE = 1  # most guards beyond these: a mode that is near for some steps only is not searched again
FEW = 1  # of many weights: near modes behind those that are held, for memory; of a crowd few enter at once
IDLE, SPARE = 1.9, 1.6  # below the edge of 2: a guard below that is superfluous; the same for other flows than the central one
OTHER = 0.1  # relative to a unit vector: modes farther apart are different


class ModeTracker:
    """The modes at a run's point, those at another one nearby, and how their gaps to the edge change.

    ``point``: the current point of the run; ``trend`` (k,): how fast its values changed in the last step. ``previous`` (j, d):
    near modes of the point ``last_step`` before it (after it, if negative: of a rejected step), ``previous_thirds`` their
    T in the basis of the modes here; None if they are not known; a step uses them up. ``predicted_gap`` (k, k): of the
    near modes after a step, as predicted; ``gap_error``: the error of the last prediction. ``spent``: the force of the
    point's T if T was discarded to save memory. ``steps_since``: the last search for a mode that was not tracked.
    """

    def __init__(self, solver: ModeSolver, options: Options):
        self.flow, self.solver, self.options = solver.flow, solver, options
        self.central, self.many = self.flow.kind == "central", self.flow.n_weights >= LONG
        self.angle = min(0.01, max(1e-9, 3 * options.rtol))
        self.last_step, self.steps_since, self.trend = 1.0, 0, np.zeros(0)
        self.previous: np.ndarray | None = None
        self.previous_thirds: np.ndarray | None = None
        self.spent: Force | None = None
        self.gap_error = self.predicted_gap = np.zeros((0, 0))

    def begin(self, point: Point) -> None:
        """Start at a point."""
        self.point, self.trend = point, np.zeros(len(point.y))

    def search(self, z: np.ndarray) -> None:
        """Start at the point at a state without prior information, with its largest modes."""
        none = np.zeros((0, self.flow.n_weights))
        count = min(self.flow.n_weights, 2 if self.central else 1)
        _, y = self.solver.search(z, self.flow.edge(z), count, none, self.options.seed, 1e-3, 30)
        reach = np.full(count, CLOSE if self.central else -math.inf)
        self.begin(self.solver.at(z, orthonormal(y, none), Wanted(0, reach, self.angle)))
        self.guard(0, 0)

    def move(self, z: np.ndarray, before: Point) -> Point:
        """The point at a state near that of another one, whose memory it takes over: on the way from beyond the edge."""
        close = 2 * NEAR if self.many else CLOSE
        wanted = Wanted(before.near, np.full(len(before.y) + 1, close), min(1e-3, self.angle))
        before.g, before.thirds = np.zeros(0), np.zeros((0, 0))  # memory
        self.begin(self.solver.at(z, before.y, wanted))
        self.guard(0, 0)
        return self.point

    # -- a step ahead -------------------------------------------------------------------------------------------------

    def ahead(self, h: float) -> float:
        """The middle of a step h, in units of the last step."""
        # A float of Python: one of NumPy would make 64 bits of T in 32.
        return float(0.5 * min(h / self.last_step, FARTHEST))

    def middle_thirds(self, ahead: float) -> np.ndarray:
        """T of the near modes in the middle of a step, extrapolated; uses up the data of the other point."""
        if self.previous_thirds is None:
            return self.point.thirds
        thirds, self.previous_thirds = self.previous_thirds, None  # its memory is reused
        thirds *= -ahead
        for row, now in zip(thirds, self.point.thirds, strict=True):
            row += (1 + ahead) * now
        return thirds

    def predicted(self, x: np.ndarray, h: float, fine: bool = False) -> tuple[np.ndarray, Wanted]:
        """The modes (k, d) after a step with the covariance x, and which are near then, to a smaller angle if
        ``fine``; the point keeps its near modes alone, to save memory, until `regain`.
        """
        point = self.point
        y, ahead, none = point.y.copy(), min(h / self.last_step, FARTHEST), point.y[:0]
        if self.previous is not None:
            # A guard is not extrapolated: it is rarely refined, and its errors would grow.
            count = min(point.near, len(self.previous))
            turn = aligned(self.previous[:count], point.y[:count])
            recombine(np.hstack([(1 + ahead) * np.eye(count), -ahead * turn]), y[:count], self.previous[:count])
            self.previous = None  # memory
        y = orthonormal(y, none)
        if len(y) < len(point.y):
            y = point.y.copy()
        point.y = point.y[: point.near].copy()
        if not self.central:
            return y, Wanted(0, np.full(len(y), -math.inf), self.angle, ROUGH)
        near, reach = self._near_after(x, h)
        return y, Wanted(near if point.turned else 0, reach, min(self.angle, COARSE) if fine else self.angle, near=near)

    def _near_after(self, x: np.ndarray, h: float) -> tuple[int, np.ndarray]:
        """The number of near modes after a step, by their rates, and the gaps (k,) below which they are near."""
        point = self.point
        trend = self.trend.copy()
        gap = 2.0 - point.values - h * trend
        if point.rates is not None:
            k = point.near
            own = (point.rates.alpha + point.rates.beta @ packed(x))[diagonal(k)]
            trend[:k], gap[:k] = -own, 2.0 - point.values[:k] + h * own
        reach = np.maximum(NEAR, AHEAD * min(AHEAD * h, self.options.max_step) * np.maximum(trend, 0.0))
        rank = rank_of(x)
        reach[:rank] = math.inf
        if rank > 1:
            reach[rank : rank + 1] = np.maximum(reach[rank : rank + 1], NEXT)
        near, there = (int((gap < least).nonzero()[0].max(initial=-1)) + 1 for least in (reach, 0.0))
        # Of modes that come in the step after this one, T of one more than are held: for memory.
        near = min(near, max(rank + 1, there))
        reach[near:] = np.minimum(reach[near:], 2 * NEAR)
        if self.many:
            near = min(near, rank + FEW)
            reach[rank + FEW :] = 0.0
        reach[:near] = np.maximum(reach[:near], 2 * NEAR)
        return near, reach

    def give_up_thirds(self, x: np.ndarray, near: int) -> None:
        """Discard T of the point, once the number of near modes after a step is known: if it changes and there are many weights,
        only the force is kept, to save memory; a rejected step has T recomputed.
        """
        point = self.point
        if self.many and len(x) and near != point.near:
            self.spent = force(x, point.edge, point.movers(self.flow), point.thirds, bool(self.flow.own.states))
            point.thirds = np.zeros((0, point.thirds.shape[1]), point.thirds.dtype)

    # -- after a step -------------------------------------------------------------------------------------------------

    def take(self, after: Point, h: float, keep: bool = True) -> None:
        """Move to the point after a step; ``keep`` what is known of this one."""
        old = self.point
        self.gap_error = self._gap_error(after)
        count = min(len(old.values), len(after.values))
        trend = np.zeros(len(after.values))
        trend[:count] = (after.values[:count] - old.values[:count]) / h
        self.previous = old.y if keep else None
        self.previous_thirds = _turned_thirds(old, after) if keep and after.turned else None
        self.point, self.spent, self.trend, self.last_step = after, None, trend, h
        self.steps_since += 1

    def learn(self, after: Point, h: float) -> None:
        """Learn from a point after a rejected step how modes and T move."""
        self.regain(after.y)
        self.gap_error = np.zeros((0, 0))
        self.previous, self.last_step = after.y[: self.point.near].copy(), -h
        self.previous_thirds = _turned_thirds(after, self.point)

    def regain(self, rows: np.ndarray) -> None:
        """The guards of the point again, after a rejected step, from the modes (k, d) that were examined."""
        self.point.y = completed(rows, self.point.y)

    def _gap_error(self, after: Point) -> np.ndarray:
        """By how much the gaps of a step's near modes (k, k) differ from the prediction, as far as the modes are the same.

        It is of second order in the step, mainly since F changes during it; the next step takes it into account.
        """
        k, own = len(self.predicted_gap), self.point.y
        if not k or len(after.y) < k:
            return np.zeros((0, 0))
        turn = aligned(own[:k], after.y[:k])
        if np.abs(after.y[:k] @ own[:k].T - turn).max() > OTHER:
            return np.zeros((0, 0))
        return np.diag(2.0 - after.values[:k]) - turn @ self.predicted_gap @ turn.T

    # -- which modes --------------------------------------------------------------------------------------------------

    def guard(self, steps: int, rank: int) -> None:
        """Keep a guard mode beyond the near modes, a new one if there is none; now and then search for a mode that was not
        tracked. ``steps`` steps are done, and ``rank`` modes are held.
        """
        point, d = self.point, self.flow.n_weights
        least = self._least()
        if len(point.y) < least:
            self.previous = self.previous_thirds = None  # memory
            self.search_more(least - len(point.y), steps, rank)
        elif self.steps_since >= CHECK and len(point.y) < d:
            self.steps_since = 0
            if self.solver.top(point.z, point.edge, point.y, steps + 1) > point.values[-1]:
                self.previous = self.previous_thirds = None
                self.search_more(1, steps, rank)
        point = self.point
        least, count, idle = self._least(), len(point.y), SPARE
        if self.central:
            count, idle = min(count, max(2, least + MORE)), IDLE
        while count > max(2, least) and point.values[count - 1] < idle:
            count -= 1
        if count < len(point.y):
            point.y, point.values, self.trend = point.y[:count].copy(), point.values[:count].copy(), self.trend[:count].copy()
            self.previous = None if self.previous is None else self.previous[:count].copy()

    def _least(self) -> int:
        return min(self.flow.n_weights, self.point.near + GUARDS if self.central else 1)

    def search_more(self, count: int, steps: int, rank: int) -> None:
        """Search for the given number of further modes."""
        self.join(*self.solver.search(self.point.z, self.point.edge, count, self.point.y, steps + 1, 0.02, 4), rank)

    def join(self, values: np.ndarray, y: np.ndarray, rank: int) -> None:
        """Add modes, each in its place by value; if they are near, compute their forces too."""
        point = self.point
        new = orthonormal(y, point.y)
        if not len(new):
            return
        values = np.concatenate([point.values, values[: len(new)]])
        order = np.argsort(-values, kind="stable")
        self.previous, self.previous_thirds, self.trend = None, None, np.zeros(len(values))
        rows, y, values = [*point.y, *new], np.empty((len(values), self.flow.n_weights)), values[order]
        for row, i in zip(y, order, strict=True):  # one by one, for memory
            row[:] = rows[i]
        del rows, new
        near = int(np.argsort(order)[: point.near].max(initial=-1)) + 1
        if self.central:
            close, there = (int((values > least).sum()) for least in (2.0 - 2 * NEAR, 2.0 * (1 - AT_EDGE)))
            near = max(near, there, min(close, rank + FEW) if self.many else close)
        point.y, point.values = y, values
        if near > point.near:
            self.widen(near)

    def widen(self, near: int) -> None:
        """Recompute the point with more of its modes as near ones: a former guard is known only roughly, and its T is not known.
        Others that are close by become near ones, too, except for many weights, to save memory.
        """
        point = self.point
        self.previous_thirds, self.spent, self.gap_error = None, None, np.zeros((0, 0))
        reach = np.full(len(point.y), 0.0 if self.many else 2 * NEAR)
        reach[:near] = math.inf
        point.g, point.thirds = np.zeros(0), np.zeros((0, 0))  # memory
        try:
            self.point = self.solver.at(point.z, point.y, Wanted(near, reach, self.angle))
        except NumericsError:  # the path ends here, and its last row needs the gradient
            point.g, point.near, point.rates = self.solver.oracle.gradient(point.z[: self.flow.n_weights]), 0, None
            raise

    def renew(self, steps: int, rank: int) -> None:
        """Recompute the point with one more mode, found by a search: if no step succeeds, an unseen one may be at the edge."""
        self.previous, self.previous_thirds, self.point.thirds = None, None, np.zeros((0, 0))  # memory: T is recomputed anyway
        if len(self.point.y) < self.flow.n_weights:
            self.search_more(1, steps, rank)
        self.widen(self.point.near)

    # -- as arrays ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, np.ndarray]:
        """All but ``last_step`` and ``steps_since``, as arrays."""
        point = self.point
        return {
            "z": point.z.copy(), "g": point.g.copy(), "y": point.y.copy(), "values": point.values.copy(),
            "thirds": point.thirds.copy(), "near": np.array([point.near, point.turned]), "trend": self.trend.copy(),
            "missed": self.gap_error.copy(), "aside": self.solver.neutral.copy(),
            "before": or_none(self.previous), "bent": or_none(self.previous_thirds),
        }  # fmt: skip

    def restore(self, given: dict[str, np.ndarray]) -> None:
        """Restore a `snapshot`."""
        flow, z, g, (near, turned) = self.flow, given["z"], given["g"], given["near"].tolist()
        self.point = point = Point(z, g, flow.edge(z, g), given["y"], given["values"], near, given["thirds"], turned=bool(turned))
        if len(point.thirds):
            point.rates = rates(flow, point.slope(flow), point.edge, point.movers(flow), point.thirds)
        self.trend, self.gap_error, self.spent = given["trend"], given["missed"], None
        self.solver.neutral = given.get("aside", self.solver.neutral)  # none in what an older version stored
        self.previous, self.previous_thirds = (given[name] if given[name].size else None for name in ("before", "bent"))


def or_none(array: np.ndarray | None) -> np.ndarray:
    """An array to store, empty in place of None."""
    return np.zeros(0) if array is None else array.copy()


def _turned_thirds(old: Point, after: Point) -> np.ndarray | None:
    """T of the near modes of a finished point, in its place, in the basis of another; None if the modes differ."""
    k = after.near
    if old.near != k or not k:
        return None
    turn_thirds(aligned(old.y[:k], after.y[:k]), list(old.thirds))
    return old.thirds
