"""Runs in threads: blocks of runs advance by some steps, then statistics of their rows are taken."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from cfdyn.ensembles.stochastic.sampling import Sampling
from cfdyn.machine.threads import Team, equal_parts
from cfdyn.systems.map import STRETCH

MEMORY = 2**22  # numbers of states that are kept at a time
Rows = dict[str, np.ndarray]


class Following:
    """Runs on their way, see `cfdyn.ensembles._kernels.runs.advance_runs`; ``kept``: how many entries of a state are kept."""

    def __init__(self, sampling: Sampling, states: np.ndarray, steps: int, every: int, kept: int, first_run: int = 0):
        self.sampling, self.states, self.steps, self.every, self.first_run = sampling, states, steps, every, first_run
        self.before, self.final = states[:, :kept].copy(), np.full(states.shape, np.nan)
        self.ended, self.codes = np.zeros(len(states), np.int64), np.zeros(len(states), np.int64)

    @property
    def total(self) -> int:
        """The number of rows."""
        return self.steps // self.every + 1

    def through(
        self, threads: int, statistics: Callable[[np.ndarray, np.ndarray], Rows], progress: Callable[[int], None] | None
    ) -> Rows:
        """All steps; ``statistics`` of ``now`` and ``middle`` (rows, R, kept) for all rows."""
        parts = list(self.pieces(threads, statistics, progress))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def pieces(
        self, threads: int, statistics: Callable[[np.ndarray, np.ndarray], Rows], progress: Callable[[int], None] | None
    ) -> Iterator[Rows]:
        """The same in pieces, as steps are taken."""
        nothing = np.empty((0, 0, self.before.shape[1]))
        self._advance(0, 0, 0, 0, nothing, nothing)  # compiled by the thread that Ctrl-C goes to
        team = Team(threads)
        for begin, end, count in self._stretches(threads):
            now, middle = np.full((2, len(self.states), count, self.before.shape[1]), np.nan)
            cuts = self._cuts(threads, end - begin)
            team.share(pairwise(cuts), lambda first, last: self._advance(first, last, begin, end, now, middle))  # noqa: B023
            series, rows = (now.swapaxes(0, 1), middle.swapaxes(0, 1)), dict[int, Rows]()

            def look(first: int, last: int) -> None:
                rows[first] = statistics(*(s[first:last] for s in series))  # noqa: B023

            team.share(pairwise(equal_parts(count, threads)), look)
            yield from (rows[first] for first in sorted(rows))
            if progress:
                progress(min(end, self.steps))

    def _stretches(self, threads: int) -> Iterator[tuple[int, int, int]]:
        """Steps from, to, and the rows that they make; each short enough for memory and for a look at Ctrl-C."""
        runs, work = len(self.states), len(self.states) * self.sampling.cost * self.every
        most = max(1, min(MEMORY // (runs * self.before.shape[1]), 4 * threads * STRETCH // work))
        for first in range(0, self.total, most):
            last = min(first + most, self.total)
            yield first * self.every, self.steps + 1 if last == self.total else last * self.every, last - first

    def _cuts(self, threads: int, steps: int) -> list[int]:
        """Where the runs are cut into blocks."""
        runs = len(self.states)
        return equal_parts(runs, max(threads, runs * steps * self.sampling.cost // STRETCH))

    def _advance(self, lo: int, hi: int, begin: int, end: int, now: np.ndarray, middle: np.ndarray) -> None:
        own: list[Any] = [a[lo:hi] for a in (self.states, self.before, now, middle, self.final, self.ended, self.codes)]
        self.sampling.advance(self.first_run + int(lo), begin, end, self.every, self.steps, *own)

