"""Repeat an orbit in high precision if the float orbit may be an artefact of round-off."""

from typing import Any

import numpy as np

from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map

MAX_OPERATIONS = 2e6  # of numbers of many digits, some seconds
DEAR = 5000  # operations of a step: dearer maps are not evaluated with digits to learn their round-off
DIGITS = 30  # of which the round-off of floats is seen
BESIDE, CHANGED = 1e-6, 0.5  # of an orbit's size: a fixed point is so near if a step changes by this part of it over so far
MANY_DIGITS = 400  # of which a step is seen that is as small as floats are
AWAY = 1e-3  # of a cycle's size: an orbit that has come so far from it has left it


def later_precisely(step: Map, z: np.ndarray, steps: int, digits: int) -> np.ndarray | None:
    """The state (D,) so many steps after z, computed with digits; None if that would take too long."""
    if steps * step.cost > MAX_OPERATIONS:
        return None
    precise = step.precise(digits)
    state = [precise.number(v) for v in z.tolist()]
    for _ in range(steps):
        state = precise(state)
    return np.array([float(v) for v in state])


def stays_on(step: Map, z0: np.ndarray, points: np.ndarray, steps: int, digits: int) -> tuple[bool | None, np.ndarray]:
    """Is the exact orbit of z0, after ``steps`` steps, still on the unstable cycle ``points`` (n, D)?

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
    moved, tolerance = [], precise.number(10) ** (-digits // 2)
    largest = max(abs(v) for v in z)
    for _ in range(3):
        before = z
        for _ in range(n):
            z = precise(z)
        moved.append(max(abs(a - b) for a, b in zip(z, before, strict=True)))
    # What is on its stable set comes closer, or stays to the last digits; what grows leaves, from however near.
    still = moved[-1] <= max(moved[0], precise.number(10) ** (5 - digits) * largest)
    size = np.abs(points).max(axis=0) + 1e-300
    if still and max(moved) <= tolerance * (1 + largest):
        return True, z0
    extra = int(MAX_OPERATIONS / step.cost)
    if moved[0] > 0 and moved[-1] > moved[0]:
        log = precise.algebra.functions["log"]
        # It leaves at the rate at which it moves apart; where that takes too long there is no need to watch.
        rate = float(log(moved[-1] / moved[0])) / (2 * n)
        if float(log(precise.number(AWAY * size.max())) - log(moved[-1])) > 2 * extra * rate:
            return None, z0
    for _ in range(extra):
        state = np.array([float(v) for v in z])
        with np.errstate(over="ignore"):
            away = (np.abs(points - state) / size).max(axis=1).min()
        if away > AWAY:
            return False, state
        z = precise(z)
    return None, z0


def noise(step: AnyMap, states: np.ndarray, steps: int = 1) -> np.ndarray:
    """The largest round-off error of a step, or of some, from some states (k, D), for each coordinate, (D,).

    Of a dear map what a step changes by where the states change by a unit in the last place.
    """
    worst = np.zeros(step.dim)
    if (code := step.compiled) is None or step.cost > DEAR:
        for state in states:
            there, *beside = (_steps(step, state + sign * np.spacing(state), steps) for sign in (0, 1, -1))
            error = np.abs(np.subtract(beside, there)).max(axis=0)
            worst = np.fmax(worst, np.where(np.isfinite(error), error, 0.0))
        return worst
    precise = code.precise(DIGITS)
    for state in states:
        exact = _steps(precise, [precise.number(v) for v in state.tolist()], steps)
        error = [float(abs(a - b)) for a, b in zip(exact, _steps(step, state, steps).tolist(), strict=True)]
        worst = np.fmax(worst, np.where(np.isfinite(error), error, 0.0))
    return worst


def stuck_in_rounding(step: Map, points: np.ndarray, size: np.ndarray) -> bool:
    """True if an orbit on points (1, D) stands still only because a step is less than its last digit, far from fixed points.

    Near a fixed point, also of a continuum of them, the exact step is another a little farther on in some direction. ``size``
    (D,): of each coordinate. Of dear maps this is not asked.
    """
    z = points[0]
    if len(points) > 1 or step.cost > DEAR or not np.array_equal(step(z), z):
        return False
    precise = step.precise(MANY_DIGITS)

    def moved(state: np.ndarray) -> list:
        exact = [precise.number(v) for v in state.tolist()]
        return [a - b for a, b in zip(precise(exact), exact, strict=True)]

    here = moved(z)
    largest = max(abs(v) for v in here)
    beside = (moved(z + BESIDE * size * row) for row in np.eye(step.dim))
    return bool(largest > 0) and all(abs(a - b) < CHANGED * largest for there in beside for a, b in zip(there, here, strict=True))


def _steps(step: Any, state: Any, count: int) -> Any:
    for _ in range(count):
        state = step(state)
    return state
