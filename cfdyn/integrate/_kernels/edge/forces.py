"""The flow at the edge: the forces that hold modes there.

With k > 0 critical modes U (k, d), UPUᵀ = I, the flow is F = F₀ + Σ x_p B_p over the pairs p of modes, and the
multipliers x solve a·F = 0: the edge of those modes is held. All of it is smooth in z where the eigenvalues of the modes
are separated from the others, also off the constraint.

Every function here is a rule ``(z, block, out)`` with an `Edge` as its block.
"""

import numpy as np

from cfdyn.kernels.edge.block import ABLATED, CENTRAL, Edge
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers

ROOT2 = np.sqrt(2.0)
NOTHING = 1e-12  # an eigenvalue of the scaled β that is 0
# Squares of forces, relative: round-off, and sizes at which errors of the edge would dominate: such forces are not used.
NO_PUSH, FAINT_PUSH = 1e-28, 1e-14
CLEAR = 1e-3  # a β of unit diagonal with larger pivots than this is far from singular
FAINT = 1e-8  # with a smaller eigenvalue the multipliers are not determined


@kernel_rule
def push(z, block, out):
    """The modes at z, B and a of all their pairs, (m, n) each, off-diagonal pairs with √2, and β = aBᵀ, ready for use."""
    b, state = Edge(block), numbers(z)
    same = b.fresh == 1
    for i in range(b.n):
        same = same and b.last[i] == state[i]
    if same:
        return
    call(b.follow, z, b, out)
    gather(b, state)
    for i in range(b.n):
        b.last[i] = state[i]
    b.fresh = 1


@inline_kernel
def gather(b, state):
    """B, a and β of the current modes."""
    n, m, forces, normals, pair = b.n, b.m, b.forces, b.normals, b.pair
    for i in range(n):
        b.inputs[i] = state[i]
    for p in range(m):
        for i in range(n):
            forces[p, i] = 0.0
            normals[p, i] = 0.0
    p = 0
    for q in range(b.k - b.soft):
        for r in range(q, b.k if b.kind == CENTRAL else q + 1):
            b.pushes += 1
            choose(b, q, r)
            call(b.force, b.inputs, b.p, pair)
            weight = 1.0 if r == q else ROOT2
            for i in range(n):
                forces[p, i] += weight * pair[0, i]
                normals[p, i] += weight * pair[1, i]
            p += 1 if b.kind == CENTRAL else 0
    for p in range(m):
        for s in range(m):
            total = 0.0
            for i in range(n):
                total += normals[p, i] * forces[s, i]
            b.beta[p, s] = total
    scale_beta(b)


@inline_kernel
def choose(b, q, r):
    """Set two modes as the directions of the inputs."""
    n, d, inputs, modes = b.n, b.d, b.inputs, b.modes
    for i in range(d):
        inputs[n + i] = modes[q, i]
        inputs[n + d + i] = modes[r, i]


@inline_kernel
def scale_beta(b):
    """β, scaled to a unit diagonal; its Cholesky factor, or its spectrum if it may be singular."""
    m, beta, scale, largest = b.m, b.beta, b.scale, 0.0
    for p in range(m):
        largest = max(largest, beta[p, p])
    idle, faint = 0, False
    for p in range(m):
        own = beta[p, p]
        scale[p] = 1.0 / np.sqrt(own) if own >= FAINT_PUSH * largest else 0.0
        idle += 1 if scale[p] == 0.0 else 0
        faint = faint or NO_PUSH * largest < own < FAINT_PUSH * largest
    for p in range(m):
        for s in range(p, m):
            entry = 0.5 * (beta[p, s] + beta[s, p]) * scale[p] * scale[s]
            beta[p, s] = entry
            beta[s, p] = entry
    b.weak = cholesky(m, beta)
    b.firm = 1 if b.weak > CLEAR else 0
    if b.firm == 0:
        b.order[0] = m
        call(b.eigh, beta, b.order, b.beta_eigen)
        b.weak = b.beta_eigen[0, idle] if idle < m else 1.0
    if faint:
        b.weak = 0.0


@inline_kernel
def cholesky(n, beta) -> float:
    """β = LLᵀ with L below the diagonal and its inverse on it, as long as pivots are clear of 0; returns the smallest pivot.

    The upper triangle of β stays, and the diagonal too if it fails: it is 1, or 0 for a pair that exerts no force.
    """
    least = np.inf
    for i in range(n):
        for j in range(i + 1):
            total = beta[j, i] if i != j else 1.0
            for k in range(j):
                total -= beta[i, k] * beta[j, k]
            if i != j:
                beta[i, j] = total * beta[j, j]
            else:
                least = min(least, total if beta[i, i] > 0.5 else 0.0)
                if not least > CLEAR:
                    for k in range(i):
                        beta[k, k] = 1.0
                    return least
                beta[i, i] = 1.0 / np.sqrt(total)
    return least


@inline_kernel
def solve_pairs(b, right, out):
    """The x of least norm with βx = right, after `push`; both may be the same array."""
    m, eigen, beta, work, scale = b.m, b.beta_eigen, b.beta, b.work, b.scale
    for s in range(m):
        total = 0.0
        if b.firm == 1:
            total = scale[s] * right[s]
            for p in range(s):
                total -= beta[s, p] * work[p]
            total *= beta[s, s]
        elif eigen[0, s] > NOTHING:
            for p in range(m):
                total += eigen[1 + p, s] * scale[p] * right[p]
            total /= eigen[0, s]
        work[s] = total
    for p in range(m - 1, -1, -1):
        total = work[p] if b.firm == 1 else 0.0
        if b.firm == 1:
            for s in range(p + 1, m):
                total -= beta[s, p] * work[s]
            total *= beta[p, p]
            work[p] = total
        else:
            for s in range(m):
                total += eigen[1 + p, s] * work[s]
        out[p] = scale[p] * total


@inline_kernel
def add_forces(b, slope):
    """Add to F₀ in ``slope`` the forces that keep the modes at the edge, after `push`."""
    n, m, x = b.n, b.m, b.x
    for p in range(m):
        total = 0.0
        for i in range(n):
            total -= b.normals[p, i] * slope[i]
        x[p] = total
    solve_pairs(b, x, x)
    for p in range(m):
        for i in range(n):
            slope[i] += x[p] * b.forces[p, i]


@kernel_rule
def hold(z, block, out):
    """F(z), (n,), with the modes continued to z; for the ablated flow F₀ with the step 2/λ₁ in place of 1/P."""
    b, slope = Edge(block), numbers(out)
    call(b.drift, z, b.p, out)
    if b.kind == ABLATED:
        call(b.follow, z, b, out)
        for i in range(b.d):
            slope[i] *= 2.0 * b.edge_matrix[b.d, i] / b.top
    else:
        call(b.push, z, b, b.pair)
        add_forces(b, slope)


@kernel_rule
def start(z, block, out):
    """F(z), (n,), with exactly the modes of the reference, where eigenvectors are not unique."""
    b = Edge(block)
    call(b.drift, z, b.p, out)
    call(b.edge, z, b.p, b.edge_matrix)
    for q in range(b.k):
        for i in range(b.d):
            b.modes[q, i] = b.reference[q, i] / np.sqrt(b.edge_matrix[b.d, i])
    gather(b, numbers(z))
    b.fresh = 0
    add_forces(b, numbers(out))
