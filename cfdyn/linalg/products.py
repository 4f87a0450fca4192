"""Matrices that are known by their products, and orthonormal rows to push along."""

from collections.abc import Callable

import numpy as np

Apply = Callable[[np.ndarray], np.ndarray]  # (D,) → (D,): a matrix times a vector
Product = Callable[[np.ndarray], np.ndarray]  # (k, D) → (k, D): a matrix times each row
SYMMETRIC = 1e-8  # of a product: rounding


def is_symmetric(product: Product, size: int) -> bool:
    """True if ⟨u, Mv⟩ = ⟨v, Mu⟩ for two random directions."""
    u, v = np.random.default_rng(1).normal(size=(2, size))
    images = product(np.array([u, v]))
    gap, length = abs(u @ images[1] - v @ images[0]), float(np.linalg.norm(images) * np.linalg.norm(u))
    return bool(gap <= SYMMETRIC * length)


def frame(dim: int, k: int) -> np.ndarray:
    """Orthonormal rows (k, D) to begin with, the same at each call, in no subspace that a symmetry of a map keeps.

    Random numbers: in a frame that is written down, such as that of 1 + 0.1·(a triangle of ones), equal entries may meet those
    of two equal copies, and what sets these apart is then never seen.
    """
    return np.ascontiguousarray(np.linalg.qr(np.random.default_rng(6).normal(size=(dim, k)))[0].T)


def orthonormalised(rows: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Orthonormal rows (k, D) in place of others, one after the other; the logarithms of their lengths are added to sums (k,)."""
    turned, triangle = np.linalg.qr(rows.T)
    with np.errstate(divide="ignore"):
        sums += np.log(np.abs(np.diag(triangle)))
    return turned.T
