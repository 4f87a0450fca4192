"""Tests that rule out that a point of a box lies on a cycle of a period (described in docs/reference/certificates.md).

The same code runs over arrays of doubles, where results are masks, and over Arb balls, where they are True or False.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.certify.boxes.greater import Turn, turned
from cfdyn.certify.boxes.systems import Matrix, System, Vector


@dataclass(frozen=True)
class Path:
    """The images of a box, intersected with the total box: X_0 … X_n; where one of them is empty; where g is continuous."""

    stages: list[Vector]
    out: Any
    smooth: list[Any]


@dataclass(frozen=True)
class Shift:
    """Y(gⁿ(x) − x) ∈ ``at`` + ``slopes`` (x − ``middle``) over a box, for some matrix Y, and where that is known."""

    at: Vector
    slopes: Matrix
    middle: Vector
    known: Any


class Tests:
    """The tests for one map, period and total box; X, P: one number of the system's kind for each coordinate and parameter.

    ``turns``: signed permutations that commute with the map, including the identity, if the search is only for the greatest point
    of each cycle and its images
    """

    def __init__(self, system: System, box: Vector, period: int, turns: Sequence[Turn] = ()):
        self.system, self.n, self.box, self.period, self.turns = system, system.numbers, box, period, turns

    def path(self, x: Vector, p: Vector) -> Path:
        """X_0 … X_n."""
        stages, out, smooth = [x], False, []
        for _ in range(self.period):
            y, steady = self._image(stages[-1], p)
            y = [self.n.meet(a, b) for a, b in zip(y, self.box, strict=True)]
            for a in y:
                out = out | self.n.empty(a)
            stages.append(y)
            smooth.append(steady)
        return Path(stages, out, smooth)

    def away(self, path: Path) -> Any:
        """Where X_n and X_0 are disjoint."""
        return self._any(self.n.apart(a, b) for a, b in zip(path.stages[-1], path.stages[0], strict=True))

    def passed(self, path: Path) -> Any:
        """Where a later point, or an image of it, has a larger first coordinate than any point of X_0."""
        later = (turned(x, turn)[0] for x in path.stages[1:-1] for turn in self.turns)
        return self._any(self.n.above(a, path.stages[0][0]) for a in later)

    def shift(self, path: Path, p: Vector) -> Shift:
        """gⁿ(x) − x in mean-value form."""
        x = path.stages[0]
        middle = [self.n.middle(a) for a in x]
        m, product, known = middle, None, True
        for i in range(self.period):
            over = [self.n.hull(a, b) for a, b in zip(path.stages[i], m, strict=True)]
            known = known & self.system.continuous(over, p)
            slopes = self.system.slopes(over, p)
            product = slopes if product is None else _times(slopes, product)
            m = self._image(m, p)[0] if p else self.system.step(m, p)
        assert product is not None
        one = self.n.point(1.0)
        for k, row in enumerate(product):
            row[k] = row[k] - one
        at = [a - b for a, b in zip(m, middle, strict=True)]
        if len(x) > 1:
            y = self._inverse(product)
            at, product = _apply(y, at), _times(y, product)
        return Shift(at, product, middle, known)

    def displaced(self, shift: Shift, x: Vector) -> Any:
        """Where an entry of the shift is not 0."""
        offsets = [a - b for a, b in zip(x, shift.middle, strict=True)]
        moved = [a + b for a, b in zip(shift.at, _apply(shift.slopes, offsets), strict=True)]
        return self._any(map(self.n.not_zero, moved)) & shift.known

    def quotient(self, path: Path, p: Vector) -> Any:
        """Where gⁿ(x) = x implies gᵏ(x) = x for some k with n/k prime."""
        return self._any(self._divided(path, p, prime) for prime in primes(self.period))

    def _divided(self, path: Path, p: Vector, prime: int) -> Any:
        k, one, d = self.period // prime, self.n.point(1.0), self.system.dim
        unit = [[one if i == j else self.n.point(0.0) for j in range(d)] for i in range(d)]
        total, product, known = unit, unit, True
        for j in range(1, prime):
            for i in range(k):
                over = [self.n.hull(a, b) for a, b in zip(path.stages[(j - 1) * k + i], path.stages[j * k + i], strict=True)]
                known = known & self.system.continuous(over, p)
                slopes = self.system.slopes(over, p)
                product = slopes if product is unit else _times(slopes, product)
            total = [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(total, product, strict=True)]
        return self._regular(total) & known

    def _image(self, x: Vector, p: Vector) -> tuple[Vector, Any]:
        """The next box: the natural extension, and the mean-value form where g is continuous."""
        image, slopes = self.system.both(x, p)
        middle = [self.n.middle(a) for a in x]
        offsets = [a - b for a, b in zip(x, middle, strict=True)]
        smooth = self.system.continuous(x, p)
        at = self.system.step(middle, p)
        linear = [a + b for a, b in zip(at, _apply(slopes, offsets), strict=True)]
        return [self.n.where(smooth, self.n.meet(a, b), a) if smooth is not False else a
                for a, b in zip(image, linear, strict=True)], smooth  # fmt: skip

    def _regular(self, matrix: Matrix) -> Any:
        if len(matrix) == 1:
            return self.n.not_zero(matrix[0][0])
        left = _times(self._inverse(matrix), matrix)
        result: Any = True
        for k, row in enumerate(left):
            sizes = [self.n.size(x - self.n.point(1.0) if j == k else x) for j, x in enumerate(row)]
            result = result & self.n.small(_sum(sizes))
        return result

    def _inverse(self, matrix: Matrix) -> Matrix:
        """An approximate inverse of the middle, or the unit matrix."""
        middle = np.array(self.n.floats(matrix))
        d = middle.shape[-1]
        with np.errstate(all="ignore"):
            size = np.linalg.det(middle)
            middle[~np.isfinite(size) | (size == 0)] = np.eye(d)
            inverse = np.linalg.inv(middle)
        inverse[~np.isfinite(inverse).all((-1, -2))] = np.eye(d)
        return [[self.n.point(inverse[..., i, j]) for j in range(d)] for i in range(d)]

    @staticmethod
    def _any(truths: Any) -> Any:
        result: Any = False
        for truth in truths:
            result = result | truth
        return result


def primes(n: int) -> list[int]:
    """The prime divisors of n.

    >>> primes(12), primes(1)
    ([2, 3], [])
    """
    return [p for p in range(2, n + 1) if n % p == 0 and all(p % q for q in range(2, p))]


def _sum(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    return [_sum([a * b for a, b in zip(row, vector, strict=True)]) for row in matrix]


def _times(a: Matrix, b: Matrix) -> Matrix:
    return [[_sum([x * row[j] for x, row in zip(line, b, strict=True)]) for j in range(len(b[0]))] for line in a]
