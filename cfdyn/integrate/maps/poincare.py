"""`poincare_map`: from one crossing of a surface to the next along a flow, as a map."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import number, vector
from cfdyn.codegen.compile import compile_rule
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.integrate.maps.course import Course, Section, require_smooth
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.integrate.stepping.crossings import DIRECTIONS
from cfdyn.symbolic.maps import TIME
from cfdyn.symbolic.programs.watched import linear_in, margin_program, surface_program, watched
from cfdyn.systems.flow import Flow


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
    def _section(self) -> Section:
        spec, size, key = self.flow.spec, 1 + self.flow.dim + len(self.flow.params), self._watched.key
        surface = compile_rule(f"surface {key} of {spec.key}", size, lambda: surface_program(spec, self._watched))
        margin = compile_rule(f"margin {key} of {spec.key}", 3, lambda: margin_program(spec, self._watched))
        words = "" if self.direction == "both" else f" on the way {self.direction}"
        return Section(self._watched.formula.text, surface, margin, self._out, DIRECTIONS[self.direction], words)

    def course(self, k: int = 0, by: str = "", turned: bool = False, anywhere: bool = False) -> Course:
        """Steps with k tangents; see `Course`."""
        return Course(self.flow, k, by, self.rtol, self.atol, self.most_time, 0.0, self._section, anywhere, turned)

    def full(self, x: Any) -> np.ndarray:
        """The state of the flow (n,) on the surface at a state of the map."""
        z = np.insert(np.asarray(x, dtype=float), self._out, 0.0)
        surface = self._section.surface(z, self.flow.p)
        z[self._out] = -surface[0] / surface[1 + self._out]
        return z

    def time(self, x: Any) -> float:
        """The time from x to the next crossing; NaN if there is none."""
        return self.course().one(self.state(x))[2]

    def state(self, start: Any) -> np.ndarray:
        """A state (D,), or the first crossing of the flow from one of its states (n,).

        Raises
        ------
        UsageError : another length, or entries that are not finite
        NumericsError : a state of the flow that never meets the surface
        """
        z = vector("a start", start)
        if z.shape != (self.flow.dim,) or not np.isfinite(z).all():
            return super().state(z)
        z, _, _, why = self.course(anywhere=True).one(z)
        if why:
            raise NumericsError(f"the flow from this start does not reach the section: {why}")
        return np.delete(z, self._out)

    def _allowed(self) -> str:
        return f"{super()._allowed()} on the section, or {self.flow.dim} of the flow"


def poincare_map(
    flow: Flow, surface: Any, direction: str = "up", without: str | None = None, most_time: float = 1000.0,
    rtol: float = 1e-12, atol: float = 1e-14,
) -> PoincareMap:  # fmt: skip
    """From one crossing of a surface g(z) = 0 to the next along a flow, as a map of the other n − 1 variables.

    Cycles of the map are limit cycles of the flow. Their multipliers are the nontrivial Floquet multipliers. The Jacobian
    is (1 − F∇gᵀ/(∇g·F)) V of the variational equation dV/dt = DF V, along the surface. Crossings are located to round-off, by
    steps that end there.

    Parameters
    ----------
    flow : a smooth flow whose formulas do not contain the time, cf.Flow.from_text(…) or one of a loss without an edge
    surface : g, a text ("z = r - 1"), a SymPy expression or a Python function of the state; linear in one variable, which it
        determines
    direction : "up" (g grows), "down" or "both"
    without : the variable that is eliminated, if g is linear in several
    most_time : the time after which a start that has not returned has no image
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
    >>> regime = cf.analysis.classify(step, [2.0, 0.0, 0.1])  # a start of the flow goes to its first crossing
    >>> regime.kind, regime.points[0].round(6), abs(regime.multipliers).round(4)
    ('fixed point', array([-3.707309,  0.033866]), array([0.7697, 0.    ]))
    >>> round(step.time(regime.points[0]), 6)  # the period of the limit cycle
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
