"""The modes of the edge at a state: by a linear system where they are held there, by a spectrum elsewhere."""

import numpy as np

from cfdyn.kernels.edge.block import ABLATED, CENTRAL, Edge, Order
from cfdyn.kernels.linear.lu import factor, solve
from cfdyn.kernels.linear.symmetric import eigh, eigh_small
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers

APART = 0.02  # an eigenvalue nearer to the edge of 2 than this would spoil the linear system


@kernel_rule
def decompose(matrix, order, out):
    """The spectrum of a symmetric matrix (n, n): values, vectors by columns, scratch."""
    n, spectrum = Order(order).n, numbers(out)
    eigh(numbers(matrix)[: n * n].reshape((n, n)), spectrum[:n], spectrum[n : n + n * n].reshape((n, n)),
         spectrum[n + n * n : 3 * n + 2 * n * n])  # fmt: skip


@kernel_rule
def decompose_small(matrix, order, out):
    """The same, of a matrix of at most `SMALL` rows."""
    n, spectrum = Order(order).n, numbers(out)
    eigh_small(numbers(matrix)[: n * n].reshape((n, n)), spectrum[:n], spectrum[n : n + n * n].reshape((n, n)),
               spectrum[n + n * n : 3 * n + 2 * n * n])  # fmt: skip


@inline_kernel
def scaled_edge(b, z):
    """H and P at z, and S = P^-½ H P^-½ (H for the ablated flow), the modes so far lifted by ``tie``, neutral ones moved away."""
    d, k, edge, matrix, reference, neutral = b.d, b.k, b.edge_matrix, b.matrix, b.reference, b.neutral
    b.spectra += 1
    call(b.edge, z, b.p, edge)
    for i in range(d):
        for j in range(d):
            entry = edge[i, j]
            if b.kind != ABLATED:
                entry /= np.sqrt(edge[d, i]) * np.sqrt(edge[d, j])
            for q in range(k):
                entry += b.tie * reference[q, i] * reference[q, j]
            for q in range(b.aside):
                entry -= neutral[q, i] * neutral[q, j]
            matrix[i, j] = entry


@kernel_rule
def follow(z, block, out):
    """H, P and the modes U at z as they continue the reference R: (2 − S)V + RᵀG = 0, RV = 1, U = P^-½V.

    At the edge G = 0 and V spans the kernel of 2 − S; elsewhere G = −Uᵀ(2P − H)U, whose derivative is −a, is as good
    a constraint as the eigenvalues, smooth in z, and takes one linear system in place of a spectrum. Where another
    eigenvalue is near the edge, and for the sum of eigenvalues, the modes are eigenvectors.
    """
    b = Edge(block)
    if b.spectral == 1:
        call(b.spectrum, z, b, out)
        take_modes(b)
        return
    scaled_edge(b, z)
    d, size, bordered, reference = b.d, b.d + b.k, b.bordered, b.reference
    for i in range(size):
        for j in range(size):
            if i < d and j < d:
                entry = (2.0 + b.tie if i == j else 0.0) - b.matrix[i, j]
            elif i >= d and j >= d:
                entry = 0.0
            else:
                entry = reference[max(i, j) - d, min(i, j)]
            bordered[i, j] = entry
    factor(size, bordered, b.pivots, 0)
    for q in range(b.k):
        for i in range(size):
            bordered[size, i] = 1.0 if i == d + q else 0.0
        solve(size, bordered, b.pivots, 0)
        for i in range(d):
            b.modes[q, i] = bordered[size, i] / np.sqrt(b.edge_matrix[d, i])


@kernel_rule
def spectrum(z, block, out):
    """The spectrum of S at z, which of it continues the reference, and the eigenvalues ``next``, ``lowest`` and ``top``."""
    b = Edge(block)
    scaled_edge(b, z)
    b.order[0] = b.d
    call(b.eigh, b.matrix, b.order, b.eigen)
    b.top = b.eigen[0, b.d - 1]
    b.next = b.top
    if b.k > 0:
        pick(b)


@inline_kernel
def pick(b):
    """The k eigenvectors that have most in common with the reference; ``next`` is the largest other eigenvalue."""
    d, k, eigen, chosen, common = b.d, b.k, b.eigen, b.chosen, b.work
    for j in range(d):
        chosen[j] = 0.0
        common[j] = 0.0
        for q in range(k):
            product = 0.0
            for i in range(d):
                product += eigen[1 + i, j] * b.reference[q, i]
            common[j] += product * product
        if b.by_value == 1:
            common[j] = eigen[0, j]
    b.lowest = np.inf
    for q in range(k):
        best = -1
        for j in range(d):
            if chosen[j] == 0.0 and (best < 0 or common[j] > common[best]):
                best = j
        chosen[best] = q + 1.0
        b.lowest = min(b.lowest, eigen[0, best])
    b.next = -np.inf
    for j in range(d):
        if chosen[j] == 0.0:
            b.next = max(b.next, eigen[0, j])


@inline_kernel
def take_modes(b):
    """The chosen eigenvectors become the modes; where some are not held, turned among themselves towards the reference."""
    d, modes, eigen, chosen = b.d, b.modes, b.eigen, b.chosen
    for j in range(d):
        q = int(chosen[j]) - 1
        for i in range(d if q >= 0 else 0):
            modes[q, i] = eigen[1 + i, j]
    for q in range(b.k if b.soft > 0 else 0):
        for i in range(d):
            modes[q, i] = 0.0
        for j in range(d):
            common = 0.0
            for i in range(d if chosen[j] > 0.0 else 0):
                common += eigen[1 + i, j] * b.reference[q, i]
            for i in range(d):
                modes[q, i] += common * eigen[1 + i, j]
    if b.soft > 0:
        orthonormalise(modes, b.k, d)
    for q in range(b.k):
        for i in range(d):
            modes[q, i] /= np.sqrt(b.edge_matrix[d, i])


@kernel_rule
def turn_reference(z, block, out):
    """The eigenvectors at z become the modes and the reference."""
    b = Edge(block)
    call(b.spectrum, z, b, out)
    take_modes(b)
    adopt(b)


@inline_kernel
def orthonormalise(rows, k, d):
    """k rows made orthonormal, one after the other."""
    for q in range(k):
        for r in range(q + 1):
            product = 0.0
            for i in range(d):
                product += rows[q, i] * rows[r, i]
            for i in range(d):
                if r < q:
                    rows[q, i] -= product * rows[r, i]
                else:
                    rows[q, i] /= np.sqrt(product)


@inline_kernel
def adopt(b):
    """The modes become the reference, and ``next`` says how to compute them."""
    for q in range(b.k):
        for i in range(b.d):
            b.reference[q, i] = b.modes[q, i] * np.sqrt(b.edge_matrix[b.d, i])
    orthonormalise(b.reference, b.k, b.d)
    b.fresh = 0
    if b.kind == CENTRAL:
        b.spectral = 0 if 2.0 - b.next > APART else 1


@kernel_rule
def renew(z, block, out):
    """The modes as they are now become the reference."""
    adopt(Edge(block))
