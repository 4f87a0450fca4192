"""Linear systems by products with a vector alone. Saad (2003), Iterative methods for sparse linear systems, §6."""

from typing import Any

import numpy as np

from cfdyn.linalg.products import Apply
from cfdyn.linalg.solution import Solution

RESTART = 80  # vectors of GMRES


def minres(product: Apply, right: np.ndarray, tol: float, most: int) -> Solution:
    """x (D,) with Mx = right for a symmetric matrix, in at most so many steps; ``tol`` is of the right-hand side.

    >>> solution = minres(lambda v: np.array([2.0, 4.0]) * v, np.array([2.0, 2.0]), 1e-12, 10)
    >>> solution.x.round(12).tolist(), solution.converged, 0 < solution.work < 10
    ([1.0, 0.5], True, True)
    """
    from scipy.sparse.linalg import minres as method

    return _solved(method, product, right, rtol=tol, maxiter=most)


def gmres(product: Apply, right: np.ndarray, tol: float, most: int, start: np.ndarray | None = None) -> Solution:
    """The same for any matrix, from a start if there is one."""
    from scipy.sparse.linalg import gmres as method

    return _solved(method, product, right, x0=start, rtol=tol, restart=RESTART, maxiter=most // RESTART)


def _solved(method: Any, product: Apply, right: np.ndarray, **options: Any) -> Solution:
    from scipy.sparse.linalg import LinearOperator

    if not right.any():
        return Solution(np.zeros_like(right), True, 0)
    work = 0

    def counted(v: np.ndarray) -> np.ndarray:
        nonlocal work
        work += 1
        return product(np.ravel(v))

    x, info = method(LinearOperator((len(right), len(right)), matvec=counted, dtype=float), right, **options)
    return Solution(x, info == 0, work)
