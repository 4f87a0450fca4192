"""The largest eigenvalue of a non-negative matrix between two bounds."""

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.csgraph import connected_components

from cfdyn.linalg.direct import factors

TURNS = 60  # of Noda's iteration, which converges quadratically
CLOSE = 1e-13  # relative: bounds that near are as near as round-off lets them be
ROUND_OFF = 1e-14  # relative, in quotients of sums of a few positive numbers


def perron_root(matrix: csr_matrix) -> tuple[float, float]:
    """Two bounds of the spectral radius of a non-negative matrix, 0 for one without a loop.

    The largest over the strongly connected parts. Of each, min and max of (Av)_i/v_i (Collatz and Wielandt), which are bounds
    whatever v > 0 is; v by Noda's iteration.

    >>> low, high = perron_root(csr_matrix([[1, 1], [1, 0]]))
    >>> low <= (1 + 5**0.5) / 2 <= high, high - low < 1e-12
    (True, True)

    References
    ----------
    Noda (1971), Numer. Math. 17, 382.
    """
    count, label = connected_components(matrix, directed=True, connection="strong")
    order = np.argsort(label, kind="stable")
    edges, low, high = np.searchsorted(label[order], np.arange(count + 1)), 0.0, 0.0
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = order[first:last]
        least, most = _irreducible(matrix[part][:, part])
        low, high = max(low, least), max(high, most)
    return low, high


def _irreducible(matrix: csr_matrix) -> tuple[float, float]:
    """The same for a strongly connected matrix."""
    n = matrix.shape[0]
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    if sums.min() == sums.max():  # also a single cycle: exactly
        return float(sums[0]), float(sums[0])
    best, v = (0.0, np.inf), np.ones(n)
    for _ in range(TURNS):
        ratio = matrix @ v / v
        best = max(best[0], float(ratio.min())), min(best[1], float(ratio.max()))
        if best[1] - best[0] <= CLOSE * best[1]:
            break
        try:
            v = np.abs(factors(best[1] * (1 + ROUND_OFF) * identity(n) - matrix).solve(v))
        except RuntimeError:  # exactly singular: the bound is the root
            break
        v /= v.max()
        if not v.min() > 0:
            break
    return best[0] * (1 - ROUND_OFF), best[1] * (1 + ROUND_OFF)
