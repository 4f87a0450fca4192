"""The exact Jacobian of a flow at the edge: that of its drift, of the forces of its modes, and of the modes themselves."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.edge.block import (
    ABLATED,
    BORDERED,
    CENTRAL,
    CHOSEN,
    DRIFT_JACOBIAN,
    EDGES,
    EIGEN,
    FORCE,
    FORCE_JACOBIAN,
    HOLD,
    INPUTS,
    KIND,
    PAIR,
    PIVOTS,
    RATES,
    SLACK_JACOBIAN,
    SLOPE,
    SLOPES_OF,
    SOFT,
    SPECTRAL,
    TOP,
    TURNS,
    A,
    B,
    D,
    K,
    M,
    N,
    P,
    X,
)
from cfdyn.kernels.edge.forces import ROOT2, choose, solve_pairs
from cfdyn.kernels.linear.lu import solve
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer


@kernel_rule
def hold_jacobian(z, block, out):
    """DF(z), (n, n)."""
    m, at, result = numbers(block), integers(block), numbers(out)
    n = at[N]
    call_from(m, HOLD, z, block, pointer(m, at[SLOPE]))
    call_from(m, DRIFT_JACOBIAN, z, pointer(m, at[P]), out)
    if at[KIND] == ABLATED:
        slowed(m, at, numbers(z), result)
        return
    turn_modes(m, at)
    bend_forces(m, at, result)
    for p in range(at[M]):
        for c in range(n):
            for r in range(n):
                m[at[RATES] + p * n + c] -= m[at[A] + p * n + r] * result[r * n + c]
    for c in range(n):
        for p in range(at[M]):
            m[at[PAIR] + p] = m[at[RATES] + p * n + c]
        solve_pairs(m, at, at[PAIR], at[PAIR])
        for p in range(at[M]):
            for r in range(n):
                result[r * n + c] += m[at[B] + p * n + r] * m[at[PAIR] + p]


@inline_kernel
def turn_modes(m, at):
    """The modes' derivatives by the state, (k, d, n), up to turns among themselves."""
    n, d = at[N], at[D]
    for q in range(at[K]):
        choose(m, at, q, q)
        call_from(m, SLACK_JACOBIAN, pointer(m, at[INPUTS]), pointer(m, at[P]), pointer(m, at[SLOPES_OF]))
        for i in range(d):
            for c in range(n):
                m[at[SLOPES_OF] + i * n + c] /= np.sqrt(m[at[EDGES] + d * d + i])
        if at[SPECTRAL] == 1:
            from_spectrum(m, at, q)
        else:
            from_system(m, at, q)
        for i in range(d):
            for c in range(n):
                m[at[TURNS] + (q * d + i) * n + c] /= np.sqrt(m[at[EDGES] + d * d + i])


@inline_kernel
def from_system(m, at, q):
    """Solutions of the linear system that the modes solve, for each column of the slope of (H − 2P)u."""
    n, d, size = at[N], at[D], at[D] + at[K]
    bordered = m[at[BORDERED] : at[BORDERED] + (size + 1) * size].reshape((size + 1, size))
    pivots = at[at[PIVOTS] : at[PIVOTS] + size].reshape((1, size))
    for c in range(n):
        for i in range(size):
            bordered[size, i] = m[at[SLOPES_OF] + i * n + c] if i < d else 0.0
        solve(bordered, pivots, 0)
        for i in range(d):
            m[at[TURNS] + (q * d + i) * n + c] = bordered[size, i]


@inline_kernel
def from_spectrum(m, at, q):
    """Of an eigenvector: the slope of (H − 2P)u along each of those not chosen, over their distance."""
    n, d, own = at[N], at[D], 0.0
    vectors, turn = at[EIGEN] + d, at[TURNS] + q * d * n
    for j in range(d):
        if m[at[CHOSEN] + j] == q + 1.0:
            own = m[at[EIGEN] + j]
    for i in range(d * n):
        m[turn + i] = 0.0
    for j in range(d):
        gap = own - m[at[EIGEN] + j]
        gap = gap if abs(gap) > 1e-12 else 1e-12
        for c in range(n if m[at[CHOSEN] + j] == 0.0 else 0):
            total = 0.0
            for i in range(d):
                total += m[vectors + i * d + j] * m[at[SLOPES_OF] + i * n + c]
            for i in range(d):
                m[turn + i * n + c] += m[vectors + i * d + j] * total / gap


@inline_kernel
def bend_forces(m, at, result):
    """Add Σ x_p DB_p to the result and put −(Da_p)·F at RATES, the modes turning with the state."""
    n, d = at[N], at[D]
    for i in range(at[M] * n):
        m[at[RATES] + i] = 0.0
    p = 0
    for q in range(at[K] - at[SOFT]):
        for r in range(q, at[K] if at[KIND] == CENTRAL else q + 1):
            choose(m, at, q, r)
            call_from(m, FORCE_JACOBIAN, pointer(m, at[INPUTS]), pointer(m, at[P]), pointer(m, at[SLOPES_OF]))
            weight = 1.0 if r == q else ROOT2
            for row in range(2 * n):
                place = at[SLOPES_OF] + row * (n + 2 * d)
                for c in range(n):
                    total = m[place + c]
                    for i in range(d):
                        total += m[place + n + i] * m[at[TURNS] + (q * d + i) * n + c]
                        total += m[place + n + d + i] * m[at[TURNS] + (r * d + i) * n + c]
                    if row < n:
                        result[row * n + c] += m[at[X] + p] * weight * total
                    else:
                        m[at[RATES] + p * n + c] -= weight * total * m[at[SLOPE] + row - n]
            p += 1 if at[KIND] == CENTRAL else 0


@inline_kernel
def slowed(m, at, z, result):
    """For dw/dt = −(2/S)g: −(2/S)H + (2/S²) g ∇Sᵀ on the weights."""
    n, d = at[N], at[D]
    for i in range(n):
        m[at[INPUTS] + i] = z[i]
    for i in range(d):
        entry = m[at[EIGEN] + d + i * d + d - 1]
        m[at[INPUTS] + n + i] = entry
        m[at[INPUTS] + n + d + i] = entry
    call_from(m, FORCE, pointer(m, at[INPUTS]), pointer(m, at[P]), pointer(m, at[PAIR]))
    for i in range(d):
        for c in range(n):
            result[i * n + c] = 0.0
        for c in range(d):
            bend = -2.0 * m[at[EDGES] + i * d + c] + m[at[SLOPE] + i] * m[at[PAIR] + n + c]
            result[i * n + c] = bend / m[TOP]
