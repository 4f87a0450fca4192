"""The loop over steps: sizes, projection to the edge, the first event, and recording."""

from functools import partial

import numpy as np

from cfdyn.integrate._kernels.steppers import methods, radau5
from cfdyn.integrate._kernels.steppers.control import dop853_factor, initial_step
from cfdyn.integrate._kernels.steppers.events import OPEN, arrived, first_event, land
from cfdyn.integrate._kernels.steppers.field import RENEW, borrowed_field, derivative
from cfdyn.integrate._kernels.steppers.methods import Clock, tools_in
from cfdyn.kernels.orbits import copy
from cfdyn.machine.jit import borrowed, call, inline_kernel, kernel


@inline_kernel
def begin(field, clock, z, f, tools) -> None:
    """A first step for a new phase, unless there is one, from the slope at its start; the slope too, if no modes are held."""
    if clock.begun == 1:
        return
    if field.k == 0:
        derivative(field, z, f)
    if clock.h <= 0.0:
        order = 8 if clock.method == methods.EXPLICIT else 5
        clock.h = initial_step(field, z, f, order, clock.rtol, clock.atol, tools.work)
    # Where the stabilised method keeps the direction of its power iteration.
    for i in range(z.size):
        tools.work[1, i] = 0.0
    methods.forget_state(clock)
    clock.begun = 1


@inline_kernel
def step_error(field, clock, z, f, h, tools) -> float:
    """The error of a step over ``h``, accepted if at most 1; a step of a fixed length always is."""
    error = methods.attempt(field, clock, z, f, h, tools)
    if not (clock.fixed_h > 0.0 and error > 1.0):
        return error
    if clock.method == methods.IMPLICIT:
        radau5.conclude(z, h, 1.0, tools.work, radau5.State(clock.state))
    return 1.0


@inline_kernel
def after_rejection(field, clock, h, factor, least) -> int:
    """After a rejected step ``h`` the next is ``factor`` times that; returns a code other than `REACHED` if there is none."""
    clock.rejected += 1
    if arrived(field, clock, h):
        return methods.EVENT
    if clock.fixed_h > 0.0 or h <= least:
        return methods.STALLED
    clock.h = h * factor
    return methods.REACHED


@inline_kernel
def after_refusal(field, clock, h, ended) -> int:
    """As `after_rejection`, for a step within its error that sways or missed an event (modes rotate fast there, or a jump)."""
    if ended == methods.SWAYED:
        return after_rejection(field, clock, h, dop853_factor(clock.sway, True), clock.least_h * (clock.least_t + abs(clock.t)))
    verdict = after_rejection(field, clock, h, 0.4, 1e-14 * (1.0 + abs(clock.t)))
    return methods.JUMP if verdict == methods.STALLED else verdict


