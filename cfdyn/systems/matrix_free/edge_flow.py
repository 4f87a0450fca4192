"""`MatrixFreeEdgeFlow`: the edge flow of gradient descent on a loss that is not a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow, check_descent
from cfdyn.systems.oracle import GradientOracle

LARGEST = 300.0  # ln ρ beyond which the swing has run away
CLOSE = 1e-5  # of the weights: for a smaller swing the secant is the tangent, to 1e-10, and has more digits

Gradient = Callable[[np.ndarray], np.ndarray]
Product = Callable[[np.ndarray, np.ndarray], np.ndarray]


class MatrixFreeEdgeFlow(MatrixFreeFlow):
    """d(c, u, ln ρ)/dt of iterates c ± ρu, see `cf.flows.edge`; the state has 2d + 1 entries.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=1, value=lambda w: 1.25 * w @ w, gradient=lambda w: 2.5 * w, hvp=lambda w, v: 2.5 * v)
    >>> flow = cf.flows.edge(bowl, cf.optimizers.gd(lr=1.0))
    >>> flow.state([1.0]).round(3).tolist(), flow.drift([1.0]).round(3).tolist()  # 1 and −1.5 are −0.25 ± 1.25
    ([-0.25, 1.0, 0.223], [0.625, 0.0, 0.5])
    """

    lead = 0.5

    def __init__(self, oracle: GradientOracle, optimizer: Optimizer, secant: bool = False, floor: float = 0.0):
        check_descent("edge", oracle, optimizer)
        super().__init__("edge", "edge", oracle, optimizer)
        self.secant, self.floor = bool(secant), float(floor)

    @property
    def dim(self) -> int:
        """2d + 1."""
        return 2 * self.n_weights + 1

    @property
    def names(self) -> tuple[str, ...]:
        """w1, …, u1, …, log_rho."""
        d = range(1, self.n_weights + 1)
        return (*(f"{block}{i}" for block in "wu" for i in d), "log_rho")

    def at(self, /, **params: float) -> MatrixFreeEdgeFlow:
        """The same flow with other parameter values."""
        plain = super().at(**params)
        return MatrixFreeEdgeFlow(plain.oracle, plain.optimizer, self.secant, self.floor)

    def parts(self, z: np.ndarray) -> list[Any]:
        """The weights c."""
        return [z[: self.n_weights]]

    def state(self, start: Any) -> np.ndarray:
        """(c, u, ln ρ): from weights alone c ± ρu are these and the optimizer's next ones."""
        z, d = vector("a start", start), self.n_weights
        if not np.isfinite(z).all() or z.shape not in ((d,), (self.dim,)):
            raise UsageError(f"a start has {d} weights or all {self.dim} entries (c, u, ln ρ), finite, not {z.size}")
        if len(z) != d:
            if not (z[d : 2 * d].any() and z[-1] < LARGEST):
                raise UsageError(f"the full state (c, u, ln rho) of flows.edge needs a direction u that is not 0 and a swing rho "
                                 f"below e^{LARGEST:g}; weights alone take both from the first step")  # fmt: skip
            return z.copy()
        half = -0.5 * self.rate * self.gradient(z)
        if not half.any():
            raise UsageError("flows.edge takes the direction of oscillation from the first step, which is 0 at this start; "
                             "start off the critical point, or give the full state (c, u, ln rho)")  # fmt: skip
        return self.swinging(z + half, -half)

    def at_midpoint(self, optimizer: Optimizer, z: np.ndarray, off: np.ndarray) -> np.ndarray:
        """The state of the iterates on both sides of a midpoint."""
        return self.swinging(z[: self.n_weights], off)

    def swinging(self, w: np.ndarray, off: np.ndarray) -> np.ndarray:
        """The state of iterates w ± off."""
        size = float(np.linalg.norm(off))
        if not size:
            raise UsageError("flows.edge takes the direction of oscillation from the iterates, which do not move there")
        return np.concatenate([w, off / size, [math.log(size)]])

    def drift(self, z: Any) -> np.ndarray:
        """The velocity (2d + 1,)."""
        product: Product = lambda w, v: np.asarray(self.oracle.hvp(w, v), dtype=float) + self.decay * v  # noqa: E731
        return self.velocity(self.state(z), self.gradient, product)[0]

    def velocity(self, z: np.ndarray, gradient: Gradient, product: Product) -> tuple[np.ndarray, float]:
        """The velocity of a state and η uᵀH(c)u/|u|²; two gradients and a product."""
        d, lr = self.n_weights, self.rate
        c, u, rho = z[:d], z[d : 2 * d], math.exp(min(z[-1], LARGEST))
        plus, minus = gradient(c + rho * u), gradient(c - rho * u)
        grown, square = lr * product(c, u), float(u @ u)
        curvature = float(u @ grown) / square
        out = np.empty_like(z)
        out[:d] = (-0.5 * lr) * (plus + minus)
        out[d : 2 * d] = grown + (1.0 - curvature - square) * u
        along = curvature
        if self.secant and rho > CLOSE * max(1e-3, float(np.linalg.norm(c))):
            along = lr * float(u @ (plus - minus)) / (2 * rho) / square
        out[-1] = along - 2.0
        if self.floor:
            out[-1] = max(out[-1], math.log(self.floor) - z[-1])
        return out, curvature
