"""The corrector of `cfdyn.kernels.continuation` for an n-cycle of a map with one free parameter: multiple shooting.

The unknowns are the points x_1 … x_n and λ, the equations f(x_i, λ) − x_{i+1} = 0. Eliminating x_2 … x_n one by one, with
exchanges of rows, takes O(nD³) operations and leaves C x_1 + E x_{n+1} + b λ = r. The multipliers μ are the roots of
det(C + μE), also for a cycle that repels strongly, because the composed map is never formed. The rows [C E] are made
orthonormal; so divided, det(M ∓ I) is smooth and bounded whatever the multipliers are.

References
----------
Wright (1992), Stable parallel algorithms for two-point boundary value problems, SIAM J. Sci. Stat. Comput. 13, §2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn._jit import call_from, integers, kernel_rule, numbers, pointer, put_rule, spliced
from cfdyn.kernels.bordered import reduce

# The block: entries of a state, points, place of λ among the parameters, switching functions; the rules for (f, Df, ∂f/∂λ),
# for the switching functions and for elimination, the four sizes it reads; where arrays begin: parameters, linearisations, a
# stack of rows, pivot rows, border, scratch.
(D, N, FREE, SWITCHES, RULE, SWITCHING, REDUCE, ROWS, COLUMNS, WIDTH, ABOVE, P, LINEAR, STACK, SAVED, BORDER, SCRATCH,
 HEAD) = range(18)  # fmt: skip
# Tests: of det(M + I), det(M − I), and the bordered determinant; then C, E, what is watched.
FLIP, FOLD, BRANCH, MATRICES = range(4)


@kernel_rule
def shooting(z, block, out):
    """Corrections, tangent, sign and tests."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    d, n = at[D], at[N]
    m = n * d + 1
    first = 2 * m + 1
    a[at[P] + at[FREE]] = given[m - 1]
    for i in range(n):
        call_from(a, RULE, pointer(given, i * d), pointer(a, at[P]), pointer(a, at[LINEAR] + i * d * (d + 2)))
        if at[SWITCHES] > 0:
            watched = first + MATRICES + 2 * d * d + i * at[SWITCHES]
            call_from(a, SWITCHING, pointer(given, i * d), pointer(a, at[P]), pointer(result, watched))
    for i in range(m):
        a[at[BORDER] + i] = given[m + i]
    a[at[BORDER] + m] = 0.0
    sign = eliminate(a, at, given)
    orthonormalise(a, at)
    test(a, at, sign, pointer(result, first))
    solve(a, at, sign, result)
    for i in range(n * d * (d + 2)):
        # An infinite derivative would make everything converge.
        result[0] += 0.0 * a[at[LINEAR] + i]


@spliced
def eliminate(a, at, given) -> float:
    """x_2 … x_n out of all rows and out of the border; the product of the pivots' signs.

    The columns of the stack are x_k, x_1, x_{k+1}, λ and the right-hand side. The rows of f(x_k) − x_{k+1} = 0 come below
    what is left of those before.
    """
    d, n, rows, border = at[D], at[N], at[STACK], at[BORDER]
    width, sign, size = 3 * d + 2, 1.0, d * (3 * d + 2)
    at[ROWS], at[COLUMNS], at[WIDTH], at[ABOVE] = 2 * d, d, width, 0
    for k in range(n):
        own, following, below, after = 0 if k else d, 2 * d if k else 0, rows + size if k else rows, (k + 1) % n
        linear = at[LINEAR] + k * d * (d + 2)
        for r in range(d):
            for j in range(3 * d):
                a[below + r * width + j] = 0.0
            for j in range(d):
                a[below + r * width + own + j] = a[linear + d + r * d + j]
            a[below + r * width + following + r] = -1.0
            a[below + r * width + 3 * d] = a[linear + d + d * d + r]
            a[below + r * width + 3 * d + 1] = given[after * d + r] - a[linear + r]
        if k == 0:
            continue
        call_from(a, REDUCE, pointer(a, rows), pointer(a, ROWS), pointer(a, at[SCRATCH]))
        sign *= a[at[SCRATCH]]
        saved = at[SAVED] + (k - 1) * size
        for r in range(d):
            multiple = a[border + k * d + r] / a[rows + r * width + r]
            for j in range(width):
                entry = a[rows + r * width + j]
                a[saved + r * width + j] = entry
                # Where this column stands in the border.
                place = k * d + j if j < d else j - d if j < 2 * d else after * d + j - 2 * d if j < 3 * d else (n - 3) * d + j
                if j > r:
                    a[border + place] -= multiple * entry
                # What is left: x_{k+1} is the next to be eliminated.
                left = a[below + r * width + (j + 2 * d if j < d else j)]
                a[rows + r * width + j] = 0.0 if 2 * d <= j < 3 * d else left
    return sign


