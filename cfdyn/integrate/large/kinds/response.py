"""The response to a kick along a mode of a loss, by the recursion of an optimizer with constant preconditioner."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow


class Response(NamedTuple):
    """x⁺ = Ax + b(vw + kick) for x = (w, momentum buffers) along a mode of value v, which flips at v = 2.

    ``rate``: Gθ/2, the factor of v in the decay rate of a slow drift. For gradient descent A = 1, b = −1, v = ηλ.

    >>> Response(np.array([[1.0]]), np.array([-1.0]), 1.0).losses(np.array([0.5, 1.0]))
    array([[0.75, 1.  ],
           [1.  , 1.  ]])
    """

    a: np.ndarray
    b: np.ndarray
    rate: float

    @classmethod
    def of(cls, flow: MatrixFreeFlow) -> Response:
        """The response of a flow's optimizer."""
        theta, gain, a, b = flow.own.recursion.numbers(flow.optimizer.params)
        return cls(a, b * (theta / 2), gain * (theta / 2))

    def losses(self, values: np.ndarray) -> np.ndarray:
        """1/R (k, k), R_ij = Σ h_i(t)h_j(t) over t ≥ 0, h the displacement of w from a kick along mode i after t + 1 steps.

        NumericsError: a mode with a value of ``values`` (k,) is unstable, or R is not positive.
        """
        steps = self.a + np.multiply.outer(np.multiply.outer(values, self.b), np.eye(len(self.b))[0])
        if not (np.abs(np.linalg.eigvals(steps)) < 1).all():
            raise beyond()
        if len(self.b) == 1:
            return (1 - np.outer(steps, steps)) / self.b[0] ** 2
        k, n = len(values), len(self.b) ** 2
        pairs = np.einsum("iab,jcd->ijacbd", steps, steps).reshape(k, k, n, n)
        kick = np.broadcast_to(np.outer(self.b, self.b).reshape(n, 1), (k, k, n, 1))
        losses = np.linalg.solve(np.eye(n) - pairs, kick)[..., 0, 0]
        if not (losses > 0).all():
            raise NumericsError("two sharp directions answer to the same kick in opposite ways, for which no covariance is found")
        return 2 / (losses + losses.T)

    @property
    def passing(self) -> float:
        """κ: how fast the multiplier −1 at v = 2 moves with v, 1 for gradient descent."""
        values, vectors = np.linalg.eig(self.a + 2 * np.outer(self.b, np.eye(len(self.b))[0]))
        flips = int(np.argmin(np.abs(values + 1)))
        return float(-(np.linalg.solve(vectors, self.b)[flips] * vectors[0, flips]).real)


class Beyond(NumericsError):
    """A state beyond mean-square stability."""


def beyond() -> Beyond:
    """The error for modes that grow."""
    return Beyond("a step of the optimizer makes second moments of the sharp directions grow: this is beyond mean-square "
                  "stability")  # fmt: skip
