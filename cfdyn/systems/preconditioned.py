"""Curvatures along the rows of an orbit: λ₁ of the Hessian, alone or against the preconditioner of the optimizer's step."""

import numpy as np

from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems.map import Map

PIECE = 2**20  # numbers of Hessians at a time


def preconditioners(step: Map, z: np.ndarray) -> np.ndarray:
    """θP/2 (d), P (d) and the weight decay of the steps from some states (n, D), (n, 2d + 1); a UsageError if there is no P."""
    return evaluate_rows(step.rule("preconditioner"), np.asarray(z, dtype=float), step.p)


def sharpness_along(step: Map, z: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
    """λ₁(H) at states z (n, D), (n,), or with what `preconditioners` gives λ₁(P⁻¹H)/θ; NaN where it is not finite."""
    d, result = step.n_weights, np.full(len(z), np.nan)
    rows = max(1, PIECE // (d * d))
    for first in range(0, len(z), rows):
        mine = slice(first, first + rows)
        matrices = evaluate_rows(step.rule("hessian"), np.asarray(z[mine], dtype=float), step.p).reshape(-1, d, d)
        if held is not None:
            with np.errstate(all="ignore"):
                scale = 1 / np.sqrt(2 * held[mine, :d])
                matrices = (matrices + held[mine, -1, None, None] * np.eye(d)) * scale[:, :, None] * scale[:, None, :]
        finite = np.isfinite(matrices).all(axis=(1, 2))
        result[mine][finite] = np.linalg.eigvalsh(matrices[finite])[:, -1]
    return result


def thetas(held: np.ndarray) -> np.ndarray:
    """θ of what `preconditioners` gives, (n,)."""
    with np.errstate(all="ignore"):
        return 2 * held[:, 0] / held[:, held.shape[1] // 2]
