"""The semidefinite complementarity problem of the central flow, with its certificate."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate._kernels.edge import complementarity as _kernel
from cfdyn.integrate.equations import MOST_MODES, packed, unpacked, weights
from cfdyn.records.record import Record, provenance


@dataclass(frozen=True)
class Complementarity(Record):
    """X (k, k) and Z = α + β[X] (k, k) with 0 ⪯ X ⟂ Z ⪰ 0.

    ``rank``: numerical rank of β on the symmetric matrices. ``unique``: whether X is certain to be the only solution,
    which holds for full rank (Z and β[X] are always unique). ``strict``: whether X + Z is
    positive definite. ``residual`` bounds the violations of X ⪰ 0, Z ⪰ 0 and XZ = 0, in units of ‖X‖ and
    of max|α| + max Σ|β||X|: it does not change if α or β is multiplied by a number.

    Examples
    --------
    >>> import cfdyn as cf
    >>> solution = cf.complementarity([[-2.0]], [[[[4.0]]]])
    >>> solution.X, solution.Z, solution.unique
    (array([[0.5]]), array([[0.]]), True)
    """

    X: Annotated[np.ndarray, "k k"]
    Z: Annotated[np.ndarray, "k k"]
    rank: int
    unique: bool
    strict: bool
    residual: float


def complementarity(alpha: Any, beta: Any) -> Complementarity:
    r"""Solve 0 ⪯ X ⟂ α + β[X] ⪰ 0 for symmetric matrices.

    .. math:: X = \arg\min_{X \succeq 0} \; \langle α, X\rangle + \tfrac12 \langle X, β[X]\rangle,
       \qquad β[X]_{ij} = \sum_{kl} β_{ijkl} X_{kl}

    For k = 1, X = max(0, −α/β). Otherwise the solver applies a semismooth Newton method to Y = X − Z, along a smoothed path
    if it does not converge at once. If β is singular, X is close to the solution of least norm: in nearly all
    cases to 10⁻³ or better, but this is not certified.

    Parameters
    ----------
    alpha : (k, k), or a number for k = 1; its symmetric part is used. k ≤ 16.
    beta : (k, k, k, k), or a number for k = 1; symmetrised in ij, in kl and between the pairs

    Returns
    -------
    Complementarity

    Raises
    ------
    UsageError : wrong shapes, entries that are not finite, k > 16, β not positive semidefinite
    NumericsError : there is no solution (X would be infinite), or none was found to 10⁻⁸

    References
    ----------
    Cohen, Damian, Talwalkar, Kolter, Lee, "Understanding Optimization in Deep Learning with Central
    Flows", arXiv 2410.24206, where the problem determines the oscillation's covariance.

    Examples
    --------
    >>> import numpy as np
    >>> identity = np.einsum("ik,jl->ijkl", np.eye(2), np.eye(2))
    >>> solution = complementarity([[-2.0, 0.0], [0.0, 1.0]], identity)
    >>> print(solution.X.diagonal(), solution.Z.diagonal().round(12) + 0.0, solution.rank, solution.strict)
    [2. 0.] [0. 1.] 3 True
    >>> print(complementarity(-3.0, 2.0).X)
    [[1.5]]
    """
    a, b = _checked(alpha, beta)
    k = len(a)
    x = np.empty(k * (k + 1) // 2)
    vector, operator = _packed(a, b)
    _check_definite(operator)
    status, residual, rank, strict = _kernel.complementarity(vector, operator, x)
    if status == _kernel.NO_SOLUTION:
        raise NumericsError(
            "0 ⪯ X ⟂ α + β[X] ⪰ 0 has no solution of reasonable size: in a direction that β does not see, ⟨α, X⟩ "
            "decreases without bound"
        )
    if status != _kernel.SOLVED or not np.isfinite(x).all():
        raise NumericsError(f"no solution of 0 ⪯ X ⟂ α + β[X] ⪰ 0 was found: the residual stays at {residual:.1e}")
    return Complementarity(
        X=unpacked(x, k), Z=unpacked(vector + operator @ x, k), rank=int(rank), unique=bool(rank == x.size),
        strict=bool(strict), residual=float(residual), provenance=provenance(k=k),
    )  # fmt: skip


def _checked(alpha: Any, beta: Any) -> tuple[np.ndarray, np.ndarray]:
    """α (k, k) and β (k, k, k, k) as finite, symmetrised arrays."""
    try:
        a, b = np.asarray(alpha, float), np.asarray(beta, float)
    except (TypeError, ValueError, OverflowError):
        raise UsageError("alpha and beta must be arrays of real numbers") from None
    a, b = a.reshape(1, 1) if a.size == 1 else a, b.reshape(1, 1, 1, 1) if b.size == 1 else b
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.size == 0:
        raise UsageError(f"alpha must have the shape (k, k), not {a.shape}")
    k = len(a)
    if b.shape != (k, k, k, k):
        raise UsageError(f"beta must have the shape {(k, k, k, k)}, as alpha has {a.shape}, not {b.shape}")
    if k > MOST_MODES:
        raise UsageError(f"k = {k} is too large; at most {MOST_MODES} is supported")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UsageError("alpha and beta must be finite; there is a NaN or an infinity")
    b = b / 2 + b.transpose(1, 0, 2, 3) / 2
    b = b / 2 + b.transpose(0, 1, 3, 2) / 2
    return a / 2 + a.T / 2, b / 2 + b.transpose(2, 3, 0, 1) / 2


def _check_definite(operator: np.ndarray) -> None:
    size = np.abs(operator).max()
    if size > 0:
        lowest = np.linalg.eigvalsh(operator / size)[0]
        if lowest < -1e-10 * len(operator):
            raise UsageError(
                f"beta must be positive semidefinite; relative to its largest entry it has the eigenvalue {lowest:.1e}"
            )


def _packed(alpha: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """α as the vector of its upper triangle by rows, off-diagonals times √2, and β as a matrix on such vectors."""
    weight, (i, j) = weights(len(alpha)), np.triu_indices(len(alpha))
    return packed(alpha), np.ascontiguousarray(weight[:, None] * beta[i, j][:, i, j] * weight)
