"""The central map: full steps of the optimizer, with the effect of averaging along the modes at the edge."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.equations import covariance, damped, force
from cfdyn.integrate.large.kinds.central_run import NONE, CentralRun
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.large.run import BLOW_UP, Piece
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

DAMPED = (1 - math.exp(-2)) / 2  # fraction of a step along a mode of curvature 2/η, where the flow decays by e⁻² in one step
LOST = 1 - DAMPED


class MapRun(CentralRun):
    """w ← w − ηM[g + ½∇⟨H, Σ⟩], M = 1 off the near modes and (1 − e⁻²)/2 on them, 0 ⪯ Σ ⟂ the remaining gap one step later.

    Off the edge it is gradient descent itself, so that no warm start is necessary. One unit of time is one step.
    """

    def __init__(self, flow: MatrixFreeFlow, options: Options):
        if flow.kind != "central" or not flow.of_descent:
            raise UsageError("the central map is for gradient descent only: use cf.flows.central(loss, cf.optimizers.gd(lr=…))"
                             " or omit `method`")  # fmt: skip
        super().__init__(flow, options)
        self.solver.length = 1  # full steps: no error estimate detects inexact modes

    def _covariance_now(self) -> np.ndarray:
        """X (k, k) of the step that begins now."""
        point = self.point
        if point.rates is None:
            return NONE
        y, slope, speed = point.y[: point.near], point.slope(self.flow), float(point.edge.speed)
        gap = np.diag(2.0 - point.values[: point.near])
        return covariance(damped(point.rates, point.thirds, y, LOST, slope, speed), gap)[0]

    def step(self, end: float) -> None:
        """One step, which is one of the optimizer; ``end`` is an integer."""
        if end != round(end):
            raise UsageError(f"the central map takes whole steps, not up to t = {end:g}")
        if self.steps >= self.options.max_steps:
            self.status = f"stopped at t = {self.t:.6g} after {self.steps} steps; raise `max_steps`"
            return
        self.piece = None
        try:
            point, x = self._found()
            self.edge_events.note(self.t, self.steps, 1.0, x, self.point, point)
            move = point.z - self.point.z
            self.piece = Piece(self.t, self.t + 1.0, self.point.z, point.z, move, move)
            self._go_on(point, x, 1.0, 1.0, False)
            self.t, self.h = self.t + 1.0, 1.0
            self._guard()
        except NumericsError as trouble:
            self.status = f"stopped at t = {self.t:.6g}: {trouble}"

    def _found(self) -> tuple[Point, np.ndarray]:
        """The point after a step, and the step's X; a mode that has passed the edge unseen is given a force."""
        while True:
            point, flow, push = self.point, self.flow, None
            x = self._covariance_now()
            if x.any():
                push = force(x, point.edge, point.y[: point.near], point.thirds, False)
            move = point.slope(flow, push)
            y = point.y[: point.near]
            z = point.z + move - LOST * (y @ move) @ y
            if not (np.isfinite(z).all() and np.abs(z).max() < BLOW_UP):
                raise NumericsError("the weights diverge")
            modes, wanted = self.modes.predicted(x, 1.0)
            solved = self.solver.at(z, modes, wanted)
            if not self._unseen(solved, x) or len(x) >= len(point.values):
                return solved, x
            self.modes.regain(solved.y)
            self.rejected += 1
            self.modes.widen(len(x) + 1)
