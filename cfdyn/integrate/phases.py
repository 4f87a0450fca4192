"""Phases: between events a fixed set of modes is critical, and the flow is smooth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.kernels.edge.block import ABLATED, CENTRAL, PLAIN, TRACE
from cfdyn.systems.flow import Flow

KINDS = {"plain": PLAIN, "central": CENTRAL, "trace": TRACE, "ablated": ABLATED}
# An eigenvalue this close to the edge is on it; one of X this small, relative to the largest, is 0.
AT_EDGE, NO_RANK, IDLE = 1e-9, 1e-9, 1e-5
MOST_MODES = 16
NO_SOLUTION = 1


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


def spectrum(flow: Flow, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues (d,) ascending and vectors (d, d) of P^-½ H P^-½, and the diagonal of P.

    Raises
    ------
    NumericsError : the Hessian or P is not defined there, or P is not positive
    """
    d = flow.n_weights
    edge = flow.rule("edge")(z, flow.p)
    hessian, p = edge[: d * d].reshape(d, d), edge[d * d :]
    with np.errstate(all="ignore"):
        matrix = hessian / np.sqrt(p)[:, None] / np.sqrt(p)
    if not (np.isfinite(matrix).all() and (p > 0).all()):
        where = ", ".join(f"{name}={value:.6g}" for name, value in zip(flow.names, z, strict=True))
        what = "the preconditioner is not positive" if np.isfinite(hessian).all() else "the Hessian is not defined"
        raise NumericsError(f"{what} at {where}; start elsewhere"
                            + (", or give the optimizer's state with the start" if flow.dim > d else ""))  # fmt: skip
    return *np.linalg.eigh(matrix), p


