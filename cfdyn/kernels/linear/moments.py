"""What a mean of random symmetric factors X makes of second moments, S ↦ E[X S X], as a matrix on `packed` vectors."""

import numpy as np

from cfdyn.kernels.linear.packed import ROOT_HALF
from cfdyn.machine.jit import inline_kernel, kernel, pointer


@inline_kernel
def add_congruence(k, scale, x, target) -> None:
    """target (m, m) += scale · (S ↦ X S X), m = k(k+1)/2, for the symmetric X (k, k); pointers to rows without gaps."""
    row = 0
    for a in range(k):
        for b in range(a, k):
            left = scale * (ROOT_HALF if a == b else 1.0)
            for c in range(k):
                for d in range(c, k):
                    both = x[a * k + c] * x[b * k + d] + x[a * k + d] * x[b * k + c]
                    target[row] += left * (ROOT_HALF if c == d else 1.0) * both
                    row += 1


@inline_kernel
def sharp_weight(x, cut, width) -> float:
    """How much a direction with ηλ = x counts as sharp: 0 up to cut/width, 1 from cut·width on, twice differentiable in between.

    With width = 1 it is a step: 1 for x > cut.
    """
    if x * width <= cut or x <= 0.0:
        return 0.0
    if x >= cut * width:
        return 1.0
    s = 0.5 + 0.5 * np.log(x / cut) / np.log(width)
    return s * s * s * (10.0 + s * (6.0 * s - 15.0))


@kernel
def mean_congruence(factors, target) -> None:
    """target (m, m) = (S ↦ the mean of X S X over the symmetric ``factors`` (n, k, k))."""
    n, k = factors.shape[0], factors.shape[1]
    target[:] = 0.0
    for i in range(n):
        add_congruence(k, 1.0 / n, pointer(factors, i * k * k), pointer(target, 0))
