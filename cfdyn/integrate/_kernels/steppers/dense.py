"""Dense output of a step: a polynomial of degree 7 in theta = (t − t0)/h from z(0) = z0 to z(1) = z1.

z(θ) = c0 + θ (c1 + (1−θ) (c2 + θ (c3 + (1−θ) (c4 + θ (c5 + (1−θ) (c6 + θ c7)))))). With powers of θ the
value at 1 would be a sum of terms that cancel; here it is c0 + c1. Shorter polynomials end in zeros.
"""

import numpy as np

from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

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


@kernel
def observe(rules, p, times, polynomials, rows, states, found) -> None:
    """For each of the increasing rows the state (n,) on the steps' polynomials, and the output of the first of the rules there.

    ``times`` (m, 2) are starts and sizes of the steps, ``polynomials`` (m, 8, n).
    """
    step = 0
    for i in range(rows.size):
        while step + 1 < times.shape[0] and times[step + 1, 0] <= rows[i]:
            step += 1
        theta = min(max((rows[i] - times[step, 0]) / times[step, 1], 0.0), 1.0)
        evaluate(polynomials[step], theta, states[i])
        call(rules[0], pointer(states, i * states.shape[1]), p, pointer(found, i * found.shape[1]))


def sample(coefficients: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """z at every theta in plain numpy: ``coefficients`` (8, n) or one set per theta (m, 8, n); returns (m, n)."""
    theta = np.asarray(theta, float)[:, None]
    terms = np.moveaxis(np.asarray(coefficients), -2, 0)
    total = np.broadcast_to(terms[7], (theta.shape[0], terms.shape[-1]))
    for k in range(6, -1, -1):
        total = terms[k] + total * (theta if k % 2 == 0 else 1.0 - theta)
    return total


def sample_slopes(coefficients: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """dz/dθ at every theta, in the format of `sample`."""
    theta = np.asarray(theta, float)[:, None]
    terms = np.moveaxis(np.asarray(coefficients), -2, 0)
    total, slope = terms[7] + 0.0 * theta, np.zeros((theta.shape[0], terms.shape[-1]))
    for k in range(6, -1, -1):
        turn, rate = (theta, 1.0) if k % 2 == 0 else (1.0 - theta, -1.0)
        slope = slope * turn + total * rate
        total = terms[k] + total * turn
    return slope


def shortened(coefficients: np.ndarray, share: float) -> np.ndarray:
    """The polynomial (8, n) of the first part of a step, up to this fraction of it: the same values, from 0 to 1."""
    nodes = (1.0 - np.cos(np.pi * np.arange(TERMS) / (TERMS - 1))) / 2
    return np.linalg.solve(sample(np.eye(TERMS), nodes), sample(coefficients, share * nodes))
