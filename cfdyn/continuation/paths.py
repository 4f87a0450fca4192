"""A path of solutions: both directions from one of them, across borders where the map is not smooth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from cfdyn.continuation.borders import BorderPoint, border_ahead
from cfdyn.continuation.tracer import CycleTracer, Piece, Solution, row_of, some_rows, stacked
from cfdyn.kernels.continuation.driver import Curve

AT_BORDER = ("crossed", "corner", "stalled")  # how a piece ends where a switching function vanishes
MOST_BORDERS = 64
Crossing = tuple[Piece, BorderPoint | None, Solution | None, str]
Followed = TypeVar("Followed", bound=CycleTracer)


class Path(NamedTuple):
    """Rows of solutions from one end to the other.

    ``borders``: those that were met, by the rows that they lie behind. ``ends``: why there are no more rows. ``paces``: how
    long the next step would be at either end, 0 where it did not run out of steps. ``start``: the row it was begun from.
    """

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray
    borders: dict[int, BorderPoint]
    ends: tuple[str, str]
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0

    def reversed(self, odd: Sequence[int]) -> Path:
        """The same from its other end; ``odd``: the entries of the values that change their signs."""
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

    ``max_steps``: in each direction; ``max_step``: the longest; ``progress`` is progress the number of steps.
    """

    def __init__(self, tracer: Followed, max_steps: int, max_step: float, progress: Callable[[int], None] | None = None):
        self.tracer, self.max_steps, self.max_step = tracer, max_steps, max_step
        self.progress = progress or (lambda steps: None)

    @abstractmethod
    def trace(self, start: Solution, most_steps: int, first: float | None, progress: Callable[[int], None],
              origin: Solution | None) -> Piece:  # fmt: skip
        """Rows from a solution on, up to a border, as of `Tracer.follow`."""

    @abstractmethod
    def cross(self, piece: Piece, met: BorderPoint, most_steps: int) -> Crossing:
        """How a piece that has met a border goes on, with so many steps left: its rows, the border if it counts, and either the
        solution to go on from or why the path ends."""

    def one_way(self, start: Solution, first: float | None = None, origin: Solution | None = None) -> Path:
        """From a solution on in the direction of its tangent; ``first``: the length of the first step.

        ``origin``: where distances are measured from and the path closes, if it began before ``start``.
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
        """From a solution on in both directions, unless it closes."""
        forward = self.one_way(start)
        if forward.ends[1] == "closed":
            return forward
        return self.one_way(self.tracer.reversed(start)).reversed(self.tracer.odd).followed_by(forward)

    def further(self, end: Solution, origin: Solution, side: int, pace: float) -> Path:
        """The path on from one side of another (0: its first row, 1: its last), that end included, its tangent outwards."""
        found = self.one_way(end, pace, origin)
        return found if side else found.reversed(self.tracer.odd)
