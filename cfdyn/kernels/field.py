"""The right-hand side of a flow, as the steppers call it.

With k > 0 critical modes U (k, d), UPUᵀ = I, the flow is F = F₀ + Σ x_p B_p over the pairs p of modes, and the
multipliers x solve a·F = 0: the edge of those modes is held. All of it is smooth in z where the modes are apart
from the other eigenvectors, also off the constraint.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn._jit import inline_kernel, pointer, stays_apart
from cfdyn.kernels.symmetric import eigh

PLAIN, CENTRAL, TRACE, ABLATED = range(4)
# The first entries of the memory: numbers that one call leaves behind for another.
NEXT, LEAST, RANK, VIOLATION, TARGET, LOWEST, TOP, LARGEST = range(8)
# Places in `at`, where the other arrays of the memory begin. Many array arguments would cost numba minutes.
(REFERENCE, EDGES, MATRIX, VALUES, VECTORS, CHOSEN, MODES, INPUTS, PAIR, B, A, X, BETA, SCALE, ROOTS, AXES, WORK, TURNS,
 SLOPES_OF, RATES, PLACES) = range(21)  # fmt: skip
# Counts of evaluations.
SLOPES, JACOBIANS, SPECTRA, FORCES = range(4)
# Equal eigenvalues are told apart by the modes so far; an error of this over the gap.
TIE = 1e-11
ROOT2 = np.sqrt(2.0)
NOTHING, NO_PUSH = 1e-12, 1e-28  # relative: an eigenvalue of β that is 0; the square of a force that is round-off


class Field(NamedTuple):
    """What a stepper needs to know of a flow dz/dt = F(z) of n states; rules as in `cfdyn._jit`.

    ``k`` modes of d weights are held at the edge by m multipliers. ``memory`` and ``at`` are laid out by
    `cfdyn.integrate.fields`; the basis P^½U the modes are followed from is at REFERENCE.
    """

    kind: int
    n: int
    d: int
    k: int
    m: int
    drift: Any
    drift_jacobian: Any
    edge: Any
    slack_jacobian: Any
    force: Any
    force_jacobian: Any
    p: np.ndarray
    memory: np.ndarray
    at: np.ndarray
    counts: np.ndarray


@inline_kernel
def derivative(field, z, out):
    """F(z) into ``out`` (n,)."""
    field.drift(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
    field.counts[SLOPES] += 1
    if field.kind == ABLATED or field.k > 0:
        constrained(field, z, out)


@inline_kernel
def constrained(field, z, out):
    """F in place of F₀, where the edge has a say."""
    stays_apart()
    spectrum(field, z)
    if field.kind == ABLATED:
        slow_down(field, out)
    else:
        follow(field)
        hold(field, z, out)


@inline_kernel
def decompose(field, n, matrix, values, vectors):
    """Eigenvalues and eigenvectors of a symmetric matrix (n, n) in the memory."""
    stays_apart()
    memory, work = field.memory, field.at[WORK]
    eigh(memory[matrix : matrix + n * n].reshape((n, n)), memory[values : values + n],
         memory[vectors : vectors + n * n].reshape((n, n)), memory[work : work + n * n + 2 * n])  # fmt: skip


@inline_kernel
def spectrum(field, z):
    """H and P at z, and the eigenvalues and eigenvectors of P^-½ H P^-½ (of H for the ablated flow)."""
    stays_apart()
    d, m, at = field.d, field.memory, field.at
    edges, matrix, reference, p = at[EDGES], at[MATRIX], at[REFERENCE], at[EDGES] + field.d * field.d
    field.counts[SPECTRA] += 1
    field.edge(pointer(z, 0), pointer(field.p, 0), pointer(m, edges))
    for i in range(d):
        for j in range(d):
            entry = m[edges + i * d + j]
            if field.kind != ABLATED:
                entry /= np.sqrt(m[p + i]) * np.sqrt(m[p + j])
            for q in range(field.k):
                entry += TIE * m[reference + q * d + i] * m[reference + q * d + j]
            m[matrix + i * d + j] = entry
    decompose(field, d, matrix, at[VALUES], at[VECTORS])
    m[NEXT] = m[at[VALUES] + d - 1]
    m[TOP] = m[NEXT]


@inline_kernel
def follow(field):
    """The modes: the eigenvectors that have most in common with the reference; NEXT is the largest other eigenvalue."""
    d, m, at = field.d, field.memory, field.at
    vectors, values, chosen, common = at[VECTORS], at[VALUES], at[CHOSEN], at[WORK]
    for j in range(d):
        m[chosen + j] = 0.0
        m[common + j] = 0.0
        for q in range(field.k):
            product = 0.0
            for i in range(d):
                product += m[vectors + i * d + j] * m[at[REFERENCE] + q * d + i]
            m[common + j] += product * product
    m[LOWEST] = np.inf
    for q in range(field.k):
        best = -1
        for j in range(d):
            if m[chosen + j] == 0.0 and (best < 0 or m[common + j] > m[common + best]):
                best = j
        m[chosen + best] = q + 1.0
        m[LOWEST] = min(m[LOWEST], m[values + best])
        for i in range(d):
            m[at[MODES] + q * d + i] = m[vectors + i * d + best] / np.sqrt(m[at[EDGES] + d * d + i])
    m[NEXT] = -np.inf
    for j in range(d):
        if m[chosen + j] == 0.0:
            m[NEXT] = max(m[NEXT], m[values + j])


@inline_kernel
def pair_forces(field, z):
    """B and a of all pairs of modes, (m, n) each, and β = aBᵀ; off-diagonal pairs carry √2."""
    n, m, at = field.n, field.memory, field.at
    for i in range(n):
        m[at[INPUTS] + i] = z[i]
    for i in range(field.m * n):
        m[at[B] + i] = 0.0
        m[at[A] + i] = 0.0
    p = 0
    for q in range(field.k):
        for r in range(q, field.k if field.kind == CENTRAL else q + 1):
            force_of(field, q, r)
            weight = 1.0 if r == q else ROOT2
            for i in range(n):
                m[at[B] + p * n + i] += weight * m[at[PAIR] + i]
                m[at[A] + p * n + i] += weight * m[at[PAIR] + n + i]
            p += 1 if field.kind == CENTRAL else 0
    for p in range(field.m):
        for s in range(field.m):
            total = 0.0
            for i in range(n):
                total += m[at[A] + p * n + i] * m[at[B] + s * n + i]
            m[at[BETA] + p * field.m + s] = total


@inline_kernel
def choose_modes(field, q, r):
    """Two modes as the directions of the inputs."""
    n, d, m, at = field.n, field.d, field.memory, field.at
    for i in range(d):
        m[at[INPUTS] + n + i] = m[at[MODES] + q * d + i]
        m[at[INPUTS] + n + d + i] = m[at[MODES] + r * d + i]


@inline_kernel
def force_of(field, q, r):
    """B and a of one pair of modes at PAIR (2n,)."""
    field.counts[FORCES] += 1
    choose_modes(field, q, r)
    field.force(pointer(field.memory, field.at[INPUTS]), pointer(field.p, 0), pointer(field.memory, field.at[PAIR]))


@inline_kernel
def scale_beta(field):
    """β, scaled to a unit diagonal, into eigenvalues and vectors; its numerical rank into RANK."""
    size, m, at = field.m, field.memory, field.at
    beta, scale, largest = at[BETA], at[SCALE], 0.0
    for p in range(size):
        largest = max(largest, m[beta + p * size + p])
    for p in range(size):
        own = m[beta + p * size + p]
        m[scale + p] = 1.0 / np.sqrt(own) if own > NO_PUSH * largest else 0.0
    for p in range(size):
        for s in range(p, size):
            entry = 0.5 * (m[beta + p * size + s] + m[beta + s * size + p]) * m[scale + p] * m[scale + s]
            m[beta + p * size + s] = entry
            m[beta + s * size + p] = entry
    decompose(field, size, beta, at[ROOTS], at[AXES])
    m[RANK] = 0.0
    for p in range(size):
        if m[at[ROOTS] + p] > NOTHING:
            m[RANK] += 1.0


@inline_kernel
def solve_pairs(field, right, out):
    """The x of least norm with βx = right, after `scale_beta`; both are places in the memory, and may be the same."""
    size, m, at = field.m, field.memory, field.at
    for s in range(size):
        total = 0.0
        if m[at[ROOTS] + s] > NOTHING:
            for p in range(size):
                total += m[at[AXES] + p * size + s] * m[at[SCALE] + p] * m[right + p]
            total /= m[at[ROOTS] + s]
        m[at[WORK] + s] = total
    for p in range(size):
        total = 0.0
        for s in range(size):
            total += m[at[AXES] + p * size + s] * m[at[WORK] + s]
        m[out + p] = m[at[SCALE] + p] * total


@inline_kernel
def hold(field, z, out):
    """Add to F₀ in ``out`` the forces that keep the modes where they are."""
    stays_apart()
    n, m, at = field.n, field.memory, field.at
    pair_forces(field, z)
    scale_beta(field)
    for p in range(field.m):
        total = 0.0
        for i in range(n):
            total -= m[at[A] + p * n + i] * out[i]
        m[at[X] + p] = total
    solve_pairs(field, at[X], at[X])
    for p in range(field.m):
        for i in range(n):
            out[i] += m[at[X] + p] * m[at[B] + p * n + i]


@inline_kernel
def slow_down(field, out):
    """The step 2/λ₁(H) in place of 1/P on the weights."""
    d, m, at = field.d, field.memory, field.at
    for i in range(d):
        out[i] *= 2.0 * m[at[EDGES] + d * d + i] / m[TOP]


@inline_kernel
def project(field, z) -> bool:
    """Move z along the forces until the modes are at the edge (their sum at TARGET); False if that fails."""
    stays_apart()
    m, at = field.memory, field.at
    for iteration in range(12):
        spectrum(field, z)
        follow(field)
        pair_forces(field, z)
        m[VIOLATION] = shortfall(field)
        if not m[VIOLATION] > 2e-14:
            return m[VIOLATION] <= 2e-14
        scale_beta(field)
        solve_pairs(field, at[PAIR], at[X])
        for p in range(field.m):
            for i in range(field.n):
                z[i] += m[at[X] + p] * m[at[B] + p * field.n + i]
    return m[VIOLATION] <= 1e-11


@inline_kernel
def shortfall(field) -> float:
    """−uᵀ(2P − H)v for each pair at PAIR (m,), scaled as pairs are; returns the largest over 2."""
    d, m, at = field.d, field.memory, field.at
    pair, modes, edges, p, worst = at[PAIR], at[MODES], at[EDGES], 0, 0.0
    sum_of_all = -m[TARGET]
    for q in range(field.k):
        for r in range(q, field.k if field.kind == CENTRAL else q + 1):
            total = 0.0
            for i in range(d):
                total -= 2.0 * m[edges + d * d + i] * m[modes + q * d + i] * m[modes + r * d + i]
                for j in range(d):
                    total += m[modes + q * d + i] * m[edges + i * d + j] * m[modes + r * d + j]
            sum_of_all += total
            m[pair + p] = total if r == q else ROOT2 * total
            worst = max(worst, abs(total) / 2)
            p += 1 if field.kind == CENTRAL else 0
    if field.kind == CENTRAL:
        return worst
    m[pair] = sum_of_all
    return abs(sum_of_all) / 2
