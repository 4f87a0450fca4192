"""What is read off a flow at given times: its state on the edge, Σ, and how well the constraint holds."""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel
from cfdyn.kernels.dense import evaluate
from cfdyn.kernels.field import CENTRAL, MODES, TRACE, VIOLATION, X, derivative, project


@kernel
def observe(field, coefficients, thetas, states, covariance, slopes, violation) -> None:
    """For each row i the state (n,) at ``thetas[i]`` of the polynomial i, its slope, Σ (d, d) and the violation."""
    for row in range(thetas.size):
        state = states[row]
        evaluate(coefficients[row], thetas[row], state)
        violation[row] = 0.0
        if field.k > 0:
            project(field, state)
            violation[row] = field.memory[VIOLATION]
        derivative(field, state, slopes[row])
        spread(field, covariance[row])


@inline_kernel
def spread(field, covariance) -> None:
    """Σ = Σ_qr X_qr u_q u_rᵀ of the multipliers and modes that `derivative` left behind."""
    d, m, at, p = field.d, field.memory, field.at, 0
    for i in range(d):
        for j in range(d):
            covariance[i, j] = 0.0
    for q in range(field.k):
        for r in range(q, field.k):
            if field.kind == TRACE and r != q:
                continue
            weight = m[at[X] + p] if r == q else m[at[X] + p] * np.sqrt(0.5)
            for i in range(d):
                for j in range(d):
                    covariance[i, j] += weight * m[at[MODES] + q * d + i] * m[at[MODES] + r * d + j]
                    if r != q:
                        covariance[i, j] += weight * m[at[MODES] + r * d + i] * m[at[MODES] + q * d + j]
            if field.kind == CENTRAL:
                p += 1
