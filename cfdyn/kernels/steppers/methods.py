"""The state of an integration, and one step of it by the method in force."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn.kernels.steppers import dop853, radau5, rkc
from cfdyn.kernels.steppers.control import dop853_factor, radau5_factor, rkc_factor
from cfdyn.kernels.steppers.field import PROJECT, derivative
from cfdyn.machine.jit import borrowed, call, inline_kernel

EXPLICIT, IMPLICIT, STABILISED = range(3)
# How a call of `advance` ends.
REACHED, FULL, EVENT, STIFF, MILD, STALLED, JUMP, MISSED, NOW = range(9)
# The clock: time, its end, the next step, tolerances, the largest step, a fixed step or 0, the smallest relative step,
# how far the edge may be overstepped until a first gap has opened, the error and step before, how far a held eigenvalue may
# fall, the scale of X, by how much an event was missed, the user's tolerances, the last gap, what of X is round-off, X at
# the last step, the margin there, the time that the smallest step is relative to at 0,
# whether the phase has begun; then the memory of the implicit method (`radau5.STATE`).
(T, END, H, RTOL, ATOL, MOST, FIXED, LEAST_H, SLACK_IN, SLACK_OUT, ERROR, BEFORE, EDGE_TOL, TINY, MISS,
 USER_RTOL, USER_ATOL, GAP, NOISE, ABOVE, MARGIN, LEAST_T, BEGUN, CLOCK) = range(24)  # fmt: skip
# Counts: method, whether it may change, whether events are watched, steps, rejected ones, signs of stiffness, of none, attempts
# at a gap that is hardly one, whether the loop has all for the implicit method, how often it went to and fro.
METHOD, AUTO, WATCH, STEPS, REJECTED, STIFF_SIGNS, MILD_SIGNS, CRAWLED, READY, CHANGES, FLAGS = range(11)


NARROW = 1e-3  # a gap at which modes turn fast


class Tools(NamedTuple):
    """Work arrays of the methods; ``found`` is what the edge says."""

    found: np.ndarray
    z1: np.ndarray
    f1: np.ndarray
    point: np.ndarray
    slope: np.ndarray
    work: np.ndarray
    state: np.ndarray
    slopes: np.ndarray
    real: np.ndarray
    pairs: np.ndarray
    pivots: np.ndarray


# Rows of the memory: z1, f1, point, slope, work, then slopes and real where the implicit method runs.
_WORK = 4
_SLOPES = _WORK + max(dop853.ROWS, radau5.ROWS, rkc.ROWS)


def memory_for(n: int, implicit: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays memory, pairs and pivots; without the implicit method those of a single state."""
    m = n if implicit else 0
    return np.zeros((_SLOPES + 2 * m + 1, n)), np.zeros((m + 1, m), np.complex128), np.zeros((6, m), np.int64)


@inline_kernel
def tools_in(found, clock, memory, pairs, pivots) -> Tools:
    """The work arrays in what `memory_for` makes; references to them are not counted, see `cfdyn.machine.jit.borrowed`."""
    end = _SLOPES + pairs.shape[1]
    return Tools(borrowed(found), borrowed(memory[0]), borrowed(memory[1]), borrowed(memory[2]), borrowed(memory[3]),
                 borrowed(memory[_WORK:_SLOPES]), borrowed(clock[CLOCK:]), borrowed(memory[_SLOPES:end]),
                 borrowed(memory[end:]), borrowed(pairs), borrowed(pivots))  # fmt: skip


@inline_kernel
def clear(array) -> None:
    """array = 0."""
    for i in range(array.size):
        array[i] = 0.0


@inline_kernel
def attempt(field, clock, flags, z, f, h, tools) -> Any:
    """One trial step by the method in force; its scaled error, at most 1 where it can be taken."""
    if flags[METHOD] == EXPLICIT:
        return dop853.attempt(field, z, f, h, clock[RTOL], clock[ATOL], tools.z1, tools.f1, tools.work)
    if flags[METHOD] == IMPLICIT:
        return radau5.attempt(field, z, f, h, clock[RTOL], clock[ATOL], tools.z1, tools.f1, tools.work, tools.state,
                              tools.slopes, tools.real, tools.pairs, tools.pivots)  # fmt: skip
    radius = rkc.spectral_radius(field, z, f, tools.work)
    if not np.isfinite(radius):
        return np.nan
    stages = rkc.stages_for(h, radius)
    return rkc.attempt(field, z, f, h, clock[RTOL], clock[ATOL], stages, tools.z1, tools.f1, tools.work)


