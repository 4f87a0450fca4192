"""Newton's method on n blocks in a ring, y_{k+1} = g_k(y_k, γ), with a few unknowns γ common to all: the linear algebra.

The unknowns are y_1 … y_n of w entries each and then e common ones. The equations are g_k(y_k, γ) = y_{k+1}, where y_{n+1} is
what the *closing* makes of y_1 and the first of γ; e − 1 *conditions* on y_1 and γ; and a border, a row of all unknowns.
Eliminating y_2 … y_n one by one, with exchanges of rows, takes O(n w³) operations and leaves C y_1 + E y_{n+1} + B γ = r.

References
----------
Wright (1992), Stable parallel algorithms for two-point boundary value problems, SIAM J. Sci. Stat. Comput. 13, §2.
"""

from __future__ import annotations

import numpy as np

from cfdyn.machine.jit import call_from, integers, kernel_rule, numbers, pointer, put_rule, spliced

# A block of numbers begins with w, n, e; the rule for elimination and the four sizes it reads; where arrays begin. These are
# per k the value of g, its derivatives in y (by rows) and in each of γ; the same for the closing, with its first common
# unknown; the conditions with their derivatives; a stack of rows, pivot rows, border, scratch, y_{n+1}. The rest is free.
(W, N, E, REDUCE, ROWS, COLUMNS, WIDTH, ABOVE, LINEAR, CLOSING, CONDITIONS, STACK, SAVED, BORDER, SCRATCH, LAST,
 OWN) = range(17)  # fmt: skip


@kernel_rule
def reduce(table, sizes, sign):
    """Gaussian elimination with exchanges of rows, in place; the sign of the product of the pivots, 0 if it breaks down.

    ``sizes``: rows, columns to eliminate (those from the first on), columns, and whether above the diagonal too.
    """
    a, at, result = numbers(table), integers(sizes), numbers(sign)
    rows, columns, width, product = at[0], at[1], at[2], 1.0
    for k in range(columns):
        best = k
        for i in range(k + 1, rows):
            if abs(a[i * width + k]) > abs(a[best * width + k]):
                best = i
        if best != k:
            product = -product
            for j in range(k, width):
                entry = a[k * width + j]
                a[k * width + j] = a[best * width + j]
                a[best * width + j] = entry
        pivot = a[k * width + k]
        product *= np.sign(pivot)
        for i in range(0 if at[3] == 1 else k + 1, rows):
            multiple = a[i * width + k] / pivot
            if multiple != 0.0 and i != k:
                for j in range(k + 1, width):
                    a[i * width + j] -= multiple * a[k * width + j]
    result[0] = product if product == product else 0.0


@spliced
def put_border(a, at, given) -> None:
    """The border as it comes behind the unknowns."""
    w, n, e = at[W], at[N], at[E]
    m, border = n * w + e, at[BORDER]
    for i in range(n * w):
        a[border + i] = given[m + i]
    for i in range(w):
        a[border + n * w + i] = 0.0
    for i in range(e):
        a[border + (n + 1) * w + i] = given[m + n * w + i]
    a[border + (n + 1) * w + e] = 0.0


@spliced
def eliminate(a, at, given) -> float:
    """y_2 … y_n out of all rows and out of the border; the product of the pivots' signs.

    The columns of the stack are y_k, y_1, y_{k+1}, γ and the right-hand side. The rows of g(y_k) − y_{k+1} = 0 come below
    what is left of those before. At the end the first columns are those of y_{n+1}.
    """
    w, n, e, rows, border = at[W], at[N], at[E], at[STACK], at[BORDER]
    width, sign = 3 * w + e + 1, 1.0
    size, linears = w * width, w * (1 + w + e)
    at[ROWS], at[COLUMNS], at[WIDTH], at[ABOVE] = 2 * w, w, width, 0
    for k in range(n):
        own, following, below = 0 if k else w, 2 * w if k else 0, rows + size if k else rows
        linear = at[LINEAR] + k * linears
        for r in range(w):
            for j in range(3 * w):
                a[below + r * width + j] = 0.0
            for j in range(w):
                a[below + r * width + own + j] = a[linear + w + r * w + j]
            a[below + r * width + following + r] = -1.0
            for j in range(e):
                a[below + r * width + 3 * w + j] = a[linear + w + w * w + j * w + r]
            after = given[(k + 1) * w + r] if k < n - 1 else a[at[CLOSING] + r]
            a[below + r * width + 3 * w + e] = after - a[linear + r]
        if k == 0:
            continue
        call_from(a, REDUCE, pointer(a, rows), pointer(a, ROWS), pointer(a, at[SCRATCH]))
        sign *= a[at[SCRATCH]]
        saved = at[SAVED] + (k - 1) * size
        for r in range(w):
            multiple = a[border + k * w + r] / a[rows + r * width + r]
            for j in range(width):
                entry = a[rows + r * width + j]
                a[saved + r * width + j] = entry
                # Where this column stands in the border.
                place = k * w + j if j < w else j - w if j < 2 * w else (k - 1) * w + j if j < 3 * w else (n - 2) * w + j
                if j > r:
                    a[border + place] -= multiple * entry
                # What is left: y_{k+1} is the next to be eliminated.
                left = a[below + r * width + (j + 2 * w if j < w else j)]
                a[rows + r * width + j] = 0.0 if 2 * w <= j < 3 * w else left
    return sign


