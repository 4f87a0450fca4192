"""`poincare_map`: from one crossing of a surface to the next along a flow, as a map."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import number, vector
from cfdyn.codegen.compile import Rule, compile_rule, parameter_vector
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.integrate.maps.course import Course, require_smooth
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.integrate.stepping.crossings import DIRECTIONS
from cfdyn.kernels.steppers import methods
from cfdyn.machine.jit import address
from cfdyn.symbolic.maps import TIME
from cfdyn.symbolic.programs.watched import linear_in, margin_program, surface_program, watched
from cfdyn.systems.flow import Flow

TANGENT = 1e-9  # of |∇g||F|: a rate that is as good as none
MOST_CROSSINGS = 4  # before one in the right direction


class PoincareMap(FlowMap):
    """The next crossing of the surface g = 0 in a direction; see `poincare_map`. ``without``: the entry that g = 0 determines."""

    def __init__(self, flow: Flow, surface: Any, direction: str, without: str | None, most_time: float, rtol: float, atol: float):
        self._given, self.direction, self.most_time = surface, direction, number("`most_time`", most_time, finite=True)
        self._watched = watched(flow.spec, surface)
        if TIME in set(self._watched.formula.names) - {*flow.params, *self._watched.constants}:
            raise UsageError(f"a section is a surface of the state alone, and {self._watched.formula.text!r} names the time")
        if direction not in DIRECTIONS:
            raise unknown("direction", str(direction), DIRECTIONS)
        if not self.most_time > 0:
            raise UsageError(f"`most_time` is positive, not {most_time}")
        self._out = self._determined(flow, without)
        self.without = flow.names[self._out]
        self.names = tuple(name for name in flow.names if name != self.without)
        super().__init__(flow, rtol, atol)

    def _determined(self, flow: Flow, without: str | None) -> int:
        """The entry that the surface determines."""
        linear = linear_in(flow.spec, self._watched)
        text = self._watched.formula.text
        if not linear:
            raise UsageError(f"a section is linear in one of {', '.join(flow.names)}, with a factor that no variable changes, "
                             f"and {text!r} is not")  # fmt: skip
        if without is None:
            return linear[-1]
        if without not in flow.names or flow.names.index(without) not in linear:
            raise unknown(f"variable in which {text!r} is linear:", str(without), [flow.names[i] for i in linear])
        return flow.names.index(without)

    @property
    def title(self) -> str:
        """For messages and tables."""
        way = "" if self.direction == "both" else f" {self.direction}"
        return f"{self.flow.title}, at {self._watched.formula.text} = 0{way}"

    def at(self, /, **params: float) -> PoincareMap:
        """The same map with other parameter values."""
        made = object.__new__(PoincareMap)
        made.__dict__.update(self.__getstate__(), flow=self.flow.at(**params))
        return made

    @cached_property
    def _surface(self) -> Rule:
        spec, size = self.flow.spec, 1 + self.flow.dim + len(self.flow.params)
        return compile_rule(f"surface {self._watched.key} of {spec.key}", size, lambda: surface_program(spec, self._watched))

    @cached_property
    def _margin(self) -> Rule:
        spec = self.flow.spec
        return compile_rule(f"margin {self._watched.key} of {spec.key}", 3, lambda: margin_program(spec, self._watched))

    def _at(self, z: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """g, ∇g (n,) and ∂g/∂(parameters) at a state of the flow."""
        found = self._surface(z, self.flow.p)
        return float(found[0]), found[1 : 1 + len(z)], found[1 + len(z) :]

    def full(self, x: Any) -> np.ndarray:
        """The state of the flow (n,) on the surface at a state of the map."""
        z = np.insert(np.asarray(x, dtype=float), self._out, 0.0)
        value, gradient, _ = self._at(z)
        z[self._out] = -value / gradient[self._out]
        return z

    def time(self, x: Any) -> float:
        """How long the flow takes from x to the next crossing; NaN where there is none."""
        return self._moved(Course(self.flow, rtol=self.rtol, atol=self.atol), self.state(x))[2]

    def state(self, start: Any) -> np.ndarray:
        """A state (D,), or from a state of the flow (n,) its first crossing.

        Raises
        ------
        UsageError : another length, or what is not finite
        NumericsError : a state of the flow that never meets the surface
        """
        z = vector("a start", start)
        if z.shape != (self.flow.dim,) or not np.isfinite(z).all():
            return super().state(z)
        course = Course(self.flow, rtol=self.rtol, atol=self.atol)
        z, _, why = self._cross(course, z.copy(), on_it=False)
        if why:
            raise NumericsError(f"this start does not lead to the section: {why}")
        return np.delete(z, self._out)

    def _allowed(self) -> str:
        return f"{super()._allowed()} on the section, or {self.flow.dim} of the flow"

    def _moved(self, course: Course, x: np.ndarray, name: str = "") -> tuple[np.ndarray, np.ndarray, float, str]:
        n, k, out = course.n, course.k, self._out
        z = self.full(x)
        _, gradient, by = self._at(z)
        # A tangent along the surface: what it moves the entry that is left out by.
        tangents = np.zeros((k, n))
        tangents[:, np.arange(n) != out] = np.eye(k, n - 1)
        tangents[:, out] = -(tangents @ gradient) / gradient[out]
        place = list(self.params).index(name) if name else 0
        if name:
            tangents[-1, out] = -by[place] / gradient[out]
        z, time, why = self._cross(course, np.concatenate([z, tangents.ravel()]), on_it=True)
        if why:
            return np.full(n - 1, np.nan), np.full((k, n - 1), np.nan), np.nan, why
        state, tangents = z[:n], z[n:].reshape(k, n)
        if not k:
            return np.delete(state, out), np.zeros((0, n - 1)), time, ""
        _, gradient, by = self._at(state)
        slope, shift = self.flow.drift_at(state), tangents @ gradient
        if name:
            shift[-1] += by[place]
        # All are brought to the surface along the flow.
        arrived = tangents - np.outer(shift / (gradient @ slope), slope)
        return np.delete(state, out), np.delete(arrived, out, axis=1), time, ""

    def _cross(self, course: Course, z: np.ndarray, on_it: bool) -> tuple[np.ndarray, float, str]:
        """The state with its tangents at the next crossing in the right direction, the time it takes, and why there is none."""
        n, wanted = course.n, DIRECTIONS[self.direction]
        value, gradient, _ = self._at(z[:n])
        slope = self.flow.drift_at(z[:n])
        rate, size = gradient @ slope, np.linalg.norm(gradient) * np.linalg.norm(slope)
        on_it = on_it or value == 0.0
        if not np.isfinite(rate + value) or on_it and not abs(rate) > TANGENT * size:
            return z, np.nan, "the flow touches the section at the start, rests there or is not defined"
        side, unit = np.sign(rate if on_it else value), np.linalg.norm(gradient) * max(float(np.abs(z[:n]).max()), 1e-300)
        block = parameter_vector([*self.params.values(), 0.0], self.flow.spec.data)
        clock, f = course.begin(self.most_time, watch=True), np.zeros(course.size)
        for _ in range(MOST_CROSSINGS):
            block[len(self.params)] = 2 * side / unit
            clock.margin = -1.0
            ended = course.advance(clock, z, f, (address(self._margin.compiled), block))
            if ended != methods.EVENT or not np.isfinite(z).all():
                never = f"it does not cross {self._watched.formula.text} = 0{self._way()} within the time {self.most_time:g}"
                return z, np.nan, never if ended == methods.REACHED else course.why(ended, clock)
            if wanted in (0, -side):
                return z, float(clock.t), ""
            side = -side
        return z, np.nan, "it crosses there and back within round-off"

    def _way(self) -> str:
        return "" if self.direction == "both" else f" on the way {self.direction}"


def poincare_map(
    flow: Flow, surface: Any, direction: str = "up", without: str | None = None, most_time: float = 1000.0,
    rtol: float = 1e-12, atol: float = 1e-14,
) -> PoincareMap:  # fmt: skip
    """From one crossing of a surface g(z) = 0 to the next along a flow, as a map of the other n − 1 variables.

    Cycles of the map are limit cycles of the flow, their multipliers the Floquet multipliers but the trivial one. The Jacobian is
    (1 − F∇gᵀ/(∇g·F)) V of the variational equation dV/dt = DF V, along the surface. Crossings are located to round-off, by steps
    that end there.

    Parameters
    ----------
    flow : a smooth flow without the time in its formulas, cf.Flow.from_text(…) or one of a loss without an edge
    surface : g, a text ("z = r - 1"), a SymPy expression or a Python function of the state; linear in one variable, which it
        determines
    direction : "up" (g grows), "down" or "both"
    without : the variable that is left out, if g is linear in several
    most_time : after which a start that has not come back has no image
    rtol, atol : tolerances of the integration, explicit of order 8; round-off of the map is a few times these

    Raises
    ------
    UsageError : a flow with an edge or with the time in its formulas, a surface that determines no variable; for derivatives more
        than 60 variables

    Examples
    --------
    >>> import cfdyn as cf
    >>> rossler = cf.Flow.from_text("-y - z; x + a*y; b + z*(x - c)", "x y z", {"a": 0.2, "b": 0.2, "c": 2.5})
    >>> step = cf.poincare_map(rossler, "y = 0", "down")
    >>> found = cf.analysis.classify(step, [2.0, 0.0, 0.1])  # a start of the flow goes to its first crossing
    >>> found.kind, found.points[0].round(6), abs(found.multipliers).round(4)
    ('fixed point', array([-3.707309,  0.033866]), array([0.7697, 0.    ]))
    >>> round(step.time(found.points[0]), 6)  # the period of the limit cycle
    5.748991

    References
    ----------
    Hénon (1982), Physica D 5, 412. Kuznetsov, Elements of Applied Bifurcation Theory, §1.5.
    """
    flow = require_smooth(flow, "a Poincaré map")
    if flow.timed:
        raise UsageError("a Poincaré map is for a flow without the time in its formulas; cf.stroboscopic_map(flow, period) is "
                         "for those with it")  # fmt: skip
    if flow.dim < 2:
        raise UsageError("a Poincaré map needs a flow of two variables or more")
    return PoincareMap(flow, surface, direction, without, most_time, rtol, atol)
