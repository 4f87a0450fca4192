"""The exact Jacobian of a flow: that of its drift, of the forces of its modes, and of the modes themselves."""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, pointer, stays_apart
from cfdyn.kernels.field import (
    ABLATED, B, A, CENTRAL, CHOSEN, EDGES, INPUTS, JACOBIANS, MODES, PAIR, RATES, ROOT2, SLOPES_OF, TOP, TURNS, VALUES,
    VECTORS, X, choose_modes, constrained, solve_pairs,
)  # fmt: skip


@inline_kernel
def jacobian(field, z, out):
    """DF(z) into ``out`` (n, n)."""
    field.counts[JACOBIANS] += 1
    field.drift_jacobian(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
    if field.kind == ABLATED or field.k > 0:
        constrained_jacobian(field, z, out)


@inline_kernel
def constrained_jacobian(field, z, out):
    """DF in place of DF₀, where the edge has a say."""
    stays_apart()
    n, m, at = field.n, field.memory, field.at
    slope = np.empty(n)
    field.drift(pointer(z, 0), pointer(field.p, 0), pointer(slope, 0))
    constrained(field, z, slope)
    if field.kind == ABLATED:
        slowed(field, z, slope, out)
        return
    turn_modes(field, z)
    bend_forces(field, slope, out)
    for p in range(field.m):
        for c in range(n):
            for r in range(n):
                m[at[RATES] + p * n + c] -= m[at[A] + p * n + r] * out[r, c]
    push_back(field, out)


@inline_kernel
def turn_modes(field, z):
    """The modes' derivatives by the state, (k, d, n), up to turns among themselves."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    for q in range(field.k):
        own = 0.0
        for j in range(d):
            if m[at[CHOSEN] + j] == q + 1.0:
                own = m[at[VALUES] + j]
        choose_modes(field, q, q)
        field.slack_jacobian(pointer(m, at[INPUTS]), pointer(field.p, 0), pointer(m, at[SLOPES_OF]))
        turn = at[TURNS] + q * d * n
        for i in range(d * n):
            m[turn + i] = 0.0
        for j in range(d):
            if m[at[CHOSEN] + j] == 0.0:
                gap = own - m[at[VALUES] + j]
                turn_by(field, j, turn, gap if abs(gap) > 1e-8 else 1e-8)


@inline_kernel
def turn_by(field, j, turn, gap):
    """Add what the eigenvector j takes part in a turn."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    p = at[EDGES] + d * d
    for c in range(n):
        total = 0.0
        for i in range(d):
            total += m[at[VECTORS] + i * d + j] / np.sqrt(m[p + i]) * m[at[SLOPES_OF] + i * n + c]
        for i in range(d):
            m[turn + i * n + c] += m[at[VECTORS] + i * d + j] / np.sqrt(m[p + i]) * total / gap


@inline_kernel
def bend_forces(field, slope, out):
    """Add Σ x_p DB_p to ``out`` and put −(Da_p)·F at RATES."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    for i in range(field.m * n):
        m[at[RATES] + i] = 0.0
    p = 0
    for q in range(field.k):
        for r in range(q, field.k if field.kind == CENTRAL else q + 1):
            choose_modes(field, q, r)
            field.force_jacobian(pointer(m, at[INPUTS]), pointer(field.p, 0), pointer(m, at[SLOPES_OF]))
            weight = 1.0 if r == q else ROOT2
            for row in range(2 * n):
                for c in range(n):
                    total = weight * along_turns(field, row, c, q, r)
                    if row < n:
                        out[row, c] += m[at[X] + p] * total
                    else:
                        m[at[RATES] + p * n + c] -= total * slope[row - n]
            p += 1 if field.kind == CENTRAL else 0


@inline_kernel
def along_turns(field, row, c, q, r) -> float:
    """The derivative by state c of one row of (B, a), the modes turning with it."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    place = at[SLOPES_OF] + row * (n + 2 * d)
    total = m[place + c]
    for i in range(d):
        total += m[place + n + i] * m[at[TURNS] + (q * d + i) * n + c]
        total += m[place + n + d + i] * m[at[TURNS] + (r * d + i) * n + c]
    return total


@inline_kernel
def push_back(field, out):
    """Add Σ B_p Dx_p, where β Dx_p are the rates."""
    n, m, at = field.n, field.memory, field.at
    for c in range(n):
        for p in range(field.m):
            m[at[PAIR] + p] = m[at[RATES] + p * n + c]
        solve_pairs(field, at[PAIR], at[PAIR])
        for p in range(field.m):
            for r in range(n):
                out[r, c] += m[at[B] + p * n + r] * m[at[PAIR] + p]


@inline_kernel
def slowed(field, z, slope, out):
    """For dw/dt = −(2/S)g: −(2/S)H + (2/S²) g ∇Sᵀ on the weights."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    for i in range(n):
        m[at[INPUTS] + i] = z[i]
    for i in range(d):
        m[at[INPUTS] + n + i] = m[at[VECTORS] + i * d + d - 1]
        m[at[INPUTS] + n + d + i] = m[at[VECTORS] + i * d + d - 1]
    field.force(pointer(m, at[INPUTS]), pointer(field.p, 0), pointer(m, at[PAIR]))
    for i in range(d):
        for c in range(n):
            out[i, c] = 0.0
        for c in range(d):
            out[i, c] = -2.0 / m[TOP] * m[at[EDGES] + i * d + c] + slope[i] / m[TOP] * m[at[PAIR] + n + c]