def forces(flow: Flow, z: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a and B (m, n) of the pairs of modes (k, d) at z, off-diagonal pairs with √2."""
    n, k = flow.dim, len(modes)
    rule, weights = flow.rule("force"), [1.0 if q == r else 2**0.5 for q in range(k) for r in range(q, k)]
    rows = [rule(np.concatenate([z, modes[q], modes[r]]), flow.p) for q in range(k) for r in range(q, k)]
    pairs = np.array(rows) * np.array(weights)[:, None]
    return pairs[:, n:], pairs[:, :n]


def packed(x: np.ndarray, k: int) -> np.ndarray:
    """The symmetric matrix (k, k) of a vector of pairs."""
    matrix, upper = np.zeros((k, k)), np.triu_indices(k)
    matrix[upper] = np.where(upper[0] == upper[1], x, x * 0.5**0.5)
    return np.where(np.tri(k, dtype=bool), matrix.T, matrix)


def critical(
    flow: Flow, z: np.ndarray, kind: str, edge_tolerance: float, drop: bool = False, at_edge: float = AT_EDGE
) -> Critical:
    """The modes to hold from z on; ``drop``: the weakest one of those at the edge has just lost its force."""
    d, flow_kind = flow.n_weights, KINDS[kind]
    if flow_kind not in (CENTRAL, TRACE):
        return Critical(np.zeros((0, d)), np.zeros(0), False, True)
    values, vectors, p = spectrum(flow, z)
    if flow_kind == TRACE:
        k = int((values >= 2.0 - edge_tolerance).sum()) if values[-1] >= 2.0 - 2e-12 or drop else 0
        return Critical(vectors[:, d - k :].T.copy(), np.ones(k), False, True)
    k = int((values >= 2.0 - 2.0 * at_edge).sum())
    if k == 0:
        return Critical(np.zeros((0, d)), np.zeros(0), False, True)
    if k > MOST_MODES:
        raise NumericsError(f"{k} eigenvalues are at the edge at once; the central flow is solved for up to {MOST_MODES}")
    directions = vectors[:, d - k :].T
    a, b = forces(flow, z, directions / np.sqrt(p))
    alpha, beta = a @ flow.drift(z), a @ b.T
    x, status, rank = _multipliers(alpha, beta)
    if status == NO_SOLUTION:
        raise NumericsError("no oscillation keeps the curvature at the edge: its gradient vanishes there")
    weights, turn = np.linalg.eigh(packed(x, k))
    first = int((weights <= NO_RANK * max(weights[-1], 0.0)).sum()) if weights[-1] > 0 else k
    # Without force, and without a wish to go: kept, since the modes would turn without end next to it.
    rates = np.einsum("iq,ij,jq->q", turn, packed(alpha + beta @ x, k), turn)
    idle = not drop and 0 < first < k and (rates[:first] <= IDLE * np.abs(alpha).max()).all()
    first = max(first, 1) if drop else 0 if idle else first
    basis = turn.T @ directions
    left = basis[:first] if drop and first < k else None
    return Critical(basis[first:].copy(), weights[first:], first > 0, rank == len(alpha), left)


def _multipliers(alpha: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, int, int]:
    """X with 0 ⪯ X ⟂ α + β[X] ⪰ 0, the status and the rank of β."""
    x = np.zeros(len(alpha))
    if len(alpha) == 1 and beta[0, 0] > 0.0:
        x[0] = max(0.0, -alpha[0] / beta[0, 0])
        return x, 0, 1
    from cfdyn.kernels.edge.complementarity import complementarity

    status, _, rank, _ = complementarity(alpha, (beta + beta.T) / 2, x)
    return x, status, rank


def into_feasible(flow: Flow, z: np.ndarray) -> np.ndarray:
    """A state with 2P − H ⪰ 0, the nearest if it is found; of an optimizer with a state of its own only that is moved.

    The edge is linearised again and again, and the start plus forces Σ Y B with Y ⪰ 0 complementary to what is left
    of the gap is taken: the conditions of a projection, for gradient descent the Euclidean one.

    Raises
    ------
    NumericsError : no such state is found
    """
    for seen_from_start in (True, False):
        found = _moved(flow, z, seen_from_start)
        if found is not None:
            return found
    raise NumericsError("the start is beyond the edge (H is not below 2P), and no state on the edge was found near it; "
                        "start elsewhere, lower lr, or give the optimizer's state with the start")  # fmt: skip


def _moved(flow: Flow, z: np.ndarray, seen_from_start: bool) -> np.ndarray | None:
    """The iteration of `into_feasible`; where that runs astray, short steps of Newton's method from where it has come to."""
    start, d = z, flow.n_weights
    moving = np.arange(flow.dim) >= (d if flow.dim > d else 0)
    for attempt in range(200):
        values, vectors, p = spectrum(flow, z)
        if values[-1] <= 2.0 * (1 + 1e-13):
            return z
        beyond = values > 2.0 - 0.2
        directions = vectors[:, beyond][:, -MOST_MODES:].T
        k = len(directions)
        a, b = forces(flow, z, directions / np.sqrt(p))
        a, b = a * moving, b * moving
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return None
        origin = start if seen_from_start else z
        # The edge, linearised here, as it is seen from the origin.
        gaps = np.diag(2.0 - values[d - k :])[np.triu_indices(k)]
        y, status, _ = _multipliers(gaps + a @ (origin - z), a @ b.T)
        if status == NO_SOLUTION or not np.isfinite(y).all():
            return None
        move = origin + y @ b - z
        if seen_from_start:
            # What goes to and fro settles in half steps.
            move *= 1.0 if attempt < 20 else 0.5
        else:
            move *= min(1.0, 0.3 * (1.0 + np.abs(z).max()) / np.abs(move).max())
        z = _shortened(flow, z, z + move)
    return None


def _shortened(flow: Flow, z: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """The goal, or a point towards it where everything is defined."""
    for halving in range(30):
        point = z + (goal - z) * 0.5**halving
        edge = flow.rule("edge")(point, flow.p)
        if np.isfinite(edge).all() and (edge[-flow.n_weights :] > 0).all():
            return point
    return z
