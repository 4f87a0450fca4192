"""The right-hand side of the rod flow."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.models.block import RULES, SCRATCH, SIZES, N, P
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

# Rules: what both ends of a rod give, eigenvalues. Sizes: entries that oscillate, of the optimizer's state, rods.
ENDS, EIGH = RULES[:2]
ENTRIES, STATE, RODS = SIZES[:3]


@kernel_rule
def rod(z, block, out):
    """z̄' and, packed, Σ' for the rods √λ v of the largest eigenvalues λ of Σ."""
    m, at, result = numbers(block), integers(block), numbers(out)
    n, r, size, rods = at[N], at[ENTRIES], at[STATE], at[RODS]
    values, vectors, point, found, mean = unpack(m, at, numbers(z), result)
    if rods > 1:
        # What all rods have in common counts once.
        call_from(m, ENDS, pointer(m, point), pointer(m, at[P]), pointer(m, found))
        for i in range(size):
            result[i] = (1 - rods) * m[found + i]
        for i in range(r):
            m[mean + i] = (1 - rods) * m[found + size + i]
    for q in range(r - 1, r - 1 - rods, -1):
        # Round-off may leave an eigenvalue just below 0.
        length = np.sqrt(max(m[values + q], 0.0))
        for i in range(r):
            m[point + n + i] = length * m[vectors + i * r + q]
        call_from(m, ENDS, pointer(m, point), pointer(m, at[P]), pointer(m, found))
        for i in range(size):
            result[i] += m[found + i]
        for i in range(r):
            m[mean + i] += m[found + size + i]
        add_half_square(r, pointer(m, found + size + r), pointer(result, size))
    add_half_square(r, pointer(m, mean), pointer(result, size))


@inline_kernel
def unpack(m, at, state, result):
    """Places of Σ's eigenvalues and vectors, of a state with no rod yet, of what its ends give; (0, −2Σ) into ``result``."""
    n, r, size, t = at[N], at[ENTRIES], at[STATE], at[STATE]
    matrix = at[SCRATCH]
    values = matrix + r * r
    vectors = values + r
    point = vectors + 2 * r * r + 2 * r
    found = point + n + r
    mean = found + size + 2 * r
    for i in range(n):
        m[point + i] = state[i]
        result[i] = -2.0 * state[i] if i >= size else 0.0
    for i in range(r):
        m[point + n + i] = m[mean + i] = 0.0
        for j in range(i, r):
            m[matrix + i * r + j] = m[matrix + j * r + i] = state[t]
            t += 1
    call_from(m, EIGH, pointer(m, matrix), pointer(m, ENTRIES), pointer(m, values))
    return values, vectors, point, found, mean


@inline_kernel
def add_half_square(r, v, packed):
    """packed += ½vvᵀ, the upper triangle row by row."""
    t = 0
    for i in range(r):
        for j in range(i, r):
            packed[t] += 0.5 * v[i] * v[j]
            t += 1
