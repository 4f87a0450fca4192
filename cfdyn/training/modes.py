"""`Modes`: the sharpest directions of a loss along a path, as many as are near the edge and one more."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from cfdyn.numerics.lanczos import NotConverged, at_end

NEAR = 0.1  # of the edge: all within are followed, and one more
MOST = 16
WIDTH = 4  # directions of a product at once: each other number would be compiled anew
TOL, ITERATIONS = 1e-3, 40  # of an eigenvector's residual over λ; the error of λ goes as its square
ANEW = 20  # measurements, after which all are looked for from a random start, so that none is missed
FIRST = 2

Products = Callable[[np.ndarray], np.ndarray]


class Modes:
    """The largest eigenvalues of P⁻¹H, ``values`` (k,) descending, and orthonormal ``vectors`` (k, d) of P^−½HP^−½.

    From one measurement to the next a block method (LOBPCG) goes on from the old vectors; every ANEW measurements Lanczos'
    method starts anew. Signs are those of the old vectors, where they are alike.
    """

    def __init__(self, dim: int):
        self.values, self.vectors = np.zeros(0), np.zeros((0, dim))
        self.dim, self.measured, self.products = dim, 0, 0

    def update(self, hvps: Products, edge: float, root: np.ndarray | None) -> None:
        """At the next point, with products H v of rows (WIDTH, d); ``root``: √P, or None for P = 1."""

        def block(columns: np.ndarray) -> np.ndarray:
            rows = np.asarray(columns).reshape(self.dim, -1).T
            rows = rows if root is None else rows / root
            self.products += len(rows)
            found = [hvps(_padded(rows[k : k + WIDTH]))[: len(rows) - k] for k in range(0, len(rows), WIDTH)]
            out = np.concatenate(found)
            return (out if root is None else out / root).T

        count = max(FIRST, len(self.values))
        while True:
            values, vectors = self._found(block, min(count, self.dim))
            wanted = min(int((values > (1 - NEAR) * edge).sum()) + 1, MOST, self.dim)
            if wanted <= len(values):
                break
            count = wanted
        kept = max(wanted, min(FIRST, self.dim))
        self._take(np.array(values[:kept]), np.array(vectors[:kept], order="C"))
        self.measured += 1

    def _found(self, block: Products, count: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.measured, count])
        if self.dim <= 5 * count:
            values, vectors = np.linalg.eigh(block(np.eye(self.dim)))
            return values[::-1][:count], vectors.T[::-1][:count]
        if self.measured % ANEW == 0 or not len(self.values):
            try:
                start = rng.standard_normal(self.dim) / np.sqrt(self.dim) + self.vectors.sum(axis=0)
                values, vectors = at_end(lambda v: block(v)[:, 0], start, count, 1, TOL**2, 100)
                return values[::-1], np.ascontiguousarray(vectors.T[::-1])
            except NotConverged:
                pass  # a cluster: the block method takes it
        return self._refined(block, count, rng)

    def _refined(self, block: Products, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        from scipy.sparse.linalg import LinearOperator, lobpcg

        more = rng.standard_normal((max(0, count - len(self.vectors)), self.dim))
        first = np.linalg.qr(np.vstack([self.vectors, more])[:count].T)[0]
        operator = LinearOperator((self.dim, self.dim), matvec=block, matmat=block, dtype=float)
        size = max(float(np.abs(self.values).max(initial=0.0)), 1e-300)
        with warnings.catch_warnings():  # what does not converge in ITERATIONS is the end of a cluster
            warnings.simplefilter("ignore")
            values, vectors = lobpcg(operator, first, tol=TOL * size, maxiter=ITERATIONS, largest=True)
        order = np.argsort(values)[::-1]
        return values[order], np.ascontiguousarray(vectors.T[order])

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


def _padded(rows: np.ndarray) -> np.ndarray:
    return rows if len(rows) in (1, WIDTH) else np.vstack([rows, np.zeros((WIDTH - len(rows), rows.shape[1]))])
