"""Arb's word on a leaf: what the arrays of doubles found is claimed only if the same test holds in ball arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.boxes.greater import Turn, mirrored
from cfdyn.certify.boxes.solved import Solved
from cfdyn.certify.boxes.systems import Balls, Empty, System, precise
from cfdyn.certify.boxes.tests import Path, Tests
from cfdyn.certify.subject import Subject

Box = Sequence[tuple[float, float]]


CELLS = 256


def _glued(subject: Subject, box: Box) -> bool:
    """True if the map is continuous on each cell of the box, cut in every coordinate, so that few borders cross a cell."""
    each, step = max(2, round(CELLS ** (1 / len(box)))), subject.enclosure("step")
    sides = []
    for lo, hi in box:
        cuts = [lo + (hi - lo) * k / each for k in range(each)] + [hi]
        sides.append([ball(a, b) for a, b in pairwise(cuts)])
    return all(continuous(step, cell) for cell in product(*sides))


class Confirm:
    """The tests of leaves in ball arithmetic, for one map, box of all and period."""

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
