"""`Swung`: weights and a covariance of low rank, which add and scale as arrays do."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

STRETCH = 1e5  # of directions in which a swing is forgotten slowly, so that it is seen while it is small


class Rounded(NamedTuple):
    """Σ = Σᵢ λᵢ vᵢvᵢᵀ: ``sizes`` λ (r,), descending, ``axes`` v (r, d), and the Frobenius norm of what was left out."""

    sizes: np.ndarray
    axes: np.ndarray
    lost: float

    @property
    def rods(self) -> np.ndarray:
        """√λᵢ vᵢ, (r, d)."""
        return np.sqrt(self.sizes)[:, None] * self.axes


class Swung:
    """w (d,) and Σ = Σ BᵀMB over blocks of rows B (n, d) with signed weights M (n,).

    >>> line = np.array([[3.0, 4.0]])
    >>> z = Swung(np.zeros(2), [(line, np.ones(1))])
    >>> (2.0 * z + z).round(1e-9, line[:0]).sizes.round(9), len((z - 0.5 * z).blocks), (z - z).size
    (array([75.]), 1, 0.0)
    """

    __array_ufunc__ = None  # numpy's numbers leave products with it to it

    def __init__(self, w: np.ndarray, blocks: list[tuple[np.ndarray, np.ndarray]]):
        self.w, self.blocks = w, blocks

    def __mul__(self, by: float) -> Swung:
        return Swung(by * self.w, [(rows, by * weights) for rows, weights in self.blocks])

    __rmul__ = __mul__

    def __add__(self, other: Swung) -> Swung:
        found = {id(rows): (rows, weights) for rows, weights in self.blocks}
        for rows, weights in other.blocks:
            before = found.get(id(rows))
            found[id(rows)] = (rows, weights if before is None else before[1] + weights)
        return Swung(self.w + other.w, list(found.values()))

    def __sub__(self, other: Swung) -> Swung:
        return self + other * -1.0

    @property
    def size(self) -> float:
        """Of Σ, its Frobenius norm."""
        return float(np.linalg.norm(self._small()[1]))

    def _small(self, slow: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Orthonormal columns (d, n) and what Σ is on them, stretched along orthonormal rows ``slow`` (k, d)."""
        rows, weights = (np.concatenate(parts) for parts in zip(*self.blocks, strict=True))
        if slow is not None and len(slow):
            rows = rows + ((STRETCH - 1) * (rows @ slow.T)) @ slow
        q, r = np.linalg.qr(rows.T)
        small = (r * weights) @ r.T
        return q, (small + small.T) / 2

    def round(self, cut: float, slow: np.ndarray) -> Rounded:
        """Σ without what is below ``cut`` of its norm, along rows ``slow`` (k, d) below 1e-10 times that; for good."""
        q, small = self._small(slow)
        values, turn = np.linalg.eigh(small)
        along = slow @ q
        shrunk = np.eye(len(small)) - (1 - STRETCH**-2) * along.T @ along  # the metric of lengths without the stretch

        def norm(part: np.ndarray) -> float:
            return math.sqrt(max(0.0, float(np.sum((part @ shrunk) * (part @ shrunk).T))))

        kept = values > cut * norm(small)
        lost = norm((turn[:, ~kept] * values[~kept]) @ turn[:, ~kept].T)
        rods = ((turn[:, kept] * np.sqrt(values[kept])).T @ q.T)[::-1]
        rods = rods - ((1 - 1 / STRETCH) * (rods @ slow.T)) @ slow
        _, lengths, axes = np.linalg.svd(rods, full_matrices=False)
        self.blocks = [(axes, lengths**2)]
        return Rounded(lengths**2, axes, lost)
