"""The semidefinite complementarity problem 0 ⪯ X ⟂ α + β[X] ⪰ 0, for small matrices, to round-off.

Newton's method on Y = X − Z, where X = Y₊ and Z = Y₋ are complementary by construction. Matrices are
vectors here, as in ``packed``.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels.packed import add, add_sizes, combine, congruence, factor, order, smat, solve, spread, svec, triangle, turn
from cfdyn.kernels.symmetric import _accumulate, _load, _ql, _sort_and_transpose, _tridiagonalise, eigh

SOLVED, NO_SOLUTION, INVALID, STALLED = 0, 1, 2, 3
ROUND_OFF = 3e-15  # a scaled residual that is not worth another step
TARGET = 1e-12  # scaled residual that ends the search for a better start
MARGIN = 1e-8  # an eigenvalue of X + Z below this, scaled, is no strict complementarity
RANK_TOLERANCE = 1e-13
TIKHONOV, DAMPING = 1e-6, 1e-9  # which of many solutions is aimed at, and kept, where β is singular
TINY = 1e-14
BOUNDED = 1e-5  # a residual beside |α| and |β[X]| above this: X runs off to infinity
BALANCE = 2.0  # max|β| where max|α| = 1: Newton's method takes fewest steps where X and Z are about as large
POLISH = 3  # the stage of the search that follows those with a ridge


@inline_kernel
def _affine(alpha, beta, ridge, x, out, sizes) -> tuple[float, float]:
    """out = α + β x + ridge·x; returns max|α| + max Σ|β||x|, the scale of its round-off, and max|α| + max|β x|."""
    m = x.size
    size, scale, moved = 0.0, 0.0, 0.0
    for i in range(m):
        out[i], sizes[i] = 0.0, 0.0
    for j in range(m):
        add_sizes(m, x[j], pointer(beta, j * m), pointer(out, 0), pointer(sizes, 0))
    for i in range(m):
        size, scale, moved = max(size, abs(alpha[i])), max(scale, sizes[i]), max(moved, abs(out[i]))
        out[i] += alpha[i] + ridge * x[i]
    return size + scale, size + moved


@inline_kernel
def _parts(values, q, k, mu, full, x, z) -> None:
    """svec of p(Y) and p(−Y) for p(λ) = (λ + √(λ² + 4μ))/2: the positive parts, or their smoothing."""
    size = k * k
    for i in range(2 * size):
        full[i] = 0.0
    for c in range(2 * k):
        side, row = c // k * size, c % k * k
        value = values[c % k] if side == 0 else -values[c % k]
        root = np.sqrt(value * value + 4.0 * mu)
        part = 0.5 * (root + value) if value >= 0.0 else 2.0 * mu / max(root - value, 1e-300)
        if part > 0.0:
            for i in range(k):
                add(k - i, part * q[row + i], pointer(q, row + i), pointer(full, side + i * k + i))
    svec(k, full, 0, x, 0)
    svec(k, full, size, z, 0)


@inline_kernel
def _eigen(matrix, values, vectors, work) -> int:
    """``eigh``, but QL, which is faster, where k > 4: that decoupled blocks stay apart is not needed here."""
    if values.size <= 4:
        return eigh(matrix, values, vectors, work)
    largest = _load(matrix, values, vectors, work)
    if not 1e-100 < largest < 1e100:
        return eigh(matrix, values, vectors, work)
    _tridiagonalise(values, work, largest)
    _accumulate(vectors, work)
    _ql(values, vectors, work)
    _sort_and_transpose(values, vectors, 1.0)
    return 0


@inline_kernel
def _slopes(values, k, mu, slopes, chosen) -> int:
    """Divided differences of p on the pairs of eigenvalues; ``chosen`` gets those not zero, their number is returned."""
    n = 0
    for i in range(k):
        for j in range(i, k):
            one, two = np.sqrt(values[i] ** 2 + 4.0 * mu), np.sqrt(values[j] ** 2 + 4.0 * mu)
            below = one + two
            slope = 0.5 * (values[i] + one + values[j] + two) / below if below > 0.0 else 0.5
            if slope > 0.0:
                slopes[n], chosen[n] = slope, i * k + j
                n += 1
    return n


@inline_kernel
def _linearise(k, sheets, rank, ridge, damping, values, q, mu, diagonal, slopes, chosen, matrix) -> int:
    """The factor of √D β √D + 1 − D on the pairs with D > 0, whose number is returned: D is diagonal in Y's eigenbasis."""
    n = _slopes(values, k, mu, slopes, chosen)
    for p in range(n):
        diagonal[p] = 1.0 - slopes[p] + ridge * slopes[p] + damping
        slopes[p] = np.sqrt(slopes[p])
    turn(k, rank, q, slopes, chosen, n, sheets, matrix)
    triangle(n, rank, diagonal, damping, matrix)
    return n


