"""Repeat an orbit in high precision where the float orbit may be an artefact of rounding."""

from __future__ import annotations

import numpy as np

from cfdyn.systems import Map

MAX_OPERATIONS = 2e6


def stays(
    step: Map, z0: np.ndarray, points: np.ndarray, steps: int, digits: int
) -> tuple[bool | None, np.ndarray]:
    """Is the exact orbit of z0, after ``steps`` steps, still on the unstable cycle ``points``?

    (True, …) if it repeats to half the digits over three periods; (False, z) with the first state
    that has left the cycle's neighbourhood; (None, …) if that would take too long.
    """
    n = len(points)
    if (steps + 3 * n) * step.cost > MAX_OPERATIONS:
        return None, z0
    precise = step.precise(digits)
    z = [precise.number(v) for v in z0.tolist()]
    for _ in range(steps):
        z = precise(z)
    first, tolerance = z, precise.number(10) ** (-digits // 2)
    repeats = True
    for k in range(1, 3 * n + 1):
        z = precise(z)
        if k % n == 0:
            repeats &= all(abs(a - b) <= tolerance * (1 + abs(b)) for a, b in zip(z, first, strict=True))
    size = np.abs(points).max(axis=0) + 1e-300
    if repeats:
        return True, z0
    extra = int(MAX_OPERATIONS / step.cost)
    for _ in range(extra):
        state = np.array([float(v) for v in z])
        if (np.abs(points - state) / size).max(axis=1).min() > 1e-3:
            return False, state
        z = precise(z)
    return None, z0