@partial(kernel, short=True)
def advance(k, rules, p, block, counts, clock, z, f, found, memory, pairs, pivots, times, coefficients):
    """Step from ``z`` (n,) with slope ``f``, in place, to the end, an event, or until ``times`` (rows, 2) is full.

    The first five are a `Field` (numba takes long to inspect tuples), the three before ``times`` the arrays of `memory_for`.
    Row by row ``times`` receives the start and the size of each step and ``coefficients`` (rows, 8, n) its polynomial.
    Returns (rows filled, how it ended).
    """
    field, clock = borrowed_field(z.size, k, rules, p, block, counts), Clock(clock)
    z, f, coefficients, tools = borrowed(z), borrowed(f), borrowed(coefficients), tools_in(found, memory, pairs.shape[1])
    methods.tell_rules(clock, field, memory, pairs, pivots)
    begin(field, clock, z, f, tools)
    done, rejected = 0 * times.shape[0], False  # numba would compile for a literal 0 too
    while done < times.shape[0] and not clock.end - clock.t <= 0.0:
        h = next_size(clock)
        error = step_error(field, clock, z, f, h, tools)
        factor = methods.step_factor(clock, error, h, rejected, tools)
        if not (error <= 1.0 and methods.project_end(field, tools)):
            methods.note_rejection(clock, z, f, h, error, tools)
            verdict = after_rejection(field, clock, h, min(factor, 0.5), clock.least_h * (clock.least_t + abs(clock.t)))
            if verdict != methods.REACHED:
                return done, verdict
            rejected = True
            continue
        ended = accept(field, clock, z, f, h, tools, times, coefficients, done)
        if ended == methods.NOW:
            return done, methods.EVENT
        if ended in (methods.MISSED, methods.SWAYED):
            if ended == methods.SWAYED:
                methods.note_rejection(clock, z, f, h, clock.sway, tools)
            verdict = after_refusal(field, clock, h, ended)
            if verdict != methods.REACHED:
                return done, verdict
            rejected = True
            continue
        factor = min(factor, dop853_factor(clock.sway, True)) if clock.sway > 0.3 else factor
        done += 1
        clock.last_error, clock.last_h = error, h
        # The end of the interval, not the error, may have cut this step short.
        clock.h = max(h * factor, clock.h) if h < clock.h and factor >= 1.0 else h * factor
        rejected = False
        verdict = methods.EVENT if ended == methods.EVENT else methods.change_method(clock, z, f, h, tools)
        if verdict == methods.REACHED and creeps(clock, h):
            verdict = methods.CREPT
        if verdict != methods.REACHED:
            return done, verdict
    return done, methods.FULL if done == times.shape[0] else methods.REACHED


@inline_kernel
def next_size(clock) -> float:
    """The size of the next step, which ends no farther than the interval."""
    left = clock.end - clock.t
    h = clock.fixed_h if clock.fixed_h > 0.0 else min(clock.h, clock.most_h)
    return left if h >= left * (1.0 - 1e-12) else h


@inline_kernel
def creeps(clock, h) -> bool:
    """True if far more steps next to an edge are tiny than not, although neither the user nor the end requires it."""
    tiny = methods.TINY * min(1.0, clock.end)
    short = clock.watch == 1 and h < tiny and clock.most_h > tiny and clock.fixed_h == 0.0
    clock.tiny = clock.tiny + 1 if short else max(clock.tiny - 1, 0)
    return clock.tiny >= methods.MOST_TINY


@inline_kernel
def accept(field, clock, z, f, h, tools, times, coefficients, row) -> int:
    """Record an accepted step, up to an event if there is one in it, and move on to its end."""
    ended, size = methods.REACHED, h
    methods.interpolant(field, clock, z, f, h, tools, coefficients[row])
    if clock.sway > 1.0 and not clock.fixed_h > 0.0:
        return methods.SWAYED
    clock.gap = np.inf
    if clock.watch == 1:
        place = first_event(field, clock, h, coefficients[row], tools)
        if place == 0.0:
            return methods.NOW
        if place <= 1.0:
            ended = methods.EVENT
            size = land(field, clock, z, f, h, place, coefficients[row], tools)
            if size < 0.0:
                return methods.MISSED
            methods.interpolant(field, clock, z, f, size, tools, coefficients[row])
        else:
            clock.gap = (2.0 - tools.found[0]) / 2.0
            clock.above = tools.found[2] / clock.unit
            # Once a gap has opened, the edge may no longer be overstepped.
            if clock.slack_in > 0.0 and (2.0 - tools.found[0]) / 2.0 > OPEN:
                clock.slack_in, clock.rtol, clock.atol = 0.0, clock.user_rtol, clock.user_atol
            if tools.found[2] > 1e-8 * clock.unit:
                clock.slack_out = 0.0
    if field.k > 0:
        call(field.rules[RENEW], z, field.block, tools.found)
    times[row, 0] = clock.t
    times[row, 1] = size
    clock.t = clock.end if size == clock.end - clock.t else clock.t + size
    clock.steps += 1
    methods.count_stiff_signs(clock, size, tools)
    copy(tools.z1, z)
    copy(tools.f1, f)
    return ended
