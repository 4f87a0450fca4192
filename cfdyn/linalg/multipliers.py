"""All multipliers of a matrix, or the leading ones by Lanczos' and Arnoldi's methods, with their residuals."""

from typing import Any, NamedTuple

import numpy as np

from cfdyn.linalg.direct import factors
from cfdyn.linalg.lanczos import BASIS, NotConverged, at_end
from cfdyn.linalg.products import Product

MOST_SHIFTS = 4
OUTSIDE = 1e-10  # of the size of the matrix: a shift beyond the end of the spectrum
CLEAN = 1e-12  # of it: a residual that need not be smaller
# What products alone are asked for at the lower and at the upper end, where multipliers crowd at 1: residuals, and restarts.
LOOSE, MOST_RESTARTS = {-1: 1e-10, 1: 1e-6}, {-1: 300, 1: 20}


class Leading(NamedTuple):
    """Multipliers (K,), ascending where they are real, ‖Mq − μq‖ of each, and their vectors (D, K) or None."""

    values: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray | None


def all_of(matrix: Any, symmetric: bool, width: int | None, vectors: bool) -> Leading:
    """All multipliers: of a symmetric matrix by its symmetry, of a tridiagonal one by that."""
    sparse = not isinstance(matrix, np.ndarray)
    if sparse and symmetric and width == 1:
        from scipy.linalg import eigh_tridiagonal

        diagonals = matrix.diagonal(), (matrix.diagonal(1) + matrix.diagonal(-1)) / 2
        found = eigh_tridiagonal(*diagonals, eigvals_only=not vectors)
    elif symmetric:
        full = matrix.toarray() if sparse else matrix
        found = np.linalg.eigh((full + full.T) / 2) if vectors else np.linalg.eigvalsh((full + full.T) / 2)
    else:
        full = matrix.toarray() if sparse else matrix
        found = np.linalg.eig(full) if vectors else np.linalg.eigvals(full)
    values, kept = found if vectors else (found, None)
    order = np.lexsort([values.imag, values.real])
    values, kept = values[order], None if kept is None else kept[:, order]
    return Leading(values if values.imag.any() else values.real, np.zeros(len(values)), kept)


def leading_of(
    matrix: Any, apply: Product, size: int, symmetric: bool, count: int, few: int, sides: tuple[int, ...] = (-1, 1)
) -> Leading:  # fmt: skip
    """The ``count`` smallest and ``few`` largest multipliers of a symmetric matrix, or one side; else of the largest modulus."""
    if not symmetric:
        return _largest(matrix, apply, size, count)
    ends = [_end(matrix, apply, size, side, count if side < 0 else few) for side in sides]
    values, vectors = np.concatenate([e[0] for e in ends]), np.concatenate([e[1] for e in ends], axis=1)
    order = np.argsort(values)
    return _with_residuals(apply, values[order], vectors[:, order])


def _with_residuals(apply: Product, values: np.ndarray, vectors: np.ndarray) -> Leading:
    images = apply(np.ascontiguousarray(vectors.real.T)).T
    if np.iscomplexobj(vectors) and vectors.imag.any():
        images = images + 1j * apply(np.ascontiguousarray(vectors.imag.T)).T
    return Leading(values, np.linalg.norm(images - vectors * values, axis=0), vectors)


def _operator(apply: Product, size: int) -> Any:
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator((size, size), matvec=lambda x: apply(np.ravel(x))[0], dtype=float)


def _start(size: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=size)


def _end(matrix: Any, apply: Product, size: int, side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(values, vectors) of so many multipliers at the lower (−1) or upper (1) end of a symmetric matrix."""
    if matrix is not None:
        return _beyond(matrix, size, side, count, min(size - 1, max(BASIS, 2 * count + 8)))
    try:
        return at_end(lambda v: apply(v)[0], _start(size), count, side, LOOSE[side], MOST_RESTARTS[side])
    except NotConverged as partial:
        return partial.found


def _beyond(matrix: Any, size: int, side: int, count: int, basis: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of a banded matrix, with its inverse about a shift beyond that end: first by Gershgorin's circles."""
    from scipy.sparse import identity
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    diagonal = matrix.diagonal()
    scale = float(abs(matrix).sum(axis=1).max())
    radius = np.asarray(abs(matrix).sum(axis=1)).ravel() - np.abs(diagonal)
    shift = float((side * diagonal + radius).max()) * side + side * OUTSIDE * scale
    values, vectors = np.zeros(0), np.zeros((size, 0))
    for _ in range(MOST_SHIFTS):
        solve = factors(matrix - shift * identity(size)).solve
        inverse = LinearOperator((size, size), matvec=solve, dtype=float)
        try:
            values, vectors = eigsh(matrix, count, sigma=shift, OPinv=inverse, v0=_start(size), ncv=basis, maxiter=20)
        except ArpackNoConvergence as partial:
            values, vectors = partial.eigenvalues, partial.eigenvectors.reshape(size, -1)
        if len(values) == count:
            break
        # What has converged is at that end: the shift may come closer.
        nearest = float((side * values).max()) * side if len(values) else float(side * (side * shift - scale / 10))
        shift = nearest + side * OUTSIDE * scale
    return values, vectors


def _largest(matrix: Any, apply: Product, size: int, count: int) -> Leading:
    """Those of the largest modulus; where they are too alike in that, of the least real part."""
    values, vectors = np.zeros(0), np.zeros((size, 0))
    for which in ("LM", "SR"):
        more = _arnoldi(_operator(apply, size) if matrix is None else matrix, size, count, which)
        values, vectors = more if len(more[0]) > len(values) else (values, vectors)
        if len(values) >= count:
            break
    order = np.lexsort([values.imag, values.real])
    found = _with_residuals(apply, values[order], vectors[:, order])
    if found.values.imag.any():
        return found
    return Leading(found.values.real, found.residuals, np.ascontiguousarray(vectors[:, order].real))


def _arnoldi(operator: Any, size: int, count: int, which: str) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    try:
        return eigs(operator, count, which=which, v0=_start(size), ncv=min(size - 1, max(BASIS, 2 * count + 8)), maxiter=100)
    except ArpackNoConvergence as partial:
        return partial.eigenvalues, partial.eigenvectors.reshape(size, -1)
