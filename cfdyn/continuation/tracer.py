"""A curve of solutions followed with the compiled driver, and single solutions of it.

A *tracer* holds a corrector (see `cfdyn.continuation._kernels`) with its lengths and limits. Many functions take rows: any tuple
whose first three entries are points, tangents and values, such as a `Curve`, a `Piece` or a path.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cfdyn.continuation._kernels.driver import CORNER, CROSSED, FULL, LIMIT, STALLED, Curve, System, follow, solve_in_plane
from cfdyn.machine.jit import address, apply
from cfdyn.systems.map import Map

SHORT, CHUNK, LONG = 16, 128, 1024  # rows at a time: far away, at first, and later
LEAST, TURN, CHANGE, TOLERANCE = 1e-8, 0.5, 0.4, 1e-10
FAR = 1e5  # lengths: a curve that has come so far while its parameters come to rest diverges to infinity
WIDE, HASTE = 3.0, 2.0  # from this distance on the longest step grows, by so much of itself in each length
STILL = 1e-9  # relative to the bounds: a parameter that moves less is constant
HALVINGS = 12  # of a step across a limit
ALONG = 0.8  # the cosine of a tangent to a step that turns by no more than it may
SAME = 1e-6  # a length: closer to its origin than this the curve has closed
ENDS = {CORNER: "corner", CROSSED: "crossed"}


class Solution(NamedTuple):
    """A solution z (m,), its unit tangent (m,), the sign of the determinant and the tests (1 + tests,)."""

    z: np.ndarray
    tangent: np.ndarray
    values: np.ndarray


class Piece(NamedTuple):
    """Rows of solutions that the driver computed one after the other, and why there are no more.

    ``end``: "limit", "closed", "most steps", "far", "stalled" (no convergence), "corner" (the tangent jumps), "crossed" (a
    watched test has another sign in ``beyond``) or what ``inspect`` returned. ``pace``: the length of the next step.
    """

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    end: str
    beyond: Solution | None = None
    pace: float = 0.0


def row_of(rows: Sequence[Any], k: int) -> Solution:
    """One of the rows."""
    return Solution(*(part[k] for part in rows[:3]))


def some_rows(rows: Sequence[Any], which: Any) -> Curve:
    """The rows of a slice, a mask or an index array."""
    return Curve(*(part[which] for part in rows[:3]))


def stacked(*several: Sequence[Any]) -> Curve:
    """All rows of several, one after the other."""
    return Curve(*(np.concatenate(parts) for parts in zip(*(rows[:3] for rows in several), strict=True)))


def as_row(solution: Solution) -> Curve:
    """A solution as rows of which there is one."""
    return Curve(*(part[None] for part in solution))


class Tracer:
    """A system with m unknowns, to be followed and solved; lengths are ‖z‖² = Σ weights z².

    corrector : the compiled rule
    block : the `Block` that it reads
    weights : (m,)
    limits : (2, m), infinite for no limit
    tests : number of tests of the corrector; the first ``smooth`` of them limit the steps, a change of sign of one of the last
        ``watched`` ends them

    ``odd``: the entries of the values (1 + tests,) that change sign with the tangent.
    """

    odd: Sequence[int] = (0,)

    def __init__(
        self, corrector: Any, block: Any, weights: np.ndarray, limits: np.ndarray,
        tests: int = 0, smooth: int = 0, watched: int = 0,
    ):  # fmt: skip
        self.corrector, self.block = address(corrector), block
        self.weights, self.limits = weights, limits
        self.m, self.width, self.smooth, self.watched = len(weights), 1 + tests, smooth, watched
        self.bounded = np.isfinite(limits[0])
        self.plane = System.make(m=self.m, values=self.width, corrector=self.corrector, tolerance=TOLERANCE)
        self.work = self.plane.work

    def evaluate(self, z: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(correction, solution of [J; c] v = [0; 1], sign and tests) at z with the border c."""
        m = self.m
        self.work[:m], self.work[m : 2 * m] = z, border
        apply(self.corrector, self.work, self.block.memory, self.work[2 * m :])
        return self.work[2 * m : 3 * m].copy(), self.work[3 * m : 4 * m].copy(), self.work[4 * m :].copy()

    def length(self, vector: np.ndarray) -> float:
        """‖vector‖."""
        return float(np.sqrt((self.weights * vector * vector).sum()))

    def solve(self, z: np.ndarray, border: np.ndarray, most: int = 12) -> Solution | None:
        """Newton's method from z in the hyperplane with the normal ``border``; None if it fails."""
        self.work[self.m : 2 * self.m] = border
        return self._solved(z, most)

    def at(self, z: np.ndarray, direction: np.ndarray) -> Solution | None:
        """A solution with its tangent on the side of ``direction``, and its tests; None if there is no tangent."""
        self.work[3 * self.m : 4 * self.m] = direction
        return self._solved(z, 0)

    def _solved(self, z: np.ndarray, most: int) -> Solution | None:
        m, self.work[: self.m], self.plane.weights = self.m, z, self.weights
        if not solve_in_plane(self.plane.memory, self.block.memory, most):
            return None
        return Solution(self.work[:m].copy(), self.work[3 * m : 4 * m].copy(), self.work[4 * m :].copy())

    def leads_along(self, tangent: np.ndarray, step: np.ndarray) -> bool:
        """True if a unit tangent, or its opposite, points along a step: where the equations are singular it is rounding."""
        return bool(abs((self.weights * tangent) @ step) >= ALONG * self.length(step))

    def inside(self, z: np.ndarray) -> np.ndarray:
        """Which of the unknowns are within their limits, (m,)."""
        return (z >= self.limits[0]) & (z <= self.limits[1])

    def reversed(self, solution: Solution) -> Solution:
        """The same solution with its tangent reversed."""
        values = solution.values.copy()
        values[list(self.odd)] *= -1
        return Solution(solution.z, -solution.tangent, values)

    def solution_on_limit(self, last: Solution, beyond: np.ndarray) -> Solution | None:
        """The solution on the first limit between a solution and one beyond it."""
        for _ in range(HALVINGS):
            solution = self._straight_to_limit(last, beyond)
            if solution is not None:
                return solution
            middle = self.solve((last.z + beyond) / 2, self.weights * last.tangent)
            if middle is None:
                return None
            last, beyond = (middle, beyond) if self.inside(middle.z).all() else (last, middle.z)
        return None

    def _straight_to_limit(self, last: Solution, beyond: np.ndarray) -> Solution | None:
        step = beyond - last.z
        with np.errstate(all="ignore"):
            gaps = np.where(step > 0, self.limits[1] - last.z, self.limits[0] - last.z)
            shares = np.where(step == 0, np.inf, gaps / step)
        k = int(np.argmin(shares))
        guess, border = last.z + shares[k] * step, np.zeros(self.m)
        limit, border[k] = self.limits[int(step[k] > 0), k], 1.0
        # On the limit itself all states may be solutions, as for a learning rate of 0: then just before it.
        for share in (1.0, 1 - 1e-6):
            guess[k] = last.z[k] + share * (limit - last.z[k]) if share < 1 else limit
            solved = self.solve(guess, border)
            if solved is not None and self.length(solved.z - guess) <= self.length(step):
                solved.z[k] = guess[k]
                if not self.leads_along(solved.tangent, step):
                    return solved._replace(tangent=step / self.length(step)) if share == 1 else None
                return solved if solved.tangent @ (self.weights * last.tangent) > 0 else self.at(solved.z, -solved.tangent)
        return None

    def system(self, origin: Solution, step: float, most: float, arc: float = 0.0) -> System:
        """The driver's block: lengths of the next step and of the longest, and the arclength so far, all in `length`'s norm."""
        return System.make(
            m=self.m, values=self.width, corrector=self.corrector, smooth=self.smooth, watched=self.watched, step=step,
            least=LEAST, most=most, turn=TURN, change=CHANGE, tolerance=TOLERANCE, arc=arc, weights=self.weights,
            limits=self.limits, origin=(origin.z, origin.tangent),
        )  # fmt: skip

    def follow(
        self, start: Solution, most_steps: int, most_step: float, first: float | None = None,
        inspect: Callable[[Curve], tuple[int, str] | None] | None = None, progress: Callable[[int], None] | None = None,
        origin: Solution | None = None,
    ) -> Piece:  # fmt: skip
        """Follow the curve from a solution in the direction of its tangent.

        most_steps, most_step : number of steps, and the longest one (a length)
        first : length of the first step
        inspect : called with successive rows, each time with the last row before them; (rows to keep, why) ends the curve
        progress : called with the number of steps
        origin : point from which distances are measured and at which the curve closes, if it began before ``start``
        """
        arc = 0.0 if origin is None else np.inf
        origin = origin or start
        away = self.length(start.z - origin.z)
        longest = longest_step(most_step, away)
        system = self.system(origin, min(first or most_step, longest), longest, arc)
        pieces, end, beyond, done, pace = [as_row(start)], "", None, 0, 0.0
        while not end and done < most_steps:
            # Fewer steps before the longest is chosen anew where it is long for the distance; a row for what lies beyond.
            far = away > WIDE
            ahead = int(np.clip(away / (4 * system.most), SHORT, CHUNK) if far else np.clip(done, CHUNK, LONG))
            size = min(ahead, most_steps - done) + 2
            piece = Curve(*(np.empty((size, part.shape[1])) for part in pieces[0]))
            self._written(piece, 0, row_of(pieces[-1], -1))
            count, status = follow(system.memory, self.block.memory, Curve(*(part[:-1] for part in piece)))
            count, end, beyond = self._ended(status, piece, count, origin)
            away = self.length(piece.points[count - 1] - origin.z)
            system.most = longest_step(most_step, away)
            before, pace = pace, away * self.length(np.where(self.bounded, piece.tangents[count - 1], 0.0))
            if not end and self.length(piece.points[count - 1] - piece.points[0]) < 10 * LEAST:
                end = "stalled"
            if not end and away > FAR and pace <= before:
                end = "far"
            if inspect and (cut := inspect(some_rows(piece, slice(count)))):
                count, end = cut
            pieces.append(some_rows(piece, slice(1, count)) if count > 1 else pieces.pop())
            done += count - 1
            if progress:
                progress(done)
        rows = stacked(*pieces)
        if end in ("stalled", "corner") and not self.watched and self.runs_off(rows.points):
            end = "far"
        return Piece(*rows, end or "most steps", beyond, float(system.step))

    def runs_off(self, points: np.ndarray) -> bool:
        """True if the unknowns with limits, the parameters, are constant over `WIDE` lengths, as if a state grows like a log."""
        gaps = (points - points[-1]) ** 2 * self.weights
        beyond = np.flatnonzero(gaps.sum(axis=1) > WIDE**2)
        return len(beyond) > 0 and bool(gaps[beyond[-1] :, self.bounded].max(initial=0.0) <= STILL**2)

    def _ended(self, status: int, piece: Curve, count: int, origin: Solution) -> tuple[int, str, Solution | None]:
        """(rows, why it ended or "", the solution beyond): places the end on a limit and closes a curve."""
        if status in (FULL, STALLED):
            return count, "" if status == FULL else "stalled", None
        last, beyond = (Solution(*(part[row].copy() for part in piece)) for row in (count - 1, count))
        if status in ENDS:
            return count, ENDS[status], beyond
        if status == LIMIT:
            solved = self.solution_on_limit(last, beyond.z)
            # The last row may lie on the limit already.
            if solved is None:
                return count, "limit", None
            there = self.length(solved.z - last.z) <= TOLERANCE
            return self._written(piece, count - there, solved), "limit", None
        along = float((self.weights * (origin.z - last.z)) @ last.tangent)
        solved = self.solve(last.z + along * last.tangent, self.weights * last.tangent)
        if solved is not None and self.length(solved.z - origin.z) <= SAME:
            return self._written(piece, count, origin), "closed", None
        # Another part of the curve is close by.
        return count + 1, "", None

    def _written(self, piece: Curve, row: int, solution: Solution) -> int:
        for part, entry in zip(piece, solution, strict=True):
            part[row] = entry
        return row + 1


