"""Covariant Lyapunov vectors: tangents pushed forward and made orthonormal at each step, then triangular systems backward."""

import numpy as np

from cfdyn.kernels.orbits import copy, orthonormalise, push
from cfdyn.machine.jit import kernel, pointer


@kernel
def forward(step, jacobian, p, states, frames, factors) -> int:
    """Fill rows 1… of ``states`` (n+1, D) and ``frames`` (n+1, D, D), orthonormal rows, and ``factors`` (n, D, D).

    The image of row a of frame t is Σ_b factors[t, b, a] · (row b of frame t+1). Returns the number of finite steps.
    """
    n, d = factors.shape[0], states.shape[1]
    image, matrix, norms = np.empty((d, d)), np.empty(d * d), np.empty(d)
    pp, pj = pointer(p, 0), pointer(matrix, 0)
    for t in range(n):
        jacobian(pointer(states, t * d), pp, pj)
        push(matrix, frames[t], image)
        for a in range(d):
            copy(image[a], frames[t + 1, a])
        orthonormalise(frames[t + 1], norms)
        for b in range(d):
            for a in range(d):
                total = 0.0
                for k in range(d):
                    total += frames[t + 1, b, k] * image[a, k]
                factors[t, b, a] = total if b <= a else 0.0
        step(pointer(states, t * d), pp, pointer(states, (t + 1) * d))
        for k in range(d):
            if not np.isfinite(states[t + 1, k]):
                return t
    return n


@kernel
def backward(factors, frames, coefficients, vectors, rates) -> int:
    """From ``coefficients`` (D, D), upper triangular columns at the end, back to the start, in place.

    ``vectors`` (m, D, D): at each of the first m steps the unit vectors as rows; ``rates`` (m, D): the logarithm by which a
    step stretches each. Returns the step at which a factor is singular, −1 if none is.
    """
    d, m = frames.shape[1], vectors.shape[0]
    for t in range(factors.shape[0] - 1, -1, -1):
        for k in range(d):
            size = 0.0
            for b in range(k, -1, -1):
                total = coefficients[b, k]
                for a in range(b + 1, k + 1):
                    total -= factors[t, b, a] * coefficients[a, k]
                if factors[t, b, b] == 0.0:
                    return t
                coefficients[b, k] = total / factors[t, b, b]
                size += coefficients[b, k] ** 2
            size = np.sqrt(size)
            for b in range(k + 1):
                coefficients[b, k] /= size
            if t < m:
                rates[t, k] = -np.log(size)
                for r in range(d):
                    total = 0.0
                    for b in range(k + 1):
                        total += coefficients[b, k] * frames[t, b, r]
                    vectors[t, k, r] = total
    return -1
