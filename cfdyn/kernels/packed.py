"""Symmetric matrices as vectors: the upper triangle by rows, off-diagonals times √2, so that ⟨X, Y⟩ = x·y."""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, pointer

ROOT_HALF = np.sqrt(0.5)


@inline_kernel
def order(m) -> int:
    """k with k(k+1)/2 = m (the next one if there is none)."""
    k = 0
    while k * (k + 1) // 2 < m:
        k += 1
    return k


@inline_kernel
def padded(n) -> int:
    """The next multiple of 4."""
    return (n + 3) // 4 * 4


@inline_kernel
def smat(k, source, first, full) -> None:
    """The symmetric matrix, flat in ``full``, of the vector that starts at source[first]."""
    t = first
    for i in range(k):
        full[i * k + i] = source[t]
        t += 1
        for j in range(i + 1, k):
            full[i * k + j] = full[j * k + i] = source[t] * ROOT_HALF
            t += 1


@inline_kernel
def svec(k, full, offset, target, first) -> None:
    """The vector of the flat matrix at full[offset], read from its upper triangle, to target[first] and on."""
    t = first
    for i in range(k):
        target[t] = full[offset + i * k + i]
        t += 1
        for j in range(i + 1, k):
            target[t] = full[offset + i * k + j] / ROOT_HALF
            t += 1


@inline_kernel
def add(n, factor, source, target) -> None:
    """target += factor · source; on pointers, which the compiler can vectorise."""
    for i in range(n):
        target[i] += factor * source[i]


@inline_kernel
def add_sizes(n, factor, source, target, sizes) -> None:
    """target += factor · source, and the terms' sizes to ``sizes``."""
    for i in range(n):
        term = factor * source[i]
        target[i] += term
        sizes[i] += abs(term)


@inline_kernel
def take_squares(n, source, target) -> None:
    """target -= source²."""
    for i in range(n):
        target[i] -= source[i] * source[i]


@inline_kernel
def largest(n, source) -> int:
    """Where the largest of the numbers is."""
    best, top = 0, source[0]
    for i in range(1, n):
        if source[i] > top:
            best, top = i, source[i]
    return best


@inline_kernel
def factor(beta, m, tolerance, rows, left) -> int:
    """β = RᵀR by Cholesky with pivoting; ``rows`` (m·m) gets R, and its number of rows is the rank."""
    top = 0.0
    for i in range(m):
        left[i] = beta[i * m + i]
        top = max(top, left[i])
    for rank in range(m):
        best = largest(m, pointer(left, 0))
        if not left[best] > tolerance * top:
            return rank
        put(m, 1.0, pointer(beta, best * m), 1, pointer(rows, rank * m), 1)
        combine(rank, -1.0, rows, best, m, rows, 0, m, m, rows, rank * m)
        root = np.sqrt(left[best])
        put(m, 1.0 / root, pointer(rows, rank * m), 1, pointer(rows, rank * m), 1)
        take_squares(m, pointer(rows, rank * m), pointer(left, 0))
        left[best] = -1.0
    return m


@inline_kernel
def put(n, factor, source, stride, target, step) -> None:
    """target[i·step] = factor · source[i·stride]."""
    for i in range(n):
        target[i * step] = factor * source[i * stride]


@inline_kernel
def clear(n, target) -> None:
    """target = 0."""
    for i in range(n):
        target[i] = 0.0


@inline_kernel
def add_four(n, sign, factors, step, rows, width, target) -> None:
    """target += sign · Σ factors[j·step] · rows[j·width :] for j < 4."""
    a, b, c, d = sign * factors[0], sign * factors[step], sign * factors[2 * step], sign * factors[3 * step]
    for i in range(n):
        target[i] += (a * rows[i] + b * rows[width + i]) + (c * rows[2 * width + i] + d * rows[3 * width + i])


@inline_kernel
def add_eight(n, sign, factors, step, rows, width, target) -> None:
    """target += sign · Σ factors[j·step] · rows[j·width :] for j < 8."""
    a, b, c, d = sign * factors[0], sign * factors[step], sign * factors[2 * step], sign * factors[3 * step]
    e, f, g, h = sign * factors[4 * step], sign * factors[5 * step], sign * factors[6 * step], sign * factors[7 * step]
    for i in range(n):
        one = (a * rows[i] + b * rows[width + i]) + (c * rows[2 * width + i] + d * rows[3 * width + i])
        two = (e * rows[4 * width + i] + f * rows[5 * width + i]) + (g * rows[6 * width + i] + h * rows[7 * width + i])
        target[i] += one + two


