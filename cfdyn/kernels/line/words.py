"""The cycles of a map of one variable that follow one word: the zeros of fⁿ(x) − x on its interval of starts.

A *box* is what lies between two paths; see `cfdyn.kernels.line.paths`.
"""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.laps import middle
from cfdyn.kernels.line.memory import size
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

POINTLIKE = 1e-12  # a box as narrow as this, relative to the size of its paths, is a point
UNEVEN = 0.36
MOST_WORK = 2_000_000  # evaluations for one word
THIN = 1 / 256  # of its size, or of the region: where fⁿ(x) = x to round-off at samples of so narrow a box, it is on all of it


@inline_kernel
def stretching(w, m, p, n, a, b) -> tuple[float, float]:
    """Bounds of (fⁿ)′ over a box, one-sided at the kinks between laps."""
    least, most, sign = 1.0, 1.0, 1.0
    for k in range(n):
        lap = m[at.ENDS] + at.LAP * m[m[at.WORD] + k]
        left, right = w[lap + 2], w[lap + 3]
        w[at.SPAN] = min(max(min(w[a + k], w[b + k]), left), right)
        w[at.SPAN + 1] = max(min(max(w[a + k], w[b + k]), right), left)
        call_from(w, at.SLOPES, pointer(w, at.SPAN), p, pointer(w, at.SPAN + 2))
        low, high = w[at.SPAN + 2], w[at.SPAN + 3]
        if w[lap + 6] < 0.0:
            low, high, sign = -high, -low, -sign
        least *= max(low, 0.0)
        most *= max(high, 0.0)
        if np.isnan(least):
            least = 0.0
        if np.isnan(most):
            most = np.inf
    return (least, most) if sign > 0.0 else (-most, -least)


@inline_kernel
def may_close(x, y, fx, fy, low, high, blur) -> bool:
    """Whether fⁿ may have a fixed point from x to y, from its values there and bounds of its slope."""
    if y < min(fx, fy) - blur or x > max(fx, fy) + blur:
        return False
    left, right, width = fx - x, fy - y, y - x
    if left < 0.0:
        left, right, low, high = -left, -right, 2.0 - high, 2.0 - low
    if right <= 0.0 or not (np.isfinite(low) and np.isfinite(high)):
        return True
    if low >= 1.0 or high <= 1.0:
        return min(left, right) <= blur
    # Both lines below the graph, from the left end with the least slope and from the right end with the greatest.
    along = (right - left - width * (high - 1.0)) / (low - high)
    return left + min(max(along, 0.0), width) * (low - 1.0) <= blur


@inline_kernel
def note(w, m, n, a, b) -> None:
    """Note a box as undecided, where its orbits first are in the region, as a part of the last one of its word if near."""
    k = 0
    while k < n and (max(w[a + k], w[b + k]) < w[at.LOWEST] or min(w[a + k], w[b + k]) > w[at.HIGHEST]):
        k += 1
    if k == n:
        return
    low, high, last, table = min(w[a + k], w[b + k]), max(w[a + k], w[b + k]), m[at.LAST], m[at.OPENED]
    near = min(8.0 * (high - low), THIN * max(min(w[at.EXTENT], 1.0), abs(low), abs(high)))
    if last < 0 or w[table + 2 * last] > high + near or low - near > w[table + 2 * last + 1]:
        last = min(m[at.OPEN], at.MOST_OPEN - 1)
        if m[at.OPEN] <= last:
            w[table + 2 * last], w[table + 2 * last + 1] = low, high
        m[at.OPEN], m[at.LAST] = last + 1, last
    w[table + 2 * last] = min(low, w[table + 2 * last])
    w[table + 2 * last + 1] = max(high, w[table + 2 * last + 1])


@inline_kernel
def thin(w, a, b) -> bool:
    """Whether a box is so narrow that samples stand for all of it."""
    return w[b] - w[a] <= THIN * max(min(w[at.EXTENT], 1.0), abs(w[a]), abs(w[b]))


