"""Stabilised explicit steps of second order: Runge–Kutta–Chebyshev."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cfdyn.errors import NumericsError

# s stages are stable for h·ρ up to 0.53(s² − 1). The usual damping of 2/13 reaches 0.65(s² − 1), but leaves stiff components
# two thirds on average: they live for many steps, and the error that they seem to have keeps the steps short.
DAMPING, REACH, MARGIN = 2.0, 0.53, 1.05
MOST = 20_000  # stages

State = Any  # an array, or what adds and scales as one
Slope = Callable[[State], State]


def stages(h: float, radius: float) -> int:
    """The fewest stages for a step h if the slope's derivative has eigenvalues down to −radius; a NumericsError above `MOST`.

    >>> stages(10.0, 2.0), stages(0.1, 2.0)
    (7, 2)
    """
    number = math.sqrt(1 + MARGIN * h * radius / REACH)
    if not number <= MOST:
        raise NumericsError(f"a step would take more than {MOST} stages, for eigenvalues of {radius:.3g}")
    return max(2, math.ceil(number))


@lru_cache(maxsize=256)
def _coefficients(s: int) -> tuple[float, list[tuple[float, float, float, float]]]:
    """μ̃₁, and μ, ν, μ̃, γ̃ of each later stage."""
    w0 = 1 + DAMPING / s**2
    t, d, dd = [1.0, w0], [0.0, 1.0], [0.0, 0.0]
    for j in range(2, s + 1):
        t.append(2 * w0 * t[-1] - t[-2])
        d.append(2 * w0 * d[-1] - d[-2] + 2 * t[j - 1])
        dd.append(2 * w0 * dd[-1] - dd[-2] + 4 * d[j - 1])
    w1 = d[s] / dd[s]
    b = [0.0, 0.0, *(dd[j] / d[j] ** 2 for j in range(2, s + 1))]
    b[0] = b[1] = b[2]
    later = []
    for j in range(2, s + 1):
        push = 2 * b[j] * w1 / b[j - 1]
        later.append((2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], push, -(1 - b[j - 1] * t[j - 1]) * push))
    return b[1] * w1, later


def advance(z: State, f: State, h: float, s: int, slope: Slope) -> State:
    """The state after a step h of dz/dt = slope(z) from z, where the slope is f; s − 1 more slopes.

    >>> import numpy as np
    >>> print(advance(np.ones(1), -np.ones(1), 0.1, 5, lambda z: -z).round(5))  # e^-0.1 = 0.90484
    [0.9049]
    """
    first, later = _coefficients(s)
    before, now = z, z + (first * h) * f
    for mu, nu, push, back in later:
        new = slope(now)
        new *= push * h
        new += (1 - mu - nu) * z
        new += mu * now
        new += nu * before
        new += (back * h) * f
        before, now = now, new
    return now


def error(z: State, f: State, new: State, f_new: State, h: float) -> State:
    """The estimated local error of a step."""
    off, slopes = z - new, f + f_new
    off *= 0.8
    slopes *= 0.4 * h
    off += slopes
    return off
