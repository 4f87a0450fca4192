"""Linear systems of a full or a sparse matrix, by a factorization."""

from typing import Any

import numpy as np

from cfdyn.linalg.solution import Solution, unsolved


def solved(matrix: Any, right: np.ndarray) -> Solution:
    """x with Mx = right (N,) or (N, k), by LU of a full matrix and SuperLU of a sparse one.

    >>> solved(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
    Solution(x=array([1. , 0.5]), converged=True, work=1)
    """
    try:
        x = np.linalg.solve(matrix, right) if isinstance(matrix, np.ndarray) else factors(matrix).solve(right)
    except (np.linalg.LinAlgError, RuntimeError):
        return unsolved(right, 1)
    return Solution(x, bool(np.isfinite(x).all()), 1)


def factors(matrix: Any) -> Any:
    """SuperLU of a sparse matrix; a RuntimeError where it is singular."""
    from scipy.sparse.linalg import splu

    return splu(matrix.tocsc())


def bordered(matrix: Any, columns: np.ndarray, rows: np.ndarray, corner: float = 0.0) -> Any:
    """[[M, B], [Cᵀ, eI]] of a full or a sparse matrix (N, N), with B = ``columns`` and C = ``rows`` (N, k).

    >>> bordered(np.eye(2), np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]), 5.0)
    array([[1., 0., 1.],
           [0., 1., 2.],
           [3., 4., 5.]])
    """
    count = columns.shape[1]
    if isinstance(matrix, np.ndarray):
        return np.block([[matrix, columns], [rows.T, corner * np.eye(count)]]) if count else matrix
    from scipy.sparse import csc_matrix

    entries, size = matrix.tocoo(), matrix.shape[0]
    lines, places = np.arange(size, size + count), np.arange(size)
    values = [entries.data, columns.T.ravel(), rows.T.ravel(), np.full(count if corner else 0, corner)]
    down = [entries.row, np.tile(places, count), np.repeat(lines, size), lines[: count if corner else 0]]
    across = [entries.col, np.repeat(lines, size), np.tile(places, count), lines[: count if corner else 0]]
    where = np.concatenate(down), np.concatenate(across)
    return csc_matrix((np.concatenate(values), where), shape=(size + count, size + count))
