"""Interval matrices (..., rows, columns), approximate inverses, and enclosures of the eigenvalues of a matrix."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.certify.checker.numbers.boxes import Array, Interval, down, point, up
from cfdyn.certify.checker.numbers.work import charge


def product(a: Interval, b: Interval) -> Interval:
    """The matrix product."""
    total = None
    charge(2 * a.shape[-1], math.prod((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])))
    for k in range(a.shape[-1]):
        term = a[..., :, k, None] * b[..., None, k, :]
        total = term if total is None else total + term
    assert total is not None
    return total


def applied(a: Interval, x: Interval) -> Interval:
    """The matrix times vectors (..., columns)."""
    return product(a, x[..., None])[..., 0]


def transposed(a: Interval) -> Interval:
    """The transpose."""
    return Interval(np.swapaxes(a.lo, -1, -2), np.swapaxes(a.hi, -1, -2))


def unit(d: int) -> Interval:
    """The unit matrix."""
    return point(np.eye(d))


def inverse(a: Array) -> Array:
    """An approximate inverse of float matrices, the unit matrix if there is none."""
    d = a.shape[-1]
    plain = np.where(np.isfinite(a).all(axis=(-1, -2), keepdims=True), a, np.eye(d))
    try:
        inverses = np.linalg.inv(plain)
    except np.linalg.LinAlgError:
        inverses = np.array([_one_inverse(m) for m in plain.reshape(-1, d, d)]).reshape(plain.shape)
    return np.where(np.isfinite(inverses).all(axis=(-1, -2), keepdims=True), inverses, np.eye(d))


def _one_inverse(a: Array) -> Array:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return np.eye(len(a))


def row_sums(a: Interval) -> Array:
    """Upper bounds of the sums of the absolute values of each row."""
    sums, sizes = np.zeros(a.shape[:-1]), a.magnitude
    for k in range(a.shape[-1]):
        sums = up(sums + sizes[..., k])
    return sums


def regular(a: Interval) -> Array:
    """True where all matrices of the interval are regular: |1 − R A| < 1 for an approximate inverse R."""
    if a.shape[-1] == 1:
        return a[..., 0, 0].without_zero()
    rest = unit(a.shape[-1]) - product(point(inverse(a.middle)), a)
    return np.asarray((row_sums(rest) < 1).all(axis=-1))


def inverse_enclosed(a: Array) -> Interval | None:
    """An enclosure of the inverse of a float matrix; None if no float inverse is accurate enough."""
    r = inverse(a)
    rest = unit(len(a)) - product(point(r), point(a))
    q = row_sums(rest).max()
    if not q < 1:
        return None
    # A⁻¹ = (1 − E)⁻¹R with E = 1 − RA, |E| ≤ q: an entry differs from R's by at most q/(1 − q) of the largest in its column
    slack = up(up(q * np.abs(r).max(axis=0)) / down(1 - q))
    return Interval(down(r - slack), up(r + slack))


class Discs:
    """Enclosures of the eigenvalues of each real matrix in an interval matrix; a group of discs contains as many as discs.

    ``centres`` (complex), ``radii`` and ``groups``: lists of indices of discs that may overlap.
    """

    def __init__(self, a: Interval):
        d = a.shape[-1]
        _, vectors = np.linalg.eig(a.middle)
        if not np.isfinite(vectors).all() or np.linalg.cond(vectors) > 1e12:
            vectors = np.linalg.svd(a.middle)[0].astype(complex)
        re, im = _similar(a, vectors)
        self.centres = re.middle.diagonal() + 1j * im.middle.diagonal()
        sizes = up(np.hypot(re.magnitude, im.magnitude) * (1 + 1e-15))
        off = np.where(np.eye(d, dtype=bool), 0.0, sizes)
        radii = np.zeros(d)
        for k in range(d):
            radii = up(radii + off[:, k])
        wide = [up(np.max(up(part.hi - part.lo).diagonal())) for part in (re, im)]
        self.radii = up(radii + up(wide[0] + wide[1]))
        self.groups = self._groups()

    def _groups(self) -> list[list[int]]:
        left, groups = set(range(len(self.radii))), []
        while left:
            group, fresh = [], [left.pop()]
            while fresh:
                i = fresh.pop()
                group.append(i)
                near = [j for j in left if not self._apart(i, j)]
                left -= set(near)
                fresh += near
            groups.append(group)
        return groups

    def _apart(self, i: int, j: int) -> bool:
        gap = self.centres[i] - self.centres[j]
        return bool(abs(gap) * (1 - 1e-14) > up(self.radii[i] + self.radii[j]))

    def all_within_unit_circle(self) -> bool:
        """True if no eigenvalue has absolute value 1 or more."""
        return bool((np.abs(self.centres) * (1 + 1e-14) + up(self.radii) * (1 + 1e-14) < 1).all())

    def one_outside(self) -> bool:
        """True if an eigenvalue has absolute value > 1."""
        out = np.abs(self.centres) * (1 - 1e-14) - self.radii * (1 + 1e-14) > 1
        return any(all(out[i] for i in group) for group in self.groups)


def _similar(a: Interval, vectors: Array) -> tuple[Interval, Interval]:
    """V⁻¹AV with V⁻¹ replaced by an enclosure: real and imaginary part."""
    d = a.shape[-1]
    # complex matrices as real ones of twice the size
    doubled = np.block([[vectors.real, -vectors.imag], [vectors.imag, vectors.real]])
    inverted = inverse_enclosed(doubled)
    if inverted is None:
        return a, point(np.zeros((d, d)))
    zero = np.zeros((d, d))
    big = Interval(np.block([[a.lo, zero], [zero, a.lo]]), np.block([[a.hi, zero], [zero, a.hi]]))
    similar = product(product(inverted, big), point(doubled))
    return similar[:d, :d], similar[d:, :d]