@inline_kernel
def combine(count, sign, factors, f, step, rows, r, width, n, target, t) -> None:
    """target[t : t + n] += sign · Σ_j factors[f + j·step] · rows[r + j·width :], eight or four rows at a time."""
    to, j = pointer(target, t), 0
    while j + 8 <= count:
        add_eight(n, sign, pointer(factors, f + j * step), step, pointer(rows, r + j * width), width, to)
        j += 8
    if j + 4 <= count:
        add_four(n, sign, pointer(factors, f + j * step), step, pointer(rows, r + j * width), width, to)
        j += 4
    while j < count:
        add(n, sign * factors[f + j * step], pointer(rows, r + j * width), to)
        j += 1


@inline_kernel
def congruence(k, q, start, source, first, target, begin, full) -> None:
    """target = svec(Qᵀ S Q) for the flat matrix Q at q[start]; ``full`` is scratch of 3k²."""
    size = k * k
    smat(k, source, first, full)
    clear(2 * size, pointer(full, size))
    for i in range(k):
        combine(k, 1.0, full, i * k, 1, q, start, k, k, full, size + i * k)
    for i in range(k):
        combine(k, 1.0, q, start + i, k, full, size, k, k, full, 2 * size + i * k)
    svec(k, full, 2 * size, target, begin)


@inline_kernel
def spread(k, rows, rank, full) -> None:
    """The matrices of R's rows side by side, full[(i·k + j)·rank + row]: loops over all of them vectorise."""
    m, t = k * (k + 1) // 2, 0
    for i in range(k):
        for j in range(i, k):
            at, scale = (i * k + j) * rank, 1.0 if i == j else ROOT_HALF
            put(rank, scale, pointer(rows, t), m, pointer(full, at), 1)
            put(rank, 1.0, pointer(full, at), 1, pointer(full, (j * k + i) * rank), 1)
            t += 1


@inline_kernel
def turn(k, rank, q, slopes, chosen, n, sheets, matrix) -> None:
    """matrix (rank, n), ``padded`` apart, = √D times the chosen entries of QᵀSQ, for the matrix S of each row of R."""
    first, block, size, width = k, k * rank, k * k * rank, padded(n)
    for p in range(n):
        first = min(first, chosen[p] % k)
    clear(size, pointer(sheets, size))
    # SQ and QᵀSQ in one loop, as every further call of ``combine`` is compiled again; both over as long rows as possible.
    for step in range(first, 2 * k):
        i = step % k
        if step < k:
            combine(k, 1.0, q, i, k, sheets, 0, block, block, sheets, size + i * block)
            for j in range(k):
                source, target = size + i * block + j * rank, 2 * size + j * block + i * rank
                put(rank, 1.0, pointer(sheets, source), 1, pointer(sheets, target), 1)
            clear(block, pointer(sheets, size + i * block))
        else:
            left = max(first, i) * rank
            combine(k, 1.0, q, i, k, sheets, 2 * size + left, block, block - left, sheets, size + i * block + left)
    for p in range(n):
        i, j = chosen[p] // k, chosen[p] % k
        scale = slopes[p] if i == j else slopes[p] / ROOT_HALF
        put(rank, scale, pointer(sheets, size + i * block + j * rank), 1, pointer(matrix, p), width)
    for p in range(n, width):
        for r in range(rank):
            matrix[r * width + p] = 0.0


@inline_kernel
def triangle(n, count, diagonal, floor, v) -> None:
    """The Cholesky factor of diag(d) + VᵀV; its rows stand behind the ``count`` rows V of ``v``, all ``padded`` to one width.

    Rows begin and end at multiples of 4, which no loop over vectors leaves a rest of: what is left of the diagonal is void.
    """
    width = padded(n)
    for p in range(n):
        left, row = p // 4 * 4, (count + p) * width
        clear(width - left, pointer(v, row + left))
        v[row + p] = diagonal[p]
        # Two signs in one loop: every further call of ``combine`` is compiled again.
        for part in range(2):
            start = part * count * width
            at = start + left
            combine(p if part else count, -1.0 if part else 1.0, v, start + p, width, v, at, width, width - left, v, row + left)
        root = np.sqrt(max(v[row + p], floor))
        put(width - left, 1.0 / root, pointer(v, row + left), 1, pointer(v, row + left), 1)
        v[row + p] = root


@inline_kernel
def solve(n, count, v, b) -> None:
    """b ← (UᵀU)⁻¹b in place for the factor U that ``triangle`` left behind ``count`` rows."""
    width = padded(n)
    first = count * width
    for p in range(n):
        row = first + p * width
        b[p] /= v[row + p]
        for q in range(p + 1, n):
            b[q] -= b[p] * v[row + q]
    for p in range(n - 1, -1, -1):
        b[p] /= v[first + p * width + p]
        for q in range(p):
            b[q] -= b[p] * v[first + q * width + p]
