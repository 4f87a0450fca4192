"""The corrector of `cfdyn.continuation._kernels` for an n-cycle of a map with one free parameter: multiple shooting.

The unknowns are the points x_1 … x_n and λ, the equations f(x_i, λ) − x_{i+1} = 0. `cyclic` leaves of them
C x_1 + E x_{n+1} + b λ = r. The multipliers μ are the roots of det(C + μE), also for a cycle that repels strongly, because
the composed map is never formed. The rows [C E] are made orthonormal. The test for a multiplier ±1 is 1/‖(C ± E)⁻¹B‖ with the
sign of det(C ± E) and a few fixed orthonormal columns B: bounded, smooth where only one multiplier is ±1, and no smaller where
there are many multipliers, as a determinant would be.
"""

from typing import Any

import numpy as np

from cfdyn.cycles._kernels.cyclic import Elimination, Ring, eliminate, finite, put_border, solve
from cfdyn.kernels.layout import Array, Integer, Rule
from cfdyn.machine.jit import address, borrowed, call, kernel, kernel_rule, numbers, pointer, spliced

# Tests: of −1 and of 1 as a multiplier, and the bordered determinant; then C, E, what is watched.
FLIP, FOLD, BRANCH, MATRICES = range(4)
MOST_PROBES = 4  # the columns B
MANY = 12  # entries of a fixed point, of which making the rows orthogonal would cost more than all else


class Shooting(Ring):
    """What `shooting` reads: blocks of w = D entries, and e = 1, λ, which stands at p[free].

    The rules make f, Df, ∂f/∂λ of a state and p, and the switching functions.
    """

    free, switches, parameters = Integer.several(3)
    step, switching = Rule.several(2)
    p = Array("parameters")
    probes = Integer()
    shifted = Array("w", "w + probes")
    probe = Array("w", "probes")


@kernel_rule
def shooting(z, block, out):
    """Corrections, tangent, sign and tests."""
    b, given, result = Shooting(block), numbers(z), numbers(out)
    d, n = b.w, b.n
    m = n * d + 1
    first = 2 * m + 1
    b.p[b.free] = given[m - 1]
    for i in range(n):
        call(b.step, pointer(given, i * d), b.p, pointer(b.links, i * d * (d + 2)))
        if b.switches > 0:
            watched = first + MATRICES + 2 * d * d + i * b.switches
            call(b.switching, pointer(given, i * d), b.p, pointer(result, watched))
    for i in range(d):
        b.closing[0, i] = given[i]
    put_border(b, given)
    sign = eliminate(b, given)
    orthonormalise(b)
    test(b, sign, pointer(result, first))
    result[first + BRANCH] = solve(b, sign, result)
    finite(b, result)


@kernel_rule
def condensed(z, block, out):
    """The sign of what was eliminated, C and E of n matrices that stand in the block; z is 0."""
    b, given, result = Ring(block), numbers(z), numbers(out)
    d, rows = b.w, b.stack
    result[0] = eliminate(b, given)
    orthonormalise(b)
    for r in range(d):
        for j in range(d):
            result[1 + r * d + j], result[1 + d * d + r * d + j] = rows[r, d + j], rows[r, j]


@spliced
def orthonormalise(b) -> None:
    """The rows [E C] of what is left, and with them b and r; those of a fixed point in many entries get the length 1 alone."""
    d, rows = b.w, b.stack
    against = 0 if b.n == 1 and d > MANY else 2
    for r in range(d):
        # Twice against each row before it, then to length 1.
        for q in range(against * r):
            other = q % r
            share = row_product(rows, r, other, 2 * d)
            for j in range(3 * d + 2):
                rows[r, j] -= share * rows[other, j]
        length = np.sqrt(row_product(rows, r, r, 2 * d))
        for j in range(3 * d + 2):
            rows[r, j] /= length


@spliced
def row_product(rows, r, other, count) -> float:
    """The product of two rows, as two sums that do not wait for each other; ``count`` is even."""
    even, odd = 0.0, 0.0
    for j in range(0, count, 2):
        even += rows[r, j] * rows[other, j]
        odd += rows[r, j + 1] * rows[other, j + 1]
    return even + odd


@spliced
def test(b, sign, address) -> None:
    """The tests of the multipliers −1 and 1, C and E. A factor with the sign of det E is common to all."""
    result, d, rows, shifted, probe, todo = numbers(address), b.w, b.stack, b.shifted, b.probe, Elimination(b.elimination)
    todo.rows, todo.columns, todo.width, todo.above = d, d, d + b.probes, 0
    for k in range(2):
        for r in range(d):
            for j in range(d):
                following, own = rows[r, j], rows[r, d + j]
                shifted[r, j] = own - following if k == FLIP else own + following
                result[MATRICES + r * d + j], result[MATRICES + d * d + r * d + j] = own, following
            for j in range(b.probes):
                shifted[r, d + j] = probe[r, j]
        call(b.reduce, shifted, todo, b.sign)
        value = sign * b.sign[0] / np.sqrt(solved_square(shifted, d, b.probes))
        # A 0 among the pivots makes infinities of the others.
        result[k] = value if value == value else 0.0


@spliced
def solved_square(table, d, columns) -> float:
    """‖X‖² of what an upper triangular matrix (d, d) with so many right-hand sides behind it is solved by."""
    total = 0.0
    for k in range(d, d + columns):
        for r in range(d - 1, -1, -1):
            entry = table[r, k]
            for j in range(r + 1, d):
                entry -= table[r, j] * table[j, k]
            table[r, k] = entry / table[r, r]
            total += table[r, k] * table[r, k]
    return total


def shooting_block(rule: Any, p: np.ndarray, free: int, n: int, d: int, switching: Any = None, switches: int = 0) -> Shooting:
    """The block of `shooting`: ``rule`` makes f, Df, ∂f/∂λ of a state and the parameters p; λ stands at p[free]."""
    watched = {"switching": switching, "switches": switches} if switches else {}
    probes = min(d, MOST_PROBES)
    probe = np.linalg.qr(np.cos(np.outer(1.0 + np.arange(d), 1.0 + np.arange(probes))))[0]
    return Shooting.make(w=d, n=n, e=1, free=free, parameters=len(p), step=rule, p=p, probes=probes, probe=probe, **watched)


def condense(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sign, C, E) of matrices A_1 … A_n (…, n, D, D): the eigenvalues μ of A_n … A_1 are the roots of det(C + μE).

    sign · det(C + μE) depends continuously on the matrices, however large their product.
    """
    *several, n, d, _ = matrices.shape
    out = np.empty((int(np.prod(several)), 1 + 2 * d * d))
    given = np.ascontiguousarray(matrices, dtype=float).reshape(len(out), n, d, d)
    condense_rows(address(condensed.compiled), Ring.make(w=d, n=n, e=1).memory, given, out)
    both = out[:, 1:].reshape(*several, 2, d, d)
    return out[:, 0].reshape(several), both[..., 0, :, :], both[..., 1, :, :]


@kernel
def condense_rows(rule, memory, matrices, out):
    """`condensed` for each of several cycles."""
    b, block, (rows, n, d, _) = Ring(memory), borrowed(memory), matrices.shape
    links, given = b.links, np.zeros(2 * (n * d + 1))
    for i in range(rows):
        for k in range(n):
            for r in range(d):
                for j in range(d):
                    links[k, 1 + r, j] = matrices[i, k, r, j]
        call(rule, given, block, pointer(out, i * out.shape[1]))


def tests_of(n: int, d: int, switches: int = 0) -> int:
    """How many tests `shooting` makes."""
    return MATRICES + 2 * d * d + n * switches
