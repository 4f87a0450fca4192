"""The semidefinite complementarity problem 0 ⪯ X ⟂ α + β[X] ⪰ 0, for small matrices, to round-off.

Newton's method on Y = X − Z, where X = Y₊ and Z = Y₋ are complementary by construction. Matrices are
vectors here, as in ``packed``.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels.packed import add, congruence, factor, order, smat, solve, svec
from cfdyn.kernels.symmetric import eigh

SOLVED, NO_SOLUTION, INVALID, STALLED = 0, 1, 2, 3
TARGET = 1e-12  # scaled residual that ends the search for a better start
MARGIN = 1e-8  # an eigenvalue of X + Z below this, scaled, is no strict complementarity
RANK_TOLERANCE = 1e-13
TIKHONOV, DAMPING = 1e-6, 1e-9  # which of many solutions is aimed at, and kept, where β is singular
TINY = 1e-14
BOUNDED = 1e-5  # a residual beside |α| and |β[X]| above this: X runs off to infinity
POLISH = 3  # the stage of the search that follows those with a ridge


@inline_kernel
def _affine(alpha, beta, ridge, x, out) -> tuple[float, float]:
    """out = α + β x + ridge·x; returns max|α| + max Σ|β||x|, the scale of its round-off, and max|α| + max|β x|."""
    m = x.size
    size, scale, moved = 0.0, 0.0, 0.0
    for i in range(m):
        total, absolute = 0.0, 0.0
        for j in range(m):
            term = beta[i * m + j] * x[j]
            total += term
            absolute += abs(term)
        out[i] = alpha[i] + total + ridge * x[i]
        size, scale = max(size, abs(alpha[i])), max(scale, absolute)
        moved = max(moved, abs(total))
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
def _slopes(values, k, mu, slopes, chosen) -> int:
    """Divided differences of p on the pairs of eigenvalues; ``chosen`` gets those not zero, their number is returned."""
    t, n = 0, 0
    for i in range(k):
        for j in range(i, k):
            one, two = np.sqrt(values[i] ** 2 + 4.0 * mu), np.sqrt(values[j] ** 2 + 4.0 * mu)
            below = one + two
            slope = 0.5 * (values[i] + one + values[j] + two) / below if below > 0.0 else 0.5
            if slope > 0.0:
                slopes[n], chosen[n] = slope, t
                n += 1
            t += 1
    return n


@inline_kernel
def _direction(rows, rank, ridge, damping, values, q, qt, mu, gap, full, work, chosen, matrix) -> None:
    """gap ← D[dY] from β[D[dY]] + (1 − D)[dY] = −gap: D is diagonal in Y's eigenbasis, √D makes this symmetric."""
    k, m = values.size, gap.size
    slopes, turned, rhs = work[:m], work[m : 2 * m], work[2 * m :]
    n = _slopes(values, k, mu, slopes, chosen)
    for i in range(n * n):
        matrix[i] = 0.0
    for p in range(n):
        matrix[p * n + p] = 1.0 - slopes[p] + ridge * slopes[p] + damping
        slopes[p] = np.sqrt(slopes[p])
    for i in range(m):
        rows[rank * m + i] = -gap[i]
    # The right-hand side goes through the same loop: every further call of ``congruence`` is compiled again.
    for r in range(rank + 1):
        congruence(k, q, rows, r * m, turned, 0, full)
        for p in range(n):
            rhs[p] = slopes[p] * turned[chosen[p]]
        if r < rank:
            for p in range(n):
                add(n - p, rhs[p], pointer(rhs, p), pointer(matrix, p * n + p))
    solve(n, matrix, rhs, damping)
    for i in range(m):
        turned[i] = 0.0
    for p in range(n):
        turned[chosen[p]] = slopes[p] * rhs[p]
    congruence(k, qt, turned, 0, gap, 0, full)


@inline_kernel
def _margin(values, scale) -> float:
    """The smallest |eigenvalue| of Y = X − Z in units of max(1, ‖X‖) where positive, of Z's scale elsewhere."""
    least = np.inf
    for i in range(values.size):
        unit = max(1.0, values[values.size - 1]) if values[i] > 0.0 else scale
        least = min(least, abs(values[i]) / unit)
    return least


@inline_kernel
def _newton(alpha, beta, rows, rank, y, x, mu, shrink, ridge, damping, limit) -> tuple[float, float, float]:
    """Run from ``y``, μ shrinking to 0; ``x`` gets the best X, and y its Y. Returns (residual, margin, strict residual).

    At μ = 0 the residual ‖α + β x − z‖ / scale, for exact x ⟂ z, bounds all of the KKT conditions. The strict
    one is in units of |α| and |β x|: it stays large where X runs off to infinity."""
    m, k = alpha.size, order(alpha.size)
    values, q, qt, full = np.empty(k), np.empty((k, k)), np.empty(k * k), np.empty(3 * k * k + 2)
    now, z, gap, work, last = np.empty(m), np.empty(m), np.empty(m), np.empty(3 * m), y.copy()
    matrix, chosen, flat = np.empty(m * m), np.empty(m, np.int64), q.reshape(k * k)
    best, margin, strict = np.inf, 0.0, np.inf
    for _ in range(limit):
        smat(k, last, 0, qt)
        if eigh(qt.reshape(k, k), values, q, full) != 0:
            break
        for i in range(k * k):
            qt[i] = flat[i % k * k + i // k]
        _parts(values, qt, k, mu, full, now, z)
        scale, size = _affine(alpha, beta, ridge, now, gap)
        total = 0.0
        for i in range(m):
            gap[i] -= z[i]
            total += gap[i] * gap[i]
        residual = np.sqrt(total) / scale
        if mu == 0.0:
            if best <= TARGET and not residual < 0.5 * best:
                break
            if residual < best:
                best, margin, strict = residual, _margin(values, scale), residual * scale / size
                for i in range(m):
                    x[i], y[i] = now[i], last[i]
            if residual <= 2e-15:
                break
        _direction(rows, rank, ridge, damping, values, flat, qt, mu, gap, full, work, chosen, matrix)
        for i in range(m):
            now[i] += gap[i]
        _affine(alpha, beta, ridge, now, gap)
        for i in range(m):
            last[i] = now[i] - gap[i]
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
def _scaled(source, target) -> float:
    """target = source / max|entry|, which is returned: infinite for a NaN."""
    top = 0.0
    for i in range(source.size):
        if not abs(source[i]) <= top:
            top = abs(source[i]) if abs(source[i]) > top else np.inf
    for i in range(source.size):
        target[i] = source[i] / top if top > 0.0 else 0.0
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
    a, b = _scaled(alpha, scaled), _scaled(beta.reshape(m * m), operator)
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
        x[i] *= a / b if b > 0.0 else 0.0
    status = SOLVED if residual <= 1e-8 else STALLED
    if not (strict <= BOUNDED and largest < 1e12):
        status = NO_SOLUTION
    return status, residual, rank, margin > MARGIN
