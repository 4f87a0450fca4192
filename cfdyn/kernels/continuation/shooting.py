"""The corrector of `cfdyn.kernels.continuation` for an n-cycle of a map with one free parameter: multiple shooting.

The unknowns are the points x_1 … x_n and λ, the equations f(x_i, λ) − x_{i+1} = 0. `cyclic` leaves of them
C x_1 + E x_{n+1} + b λ = r. The multipliers μ are the roots of det(C + μE), also for a cycle that repels strongly, because
the composed map is never formed. The rows [C E] are made orthonormal; so divided, det(M ∓ I) is smooth and bounded whatever
the multipliers are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.kernels.continuation.cyclic import (
    CLOSING,
    COLUMNS,
    LINEAR,
    OWN,
    REDUCE,
    ROWS,
    SCRATCH,
    STACK,
    WIDTH,
    N,
    W,
    cyclic_block,
    eliminate,
    finite,
    put_border,
    solve,
)
from cfdyn.machine.jit import addresses, apply, call_from, integers, kernel_rule, numbers, pointer, put_rule, spliced

# The rest of the block: place of λ among the parameters, switching functions; the rules for (f, Df, ∂f/∂λ) and for the
# switching functions; where the parameters begin.
FREE, SWITCHES, RULE, SWITCHING, P, END = range(OWN, OWN + 6)
# Tests: of det(M + I), det(M − I), and the bordered determinant; then C, E, what is watched.
FLIP, FOLD, BRANCH, MATRICES = range(4)


@kernel_rule
def shooting(z, block, out):
    """Corrections, tangent, sign and tests."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    d, n = at[W], at[N]
    m = n * d + 1
    first = 2 * m + 1
    a[at[P] + at[FREE]] = given[m - 1]
    for i in range(n):
        call_from(a, RULE, pointer(given, i * d), pointer(a, at[P]), pointer(a, at[LINEAR] + i * d * (d + 2)))
        if at[SWITCHES] > 0:
            watched = first + MATRICES + 2 * d * d + i * at[SWITCHES]
            call_from(a, SWITCHING, pointer(given, i * d), pointer(a, at[P]), pointer(result, watched))
    for i in range(d):
        a[at[CLOSING] + i] = given[i]
    put_border(a, at, given)
    sign = eliminate(a, at, given)
    orthonormalise(a, at)
    test(a, at, sign, pointer(result, first))
    result[first + BRANCH] = solve(a, at, sign, result)
    finite(a, at, result)


@kernel_rule
def condensed(z, block, out):
    """The sign of what was eliminated, C and E of n matrices that stand in the block; z is 0."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    d, rows = at[W], at[STACK]
    width = 3 * d + 2
    result[0] = eliminate(a, at, given)
    orthonormalise(a, at)
    for r in range(d):
        for j in range(d):
            result[1 + r * d + j], result[1 + d * d + r * d + j] = a[rows + r * width + d + j], a[rows + r * width + j]


@spliced
def orthonormalise(a, at) -> None:
    """The rows [E C] of what is left, and with them b and r."""
    d, rows = at[W], at[STACK]
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
    result, d, rows, scratch = numbers(address), at[W], at[STACK], at[SCRATCH]
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


def shooting_block(
    rule: Any, p: np.ndarray, free: int, n: int, d: int, switching: Any = None, switches: int = 0
) -> np.ndarray:
    """The block of `shooting`: ``rule`` makes f, Df, ∂f/∂λ of a state and the parameters p; λ stands at p[free]."""
    block, start = cyclic_block(n, d, 1, END - OWN, len(p))
    whole = block.view(np.int64)
    whole[[FREE, SWITCHES, P]] = free, switches, start
    put_rule(block, RULE, rule)
    if switches:
        put_rule(block, SWITCHING, switching)
    block[start:] = p
    return block


def condense(matrices: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """(sign, C, E) of matrices A_1 … A_n (n, D, D): the eigenvalues μ of A_n … A_1 are the roots of det(C + μE).

    sign · det(C + μE) depends continuously on the matrices, however large their product.
    """
    n, d = matrices.shape[:2]
    block, _ = cyclic_block(n, d, 1, 0, 0)
    first = int(block.view(np.int64)[LINEAR])
    block[first : first + n * d * (d + 2)].reshape(n, -1)[:, d : d + d * d] = matrices.reshape(n, -1)
    out = np.empty(1 + 2 * d * d)
    apply(addresses(condensed.compiled), 0, np.zeros(n * d), block, out)
    own, following = out[1:].reshape(2, d, d)
    return float(out[0]), own, following


def tests_of(n: int, d: int, switches: int = 0) -> int:
    """How many tests `shooting` makes."""
    return MATRICES + 2 * d * d + n * switches
