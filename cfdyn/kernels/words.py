"""The cycles of a map of one variable that follow one word, the sequence of laps that they visit.

The starts that follow a word form an interval, on which fⁿ is monotone. A *path* is x_0, …, x_n with x_{i+1} = f(x_i) and
the laps of the word, and behind them the error of x_n − x_0; it is made from a point of it, most of it backward, which
does not magnify round-off where f stretches. A *box* is what lies between two paths.

All of this lies in one array, the ``memory``: addresses of rules, numbers, places of the tables (see `layout`), the tables.
"""

from __future__ import annotations

import numpy as np

from cfdyn._jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer, put_rule
from cfdyn.kernels.laps import middle

STEP, JACOBIAN, SLOPES, CLOSE, TRACE, LEAF = 0, 1, 2, 3, 4, 5
POINT, SPAN = 6, 8  # of a point: number and result; of an interval: two and two
N, LAPS, HEIGHT, ROWS, EXTENT = 12, 13, 14, 15, 16
DEPTH, COUNT, USED, OPEN, STATUS, LAST, LIMIT, LOOK = 17, 18, 19, 20, 21, 22, 23, 24
WORD, PREFIX, KEPT, IMAGES, ORBIT, PATHS, ENDS, FOUND, OPENED = 25, 26, 27, 28, 29, 30, 31, 32, 33
FIRST, SECOND, PLACE, SIDE, PART, ANSWER = 34, 35, 36, 37, 38, 39
HEAD = 40
LAP = 7  # entries for a lap: ends, ends without kinks, values at the ends, ±1 as it rises or falls
MOST_OPEN = 64

PAUSED, FINISHED, FULL, CONTINUUM, CROWDED = 0, 1, 2, 3, 4
ROUND = 1e-8  # of the size of the path: fⁿ(x) − x is always known better than this
UNIT = 4e-15  # error of one evaluation, relative to what it adds up
POINTLIKE = 1e-12  # a box as narrow as this, relative to the size of its paths, is a point
MOST_WORK = 2_000_000  # evaluations for one word
WHOLE = 0.02  # fⁿ(x) = x to round-off over this part of the region is a continuum of cycles


def layout(rules: tuple, n: int, laps: np.ndarray, extent: float, rows: int, height: int) -> np.ndarray:
    """A memory for words of length n over the given laps (K, 7), ``rows`` cycles and ``height`` paths."""
    sizes = {WORD: n, PREFIX: n, KEPT: 2 * n, IMAGES: 2 * n + 2, ORBIT: 4 * n, PATHS: height * (n + 2), ENDS: laps.size,
             FOUND: rows * (n + 1), OPENED: 2 * MOST_OPEN}  # fmt: skip
    w = np.zeros(HEAD + sum(sizes.values()))
    m, at = w.view(np.int64), HEAD
    for name, size in sizes.items():
        m[name], at = at, at + size
    m[N], m[LAPS], m[HEIGHT], m[ROWS], w[EXTENT], m[LOOK] = n, len(laps), height, rows, extent, 1
    w[m[ENDS] : m[ENDS] + laps.size] = laps.ravel()
    for slot, rule in zip((STEP, JACOBIAN, SLOPES, CLOSE, TRACE, LEAF), (*rules, close.compiled, trace.compiled, leaf.compiled)):
        put_rule(w, slot, rule)
    return w


@inline_kernel
def value(w, rule, x, p) -> float:
    """A rule at one number."""
    w[POINT] = x
    call_from(w, rule, pointer(w, POINT), p, pointer(w, POINT + 1))
    return w[POINT + 1]


@inline_kernel
def size(w, path, n) -> float:
    """max |x_i|."""
    most = 1e-300
    for k in range(n + 1):
        most = max(most, abs(w[path + k]))
    return most


