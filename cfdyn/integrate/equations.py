"""The equations of the central flow and its multipliers, once for both suppliers of modes and forces.

State z = (w, s): the weights and the slow states of the optimizer. g = ∇L, H = ∇²L, T_ij = ∇(u_iᵀHu_j), the third derivative
along two modes. The optimizer determines P, θ, G and f: the mobility M = GP⁻¹, the metric Q = θP/2, and s′ = f(s, g) per step.
Modes are normalised by uᵀQu = 1; Hu = λQu is at the edge where λ = 2. Iterates oscillate about w with covariance
Σ = Σ_ij X_ij u_i u_jᵀ, X ⪰ 0, so that their gradients average to g + ½∇⟨H, Σ⟩ and g gᵀ + HΣH:

    w′ = −M(g + ½∇⟨H, Σ⟩) − δw,    ∇⟨H, Σ⟩ = Σ_ij X_ij T_ij    (δ: decoupled weight decay)
    s′ = f(s, g) + ½⟨∇²_g f, HΣH⟩.

The gap Z_ij = u_iᵀ(2Q − H)u_j of modes at the edge changes, whatever their own rotation, by Z′ = α + β[X], from F₀ = (w₀′, s₀′),
the flow without oscillation, and from what X adds to it:

    α_ij = −T_ij·w₀′ + 2u_iᵀ(∂_sQ · s₀′)u_j
    β_ij,kl = ½ T_ij·M T_kl + u_iᵀ(∂_sQ · ⟨∇²_g f, Hu_k u_lᵀH⟩)u_j.

The first ½ is that of w′; in the second term the ½ of s′ cancels the 2 of 2Q. In the notation of
`cfdyn.integrate.supply.supplier`: z′ = F₀ + X·B and Z′ = a·z′, where a = (−T, 2uuᵀ∂_sQ) and B = (−½MT, ½⟨∇²_g f, HuuᵀH⟩), so that
α = a·F₀ and β = aBᵀ. X keeps the gap from closing: 0 ⪯ X ⟂ Z + h(α + β[X]) ⪰ 0 over a step h, and 0 ⪯ X ⟂ α + β[X] ⪰ 0 at an
instant, at the edge.

A symmetric k × k matrix is a vector of its m = k(k + 1)/2 pairs i ≤ j by rows, those off the diagonal times √2, so that products
of vectors are products of matrices.
"""

from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.systems.matrix_free.flow import Edge, Force, MatrixFreeFlow, Numbers

ROOT = 2.0**0.5
PIECE = 4096  # of the weights at a time
MOST_MODES = 16  # largest size of the complementarity problem
NO_SOLUTION = 1  # status of the kernel
ON_EDGE = 1e-9  # relative: an eigenvalue this close to the edge is on it, if all of them are exact
AT_EDGE, RANK = 1e-6, 1e-6  # a gap, over 2, that counts as 0; an eigenvalue of X, over the largest, that counts as positive


class Rates(NamedTuple):
    """α (m,) and β (m, m) of m pairs of modes: the gap at the edge changes at the rate α + βX."""

    alpha: np.ndarray
    beta: np.ndarray


def pairs(k: int) -> list[tuple[int, int]]:
    """The pairs of k modes, i ≤ j, by rows."""
    return [(i, j) for i in range(k) for j in range(i, k)]


def diagonal(k: int) -> list[int]:
    """The places of the pairs of each mode with itself."""
    return [place for place, (i, j) in enumerate(pairs(k)) if i == j]


def weights(k: int) -> np.ndarray:
    """1 for a pair of one mode with itself, √2 else."""
    return np.array([1.0 if i == j else ROOT for i, j in pairs(k)])


def packed(x: np.ndarray) -> np.ndarray:
    """The vector of pairs of a symmetric matrix."""
    i, j = np.triu_indices(len(x))
    return np.where(i == j, 1.0, ROOT) * x[i, j]


def unpacked(x: np.ndarray, k: int) -> np.ndarray:
    """The symmetric matrix (k, k) of a vector of pairs."""
    matrix, (i, j) = np.zeros((k, k)), np.triu_indices(k)
    matrix[i, j] = matrix[j, i] = np.where(i == j, x, x * 0.5**0.5)
    return matrix


def dots(rows: np.ndarray, others: np.ndarray, weight: Numbers = 1.0) -> np.ndarray:
    """Σ rows · weight · others over the weights (m, n), in float64 whatever the type of T, in pieces.

    >>> dots(np.full((1, 3), 1e-30, dtype=np.float32), np.full((2, 3), 1e-30)).round(66)
    array([[3.e-60, 3.e-60]])
    """
    products = np.zeros((len(rows), len(others)))
    for first in range(0, rows.shape[1], PIECE):
        part = slice(first, first + PIECE)
        own = np.broadcast_to(weight, rows.shape[1])[part]
        products += rows[:, part].astype(float, copy=False) @ (others[:, part].astype(float, copy=False) * own).T
    return products


