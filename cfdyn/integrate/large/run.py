"""`LargeRun`: a flow of a loss of many weights that is advanced in time, stopped and gone on with."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.constant import named
from cfdyn.integrate.equations import covariance_now, rank_of
from cfdyn.integrate.large.costs import Counted
from cfdyn.integrate.large.events import arrival, noted
from cfdyn.integrate.large.feasible import CLOSE, put_on_edge
from cfdyn.integrate.large.follow import bent_before, given_up, guarded, predicted, regained, renewed, widened
from cfdyn.integrate.large.memory import restored, stored
from cfdyn.integrate.large.modes import orthonormal
from cfdyn.integrate.large.oscillation import drifted, frozen, missed, oscillation, settled, size, unseen
from cfdyn.integrate.large.point import Looker, Point, Wanted
from cfdyn.integrate.large.room import constant_block
from cfdyn.integrate.large.stages import advance, error
from cfdyn.integrate.large.turning import Turning, n_stages, passed, stuck, turned
from cfdyn.integrate.trajectory import Event
from cfdyn.systems.by_products.oracle_flow import Force, OracleFlow

SAFETY, LEAST, MOST, TOO_LARGE = 0.8, 0.2, 2.0, 2.0  # of the step's change; an error above that many tolerances is not taken
SHORT, BLOW_UP = 1e-9, 1e15
LOST = 3  # steps not taken from a point, after which its modes are looked for anew


class Settings(NamedTuple):
    """``rtol``, ``atol``: of a step's error, in the Euclidean length of the weights and of each of the states."""

    rtol: float = 1e-3
    atol: float = 1e-8
    max_step: float = math.inf
    max_steps: int = 100_000
    strict: bool = False
    seed: int = 0
    method: str = "auto"


class Piece(NamedTuple):
    """A step: times, states and slopes at its ends."""

    t0: float
    t1: float
    z0: np.ndarray
    z1: np.ndarray
    f0: np.ndarray
    f1: np.ndarray