@spliced
def close(a, at, table, wide) -> None:
    """What is left and the border as rows of y_1, γ and two right-hand sides, y_{n+1} put in."""
    w, n, e, rows, border = at[W], at[N], at[E], at[STACK], at[BORDER]
    width, closing, last = 3 * w + e + 1, at[CLOSING] + w, table + (w + e - 1) * wide
    for r in range(w):
        for j in range(w):
            a[table + r * wide + j] = a[rows + r * width + w + j]
        for j in range(e + 1):
            a[table + r * wide + w + j] = a[rows + r * width + 3 * w + j]
    for j in range(w):
        a[last + j] = a[border + j]
    for j in range(e + 1):
        a[last + w + j] = a[border + (n + 1) * w + j]
    for i in range(w):
        # The derivatives of an entry of y_{n+1}, most of them 0.
        for j in range(w + 1):
            factor = a[closing + i * w + j] if j < w else a[closing + w * w + i]
            if factor != 0.0:
                for r in range(w):
                    a[table + r * wide + j] += factor * a[rows + r * width + i]
                a[last + j] += factor * a[border + n * w + i]


@spliced
def solve(a, at, sign, result) -> float:
    """Corrections (m), tangent (m) and the determinant's sign; the determinant of the rows that are left."""
    w, n, e, table = at[W], at[N], at[E], at[SCRATCH]
    wide, m = w + e + 2, n * w + e
    close(a, at, table, wide)
    for r in range(e - 1):
        condition, row = at[CONDITIONS] + r * (1 + w + e), table + (w + r) * wide
        for j in range(w + e):
            a[row + j] = a[condition + 1 + j]
        a[row + w + e] = -a[condition]
    for r in range(w + e):
        a[table + r * wide + w + e + 1] = 1.0 if r == w + e - 1 else 0.0
    at[ROWS], at[COLUMNS], at[WIDTH], at[ABOVE] = w + e, w + e, wide, 1
    call_from(a, REDUCE, pointer(a, table), pointer(a, ROWS), pointer(result, 2 * m))
    value = result[2 * m] * sign
    result[2 * m] = value
    for r in range(w + e):
        value *= abs(a[table + r * wide + r])
    for s in range(2):
        for r in range(w + e):
            entry = a[table + r * wide + w + e + s] / a[table + r * wide + r]
            result[s * m + (r if r < w else (n - 1) * w + r)] = entry
        back(a, at, s, result)
    return value


@spliced
def back(a, at, s, result) -> None:
    """y_n … y_2 of one of the two solutions from y_1 and γ."""
    w, n, e, last = at[W], at[N], at[E], at[LAST]
    width, first, closing = 3 * w + e + 1, s * (n * w + e), at[CLOSING] + w
    for i in range(w if n > 1 else 0):
        a[last + i] = a[closing + w * w + i] * result[first + n * w]
        for j in range(w):
            a[last + i] += a[closing + i * w + j] * result[first + j]
    for k in range(n - 1, 0, -1):
        for r in range(w - 1, -1, -1):
            row = at[SAVED] + ((k - 1) * w + r) * width
            entry = (1 - s) * a[row + 3 * w + e]
            for j in range(e):
                entry -= a[row + 3 * w + j] * result[first + n * w + j]
            for j in range(w):
                following = result[first + (k + 1) * w + j] if k < n - 1 else a[last + j]
                entry -= a[row + w + j] * result[first + j] + a[row + 2 * w + j] * following
            for j in range(r + 1, w):
                entry -= a[row + j] * result[first + k * w + j]
            result[first + k * w + r] = entry / a[row + r]


@spliced
def finite(a, at, result) -> None:
    """NaN into the first correction where a derivative is infinite, which would make everything converge."""
    for i in range(at[CLOSING] - at[LINEAR]):
        result[0] += 0.0 * a[at[LINEAR] + i]


def cyclic_block(n: int, w: int, e: int, own: int, numbers: int) -> tuple[np.ndarray, int]:
    """A block with ``own`` entries of the owner's behind the head and ``numbers`` more in an array of its own, which begins
    there; the derivative of the closing is the identity."""
    width, linear = 3 * w + e + 1, w * (1 + w + e)
    sizes = (n * linear, w * (2 + w), (e - 1) * (1 + w + e), 2 * w * width, (n - 1) * w * width, (n + 1) * w + e + 1,
             max((w + e) * (w + e + 2), w * w + 1), w, numbers)  # fmt: skip
    starts = OWN + own + np.concatenate([[0], np.cumsum(sizes)])
    block = np.zeros(int(starts[-1]))
    whole = block.view(np.int64)
    whole[[W, N, E]], whole[LINEAR:OWN] = (w, n, e), starts[:8]
    put_rule(block, REDUCE, reduce.compiled)
    block[starts[1] + w : starts[1] + w + w * w] = np.eye(w).ravel()
    return block, int(starts[8])
