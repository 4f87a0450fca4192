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
def factor(beta, m, tolerance, rows, left) -> int:
    """β = RᵀR by Cholesky with pivoting; ``rows`` (m·m) gets R, and its number of rows is the rank."""
    top = 0.0
    for i in range(m):
        left[i] = beta[i * m + i]
        top = max(top, left[i])
    for rank in range(m):
        best = 0
        for i in range(m):
            if left[i] > left[best]:
                best = i
        if not left[best] > tolerance * top:
            return rank
        for i in range(m):
            rows[rank * m + i] = beta[best * m + i]
        combine(rank, -1.0, rows, best, m, rows, 0, m, m, rows, rank * m)
        root = np.sqrt(left[best])
        for i in range(m):
            rows[rank * m + i] /= root
            left[i] -= rows[rank * m + i] * rows[rank * m + i]
        left[best] = -1.0
    return m


@inline_kernel
def put(n, factor, source, target, step) -> None:
    """target[i·step] = factor · source[i]."""
    for i in range(n):
        target[i * step] = factor * source[i]


@inline_kernel
def clear(n, target) -> None:
    """target = 0."""
    for i in range(n):
        target[i] = 0.0


@inline_kernel
def add_four(n, a, b, c, d, first, second, third, fourth, target) -> None:
    """target += a · first + … + d · fourth."""
    for i in range(n):
        target[i] += (a * first[i] + b * second[i]) + (c * third[i] + d * fourth[i])


@inline_kernel
def combine(count, sign, factors, f, step, rows, r, width, n, target, t) -> None:
    """target[t : t + n] += sign · Σ_j factors[f + j·step] · rows[r + j·width :], four rows at a time."""
    for j in range(0, count - 3, 4):
        at, row = f + j * step, r + j * width
        add_four(n, sign * factors[at], sign * factors[at + step], sign * factors[at + 2 * step], sign * factors[at + 3 * step],
                 pointer(rows, row), pointer(rows, row + width), pointer(rows, row + 2 * width), pointer(rows, row + 3 * width),
                 pointer(target, t))  # fmt: skip
    for j in range(count // 4 * 4, count):
        add(n, sign * factors[f + j * step], pointer(rows, r + j * width), pointer(target, t))


@inline_kernel
def congruence(k, q, start, source, first, target, begin, full) -> None:
    """target = svec(Qᵀ S Q) for the flat matrix Q at q[start]; ``full`` is scratch of 3k²."""
    size = k * k
    smat(k, source, first, full)
    clear(2 * size, pointer(full, size))
    for i in range(k):
        for j in range(k):
            add(k, full[i * k + j], pointer(q, start + j * k), pointer(full, size + i * k))
    for i in range(k):
        for j in range(k):
            add(k - i, q[start + j * k + i], pointer(full, size + j * k + i), pointer(full, 2 * size + i * k + i))
    svec(k, full, 2 * size, target, begin)


@inline_kernel
def spread(k, rows, rank, full) -> None:
    """The matrices of R's rows side by side, full[(i·k + j)·rank + row]: loops over all of them vectorise."""
    m, t = k * (k + 1) // 2, 0
    for i in range(k):
        for j in range(i, k):
            at, scale = (i * k + j) * rank, 1.0 if i == j else ROOT_HALF
            for r in range(rank):
                full[at + r] = scale * rows[r * m + t]
            put(rank, 1.0, pointer(full, at), pointer(full, (j * k + i) * rank), 1)
            t += 1


@inline_kernel
def turn(k, rank, q, slopes, chosen, n, sheets, matrix) -> None:
    """matrix (rank, n) = √D times the chosen entries of QᵀSQ, for the matrix S of each row of R."""
    first, block, size = k, k * rank, k * k * rank
    for p in range(n):
        first = min(first, chosen[p] % k)
    clear(size, pointer(sheets, size))
    # SQ and QᵀSQ in one loop, as every further call of ``combine`` is compiled again; both over as long rows as possible.
    for step in range(first, 2 * k):
        i = step % k
        if step < k:
            combine(k, 1.0, q, i, k, sheets, 0, block, block, sheets, size + i * block)
            for j in range(k):
                put(rank, 1.0, pointer(sheets, size + i * block + j * rank), pointer(sheets, 2 * size + j * block + i * rank), 1)
            clear(block, pointer(sheets, size + i * block))
        else:
            left = max(first, i) * rank
            combine(k, 1.0, q, i, k, sheets, 2 * size + left, block, block - left, sheets, size + i * block + left)
    for p in range(n):
        i, j = chosen[p] // k, chosen[p] % k
        scale = slopes[p] if i == j else slopes[p] / ROOT_HALF
        put(rank, scale, pointer(sheets, size + i * block + j * rank), pointer(matrix, p), n)


@inline_kernel
def triangle(n, count, diagonal, floor, v) -> None:
    """The Cholesky factor of diag(d) + VᵀV; its rows stand behind the ``count`` rows V of ``v``, all of width n."""
    for p in range(n):
        row = (count + p) * n
        clear(n - p, pointer(v, row + p))
        v[row + p] = diagonal[p]
        # Two signs in one loop: every further call of ``combine`` is compiled again.
        for part in range(2):
            start = part * count * n + p
            combine(p if part else count, -1.0 if part else 1.0, v, start, n, v, start, n, n - p, v, row + p)
        root = np.sqrt(max(v[row + p], floor))
        put(n - p, 1.0 / root, pointer(v, row + p), pointer(v, row + p), 1)
        v[row + p] = root


@inline_kernel
def solve(n, a, b) -> None:
    """b ← (UᵀU)⁻¹b in place for the upper triangle U at the pointer ``a``."""
    for p in range(n):
        b[p] /= a[p * n + p]
        for q in range(p + 1, n):
            b[q] -= b[p] * a[p * n + q]
    for p in range(n - 1, -1, -1):
        b[p] /= a[p * n + p]
        for q in range(p):
            b[q] -= b[p] * a[q * n + p]
