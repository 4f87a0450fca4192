"""Small linear systems, real or complex, by Gaussian elimination with row exchanges."""

from cfdyn.machine.jit import inline_kernel


@inline_kernel
def factor(n, matrix, pivots, which) -> bool:
    """Factor the upper square of ``matrix`` (n+1, n) in place; False: singular.

    ``pivots`` (6, n) gets the exchanges in its row ``which``, and in the rows 2 + which and 4 + which where the entries that are
    not 0 begin and end in each row of the factors: systems of chains have many zeros.
    """
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
        # Matrices of chains are almost empty.
        last = n - 1
        while last > k and matrix[k, last] == 0.0:
            last -= 1
        for i in range(k + 1, n):
            if matrix[i, k] != 0.0:
                multiple = matrix[i, k] * inverse
                matrix[i, k] = multiple
                for j in range(k + 1, last + 1):
                    matrix[i, j] -= multiple * matrix[k, j]
    for i in range(n):
        first, last = 0, n - 1
        while first < i and matrix[i, first] == 0.0:
            first += 1
        while last > i and matrix[i, last] == 0.0:
            last -= 1
        pivots[2 + which, i], pivots[4 + which, i] = first, last
    return True


@inline_kernel
def solve(n, matrix, pivots, which) -> None:
    """Solve for the right-hand side in the last row of the factored ``matrix`` (n+1, n), in place."""
    for k in range(n):
        best = pivots[which, k]
        if best != k:
            entry = matrix[n, best]
            matrix[n, best] = matrix[n, k]
            matrix[n, k] = entry
    for i in range(1, n):
        entry = matrix[n, i]
        for j in range(pivots[2 + which, i], i):
            entry -= matrix[i, j] * matrix[n, j]
        matrix[n, i] = entry
    for i in range(n - 1, -1, -1):
        entry = matrix[n, i]
        for j in range(i + 1, pivots[4 + which, i] + 1):
            entry -= matrix[i, j] * matrix[n, j]
        matrix[n, i] = entry * matrix[i, i]
