"""The eigenvalues of a loss's Hessian that matter to a step, and a count of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.linalg.lanczos import at_end
from cfdyn.systems.loss import Loss
from cfdyn.systems.minima import FLAT

DENSE = 1000  # weights up to which the Hessian is a matrix
BEYOND = 1.2  # of the edge of gradient descent: how far rates may go at which directions are told


@dataclass(frozen=True)
class Spectrum:
    """``values`` (k,): the largest eigenvalues, falling, and ``vectors`` (k, d); ``positive``: how many are, those that are flat
    not counted; ``flat`` and ``negative``: how many, or None; ``largest``: λ₁; ``spectrum``: all eigenvalues, or NaN."""

    values: np.ndarray
    vectors: np.ndarray
    positive: int
    flat: int | None
    negative: int | None
    largest: float
    spectrum: np.ndarray


def spectrum_at(loss: Loss, w: np.ndarray, cut: float, lr: float) -> Spectrum:
    """The positive eigenvalues λ of ∇²L(w) with ηλ > cut at the learning rate given or up to BEYOND·2/λ₁, flat ones left out."""
    if loss.dim > DENSE:
        return _largest_ones(loss, w, cut, lr)
    matrix = loss.hessian(w)
    if not np.isfinite(matrix).all():
        raise UsageError("a Hessian with entries that are not finite has no eigenvalues")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values, vectors = values[::-1], vectors.T[::-1]
    floor = FLAT * np.abs(values).max()
    positive, negative = int((values > floor).sum()), int((values < -floor).sum())
    k = int((values[:positive] > _bound(values[0], cut, lr)).sum())
    return Spectrum(values[:k], np.ascontiguousarray(vectors[:k]), positive, loss.dim - positive - negative, negative,
                    float(values[0]), values)  # fmt: skip


def _bound(largest: float, cut: float, lr: float) -> float:
    return cut * min(1 / lr, max(largest, 0.0) / (2 * BEYOND))


def _largest_ones(loss: Loss, w: np.ndarray, cut: float, lr: float) -> Spectrum:
    """By Lanczos' method with products; more and more of them until the smallest is small enough."""
    if not cut > 0:
        raise UsageError(f"with more than {DENSE} weights only sharp directions can be looked for: mean_square needs cut > 0")
    start, count = np.random.default_rng(0).normal(size=loss.dim), min(8, loss.dim - 1)
    while True:
        values, vectors = at_end(lambda v: loss.hvp(w, v), start, count, 1, 1e-12)
        order = np.argsort(values)[::-1]
        values, vectors = values[order], vectors.T[order]
        k = int((values > max(_bound(values[0], cut, lr), FLAT * abs(values[0]))).sum())
        if k < count or count >= loss.dim - 1:
            return Spectrum(values[:k], vectors[:k], loss.dim, None, None, float(values[0]), np.array([np.nan]))
        count = min(2 * count, loss.dim - 1)
