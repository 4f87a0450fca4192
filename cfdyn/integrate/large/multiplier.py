"""What keeps modes at the edge: rates of the gap there, forces, and the covariance that is complementary to the gap."""

from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.critical import MOST_MODES, NO_SOLUTION, multipliers, unpacked
from cfdyn.systems.by_products.oracle_flow import Edge, Force, Numbers, OracleFlow

ROOT = 2.0**0.5
PIECE = 4096  # of the weights at a time
AT_EDGE = 1e-6  # of the edge of 2
RANK = 1e-6  # of the largest eigenvalue of X


def packed(x: np.ndarray) -> np.ndarray:
    """The pairs of a symmetric matrix as a vector, those off the diagonal times √2."""
    i, j = np.triu_indices(len(x))
    return np.where(i == j, 1.0, ROOT) * x[i, j]


class Rates(NamedTuple):
    """α (m,) and β (m, m) of m pairs of modes, those off the diagonal times √2: the gap at the edge moves by α + βX."""

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


def turn_thirds(turn: np.ndarray, thirds: list[np.ndarray]) -> None:
    """T of the pairs of modes that are turned, in the place of what it was: rows of ``turn`` (k, k) are the new ones."""
    k = len(turn)
    place = {pair: n for n, pair in enumerate(pairs(k))}
    factors = np.zeros((len(place), len(place)))
    for (i, j), row in place.items():
        for a in range(k):
            for b in range(k):
                factors[row, place[min(a, b), max(a, b)]] += turn[i, a] * turn[j, b]
    for first in range(0, len(thirds[0]), PIECE):
        part = slice(first, first + PIECE)
        new = factors @ np.array([third[part] for third in thirds])
        for row, own in enumerate(new):
            if not thirds[row].flags.writeable:
                thirds[row] = thirds[row].copy()
            thirds[row][part] = own


def dots(rows: np.ndarray, others: np.ndarray, weight: Numbers = 1.0) -> np.ndarray:
    """Σ rows · weight · others over the weights (m, n), in float64 whatever T is kept in, piece by piece.

    >>> dots(np.full((1, 3), 1e-30, dtype=np.float32), np.full((2, 3), 1e-30)).round(66)
    array([[3.e-60, 3.e-60]])
    """
    found = np.zeros((len(rows), len(others)))
    for first in range(0, rows.shape[1], PIECE):
        part = slice(first, first + PIECE)
        own = np.broadcast_to(weight, rows.shape[1])[part]
        found += rows[:, part].astype(float, copy=False) @ (others[:, part].astype(float, copy=False) * own).T
    return found


def rates(flow: OracleFlow, f: np.ndarray, edge: Edge, u: np.ndarray, thirds: np.ndarray) -> Rates:
    """Those at a state with the slope f without oscillation, for modes u (k, d) with uᵀQu = 1 and T of their pairs (m, d)."""
    d, k = flow.n_weights, len(u)
    alpha = -dots(thirds, f[None, :d])[:, 0]
    beta = dots(thirds, thirds, 0.5 * edge.speed)
    for s in range(len(flow.own.states)):
        slope = 2 * edge.slopes[s]
        rate = flow.block(f, s)
        square = 4 * edge.metric**2
        own = slope * flow.spread(edge, s, square, 0.0)
        squares = [u[i] * u[j] for i, j in pairs(k)]
        moved = np.array([float(np.sum(slope * uu)) for uu in squares])
        spread = np.array([float(np.sum(square * uu)) for uu in squares])
        alpha = alpha + np.array([float(np.sum(slope * rate * uu)) for uu in squares])
        beta = beta + np.array([[float(np.sum(own * a * b)) for b in squares] for a in squares])
        beta = beta + np.outer(moved, spread) * flow.spread(edge, s, 0.0, 1.0)
    weight = weights(k)
    return Rates(weight * alpha, weight[:, None] * (beta + beta.T) / 2 * weight)


def covariance(found: Rates, gap: np.ndarray) -> np.ndarray:
    """X (k, k) with 0 ⪯ X ⟂ gap + α + β[X] ⪰ 0, ``gap`` (k, k) in units of rates."""
    k = len(gap)
    if k > MOST_MODES:
        raise NumericsError(f"{k} eigenvalues are at the edge at once; the central flow is solved for up to {MOST_MODES}")
    if not (np.isfinite(found.alpha).all() and np.isfinite(found.beta).all()):
        raise NumericsError("how fast the curvature at the edge changes is not finite")
    x, status, _ = multipliers(found.alpha + packed(gap), found.beta)
    if status == NO_SOLUTION or not np.isfinite(x).all():
        raise NumericsError("no oscillation keeps the curvature at the edge: its gradient vanishes there")
    return unpacked(x, k)


def rank_of(x: np.ndarray) -> int:
    """The numerical rank of X (k, k)."""
    sizes = np.linalg.eigvalsh(x) if len(x) else np.zeros(0)
    return int((sizes > RANK * max(float(sizes.max(initial=0.0)), 1e-300)).sum())


def meeting(found: Rates, x: np.ndarray, mode: int, gap: float) -> float:
    """The time until a mode, which had no part in X (k, k), closes its gap to the edge; 0 where it moves away."""
    others, place = x.copy(), diagonal(len(x))[mode]
    others[mode] = others[:, mode] = 0.0
    rate = float(found.alpha[place] + found.beta[place] @ packed(others))
    return max(0.0, gap / -rate) if rate < 0 else 0.0


def held(found: Rates, gaps: np.ndarray, h: float) -> np.ndarray:
    """X (k, k) at an instant: of the modes that are at the edge or reach it within a tenth of a step h, 0 for the others."""
    k = len(gaps)
    own = diagonal(k)
    there = [i for i in range(k) if gaps[i] <= max(AT_EDGE, 0.1 * h * abs(found.alpha[own[i]]))]
    chosen = [n for n, (i, j) in enumerate(pairs(k)) if i in there and j in there]
    x = np.zeros((k, k))
    if there:
        part = Rates(found.alpha[chosen], found.beta[np.ix_(chosen, chosen)])
        x[np.ix_(there, there)] = covariance(part, np.zeros((len(there), len(there))))
    return x


def force(x: np.ndarray, edge: Edge, u: np.ndarray, thirds: np.ndarray, states: bool) -> Force:
    """∇⟨H, Σ⟩ and diag(HΣH) of Σ = UᵀXU, modes u (k, d) in rows."""
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
