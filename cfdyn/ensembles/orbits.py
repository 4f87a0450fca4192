"""Many orbits of a map, each with its own start and parameters, advanced in lanes and threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from cfdyn.arguments import vector, whole_number
from cfdyn.codegen.lanes import BLOCK
from cfdyn.ensembles._kernels.keep import keep
from cfdyn.ensembles._kernels.pauses import pauses
from cfdyn.ensembles._kernels.periods import periods
from cfdyn.ensembles._kernels.settle import LOOK, piece_of, settle
from cfdyn.ensembles._kernels.turns import radii_of_few, turned
from cfdyn.errors import UsageError
from cfdyn.kernels.ensemble import Ensemble
from cfdyn.machine.threads import Team
from cfdyn.machine.workers import processors
from cfdyn.settling._kernels.stretch import stretch
from cfdyn.settling.disturbed import STILL, ULPS, UNDERFLOWS
from cfdyn.systems.map import STRETCH, Map, require_parameter
from cfdyn.systems.orbit import ESCAPE, MAX_BYTES
from cfdyn.systems.together import ensemble

SPEED = 8  # operations in lanes that take the time of one by itself
BEGUN = 64  # operations by themselves that take the time in which an orbit begins and is written down
SHARES, FINEST = 2, 32  # of each thread in what is left, and in all at most: orbits that escape or repeat soon lie together
PARTS = 16  # of the way over which an exponent is averaged: their differences say how well it is known
Progress = Callable[[int], None]


class Orbits:
    """Orbits on their way; ``parameters`` (N, n_p): those of the map, an own row for each.

    The numbers are, bit by bit, those of orbits that go alone, however many threads there are.
    """

    def __init__(
        self, step: Map, states: np.ndarray, parameters: np.ndarray, escape: float = ESCAPE, threads: int | None = None,
        progress: Progress | None = None, team: Team | None = None,
    ):  # fmt: skip
        self.step, self.escape, self.progress = step, escape, progress
        self.threads = processors() if threads is None else whole_number("threads", threads, 1)
        self.team = team or Team(self.threads)
        self.parameters = np.ascontiguousarray(parameters, float)
        # What is kept of each is written first by the thread that works on it: one alone would be 2 % of an even sharing by two.
        self._starts: np.ndarray | None = np.asarray(states, float)
        self._states, self._ended = np.empty(self._starts.shape), np.empty(len(states), np.int64)
        self._codes = np.empty_like(self._ended)

    @property
    def states(self) -> np.ndarray:
        """Where the orbits are, (N, D)."""
        return self._all_begun()._states

    @property
    def ended(self) -> np.ndarray:
        """The step at which each has left, (N,); 0 while it goes on."""
        return self._all_begun()._ended

    @property
    def codes(self) -> np.ndarray:
        """Why, (N,)."""
        return self._all_begun()._codes

    def _all_begun(self) -> Orbits:
        starts, self._starts = self._starts, None
        self._begin(starts, 0, len(self._states))
        return self

    def _begin(self, starts: np.ndarray | None, first: int, last: int) -> None:
        if starts is not None:
            self._states[first:last], self._ended[first:last], self._codes[first:last] = starts[first:last], 0, 0

    def advance(self, steps: int) -> None:
        """So many steps of all of them, also of those that have left, from where they are."""
        self.approach(steps, np.empty((0, self.step.dim)), np.empty(0))

    def approach(self, steps: int, points: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """The same, but those end that no entry parts more than ``reach`` (P,) from one of ``points`` (P, D): its place, (N,).

        −1 where an orbit comes near none, and where the map's steps are not taken in lanes.
        """
        block, near = self._ensemble("step", "lanes:step", steps), np.full(len(self.states) if len(reach) else 0, -1)
        piece, columns = LOOK if len(reach) else piece_of(steps), np.ascontiguousarray(points.T)
        self._in_parts(steps * self.step.cost, lambda first, last: settle(
            block.memory, first, last, self.states, self.parameters, self.ended, self.codes, piece, columns, reach,
            near))  # fmt: skip
        return near

    def keep(self, steps: int, coordinate: int = 0, room: np.ndarray | None = None) -> np.ndarray:
        """A coordinate of the next states, (N, steps); NaN from where an orbit leaves, whose state then stays what it was.

        ``room`` (steps, N), rows one after the other: where they are written.
        """
        kept = np.empty((steps, len(self._states))) if room is None else room
        block = self._ensemble("step", f"kept{coordinate}:step", steps)
        self._in_parts(steps * self.step.cost, lambda first, last: keep(
            block.memory, first, last, self.states, self.parameters, self.ended, self.codes, coordinate, kept))  # fmt: skip
        return kept.T

    def exponents(self, steps: int, turning: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """(λ, its standard error) of the largest Lyapunov exponent, each (N,), per step over about so many steps.

        A tangent is turned for ``turning`` steps first. λ is −∞ where it shrinks to nothing, NaN where an orbit leaves. The
        error is that of the mean of PARTS parts, as if these were independent.
        """
        tangents = np.full((len(self.states), 1, self.step.dim), self.step.dim**-0.5)
        means = self.stretching(tangents, turning, steps)[:, :, 0]
        with np.errstate(invalid="ignore"):
            return means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(PARTS)

    def stretching(self, tangents: np.ndarray, turning: int, steps: int) -> np.ndarray:
        """Σ log of the stretching of orthonormal tangents (N, k, D), per step, in each part of a way: (N, PARTS, k).

        The parts have the same length, together about so many steps; the tangents, which go on in place, are turned before.
        """
        if turning:
            self._stretch(tangents, turning, 1)
        each = max(1, steps // PARTS)
        return self._stretch(tangents, each, PARTS) / each

    def periods(self, longest: int, tolerance: float) -> np.ndarray:
        """The period of each, (N,), up to ``longest``, by returns over as many steps; 0 where there is none. See `periods`."""
        size = 16 * longest * self.step.dim * BLOCK * self.threads
        if size > MAX_BYTES:
            raise UsageError(f"periods up to {longest} need {size / 2**30:.1f} GiB of states; the limit is "
                             f"{MAX_BYTES / 2**30:.0f} GiB")  # fmt: skip
        lengths, block = np.empty(len(self.states), np.int64), self._ensemble("step", "kept:step", 2 * longest)
        self._in_parts(2 * longest * self.step.cost, lambda first, last: periods(
            block.memory, first, last, self.states, self.parameters, self.ended, self.codes, longest, tolerance,
            lengths))  # fmt: skip
        return lengths

    def pauses(self, steps: int, strides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """So many steps; the row from which the weights of each first stood still, (N,), 0 for none, and its states (N, D).

        ``strides`` (N,): rises to the largest change of a weight in a step. See `lost_to_rounding`.
        """
        at, paused = np.zeros(len(self.states), np.int64), np.zeros_like(self.states)
        block = self._ensemble("step", "kept:step", steps)
        self._in_parts(steps * self.step.cost, lambda first, last: pauses(
            block.memory, first, last, self.states, self.parameters, self.ended, self.codes, self.step.n_weights, STILL, ULPS,
            UNDERFLOWS, at, paused, strides))  # fmt: skip
        return at, paused

    def turned(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each is after so many steps (N,), (N, D), and their Jacobian, (N, D, D); the orbits stay where they are."""
        d, ends = self.step.dim, np.empty_like(self.states)
        matrices = np.empty((len(self.states), d, d))
        self._in_turns(turned, turns, ends, matrices)
        return ends, matrices

    def radii(self, turns: np.ndarray) -> np.ndarray:
        """The spectral radius of that Jacobian, (N,); ∞ where it is not finite, and where there are no steps."""
        if self.step.dim <= 2:
            radii = np.empty(len(self.states))
            self._in_turns(radii_of_few, turns, radii)
            return radii
        radii, some = np.full(len(self.states), np.inf), np.flatnonzero(turns)
        matrices = self.some(some).turned(turns[some])[1]
        finite = np.isfinite(matrices).all(axis=(1, 2))
        radii[some[finite]] = np.abs(np.linalg.eigvals(matrices[finite])).max(axis=1, initial=0.0)
        return radii

    def _in_turns(self, kernel: Callable[..., None], turns: np.ndarray, *periods: np.ndarray) -> None:
        """One of `cfdyn.ensembles._kernels.turns`."""
        block = self._ensemble("step", "lanes:step", 0)
        block.run = self.step.rule("jacobian").compiled
        cost = int(turns.mean() * (self.step.tangent_cost + self.step.dim**3)) if len(turns) else 0
        self._in_parts(8 * cost, lambda first, last: kernel(
            block.memory, first, last, self.states, self.parameters, turns, *periods))  # fmt: skip

    def some(self, which: np.ndarray) -> Orbits:
        """Those orbits by themselves; what becomes of them is not seen here."""
        part = Orbits(self.step, self.states[which], self.parameters[which], self.escape, self.threads, self.progress, self.team)
        part.ended[:], part.codes[:] = self.ended[which], self.codes[which]
        return part

    def _stretch(self, tangents: np.ndarray, steps: int, parts: int) -> np.ndarray:
        turned = tangents.shape[1]
        sums, rule = np.full((len(self.states), parts, turned), np.nan), f"tangents:{turned}"
        block = self._ensemble(rule, f"turned:{rule}", steps)
        self._in_parts(steps * parts * (2 * self.step.cost + turned * self.step.tangent_cost), lambda first, last: stretch(
            block.memory, first, last, self.states, self.parameters, self.ended, tangents, sums))  # fmt: skip
        return sums

    def _ensemble(self, alone: str, together: str, steps: int) -> Ensemble:
        return ensemble(self.step, alone, together, steps, self.escape)

    def _in_parts(self, operations: int, take: Callable[[int, int], None]) -> None:
        starts, self._starts = self._starts, None

        def begin(first: int, last: int) -> None:
            self._begin(starts, first, last)
            take(first, last)

        self.in_parts(len(self._states), operations, begin)

    def in_parts(self, total: int, operations: int, take: Callable[[int, int], None]) -> None:
        """Blocks of so many orbits in threads, short enough for a look at Ctrl-C; an orbit takes so many operations."""
        speed = SPEED if self.step.in_lanes else 1
        most = max(BLOCK, STRETCH * speed // (2 * max(1, operations)))
        take(0, 0)  # compiled by the thread that Ctrl-C goes to
        self.team.share(pairwise(self._cuts(total, most)), take, self.progress, total * (operations / speed + BEGUN))

    def _cuts(self, total: int, most: int) -> Iterator[int]:
        """Where blocks of at most about so many begin and end: shorter and shorter, so that no thread waits long for the last."""
        threads, unit, begin = self.threads, BLOCK if self.step.in_lanes else 1, 0
        yield begin
        while begin < total:
            share = total if threads == 1 else max((total - begin) // (SHARES * threads), total // (FINEST * threads), 1)
            begin = min(begin - (-min(most, share) // unit) * unit, total)
            yield begin


def increasing_values(step: Any, name: Any, given: Any) -> np.ndarray:
    """Values of a parameter of the map, (N,), as of `along`, or an error."""
    require_parameter(step, name)
    return along(name, given)


def along(name: str, given: Any) -> np.ndarray:
    """Finite increasing values, (N,), or an error; of a tuple (lo, hi, count) the middles of so many equal cells.

    >>> along("x", (-1, 1, 4)), along("x", [-1, 1, 4])
    (array([-0.75, -0.25,  0.25,  0.75]), array([-1.,  1.,  4.]))
    """
    if ends := span(name, given):
        (lo, hi), count = ends, given[2]
        return lo + (np.arange(count) + 0.5) * ((hi - lo) / count)
    values = vector(f"the values of {name}", given)
    if not (len(values) and np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise UsageError(f"the values of {name} must be finite and increase")
    return values


def span(name: str, given: Any) -> tuple[float, float] | None:
    """(lo, hi) of a tuple (lo, hi, count), or an error; None for what is a list of values."""
    if not (isinstance(given, tuple) and len(given) == 3 and isinstance(given[2], int | np.integer)):
        return None
    lo, hi = vector(f"the range of {name}", given[:2])
    if not (lo < hi and math.isfinite(float(hi) - float(lo))):
        raise UsageError(f"the range of {name} is (LO, HI, COUNT), finite and LO < HI, not {given}")
    if 8 * whole_number(f"the count of {name}", given[2], 1) > MAX_BYTES:
        raise UsageError(f"{given[2]} values of {name} need {8 * given[2] / 2**30:.1f} GiB; the limit is "
                         f"{MAX_BYTES / 2**30:.0f} GiB")  # fmt: skip
    return float(lo), float(hi)
