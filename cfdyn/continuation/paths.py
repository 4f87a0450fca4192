"""A path of solutions: both directions from one solution, across borders where the map is not smooth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.tracer import CycleTracer, Piece, Solution, row_of, some_rows, stacked

AT_BORDER = ("crossed", "corner", "stalled")  # how a piece ends where a switching function vanishes
MOST_BORDERS = 64  # in one direction, so that a path on which they pile up ends
REAL = 1e-9  # an imaginary part less than this, relative: a real multiplier
CRITICAL = 1e-3  # how near to 1 or −1 a multiplier decides nothing
HALVINGS, CLOSE = 60, 1e-9  # of the last step before a border: until so small a length is left of it
NEAR = 1e-5  # a length: how far from a border steps may have stalled
DIFFERENCE = 1e-6  # a length: for the speed at which switching functions go to 0
ASIDE = 1e-7  # a length: for the normal of a border, and the distance behind it at which a tangent is searched for
ON = 1e-9  # of a switching function: a point is on its border


class BorderPoint(NamedTuple):
    """A zero of a switching function: the last solution before it, the function, and its sign behind it.

    ``switch`` counts from 0 to n · switches: those of the first point of the cycle come first.
    """

    z: np.ndarray
    last: Solution
    switch: int
    sign: float


Crossing = tuple[Piece, BorderPoint | None, Solution | None, str]
Followed = TypeVar("Followed", bound=CycleTracer)


class Path(NamedTuple):
    """Rows of solutions from one end to the other.

    ``borders``: the borders met, by the rows behind which they lie. ``ends``: why there are no more rows. ``paces``: the length
    of the next step at either end, 0 if that end did not run out of steps. ``start``: the row from which it began.
    """

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    borders: dict[int, BorderPoint]
    ends: tuple[str, str]
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0

    def reversed(self, odd: Sequence[int]) -> Path:
        """The path from its other end; ``odd``: the entries of the values that change sign."""
        last, values = len(self.points) - 1, self.values[::-1].copy()
        values[:, list(odd)] *= -1
        borders = {max(last - 1 - k, 0): met for k, met in self.borders.items()}
        points, tangents = self.points[::-1], -self.tangents[::-1]
        return Path(points, tangents, values, borders, self.ends[::-1], self.paces[::-1], last - self.start)

    def followed_by(self, more: Path) -> Path:
        """Both as one; the first row of the other is the last of this one."""
        last = len(self.points) - 1
        borders = self.borders | {last + k: met for k, met in more.borders.items()}
        rows = stacked(self, some_rows(more, slice(1, None)))
        return Path(*rows, borders, (self.ends[0], more.ends[1]), (self.paces[0], more.paces[1]), self.start)

    def smooth_pieces(self) -> Iterator[tuple[Curve, BorderPoint | None]]:
        """The rows between borders, with the border behind them."""
        first = 0
        for k, met in sorted(self.borders.items()):
            yield some_rows(self, slice(first, k + 1)), met
            first = k + 1
        yield some_rows(self, slice(first, None)), None


class PathFollower(ABC, Generic[Followed]):
    """Follows the solutions of a system; `trace` and `cross` are the system's own.

    ``max_steps``: in each direction; ``max_step``: the longest; ``progress`` is called with the number of steps.
    """

    def __init__(self, tracer: Followed, max_steps: int, max_step: float, progress: Callable[[int], None] | None = None):
        self.tracer, self.max_steps, self.max_step = tracer, max_steps, max_step
        self.progress = progress or (lambda steps: None)

    @abstractmethod
    def trace(self, start: Solution, most_steps: int, first: float | None, progress: Callable[[int], None],
              origin: Solution | None) -> Piece:  # fmt: skip
        """Rows from a solution on, up to a border, as in `Tracer.follow`."""

    @abstractmethod
    def cross(self, piece: Piece, met: BorderPoint, most_steps: int) -> Crossing:
        """Continue a piece that has met a border, with a number of steps left.

        Returns its rows, the border if it counts, and either the solution from which to continue or why the path ends.
        """

    def one_way(self, start: Solution, first: float | None = None, origin: Solution | None = None) -> Path:
        """Follow the path from a solution in the direction of its tangent; ``first``: the length of the first step.

        ``origin``: the point from which distances are measured and at which the path closes, if it began before ``start``.
        """
        pieces, borders, done, rows, end = list[Piece](), dict[int, BorderPoint](), 0, 0, ""
        while not end:
            piece = self.trace(start, self.max_steps - done, first, lambda k: self.progress(done + k), origin)  # noqa: B023
            end, origin = piece.end, origin or start
            done += len(piece.points)
            met = None
            if end in AT_BORDER and self.tracer.switches and len(borders) < MOST_BORDERS:
                met = border_ahead(self.tracer, row_of(piece, -1), piece.beyond)
            if met is not None:
                piece, border, onward, end = self.cross(piece, met, self.max_steps - done)
                if border is not None:
                    borders[rows + len(piece.points) - 1] = border
                if onward is not None:
                    start, first = onward, self.max_step / 20
            rows += len(piece.points)
            pieces.append(piece)
        pace = pieces[-1].pace if end == "most steps" else 0.0
        return Path(*stacked(*pieces), borders, (end if end == "closed" else "", end), (0.0, pace))

    def both_ways(self, start: Solution) -> Path:
        """Follow the path from a solution in both directions, unless it closes."""
        forward = self.one_way(start)
        if forward.ends[1] == "closed":
            return forward
        return self.one_way(self.tracer.reversed(start)).reversed(self.tracer.odd).followed_by(forward)

    def further(self, end: Solution, origin: Solution, side: int, pace: float) -> Path:
        """The continuation of one side of a path (0: its first row, 1: its last), including that end, its tangent outwards."""
        path = self.one_way(end, pace, origin)
        return path if side else path.reversed(self.tracer.odd)


@np.errstate(all="ignore")
def border_ahead(tracer: CycleTracer, last: Solution, beyond: Solution | None) -> BorderPoint | None:
    """The border that ended steps at a solution; None if no switching function is about to vanish there."""
    last = _narrowed(tracer, last, beyond)
    before = tracer.evaluate(last.z - DIFFERENCE * last.tangent, tracer.weights * last.tangent)[2]
    values = tracer.switching(last.values)
    slope = (values - tracer.switching(before)) / DIFFERENCE
    distance = -values / slope
    distance[~(distance >= 0)] = np.inf
    j = int(np.argmin(distance))
    if not distance[j] <= NEAR:
        return None
    return BorderPoint(last.z + distance[j] * last.tangent, last, j, float(np.sign(slope[j])))


def _narrowed(tracer: CycleTracer, last: Solution, beyond: Solution | None) -> Solution:
    """The last solution before the border, to within round-off of it, by halving the step to the one beyond."""
    if beyond is None:
        return last
    border = tracer.weights * last.tangent
    lo, hi, signs = 0.0, float(border @ (beyond.z - last.z)), np.sign(tracer.switching(last.values))
    start, tangent = last.z, last.tangent
    for _ in range(HALVINGS):
        middle = (lo + hi) / 2
        solved = tracer.solve(start + middle * tangent, border)
        if solved is not None and (np.sign(tracer.switching(solved.values)) == signs).all():
            lo, last = middle, solved
        else:
            hi = middle
        if hi - lo <= CLOSE:
            break
    return last


def solution_behind(tracer: CycleTracer, met: BorderPoint) -> Solution | None:
    """A solution behind the border, with its tangent away from it; None if there is none close by."""
    border = tracer.weights * met.last.tangent

    def switch(z: np.ndarray) -> float:
        return float(tracer.switching(tracer.evaluate(z, border)[2])[met.switch])

    normal = _normal(tracer, met, switch)
    aside = met.z + met.sign * ASIDE * normal / tracer.length(normal)
    for direction in (met.last.tangent, tracer.weights**-0.5 * np.ones(tracer.m)):
        side = tracer.at(aside, direction)
        if side is not None:
            break
    else:
        return None
    ahead = met.sign * (switch(aside + ASIDE * side.tangent) - switch(aside))
    tangent = side.tangent if ahead > 0 else -side.tangent
    for h in (1e-4, 1e-5, 1e-3):
        solved = tracer.solve(met.z + h * tangent, tracer.weights * tangent)
        if solved is None or tracer.length(solved.z - met.z) >= 5 * h:
            continue
        if np.sign(tracer.switching(solved.values)[met.switch]) == met.sign:
            return solved
    return None


def _normal(tracer: CycleTracer, met: BorderPoint, switch: Callable[[np.ndarray], float]) -> np.ndarray:
    """The gradient (m,) of the switching function in the point that meets the border; if it is 0, along a parameter."""
    normal, scales = np.zeros(tracer.m), tracer.weights[:-1] ** -0.5
    first = met.switch // tracer.switches * (1 + tracer.directions) * tracer.d
    for entry in range(first, first + tracer.d):
        shift = np.zeros(tracer.m)
        shift[entry] = ASIDE * scales[entry]
        normal[entry] = (switch(met.z + shift) - switch(met.z - shift)) / (2 * ASIDE) * scales[entry]
    if not normal.any():
        normal[-1] = 1.0
    return normal


def off_border(tracer: CycleTracer, start: Solution) -> Solution:
    """The start, or, if it is on a border, a solution next to it, from which the border is met."""
    for j in np.flatnonzero(np.abs(tracer.switching(start.values)) <= ON):
        for sign in (1.0, -1.0):
            solution = solution_behind(tracer, BorderPoint(start.z, start, int(j), sign))
            if solution is not None:
                return solution
    return start


def collision(before: np.ndarray, after: np.ndarray, n: int) -> str:
    """The effect of a border collision, in words, from the multipliers on both sides of it.

    Feigin's rules: both cycles exist on one side of it only if the number of real multipliers above 1 on both sides
    together is odd, and a cycle of twice the period is born if the number of real multipliers below −1 is odd.

    di Bernardo, Feigin, Hogan, Homer (1999), Local analysis of C-bifurcations in n-dimensional piecewise-smooth dynamical
    systems, Chaos Solitons Fractals 10, §3.
    """
    multipliers = np.concatenate([np.ravel(before), np.ravel(after)])
    if min(np.abs(multipliers - 1).min(), np.abs(multipliers + 1).min()) <= CRITICAL:
        return f"undecided: a multiplier is 1 or −1 on one side of it, to {CRITICAL:g}"
    real = multipliers.real[np.abs(multipliers.imag) <= REAL * np.abs(multipliers)]
    above, below = int((real > 1).sum()), int((real < -1).sum())
    words = "fold: both cycles are on one side of it" if above % 2 else "persistence: the cycle continues across it"
    return words + (f"; a {2 * n}-cycle is born" if below % 2 else "")
