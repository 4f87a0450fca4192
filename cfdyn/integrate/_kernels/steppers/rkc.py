"""The stabilised explicit Runge–Kutta–Chebyshev method of order 2, for mildly stiff flows of many states.

Sommeijer, Shampine and Verwer, RKC: an explicit solver for parabolic PDEs, J. Comput. Appl. Math. 88 (1998). Stable
for real negative eigenvalues, up to about 0.65 stages² / h.
"""

import numpy as np

from cfdyn.integrate._kernels.steppers.field import derivative
from cfdyn.machine.jit import inline_kernel

DIRECTION, ROWS = 1, 2  # an earlier stage, and the direction of the largest eigenvalue: zeros before the first step
FEWEST = 2


@inline_kernel
def stages_for(h, radius) -> int:
    """The number of stages for a step of size h if the Jacobian has this spectral radius."""
    return max(FEWEST, 1 + int(np.sqrt(1.54 * abs(h) * radius + 1.0)))


@inline_kernel
def spectral_radius(field, z, f, work) -> float:
    """An upper estimate of |eigenvalues| of DF(z) by power iteration on differences of F; NaN if not finite.

    Starts from the direction found by the call before. Up to 50 evaluations, a few where the flow has changed little.
    """
    n = z.size
    point, slope = np.empty(n), np.empty(n)
    size, length = 0.0, 0.0
    for i in range(n):
        size += z[i] * z[i]
        length += work[DIRECTION, i] * work[DIRECTION, i]
    if length == 0.0:
        for i in range(n):
            # Not in an eigenspace by the symmetry of the start.
            work[DIRECTION, i] = f[i] + (1e-3 + 1e-3 * np.cos(1.0 + 7.0 * i)) * (abs(f[i]) + 1e-30)
            length += work[DIRECTION, i] * work[DIRECTION, i]
    distance = 1.5e-8 * max(np.sqrt(size), 1e-8)
    radius, before = 0.0, 0.0
    for iteration in range(50):
        factor = distance / np.sqrt(length) if length > 0.0 else 0.0
        for i in range(n):
            point[i] = z[i] + factor * work[DIRECTION, i]
        derivative(field, point, slope)
        before, length = radius, 0.0
        for i in range(n):
            work[DIRECTION, i] = slope[i] - f[i]
            length += work[DIRECTION, i] * work[DIRECTION, i]
        radius = np.sqrt(length) / distance
        if not np.isfinite(radius) or length == 0.0:
            break
        if iteration > 0 and abs(radius - before) <= 0.01 * radius:
            break
    if not np.isfinite(radius):
        for i in range(n):
            work[DIRECTION, i] = 0.0
        return np.nan
    return 1.2 * max(radius, before)


@inline_kernel
def march(field, z, f, h, stages, z1, f1, work) -> None:
    """The last stage into ``z1``, by the three-term recurrence of the shifted Chebyshev polynomials."""
    n = z.size
    w0 = 1.0 + 2.0 / (13.0 * stages * stages)
    root = np.sqrt(w0 * w0 - 1.0)
    angle = stages * np.log(w0 + root)
    w1 = np.sinh(angle) * root * root / (np.cosh(angle) * stages * root - w0 * np.sinh(angle))
    # Values and first two derivatives of T_{j-1} and T_{j-2} at w0.
    t1, t2, d1, d2, e1, e2 = w0, 1.0, 1.0, 0.0, 0.0, 0.0
    b1 = 1.0 / (4.0 * w0 * w0)
    b2 = b1
    for i in range(n):
        work[0, i] = z[i]
        z1[i] = z[i] + h * w1 * b1 * f[i]
    for _ in range(2, stages + 1):
        t, d, e = 2.0 * w0 * t1 - t2, 2.0 * (t1 + w0 * d1) - d2, 4.0 * d1 + 2.0 * w0 * e1 - e2
        b = e / (d * d)
        mu, nu, slope = 2.0 * w0 * b / b1, -b / b2, 2.0 * w1 * b / b1
        first = (b1 * t1 - 1.0) * slope
        derivative(field, z1, f1)
        for i in range(n):
            value = (1.0 - mu - nu) * z[i] + mu * z1[i] + nu * work[0, i] + h * (slope * f1[i] + first * f[i])
            work[0, i] = z1[i]
            z1[i] = value
        t1, t2, d1, d2, e1, e2, b1, b2 = t, t1, d, d1, e, e1, b, b1


@inline_kernel
def attempt(field, z, f, h, rtol, atol, stages, z1, f1, work) -> float:
    """Try a step of size h from ``z`` with slope ``f``: fills ``z1`` and ``f1``; ``work`` (ROWS, n).

    Returns the scaled error, accepted if <= 1; NaN if something is not finite.
    """
    march(field, z, f, h, stages, z1, f1, work)
    derivative(field, z1, f1)
    total = 0.0
    for i in range(z.size):
        scale = atol + rtol * max(abs(z[i]), abs(z1[i]))
        total += ((0.8 * (z[i] - z1[i]) + 0.4 * h * (f[i] + f1[i])) / scale) ** 2 + 0.0 * z1[i]
    error = np.sqrt(total / z.size)
    return error if np.isfinite(error) else np.nan
