"""The cycles of a map of one variable that follow one itinerary: the zeros of fⁿ(x) − x on its interval of starts.

A *box* is what lies between two paths; see `paths.py`.
"""

import numpy as np

from cfdyn.cycles.line._kernels.laps import middle
from cfdyn.cycles.line._kernels.memory import INNER_HIGH, INNER_LOW, MOST_OPEN, SLOPE_SIGN, Words, size_of
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, pointer

POINTLIKE = 1e-12  # a box as narrow as this, relative to the size of its paths, is a point
UNEVEN = 0.36
MOST_WORK = 2_000_000  # evaluations for one word
NARROW = 1 / 256  # of its size, or of the region: where fⁿ(x) = x to round-off at samples of so narrow a box, it is on all of it


@inline_kernel
def slope_bounds(w, p, a, b) -> tuple[float, float]:
    """Bounds of (fⁿ)′ over the box between two paths, one-sided at the kinks between laps."""
    least, most, sign, lap, paths, span = 1.0, 1.0, 1.0, w.lap, w.paths, w.span
    for k in range(w.n):
        s = w.word[k]
        left, right = lap[s, INNER_LOW], lap[s, INNER_HIGH]
        span[0] = min(max(min(paths[a, k], paths[b, k]), left), right)
        span[1] = max(min(max(paths[a, k], paths[b, k]), right), left)
        call(w.interval_jacobian, span, p, pointer(span, 2))
        low, high = span[2], span[3]
        if lap[s, SLOPE_SIGN] < 0.0:
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
    """True if fⁿ may have a fixed point from x to y, from its values there and bounds of its slope."""
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
def note_undecided(w, a, b) -> None:
    """Note a box as undecided, where its orbits first are in the region, as a part of the last one of its word if near."""
    k, n, paths, opened = 0, w.n, w.paths, w.opened
    while k < n and (max(paths[a, k], paths[b, k]) < w.lowest or min(paths[a, k], paths[b, k]) > w.highest):
        k += 1
    if k == n:
        return
    low, high, last = min(paths[a, k], paths[b, k]), max(paths[a, k], paths[b, k]), w.last
    near = min(8.0 * (high - low), NARROW * max(min(w.extent, 1.0), abs(low), abs(high)))
    if last < 0 or opened[last, 0] > high + near or low - near > opened[last, 1]:
        last = min(w.open, MOST_OPEN - 1)
        if w.open <= last:
            opened[last, 0], opened[last, 1] = low, high
        w.open, w.last = last + 1, last
    opened[last, 0] = min(low, opened[last, 0])
    opened[last, 1] = max(high, opened[last, 1])


@inline_kernel
def is_narrow(w, a, b) -> bool:
    """True if a box is so narrow that samples stand for all of it."""
    left, right = w.paths[a, 0], w.paths[b, 0]
    return right - left <= NARROW * max(min(w.extent, 1.0), abs(left), abs(right))


@inline_kernel
def is_zero(w, path) -> int:
    """1 where fⁿ(x) = x to round-off on a path, else 0."""
    n, paths = w.n, w.paths
    return 1 if abs(paths[path, n] - paths[path, 0]) <= paths[path, n + 1] else 0


@inline_kernel
def divide(w, z, p, a, b, still, tired) -> bool:
    """Put a path behind ``b`` through the middle of the box where it is widest; True if the box is not to be divided.

    That is if it is a point, if fⁿ(x) = x to round-off on all of it, or if no more work is to go into it. ``still``: bounds
    of the slope say that fⁿ(x) − x changes by no more than round-off; where they do not, a narrow box is sampled.
    """
    n, paths, half, zeros, wide = w.n, w.paths, b + 1, 0, 0.0
    place = n
    for k in range(n + 1):
        if abs(paths[b, k] - paths[a, k]) >= wide:
            place, wide = k, abs(paths[b, k] - paths[a, k])
    if wide <= POINTLIKE * max(size_of(w, a), size_of(w, b)):
        return True
    if not tired:
        left, right = paths[a, place], paths[b, place]
        paths[half, place] = middle(min(left, right), max(left, right))
        w.left, w.path, w.right, w.place, w.side = a, half, b, place, -1
        call(w.trace_path, z, p, z)
        zeros = is_zero(w, a) + is_zero(w, b) + is_zero(w, half)
        if zeros == 3:
            # Both ends and the middle may be three cycles: then the box is divided elsewhere.
            paths[half, place] = paths[a, place] + UNEVEN * (paths[b, place] - paths[a, place])
            call(w.trace_path, z, p, z)
            zeros = 2 + is_zero(w, half)
    if tired or (zeros == 3 and (still or is_narrow(w, a, b))):
        note_undecided(w, a, b)
        w.tired += tired
        return True
    return False


@kernel_rule
def cycles_of_word(z, p, out) -> None:
    """All cycles of a word, between the first two paths; the others are for work.

    The boxes lie between the first path and the second, the second and the third, … from right to left.
    """
    w = Words(z)
    n, paths, a, height, most, stubborn = w.n, w.paths, 0, 2, w.used + MOST_WORK, False
    w.last = -1
    while height > 1:
        b = height - 1
        w.used += n
        left, right = paths[a, n] - paths[a, 0], paths[b, n] - paths[b, 0]
        error = max(paths[a, n + 1], paths[b, n + 1])
        low, high = slope_bounds(w, p, a, b)
        zero_left, zero_right, across = is_zero(w, a) == 1, is_zero(w, b) == 1, (left > 0.0) != (right > 0.0)
        done = not may_close(paths[a, 0], paths[b, 0], paths[a, n], paths[b, n], low, high, error)
        share, once = -1.0, (high < 1.0 or low > 1.0) and not stubborn
        if not done and once:
            # At most one zero; without a change of sign it is at an end, if anywhere.
            done = not across
            if across:
                share = left / (left - right) if left != right else 0.5
            elif zero_left or zero_right:
                share = 0.0 if zero_left else 1.0
        elif not done:
            still = max(high - 1.0, 1.0 - low) * (paths[b, 0] - paths[a, 0]) <= error
            done, stubborn = divide(w, z, p, a, b, still, height == w.height or w.used > most), False
            if done and (across or ((zero_left or zero_right) and is_narrow(w, a, b))):
                share = 0.5
        if share >= 0.0:
            w.left, w.right, w.share = a, b, share
            call(w.close_cycle, z, p, z)
            if done and across and w.answer < 0:
                note_undecided(w, a, b)
            done, stubborn = done or w.answer == 1, once
        if done:
            stubborn = False
            for k in range(n + 2):
                paths[a, k] = paths[b, k]
            height -= 1
        elif not once:
            height += 1