def rates(flow: MatrixFreeFlow, slope: np.ndarray, edge: Edge, u: np.ndarray, thirds: np.ndarray) -> Rates:
    """α and β of modes u (k, d), uᵀQu = 1, with T of their pairs (m, d), where the flow without oscillation is ``slope`` (n,).

    No vector B is formed, which takes the memory of another m vectors. M = 0.1 and T = 3, against which nothing else pulls:

    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=1, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    >>> flow, one = cf.flows.central(bowl, cf.optimizers.gd(lr=0.1)), np.ones((1, 1))
    >>> rates(flow, np.array([-1.0]), flow.edge(np.ones(1)), one, 3 * one)  # 3, and ½·3·0.1·3
    Rates(alpha=array([3.]), beta=array([[0.45]]))
    """
    d, k = flow.n_weights, len(u)
    alpha = -dots(thirds, slope[None, :d])[:, 0]
    beta = dots(thirds, thirds, 0.5 * edge.speed)
    for s in range(len(flow.own.states)):
        steep = 2 * edge.slopes[s]
        rate = flow.block(slope, s)
        square = 4 * edge.metric**2
        own = steep * flow.spread(edge, s, square, 0.0)
        squares = [u[i] * u[j] for i, j in pairs(k)]
        moved = np.array([float(np.sum(steep * uu)) for uu in squares])
        spread = np.array([float(np.sum(square * uu)) for uu in squares])
        alpha = alpha + np.array([float(np.sum(steep * rate * uu)) for uu in squares])
        beta = beta + np.array([[float(np.sum(own * a * b)) for b in squares] for a in squares])
        beta = beta + np.outer(moved, spread) * flow.spread(edge, s, 0.0, 1.0)
    weight = weights(k)
    return Rates(weight * alpha, weight[:, None] * (beta + beta.T) / 2 * weight)


def damped(rates: Rates, thirds: np.ndarray, axes: np.ndarray, lost: Numbers, slope: np.ndarray, speed: float) -> Rates:
    """The rates if w moves by (1 − Σ lost·axis axisᵀ) of its full motion, for orthonormal ``axes`` (r, d) and M = ``speed``."""
    k = int((2 * len(thirds)) ** 0.5)
    along = weights(k)[:, None] * dots(thirds, axes)
    return Rates(rates.alpha + along @ (lost * (axes @ slope)), rates.beta - 0.5 * speed * (along * lost) @ along.T)


def force(x: np.ndarray, edge: Edge, u: np.ndarray, thirds: np.ndarray, states: bool) -> Force:
    """∇⟨H, Σ⟩ and, if the optimizer has states, diag(HΣH), for Σ = UᵀXU, modes u (k, d) in rows at the edge, Hu = 2Qu."""
    bend = np.zeros(thirds.shape[1])
    squares = np.zeros(u.shape[1]) if states else 0.0
    for (i, j), third in zip(pairs(len(x)), thirds, strict=True):
        share = x[i, j] * (1 if i == j else 2)
        if share:
            bend += share * third
            if states:
                squares += share * u[i] * u[j]
    if states:
        squares = squares * (4 * edge.metric**2)
    return Force(bend, squares, float(np.sum(squares)))


def multipliers(alpha: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, int, int]:
    """X with 0 ⪯ X ⟂ α + β[X] ⪰ 0, the status and the rank of β."""
    x = np.zeros(len(alpha))
    if len(alpha) == 1 and beta[0, 0] > 0.0:
        x[0] = max(0.0, -alpha[0] / beta[0, 0])
        return x, 0, 1
    from cfdyn.integrate._kernels.edge.complementarity import complementarity

    status, _, rank, _ = complementarity(alpha, (beta + beta.T) / 2, x)
    return x, status, rank


def check_number(k: int) -> None:
    """A NumericsError for more modes at the edge than the solver supports."""
    if k > MOST_MODES:
        raise NumericsError(f"{k} eigenvalues are at the edge at once; the central flow is solved for up to {MOST_MODES}")


def covariance(rates: Rates, gap: np.ndarray) -> tuple[np.ndarray, bool]:
    """X (k, k) with 0 ⪯ X ⟂ gap + α + β[X] ⪰ 0, ``gap`` (k, k) in units of rates, and whether it is unique; a NumericsError
    if there is none.
    """
    k = len(gap)
    check_number(k)
    if not (np.isfinite(rates.alpha).all() and np.isfinite(rates.beta).all()):
        raise NumericsError("the rate of change of the curvature at the edge is not finite")
    x, status, rank = multipliers(rates.alpha + packed(gap), rates.beta)
    if status == NO_SOLUTION or not np.isfinite(x).all():
        raise NumericsError("no oscillation keeps the curvature at the edge: its gradient vanishes there")
    return unpacked(x, k), rank == len(rates.alpha)


def covariance_now(rates: Rates, gaps: np.ndarray, h: float) -> np.ndarray:
    """X (k, k) at an instant: of the modes that are at the edge or reach it within a tenth of a step h, 0 for the others;
    ``gaps`` (k,): 2 − λ of each."""
    k = len(gaps)
    own = diagonal(k)
    there = [i for i in range(k) if gaps[i] <= max(AT_EDGE, 0.1 * h * abs(rates.alpha[own[i]]))]
    chosen = [n for n, (i, j) in enumerate(pairs(k)) if i in there and j in there]
    x = np.zeros((k, k))
    if there:
        part = Rates(rates.alpha[chosen], rates.beta[np.ix_(chosen, chosen)])
        x[np.ix_(there, there)] = covariance(part, np.zeros((len(there), len(there))))[0]
    return x


def rank_of(x: np.ndarray) -> int:
    """The numerical rank of X (k, k)."""
    sizes = np.linalg.eigvalsh(x) if len(x) else np.zeros(0)
    return int((sizes > RANK * max(float(sizes.max(initial=0.0)), 1e-300)).sum())
