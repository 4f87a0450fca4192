"""From a start beyond the edge to a state on it, by gradients and products alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import MOST_MODES, NO_SOLUTION, multipliers, pairs, rates, weights
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.large.tracker import ModeTracker
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

ATTEMPTS, LEAST = 60, 0.1  # points looked at; of a move, where moves go to and fro
NEAREST = 0.03  # of rtol: a next move so short changes no step that follows
ROUND_OFF, SHORT = 1e-9, 0.05  # a short step, of the start's length
SETTLED = 1e-7  # of the whole way: a next step so short changes nothing


def onto_edge(modes: ModeTracker, no_room: Callable[[Point, bool], str]) -> None:
    """From a point beyond the edge to one with θP − H ⪰ 0 near it; of an optimizer with a state of its own only that is moved.

    The edge is linearised again and again; the start plus forces Σ Y B is taken, Y ⪰ 0 complementary to what is left of the
    gap, so that it is the nearest, until moves are short beside ``rtol`` of the state; Newton's method makes the edge exact.
    A NumericsError if no such state is found, or if ``no_room`` says why there is next to none.
    """
    start, last = modes.point.z, modes.point
    found, last = _moved(modes, last, True, NEAREST * modes.options.rtol * float(np.linalg.norm(start)))
    if found is None and last.g.size:
        found, last = _moved(modes, last, False)
    if found is None:
        found, last = _moved(modes, modes.move(start, last), False)
    if why := no_room(last if found is None else found, found is not None):
        where = "no state on it was found" if found is None else "is kept there"
        raise NumericsError(f"the start is beyond the edge, and {where}: {why}")
    if found is None:
        raise NumericsError("the start is beyond the edge (H is not below θP), and no state on the edge was found near it; "
                            "start elsewhere, lower lr, or give the optimizer's state with the start")  # fmt: skip


def _moved(modes: ModeTracker, point: Point, seen_from_start: bool, close: float = 0.0) -> tuple[Point | None, Point]:
    """The iteration from the start, or short steps of Newton's method from where it has come to; the last point, too."""
    start, inside, before, share = point.z, None, None, 1.0
    for _ in range(ATTEMPTS):
        if point.values[0] <= 2.0 + ROUND_OFF:
            inside = point.z  # the state alone, for memory
            if not seen_from_start:
                break
        move = _move(modes.flow, point, start if seen_from_start else point.z)
        if move is None:
            break
        size = float(np.linalg.norm(move))
        # A point on the near side of the edge may be farther away than need be.
        if inside is point.z and size <= SETTLED * np.linalg.norm(point.z - start):
            break
        if seen_from_start:
            if inside is not point.z and size <= close:
                return None, point
            share = _relaxed(share, before, move)
            before = move.copy()
            move *= share
        elif not move.any():
            break
        else:
            move *= min(1.0, SHORT * float(np.linalg.norm(start)) / size)
        for halving in range(30):
            try:
                point = modes.move(point.z + move * 0.5**halving, point)
                break
            except NumericsError:
                continue
        else:
            break
    if inside is None:
        return None, point
    if inside is not point.z or not point.g.size:
        point = modes.move(inside, point)
    return point, point


def _move(flow: MatrixFreeFlow, point: Point, origin: np.ndarray) -> np.ndarray | None:
    """From a point to the nearest one to ``origin`` that the edge, linearised there, leaves; None where there is none."""
    if point.near > MOST_MODES:
        raise NumericsError(
            f"more than {MOST_MODES} eigenvalues are beyond the edge at the start; let the optimizer go first (warm=10), "
            "start elsewhere, lower lr, or give the optimizer's state with the start"
        )
    gaps, way = np.diag(2.0 - point.values[: point.near])[np.triu_indices(point.near)], origin - point.z
    if flow.own.states:
        rows, forces = _parts(flow, point)
        along, beta = rows @ way, rows @ forces.T
    else:
        along, beta = rates(flow, way, point.edge, point.y[: point.near], point.thirds)
    y, status, _ = multipliers(gaps + along, beta)
    if status == NO_SOLUTION or not np.isfinite(y).all():
        return None
    if not flow.own.states:
        # Forces are −½MT, of which no copy is made.
        y, forces = -0.5 * point.edge.speed * weights(point.near) * y, point.thirds
    for share, force in zip(y, forces, strict=True):
        way += share * force
    return way


def _relaxed(share: float, before: np.ndarray | None, move: np.ndarray) -> float:
    """The share of a move to be made, by what became of the last one, of which so much was made (Aitken's rule for vectors)."""
    if before is None or not (change := before - move).any():
        return share
    return min(1.0, max(LEAST, share * float(before @ change) / float(change @ change)))


def _parts(flow: MatrixFreeFlow, point: Point) -> tuple[np.ndarray, np.ndarray]:
    """The slopes of the gaps and the forces of all pairs, (m, n), of the states, which alone are moved."""
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
