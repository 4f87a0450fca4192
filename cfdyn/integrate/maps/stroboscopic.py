"""`stroboscopic_map`: the state of a flow after a period, as a map."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.arguments import number
from cfdyn.codegen.compile import compile_rule
from cfdyn.errors import UsageError
from cfdyn.integrate.maps.course import Course, require_smooth
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.symbolic.programs.watched import constant_program
from cfdyn.symbolic.text.formula import formula
from cfdyn.systems.flow import Flow

REPEATS = 1e-9  # relative to a rate: by how much it may differ after a period
PROBES = 8  # number of states and times at which it is checked


class StroboscopicMap(FlowMap):
    """x(t₀) → x(t₀ + T) along a flow; see `stroboscopic_map`. ``period`` is T, ``begin`` t₀."""

    def __init__(self, flow: Flow, period: Any, begin: float, rtol: float, atol: float):
        self.names = flow.names[: flow.n_weights] if flow.timed else flow.names
        super().__init__(flow, rtol, atol)
        self._text, self.begin = str(period), number("`begin`", begin, finite=True)
        read = formula(self._text if isinstance(period, str) else repr(number("the period", period, finite=True)), flow.params)
        rule = compile_rule(f"period {read.key} of {tuple(flow.params)}", 1 + len(flow.params),
                            lambda: constant_program(flow.params, read))  # fmt: skip
        result = rule(np.zeros(1), np.append(self.p, 0.0))
        self.period, self._slopes = float(result[0]), dict(zip(flow.params, result[1:].tolist(), strict=True))
        if not 0 < self.period < np.inf:
            raise UsageError(f"a period is a positive number, not {self.period:g}")
        if flow.timed:
            self._check_repeats()

    def _check_repeats(self) -> None:
        random = np.random.default_rng(5)
        for k, x in enumerate(random.normal(size=(PROBES, self.dim))):
            times = self.begin + self.period * (random.random() + np.array([0.0, 1.0]))
            # Half of them positive: roots and logarithms have no value elsewhere.
            now, later = (self.flow.drift_at(np.append(np.abs(x) if k % 2 else x, time)) for time in times)
            known = np.isfinite(now) & np.isfinite(later)
            size = np.abs(now[known]).max(initial=1.0)
            if not (np.abs(later - now)[known] <= REPEATS * size).all():
                raise UsageError(f"the right-hand side does not repeat after {self._text} = {self.period:.10g}: give its period, "
                                 "as a formula if it depends on parameters, such as '2*pi/omega'")  # fmt: skip

    @property
    def title(self) -> str:
        """For messages and tables."""
        return f"{self.flow.title}, every {self._text}"

    def at(self, /, **params: float) -> StroboscopicMap:
        """The same map with other parameter values."""
        return StroboscopicMap(self.flow.at(**params), self._text, self.begin, self.rtol, self.atol)

    def full(self, x: Any) -> np.ndarray:
        """The state of the flow (n,) at a state of the map, including the time if its formulas contain it."""
        x = self.state(x)
        return np.append(x, self.begin) if self.flow.timed else x

    def time(self, x: Any) -> float:
        """The period T."""
        return self.period

    def course(self, k: int = 0, by: str = "", turned: bool = False) -> Course:
        """Steps with k tangents; see `Course`."""
        return Course(self.flow, k, by, self.rtol, self.atol, self.period, self.begin, turned=turned)

    def _by(self, image: np.ndarray, name: str) -> np.ndarray | float:
        return self.flow.drift_at(self.full(image))[: self.dim] * self._slopes[name]


def stroboscopic_map(flow: Flow, period: Any, begin: float = 0.0, rtol: float = 1e-12, atol: float = 1e-14) -> StroboscopicMap:
    """x(t₀) → x(t₀ + T) along a flow, as a map: all analyses of maps apply to a flow driven with the period T.

    Cycles of period n of the map are periodic solutions of period nT, their multipliers are Floquet multipliers, exponents
    per step are T times those per unit of time. The Jacobian is that of the variational equation dV/dt = DF V, V(t₀) = 1.

    Parameters
    ----------
    flow : a smooth flow, cf.Flow.from_text(…) or one of a loss without an edge
    period : T, a number, or a formula of the flow's parameters, "2*pi/omega"; the right-hand side must repeat after it
    begin : t₀
    rtol, atol : tolerances of the integration, explicit of order 8; round-off of the map is a few times these

    Raises
    ------
    UsageError : a flow with an edge, or a T that is not a period of the flow; for derivatives more than 60 variables

    Examples
    --------
    >>> import cfdyn as cf
    >>> duffing = cf.Flow.from_text(["v", "x - x**3 - d*v + F*cos(w*t)"], "x v", {"d": 0.3, "F": 0.2, "w": 1.2})
    >>> step = cf.stroboscopic_map(duffing, "2*pi/w")
    >>> regime = cf.analysis.classify(step, [1.0, 0.0])
    >>> regime.kind, regime.period, abs(regime.multipliers).round(9)  # their product is exp(−d·2π/w) by Liouville's formula
    ('fixed point', 1, array([0.45593813, 0.45593813]))

    References
    ----------
    Guckenheimer & Holmes (1983), Nonlinear oscillations, dynamical systems, and bifurcations of vector fields, §1.5, §2.2.
    """
    return StroboscopicMap(require_smooth(flow, "a stroboscopic map"), period, begin, rtol, atol)
