"""One integration: phases one after the other, steps in a compiled loop, methods that change on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.fields import make_field
from cfdyn.integrate.outcome import reason
from cfdyn.integrate.phases import AT_EDGE, KINDS, Critical, critical, forces, spectrum
from cfdyn.integrate.rows import grown, kept
from cfdyn.integrate.trajectory import Event
from cfdyn.kernels.edge.block import CENTRAL, PLAIN, TRACE, Edge
from cfdyn.kernels.edge.forces import start
from cfdyn.kernels.steppers import methods, stepping
from cfdyn.kernels.steppers.events import CLOSED, CRAWL
from cfdyn.kernels.steppers.field import PROJECT, Field
from cfdyn.machine.jit import address, apply
from cfdyn.systems.flow import Flow

METHODS = {"dop853": methods.EXPLICIT, "radau5": methods.IMPLICIT, "rkc": methods.STABILISED}
# From this many states on, a stabilised explicit step is cheaper than the factors of an implicit one.
MANY = 150
ROWS = 256
BLOW_UP = 1e15
MOST_EVENTS = 10_000
MOMENT = 2e-3


class Options(NamedTuple):
    """How to integrate; see `cfdyn.solve`."""

    rtol: float
    atol: float
    method: str
    step: float
    max_step: float
    max_steps: int
    edge_tolerance: float


@dataclass
class Phase:
    """Steps with one set of modes."""

    field: Field
    start: float
    reference: np.ndarray
    held: np.ndarray
    steps: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)


class Run:
    """The state of an integration; `to_end` does it all."""

    def __init__(self, flow: Flow, z: np.ndarray, end: float, options: Options, progress: Callable[[float], None] | None):
        self.flow, self.z, self.options, self.progress = flow, z.copy(), options, progress
        self.kind, self.end = KINDS[flow.spec.kind], end
        self.f, self.counts, self.clock = np.zeros(len(z)), np.zeros(2, np.int64), methods.Clock.make()
        clock = self.clock
        clock.end, clock.user_rtol, clock.user_atol = end, options.rtol, options.atol
        clock.most_h, clock.fixed_h, clock.least_h = options.max_step, options.step, 1e-15
        # How far a held eigenvalue may fall: the central flow holds each where it is.
        clock.edge_tolerance = options.edge_tolerance if self.kind == TRACE else np.inf
        clock.least_t = 1e-15 * end if self.kind == PLAIN else 1.0
        self.clock.method = self._usual()
        self.clock.auto = options.method == "auto" and not options.step
        self.clock.watch = self.kind in (CENTRAL, TRACE)
        self.phases: list[Phase] = []
        self.events: list[Event] = []
        self.status, self.unique, self.found = "", True, np.zeros(3)

    @property
    def t(self) -> float:
        """Where it has come to."""
        return float(self.clock.t)

    def to_end(self) -> None:
        """Phase after phase, until the end or until ``status`` says why not."""
        held = critical(self.flow, self.z, self.flow.spec.kind, self.options.edge_tolerance)
        if len(held.reference):
            self.events.append(Event(self.t, "enter", len(held.reference)))
        while not self.status:
            try:
                held = self._next(held)
            except NumericsError as error:
                self.status = f"stopped at t = {self.t:.12g}: {error}"

    def _next(self, held: Critical) -> Critical:
        """One phase, and the modes to hold after it; or ``status`` says why there is none."""
        before = len(held.reference)
        ended = self._phase(held)
        if ended == methods.JUMP and self.clock.miss < 1e-9:
            ended = methods.EVENT
        if ended != methods.EVENT:
            self.status = self.status or reason(self, ended)
            return held
        dropped = self._lost_rank(self.phases[-1].field)
        if not dropped:
            self._close_gap(self.phases[-1].field)
        self._onto_edge()
        held = critical(self.flow, self.z, self.flow.spec.kind, self.options.edge_tolerance, dropped, self._at_edge())
        self.clock.crawled = 0
        self._note_event(before, len(held.reference), dropped)
        if len(self.phases) > MOST_EVENTS or self._chattering():
            self.status = f"stopped at t = {self.t:.12g}: events pile up there; the edge is met tangentially"
        return held

    def _note_event(self, before: int, now: int, dropped: bool) -> None:
        # An eigenvalue that only touches the edge is none.
        if (before, now) != (0, 0):
            self.events.append(Event(self.t, "leave" if dropped or now < before else "enter", now))

    def _chattering(self) -> bool:
        last = [phase.start for phase in self.phases[-12:]] + [self.t]
        return len(last) == 13 and last[-1] - last[0] <= 1e-10 * max(1.0, self.t)

    def _close_gap(self, fields: Field) -> None:
        """The last bit of the way of an eigenvalue to the edge, where steps would have to be ever smaller: a straight line."""
        values, vectors, p = spectrum(self.flow, self.z)
        d, k = self.flow.n_weights, fields.k
        gap = 2.0 - self.found[0]
        if k == 0 or self.kind != CENTRAL or not 1e-12 < gap < 4 * CLOSED:
            return
        held, near = self._modes_now(fields), vectors[:, d - k - 1 :]
        # What of the nearest eigenvectors is not held.
        inside = near.T @ held.T
        arriving = near @ np.linalg.svd(inside)[0][:, -1] / np.sqrt(p)
        a, _ = forces(self.flow, self.z, arriving[None])
        rate = -float(a[0] @ self.f)
        size = gap / rate if rate > 0 else 0.0
        if not 0 < size < 1e-6:
            return
        piece = np.zeros((1, 8, self.flow.dim))
        piece[0, 0], piece[0, 1] = self.z, size * self.f
        self.phases[-1].steps.append((np.array([[self.t, size]]), piece))
        self.z += size * self.f
        self.clock.t += size

    def _at_edge(self) -> float:
        """How near the edge counts as on it."""
        return 100 * CLOSED if self.clock.crawled > CRAWL else AT_EDGE

    def _onto_edge(self) -> None:
        """All that is as good as at the edge exactly onto it, so that the modes to hold can be any mixture of it."""
        values, vectors, _ = spectrum(self.flow, self.z)
        k = int((values >= 2.0 - 2.0 * self._at_edge()).sum())
        if self.kind == CENTRAL and (k > 1 or values[-1] > 2.0 + 1e-13):
            state, violation = self.z.copy(), np.zeros(3)
            fields = self.field(Critical(vectors[:, -k:].T.copy(), np.ones(k), False, True))
            apply(fields.rules[PROJECT], state, fields.block, violation)
            if np.isfinite(violation[0]):
                self.z[:] = state

    def _lost_rank(self, phase: Field) -> bool:
        """Whether the event is a force that has vanished, not an eigenvalue that has arrived."""
        arrived, lowest, least = self.found
        gap = abs(arrived - 2.0 - self.clock.slack_in) / 2.0
        if self.kind == TRACE:
            return phase.k > 1 and gap > abs(lowest - 2.0 + self.options.edge_tolerance) / 2.0
        return phase.k > 0 and gap > abs(least / self.clock.unit + self.clock.slack_out)

    def _phase(self, held: Critical) -> int:
        """Steps until something happens that a step cannot deal with."""
        self.unique &= held.unique
        strong = held.multipliers[-1] if len(held.multipliers) else 1.0
        self.clock.unit = strong
        # Errors that the edge cannot tell from a crossing must be small until a gap has opened.
        near = held.near and len(held.reference) > 0
        self.clock.slack_in = 1e-10 if held.near else 0.0
        self.clock.rtol = 1e-10 if near else self.options.rtol
        self.clock.atol = 1e-12 if near else self.options.atol
        self.clock.noise, self.clock.above = self._noise() / strong, 1.0
        weakest = held.multipliers[0] if len(held.multipliers) else strong
        self.clock.slack_out = 1e-6 if weakest <= 1e-9 * strong else 1e-10 if weakest < 1e-8 * strong else 0.0
        self.clock.h, self.clock.margin, target = 0.0, -1.0, None
        if held.left is not None:
            ended, held = self._part(held)
            if ended != methods.REACHED or self.t >= self.end:
                return ended
        if self.options.method in ("auto", "rkc") and not self.options.step and self.flow.dim <= MANY:
            # Modes at an edge that others have just left turn as fast as the gap is small.
            self.clock.method = methods.IMPLICIT if near else self._usual()
            self.clock.auto = near or self.options.method == "auto"
            self.clock.stiff_signs = self.clock.mild_signs = 0
        while True:
            fields = self.field(held)
            if self.kind == TRACE and len(held.reference):
                target = self._sum_at_edge(fields) if target is None else target
                Edge(fields.block).target = target
            self.phases.append(Phase(fields, self.t, held.reference, held.reference))
            self.clock.begun = 0
            ended = self.steps(fields)
            if ended not in (methods.STIFF, methods.MILD):
                return ended
            self.change_method(ended)
            held = Critical(self._modes_now(fields), held.multipliers, self.clock.slack_in > 0, held.unique)

    def _part(self, held: Critical) -> tuple[int, Critical]:
        """The first moment after some modes have lost their force, while their eigenvalues are still equal.

        The gap opens with t², and modes turn by the rate of H between them over the gap: to order t³ of the path that
        rate is 0, which takes forces of the mixed pairs.
        """
        self.clock.end = min(self.end, self.t + MOMENT)
        assert held.left is not None
        both = Critical(np.concatenate([held.reference, held.left]), held.multipliers, True, held.unique)
        fields, method = self.field(both, soft=len(held.left)), self.clock.method
        self.clock.method, auto = methods.EXPLICIT, self.clock.auto
        self.clock.auto = 0
        self.phases.append(Phase(fields, self.t, both.reference, held.reference))
        self.clock.begun = 0
        ended = self.steps(fields)
        self.clock.end, self.clock.h = self.end, 0.0
        self.clock.method, self.clock.auto = method, auto
        return ended, Critical(self._modes_now(fields)[: len(held.reference)], held.multipliers, True, held.unique)

    def _noise(self) -> float:
        """What of X is error, where the weights stand still and Σ dies away: tolerances, in the units of PΣ."""
        d, options = self.flow.n_weights, self.options
        size = float(np.abs(self.z[:d]).max())
        with np.errstate(all="ignore"):
            p = self.flow.rule("edge")(self.z, self.flow.p)[d * d :]
        return max(min(options.atol, 1e-8) + min(options.rtol, 1e-6) * size, 1e-12 * size) * size * float(np.abs(p).max())

    def steps(self, fields: Field) -> int:
        """Steps until something happens that a step cannot deal with, into the last phase."""
        n, clock = fields.n, self.clock
        memory = methods.memory_for(n, clock.method == methods.IMPLICIT or clock.ready == 1)
        if fields.k:
            apply(address(start.compiled), self.z, fields.block, self.f)
        rows, filled, ended = min(ROWS, self._steps_left()), 0, methods.FULL
        times, coefficients = np.empty((rows, 2)), np.empty((rows, 8, n))
        while ended == methods.FULL:
            done, ended = stepping.advance(
                fields.k, fields.rules, fields.p, fields.block, fields.counts, clock.memory, self.z, self.f, self.found, *memory,
                times[filled:], coefficients[filled:],
            )  # fmt: skip
            filled += done
            if self.progress:
                self.progress(self.t)
            if ended != methods.FULL:
                break
            if clock.steps >= self.options.max_steps:
                self.status = (f"stopped at t = {self.t:.12g} after {self.options.max_steps} steps, the last of "
                               f"{clock.last_h:.1e}; raise `max_steps`, or `rtol`, or the flow is not smooth there")
                break
            if not np.abs(self.z).max() < BLOW_UP:
                ended = methods.STALLED
            rows = filled + min(filled, self._steps_left())
            times, coefficients = grown(times, rows), grown(coefficients, rows)
        if filled:
            self.phases[-1].steps.append((kept(times, filled), kept(coefficients, filled)))
        return ended

    def _steps_left(self) -> int:
        return max(1, self.options.max_steps - int(self.clock.steps))

    def field(self, held: Critical, soft: int = 0) -> Field:
        """The right-hand side where these modes are held."""
        flow = self.flow
        implicit = self.clock.method == methods.IMPLICIT
        return make_field(self.kind, flow.dim, flow.n_weights, flow.p, lambda name: flow.rule(name).compiled,
                          held.reference, jacobians=bool(implicit),
                          tie=1e-11 if held.near else 1e-13, soft=soft)  # fmt: skip

    def _sum_at_edge(self, fields: Field) -> float:
        values, _, _ = spectrum(self.flow, self.z)
        return float((values[self.flow.n_weights - fields.k :] - 2.0).sum())

    def _modes_now(self, fields: Field) -> np.ndarray:
        return Edge(fields.block).reference.copy() if fields.k else np.zeros((0, self.flow.n_weights))

    def change_method(self, why: int) -> None:
        """Another method, since this one says that it is not the best."""
        self.clock.stiff_signs = self.clock.mild_signs = 0
        stiff = methods.STABILISED if self.flow.dim > MANY else methods.IMPLICIT
        self.clock.method = stiff if why == methods.STIFF else self._usual()
        self.clock.auto = self.options.method == "auto"

    def _usual(self) -> int:
        """The method where nothing is stiff."""
        return METHODS.get(self.options.method, methods.EXPLICIT)
