"""`Tangents`: how the steps of an optimizer stretch a few directions, along a run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cfdyn.systems.by_products.map_by_products import Product
from cfdyn.systems.tangents import frame, orthonormalised


class Tangents:
    """Orthonormal ``rows`` (k, D), pushed by Df at each step, and ``sums`` (k,) of the logarithms of how they were stretched."""

    def __init__(self, dim: int, count: int):
        self.rows, self.sums = frame(dim, count), np.zeros(count)

    def follow(self, product: Product) -> None:
        """One step, by the product of its Jacobian with rows; exponents are NaN from where that is not finite."""
        with np.errstate(all="ignore"):
            pushed = product(self.rows)
        if not np.isfinite(pushed).all():
            self.sums[:] = np.nan
            return
        self.rows = orthonormalised(pushed, self.sums)

    def taken(self, steps: int) -> np.ndarray:
        """Means per step (k,) of the last steps, which then count no more."""
        means, self.sums = self.sums / steps, np.zeros(len(self.sums))
        return means

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that it is."""
        return {"rows": self.rows, "sums": self.sums}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """What a snapshot holds."""
        self.rows, self.sums = saved["rows"], saved["sums"]
