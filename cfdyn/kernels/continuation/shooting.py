"""The corrector of `cfdyn.kernels.continuation` for an n-cycle of a map with one free parameter: multiple shooting.

The unknowns are the points x_1 … x_n and λ, the equations f(x_i, λ) − x_{i+1} = 0. `cyclic` leaves of them
C x_1 + E x_{n+1} + b λ = r. The multipliers μ are the roots of det(C + μE), also for a cycle that repels strongly, because
the composed map is never formed. The rows [C E] are made orthonormal; so divided, det(M ∓ I) is smooth and bounded whatever
the multipliers are.
"""

from typing import Any

import numpy as np

from cfdyn.kernels.continuation.cyclic import Elimination, Ring, eliminate, finite, put_border, solve
from cfdyn.kernels.layout import Array, Integer, Rule
from cfdyn.machine.jit import address, apply, call, kernel_rule, numbers, pointer, spliced

# Tests: of det(M + I), det(M − I), and the bordered determinant; then C, E, what is watched.
FLIP, FOLD, BRANCH, MATRICES = range(4)


class Shooting(Ring):
    """What `shooting` reads: blocks of w = D entries, and e = 1, λ, which stands at p[free].

    The rules make f, Df, ∂f/∂λ of a state and p, and the switching functions.
    """

    free, switches, parameters = Integer.several(3)
    step, switching = Rule.several(2)
    p = Array("parameters")
    shifted = Array("w", "w")


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
    """The rows [E C] of what is left, and with them b and r."""
    d, rows = b.w, b.stack
    for r in range(d):
        for q in range(2 * r + 1):
            # Twice against each row before it, then to length 1.
            other, total = q % r if q < 2 * r else r, 0.0
            for j in range(2 * d):
                total += rows[r, j] * rows[other, j]
            for j in range(3 * d + 2):
                entry = rows[r, j]
                rows[r, j] = entry / np.sqrt(total) if other == r else entry - total * rows[other, j]


@spliced
def test(b, sign, address) -> None:
    """The tests of det(M ± I), C and E. M = −E⁻¹C; a factor with the sign of det E is common to all."""
    result, d, rows, shifted, todo = numbers(address), b.w, b.stack, b.shifted, Elimination(b.elimination)
    todo.rows, todo.columns, todo.width = d, d, d
    for k in range(2):
        for r in range(d):
            for j in range(d):
                following, own = rows[r, j], rows[r, d + j]
                shifted[r, j] = own - following if k == FLIP else own + following
                result[MATRICES + r * d + j], result[MATRICES + d * d + r * d + j] = own, following
        call(b.reduce, shifted, todo, b.sign)
        value = sign * b.sign[0]
        for r in range(d):
            value *= abs(shifted[r, r])
        # A 0 among the pivots makes infinities of the others.
        result[k] = value if value == value else 0.0


def shooting_block(rule: Any, p: np.ndarray, free: int, n: int, d: int, switching: Any = None, switches: int = 0) -> Shooting:
    """The block of `shooting`: ``rule`` makes f, Df, ∂f/∂λ of a state and the parameters p; λ stands at p[free]."""
    watched = {"switching": switching, "switches": switches} if switches else {}
    return Shooting.make(w=d, n=n, e=1, free=free, parameters=len(p), step=rule, p=p, **watched)


def condense(matrices: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """(sign, C, E) of matrices A_1 … A_n (n, D, D): the eigenvalues μ of A_n … A_1 are the roots of det(C + μE).

    sign · det(C + μE) depends continuously on the matrices, however large their product.
    """
    n, d = matrices.shape[:2]
    ring = Ring.make(w=d, n=n, e=1)
    ring.links[:, 1:-1] = matrices
    out = np.empty(1 + 2 * d * d)
    apply(address(condensed.compiled), np.zeros(n * d), ring.memory, out)
    own, following = out[1:].reshape(2, d, d)
    return float(out[0]), own, following


def tests_of(n: int, d: int, switches: int = 0) -> int:
    """How many tests `shooting` makes."""
    return MATRICES + 2 * d * d + n * switches
