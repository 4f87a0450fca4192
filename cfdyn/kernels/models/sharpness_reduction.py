"""The right-hand side of the flows that lower the sharpness along a manifold of minima."""

from __future__ import annotations

from cfdyn.kernels.models.block import RULES, SCRATCH, SIZES, D, N, P
from cfdyn.machine.jit import call_from, integers, kernel_rule, numbers, pointer

# Rules: η²g and H, the drift along u before it is projected, eigenvalues. Size: whether that is divided by λ₁.
CURVATURE, REDUCE, EIGH = RULES[:3]
RELATIVE = SIZES[0]


@kernel_rule
def reduce_sharpness(z, block, out):
    """P r(u₁) − η²H⁺g, with P and H⁺ from the eigenvalues that are not 0, whose number is the state behind the weights."""
    m, at, state, result = numbers(block), integers(block), numbers(z), numbers(out)
    n, d, g = at[N], at[D], at[SCRATCH]
    values = g + d + d * d
    point = values + 2 * d * d + 3 * d
    call_from(m, CURVATURE, z, pointer(m, at[P]), pointer(m, g))
    call_from(m, EIGH, pointer(m, g + d), pointer(m, D), pointer(m, values))
    for i in range(n):
        m[point + i] = state[i]
    for i in range(d):
        m[point + n + i] = m[values + d + i * d + d - 1]
    call_from(m, REDUCE, pointer(m, point), pointer(m, at[P]), out)
    top = m[values + d - 1]
    for i in range(d):
        result[i] /= top if at[RELATIVE] == 1 else 1.0
    result[d] = 0.0
    for j in range(d - min(max(int(state[d] + 0.5), 0), d), d):
        along = 0.0
        for i in range(d):
            along += (result[i] + m[g + i] / m[values + j]) * m[values + d + i * d + j]
        for i in range(d):
            result[i] -= along * m[values + d + i * d + j]
