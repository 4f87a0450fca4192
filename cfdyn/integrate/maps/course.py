"""A smooth flow and its tangents, followed over a time or to a surface by the compiled steps of `cfdyn.kernels.steppers`."""

from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.kernels.models.variation import Variation, variation
from cfdyn.kernels.steppers import attempts, methods, stepping
from cfdyn.machine.jit import addresses
from cfdyn.systems.flow import Flow

ROWS = 64  # of steps between two looks
MOST_STEPS = 100_000  # of one course
MOST_TANGENTS = 60  # entries of a state whose Jacobian is made
ENDS = {
    methods.STALLED: "the flow is singular or not smooth there, or has run off to infinity",
    methods.CREPT: "the flow is singular or not smooth there, or has run off to infinity",
    methods.JUMP: "the surface is met there tangentially, or jumps",
}


def require_smooth(flow: Any, what: str) -> Flow:
    """The flow, if it is one smooth right-hand side; ``what`` asks for it."""
    if not isinstance(flow, Flow) or not flow.smooth:
        kind = flow.title if isinstance(flow, Flow) else type(flow).__name__
        raise UsageError(f"{what} is for a smooth flow, cf.Flow.from_text(…) or one of a loss without an edge, not {kind}")
    return flow


class Course:
    """A flow of m entries, n of which move, with k tangents behind its state; ``by``: the parameter that drives the last one."""

    def __init__(self, flow: Flow, k: int = 0, by: str = "", rtol: float = 1e-12, atol: float = 1e-14):
        self.m, self.n, self.k, self.rtol, self.atol = flow.dim, flow.dim - flow.timed, k, rtol, atol
        self.size = self.m + k * self.n
        if k and self.n > MOST_TANGENTS:
            raise UsageError(f"tangents of a flow are followed in up to {MOST_TANGENTS} variables, and this one has {self.n}")
        right = flow.right_hand_side(jacobian=k > 0)
        self.rules, self.own, self.block = right.rules, right.p.copy(), None
        if k:
            slope, jacobian = right.rules.tolist()
            self.block = Variation.make(m=self.m, n=self.n, k=k, parameters=len(right.p), p=right.p, forced=bool(by))
            places = Variation.fields
            self.block.whole[[places["slope"].slot, places["jacobian"].slot]] = slope, jacobian
            if by:
                self.block.by = flow.rule(f"by:{by}").compiled
            self.rules = addresses(variation.compiled, variation.compiled)
        self.unwatched, self.counts, self.found = np.zeros(1), np.zeros(2, np.int64), np.zeros(3)
        self.tools = methods.memory_for(self.size, False)
        self.rows = np.empty((ROWS, 2)), np.empty((ROWS, 8, self.size))

    def begin(self, end: float, watch: bool = False) -> Any:
        """The clock of a course that ends at this time at the latest."""
        clock = methods.Clock.make()
        clock.end, clock.rtol, clock.atol, clock.user_rtol, clock.user_atol = end, self.rtol, self.atol, self.rtol, self.atol
        clock.most_h, clock.least_h, clock.least_t = np.inf, 1e-15, 1e-15 * end
        clock.edge_tolerance, clock.unit, clock.above, clock.margin = np.inf, 1.0, 1.0, -1.0
        clock.method, clock.watch = methods.EXPLICIT, watch
        return clock

    def advance(self, clock: Any, z: np.ndarray, f: np.ndarray, watched: tuple[int, np.ndarray] | None = None) -> int:
        """On to the end or, where the margin of the rule ``watched`` vanishes, to there; how it ended, as `methods` has it."""
        p = self.own if self.block is None else self.block.memory
        rules, block = self.rules, self.unwatched
        if watched is not None:
            rules, block = np.array([*self.rules.tolist(), 0, watched[0], 0]), watched[1]
        attempts.get_ready(clock)
        ended = methods.FULL
        while ended == methods.FULL and clock.steps < MOST_STEPS and np.isfinite(z).all():
            _, ended = stepping.advance(
                0, rules, p, block, self.counts, clock.memory, z, f, self.found, *self.tools, *self.rows
            )  # fmt: skip
        return int(ended)

    def over(self, z: np.ndarray, time: float) -> str:
        """Follow z, in place, over a time; why it could not be, or nothing."""
        clock, f = self.begin(time), np.zeros(self.size)
        ended = self.advance(clock, z, f)
        return "" if ended == methods.REACHED and np.isfinite(z).all() else self.why(ended, clock)

    def why(self, ended: int, clock: Any) -> str:
        """What stopped a course."""
        if ended == methods.FULL:
            return f"{int(clock.steps)} steps lead to the time {clock.t:.6g} only"
        return f"{ENDS.get(ended, 'its steps end')}, at the time {clock.t:.6g}"
