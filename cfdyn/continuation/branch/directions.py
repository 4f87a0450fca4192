"""Both directions of a branch of cycles from one solution, put together from smooth pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from cfdyn.continuation.between_rows import between, row_of
from cfdyn.continuation.border_collisions import across
from cfdyn.continuation.branch.merging import grouped, merged, merges
from cfdyn.continuation.branch.singular import resolved
from cfdyn.continuation.branch.special_points import Special, changes, special_points, suspects
from cfdyn.continuation.branch.system import BRANCH, CycleTracer
from cfdyn.continuation.tracer import TOLERANCE, Solved, Traced
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.words import called, shown

MOST_BORDERS = 64
ROUNDS = 2
CORNERS = ("crossed", "corner", "stalled")
VERTICAL, CONSTANT = 10, 1e-10  # rows that are kept; how little the parameter changes, in units of its bounds
TURNS, BESIDE = ("fold", "branch point"), 1e-2  # what the merging looks like on the branch itself, within this length
MOST_HOPS, FINER, LEAST_HOP, BENT = 64, 1 / 64, 1e-4, 1e-3
MEETS = {"flip": "flip of", "neimark-sacker": "resonance of"}


@dataclass
class Leg:
    """Smooth pieces one after the other, the corners between them, why there are no more, and where it began."""

    pieces: list[Traced] = field(default_factory=list)
    corners: list[np.ndarray] = field(default_factory=list)
    end: str = ""
    start: np.ndarray | None = None


    @property
    def pace(self) -> float:
        """How long the next step would be, 0 if there is none."""
        return self.pieces[-1].pace if self.end == "most steps" else 0.0


@dataclass
class Whole:
    """All rows of a branch, its special points in order with the rows they lie behind, and its two ends.

    ``paces``: how long the next step would be at either end; ``start``: the row from which both legs began.
    """

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    special: list[Special]
    ends: tuple[str, str]
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0


def leg(
    tracer: CycleTracer, start: Solved, most_steps: int, most_step: float, first: float | None = None,
    progress: Callable[[int], None] | None = None, origin: Solved | None = None,
) -> Leg:  # fmt: skip
    """From a solution on in the direction of its tangent, through corners where the map switches."""
    done, found = 0, Leg(start=start.z)
    while not found.end:
        piece = _followed(tracer, start, most_steps - done, most_step, first,
                          lambda k: progress(done + k) if progress else None, origin)  # noqa: B023
        piece, origin = resolved(tracer, upright(tracer, piece)), origin or start
        found.pieces.append(piece)
        done += len(piece.points)
        found.end = piece.end
        if piece.end in CORNERS and tracer.switches and len(found.corners) < MOST_BORDERS:
            crossed = across(tracer, row_of(piece, -1), piece.beyond)
            if crossed is not None:
                last, corner, start = crossed
                found.pieces[-1] = ending(tracer, piece, last)
                if (q := grouped(tracer, corner)) < tracer.n:
                    value = shown(float(corner[-1]), tracer.bounds)
                    found.end = f"meets the {called(q)} on a border of the map at {tracer.parameter} = {value}"
                else:
                    found.corners.append(corner)
                    found.end, first = "", most_step / 20
    return found


def _followed(
    tracer: CycleTracer, start: Solved, most_steps: int, most_step: float, first: float | None,
    progress: Callable[[int], None], origin: Solved | None,
) -> Traced:  # fmt: skip
    """Rows from a solution on; where a step hopped over a part of the branch, shorter ones from before it."""
    pieces, begun, done = list[Traced](), origin or start, 0
    for _ in range(MOST_HOPS):
        piece = tracer.follow(start, most_steps - done, most_step, first,
                              lambda rows: merging(tracer, rows) or hopped(tracer, rows),
                              lambda k: progress(done + k), origin)  # fmt: skip  # noqa: B023
        pieces.append(piece)
        if piece.end != "hopped":
            break
        done += len(piece.points) - 1
        first = FINER * min(piece.pace, first if first and len(piece.points) == 1 else piece.pace)
        start, origin = row_of(piece, -1), begun
    else:
        piece = piece._replace(end="stalled")
    # The first row of each is the last of the one before.
    rows = [[part[min(k, 1) :] for part in p[:3]] for k, p in enumerate(pieces)]
    points, tangents, values = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return Traced(points, tangents, values, piece.end, piece.beyond, piece.pace)


def hopped(tracer: CycleTracer, piece: Curve) -> tuple[int, str] | None:
    """The rows up to a step across 0 in some entry that is not near a solution halfway, as where the branch has a pole at 0."""
    step, middle = np.diff(piece.points, axis=0), (piece.points[1:] + piece.points[:-1]) / 2
    crossing = (np.abs(step[:, :-1]) > 2 * np.abs(middle[:, :-1])).any(axis=1)
    for k in np.flatnonzero(crossing):
        h = tracer.length(step[k])
        if h < LEAST_HOP:
            continue
        ahead = tracer.weights * step[k] / h
        turn = np.arccos(min(1.0, float((tracer.weights * piece.tangents[k]) @ piece.tangents[k + 1])))
        found = tracer.solve(middle[k], ahead)
        if found is None or tracer.length(found.z - middle[k]) > (0.25 * turn + BENT) * h:
            return int(k) + 1, "hopped"
    return None


def upright(tracer: CycleTracer, piece: Traced) -> Traced:
    """The first rows of it where the parameter is the same in all of them: as for a linear map, all others are alike."""
    spread = float(np.ptp(piece.points[:, -1]) * tracer.weights[-1] ** 0.5)
    if len(piece.points) <= VERTICAL or spread > CONSTANT or (tracer.switches and piece.end in CORNERS):
        return piece
    return Traced(piece.points[:VERTICAL], piece.tangents[:VERTICAL], piece.values[:VERTICAL], "vertical")


def ending(tracer: CycleTracer, piece: Traced, last: Solved) -> Traced:
    """The piece up to a solution behind its last row."""
    if tracer.length(last.z - piece.points[-1]) <= TOLERANCE:
        return piece
    points, tangents, values = (np.concatenate([a, b[None]]) for a, b in zip(piece[:3], last, strict=True))
    return piece._replace(points=points, tangents=tangents, values=values)


def reversed_start(start: Solved) -> Solved:
    """The same solution with its tangent the other way."""
    values = start.values.copy()
    values[[0, 1 + BRANCH]] *= -1
    return Solved(start.z, -start.tangent, values)


def merging(tracer: CycleTracer, piece: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups, if from there on it would only be followed back."""
    if tracer.n == 1:
        return None
    turns = changes(np.sign(piece.values[:, 0]))
    rows = [k for k, q in merges(tracer, piece.points) if k in turns or grouped(tracer, piece.points[k + 1]) == q]
    return (rows[0] + 2, "merged") if rows else None