@spliced
def orthonormalise(a, at) -> None:
    """The rows [E C] of what is left, and with them b and r."""
    d, rows = at[D], at[STACK]
    width = 3 * d + 2
    for r in range(d):
        for q in range(2 * r + 1):
            # Twice against each row before it, then to length 1.
            other, total = q % r if q < 2 * r else r, 0.0
            for j in range(2 * d):
                total += a[rows + r * width + j] * a[rows + other * width + j]
            for j in range(width):
                entry = a[rows + r * width + j]
                a[rows + r * width + j] = entry / np.sqrt(total) if other == r else entry - total * a[rows + other * width + j]


@spliced
def test(a, at, sign, address) -> None:
    """The tests of det(M ± I), C and E. M = −E⁻¹C; a factor with the sign of det E is common to all."""
    result, d, rows, scratch = numbers(address), at[D], at[STACK], at[SCRATCH]
    width = 3 * d + 2
    at[ROWS], at[COLUMNS], at[WIDTH] = d, d, d
    for k in range(2):
        for r in range(d):
            for j in range(d):
                following, own = a[rows + r * width + j], a[rows + r * width + d + j]
                a[scratch + r * d + j] = own - following if k == FLIP else own + following
                result[MATRICES + r * d + j], result[MATRICES + d * d + r * d + j] = own, following
        call_from(a, REDUCE, pointer(a, scratch), pointer(a, ROWS), pointer(a, scratch + d * d))
        value = sign * a[scratch + d * d]
        for r in range(d):
            value *= abs(a[scratch + r * d + r])
        # A 0 among the pivots makes infinities of the others.
        result[k] = value if value == value else 0.0


@spliced
def solve(a, at, sign, result) -> None:
    """x_1 and λ from what is left, then x_n … x_2; the sign of the determinant, and its size as a test."""
    d, n, rows, border, table = at[D], at[N], at[STACK], at[BORDER], at[SCRATCH]
    width, m, wide = 3 * d + 2, n * d + 1, d + 3
    for r in range(d + 1):
        for j in range(d):
            a[table + r * wide + j] = a[rows + r * width + j] + a[rows + r * width + d + j] if r < d else a[border + j]
        for j in range(2):
            a[table + r * wide + d + j] = a[rows + r * width + 3 * d + j] if r < d else a[border + n * d + j]
        a[table + r * wide + d + 2] = 0.0 if r < d else 1.0
    at[ROWS], at[COLUMNS], at[WIDTH], at[ABOVE] = d + 1, d + 1, wide, 1
    call_from(a, REDUCE, pointer(a, table), pointer(a, ROWS), pointer(result, 2 * m))
    value = result[2 * m] * sign
    result[2 * m] = value
    for r in range(d + 1):
        value *= abs(a[table + r * wide + r])
    result[2 * m + 1 + BRANCH] = value
    for s in range(2):
        first = s * m
        for r in range(d):
            result[first + r] = a[table + r * wide + d + 1 + s] / a[table + r * wide + r]
        slope = a[table + d * wide + d + 1 + s] / a[table + d * wide + d]
        result[first + n * d] = slope
        for k in range(n - 1, 0, -1):
            after = first + (k + 1) % n * d
            for r in range(d - 1, -1, -1):
                row = at[SAVED] + ((k - 1) * d + r) * width
                entry = (1 - s) * a[row + 3 * d + 1] - a[row + 3 * d] * slope
                for j in range(d):
                    entry -= a[row + d + j] * result[first + j] + a[row + 2 * d + j] * result[after + j]
                for j in range(r + 1, d):
                    entry -= a[row + j] * result[first + k * d + j]
                result[first + k * d + r] = entry / a[row + r]


def shooting_block(
    rule: Any, p: np.ndarray, free: int, n: int, d: int, switching: Any = None, switches: int = 0
) -> np.ndarray:
    """The block of `shooting`: ``rule`` makes f, Df, ∂f/∂λ of a state and the parameters p; λ stands at p[free]."""
    sizes = (len(p), n * d * (d + 2), 2 * d * (3 * d + 2), (n - 1) * d * (3 * d + 2), n * d + 2, (d + 1) * (d + 3))
    starts = HEAD + np.concatenate([[0], np.cumsum(sizes)])
    block = np.zeros(int(starts[-1]))
    whole = block.view(np.int64)
    whole[P:HEAD], whole[[D, N, FREE, SWITCHES]] = starts[:-1], (d, n, free, switches)
    put_rule(block, RULE, rule)
    put_rule(block, REDUCE, reduce.compiled)
    if switches:
        put_rule(block, SWITCHING, switching)
    block[starts[0] : starts[1]] = p
    return block


def tests_of(n: int, d: int, switches: int = 0) -> int:
    """How many tests `shooting` makes."""
    return MATRICES + 2 * d * d + n * switches
