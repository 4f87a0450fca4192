"""The right-hand side of the rod flow."""

import numpy as np

from cfdyn.kernels.layout import Array, Integer, Rule
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers, pointer


class Rod(Model):
    """How many entries oscillate, are of the optimizer's state, and how many rods there are.

    ``ends`` makes of a state with a rod, ``point``, what both its ends give, ``outputs``: for the state, and on the entries
    that oscillate the mean and half the difference. ``mean``: the sum of the means.
    """

    entries, size, rods = Integer.several(3)
    ends = Rule()
    matrix = Array("entries", "entries")
    eigen = Array("2*entries + 3", "entries")
    point = Array("n + entries")
    outputs = Array("size + 2*entries")
    mean = Array("entries")


@kernel_rule
def rod(z, block, out):
    """z̄' and, packed, Σ' for the rods √λ v of the largest eigenvalues λ of Σ."""
    b, result = Rod(block), numbers(out)
    n, r, size, rods, eigen, point, outputs, mean = b.n, b.entries, b.size, b.rods, b.eigen, b.point, b.outputs, b.mean
    unpack(b, numbers(z), result)
    if rods > 1:
        # What all rods have in common counts once.
        call(b.ends, point, b.p, outputs)
        for i in range(size):
            result[i] = (1 - rods) * outputs[i]
        for i in range(r):
            mean[i] = (1 - rods) * outputs[size + i]
    for q in range(r - 1, r - 1 - rods, -1):
        # Round-off may leave an eigenvalue just below 0.
        length = np.sqrt(max(eigen[0, q], 0.0))
        for i in range(r):
            point[n + i] = length * eigen[1 + i, q]
        call(b.ends, point, b.p, outputs)
        for i in range(size):
            result[i] += outputs[i]
        for i in range(r):
            mean[i] += outputs[size + i]
        add_half_square(r, pointer(outputs, size + r), pointer(result, size))
    add_half_square(r, pointer(mean, 0), pointer(result, size))


@inline_kernel
def unpack(b, state, result) -> None:
    """Eigenvalues and vectors of Σ, a state with no rod yet, and (0, −2Σ) into ``result``."""
    n, r, size, matrix, point, mean = b.n, b.entries, b.size, b.matrix, b.point, b.mean
    t = size
    for i in range(n):
        point[i] = state[i]
        result[i] = -2.0 * state[i] if i >= size else 0.0
    for i in range(r):
        point[n + i] = mean[i] = 0.0
        for j in range(i, r):
            matrix[i, j] = matrix[j, i] = state[t]
            t += 1
    call(b.eigh, matrix, b.order, b.eigen)


@inline_kernel
def add_half_square(r, v, packed):
    """packed += ½vvᵀ, the upper triangle row by row."""
    t = 0
    for i in range(r):
        for j in range(i, r):
            packed[t] += 0.5 * v[i] * v[j]
            t += 1
