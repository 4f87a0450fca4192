"""Constant curvature, by products with the Hessian alone: neutral modes, and blocks for which no stable set has an interior."""

from typing import NamedTuple

import numpy as np

from cfdyn.integrate.constant import MOVES, STILL, Narrow, lr_at_edge, sharpest
from cfdyn.integrate.equations import ON_EDGE
from cfdyn.integrate.large.mode_solver import ModeSolver, Point

BEGINS = 1e-3  # relative to the edge: modes this close are examined
MOST, SHARE, WHOLE = 16, 0.05, 0.99  # weights asked about; of each in these modes, at least; of one of these modes in all of them
EQUAL = 1e-9  # relative: round-off of a product


class Block(NamedTuple):
    """Weights with the same block of P^-½HP^-½ at all examined states: of its eigenvectors at the edge or beyond (m, d) those
    that are eigenvectors of the whole matrix there, ``neutral``, and the others, ``held``; its largest eigenvalue.
    """

    neutral: np.ndarray
    held: np.ndarray
    top: float
    states: int


def constant_block(solver: ModeSolver, point: Point, sure: bool = True) -> Block | None:
    """The constant block at the edge or beyond, among the weights in which modes there are concentrated; None if none was found.

    ``sure``: only if a mode is concentrated in few weights, since the search takes some products for each of them.
    """
    flow, d = solver.flow, solver.d
    y = point.y[point.values >= 2.0 * (1 - BEGINS)]
    share = (y**2).sum(axis=0)
    some = np.argsort(-share, kind="stable")[:MOST]
    some = np.sort(some[share[some] > SHARE])
    if flow.own.states or not len(some) or (sure and np.linalg.norm(y[:, some], 2) ** 2 < WHOLE):
        return None
    random, rows = np.random.default_rng(0), np.zeros((len(some), d))
    rows[range(len(some)), some] = 1.0
    far = max(1.0, float(np.abs(point.z).max()))
    states = [point.z, *(point.z + move * far * random.normal(size=d) for move in MOVES[:3])]
    columns = [curved for z in states if np.isfinite(curved := solver.curved(z, point.edge, rows)).all()]
    if len(columns) < 2:
        return None
    scaled, size = columns[0][:, some], max(2.0, float(np.abs(columns[0]).max()))
    same = np.all([np.abs(curved[:, some] - scaled) <= EQUAL * size for curved in columns], axis=0)
    block, top = sharpest(same, (scaled + scaled.T) / 2)
    if not block or top < 2.0 * (1 - ON_EDGE):
        return None
    values, vectors = np.linalg.eigh(scaled[np.ix_(block, block)])
    chosen = values >= 2.0 * (1 - ON_EDGE)
    own, levels = vectors[:, chosen].T, values[chosen]
    apart = np.hstack([own @ curved[block] - levels[:, None] * (own @ rows[block]) for curved in columns])
    turn, sizes, _ = np.linalg.svd(apart, full_matrices=True)
    still = sizes <= STILL if top <= 2.0 * (1 + STILL) else np.zeros(len(sizes), dtype=bool)
    modes = turn.T @ own @ rows[block]
    return Block(modes[still], modes[~still], top, len(columns))


def no_interior(solver: ModeSolver, point: Point, sure: bool) -> str:
    """Why no state is below the edge: by interlacing λ₁ is at least an eigenvalue of such a block; "" if none is known."""
    block, flow = constant_block(solver, point, sure), solver.flow
    if block is None or not len(block.held):
        return ""
    own = np.flatnonzero((block.held**2).sum(axis=0) > 1e-6).tolist()
    lr = float(flow.params.get("lr", np.nan))
    curvature = block.top * _metric(solver, point.z, lr, own[0])
    names = tuple(flow.names[i] for i in own)
    lr = lr_at_edge(lr, lambda lr: curvature / _metric(solver, point.z, lr, own[0]))
    return Narrow(names, block.top, curvature, lr, f"the {block.states} examined states").said


def _metric(solver: ModeSolver, z: np.ndarray, lr: float, weight: int) -> float:
    """θP/2 of a weight at this lr."""
    flow = solver.flow if np.isnan(lr) else solver.flow.at(lr=lr)
    return float(np.broadcast_to(flow.edge(z).metric, solver.d)[weight])
