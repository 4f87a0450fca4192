"""The loop over steps: one method or another, step sizes, the way back to the edge, and the first event."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels import dop853, radau5, rkc
from cfdyn.kernels.control import dop853_factor, initial_step, radau5_factor, rkc_factor
from cfdyn.kernels.dense import evaluate
from cfdyn.kernels.field import derivative
from cfdyn.kernels.orbits import copy

EXPLICIT, IMPLICIT, STABILISED = range(3)
# How a call of `advance` ends.
REACHED, FULL, EVENT, STIFF, MILD, STALLED, JUMP, MISSED = range(8)
# The clock: time, its end, the next step, tolerances, the largest step, a fixed step or 0, the smallest relative step,
# how far the edge may be overstepped until a first gap has opened, the error and step before, how far a held eigenvalue may
# fall, the scale of X, by how much an event was missed, the user's tolerances, and the last gap.
(T, END, H, RTOL, ATOL, MOST, FIXED, LEAST_H, SLACK_IN, SLACK_OUT, ERROR, BEFORE, EDGE_TOL, TINY, MISS,
 USER_RTOL, USER_ATOL, GAP, CLOCK) = range(19)  # fmt: skip
# Counts: method, whether it may change, whether events are watched, steps, rejected ones, signs of stiffness, of none.
METHOD, AUTO, WATCH, STEPS, REJECTED, STIFF_SIGNS, MILD_SIGNS, FRESH = range(8)


# An event is hit where the margin is this small.
HIT = 2e-13
# A gap that is no longer mistaken for none; one at which modes turn fast; one that steps cannot make smaller.
OPEN, NARROW, CLOSED = 1e-3, 1e-3, 1e-10


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
def margin(field, clock, z, tools) -> float:
    """How far z is from the next event, negative beyond it: an eigenvalue at the edge, or X losing its rank."""
    field.inspect(pointer(z, 0), pointer(field.block, 0), pointer(tools.found, 0))
    gap = (2.0 + clock[SLACK_IN] - tools.found[0]) / 2.0
    if field.k > 1:
        gap = min(gap, (tools.found[1] - 2.0 + clock[EDGE_TOL]) / 2.0)
    return min(gap, tools.found[2] / clock[TINY] + clock[SLACK_OUT])


@inline_kernel
def settle(field, tools) -> bool:
    """The end of a step back onto the edge, with its slope."""
    if field.k == 0:
        return True
    field.project(pointer(tools.z1, 0), pointer(field.block, 0), pointer(tools.found, 0))
    derivative(field, tools.z1, tools.f1)
    return tools.found[0] == tools.found[0]


@inline_kernel
def crossing(field, clock, coefficients, left, right, tools) -> float:
    """The place in [left, right] of the step where the margin of the interpolant changes its sign, by bisection and secants."""
    evaluate(coefficients, left, tools.point)
    at_left = margin(field, clock, tools.point, tools)
    evaluate(coefficients, right, tools.point)
    at_right = margin(field, clock, tools.point, tools)
    side = 0
    for iteration in range(200):
        if right - left <= 4e-16 or at_right == 0.0:
            break
        share = at_left / (at_left - at_right)
        # Illinois; every third time a bisection, for margins with a jump.
        middle = left + (right - left) * (share if iteration % 3 < 2 and 0.0 < share < 1.0 else 0.5)
        evaluate(coefficients, middle, tools.point)
        value = margin(field, clock, tools.point, tools)
        if value >= 0.0:
            left, at_left = middle, value
            if side == 1:
                at_right *= 0.5
            side = 1
        else:
            right, at_right = middle, value
            if side == -1:
                at_left *= 0.5
            side = -1
        if abs(value) < 1e-15:
            return middle
    return right


@inline_kernel
def first_event(field, clock, flags, coefficients, tools) -> float:
    """The place of the first event in the step, or 2 if there is none."""
    last = 0.0
    for third in range(1, 4):
        here = third / 3.0
        evaluate(coefficients, here, tools.point)
        value = margin(field, clock, tools.point, tools)
        if value < 0.0 or np.isnan(value):
            return crossing(field, clock, coefficients, last, here, tools)
        last = here
    return 2.0


@inline_kernel
def land(field, clock, flags, z, f, h, place, coefficients, tools) -> float:
    """Make the step again so that it ends at the event; returns its size, or −1 if the margin jumps there."""
    size, slope, value = place * h, 0.0, np.inf
    clock[MISS] = np.inf
    before, value_before = 0.0, 0.0
    for iteration in range(8):
        clear(tools.state)
        error = attempt(field, clock, flags, z, f, size, tools)
        if not error <= 1e3 or not settle(field, tools):
            return -1.0
        derivative(field, tools.z1, tools.f1)
        value = margin(field, clock, tools.z1, tools)
        if abs(value) <= 4e-15:
            break
        if iteration > 0 and size != before:
            slope = (value - value_before) / (size - before)
        if iteration == 0 or slope == 0.0 or not np.isfinite(slope):
            nudge = min(place + 1e-4, 1.0)
            evaluate(coefficients, nudge - 1e-4, tools.point)
            low = margin(field, clock, tools.point, tools)
            evaluate(coefficients, nudge, tools.point)
            slope = (margin(field, clock, tools.point, tools) - low) / (1e-4 * h)
        before, value_before = size, value
        change = -value / slope
        if not np.isfinite(change) or abs(change) > 0.2 * h or iteration == 7:
            break
        if abs(change) <= 1e-15 * max(abs(clock[T]), size):
            break
        size += change
        if not size > 0.0:
            size = before * 0.5
    clock[MISS] = abs(value)
    return size if abs(value) <= HIT else -1.0


@kernel
def begin(field, clock, z, f, order, tools) -> None:
    """A first step for a phase, unless there is one, from the slope at its start."""
    if clock[H] <= 0.0:
        clock[H] = initial_step(field, z, f, order, clock[RTOL], clock[ATOL], tools.work)


@kernel
def advance(field, clock, flags, z, f, tools, times, coefficients):
    """Step from ``z`` (n,) with slope ``f``, in place, to the end, an event, or until ``times`` (rows, 2) is full.

    Row by row ``times`` gets the start and the size of each step and ``coefficients`` (rows, 8, n) its polynomial.
    Returns (rows filled, how it ended).
    """
    done, rejected = 0 * times.shape[0], False  # numba would compile for a literal 0 too
    while done < times.shape[0]:
        left = clock[END] - clock[T]
        if left <= 0.0:
            return done, REACHED
        h = clock[FIXED] if clock[FIXED] > 0.0 else min(clock[H], clock[MOST])
        h = left if h >= left * (1.0 - 1e-12) else h
        error = attempt(field, clock, flags, z, f, h, tools)
        if clock[FIXED] > 0.0 and np.isfinite(error):
            error = min(error, 1.0)
        factor = resized(clock, flags, error, h, rejected, tools)
        if not (error <= 1.0 and settle(field, tools)):
            flags[REJECTED] += 1
            rejected = True
            if arrived(field, clock, h):
                return done, EVENT
            if clock[FIXED] > 0.0 or h <= clock[LEAST_H] * (1.0 + abs(clock[T])):
                return done, STALLED
            clock[H] = h * min(factor, 0.5)
            continue
        ended = take(field, clock, flags, z, f, h, tools, times, coefficients, done)
        if ended == MISSED:
            # An event that was not hit: modes that turn fast near it, or a jump.
            flags[REJECTED] += 1
            rejected = True
            if arrived(field, clock, h):
                return done, EVENT
            if clock[FIXED] > 0.0 or h <= 1e-14 * (1.0 + abs(clock[T])):
                return done, JUMP
            clock[H] = 0.4 * h
            continue
        done += 1
        clock[ERROR], clock[BEFORE] = error, h
        # The end of the interval, not the error, may have cut this step short.
        clock[H] = max(h * factor, clock[H]) if h < clock[H] and factor >= 1.0 else h * factor
        rejected = False
        if ended == EVENT:
            return done, EVENT
        changed = change_method(flags, clock, z, f, h, tools)
        if changed != REACHED:
            return done, changed
    return done, FULL


@inline_kernel
def arrived(field, clock, h) -> bool:
    """Whether an eigenvalue is as good as at the edge: modes turn ever faster on the last bit of the way."""
    return field.k > 0 and clock[SLACK_IN] == 0.0 and clock[GAP] < CLOSED and h < 1e-6


@inline_kernel
def take(field, clock, flags, z, f, h, tools, times, coefficients, row) -> int:
    """Record an accepted step, up to an event if there is one in it, and move on to its end."""
    ended, size = REACHED, h
    interpolant(field, flags, z, f, h, tools, coefficients[row])
    clock[GAP] = np.inf
    if flags[WATCH] == 1:
        place = first_event(field, clock, flags, coefficients[row], tools)
        if place <= 1.0:
            ended = EVENT
            size = land(field, clock, flags, z, f, h, place, coefficients[row], tools)
            if size < 0.0:
                return MISSED
            interpolant(field, flags, z, f, size, tools, coefficients[row])
        else:
            clock[GAP] = (2.0 - tools.found[0]) / 2.0
            # Once a gap has opened, the edge may no longer be overstepped.
            if clock[SLACK_IN] > 0.0 and (2.0 - tools.found[0]) / 2.0 > OPEN:
                clock[SLACK_IN], clock[RTOL], clock[ATOL] = 0.0, clock[USER_RTOL], clock[USER_ATOL]
            if tools.found[2] > 1e-8 * clock[TINY]:
                clock[SLACK_OUT] = 0.0
    if field.k > 0:
        field.renew(pointer(z, 0), pointer(field.block, 0), pointer(tools.found, 0))
    times[row, 0] = clock[T]
    times[row, 1] = size
    clock[T] = clock[END] if size == clock[END] - clock[T] else clock[T] + size
    flags[STEPS] += 1
    judge(flags, clock, size, tools)
    copy(tools.z1, z)
    copy(tools.f1, f)
    return ended


@inline_kernel
def judge(flags, clock, h, tools) -> None:
    """Count signs of stiffness: is the explicit step as long as stability allows, the implicit one no longer than that?"""
    if flags[AUTO] == 0:
        return
    narrow = flags[WATCH] == 1 and clock[GAP] < NARROW and clock[BEFORE] < 0.1
    if flags[METHOD] == EXPLICIT:
        slopes, points = 0.0, 0.0
        for i in range(tools.z1.size):
            slopes += (tools.work[12, i] - tools.work[11, i]) ** 2
            gap = h * dop853.combine(tools.work, 11, i) - h * dop853.combine(tools.work, 10, i)
            points += gap * gap
        stiff = points > 0.0 and h * np.sqrt(slopes / points) > 5.5
        if narrow:
            flags[STIFF_SIGNS] += 4
    else:
        size = 0.0
        for i in range(tools.z1.size):
            row = 0.0
            for j in range(tools.z1.size):
                row += abs(tools.slopes[i, j])
            size = max(size, row)
        stiff = h * size > 3.0 or clock[SLACK_IN] > 0.0 or narrow
    flags[STIFF_SIGNS] = flags[STIFF_SIGNS] + 1 if stiff else max(flags[STIFF_SIGNS] - 3, 0)
    flags[MILD_SIGNS] = 0 if stiff else flags[MILD_SIGNS] + 1


@inline_kernel
def change_method(flags, clock, z, f, h, tools) -> int:
    """STIFF or MILD when another method would do better, else REACHED."""
    if flags[AUTO] == 0:
        return REACHED
    if flags[METHOD] == EXPLICIT and flags[STIFF_SIGNS] >= 12:
        return STIFF
    if flags[METHOD] == IMPLICIT and flags[MILD_SIGNS] >= 6:
        return MILD
    return REACHED
