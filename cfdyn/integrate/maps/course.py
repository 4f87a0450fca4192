"""A smooth flow and its tangents, integrated over a time or to a surface by compiled steps."""

from typing import Any, NamedTuple

import numpy as np

from cfdyn.codegen.compile import Rule, parameter_vector
from cfdyn.errors import UsageError
from cfdyn.integrate._kernels.steppers import attempts, methods
from cfdyn.integrate._kernels.steppers.map_steps import TO_AND_FRO, TOUCHES, Many, Memory, Way, map_steps
from cfdyn.integrate._kernels.steppers.variation import Variation, variation
from cfdyn.machine.jit import address, addresses
from cfdyn.systems.flow import Flow

ROWS = 64  # number of steps between two checks
MOST_STEPS = 100_000  # of one course
MOST_TANGENTS = 60  # entries of a state whose Jacobian is made
ENDS = {
    methods.STALLED: "the flow is singular or not smooth there, or has diverged to infinity",
    methods.CREPT: "the flow is singular or not smooth there, or has diverged to infinity",
    methods.JUMP: "the flow meets the surface tangentially there, or the surface jumps",
}


def require_smooth(flow: Any, what: str) -> Flow:
    """The flow, if it is one smooth right-hand side; ``what`` names the analysis that requires it."""
    if not isinstance(flow, Flow) or not flow.smooth:
        kind = flow.title if isinstance(flow, Flow) else type(flow).__name__
        raise UsageError(f"{what} is for a smooth flow, cf.Flow.from_text(…) or one of a loss without an edge, not {kind}")
    return flow


class Section(NamedTuple):
    """A surface, given by its rules, that determines an entry of the state; crossed in a direction (1, −1, or 0 for both)."""

    text: str
    surface: Rule
    margin: Rule
    out: int
    wanted: int
    words: str


