"""`Supplier`: the interface of a flow to the integrator; `dense.Dense` implements it with matrices, others need none."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cfdyn.integrate._kernels.steppers.field import Field


class Modes(NamedTuple):
    """``values`` (m,) ascending, the largest eigenvalues of P^-½ H P^-½, with eigenvectors ``vectors`` (d, m), orthonormal;
    ``p`` (d,): the diagonal of P."""

    values: np.ndarray
    vectors: np.ndarray
    p: np.ndarray


class Readings(NamedTuple):
    """At m rows of a path: states and slopes (m, n), the violation of the edge (m,), and Σ (m, d, d)."""

    z: np.ndarray
    slopes: np.ndarray
    violation: np.ndarray
    covariance: np.ndarray


class Supplier(Protocol):
    """A flow dz/dt = F(z) of n states, d of them weights; ``kind``: PLAIN, or how oscillations enter.

    Times are optimizer steps. ``reference`` (k, d) identifies the held modes: P^½U, orthonormal rows, the modes at the edge.
    ``neutral`` (m, d), orthonormal rows: modes whose eigenvalue stays at the edge by itself; all other methods reduce it by 1.
    """

    dim: int
    n_weights: int
    kind: int
    neutral: np.ndarray

    def drift(self, z: np.ndarray) -> np.ndarray:
        """F₀(z), (n,): the flow without oscillations."""

    def undefined(self, z: np.ndarray) -> str:
        """The name of the quantity that is not finite at z, "gradient" or "Hessian"; or ""."""

    def preconditioner(self, z: np.ndarray) -> np.ndarray:
        """The diagonal of P, (d,)."""

    def modes(self, z: np.ndarray) -> Modes:
        """The modes closest to the edge; a NumericsError if H or P is not defined, or P not positive."""

    def forces(self, z: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """a and B (m, n) of the pairs of directions (k, d) at z, m = k(k + 1)/2, off-diagonal pairs with √2.

        dz/dt = F₀ + X·B, and the edge moves at the rate a·dz/dt.
        """

    def field(
        self, reference: np.ndarray, jacobians: bool, near: bool = False, soft: int = 0, target: float | None = None
    ) -> Field:
        """F with these modes held, for the steppers.

        ``jacobians``: DF too, for an implicit method; ``near``: other eigenvalues are at the edge; the last ``soft`` modes
        are only kept separate; ``target``: of the sum of the eigenvalues over the edge, if that is held.
        """

    def has_jacobian(self) -> bool:
        """True if DF needs no further compilation."""

    def begin(self, field: Field, z: np.ndarray, f: np.ndarray) -> None:
        """F(z) into ``f`` (n,), with the modes exactly as the field's reference has them."""

    def reference(self, field: Field) -> np.ndarray:
        """The modes of a field as they are now, (k, d)."""

    def onto_edge(self, field: Field, z: np.ndarray) -> np.ndarray | None:
        """z moved along the forces until the field's modes are at the edge; None if that fails."""

    def read(self, field: Field, reference: np.ndarray, times: np.ndarray, polynomials: np.ndarray, rows: np.ndarray) -> Readings:
        """States and their readings at some times of a path of pieces, with the modes that ``reference`` identifies."""

    def violation(self, fields: Sequence[Field]) -> float:
        """The largest violation of the edge at the end of any step."""

    def determined(self, fields: Sequence[Field]) -> bool:
        """True if Σ was unique throughout."""

    def tally(self, fields: Sequence[Field]) -> dict[str, int]:
        """Evaluations by kind, and ``gradient_equivalents``, their total cost."""
