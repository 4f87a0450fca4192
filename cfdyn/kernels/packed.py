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
def congruence(k, q, source, first, target, begin, full) -> None:
    """target = svec(Qᵀ S Q) for the flat matrix Q; ``full`` is scratch of 3k²."""
    size = k * k
    smat(k, source, first, full)
    for i in range(size, 3 * size):
        full[i] = 0.0
    for i in range(k):
        for j in range(k):
            add(k, full[i * k + j], pointer(q, j * k), pointer(full, size + i * k))
    for i in range(k):
        for j in range(k):
            add(k - i, q[j * k + i], pointer(full, size + j * k + i), pointer(full, 2 * size + i * k + i))
    svec(k, full, 2 * size, target, begin)


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
        for r in range(rank):
            add(m, -rows[r * m + best], pointer(rows, r * m), pointer(rows, rank * m))
        root = np.sqrt(left[best])
        for i in range(m):
            rows[rank * m + i] /= root
            left[i] -= rows[rank * m + i] * rows[rank * m + i]
        left[best] = -1.0
    return m


@inline_kernel
def solve(n, a, b, floor) -> None:
    """b ← A⁻¹b in place for a positive definite A, of which the upper triangle of ``a`` (n·n) is destroyed."""
    for p in range(n):
        row = p * n
        root = np.sqrt(max(a[row + p], floor))
        a[row + p] = root
        for j in range(p + 1, n):
            a[row + j] /= root
        for i in range(p + 1, n):
            add(n - i, -a[row + i], pointer(a, row + i), pointer(a, i * n + i))
        b[p] /= root
        add(n - p - 1, -b[p], pointer(a, row + p + 1), pointer(b, p + 1))
    for p in range(n - 1, -1, -1):
        total = b[p]
        for j in range(p + 1, n):
            total -= a[p * n + j] * b[j]
        b[p] = total / a[p * n + p]
