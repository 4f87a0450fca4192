"""Step size control: the size of the first step, and the factor from each step to the next.

Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, II.4; II, IV.8 (Gustafsson's predictive control);
Sommeijer, Shampine and Verwer, J. Comput. Appl. Math. 88 (1998).
"""

import numpy as np

from cfdyn.integrate._kernels.steppers.field import derivative
from cfdyn.integrate._kernels.steppers.radau5 import MOST, OLD
from cfdyn.machine.jit import inline_kernel


@inline_kernel
def initial_step(field, z, f, order, rtol, atol, work) -> float:
    """A first step for a method of the given order; uses the rows 0 and 1 of ``work``; positive."""
    n = z.size
    point, slope = work[0], work[1]
    size, speed = 0.0, 0.0
    for i in range(n):
        scale = atol + rtol * abs(z[i])
        size += (z[i] / scale) ** 2
        speed += (f[i] / scale) ** 2
    size, speed = np.sqrt(size / n), np.sqrt(speed / n)
    h = 1e-6
    if size > 1e-5 and speed > 1e-5:
        h = max(0.01 * size / speed, 1e-300)
    for i in range(n):
        point[i] = z[i] + h * f[i]
    derivative(field, point, slope)
    bend = 0.0
    for i in range(n):
        bend += ((slope[i] - f[i]) / (atol + rtol * abs(z[i]))) ** 2
    bend = max(np.sqrt(bend / n) / h, speed)
    if not np.isfinite(bend):
        return 1e-3 * h
    if bend <= 1e-15:
        return max(1e-6, 1e-3 * h)
    return min(100.0 * h, max((0.01 / bend) ** (1.0 / (order + 1)), 1e-300))


@inline_kernel
def dop853_factor(error, rejected) -> float:
    """Next step over this one; ``rejected``: whether the previous attempt was rejected."""
    if not np.isfinite(error):
        return 0.25
    factor = 6.0
    if error > 1e-8:
        factor = min(6.0, max(0.333, 0.9 / np.sqrt(np.sqrt(np.sqrt(error)))))
    if rejected or error > 1.0:
        factor = min(factor, 1.0)
    return factor


@inline_kernel
def rkc_factor(error, h, previous_error, previous_h, rejected) -> float:
    """Next step over this one; ``previous_*``: of the previous accepted step, ``previous_h`` 0 if there is none."""
    if not np.isfinite(error):
        return 0.25
    if error > 1.0:
        return max(0.1, 0.8 / np.cbrt(error))
    error = max(error, 1e-10)
    factor = 0.8 / np.cbrt(error)
    if previous_h != 0.0:
        factor = min(factor, factor * abs(h / previous_h) * np.cbrt(max(previous_error, 1e-10) / error))
    return min(max(factor, 0.1), 1.0 if rejected else 10.0)


@inline_kernel
def radau5_factor(error, h, rejected, state) -> float:
    """Next step over this one; ``state`` as `radau5.attempt` leaves it. 1 if its factors are worth keeping."""
    if not np.isfinite(error):
        return state.shrink
    safety = min(0.9, 0.9 * (1 + 2 * MOST) / (state.iterations + 2 * MOST))
    quotient = max(0.125, min(5.0, np.sqrt(np.sqrt(error)) / safety))
    if error > 1.0:
        return 0.1 if state.last_h == 0.0 else 1.0 / quotient
    if state.before_h != 0.0:
        predicted = abs(state.before_h / h) * np.sqrt(np.sqrt(error * error / state.before_error)) / 0.9
        quotient = max(quotient, min(5.0, predicted))
    growth = 1.0 / quotient
    if rejected:
        growth = min(growth, 1.0)
    if state.age == OLD and 1.0 <= growth <= 1.2:
        return 1.0
    return growth
