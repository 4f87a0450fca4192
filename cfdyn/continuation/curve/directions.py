"""Both directions of a curve of bifurcations from one solution, through the borders that the cycle meets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.between_rows import row_of
from cfdyn.continuation.border_collisions import Corner, corner, other_side
from cfdyn.continuation.branch.system import check_memory
from cfdyn.continuation.curve.ends import completed, merging
from cfdyn.continuation.curve.point import Place
from cfdyn.continuation.curve.system import HELD, CurveTracer
from cfdyn.continuation.tracer import SAME, Solved, Traced
from cfdyn.errors import NumericsError
from cfdyn.kernels.continuation.critical import CONDITION
from cfdyn.kernels.continuation.driver import Curve

MOST_BORDERS = 64


class Rows(NamedTuple):
    """All rows of a curve, the cycle in each, the corners by the rows that they lie behind, and the two ends.

    ``paces``: how long the next step would be at either end, 0 if there is none; ``start``: the row it was begun from.
    """

    traced: Traced
    places: list[Place]
    corners: dict[int, Corner]
    ends: tuple[str, str]
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0

    def reversed(self) -> Rows:
        """The same the other way round."""
        last, (points, tangents, values) = len(self.places) - 1, (part[::-1] for part in self.traced[:3])
        signs = np.append(-1.0, np.ones(values.shape[1] - 1))
        corners = {max(last - 1 - k, 0): met for k, met in self.corners.items()}
        whole = Traced(points, -tangents, signs * values, self.traced.end)
        return Rows(whole, self.places[::-1], corners, self.ends[::-1], self.paces[::-1], last - self.start)

    def followed_by(self, more: Rows) -> Rows:
        """Both as one; the last row of this one is the first of the other."""
        shift = len(self.places) - 1
        rows = [np.concatenate([a[:-1], b]) for a, b in zip(self.traced[:3], more.traced[:3], strict=True)]
        corners = self.corners | {shift + k: met for k, met in more.corners.items()}
        whole = Traced(rows[0], rows[1], rows[2], more.traced.end)
        return Rows(whole, [*self.places[:-1], *more.places], corners, (self.ends[0], more.ends[1]),
                    (self.paces[0], more.paces[1]), self.start)  # fmt: skip


def both(
    tracer: CurveTracer, first: Solved, most_steps: int, most_step: float, progress: Callable[[int], None] | None = None
) -> Rows:
    """The curve from a solution on, forwards and, unless it closes, backwards.

    Raises
    ------
    NumericsError : Newton's method was misled to what is no such cycle, or a branch point that does not persist
    UsageError : more rows than fit into memory
    """
    row = 2 * tracer.m + tracer.width + tracer.stride * tracer.d
    check_memory(row, 2 * most_steps, f"points of a curve of {tracer.n}-cycles")
    forward = leg(tracer, first, most_steps, most_step, progress)
    if not forward.places:
        raise NumericsError(f"there is no {tracer.what} near the start: Newton's method creeps to a pole or jump of the map")
    if forward.ends[1] == "closed":
        return forward
    back = leg(tracer, turned(first), most_steps, most_step, progress)
    whole = back.reversed().followed_by(forward)
    met = _begun_at(tracer, first)
    if met is not None:
        whole.corners[whole.start] = met
    return whole


def _begun_at(tracer: CurveTracer, first: Solved) -> Corner | None:
    """A border that the start itself is on, though not the curve."""
    found = np.flatnonzero(~tracer.held.ravel() & (np.abs(first.values[1:]) < HELD))
    corners = [Corner(first.z, first, int(j), 1.0) for j in found]
    return next((met for met in corners if _bent(tracer, met)), None)


def turned(start: Solved) -> Solved:
    """The same solution with its tangent the other way."""
    values = start.values.copy()
    values[0] *= -1
    return Solved(start.z, -start.tangent, values)


def leg(
    tracer: CurveTracer, start: Solved, most_steps: int, most_step: float, progress: Callable[[int], None] | None,
    first: float | None = None, origin: Solved | None = None,
) -> Rows:  # fmt: skip
    """From a solution on in the direction of its tangent."""
    pieces, places, corners, end = list[Traced](), list[Place](), dict[int, Corner](), ""
    while not end:
        done = len(places)
        tell = None if progress is None else lambda k: progress(done + k)  # noqa: B023
        inspect = partial(_inspected, tracer, origin or start)
        followed = completed(tracer, tracer.follow(start, most_steps - done, most_step, first, inspect, tell, origin=origin))
        tracer.require_branches(followed.points)
        piece, found = sound(tracer, followed)
        origin = origin or start
        pieces.append(piece)
        places += found
        end, met = piece.end, _met(tracer, piece) if len(corners) < MOST_BORDERS else None
        if met is not None:
            if _bent(tracer, met):
                corners[len(places) - 1] = met
            on = other_side(tracer, met)
            end = "border"
            if on is not None and Place(tracer, on.z).holds() and len(places) < most_steps:
                start, end, first = on, "", most_step / 20
    rows = [np.concatenate(parts) for parts in zip(*(piece[:3] for piece in pieces), strict=True)]
    pace = pieces[-1].pace if end == "most steps" else 0.0
    return Rows(Traced(rows[0], rows[1], rows[2], end), places, corners, (end if end == "closed" else "", end), (0.0, pace))


def _inspected(tracer: CurveTracer, origin: Solved, piece: Curve) -> tuple[int, str] | None:
    """The rows to keep and why, where the curve has closed or the points of the cycle have merged."""
    return _closing(tracer, origin, piece) or merging(tracer, piece)


def _closing(tracer: CurveTracer, origin: Solved, piece: Curve) -> tuple[int, str] | None:
    """The rows up to where the curve is back at its origin with all directions turned round, if it is."""
    if tracer.form == CONDITION:
        return None
    z, tangent, weights = tracer.mirrored(origin.z), tracer.mirrored(origin.tangent), tracer.weights
    points, tangents = piece.points[:-1], piece.tangents[:-1]
    gap, step = z - points, np.sqrt(np.diff(piece.points, axis=0) ** 2 @ weights)
    along, away, aligned = (gap * tangents) @ weights, gap**2 @ weights, tangents @ (weights * tangent)
    near = (along >= 0) & (along <= 1.1 * step) & (away - along**2 <= 0.25 * step**2) & (aligned > 0.5)
    for k in np.flatnonzero(near):
        found = tracer.solve(points[k] + along[k] * tangents[k], weights * tangents[k])
        if found is not None and tracer.length(found.z - z) <= SAME:
            piece.points[k + 1], piece.tangents[k + 1] = z, tangent
            return int(k) + 2, "closed"
    return None


def _met(tracer: CurveTracer, piece: Traced) -> Corner | None:
    """The border that ended a piece."""
    if piece.end not in ("crossed", "corner", "stalled") or not tracer.watched or not len(piece.points):
        return None
    with np.errstate(all="ignore"):
        return corner(tracer, row_of(piece, -1), piece.beyond)


def _bent(tracer: CurveTracer, met: Corner) -> bool:
    """Whether the map has a corner or jump at the border, not just a formula that changes."""
    k, j = divmod(met.switch, tracer.switches)
    step, x = tracer.map_at(met.z), tracer.points(met.z)[k]
    signs = ["".join(sign if i == j else "0" for i in range(tracer.switches)) for sign in "-+"]
    below, above = (step.rule(f"side:{s}")(x, step.p) for s in signs)
    return not np.abs(above - below).max() <= 1e-9 * (1 + np.abs(below).max())


def sound(tracer: CurveTracer, found: Traced) -> tuple[Traced, list[Place]]:
    """The rows up to the first one that is no such cycle (beside a pole short steps of Newton's method prove nothing)."""
    places: list[Place] = []
    for z in found.points:
        place = Place(tracer, z)
        if not place.holds():
            n = len(places)
            end = "far" if n and tracer.runs_off(found.points[:n]) else "stalled"
            return Traced(found.points[:n], found.tangents[:n], found.values[:n], end), places
        places.append(place)
    return found, places
