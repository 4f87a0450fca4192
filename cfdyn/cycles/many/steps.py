"""The n-th iterate of a map at a point, with products of its Jacobian: all that is asked of a map of many weights."""

from dataclasses import dataclass

import numpy as np

from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.by_products.map_by_products import Product


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