class LargeRun:
    """A flow's path so far, at the time ``t``; made by `large_run`, or by `idle_run`, to be begun or restored.

    ``w`` (d,) the weights, ``z`` (n,) the state, ``eigenvalues`` (k,) of P⁻¹H, the largest ones, and ``vectors`` (k, d), uᵀQu = 1
    for Q = θP/2; ``status``: "" or why it ended early; ``notes``: what was changed or assumed; ``events``: in order.
    """

    def __init__(self, flow: OracleFlow, settings: Settings):
        self.flow, self.settings, self.oracle = flow, settings, Counted(flow)
        self.look = Looker(flow, self.oracle, settings.rtol)
        self.t, self.h, self.status, self.notes, self.events = 0.0, 1.0, "", list[str](), list[Event]()
        self.steps = self.rejected = self.since = self.rank = 0
        # Modes and T of another point in the basis of this one, ``pace`` ago; a step uses them up.
        self.before: np.ndarray | None = None
        self.bent: np.ndarray | None = None
        self.spent: Force | None = None  # of the point's T, where that is given up for memory
        self.motion: np.ndarray | None = None
        self.turning = Turning.of(flow)
        self.pace, self.worst, self.back = 1.0, 0.0, 1.0  # back: of what is beyond the edge the share that a step takes off
        self.trend, self.x = np.zeros(0), np.zeros((0, 0))
        # Of the near modes' gaps: what the last step made of them beside what was told, and what this one is told.
        self.missed = self.told = np.zeros((0, 0))
        self.piece: Piece | None = None
        self.gone: list[tuple[float, int]] = []  # times and steps from which X is of lower rank than the last event says
        self.pieces = False  # steps are kept for what is read between their ends, which takes memory
        self.angle = min(0.01, max(1e-9, 3 * settings.rtol))

    def begin(self, z: np.ndarray) -> None:
        """Start at a state (n,)."""
        flow, d = self.flow, self.flow.n_weights
        flow.check(z)
        if not np.isfinite(self.oracle.gradient(z[:d])).all():
            raise NumericsError("the gradient is not finite at the start; start elsewhere")
        central = flow.kind == "central"
        self._find(z)
        if central and self.point.values[0] >= 2.0 * (1 - 1e-6):
            found = constant_block(self.look, self.point)
            if found is not None and len(found.neutral):
                self.look.aside = found.neutral
                self.notes.append(named(flow.names, found.neutral))
                self._find(z)
        if central and self.point.values[0] > 2.0 * (1 + 1e-9):
            put_on_edge(self)
        self.h = min(self.settings.max_step, 0.5 / self.radius())

    def _find(self, z: np.ndarray) -> None:
        """The point at a state of which nothing is known, with its largest modes."""
        central, none = self.flow.kind == "central", np.zeros((0, self.flow.n_weights))
        count = min(self.flow.n_weights, 2 if central else 1)
        _, y = self.look.search(z, self.flow.edge(z), count, none, self.settings.seed, 1e-3, 30)
        reach = np.full(count, CLOSE if central else -math.inf)
        self.point = self.look.at(z, orthonormal(y, none), Wanted(0, reach, self.angle))
        self.trend = np.zeros(len(self.point.y))
        guarded(self)

    @property
    def z(self) -> np.ndarray:
        """The state (n,)."""
        return self.point.z

    @property
    def w(self) -> np.ndarray:
        """The weights (d,)."""
        return self.point.z[: self.flow.n_weights]

    @property
    def theta(self) -> float:
        """θ, the edge of λ₁(P⁻¹H)."""
        return self.flow.theta(self.point.edge)

    @property
    def eigenvalues(self) -> np.ndarray:
        """The tracked eigenvalues of P⁻¹H (k,), descending, behind those of neutral modes; θ is the edge."""
        aside = np.full(len(self.look.aside), 2.0)
        return np.concatenate([aside, self.point.values]) * (self.theta / 2)

    @property
    def vectors(self) -> np.ndarray:
        """The eigenvectors that belong to them (k, d), uᵀQu = 1 for Q = θP/2."""
        return np.concatenate([self.look.aside, self.point.y]) / self.point.root

    @property
    def covariance_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """U (k, d) and X (k, k) of Σ = UᵀXU now; X is NaN where none is found, which ends the run in its next step."""
        try:
            return self.point.u, self._held()
        except NumericsError:
            return self.point.u, np.full((self.point.near, self.point.near), np.nan)

    def _held(self) -> np.ndarray:
        point = self.point
        return np.zeros((0, 0)) if point.rates is None else covariance_now(point.rates, 2.0 - point.values[: point.near], self.h)

    def curved(self, u: np.ndarray) -> np.ndarray:
        """H with each row of such a U."""
        return self.point.values[: len(u), None] * u * self.point.edge.metric

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays; `restore` goes on from them bit for bit."""
        return stored(self)

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go back, or forth, to what `snapshot` gave, of a run of the same flow with the same settings; also without a start."""
        restored(self, arrays)

    def radius(self) -> float:
        """A bound on the decay of the weights, and of states that are to come to rest, per unit of time."""
        edge = self.point.edge
        top = float(np.abs(self.point.values).max(initial=0.0) + max(0.0, self.trend.max(initial=0.0)) * self.h)
        return max(top * float(np.max(edge.metric * edge.speed)), self.flow.rest, 1e-6)

    def advance(self, t: float) -> None:
        """Go on to the time t exactly; a path that cannot ends early, and ``status`` says why."""
        if not math.isfinite(t) or t < self.t:
            raise UsageError(f"this run is at t = {self.t:g} and does not go to {t:g}")
        while self.t < t and not self.status:
            self.step(t)

    def step(self, end: float) -> None:
        """One step, at most to the time ``end``."""
        if self.steps >= self.settings.max_steps:
            self.status = f"stopped at t = {self.t:.6g} after {self.steps} steps; raise `max_steps` or `rtol`"
            return
        left, h = end - self.t, min(self.h, self.settings.max_step)
        try:
            # The rest in two equal steps rather than a long one and a very short one.
            self._step(left if left <= h * (1 + 1e-9) else left / 2 if left < 2 * h else h, end)
            if not self.status:
                self._guard()
        except NumericsError as trouble:
            self.status = f"stopped at t = {self.t:.6g}: {trouble}"

    def _guard(self) -> None:
        guarded(self)

    @property
    def said(self) -> list[str]:
        """What is to be said of the run as a whole."""
        return self.turning.said if self.turning else []

    def _step(self, h: float, end: float) -> None:
        h = first = min(h, arrival(self, h))
        before, self.piece, self.back = self.rejected, None, 1.0
        while True:
            x, found, slope, ends, worst = self._attempted(h)
            if found is not None and worst <= TOO_LARGE and not unseen(self, found, x):
                break
            self.rejected += 1
            self._learned(found, h)
            new = found is not None and unseen(self, found, x) and len(x) < len(self.point.values)
            by = 0.25 if found is None else max(LEAST, SAFETY * max(worst, 1.0) ** (-1 / 3))  # of a mode unseen it may be 0
            del found, ends, slope  # memory
            if new:
                # A mode that has come to the edge unexpectedly: its force is wanted from here on.
                widened(self, len(x) + 1)
                first, h = (min(time, arrival(self, h)) for time in (first, h))
                continue
            if self.rejected - before == LOST and self.flow.kind == "central":
                renewed(self)
                h, self.back = first, 1.0
                continue
            if h < self.back and self.point.values[0] > 2.0 and len(x):
                # The way back to the edge is as long for a short step as for a long one: it is gone in an optimizer step.
                self.back = h
                continue
            h *= by
            self.back = min(self.back, h)
            if h < SHORT:
                self.status = f"at t = {self.t:.6g} the flow is not defined a step further, or not smooth"
                return
        noted(self, x, found, h)
        reached = end if self.t + h >= end * (1 - 1e-14) else self.t + h
        self.piece = Piece(self.t, reached, self.point.z, found.z, slope, ends) if self.pieces else None
        del slope, ends  # memory
        self._take(found, x, h, worst, first < 0.99 * self.h and h == first)
        self.t = reached

    def _attempted(self, h: float) -> tuple[np.ndarray, Point | None, np.ndarray, np.ndarray, float]:
        """X of a step that is made, and what `_looked` says of it."""
        (x, push), point, flow = oscillation(self, h), self.point, self.flow  # oscillation may make the point anew

        def right(z: np.ndarray) -> np.ndarray:
            return flow.slope(z, self.oracle.gradient(z[: flow.n_weights]), turned(self, push, z))

        with np.errstate(all="ignore"):
            z = advance(point.z, point.slope(flow, push), h, n_stages(self, h), right)
        return x, *self._looked(z, x, push, h)

    def _learned(self, found: Point | None, h: float) -> None:
        """A point that is not taken tells how modes and T move."""
        if found is not None:
            regained(self.point, found.y)
            self.missed = np.zeros((0, 0))
            self.before, self.bent, self.pace = found.y[: self.point.near].copy(), bent_before(found, self.point), -h
            passed(self, found.z)

    def _looked(
        self, z: np.ndarray, x: np.ndarray, push: Force | None, h: float
    ) -> tuple[Point | None, np.ndarray, np.ndarray, float]:
        """The point after a step, the slopes before and there, and the error in tolerances; None where nothing is defined."""
        if not (np.isfinite(z).all() and np.abs(z).max() < BLOW_UP):
            return None, z, z, math.inf
        y, wanted = predicted(self, x, h)
        try:
            found = self.look.at(z, y, wanted, partial(given_up, self, x))
        except NumericsError:
            regained(self.point, y)
            return None, z, z, math.inf
        del y  # memory
        slope, ends = self.point.slope(self.flow, push), found.slope(self.flow, turned(self, push, z))
        off = error(self.point.z, slope, z, ends, h)
        if not self.pieces:
            slope = ends = z
        settled(self, found, off, h)
        worst = max(size(self, off), drifted(self, found, x))
        if push is not None:
            still = size(self, frozen(self, found, x, push, h))
            stuck(self, still, worst)
            worst = max(worst, still)
        return found, slope, ends, worst

    def _take(self, found: Point, x: np.ndarray, h: float, worst: float, cut: bool) -> None:
        old = self.point
        self.missed = missed(self, found)
        count = min(len(old.values), len(found.values))
        trend = np.zeros(len(found.values))
        trend[:count] = (found.values[:count] - old.values[:count]) / h
        self.before, self.bent = old.y, bent_before(old, found) if found.turned else None
        passed(self, old.z)
        self.motion = (found.z - old.z)[self.flow.n_weights :] / h if self.flow.own.states else None
        self.point, self.spent, self.trend, self.x, self.pace = found, None, trend, x, h
        self.steps, self.since = self.steps + 1, self.since + 1
        new = h * min(MOST, max(LEAST, SAFETY * max(worst, 1e-9) ** (-1 / 3)))
        self.h = max(new, self.h) if cut and worst < 1 else new
        off = [abs(value - 2.0) / 2 for value in found.values[: rank_of(x)]]
        if self.flow.kind == "central":
            off.append(float(found.values[0]) / 2 - 1)
        self.worst = float(max([self.worst, *off]))
