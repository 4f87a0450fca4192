"""Events inside a step: the distance to one, its place, and a step that ends there."""

import numpy as np

from cfdyn.integrate._kernels.steppers.dense import evaluate
from cfdyn.integrate._kernels.steppers.field import INSPECT
from cfdyn.integrate._kernels.steppers.methods import attempt, forget_state, project_end
from cfdyn.machine.jit import call, inline_kernel

HIT = 2e-13  # an event is reached if the margin is this small
OPEN, CLOSED = 1e-3, 1e-10  # a gap that is clearly not 0; one that steps cannot reduce
HARDLY, CRAWL = 1e-7, 100  # a gap that is almost 0, and the number of attempts at it until it counts as 0


@inline_kernel
def margin(field, clock, z, tools, allowance) -> float:
    """The distance of z from the next event, negative beyond it: an eigenvalue at the edge, or X losing its rank.

    ``allowance`` bounds how far X may be negative: NOISE for whether there is an event, 0 for its place.
    """
    call(field.rules[INSPECT], z, field.block, tools.found)
    gap = (2.0 + clock.slack_in - tools.found[0]) / 2.0
    if field.k > 1:
        gap = min(gap, (tools.found[1] - 2.0 + clock.edge_tolerance) / 2.0)
    return min(gap, tools.found[2] / clock.unit + max(clock.slack_out, allowance))


@inline_kernel
def crossing(field, clock, coefficients, left, right, tools) -> float:
    """The place in [left, right] of the step where the margin of the interpolant changes its sign, by bisection and secants."""
    evaluate(coefficients, left, tools.point)
    at_left = margin(field, clock, tools.point, tools, 0.0)
    if at_left <= 0.0:
        return left
    evaluate(coefficients, right, tools.point)
    at_right = margin(field, clock, tools.point, tools, 0.0)
    side = 0
    for iteration in range(200):
        if right - left <= 4e-16 or at_right == 0.0:
            break
        share = at_left / (at_left - at_right)
        # Illinois; every third time a bisection, for margins with a jump.
        middle = left + (right - left) * (share if iteration % 3 < 2 and 0.0 < share < 1.0 else 0.5)
        evaluate(coefficients, middle, tools.point)
        value = margin(field, clock, tools.point, tools, 0.0)
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
def lowest(start, first, second, end) -> float:
    """Where a function with the given values at 0, 1/3, 2/3 and 1 may be lowest: 1, or the vertex of a parabola."""
    third, left, middle, right = (1.0, start, first, second) if first < second else (2.0, first, second, end)
    bend, lean = left - 2.0 * middle + right, (right - left) / 2.0
    # Not if the minimum is no deeper than half of the known values.
    if bend <= 0.0 or middle - lean * lean / (2.0 * bend) > 0.5 * min(left, middle, right):
        return 1.0
    return min(max((third - lean / bend) / 3.0, 0.0), 1.0)


@inline_kernel
def first_event(field, clock, h, coefficients, tools) -> float:
    """The place of the first event in the step ``h``, or 2 if there is none."""
    # A change from far above round-off to below 0 is a crossing; from near 0 only if it is clearly beyond.
    last, allowance = 0.0, 0.0 if clock.above > 1e3 * clock.noise else clock.noise
    at_end = margin(field, clock, tools.z1, tools, allowance)
    before, clock.margin = clock.margin, at_end
    fall, clock.fall = clock.fall, (before - at_end) / h
    # Inside, only if the margin changes so much, or fell so fast, that it may have reached 0.
    if abs(at_end - before) < 0.5 * min(at_end, before) and before - fall * h > 0.5 * before:
        return 2.0
    here, first, value = 1.0, 0.0, 0.0
    for third in range(1, 3):
        here = third / 3.0
        evaluate(coefficients, here, tools.point)
        first, value = value, margin(field, clock, tools.point, tools, allowance)
        if value < 0.0 or np.isnan(value):
            break
        last, here = here, 1.0
    if here == 1.0 and at_end >= 0.0:
        bottom = lowest(max(before, 0.0), first, value, at_end)
        if 0.0 < bottom < 1.0:
            evaluate(coefficients, bottom, tools.point)
            if margin(field, clock, tools.point, tools, allowance) < 0.0:
                last, here = np.floor(3.0 * bottom) / 3.0, bottom
    if here == 1.0 and at_end >= 0.0:
        margin(field, clock, tools.z1, tools, allowance)
        return 2.0
    return crossing(field, clock, coefficients, last, here, tools)


@inline_kernel
def land(field, clock, z, f, h, place, coefficients, tools) -> float:
    """Repeat the step so that it ends at the event; returns its size, or −1 if the margin jumps there."""
    size, slope, value = place * h, 0.0, np.inf
    clock.miss = np.inf
    before, value_before = 0.0, 0.0
    for iteration in range(8):
        forget_state(clock)
        error = attempt(field, clock, z, f, size, tools)
        if not error <= 1e3 or not project_end(field, tools):
            return -1.0
        value = margin(field, clock, tools.z1, tools, 0.0)
        if abs(value) <= 4e-15:
            break
        if iteration > 0 and size != before:
            slope = (value - value_before) / (size - before)
        if iteration == 0 or slope == 0.0 or not np.isfinite(slope):
            nudge = min(place + 1e-4, 1.0)
            evaluate(coefficients, nudge - 1e-4, tools.point)
            low = margin(field, clock, tools.point, tools, 0.0)
            evaluate(coefficients, nudge, tools.point)
            slope = (margin(field, clock, tools.point, tools, 0.0) - low) / (1e-4 * h)
        before, value_before = size, value
        change = -value / slope
        if not np.isfinite(change) or abs(change) > 0.2 * h or iteration == 7:
            break
        if abs(change) <= 1e-15 * max(abs(clock.t), size):
            break
        size += change
        if not size > 0.0:
            size = before * 0.5
    clock.miss = abs(value)
    return size if abs(value) <= HIT else -1.0


@inline_kernel
def arrived(field, clock, h) -> bool:
    """True if an eigenvalue is effectively at the edge: close to it, modes rotate ever faster."""
    clock.crawled = clock.crawled + 1 if clock.gap < HARDLY and h < 1e-3 else 0
    closed = clock.gap < CLOSED and h < 1e-5 or clock.crawled > CRAWL
    return field.k > 0 and clock.slack_in == 0.0 and closed
