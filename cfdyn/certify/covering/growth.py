"""A proved lower bound of the entropy from a matrix of covering relations."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from cfdyn.certify.balls import ball

SCALE = 10**13  # of the entries of the vector
PLACES = 9  # of the growth rate and of the entropy, rounded down
TURNS = 4000  # of the power iteration

Covers = Sequence[Sequence[int]]  # for each set the sets that it covers


def growth(covers: Covers) -> tuple[Fraction, list[int]]:
    """A number r and integers v ≥ 0 with A v ≥ r v, verified in integers; (0, []) if there are only single loops.

    A v ≥ r v, v ≠ 0, implies that the spectral radius of A ≥ 0 is at least r (Collatz and Wielandt).

    >>> growth([[1], [0, 1]])
    (Fraction(404508497, 250000000), [6180339887499, 10000000000000])
    """
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    rows = [i for i, js in enumerate(covers) for _ in js]
    columns = [j for js in covers for j in js]
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(covers), len(covers)))
    count, label = connected_components(matrix, directed=True, connection="strong")
    for k in range(count):
        part = np.flatnonzero(label == k)
        root, vector = _direction(matrix[part][:, part])
        if best is None or root > best[0]:
            best = root, part, vector
    if best is None or best[0] <= 1:
        return Fraction(0), []
    v = [0] * len(covers)
    for i, value in zip(best[1].tolist(), best[2].tolist(), strict=True):
        v[i] = max(1, round(value * SCALE))
    ratio = min(Fraction(sum(v[j] for j in covers[i]), v[i]) for i in range(len(v)) if v[i])
    rounded = Fraction(math.floor(ratio * 10**PLACES), 10**PLACES)
    return (rounded, v) if rounded > 1 else (Fraction(0), [])


def _direction(matrix: csr_matrix) -> tuple[float, np.ndarray]:
    """The Perron root and vector, largest entry 1, of a strongly connected matrix; of A + 1, where no other root is as large."""
    v, root = np.ones(matrix.shape[0]), 0.0
    for _ in range(TURNS):
        image = matrix @ v + v
        before, root = root, float(image.max())
        change, v = np.abs(image / root - v).max(), image / root
        if change < 1e-15 and abs(root - before) < 1e-15 * root:
            break
    return root - 1, v


def log_below(value: Fraction) -> Fraction:
    """A decimal h with e^h < value, in ball arithmetic.

    >>> log_below(Fraction(2))
    Fraction(34657359, 50000000)
    """
    unit = Fraction(1, 10**PLACES)
    decimal = math.floor(math.log(value) * 10**PLACES) * unit
    while not ball(decimal).exp() < ball(value):
        decimal -= unit
    return decimal
