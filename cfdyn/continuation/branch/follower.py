"""A branch of cycles followed along a parameter in both directions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.branch.bifurcations import changes
from cfdyn.continuation.branch.function_zeros import stopping
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.merging import grouped, merges
from cfdyn.continuation.branch.system import (
    MOST_DENSE,
    NO_DERIVATIVE,
    BranchTracer,
    check_size,
    check_steps,
    has_no_derivative,
    interval_around,
)
from cfdyn.continuation.paths import AT_BORDER, BorderPoint, Crossing, Path, PathFollower, off_border, solution_behind
from cfdyn.continuation.tracer import TOLERANCE, Piece, Solution, as_row, row_of, some_rows, stacked
from cfdyn.cycles.angles import opened_away
from cfdyn.cycles.same import least_period
from cfdyn.cycles.shooting import images, polish
from cfdyn.errors import NumericsError, UsageError
from cfdyn.errors import shown as brief
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map
from cfdyn.words import called, named, shown

MOST_STEPS, STEP = 10_000, 0.05  # in each direction, and the longest
VERTICAL, CONSTANT = 10, 1e-10  # rows that are kept; how little the parameter changes, in units of its bounds
# Steps across a part of the branch: how often they are taken again, by so much shorter; shorter than the least none is looked
# at. A solution lies farther than this share of the step, and what the turn of the tangent allows, from the chord's middle.
MOST_LEAPS, SHORTER, LEAST_LEAP, STRAIGHT = 64, 1 / 64, 1e-4, 1e-3
RESOLVED = 1e-5  # the least singular value, in lengths, with which rounding leaves a solution and its tangent their digits
NEAR = 0.1  # a length: farther along a branch that is blurred, it is one of a continuum
FAILED = "Newton's method does not converge"


def followed(
    step: Map, cycle: Any, parameter: str, bounds: Sequence[float], period: int | None = None, max_steps: int = MOST_STEPS,
    max_step: float = STEP, progress: Callable[[int], None] | None = None, functions: Functions | None = None,
) -> tuple[BranchTracer, Path]:  # fmt: skip
    """The system of a cycle and its branch in both directions, up to stops; see `cfdyn.analysis.continue_cycle`."""
    interval = interval_around(step, parameter, bounds)
    check_steps(max_steps, max_step)
    points = start_of(step, cycle, period, max_steps)
    if step.periodic:
        step, points = opened_away(step, points)
    tracer = BranchTracer(step, len(points), parameter, interval, points)
    start = off_border(tracer, tracer.begin(tracer.z(points, step.params[parameter])))
    return tracer, BranchFollower(tracer, max_steps, max_step, progress, functions).both_ways(start)


def given_start(step: AnyMap, cycle: Any, period: int | None) -> tuple[np.ndarray, int]:
    """The points (n, D) of a start or a single one (1, ·), and the period."""
    n = whole_number("a period", 1 if period is None else period, 1)
    try:
        rows = np.asarray(getattr(cycle, "points", cycle), dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"a start is a Cycle, points (n, D) or a state, not {brief(cycle)}") from None
    if rows.ndim == 2 and rows.shape[1] == step.dim and len(rows) and (period is None or n == len(rows)):
        n = len(rows)
    elif rows.ndim < 2 or len(rows) == 1:
        rows = rows.reshape(1, -1)
    else:
        shape = f"({n if period else 'n'}, {step.dim})"
        raise UsageError(f"a start is the points {shape} of a cycle or one state, not of shape {rows.shape}")
    return rows, n


def start_of(step: Map, cycle: Any, period: int | None, max_steps: int) -> np.ndarray:
    """The points (n, D) of a start, refined by Newton's method."""
    rows, n = given_start(step, cycle, period)
    check_size(step, n, max_steps)
    points = [step.state(row) for row in rows]
    while len(points) < n:
        points.append(images(step, points[-1][None])[0])
    return _polished(*opened_away(step, np.array(points)) if step.periodic else (step, np.array(points)))


def _polished(step: Map, points: np.ndarray) -> np.ndarray:
    n, where = len(points), named(step.params, step.params.values())
    nothing = f"there is no {called(n)} near the start{f' at {where}' if where else ''}"
    cycle = polish(step, points) if np.isfinite(points).all() else None
    if cycle is None:
        raise NumericsError(f"{nothing}: {NO_DERIVATIVE if has_no_derivative(step, points) else FAILED}")
    if n > 1 and (least := least_period(cycle, extent=np.abs(points).max(axis=0), weights=step.n_weights or 0)) < n:
        raise NumericsError(f"{nothing}: Newton's method leads to a {called(least)}; cfdyn cycles (cf.analysis.cycles) finds "
                            f"the {called(n, True)} of a box, to start from")  # fmt: skip
    return cycle


