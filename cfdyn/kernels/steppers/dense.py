"""What a step leaves behind: a polynomial of degree 7 in theta = (t − t0)/h from z(0) = z0 to z(1) = z1.

z(θ) = c0 + θ (c1 + (1−θ) (c2 + θ (c3 + (1−θ) (c4 + θ (c5 + (1−θ) (c6 + θ c7)))))). With powers of θ the
value at 1 would be a sum of terms that cancel; here it is c0 + c1. Shorter polynomials end in zeros.
"""

from __future__ import annotations

import numpy as np

from cfdyn.machine.jit import inline_kernel

TERMS = 8


@inline_kernel
def evaluate(coefficients, theta, out) -> None:
    """z(theta) into ``out`` (n,)."""
    for i in range(out.size):
        total = coefficients[7, i]
        for k in range(6, -1, -1):
            total = coefficients[k, i] + total * (theta if k % 2 == 0 else 1.0 - theta)
        out[i] = total


@inline_kernel
def evaluate_slope(coefficients, theta, out) -> None:
    """dz/dtheta into ``out`` (n,): h times the slope in time."""
    for i in range(out.size):
        total, slope = coefficients[7, i], 0.0
        for k in range(6, -1, -1):
            if k % 2 == 0:
                slope = total + slope * theta
                total = coefficients[k, i] + total * theta
            else:
                slope = slope * (1.0 - theta) - total
                total = coefficients[k, i] + total * (1.0 - theta)
        out[i] = slope


@inline_kernel
def component(coefficients, theta, i) -> float:
    """One component of z(theta)."""
    total = coefficients[7, i]
    for k in range(6, -1, -1):
        total = coefficients[k, i] + total * (theta if k % 2 == 0 else 1.0 - theta)
    return total


@inline_kernel
def hermite(z, f, h, z1, f1, coefficients) -> None:
    """The cubic with values and slopes of both ends, into ``coefficients`` (8, n)."""
    for i in range(z.size):
        change = z1[i] - z[i]
        coefficients[0, i] = z[i]
        coefficients[1, i] = change
        coefficients[2, i] = h * f[i] - change
        coefficients[3, i] = 2.0 * change - h * (f[i] + f1[i])
        for k in range(4, TERMS):
            coefficients[k, i] = 0.0


def sample(coefficients: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """z at every theta in plain numpy: ``coefficients`` (8, n) or one set per theta (m, 8, n); returns (m, n)."""
    theta = np.asarray(theta, float)[:, None]
    terms = np.moveaxis(np.asarray(coefficients), -2, 0)
    total = np.broadcast_to(terms[7], (theta.shape[0], terms.shape[-1]))
    for k in range(6, -1, -1):
        total = terms[k] + total * (theta if k % 2 == 0 else 1.0 - theta)
    return total


def sample_slope(coefficients: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """dz/dtheta at every theta, as `sample`."""
    theta = np.asarray(theta, float)[:, None]
    terms = np.moveaxis(np.asarray(coefficients), -2, 0)
    total, slope = np.broadcast_to(terms[7], (theta.shape[0], terms.shape[-1])), np.zeros((1, 1))
    for k in range(6, -1, -1):
        factor, sign = (theta, 1.0) if k % 2 == 0 else (1.0 - theta, -1.0)
        total, slope = terms[k] + total * factor, sign * total + slope * factor
    return slope
