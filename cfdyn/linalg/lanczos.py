"""Eigenvalues at an end of the spectrum of a symmetric matrix of which only products with a vector are known."""

import numpy as np

from cfdyn.linalg.products import Apply

BASIS = 24  # vectors, at least
ROUGH = 1e-3  # of the largest value: how exactly the rest is looked at first
SAME = 10.0  # tolerances that two copies of an eigenvalue are apart at most


class NotConverged(Exception):
    """Fewer eigenvalues than asked for; ``found`` are those, with their vectors."""

    def __init__(self, values: np.ndarray, vectors: np.ndarray):
        super().__init__(f"Lanczos' method found {len(values)} of the eigenvalues")
        self.found = values, vectors


def at_end(
    product: Apply, start: np.ndarray, count: int, side: int, tol: float, restarts: int | None = None
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


def with_copies(
    product: Apply, start: np.ndarray, count: int, side: int, tol: float, restarts: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """`at_end`, with all copies of multiple eigenvalues, of which the products of one vector show one.

    What is orthogonal to the vectors found is searched from another vector, until nothing there is farther out than they are.

    >>> twice = np.repeat(np.arange(200.0), 2)
    >>> values, vectors = with_copies(lambda v: twice * v, np.ones(400), 4, 1, 1e-10)
    >>> values.round(8).tolist(), bool(abs(vectors.T @ vectors - np.eye(4)).max() < 1e-8)
    ([198.0, 198.0, 199.0, 199.0], True)
    """
    values, vectors = at_end(product, start, count, side, tol, restarts)
    scale, inner = float(np.abs(values).max()), 0 if side > 0 else -1
    for trial in range(count if count + 1 < len(start) else 0):
        found = _outside(product, vectors, 2 * scale, side, trial, ROUGH, restarts)
        if side * (found[0] - values[inner]) > -ROUGH * scale:
            found = _outside(product, vectors, 2 * scale, side, trial, tol, restarts)
        if side * (found[0] - values[inner]) <= SAME * tol * scale:
            break
        values, vectors = np.append(values, found[0]), np.column_stack([vectors, found[1]])
        order = np.argsort(values)[1:] if side > 0 else np.argsort(values)[:-1]
        values, vectors = values[order], vectors[:, order]
    return values, vectors


def _outside(
    product: Apply, vectors: np.ndarray, away: float, side: int, trial: int, tol: float, restarts: int | None
) -> tuple[float, np.ndarray]:
    """The eigenvalue at that end, and its vector (D,), on what is orthogonal to ``vectors`` (D, k), which are moved ``away``."""

    def rest(v: np.ndarray) -> np.ndarray:
        along = vectors.T @ v
        image = product(v - vectors @ along)
        return image - vectors @ (vectors.T @ image + side * away * along)

    start = np.random.default_rng(trial).standard_normal(len(vectors))
    values, found = at_end(rest, start - vectors @ (vectors.T @ start), 1, side, tol, restarts)
    return float(values[0]), found[:, 0]
