"""One integration: its state, and steps in a compiled loop until something happens that a step cannot handle."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate._kernels.steppers import attempts, methods, stepping
from cfdyn.integrate._kernels.steppers.dense import sample
from cfdyn.integrate._kernels.steppers.field import Field
from cfdyn.integrate.options import Options
from cfdyn.integrate.supply.supplier import Supplier
from cfdyn.integrate.trajectory import Event
from cfdyn.kernels.edge.block import CENTRAL, PLAIN, TRACE

if TYPE_CHECKING:
    from cfdyn.integrate.stepping.crossings import Crossings

METHODS = {"dop853": methods.EXPLICIT, "radau5": methods.IMPLICIT, "rkc": methods.STABILISED}
MANY = 150  # from this many states on, a stabilised explicit step is cheaper than the factors of an implicit one
ROWS = 256  # of steps, to begin with
BLOW_UP = 1e15  # a state beyond it is at a singularity
JUMPED = 1e-6  # relative to the edge: a change of an eigenvalue that is not a jump


@dataclass
class Phase:
    """Steps with one set of modes."""

    field: Field
    start: float
    reference: np.ndarray
    held: np.ndarray
    steps: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)


class Run:
    """The state of an integration; each kind of flow has its own ``to_end``, which performs the integration."""

    def __init__(self, supplier: Supplier, z: np.ndarray, end: float, options: Options, progress: Callable[[float], None] | None):
        self.supplier, self.z, self.options, self.progress = supplier, z.copy(), options, progress
        self.kind, self.end = supplier.kind, end
        self.f, self.clock = np.zeros(len(z)), methods.Clock.make()
        clock = self.clock
        clock.end, clock.user_rtol, clock.user_atol = end, options.rtol, options.atol
        clock.most_h, clock.fixed_h, clock.least_h = options.max_step, options.step, 1e-15
        # How far a held eigenvalue may fall: the central flow holds each where it is.
        clock.edge_tolerance = options.edge_tolerance if self.kind == TRACE else np.inf
        clock.least_t = 1e-15 * end if self.kind == PLAIN else 1.0
        clock.method = self.usual()
        clock.auto = options.method == "auto" and not options.step
        clock.watch = self.kind in (CENTRAL, TRACE)
        self.phases: list[Phase] = []
        self.events: list[Event] = []
        self.status, self.unique, self.found = "", True, np.zeros(3)
        self.interrupted = False  # by Ctrl-C, while it took steps
        self.trouble = ""  # the obstruction known at the start
        self.crossings: Crossings | None = None
        self.unit, self.causes = "step", "t or lr"  # of time; of growth
        self.begin, self.sign = 0.0, 1  # the user's time at the start, and its direction

    @property
    def t(self) -> float:
        """The time reached."""
        return float(self.clock.t)

    @property
    def now(self) -> float:
        """The user's time."""
        return self.begin + self.sign * self.t

    def stop(self, ended: int) -> None:
        """Set ``status`` to how it ended, if that is not set yet."""
        self.status = self.status or self._reason(ended)

    def _reason(self, ended: int) -> str:
        if ended == methods.REACHED:
            return "done"
        at = f"at t = {self.now:.12g}"
        if self.trouble and ended in (methods.JUMP, methods.CREPT, methods.STALLED):
            return f"stopped {at}: {self.trouble}"
        if ended == methods.JUMP:
            return f"stopped {at}: {self._why_missed()}"
        size, speed = np.abs(self.z).max(), np.abs(self.f).max()
        with np.errstate(all="ignore"):
            growing = self.z @ self.f > 0
        if not size < 1e8 or (speed > 1e6 * (1.0 + size) and growing):
            return f"blow-up {at}: |z| = {size:.3g} grows at {speed:.3g} a {self.unit}; lower {self.causes}, or start elsewhere"
        broken = self.supplier.undefined(self.z)
        if broken:
            return f"left the domain {at}: the {broken} is not defined there"
        if ended == methods.CREPT:
            return (f"stopped {at}: {methods.MOST_TINY} steps were shorter than {methods.TINY:g} there; the flow is singular or "
                    "not smooth, or its edge cannot be held")  # fmt: skip
        if self.options.step:
            return f"stopped {at}: the fixed step {self.options.step:g} is too long there; lower step"
        return (f"stalled {at}: the step size underflowed; the flow is singular or not smooth there, "
                "or `rtol` is too small (raise it)")  # fmt: skip

    def _why_missed(self) -> str:
        """Why no step ends at a detected event: the largest eigenvalue jumps a moment later, or is not met smoothly."""
        moments = 1e-9 * max(1.0, self.t) / np.array([np.inf, 100.0, 1.0])
        try:
            here, soon, later = (float(self.supplier.modes(self.z + moment * self.f).values[-1]) for moment in moments)
        except NumericsError:
            return "the Hessian is not defined immediately afterwards"
        # A smooth function changes by a hundredth in a hundredth of the time.
        if min(abs(soon - here), abs(later - here)) > max(JUMPED, abs(later - here) / 10):
            return "the curvature jumps over the edge there, the Hessian is not continuous"
        return "the edge is met there, and cannot be held: no force that the oscillation has takes the curvature off it smoothly"

    def stats(self, violations: np.ndarray, slack: np.ndarray, edge: np.ndarray) -> dict:
        """Steps, evaluations, and the accuracy of the constraint at the rows, where 2λ₁(P⁻¹H)/θ is ``edge``, and between them."""
        fields, clock, worst, loose = [phase.field for phase in self.phases], self.clock, 0.0, 0.0
        if self.kind != PLAIN:
            worst = max(float(violations.max(initial=0.0)), self.supplier.violation(fields))
        if self.kind == CENTRAL:
            worst, loose = max(worst, float(np.nanmax(edge / 2 - 1, initial=0.0))), float(slack.max(initial=0.0))
        return {
            "steps": int(clock.steps), "rejected": int(clock.rejected), **self.supplier.tally(fields),
            "constraint_violation": worst, "complementarity": loose,
            "unique": bool(self.unique and self.supplier.determined(fields)), "phases": len(self.phases) + int(clock.changes),
        }  # fmt: skip

    def steps(self, field: Field) -> int:
        """Steps until something happens that a step cannot handle, appended to the last phase."""
        n, clock = field.n, self.clock
        memory = methods.memory_for(n, clock.method == methods.IMPLICIT or clock.ready == 1)
        attempts.get_ready(clock)
        self.supplier.begin(field, self.z, self.f)
        rows, filled, ended = min(ROWS, self._steps_left()), 0, methods.FULL
        times, coefficients = np.empty((rows, 2)), np.empty((rows, 8, n))
        try:
            while ended == methods.FULL:
                done, ended = stepping.advance(
                    field.k, field.rules, field.p, field.block, field.counts, clock.memory, self.z, self.f, self.found, *memory,
                    times[filled:], coefficients[filled:],
                )  # fmt: skip
                filled += self.look(times[filled : filled + done], coefficients[filled : filled + done])
                if self.progress:
                    self.progress(self.now)
                if ended != methods.FULL or self.status:
                    break
                if clock.steps >= self.options.max_steps:
                    self._too_many()
                    break
                if not np.abs(self.z).max() < BLOW_UP:
                    ended = methods.STALLED
                rows = filled + min(filled, self._steps_left())
                times, coefficients = _longer(times, rows), _longer(coefficients, rows)
        finally:  # on Ctrl-C, too, the finished part is kept
            if filled:
                self.phases[-1].steps.append((_used(times, filled), _used(coefficients, filled)))
        return ended

    def interrupt(self) -> None:
        """Called for a KeyboardInterrupt: the path ends with the last recorded step; without any it is raised again."""
        noted = [phase.steps[-1] for phase in self.phases if phase.steps]
        if not noted:
            raise KeyboardInterrupt
        times, pieces = noted[-1]
        self.clock.t, self.z[:] = times[-1].sum(), sample(pieces[-1], np.ones(1))[0]
        self.interrupted, self.status = True, f"interrupted at t = {self.now:.12g}"

    def _too_many(self) -> None:
        self.status = (f"stopped at t = {self.now:.12g} after {self.options.max_steps} steps, the last of "
                       f"{self.clock.last_h:.1e}; raise `max_steps`, or `rtol`, or the flow is not smooth there"
                       + (f" ({self.trouble})" if self.trouble else ""))  # fmt: skip

    def look(self, times: np.ndarray, pieces: np.ndarray) -> int:
        """Record the user's events in these steps; returns how many of the steps remain if one of them ends the path."""
        if self.crossings is None or not len(times):
            return len(times)
        crossed, end = self.crossings.look(times, pieces)
        rank = len(self.phases[-1].held) if self.phases else 0
        self.events += [Event(t, name, rank) for t, name in crossed]
        if end is None:
            return len(times)
        from cfdyn.integrate.stepping.crossings import cut

        kept = cut(times, pieces, end)
        self.clock.t, self.z[:] = crossed[-1][0], sample(pieces[kept - 1], np.ones(1))[0]
        self.status = f"stop: {end.name} at t = {self.now:.12g}"
        return kept

    def _steps_left(self) -> int:
        return max(1, self.options.max_steps - int(self.clock.steps))

    def change_method(self, why: int) -> None:
        """Change to another method, when the current one reports that it is not the best."""
        self.clock.stiff_signs = self.clock.mild_signs = 0
        stiff = methods.STABILISED if self.supplier.dim > MANY else methods.IMPLICIT
        self.clock.method = stiff if why == methods.STIFF else self.usual()
        self.clock.auto = self.options.method == "auto"

    @property
    def implicit(self) -> bool:
        """True if the method needs the Jacobian."""
        return bool(self.clock.method == methods.IMPLICIT)

    def usual(self) -> int:
        """The method for problems that are not stiff."""
        return METHODS.get(self.options.method, methods.EXPLICIT)


def _longer(array: np.ndarray, rows: int) -> np.ndarray:
    """An array that begins with the rows of this one."""
    # Concatenating pieces takes their memory twice, which is returned to the system and reallocated, page by page, at every call.
    longer = np.empty((rows, *array.shape[1:]))
    longer[: len(array)] = array
    return longer


def _used(array: np.ndarray, rows: int) -> np.ndarray:
    """The rows in use, without a copy if they are most of it."""
    return array[:rows] if 2 * rows >= len(array) else array[:rows].copy()
