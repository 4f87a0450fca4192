"""Eigenvalues at an end of the spectrum of a symmetric matrix of which only products with a vector are known."""

from collections.abc import Callable

import numpy as np

BASIS = 24  # vectors, at least

Product = Callable[[np.ndarray], np.ndarray]


class NotConverged(Exception):
    """Fewer eigenvalues than asked for; ``found`` are those, with their vectors."""

    def __init__(self, values: np.ndarray, vectors: np.ndarray):
        super().__init__(f"Lanczos' method found {len(values)} of the eigenvalues")
        self.found = values, vectors


def at_end(
    product: Product, start: np.ndarray, count: int, side: int, tol: float, restarts: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` smallest (side −1) or largest (1) eigenvalues, and their vectors (D, count).

    By Lanczos' method with restarts from a vector (D,), in a basis of max(BASIS, 2·count + 8) vectors; ``tol`` is of the
    eigenvalues: one lies as near to each that is found, and where it has a gap, much nearer.

    NotConverged: not all after so many restarts.

    >>> values, vectors = at_end(lambda v: np.arange(50.0) * v, np.ones(50), 2, 1, 1e-10)
    >>> values.round(8).tolist(), vectors.shape
    ([48.0, 49.0], (50, 2))
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    size = len(start)
    operator = LinearOperator((size, size), matvec=lambda v: product(v.ravel()), dtype=float)
    basis = min(size, max(BASIS, 2 * count + 8))
    try:
        return eigsh(operator, count, which="SA" if side < 0 else "LA", v0=start, ncv=basis, tol=tol, maxiter=restarts)
    except ArpackNoConvergence as partial:
        raise NotConverged(partial.eigenvalues, partial.eigenvectors.reshape(size, -1)) from None
