"""The modes to hold at a point of the edge, so that the flow after it is smooth."""

from dataclasses import dataclass

import numpy as np

from cfdyn.integrate.equations import Rates, check_number, covariance, packed, unpacked
from cfdyn.integrate.supply.supplier import Supplier
from cfdyn.kernels.edge.block import CENTRAL, TRACE

# An eigenvalue this close to the edge is on it; one of X this small, relative to the largest, is 0; modes whose multiplier
# wants to leave more slowly than this part of the forces stay.
AT_EDGE, NO_RANK, IDLE = 1e-9, 1e-9, 1e-5


@dataclass(frozen=True)
class Critical:
    """The modes that are held from a point on.

    ``reference`` (k, d): P^½U, orthonormal rows; ``multipliers`` (k,): eigenvalues of X, ascending; ``near``: whether
    another eigenvalue is at the edge without being held; ``unique``: whether X is; ``left`` (s, d): of those that have
    just lost their force.
    """

    reference: np.ndarray
    multipliers: np.ndarray
    near: bool
    unique: bool
    left: np.ndarray | None = None


def critical(supplier: Supplier, z: np.ndarray, edge_tolerance: float, drop: bool = False, at_edge: float = AT_EDGE) -> Critical:
    """The modes to hold from z on; ``drop``: the weakest one of those at the edge has just lost its force."""
    none = Critical(np.zeros((0, supplier.n_weights)), np.zeros(0), False, True)
    if supplier.kind not in (CENTRAL, TRACE):
        return none
    values, vectors, p = supplier.modes(z)
    if supplier.kind == TRACE:
        k = int((values >= 2.0 - edge_tolerance).sum()) if values[-1] >= 2.0 - 2e-12 or drop else 0
        return Critical(vectors[:, len(values) - k :].T.copy(), np.ones(k), False, True)
    k = int((values >= 2.0 - 2.0 * at_edge).sum())
    if k == 0:
        return none
    check_number(k)  # before forces of so many are asked for
    directions = vectors[:, len(values) - k :].T
    a, b = supplier.forces(z, directions / np.sqrt(p))
    alpha, beta = a @ supplier.drift(z), a @ b.T
    x, unique = covariance(Rates(alpha, beta), np.zeros((k, k)))
    weights, turn = np.linalg.eigh(x)
    first = int((weights <= NO_RANK * max(weights[-1], 0.0)).sum()) if weights[-1] > 0 else k
    # Without force, and without a wish to go: kept, since the modes would turn without end next to it.
    rates = np.einsum("iq,ij,jq->q", turn, unpacked(alpha + beta @ packed(x), k), turn)
    idle = not drop and 0 < first < k and (rates[:first] <= IDLE * np.abs(alpha).max()).all()
    first = max(first, 1) if drop else 0 if idle else first
    basis = turn.T @ directions
    left = basis[:first] if drop and first < k else None
    return Critical(basis[first:].copy(), weights[first:], first > 0, unique, left)
