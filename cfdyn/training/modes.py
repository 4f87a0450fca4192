"""Directions along a path: `Modes`, the sharpest ones of the loss, and `Tangents`, which the steps of an optimizer stretch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.linalg.lanczos import SAME, NotConverged, at_end, with_copies
from cfdyn.linalg.products import frame, orthonormalised

NEAR = 0.1  # of the edge: all within are followed, and one more
FIRST, MOST = 2, 32
TOL, RESTARTS = 1e-5, 200
COPIES = 8  # measurements after which copies of an eigenvalue are searched where there were none
ASTRAY = 0.1  # of the start of Lanczos' method beside the old vectors, so that a new direction is not missed

Product = Callable[[np.ndarray], np.ndarray]


class Modes:
    """The largest eigenvalues of P⁻¹H, ``values`` (k,) descending, and orthonormal ``vectors`` (k, d) of P^−½HP^−½.

    By Lanczos' method, which starts from the sum of the old vectors and a random one. Of a multiple eigenvalue, as equal outputs
    have, it shows one copy: further ones are searched too, at first, at every `COPIES`-th measurement, and as long
    as there are copies. Signs are those of the old vectors, where they are alike. ``products``: how many were taken.
    """

    def __init__(self, dim: int):
        self.values, self.vectors = np.zeros(0), np.zeros((0, dim))
        self.dim, self.measured, self.products = dim, 0, 0

    def update(self, hvp: Product, edge: float, root: np.ndarray | None) -> None:
        """At the next point, with products H v of (d,); ``root``: √P, or None for P = 1."""

        def product(v: np.ndarray) -> np.ndarray:
            self.products += 1
            return hvp(v) if root is None else hvp(v / root) / root

        count = min(max(FIRST, len(self.values)), self.dim)
        while True:
            values, vectors = self._found(product, count)
            wanted = min(max(int((values > (1 - NEAR) * edge).sum()) + 1, FIRST), MOST, self.dim)
            if wanted <= count:
                break
            count = min(wanted + 1, MOST, self.dim)
        self._take(np.array(values[:wanted]), np.array(vectors[:wanted], order="C"))
        self.measured += 1

    def _found(self, product: Product, count: int) -> tuple[np.ndarray, np.ndarray]:
        if self.dim <= 3 * count:
            values, vectors = np.linalg.eigh(np.stack([product(v) for v in np.eye(self.dim)]))
        else:
            astray = np.random.default_rng([self.measured, count]).standard_normal(self.dim)
            start = self.vectors.sum(axis=0) + ASTRAY * astray / np.sqrt(self.dim)
            find = with_copies if self.measured % COPIES == 0 or self._multiple else at_end
            try:
                values, vectors = find(product, start, count, 1, TOL, RESTARTS)
            except NotConverged as partial:
                raise NumericsError(f"{partial} of the Hessian at a midpoint") from None
        return values[::-1][:count], vectors.T[::-1][:count]

    @property
    def _multiple(self) -> bool:
        """Whether eigenvalues of the last measurement are the same."""
        return bool((-np.diff(self.values) <= SAME * TOL * np.abs(self.values).max(initial=0.0)).any())

    def _take(self, values: np.ndarray, vectors: np.ndarray) -> None:
        alike = vectors @ self.vectors.T
        for k, row in enumerate(alike):
            near = int(np.argmax(np.abs(row))) if len(row) else -1
            reference = row[near] if near >= 0 and abs(row[near]) > 0.5 else vectors[k, np.argmax(np.abs(vectors[k]))]
            vectors[k] *= 1.0 if reference >= 0 else -1.0
        self.values, self.vectors = values, vectors

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that it is."""
        return {"values": self.values, "vectors": self.vectors, "counts": np.array([self.measured, self.products])}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """What a snapshot holds."""
        self.values, self.vectors = saved["values"], saved["vectors"]
        self.measured, self.products = saved["counts"].tolist()



class Tangents:
    """Orthonormal ``rows`` (k, D), pushed by Df at each step, and ``sums`` (k,) of the logarithms of how they were stretched."""

    def __init__(self, dim: int, count: int):
        self.rows, self.sums = frame(dim, count), np.zeros(count)

    def follow(self, product: Product) -> None:
        """One step, by the product of its Jacobian with rows; exponents are NaN from where that is not finite."""
        with np.errstate(all="ignore"):
            pushed = product(self.rows)
        if not np.isfinite(pushed).all():
            self.sums[:] = np.nan
            return
        self.rows = orthonormalised(pushed, self.sums)

    def taken(self, steps: int) -> np.ndarray:
        """Means per step (k,) of the last steps, which then count no more."""
        means, self.sums = self.sums / steps, np.zeros(len(self.sums))
        return means

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that it is."""
        return {"rows": self.rows, "sums": self.sums}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """What a snapshot holds."""
        self.rows, self.sums = saved["rows"], saved["sums"]
