"""The right-hand side of the principal flow."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.models.block import RULES, SCRATCH, D, P
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

# Rules: ηg and ηH, eigenvalues.
CURVATURE, EIGH = RULES[:2]
LEAST = 2.0**-52


@kernel_rule
def principal(z, block, out):
    """Σ_i φ(ηλ_i) (ηg·u_i) u_i, φ(x) = log|1 − x|/x."""
    m, at, result = numbers(block), integers(block), numbers(out)
    d, g = at[D], at[SCRATCH]
    values = g + d + d * d
    call_from(m, CURVATURE, z, pointer(m, at[P]), pointer(m, g))
    call_from(m, EIGH, pointer(m, g + d), pointer(m, D), pointer(m, values))
    for i in range(d):
        result[i] = 0.0
    for j in range(d):
        along = 0.0
        for i in range(d):
            along += m[g + i] * m[values + d + i * d + j]
        along *= rate(m[values + j])
        for i in range(d):
            result[i] += along * m[values + d + i * d + j]


@inline_kernel
def rate(x) -> float:
    """φ(x), −1 at 0; |1 − x| counts as 2⁻⁵² where it is less."""
    if x < 0.5:
        return np.log1p(-x) / x if abs(x) > 1e-300 else -1.0
    return np.log(max(abs(1.0 - x), LEAST)) / x
