"""Products, Cholesky factors and linear systems, for matrices too small for BLAS.

All arguments that are not numbers are pointers. Rows of matrices are ``padded``, so that loops over four numbers leave no rest.
"""

import numpy as np

from cfdyn.kernels.linear.lanes import add, clear, four, put_four
from cfdyn.kernels.linear.packed import padded
from cfdyn.machine.jit import inline_kernel, pointer

CLEAR = 1e-7  # a pivot above this, relative to β, leaves no doubt about the rank


@inline_kernel
def product(count, rows, n, sign, left, down, right, width, target, stride) -> None:
    """target (rows, n) += sign · LᵀR, or = LᵀR where sign is 0, for L (count, rows) and R (count, n).

    The rows of L, R and target are ``down``, ``width`` and ``stride`` apart; rows and n are multiples of 4, count is even.
    """
    for i in range(0, rows if count > 0 else 0, 4):
        l = pointer(left, i)
        for j in range(0, n, 4):
            # Two sums for each row: the next addition to one would have to wait for the last.
            x, y, w = four(right, j), four(right, width + j), down
            a, b, c, d = l[0] * x, l[1] * x, l[2] * x, l[3] * x
            e, f, g, h = l[w] * y, l[w + 1] * y, l[w + 2] * y, l[w + 3] * y
            for r in range(2, count, 2):
                x, y, v, w = four(right, r * width + j), four(right, (r + 1) * width + j), r * down, (r + 1) * down
                a, b, c, d = a + l[v] * x, b + l[v + 1] * x, c + l[v + 2] * x, d + l[v + 3] * x
                e, f, g, h = e + l[w] * y, f + l[w + 1] * y, g + l[w + 2] * y, h + l[w + 3] * y
            a, b, c, d = a + e, b + f, c + g, d + h
            at, two, three = pointer(target, i * stride + j), 2 * stride, 3 * stride
            if sign != 0.0:
                a, b = four(at, 0) + sign * a, four(at, stride) + sign * b
                c, d = four(at, two) + sign * c, four(at, three) + sign * d
            put_four(at, 0, a)
            put_four(at, stride, b)
            put_four(at, two, c)
            put_four(at, three, d)


@inline_kernel
def image(m, beta, x, out, sizes) -> None:
    """out = βx and sizes = |β||x| for the symmetric β (m, m), m a multiple of 4."""
    for i in range(0, m, 4):
        a, b = x[0] * four(beta, i), x[1] * four(beta, m + i)
        c, d = abs(a), abs(b)
        for j in range(2, m, 2):
            s, t = x[j] * four(beta, j * m + i), x[j + 1] * four(beta, (j + 1) * m + i)
            a, b, c, d = a + s, b + t, c + abs(s), d + abs(t)
        put_four(out, i, a + b)
        put_four(sizes, i, c + d)


@inline_kernel
def triangle(n, count, width, floor, v, inverse) -> None:
    """The Cholesky factor of M + VᵀV in place of M (n, n), whose rows follow the ``count`` rows of V; 1 / its diagonal.

    What fills V up to a multiple of 4 is 0, and what fills M is a unit matrix.
    """
    for p in range(0, n, 4):
        row = pointer(v, (count + p) * width + p)
        # Two signs in one loop: every further call of ``product`` is compiled again.
        for part in range(2):
            start, rows, sign = (count * width + p, p, -1.0) if part else (p, count, 1.0)
            above = pointer(v, start)
            product(rows, 4, padded(n) - p, sign, above, width, above, width, row, width)
        panel(padded(n) - p, width, floor, row, pointer(inverse, p))


@inline_kernel
def panel(n, width, floor, v, inverse) -> None:
    """Cholesky on the first four rows of a matrix, whose n columns begin with the diagonal."""
    p = 1.0 / np.sqrt(max(v[0], floor))
    a, b, c = p * v[1], p * v[2], p * v[3]
    q = 1.0 / np.sqrt(max(v[width + 1] - a * a, floor))
    d, e = q * (v[width + 2] - a * b), q * (v[width + 3] - a * c)
    r = 1.0 / np.sqrt(max(v[2 * width + 2] - b * b - d * d, floor))
    f = r * (v[2 * width + 3] - b * c - d * e)
    s = 1.0 / np.sqrt(max(v[3 * width + 3] - c * c - e * e - f * f, floor))
    inverse[0], inverse[1], inverse[2], inverse[3] = p, q, r, s
    for j in range(0, n, 4):
        one = p * four(v, j)
        two = q * (four(v, width + j) - a * one)
        three = r * (four(v, 2 * width + j) - b * one - d * two)
        put_four(v, j, one)
        put_four(v, width + j, two)
        put_four(v, 2 * width + j, three)
        put_four(v, 3 * width + j, s * (four(v, 3 * width + j) - c * one - e * two - f * three))


@inline_kernel
def solve(n, u, width, inverse, b, x) -> None:
    """x = (UᵀU)⁻¹b for the factor U and 1 / its diagonal; ``b`` is overwritten."""
    for p in range(n):
        x[p] = inverse[p] * b[p]
        left = p // 4 * 4
        add(padded(n) - left, -x[p], pointer(u, p * width + left), pointer(b, left))
    for p in range(n - 1, -1, -1):
        total = x[p]
        # The newest last: the sums of different rows run side by side.
        for q in range(n - 1, p, -1):
            total -= u[p * width + q] * x[q]
        x[p] = inverse[p] * total


@inline_kernel
def factor(m, beta, tolerance, rows, left) -> int:
    """β = RᵀR by Cholesky, with pivoting where the rank is in doubt; ``rows`` (m, m) gets R, and its rank is returned."""
    width, top = padded(m), 0.0
    for i in range(m):
        top = max(top, beta[i * width + i])
    if top == 0.0:
        return 0
    for i in range(width * width):
        rows[i] = beta[i]
    for i in range(m, width):
        rows[i * width + i] = 1.0
    triangle(m, 0, width, tolerance * top, rows, left)
    for i in range(m):
        clear(i, pointer(rows, i * width))
        if not rows[i * width + i] ** 2 > CLEAR * top:
            return pivoted(m, beta, tolerance * top, rows, left)
    return m


@inline_kernel
def pivoted(m, beta, least, rows, left) -> int:
    """``factor`` with pivoting, down to pivots of ``least``."""
    width = padded(m)
    for i in range(m):
        left[i] = beta[i * width + i]
    for rank in range(m):
        best, row = 0, pointer(rows, rank * width)
        for i in range(1, m):
            if left[i] > left[best]:
                best = i
        clear(width, row)
        if not left[best] > least:
            return rank
        add(width, 1.0, pointer(beta, best * width), row)
        for i in range(rank):
            add(width, -rows[i * width + best], pointer(rows, i * width), row)
        root = np.sqrt(left[best])
        for i in range(m):
            row[i] /= root
            left[i] -= row[i] * row[i]
        left[best] = -1.0
    return m
