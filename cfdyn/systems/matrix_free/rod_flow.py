"""`MatrixFreeRodFlow`: the rod flow of gradient descent on a loss that is not a formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.matrix_free.edge_flow import CLOSE, Gradient, Product
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow, check_descent
from cfdyn.systems.oracle import GradientOracle


class MatrixFreeRodFlow(MatrixFreeFlow):
    """d(w̄, Σ)/dt of two successive iterates as the ends of a rod, see `cf.flows.rod`; Σ is known by its rods, Σᵢ sᵢsᵢᵀ.

    A state is the centre w̄ (d,), in a start with rods (d,) behind it. ``rods``: "top" or "all".

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=1, value=lambda w: 1.25 * w @ w, gradient=lambda w: 2.5 * w, hvp=lambda w, v: 2.5 * v)
    >>> flow = cf.flows.rod(bowl, cf.optimizers.gd(lr=1.0), rods="all")
    >>> flow.state([1.0]).tolist(), flow.drift([1.0]).tolist()  # 1 and −1.5 are −0.25 ± 1.25
    ([-0.25, -1.25], [0.625])
    """

    lead = 0.5

    def __init__(self, oracle: GradientOracle, optimizer: Optimizer, rods: str = "top"):
        check_descent("rod", oracle, optimizer)
        super().__init__("rod", "rod", oracle, optimizer)
        self.rods = rods

    @property
    def dim(self) -> int:
        """Of the centre, d."""
        return self.n_weights

    def at(self, /, **params: float) -> MatrixFreeRodFlow:
        """The same flow with other parameter values."""
        plain = super().at(**params)
        return MatrixFreeRodFlow(plain.oracle, plain.optimizer, self.rods)

    def parts(self, z: np.ndarray) -> list[Any]:
        """The weights w̄."""
        return [z[: self.n_weights]]

    def state(self, start: Any) -> np.ndarray:
        """(w̄, rods): from weights alone one rod, between these and the optimizer's next ones."""
        z, d = vector("a start", start), self.n_weights
        if not np.isfinite(z).all():
            raise UsageError("a start needs finite numbers")
        if not len(z) or len(z) % d:
            raise UsageError(f"a start has {d} weights, or a centre and rods behind it of {d} entries each, not {z.size}")
        if len(z) != d:
            return z.copy()
        half = -0.5 * self.rate * self.gradient(z)
        return self.swinging(z + half, half)

    def at_midpoint(self, optimizer: Optimizer, z: np.ndarray, off: np.ndarray) -> np.ndarray:
        """The state of the iterates on both sides of a midpoint."""
        return self.swinging(z[: self.n_weights], off)

    def swinging(self, w: np.ndarray, off: np.ndarray) -> np.ndarray:
        """The state of iterates w ± off."""
        return np.concatenate([w, off])

    def drift(self, z: Any) -> np.ndarray:
        """The velocity of the centre (d,)."""
        product: Product = lambda w, v: np.asarray(self.oracle.hvp(w, v), dtype=float) + self.decay * v  # noqa: E731
        z, d = self.state(z), self.n_weights
        return self.velocity(z[:d], z[d:].reshape(-1, d), self.gradient, product)[0]

    def velocity(
        self, w: np.ndarray, rods: np.ndarray, gradient: Gradient, product: Product, g: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """dw̄/dt and rows D (m, d) of dΣ/dt = DᵀD − 2Σ, for orthogonal rods (r, d), the longest first; g = ∇L(w̄) if known.

        Of a rod below 1e-5 of the weights the difference of gradients is the product with the Hessian, which has more digits.
        """
        lr = self.rate
        close = CLOSE * max(1e-3, float(np.linalg.norm(w)))
        if self.rods == "all" or not len(rods):
            g = gradient(w) if g is None else g
            mean, grown = g.copy(), np.empty((len(rods) + 1, len(w)))
            for rod, row in zip(rods, grown, strict=False):
                if np.linalg.norm(rod) < close:
                    row[:] = product(w, rod)
                    continue
                plus, minus = gradient(w + rod), gradient(w - rod)
                row[:] = (plus - minus) / 2
                mean += (plus + minus) / 2 - g
            second = 0.5 * lr * product(w, mean) if self.rods == "top" else 0.0
        else:
            plus, minus = w + rods[0], w - rods[0]
            ends = gradient(plus), gradient(minus)
            mean, grown = (ends[0] + ends[1]) / 2, np.empty((2, len(w)))
            grown[0] = product(w, rods[0]) if np.linalg.norm(rods[0]) < close else (ends[0] - ends[1]) / 2
            second = 0.25 * lr * (product(plus, mean) + product(minus, mean))
        grown[-1] = mean
        return -lr * (mean + second), lr * math.sqrt(0.5) * grown
