"""The flow at the edge: the forces that hold modes there.

With k > 0 critical modes U (k, d), UPUᵀ = I, the flow is F = F₀ + Σ x_p B_p over the pairs p of modes, and the
multipliers x solve a·F = 0: the edge of those modes is held. All of it is smooth in z where the modes are apart
from the other eigenvectors, also off the constraint.

Everything here is a rule ``(z, block, out)``, the block as in `edge_block`.
"""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.edge.block import (
    ABLATED,
    BETA,
    BETA_EIGEN,
    CENTRAL,
    DRIFT,
    EDGE,
    EDGES,
    EIGH,
    FIRM,
    FOLLOW,
    FORCE,
    FORCES,
    FRESH,
    INPUTS,
    KIND,
    LAST,
    MODES,
    PAIR,
    PUSH,
    REFERENCE,
    SCALE,
    SOFT,
    TOP,
    WEAK,
    WORK,
    A,
    B,
    D,
    K,
    M,
    N,
    P,
    X,
)
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

ROOT2 = np.sqrt(2.0)
NOTHING = 1e-12  # an eigenvalue of the scaled β that is 0
# Squares of forces, relative: what is round-off, and what errors of the edge would make anything of.
NO_PUSH, FAINT_PUSH = 1e-28, 1e-14
CLEAR = 1e-3  # a β of unit diagonal with larger pivots than this is far from singular
FAINT = 1e-8  # with a smaller eigenvalue the multipliers are not determined


@kernel_rule
def push(z, block, out):
    """The modes at z, B and a of all their pairs, (m, n) each, off-diagonal pairs with √2, and β = aBᵀ, ready for use."""
    m, at, state = numbers(block), integers(block), numbers(z)
    same = at[FRESH] == 1
    for i in range(at[N]):
        same = same and m[at[LAST] + i] == state[i]
    if same:
        return
    call_from(m, FOLLOW, z, block, out)
    gather(m, at, state)
    for i in range(at[N]):
        m[at[LAST] + i] = state[i]
    at[FRESH] = 1


@inline_kernel
def gather(m, at, state):
    """B, a and β of the modes as they are."""
    n, size = at[N], at[M]
    for i in range(n):
        m[at[INPUTS] + i] = state[i]
    for i in range(size * n):
        m[at[B] + i] = 0.0
        m[at[A] + i] = 0.0
    p = 0
    for q in range(at[K] - at[SOFT]):
        for r in range(q, at[K] if at[KIND] == CENTRAL else q + 1):
            at[FORCES] += 1
            choose(m, at, q, r)
            call_from(m, FORCE, pointer(m, at[INPUTS]), pointer(m, at[P]), pointer(m, at[PAIR]))
            weight = 1.0 if r == q else ROOT2
            for i in range(n):
                m[at[B] + p * n + i] += weight * m[at[PAIR] + i]
                m[at[A] + p * n + i] += weight * m[at[PAIR] + n + i]
            p += 1 if at[KIND] == CENTRAL else 0
    for p in range(size):
        for s in range(size):
            total = 0.0
            for i in range(n):
                total += m[at[A] + p * n + i] * m[at[B] + s * n + i]
            m[at[BETA] + p * size + s] = total
    scale_beta(m, at)


@inline_kernel
def choose(m, at, q, r):
    """Two modes as the directions of the inputs."""
    n, d = at[N], at[D]
    for i in range(d):
        m[at[INPUTS] + n + i] = m[at[MODES] + q * d + i]
        m[at[INPUTS] + n + d + i] = m[at[MODES] + r * d + i]


@inline_kernel
def scale_beta(m, at):
    """β, scaled to a unit diagonal; its Cholesky factor, or its spectrum where it may be singular."""
    size, beta, scale, largest = at[M], at[BETA], at[SCALE], 0.0
    for p in range(size):
        largest = max(largest, m[beta + p * size + p])
    idle, faint = 0, False
    for p in range(size):
        own = m[beta + p * size + p]
        m[scale + p] = 1.0 / np.sqrt(own) if own > NO_PUSH * largest else 0.0
        idle += 1 if m[scale + p] == 0.0 else 0
        faint = faint or NO_PUSH * largest < own < FAINT_PUSH * largest
    for p in range(size):
        for s in range(p, size):
            entry = 0.5 * (m[beta + p * size + s] + m[beta + s * size + p]) * m[scale + p] * m[scale + s]
            m[beta + p * size + s] = entry
            m[beta + s * size + p] = entry
    m[WEAK] = cholesky(m, beta, size)
    at[FIRM] = 1 if m[WEAK] > CLEAR else 0
    if at[FIRM] == 0:
        call_from(m, EIGH, pointer(m, beta), pointer(m, M), pointer(m, at[BETA_EIGEN]))
        m[WEAK] = m[at[BETA_EIGEN] + idle] if idle < size else 1.0
    if faint:
        m[WEAK] = 0.0


