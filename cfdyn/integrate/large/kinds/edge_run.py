"""The edge flow of a loss of many weights: a centre and one mode of oscillation about it, by stabilised steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.large.run import BLOW_UP, Attempt, LargeRun, Piece
from cfdyn.integrate.large.stages import advance, error, stages
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.edge_flow import LARGEST, MatrixFreeEdgeFlow

MARGIN, TURN, AGAIN = 1.2, 2.0, 8  # of the largest curvature; what keeps |u| = 1; steps after which the curvature is asked again


class EdgeRun(LargeRun):
    """Steps of (c, u, ln ρ) with error control; its only mode is u, its only eigenvalue uᵀHu."""

    flow: MatrixFreeEdgeFlow

    def __init__(self, flow: MatrixFreeEdgeFlow, options: Options):
        if options.method != "auto":
            raise UsageError("the central map exists for the central flow only: omit `method`")
        self.top, self.velocity = math.nan, np.zeros(0)
        super().__init__(flow, options)

    def begin(self, z: np.ndarray) -> None:
        """Start at a state (n,)."""
        self.flow.check(z)
        self._ask(z)
        point, self.velocity = self._at(z)
        self.modes.begin(point)
        if not np.isfinite(self.velocity).all():
            raise NumericsError("the flow is not defined at the start; start elsewhere")
        self.h = min(self.options.max_step, 0.5 / self.radius())

    def _ask(self, z: np.ndarray) -> None:
        """About the largest ηλ."""
        none = np.zeros((0, self.flow.n_weights))
        self.top = self.solver.top(z[: self.flow.n_weights], self.flow.edge(z), none, self.options.seed)

    def _velocity(self, z: np.ndarray) -> tuple[np.ndarray, float]:
        return self.flow.velocity(z, self.oracle.gradient, self.oracle.product)

    def _at(self, z: np.ndarray) -> tuple[Point, np.ndarray]:
        """The point at a state, and its velocity there."""
        d, (f, curvature) = self.flow.n_weights, self._velocity(z)
        u, edge = z[d : 2 * d], self.flow.edge(z)
        self.x = np.array([[math.exp(2 * z[-1]) * float(edge.metric)]])
        # The gradient at the centre is told to rows alone, which ask for it.
        return Point(z, np.zeros(0), edge, u[None] / np.linalg.norm(u), np.array([curvature]), 1), f

    @property
    def covariance_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """U (1, d) and X (1, 1) of Σ = ρ²uuᵀ."""
        if not len(self.point.g):
            self.point.g = self.oracle.gradient(self.w)
        return self.point.u, self.x

    def radius(self) -> float:
        """A bound on the decay of c and u, per unit of time."""
        return max(MARGIN * max(self.top, float(self.point.values[0])), TURN) + TURN

    def _guard(self) -> None:
        if self.steps % AGAIN == 0:
            self._ask(self.point.z)

    def _error(self, off: np.ndarray) -> float:
        """The largest of the errors of c, u and ln ρ, in tolerances."""
        d, options = self.flow.n_weights, self.options
        sizes = [float(np.linalg.norm(part)) for part in (off[:d], off[d : 2 * d], off[-1:])]
        scales = [float(np.linalg.norm(self.w)), 1.0, 1.0]
        return max(one / (options.atol + options.rtol * scale) for one, scale in zip(sizes, scales, strict=True))

    def _attempt(self, h: float) -> Attempt:
        point, before, why = self.point, self.velocity, "the flow diverges or is not smooth"
        with np.errstate(all="ignore"):
            z = advance(point.z, before, h, stages(h, self.radius()), lambda z: self._velocity(z)[0])
            if not (np.isfinite(z).all() and np.abs(z).max() < BLOW_UP and z[-1] < LARGEST):
                return Attempt(math.inf, why)
            reached, after = self._at(z)
            worst = self._error(error(point.z, before, z, after, h)) if np.isfinite(after).all() else math.inf
        return Attempt(worst, why, reached, before, after)

    def _accept(self, tried: Attempt, h: float, cut: bool, end: float) -> None:
        reached = self._after(h, end)
        self.piece = Piece(self.t, reached, self.z, tried.after.z, tried.slope, tried.ends)
        self._take(tried.after, self.x, h, tried.worst, cut)
        self.t, self.velocity = reached, tried.ends

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays."""
        return {**super().snapshot(), "top": np.array(self.top), "velocity": self.velocity.copy()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot`, earlier or later."""
        super().restore(arrays)
        self.top, self.velocity = float(arrays["top"]), np.array(arrays["velocity"])
