"""An ellipsoid on which a map contracts, and tests whether boxes lie in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.regions.images import Box, Images, Path, outward
from cfdyn.certify.subject import Floats

SMALLEST = 1e-9  # radius, over the largest one that is tried
SHRINK, LARGER = 0.8, 1.3  # a larger one contracts too, so that a checker's wider enclosures suffice
INSIDE = 0.95  # relative to the radius: where boxes count as inside
SHARES = (0.25, 0.5, 0.75, 0.9)  # fractions of the gap between the multipliers and 1 that the tried shapes leave
SEARCHED, TRIALS, ROUNDS, ROUND_Q = 2, 150, 16, 0.99  # number of variables and of steps in the search for a better shape


@dataclass(frozen=True)
class Ellipsoid:
    """c + M u with |u| ≤ 1, Euclidean length; centre (d,), columns (d, d): M, all doubles."""

    centre: np.ndarray
    matrix: np.ndarray

    def hull(self, times: float = 1.0) -> Box:
        """The box around it, with its radius multiplied by a factor."""
        sides = []
        for c, row in zip(self.centre.tolist(), self.matrix.tolist()):
            length = sum((arb(v) ** 2 for v in row), arb(0)).sqrt() * times
            sides.append((outward(c - length)[0], outward(c + length)[1]))
        return sides

    def inverse(self) -> arb_mat | None:
        """M⁻¹ over balls, None if it is not known to exist."""
        d = len(self.centre)
        try:
            return arb_mat(d, d, [arb(float(v)) for v in self.matrix.ravel()]).inv()
        except ZeroDivisionError:
            return None

    def contraction(self, images: Images) -> tuple[float, float] | None:
        """(q, ρ), q + ρ < 1: the map's Lipschitz constant on the ellipsoid in its own norm, and how far the map moves the centre.

        q² is the largest row sum of |BᵀB|, B = M⁻¹ Dg M over the hull. None if that cannot be shown.
        """
        d, inverse = len(self.centre), self.inverse()
        box = [ball(lo, hi) for lo, hi in self.hull()]
        if inverse is None or not continuous(images.step, box):
            return None
        q = outward(self.stretch(inverse, arb_mat(d, d, images.slopes(box))))[1]
        centre = [arb(c) for c in self.centre.tolist()]
        moved = [y - c for y, c in zip(images.step(centre), centre)]
        r = outward(squared(inverse * arb_mat(d, 1, moved)).sqrt())[1]
        return (q, r) if q + r < 1 else None

    def stretch(self, inverse: arb_mat, slopes: arb_mat) -> arb:
        """An upper bound of the factor by which matrices lengthen vectors in the ellipsoid's norm, |M⁻¹v|."""
        d = len(self.centre)
        b = inverse * slopes * arb_mat(d, d, [arb(float(v)) for v in self.matrix.ravel()])
        square = b.transpose() * b
        sums = [sum((square[i, j].abs_upper() for j in range(d)), arb(0)) for i in range(d)]
        return largest(sums).sqrt().upper()

    def holds(self, inverse: arb_mat, path: Path) -> bool:
        """True if the current box of a path lies in the ellipsoid."""
        d, centre = len(self.centre), [arb(c) for c in self.centre.tolist()]
        here = arb_mat(d, 1, [ball(lo, hi) - c for (lo, hi), c in zip(path.box, centre)])
        if squared(inverse * here) <= INSIDE**2:
            return True
        if path.centre is None:
            return False
        offset = inverse * arb_mat(d, 1, [p - c for p, c in zip(path.centre, centre)])
        if path.radius is not None and squared(offset).sqrt() + path.radius <= INSIDE:
            return True
        return bool(squared(offset + (inverse * path.linear) * arb_mat(d, 1, path.spread)) <= INSIDE**2)


def largest(values: Sequence[arb]) -> arb:
    """The largest of some balls."""
    most = values[0]
    for value in values[1:]:
        most = most.max(value)
    return most


def squared(v: arb_mat) -> arb:
    """An upper bound of the square of the Euclidean length of a column."""
    return sum((v[i, 0].abs_upper() ** 2 for i in range(v.nrows())), arb(0))


