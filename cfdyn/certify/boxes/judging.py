"""Which test holds for each of many boxes: arrays of doubles suggest it, and it is claimed if Arb confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.boxes.greater import Turn, mirrored
from cfdyn.certify.boxes.prefilter import Span, ends, rows
from cfdyn.certify.boxes.solved import Solved
from cfdyn.certify.boxes.systems import Balls, Doubles, Empty, System, precise
from cfdyn.certify.boxes.tests import Path, Shift, Tests
from cfdyn.certify.exact import above, below
from cfdyn.certify.subject import Subject

SHARE = 0.3  # weight of the relative width of a coordinate, as a fraction of the whole
Box = Sequence[tuple[float, float]]
CELLS = 256


class Question(NamedTuple):
    """The problem of a search: cycles of a period in a box. ``fold``: see `System`; ``unbroken``: whether leaves on which the map
    is not continuous remain open; ``turns``: see `Tests`.
    """

    subject: Subject
    box: Sequence[tuple[float, float]]
    period: int
    fold: bool = False
    unbroken: bool = False
    turns: Sequence[Turn] = ()

    @property
    def root(self) -> list[tuple[float, float]]:
        """The box, then the intervals of the varied parameters."""
        return [*self.box, *((below(lo), above(hi)) for lo, hi in self.subject.varied.values())]


class Judge:
    """The letters of boxes of a search. Each box is judged by itself: its letter does not depend on the rest of the batch."""

    def __init__(self, question: Question):
        about, box, period, fold, unbroken, turns = question
        self.tests = Tests(System(about, Doubles, fold), [Span(lo, hi) for lo, hi in box], period, turns)
        self.confirm = Confirm(about, box, period, fold, unbroken, turns)
        self.width = np.array([hi - lo for lo, hi in question.root])

    def __call__(self, lo: np.ndarray, hi: np.ndarray, solved: Solved) -> tuple[np.ndarray, np.ndarray]:
        """For boxes (coordinates, boxes): the letter of a test that holds, or ?, and each coordinate's contribution there."""
        with np.errstate(all="ignore"):
            letters, scores = self._suggested(lo, hi, solved)
        for k in np.flatnonzero(letters != "?"):
            if not self.confirm(letters[k], lo[:, k], hi[:, k], solved):
                letters[k] = "?"
        return letters, scores

    def _suggested(self, lo: np.ndarray, hi: np.ndarray, solved: Solved) -> tuple[np.ndarray, np.ndarray]:
        """The letter of the test that holds for each box, and how much each coordinate contributes if none holds."""
        d, count = self.tests.system.dim, lo.shape[1]
        letters, scores = np.full(count, "?"), (hi - lo) / self.width[:, None] * 1e-300
        letters[mirrored(self.tests.turns, lo[:d], hi[:d])] = "m"
        rest = np.flatnonzero(letters == "?")
        # contiguous rows: numpy functions may round differently over strides
        x, p = (rows(a.take(rest, 1), b.take(rest, 1)) for a, b in ((lo[:d], hi[:d]), (lo[d:], hi[d:])))
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
        inside = solved.through(path.stages[:-1], len(rest))
        letters[rest[inside & (letters[rest] == "?")]] = "s"
        return letters, scores


def _some(spans: Sequence[Span], which: np.ndarray, count: int) -> list[Span]:
    lo, hi = ends(spans, count) if spans else ((), ())
    return [Span(a[which], b[which]) for a, b in zip(lo, hi, strict=True)]


def _part(path: Path, which: np.ndarray, count: int) -> Path:
    smooth = [s if isinstance(s, bool) else np.broadcast_to(s, count)[which] for s in path.smooth]
    return Path([_some(x, which, count) for x in path.stages], False, smooth)


def _scores(shift: Shift, x: Sequence[Span], p: Sequence[Span], otherwise: np.ndarray) -> np.ndarray:
    """How wide each coordinate makes the shift; all parameters share the width of the orbit of the middle."""
    columns = [sum(np.maximum(abs(row[j].lo), abs(row[j].hi)) for row in shift.slopes) * (s.hi - s.lo) for j, s in enumerate(x)]
    if p:
        spread = sum(a.hi - a.lo for a in shift.at)
        share = otherwise[len(x) :] / otherwise[len(x) :].max(0)
        columns += [spread * s for s in share]
    scores = np.array([np.broadcast_to(c, otherwise.shape[1]) for c in columns])
    return np.where(np.isfinite(scores).all(0), scores * (otherwise * 1e300) ** SHARE, otherwise * 1e300)


def _glued(subject: Subject, box: Box) -> bool:
    """True if the map is continuous on each cell of the box, cut in every coordinate, so that few borders cross a cell."""
    each, step = max(2, round(CELLS ** (1 / len(box)))), subject.enclosure("step")
    sides = []
    for lo, hi in box:
        cuts = [lo + (hi - lo) * k / each for k in range(each)] + [hi]
        sides.append([ball(a, b) for a, b in pairwise(cuts)])
    return all(continuous(step, cell) for cell in product(*sides))


class Confirm:
    """The tests of leaves in ball arithmetic, for one map, total box and period."""

    def __init__(
        self, subject: Subject, box: Box, period: int, fold: bool = False, unbroken: bool = False, turns: Sequence[Turn] = ()
    ):
        with precise():
            system = System(subject, Balls, fold)
            whole = [ball(lo, hi) for lo, hi in box]
            self.tests = Tests(system, whole, period, turns)
            if system.programs.jumping and _glued(subject, box):
                system.glued = whole
        self.unbroken = unbroken

    def __call__(self, letter: str, lo: np.ndarray, hi: np.ndarray, solved: Solved) -> bool:
        """True if the test holds on the leaf with these ends, (state and parameters,)."""
        if letter == "m":
            return bool(mirrored(self.tests.turns, lo[:, None], hi[:, None]).all())
        with precise():
            balls = [ball(float(a), float(b)) for a, b in zip(lo, hi, strict=True)]
            d = self.tests.system.dim
            x, p = balls[:d], balls[d:]
            system = self.tests.system
            if self.unbroken and not (system.continuous(x, p) and all(y.is_finite() for y in system.step(x, p))):
                return False
            try:
                path = self.tests.path(x, p)
                return letter != "o" and self._holds(letter, path, p, solved)
            except Empty:
                return True

    def _holds(self, letter: str, path: Path, p: list, solved: Solved) -> bool:
        tests = self.tests
        if letter == "a":
            return bool(tests.away(path))
        if letter == "r":
            return bool(tests.passed(path))
        if letter == "d":
            return bool(tests.displaced(tests.shift(path, p), path.stages[0]))
        if letter == "q":
            return bool(tests.quotient(path, p))
        return solved.holds([[(a.lower(), a.upper()) for a in x] for x in path.stages[:-1]])
