"""The exact Jacobian of a flow at the edge: that of its drift, of the forces of its modes, and of the modes themselves."""

import numpy as np

from cfdyn.integrate._kernels.edge.forces import ROOT2, choose, solve_pairs
from cfdyn.kernels.edge.block import ABLATED, CENTRAL, Edge
from cfdyn.kernels.linear.lu import solve
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers


@kernel_rule
def hold_jacobian(z, block, out):
    """DF(z), (n, n)."""
    b, result = Edge(block), numbers(out)
    n, m, rates, right = b.n, b.m, b.rates, b.right
    call(b.hold, z, b, b.slope)
    call(b.drift_jacobian, z, b.p, out)
    if b.kind == ABLATED:
        slowed(b, numbers(z), result)
        return
    turn_modes(b)
    bend_forces(b, result)
    for p in range(m):
        for c in range(n):
            for r in range(n):
                rates[p, c] -= b.normals[p, r] * result[r * n + c]
    for c in range(n):
        for p in range(m):
            right[p] = rates[p, c]
        solve_pairs(b, right, right)
        for p in range(m):
            for r in range(n):
                result[r * n + c] += b.forces[p, r] * right[p]


@inline_kernel
def turn_modes(b):
    """The modes' derivatives in the state, (k, d, n), up to rotations among themselves."""
    n, d, slopes, turns = b.n, b.d, b.slack_slopes, b.turns
    for q in range(b.k):
        choose(b, q, q)
        call(b.slack_jacobian, b.inputs, b.p, slopes)
        for i in range(d):
            for c in range(n):
                slopes[i, c] /= np.sqrt(b.edge_matrix[d, i])
        if b.spectral == 1:
            from_spectrum(b, q)
        else:
            from_system(b, q)
        for i in range(d):
            for c in range(n):
                turns[q * d + i, c] /= np.sqrt(b.edge_matrix[d, i])


@inline_kernel
def from_system(b, q):
    """Solutions of the linear system that the modes solve, for each column of the slope of (H − 2P)u."""
    d, size, bordered = b.d, b.d + b.k, b.bordered
    for c in range(b.n):
        for i in range(size):
            bordered[size, i] = b.slack_slopes[i, c] if i < d else 0.0
        solve(size, bordered, b.pivots, 0)
        for i in range(d):
            b.turns[q * d + i, c] = bordered[size, i]


@inline_kernel
def from_spectrum(b, q):
    """For an eigenvector: the slope of (H − 2P)u along each of the eigenvectors not chosen, over their distance."""
    n, d, own, eigen, chosen, turns = b.n, b.d, 0.0, b.eigen, b.chosen, b.turns
    for j in range(d):
        if chosen[j] == q + 1.0:
            own = eigen[0, j]
    for i in range(d):
        for c in range(n):
            turns[q * d + i, c] = 0.0
    for j in range(d):
        gap = own - eigen[0, j]
        gap = gap if abs(gap) > 1e-12 else 1e-12
        for c in range(n if chosen[j] == 0.0 else 0):
            total = 0.0
            for i in range(d):
                total += eigen[1 + i, j] * b.slack_slopes[i, c]
            for i in range(d):
                turns[q * d + i, c] += eigen[1 + i, j] * total / gap


@inline_kernel
def bend_forces(b, result):
    """Add Σ x_p DB_p to the result and put −(Da_p)·F into the rates, as the modes rotate with the state."""
    n, d, slopes, turns, rates = b.n, b.d, b.pair_slopes, b.turns, b.rates
    for p in range(b.m):
        for c in range(n):
            rates[p, c] = 0.0
    p = 0
    for q in range(b.k - b.soft):
        for r in range(q, b.k if b.kind == CENTRAL else q + 1):
            choose(b, q, r)
            call(b.force_jacobian, b.inputs, b.p, slopes)
            weight = 1.0 if r == q else ROOT2
            for row in range(2 * n):
                for c in range(n):
                    total = slopes[row, c]
                    for i in range(d):
                        total += slopes[row, n + i] * turns[q * d + i, c]
                        total += slopes[row, n + d + i] * turns[r * d + i, c]
                    if row < n:
                        result[row * n + c] += b.x[p] * weight * total
                    else:
                        rates[p, c] -= weight * total * b.slope[row - n]
            p += 1 if b.kind == CENTRAL else 0


@inline_kernel
def slowed(b, z, result):
    """For dw/dt = −(2/S)g: −(2/S)H + (2/S²) g ∇Sᵀ on the weights."""
    n, d, inputs = b.n, b.d, b.inputs
    for i in range(n):
        inputs[i] = z[i]
    for i in range(d):
        entry = b.eigen[1 + i, d - 1]
        inputs[n + i] = entry
        inputs[n + d + i] = entry
    call(b.force, inputs, b.p, b.pair)
    for i in range(d):
        for c in range(n):
            result[i * n + c] = 0.0
        for c in range(d):
            bend = -2.0 * b.edge_matrix[i, c] + b.slope[i] * b.pair[1, c]
            result[i * n + c] = bend / b.top
