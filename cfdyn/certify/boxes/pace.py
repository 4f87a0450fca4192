"""How many boxes of a search are still to be tested, from those that were, and how long that takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cfdyn.arguments import called_with

ENOUGH = 12  # boxes of one depth that tell which part of such is bisected
FADING = 0.9  # what one batch leaves of the counts of its depths: regions that are searched later are not like the first ones
MOST = 2_000_000  # nodes of a tree
DEPTHS = 400  # below which what is expected to wait is not followed
ENDING = 0.35  # part of the deepest below which trees end there: below 1/2 each depth has fewer boxes than the one before
TOLD = ("boxes done", "boxes that wait", "seconds left or None")
Progress = Callable[[int, int, float | None], None]
Say = Callable[[str], None]
ROUND = 8  # boxes that are looked at one by one, for one estimate
LEVEL = 4  # boxes that are expected in a round at least: the parts that are bisected fall on, and fewer are seldom met
RECENT = 60  # rounds that tell what one takes


class Work(NamedTuple):
    """Rounds, boxes that are tested in them, and those of them that a test settles."""

    rounds: float
    boxes: float
    settled: float


class Seconds:
    """What work takes: so much for each round, for each box, and for each that is settled, by least squares over rounds so far.

    A box that is bisected was looked at in doubles, together with many; one that is settled has a proof in balls of its own, on
    569 rows of data some hundredths of a second. The first ones are bisected and the last ones settled, and small rounds take as
    long as large ones, so the pace of boxes alone tells too little. Of six proofs on these rows, of 11 to 40 s when a settled box
    took a tenth, two told something before the end: 0.9 to 1.8 of the time left, by boxes alone 0.6 to 0.8. In four searches with
    the loss `logistic_regression`, a round counted as three settled boxes, it was 0.57 to 1.28, by boxes alone 0.35 to 0.73.

    >>> seconds = Seconds()
    >>> for boxes, settled in ((1, 0), (2, 1), (20, 4), (64, 40)):
    ...     seconds.add(boxes, settled, 0.3 + 0.01 * boxes + 0.1 * settled)
    >>> round(seconds.of(Work(3, 100, 60)), 6)
    7.9
    """

    def __init__(self) -> None:
        self._rounds: deque[tuple[Work, float]] = deque(maxlen=RECENT)

    def add(self, boxes: int, settled: int, seconds: float) -> None:
        """A round of so many boxes took so long."""
        self._rounds.append((Work(1.0, boxes, settled), seconds))

    def of(self, work: Work) -> float:
        """Seconds for other work, at the pace of the last rounds."""
        from scipy.optimize import nnls  # which short proofs do without

        done, took = np.array([work for work, _ in self._rounds]), np.array([seconds for _, seconds in self._rounds])
        counts = FADING ** np.arange(len(took))[::-1]
        # Errors are about as large as √time: many short rounds say as much as a long one.
        weights = np.sqrt(counts / np.maximum(took, 1e-6))
        each = nnls(done * weights[:, None], took * weights)[0]
        fitted = float(counts @ (done @ each))
        return float(each @ work) * (float(counts @ took) / fitted if fitted else 1.0)


class Pace:
    """Knuth's estimate of the size of a tree, depth by depth, for boxes that are bisected until a test holds.

    Of the last boxes of depth k (that many bisections of the whole) a part p_k was bisected; a box of depth k is then expected
    to stand for E_k = 1 + 2 p_k E_(k+1) boxes, itself and what it is cut into, and those that wait for the sum of E over
    their depths. This is told once the search has been at the bottom: at the greatest depth with twelve boxes or more no more
    than a third of them are bisected. Before, how far down trees go cannot be known, and `left` is None.

    Told over true, in boxes: on seven searches of 33 to 10,000 boxes (descent and heavy ball on formulas and on rows of data) and
    a box of 144 cut one after the other 0.7 to 3.0, 15 of 18 values within a factor of two. Trees of fewer boxes, and those that
    are as deep everywhere, are told in their last tenth or not at all. With 30 boxes and a quarter of them in place of 12 and
    0.35, on 19 passes of 4 to 80 s: 0.4 to 3.6, 34 of 42 within a factor of two, 5 passes at a quarter of the time, 15 at nine
    tenths.
    The settled part of the box's volume says nothing about time: it comes to 95 to 99.9 % in the first tenth of a search.

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
        """A batch of boxes of these depths has letters, or none; then `bisected` is told which have parts."""
        self._waiting = _added(self._waiting, depths, -1)
        again = np.unique(depths[depths < len(self._tested)])
        self._tested[again] *= FADING
        self._bisected[again[again < len(self._bisected)]] *= FADING
        self._tested = _added(self._tested, depths)
        self.count += len(depths)

    def bisected(self, depths: np.ndarray) -> None:
        """Boxes of these depths have two parts each, which wait."""
        self._bisected = _added(self._bisected, depths)
        self._waiting = _added(self._waiting, depths + 1, 2)

    def left(self, most: int) -> float | None:
        """Boxes that will still be tested, at most so many; None where that cannot be told."""
        expected = self._expected()
        return None if expected is None else min(float(sum(expected)), float(most))

    def work_left(self, most: int, batch: float) -> Work | None:
        """Rounds of at most ``batch`` boxes, boxes and settled boxes still to come; None where that cannot be told.

        >>> pace = Pace(np.zeros(100, int))
        >>> pace.tested(np.zeros(50, int)); pace.bisected(np.zeros(25, int)); pace.tested(np.ones(50, int))
        >>> pace.work_left(10**6, 40)  # 50 whole boxes wait, and 50 halves of 25 of them then
        Work(rounds=2.5, boxes=100.0, settled=75.0)
        """
        expected, boxes = self._expected(), self.left(most)
        if expected is None or boxes is None:
            return None
        # Each that is bisected has two parts that wait: of L boxes and W that wait now, (L + W)/2 are settled.
        settled = (boxes + float(self._waiting.sum())) / 2
        return Work(sum(max(1.0, level / batch) for level in expected if level >= LEVEL), boxes, settled)

    def _expected(self) -> list[float] | None:
        """Boxes that are expected to be tested in each level from here on, were all that wait tested at once."""
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
        levels, level = [float(waiting.sum())], waiting.astype(float)
        while level.any() and len(levels) < DEPTHS:
            level, parts = np.append(0.0, 2 * parts * level), np.append(parts, part)
            levels.append(float(level.sum()))
        return levels