@inline_kernel
def cholesky(m, first, n) -> float:
    """β = LLᵀ with L below the diagonal and its inverse on it, as long as pivots are clear; the smallest of them.

    The upper triangle of β stays, the diagonal too where it fails: it is 1, or 0 for a pair that pushes nothing.
    """
    least = np.inf
    for i in range(n):
        for j in range(i + 1):
            total = m[first + j * n + i] if i != j else 1.0
            for k in range(j):
                total -= m[first + i * n + k] * m[first + j * n + k]
            if i != j:
                m[first + i * n + j] = total * m[first + j * n + j]
            else:
                least = min(least, total if m[first + i * n + i] > 0.5 else 0.0)
                if not least > CLEAR:
                    for k in range(i):
                        m[first + k * n + k] = 1.0
                    return least
                m[first + i * n + i] = 1.0 / np.sqrt(total)
    return least


@inline_kernel
def solve_pairs(m, at, right, out):
    """The x of least norm with βx = right, after `push`; both are places in the block, and may be the same."""
    size, roots, axes, beta, work = at[M], at[BETA_EIGEN], at[BETA_EIGEN] + at[M], at[BETA], at[WORK]
    for s in range(size):
        total = 0.0
        if at[FIRM] == 1:
            total = m[at[SCALE] + s] * m[right + s]
            for p in range(s):
                total -= m[beta + s * size + p] * m[work + p]
            total *= m[beta + s * size + s]
        elif m[roots + s] > NOTHING:
            for p in range(size):
                total += m[axes + p * size + s] * m[at[SCALE] + p] * m[right + p]
            total /= m[roots + s]
        m[work + s] = total
    for p in range(size - 1, -1, -1):
        total = m[work + p] if at[FIRM] == 1 else 0.0
        if at[FIRM] == 1:
            for s in range(p + 1, size):
                total -= m[beta + s * size + p] * m[work + s]
            total *= m[beta + p * size + p]
            m[work + p] = total
        else:
            for s in range(size):
                total += m[axes + p * size + s] * m[work + s]
        m[out + p] = m[at[SCALE] + p] * total


@inline_kernel
def add_forces(m, at, slope):
    """Add to F₀ in ``slope`` what keeps the modes where they are, after `push`."""
    n = at[N]
    for p in range(at[M]):
        total = 0.0
        for i in range(n):
            total -= m[at[A] + p * n + i] * slope[i]
        m[at[X] + p] = total
    solve_pairs(m, at, at[X], at[X])
    for p in range(at[M]):
        for i in range(n):
            slope[i] += m[at[X] + p] * m[at[B] + p * n + i]


@kernel_rule
def hold(z, block, out):
    """F(z), (n,), with the modes followed to z; for the ablated flow F₀ with the step 2/λ₁ in place of 1/P."""
    m, at, slope = numbers(block), integers(block), numbers(out)
    call_from(m, DRIFT, z, pointer(m, at[P]), out)
    if at[KIND] == ABLATED:
        call_from(m, FOLLOW, z, block, out)
        for i in range(at[D]):
            slope[i] *= 2.0 * m[at[EDGES] + at[D] * at[D] + i] / m[TOP]
    else:
        call_from(m, PUSH, z, block, pointer(m, at[PAIR]))
        add_forces(m, at, slope)


@kernel_rule
def start(z, block, out):
    """F(z), (n,), with the modes exactly as the reference has them, where eigenvectors are not unique."""
    m, at, d = numbers(block), integers(block), integers(block)[D]
    call_from(m, DRIFT, z, pointer(m, at[P]), out)
    call_from(m, EDGE, z, pointer(m, at[P]), pointer(m, at[EDGES]))
    for q in range(at[K]):
        for i in range(d):
            m[at[MODES] + q * d + i] = m[at[REFERENCE] + q * d + i] / np.sqrt(m[at[EDGES] + d * d + i])
    gather(m, at, numbers(z))
    at[FRESH] = 0
    add_forces(m, at, numbers(out))
