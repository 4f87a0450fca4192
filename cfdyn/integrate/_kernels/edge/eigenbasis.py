"""A step of Newton's method, β[D[dY]] + (1 − D)[dY] = gap, in Y's eigenbasis, where D, the derivative of Y₊, is diagonal.

D > 0 on pairs i ≤ j of eigenvectors with j ≥ first, which are ordered (0, first), …, (first, first), (0, first + 1), …
All arguments that are not numbers are pointers, and rows of matrices ``padded``.
"""

import numpy as np

from cfdyn.kernels.linear.cholesky import product, solve, triangle
from cfdyn.kernels.linear.lanes import clear, four, put_four
from cfdyn.kernels.linear.packed import ROOT_HALF, padded, smat, svec
from cfdyn.machine.jit import inline_kernel, pointer


@inline_kernel
def pairs(k, first) -> int:
    """The number of pairs i ≤ j < k with j ≥ first."""
    return (k - first) * (k + first + 1) // 2


@inline_kernel
def row_length(k, first) -> int:
    """The length of a row of ``rotate_rows``: one number for each pair, and what it writes beyond, up to a multiple of 4."""
    return padded(pairs(k, first) + padded(k) - k)


@inline_kernel
def root(value, mu) -> float:
    """√(λ² + 4μ)."""
    return abs(value) if mu == 0.0 else np.sqrt(value * value + 4.0 * mu)


@inline_kernel
def derivative_weights(k, values, mu, first, ridge, damping, weights, rest) -> None:
    """weights[j, i] = √D, off the diagonal times √2, and pair by pair ``rest`` = 1 − D."""
    p = 0
    for j in range(first, k):
        two = root(values[j], mu)
        for i in range(j + 1):
            one = root(values[i], mu)
            slope = 0.5 * (values[i] + one + values[j] + two) / (one + two) if one + two > 0.0 else 0.5
            weights[j * padded(k) + i] = np.sqrt(slope if i == j else 2.0 * slope)
            rest[p] = 1.0 - slope + ridge * slope + damping
            p += 1


@inline_kernel
def congruence(width, left, q, full) -> None:
    """full = QᵀSQ for S there, the columns from ``left`` on; a second matrix after ``full`` is scratch."""
    half = pointer(full, width * width + left)
    product(width, width, width - left, 0.0, full, width, pointer(q, left), width, half, width)
    product(width, width, width - left, 0.0, q, width, half, width, pointer(full, left), width)


@inline_kernel
def spread_rows(k, rank, rows, sheets) -> None:
    """The matrices of R's rows side by side, sheets[(i·width + j)·count + row], with ``padded`` row count."""
    width, count, length, t = padded(k), padded(rank), padded(k * (k + 1) // 2), 0
    clear(width * width * count, sheets)
    for i in range(k):
        for j in range(i, k):
            scale = 1.0 if i == j else ROOT_HALF
            one, two = pointer(sheets, (i * width + j) * count), pointer(sheets, (j * width + i) * count)
            for row in range(rank):
                one[row] = two[row] = scale * rows[row * length + t]
            t += 1


@inline_kernel
def rotate_rows(k, first, rank, q, weights, sheets, v) -> None:
    """A row of v for each row of R, whose matrix is S: the entries that ``gather`` takes from QᵀSQ."""
    width, count, left, length, p = padded(k), padded(rank), first // 4 * 4, row_length(k, first), 0
    block = (width - left) * count
    half, scaled = pointer(sheets, width * width * count), pointer(sheets, (2 * width - left) * width * count)
    clear(count * length, v)
    # SQ and the columns of QᵀSQ in one loop, as every further call of ``product`` is compiled again.
    for step in range(width + k - first):
        j = first + step - width
        if step < width:
            product(width, width - left, count, 0.0, pointer(q, left), width, pointer(sheets, step * width * count), count,
                    pointer(half, step * block), count)  # fmt: skip
        else:
            for i in range(width):
                for a in range(0, width, 4):
                    put_four(scaled, i * width + a, four(q, i * width + a) * four(weights, j * width + a))
            # Surplus entries, up to a multiple of 4, are zero and overwritten by the next j.
            product(width, count, padded(j + 1), 0.0, pointer(half, (j - left) * count), block, scaled, width,
                    pointer(v, p), length)  # fmt: skip
            p += j + 1


@inline_kernel
def gather(k, first, weights, full, target) -> None:
    """The entries of a matrix for all pairs, weighted."""
    p = 0
    clear(padded(pairs(k, first)), target)
    for j in range(first, k):
        for i in range(j + 1):
            target[p] = weights[j * padded(k) + i] * full[i * padded(k) + j]
            p += 1


@inline_kernel
def scatter(k, first, weights, source, full) -> None:
    """The transpose of ``gather``: ⟨full, T⟩ is ``source`` times what ``gather`` takes from T."""
    p = 0
    clear(padded(k) ** 2, full)
    for j in range(first, k):
        for i in range(j + 1):
            entry = weights[j * padded(k) + i] * source[p]
            full[i * padded(k) + j] = full[j * padded(k) + i] = entry if i == j else 0.5 * entry
            p += 1


@inline_kernel
def linearise(k, values, q, sheets, rank, ridge, damping, mu, weights, matrix, inverse) -> int:
    """The Cholesky factor of √D β √D + 1 − D, after as many rows of ``matrix`` as R has; returns ``first``."""
    first = 0
    while mu == 0.0 and first < k and values[first] < 0.0:
        first += 1
    n, length = pairs(k, first), row_length(k, first)
    behind = pointer(matrix, padded(rank) * length)
    derivative_weights(k, values, mu, first, ridge, damping, weights, inverse)
    rotate_rows(k, first, rank, q, weights, sheets, matrix)
    clear(padded(n) * length, behind)
    for p in range(padded(n)):
        behind[p * length + p] = inverse[p] if p < n else 1.0
    triangle(n, padded(rank), length, damping, matrix, inverse)
    return first


@inline_kernel
def direction(k, first, turns, weights, factor, inverse, gap, rhs, x, full) -> None:
    """gap ← D[dY] from β[D[dY]] + (1 − D)[dY] = gap, as linearised."""
    width, n = padded(k), pairs(k, first)
    smat(k, gap, full)
    # There and back in one loop: every further call of ``congruence`` is compiled again.
    for back in range(2):
        congruence(width, 0 if back else first // 4 * 4, pointer(turns, back * width * width), full)
        if back:
            break
        gather(k, first, weights, full, rhs)
        solve(n, factor, row_length(k, first), inverse, rhs, x)
        scatter(k, first, weights, x, full)
    svec(k, full, gap)
