"""A cycle of any map near a state by Newton–Krylov methods, and the n-th iterate that they use."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cfdyn.linalg.multipliers import Leading
from cfdyn.linalg.operator import Operator, shape_of
from cfdyn.linalg.products import Product
from cfdyn.systems.any_map import AnyMap

MOST, WATCHED = 14, 8  # corrections; multipliers
CLOSED = 1e-11  # of the size: a defect that is round-off
FAR = 0.5  # of the size: a first correction that leads elsewhere


@dataclass(frozen=True)
class Local:
    """fⁿ at a point: the ``points`` (n, D) of the cycle, its ``image``, the ``slope`` ∂fⁿ/∂λ and the ``product`` with Dfⁿ."""

    points: np.ndarray
    image: np.ndarray
    slope: np.ndarray
    product: Product


class Steps:
    """fⁿ and its derivatives at any state and value of the parameter.

    parameter : the name of λ; "" where nothing is followed along one
    n : how often the map is applied
    """

    def __init__(self, step: AnyMap, parameter: str, n: int):
        self.step, self.parameter, self.n, self.dim = step, parameter, n, step.dim
        weights = step.n_weights or step.dim
        # An optimizer's states beside their weights: the order in which local couplings make a narrow band.
        self.order = np.arange(step.dim)
        if step.dim % weights == 0:
            self.order = self.order.reshape(-1, weights).T.ravel()

    def at(self, x: np.ndarray, value: float) -> Local:
        """fⁿ at a state (D,) and a value of λ."""
        points, parts, slope = [x], list[Product](), np.zeros(self.dim)
        for _ in range(self.n):
            image, product, own = self._one(points[-1], value)
            slope = product(slope[None])[0] + own if parts else own
            points.append(image)
            parts.append(product)

        def along(rows: np.ndarray) -> np.ndarray:
            for part in parts:
                rows = part(rows)
            return rows

        return Local(np.array(points[:-1]), points[-1], slope, along)

    def _one(self, x: np.ndarray, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(x), the product with Df(x), ∂f/∂λ)."""
        if not self.parameter:
            return *self.step.tangent(x), np.zeros(self.dim)
        return self.step.linearized(x, self.parameter, value)


class Found(NamedTuple):
    """``points`` (n, D), the largest defect of a step, and the ``leading`` multipliers with their residuals."""

    points: np.ndarray
    residual: float
    leading: Leading


def cycle_near(step: AnyMap, x: np.ndarray, n: int, watched: int = WATCHED) -> Found | None:
    """The n-cycle near x (D,), or None; where M − 1 is singular, as of weights that change nothing, the nearest one."""
    steps, z = Steps(step, "", n), x.copy()
    size = max(float(np.abs(x).max()), 1e-300)
    local = steps.at(z, 0.0)
    beside = steps.at(z + 1e-3 * size * np.random.default_rng(4).normal(size=len(z)), 0.0)
    shape = shape_of(local.product, beside.product, steps.order, watched)
    best, smallest = None, np.inf
    for _ in range(MOST):
        defect = local.image - z
        now = float(np.abs(defect).max())
        if not np.isfinite(now):
            return None
        if now < smallest:
            best, smallest = local, now
        elif smallest <= CLOSED * size:
            break
        if now <= 1e-15 * size:
            break
        change, converged, _ = Operator(local.product, shape).solve(-defect)
        if not converged or np.abs(change).max() > FAR * size:
            # A singular system has no solution for a defect that is round-off.
            break
        z = z + change
        local = steps.at(z, 0.0)
    if best is None or smallest > CLOSED * size:
        return None
    return Found(best.points, smallest, Operator(best.product, shape).spectrum(vectors=False))