@inline_kernel
def _direction(n, rank, turns, slopes, chosen, matrix, gap, turned, rhs, full) -> None:
    """gap ← D[dY] from β[D[dY]] + (1 − D)[dY] = −gap, as linearised."""
    m, k = gap.size, order(gap.size)
    # There and back in one loop: every further call of ``congruence`` is compiled again.
    for back in range(2):
        congruence(k, turns, back * k * k, gap, 0, turned, 0, full)
        if back == 1:
            break
        for p in range(n):
            i, j = chosen[p] // k, chosen[p] % k
            rhs[p] = -slopes[p] * turned[i * k - i * (i + 1) // 2 + j]
        solve(n, rank, pointer(matrix, 0), pointer(rhs, 0))
        for i in range(m):
            gap[i] = 0.0
        for p in range(n):
            i, j = chosen[p] // k, chosen[p] % k
            gap[i * k - i * (i + 1) // 2 + j] = slopes[p] * rhs[p]
    for i in range(m):
        gap[i] = turned[i]


@inline_kernel
def _margin(values, scale) -> float:
    """The smallest |eigenvalue| of Y = X − Z in units of max(1, ‖X‖) where positive, of Z's scale elsewhere."""
    least = np.inf
    for i in range(values.size):
        unit = max(1.0, values[values.size - 1]) if values[i] > 0.0 else scale
        least = min(least, abs(values[i]) / unit)
    return least


@inline_kernel
def _evaluate(alpha, beta, ridge, mu, y, values, q, qt, full, x, z, gap, sizes) -> tuple[float, float, float]:
    """Eigenvectors q and qt = qᵀ of Y, its parts x and z, gap = α + β x − z; returns ‖gap‖ / scale, and the two scales."""
    k = values.size
    smat(k, y, 0, qt)
    if _eigen(qt.reshape(k, k), values, q, full) != 0:
        return np.inf, 1.0, 1.0
    for i in range(k * k):
        qt[i] = q[i % k, i // k]
    _parts(values, qt, k, mu, full, x, z)
    scale, size = _affine(alpha, beta, ridge, x, gap, sizes)
    total = 0.0
    for i in range(gap.size):
        gap[i] -= z[i]
        total += gap[i] * gap[i]
    return np.sqrt(total) / scale, scale, size


@inline_kernel
def _descend(alpha, x, z, gap, y) -> None:
    """Y = X − Z for the best multiple of x, where gap = α + β x − z; a start that saves a step of Newton's method."""
    slope, curvature = 0.0, 0.0
    for i in range(x.size):
        slope += alpha[i] * x[i]
        curvature += (gap[i] + z[i] - alpha[i]) * x[i]
    t = -slope / curvature if -slope < 100.0 * curvature else 1.0
    for i in range(x.size):
        y[i] = t * x[i] - alpha[i] - t * (gap[i] + z[i] - alpha[i])


@inline_kernel
def _advance(alpha, beta, ridge, x, change, y) -> None:
    """Y = X − Z for X = x + change and Z = α + β[X]; both are overwritten."""
    m = x.size
    for i in range(m):
        x[i] += change[i]
        change[i] = alpha[i] + ridge * x[i]
    combine(m, 1.0, x, 0, 1, beta, 0, m, m, change, 0)
    for i in range(m):
        y[i] = x[i] - change[i]


@inline_kernel
def _newton(alpha, beta, rows, rank, y, x, mu, shrink, ridge, damping, limit) -> tuple[float, float, float]:
    """Run from ``y``, μ shrinking to 0; ``x`` gets the best X, and y its Y. Returns (residual, margin, strict residual).

    At μ = 0 the residual ‖α + β x − z‖ / scale, for exact x ⟂ z, bounds all of the KKT conditions. The strict
    one is in units of |α| and |β x|: it stays large where X runs off to infinity."""
    m, k = alpha.size, order(alpha.size)
    values, q, qt, turns, full = np.empty(k), np.empty((k, k)), np.empty(k * k), np.empty(2 * k * k), np.empty(3 * k * k + 2)
    vectors, last, chosen, flat = np.empty((6, m)), y.copy(), np.empty(m, np.int64), q.reshape(k * k)
    now, z, gap, slopes, work, rhs = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4], vectors[5]
    sheets, matrix = np.empty(3 * k * k * m), np.empty(2 * m * (m + 3))
    spread(k, rows, rank, sheets)
    best, margin, strict, before, n = np.inf, 0.0, np.inf, 0.0, 0
    for step in range(limit):
        residual, scale, size = _evaluate(alpha, beta, ridge, mu, last, values, q, qt, full, now, z, gap, work)
        if not residual < np.inf:
            break
        if mu == 0.0:
            if best <= TARGET and not residual < 0.5 * best:
                break
            if residual < best:
                best, margin, strict = residual, _margin(values, scale), residual * scale / size
                for i in range(m):
                    x[i], y[i] = now[i], last[i]
            if residual <= ROUND_OFF:
                break
        if step == 0 and mu == 0.0 and residual > 0.01:
            _descend(alpha, now, z, gap, last)
            continue
        # Quadratic convergence: with the last linearisation the next residual is residual² / before.
        if mu > 0.0 or not residual * residual <= 0.5 * ROUND_OFF * before:
            for i in range(k * k):
                turns[i], turns[k * k + i] = flat[i], qt[i]
            n = _linearise(k, sheets, rank, ridge, damping, values, turns, mu, work, slopes, chosen, matrix)
        before = residual if mu == 0.0 else 0.0
        _direction(n, rank, turns, slopes, chosen, matrix, gap, work, rhs, full)
        _advance(alpha, beta, ridge, now, gap, last)
        mu = mu * shrink if mu > 1e-12 else 0.0
    return best, margin, strict


@inline_kernel
def _search(alpha, beta, rows, rank, x) -> tuple[float, float, float]:
    """Newton from Y = −α; where it fails, along a smoothed path. Returns what _newton does."""
    m = alpha.size
    y, found = np.empty(m), np.empty(m)
    best, margin, strict = np.inf, 0.0, np.inf
    ridged = False
    # For a singular β a ridge first finds the solution of least norm; the polish hardly moves in β's kernel.
    for stage in range(0 if rank < m else POLISH + 1, POLISH + 4):
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
        residual, its_margin, its_strict = _newton(alpha, beta, rows, rank, y, found, mu, shrink, ridge, damping, limit)
        if stage < POLISH:
            ridged = residual <= TARGET
        elif its_strict <= BOUNDED and residual < best:
            best, margin, strict = residual, its_margin, its_strict
            for i in range(m):
                x[i] = found[i]
    return best, margin, strict


@inline_kernel
def _scaled(source, unit, target) -> float:
    """target = unit · source / max|entry|; that maximum is returned, infinite for a NaN."""
    top = 0.0
    for i in range(source.size):
        if not abs(source[i]) <= top:
            top = abs(source[i]) if abs(source[i]) > top else np.inf
    for i in range(source.size):
        target[i] = source[i] / top * unit if top > 0.0 else 0.0
    return top


@kernel
def complementarity(alpha, beta, x) -> tuple[int, float, int, bool]:
    """Solve 0 ⪯ X ⟂ α + β[X] ⪰ 0 for ``alpha`` (m,), a positive semidefinite ``beta`` (m, m); ``x`` (m,) gets X.

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
    m = alpha.size
    scaled, operator, rows = np.empty(m), np.empty(m * m), np.empty((m + 1) * m)
    a, b = _scaled(alpha, 1.0, scaled), _scaled(beta.reshape(m * m), BALANCE, operator)
    for i in range(m):
        x[i] = 0.0
    if not (a < np.inf and b < np.inf):
        return INVALID, np.inf, 0, False
    if m == 1:
        if beta[0, 0] > 0.0:
            x[0] = max(0.0, -alpha[0] / beta[0, 0])
        fine = alpha[0] >= 0.0 or beta[0, 0] > 0.0
        return SOLVED if fine else NO_SOLUTION, 0.0 if fine else 1.0, int(beta[0, 0] > 0.0), alpha[0] != 0.0
    rank = factor(operator, m, RANK_TOLERANCE, rows, np.empty(m))
    if a == 0.0:
        return SOLVED, 0.0, rank, False
    residual, margin, strict = _search(scaled, operator, rows, rank, x)
    largest = 0.0
    for i in range(m):
        largest = max(largest, abs(x[i]))
        x[i] *= BALANCE * a / b if b > 0.0 else 0.0
    status = SOLVED if residual <= 1e-8 else STALLED
    if not (strict <= BOUNDED and largest < 1e12):
        status = NO_SOLUTION
    return status, residual, rank, margin > MARGIN