def longest_step(most_step: float, away: float) -> float:
    """The longest step at a distance from the origin: a curve that diverges to infinity does so in a few hundred steps."""
    return most_step * max(1.0, HASTE * (away - WIDE))


class CycleTracer(Tracer):
    """Unknowns: ``n`` blocks of a point and directions, (D,) each; then others, at the end the parameters ``names``.

    The last ``watched`` = n · ``switches`` tests are the functions at whose zeros the map is not smooth, at the points.
    """

    step: Map
    n: int
    d: int
    switches: int
    names: tuple[str, ...]
    directions: int = 0

    def blocks(self, z: np.ndarray) -> np.ndarray:
        """The points and directions (…, n, 1 + directions, D) in unknowns (…, m); a view where one can be."""
        return z[..., : self.n * (1 + self.directions) * self.d].reshape(*z.shape[:-1], self.n, 1 + self.directions, self.d)

    def points(self, z: np.ndarray) -> np.ndarray:
        """The points (…, n, D) in unknowns (…, m)."""
        return np.ascontiguousarray(self.blocks(z)[..., 0, :])

    def map_at(self, z: np.ndarray) -> Map:
        """The map with the parameters in unknowns (m,)."""
        return self.step.at(**{name: float(value) for name, value in zip(self.names, z[-len(self.names) :], strict=True)})

    def switching(self, values: np.ndarray) -> np.ndarray:
        """The switching functions at the points, (n · switches,), in the values of a solution."""
        return values[self.width - self.watched :]
