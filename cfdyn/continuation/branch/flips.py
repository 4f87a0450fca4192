"""The flips between two rows of a branch, one by one, however many multipliers cross −1 there."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from cfdyn.continuation.between_rows import Between, Test, between, root
from cfdyn.continuation.branch.system import SQUARED, BranchTracer, nearest_mean, real_below
from cfdyn.continuation.tracer import Solution, row_of
from cfdyn.cycles._kernels.shooting import FLIP
from cfdyn.numerics.illinois import zero

BARELY = 1e-9  # of the test at a row: less is rounding
PARTS = 4  # of a step for each multiplier, at most
LAST = 1e-15  # from −1: as far as a multiplier is known

Found = tuple[float, Solution]  # a fraction of the step and the solution there


def _test(s: Solution) -> float:
    return float(s.values[1 + FLIP])


class ManyFlips:
    """The step behind row k, in which more than one multiplier crosses −1, or rounding hides that one does.

    Between two solutions with different numbers of real multipliers below −1, the mean of those that cross has a zero: either
    they are −1 there together, or fewer multipliers cross on either side of it.
    """

    def __init__(self, tracer: BranchTracer, rows: Sequence[Any], k: int):
        self.tracer, self.ends = tracer, (row_of(rows, k), row_of(rows, k + 1))
        self.solution: Between = cache(between(tracer, rows, k))
        self.multipliers = cache(self._multipliers)

    def located(self) -> list[Found]:
        """All flips that the search finds."""
        hits, todo = list[Found](), [((0.0, self.ends[0]), (1.0, self.ends[1]))]
        for _ in range(PARTS * self.tracer.d):
            if not todo:
                break
            first, last = todo.pop()
            fewer, more = self._numbers(first, last)
            changes = _test(first[1]) * _test(last[1]) < 0
            if more == fewer and not changes:
                continue
            middle = self._parting(first, last) if more > fewer + 1 else None
            if middle is None:
                test: Test = _test if changes and more <= fewer + 1 else self._mean(fewer, more)
                hit = self._ordered(fewer, more, first[0], last[0]) or root(test, self.solution, first[0], last[0])
                if hit is not None and (more <= fewer + 1 or self._together(hit, first, more - fewer)):
                    hits.append(hit)
                    continue
                middle = hit
            if middle is not None and first[0] < middle[0] < last[0]:
                todo += [(first, middle), (middle, last)]
        return hits

    def _multipliers(self, share: float) -> np.ndarray:
        solved = self.ends[int(share)] if share in (0.0, 1.0) else self.solution(share)
        return np.full(self.tracer.d, np.nan) if solved is None else self.tracer.multipliers(solved.values[None])[0]

    def _numbers(self, first: Found, last: Found) -> tuple[int, int]:
        """The numbers of real multipliers below −1 at two places, the smaller first."""
        numbers = [int(real_below(self.multipliers(share))) for share, _ in (first, last)]
        return min(numbers), max(numbers)

    def _mean(self, fewer: int, more: int) -> Test:
        """1 plus the mean of the multipliers closest to −1, as many as cross."""
        return lambda s: nearest_mean(self.tracer.multipliers(s.values[None])[0], more - fewer)

    def _in_order(self, fewer: int, more: int, share: float) -> float:
        """1 plus the mean of those that cross by their order, if all are real: almost a straight line, without jumps."""
        mu = self.multipliers(share)
        if np.iscomplexobj(mu) or not np.isfinite(mu).all():
            raise ArithmeticError
        value = float(np.sort(mu)[fewer:more].mean() + 1)
        return value if abs(value) > LAST else 0.0

    def _ordered(self, fewer: int, more: int, lo: float, hi: float) -> Found | None:
        """The zero of that mean."""
        def mean(share: float) -> float:
            return self._in_order(fewer, more, share)

        try:
            share = zero(mean, lo, hi) if fewer < more and mean(lo) * mean(hi) < 0 else None
        except ArithmeticError:
            return None
        solved = None if share is None else self.solution(share)
        return None if share is None or solved is None else (share, solved)

    def _parting(self, first: Found, last: Found) -> Found | None:
        """A place with fewer multipliers to cross on either side, guessed by linear interpolation."""
        numbers = self._numbers(first, last)
        try:
            before, after = (self._in_order(*numbers, share) for share, _ in (first, last))
        except ArithmeticError:
            return None
        if not before * after < 0:
            return None
        share = first[0] + (last[0] - first[0]) * before / (before - after)
        there = self.solution(share)
        parts = there is not None and numbers[0] < real_below(self.multipliers(share)) < numbers[1]
        return (share, there) if there is not None and parts else None

    def _together(self, hit: Found, first: Found, count: int) -> bool:
        """True if a given number of multipliers are −1 at once; for two separate flips the test changes sign between them."""
        value, before = _test(hit[1]), _test(first[1])
        if count == 2 and value * np.sign(before) < -BARELY * abs(before):
            return False
        mu = self.tracer.multipliers(hit[1].values[None])[0]
        return bool(np.sort(np.abs(mu + 1))[count - 1] <= SQUARED)