@inline_kernel
def inverse(w, p, lo, hi, f_lo, f_hi, target) -> tuple[float, float, int]:
    """The x in [lo, hi] with f(x) = target, f monotone there from f_lo to f_hi; the slope; evaluations made.

    It is an end if there is none.
    """
    left, right, rising, slope = lo, hi, f_hi >= f_lo, 0.0
    part = (target - f_lo) / (f_hi - f_lo)
    x = lo + part * (hi - lo)
    if not (lo < x < hi and hi - lo <= 1e3 * max(1.0, min(abs(lo), abs(hi)))):
        x = middle(lo, hi)
    for turn in range(200):
        off, slope = value(w, STEP, x, p) - target, value(w, JACOBIAN, x, p)
        if (off > 0.0) == rising:
            right = x
        else:
            left = x
        move = off / slope
        if abs(move) <= 1e-9 * min(x - lo, hi - x, abs(x - move)):
            # Far nearer to the answer than to where the slope may vanish: the next step is below round-off.
            return min(max(x - move, left), right), slope, turn + 1
        if abs(off) <= 4e-16 * (abs(target) + abs(slope * x)):
            return x, slope, turn + 1
        x -= move
        if not left < x < right:
            x = middle(left, right)
            if not left < x < right:
                break
    return x, slope, turn + 1


@kernel_rule
def trace(z, p, out) -> None:
    """Complete the path SECOND of a word from its point at PLACE.

    It lies between the paths FIRST (the leftmost) and ANSWER (the one on the right) if SIDE is −1. Otherwise it ends
    at PLACE = n, at or below (SIDE 0), at or above (1) which nothing else is reached.
    """
    w, m = numbers(z), integers(z)
    n, a, b, path, place, side = m[N], m[FIRST], m[ANSWER], m[SECOND], m[PLACE], m[SIDE]
    word, kept, images, laps = m[WORD], m[KEPT], m[IMAGES], m[ENDS]
    error, back = 0.0, 0.0
    for k in range(place, n):
        low, high = min(w[a + k + 1], w[b + k + 1]), max(w[a + k + 1], w[b + k + 1])
        w[path + k + 1] = min(max(value(w, STEP, w[path + k], p), low), high)
        steep = abs(value(w, JACOBIAN, w[path + k], p))
        error = steep * (error + UNIT * abs(w[path + k])) + UNIT * abs(w[path + k + 1])
    for k in range(place - 1, -1, -1):
        up, target = w[laps + LAP * m[word + k] + 6] > 0.0, w[path + k + 1]
        low, high, least, most = w[kept + 2 * k], w[kept + 2 * k + 1], w[images + 2 * k + 2], w[images + 2 * k + 3]
        if side < 0:
            low, high = min(w[a + k], w[b + k]), max(w[a + k], w[b + k])
            least, most = min(w[a + k + 1], w[b + k + 1]), max(w[a + k + 1], w[b + k + 1])
        if (side == 1 and target >= most) or (side == 0 and target <= least):
            w[path + k], back = (high if (side == 1) == up else low), 0.0
        else:
            w[path + k], slope, made = inverse(w, p, low, high, least if up else most, most if up else least, target)
            m[USED] += made
            back = (back + UNIT * abs(target)) / (abs(slope) + 1e-300) + UNIT * abs(w[path + k])
        if side >= 0:
            side = 1 if (side == 1) == up else 0
    m[USED] += n - place
    w[path + n + 1] = min(error + back + UNIT * (abs(w[path]) + abs(w[path + n])), ROUND * size(w, path, n))