def ellipsoid(images: Images, point: np.ndarray, slopes: Floats, size: float) -> tuple[Ellipsoid, tuple[float, float]] | None:
    """The largest ellipsoid about a fixed point, up to a size, that is verified to contract, with its (q, ρ).

    Its shape is the one for which the largest ellipsoid contracts in doubles, among norms in which the linear map contracts by a
    fraction of the gap that its multipliers leave: P − AᵀPA/r² = 1, M = P^(−1/2); for two variables an optimum near that shape.
    """
    d = len(point)
    linear = slopes(point[:, None]).reshape(d, d)
    rate = float(np.abs(np.linalg.eigvals(linear)).max())
    if not rate < 1:
        return None
    shapes = [_lyapunov(linear / (rate + share * (1 - rate))) for share in SHARES]
    shape = max(shapes, key=lambda m: _volume(m, point, slopes, size))
    if 1 < d <= SEARCHED:
        best = minimize(lambda m: -_volume(m.reshape(d, d), point, slopes, size), shape.ravel(), method="Nelder-Mead",
                         options={"maxiter": TRIALS, "xatol": 1e-3, "fatol": 1e-3})  # fmt: skip
        shape = best.x.reshape(d, d)
    radius = 1.1 * _reach(shape, point, slopes, size)
    while radius > SMALLEST * size:
        ball_, larger = (Ellipsoid(point, shape * r) for r in (radius, radius * LARGER))
        rates = ball_.contraction(images) if larger.contraction(images) else None
        if rates is not None:
            return ball_, rates
        radius *= SHRINK
    return None


def _lyapunov(linear: np.ndarray) -> np.ndarray:
    """P^(−1/2) of P − AᵀPA = 1, scaled so that its largest column has length 1."""
    values, vectors = np.linalg.eigh(solve_discrete_lyapunov(linear.T, np.eye(len(linear))))
    return vectors / np.sqrt(values) @ vectors.T * np.sqrt(values.min())


def _volume(shape: np.ndarray, point: np.ndarray, slopes: Floats, size: float) -> float:
    """The logarithm of the volume of the largest ellipsoid of a shape."""
    factor = abs(np.linalg.det(shape)) / np.linalg.norm(shape, 2) ** len(point)
    if not factor > 1e-8:
        return -np.inf
    reach = _reach(shape / np.linalg.norm(shape, 2), point, slopes, size)
    return float(np.log(factor) + len(point) * np.log(reach))


def _reach(shape: np.ndarray, point: np.ndarray, slopes: Floats, size: float) -> float:
    """The radius up to which slopes at the centre and at the edge of the hull, in doubles, make the ellipsoid contract."""
    d = len(point)
    half, inverse = np.linalg.norm(shape, axis=1), np.linalg.inv(shape)
    signs = np.array(list(product((-1.0, 0.0, 1.0), repeat=d))) if d <= 4 else np.concatenate([np.eye(d), -np.eye(d)])
    low, high = SMALLEST * size, size
    for _ in range(ROUNDS):
        radius = np.sqrt(low * high)
        matrices = np.moveaxis(slopes((point + radius * signs * half).T).reshape(d, d, -1), -1, 0)
        b = inverse @ matrices @ shape
        sums = np.abs(np.swapaxes(b, 1, 2) @ b).sum(axis=2).max() if np.isfinite(b).all() else np.inf
        low, high = (radius, high) if sums < ROUND_Q**2 else (low, radius)
    return float(low)


def fixed_points(images: Images, step: Sequence, starts: np.ndarray) -> list[np.ndarray]:
    """Points on which orbits of starts, (d, n), settle in doubles; each once."""
    go, slopes = step
    z = starts
    for _ in range(3000):
        before, z = z, go(z)
        if np.array_equal(before, z, equal_nan=True):
            break
    points: list[np.ndarray] = []
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
        if near <= 1e-9 * (1 + np.abs(point).max()) and not any(np.abs(p - point).max() < 1e-7 for p in points):
            points.append(point)
    return points


class RoundPath(Path):
    """A path that is also known in an ellipsoid's norm: X_k lies in p_k + r_k M u, |u| ≤ 1, r_k = |Dg(X_{k−1})| r_{k−1}.

    A box around a rotating set grows with each step, and so do the entries of P_k; in the norm in which the map contracts it does
    not.
    """

    def __init__(self, images: Images, box: Box, around: Ellipsoid, inverse: arb_mat):
        super().__init__(images, box)
        self.around, self.inverse = around, inverse
        self.radius = squared(inverse * arb_mat(len(box), 1, self.spread)).sqrt().upper()
        lengths = [sum((arb(v) ** 2 for v in row), arb(0)).sqrt() for row in around.matrix.tolist()]
        self.lengths = [length.upper() for length in lengths]

    def also(self, slopes: arb_mat) -> Box | None:
        """The hull of the ellipsoid around the new centre."""
        if self.centre is None or self.radius is None:
            return None
        self.radius = (self.around.stretch(self.inverse, slopes) * self.radius).upper()
        return [outward(p + arb(0, 1) * length * self.radius) for p, length in zip(self.centre, self.lengths)]
