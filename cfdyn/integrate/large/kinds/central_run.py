"""`CentralRun`: the central flow of a loss of many weights, and the flow without oscillations, by stabilised steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.constant import named
from cfdyn.integrate.equations import covariance, covariance_now, force, packed, pairs, rank_of, rates, unpacked
from cfdyn.integrate.feasible import refused
from cfdyn.integrate.large.constant import constant_block, no_interior
from cfdyn.integrate.large.edge_events import OFF, Lags
from cfdyn.integrate.large.feasible import put_on_edge
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.large.modes import aligned, orthonormal
from cfdyn.integrate.large.rotation import Rotation
from cfdyn.integrate.large.run import BLOW_UP, LEAST, SAFETY, SHORT, TOO_LARGE, Attempt, LargeRun, Piece
from cfdyn.integrate.large.stages import advance, error, stages
from cfdyn.integrate.large.tracker import FARTHEST, or_none
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.flow import Edge, Force, MatrixFreeFlow

LOST = 3  # rejected steps from a point, after which its modes are searched again
LEAST_OFF = 0.01  # how far off the edge a mode may get in a step, relative to the edge, whatever the tolerance
SHARE = 0.1  # of the way back to the edge, in the error
UNSEEN = 2e-4  # beyond the edge of 2: a mode may be there whose force a step did not know
NONE = np.zeros((0, 0))


class CentralRun(LargeRun):
    """Steps with one force each, ∇⟨H, Σ⟩ of the mean of Σ over the step, which brings the gaps of held modes to 0 at its end.

    ``rotation``: the response of that force within a step; ``back``: the fraction of the excess beyond the edge that a step
    removes; ``state_rates`` (n − d,): how fast the optimizer's states changed in the last step.
    """

    def __init__(self, flow: MatrixFreeFlow, options: Options):
        super().__init__(flow, options)
        self.central = flow.kind == "central"
        self.rotation, self.back = Rotation.of(flow), 1.0
        self.state_rates: np.ndarray | None = None
        self.lags = Lags()

    def begin(self, z: np.ndarray) -> None:
        """Start at a state (n,)."""
        self.flow.check(z)
        if not np.isfinite(self.oracle.gradient(z[: self.flow.n_weights])).all():
            raise NumericsError("the gradient is not finite at the start; start elsewhere")
        self.modes.search(z)
        if self.central and self.point.values[0] >= 2.0 * (1 - 1e-6):
            block = constant_block(self.solver, self.point)
            if block is not None and len(block.neutral):
                self.solver.neutral = block.neutral
                self.notes.append(named(self.flow.names, block.neutral))
                self.modes.search(z)
        if self.central and self.point.values[0] > 2.0 * (1 + 1e-9):
            self._put_on_edge()
        self.h = min(self.options.max_step, 0.5 / self.radius())

    def _put_on_edge(self) -> None:
        """From a start beyond the edge to a state on it, with a note; a UsageError if that is refused."""
        theta, start = self.theta, self.z
        beyond = f"λ₁(P⁻¹H) = {self.point.values[0] * theta / 2:.6g} > {theta:.6g}"
        if self.options.strict:
            raise refused(beyond)
        put_on_edge(self.modes, partial(no_interior, self.solver))
        way = float(np.linalg.norm(self.z - start))
        self.notes.append(f"the start was beyond the edge ({beyond}) and was moved by {way:.3g} to a state on it")

    @property
    def covariance_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """U (k, d) and X (k, k) of Σ = UᵀXU now; X is NaN if there is none, which ends the run in its next step."""
        try:
            return self.point.u, self._covariance_now()
        except NumericsError:
            return self.point.u, np.full((self.point.near, self.point.near), np.nan)

    def _covariance_now(self) -> np.ndarray:
        point = self.point
        if point.rates is None:
            return NONE
        gaps = 2.0 - point.values[: point.near]
        gaps[: self.rank] = 0.0  # those that the last step has held, however far off the edge they are
        return covariance_now(point.rates, gaps, self.h)

    @property
    def summary(self) -> list[str]:
        """Whether it is stiff, and why; how late Σ is."""
        return [*self.rotation.notes, *self.lags.notes]

    # -- a step -------------------------------------------------------------------------------------------------------

    def _step(self, h: float, end: float) -> None:
        """Attempts, until the error of one is small enough and no mode beyond the edge was without a force."""
        h = first = min(h, self._arrival(h))
        before, self.piece, self.back = self.rejected, None, 1.0
        while True:
            x, tried = self._attempt_with(h)
            after, unseen = tried.after, tried.after is not None and self._unseen(tried.after, x)
            if after is not None and tried.worst <= TOO_LARGE and not unseen:
                break
            self.rejected += 1
            if after is not None:
                # A rejected point shows how modes and T move.
                self.modes.learn(after, h)
                self.rotation.passed(after.z, self._other_held())
            by = 0.25 if after is None else max(LEAST, SAFETY * max(tried.worst, 1.0) ** (-1 / 3))  # of a mode unseen it may be 0
            del after, tried  # memory
            if unseen and len(x) < len(self.point.values):
                # A mode has reached the edge unexpectedly: its force is needed from here on.
                self.modes.widen(len(x) + 1)
                first, h = (min(time, self._arrival(time)) for time in (first, h))
                continue
            if self.rejected - before == LOST and self.central:
                self.modes.renew(self.steps, self.rank)
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
        self.edge_events.note(self.t, self.steps, h, x, self.point, after)
        reached = self._after(h, end)
        self.piece = Piece(self.t, reached, self.z, after.z, tried.slope, tried.ends) if self.keeps_pieces else None
        worst, begun = tried.worst, self.covariance_factors[1]
        del tried  # memory
        self._go_on(after, x, h, worst, first < 0.99 * self.h and h == first)
        self.lags.add(begun, x, self.covariance_factors[1])
        self.t = reached

    def _arrival(self, h: float) -> float:
        return self.edge_events.arrival(self.point, h, float(np.linalg.norm(self.w)))

    def _go_on(self, after: Point, x: np.ndarray, h: float, worst: float, cut: bool) -> None:
        """Move to the point after a step."""
        d, z, other_held = self.flow.n_weights, self.z, self._other_held()
        self._take(after, x, h, worst, cut, keep=True)
        self.rotation.passed(z, other_held)
        self.state_rates = (after.z - z)[d:] / h if self.flow.own.states else None
        off = [abs(value - 2.0) / 2 for value in after.values[: rank_of(x)]]
        if self.central:
            off.append(float(after.values[0]) / 2 - 1)
        self.worst = float(max([self.worst, *off]))

    def _other_held(self) -> bool:
        """Whether the last step began or ceased to hold modes."""
        return bool(rank_of(self.x)) != bool(self.rank)

    def _guard(self) -> None:
        self.modes.guard(self.steps, self.rank)

    def _unseen(self, after: Point, x: np.ndarray) -> bool:
        """True if a mode has passed the edge for which the step had no force."""
        return self.central and float(after.values[len(x) :].max(initial=0.0)) > 2.0 + min(UNSEEN, self.options.rtol)

    def _attempt_with(self, h: float) -> tuple[np.ndarray, Attempt]:
        """X of an attempted step, and the point after it."""
        (x, push), point, flow = self._oscillation(h), self.point, self.flow  # oscillation may recompute the point

        def right(z: np.ndarray) -> np.ndarray:
            return flow.slope(z, self.oracle.gradient(z[: flow.n_weights]), self.rotation.moved(push, z - point.z))

        with np.errstate(all="ignore"):
            z = advance(point.z, point.slope(flow, push), h, self._n_stages(h), right)
        return x, self._looked(z, x, push, h)

    def _n_stages(self, h: float) -> int:
        """The number of stages of a step h, including the rates at which the force responds."""
        return stages(h, self.radius() + self.rotation.rate(self.point.edge.speed))

    def _looked(self, z: np.ndarray, x: np.ndarray, push: Force | None, h: float) -> Attempt:
        """The point after a step and its error; no point where the flow is undefined."""
        if not (np.isfinite(z).all() and np.abs(z).max() < BLOW_UP):
            return Attempt(math.inf, "")
        flow, modes = self.flow, self.modes
        y, wanted = modes.predicted(x, h, fine=self.rotation.on)
        try:
            after = self.solver.at(z, y, wanted, partial(modes.give_up_thirds, x))
        except NumericsError:
            modes.regain(y)
            return Attempt(math.inf, "")
        del y  # memory
        slope, ends = self.point.slope(flow, push), after.slope(flow, self.rotation.moved(push, z - self.z))
        off = error(self.z, slope, z, ends, h)
        if not self.keeps_pieces:
            slope = ends = z
        self._let_decay(after, off, h)
        worst = max(self._size(off), self._drift(after, x))
        if push is not None:
            frozen = self._size(self._frozen(after, x, push, h))
            if not np.ndim(self.point.edge.speed):
                self.rotation.count_stuck(frozen, worst)
            worst = max(worst, frozen)
        return Attempt(worst, "", after, slope, ends)

    # -- its force ----------------------------------------------------------------------------------------------------

    def _oscillation(self, h: float) -> tuple[np.ndarray, Force | None]:
        """X of the near modes for a step, and its force."""
        modes = self.modes
        if modes.spent is not None:
            modes.widen(self.point.near)
        point = self.point
        if point.rates is None:
            modes.predicted_gap = NONE
            return NONE, None
        ahead, back = modes.ahead(h), abs(modes.last_step)
        lead = self.rotation.lead(ahead, point.z, modes.previous_thirds is not None)
        edge, u, thirds = self._middle(h, ahead)
        slope = point.slope(self.flow)
        if lead is not None:
            slope += 0.5 * edge.speed * lead
        system = rates(self.flow, slope, edge, u, thirds)
        if lead is not None:
            system = self.rotation.softened(system, thirds, slope, h, float(point.edge.speed), self._n_stages(h))
        gap, k = np.diag(2.0 - point.values[: point.near]), min(len(modes.gap_error), point.near)
        corrected = np.where(gap < 0, self.back * gap, gap)
        corrected[:k, :k] += min(h / back, 1.0) ** 2 * modes.gap_error[:k, :k]
        x, _ = covariance(system, corrected / h)
        modes.predicted_gap = gap + h * unpacked(system.alpha + system.beta @ packed(x), point.near)
        if not x.any():
            return x, None
        push = force(x, edge, u, thirds, bool(self.flow.own.states))
        return x, push if lead is None else push._replace(bend=push.bend - lead)

    def _middle(self, h: float, ahead: float) -> tuple[Edge, np.ndarray, np.ndarray]:
        """The edge, the near modes and their T in the middle of a step, extrapolated: this makes the scheme second order."""
        point, flow, modes, edge, u = self.point, self.flow, self.modes, self.point.edge, self.point.movers(self.flow)
        thirds, before = modes.middle_thirds(ahead), modes.previous
        if flow.own.states and self.state_rates is not None and before is not None and len(before) >= point.near:
            z = point.z.copy()
            z[flow.n_weights :] += 0.5 * min(h, FARTHEST * abs(modes.last_step)) * self.state_rates
            metric = flow.edge(z).metric
            if np.all(np.asarray(metric) > 0):
                edge = flow.edge(z, point.g)
                y = point.y[: point.near]
                before = before[: point.near]
                y = y + ahead * (y - aligned(before, y) @ before)
                u = orthonormal(y, y[:0]) / np.sqrt(metric)
        return edge, u if len(u) == point.near else point.movers(flow), thirds

    # -- its error ----------------------------------------------------------------------------------------------------

    def _frozen(self, reached: Point, x: np.ndarray, push: Force, h: float) -> np.ndarray:
        """The error of a step from its constant force: the force minus its average over the step, estimated from both ends."""
        flow, point, rotation, k = self.flow, self.point, self.rotation, len(x)
        off, kept = np.zeros(len(point.z)), min(k, reached.near)  # a mode that is no longer near has almost no variance
        turn = aligned(point.y[:k], reached.y[:k])
        after, states = (turn @ x @ turn.T)[:kept, :kept], bool(flow.own.states)
        before = self.modes.spent or force(x, point.edge, point.movers(flow), point.thirds, states)
        behind = force(np.pad(after, (0, reached.near - kept)), reached.edge, reached.movers(flow), reached.thirds, states)
        bend = push.bend - (before.bend + behind.bend) / 2
        if len(rotation.sizes):
            bend += 0.5 * rotation(reached.z - point.z)
        if kept == k and rotation.learns and not np.ndim(point.edge.speed):
            move, change, speed = reached.z - point.z, behind.bend - before.bend, float(point.edge.speed)
            rotation.observe(move, change, h, speed, self.options.atol + self.options.rtol * float(np.linalg.norm(point.z)))
            rotation.watch(move, change, h, speed, self.t, self.rejected, self.steps)
        off[: flow.n_weights] = (0.5 * h) * point.edge.speed * bend
        if states:
            squares = push.squares - (before.squares + behind.squares) / 2
            for s in range(len(flow.own.states)):
                flow.block(off, s)[:] = h * flow.spread(point.edge, s, squares, float(np.sum(squares)))
        return off

    def _let_decay(self, after: Point, off: np.ndarray, h: float) -> None:
        """Divides an error, in its place, by 1 + hλ along the tracked modes: the next step damps it there."""
        w, root = off[: self.flow.n_weights], after.root
        decay = h * np.maximum(after.values, 0.0) * float(np.max(after.edge.metric * after.edge.speed))
        for y, along in zip(after.y, after.y @ (root * w) * decay / (1 + decay), strict=True):
            w -= along * y / root

    def _drift(self, after: Point, x: np.ndarray) -> float:
        """The distance of held modes from the edge, as a displacement of the weights in tolerances."""
        if not self.central:
            return 0.0
        worst, d, rank, rtol = 0.0, self.flow.n_weights, rank_of(x), self.options.rtol
        size = self.options.atol + rtol * float(np.linalg.norm(after.z[:d]))
        for place, (i, j) in enumerate(pairs(after.near)):
            if i != j or i >= len(x) or after.rates is None:
                continue
            gap = abs(2.0 - after.values[i]) if i < rank else max(0.0, after.values[i] - 2.0)
            # An earlier excess is not an error of this step, except for the part to be removed.
            gap -= (1.0 - 0.7 * self.back) * max(0.0, self.point.values[i] - 2.0)
            worst = max(worst, gap / 2 / max(OFF * rtol, LEAST_OFF))
            beta = after.rates.beta[place, place]
            if gap > 0 and beta > 0:
                way = gap / beta * float(np.linalg.norm(np.multiply(0.5 * after.edge.speed, after.thirds[place], dtype=float)))
                worst = max(worst, SHARE * way / size)
        return worst

    # -- as arrays ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays."""
        return {**super().snapshot(), **self.rotation.snapshot(), **self.lags.snapshot(), "motion": or_none(self.state_rates)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot`, earlier or later."""
        super().restore(arrays)
        self.rotation = Rotation.of(self.flow)
        self.rotation.restore({name: np.array(value) for name, value in arrays.items()})
        self.lags.restore(arrays)
        self.state_rates = np.array(arrays["motion"]) if arrays["motion"].size else None
