"""The crossings of an unstable and a stable manifold of a map of the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.manifolds._kernels.meetings import LEAF, boxes_of, crossings
from cfdyn.manifolds.arm import Arm

MOST = 20_000  # crossings of two arms
TURNS, EXACT = 30, 4e-16  # of Newton's method; of the size of a point
CLOSE = 1e-10  # units: two arms that come no closer do not cross


@dataclass(frozen=True)
class Crossing:
    """W_u(s) = W_s(t) at ``point`` (D,), with the ``angle`` between the curves, −π/2 to π/2; ``gap``: |W_u − W_s| there."""

    s: float
    t: float
    point: np.ndarray
    angle: float
    gap: float


def crossings_of(out: Arm, rows: np.ndarray, into: Arm, others: np.ndarray, box: np.ndarray) -> list[Crossing]:
    """Where two grown arms, one unstable and one stable, cross in a box (D, 2), by increasing |s|; not at the cycle itself.

    NumericsError: more crossings than can be kept
    """
    chains = [_inside(table, box) for table in (rows, others)]
    trees = [_tree(chain) for chain in chains]
    pairs = np.empty((MOST, 4))
    count = crossings(chains[0], trees[0], chains[1], trees[1], pairs)
    if count < 0:
        raise NumericsError(f"the manifolds cross more than {MOST:,} times: grow a shorter length")
    same = out.series.points[out.place], into.series.points[into.place]
    result: list[Crossing] = []
    for i, u, j, v in pairs[:count]:
        i, j = int(i), int(j)
        if i == 0 and j == 0 and np.allclose(*same):
            continue
        start = rows[i, 0] + u * (rows[i + 1, 0] - rows[i, 0]), others[j, 0] + v * (others[j + 1, 0] - others[j, 0])
        crossing = refined(out, into.anchored(others[j, 0], others[j, 1:]), *start)
        if crossing is not None and not any(_same(crossing, other) for other in result):
            result.append(crossing)
    return sorted(result, key=lambda crossing: abs(crossing.s))


def _inside(table: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The points (m, 2) of a grown arm, NaN where it is outside the box with both neighbours."""
    points = np.ascontiguousarray(table[:, 1:])
    outside = np.asarray(((points < box[:, 0]) | (points > box[:, 1])).any(axis=1))
    alone = outside.copy()
    alone[1:] &= outside[:-1]
    alone[:-1] &= outside[1:]
    points[alone] = np.nan
    return points


def _tree(chain: np.ndarray) -> np.ndarray:
    leaves = 1
    while leaves * LEAF < len(chain):
        leaves *= 2
    boxes = np.empty((2 * leaves, 4))
    boxes_of(chain, boxes)
    return boxes


def refined(out: Arm, into: Arm, s: float, t: float) -> Crossing | None:
    """The crossing near s and t by Newton's method, to round-off; None if there is none."""
    best: Crossing | None = None
    for _ in range(TURNS):
        one, other = out.at(s), into.at(t)
        defect = one[0] - other[0]
        gap = float(np.abs(defect / out.unit).max())
        if not np.isfinite(one).all() or not np.isfinite(other).all():
            break
        if best is not None and not gap < 0.5 * best.gap and best.gap < CLOSE:
            break
        if best is None or gap < best.gap:
            best = Crossing(s, t, one[0], _angle(one[1] / out.unit, other[1] / out.unit), gap)
        matrix = np.column_stack([one[1], -other[1]])
        try:
            ds, dt = np.linalg.solve(matrix, -defect)
        except np.linalg.LinAlgError:
            break
        # Near a tangency a full step may lead to another place altogether.
        share = min(1.0, 0.2 * abs(s) / (abs(ds) + 1e-300), 0.2 * abs(t) / (abs(dt) + 1e-300))
        s, t = s + share * ds, t + share * dt
    return best if best is not None and best.gap < CLOSE else None


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    """Of two lines, from the first to the second."""
    turn = np.arctan2(one[0] * other[1] - one[1] * other[0], one @ other)
    return float((turn + np.pi / 2) % np.pi - np.pi / 2)


def _same(one: Crossing, other: Crossing) -> bool:
    return abs(one.s - other.s) <= 1e-9 * abs(one.s) and abs(one.t - other.t) <= 1e-9 * abs(one.t)
