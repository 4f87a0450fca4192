"""The flip of gradient descent where the sharpness is 2/η: its coefficient, from products only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cfdyn.linalg.krylov import minres

SOLVED, ITERATIONS = 1e-13, 4000  # of MINRES
DECIDES = 1e-3  # bounds of a residual and of a slope: a residual of t is its component along flat directions, a slope is a drift


class EdgeForm(NamedTuple):
    """The flip of gradient descent at weights w whose sharpness λ₁ is the edge of the learning rate ``lr`` = 2/λ₁.

    Along the top eigenvector, q = ``direction`` (d,), |q| = 1, the map is −ξ + c ξ³ with c = ``coefficient`` = (η/6)(3 tᵀH⁻¹t −
    D⁴L[q, q, q, q]), t = T[q, q]; ``bend`` is tᵀH⁻¹t and ``quartic`` D⁴L[q⁴]. ``supercritical``: c > 0, a stable 2-cycle is born,
    of half-amplitude √((ηλ₁ − 2)/c); None if this is undecided: ``residual``, |Hh − t|/|t| of MINRES for h = H⁻¹t, is the
    component of t along flat directions (the oscillation moves w along them), and ``slope`` is |∇L|, which is 0 at a bifurcation;
    elsewhere w drifts, and c describes only the fast oscillation.
    """

    lr: float
    coefficient: float
    supercritical: bool | None
    direction: np.ndarray
    quartic: float
    bend: float
    residual: float
    slope: float


def edge_form(
    sharpness: float, q: np.ndarray, t: np.ndarray, quartic: float, slope: float, product: Callable[[np.ndarray], np.ndarray]
) -> EdgeForm:  # fmt: skip
    """The form from λ₁, its eigenvector q, t = T[q, q], D⁴L[q⁴], |∇L| and products with the Hessian."""
    size, lr = float(np.linalg.norm(t)), 2.0 / sharpness
    h, residual = np.zeros_like(t), 0.0
    if size > 0:
        h = minres(product, t, SOLVED, ITERATIONS).x
        residual = float(np.linalg.norm(product(h) - t)) / size
    bend = float(t @ h)
    c = lr / 6 * (3 * bend - quartic)
    decided = residual <= DECIDES and slope <= DECIDES * sharpness and c != 0
    return EdgeForm(lr, c, bool(c > 0) if decided else None, q, quartic, bend, residual, slope)