@inline_kernel
def resized(clock, flags, error, h, rejected, tools) -> float:
    """The factor from this step to the next."""
    if flags[METHOD] == EXPLICIT:
        return dop853_factor(error, rejected)
    if flags[METHOD] == IMPLICIT:
        return radau5_factor(error, h, rejected, tools.state)
    return rkc_factor(error, h, clock[ERROR], clock[BEFORE], rejected)


@inline_kernel
def interpolant(field, flags, z, f, h, tools, coefficients) -> None:
    """The polynomial of the step just made."""
    if flags[METHOD] == EXPLICIT:
        dop853.dense(field, z, f, h, tools.z1, tools.f1, tools.work, coefficients)
    elif flags[METHOD] == IMPLICIT:
        radau5.dense(field, z, f, h, tools.z1, tools.f1, tools.work, coefficients)
    else:
        rkc.dense(field, z, f, h, tools.z1, tools.f1, tools.work, coefficients)


@inline_kernel
def settle(field, tools) -> bool:
    """The end of a step back onto the edge, with its slope."""
    if field.k == 0:
        return True
    call(field.rules[PROJECT], tools.z1, field.block, tools.found)
    derivative(field, tools.z1, tools.f1)
    return tools.found[0] == tools.found[0]


@inline_kernel
def reach(h, tools) -> float:
    """h times the largest eigenvalue, by the last two stages of the explicit attempt; about 6 where that becomes unstable."""
    slopes, points = 0.0, 0.0
    for i in range(tools.z1.size):
        slopes += (tools.f1[i] - tools.work[11, i]) ** 2
        gap = h * dop853.combine(tools.work, 11, i) - h * dop853.combine(tools.work, 10, i)
        points += gap * gap
    return h * np.sqrt(slopes / points) if points > 0.0 else 0.0


@inline_kernel
def judge(flags, clock, h, tools) -> None:
    """Count signs of stiffness: is the explicit step as long as stability allows, the implicit one no longer than that?"""
    if flags[AUTO] == 0:
        return
    narrow = flags[WATCH] == 1 and clock[GAP] < NARROW and clock[BEFORE] < 0.1
    if flags[METHOD] == EXPLICIT:
        stiff = reach(h, tools) > 5.5
        if narrow:
            flags[STIFF_SIGNS] += 4
    else:
        size = 0.0
        for i in range(tools.slopes.shape[0]):
            row = 0.0
            for j in range(tools.z1.size):
                row += abs(tools.slopes[i, j])
            size = max(size, row)
        stiff = h * size > 3.0 or clock[SLACK_IN] > 0.0 or narrow
    flags[STIFF_SIGNS] = flags[STIFF_SIGNS] + 1 if stiff else max(flags[STIFF_SIGNS] - 3, 0)
    flags[MILD_SIGNS] = 0 if stiff else flags[MILD_SIGNS] + 1


@inline_kernel
def note_rejection(flags, clock, z, f, h, error, tools) -> None:
    """An explicit step that fails beyond the bounds of stability, or although the state hardly moves in it."""
    if flags[AUTO] == 0 or flags[METHOD] != EXPLICIT or not error > 1.0:
        return
    moved = 0.0
    for i in range(z.size):
        moved += (h * f[i] / (clock[ATOL] + clock[RTOL] * abs(z[i]))) ** 2
    if moved <= z.size:
        flags[STIFF_SIGNS] += 16
    elif flags[WATCH] == 0 and reach(h, tools) > 5.5:
        # A step within the bounds follows, and takes off 3. Next to an edge steps fail for other reasons.
        flags[STIFF_SIGNS] += 7


@inline_kernel
def change_method(flags, clock, z, f, h, tools) -> int:
    """STIFF or MILD when another method would do better and whoever calls must see to it, else REACHED."""
    if flags[AUTO] == 0:
        return REACHED
    stiff = flags[METHOD] == EXPLICIT and flags[STIFF_SIGNS] >= 12
    if not (stiff or flags[METHOD] == IMPLICIT and flags[MILD_SIGNS] >= 6):
        return REACHED
    if flags[READY] == 0:
        return STIFF if stiff else MILD
    flags[METHOD] = IMPLICIT if stiff else EXPLICIT
    flags[STIFF_SIGNS], flags[MILD_SIGNS] = 0, 0
    flags[CHANGES] += 1
    clear(tools.state)
    return REACHED
