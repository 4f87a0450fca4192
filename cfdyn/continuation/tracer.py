"""Follow a curve of solutions with the compiled driver, and solve single points of it.

A *tracer* holds a corrector (see `cfdyn.kernels.continuation`) with its lengths and limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cfdyn.kernels.continuation.driver import CORNER, CROSSED, FULL, LIMIT, MOST, STALLED, STEP, Curve, System, follow
from cfdyn.machine.jit import address, apply

CHUNK, SHORT = 128, 16
LEAST, TURN, CHANGE, TOLERANCE = 1e-8, 0.5, 0.4, 1e-10
FAR = 1e5  # lengths: a curve that has come so far while its parameters come to rest runs off to infinity
WIDE, HASTE = 3.0, 2.0  # from this distance on the longest step grows, by so much of itself in each length
STILL = 1e-9  # of the bounds: a parameter that moves less stands still
HALVINGS = 12  # of a step across a limit
SAME = 1e-6  # a length: nearer to its origin than this the curve has closed
ENDS = {CORNER: "corner", CROSSED: "crossed"}


class Solved(NamedTuple):
    """A solution z (m,), its unit tangent (m,), the sign of the determinant and the tests (1 + tests,)."""

    z: np.ndarray
    tangent: np.ndarray
    values: np.ndarray


class Traced(NamedTuple):
    """Rows of solutions, and why there are no more.

    ``end``: "limit", "closed", "most steps", "far", "stalled" (no convergence), "corner" (the tangent jumps), "crossed" (a
    watched test has another sign in ``beyond``) or what ``inspect`` returned. ``pace``: how long the next step would be.
    """

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    end: str
    beyond: Solved | None = None
    pace: float = 0.0


class Tracer:
    """A system with m unknowns that is followed and solved; lengths are ‖z‖² = Σ weights z².

    Parameters
    ----------
    corrector : the compiled rule
    block : the `Block` that it reads
    weights : (m,)
    limits : (2, m), infinite where there is none
    tests : how many the corrector makes; the first ``smooth`` of them limit the steps, a change of sign of one of the last
        ``watched`` ends them
    """

    def __init__(
        self, corrector: Any, block: Any, weights: np.ndarray, limits: np.ndarray,
        tests: int = 0, smooth: int = 0, watched: int = 0,
    ):  # fmt: skip
        self.corrector, self.block = address(corrector), block
        self.weights, self.limits = weights, limits
        self.m, self.width, self.smooth, self.watched = len(weights), 1 + tests, smooth, watched
        self.bounded = np.isfinite(limits[0])
        self.work = np.zeros(4 * self.m + self.width)

    def evaluate(self, z: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(correction, solution of [J; c] v = [0; 1], sign and tests) at z with the border c."""
        m = self.m
        self.work[:m], self.work[m : 2 * m] = z, border
        apply(self.corrector, self.work, self.block.memory, self.work[2 * m :])
        return self.work[2 * m : 3 * m].copy(), self.work[3 * m : 4 * m].copy(), self.work[4 * m :].copy()

    def length(self, vector: np.ndarray) -> float:
        """‖vector‖."""
        return float(np.sqrt((self.weights * vector * vector).sum()))

    def solve(self, z: np.ndarray, border: np.ndarray, most: int = 12) -> Solved | None:
        """Newton's method from z in the hyperplane with the normal ``border``; None if it fails."""
        z, before = np.array(z, dtype=float), 1e3
        for _ in range(most):
            correction, v, _ = self.evaluate(z, border)
            size = self.length(correction)
            if not size < 2 * before:
                return None
            before, z = size, z + correction
            if size <= max(TOLERANCE, 1e-14 * self.length(z)):
                return self.at(z, v)
        return None

    def at(self, z: np.ndarray, direction: np.ndarray) -> Solved | None:
        """A solution with its tangent to the side of ``direction``, and its tests; None where there is no tangent."""
        for _ in range(3):
            with np.errstate(all="ignore"):
                v = direction / self.length(direction)
                _, v, values = self.evaluate(z, self.weights * v)
            if not np.isfinite(v).all():
                return None
            direction, length = v, self.length(v)
            # v has the component 1 along the border: of length 1 it is parallel to it.
            if abs(length - 1) < 1e-15:
                break
        return Solved(z, v / length, values)

    def landed(self, last: Solved, beyond: np.ndarray) -> Solved | None:
        """The solution on the first limit between a solution and one beyond it."""
        for _ in range(HALVINGS):
            found = self._landed(last, beyond)
            if found is not None:
                return found
            middle = self.solve((last.z + beyond) / 2, self.weights * last.tangent)
            if middle is None:
                return None
            inside = (self.limits[0] <= middle.z).all() and (middle.z <= self.limits[1]).all()
            last, beyond = (middle, beyond) if inside else (last, middle.z)
        return None

    def _landed(self, last: Solved, beyond: np.ndarray) -> Solved | None:
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
            found = self.solve(guess, border)
            if found is not None and self.length(found.z - guess) <= self.length(step):
                found.z[k] = guess[k]
                return found if found.tangent @ (self.weights * last.tangent) > 0 else self.at(found.z, -found.tangent)
        return None

    def follow(
        self, start: Solved, most_steps: int, most_step: float, first: float | None = None,
        inspect: Callable[[Curve], tuple[int, str] | None] | None = None, progress: Callable[[int], None] | None = None,
        origin: Solved | None = None,
    ) -> Traced:  # fmt: skip
        """The curve from a solution on, in the direction of its tangent.

        Parameters
        ----------
        most_steps, most_step : number of steps, and the longest one (a length)
        first : length of the first step
        inspect : sees some rows after the other, each time with the last one before; (rows to keep, why) ends it
        progress : told the number of steps
        origin : where distances are measured from and the curve closes, if it began before ``start``
        """
        arc = 0.0 if origin is None else np.inf
        origin = origin or start
        away = self.length(start.z - origin.z)
        longest = longest_step(most_step, away)
        settings = np.array([min(first or most_step, longest), LEAST, longest, TURN, CHANGE, TOLERANCE, arc,
                             self.smooth, self.watched])  # fmt: skip
        pace, around = 0.0, np.stack([origin.z, origin.tangent])
        system = System(self.corrector, self.block.memory, self.weights, self.limits, around, settings, self.work)
        pieces, end, beyond, done = [Curve(*(part[None] for part in start))], "", None, 0
        while not end and done < most_steps:
            # A row more than may be filled: for what lies beyond.
            size = min(rows_ahead(away, settings[MOST]), most_steps - done) + 2
            piece = Curve(*(np.empty((size, part.shape[1])) for part in pieces[0]))
            for part, known in zip(piece, pieces[-1], strict=True):
                part[0] = known[-1]
            count, status = follow(system, Curve(*(part[:-1] for part in piece)))
            count, end, beyond = self._ended(status, piece, count, origin)
            away = self.length(piece.points[count - 1] - origin.z)
            settings[MOST] = longest_step(most_step, away)
            before, pace = pace, away * self.length(np.where(self.bounded, piece.tangents[count - 1], 0.0))
            if not end and self.length(piece.points[count - 1] - piece.points[0]) < 10 * LEAST:
                end = "stalled"
            if not end and away > FAR and pace <= before:
                end = "far"
            if inspect and (cut := inspect(Curve(*(part[:count] for part in piece)))):
                count, end = cut
            pieces.append(Curve(*(part[1:count] for part in piece)) if count > 1 else pieces.pop())
            done += count - 1
            if progress:
                progress(done)
        points, tangents, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        if end in ("stalled", "corner") and not self.watched and self.runs_off(points):
            end = "far"
        return Traced(points, tangents, values, end or "most steps", beyond, float(settings[STEP]))

    def runs_off(self, points: np.ndarray) -> bool:
        """Whether what has limits, the parameters, stands still on the last `WIDE` lengths, as where a state grows like a log."""
        gaps = (points - points[-1]) ** 2 * self.weights
        beyond = np.flatnonzero(gaps.sum(axis=1) > WIDE**2)
        return len(beyond) > 0 and bool(gaps[beyond[-1] :, self.bounded].max(initial=0.0) <= STILL**2)

    def _ended(self, status: int, piece: Curve, count: int, origin: Solved) -> tuple[int, str, Solved | None]:
        """(rows, why it ended or "", what lies beyond): lands on a limit and closes a curve."""
        if status in (FULL, STALLED):
            return count, "" if status == FULL else "stalled", None
        last, beyond = (Solved(*(part[row].copy() for part in piece)) for row in (count - 1, count))
        if status in ENDS:
            return count, ENDS[status], beyond
        if status == LIMIT:
            found = self.landed(last, beyond.z)
            # The last row may lie on the limit already.
            if found is None:
                return count, "limit", None
            there = self.length(found.z - last.z) <= TOLERANCE
            return self._put(piece, count - there, found), "limit", None
        along = float((self.weights * (origin.z - last.z)) @ last.tangent)
        found = self.solve(last.z + along * last.tangent, self.weights * last.tangent)
        if found is not None and self.length(found.z - origin.z) <= SAME:
            return self._put(piece, count, origin), "closed", None
        # Another part of the curve is close by.
        return count + 1, "", None

    def _put(self, piece: Curve, row: int, found: Solved) -> int:
        for part, entry in zip(piece, found, strict=True):
            part[row] = entry
        return row + 1


def rows_ahead(away: float, longest: float) -> int:
    """How many steps are taken before the longest one is chosen anew: few where they are long for the distance."""
    return CHUNK if away <= WIDE else int(np.clip(away / (4 * longest), SHORT, CHUNK))


def longest_step(most_step: float, away: float) -> float:
    """The longest step at a distance from the origin: what runs off to infinity does so in few hundred steps."""
    return most_step * max(1.0, HASTE * (away - WIDE))
