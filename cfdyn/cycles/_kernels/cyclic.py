"""Newton's method on n blocks in a ring, y_{k+1} = g_k(y_k, γ), with a few unknowns γ common to all: the linear algebra.

The unknowns are y_1 … y_n of w entries each and then e common ones. The equations are g_k(y_k, γ) = y_{k+1}, where y_{n+1} is
what the *closing* makes of y_1 and the first of γ; e − 1 *conditions* on y_1 and γ; and a border, a row of all unknowns.
Eliminating y_2 … y_n one by one, with exchanges of rows, takes O(n w³) operations and leaves C y_1 + E y_{n+1} + B γ = r.

Wright (1992), Stable parallel algorithms for two-point boundary value problems, SIAM J. Sci. Stat. Comput. 13, §2.
"""

from typing import Any, Self

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers, spliced


class Elimination(Block):
    """What `reduce` is to do; ``above``: whether it eliminates above the diagonal too."""

    rows, columns, width, above = Integer.several(4)


@kernel_rule
def reduce(table, sizes, sign):
    """Gaussian elimination with exchanges of rows, in place; the sign of the product of the pivots, 0 if it breaks down.

    The first ``columns`` are eliminated in a matrix (rows, width).
    """
    a, todo, result = numbers(table), Elimination(sizes), numbers(sign)
    rows, columns, width, product = todo.rows, todo.columns, todo.width, 1.0
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
        for i in range(0 if todo.above == 1 else k + 1, rows):
            multiple = a[i * width + k] / pivot
            if multiple != 0.0 and i != k:
                for j in range(k + 1, width):
                    a[i * width + j] -= multiple * a[k * width + j]
    result[0] = product if product == product else 0.0


class Ring(Block):
    """The equations, linearised, and memory for their elimination.

    ``links``: for each k the value of g (w), its derivatives in y by rows (w, w) and in each of γ (e, w). ``closing``: the
    same of y_{n+1}, with its first common unknown only. ``conditions``: values, and derivatives in y_1 and γ. ``stack``: rows
    to be eliminated, ``saved``: pivot rows; ``border``: as it comes behind the unknowns, with a column for y_{n+1} and one for
    the right-hand side. ``table``: what is left of all, ``last``: y_{n+1} of a solution.
    """

    w, n, e = Integer.several(3)
    reduce = Rule()
    elimination = Integers(4)
    links = Array("n", "1 + w + e", "w")
    closing = Array("2 + w", "w")
    conditions = Array("e - 1", "1 + w + e")
    stack = Array("2*w", "3*w + e + 1")
    saved = Array("n - 1", "w", "3*w + e + 1")
    border = Array("(n + 1)*w + e + 1")
    sign = Array(1)
    table = Array("w + e", "w + e + 2")
    last = Array("w")

    @classmethod
    def make(cls, **values: Any) -> Self:
        """A new block; the closing is y_{n+1} = y_1 as far as no ``closing`` is given."""
        made = super().make(reduce=reduce.compiled, **values)
        made.closing[1:-1] = np.eye(made.w)
        return made


@spliced
def put_border(b, given) -> None:
    """The border as it comes behind the unknowns."""
    w, n, e, border = b.w, b.n, b.e, b.border
    m = n * w + e
    for i in range(n * w):
        border[i] = given[m + i]
    for i in range(w):
        border[n * w + i] = 0.0
    for i in range(e):
        border[(n + 1) * w + i] = given[m + n * w + i]
    border[(n + 1) * w + e] = 0.0


@spliced
def eliminate(b, given) -> float:
    """y_2 … y_n out of all rows and out of the border; the product of the pivots' signs.

    The columns of the stack are y_k, y_1, y_{k+1}, γ and the right-hand side. The rows of g(y_k) − y_{k+1} = 0 come below
    what is left of those before. At the end the first columns are those of y_{n+1}.
    """
    w, n, e, rows, border, links, closing, saved = b.w, b.n, b.e, b.stack, b.border, b.links, b.closing, b.saved
    width, sign, todo = 3 * w + e + 1, 1.0, Elimination(b.elimination)
    todo.rows, todo.columns, todo.width, todo.above = 2 * w, w, width, 0
    for k in range(n):
        own, following, below = 0 if k else w, 2 * w if k else 0, w if k else 0
        for r in range(w):
            for j in range(3 * w):
                rows[below + r, j] = 0.0
            for j in range(w):
                rows[below + r, own + j] = links[k, 1 + r, j]
            rows[below + r, following + r] = -1.0
            for j in range(e):
                rows[below + r, 3 * w + j] = links[k, 1 + w + j, r]
            after = given[(k + 1) * w + r] if k < n - 1 else closing[0, r]
            rows[below + r, 3 * w + e] = after - links[k, 0, r]
        if k == 0:
            continue
        call(b.reduce, rows, todo, b.sign)
        sign *= b.sign[0]
        for r in range(w):
            multiple = border[k * w + r] / rows[r, r]
            for j in range(width):
                entry = rows[r, j]
                saved[k - 1, r, j] = entry
                # Where this column stands in the border.
                place = k * w + j if j < w else j - w if j < 2 * w else (k - 1) * w + j if j < 3 * w else (n - 2) * w + j
                if j > r:
                    border[place] -= multiple * entry
                # What is left: y_{k+1} is the next to be eliminated.
                left = rows[w + r, j + 2 * w if j < w else j]
                rows[r, j] = 0.0 if 2 * w <= j < 3 * w else left
    return sign


