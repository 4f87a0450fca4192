"""Projection onto the edge, the distance to the next event, and readings at a given time."""

import numpy as np

from cfdyn.integrate._kernels.edge.forces import FAINT, ROOT2, solve_pairs
from cfdyn.kernels.edge.block import CENTRAL, Edge
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers

NEGATIVE = 1e-3  # a part of the largest multiplier
UNMOVED = 5e-7  # of the edge


@kernel_rule
def project(z, block, out):
    """Move z along the forces until the modes are at the edge (their sum at ``target``); return the violation, NaN if that fails.

    A violation that no force changes may remain, up to `UNMOVED`: nearly uncoupled modes, whose eigenvalues almost cross.
    """
    b, state, violation = Edge(block), numbers(z), numbers(out)
    worst = np.inf
    for iteration in range(12):
        call(b.push, z, b, out)
        before, worst = worst, shortfall(b)
        if not worst > (1e-15 if iteration < 3 else 2e-14):
            break
        if iteration > 3 and b.weak <= FAINT and worst > 0.5 * before:
            break
        solve_pairs(b, b.right, b.x)
        for p in range(b.m):
            for i in range(b.n):
                state[i] += b.x[p] * b.forces[p, i]
    fine = worst <= (1e-11 if b.weak > FAINT else UNMOVED)
    violation[0] = worst if fine else np.nan
    if fine:
        b.worst = max(b.worst, worst)


@inline_kernel
def shortfall(b) -> float:
    """−uᵀ(2P − H)v for each pair as a right-hand side (m,), scaled as pairs are; returns the largest over 2."""
    d, modes, edge, right, p, worst, total_of_all = b.d, b.modes, b.edge_matrix, b.right, 0, 0.0, -b.target
    for q in range(b.k - b.soft):
        for r in range(q, b.k if b.kind == CENTRAL else q + 1):
            total = 0.0
            for i in range(d):
                total -= 2.0 * edge[d, i] * modes[q, i] * modes[r, i]
                for j in range(d):
                    total += modes[q, i] * edge[i, j] * modes[r, j]
            total_of_all += total
            right[p] = total if r == q else ROOT2 * total
            worst = max(worst, abs(total) / 2) + 0.0 * total
            p += 1 if b.kind == CENTRAL else 0
    if b.kind == CENTRAL:
        return worst
    right[0] = total_of_all
    return abs(total_of_all) / 2


@kernel_rule
def inspect(z, block, out):
    """The largest eigenvalue that is not held, the smallest one that is held, and the smallest of X, (3,)."""
    b, found = Edge(block), numbers(out)
    found[1], found[2] = np.inf, np.inf
    call(b.spectrum, z, b, out)
    if b.k - b.soft > 0:
        found[1] = b.lowest
        call(b.hold, z, b, b.slope)
        b.weakest = min(b.weakest, b.weak)
        if b.kind == CENTRAL:
            least = least_multiplier(b)
            # The next step recomputes its modes.
            b.fresh = 0
            # Undetermined multipliers give no information on the rank, but if they are negative Σ is not a covariance.
            found[2] = least if b.weak > FAINT or least < -NEGATIVE * b.multipliers_eigen[0, b.k - b.soft - 1] else np.inf
    found[0] = b.next


@inline_kernel
def least_multiplier(b) -> float:
    """The smallest eigenvalue of X on the held modes."""
    k, p, matrix = b.k - b.soft, 0, b.multipliers
    for q in range(k):
        for r in range(q, b.k):
            entry = b.x[p] if r == q else b.x[p] / ROOT2
            p += 1
            if r < k:
                matrix[q * k + r] = entry
                matrix[r * k + q] = entry
    b.order[0] = k
    call(b.eigh, matrix, b.order, b.multipliers_eigen)
    return b.multipliers_eigen[0, 0]


@kernel_rule
def read_off(z, block, out):
    """z projected onto the edge; the violation there, the slope (n,) and Σ = Σ_qr X_qr u_q u_rᵀ (d, d)."""
    b, state, found = Edge(block), numbers(z), numbers(out)
    n, d, p, modes = b.n, b.d, 0, b.modes
    found[0] = 0.0
    sigma = 1 + n
    for i in range(d * d):
        found[sigma + i] = 0.0
    if b.k > 0:
        if b.by_value == 1:
            call(b.turn_reference, z, b, out)
        for i in range(n):
            found[1 + i] = state[i]
        call(b.project, z, b, out)
        if not found[0] == found[0]:
            # If the edge cannot be reached, z is unchanged.
            for i in range(n):
                state[i] = found[1 + i]
    call(b.hold, z, b, b.slope)
    for i in range(n):
        found[1 + i] = b.slope[i]
    for q in range(b.k - b.soft):
        for r in range(q, b.k if b.kind == CENTRAL else q + 1):
            weight = b.x[p] if r == q else b.x[p] / ROOT2
            for i in range(d):
                for j in range(d):
                    product = modes[q, i] * modes[r, j]
                    if r != q:
                        product += modes[r, i] * modes[q, j]
                    found[sigma + i * d + j] += weight * product
            p += 1 if b.kind == CENTRAL else 0
