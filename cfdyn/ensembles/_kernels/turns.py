"""Full turns of cycles, one orbit at a time: their end points, Jacobians and spectral radii."""

import math

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, own_parameters
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

NOT_FINITE = math.inf


@kernel
def turned(memory, first, last, states, parameters, turns, ends, matrices) -> None:
    """So many steps of each orbit, ``turns`` (N,): its state after them, (N, D), and their Jacobian, (N, D, D).

    ``run`` is here the rule of the map's Jacobian, by itself.
    """
    task = Ensemble(memory)
    d, row = task.d, own_parameters(task)
    here, there, slope, product = np.empty((1, d)), np.empty((1, d)), np.empty((d, d)), np.empty((d, d))
    for cell in range(first, last):
        for i in range(task.parameters):
            row[i] = parameters[cell, i]
        for i in range(d):
            here[0, i] = states[cell, i]
            for j in range(d):
                matrices[cell, i, j] = 1.0 if i == j else 0.0
        for _ in range(turns[cell]):
            call(task.run, pointer(here, 0), pointer(row, 0), pointer(slope, 0))
            call(task.step, pointer(here, 0), pointer(row, 0), pointer(there, 0))
            for i in range(d):
                here[0, i] = there[0, i]
                for j in range(d):
                    total = 0.0
                    for k in range(d):
                        total += slope[i, k] * matrices[cell, k, j]
                    product[i, j] = total
            for i in range(d):
                for j in range(d):
                    matrices[cell, i, j] = product[i, j]
        for i in range(d):
            ends[cell, i] = here[0, i]


@inline_kernel
def radius_of_two(a, b, c, d) -> float:
    """Of [[a, b], [c, d]]: the eigenvalues are t ± √(h² + bc), t and h half the sum and the difference of the diagonal.

    √|bc| by itself neither overflows nor underflows, as an entry of the product of many steps may.
    """
    t, h, m = abs(a / 2 + d / 2), abs(a / 2 - d / 2), math.sqrt(abs(b)) * math.sqrt(abs(c))
    if not ((b > 0.0) & (c < 0.0) | (b < 0.0) & (c > 0.0)):
        return t + math.hypot(h, m)
    apart = math.sqrt(abs(h - m)) * math.sqrt(h + m)
    return t + apart if h >= m else math.hypot(t, apart)


@kernel
def radii_of_few(memory, first, last, states, parameters, turns, radii) -> None:
    """The spectral radius of the Jacobian of `turned` for maps of one variable or two, ∞ where there are no ``turns``."""
    task = Ensemble(memory)
    d, row = task.d, own_parameters(task)
    here, there, slope = np.zeros(2), np.zeros(2), np.zeros(4)
    for cell in range(first, last):
        radii[cell] = NOT_FINITE
        if turns[cell] == 0:
            continue
        for i in range(task.parameters):
            row[i] = parameters[cell, i]
        for i in range(d):
            here[i] = states[cell, i]
        a, b, c, e = 1.0, 0.0, 0.0, 1.0
        for _ in range(turns[cell]):
            call(task.run, pointer(here, 0), pointer(row, 0), pointer(slope, 0))
            call(task.step, pointer(here, 0), pointer(row, 0), pointer(there, 0))
            here, there = there, here
            if d == 1:
                a *= slope[0]
            else:
                a, c = slope[0] * a + slope[1] * c, slope[2] * a + slope[3] * c
                b, e = slope[0] * b + slope[1] * e, slope[2] * b + slope[3] * e
        radius = abs(a) if d == 1 else radius_of_two(a, b, c, e)
        if math.isfinite(a) and math.isfinite(b) and math.isfinite(c) and math.isfinite(e) and not math.isnan(radius):
            radii[cell] = radius
