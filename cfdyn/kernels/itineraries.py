"""All cycles of one period of a map of one variable, lap by lap.

A *word* is the sequence of laps that a cycle visits; of its rotations only the least is looked at (a necklace). The starts
that follow a word form an interval, on which fⁿ is monotone. A *path* is x_0, …, x_n with x_{i+1} = f(x_i) and
the laps of the word, and behind them the error of x_n − x_0; it is made from a point of it, most of it backward, which
does not magnify round-off where f stretches.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels.laps import bounds, inverse, middle, value

FINISHED, PAUSED, FULL, CONTINUUM = 0, 1, 2, 3
DEPTH, COUNT, NODES, OPEN, STATUS, NOTED = 0, 1, 2, 3, 4, 5
ROUND = 1e-14  # of the size of the path: fⁿ(x) − x is always known better than this
UNIT = 4e-15  # error of one evaluation, relative to what it adds up
POINT = 1e-12  # a box as narrow as this, relative to the size of the path, is a point
MOST_BOXES = 20_000  # looked at for one word
WHOLE = 0.02  # fⁿ(x) = x to round-off over this part of the region is a continuum of cycles


@inline_kernel
def size(path, n) -> float:
    """max |x_i|."""
    most = 1e-300
    for k in range(n + 1):
        most = max(most, abs(path[k]))
    return most


@kernel
def trace(step, jacobian, pp, work, n, word, rising, a, b, place, path) -> None:
    """Complete a path from its point at ``place``, between the paths ``a`` and ``b``."""
    error, back = 0.0, 0.0
    for k in range(place, n):
        low, high = min(a[k + 1], b[k + 1]), max(a[k + 1], b[k + 1])
        path[k + 1] = min(max(value(step, path[k], pp, work), low), high)
        steep = abs(value(jacobian, path[k], pp, work))
        error = steep * (error + UNIT * abs(path[k])) + UNIT * abs(path[k + 1])
    for k in range(place - 1, -1, -1):
        low, high = min(a[k], b[k]), max(a[k], b[k])
        path[k] = inverse(step, jacobian, pp, work, low, high, rising[word[k]] > 0, path[k + 1])
        steep = abs(value(jacobian, path[k], pp, work))
        back = (back + UNIT * abs(path[k + 1])) / (steep + 1e-300) + UNIT * abs(path[k])
    path[n + 1] = min(error + back + UNIT * (abs(path[0]) + abs(path[n])), ROUND * size(path, n))


@kernel
def newton(step, jacobian, pp, work, n, orbit) -> bool:
    """Solve f(x_i) = x_{i+1} for the n points in row 0 of ``orbit`` (4, n); row 3 gets the slopes there.

    The rows 1 and 2 hold the defects and the corrections. False if it does not converge to round-off.
    """
    x, defect, move, slope = orbit[0], orbit[1], orbit[2], orbit[3]
    before = np.inf
    for turn in range(40):
        product, worst, most, steep = 1.0, 0.0, 1e-300, 1.0
        for k in range(n):
            defect[k] = value(step, x[k], pp, work) - x[(k + 1) % n]
            slope[k] = value(jacobian, x[k], pp, work)
            product *= slope[k]
            worst, most, steep = max(worst, abs(defect[k])), max(most, abs(x[k])), max(steep, abs(slope[k]))
        if not (np.isfinite(worst) and np.isfinite(product + steep)):
            return False
        if worst == 0.0 or (worst <= 1e-13 * most * steep and worst >= 0.5 * before) or turn == 39:
            return worst <= 1e-11 * most * steep
        before = worst
        # dx_{i+1} = slope_i dx_i + defect_i around the cycle, in the direction that shrinks errors.
        total, forward = 0.0, abs(product) <= 1.0
        if forward:
            for k in range(n):
                total = slope[k] * total + defect[k]
            move[0] = total / (1.0 - product)
            for k in range(n - 1):
                move[k + 1] = slope[k] * move[k] + defect[k]
        else:
            for k in range(n - 1, -1, -1):
                total = (total - defect[k]) / slope[k]
            move[0] = total / (1.0 - 1.0 / product)
            last = move[0]
            for k in range(n - 1, 0, -1):
                last = (last - defect[k]) / slope[k]
                move[k] = last
        for k in range(n):
            x[k] += move[k]
    return False


@kernel
def keep(n, orbit, state, points, multipliers) -> None:
    """Write the cycle down, from its smallest point on, if n is its least period."""
    product, most, first = 1.0, 1e-300, 0
    for k in range(n):
        product *= orbit[3, k]
        most = max(most, abs(orbit[0, k]))
        first = k if orbit[0, k] < orbit[0, first] else first
    blur = min(max(1e-12, 1e-13 / max(abs(1.0 - product), 1e-300)), 1e-5) * most
    for q in range(1, n // 2 + 1):
        if n % q == 0:
            apart = 0.0
            for k in range(n):
                apart = max(apart, abs(orbit[0, k] - orbit[0, (k + q) % n]))
            if apart <= blur:
                return
    if state[COUNT] < points.shape[0]:
        for k in range(n):
            points[state[COUNT], k] = orbit[0, (first + k) % n]
        multipliers[state[COUNT]] = product
        state[COUNT] += 1
    else:
        state[STATUS] = FULL


@kernel
def between(step, jacobian, pp, work, n, a, b, part, orbit, state, points, multipliers) -> bool:
    """Newton from the path that divides a box in this ratio; whether a cycle lies in the box (to round-off)."""
    for k in range(n):
        orbit[0, k] = a[k] + part * (b[k] - a[k])
    if not newton(step, jacobian, pp, work, n, orbit):
        return False
    for k in range(n):
        slack = 1e-9 * max(abs(a[k]), abs(b[k])) + 1e-3 * abs(b[k] - a[k])
        if not min(a[k], b[k]) - slack <= orbit[0, k] <= max(a[k], b[k]) + slack:
            return False
    keep(n, orbit, state, points, multipliers)
    return True


@kernel
def stretching(slopes, pp, work, n, word, rising, inner, a, b) -> tuple[float, float]:
    """Bounds of (fⁿ)′ over a box of paths, one-sided at the kinks between laps."""
    least, most, sign = 1.0, 1.0, 1.0
    for k in range(n):
        s = word[k]
        from_, to = min(max(min(a[k], b[k]), inner[s, 0]), inner[s, 1]), max(min(max(a[k], b[k]), inner[s, 1]), inner[s, 0])
        low, high = bounds(slopes, from_, to, pp, work)
        if rising[word[k]] < 0:
            low, high, sign = -high, -low, -sign
        least *= max(low, 0.0)
        most *= max(high, 0.0)
        if np.isnan(least):
            least = 0.0
        if np.isnan(most):
            most = np.inf
    return (least, most) if sign > 0 else (-most, -least)


@kernel
def may_close(a, b, low, high, n, blur) -> bool:
    """Whether fⁿ(x) = x is possible between two paths, from the ends and bounds of the slope."""
    if max(a[0], b[0]) < min(a[n], b[n]) - blur or min(a[0], b[0]) > max(a[n], b[n]) + blur:
        return False
    left, right, width = a[n] - a[0], b[n] - b[0], b[0] - a[0]
    if left < 0.0:
        left, right, low, high = -left, -right, 2.0 - high, 2.0 - low
    if right <= 0.0 or not (np.isfinite(low) and np.isfinite(high)):
        return True
    if low >= 1.0 or high <= 1.0:
        return min(left, right) <= blur
    # Both lines below the graph, from the left end with the least slope and from the right end with the greatest.
    along = (right - left - width * (high - 1.0)) / (low - high)
    return left + min(max(along, 0.0), width) * (low - 1.0) <= blur


@kernel
def leaf(  # noqa: PLR0915
    step, jacobian, slopes, pp, work, n, word, rising, inner, extent, ends, orbit, state, points, multipliers, open_,
) -> None:
    """All cycles between the paths ends[0] and ends[1], whose last points are given; the further rows are for work.

    Boxes lie between the row 0 and the last one in use; those not decided are noted in ``open_`` (rows of lo, hi).
    """
    height, boxes, stubborn = 2, 0, False
    state[NOTED] = -1
    while height > 1:
        boxes += 1
        state[NODES] += n
        a, b = ends[0], ends[height - 1]
        blur, left, right = max(a[n + 1], b[n + 1]), a[n] - a[0], b[n] - b[0]
        low, high = stretching(slopes, pp, work, n, word, rising, inner, a, b)
        zero_left, zero_right, across = abs(left) <= a[n + 1], abs(right) <= b[n + 1], left * right <= 0.0
        done, part, divided = not may_close(a, b, low, high, n, blur), -1.0, False
        if not done and (high < 1.0 or low > 1.0) and not stubborn:
            # At most one zero; without a change of sign it is at an end, if anywhere.
            done = not across
            if across:
                part = left / (left - right) if left != right else 0.5
            elif zero_left or zero_right:
                part = 0.0 if zero_left else 1.0
        elif not done:
            widest, place = -1.0, n
            for k in range(n + 1):
                if abs(b[k] - a[k]) > widest:
                    widest, place = abs(b[k] - a[k]), k
            narrow = widest <= POINT * max(size(a, n), size(b, n))
            given_up = height >= ends.shape[0] or boxes > min(MOST_BOXES, 64 + 20_000_000 // n)
            done, divided, stubborn = narrow or given_up, True, False
            if not done:
                half = ends[height]
                half[place] = middle(min(a[place], b[place]), max(a[place], b[place]))
                trace(step, jacobian, pp, work, n, word, rising, a, b, place, half)
                done = zero_left and zero_right and abs(half[n] - half[0]) <= half[n + 1]
            if done and b[0] - a[0] >= WHOLE * max(extent, abs(a[0]), abs(b[0])):
                state[STATUS] = CONTINUUM
                return
            if done and (across or zero_left or zero_right):
                part = 0.5
            if done and not narrow:
                note(a, b, state, open_)
        if part >= 0.0 and between(step, jacobian, pp, work, n, a, b, part, orbit, state, points, multipliers):
            done = True
        if done:
            for k in range(n + 2):
                ends[0, k] = b[k]
            height -= 1
        elif divided:
            height += 1
        else:
            stubborn = True


@kernel
def note(a, b, state, open_) -> None:
    """Note a box of starts as undecided, as a part of the last one of its word if that is near."""
    low, high, last = min(a[0], b[0]), max(a[0], b[0]), state[NOTED]
    near = 8.0 * (high - low)
    if last >= 0 and open_[last, 0] <= high + near and low - near <= open_[last, 1]:
        open_[last, 0], open_[last, 1] = min(low, open_[last, 0]), max(high, open_[last, 1])
        return
    last = min(state[OPEN], open_.shape[0] - 1)
    if state[OPEN] > last:
        low, high = min(low, open_[last, 0]), max(high, open_[last, 1])
    open_[last, 0], open_[last, 1] = low, high
    state[OPEN], state[NOTED] = last + 1, last


@kernel
def pull_back(step, jacobian, pp, work, n, word, rising, images, kept, target, upper, path) -> None:
    """The path of one word that ends at ``target``, or at the upper or lower end of all that it reaches."""
    path[n], error = target, 0.0
    for k in range(n - 1, -1, -1):
        up = rising[word[k]] > 0
        if (path[k + 1] >= images[k + 1, 1]) if upper else (path[k + 1] <= images[k + 1, 0]):
            path[k], error = (kept[k, 1] if upper == up else kept[k, 0]), 0.0
        else:
            path[k] = inverse(step, jacobian, pp, work, kept[k, 0], kept[k, 1], up, path[k + 1])
            steep = abs(value(jacobian, path[k], pp, work)) + 1e-300
            error = (error + UNIT * abs(path[k + 1])) / steep + UNIT * abs(path[k])
        upper = upper == up
    path[n + 1] = min(error + UNIT * (abs(path[0]) + abs(path[n])), ROUND * size(path, n))


@kernel
def first_lap(laps, least) -> int:
    """The first lap that reaches up to ``least``."""
    low, high = 0, laps.shape[0]
    while low < high:
        half = (low + high) // 2
        if laps[half, 1] < least:
            low = half + 1
        else:
            high = half
    return low


@kernel
def walk(
    step, jacobian, slopes, p, laps, inner, values, rising, n, extent, limit, look, state, word, prefix, kept, images, work,
    ends, orbit, points, multipliers, open_,
) -> int:
    """Go through the words of length n in turn, as far as orbits follow them, and find the cycles of each.

    ``laps`` (K, 2) in order, ``inner`` the same without the kinks at their ends, ``values`` (K, 2) of the map at the ends,
    ``rising`` (K,) ±1. Goes on from ``state``;     returns FINISHED, PAUSED after ``limit`` nodes, FULL with few
    rows left in ``points``, or CONTINUUM. Without ``look``
    the words are only counted, in state[COUNT].
    """
    pp, k = pointer(p, 0), state[DEPTH]
    spare = min(64, points.shape[0] // 4)
    while True:
        if state[NODES] >= limit or look and points.shape[0] - state[COUNT] < spare:
            state[DEPTH] = k
            return PAUSED if state[NODES] >= limit else FULL
        word[k] += 1
        s = word[k]
        slack = 4e-16 * max(abs(images[k, 0]), abs(images[k, 1]))
        if s >= laps.shape[0] or laps[s, 0] > images[k, 1] + slack:
            k -= 1
            if k < 0:
                return FINISHED
            continue
        state[NODES] += 1
        low, high = max(laps[s, 0], images[k, 0]), min(laps[s, 1], images[k, 1])
        if low > high + slack:
            continue
        kept[k, 0], kept[k, 1] = min(low, high), max(low, high)
        prefix[k] = 1 if k == 0 else prefix[k - 1] if s == word[k - prefix[k - 1]] else k + 1
        first = values[s, 0] if kept[k, 0] == laps[s, 0] else value(step, kept[k, 0], pp, work)
        last = values[s, 1] if kept[k, 1] == laps[s, 1] else value(step, kept[k, 1], pp, work)
        images[k + 1, 0], images[k + 1, 1] = min(first, last), max(first, last)
        if k < n - 1:
            k += 1
            word[k] = max(word[k - prefix[k - 1]], first_lap(laps, images[k, 0] - slack)) - 1
            continue
        if n % prefix[k] != 0:
            continue
        low, high = max(images[n, 0], kept[0, 0]), min(images[n, 1], kept[0, 1])
        if low > high + slack:
            continue
        if not look:
            state[COUNT] += 1
            continue
        for side in range(2):
            target = min(low, high) if side == 0 else max(low, high)
            pull_back(step, jacobian, pp, work, n, word, rising, images, kept, target, side == 1, ends[side])
        if ends[0, 0] > ends[1, 0]:
            for i in range(n + 2):
                ends[0, i], ends[1, i] = ends[1, i], ends[0, i]
        leaf(step, jacobian, slopes, pp, work, n, word, rising, inner, extent, ends, orbit, state, points, multipliers, open_)
        if state[STATUS] == CONTINUUM:
            return CONTINUUM
