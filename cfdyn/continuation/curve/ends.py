"""Ends of a curve of bifurcations beyond which solutions continue, and where Newton's method fails: interpolated from both sides.

At a double multiplier ±1 on a Neimark–Sacker curve where a symmetry holds branches together, where the points of the cycle
merge in groups (beyond that the curve is followed back, with the points in another order), and at a bound near such a point.
"""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation._kernels.critical import BRANCH, CONDITION, PAIR
from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import Between, interpolated, polynomial
from cfdyn.continuation.branch.merging import merges, shorter_periods
from cfdyn.continuation.curve.point import Condensed, Cycles
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.tracer import Piece, Solution, as_row, row_of, some_rows, stacked
from cfdyn.cycles.shooting import jacobians
from cfdyn.numerics.illinois import zero

AROUND = 0.05  # lengths: the distance from which an end is searched for
MERGED = 1e-3  # a length: where points are nearer to each other the direction of a branch, ~1/gap, diverges to infinity
STRAIGHT = 0.95  # of the way along two sides of a triangle to that along the third
BEFORE = 5  # solutions that predict the next one
WIDE = 0.5  # a length: from no farther away the gap is followed to 0
SHARES = np.cos(np.pi * (np.arange(5) + 0.5) / 10)
TOGETHER = 1e-7  # a length: groups so near to each other have merged too, as at the tip of a tongue
CRITICAL = 1e-4  # of a multiplier to ±1 or the unit circle, where two of them may be together


class EndCondition(NamedTuple):
    """The condition ⟨normal, z⟩ = value at an end, and its name; ``period`` that of the shorter cycle where points merge."""

    name: str
    normal: np.ndarray
    value: float
    period: int = 0


