"""The loop over steps: sizes, the way back to the edge, the first event, and what is recorded."""

from __future__ import annotations

from functools import partial

import numpy as np

from cfdyn.kernels.orbits import copy
from cfdyn.kernels.steppers import radau5
from cfdyn.kernels.steppers.control import initial_step
from cfdyn.kernels.steppers.events import OPEN, arrived, first_event, land
from cfdyn.kernels.steppers.field import RENEW, borrowed_field, derivative
from cfdyn.kernels.steppers.methods import (
    ABOVE,
    ATOL,
    BEFORE,
    BEGUN,
    END,
    ERROR,
    EVENT,
    EXPLICIT,
    FIXED,
    FULL,
    GAP,
    IMPLICIT,
    JUMP,
    LEAST_H,
    LEAST_T,
    METHOD,
    MISSED,
    MOST,
    NOW,
    REACHED,
    REJECTED,
    RTOL,
    SLACK_IN,
    SLACK_OUT,
    STALLED,
    STEPS,
    TINY,
    USER_ATOL,
    USER_RTOL,
    WATCH,
    H,
    T,
    attempt,
    change_method,
    clear,
    interpolant,
    judge,
    note_rejection,
    resized,
    settle,
    tools_in,
)
from cfdyn.machine.jit import borrowed, call, inline_kernel, kernel


@inline_kernel
def begin(field, clock, flags, z, f, tools) -> None:
    """A first step for a new phase, unless there is one, from the slope at its start; that too, if no modes are held."""
    if clock[BEGUN] == 1.0:
        return
    if field.k == 0:
        derivative(field, z, f)
    if clock[H] <= 0.0:
        order = 8 if flags[METHOD] == EXPLICIT else 5
        clock[H] = initial_step(field, z, f, order, clock[RTOL], clock[ATOL], tools.work)
    # Where the stabilised method keeps the direction of its power iteration.
    clear(tools.work[1])
    clear(tools.state)
    clock[BEGUN] = 1.0


@inline_kernel
def tried(field, clock, flags, z, f, h, tools) -> float:
    """The error of a step over ``h``, accepted if at most 1; a step of a fixed length always is."""
    error = attempt(field, clock, flags, z, f, h, tools)
    if not (clock[FIXED] > 0.0 and error > 1.0):
        return error
    if flags[METHOD] == IMPLICIT:
        radau5.conclude(z, h, 1.0, tools.work, tools.state)
    return 1.0


@inline_kernel
def shortened(field, clock, flags, h, factor, least) -> int:
    """After a rejected step ``h`` the next is ``factor`` times that; not `REACHED` where there is none."""
    flags[REJECTED] += 1
    if arrived(field, clock, flags, h):
        return EVENT
    if clock[FIXED] > 0.0 or h <= least:
        return STALLED
    clock[H] = h * factor
    return REACHED


@partial(kernel, short=True)
def advance(k, rules, p, block, counts, clock, flags, z, f, found, memory, pairs, pivots, times, coefficients):
    """Step from ``z`` (n,) with slope ``f``, in place, to the end, an event, or until ``times`` (rows, 2) is full.

    The first five are a `Field` (numba takes long to look at tuples), the three before ``times`` what `memory_for` makes.
    Row by row ``times`` gets the start and the size of each step and ``coefficients`` (rows, 8, n) its polynomial.
    Returns (rows filled, how it ended).
    """
    field, tools = borrowed_field(z.size, k, rules, p, block, counts), tools_in(found, clock, memory, pairs, pivots)
    clock, flags, z, f, coefficients = borrowed(clock), borrowed(flags), borrowed(z), borrowed(f), borrowed(coefficients)
    begin(field, clock, flags, z, f, tools)
    done, rejected = 0 * times.shape[0], False  # numba would compile for a literal 0 too
    while done < times.shape[0]:
        left = clock[END] - clock[T]
        if left <= 0.0:
            return done, REACHED
        h = clock[FIXED] if clock[FIXED] > 0.0 else min(clock[H], clock[MOST])
        h = left if h >= left * (1.0 - 1e-12) else h
        error = tried(field, clock, flags, z, f, h, tools)
        factor = resized(clock, flags, error, h, rejected, tools)
        if not (error <= 1.0 and settle(field, tools)):
            note_rejection(flags, clock, z, f, h, error, tools)
            verdict = shortened(field, clock, flags, h, min(factor, 0.5), clock[LEAST_H] * (clock[LEAST_T] + abs(clock[T])))
            if verdict != REACHED:
                return done, verdict
            rejected = True
            continue
        ended = take(field, clock, flags, z, f, h, tools, times, coefficients, done)
        if ended == NOW:
            return done, EVENT
        if ended == MISSED:
            # An event that was not hit: modes that turn fast near it, or a jump.
            verdict = shortened(field, clock, flags, h, 0.4, 1e-14 * (1.0 + abs(clock[T])))
            if verdict != REACHED:
                return done, JUMP if verdict == STALLED else verdict
            rejected = True
            continue
        done += 1
        clock[ERROR], clock[BEFORE] = error, h
        # The end of the interval, not the error, may have cut this step short.
        clock[H] = max(h * factor, clock[H]) if h < clock[H] and factor >= 1.0 else h * factor
        rejected = False
        verdict = EVENT if ended == EVENT else change_method(flags, clock, z, f, h, tools)
        if verdict != REACHED:
            return done, verdict
    return done, FULL


@inline_kernel
def take(field, clock, flags, z, f, h, tools, times, coefficients, row) -> int:
    """Record an accepted step, up to an event if there is one in it, and move on to its end."""
    ended, size = REACHED, h
    interpolant(field, flags, z, f, h, tools, coefficients[row])
    clock[GAP] = np.inf
    if flags[WATCH] == 1:
        place = first_event(field, clock, flags, coefficients[row], tools)
        if place == 0.0:
            return NOW
        if place <= 1.0:
            ended = EVENT
            size = land(field, clock, flags, z, f, h, place, coefficients[row], tools)
            if size < 0.0:
                return MISSED
            interpolant(field, flags, z, f, size, tools, coefficients[row])
        else:
            clock[GAP] = (2.0 - tools.found[0]) / 2.0
            clock[ABOVE] = tools.found[2] / clock[TINY]
            # Once a gap has opened, the edge may no longer be overstepped.
            if clock[SLACK_IN] > 0.0 and (2.0 - tools.found[0]) / 2.0 > OPEN:
                clock[SLACK_IN], clock[RTOL], clock[ATOL] = 0.0, clock[USER_RTOL], clock[USER_ATOL]
            if tools.found[2] > 1e-8 * clock[TINY]:
                clock[SLACK_OUT] = 0.0
    if field.k > 0:
        call(field.rules[RENEW], z, field.block, tools.found)
    times[row, 0] = clock[T]
    times[row, 1] = size
    clock[T] = clock[END] if size == clock[END] - clock[T] else clock[T] + size
    flags[STEPS] += 1
    judge(flags, clock, size, tools)
    copy(tools.z1, z)
    copy(tools.f1, f)
    return ended
