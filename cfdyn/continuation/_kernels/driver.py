"""Curves of solutions of F(z) = 0, N equations for m = N + 1 unknowns, by pseudo-arclength continuation.

The system comes as a rule, the *corrector*: from the unknowns z (m) followed by a row c (m), which borders the Jacobian J, it
computes

    dz (m) with [J; c] dz = [−F; 0],   v (m) with [J; c] v = [0; 1],   the sign of det [J; c],   tests.

`shooting` is that of a cycle, `critical` of one with critical directions. The first tests are
bounded and smooth along the curve, and a step must not change them too much. The last ones are watched: where one changes sign,
the curve may have a corner, and the steps end before it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Real
from cfdyn.machine.jit import borrowed, call, kernel, pointer, spliced

# How it ended: out of rows, past a limit, near its origin, no convergence, a turn too sharp, a watched sign.
FULL, LIMIT, RETURNED, STALLED, CORNER, CROSSED = range(6)
MOST_CORRECTIONS, FAST = 10, 4
AIM = 0.35  # of the largest turn or change in a step


class System(Block):
    """The system and its settings, with the address of the corrector, which returns ``values``: a sign and tests.

    The next ``step``, the ``least`` and the ``most``; the largest ``turn`` (rad) and ``change`` of a test in a step;
    ``tolerance`` of Newton's method; ``arc``: arclength so far; the numbers of ``smooth`` and of ``watched`` tests. Lengths
    are ‖z‖² = Σ ``weights`` z². ``limits``: the curve ends where an unknown reaches one. ``origin``: a point and a tangent; if
    the curve returns to them, it has closed.
    """

    m, values, corrector, smooth, watched = Integer.several(5)
    step, least, most, turn, change, tolerance, arc = Real.several(7)
    weights = Array("m")
    limits, origin = Array.several(2, 2, "m")
    work = Array("4*m + values")


class Curve(NamedTuple):
    """Rows of points and unit tangents (rows, m), and in ``values`` the sign of the determinant and the tests."""

    points: np.ndarray
    tangents: np.ndarray
    values: np.ndarray


@spliced
def borrowed_curve(curve) -> Curve:
    """A borrowed curve, for a loop."""
    return Curve(borrowed(curve.points), borrowed(curve.tangents), borrowed(curve.values))


@spliced
def length_of(system, first) -> float:
    """√Σ w v² of the m entries of ``work`` from ``first`` on."""
    total, weights, vector = 0.0, system.weights, system.work
    for i in range(system.m):
        total += weights[i] * vector[first + i] * vector[first + i]
    return np.sqrt(total)


@spliced
def correct(system, block) -> int:
    """Newton's method on z with the border c, the first 2m entries of ``work``; the number of corrections, 0 if it failed.

    The entries behind them are then the corrector's output at the last iterate but one, which is within the tolerance.
    """
    m, work, weights, before = system.m, system.work, system.weights, 1e3
    for k in range(MOST_CORRECTIONS):
        call(system.corrector, work, block, pointer(work, 2 * m))
        size, floor = length_of(system, 2 * m), 0.0
        # Also where it is NaN.
        if not size < 2.0 * before:
            return 0
        before = size
        for i in range(m):
            work[i] += work[2 * m + i]
            floor = max(floor, weights[i] * work[i] * work[i])
        if size <= max(system.tolerance, 1e-14 * np.sqrt(floor)):
            return k + 1
    return 0


@partial(kernel, short=True)
def solve_in_plane(memory, block, most):
    """Newton's method in ``work`` from z in the plane normal to the border, then the unit tangent; False if it fails.

    Without corrections, ``most`` 0, z is a solution already, and its tangent is chosen on the side of the tangent stored for z.
    """
    system, block, converged, before = System(memory), borrowed(block), most == 0, 1e3
    m, work, weights = system.m, system.work, system.weights
    for _ in range(most):
        call(system.corrector, work, block, pointer(work, 2 * m))
        size = length_of(system, 2 * m)
        # Also where it is NaN.
        if not size < 2.0 * before:
            return False
        before = size
        for i in range(m):
            work[i] += work[2 * m + i]
        if size <= max(system.tolerance, 1e-14 * length_of(system, 0)):
            converged = True
            break
    length = length_of(system, 3 * m)
    for _ in range(3 if converged else 0):
        for i in range(m):
            work[m + i] = weights[i] * (work[3 * m + i] / length)
        call(system.corrector, work, block, pointer(work, 2 * m))
        length = length_of(system, 3 * m)
        if not length < np.inf:
            return False
        # The tangent has the component 1 along the border: of length 1 it is parallel to it.
        if abs(length - 1.0) < 1e-15:
            break
    for i in range(m):
        work[3 * m + i] /= length
    return converged


@spliced
def predict(system, curve, row, h) -> None:
    """Set z one step along the tangent from a row, and the border to that tangent."""
    m, work, weights = system.m, system.work, system.weights
    for i in range(m):
        work[i] = curve.points[row, i] + h * curve.tangents[row, i]
        work[m + i] = weights[i] * curve.tangents[row, i]


@spliced
def record(system, curve, row) -> float:
    """Store the corrected point, its unit tangent and its tests in a row; return the cosine of the turn from the border."""
    m, work, length = system.m, system.work, length_of(system, 3 * system.m)
    for i in range(m):
        curve.points[row, i] = work[i]
        curve.tangents[row, i] = work[3 * m + i] / length
    for i in range(curve.values.shape[1]):
        curve.values[row, i] = work[4 * m + i]
    return 1.0 / length


@partial(kernel, short=True)
def follow(memory, block, curve):
    """Steps from row 0 of the curve on; returns (rows filled, how it ended).

    If a step passes a limit, the origin or a corner, its end is stored in the row after the last.
    """
    system, block, curve, done = System(memory), borrowed(block), borrowed_curve(curve), 0 * curve.points.shape[0]
    while done + 1 < curve.points.shape[0]:
        h = system.step
        predict(system, curve, done, h)
        corrections = correct(system, block)
        turn, change = 2.0, 2.0
        if corrections > 0:
            cosine = record(system, curve, done + 1)
            turn, change = np.arccos(min(cosine, 1.0)) / system.turn, change_of_tests(system, curve, done)
        if not (turn <= 1.0 and change <= 1.0) and h > system.least:
            system.step = max(0.4 * h, system.least)
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
        system.arc += h
        factor = min(1.5 if corrections <= FAST else 0.7, AIM / max(turn, change, 1e-9))
        system.step = min(max(h * max(factor, 0.4), system.least), system.most)
        done += 1
    return done + 1, FULL


@spliced
def change_of_tests(system, curve, row) -> float:
    """The largest change of a smooth test in a step, divided by the allowed change."""
    largest = 0.0
    for k in range(1, system.smooth + 1):
        largest = max(largest, abs(curve.values[row + 1, k] - curve.values[row, k]))
    return largest / system.change


@spliced
def crosses_watched(system, curve, row) -> bool:
    """True if a watched test changes sign in a step."""
    last = curve.values.shape[1]
    for k in range(last - system.watched, last):
        if curve.values[row, k] * curve.values[row + 1, k] < 0.0:
            return True
    return False


@spliced
def outside_limits(system, curve, row) -> bool:
    """True if an unknown is outside its limits."""
    limits = system.limits
    for i in range(system.m):
        if not limits[0, i] <= curve.points[row, i] <= limits[1, i]:
            return True
    return False


@spliced
def passes_origin(system, curve, row, h) -> bool:
    """True if the step from a row may pass the origin, in its direction."""
    along, aligned, away = 0.0, 0.0, 0.0
    if system.arc < 3.0 * h:
        return False
    weights, origin = system.weights, system.origin
    for i in range(system.m):
        gap = origin[0, i] - curve.points[row, i]
        along += weights[i] * gap * curve.tangents[row, i]
        away += weights[i] * gap * gap
        aligned += weights[i] * origin[1, i] * curve.tangents[row, i]
    return 0.0 <= along <= 1.1 * h and away - along * along <= 0.25 * h * h and aligned > 0.5
