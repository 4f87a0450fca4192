"""The right-hand side of a flow, and its Jacobian, as the steppers call them.

With k > 0 critical modes U (k, d), UPUᵀ = I, the flow is F = F₀ + Σ x_p B_p over the pairs p of modes, and the
multipliers x solve a·F = 0: the edge of those modes is held. All of it is smooth in z where the modes are apart
from the other eigenvectors, also off the constraint.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn._jit import inline_kernel, pointer
from cfdyn.kernels.symmetric import eigh

PLAIN, CENTRAL, TRACE, ABLATED = range(4)
# Counters, and numbers that a call leaves behind for its caller.
SLOPES, JACOBIANS, SPECTRA, FORCES = range(4)
NEXT, LEAST, RANK, VIOLATION, TARGET, LOWEST, TOP, LARGEST = range(8)
# Equal eigenvalues are told apart by the modes so far; an error of this over the gap.
TIE = 1e-11
ROOT2 = np.sqrt(2.0)


class Field(NamedTuple):
    """What a stepper needs to know of a flow dz/dt = F(z) of n states; rules as in `cfdyn._jit`.

    ``k`` modes are held at the edge; ``reference`` (k, d) is the basis P^½U they are followed from. The arrays
    behind ``p`` are scratch; `cfdyn.integrate.fields` makes them.
    """

    kind: int
    n: int
    d: int
    k: int
    drift: Any
    drift_jacobian: Any
    edge: Any
    slack_jacobian: Any
    force: Any
    force_jacobian: Any
    p: np.ndarray
    reference: np.ndarray
    counts: np.ndarray
    notes: np.ndarray
    edges: np.ndarray
    matrix: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    chosen: np.ndarray
    modes: np.ndarray
    inputs: np.ndarray
    pair: np.ndarray
    b: np.ndarray
    a: np.ndarray
    x: np.ndarray
    beta: np.ndarray
    beta_values: np.ndarray
    beta_vectors: np.ndarray
    right: np.ndarray
    work: np.ndarray
    turns: np.ndarray
    pair_slopes: np.ndarray
    rates: np.ndarray


@inline_kernel
def derivative(field, z, out):
    """F(z) into ``out`` (n,)."""
    field.counts[SLOPES] += 1
    field.drift(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
    if field.kind == ABLATED:
        spectrum(field, z)
        slow_down(field, out)
    elif field.k > 0:
        spectrum(field, z)
        follow(field)
        hold(field, z, out)


@inline_kernel
def spectrum(field, z):
    """H and P at z, and the eigenvalues and eigenvectors of P^-½ H P^-½ (of H for the ablated flow)."""
    d, edges, matrix = field.d, field.edges, field.matrix
    field.counts[SPECTRA] += 1
    field.edge(pointer(z, 0), pointer(field.p, 0), pointer(edges, 0))
    for i in range(d):
        for j in range(d):
            matrix[i, j] = edges[i * d + j]
            if field.kind != ABLATED:
                matrix[i, j] /= np.sqrt(edges[d * d + i]) * np.sqrt(edges[d * d + j])
            for q in range(field.k):
                matrix[i, j] += TIE * field.reference[q, i] * field.reference[q, j]
    eigh(matrix, field.values, field.vectors, field.work)
    field.notes[NEXT] = field.values[d - 1]
    field.notes[TOP] = field.values[d - 1]


@inline_kernel
def follow(field):
    """The modes: the eigenvectors that have most in common with the reference; NEXT is the largest other eigenvalue."""
    d, notes, chosen = field.d, field.notes, field.chosen
    for j in range(d):
        chosen[j] = 0
        common = 0.0
        for q in range(field.k):
            product = 0.0
            for i in range(d):
                product += field.vectors[i, j] * field.reference[q, i]
            common += product * product
        field.work[j] = common
    notes[LOWEST] = np.inf
    for q in range(field.k):
        best = -1
        for j in range(d):
            if chosen[j] == 0 and (best < 0 or field.work[j] > field.work[best]):
                best = j
        chosen[best] = q + 1
        notes[LOWEST] = min(notes[LOWEST], field.values[best])
        for i in range(d):
            field.modes[q, i] = field.vectors[i, best] / np.sqrt(field.edges[d * d + i])
    notes[NEXT] = -np.inf
    for j in range(d):
        if chosen[j] == 0:
            notes[NEXT] = max(notes[NEXT], field.values[j])


@inline_kernel
def pair_forces(field, z):
    """B and a of all pairs of modes, (m, n) each, and β = aBᵀ; off-diagonal pairs carry √2."""
    n, d, k = field.n, field.d, field.k
    for i in range(n):
        field.inputs[i] = z[i]
    for p in range(field.x.size):
        for i in range(n):
            field.b[p, i] = 0.0
            field.a[p, i] = 0.0
    p = 0
    for q in range(k):
        for r in range(q, k):
            if field.kind == TRACE and r != q:
                continue
            force_of(field, q, r)
            weight = 1.0 if r == q else ROOT2
            for i in range(n):
                field.b[p, i] += weight * field.pair[i]
                field.a[p, i] += weight * field.pair[n + i]
            if field.kind != TRACE:
                p += 1
    for p in range(field.x.size):
        for s in range(field.x.size):
            total = 0.0
            for i in range(n):
                total += field.a[p, i] * field.b[s, i]
            field.beta[p, s] = total


@inline_kernel
def force_of(field, q, r):
    """B and a of one pair of modes into ``pair`` (2n,)."""
    n, d = field.n, field.d
    field.counts[FORCES] += 1
    for i in range(d):
        field.inputs[n + i] = field.modes[q, i]
        field.inputs[n + d + i] = field.modes[r, i]
    field.force(pointer(field.inputs, 0), pointer(field.p, 0), pointer(field.pair, 0))


@inline_kernel
def decompose(field):
    """β, scaled to a unit diagonal, into eigenvalues and vectors; its numerical rank into RANK."""
    m, beta, scale = field.x.size, field.beta, field.right
    largest = 0.0
    for p in range(m):
        largest = max(largest, beta[p, p])
    for p in range(m):
        # The square root of round-off squared: a pair that pushes nothing.
        scale[p] = 1.0 / np.sqrt(beta[p, p]) if beta[p, p] > 1e-28 * largest else 0.0
    for p in range(m):
        for s in range(p, m):
            entry = 0.5 * (beta[p, s] + beta[s, p]) * scale[p] * scale[s]
            field.beta[p, s] = entry
            field.beta[s, p] = entry
    eigh(field.beta, field.beta_values, field.beta_vectors, field.work)
    field.notes[RANK] = 0.0
    for p in range(m):
        if field.beta_values[p] > 1e-12:
            field.notes[RANK] += 1.0


@inline_kernel
def solve_pairs(field, right, out):
    """The x of least norm with βx = right, after `decompose`; ``out`` may be ``right``."""
    m, scale = field.x.size, field.right
    for s in range(m):
        total = 0.0
        if field.beta_values[s] > 1e-12:
            for p in range(m):
                total += field.beta_vectors[p, s] * scale[p] * right[p]
            total /= field.beta_values[s]
        field.work[s] = total
    for p in range(m):
        total = 0.0
        for s in range(m):
            total += field.beta_vectors[p, s] * field.work[s]
        out[p] = scale[p] * total


@inline_kernel
def hold(field, z, out):
    """Add to F₀ in ``out`` the forces that keep the modes where they are."""
    n = field.n
    pair_forces(field, z)
    decompose(field)
    for p in range(field.x.size):
        total = 0.0
        for i in range(n):
            total -= field.a[p, i] * out[i]
        field.x[p] = total
    solve_pairs(field, field.x, field.x)
    for p in range(field.x.size):
        for i in range(n):
            out[i] += field.x[p] * field.b[p, i]


@inline_kernel
def slow_down(field, out):
    """The step 2/λ₁(H) in place of 1/P on the weights."""
    d = field.d
    for i in range(d):
        out[i] *= 2.0 * field.edges[d * d + i] / field.values[d - 1]


@inline_kernel
def project(field, z) -> bool:
    """Move z along the forces until the modes are at the edge (their sum at TARGET); False if that fails."""
    for iteration in range(12):
        spectrum(field, z)
        follow(field)
        pair_forces(field, z)
        worst = shortfall(field)
        field.notes[VIOLATION] = worst
        if worst <= 2e-14:
            return True
        decompose(field)
        solve_pairs(field, field.pair, field.x)
        for p in range(field.x.size):
            for i in range(field.n):
                z[i] += field.x[p] * field.b[p, i]
        if not np.isfinite(worst):
            return False
    return field.notes[VIOLATION] <= 1e-11


@inline_kernel
def shortfall(field) -> float:
    """−uᵀ(2P − H)v for each pair into ``pair`` (m,), scaled as pairs are; returns the largest over 2."""
    d, p, worst = field.d, 0, 0.0
    if field.kind == TRACE:
        field.pair[0] = -field.notes[TARGET]
    for q in range(field.k):
        for r in range(q, field.k):
            if field.kind == TRACE and r != q:
                continue
            total = 0.0
            for i in range(d):
                total -= 2.0 * field.edges[d * d + i] * field.modes[q, i] * field.modes[r, i]
                for j in range(d):
                    total += field.modes[q, i] * field.edges[i * d + j] * field.modes[r, j]
            if field.kind == TRACE:
                field.pair[0] += total
                worst = abs(field.pair[0]) / 2
            else:
                field.pair[p] = total if r == q else ROOT2 * total
                worst = max(worst, abs(total) / 2)
                p += 1
    return worst
