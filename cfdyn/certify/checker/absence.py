"""The meaning of a leaf of a tree: the greatest point of a cycle of least period n in the box is on a proven cycle.

Tests o, a, d, q, s, m, r of docs/reference/certificates.md. A leaf on which none holds is bisected further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import finite
from cfdyn.certify.checker.numbers.boxes import Array, Interval, hull, meet, point, stacked
from cfdyn.certify.checker.numbers.matrices import applied, inverse, product, regular, unit
from cfdyn.certify.checker.shooting import primes
from cfdyn.certify.checker.symmetries import first_moved, turned
from cfdyn.certify.checker.tree import leaves

DEEPER = 24
EXTRA, EACH = 30_000, 20  # leaves that a checker adds to a tree, and for each of its leaves


class Absence:
    """The leaves' tests for the period n of g in a box; ``proven``: cycles as boxes (n, d) to which points may belong.

    ``turns``: signed permutations that commute with g and map the box to itself
    """

    def __init__(self, g: Any, n: int, box: Interval, proven: Sequence[Interval] = (), turns: Sequence[Sequence[int]] = ()):
        self.g, self.n, self.box, self.proven, self.left = g, n, box, list(proven), EXTRA
        self.turns = turns

    def check(self, text: str, root: Interval, allowed: str, what: str) -> bool:
        """Verify all leaves except those marked ?; return whether there are no leaves marked ?."""
        complete = True
        for part in leaves(text, root, allowed, what):
            claimed = part.letters != "?"
            complete &= bool(claimed.all())
            if claimed.any():
                self._leaves(part.boxes[claimed], root, what)
        return complete

    def _leaves(self, boxes: Interval, root: Interval, what: str) -> None:
        self.left += EACH * len(boxes.lo)
        size = np.where(root.hi > root.lo, root.hi - root.lo, 1.0)
        for _ in range(DEEPER):
            boxes = boxes[~self.hold(boxes)]
            if not len(boxes.lo):
                return
            self.left -= 2 * len(boxes.lo)
            if self.left < 0:
                break
            boxes = _bisected(boxes, size)
        where = ", ".join(f"[{lo:.6g}, {hi:.6g}]" for lo, hi in zip(boxes.lo[0], boxes.hi[0]))
        raise NotValid(f"{what}: no test confirms the letter of the leaf at {where}")

    def hold(self, boxes: Interval) -> Array:
        """True for each leaf (N, d + p) on which a test holds."""
        d = self.g.d
        x, lines = boxes[:, :d], boxes[:, d:]
        with np.errstate(all="ignore"):
            orbit, slopes, empty = self._orbit(x, lines)
            absent = empty | orbit[-1].apart(x).any(axis=-1) | self._greater(orbit)
            for cycle in self.proven:
                absent |= self._solved(orbit, cycle)
            for test in (self._displaced, self._quotient):
                left = np.flatnonzero(~absent)
                if len(left):
                    absent[left] = test([o[left] for o in orbit], [s[left] for s in slopes], x[left], lines[left])
        return absent

    def _orbit(self, x: Interval, lines: Interval) -> tuple[list[Interval], list[Interval], Array]:
        """X_0 … X_n, the slopes over X_0 … X_{n−1}, and where one of X_1 … X_n is empty."""
        orbit, all_slopes, empty = [x], [], np.zeros(len(x.lo), dtype=bool)
        for _ in range(self.n):
            current = orbit[-1]
            natural, slopes = self.g.slopes(current, lines)
            m = point(current.middle)
            mean = self.g.value(m, lines) + applied(slopes, current - m)
            after = _where(finite(natural, slopes), meet(natural, mean), natural)
            lo, hi = np.maximum(after.lo, self.box.lo), np.minimum(after.hi, self.box.hi)
            none = (lo > hi).any(axis=-1)
            empty |= none
            orbit.append(_where(none, current, Interval(np.where(none[:, None], 0.0, lo), np.where(none[:, None], 0.0, hi))))
            all_slopes.append(slopes)
        return orbit, all_slopes, empty

    def _greater(self, orbit: list[Interval]) -> Array:
        """Where a later point or an image has a larger first coordinate, or a turn makes no point of X_0 smaller."""
        x = orbit[0]
        greater = np.zeros(len(x.lo), dtype=bool)
        for later in orbit[1:-1]:
            for image in (later, *(turned(later, turn) for turn in self.turns)):
                greater |= image.lo[:, 0] > x.hi[:, 0]
        for turn in self.turns:
            k = first_moved(turn)
            greater |= x.hi[:, k] <= turned(x, turn).lo[:, k]
        return greater

    def _solved(self, orbit: list[Interval], cycle: Interval) -> Array:
        solved = np.zeros(len(orbit[0].lo), dtype=bool)
        for j in range(self.n):
            all_in = np.ones(len(solved), dtype=bool)
            for i in range(self.n):
                all_in &= orbit[i].within(cycle[(j + i) % self.n]).all(axis=-1)
            solved |= all_in
        return solved

    def _displaced(self, orbit: list[Interval], _: list[Interval], x: Interval, lines: Interval) -> Array:
        """Where no x has gⁿ(x) = x: by the mean-value form of gⁿ(x) − x, also multiplied by a matrix Y."""
        m = point(x.middle)
        beside, total = m, point(np.broadcast_to(np.eye(self.g.d), (len(x.lo), self.g.d, self.g.d)))
        good = np.ones(len(x.lo), dtype=bool)
        for i in range(self.n):
            between = hull(orbit[i], beside)
            natural, slopes = self.g.slopes(between, lines)
            good &= finite(natural, slopes)
            total = product(slopes, total)
            beside = self._after(beside, lines)
        moved, slope = beside - m, total - unit(self.g.d)
        plain = (moved + applied(slope, x - m)).without_zero().any(axis=-1)
        y = point(inverse(slope.middle))
        turned = (applied(y, moved) + applied(product(y, slope), x - m)).without_zero().any(axis=-1)
        return good & (plain | turned)

    def _after(self, x: Interval, lines: Interval) -> Interval:
        """The natural extension and the mean-value form of one step."""
        natural, slopes = self.g.slopes(x, lines)
        m = point(x.middle)
        mean = self.g.value(m, lines) + applied(slopes, x - m)
        return _where(finite(natural, slopes), meet(natural, mean), natural)

    def _quotient(self, orbit: list[Interval], _: list[Interval], x: Interval, lines: Interval) -> Array:
        """For a prime p and G = g^(n/p): 1 + A_1 + A_2 A_1 + … is regular, so that gⁿ(x) = x only where G(x) = x."""
        absent = np.zeros(len(x.lo), dtype=bool)
        for p in primes(self.n):
            k = self.n // p
            power = total = point(np.broadcast_to(np.eye(self.g.d), (len(x.lo), self.g.d, self.g.d)))
            good = np.ones(len(x.lo), dtype=bool)
            for j in range(1, p):
                for i in range(k):
                    between = hull(orbit[(j - 1) * k + i], orbit[j * k + i])
                    natural, slopes = self.g.slopes(between, lines)
                    good &= finite(natural, slopes)
                    power = product(slopes, power)
                total = total + power
            absent |= good & regular(total)
        return absent


def _where(condition: Array, a: Interval, b: Interval) -> Interval:
    return Interval(np.where(condition[:, None], a.lo, b.lo), np.where(condition[:, None], a.hi, b.hi))


def _bisected(boxes: Interval, size: Array) -> Interval:
    """Each box in two halves of its widest side, measured by the root's sides."""
    widest = np.argmax((boxes.hi - boxes.lo) / size, axis=-1)
    rows = np.arange(len(widest))
    m = boxes.lo[rows, widest] / 2 + boxes.hi[rows, widest] / 2
    left, right = boxes.hi.copy(), boxes.lo.copy()
    left[rows, widest], right[rows, widest] = m, m
    halves = stacked([Interval(boxes.lo, left), Interval(right, boxes.hi)], axis=1)
    return Interval(halves.lo.reshape(-1, boxes.shape[1]), halves.hi.reshape(-1, boxes.shape[1]))
