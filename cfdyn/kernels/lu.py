"""Small linear systems, real or complex, by Gaussian elimination with row exchanges."""

from __future__ import annotations

from cfdyn._jit import inline_kernel


@inline_kernel
def factor(matrix, pivots, which) -> bool:
    """Factor the upper square of ``matrix`` (n+1, n) in place; ``pivots[which]`` gets the exchanges. False: singular."""
    n = matrix.shape[1]
    for k in range(n):
        best, largest = k, 0.0
        for i in range(k, n):
            entry = matrix[i, k]
            size = entry.real * entry.real + entry.imag * entry.imag
            if size > largest:
                best, largest = i, size
        if not largest > 0.0:
            return False
        pivots[which, k] = best
        if best != k:
            for j in range(n):
                entry = matrix[k, j]
                matrix[k, j] = matrix[best, j]
                matrix[best, j] = entry
        # The diagonal keeps the inverse: divisions are slow.
        inverse = 1.0 / matrix[k, k]
        matrix[k, k] = inverse
        for i in range(k + 1, n):
            multiple = matrix[i, k] * inverse
            matrix[i, k] = multiple
            # Chains have few entries.
            if multiple != 0.0:
                for j in range(k + 1, n):
                    matrix[i, j] -= multiple * matrix[k, j]
    return True


@inline_kernel
def solve(matrix, pivots, which) -> None:
    """Solve for the right-hand side in the last row of the factored ``matrix`` (n+1, n), in place."""
    n = matrix.shape[1]
    for k in range(n):
        best = pivots[which, k]
        entry = matrix[n, best]
        if best != k:
            matrix[n, best] = matrix[n, k]
            matrix[n, k] = entry
    for i in range(1, n):
        entry = matrix[n, i]
        for j in range(i):
            entry -= matrix[i, j] * matrix[n, j]
        matrix[n, i] = entry
    for i in range(n - 1, -1, -1):
        entry = matrix[n, i]
        for j in range(i + 1, n):
            entry -= matrix[i, j] * matrix[n, j]
        matrix[n, i] = entry * matrix[i, i]
