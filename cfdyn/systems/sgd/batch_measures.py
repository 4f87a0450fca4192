"""Stability measures of SGD at a point from the literature, each with its published threshold.

With H, Hᵢ the mean Hessian and the rows', g_B and H_B gradient and Hessian of a batch, c the variance of a batch's mean over a
row's, and all but sharpness, non-uniformity and the last three on the sharp directions:

    mean-square radius           ρ(M)                                                1
    sharpness                    λ₁(H)                                               2/η
    generalized sharpness        λ₁(C⁻¹D), C = ½ H ⊕ H, D = H ⊗ H + c mean δHᵢ ⊗ δHᵢ  2/η      ρ(M) = 1 exactly there
    mean square over trace       (‖H‖² + c mean ‖δHᵢ‖²)/tr H                         2/η      at most the one above
    non-uniformity               s = √λ₁(mean Hᵢ² − H²)                              1/(η√c)  necessary for the next only
    contraction                  λ₁((1 − ηH)² + η²c (mean Hᵢ² − H²))                 1        sufficient for ρ ≤ 1
    noise kernel norm            λ₁((1 − A ⊗ A)⁻¹ η²c mean δHᵢ ⊗ δHᵢ), A = 1 − ηH    1        ρ(M) = 1 exactly there
    noise kernel norm, by trace  c Σ ηλ/(2 − ηλ), λ > 0                              1        its limit in high dimension
    batch sharpness              E gᵀ_B H_B g_B / E gᵀ_B g_B                         2/η
    gradient–noise interaction   E gᵀ_B H g_B / gᵀg                                  2/η      ∞ at a minimum
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.records.record import Record
from cfdyn.systems.loss import Loss
from cfdyn.systems.sgd.second_moments import SecondMoments, leading, noise_share

APPLIED = 64  # weights from which on an operator on them is no longer written down as a matrix
ROUNDED = 1e-24  # of the rows' mean squared gradient: a square of the mean gradient that is round-off


@dataclass(frozen=True)
class Measure(Record):
    """The value of a published criterion, the ``threshold`` at which it settles or which bounds it, and the source.

    ``value`` is NaN if the criterion is undefined, such as a quotient by a gradient that is 0, or was not computed.
    """

    name: str
    value: float
    threshold: float
    source: str

    @property
    def ratio(self) -> float:
        """value/threshold: 1 for what sits at its threshold."""
        return self.value / self.threshold


def gradient_measures(loss: Loss, w: np.ndarray, rows: np.ndarray, lr: float, batch: int, replace: bool) -> list[Measure]:
    """Batch sharpness and gradient–noise interaction: exact means over all batches, from moments of the rows up to the third.

    ``rows``: the rows' gradients, (n, d).
    """
    n, gradient = len(rows), rows.mean(axis=0)
    off, share = rows - gradient, noise_share(n, batch, replace)
    bent = loss.hvps(w, np.vstack([gradient, off]))
    noisy = float(np.mean(np.sum(off * bent[1:], axis=1)))
    along = float(gradient @ bent[0])
    # δHᵢ applied to the mean gradient and to the row's own deviation from it.
    on_mean = loss.row_hvp(w, gradient) - bent[0]
    on_own = loss.row_hvp(w, off) - bent[1:]
    second = noisy + 2 * float(np.mean(np.sum(off * on_mean, axis=1)))
    third = float(np.mean(np.sum(off * on_own, axis=1)))
    square, spread = float(gradient @ gradient), float(np.mean(np.sum(off * off, axis=1)))
    curvature = along + share * second + third_share(n, batch, replace) * third
    square = square if square > ROUNDED * spread else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpness, interaction = np.divide([curvature, along + share * noisy], [square + share * spread, square])
    return [
        Measure("batch sharpness", float(sharpness), 2 / lr, "Andreyev & Beneventano 2412.20553"),
        Measure("gradient–noise interaction", float(interaction), 2 / lr, "Andreyev & Beneventano 2412.20553"),
    ]


def third_share(rows: int, batch: int, replace: bool) -> float:
    """The third central moment of the mean of a batch over that of a single row.

    >>> third_share(9, 3, True), third_share(9, 1, False), third_share(9, 9, False)
    (0.1111111111111111, 1.0, 0.0)
    """
    if replace or batch in (1, rows):
        return 1 / batch**2 if replace or batch == 1 else 0.0
    return (rows - batch) * (rows - 2 * batch) / (batch**2 * (rows - 1) * (rows - 2))


def curvature_measures(
    loss: Loss, w: np.ndarray, lr: float, share: float, moments: SecondMoments, directions: np.ndarray, spectrum: np.ndarray
) -> list[Measure]:
    """Of the rows' Hessians alone, on the sharp ``directions`` (k, d); ``spectrum``: all eigenvalues of the mean one."""
    values, edge = moments.curvatures, 2 / lr
    spread = _variance_on(loss, w, directions) if len(directions) else np.zeros((0, 0))
    contraction = np.diag((1 - lr * values) ** 2) + lr * lr * share * spread
    sharp = len(values) > 0
    total = values @ values + share * np.mean(np.sum(moments.deviations**2, axis=(1, 2))) if sharp else np.nan
    limit = 1 / (lr * np.sqrt(share)) if share else np.inf
    contracted = float(np.linalg.eigvalsh(contraction)[-1]) if sharp else np.nan
    kernel = share * moments.noise_kernel(lr, np.ones(len(values))) if sharp and share else 0.0
    return [
        Measure("generalized sharpness", moments.generalized_sharpness(share) if sharp else np.nan, edge,
                "Mulayoff & Michaeli 2306.07850, exact"),
        Measure("mean square over trace", float(total / values.sum()) if sharp else np.nan, edge,
                "Mulayoff & Michaeli 2306.07850, necessary"),
        Measure("non-uniformity", _non_uniformity(loss, w), float(limit), "Wu, Ma & E 2018, necessary for the next"),
        Measure("contraction", contracted, 1.0, "Wu, Ma & E 2018, sufficient"),
        Measure("noise kernel norm", kernel, 1.0, "Agarwala & Pennington 2404.19261"),
        Measure("noise kernel norm, by trace", _trace_norm(lr * spectrum, share), 1.0, "Agarwala & Pennington 2404.19261"),
    ]  # fmt: skip


def _trace_norm(x: np.ndarray, share: float) -> float:
    """share Σ x/(2 − x) over the positive x = ηλ."""
    if np.isnan(x).any():
        return np.nan
    x = x[x > 0]
    return float(share * np.sum(x / (2 - x))) if (x < 2).all() else np.inf


def _variance_on(loss: Loss, w: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """mean(Hᵢ²) − H² on some directions, (k, k)."""
    means = loss.hvps(w, directions)
    squares = np.array([loss.row_hvp(w, loss.row_hvp(w, v)).mean(axis=0) for v in directions])
    variance = directions @ squares.T - means @ means.T
    return (variance + variance.T) / 2


def _non_uniformity(loss: Loss, w: np.ndarray) -> float:
    """s = √λ₁(mean(Hᵢ²) − H²)."""
    if loss.dim <= APPLIED:
        value = float(np.linalg.eigvalsh(_variance_on(loss, w, np.eye(loss.dim)))[-1])
    else:

        def image(v: np.ndarray) -> np.ndarray:
            return loss.row_hvp(w, loss.row_hvp(w, v)).mean(axis=0) - loss.hvp(w, loss.hvp(w, v))

        value = leading(image, np.random.default_rng(0).normal(size=loss.dim))[0]
    return float(np.sqrt(max(value, 0.0)))
