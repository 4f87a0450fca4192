"""Symmetric matrices as vectors: the upper triangle by rows, off-diagonals times √2, so that ⟨X, Y⟩ = x·y.

All arguments that are not numbers are pointers. Rows of matrices are ``padded``, with zeros where nothing else is said.
"""

import numpy as np

from cfdyn.machine.jit import inline_kernel

ROOT2, ROOT_HALF = np.sqrt(2.0), np.sqrt(0.5)


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
def smat(k, source, full) -> None:
    """The symmetric matrix (k, k) of a vector."""
    width, t = padded(k), 0
    for i in range(k):
        full[i * width + i] = source[t]
        t += 1
        for j in range(i + 1, k):
            full[i * width + j] = full[j * width + i] = source[t] * ROOT_HALF
            t += 1


@inline_kernel
def svec(k, full, target) -> None:
    """The vector of a matrix (k, k), read from its upper triangle."""
    width, t = padded(k), 0
    for i in range(k):
        target[t] = full[i * width + i]
        t += 1
        for j in range(i + 1, k):
            target[t] = full[i * width + j] * ROOT2
            t += 1
