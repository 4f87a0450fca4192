"""Second moments of SGD about a point: E[X S X] for the factors X = 1 − ηH_B of random batches, on chosen directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cfdyn.kernels.linear.moments import mean_congruence, sharp_weight
from cfdyn.linalg.lanczos import at_end

DENSE = 24  # directions up to which the operator is written down as a matrix; beyond it is only applied
SEEN = 5  # numbers, besides Σ, that a flow with noise tells of a state
MOST_FLAT = 14  # weights, beyond which a flow looks at the noise on sharp directions only: on all pairs it takes too long
TIE = 1e-12  # eigenvalues of the operator that are nearer together belong to one eigenspace


def noise_share(rows: int, batch: int, replace: bool) -> float:
    """The variance of the mean of a batch over that of a single row: 1/b, without replacement (n − b)/(b(n − 1)).

    >>> noise_share(10, 4, True), noise_share(10, 10, False)
    (0.25, 0.0)
    """
    return 1 / batch if replace else (rows - batch) / (batch * max(rows - 1, 1))


def weights_of(lr: float, curvatures: np.ndarray, cut: float, width: float) -> np.ndarray:
    """`sharp_weight` of each direction, (k,)."""
    return np.array([sharp_weight(lr * value, cut, width) for value in curvatures])


@dataclass(frozen=True)
class SecondMoments:
    """Symmetric matrices S (k, k) on k orthonormal eigenvectors of the mean Hessian, and what batches of rows make of them.

    ``curvatures``: its eigenvalues λ, (k,); ``deviations``: of the rows' Hessians from it on these directions, (n, k, k).
    With N[S] = mean(Dᵢ S Dᵢ) a step of SGD is S ↦ (1 − ηλₐ)(1 − ηλ_b) Sₐ_b + η²·share·N[S]ₐ_b.
    """

    curvatures: np.ndarray
    deviations: np.ndarray

    def first(self, k: int) -> SecondMoments:
        """The same on the first k directions only."""
        return SecondMoments(self.curvatures[:k], np.ascontiguousarray(self.deviations[:, :k, :k]))

    def noise(self, s: np.ndarray) -> np.ndarray:
        """N[S] = mean(Dᵢ S Dᵢ), (k, k)."""
        n, k, _ = self.deviations.shape
        stacked = self.deviations.reshape(n * k, k)
        return (stacked @ s).reshape(n, k, k).transpose(1, 0, 2).reshape(k, n * k) @ stacked / n

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(len(self.curvatures))

    @cached_property
    def noise_matrix(self) -> np.ndarray:
        """N on vectors in the order of `cfdyn.kernels.linear.packed`, (m, m) with m = k(k + 1)/2."""
        m = len(self._pairs[0])
        target = np.empty((m, m))
        mean_congruence(np.ascontiguousarray(self.deviations), target)
        return target

    def step(self, lr: float, share: float, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Spectral radius and eigenmatrix of a step of SGD, restricted by weights: W∘M∘W, W[S]ₐ_b = √(wₐw_b) Sₐ_b."""
        weight, factors = np.sqrt(np.outer(weights, weights)), 1 - lr * self.curvatures
        return self.largest(weight**2 * np.outer(factors, factors), weight, lr * lr * share)

    def generalized_sharpness(self, share: float) -> float:
        """λ₁(C⁻¹D), C = ½(H ⊕ H), D = H ⊗ H + share·N: a step is stable iff η is less than 2 over it; all λ must be positive."""
        mean = np.add.outer(self.curvatures, self.curvatures) / 2
        return self.largest(np.outer(self.curvatures, self.curvatures) / mean, 1 / np.sqrt(mean), share)[0]

    def noise_kernel(self, lr: float, weights: np.ndarray) -> float:
        """The largest eigenvalue of (1 − A ⊗ A)⁻¹ η²N, A = 1 − ηH: times the share it is 1 where the step's radius is 1; ∞ where
        the full batch alone is unstable."""
        weight, factors = np.sqrt(np.outer(weights, weights)), 1 - lr * self.curvatures
        decay = 1 - weight**2 * np.outer(factors, factors)
        if not (decay > 0).all():
            return np.inf
        return self.largest(np.zeros_like(decay), weight / np.sqrt(decay), lr * lr)[0]

    def largest(self, plain: np.ndarray, scale: np.ndarray, noise: float) -> tuple[float, np.ndarray]:
        """The largest eigenvalue of S ↦ plain∘S + noise·scale∘N[scale∘S], products entry by entry, and its eigenmatrix (k, k).

        Where the operator maps positive matrices to such ones, as E[X S X] does, that eigenvalue is its spectral radius and
        the eigenmatrix (the share of the unit matrix in the eigenspace) is positive. It has trace 1.
        """
        k = len(self.curvatures)
        if k == 0:
            return 0.0, np.zeros((0, 0))
        value, matrix = (self._largest_dense if k <= DENSE else self._largest_applied)(plain, scale, noise)
        return value, matrix / np.trace(matrix)

    def _largest_dense(self, plain: np.ndarray, scale: np.ndarray, noise: float) -> tuple[float, np.ndarray]:
        at, k = self._pairs, len(self.curvatures)
        matrix = np.diag(plain[at])
        if noise:
            matrix += noise * np.outer(scale[at], scale[at]) * self.noise_matrix
        values, vectors = np.linalg.eigh(matrix)
        space = vectors[:, values >= values[-1] - TIE * abs(values[-1])]
        square = np.zeros((k, k))
        square[at] = space @ (space.T @ np.eye(k)[at]) * np.where(at[0] == at[1], 1, np.sqrt(0.5))
        return float(values[-1]), square + np.triu(square, 1).T

    def _largest_applied(self, plain: np.ndarray, scale: np.ndarray, noise: float) -> tuple[float, np.ndarray]:
        k = len(self.curvatures)

        def image(s: np.ndarray) -> np.ndarray:
            s = s.reshape(k, k)
            return (plain * s + noise * scale * self.noise(scale * s)).ravel()

        value, matrix = leading(image, np.eye(k).ravel())
        return value, (matrix + matrix.reshape(k, k).T.ravel()).reshape(k, k) / 2


def leading(image: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a symmetric operator that is only applied, and its eigenvector (n,), by Lanczos' method."""
    values, vectors = at_end(image, start, 1, 1, 1e-13)
    return float(values[0]), vectors[:, 0]
