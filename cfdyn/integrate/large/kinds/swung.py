"""`Swung`: weights and a covariance of low rank, which add and scale like arrays."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

STRETCH = 1e5  # largest stretch of directions in which an oscillation decays slowly, so that it is detected while it is small


class Rounded(NamedTuple):
    """Σ = Σᵢ λᵢ vᵢvᵢᵀ: ``sizes`` λ (r,), descending, ``axes`` v (r, d), and the Frobenius norm of the omitted part."""

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
        blocks = {id(rows): (rows, weights) for rows, weights in self.blocks}
        for rows, weights in other.blocks:
            before = blocks.get(id(rows))
            blocks[id(rows)] = (rows, weights if before is None else before[1] + weights)
        return Swung(self.w + other.w, list(blocks.values()))

    def __sub__(self, other: Swung) -> Swung:
        return self + other * -1.0

    @property
    def size(self) -> float:
        """The Frobenius norm of Σ."""
        return float(np.linalg.norm(self._small(np.zeros((0, len(self.w))), np.ones(0))[1]))

    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of all blocks, concatenated."""
        rows, weights = (np.concatenate(parts) for parts in zip(*self.blocks, strict=True))
        return rows, weights

    def _small(self, slow: np.ndarray, stretch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Orthonormal columns (d, n) and Σ in their basis, stretched along orthonormal rows ``slow`` by ``stretch`` (k,)."""
        rows, weights = self._rows()
        if len(slow):
            rows = rows + ((stretch - 1) * (rows @ slow.T)) @ slow
        q, r = np.linalg.qr(rows.T)
        small = (r * weights) @ r.T
        return q, (small + small.T) / 2

    def _stretch(self, slow: np.ndarray) -> np.ndarray:
        """The stretch of each slow direction (k,), up to the length of all of Σ: beyond it the others would lose digits."""
        rows, weights = self._rows()
        whole, along = abs(float(weights @ np.sum(rows**2, axis=1))), weights @ (rows @ slow.T) ** 2
        return np.sqrt(np.clip(whole / np.maximum(along, 1e-300), 1.0, STRETCH**2))

    def round(self, cut: float, slow: np.ndarray) -> Rounded:
        """Σ without parts below ``cut`` of its norm, or, along each of the rows ``slow`` (k, d), below ``cut`` of its size there,
        down to 1e-10 of the norm; permanently.
        """
        stretch = self._stretch(slow)
        q, small = self._small(slow, stretch)
        values, turn = np.linalg.eigh(small)
        along = slow @ q
        shrunk = np.eye(len(small)) - (along.T * (1 - stretch**-2)) @ along  # the metric of lengths without the stretch

        def norm(part: np.ndarray) -> float:
            return math.sqrt(max(0.0, float(np.sum((part @ shrunk) * (part @ shrunk).T))))

        kept = values > cut * norm(small)
        lost = norm((turn[:, ~kept] * values[~kept]) @ turn[:, ~kept].T)
        rods = ((turn[:, kept] * np.sqrt(values[kept])).T @ q.T)[::-1]
        rods = rods - ((1 - 1 / stretch) * (rods @ slow.T)) @ slow
        _, lengths, axes = np.linalg.svd(rods, full_matrices=False)
        self.blocks = [(axes, lengths**2)]
        return Rounded(lengths**2, axes, lost)