def saying(progress: Say | None) -> Say:
    """What is told in words how far a proof is; a UsageError where it does not take one text."""
    return called_with("progress", progress, "words") or (lambda words: None)


class Told:
    """Tells how far a proof by bisection is: boxes done, boxes that wait, and the seconds left, or None where that is not known.

    Boxes are tested one by one, `box`, or all that wait in turn, `tell` of each and `round` at last.
    """

    def __init__(self, progress: Progress | None):
        self.progress: Progress | None = called_with("progress", progress, *TOLD)
        self._done, self._waiting, self._ends = 0, 1, np.inf
        self._pace, self._seconds, self._begun = Pace(np.zeros(1, int)), Seconds(), time.monotonic()
        self._tested: list[int] = []
        self._bisected: list[int] = []

    def box(self, depth: int, bisected: bool) -> None:
        """A box, made by so many bisections of the whole, is done, or has two parts that wait."""
        if self.progress is None:
            return
        self._tested.append(depth)
        self._bisected += [depth] * bisected
        if len(self._tested) == ROUND:
            self.round(self._tested, self._bisected, ROUND)
            self._tested, self._bisected = [], []
        self.tell(self._done + (not bisected), self._waiting + (1 if bisected else -1))

    def tell(self, done: int, waiting: int) -> None:
        """So many are done, and so many wait."""
        self._done, self._waiting, left = done, waiting, self._ends - time.monotonic()
        if self.progress is not None:
            self.progress(done, waiting, left if 0 <= left < np.inf else None)

    def round(self, tested: Sequence[int], bisected: Sequence[int], most: float = np.inf) -> None:
        """Boxes of these depths were tested, and some bisected: so much is left, in rounds of ``most`` boxes."""
        if self.progress is None:
            return
        now = time.monotonic()
        self._pace.tested(np.array(tested, int))
        self._pace.bisected(np.array(bisected, int))
        self._seconds.add(len(tested), len(tested) - len(bisected), now - self._begun)
        work = self._pace.work_left(MOST, most)
        self._ends, self._begun = np.inf if work is None else now + self._seconds.of(work), now


def _padded(counts: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([counts, np.zeros(max(0, size - len(counts)), counts.dtype)])


def _added(counts: np.ndarray, depths: np.ndarray, times: int = 1) -> np.ndarray:
    """Counts by depth with some more."""
    more = np.bincount(depths, minlength=len(counts))
    return _padded(counts, len(more)) + times * more
