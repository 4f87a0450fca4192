"""An estimate of how many boxes of a search are still to be tested, from those tested so far, and of the time that this takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from cfdyn.arguments import called_with

ENOUGH = 12  # number of boxes of one depth needed to estimate the fraction that is bisected
FADING = 0.9  # factor by which a batch fades the counts of its depths: regions searched later differ from the first ones
MOST = 2_000_000  # nodes of a tree
DEPTHS = 400  # levels below which expected boxes are not counted
ENDING = 0.35  # bisected fraction below which trees end at the deepest level: below 1/2 each depth has fewer boxes
TOLD = ("boxes done", "boxes that wait", "seconds left or None")
Progress = Callable[[int, int, float | None], None]
Say = Callable[[str], None]
ROUND = 8  # boxes tested one at a time, for one estimate


class Rate:
    """The mean time per settled box so far, including the bisections before it.

    A bisected box was tested in doubles, together with many; a settled box has a proof in balls of its own. In four searches with
    the loss `logistic_regression`, with a round counted as three settled boxes, the estimate was 0.63 to 1.7 of the time left; by
    the pace of all boxes it was 0.41 to 1.2.

    >>> rate = Rate()
    >>> rate.add(4, 2.0)
    >>> rate.of(60)
    30.0
    """

    def __init__(self) -> None:
        self._settled, self._seconds = 0, 0.0

    def add(self, settled: int, seconds: float) -> None:
        """Record a round: the number of boxes that it settled, and its duration."""
        self._settled += settled
        self._seconds += seconds

    def of(self, settled: float) -> float:
        """Seconds until the given number of boxes more are settled."""
        return settled * self._seconds / max(self._settled, 1)


class Pace:
    """Knuth's estimate of the size of a tree, depth by depth, for boxes that are bisected until a test holds.

    Among the last boxes of depth k (that many bisections of the whole) a fraction p_k was bisected; a box of depth k is then
    expected to stand for E_k = 1 + 2 p_k E_(k+1) boxes, itself and the boxes that it is cut into; the boxes that wait stand for
    the sum of E over their depths. The estimate is given once the search has reached the bottom: at the greatest depth with
    twelve boxes or more no more than a third of them are bisected. Before that, the final depth of the tree cannot be known, and
    `left` is None.

    Estimate over true value, in boxes: on seven searches of 33 to 10,000 boxes (descent and heavy ball on formulas and on rows of
    data) and a box of 144 cut one after the other 0.7 to 3.0, 15 of 18 values within a factor of two. For trees of fewer boxes,
    and those that are as deep everywhere, the estimate comes in their last tenth or not at all. With 30 boxes and a quarter of
    them in place of 12 and 0.35, on 19 passes of 4 to 80 s: 0.4 to 3.6, 34 of 42 within a factor of two, 5 passes at a quarter of
    the time, 15 at nine tenths.
    The settled fraction of the box's volume says nothing about time: it reaches 95 to 99.9 % in the first tenth of a search.

    >>> pace = Pace(np.zeros(1, int))
    >>> pace.tested(np.zeros(1, int)); pace.bisected(np.zeros(1, int)); pace.left(10**6)
    >>> pace = Pace(np.zeros(100, int))
    >>> pace.tested(np.zeros(50, int)); pace.bisected(np.zeros(25, int)); pace.tested(np.ones(50, int))
    >>> pace.left(10**6)  # 50 wait, and half of them are bisected once
    100.0

    References
    ----------
    Knuth, Math. Comp. 29 (1975) 121; Kilby, Slaney, Thiébaux & Walsh, AAAI (2006) 1014, for trees that are searched in order.
    """

    def __init__(self, waiting: np.ndarray):
        self._waiting, self._tested, self._bisected = np.bincount(waiting), np.zeros(1), np.zeros(1)
        self.count = 0  # of boxes that were tested

    def tested(self, depths: np.ndarray) -> None:
        """Record that a batch of boxes of these depths has been tested; then call `bisected` for those that were bisected."""
        self._waiting = _added(self._waiting, depths, -1)
        again = np.unique(depths[depths < len(self._tested)])
        self._tested[again] *= FADING
        self._bisected[again[again < len(self._bisected)]] *= FADING
        self._tested = _added(self._tested, depths)
        self.count += len(depths)

    def bisected(self, depths: np.ndarray) -> None:
        """Record that boxes of these depths have two parts each, which wait."""
        self._bisected = _added(self._bisected, depths)
        self._waiting = _added(self._waiting, depths + 1, 2)

    def left(self, most: int) -> float | None:
        """How many boxes are still to be tested, at most ``most``; None if that cannot be estimated."""
        enough = np.flatnonzero(self._tested >= ENOUGH)
        if not len(enough):
            return None
        size = max(len(self._waiting), len(self._tested)) + 1
        tested, bisected, waiting = (_padded(a, size) for a in (self._tested, self._bisected, self._waiting))
        deepest = int(enough[-1])
        part = bisected[deepest] / tested[deepest]
        if part >= ENDING:
            return None
        parts = np.full(size, part)
        known = np.flatnonzero(tested[:deepest])
        parts[known] = bisected[known] / tested[known]
        total, level = 0.0, waiting.astype(float)
        for _ in range(DEPTHS):  # expected tests in each level from here on, if all waiting boxes were tested at once
            total += float(level.sum())
            if not level.any():
                break
            level, parts = np.append(0.0, 2 * parts * level), np.append(parts, part)
        return min(total, float(most))

    def settled_left(self, most: int) -> float | None:
        """How many of those boxes a test will settle; None if that cannot be estimated.

        >>> pace = Pace(np.zeros(100, int))
        >>> pace.tested(np.zeros(50, int)); pace.bisected(np.zeros(25, int)); pace.tested(np.ones(50, int))
        >>> pace.settled_left(10**6)  # 50 whole boxes wait: 25 of them, and then 50 halves
        75.0
        """
        # Each bisected box has two waiting parts: with L boxes to test and W waiting now, (L + W)/2 are settled.
        boxes = self.left(most)
        return None if boxes is None else (boxes + float(self._waiting.sum())) / 2


def saying(progress: Say | None) -> Say:
    """A function that reports progress in words; a UsageError if ``progress`` does not accept one text."""
    return called_with("progress", progress, "words") or (lambda words: None)


class Told:
    """Reports the progress of a proof by bisection: boxes done, boxes that wait, and the seconds left, or None if unknown.

    Boxes are tested one at a time (call `box`), or all waiting boxes in turn (call `tell` for each, then `round`).
    """

    def __init__(self, progress: Progress | None):
        self.progress: Progress | None = called_with("progress", progress, *TOLD)
        self._done, self._waiting, self._ends = 0, 1, np.inf
        self._pace, self._rate, self._begun = Pace(np.zeros(1, int)), Rate(), time.monotonic()
        self._tested: list[int] = []
        self._bisected: list[int] = []

    def box(self, depth: int, bisected: bool) -> None:
        """Record that a box, obtained by ``depth`` bisections of the whole, is done, or has two parts that wait."""
        if self.progress is None:
            return
        self._tested.append(depth)
        self._bisected += [depth] * bisected
        if len(self._tested) == ROUND:
            self.round(self._tested, self._bisected)
            self._tested, self._bisected = [], []
        self.tell(self._done + (not bisected), self._waiting + (1 if bisected else -1))

    def tell(self, done: int, waiting: int) -> None:
        """Report how many boxes are done and how many wait."""
        self._done, self._waiting, left = done, waiting, self._ends - time.monotonic()
        if self.progress is not None:
            self.progress(done, waiting, left if 0 <= left < np.inf else None)

    def round(self, tested: Sequence[int], bisected: Sequence[int]) -> None:
        """Record that boxes of these depths were tested, and some bisected."""
        if self.progress is None:
            return
        now = time.monotonic()
        self._pace.tested(np.array(tested, int))
        self._pace.bisected(np.array(bisected, int))
        self._rate.add(len(tested) - len(bisected), now - self._begun)
        left = self._pace.settled_left(MOST)
        self._ends, self._begun = np.inf if left is None else now + self._rate.of(left), now


def _padded(counts: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([counts, np.zeros(max(0, size - len(counts)), counts.dtype)])


def _added(counts: np.ndarray, depths: np.ndarray, times: int = 1) -> np.ndarray:
    """Counts by depth, with more added."""
    more = np.bincount(depths, minlength=len(counts))
    return _padded(counts, len(more)) + times * more
