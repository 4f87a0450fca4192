"""The modes of the edge at a state: by a linear system where they are held there, by a spectrum elsewhere."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.edge.block import (
    ABLATED,
    BORDERED,
    BY_VALUE,
    CENTRAL,
    CHOSEN,
    EDGE,
    EDGES,
    EIGEN,
    EIGH,
    FRESH,
    KIND,
    LOWEST,
    MATRIX,
    MODES,
    NEXT,
    PIVOTS,
    REFERENCE,
    SOFT,
    SPECTRA,
    SPECTRAL,
    SPECTRUM,
    TIE,
    TOP,
    WORK,
    D,
    K,
    P,
)
from cfdyn.kernels.linear.lu import factor, solve
from cfdyn.kernels.linear.symmetric import eigh
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

APART = 0.02  # an eigenvalue nearer to the edge of 2 than this would spoil the linear system


@kernel_rule
def decompose(matrix, size, out):
    """The spectrum of a symmetric matrix (n, n), n in ``size``."""
    n, spectrum = integers(size)[0], numbers(out)
    eigh(numbers(matrix)[: n * n].reshape((n, n)), spectrum[:n], spectrum[n : n + n * n].reshape((n, n)),
         spectrum[n + n * n : 3 * n + 2 * n * n])  # fmt: skip


@inline_kernel
def scaled_edge(m, at, z):
    """H and P at z, and S = P^-½ H P^-½ (H for the ablated flow), the modes so far lifted by TIE."""
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


@kernel_rule
def follow(z, block, out):
    """H, P and the modes U at z as they continue the reference R: (2 − S)V + RᵀG = 0, RV = 1, U = P^-½V.

    At the edge G = 0 and V spans the kernel of 2 − S; elsewhere G = −Uᵀ(2P − H)U, whose derivative is −a, is as good
    a constraint as the eigenvalues, smooth in z, and takes one linear system in place of a spectrum. Where another
    eigenvalue is near the edge, and for the sum of eigenvalues, the modes are eigenvectors.
    """
    m, at = numbers(block), integers(block)
    if at[SPECTRAL] == 1:
        call_from(m, SPECTRUM, z, block, out)
        take_modes(m, at)
        return
    scaled_edge(m, at, z)
    d, size = at[D], at[D] + at[K]
    bordered = m[at[BORDERED] : at[BORDERED] + (size + 1) * size].reshape((size + 1, size))
    pivots = at[at[PIVOTS] : at[PIVOTS] + size].reshape((1, size))
    for i in range(size):
        for j in range(size):
            if i < d and j < d:
                entry = (2.0 + m[TIE] if i == j else 0.0) - m[at[MATRIX] + i * d + j]
            elif i >= d and j >= d:
                entry = 0.0
            else:
                entry = m[at[REFERENCE] + (max(i, j) - d) * d + min(i, j)]
            bordered[i, j] = entry
    factor(bordered, pivots, 0)
    for q in range(at[K]):
        for i in range(size):
            bordered[size, i] = 1.0 if i == d + q else 0.0
        solve(bordered, pivots, 0)
        for i in range(d):
            m[at[MODES] + q * d + i] = bordered[size, i] / np.sqrt(m[at[EDGES] + d * d + i])


@kernel_rule
def spectrum(z, block, out):
    """The spectrum of S at z, which of it continues the reference, NEXT, LOWEST and TOP."""
    m, at = numbers(block), integers(block)
    scaled_edge(m, at, z)
    call_from(m, EIGH, pointer(m, at[MATRIX]), pointer(m, D), pointer(m, at[EIGEN]))
    m[TOP] = m[at[EIGEN] + at[D] - 1]
    m[NEXT] = m[TOP]
    if at[K] > 0:
        pick(m, at)


@inline_kernel
def pick(m, at):
    """The k eigenvectors that have most in common with the reference; NEXT is the largest other eigenvalue."""
    d, k, values, vectors, common = at[D], at[K], at[EIGEN], at[EIGEN] + at[D], at[WORK]
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
    m[NEXT] = -np.inf
    for j in range(d):
        if m[at[CHOSEN] + j] == 0.0:
            m[NEXT] = max(m[NEXT], m[values + j])


@inline_kernel
def take_modes(m, at):
    """The chosen eigenvectors become the modes; where some are not held, turned among themselves towards the reference."""
    d, modes, vectors = at[D], at[MODES], at[EIGEN] + at[D]
    for j in range(d):
        q = int(m[at[CHOSEN] + j]) - 1
        for i in range(d if q >= 0 else 0):
            m[modes + q * d + i] = m[vectors + i * d + j]
    for q in range(at[K] if at[SOFT] > 0 else 0):
        for i in range(d):
            m[modes + q * d + i] = 0.0
        for j in range(d):
            common = 0.0
            for i in range(d if m[at[CHOSEN] + j] > 0.0 else 0):
                common += m[vectors + i * d + j] * m[at[REFERENCE] + q * d + i]
            for i in range(d):
                m[modes + q * d + i] += common * m[vectors + i * d + j]
    if at[SOFT] > 0:
        orthonormal(m, modes, at[K], d)
    for q in range(at[K]):
        for i in range(d):
            m[modes + q * d + i] /= np.sqrt(m[at[EDGES] + d * d + i])


@kernel_rule
def turn_reference(z, block, out):
    """The eigenvectors at z become the modes and the reference."""
    m, at = numbers(block), integers(block)
    call_from(m, SPECTRUM, z, block, out)
    take_modes(m, at)
    adopt(m, at)


@inline_kernel
def orthonormal(m, rows, k, d):
    """k rows made orthonormal, one after the other."""
    for q in range(k):
        for r in range(q + 1):
            product = 0.0
            for i in range(d):
                product += m[rows + q * d + i] * m[rows + r * d + i]
            for i in range(d):
                if r < q:
                    m[rows + q * d + i] -= product * m[rows + r * d + i]
                else:
                    m[rows + q * d + i] /= np.sqrt(product)


@inline_kernel
def adopt(m, at):
    """The modes become the reference, and NEXT says how they are to be found."""
    d = at[D]
    for q in range(at[K]):
        for i in range(d):
            m[at[REFERENCE] + q * d + i] = m[at[MODES] + q * d + i] * np.sqrt(m[at[EDGES] + d * d + i])
    orthonormal(m, at[REFERENCE], at[K], d)
    at[FRESH] = 0
    if at[KIND] == CENTRAL:
        at[SPECTRAL] = 0 if 2.0 - m[NEXT] > APART else 1


@kernel_rule
def renew(z, block, out):
    """The modes as they are now become the reference."""
    adopt(numbers(block), integers(block))
