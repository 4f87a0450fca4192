"""What a map of an optimizer tells about a state besides its entries: the loss that it carries, and what follows from it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.kernels.rows import evaluate_rows

if TYPE_CHECKING:
    from cfdyn.systems.map import Map

PIECE = 2**20  # numbers of Hessians at a time


def loss_along(step: "Map", z: np.ndarray, p: np.ndarray) -> np.ndarray:
    """L(w) at states z (n, D) with the parameters and data p, (n,)."""
    return evaluate_rows(step.rule("loss"), z, p)[:, 0]


def gradient_norm_along(step: "Map", z: np.ndarray, p: np.ndarray) -> np.ndarray:
    """‖∇L(w)‖, (n,)."""
    return np.linalg.norm(evaluate_rows(step.rule("gradient"), z, p), axis=1)


def sharpness_along(step: "Map", z: np.ndarray, p: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
    """λ₁(H) at states z (n, D), (n,), or with the rows of `Orbit.preconditioners` λ₁(P⁻¹H)/θ; NaN where it is not finite."""
    d, result = step.n_weights, np.full(len(z), np.nan)
    rows = max(1, PIECE // (d * d))
    for first in range(0, len(z), rows):
        mine = slice(first, first + rows)
        matrices = evaluate_rows(step.rule("hessian"), z[mine], p).reshape(-1, d, d)
        if held is not None:
            with np.errstate(all="ignore"):
                scale = 1 / np.sqrt(2 * held[mine, :d])
                matrices = (matrices + held[mine, -1, None, None] * np.eye(d)) * scale[:, :, None] * scale[:, None, :]
        finite = np.isfinite(matrices).all(axis=(1, 2))
        result[mine][finite] = np.linalg.eigvalsh(matrices[finite])[:, -1]
    return result


OBSERVABLES: dict[str, Callable[["Map", np.ndarray, np.ndarray], np.ndarray]] = {
    "loss": loss_along, "sharpness": sharpness_along, "gradient_norm": gradient_norm_along,
}  # fmt: skip