def reverse(piece: Traced) -> Traced:
    """The same rows the other way round."""
    values = piece.values[::-1].copy()
    values[:, [0, 1 + BRANCH]] *= -1
    return Traced(piece.points[::-1], -piece.tangents[::-1], values, piece.end)


def put_together(tracer: CycleTracer, forward: Leg, backward: Leg | None) -> Whole:
    """One branch, from the end of the backward leg to that of the forward leg."""
    pieces, corners = list(forward.pieces), list(forward.corners)
    ends, paces = (forward.end if forward.end == "closed" else "", forward.end), (0.0, forward.pace)
    if backward is not None:
        paces = (backward.pace, forward.pace)
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
    start = 0 if forward.start is None else row_at(points, forward.start)
    whole = Whole(points, tangents, values, special, ends, paces, start)
    return whole if tracer.n == 1 else settled(tracer, whole)


def row_at(points: np.ndarray, z: np.ndarray) -> int:
    """Where a row of unknowns stands; the parameter is compared first."""
    rows = np.flatnonzero(points[:, -1] == z[-1])
    return int(rows[(points[rows] == z).all(axis=1).argmax()])


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


def settled(tracer: CycleTracer, whole: Whole) -> Whole:
    """With the bifurcations of shorter cycles where the points merge; an end that ran past one is cut there."""
    rows, ends = [part.copy() for part in (whole.points, whole.tangents, whole.values)], list(whole.ends)
    special, first, last = list(whole.special), 0, len(whole.points)
    # A branch may begin at the shorter cycle's flip: then it is not met there.
    begun = whole.ends[0] != "merged" and grouped(tracer, whole.points[0]) < tracer.n
    found = [(k, q) for k, q in merges(tracer, whole.points) if k or not begun]
    for k, q in found:
        own = merged(tracer, whole.points[k], whole.points[k + 1], q)
        if own is None:
            continue
        z = tracer.z(np.tile(tracer.points(own.z), (tracer.n // q, 1)), own.z[-1])
        special = [s for s in special if s.kind not in TURNS or (s.row != k and tracer.length(s.z - z) > BESIDE)]
        for side, there in ((0, k == found[0][0]), (1, k == found[-1][0])):
            if whole.ends[side] == "merged" and there:
                ends[side] = f"{MEETS[own.kind]} the {called(q)} at {tracer.parameter} = {shown(float(z[-1]), tracer.bounds)}"
                put_point(tracer, rows, k + side, z)
                first, last = (k, last) if side == 0 else (first, k + 2)
                special = [s for s in special if side == ((s.row, s.place) < (k, own.place))]
        special.append(Special(own.kind, k, own.place, z, q))
    special = sorted((s._replace(row=s.row - first) for s in special), key=lambda s: (s.row, s.place))
    points, tangents, values = (part[first:last] for part in rows)
    return replace(whole, points=points, tangents=tangents, values=values, special=special, ends=(ends[0], ends[1]),
                   start=whole.start - first)  # fmt: skip


def put_point(tracer: CycleTracer, rows: list[np.ndarray], row: int, z: np.ndarray) -> None:
    """A special point as a row."""
    rows[0][row] = z
    rows[2][row] = tracer.evaluate(z, tracer.weights * rows[1][row])[2]
