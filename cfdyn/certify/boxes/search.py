"""Branch and prune: boxes are bisected until each part passes a test, breadth-first in batches of bounded size."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.arguments import called_with
from cfdyn.certify.boxes.helping import Helpers
from cfdyn.certify.boxes.judging import Question
from cfdyn.certify.boxes.pace import MOST, TOLD, Pace, Progress, Rate
from cfdyn.certify.boxes.solved import Solved
from cfdyn.certify.boxes.tree import Tree, middle

BATCH = 4096
NARROWEST = 2.0**-44  # relative to the whole: a narrower box is not bisected


@dataclass(frozen=True)
class Boxes:
    """Nodes of a tree with the ends of their boxes, (coordinates, boxes)."""

    nodes: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    def take(self, which: np.ndarray) -> Boxes:
        """Some of them."""
        return Boxes(self.nodes[which], self.lo[:, which], self.hi[:, which])

    @staticmethod
    def joined(parts: Sequence[Boxes]) -> Boxes:
        """All of them in one."""
        return Boxes(*(np.concatenate([getattr(b, k) for b in parts], axis=-1) for k in ("nodes", "lo", "hi")))


class Search:
    """The tree over a box of states and the intervals of the varied parameters, for one period.

    ``solved``: the proven cycles so far; ``parked``: boxes narrower than the level passed to `run`; ``given_up``: boxes that are
    too narrow to be bisected, or too many.
    """

    def __init__(self, question: Question, helpers: Helpers, most: int = MOST, progress: Progress | None = None):
        self.question, self.judged = question, helpers.judge(question)
        self.solved, self.tree, self.most = Solved(question.period), Tree(), most
        self.progress: Progress | None = called_with("progress", progress, *TOLD)
        lo, hi = (np.array([[pair[k]] for pair in question.root], float) for k in (0, 1))
        self.width, self.dim = hi[:, 0] - lo[:, 0], len(question.box)
        self.waiting = [Boxes(np.array([0]), lo, hi)]
        self.pace, self.rate = Pace(np.zeros(0, int)), Rate()
        self.parked: list[Boxes] = []
        self.given_up: list[Boxes] = []
        self.done = self.tested = 0
        self.after: Callable[[], None] = lambda: None  # called after each batch

    def run(self, level: float = 0.0, patience: int | None = None) -> None:
        """Continue until nothing waits; boxes whose widths are all below the level, as a fraction of the whole, are parked.

        patience : stop once more boxes than this are given up
        """
        self.pace = Pace(self._depths(*self.waiting))
        while self.waiting:
            batch, begun, done = self._next(), time.monotonic(), self.done
            try:
                self._round(batch, level)
            except KeyboardInterrupt:
                self.waiting.append(batch)
                raise
            self.after()
            if self.progress:
                waiting = sum(len(b.nodes) for b in self.waiting)
                self.rate.add(self.done - done, time.monotonic() - begun)
                left = self.pace.settled_left(waiting + self.most - self.tree.size)
                self.progress(self.done, waiting, None if left is None else self.rate.of(left))
            if patience is not None and sum(len(b.nodes) for b in self.given_up) > patience:
                return

    def _depths(self, *parts: Boxes) -> np.ndarray:
        """How often the whole was bisected for each box."""
        widths = [-np.log2((b.hi - b.lo) / self.width[:, None]).sum(0) for b in parts]
        return np.rint(np.concatenate([np.zeros(0), *widths])).astype(int)

    def unpark(self) -> None:
        """Move parked boxes back to those that wait."""
        self.waiting, self.parked = self.waiting + self.parked, []

    def crowded(self) -> bool:
        """True if there were too many boxes: one that could be bisected is given up."""
        return any(self._wide(boxes)[1].any() for boxes in self.given_up)

    def _wide(self, boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
        """The middles, and the coordinates along which each box can be bisected."""
        lo, hi = boxes.lo, boxes.hi
        m = middle(lo, hi)
        return m, (lo < m) & (m < hi) & (hi - lo > NARROWEST * self.width[:, None])

    def _next(self) -> Boxes:
        parts, count = [self.waiting.pop()], 0
        while self.waiting and (count := count + len(parts[-1].nodes)) < BATCH:
            parts.append(self.waiting.pop())
        batch = Boxes.joined(parts)
        if len(batch.nodes) > BATCH:
            self.waiting.append(batch.take(np.arange(BATCH, len(batch.nodes))))
            batch = batch.take(np.arange(BATCH))
        return batch

    def _round(self, batch: Boxes, level: float) -> None:
        letters, scores = self.judged(batch.lo, batch.hi, self.solved)
        self.tested += len(letters)
        self.pace.tested(self._depths(batch))
        for letter in set(letters.tolist()) - {"?"}:
            self.tree.mark(batch.nodes[letters == letter], letter)
        self.done += int((letters != "?").sum())
        rest = letters == "?"
        self._divide(batch.take(rest), scores[:, rest], level)

    def _divide(self, rest: Boxes, scores: np.ndarray, level: float) -> None:
        relative = (rest.hi - rest.lo) / self.width[:, None]
        small = (relative[: self.dim] < level).all(0)
        if small.any():
            self.parked.append(rest.take(small))
        rest, scores = rest.take(~small), scores[:, ~small]
        m, wide = self._wide(rest)
        scores = np.where(wide, scores, -1.0)
        k = scores.argmax(0)
        able = scores[k, np.arange(len(k))] >= 0
        if self.tree.size + 2 * able.sum() > self.most:
            able[:] = False
        if not able.all():
            self.given_up.append(rest.take(~able))
        rest, k, m = rest.take(able), k[able], m[:, able]
        if not len(k):
            return
        self.pace.bisected(self._depths(rest))
        first, at = self.tree.bisect(rest.nodes, k), np.arange(len(k))
        lower, upper = rest.hi.copy(), rest.lo.copy()
        lower[k, at] = upper[k, at] = m[k, at]
        self.waiting.append(Boxes(first + 1, upper, rest.hi))
        self.waiting.append(Boxes(first, rest.lo, lower))
