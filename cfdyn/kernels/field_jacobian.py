"""The exact Jacobian of a flow: that of its drift, of the forces of its modes, and of the modes themselves."""

from __future__ import annotations

from cfdyn._jit import inline_kernel, pointer
from cfdyn.kernels.field import ABLATED, JACOBIANS, ROOT2, TRACE, derivative, solve_pairs


@inline_kernel
def jacobian(field, z, out):
    """DF(z) into ``out`` (n, n)."""
    n = field.n
    field.counts[JACOBIANS] += 1
    if field.kind == ABLATED or field.k > 0:
        derivative(field, z, field.rates[field.x.size])
    field.drift_jacobian(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
    if field.kind == ABLATED:
        slowed(field, z, out)
    elif field.k > 0:
        turn_modes(field)
        for p in range(field.x.size):
            for c in range(n):
                field.rates[p, c] = 0.0
        bend_forces(field, out)
        for p in range(field.x.size):
            for c in range(n):
                for r in range(n):
                    field.rates[p, c] -= field.a[p, r] * out[r, c]
        push_back(field, out)


@inline_kernel
def turn_modes(field):
    """The modes' derivatives by the state, (k, d, n), up to turns among themselves."""
    n, d = field.n, field.d
    for q in range(field.k):
        own = 0.0
        for j in range(d):
            if field.chosen[j] == q + 1:
                own = field.values[j]
        for i in range(d):
            field.inputs[n + i] = field.modes[q, i]
        field.slack_jacobian(pointer(field.inputs, 0), pointer(field.p, 0), pointer(field.pair_slopes, 0))
        for i in range(d):
            for c in range(n):
                field.turns[q, i, c] = 0.0
        for j in range(d):
            if field.chosen[j] == 0:
                gap = own - field.values[j]
                gap = gap if abs(gap) > 1e-8 else 1e-8
                for c in range(n):
                    total = 0.0
                    for i in range(d):
                        total += field.vectors[i, j] / field.edges[d * d + i] ** 0.5 * field.pair_slopes[i * n + c]
                    for i in range(d):
                        field.turns[q, i, c] += field.vectors[i, j] / field.edges[d * d + i] ** 0.5 * total / gap


@inline_kernel
def bend_forces(field, out):
    """Add Σ x_p DB_p to ``out`` and put −(Da_p)·F into the rates."""
    n, d, m = field.n, field.d, field.x.size
    wide, p = n + 2 * d, 0
    for q in range(field.k):
        for r in range(q, field.k):
            if field.kind == TRACE and r != q:
                continue
            for i in range(d):
                field.inputs[n + i] = field.modes[q, i]
                field.inputs[n + d + i] = field.modes[r, i]
            field.force_jacobian(pointer(field.inputs, 0), pointer(field.p, 0), pointer(field.pair_slopes, 0))
            weight = 1.0 if r == q else ROOT2
            for row in range(2 * n):
                for c in range(n):
                    total = field.pair_slopes[row * wide + c]
                    for i in range(d):
                        total += field.pair_slopes[row * wide + n + i] * field.turns[q, i, c]
                        total += field.pair_slopes[row * wide + n + d + i] * field.turns[r, i, c]
                    if row < n:
                        out[row, c] += weight * field.x[p] * total
                    else:
                        field.rates[p, c] -= weight * total * field.rates[m, row - n]
            if field.kind != TRACE:
                p += 1


@inline_kernel
def push_back(field, out):
    """Add Σ B_p Dx_p, where β Dx_p are the rates."""
    n, m = field.n, field.x.size
    for c in range(n):
        for p in range(m):
            field.pair[p] = field.rates[p, c]
        solve_pairs(field, field.pair, field.pair)
        for p in range(m):
            for r in range(n):
                out[r, c] += field.b[p, r] * field.pair[p]


@inline_kernel
def slowed(field, z, out):
    """For dw/dt = −(2/S)g: −(2/S)H + (2/S²) g ∇Sᵀ on the weights."""
    n, d, m = field.n, field.d, field.x.size
    top = field.values[d - 1]
    for i in range(n):
        field.inputs[i] = z[i]
    for i in range(d):
        field.inputs[n + i] = field.vectors[i, d - 1]
        field.inputs[n + d + i] = field.vectors[i, d - 1]
    field.force(pointer(field.inputs, 0), pointer(field.p, 0), pointer(field.pair, 0))
    for i in range(d):
        for c in range(n):
            out[i, c] = 0.0
        for c in range(d):
            out[i, c] = -2.0 / top * field.edges[i * d + c] + field.rates[m, i] / top * field.pair[n + c]