class BranchFollower(PathFollower[BranchTracer]):
    """Steps along a branch; it ends where the points of the cycle merge, where it is vertical or singular, or at a stop."""

    def __init__(
        self, tracer: BranchTracer, max_steps: int, max_step: float, progress: Callable[[int], None] | None = None,
        functions: Functions | None = None,
    ):  # fmt: skip
        super().__init__(tracer, max_steps, max_step, progress)
        self.functions = functions

    def inspect(self, rows: Curve) -> tuple[int, str] | None:
        """The rows up to the end of the branch or to a part that a step missed, and the reason."""
        cuts = [merging(self.tracer, rows) or leaping(self.tracer, rows)]
        if self.functions is not None and self.functions.stops:
            cuts.append(stopping(self.tracer, rows, self.functions))
        return min((cut for cut in cuts if cut), default=None)

    def trace(self, start: Solution, most_steps: int, first: float | None, progress: Callable[[int], None],
              origin: Solution | None) -> Piece:  # fmt: skip
        """Rows from a solution on; if a step missed a part of the branch, shorter steps from before it."""
        tracer, pieces, begun, done = self.tracer, list[Curve](), origin or start, 0
        for _ in range(MOST_LEAPS):
            piece = tracer.follow(start, most_steps - done, self.max_step, first, self.inspect,
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
        return resolved(tracer, until_vertical(tracer, Piece(*stacked(*pieces), *piece[3:])))

    def cross(self, piece: Piece, met: BorderPoint, most_steps: int) -> Crossing:
        """Continue on the other side of the border, unless the cycle has a shorter period there."""
        tracer, onward = self.tracer, solution_behind(self.tracer, met)
        if onward is None:
            return piece, None, None, piece.end
        if tracer.length(met.last.z - piece.points[-1]) > TOLERANCE:
            piece = Piece(*stacked(piece, as_row(met.last)), *piece[3:])
        if (q := grouped(tracer, met.z)) < tracer.n:
            value = shown(float(met.z[-1]), tracer.bounds)
            return piece, None, None, f"meets the {called(q)} on a border of the map at {tracer.parameter} = {value}"
        return piece, met, onward, ""

    def extension(self, rows: np.ndarray, start: int, side: int, pace: float) -> Path:
        """The path on from one side of a branch with these rows of unknowns, that end included; see `PathFollower.further`."""
        end, origin = (self._solution(rows, row, 1 if side else -1) for row in (-side, start))
        path = self.further(end, origin, side, pace)
        # One that closes is a whole from its start forwards.
        return path if side else path._replace(ends=(path.ends[0], ""))

    def _solution(self, rows: np.ndarray, row: int, way: int) -> Solution:
        """A row of the branch with its tangent to larger or smaller rows."""
        row %= len(rows)
        ahead = 1 if 0 <= row + way < len(rows) else -1
        solved = self.tracer.at(rows[row], ahead * (rows[row + ahead * way] - rows[row]))
        if solved is None:
            raise NumericsError(f"there is no tangent at {self.tracer.parameter} = {rows[row, -1]:.10g}")
        return solved


def leaping(tracer: BranchTracer, rows: Curve) -> tuple[int, str] | None:
    """The rows up to a step across 0 in some entry whose midpoint is not near a solution, as where the branch has a pole at 0."""
    step, middle = np.diff(rows.points, axis=0), (rows.points[1:] + rows.points[:-1]) / 2
    crossing = (np.abs(step[:, :-1]) > 2 * np.abs(middle[:, :-1])).any(axis=1)
    for k in np.flatnonzero(crossing):
        h = tracer.length(step[k])
        if h < LEAST_LEAP:
            continue
        ahead = tracer.weights * step[k] / h
        turn = np.arccos(min(1.0, float((tracer.weights * rows.tangents[k]) @ rows.tangents[k + 1])))
        solved = tracer.solve(middle[k], ahead)
        if solved is None or tracer.length(solved.z - middle[k]) > (0.25 * turn + STRAIGHT) * h:
            return int(k) + 1, "leap"
    return None


def merging(tracer: BranchTracer, rows: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups, if the branch would only be retraced from there on."""
    if tracer.n == 1:
        return None
    turns = changes(np.sign(rows.values[:, 0]))
    merged = [k for k, q in merges(tracer, rows.points) if k in turns or grouped(tracer, rows.points[k + 1]) == q]
    return (merged[0] + 2, "merged") if merged else None


def until_vertical(tracer: BranchTracer, piece: Piece) -> Piece:
    """The first rows of a branch on which the parameter is constant, as for a linear map: all other rows are alike."""
    spread = float(np.ptp(piece.points[:, -1]) * tracer.weights[-1] ** 0.5)
    if len(piece.points) <= VERTICAL or spread > CONSTANT or (tracer.switches and piece.end in AT_BORDER):
        return piece
    return Piece(*some_rows(piece, slice(VERTICAL)), "vertical")


def resolved(tracer: BranchTracer, piece: Piece) -> Piece:
    """A piece that stalls at a singular point, without the rows that round-off scatters around that point.

    There the derivatives of the equations in the points and in the parameter vanish together.
    """
    if piece.end not in ("stalled", "corner") or tracer.switches or tracer.m > MOST_DENSE:
        return piece
    away = np.sqrt((piece.points - piece.points[-1]) ** 2 @ tracer.weights)
    first = int(np.flatnonzero(away > NEAR)[-1]) + 1 if (away > NEAR).any() else 0
    regular = [tracer.regularity(z) >= RESOLVED for z in piece.points[first:]]
    # Blurred as far as that, it is one of a continuum; steps that slip across to another branch change the sign.
    changed = [*(piece.values[first + 1 :, 0] * piece.values[first:-1, 0] < 0), False]
    if regular[-1] or not regular[0]:
        return piece
    cut = [r and not c for r, c in zip(regular, changed, strict=True)].index(False)
    count = first + cut + regular[cut]
    scattered = piece.points[count:, -1]
    value = 0.0 if np.abs(scattered).min() <= np.ptp(scattered) else float(scattered[-1])
    end = (f"a singular point near {tracer.parameter} = {value:.6g}: the derivatives of f(x) − x in the points and in "
           f"{tracer.parameter} vanish together there, and the continuation beyond is not resolved")  # fmt: skip
    return Piece(*some_rows(piece, slice(count)), end)
