"""Folds, flips and Neimark–Sacker points as zeros: a cycle, the parameter, and null vectors along the cycle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.certify.checker.numbers.boxes import Array, Interval, meet, point
from cfdyn.certify.checker.numbers.matrices import applied, inverse, product, unit
from cfdyn.certify.checker.numbers.tensors import dot
from cfdyn.certify.checker.taylor import Jet, Jets


class Shape(NamedTuple):
    """n points of dimension d, one or two vectors a point (``sigma`` None: two, and a rotation), the normal r."""

    n: int
    d: int
    sigma: float | None
    normal: Array

    @property
    def vectors(self) -> int:
        return 1 if self.sigma is not None else 2

    @property
    def size(self) -> int:
        return self.n * self.d * (1 + self.vectors) + (1 if self.sigma is not None else 3)

    def point(self, i: int) -> slice:
        """The indices of z_i among the unknowns."""
        return slice(i % self.n * self.d, i % self.n * self.d + self.d)

    def points(self, x: Interval) -> Interval:
        """z_0 … z_{n−1}, (n, d)."""
        return Interval(*(end[: self.n * self.d].reshape(self.n, self.d) for end in (x.lo, x.hi)))

    @property
    def parameter(self) -> int:
        return self.n * self.d

    def vector(self, k: int, i: int) -> slice:
        """The indices of the k-th vector at z_i."""
        start = self.n * self.d * (1 + k) + 1 + i % self.n * self.d
        return slice(start, start + self.d)

    @property
    def rotation(self) -> slice:
        return slice(self.size - 2, self.size)


def draw_together(jets: Jets, shape: Shape, x: Interval) -> Interval | None:
    """Krawczyk's test; the box contracted around its unique zero, None if the test fails."""
    inside, k = _krawczyk(jets, shape, x)
    if not inside:
        return None
    x = meet(k, x)
    for _ in range(6):
        _, k = _krawczyk(jets, shape, x)
        smaller = meet(k, x)
        gain = (smaller.hi - smaller.lo) < 0.9 * (x.hi - x.lo)
        x = smaller
        if not gain.any():
            break
    return x


def _krawczyk(jets: Jets, shape: Shape, x: Interval) -> tuple[bool, Interval]:
    m = point(x.middle)
    f, _ = _system(jets, shape, m)
    _, jacobian = _system(jets, shape, x)
    y = point(inverse(jacobian.middle))
    rest = unit(shape.size) - product(y, jacobian)
    k = m - applied(y, f) + applied(rest, x - m)
    return bool(k.inside(x).all()), k


def _system(jets: Jets, shape: Shape, x: Interval) -> tuple[Interval, Interval]:
    """F and its derivative over a box of the unknowns."""
    d, at = shape.d, shape.parameter
    lam = x[at : at + 1]
    f, j = _Rows(shape.size), _Rows(shape.size, shape.size)
    for i, jet in enumerate(jets.at(shape.points(x), lam, order=2)):
        z, after = shape.point(i), shape.point(i + 1)
        f.put(z, jet.value - x[after])
        j.add((z, z), jet.first[:, :d])
        j.add((z, after), -unit(d))
        j.add((z, slice(at, at + 1)), jet.first[:, d:])
        for k in range(shape.vectors):
            _vector_rows(shape, x, jet, k, i, f, j)
    _normal_rows(shape, x, f, j)
    return f.interval, j.interval


def _vector_rows(shape: Shape, x: Interval, jet: Jet, k: int, i: int, f: _Rows, j: _Rows) -> None:
    """A_i v_i − v_{i+1}, or, for the last point, A_i v_i minus the multiplier times the first vector."""
    d, at, here = shape.d, shape.parameter, shape.vector(k, i)
    rows = slice(here.start - 1, here.stop - 1)  # the equation of λ is the normal's, behind these
    moved, slope = dot(jet.first[:, :d], x[here]), _along(jet, x[here])
    j.add((rows, shape.point(i)), slope[:, :d])
    j.add((rows, slice(at, at + 1)), slope[:, d:])
    j.add((rows, here), jet.first[:, :d])
    if i < shape.n - 1:
        f.put(rows, moved - x[shape.vector(k, i + 1)])
        j.add((rows, shape.vector(k, i + 1)), -unit(d))
        return
    if shape.sigma is not None:
        sigma = point(np.array(shape.sigma))
        f.put(rows, moved - sigma * x[shape.vector(0, 0)])
        j.add((rows, shape.vector(0, 0)), -(sigma * unit(d)))
        return
    a, b = x[shape.vector(0, 0)], x[shape.vector(1, 0)]
    c, s = x[shape.rotation][0], x[shape.rotation][1]
    first, second = (c, -s) if k == 0 else (s, c)  # of a and of b
    f.put(rows, moved - (first * a + second * b))
    j.add((rows, shape.vector(0, 0)), -(first * unit(d)))
    j.add((rows, shape.vector(1, 0)), -(second * unit(d)))
    ends = shape.rotation.start
    j.add((rows, slice(ends, ends + 1)), -(a if k == 0 else b)[:, None])
    j.add((rows, slice(ends + 1, ends + 2)), (b if k == 0 else -a)[:, None])


def _along(jet: Jet, v: Interval) -> Interval:
    """Σ_l ∂²g_j/∂x_l∂x_k v_l: (d, e)."""
    d = v.shape[0]
    second = jet.second[:, :d, :]
    return dot(Interval(second.lo.swapaxes(1, 2), second.hi.swapaxes(1, 2)), v)


def _normal_rows(shape: Shape, x: Interval, f: _Rows, j: _Rows) -> None:
    """r·v₀ = 1; with two vectors also r·b₀ = 0 and c² + s² = 1."""
    last, r = shape.size - (1 if shape.sigma is not None else 3), point(shape.normal)
    one = point(np.ones(1))
    f.put(slice(last, last + 1), dot(r[None], x[shape.vector(0, 0)]) - one)
    j.add((slice(last, last + 1), shape.vector(0, 0)), r[None])
    if shape.sigma is None:
        c, s = x[shape.rotation][0], x[shape.rotation][1]
        f.put(slice(last + 1, last + 2), dot(r[None], x[shape.vector(1, 0)]))
        j.add((slice(last + 1, last + 2), shape.vector(1, 0)), r[None])
        f.put(slice(last + 2, last + 3), (c * c + s * s)[None] - one)
        two, row = point(np.array(2.0)), slice(last + 2, last + 3)
        j.add((row, slice(shape.size - 2, shape.size - 1)), (two * c)[None, None])
        j.add((row, slice(shape.size - 1, shape.size)), (two * s)[None, None])


class _Rows:
    """An interval array that is filled block by block."""

    def __init__(self, *shape: int):
        self.interval = point(np.zeros(shape))
        self.interval.lo, self.interval.hi = np.zeros(shape), np.zeros(shape)

    def put(self, rows: slice, value: Interval) -> None:
        self.interval.lo[rows], self.interval.hi[rows] = value.lo, value.hi

    def add(self, place: tuple[slice, slice], value: Interval) -> None:
        """Add a block: in a cycle of one point, or where blocks overlap, several are added in one place."""
        old = self.interval[place]
        nothing = (old.lo == 0) & (old.hi == 0)
        total = old + value
        self.interval.lo[place] = np.where(nothing, value.lo, total.lo)
        self.interval.hi[place] = np.where(nothing, value.hi, total.hi)
