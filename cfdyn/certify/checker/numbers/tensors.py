"""Interval tensors: contractions, solutions of linear systems, pairs as complex numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.certify.checker.numbers.boxes import Interval, down, meet, point, up
from cfdyn.certify.checker.numbers.matrices import inverse, product, row_sums, unit


def dot(a: Interval, b: Interval) -> Interval:
    """The contraction of the last index of ``a`` with the first one of ``b``."""
    before, after, k = a.shape[:-1], b.shape[1:], a.shape[-1]
    left = Interval(a.lo.reshape(-1, k), a.hi.reshape(-1, k))
    right = Interval(b.lo.reshape(k, -1), b.hi.reshape(k, -1))
    flat = product(left, right)
    return Interval(flat.lo.reshape((*before, *after)), flat.hi.reshape((*before, *after)))


def turned(a: Interval, *axes: int) -> Interval:
    """The indices in another order."""
    return Interval(a.lo.transpose(axes), a.hi.transpose(axes))


def solved(a: Interval, b: Interval) -> Interval | None:
    """An enclosure of all x with A x = b, b a vector; None if A may be singular."""
    r = inverse(a.middle)
    rest = unit(a.shape[-1]) - product(point(r), a)
    q = row_sums(rest).max()
    if not q < 1:
        return None
    x = r @ b.middle
    wrong = dot(point(r), b - dot(a, point(x)))
    slack = up(wrong.magnitude.max() / down(1 - q))
    box = Interval(down(x - slack), up(x + slack))
    for _ in range(3):  # x − x̃ = R(b − A x̃) + (1 − R A)(x − x̃)
        box = meet(box, point(x) + wrong + dot(rest, box - point(x)))
    return box


def block(rows: list[list[Interval]]) -> Interval:
    """A matrix of blocks."""
    return Interval(np.block([[b.lo for b in row] for row in rows]), np.block([[b.hi for b in row] for row in rows]))


class Pair(NamedTuple):
    """Complex numbers: real and imaginary parts."""

    re: Interval
    im: Interval

    def dot(self, other: Pair) -> Pair:
        """The contraction of the last index with the first one of the other, without conjugation."""
        return Pair(dot(self.re, other.re) - dot(self.im, other.im), dot(self.re, other.im) + dot(self.im, other.re))

    def times(self, other: Pair) -> Pair:
        """The entrywise product."""
        return Pair(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def plus(self, other: Pair) -> Pair:
        """The sum."""
        return Pair(self.re + other.re, self.im + other.im)

    def scaled(self, c: float) -> Pair:
        """The product with a double."""
        return Pair(self.re * point(np.array(c)), self.im * point(np.array(c)))

    @property
    def conjugate(self) -> Pair:
        return Pair(self.re, -self.im)


def real(a: Interval) -> Pair:
    """Real numbers as complex ones."""
    return Pair(a, point(np.zeros(a.shape)))


def solved_pair(a: Pair, b: Pair) -> Pair | None:
    """An enclosure of all complex x with A x = b."""
    d = a.re.shape[-1]
    right = Interval(np.concatenate([b.re.lo, b.im.lo]), np.concatenate([b.re.hi, b.im.hi]))
    both = solved(block([[a.re, -a.im], [a.im, a.re]]), right)
    return None if both is None else Pair(both[:d], both[d:])
