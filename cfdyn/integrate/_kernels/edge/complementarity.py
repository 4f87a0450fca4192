"""The semidefinite complementarity problem 0 ⪯ X ⟂ α + β[X] ⪰ 0, for small matrices, to round-off.

Newton's method on Y = X − Z, where X = Y₊ and Z = Y₋ are complementary by construction. Matrices are
vectors here, as in ``packed``, with zeros up to their ``padded`` length m; an argument that is not a number is a pointer.
"""

from typing import Any

import numpy as np

from cfdyn.integrate._kernels.edge.eigenbasis import direction, linearise, root, row_length, spread_rows
from cfdyn.kernels.linear.cholesky import factor, image, product
from cfdyn.kernels.linear.lanes import add, clear, four, put_four
from cfdyn.kernels.linear.packed import order, padded, smat, svec
from cfdyn.kernels.linear.symmetric import eigh_rows
from cfdyn.machine.jit import inline_kernel, kernel, numbers, pointer

SOLVED, NO_SOLUTION, INVALID, STALLED = 0, 1, 2, 3
ROUND_OFF = 3e-15  # a scaled residual small enough that another step is not worthwhile
TARGET = 1e-12  # scaled residual that ends the search for a better start
MARGIN = 1e-8  # with an eigenvalue of X + Z below this, scaled, complementarity is not strict
RANK_TOLERANCE = 1e-13
TIKHONOV, DAMPING = 1e-6, 1e-9  # which of many solutions is sought, and kept, if β is singular
TINY = 1e-14
BOUNDED = 1e-5  # a residual relative to |α| and |β[X]| above this: X diverges to infinity
BALANCE = 2.0  # max|β| where max|α| = 1: Newton's method takes fewest steps where X and Z are about as large
JACOBI = 4  # the largest order for this method: more accurate, and here no slower than QL
POLISH = 3  # the stage of the search that follows those with a ridge


@inline_kernel
def _affine(m, alpha, beta, ridge, x, out, sizes) -> None:
    """out = α + β x + ridge·x, and sizes = |β||x|."""
    image(m, beta, x, out, sizes)
    for i in range(m):
        out[i] += alpha[i] + ridge * x[i]


@inline_kernel
def _positive_parts(k, values, qt, mu, full, x, z) -> None:
    """svec of p(Y) and p(−Y) for p(λ) = (λ + √(λ² + 4μ))/2: the positive parts, or their smoothing."""
    width = padded(k)
    result = pointer(full, width * width)
    for side in range(2):
        clear(width * width, full)
        for c in range(k):
            value = -values[c] if side else values[c]
            size = root(value, mu)
            part = 0.5 * (size + value) if value >= 0.0 else 2.0 * mu / max(size - value, 1e-300)
            for i in range(c * width, (c + 1) * width, 4):
                put_four(full, i, part * four(qt, i))
        product(width, width, width, 0.0, full, width, qt, width, result, width)
        svec(k, result, z if side else x)


@inline_kernel
def _evaluate(k, m, alpha, beta, ridge, mu, y, values, q, qt, full, x, z, gap, sizes) -> tuple[float, float, float]:
    """Eigenvectors q and qt = qᵀ of Y, its parts x and z, gap = α + β x − z; max|α| = 1.

    Returns ‖gap‖ / scale; the scale of its round-off, max|α| + max Σ|β||x|; and max|α| + max|β x|."""
    width, square = padded(k), padded(k) ** 2
    smat(k, y, full)
    matrix, rows = numbers(full)[:square].reshape((width, width)), numbers(qt)[:square].reshape((width, width))
    if eigh_rows(matrix, numbers(values)[:k], rows, numbers(pointer(full, square)), JACOBI) != 0:
        return np.inf, 1.0, 1.0
    for i in range(width):
        for j in range(width):
            q[i * width + j] = qt[j * width + i]
    _positive_parts(k, values, qt, mu, full, x, z)
    _affine(m, alpha, beta, ridge, x, gap, sizes)
    total, scale, moved = 0.0, 0.0, 0.0
    for i in range(m):
        scale, moved = max(scale, sizes[i]), max(moved, abs(gap[i] - alpha[i]))
        gap[i] -= z[i]
        total += gap[i] * gap[i]
    return np.sqrt(total) / (1.0 + scale), 1.0 + scale, 1.0 + moved


@inline_kernel
def _margin(k, values, scale) -> float:
    """The smallest |eigenvalue| of Y = X − Z in units of max(1, ‖X‖) where positive, of Z's scale elsewhere."""
    least = np.inf
    for i in range(k):
        unit = max(1.0, values[k - 1]) if values[i] > 0.0 else scale
        least = min(least, abs(values[i]) / unit)
    return least