@inline_kernel
def newton(w, p, n, x) -> bool:
    """Solve f(x_i) = x_{i+1} for n points; three rows behind them hold defects, corrections, slopes.

    False if it does not converge to round-off.
    """
    defect, move, slope = x + n, x + 2 * n, x + 3 * n
    before = np.inf
    for turn in range(40):
        product, worst, most, steep = 1.0, 0.0, 1e-300, 1.0
        for k in range(n):
            following = w[x + k + 1] if k < n - 1 else w[x]
            w[defect + k] = value(w, STEP, w[x + k], p) - following
            w[slope + k] = value(w, JACOBIAN, w[x + k], p)
            product *= w[slope + k]
            worst, most = max(worst, abs(w[defect + k])), max(most, abs(w[x + k]))
            steep = max(steep, abs(w[slope + k]))
        if not np.isfinite(worst + steep) or np.isnan(product):
            return False
        if worst <= 2e-16 * most or (worst <= 1e-13 * most * steep and worst >= 0.5 * before) or turn == 39:
            return worst <= 1e-11 * most * steep
        before = worst
        # dx_{i+1} = slope_i dx_i + defect_i around the cycle, in the direction that shrinks errors.
        total = 0.0
        if abs(product) <= 1.0:
            for k in range(n):
                total = w[slope + k] * total + w[defect + k]
            w[move] = total / (1.0 - product)
            for k in range(n - 1):
                w[move + k + 1] = w[slope + k] * w[move + k] + w[defect + k]
        else:
            for k in range(n - 1, -1, -1):
                total = (total - w[defect + k]) / w[slope + k]
            w[move] = total = total / (1.0 - 1.0 / product)
            for k in range(n - 1, 0, -1):
                total = (total - w[defect + k]) / w[slope + k]
                w[move + k] = total
        for k in range(n):
            w[x + k] += w[move + k]
    return False


