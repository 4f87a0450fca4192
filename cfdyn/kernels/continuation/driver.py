"""Curves of solutions of F(z) = 0, N equations for m = N + 1 unknowns, by pseudo-arclength continuation.

The system comes as a rule, the *corrector*: from the unknowns z (m) followed by a row c (m), which borders the Jacobian
J, it makes

    dz (m) with [J; c] dz = [−F; 0],   v (m) with [J; c] v = [0; 1],   the sign of det [J; c],   tests.

`shooting` is that of a cycle, `critical` of one with critical directions. The first tests are
bounded and smooth along the curve, and a step must not change them too much. The last ones are watched: where one changes
its sign, the curve may have a corner, and the steps end before it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.machine.jit import borrowed, call, kernel, pointer, spliced

# How it ended: out of rows, past a limit, near its origin, no convergence, a turn too sharp, a watched sign.
FULL, LIMIT, RETURNED, STALLED, CORNER, CROSSED = range(6)
# Settings: the next step, the least and the largest; largest turn (rad) and change of a test in a step; tolerance of
# Newton's method; arclength so far; how many tests are smooth, how many watched.
STEP, LEAST, MOST, TURN, CHANGE, TOLERANCE, ARC, SMOOTH, WATCHED = range(9)
MOST_CORRECTIONS, FAST = 10, 4
AIM = 0.35  # of the largest turn or change in a step


class System(NamedTuple):
    """What is solved and how. ``corrector``: its address; it reads ``block``.

    Lengths are ‖z‖² = Σ ``weights`` z². ``limits`` (2, m): the curve ends where an unknown reaches one. ``origin`` (2, m): a
    point and a tangent; where the curve comes back to them it has closed. ``work``: 4m + the width of the tests.
    """

    corrector: int
    block: np.ndarray
    weights: np.ndarray
    limits: np.ndarray
    origin: np.ndarray
    settings: np.ndarray
    work: np.ndarray


class Curve(NamedTuple):
    """Rows of points and unit tangents (rows, m), and in ``values`` the sign of the determinant and the tests."""

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray


@spliced
def borrowed_system(system) -> System:
    """The same, for a loop; see `cfdyn.machine.jit.borrowed`."""
    return System(system.corrector, borrowed(system.block), borrowed(system.weights), borrowed(system.limits),
                  borrowed(system.origin), borrowed(system.settings), borrowed(system.work))  # fmt: skip


@spliced
def borrowed_curve(curve) -> Curve:
    """The same, for a loop."""
    return Curve(borrowed(curve.points), borrowed(curve.tangents), borrowed(curve.values))


@spliced
def length_of(weights, vector, first) -> float:
    """√Σ w v² of m entries from ``first`` on."""
    total = 0.0
    for i in range(weights.size):
        total += weights[i] * vector[first + i] * vector[first + i]
    return np.sqrt(total)


@spliced
def correct(system) -> int:
    """Newton's method on z with the border c, the first 2m entries of ``work``; the corrections made, 0 if it failed.

    Behind them stands then what the corrector left at the last iterate but one, which is within the tolerance.
    """
    work, weights, before = system.work, system.weights, 1e3
    m = weights.size
    for k in range(MOST_CORRECTIONS):
        call(system.corrector, work, system.block, pointer(work, 2 * m))
        size, floor = length_of(weights, work, 2 * m), 0.0
        # Also where it is NaN.
        if not size < 2.0 * before:
            return 0
        before = size
        for i in range(m):
            work[i] += work[2 * m + i]
            floor = max(floor, weights[i] * work[i] * work[i])
        if size <= max(system.settings[TOLERANCE], 1e-14 * np.sqrt(floor)):
            return k + 1
    return 0


@spliced
def predict(system, curve, row, h) -> None:
    """z a step along the tangent from a row, the border the tangent's own."""
    work, weights = system.work, system.weights
    for i in range(weights.size):
        work[i] = curve.points[row, i] + h * curve.tangents[row, i]
        work[weights.size + i] = weights[i] * curve.tangents[row, i]


@spliced
def record(system, curve, row) -> float:
    """The corrected point, its unit tangent and its tests into a row; the cosine of the turn from the border."""
    work, weights = system.work, system.weights
    m = weights.size
    length = length_of(weights, work, 3 * m)
    for i in range(m):
        curve.points[row, i] = work[i]
        curve.tangents[row, i] = work[3 * m + i] / length
    for i in range(curve.values.shape[1]):
        curve.values[row, i] = work[4 * m + i]
    return 1.0 / length


@partial(kernel, short=True)
def follow(system, curve):
    """Steps from row 0 of the curve on; returns (rows filled, how it ended).

    Where a step passes a limit, the origin or a corner, its end is left in the row after the last.
    """
    system, curve = borrowed_system(system), borrowed_curve(curve)
    settings, done = system.settings, 0 * curve.points.shape[0]
    while done + 1 < curve.points.shape[0]:
        h = settings[STEP]
        predict(system, curve, done, h)
        corrections = correct(system)
        turn, change = 2.0, 2.0
        if corrections > 0:
            cosine = record(system, curve, done + 1)
            turn, change = np.arccos(min(cosine, 1.0)) / settings[TURN], change_of_tests(system, curve, done)
        if not (turn <= 1.0 and change <= 1.0) and h > settings[LEAST]:
            settings[STEP] = max(0.4 * h, settings[LEAST])
            continue
        if corrections == 0:
            return done + 1, STALLED
        if crosses_watched(system, curve, done):
            return done + 1, CROSSED
        if not turn <= 1.0:
            return done + 1, CORNER
        if outside_limits(system, curve, done + 1):
            return done + 1, LIMIT
        if passes_origin(system, curve, done, h):
            return done + 1, RETURNED
        settings[ARC] += h
        factor = min(1.5 if corrections <= FAST else 0.7, AIM / max(turn, change, 1e-9))
        settings[STEP] = min(max(h * max(factor, 0.4), settings[LEAST]), settings[MOST])
        done += 1
    return done + 1, FULL


@spliced
def change_of_tests(system, curve, row) -> float:
    """The largest change of a smooth test in a step over what it may be."""
    largest = 0.0
    for k in range(1, int(system.settings[SMOOTH]) + 1):
        largest = max(largest, abs(curve.values[row + 1, k] - curve.values[row, k]))
    return largest / system.settings[CHANGE]


@spliced
def crosses_watched(system, curve, row) -> bool:
    """True if a watched test changes its sign in a step."""
    last = curve.values.shape[1]
    for k in range(last - int(system.settings[WATCHED]), last):
        if curve.values[row, k] * curve.values[row + 1, k] < 0.0:
            return True
    return False


@spliced
def outside_limits(system, curve, row) -> bool:
    """True if an unknown is outside its limits."""
    for i in range(system.weights.size):
        if not system.limits[0, i] <= curve.points[row, i] <= system.limits[1, i]:
            return True
    return False


@spliced
def passes_origin(system, curve, row, h) -> bool:
    """True if the step from a row may pass the origin, in its direction."""
    along, aligned, away = 0.0, 0.0, 0.0
    if system.settings[ARC] < 3.0 * h:
        return False
    for i in range(system.weights.size):
        gap = system.origin[0, i] - curve.points[row, i]
        along += system.weights[i] * gap * curve.tangents[row, i]
        away += system.weights[i] * gap * gap
        aligned += system.weights[i] * system.origin[1, i] * curve.tangents[row, i]
    return 0.0 <= along <= 1.1 * h and away - along * along <= 0.25 * h * h and aligned > 0.5
