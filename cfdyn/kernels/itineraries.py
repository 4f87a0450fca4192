"""All cycles of one period of a map of one variable, lap by lap.

A *word* is the sequence of laps that a cycle visits; of its rotations only the least is looked at (a necklace). The starts
that follow a word form an interval, on which fⁿ is monotone. A *path* is x_0, …, x_n with x_{i+1} = f(x_i) and
the laps of the word; it is made from its last point backward, which does not magnify round-off where f stretches.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels.laps import bounds, inverse, middle, value

FINISHED, PAUSED, FULL, CONTINUUM = 0, 1, 2, 3
DEPTH, COUNT, NODES, OPEN, STATUS = 0, 1, 2, 3, 4
ROUND = 1e-14  # of the size of the path: fⁿ(x) − x is not known better than this
POINT = 1e-12  # a box as narrow as this, relative to the size of the path, is a point
MOST_BOXES = 20_000  # looked at for one word
WHOLE = 0.02  # fⁿ(x) = x to round-off over this part of the region is a continuum of cycles


@inline_kernel
def size(path) -> float:
    """max |x_i|."""
    most = 1e-300
    for k in range(path.size):
        most = max(most, abs(path[k]))
    return most


@kernel
def trace(step, jacobian, pp, work, n, word, rising, a, b, place, path) -> None:
    """Complete a path from its point at ``place``, between the paths ``a`` and ``b``."""
    for k in range(place, n):
        low, high = min(a[k + 1], b[k + 1]), max(a[k + 1], b[k + 1])
        path[k + 1] = min(max(value(step, path[k], pp, work), low), high)
    for k in range(place - 1, -1, -1):
        low, high = min(a[k], b[k]), max(a[k], b[k])
        path[k] = inverse(step, jacobian, pp, work, low, high, rising[word[k]] > 0, path[k + 1])


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
def stretching(slopes, pp, work, n, word, rising, a, b) -> tuple[float, float]:
    """Bounds of (fⁿ)′ over a box of paths."""
    least, most, sign = 1.0, 1.0, 1.0
    for k in range(n):
        low, high = bounds(slopes, min(a[k], b[k]), max(a[k], b[k]), pp, work)
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
def leaf(step, jacobian, slopes, pp, work, n, word, rising, extent, ends, orbit, state, points, multipliers, open_) -> None:
    """All cycles between the paths ends[0] and ends[1], whose last points are given; the further rows are for work.

    Boxes lie between the row 0 and the last one in use; those not decided are noted in ``open_`` (rows of lo, hi).
    """
    height, noted, boxes = 2, -1, 0
    while height > 1:
        boxes += 1
        a, b = ends[0], ends[height - 1]
        state[NODES] += 1
        scale = max(size(a), size(b))
        blur = ROUND * scale
        left, right = a[n] - a[0], b[n] - b[0]
        low, high = stretching(slopes, pp, work, n, word, rising, a, b)
        zero_left, zero_right = abs(left) <= blur, abs(right) <= blur
        finished = not may_close(a, b, low, high, n, blur)
        once, across = high < 1.0 or low > 1.0, left * right <= 0.0
        if not finished and once and not across:
            # The end itself, at most.
            if zero_left or zero_right:
                between(step, jacobian, pp, work, n, a, b, 0.0 if zero_left else 1.0, orbit, state, points, multipliers)
            finished = True
        elif not finished and once:
            part = left / (left - right) if left != right else 0.5
            finished = between(step, jacobian, pp, work, n, a, b, part, orbit, state, points, multipliers)
        if not finished:
            widest, place = -1.0, 0
            for k in range(n + 1):
                if abs(b[k] - a[k]) > widest:
                    widest, place = abs(b[k] - a[k]), k
            narrow = widest <= POINT * scale or height >= ends.shape[0] or boxes > min(MOST_BOXES, 64 + 20_000_000 // n)
            middle_path = ends[height] if height < ends.shape[0] else ends[height - 1]
            if not narrow:
                middle_path[place] = middle(min(a[place], b[place]), max(a[place], b[place]))
                trace(step, jacobian, pp, work, n, word, rising, a, b, place, middle_path)
            if narrow or (zero_left and zero_right and abs(middle_path[n] - middle_path[0]) <= blur):
                if abs(b[0] - a[0]) >= WHOLE * extent:
                    state[STATUS] = CONTINUUM
                    return
                if across or zero_left or zero_right:
                    between(step, jacobian, pp, work, n, a, b, 0.5, orbit, state, points, multipliers)
                if widest > POINT * scale:
                    noted = note(a, b, noted, state, open_)
                finished = True
        if not finished:
            height += 1
            continue
        for k in range(n + 1):
            ends[0, k] = b[k]
        height -= 1


@kernel
def note(a, b, noted, state, open_) -> int:
    """Note a box of starts as undecided, as a part of the last one if they touch."""
    low, high = min(a[0], b[0]), max(a[0], b[0])
    if noted >= 0 and open_[noted, 0] <= high and low <= open_[noted, 1]:
        open_[noted, 0], open_[noted, 1] = min(low, open_[noted, 0]), max(high, open_[noted, 1])
        return noted
    place = min(state[OPEN], open_.shape[0] - 1)
    if state[OPEN] > place:
        low, high = min(low, open_[place, 0]), max(high, open_[place, 1])
    open_[place, 0], open_[place, 1] = low, high
    state[OPEN] = place + 1
    return place


@kernel
def pull_back(step, jacobian, pp, work, n, word, rising, images, kept, target, upper, path) -> None:
    """The path of one word that ends at ``target``, or at the upper or lower end of all that it reaches."""
    path[n] = target
    for k in range(n - 1, -1, -1):
        up = rising[word[k]] > 0
        if (path[k + 1] >= images[k + 1, 1]) if upper else (path[k + 1] <= images[k + 1, 0]):
            path[k] = kept[k, 1] if upper == up else kept[k, 0]
        else:
            path[k] = inverse(step, jacobian, pp, work, kept[k, 0], kept[k, 1], up, path[k + 1])
        upper = upper == up


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
    step, jacobian, slopes, p, laps, values, rising, n, limit, look, state, word, prefix, kept, images, work, ends, orbit,
    points, multipliers, open_,
) -> int:
    """Go through the words of length n in turn, as far as orbits follow them, and find the cycles of each.

    ``laps`` (K, 2) in order, ``values`` (K, 2) of the map at their ends, ``rising`` (K,) ±1. Goes on from ``state``;
    returns FINISHED, PAUSED after ``limit`` nodes, FULL with few rows left in ``points``, or CONTINUUM. Without ``look``
    the words are only counted, in state[COUNT].
    """
    pp, k, extent = pointer(p, 0), state[DEPTH], laps[laps.shape[0] - 1, 1] - laps[0, 0]
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
        if not look:
            state[COUNT] += 1
            continue
        low, high = max(images[n, 0], kept[0, 0]), min(images[n, 1], kept[0, 1])
        if low > high + slack:
            continue
        pull_back(step, jacobian, pp, work, n, word, rising, images, kept, min(low, high), False, ends[0])
        pull_back(step, jacobian, pp, work, n, word, rising, images, kept, max(low, high), True, ends[1])
        if ends[0, 0] > ends[1, 0]:
            for i in range(n + 1):
                ends[0, i], ends[1, i] = ends[1, i], ends[0, i]
        leaf(step, jacobian, slopes, pp, work, n, word, rising, extent, ends, orbit, state, points, multipliers, open_)
        if state[STATUS] == CONTINUUM:
            return CONTINUUM