def merging(tracer: CurveTracer, rows: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups: x_i and x_{i+q} pass each other along a straight line."""
    if tracer.n == 1 or tracer.form == CONDITION:
        return None
    merged = [k for k, q in merges(tracer, rows.points) if _pass_straight(tracer, rows.points[k : k + 2], q)]
    if tracer.form == BRANCH:
        merged += [int(k) for q in shorter_periods(tracer.n) for k in np.flatnonzero(_gaps(tracer, rows.points, q) < MERGED)[:1]]
    return (min(merged) + 1, "merged") if merged else None


def _pass_straight(tracer: CurveTracer, rows: np.ndarray, q: int) -> bool:
    """True if points q apart pass each other in a straight line between two rows, as where they merge."""
    points = tracer.points(rows)
    before, after = points - np.roll(points, -q, axis=1)
    return bool(np.linalg.norm(after - before) >= STRAIGHT * (np.linalg.norm(before) + np.linalg.norm(after)))


def _gaps(tracer: CurveTracer, rows: np.ndarray, q: int) -> np.ndarray:
    """The distance between x_i and x_{i+q} in rows of unknowns, in lengths."""
    points = tracer.points(rows)
    return np.sqrt(((points - np.roll(points, -q, axis=1)) ** 2 * tracer.points(tracer.weights)).sum(axis=(1, 2)))


def completed(tracer: CurveTracer, piece: Piece) -> Piece:
    """The piece up to the closest such end ahead, if there is one."""
    if piece.end not in ("limit", "stalled", "merged", "far") or (piece.points[-1] == tracer.limits).any():
        return piece
    best: tuple[float, Solution, EndCondition] | None = None
    for end in _conditions(tracer, piece):
        solved = _solution_at(tracer, piece, end)
        away = np.inf if solved is None else tracer.length(solved.z - piece.points[-1])
        if solved is not None and (best is None or away < best[0]):
            best = away, solved, end
    if best is None:
        return piece._replace(end="close") if piece.end == "merged" else piece
    _, solved, end = best
    last = len(piece.points) - 1
    if not (end.period and tracer.form == BRANCH):
        # Rows close to it have lost digits.
        gaps = np.sqrt((piece.points - solved.z) ** 2 @ tracer.weights)
        last = int(max(np.flatnonzero(gaps > AROUND / 100), default=0))
    return Piece(*stacked(some_rows(piece, slice(last + 1)), as_row(solved)), end.name)


def _conditions(tracer: CurveTracer, piece: Piece) -> list[EndCondition]:
    """The conditions of ends that may lie ahead of the last row."""
    axes, z, tangent = np.eye(tracer.m), piece.points[-1], piece.tangents[-1]
    limited = [-3] if tracer.form == PAIR else []
    limited += [-2, -1] if piece.end == "limit" else []
    conditions = [EndCondition("limit", axes[k], float(tracer.limits[int(tangent[k] > 0), k])) for k in limited]
    if tracer.form == CONDITION:
        return conditions
    points = tracer.points(z)
    for q in shorter_periods(tracer.n):
        gap = points - np.roll(points, -q, axis=0)
        normal = np.zeros(tracer.m)
        tracer.blocks(normal)[:, 0] = gap - np.roll(gap, q, axis=0)
        conditions.append(EndCondition("merged", normal, 0.0, q))
    return conditions


def _solution_at(tracer: CurveTracer, piece: Piece, end: EndCondition) -> Solution | None:
    """The solution at a nearby end, within the bounds."""
    if end.period and tracer.form == BRANCH:
        return _where_pairs_merge(tracer, piece, end)
    with np.errstate(all="ignore"):
        ahead = (end.value - piece.points @ end.normal) / (piece.tangents @ end.normal)
    for reach in AROUND * np.array([1.0, 3.0, 8.0]):
        far = np.flatnonzero(ahead >= reach)
        k = int(far[-1]) if len(far) else 0
        solved = _interpolated_at(tracer, row_of(piece, k), end, float(ahead[k])) if 0 < ahead[k] < 2 * reach else None
        if solved is not None:
            return solved
    return None


def _interpolated_at(tracer: CurveTracer, last: Solution, end: EndCondition, ahead: float) -> Solution | None:
    """The solution at about a given distance ahead along the tangent of a row; interpolated where Newton's method fails."""
    solution = interpolated(_beyond(tracer, last), 0.0, 2 * ahead)
    if solution is None:
        return None

    def test(t: float) -> float:
        return float(solution(t).z @ end.normal) - end.value

    if not test(0.0) * test(2 * ahead) < 0:
        return None
    solved = solution(zero(test, 0.0, 2 * ahead))
    if end.period:
        _merge_groups(tracer, solved.z, end.period)
    else:
        solved.z[end.normal == 1] = end.value
    return _if_valid(tracer, solved)


def _beyond(tracer: CurveTracer, last: Solution) -> Between:
    """Solutions along the tangent of a row, each sought from a polynomial through those before it.

    This crosses an end, near which the equations are nearly singular.
    """
    places, rows = [0.0], [last.z]

    def solution(t: float) -> Solution | None:
        near = polynomial(np.array(places[-BEFORE:]), np.array(rows[-BEFORE:])) if len(rows) > 1 else None
        solved = tracer.solve(near(t) if near else last.z + t * last.tangent, tracer.weights * last.tangent)
        if solved is not None:
            places.append(t)
            rows.append(solved.z)
        return solved

    return solution


def _if_valid(tracer: CurveTracer, solution: Solution) -> Solution | None:
    """The solution, if it is a critical cycle within the bounds."""
    return solution if tracer.inside(solution.z)[-2:].all() and Cycles(tracer, solution.z[None]).hold()[0] else None


def _where_pairs_merge(tracer: CurveTracer, piece: Piece, end: EndCondition) -> Solution | None:
    """Where pairs of points merge, by their gap; the opposite gap belongs to the same cycles with the points in another order."""
    gaps, half = _gaps(tracer, piece.points, end.period), tracer.n // 2
    far = np.flatnonzero(gaps * SHARES[-1] >= max(AROUND * SHARES[-1], gaps[-1]))
    k = int(far[-1]) if len(far) else 0
    if tracer.n != 2 * end.period or not gaps[-1] < gaps[k] < WIDE:
        return None
    along, nodes, rows = piece.points[k:] @ end.normal, list[float](), list[np.ndarray]()
    for share in SHARES:
        near = int(np.argmin(np.abs(along - share * along[0])))
        z = piece.points[k + near]
        nodes += [z @ end.normal, -(z @ end.normal)]
        points, values = tracer.points(z), z[-2:]
        rows += [np.append(points, values), np.append(np.roll(points, half, axis=0), values)]
    if len(set(nodes)) < len(nodes):
        return None
    met = polynomial(np.array(nodes), np.array(rows))(0.0)
    z = piece.points[-1].copy()
    tracer.blocks(z)[:, 0], z[-2:] = met[:-2].reshape(tracer.n, tracer.d), met[-2:]
    _merge_groups(tracer, z, end.period)
    return _if_valid(tracer, Solution(z, piece.tangents[-1], piece.values[-1]))


def _merge_groups(tracer: CurveTracer, z: np.ndarray, q: int) -> None:
    """Move all points of a group to their mean, in place; groups that have merged are treated as one."""
    points = tracer.blocks(z)[:, 0]
    points[:] = np.tile(points.reshape(-1, q, tracer.d).mean(axis=0), (tracer.n // q, 1))
    q = next((p for p in shorter_periods(q) if _gaps(tracer, z[None], p)[0] < TOGETHER), q)
    points[:] = np.tile(points.reshape(-1, q, tracer.d).mean(axis=0), (tracer.n // q, 1))


def of_shorter_cycle(tracer: CurveTracer, z: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """(kind, points (q, D), multipliers) of the shorter cycle onto which the points have merged."""
    points = tracer.points(z)
    q = next((q for q in shorter_periods(tracer.n) if (points == np.roll(points, -q, axis=0)).all()), tracer.n)
    spectrum = Condensed(jacobians(tracer.map_at(z), points[:q].copy())[None])
    mu, times = spectrum.multipliers[0], tracer.n // q
    if times > 2:
        return f"resonance 1:{times}", points[:q], mu
    if (np.abs(mu + 1) < CRITICAL).sum() > 1:
        return "double flip" if spectrum.split(-1.0)[0] else "resonance 1:2", points[:q], mu
    if (np.abs(mu - 1) < CRITICAL).any():
        return f"{tracer.fold_or_branch_point(z, points[:q])}-flip", points[:q], mu
    if ((np.abs(np.abs(mu) - 1) < CRITICAL) & (np.abs(np.imag(mu)) > CRITICAL)).any():
        return "flip-neimark-sacker", points[:q], mu
    return "generalized flip" if tracer.kind == "fold" else "flip", points[:q], mu
