"""The right-hand side of the principal flow."""

import numpy as np

from cfdyn.kernels.layout import Array, Rule
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers, pointer

LEAST = 2.0**-52


class Principal(Model):
    """``curvature`` makes rows: ηg, and ηH below it."""

    curvature = Rule()
    curved = Array("d + 1", "d")
    eigen = Array("2*d + 3", "d")


@kernel_rule
def principal(z, block, out):
    """Σ_i φ(ηλ_i) (ηg·u_i) u_i, φ(x) = log|1 − x|/x."""
    b, result = Principal(block), numbers(out)
    d, curved, eigen = b.d, b.curved, b.eigen
    call(b.curvature, z, b.p, curved)
    call(b.eigh, pointer(curved, d), b.order, eigen)
    for i in range(d):
        result[i] = 0.0
    for j in range(d):
        along = 0.0
        for i in range(d):
            along += curved[0, i] * eigen[1 + i, j]
        along *= rate(eigen[0, j])
        for i in range(d):
            result[i] += along * eigen[1 + i, j]


@inline_kernel
def rate(x) -> float:
    """φ(x), −1 at 0; |1 − x| counts as 2⁻⁵² where it is less."""
    if x < 0.5:
        return np.log1p(-x) / x if abs(x) > 1e-300 else -1.0
    return np.log(max(abs(1.0 - x), LEAST)) / x
