"""A flow with an edge: between events a fixed set of modes is held, and the flow is smooth."""

from dataclasses import dataclass

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate._kernels.steppers import methods
from cfdyn.integrate._kernels.steppers.events import CLOSED, CRAWL, HARDLY
from cfdyn.integrate._kernels.steppers.field import Field
from cfdyn.integrate.equations import ON_EDGE, Rates, check_number, covariance, packed, unpacked
from cfdyn.integrate.stepping.run import MANY, Phase, Run
from cfdyn.integrate.supply.supplier import Supplier
from cfdyn.integrate.trajectory import Event
from cfdyn.kernels.edge.block import CENTRAL, TRACE

# An eigenvalue of X this small, relative to the largest, is 0; modes whose multiplier leaves more slowly than this fraction
# of the forces stay.
NO_RANK, IDLE = 1e-9, 1e-5
MOST_EVENTS = 10_000  # largest number on one path; more are not a sequence of phases
MOMENT = 2e-3  # steps, in which separating modes have separated


@dataclass(frozen=True)
class Critical:
    """The modes that are held from a point on.

    ``reference`` (k, d): P^½U, orthonormal rows; ``multipliers`` (k,): eigenvalues of X, ascending; ``near``: whether
    another eigenvalue is at the edge without being held; ``unique``: whether X is; ``left`` (s, d): the modes that have
    just lost their force.
    """

    reference: np.ndarray
    multipliers: np.ndarray
    near: bool
    unique: bool
    left: np.ndarray | None = None


def critical(supplier: Supplier, z: np.ndarray, edge_tolerance: float, drop: bool = False, at_edge: float = ON_EDGE) -> Critical:
    """The modes to hold from z on; ``drop``: the weakest one of those at the edge has just lost its force."""
    none = Critical(np.zeros((0, supplier.n_weights)), np.zeros(0), False, True)
    if supplier.kind not in (CENTRAL, TRACE):
        return none
    values, vectors, p = supplier.modes(z)
    if supplier.kind == TRACE:
        k = int((values >= 2.0 - edge_tolerance).sum()) if values[-1] >= 2.0 - 2e-12 or drop else 0
        return Critical(vectors[:, len(values) - k :].T.copy(), np.ones(k), False, True)
    k = int((values >= 2.0 - 2.0 * at_edge).sum())
    if k == 0:
        return none
    check_number(k)  # before forces of this many are computed
    directions = vectors[:, len(values) - k :].T
    a, b = supplier.forces(z, directions / np.sqrt(p))
    alpha, beta = a @ supplier.drift(z), a @ b.T
    x, unique = covariance(Rates(alpha, beta), np.zeros((k, k)))
    weights, turn = np.linalg.eigh(x)
    first = int((weights <= NO_RANK * max(weights[-1], 0.0)).sum()) if weights[-1] > 0 else k
    # Without force, and not leaving: kept, since the modes would rotate without end next to it.
    rates = np.einsum("iq,ij,jq->q", turn, unpacked(alpha + beta @ packed(x), k), turn)
    idle = not drop and 0 < first < k and (rates[:first] <= IDLE * np.abs(alpha).max()).all()
    first = max(first, 1) if drop else 0 if idle else first
    basis = turn.T @ directions
    left = basis[:first] if drop and first < k else None
    return Critical(basis[first:].copy(), weights[first:], first > 0, unique, left)