@inline_kernel
def halve(w, m, z, p, n, a, b, still, tired) -> bool:
    """Put a path behind ``b`` through the middle of the box where it is widest; True if the box is not to be divided.

    That is if it is a point, if fⁿ(x) = x to round-off on all of it, or if no more work is to go into it. ``still``: bounds
    of the slope say that fⁿ(x) − x changes by no more than round-off; where they do not, a thin box is sampled.
    """
    place, wide = n, 0.0
    for k in range(n + 1):
        if abs(w[b + k] - w[a + k]) >= wide:
            place, wide = k, abs(w[b + k] - w[a + k])
    if wide <= POINTLIKE * max(size(w, a, n), size(w, b, n)):
        return True
    zeros, half = 0, b + n + 2
    if not tired:
        w[half + place] = middle(min(w[a + place], w[b + place]), max(w[a + place], w[b + place]))
        m[at.FIRST], m[at.SECOND], m[at.ANSWER], m[at.PLACE], m[at.SIDE] = a, half, b, place, -1
        call_from(w, at.TRACE, z, p, z)
        for path in (a, b, half):
            zeros += abs(w[path + n] - w[path]) <= w[path + n + 1]
        if zeros == 3:
            # Both ends and the middle may be three cycles: then the box is divided elsewhere.
            w[half + place] = w[a + place] + UNEVEN * (w[b + place] - w[a + place])
            call_from(w, at.TRACE, z, p, z)
            zeros -= not abs(w[half + n] - w[half]) <= w[half + n + 1]
    if tired or (zeros == 3 and (still or thin(w, a, b))):
        note(w, m, n, a, b)
        m[at.TIRED] += tired
        return True
    return False


@kernel_rule
def leaf(z, p, out) -> None:
    """All cycles of a word, between the first two paths; the others are for work.

    The boxes lie between the first path and the second, the second and the third, … from right to left.
    """
    w, m = numbers(z), integers(z)
    n, a, height, most, stubborn = m[at.N], m[at.PATHS], 2, m[at.USED] + MOST_WORK, False
    m[at.LAST] = -1
    while height > 1:
        b = a + (height - 1) * (n + 2)
        m[at.USED] += n
        left, right = w[a + n] - w[a], w[b + n] - w[b]
        low, high = stretching(w, m, p, n, a, b)
        zero_left, zero_right, across = abs(left) <= w[a + n + 1], abs(right) <= w[b + n + 1], (left > 0.0) != (right > 0.0)
        done = not may_close(w[a], w[b], w[a + n], w[b + n], low, high, max(w[a + n + 1], w[b + n + 1]))
        w[at.PART], once = -1.0, (high < 1.0 or low > 1.0) and not stubborn
        if not done and once:
            # At most one zero; without a change of sign it is at an end, if anywhere.
            done = not across
            if across:
                w[at.PART] = left / (left - right) if left != right else 0.5
            elif zero_left or zero_right:
                w[at.PART] = 0.0 if zero_left else 1.0
        elif not done:
            still = max(high - 1.0, 1.0 - low) * (w[b] - w[a]) <= max(w[a + n + 1], w[b + n + 1])
            done, stubborn = halve(w, m, z, p, n, a, b, still, height == m[at.HEIGHT] or m[at.USED] > most), False
            if done and (across or ((zero_left or zero_right) and thin(w, a, b))):
                w[at.PART] = 0.5
        if w[at.PART] >= 0.0:
            m[at.FIRST], m[at.SECOND] = a, b
            call_from(w, at.CLOSE, z, p, z)
            if done and across and m[at.ANSWER] < 0:
                note(w, m, n, a, b)
            done, stubborn = done or m[at.ANSWER] == 1, once
        if done:
            stubborn = False
            for k in range(n + 2):
                w[a + k] = w[b + k]
            height -= 1
        elif not once:
            height += 1
