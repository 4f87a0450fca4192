"""Means, covariances and quantiles over the runs of an ensemble, row by row: no row depends on another, or on threads."""

import numpy as np

from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.loss import Loss

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
GROUPS = 20  # of runs, for errors of what is computed from a mean
PIECE = 2**20  # numbers of Hessians at a time


def of_rows(loss: Loss, measured: int, now: np.ndarray, middle: np.ndarray) -> dict[str, np.ndarray]:
    """Statistics of some rows; ``now`` and ``middle`` (rows, R, d), NaN where a run is over; see `Runs`.

    ``measured``: of so many runs the sharpness is taken.
    """
    # The order in which numbers are added must not depend on how they lie in memory.
    now, middle = np.ascontiguousarray(now), np.ascontiguousarray(middle)
    going = np.isfinite(middle).all(axis=2)
    with np.errstate(all="ignore"):
        alive = going.sum(axis=1)
        mean, covariance = moments(now, going)
        averaged = moments(middle, going)[0]
        groups = np.stack(
            [moments(middle[:, g::GROUPS].copy(), going[:, g::GROUPS])[0] for g in range(min(GROUPS, now.shape[1]))]
        )
        values = np.where(going, _values(loss, now), 0.0)
        level = values.sum(axis=1) / alive
        off = np.where(going, values - level[:, None], 0.0)
        error = np.sqrt((off**2).sum(axis=1) / (alive - 1) / alive)
        top, direction = leading(loss, averaged)
        sharp = np.where(going[:, :measured], sharpness(loss, now[:, :measured]), np.nan)
        swing = np.where(going, ((now - middle) ** 2).sum(axis=2), 0.0).sum(axis=1) / alive
    return {
        "alive": alive, "mean": mean, "covariance": covariance, "averaged": averaged, "groups": groups.swapaxes(0, 1),
        "quantiles": quantiles(np.where(going[:, :, None], now, np.nan)), "loss": level, "loss_error": error,
        "sharpness": quantiles(sharp), "mean_sharpness": top, "direction": direction,
        "mean_loss": _values(loss, averaged), "swing": swing,
    }  # fmt: skip


def moments(points: np.ndarray, going: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (rows, d) and covariance (rows, d, d) over the runs that stay bounded; of the points (rows, R, d)."""
    count = going.sum(axis=1)
    # From the first of them on: runs that are equal have this mean and no variance.
    first = points[np.arange(len(points)), going.argmax(axis=1)]
    mean = first + np.where(going[:, :, None], points - first[:, None], 0.0).sum(axis=1) / count[:, None]
    off = np.where(going[:, :, None], points - mean[:, None], 0.0)
    return mean, np.einsum("rni,rnj->rij", off, off) / (count - 1)[:, None, None]


def quantiles(points: np.ndarray) -> np.ndarray:
    """Quantiles of the levels over the second axis, (rows, levels, …), NaN left out; between two numbers on a straight line."""
    ordered = np.sort(points, axis=1)
    last = (~np.isnan(ordered)).sum(axis=1, keepdims=True) - 1
    columns = []
    for level in LEVELS:
        place = np.maximum(level * last, 0)
        under = place.astype(int)
        above = np.maximum(np.minimum(under + 1, last), 0)
        low, high = (np.take_along_axis(ordered, at, axis=1) for at in (under, above)) if ordered.shape[1] else (np.nan, np.nan)
        columns.append((low + (place - under) * (high - low))[:, 0] if ordered.shape[1] else np.full(last[:, 0].shape, np.nan))
    return np.stack(columns, axis=1)


def _values(loss: Loss, points: np.ndarray) -> np.ndarray:
    """L at points (…, d), (…,)."""
    return evaluate_rows(loss.rule("value"), points.reshape(-1, points.shape[-1]), loss.p).reshape(points.shape[:-1])


def sharpness(loss: Loss, points: np.ndarray) -> np.ndarray:
    """λ₁ of the Hessian at points (…, d), (…,); NaN where it is not finite."""
    d, flat = points.shape[-1], points.reshape(-1, points.shape[-1])
    result, rows = np.full(len(flat), np.nan), max(1, PIECE // (d * d))
    for first in range(0, len(flat), rows):
        matrices = evaluate_rows(loss.rule("hessian"), flat[first : first + rows], loss.p).reshape(-1, d, d)
        finite = np.isfinite(matrices).all(axis=(1, 2))
        result[first : first + rows][finite] = np.linalg.eigvalsh(matrices[finite])[:, -1]
    return result.reshape(points.shape[:-1])


def leading(loss: Loss, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """λ₁ of the Hessian at points (m, d), (m,), and its unit eigenvectors, (m, d); NaN where it is not finite."""
    m, d = points.shape
    values, vectors = np.full(m, np.nan), np.full((m, d), np.nan)
    matrices = evaluate_rows(loss.rule("hessian"), points, loss.p).reshape(-1, d, d)
    finite = np.isfinite(matrices).all(axis=(1, 2))
    pairs = np.linalg.eigh(matrices[finite])
    values[finite], vectors[finite] = pairs[0][:, -1], pairs[1][:, :, -1]
    return values, vectors