@inline_kernel
def _descend(m, alpha, x, z, gap, y) -> None:
    """Y = X − Z for the best multiple of x, where gap = α + β x − z; a start that saves a step of Newton's method."""
    slope, curvature = 0.0, 0.0
    for i in range(m):
        slope += alpha[i] * x[i]
        curvature += (gap[i] + z[i] - alpha[i]) * x[i]
    t = -slope / curvature if -slope < 100.0 * curvature else 1.0
    for i in range(m):
        y[i] = t * x[i] - alpha[i] - t * (gap[i] + z[i] - alpha[i])


@inline_kernel
def _advance(m, alpha, beta, ridge, x, change, z, sizes, y) -> None:
    """Y = X − Z for X = x − change and Z = α + β[X]; x and z are overwritten."""
    for i in range(m):
        x[i] -= change[i]
    _affine(m, alpha, beta, ridge, x, z, sizes)
    for i in range(m):
        y[i] = x[i] - z[i]


@inline_kernel
def _workspace(k, rank, space) -> tuple[Any, ...]:
    """Sixteen pointers into ``space``: k × k matrices from Q on, eight vectors (m,), k eigenvalues, and the linear system."""
    m, square = padded(k * (k + 1) // 2), padded(k) ** 2
    lines, full = pointer(space, 5 * square), pointer(space, 6 * square + 8 * m)
    # The padding of rows stays zero.
    clear(6 * square + 8 * m, space)
    return (
        space, pointer(space, square), pointer(space, 2 * square), pointer(space, 4 * square), full,
        lines, pointer(lines, m), pointer(lines, 2 * m), pointer(lines, 3 * m), pointer(lines, 4 * m), pointer(lines, 5 * m),
        pointer(lines, 6 * m), pointer(lines, 7 * m), pointer(lines, 8 * m),
        pointer(full, 3 * square), pointer(full, (2 * padded(rank) + 4) * square),
    )  # fmt: skip


@inline_kernel
def _newton(k, alpha, beta, rows, rank, y, x, mu, shrink, ridge, damping, limit, space) -> tuple[float, float, float]:
    """Run from ``y``, μ decreasing to 0; ``x`` receives the best X, and y its Y. Returns (residual, margin, strict residual).

    At μ = 0 the residual ‖α + β x − z‖ / scale, for exact x ⟂ z, bounds all of the KKT conditions. The strict
    one is in units of |α| and |β x|: it stays large if X diverges to infinity.
    """
    m, square = padded(k * (k + 1) // 2), padded(k) ** 2
    q, qt, turns, weights, full, now, z, gap, sizes, last, inverse, rhs, work, values, sheets, matrix = _workspace(k, rank, space)
    add(m, 1.0, y, last)
    spread_rows(k, rank, rows, sheets)
    best, margin, strict, before, first = np.inf, 0.0, np.inf, 0.0, 0
    for step in range(limit):
        residual, scale, size = _evaluate(k, m, alpha, beta, ridge, mu, last, values, q, qt, full, now, z, gap, sizes)
        if not residual < np.inf:
            break
        if mu == 0.0:
            if best <= TARGET and not residual < 0.5 * best:
                break
            if residual < best:
                best, margin, strict = residual, _margin(k, values, scale), residual * scale / size
                for i in range(m):
                    x[i], y[i] = now[i], last[i]
            if residual <= ROUND_OFF:
                break
        if step == 0 and mu == 0.0 and residual > 0.01:
            _descend(m, alpha, now, z, gap, last)
            continue
        # Quadratic convergence: with the last linearisation the next residual is residual² / before.
        if mu > 0.0 or not residual * residual <= 0.5 * ROUND_OFF * before:
            # q, followed by qᵀ.
            for i in range(2 * square):
                turns[i] = q[i]
            first = linearise(k, values, turns, sheets, rank, ridge, damping, mu, weights, matrix, inverse)
        before = residual if mu == 0.0 else 0.0
        direction(k, first, turns, weights, pointer(matrix, padded(rank) * row_length(k, first)), inverse, gap, rhs, work, full)
        _advance(m, alpha, beta, ridge, now, gap, z, sizes, last)
        mu = mu * shrink if mu > 1e-12 else 0.0
    return best, margin, strict


@inline_kernel
def _search(k, alpha, beta, rows, rank, x, space) -> tuple[float, float, float]:
    """Newton's method from Y = −α; if it fails, along a smoothed path. Returns the same as `_newton`. Takes arrays."""
    m = alpha.size
    y, found, rest = pointer(space, 0), pointer(space, m), pointer(space, 2 * m)
    best, margin, strict = np.inf, 0.0, np.inf
    ridged = False
    # For a singular β a ridge first finds the solution of least norm; the polish hardly moves in β's kernel.
    for stage in range(0 if rank < x.size else POLISH + 1, POLISH + 4):
        if ridged and stage < POLISH or best <= TARGET:
            continue
        attempt = stage % (POLISH + 1)
        mu, shrink, limit = 0.0, 0.3, 15
        if attempt == 1:
            mu, limit = 1.0, 100
        if attempt == 2:
            mu, shrink, limit = 10.0, 0.6, 200
        if stage != POLISH:
            for i in range(m):
                y[i] = -alpha[i]
        ridge, damping = TIKHONOV if stage < POLISH else 0.0, DAMPING if stage == POLISH else TINY
        residual, its_margin, its_strict = _newton(
            k, pointer(alpha, 0), pointer(beta, 0), pointer(rows, 0), rank, y, found, mu, shrink, ridge, damping, limit, rest
        )
        if stage < POLISH:
            ridged = residual <= TARGET
        elif its_strict <= BOUNDED and residual < best:
            best, margin, strict = residual, its_margin, its_strict
            for i in range(x.size):
                x[i] = found[i]
    return best, margin, strict


@inline_kernel
def _scaled(source, rows, unit, target) -> float:
    """target = unit · source / max|entry|, the rows ``padded``; returns that maximum, infinite for a NaN."""
    top, length = 0.0, source.size // rows
    for i in range(source.size):
        if not abs(source[i]) <= top:
            top = abs(source[i]) if abs(source[i]) > top else np.inf
    # Two factors, as one alone might overflow; they cost less than divisions.
    lift = 1.0 if top > 1e-200 else 2.0**500
    factor = unit / (top * lift) if top > 0.0 else 0.0
    for i in range(rows):
        for j in range(length):
            target[i * padded(length) + j] = source[i * length + j] * lift * factor
    return top


@inline_kernel
def _one_by_one(alpha, beta, x) -> tuple[int, float, int, bool]:
    """``complementarity`` for k = 1."""
    x[0] = 0.0
    if not (abs(alpha) < np.inf and abs(beta) < np.inf):
        return INVALID, np.inf, 0, False
    if beta > 0.0:
        x[0] = max(0.0, -alpha / beta)
    fine = alpha >= 0.0 or beta > 0.0
    return SOLVED if fine else NO_SOLUTION, 0.0 if fine else 1.0, int(beta > 0.0), alpha != 0.0


@kernel
def complementarity(alpha, beta, x) -> tuple[int, float, int, bool]:
    """Solve 0 ⪯ X ⟂ α + β[X] ⪰ 0 for ``alpha`` (m,), a positive semidefinite ``beta`` (m, m); ``x`` (m,) receives X.

    Returns (status, residual, rank of β, whether strictly complementary). The residual bounds the
    violations of X ⪰ 0, Z ⪰ 0 and XZ = 0, in units of ‖X‖ and of max|α| + max Σ|β||x|.
    Status: SOLVED; NO_SOLUTION; INVALID (not finite); STALLED (a residual above 1e-8).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.empty(3)
    >>> status, residual, rank, strict = complementarity(np.array([-2.0, 0.0, 1.0]), np.eye(3), x)
    >>> print(status, rank, strict, x)
    0 3 True [2. 0. 0.]
    """
    m, k, width = alpha.size, order(alpha.size), padded(alpha.size)
    if m == 1:
        return _one_by_one(alpha[0], beta[0, 0], x)
    scaled, operator, rows = np.zeros(width), np.zeros(width * width), np.empty(width * width)
    space = np.empty(10 * width + (2 * width + 10) * padded(k) ** 2 + 2 * width * (width + 4))
    a, b = _scaled(alpha, 1, 1.0, scaled), _scaled(beta.reshape(m * m), m, BALANCE, operator)
    for i in range(m):
        x[i] = 0.0
    if not (a < np.inf and b < np.inf):
        return INVALID, np.inf, 0, False
    rank = factor(m, pointer(operator, 0), RANK_TOLERANCE, pointer(rows, 0), pointer(space, 0))
    if a == 0.0:
        return SOLVED, 0.0, rank, False
    residual, margin, strict = _search(k, scaled, operator, rows, rank, x, space)
    largest = 0.0
    for i in range(m):
        largest = max(largest, abs(x[i]))
        x[i] *= BALANCE * a / b if b > 0.0 else 0.0
    status = SOLVED if residual <= 1e-8 else STALLED
    if not (strict <= BOUNDED and largest < 1e12):
        status = NO_SOLUTION
    return status, residual, rank, margin > MARGIN
