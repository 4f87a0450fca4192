"""`LargeRun`: a flow's path in few vectors as long as the weights, which can be advanced in time, stopped and resumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large.costs import Counted
from cfdyn.integrate.large.edge_events import EdgeEvents
from cfdyn.integrate.large.mode_solver import ModeSolver, Point
from cfdyn.integrate.large.tracker import ModeTracker
from cfdyn.integrate.options import Options
from cfdyn.integrate.trajectory import Event
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

SAFETY, LEAST, MOST, TOO_LARGE = 0.8, 0.2, 2.0, 2.0  # of the step's change; a larger error, in tolerances, is rejected
SHORT, BLOW_UP = 1e-9, 1e15


class Piece(NamedTuple):
    """A step: times, states and slopes at its ends."""

    t0: float
    t1: float
    z0: np.ndarray
    z1: np.ndarray
    f0: np.ndarray
    f1: np.ndarray


class Attempt(NamedTuple):
    """An attempted step: its error in tolerances, or ∞ and ``why`` it has none; the point after it; slopes at both ends."""

    worst: float
    why: str
    after: Any = None
    slope: np.ndarray = np.zeros(0)
    ends: np.ndarray = np.zeros(0)


class LargeRun:
    """A flow's path so far, at the time ``t``; made by `large_run`, or by `idle_run`, then begun or restored.

    ``w`` (d,) the weights, ``z`` (n,) the state, ``eigenvalues`` (k,) of P⁻¹H, the largest ones, and ``vectors`` (k, d), uᵀQu = 1
    for Q = θP/2; ``status``: "" or why it ended early; ``notes``: what was changed or assumed; ``events``: in order. Each kind of
    flow has its ``begin``, ``_attempt`` and ``_accept``, or its own ``_step``.
    """

    def __init__(self, flow: MatrixFreeFlow, options: Options):
        self.flow, self.options, self.oracle = flow, options, Counted(flow)
        self.solver = ModeSolver(flow, self.oracle, options.rtol)
        self.modes, self.edge_events = ModeTracker(self.solver, options), EdgeEvents(options)
        self.t, self.h, self.status, self.notes = 0.0, 1.0, "", list[str]()
        self.steps = self.rejected = 0
        self.x = np.zeros((0, 0))  # of the last step
        self.worst = 0.0  # how far off the edge modes have been, relative to the edge
        self.piece: Piece | None = None
        self.keeps_pieces = False  # the last step is kept for readings between its ends, which takes memory

    def begin(self, z: np.ndarray) -> None:
        """Start at a state (n,)."""
        raise NotImplementedError

    @property
    def point(self) -> Point:
        """The current point."""
        return self.modes.point

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
        """The tracked eigenvalues of P⁻¹H (k,), descending, followed by those of neutral modes; θ is the edge."""
        neutral = np.full(len(self.solver.neutral), 2.0)
        return np.concatenate([neutral, self.point.values]) * (self.theta / 2)

    @property
    def vectors(self) -> np.ndarray:
        """The eigenvectors that belong to them (k, d), uᵀQu = 1 for Q = θP/2."""
        return np.concatenate([self.solver.neutral, self.point.y]) / self.point.root

    @property
    def covariance_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """U (k, d) and X (k, k) of Σ = UᵀXU now."""
        return self.point.u, self.x

    @property
    def rank(self) -> int:
        """The number of modes that the last step held at the edge."""
        return self.edge_events.rank

    @property
    def events(self) -> list[Event]:
        """Modes that met the edge or left it."""
        return self.edge_events.events

    def curved(self, u: np.ndarray) -> np.ndarray:
        """The product of H with each row of such a U."""
        return self.point.values[: len(u), None] * u * self.point.edge.metric

    @property
    def summary(self) -> list[str]:
        """Sentences about the run as a whole."""
        return []

    def radius(self) -> float:
        """A bound on the decay rate of the weights, and of states that should settle, per unit of time."""
        edge = self.point.edge
        top = float(np.abs(self.point.values).max(initial=0.0) + max(0.0, self.modes.trend.max(initial=0.0)) * self.h)
        return max(top * float(np.max(edge.metric * edge.speed)), self.flow.rest, 1e-6)

    # -- steps --------------------------------------------------------------------------------------------------------

    def advance(self, t: float) -> None:
        """Advance to the time t exactly; a path that cannot reach it ends early, and ``status`` states why."""
        if not math.isfinite(t) or t < self.t:
            raise UsageError(f"this run is at t = {self.t:g} and does not go to {t:g}")
        while self.t < t and not self.status:
            self.step(t)

    def step(self, end: float) -> None:
        """One step, at most to the time ``end``."""
        if self.steps >= self.options.max_steps:
            self.status = f"stopped at t = {self.t:.6g} after {self.steps} steps; raise `max_steps` or `rtol`"
            return
        left, h = end - self.t, min(self.h, self.options.max_step)
        try:
            # The rest in two equal steps rather than a long one and a very short one.
            self._step(left if left <= h * (1 + 1e-9) else left / 2 if left < 2 * h else h, end)
            if not self.status:
                self._guard()
        except NumericsError as trouble:
            self.status = f"stopped at t = {self.t:.6g}: {trouble}"

    def _guard(self) -> None:
        """Maintain the tracked modes after a step."""

    def _step(self, h: float, end: float) -> None:
        """Attempts, each shorter than the previous one, until the error of one is small enough."""
        first, self.piece = h, None
        while True:
            tried = self._attempt(h)
            if tried.worst <= TOO_LARGE:
                break
            self.rejected += 1
            h *= max(LEAST, SAFETY * tried.worst ** (-1 / 3)) if tried.worst < math.inf else 0.25
            if h < SHORT:
                self.status = f"at t = {self.t:.6g} {tried.why}"
                return
        self._accept(tried, h, first < 0.99 * self.h and h == first, end)

    def _attempt(self, h: float) -> Attempt:
        """Attempt a step of the given length."""
        raise NotImplementedError

    def _accept(self, tried: Attempt, h: float, cut: bool, end: float) -> None:
        """Move to the point after a step; ``cut`` if it was shortened only to end at a time."""
        raise NotImplementedError

    def _take(self, after: Point, x: np.ndarray, h: float, worst: float, cut: bool, keep: bool = False) -> None:
        """Move to a point with the X of a step, and choose the length of the next; ``keep`` what is known of the last point."""
        self.modes.take(after, h, keep)
        self.x, self.steps = x, self.steps + 1
        new = h * min(MOST, max(LEAST, SAFETY * max(worst, 1e-9) ** (-1 / 3)))
        self.h = max(new, self.h) if cut and worst < 1 else new

    def _after(self, h: float, end: float) -> float:
        """The time after a step."""
        return end if self.t + h >= end * (1 - 1e-14) else self.t + h

    def _size(self, off: np.ndarray) -> float:
        """The largest of the blocks of an error (n,), in tolerances."""
        flow, options, parts = self.flow, self.options, self.flow.parts(self.point.z)
        own = [off[: flow.n_weights], *(flow.block(off, k) for k in range(len(flow.own.states)))]
        return max(
            float(np.linalg.norm(a)) / (options.atol + options.rtol * float(np.linalg.norm(b)))
            for a, b in zip(own, parts, strict=True)
        )

    # -- as arrays ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays of numbers, texts as bytes; `restore` resumes from them bit for bit."""
        return {
            **self.modes.snapshot(), **self.edge_events.snapshot(), **self.oracle.snapshot(), "x": self.x.copy(),
            "motion": np.zeros(0), "numbers": np.array([self.t, self.h, self.modes.last_step, self.worst]),
            "counters": np.array([self.steps, self.rejected, self.modes.steps_since, self.rank], dtype=np.int64),
            "status": _bytes(self.status), "notes": _bytes("\n".join(self.notes)),
        }  # fmt: skip

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot` of a run of the same flow with the same options, earlier or later; also without a start."""
        given = {name: np.array(value) for name, value in arrays.items()}
        self.modes.restore(given)
        self.edge_events.restore(given)
        self.oracle.restore(given)
        self.x, self.piece = given["x"], None
        self.t, self.h, self.modes.last_step, self.worst = given["numbers"].tolist()
        self.steps, self.rejected, self.modes.steps_since, self.edge_events.rank = given["counters"].tolist()
        self.status, notes = (bytes(given[name]).decode() for name in ("status", "notes"))
        self.notes = notes.split("\n") if notes else []


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()
