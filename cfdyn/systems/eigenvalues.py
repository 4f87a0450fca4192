"""λ₁ of a loss's Hessian along an orbit: from all eigenvalues of small matrices, from matrix-vector products for large ones.

Up to WRITTEN weights the Hessian has a program, and is a matrix. For more, Lanczos' method takes a few dozen Hessian-vector
products, each at the cost of a few gradients, and no d × d matrix is formed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.codegen.columns import WRITTEN
from cfdyn.codegen.compile import Rule
from cfdyn.errors import NumericsError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.linalg.lanczos import NotConverged, at_end

PIECE = 2**20  # numbers of matrices at a time
TOL, RESTARTS = 1e-8, 200  # of Lanczos' method: an eigenvalue lies so near, relatively; where it has a gap, its square
FRESH = 0.1  # of a start from the vector of the state before, which may not contain what leads now

Rules = Callable[[str], Any]


def largest_eigenvalues(rule: Rules, points: np.ndarray, p: np.ndarray, d: int, held: np.ndarray | None = None) -> np.ndarray:
    """λ₁ of the Hessians (d, d) at each of the points (k, n), (k,), by the rules ``hessian`` or ``hvp``; NaN where it is not
    finite or not found.

    ``held`` (k, 2d + 1): θP/2, P and the penalty of weight decay; then of P⁻¹(H + penalty), over θ.
    """
    if d > WRITTEN:
        return _by_products(rule("hvp"), points, p, d, held)
    result, rows, hessian = np.full(len(points), np.nan), max(1, PIECE // (d * d)), rule("hessian")
    for first in range(0, len(points), rows):
        mine = slice(first, first + rows)
        own = evaluate_rows(hessian, points[mine], p) if isinstance(hessian, Rule) else [hessian(z, p) for z in points[mine]]
        matrices = np.reshape(own, (-1, d, d))
        if held is not None:
            with np.errstate(all="ignore"):
                scale = 1 / np.sqrt(2 * held[mine, :d])
                matrices = (matrices + held[mine, -1, None, None] * np.eye(d)) * scale[:, :, None] * scale[:, None, :]
        finite = np.isfinite(matrices).all(axis=(1, 2))
        result[mine][finite] = np.linalg.eigvalsh(matrices[finite])[:, -1]
    return result


def leading(rule: Rules, point: np.ndarray, p: np.ndarray, d: int) -> tuple[float, np.ndarray]:
    """λ₁ of the Hessian at a point (n,) and its vector (d,); NaN where it is not finite. A NumericsError if the search fails."""
    if d > WRITTEN:
        return _leading(rule("hvp"), point, p, _fresh(d))
    matrix = rule("hessian")(point, p).reshape(d, d)
    if not np.isfinite(matrix).all():
        return np.nan, np.full(d, np.nan)
    values, vectors = np.linalg.eigh(matrix)
    return float(values[-1]), vectors[:, -1]


def _fresh(d: int) -> np.ndarray:
    start = np.random.default_rng(0).normal(size=d)
    return start / np.linalg.norm(start)


def _by_products(hvp: Any, points: np.ndarray, p: np.ndarray, d: int, held: np.ndarray | None) -> np.ndarray:
    """One point after the other, each from the vector of the one before."""
    result, fresh = np.full(len(points), np.nan), _fresh(d)
    start = fresh
    for k, point in enumerate(points):
        try:
            value, vector = _leading(hvp, point, p, start, None if held is None else held[k])
        except NumericsError:
            value = np.nan
        result[k] = value
        start = fresh if not np.isfinite(value) else vector + FRESH * fresh
    return result


def _leading(
    hvp: Any, point: np.ndarray, p: np.ndarray, start: np.ndarray, held: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    d, z = len(start), np.concatenate([point, np.empty_like(start)])
    with np.errstate(all="ignore"):
        scale, penalty = (1.0, 0.0) if held is None else (1 / np.sqrt(2 * held[:d]), held[-1])

    def product(v: np.ndarray) -> np.ndarray:
        z[-d:] = scale * v
        return scale * (hvp(z, p) + penalty * z[-d:])

    with np.errstate(all="ignore"):
        if not np.isfinite(product(start)).all():
            return np.nan, np.full(d, np.nan)
    try:
        values, vectors = at_end(product, start, 1, 1, TOL, RESTARTS)
    except NotConverged:
        raise NumericsError(f"the largest eigenvalue of a Hessian of {d} weights is not told apart from the next after "
                            f"{RESTARTS} restarts of Lanczos' method") from None  # fmt: skip
    return float(values[0]), vectors[:, 0]