class AtEdge(Run):
    """Phase after phase, each until an eigenvalue reaches the edge or a force vanishes."""

    def to_end(self) -> None:
        """All phases, until the end or until ``status`` states why not."""
        held = critical(self.supplier, self.z, self.options.edge_tolerance)
        if len(held.reference):
            self.events.append(Event(self.t, "enter", len(held.reference)))
        while not self.status:
            try:
                held = self._next(held)
            except NumericsError as error:
                self.status = f"stopped at t = {self.now:.12g}: {error}"
        if self.status != "done":
            self._forget_last()

    def interrupt(self) -> None:  # noqa: D102
        super().interrupt()
        self._forget_last()

    def _forget_last(self) -> None:
        """Discard modes that were held for no time: they do not determine Σ."""
        nothing = np.zeros((0, self.supplier.n_weights))
        while self.phases and not self.phases[-1].steps and len(self.phases[-1].held):
            self.phases.pop()
        if not self.phases:
            self.phases.append(Phase(self.supplier.field(nothing, False), self.t, nothing, nothing))

    def _next(self, held: Critical) -> Critical:
        """One phase, and the modes to hold after it; or ``status`` states why there is none."""
        before = len(held.reference)
        ended = self._phase(held)
        if ended == methods.JUMP and self.clock.miss < 1e-9:
            ended = methods.EVENT
        if ended != methods.EVENT:
            self.stop(ended)
            return held
        last = self.phases[-1].field
        dropped = self._lost_rank(last.k)
        if not dropped and last.k and self.kind == CENTRAL:
            self._close_gap(last)
        self._onto_edge()
        held = critical(self.supplier, self.z, self.options.edge_tolerance, dropped, self._at_edge())
        self.clock.crawled = 0
        now = len(held.reference)
        # An eigenvalue that only touches the edge is not an event.
        if (before, now) != (0, 0):
            self.events.append(Event(self.t, "leave" if dropped or now < before else "enter", now))
        if len(self.phases) > MOST_EVENTS or self._chattering():
            why = self.trouble or "events accumulate there; the flow meets the edge tangentially"
            self.status = f"stopped at t = {self.now:.12g}: {why}"
        return held

    def _chattering(self) -> bool:
        """True if the last twelve phases took no time."""
        last = [phase.start for phase in self.phases[-12:]] + [self.t]
        return len(last) == 13 and last[-1] - last[0] <= 1e-10 * max(1.0, self.t)

    def _close_gap(self, field: Field) -> None:
        """The last segment before an eigenvalue reaches the edge, where steps would have to be ever smaller: a straight line."""
        gap = 2.0 - self.found[0]
        if not 1e-12 < gap < 4 * CLOSED:
            return
        values, vectors, p = self.supplier.modes(self.z)
        held, near = self.supplier.reference(field), vectors[:, len(values) - field.k - 1 :]
        # The part of the closest eigenvectors that is not held.
        inside = near.T @ held.T
        arriving = near @ np.linalg.svd(inside)[0][:, -1] / np.sqrt(p)
        a, _ = self.supplier.forces(self.z, arriving[None])
        rate = -float(a[0] @ self.f)
        size = gap / rate if rate > 0 else 0.0
        if not 0 < size < 1e-6:
            return
        piece = np.zeros((1, 8, self.supplier.dim))
        piece[0, 0], piece[0, 1] = self.z, size * self.f
        self.phases[-1].steps.append((np.array([[self.t, size]]), piece))
        self.z += size * self.f
        self.clock.t += size

    def _at_edge(self) -> float:
        """The relative distance from the edge, over 2, that counts as 0."""
        return HARDLY if self.clock.crawled > CRAWL else ON_EDGE

    def _onto_edge(self) -> None:
        """Move all eigenvalues that are effectively at the edge exactly onto it: then held modes can be any mixture of them."""
        values, vectors, _ = self.supplier.modes(self.z)
        k = int((values >= 2.0 - 2.0 * self._at_edge()).sum())
        if self.kind == CENTRAL and (k > 1 or values[-1] > 2.0 + 1e-13):
            field = self.supplier.field(vectors[:, -k:].T.copy(), self.implicit)
            moved = self.supplier.onto_edge(field, self.z)
            if moved is not None:
                self.z[:] = moved

    def _lost_rank(self, k: int) -> bool:
        """True if the event of a phase with k modes is a force that has vanished, not an eigenvalue that has arrived."""
        arrived, lowest, least = self.found
        gap = abs(arrived - 2.0 - self.clock.slack_in) / 2.0
        if self.kind == TRACE:
            return k > 1 and gap > abs(lowest - 2.0 + self.options.edge_tolerance) / 2.0
        return k > 0 and gap > abs(least / self.clock.unit + self.clock.slack_out)

    def _phase(self, held: Critical) -> int:
        """Steps until something happens that a step cannot handle."""
        self.unique &= held.unique
        strong = held.multipliers[-1] if len(held.multipliers) else 1.0
        self.clock.unit = strong
        # Errors that cannot be distinguished from a crossing must be small until a gap has opened.
        near = held.near and len(held.reference) > 0
        self.clock.slack_in = 1e-10 if held.near else 0.0
        self.clock.rtol = 1e-10 if near else self.options.rtol
        self.clock.atol = 1e-12 if near else self.options.atol
        self.clock.noise, self.clock.above = self._noise() / strong, 1.0
        weakest = held.multipliers[0] if len(held.multipliers) else strong
        self.clock.slack_out = 1e-6 if weakest <= 1e-9 * strong else 1e-10 if weakest < 1e-8 * strong else 0.0
        self.clock.h, self.clock.margin, self.clock.fall = 0.0, -1.0, 0.0
        if held.left is not None:
            ended, held = self._part(held, held.left)
            if ended != methods.REACHED or self.t >= self.end:
                return ended
        if self.options.method in ("auto", "rkc") and not self.options.step and self.supplier.dim <= MANY:
            # Modes at an edge that others have just left rotate faster the smaller the gap is.
            self.clock.method = methods.IMPLICIT if near else self.usual()
            self.clock.auto = near or self.options.method == "auto"
            self.clock.stiff_signs = self.clock.mild_signs = 0
        target = self._sum_over_edge(len(held.reference)) if self.kind == TRACE and len(held.reference) else None
        while True:
            field = self.supplier.field(held.reference, self.implicit, held.near, target=target)
            ended = self._begin(field, held.reference, held.reference)
            if ended not in (methods.STIFF, methods.MILD):
                return ended
            self.change_method(ended)
            now = self.supplier.reference(field)
            held = Critical(now, held.multipliers, self.clock.slack_in > 0, held.unique)

    def _begin(self, field: Field, reference: np.ndarray, held: np.ndarray) -> int:
        """A phase with its steps."""
        self.phases.append(Phase(field, self.t, reference, held))
        self.clock.begun = 0
        return self.steps(field)

    def _part(self, held: Critical, left: np.ndarray) -> tuple[int, Critical]:
        """The first moment after some modes have lost their force, while their eigenvalues are still equal.

        The gap opens with t², and modes rotate at the rate of H between them over the gap: to order t³ of the path that
        rate is 0, which requires forces of the mixed pairs. A NumericsError if a mode passes the edge instead: if forces are
        dependent Σ is not determined, and a mode that seems to have lost its force may still be needed.
        """
        start, begun = self.z.copy(), self.clock.t
        self.clock.end = min(self.end, self.t + MOMENT)
        both, auto = np.concatenate([held.reference, left]), self.clock.auto
        field, method = self.supplier.field(both, self.implicit, near=True, soft=len(left)), self.clock.method
        self.clock.method, self.clock.auto = methods.EXPLICIT, 0
        ended = self._begin(field, both, held.reference)
        self.clock.end, self.clock.h = self.end, 0.0
        self.clock.method, self.clock.auto = method, auto
        if self.supplier.modes(self.z).values[-1] > 2.0 * (1 + ON_EDGE):
            self.z[:], self.clock.t = start, begun
            self.phases.pop()
            self.events.pop()  # it has not left
            raise NumericsError("a mode whose force has vanished would pass the edge: what oscillates is not determined there")
        now = self.supplier.reference(field)[: len(held.reference)]
        return ended, Critical(now, held.multipliers, True, held.unique)

    def _noise(self) -> float:
        """The error of X if the weights do not move and Σ decays: tolerances, in the units of PΣ."""
        options, size = self.options, float(np.abs(self.z[: self.supplier.n_weights]).max())
        with np.errstate(all="ignore"):
            p = self.supplier.preconditioner(self.z)
        return max(min(options.atol, 1e-8) + min(options.rtol, 1e-6) * size, 1e-12 * size) * size * float(np.abs(p).max())

    def _sum_over_edge(self, k: int) -> float:
        """By how much the k largest eigenvalues exceed the edge together."""
        values = self.supplier.modes(self.z).values
        return float((values[len(values) - k :] - 2.0).sum())
