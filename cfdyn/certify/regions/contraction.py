"""An ellipsoid on which a map contracts, and what lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import solve_discrete_lyapunov

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.regions.images import Box, Images, Path, outward

SMALLEST = 1e-9  # radius, over the largest one that is tried
SHRINK, LARGER = 0.8, 1.3  # a larger one contracts too, so that a checker's wider enclosures will do
INSIDE = 0.95  # of the radius: what is to be seen inside


@dataclass(frozen=True)
class Ellipsoid:
    """c + M u with |u| ≤ 1, Euclidean length; centre (d,), columns (d, d): M, all doubles."""

    centre: np.ndarray
    matrix: np.ndarray

    def hull(self, times: float = 1.0) -> Box:
        """The box around it, its radius multiplied."""
        found = []
        for c, row in zip(self.centre.tolist(), self.matrix.tolist()):
            length = sum((arb(v) ** 2 for v in row), arb(0)).sqrt() * times
            found.append((outward(c - length)[0], outward(c + length)[1]))
        return found

    def inverse(self) -> arb_mat | None:
        """M⁻¹ over balls, None where it is not known to exist."""
        d = len(self.centre)
        try:
            return arb_mat(d, d, [arb(float(v)) for v in self.matrix.ravel()]).inv()
        except ZeroDivisionError:
            return None

    def contraction(self, images: Images) -> tuple[float, float] | None:
        """(q, ρ), q + ρ < 1: the map's Lipschitz constant on the ellipsoid in its own norm, and how far it moves the centre.

        q² is the largest row sum of |BᵀB|, B = M⁻¹ Dg M over the hull. None where that cannot be shown.
        """
        d, inverse = len(self.centre), self.inverse()
        box = [ball(lo, hi) for lo, hi in self.hull()]
        if inverse is None or not continuous(images.step, box):
            return None
        m = arb_mat(d, d, [arb(float(v)) for v in self.matrix.ravel()])
        b = inverse * arb_mat(d, d, images.slopes(box)) * m
        square = b.transpose() * b
        q = max(outward(sum((square[i, j].abs_upper() for j in range(d)), arb(0)).sqrt())[1] for i in range(d))
        centre = [arb(c) for c in self.centre.tolist()]
        moved = [y - c for y, c in zip(images.step(centre), centre)]
        r = outward(squared(inverse * arb_mat(d, 1, moved)).sqrt())[1]
        return (q, r) if q + r < 1 else None

    def holds(self, inverse: arb_mat, path: Path) -> bool:
        """True if all of the box that a path has come to lies in the ellipsoid."""
        d, centre = len(self.centre), [arb(c) for c in self.centre.tolist()]
        here = arb_mat(d, 1, [ball(lo, hi) - c for (lo, hi), c in zip(path.box, centre)])
        if squared(inverse * here) <= INSIDE**2:
            return True
        if path.centre is None:
            return False
        offset = inverse * arb_mat(d, 1, [p - c for p, c in zip(path.centre, centre)])
        return bool(squared(offset + (inverse * path.linear) * arb_mat(d, 1, path.spread)) <= INSIDE**2)


def squared(v: arb_mat) -> arb:
    """The square of the Euclidean length of a column, from above."""
    return sum((v[i, 0].abs_upper() ** 2 for i in range(v.nrows())), arb(0))


def ellipsoid(images: Images, point: np.ndarray, slopes: np.ndarray, size: float) -> tuple[Ellipsoid, tuple[float, float]] | None:
    """The largest one about a fixed point, up to a size, that is seen to contract, with its (q, ρ).

    Its norm makes the linear map contract by half of what its multipliers leave: P − AᵀPA/r² = 1, M = P^(−1/2).
    """
    rate = float(np.abs(np.linalg.eigvals(slopes)).max())
    if not rate < 1:
        return None
    norm = solve_discrete_lyapunov((slopes / ((1 + rate) / 2)).T, np.eye(len(point)))
    values, vectors = np.linalg.eigh(norm)
    matrix = vectors / np.sqrt(values) @ vectors.T * np.sqrt(values.min())
    radius = size
    while radius > SMALLEST * size:
        found, larger = (Ellipsoid(point, matrix * r) for r in (radius, radius * LARGER))
        rates = found.contraction(images) if larger.contraction(images) else None
        if rates is not None:
            return found, rates
        radius *= SHRINK
    return None


def fixed_points(images: Images, step: Sequence, starts: np.ndarray) -> list[np.ndarray]:
    """Where orbits of starts, (d, n), come to rest in doubles; each once."""
    go, slopes = step
    z = starts
    for _ in range(3000):
        z = go(z)
    found: list[np.ndarray] = []
    d = len(starts)
    for point in z.T:
        for _ in range(4):
            matrix = slopes(point[:, None]).reshape(d, d) - np.eye(d)
            if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-14:
                break
            with np.errstate(all="ignore"):
                point = point - np.linalg.solve(matrix, (go(point[:, None])[:, 0] - point))
        with np.errstate(all="ignore"):
            near = np.abs(go(point[:, None])[:, 0] - point).max()
        if near <= 1e-9 * (1 + np.abs(point).max()) and not any(np.abs(p - point).max() < 1e-7 for p in found):
            found.append(point)
    return found
