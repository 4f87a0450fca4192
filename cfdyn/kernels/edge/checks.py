"""Back onto the edge, the distance to the next event, and what is read off at a given time."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.edge.block import (
    BETA,
    BETA_EIGEN,
    BY_VALUE,
    CENTRAL,
    EDGES,
    EIGH,
    FRESH,
    HELD,
    HOLD,
    KIND,
    LOWEST,
    MODES,
    NEXT,
    PAIR,
    PROJECT,
    PUSH,
    SLOPE,
    SOFT,
    SPECTRUM,
    TARGET,
    TURN,
    WEAK,
    WEAKEST,
    WORST,
    B,
    D,
    K,
    M,
    N,
    X,
)
from cfdyn.kernels.edge.forces import FAINT, ROOT2, solve_pairs
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer


@kernel_rule
def project(z, block, out):
    """Move z along the forces until the modes are at the edge (their sum at TARGET); the violation, NaN if that fails."""
    m, at, state, violation = numbers(block), integers(block), numbers(z), numbers(out)
    for iteration in range(12):
        call_from(m, PUSH, z, block, out)
        worst = shortfall(m, at)
        if not worst > (1e-15 if iteration < 3 else 2e-14):
            break
        solve_pairs(m, at, at[PAIR], at[X])
        for p in range(at[M]):
            for i in range(at[N]):
                state[i] += m[at[X] + p] * m[at[B] + p * at[N] + i]
    violation[0] = worst if worst <= 1e-11 else np.nan
    if worst <= 1e-11:
        m[WORST] = max(m[WORST], worst)


@inline_kernel
def shortfall(m, at) -> float:
    """−uᵀ(2P − H)v for each pair at PAIR (m,), scaled as pairs are; returns the largest over 2."""
    d, modes, edges, p, worst, total_of_all = at[D], at[MODES], at[EDGES], 0, 0.0, -m[TARGET]
    for q in range(at[K] - at[SOFT]):
        for r in range(q, at[K] if at[KIND] == CENTRAL else q + 1):
            total = 0.0
            for i in range(d):
                total -= 2.0 * m[edges + d * d + i] * m[modes + q * d + i] * m[modes + r * d + i]
                for j in range(d):
                    total += m[modes + q * d + i] * m[edges + i * d + j] * m[modes + r * d + j]
            total_of_all += total
            m[at[PAIR] + p] = total if r == q else ROOT2 * total
            worst = max(worst, abs(total) / 2) + 0.0 * total
            p += 1 if at[KIND] == CENTRAL else 0
    if at[KIND] == CENTRAL:
        return worst
    m[at[PAIR]] = total_of_all
    return abs(total_of_all) / 2


@kernel_rule
def inspect(z, block, out):
    """The largest eigenvalue that is not held, the smallest that is, and the smallest of X, (3,)."""
    m, at, found = numbers(block), integers(block), numbers(out)
    k, p = at[K] - at[SOFT], 0
    found[1], found[2] = np.inf, np.inf
    call_from(m, SPECTRUM, z, block, out)
    if k > 0:
        found[1] = m[LOWEST]
        call_from(m, HOLD, z, block, pointer(m, at[SLOPE]))
        m[WEAKEST] = min(m[WEAKEST], m[WEAK])
        if at[KIND] == CENTRAL:
            for q in range(k):
                for r in range(q, at[K]):
                    entry = m[at[X] + p] if r == q else m[at[X] + p] / ROOT2
                    p += 1
                    if r < k:
                        m[at[BETA] + q * k + r] = entry
                        m[at[BETA] + r * k + q] = entry
            # β is gone with this.
            at[HELD], at[FRESH] = k, 0
            call_from(m, EIGH, pointer(m, at[BETA]), pointer(m, HELD), pointer(m, at[BETA_EIGEN]))
            # Multipliers that are not determined say nothing of a rank.
            found[2] = m[at[BETA_EIGEN]] if m[WEAK] > FAINT else np.inf
    found[0] = m[NEXT]


@kernel_rule
def read_off(z, block, out):
    """z moved onto the edge; the violation there, the slope (n,) and Σ = Σ_qr X_qr u_q u_rᵀ (d, d)."""
    m, at, found = numbers(block), integers(block), numbers(out)
    n, d, p = at[N], at[D], 0
    found[0] = 0.0
    sigma = 1 + n
    for i in range(d * d):
        found[sigma + i] = 0.0
    if at[K] > 0:
        if at[BY_VALUE] == 1:
            call_from(m, TURN, z, block, out)
        call_from(m, PROJECT, z, block, out)
    call_from(m, HOLD, z, block, pointer(m, at[SLOPE]))
    for i in range(n):
        found[1 + i] = m[at[SLOPE] + i]
    for q in range(at[K] - at[SOFT]):
        for r in range(q, at[K] if at[KIND] == CENTRAL else q + 1):
            weight = m[at[X] + p] if r == q else m[at[X] + p] / ROOT2
            for i in range(d):
                for j in range(d):
                    product = m[at[MODES] + q * d + i] * m[at[MODES] + r * d + j]
                    if r != q:
                        product += m[at[MODES] + r * d + i] * m[at[MODES] + q * d + j]
                    found[sigma + i * d + j] += weight * product
            p += 1 if at[KIND] == CENTRAL else 0