@spliced
def close_ring(b) -> None:
    """Fill ``table`` with the w rows left and the border: columns y_1, γ and the right-hand side, y_{n+1} put in."""
    w, n, e, rows, border, closing, table = b.w, b.n, b.e, b.stack, b.border, b.closing, b.table
    last = w + e - 1
    for r in range(w):
        for j in range(w):
            table[r, j] = rows[r, w + j]
        for j in range(e + 1):
            table[r, w + j] = rows[r, 3 * w + j]
    for j in range(w):
        table[last, j] = border[j]
    for j in range(e + 1):
        table[last, w + j] = border[(n + 1) * w + j]
    for i in range(w):
        # The derivatives of an entry of y_{n+1}, most of them 0.
        for j in range(w + 1):
            factor = closing[1 + i, j] if j < w else closing[1 + w, i]
            if factor != 0.0:
                for r in range(w):
                    table[r, j] += factor * rows[r, i]
                table[last, j] += factor * border[n * w + i]


@spliced
def solve(b, sign, result) -> float:
    """Corrections (m), tangent (m) and the determinant's sign; the determinant of the rows that are left."""
    w, n, e, table, conditions, todo = b.w, b.n, b.e, b.table, b.conditions, Elimination(b.elimination)
    m = n * w + e
    close_ring(b)
    for r in range(e - 1):
        for j in range(w + e):
            table[w + r, j] = conditions[r, 1 + j]
        table[w + r, w + e] = -conditions[r, 0]
    for r in range(w + e):
        table[r, w + e + 1] = 1.0 if r == w + e - 1 else 0.0
    todo.rows, todo.columns, todo.width, todo.above = w + e, w + e, w + e + 2, 1
    call(b.reduce, table, todo, b.sign)
    result[2 * m] = value = b.sign[0] * sign
    for r in range(w + e):
        value *= abs(table[r, r])
    for s in range(2):
        for r in range(w + e):
            result[s * m + (r if r < w else (n - 1) * w + r)] = table[r, w + e + s] / table[r, r]
        substitute_back(b, s, result)
    return value


@spliced
def substitute_back(b, s, result) -> None:
    """y_n … y_2 of one of the two solutions from y_1 and γ."""
    w, n, e, last, closing, saved = b.w, b.n, b.e, b.last, b.closing, b.saved
    first = s * (n * w + e)
    for i in range(w if n > 1 else 0):
        last[i] = closing[1 + w, i] * result[first + n * w]
        for j in range(w):
            last[i] += closing[1 + i, j] * result[first + j]
    for k in range(n - 1, 0, -1):
        for r in range(w - 1, -1, -1):
            entry = (1 - s) * saved[k - 1, r, 3 * w + e]
            for j in range(e):
                entry -= saved[k - 1, r, 3 * w + j] * result[first + n * w + j]
            for j in range(w):
                following = result[first + (k + 1) * w + j] if k < n - 1 else last[j]
                entry -= saved[k - 1, r, w + j] * result[first + j] + saved[k - 1, r, 2 * w + j] * following
            for j in range(r + 1, w):
                entry -= saved[k - 1, r, j] * result[first + k * w + j]
            result[first + k * w + r] = entry / saved[k - 1, r, r]


@kernel_rule
def solved(z, block, out):
    """Corrections, tangent and sign of the equations that stand in a block; for those who need no more, compiled once."""
    b, given, result = Ring(block), numbers(z), numbers(out)
    put_border(b, given)
    solve(b, eliminate(b, given), result)


@spliced
def finite(b, result) -> None:
    """NaN into the first correction where a derivative is infinite, which would make everything converge."""
    for k in range(b.n):
        for row in range(1 + b.w + b.e):
            for i in range(b.w):
                result[0] += 0.0 * b.links[k, row, i]