@inline_kernel
def keep(w, m, n, x) -> None:
    """Write the cycle down, from its smallest point on, with its multiplier, if n is its least period."""
    product, most, first = 1.0, 1e-300, 0
    for k in range(n):
        product *= w[x + 3 * n + k]
        most = max(most, abs(w[x + k]))
        first = k if w[x + k] < w[x + first] else first
    blur = min(max(1e-12, 1e-13 / max(abs(1.0 - product), 1e-300)), 1e-5) * most
    for q in range(1, n // 2 + 1):
        if n % q == 0:
            apart = 0.0
            for k in range(n):
                apart = max(apart, abs(w[x + k] - w[x + (k + q) % n]))
            if apart <= blur:
                return
    if m[COUNT] == m[ROWS]:
        m[STATUS] = CROWDED
        return
    row = m[FOUND] + m[COUNT] * (n + 1)
    for k in range(n):
        w[row + k] = w[x + (first + k) % n]
    w[row + n] = product
    m[COUNT] += 1


@kernel_rule
def close(z, p, out) -> None:
    """Newton from the path that divides the box FIRST, SECOND by PART; ANSWER: 1 if a cycle lies there, −1 if that failed."""
    w, m = numbers(z), integers(z)
    n, a, b, x = m[N], m[FIRST], m[SECOND], m[ORBIT]
    m[ANSWER], m[USED] = 0, m[USED] + 4 * n
    for k in range(n):
        w[x + k] = w[a + k] + w[PART] * (w[b + k] - w[a + k])
    if not newton(w, p, n, x):
        m[ANSWER] = -1
        return
    for k in range(n):
        left, right = w[a + k], w[b + k]
        slack = 1e-9 * max(abs(left), abs(right)) + 1e-3 * abs(right - left)
        if not min(left, right) - slack <= w[x + k] <= max(left, right) + slack:
            return
    m[ANSWER] = 1
    keep(w, m, n, x)


@inline_kernel
def stretching(w, m, p, n, a, b) -> tuple[float, float]:
    """Bounds of (fⁿ)′ over a box, one-sided at the kinks between laps."""
    least, most, sign = 1.0, 1.0, 1.0
    for k in range(n):
        lap = m[ENDS] + LAP * m[m[WORD] + k]
        left, right = w[lap + 2], w[lap + 3]
        w[SPAN] = min(max(min(w[a + k], w[b + k]), left), right)
        w[SPAN + 1] = max(min(max(w[a + k], w[b + k]), right), left)
        call_from(w, SLOPES, pointer(w, SPAN), p, pointer(w, SPAN + 2))
        low, high = w[SPAN + 2], w[SPAN + 3]
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
def note(w, m, a, b) -> None:
    """Note a box of starts as undecided, as a part of the last one of its word if that is near."""
    low, high, last, table = min(w[a], w[b]), max(w[a], w[b]), m[LAST], m[OPENED]
    near = 8.0 * (high - low)
    if last < 0 or w[table + 2 * last] > high + near or low - near > w[table + 2 * last + 1]:
        last = min(m[OPEN], MOST_OPEN - 1)
        if m[OPEN] <= last:
            w[table + 2 * last], w[table + 2 * last + 1] = low, high
        m[OPEN], m[LAST] = last + 1, last
    w[table + 2 * last] = min(low, w[table + 2 * last])
    w[table + 2 * last + 1] = max(high, w[table + 2 * last + 1])


@inline_kernel
def divide(w, m, z, p, n, a, b, half, wide) -> bool:
    """The path ``half`` through the middle of a box where it is widest; False if fⁿ(x) = x to round-off on all of it."""
    place = n
    for k in range(n + 1):
        if abs(w[b + k] - w[a + k]) >= wide:
            place = k
    w[half + place] = middle(min(w[a + place], w[b + place]), max(w[a + place], w[b + place]))
    m[FIRST], m[SECOND], m[ANSWER], m[PLACE], m[SIDE] = a, half, b, place, -1
    call_from(w, TRACE, z, p, z)
    zeros = 0
    for path in (a, b, half):
        zeros += abs(w[path + n] - w[path]) <= w[path + n + 1]
    return zeros < 3


@kernel_rule
def leaf(z, p, out) -> None:
    """All cycles of a word, between the first two paths; the others are for work.

    The boxes lie between the first path and the second, the second and the third, … from right to left.
    """
    w, m = numbers(z), integers(z)
    n, a, height, most, stubborn = m[N], m[PATHS], 2, m[USED] + MOST_WORK, False
    m[LAST] = -1
    while height > 1:
        b = a + (height - 1) * (n + 2)
        m[USED] += n
        left, right, wide = w[a + n] - w[a], w[b + n] - w[b], 0.0
        low, high = stretching(w, m, p, n, a, b)
        zero_left, zero_right, across = abs(left) <= w[a + n + 1], abs(right) <= w[b + n + 1], (left > 0.0) != (right > 0.0)
        done = not may_close(w[a], w[b], w[a + n], w[b + n], low, high, max(w[a + n + 1], w[b + n + 1]))
        w[PART], once = -1.0, (high < 1.0 or low > 1.0) and not stubborn
        if not done and once:
            # At most one zero; without a change of sign it is at an end, if anywhere.
            done = not across
            if across:
                w[PART] = left / (left - right) if left != right else 0.5
            elif zero_left or zero_right:
                w[PART] = 0.0 if zero_left else 1.0
        elif not done:
            for k in range(n + 1):
                wide = max(wide, abs(w[b + k] - w[a + k]))
            narrow, stubborn = wide <= POINTLIKE * max(size(w, a, n), size(w, b, n)), False
            done = narrow or height == m[HEIGHT] or m[USED] > most or not divide(w, m, z, p, n, a, b, b + n + 2, wide)
            if done and w[b] - w[a] >= WHOLE * max(w[EXTENT], abs(w[a]), abs(w[b])):
                m[STATUS] = CONTINUUM
                return
            if done and (across or zero_left or zero_right):
                w[PART] = 0.5
            if done and not narrow:
                note(w, m, a, b)
        if w[PART] >= 0.0:
            m[FIRST], m[SECOND] = a, b
            call_from(w, CLOSE, z, p, z)
            if done and across and m[ANSWER] < 0:
                note(w, m, a, b)
            done, stubborn = done or m[ANSWER] == 1, once
        if done:
            stubborn = False
            for k in range(n + 2):
                w[a + k] = w[b + k]
            height -= 1
        elif not once:
            height += 1
