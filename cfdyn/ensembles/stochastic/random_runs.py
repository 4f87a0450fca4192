"""Runs of a random map in threads: their tangent vectors, the states they visit, and their exits from a region."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import copy
from itertools import pairwise

import numpy as np

from cfdyn.ensembles._kernels.products import LEFT_REGION, leave_runs, stretch_runs
from cfdyn.ensembles.stochastic.following import Following
from cfdyn.ensembles.stochastic.random_map import RandomMap
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import DIVERGED, DONE, LEFT_DOMAIN
from cfdyn.machine.jit import address
from cfdyn.machine.threads import Team, equal_parts
from cfdyn.machine.workers import processors
from cfdyn.systems.map import STRETCH
from cfdyn.systems.orbit import MAX_BYTES

WORDS = {DONE: "done", DIVERGED: "diverged", LEFT_DOMAIN: "left the domain", LEFT_REGION: "left"}
Progress = Callable[[int], None] | None


class RandomRuns:
    """R runs on their way: ``states`` (R, D), ``ended`` (R,): the step at which one ended, 0 while it goes on, ``codes`` why.

    Run k is the same for any number of runs and threads. ``cost``: operations of a step.
    """

    def __init__(self, step: RandomMap, start: np.ndarray, runs: int, threads: int | None, progress: Progress):
        self.step, self.threads, self.progress = step, threads or processors(), progress
        self.states = np.tile(start, (runs, 1))
        self.ended, self.codes = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
        self.done, self.task, self.team = 0, step.sampling._task, Team(self.threads)

    @property
    def going(self) -> np.ndarray:
        """Which runs go on, (R,)."""
        return self.ended == 0

    def status(self) -> dict[str, int]:
        """How many ended in which way."""
        return counted(self.codes)

    def ahead(self) -> RandomRuns:
        """The same runs, to be followed with the same random numbers while these stay where they are."""
        others = copy(self)
        others.states, others.ended, others.codes = self.states.copy(), self.ended.copy(), self.codes.copy()
        others.progress = None
        return others

    def stretch(self, tangents: np.ndarray, steps: int) -> np.ndarray:
        """So many steps more with tangents (R, k, D), in place; Σ log of their stretching, (R, k)."""
        sums, jacobian = np.zeros(tangents.shape[:2]), address(self.step.sampling.jacobian.compiled)
        cost = 3 * self.step.sampling.cost + 6 * tangents.shape[1] ** 2 * tangents.shape[2]

        def some(lo: int, hi: int, begin: int, end: int) -> None:
            stretch_runs(self.task, jacobian, lo, begin, end, self.states[lo:hi], tangents[lo:hi], sums[lo:hi],
                         self.ended[lo:hi], self.codes[lo:hi])  # fmt: skip

        self._run(some, steps, cost)
        return sums

    def leave(self, outside: str, steps: int) -> None:
        """So many steps more, of each run until the condition ``outside`` holds."""
        step = self.step.step
        region = step.rule(f"expression:{boundary(outside)}")
        at_start = region(self.states[0], step.p)[0]
        if not at_start <= 0:
            raise UsageError(f"the runs begin where {outside!r} holds already, or where it has no value")
        rule = address(region.compiled)

        def some(lo: int, hi: int, begin: int, end: int) -> None:
            leave_runs(self.task, rule, step.p, lo, begin, end, self.states[lo:hi], self.ended[lo:hi], self.codes[lo:hi])

        self._run(some, steps, self.step.sampling.cost + 20)

    def _run(self, some: Callable[[int, int, int, int], None], steps: int, cost: int) -> None:
        some(0, 0, 0, 0)  # compiled by the thread that Ctrl-C goes to
        runs, last = len(self.states), self.done + steps
        for begin, end in self._stretches(last, runs * cost):
            work = runs * (end - begin) * cost
            cuts = equal_parts(runs, max(self.threads, work // STRETCH))
            self.team.share(pairwise(cuts), lambda first, last: some(first, last, begin, end), operations=work)  # noqa: B023
            self.done = end
            if self.progress:
                self.progress(end)
            if self.ended.all():
                break
        self.done = last

    def _stretches(self, last: int, work: int) -> Iterator[tuple[int, int]]:
        """Steps from, to: short enough for a look at Ctrl-C."""
        most = max(1, 4 * self.threads * STRETCH // max(work, 1))
        for begin in range(self.done, last, most):
            yield begin, min(begin + most, last)


def counted(codes: np.ndarray) -> dict[str, int]:
    """How many ended in which way; what no run can do here is left out."""
    counts = {word: int((codes == code).sum()) for code, word in WORDS.items()}
    return {word: count for word, count in counts.items() if count or word != WORDS[LEFT_REGION]}


def boundary(condition: str) -> str:
    """The formula that is positive where a condition holds.

    >>> boundary("w > 0.5"), boundary("x**2 < y")
    ('(w) - (0.5)', '(y) - (x**2)')
    """
    parts = re.fullmatch(r"([^<>=!]+)([<>])([^<>=!]+)", condition)
    if parts is None:
        raise UsageError(f"a region is left where a condition such as 'w > 0' holds, not {condition!r}")
    left, sign, right = (part.strip() for part in parts.groups())
    return f"({left}) - ({right})" if sign == ">" else f"({right}) - ({left})"


def visited(
    step: RandomMap, start: np.ndarray, runs: int, transient: int, steps: int, threads: int | None, progress: Progress,
    look: Callable[[np.ndarray], None],
) -> Following:  # fmt: skip
    """Let ``look`` see the states (rows, R, D) after a transient, some rows at a time and in order; NaN where a run is over."""
    if 32 * runs * len(start) > MAX_BYTES:
        raise UsageError(f"{runs} runs need {32 * runs * len(start) / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    following = Following(step.sampling, np.tile(start, (runs, 1)), transient + steps - 1, 1, len(start))
    place = 0
    for piece in following.pieces(threads or processors(), lambda now, middle: {"at": now}, progress):
        kept = piece["at"][max(0, transient - place) :]
        place += len(piece["at"])
        if len(kept):
            look(kept)
    return following
