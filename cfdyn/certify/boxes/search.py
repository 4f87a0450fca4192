"""Branch and prune: a box is bisected until each part passes a test, breadth-first in batches of bounded number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.certify.boxes.confirm import Confirm
from cfdyn.certify.boxes.greater import Turn, mirrored
from cfdyn.certify.boxes.prefilter import Span, ends, rows
from cfdyn.certify.boxes.solved import Solved
from cfdyn.certify.boxes.systems import Doubles, System
from cfdyn.certify.boxes.tests import Path, Shift, Tests
from cfdyn.certify.boxes.tree import Tree, middle
from cfdyn.certify.exact import above, below
from cfdyn.certify.subject import Subject

BATCH = 4096
NARROWEST = 2.0**-44  # of the whole: a box that is not wider is not bisected
SHARE = 0.3  # how much it counts that one coordinate is wider than another, as parts of the whole
MOST = 2_000_000  # nodes of a tree
Progress = Callable[[int, int], None]  # boxes done, boxes that wait


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

    ``solved``: the proven cycles so far; ``parked``: boxes narrower than the level that `run` was given; ``given_up``: too
    narrow to be bisected, or too many. ``turns``: see `Tests`.
    """

    def __init__(self, subject: Subject, box: Sequence[tuple[float, float]], period: int, *, fold: bool = False,
                 unbroken: bool = False, turns: Sequence[Turn] = (), most: int = MOST, progress: Progress | None = None):  # fmt: skip
        spans = [Span(lo, hi) for lo, hi in box]
        self.tests = Tests(System(subject, Doubles, fold), spans, period, turns)
        self.confirm = Confirm(subject, box, period, fold, unbroken, turns)
        self.solved, self.tree, self.most, self.progress = Solved(period), Tree(), most, progress
        root = [*box, *((below(lo), above(hi)) for lo, hi in subject.varied.values())]
        lo, hi = (np.array([[pair[k]] for pair in root], float) for k in (0, 1))
        self.width = hi[:, 0] - lo[:, 0]
        self.waiting = [Boxes(np.array([0]), lo, hi)]
        self.parked: list[Boxes] = []
        self.given_up: list[Boxes] = []
        self.done = self.tested = 0
        self.after: Callable[[], None] = lambda: None  # called after each batch

    def run(self, level: float = 0.0, patience: int | None = None) -> None:
        """Go on until nothing waits; boxes whose widths are all below the level, as a part of the whole, are parked.

        patience : stop once more boxes than these are given up
        """
        while self.waiting:
            batch = self._next()
            try:
                self._round(batch, level)
            except KeyboardInterrupt:
                self.waiting.append(batch)
                raise
            self.after()
            if self.progress:
                self.progress(self.done, sum(len(b.nodes) for b in self.waiting))
            if patience is not None and sum(len(b.nodes) for b in self.given_up) > patience:
                return

    def unpark(self) -> None:
        """Parked boxes wait again."""
        self.waiting, self.parked = self.waiting + self.parked, []

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
        with np.errstate(all="ignore"):
            letters, scores = self._sorted(batch)
        for k in np.flatnonzero(letters != "?"):
            if not self.confirm(letters[k], batch.lo[:, k], batch.hi[:, k], self.solved):
                letters[k] = "?"
        for letter in set(letters.tolist()) - {"?"}:
            self.tree.mark(batch.nodes[letters == letter], letter)
        self.done += int((letters != "?").sum())
        rest = letters == "?"
        self._divide(batch.take(rest), scores[:, rest], level)

    def _sorted(self, batch: Boxes) -> tuple[np.ndarray, np.ndarray]:
        """The letter of the test that holds for each box, and how much each coordinate contributes where none does."""
        d, count = self.tests.system.dim, len(batch.nodes)
        self.tested += count
        letters, scores = np.full(count, "?"), (batch.hi - batch.lo) / self.width[:, None] * 1e-300
        letters[mirrored(self.tests.turns, batch.lo[:d], batch.hi[:d])] = "m"
        rest = np.flatnonzero(letters == "?")
        lo, hi = batch.lo[:, rest], batch.hi[:, rest]
        x, p = rows(lo[:d], hi[:d]), rows(lo[d:], hi[d:])
        path = self.tests.path(x, p)
        for letter, truth in (("r", self.tests.passed(path)), ("a", self.tests.away(path)), ("o", path.out)):
            letters[rest[np.broadcast_to(truth, len(rest))]] = letter
        left = np.flatnonzero(letters[rest] == "?")
        path, p, rest = _part(path, left, len(rest)), _some(p, left, len(rest)), rest[left]
        shift = self.tests.shift(path, p)
        displaced = np.broadcast_to(self.tests.displaced(shift, path.stages[0]), len(rest))
        letters[rest[displaced]] = "d"
        scores[:, rest] += _scores(shift, path.stages[0], p, scores[:, rest])
        kept = np.flatnonzero(~displaced)
        path, p, rest = _part(path, kept, len(rest)), _some(p, kept, len(rest)), rest[kept]
        if self.tests.period > 1:
            letters[rest[np.broadcast_to(self.tests.quotient(path, p), len(rest))]] = "q"
        inside = self.solved.through(path.stages[:-1], len(rest))
        letters[rest[inside & (letters[rest] == "?")]] = "s"
        return letters, scores

    def _divide(self, rest: Boxes, scores: np.ndarray, level: float) -> None:
        relative = (rest.hi - rest.lo) / self.width[:, None]
        small = (relative[: self.tests.system.dim] < level).all(0)
        if small.any():
            self.parked.append(rest.take(small))
        rest, scores = rest.take(~small), scores[:, ~small]
        m = middle(rest.lo, rest.hi)
        wide = (rest.lo < m) & (m < rest.hi) & (rest.hi - rest.lo > NARROWEST * self.width[:, None])
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
        first, at = self.tree.bisect(rest.nodes, k), np.arange(len(k))
        lower, upper = rest.hi.copy(), rest.lo.copy()
        lower[k, at] = upper[k, at] = m[k, at]
        self.waiting.append(Boxes(first + 1, upper, rest.hi))
        self.waiting.append(Boxes(first, rest.lo, lower))


def _some(spans: Sequence[Span], which: np.ndarray, count: int) -> list[Span]:
    lo, hi = ends(spans, count) if spans else ((), ())
    return [Span(a[which], b[which]) for a, b in zip(lo, hi, strict=True)]


def _part(path: Path, which: np.ndarray, count: int) -> Path:
    smooth = [s if isinstance(s, bool) else np.broadcast_to(s, count)[which] for s in path.smooth]
    return Path([_some(x, which, count) for x in path.stages], False, smooth)


def _scores(shift: Shift, x: Sequence[Span], p: Sequence[Span], otherwise: np.ndarray) -> np.ndarray:
    """How wide each coordinate makes the shift; all parameters share what the middle's orbit has."""
    columns = [sum(np.maximum(abs(row[j].lo), abs(row[j].hi)) for row in shift.slopes) * (s.hi - s.lo) for j, s in enumerate(x)]
    if p:
        spread = sum(a.hi - a.lo for a in shift.at)
        share = otherwise[len(x) :] / otherwise[len(x) :].max(0)
        columns += [spread * s for s in share]
    found = np.array([np.broadcast_to(c, otherwise.shape[1]) for c in columns])
    return np.where(np.isfinite(found).all(0), found * (otherwise * 1e300) ** SHARE, otherwise * 1e300)
