"""Both directions of a branch of cycles from one solution, put together from smooth pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cfdyn.analysis._border import across
from cfdyn.analysis._continuation import Solved, Traced
from cfdyn.analysis._cycle_system import BRANCH, CycleTracer
from cfdyn.analysis._shooting import least_period
from cfdyn.analysis._special import Special, between, changes, row_of, special_points, suspects
from cfdyn.kernels.continuation import Curve

MOST_BORDERS = 64
ROUNDS, WIDE = 2, 3.0


@dataclass
class Leg:
    """Smooth pieces one after the other, the corners between them, and why there are no more."""

    pieces: list[Traced] = field(default_factory=list)
    corners: list[np.ndarray] = field(default_factory=list)
    end: str = ""


@dataclass
class Whole:
    """All rows of a branch, its special points in order with the rows they lie behind, and its two ends."""

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    special: list[Special]
    ends: tuple[str, str]

    @property
    def extent(self) -> float:
        """The largest entry of the points."""
        return float(np.abs(self.points[:, :-1]).max())


def leg(
    tracer: CycleTracer, start: Solved, most_steps: int, most_step: float, first: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> Leg:  # fmt: skip
    """From a solution on in the direction of its tangent, through corners where the map switches."""
    done, found = 0, Leg()
    while not found.end:
        piece = tracer.follow(start, most_steps - done, most_step, first,
                              lambda rows: merging(tracer, rows), lambda k: progress(done + k) if progress else None, WIDE)  # noqa: B023
        found.pieces.append(piece)
        done += len(piece.points)
        found.end = piece.end
        if piece.end in ("crossed", "corner", "stalled") and tracer.switches and len(found.corners) < MOST_BORDERS:
            crossed = across(tracer, row_of(piece, -1), piece.beyond)
            if crossed is not None:
                corner, start = crossed
                found.corners.append(corner)
                found.end, first = "", most_step / 20
    return found


def reversed_start(start: Solved) -> Solved:
    """The same solution with its tangent the other way."""
    values = start.values.copy()
    values[[0, 1 + BRANCH]] *= -1
    return Solved(start.z, -start.tangent, values)


def merging(tracer: CycleTracer, piece: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups: from there on it would only be followed back."""
    n = tracer.n
    if n == 1:
        return None
    points = tracer.points(piece.points)
    for k in changes(np.sign(piece.values[:, 0])):
        for q in (q for q in range(1, n) if n % q == 0):
            before, after = (points[row] - np.roll(points[row], -q, axis=0) for row in (k, k + 1))
            if (before * after).sum() < 0:
                return k + 2, "merged"
    return None


def reverse(piece: Traced) -> Traced:
    """The same rows the other way round."""
    values = piece.values[::-1].copy()
    values[:, [0, 1 + BRANCH]] *= -1
    return Traced(piece.points[::-1], -piece.tangents[::-1], values, piece.end)


def put_together(tracer: CycleTracer, forward: Leg, backward: Leg | None) -> Whole:
    """One branch, from the end of the backward leg to that of the forward leg."""
    pieces, corners, ends = list(forward.pieces), list(forward.corners), (forward.end, forward.end)
    if backward is not None:
        ends = (backward.end, forward.end)
        back = [reverse(piece) for piece in backward.pieces[::-1]]
        # The start is the last row of one and the first of the other.
        points, tangents, values = (np.concatenate([a, b[1:]]) for a, b in zip(back[-1][:3], pieces[0][:3], strict=True))
        joint = Traced(points, tangents, values, "")
        pieces = [*back[:-1], joint, *pieces[1:]]
        corners = [*backward.corners[::-1], *corners]
    rows, special = [], []
    offset = 0
    for i, piece in enumerate(pieces):
        piece = denser(tracer, piece)
        found = special_points(tracer, piece, tracer.multipliers(piece.values))
        special += [s._replace(row=s.row + offset) for s in found]
        rows.append(piece)
        offset += len(piece.points)
        if i < len(corners):
            special.append(Special("border collision", offset - 1, 0.5, corners[i]))
    points, tangents, values = (np.concatenate(parts) for parts in zip(*(r[:3] for r in rows), strict=True))
    return trimmed(tracer, Whole(points, tangents, values, special, ends))


def denser(tracer: CycleTracer, piece: Traced) -> Traced:
    """The piece with more rows where two special points may hide in one step."""
    for _ in range(ROUNDS):
        parts: list[list[np.ndarray]] = [[], [], []]
        last = 0
        for k, share in suspects(piece, tracer.multipliers(piece.values)):
            solution = between(tracer, piece, k)
            inserted = [s for t in sorted((share / 2, share, (1 + share) / 2)) if (s := solution(t)) is not None]
            for part, rows, column in zip(parts, piece[:3], zip(*inserted, strict=True) if inserted else [()] * 3, strict=True):
                part += [rows[last : k + 1], np.array(column).reshape(-1, rows.shape[1])]
            last = k + 1
        if not last:
            break
        for part, rows in zip(parts, piece[:3], strict=True):
            part.append(rows[last:])
        points, tangents, values = (np.concatenate(part) for part in parts)
        piece = Traced(points, tangents, values, piece.end)
    return piece


def trimmed(tracer: CycleTracer, whole: Whole) -> Whole:
    """Cut at both ends where the points merge: the last row is then the flip, or branch point, of the shorter cycle."""
    ends, special = list(whole.ends), []
    first, last = 0, len(whole.points)
    rows = [whole.points, whole.tangents, whole.values]
    for s in whole.special:
        period = least_period(tracer.points(s.z), 1e-5, whole.extent) if s.kind == "branch point" else tracer.n
        if period < tracer.n:
            s = s._replace(kind="flip" if 2 * period == tracer.n else "branch point")
            # Behind the last row that is kept, or before the first, the row beyond becomes the point itself.
            for side, there in ((0, whole.ends[0] == "merged" and s.row <= 1),
                                (1, whole.ends[1] == "merged" and s.row + 2 >= len(whole.points))):  # fmt: skip
                if there:
                    other = "fixed point" if period == 1 else f"{period}-cycle"
                    how = "flip of" if s.kind == "flip" else "meets"
                    ends[side] = f"{how} the {other} at {tracer.parameter} = {s.z[-1]:.10g}"
                    put_point(tracer, rows, s.row + side, s.z)
                    first, last = (s.row, last) if side == 0 else (first, s.row + 2)
        special.append(s)
    special = [s._replace(row=s.row - first) for s in special]
    points, tangents, values = (part[first:last] for part in rows)
    return Whole(points, tangents, values, special, (ends[0], ends[1]))


def put_point(tracer: CycleTracer, rows: list[np.ndarray], row: int, z: np.ndarray) -> None:
    """A special point as a row."""
    rows[0][row] = z
    rows[2][row] = tracer.evaluate(z, tracer.weights * rows[1][row])[2]
