"""A curve of bifurcations followed in two parameters in both directions."""

from collections.abc import Callable

import numpy as np

from cfdyn.continuation._kernels.critical import CONDITION
from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.branch.system import check_memory
from cfdyn.continuation.curve.ends import completed, merging
from cfdyn.continuation.curve.point import Cycles
from cfdyn.continuation.curve.system import HELD, CurveTracer
from cfdyn.continuation.paths import BorderPoint, Crossing, Path, PathFollower, solution_behind
from cfdyn.continuation.tracer import SAME, Piece, Solution, some_rows
from cfdyn.errors import NumericsError


class CurveFollower(PathFollower[CurveTracer]):
    """Steps along a curve; it ends where the points of the cycle merge, or Newton's method was misled."""

    def trace(self, start: Solution, most_steps: int, first: float | None, progress: Callable[[int], None],
              origin: Solution | None) -> Piece:  # fmt: skip
        """Rows from a solution on, up to the first that is not such a cycle; a NumericsError if the first is not one."""
        tracer, begun = self.tracer, origin or start
        piece = completed(tracer, tracer.follow(start, most_steps, self.max_step, first,
                                                lambda rows: closing(tracer, begun, rows) or merging(tracer, rows),
                                                progress, origin))  # fmt: skip
        tracer.require_branches(piece.points)
        # Beside a pole short steps of Newton's method prove nothing.
        n = int(np.append(Cycles(tracer, piece.points).hold(), False).argmin())
        if n == 0:
            raise NumericsError(f"there is no {tracer.what} near the start: Newton's method converges to a pole or jump "
                                "of the map")
        if n < len(piece.points):
            rows = some_rows(piece, slice(n))
            piece = Piece(*rows, "far" if tracer.runs_off(rows.points) else "stalled")
        return piece

    def cross(self, piece: Piece, met: BorderPoint, most_steps: int) -> Crossing:
        """Continue beyond the border, if there is such a cycle; the border counts if the map is not smooth there."""
        onward = solution_behind(self.tracer, met)
        if onward is not None and not (most_steps > 0 and Cycles(self.tracer, onward.z[None]).hold()[0]):
            onward = None
        return piece, met if self._not_smooth(met) else None, onward, "border" if onward is None else ""

    def _not_smooth(self, met: BorderPoint) -> bool:
        """True if the map has a corner or jump at the border, not just a formula that changes."""
        tracer = self.tracer
        k, j = divmod(met.switch, tracer.switches)
        step, x = tracer.map_at(met.z), tracer.points(met.z)[k]
        signs = ["".join(sign if i == j else "0" for i in range(tracer.switches)) for sign in "-+"]
        below, above = (step.rule(f"side:{s}")(x, step.p) for s in signs)
        return not np.abs(above - below).max() <= 1e-9 * (1 + np.abs(below).max())

    def both_ways(self, start: Solution) -> Path:
        """Follow the curve in both directions, unless it closes; a UsageError for more rows than fit into memory."""
        tracer = self.tracer
        row = 2 * tracer.m + tracer.width + (1 + tracer.directions) * tracer.d**2
        check_memory(row, 2 * self.max_steps, f"points of a curve of {tracer.n}-cycles")
        path = super().both_ways(start)
        if path.ends[1] != "closed":
            # A border that the start itself is on, though not the curve.
            on = np.flatnonzero(~tracer.held.ravel() & (np.abs(start.values[1:]) < HELD))
            borders = [met for j in on if self._not_smooth(met := BorderPoint(start.z, start, int(j), 1.0))]
            if borders:
                path.borders[path.start] = borders[0]
        return path

    def extension(self, unknowns: np.ndarray, side: int, pace: float) -> Path:
        """Continue one side of a curve with these ``unknowns`` (see `BifurcationCurve`); see `PathFollower.further`."""
        way = 1 if side else -1
        return self.further(solution_again(self.tracer, unknowns[2 * side], way), solution_again(self.tracer, unknowns[1], way),
                            side, pace)  # fmt: skip


def solution_again(tracer: CurveTracer, row: np.ndarray, way: int = 1) -> Solution:
    """A row (2, m) of unknowns and their tangent as a solution, the tangent that way."""
    z, tangent = row
    solved = tracer.solve(z, tracer.weights * tangent)
    there = None if solved is None else tracer.at(solved.z, way * tangent)
    if there is None:
        raise NumericsError("the solution no longer exists: the curve cannot continue")
    return there


def closing(tracer: CurveTracer, origin: Solution, rows: Curve) -> tuple[int, str] | None:
    """The rows up to where the curve returns to its origin with all directions reversed, if it does."""
    if tracer.form == CONDITION:
        return None
    z, weights = tracer.mirrored(origin.z), tracer.weights
    points, gap, step = rows.points[:-1], z - rows.points[:-1], np.diff(rows.points, axis=0) ** 2 @ weights
    away = gap**2 @ weights
    if not (away <= 1.5 * step).any():
        return None
    tangent, tangents = tracer.mirrored(origin.tangent), rows.tangents[:-1]
    along, aligned = (gap * tangents) @ weights, tangents @ (weights * tangent)
    near = (along >= 0) & (along**2 <= 1.21 * step) & (away - along**2 <= 0.25 * step) & (aligned > 0.5)
    for k in np.flatnonzero(near):
        solved = tracer.solve(points[k] + along[k] * tangents[k], weights * tangents[k])
        if solved is not None and tracer.length(solved.z - z) <= SAME:
            rows.points[k + 1], rows.tangents[k + 1] = z, tangent
            return int(k) + 2, "closed"
    return None
