"""From a start beyond the edge to a state on it, by gradients and products alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import MOST_MODES, Rates, pairs, rates, weights
from cfdyn.integrate.feasible import Search, kept_below, no_state, onto_edge
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.large.tracker import ModeTracker
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

ATTEMPTS = 60  # number of points
NEAREST = 0.03  # of rtol: a next move so short changes no step that follows
ROUND_OFF, SHORT = 1e-9, 0.05  # above the edge of 2; a short move, of the start's length


class Tracked:
    """The `cfdyn.integrate.feasible.Place` of a run's modes; the next place takes over its memory."""

    def __init__(self, modes: ModeTracker):
        self.modes, self.point = modes, modes.point

    @property
    def z(self) -> np.ndarray:
        """The state (n,)."""
        return self.point.z

    @property
    def top(self) -> float:
        """The largest eigenvalue."""
        return float(self.point.values[0])

    @property
    def whole(self) -> bool:
        """Whether its memory is its own."""
        return bool(self.point.g.size)

    def at(self, z: np.ndarray) -> Tracked:
        """Another state."""
        self.modes.move(z, self.point)
        return Tracked(self.modes)

    def to_edge(self, origin: np.ndarray) -> np.ndarray | None:
        """From z to the state closest to an origin."""
        return _move(self.modes.flow, self.point, origin)


def put_on_edge(modes: ModeTracker, no_interior: Callable[[Point, bool], str]) -> None:
    """The modes of a state on the edge, near one beyond it. A NumericsError without such a state, or if ``no_interior`` states
    why there is almost none.
    """
    length = float(np.linalg.norm(modes.point.z))
    search = Search(ATTEMPTS, NEAREST * modes.options.rtol * length, SHORT * length, ROUND_OFF)
    placed, last = onto_edge(Tracked(modes), search)
    if why := no_interior(last.point, placed is not None):
        where = "no state on it was found" if placed is None else "is kept there"
        raise NumericsError(f"the start is beyond the edge, and {where}: {why}")
    if placed is None:
        raise no_state()


def _move(flow: MatrixFreeFlow, point: Point, origin: np.ndarray) -> np.ndarray | None:
    """From a point to the one closest to ``origin`` that is feasible for the edge linearised there; None if there is none."""
    if point.near > MOST_MODES:
        raise NumericsError(
            f"more than {MOST_MODES} eigenvalues are beyond the edge at the start; let the optimizer take the first steps "
            "(warm=10), "
            "start elsewhere, lower lr, or give the optimizer's state with the start"
        )
    way = origin - point.z
    if flow.own.states:
        rows, forces = _parts(flow, point)
        motion = Rates(rows @ way, rows @ forces.T)
    else:
        motion = rates(flow, way, point.edge, point.y[: point.near], point.thirds)
    y = kept_below(2.0 - point.values[: point.near], motion)
    if y is None:
        return None
    if not flow.own.states:
        # Forces are −½MT, of which no copy is made.
        y, forces = -0.5 * point.edge.speed * weights(point.near) * y, point.thirds
    for share, force in zip(y, forces, strict=True):
        way += share * force
    return way


def _parts(flow: MatrixFreeFlow, point: Point) -> tuple[np.ndarray, np.ndarray]:
    """The slopes of the gaps and the forces of all pairs, (m, n), in the states, which alone are moved."""
    k, d, u = point.near, flow.n_weights, point.u
    rows, forces = np.zeros((len(point.thirds), flow.dim)), np.zeros((len(point.thirds), flow.dim))
    square = 4 * point.edge.metric**2
    for n, (i, j) in enumerate(pairs(k)):
        both = u[i] * u[j]
        for s in range(len(flow.own.states)):
            slope, own = 2 * point.edge.slopes[s] * both, flow.block(rows[n], s)
            own[:] = slope if len(own) == d and s < len(flow.own.each) else np.sum(slope)
            squares = square * both
            flow.block(forces[n], s)[:] = flow.spread(point.edge, s, squares, float(np.sum(squares)))
    weight = weights(k)[:, None]
    return rows * weight, forces * weight