class Course:
    """Steps over a time ``lasting``, from ``begin``, or to a ``section`` within that time, with k tangents.

    ``by``: the parameter that drives the last tangent. ``anywhere``: a state is one of the flow, and need not lie on the section.
    ``turned``: the first tangent is normalized after each step. Only one thread may use it.
    """

    def __init__(
        self, flow: Flow, k: int = 0, by: str = "", rtol: float = 1e-12, atol: float = 1e-14, lasting: float = 1.0,
        begin: float = 0.0, section: Section | None = None, anywhere: bool = False, turned: bool = False,
    ):  # fmt: skip
        m, n, parameters = flow.dim, flow.dim - flow.timed, len(flow.params)
        if k and n > MOST_TANGENTS:
            raise UsageError(f"tangents of a flow are computed in up to {MOST_TANGENTS} variables, and this one has {n}")
        self.flow, self.section, self.k, size = flow, section, k, m + k * n
        rules, p = self._rules(flow, k, by)
        drift = flow.right_hand_side(jacobian=False)
        out, wanted, block, g = -1, 0, np.zeros(1), np.empty(0)
        self.way = Way.make(m=m, n=n, k=k, drift=int(drift.rules[0]), most=MOST_STEPS, lasting=lasting, begin=begin,
                            by=list(flow.params).index(by) if by else -1, anywhere=anywhere, turned=turned)  # fmt: skip
        if section is not None:
            rules = np.array([*rules.tolist(), 0, address(section.margin.compiled), 0])
            block, g = parameter_vector([*flow.params.values(), 0.0], flow.spec.data), np.empty(1 + m + parameters)
            out, wanted, self.way.surface = section.out, section.wanted, section.surface.compiled
        self.way.out, self.way.wanted, self.way.parameters = out, wanted, parameters
        self.d = self.way.d = n - (section is not None and not anywhere)
        fresh = self._clock(lasting, rtol, atol, section is not None)
        self.clock = methods.Clock(np.empty_like(fresh))
        self.memory = Memory(
            rules, p, block, np.zeros(2, np.int64), fresh, self.clock.memory, np.empty(size), np.zeros(size), np.zeros(3),
            *methods.memory_for(size, False), np.empty((ROWS, 2)), np.empty((ROWS, 8, size)), drift.p.copy(), np.empty(m),
            flow.p, g)  # fmt: skip

    @staticmethod
    def _rules(flow: Flow, k: int, by: str) -> tuple[np.ndarray, np.ndarray]:
        """The rules of the state with its tangents, and their arguments."""
        right = flow.right_hand_side(jacobian=k > 0)
        if not k:
            return right.rules, right.p.copy()
        block = Variation.make(m=flow.dim, n=flow.dim - flow.timed, k=k, parameters=len(right.p), p=right.p, forced=bool(by))
        places = Variation.fields
        block.whole[[places["slope"].slot, places["jacobian"].slot]] = right.rules.tolist()
        if by:
            block.by = flow.rule(f"by:{by}").compiled
        return addresses(variation.compiled, variation.compiled), block.memory

    @staticmethod
    def _clock(end: float, rtol: float, atol: float, watch: bool) -> np.ndarray:
        """The clock at the beginning of a step that ends at this time at the latest."""
        clock = methods.Clock.make()
        clock.end, clock.rtol, clock.atol, clock.user_rtol, clock.user_atol = end, rtol, atol, rtol, atol
        clock.most_h, clock.least_h, clock.least_t = np.inf, 1e-15, 1e-15 * end
        clock.edge_tolerance, clock.unit, clock.above, clock.margin = np.inf, 1.0, 1.0, -1.0
        clock.method, clock.watch = methods.EXPLICIT, watch
        attempts.get_ready(clock)
        return clock.memory

    def take(self, many: Many, cells: np.ndarray, steps: int, escape: float, coordinate: int = 0, since: int = 0) -> None:
        """Take the given number of steps of the orbits with these numbers, after those ``since``; see `Many`."""
        map_steps(self.way.memory, self.memory, many, cells, since, steps, escape, coordinate)

    def one(self, state: np.ndarray, tangents: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float, str]:
        """A step: the next state (d,), the tangents (k, d) there, its duration, and why there is none: then all is NaN.

        The tangents are the unit vectors, and a last one 0 if there is one more, unless they are given.
        """
        if tangents is None:
            tangents = np.eye(self.k, self.d)
        many = of_orbits(np.array(state, float)[None], tangents[None].astype(float))
        self.take(many, np.zeros(1, np.int64), 1, np.inf)
        if many.ended[0]:
            return np.full(self.d, np.nan), np.full((self.k, self.d), np.nan), np.nan, self.why(int(many.verdict[0]))
        return many.states[0], many.tangents[0], float(many.lasted[0]), ""

    def why(self, verdict: int) -> str:
        """What stopped a step."""
        if verdict == TOUCHES:
            return "the flow touches the section at the start, rests there or is not defined"
        if verdict == TO_AND_FRO:
            return "it crosses there and back within round-off"
        if verdict == methods.REACHED and self.section is not None and np.isfinite(self.memory.z).all():
            return f"it does not cross {self.section.text} = 0{self.section.words} within the time {self.way.lasting:g}"
        if verdict == methods.FULL:
            return f"{int(self.clock.steps)} steps lead to the time {self.clock.t:.6g} only"
        return f"{ENDS.get(verdict, 'its steps end')}, at the time {self.clock.t:.6g}"


def of_orbits(
    states: np.ndarray, tangents: np.ndarray | None = None, keep: int = 0, parts: int = 1,
    near: tuple[np.ndarray, np.ndarray] | None = None,
) -> Many:  # fmt: skip
    """States (N, d) to be advanced, with tangents (N, k, d), room for the kept values, and points with how ``near`` to them."""
    n, d = states.shape
    points, reach = near or (np.empty((0, d)), np.empty(0))
    return Many(
        states, np.empty((n, 0, d)) if tangents is None else tangents, np.zeros(n, np.int64), np.zeros(n, np.int64),
        np.ascontiguousarray(points), reach, np.full(n, -1), np.full((n, keep), np.nan), np.zeros((n, parts)), np.zeros(n),
        np.zeros(n, np.int64))  # fmt: skip
