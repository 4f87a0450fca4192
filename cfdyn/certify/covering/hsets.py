"""Parallelograms in the plane that cover each other under a map, verified in ball arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from flint import arb

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.borders.slopes import Slopes

Vector = tuple[arb, arb]
Matrix = tuple[arb, arb, arb, arb]  # a b; c d
CUTS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class HSet:
    """c + u_1 a + u_2 b with |u_1|, |u_2| ≤ 1: the columns are a, along which the map stretches, and b. All are doubles."""

    centre: tuple[float, float]
    columns: tuple[tuple[float, float], tuple[float, float]]

    @property
    def matrix(self) -> Matrix:
        """The columns as a matrix."""
        (a, c), (b, d) = self.columns
        return arb(a), arb(b), arb(c), arb(d)

    def at(self, u: Sequence[arb]) -> Vector:
        """The points with these coordinates."""
        x, y = product(self.matrix, u)
        return self.centre[0] + x, self.centre[1] + y

    def coordinates(self, z: Sequence[arb]) -> Vector | None:
        """The coordinates of points; None if the columns may be parallel."""
        inverse = inverted(self.matrix)
        return None if inverse is None else product(inverse, (z[0] - self.centre[0], z[1] - self.centre[1]))

    def corners(self) -> Iterator[Vector]:
        """The four corners."""
        for first in (-1, 1):
            for second in (-1, 1):
                yield self.at((arb(first), arb(second)))


def disjoint(one: HSet, other: HSet) -> bool:
    """True if an edge of one of the two is known to separate them."""
    return _separated(one, other) or _separated(other, one)


def _separated(one: HSet, other: HSet) -> bool:
    corners = [one.coordinates(z) for z in other.corners()]
    known = [u for u in corners if u is not None]
    return len(known) == 4 and any(all(u[k] > 1 for u in known) or all(u[k] < -1 for u in known) for k in (0, 1))


class _Pair(NamedTuple):
    """A set, the set to be covered, the inverse of the latter's columns; whether the map is continuous on all of the first."""

    one: HSet
    other: HSet
    inverse: Matrix
    smooth: bool


@dataclass(frozen=True)
class Planar:
    """A map of the plane over balls."""

    step: Enclosure
    slopes: Slopes

    def covering(self, one: HSet, other: HSet, cuts: Sequence[int] = CUTS) -> tuple[int, int] | None:
        """The numbers of pieces along its two columns into which a set is cut for the proof that it covers the other; None if
        that fails.

        The image of the set stays off the upper and the lower edge of the other, and its left and right edge are mapped to
        different sides (Zgliczyński & Gidea 2004, definitions 5 and 6, for one direction that is stretched).
        """
        inverse, whole = inverted(other.matrix), one.at((ball(-1.0, 1.0), ball(-1.0, 1.0)))
        if inverse is None:
            return None
        pair = _Pair(one, other, inverse, continuous(self.step, whole))
        for t in cuts:
            if not self._to_sides(pair, t):
                continue
            for s in cuts:
                if all(self._crosses(pair, u) for u in _cells(s, t)):
                    return s, t
        return None

    def image(self, pair: _Pair, u: Vector) -> Vector | None:
        """The image of a cell in the coordinates of the other set, by the mean-value form; None if the map may jump."""
        one, other, inverse, smooth = pair
        middle = [arb(x.mid()) for x in u]
        box = one.at(u)
        if not smooth and not continuous(self.step, box):
            return None
        at_middle = self.step(one.at(middle))
        slopes = times(times(inverse, self.slopes(box)), one.matrix)
        start = product(inverse, (at_middle[0] - other.centre[0], at_middle[1] - other.centre[1]))
        move = product(slopes, (u[0] - middle[0], u[1] - middle[1]))
        return start[0] + move[0], start[1] + move[1]

    def _crosses(self, pair: _Pair, u: Vector) -> bool:
        image = self.image(pair, u)
        return image is not None and bool(image[0] < -1 or image[0] > 1 or (image[1] > -1 and image[1] < 1))

    def _to_sides(self, pair: _Pair, t: int) -> bool:
        """True if the two edges across the stretched direction are mapped to different sides."""
        sides = []
        for first in (-1, 1):
            images = [self.image(pair, (arb(first), ball(*piece))) for piece in pieces(t)]
            known = [image[0] for image in images if image is not None]
            if len(known) < t:
                return False
            sides.append(1 if all(x > 1 for x in known) else -1 if all(x < -1 for x in known) else 0)
        return sides[0] * sides[1] == -1


def pieces(count: int) -> Iterator[tuple[float, float]]:
    """[−1, 1] in equal pieces."""
    return pairwise(float(x) for x in np.linspace(-1, 1, count + 1))


def _cells(s: int, t: int) -> Iterator[Vector]:
    for first in pieces(s):
        for second in pieces(t):
            yield ball(*first), ball(*second)


def product(m: Sequence[arb], v: Sequence[arb]) -> Vector:
    """A matrix times a vector."""
    return m[0] * v[0] + m[1] * v[1], m[2] * v[0] + m[3] * v[1]


def times(m: Sequence[arb], n: Sequence[arb]) -> Matrix:
    """The product of two matrices."""
    return (m[0] * n[0] + m[1] * n[2], m[0] * n[1] + m[1] * n[3], m[2] * n[0] + m[3] * n[2], m[2] * n[1] + m[3] * n[3])


def inverted(m: Sequence[arb]) -> Matrix | None:
    """The inverse, None if the determinant may be 0."""
    det = m[0] * m[3] - m[1] * m[2]
    return (m[3] / det, -m[1] / det, -m[2] / det, m[0] / det) if det > 0 or det < 0 else None
