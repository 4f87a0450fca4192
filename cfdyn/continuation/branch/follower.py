"""A branch of cycles followed along a parameter in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.continuation.borders import BorderPoint, off_border, solution_behind
from cfdyn.continuation.branch.bifurcations import changes
from cfdyn.continuation.branch.merging import grouped, merges
from cfdyn.continuation.branch.singular import resolved
from cfdyn.continuation.branch.start import start_of
from cfdyn.continuation.branch.system import BranchTracer
from cfdyn.continuation.paths import AT_BORDER, Crossing, Path, PathFollower
from cfdyn.continuation.requirements import check_steps, checked_bounds
from cfdyn.continuation.tracer import TOLERANCE, Piece, Solution, as_row, row_of, some_rows, stacked
from cfdyn.cycles.angles import opened_away
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.systems.map import Map
from cfdyn.words import called, shown

MOST_STEPS, STEP = 10_000, 0.05  # in each direction, and the longest
VERTICAL, CONSTANT = 10, 1e-10  # rows that are kept; how little the parameter changes, in units of its bounds
# Steps across a part of the branch: how often they are taken again, by so much shorter; shorter than the least none is looked
# at. A solution lies farther than this share of the step, and what the turn of the tangent allows, from the chord's middle.
MOST_LEAPS, SHORTER, LEAST_LEAP, STRAIGHT = 64, 1 / 64, 1e-4, 1e-3


def followed(
    step: Map, cycle: Any, parameter: str, bounds: Sequence[float], period: int | None = None, max_steps: int = MOST_STEPS,
    max_step: float = STEP, progress: Callable[[int], None] | None = None,
) -> tuple[BranchTracer, Path]:  # fmt: skip
    """The system of a cycle and its branch in both directions; see `cfdyn.analysis.continue_cycle.continue_cycle`."""
    lo, hi = checked_bounds(step, parameter, bounds)
    if not lo <= step.params[parameter] <= hi:
        raise UsageError(f"the branch starts at {parameter} = {step.params[parameter]:.10g}, outside the bounds {lo:g} to "
                         f"{hi:g}; use step.at({parameter}=…), or other bounds")  # fmt: skip
    check_steps(max_steps, max_step)
    step, points = opened_away(step, start_of(step, cycle, period, max_steps))
    tracer = BranchTracer(step, len(points), parameter, (lo, hi), points)
    start = off_border(tracer, tracer.begin(tracer.z(points, step.params[parameter])))
    return tracer, BranchFollower(tracer, max_steps, max_step, progress).both_ways(start)


class BranchFollower(PathFollower[BranchTracer]):
    """Steps along a branch; it ends where the points of the cycle merge, is vertical, or singular."""

    def trace(self, start: Solution, most_steps: int, first: float | None, progress: Callable[[int], None],
              origin: Solution | None) -> Piece:  # fmt: skip
        """Rows from a solution on; where a step leapt over a part of the branch, shorter ones from before it."""
        pieces, begun, done = list[Curve](), origin or start, 0
        for _ in range(MOST_LEAPS):
            piece = self.tracer.follow(start, most_steps - done, self.max_step, first, self._inspected,
                                       lambda k: progress(done + k), origin)  # fmt: skip  # noqa: B023
            # The first row is the last of those before.
            pieces.append(some_rows(piece, slice(min(len(pieces), 1), None)))
            if piece.end != "leap":
                break
            done += len(piece.points) - 1
            first = SHORTER * min(piece.pace, first if first and len(piece.points) == 1 else piece.pace)
            start, origin = row_of(piece, -1), begun
        else:
            piece = piece._replace(end="stalled")
        return resolved(self.tracer, until_vertical(self.tracer, Piece(*stacked(*pieces), *piece[3:])))

    def _inspected(self, rows: Curve) -> tuple[int, str] | None:
        return merging(self.tracer, rows) or leaping(self.tracer, rows)

    def cross(self, piece: Piece, met: BorderPoint, most_steps: int) -> Crossing:
        """On from the other side of the border, unless there the cycle is one of a shorter period."""
        tracer, onward = self.tracer, solution_behind(self.tracer, met)
        if onward is None:
            return Crossing(piece, None, None, piece.end)
        if tracer.length(met.last.z - piece.points[-1]) > TOLERANCE:
            piece = Piece(*stacked(piece, as_row(met.last)), *piece[3:])
        if (q := grouped(tracer, met.z)) < tracer.n:
            value = shown(float(met.z[-1]), tracer.bounds)
            return Crossing(piece, None, None, f"meets the {called(q)} on a border of the map at {tracer.parameter} = {value}")
        return Crossing(piece, met, onward, "")

    def extension(self, rows: np.ndarray, start: int, side: int, pace: float) -> Path:
        """What follows on one side of a branch with these rows of unknowns, that end included; see `PathFollower.further`."""
        end, origin = (self._solution(rows, row, 1 if side else -1) for row in (-side, start))
        return self.further(end, origin, side, pace)

    def _solution(self, rows: np.ndarray, row: int, way: int) -> Solution:
        """A row of the branch with its tangent to larger or smaller rows."""
        row %= len(rows)
        ahead = 1 if 0 <= row + way < len(rows) else -1
        found = self.tracer.at(rows[row], ahead * (rows[row + ahead * way] - rows[row]))
        if found is None:
            raise NumericsError(f"there is no tangent at {self.tracer.parameter} = {rows[row, -1]:.10g}")
        return found


def leaping(tracer: BranchTracer, rows: Curve) -> tuple[int, str] | None:
    """The rows up to a step across 0 in some entry that is not near a solution halfway, as where the branch has a pole at 0."""
    step, middle = np.diff(rows.points, axis=0), (rows.points[1:] + rows.points[:-1]) / 2
    crossing = (np.abs(step[:, :-1]) > 2 * np.abs(middle[:, :-1])).any(axis=1)
    for k in np.flatnonzero(crossing):
        h = tracer.length(step[k])
        if h < LEAST_LEAP:
            continue
        ahead = tracer.weights * step[k] / h
        turn = np.arccos(min(1.0, float((tracer.weights * rows.tangents[k]) @ rows.tangents[k + 1])))
        found = tracer.solve(middle[k], ahead)
        if found is None or tracer.length(found.z - middle[k]) > (0.25 * turn + STRAIGHT) * h:
            return int(k) + 1, "leap"
    return None


def merging(tracer: BranchTracer, rows: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups, if from there on it would only be followed back."""
    if tracer.n == 1:
        return None
    turns = changes(np.sign(rows.values[:, 0]))
    merged = [k for k, q in merges(tracer, rows.points) if k in turns or grouped(tracer, rows.points[k + 1]) == q]
    return (merged[0] + 2, "merged") if merged else None


def until_vertical(tracer: BranchTracer, piece: Piece) -> Piece:
    """The first rows of it where the parameter is the same in all of them: as for a linear map, all others are alike."""
    spread = float(np.ptp(piece.points[:, -1]) * tracer.weights[-1] ** 0.5)
    if len(piece.points) <= VERTICAL or spread > CONSTANT or (tracer.switches and piece.end in AT_BORDER):
        return piece
    return Piece(*some_rows(piece, slice(VERTICAL)), "vertical")
