"""The flow at the edge: modes that are followed, and the forces that hold them there.

With k > 0 critical modes U (k, d), UPUᵀ = I, the flow is F = F₀ + Σ x_p B_p over the pairs p of modes, and the
multipliers x solve a·F = 0: the edge of those modes is held. All of it is smooth in z where the modes are apart
from the other eigenvectors, also off the constraint.

Everything here is a rule ``(z, block, out)``. The block is laid out by `cfdyn.integrate.fields`: sizes and addresses of
rules, numbers that one rule leaves behind for another, and arrays.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer
from cfdyn.kernels.symmetric import eigh

PLAIN, CENTRAL, TRACE, ABLATED = range(4)
# Whole numbers: sizes, the kind, counts; then addresses of rules.
N, D, K, M, KIND, SPECTRA, FORCES = range(7)
DRIFT, EDGE, FORCE, DRIFT_JACOBIAN, SLACK_JACOBIAN, FORCE_JACOBIAN, EIGH, FOLLOW, PUSH, HOLD, PROJECT = range(7, 18)
# Numbers: the largest eigenvalue that is not held, the smallest that is, the rank of β, what the sum is held at, the
# largest of all, and what tells equal eigenvalues apart: a lift of the modes so far, an error of TIE over the gap.
NEXT, LOWEST, RANK, TARGET, TOP, TIE = range(18, 24)
# Whole numbers: where each array begins. A spectrum is n values, (n, n) vectors by columns, and scratch.
(P, REFERENCE, EDGES, MATRIX, SPECTRUM, CHOSEN, MODES, INPUTS, PAIR, B, A, X, BETA, SCALE, BETA_SPECTRUM, WORK, SLOPE, TURNS,
 SLOPES_OF, RATES, ARRAYS) = range(24, 45)  # fmt: skip
BY_VALUE = 45  # whether the modes are the largest eigenvalues, whatever the reference
SOFT = 46  # how many of the modes, the last, are kept apart from the others but not held themselves
HELD = 47  # how many are
WORST = 48  # a number: the largest violation that a projection has left
WEAK, WEAKEST = 49, 50  # the smallest eigenvalue of the scaled β, now and ever; pairs that push nothing do not count
FAINT = 1e-8  # below it the multipliers are not determined
HEAD = 56
ROOT2 = np.sqrt(2.0)
NOTHING, NO_PUSH = 1e-12, 1e-28  # relative: an eigenvalue of β that is 0; the square of a force that is round-off


@kernel_rule
def decompose(matrix, size, out):
    """The spectrum of a symmetric matrix (n, n), n in ``size``."""
    n, spectrum = integers(size)[0], numbers(out)
    eigh(numbers(matrix)[: n * n].reshape((n, n)), spectrum[:n], spectrum[n : n + n * n].reshape((n, n)),
         spectrum[n + n * n : 3 * n + 2 * n * n])  # fmt: skip


@kernel_rule
def follow(z, block, out):
    """H, P, the spectrum of P^-½ H P^-½ (of H for the ablated flow) at z, and the modes nearest to the reference."""
    m, at = numbers(block), integers(block)
    d, k, edges, p = at[D], at[K], at[EDGES], at[EDGES] + at[D] * at[D]
    at[SPECTRA] += 1
    call_from(m, EDGE, z, pointer(m, at[P]), pointer(m, edges))
    for i in range(d):
        for j in range(d):
            entry = m[edges + i * d + j]
            if at[KIND] != ABLATED:
                entry /= np.sqrt(m[p + i]) * np.sqrt(m[p + j])
            for q in range(k):
                entry += m[TIE] * m[at[REFERENCE] + q * d + i] * m[at[REFERENCE] + q * d + j]
            m[at[MATRIX] + i * d + j] = entry
    call_from(m, EIGH, pointer(m, at[MATRIX]), pointer(m, D), pointer(m, at[SPECTRUM]))
    m[TOP] = m[at[SPECTRUM] + d - 1]
    m[NEXT] = m[TOP]
    if k > 0:
        pick(m, at)


@inline_kernel
def pick(m, at):
    """The k eigenvectors that have most in common with the reference; NEXT is the largest other eigenvalue."""
    d, k, values, vectors, common = at[D], at[K], at[SPECTRUM], at[SPECTRUM] + at[D], at[WORK]
    for j in range(d):
        m[at[CHOSEN] + j] = 0.0
        m[common + j] = 0.0
        for q in range(k):
            product = 0.0
            for i in range(d):
                product += m[vectors + i * d + j] * m[at[REFERENCE] + q * d + i]
            m[common + j] += product * product
        if at[BY_VALUE] == 1:
            m[common + j] = m[values + j]
    m[LOWEST] = np.inf
    for q in range(k):
        best = -1
        for j in range(d):
            if m[at[CHOSEN] + j] == 0.0 and (best < 0 or m[common + j] > m[common + best]):
                best = j
        m[at[CHOSEN] + best] = q + 1.0
        m[LOWEST] = min(m[LOWEST], m[values + best])
        for i in range(d):
            m[at[MODES] + q * d + i] = m[vectors + i * d + best] / np.sqrt(m[at[EDGES] + d * d + i])
    if at[SOFT] > 0:
        align(m, at)
    m[NEXT] = -np.inf
    for j in range(d):
        if m[at[CHOSEN] + j] == 0.0:
            m[NEXT] = max(m[NEXT], m[values + j])


@inline_kernel
def align(m, at):
    """Turn the modes among themselves towards the reference: its rows, projected onto them and made orthonormal in turn."""
    d, k, modes, p, dots = at[D], at[K], at[MODES], at[EDGES] + at[D] * at[D], at[WORK]
    for q in range(k):
        for i in range(d):
            m[modes + q * d + i] = 0.0
        for j in range(d):
            m[dots] = 0.0
            for i in range(d if m[at[CHOSEN] + j] > 0.0 else 0):
                m[dots] += m[at[SPECTRUM] + d + i * d + j] * m[at[REFERENCE] + q * d + i]
            for i in range(d):
                m[modes + q * d + i] += m[dots] * m[at[SPECTRUM] + d + i * d + j]
        for r in range(q + 1):
            product = 0.0
            for i in range(d):
                product += m[modes + q * d + i] * m[modes + r * d + i]
            for i in range(d):
                if r < q:
                    m[modes + q * d + i] -= product * m[modes + r * d + i]
                else:
                    m[modes + q * d + i] /= np.sqrt(product)
    for q in range(k):
        for i in range(d):
            m[modes + q * d + i] /= np.sqrt(m[p + i])


@kernel_rule
def renew(z, block, out):
    """The modes as they are now become the reference."""
    m, at = numbers(block), integers(block)
    d = at[D]
    for q in range(at[K]):
        for i in range(d):
            m[at[REFERENCE] + q * d + i] = m[at[MODES] + q * d + i] * np.sqrt(m[at[EDGES] + d * d + i])


@kernel_rule
def push(z, block, out):
    """B and a of all pairs of modes, (m, n) each, off-diagonal pairs with √2, and β = aBᵀ, scaled and decomposed."""
    m, at = numbers(block), integers(block)
    n, size, state = at[N], at[M], numbers(z)
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
    """β, scaled to a unit diagonal, into its spectrum; its numerical rank into RANK."""
    size, beta, scale, largest = at[M], at[BETA], at[SCALE], 0.0
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
    call_from(m, EIGH, pointer(m, beta), pointer(m, M), pointer(m, at[BETA_SPECTRUM]))
    idle = 0
    for p in range(size):
        idle += 1 if m[scale + p] == 0.0 else 0
    m[WEAK] = m[at[BETA_SPECTRUM] + idle] if idle < size else 1.0
    m[WEAKEST] = min(m[WEAKEST], m[WEAK])
    m[RANK] = 0.0
    for p in range(size):
        if m[at[BETA_SPECTRUM] + p] > NOTHING:
            m[RANK] += 1.0


@inline_kernel
def solve_pairs(m, at, right, out):
    """The x of least norm with βx = right, after `push`; both are places in the block, and may be the same."""
    size, roots, axes = at[M], at[BETA_SPECTRUM], at[BETA_SPECTRUM] + at[M]
    for s in range(size):
        total = 0.0
        if m[roots + s] > NOTHING:
            for p in range(size):
                total += m[axes + p * size + s] * m[at[SCALE] + p] * m[right + p]
            total /= m[roots + s]
        m[at[WORK] + s] = total
    for p in range(size):
        total = 0.0
        for s in range(size):
            total += m[axes + p * size + s] * m[at[WORK] + s]
        m[out + p] = m[at[SCALE] + p] * total


@inline_kernel
def add_forces(m, at, z, block, slope):
    """Add to F₀ in ``slope`` what keeps the modes where they are."""
    n = at[N]
    call_from(m, PUSH, z, block, pointer(m, at[PAIR]))
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
    call_from(m, FOLLOW, z, block, out)
    if at[KIND] == ABLATED:
        for i in range(at[D]):
            slope[i] *= 2.0 * m[at[EDGES] + at[D] * at[D] + i] / m[TOP]
    else:
        add_forces(m, at, z, block, slope)


@kernel_rule
def start(z, block, out):
    """F(z), (n,), with the modes exactly as the reference has them, where eigenvectors are not unique."""
    m, at, d = numbers(block), integers(block), integers(block)[D]
    call_from(m, DRIFT, z, pointer(m, at[P]), out)
    call_from(m, EDGE, z, pointer(m, at[P]), pointer(m, at[EDGES]))
    for q in range(at[K]):
        for i in range(d):
            m[at[MODES] + q * d + i] = m[at[REFERENCE] + q * d + i] / np.sqrt(m[at[EDGES] + d * d + i])
    add_forces(m, at, z, block, numbers(out))
