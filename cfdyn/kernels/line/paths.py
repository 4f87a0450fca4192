"""The orbits of a map of one variable that follow one word, the sequence of laps that they visit.

The starts that follow a word form an interval, on which fⁿ is monotone. A *path* is x_0, …, x_n with x_{i+1} = f(x_i) and
the laps of the word, and behind them the error of x_n − x_0; it is made from a point of it, most of it backward, which
does not magnify round-off where f stretches.
"""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.laps import middle
from cfdyn.kernels.line.memory import size, value
from cfdyn.machine.jit import inline_kernel, integers, kernel_rule, numbers

ROUND = 1e-8  # of the size of the path: fⁿ(x) − x is always known better than this
SHARP = 1e-9  # the next step of Newton's method is below round-off
UNIT = 4e-15  # error of one evaluation, relative to what it adds up
TURNS = 400  # more than halving takes, each second time


@inline_kernel
def inverse(w, p, lo, hi, f_lo, f_hi, target, near) -> tuple[float, float, int]:
    """The x in [lo, hi] with f(x) = target, f monotone there from f_lo to f_hi; the slope; evaluations made.

    It is an end if there is none. A step less than ``near`` of the way to where the slope may vanish is the last one.
    Where Newton's steps do not shrink by half (along an exponential they are equal), the interval is halved in between.
    """
    left, right, rising, slope, before = lo, hi, f_hi >= f_lo, 0.0, np.inf
    part = (target - f_lo) / (f_hi - f_lo)
    x = lo + part * (hi - lo)
    if not (lo < x < hi and hi - lo <= 1e3 * max(1.0, min(abs(lo), abs(hi)))):
        x = middle(lo, hi)
    for turn in range(TURNS):
        off, slope = value(w, at.STEP, x, p) - target, value(w, at.JACOBIAN, x, p)
        if (off > 0.0) == rising:
            right = x
        else:
            left = x
        move = off / slope
        if abs(move) <= near * min(x - lo, hi - x, abs(x - move)):
            return min(max(x - move, left), right), slope, turn + 1
        if abs(off) <= 4e-16 * (abs(target) + abs(slope * x)) < np.inf:
            return x, slope, turn + 1
        x -= move
        before, slow = abs(move), not abs(move) < 0.5 * before
        if slow or not left < x < right:
            x, before = middle(left, right), np.inf
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
    n, a, b, path, place, side = m[at.N], m[at.FIRST], m[at.ANSWER], m[at.SECOND], m[at.PLACE], m[at.SIDE]
    word, kept, images, laps = m[at.WORD], m[at.KEPT], m[at.IMAGES], m[at.ENDS]
    error, back = 0.0, 0.0
    for k in range(place, n):
        low, high = min(w[a + k + 1], w[b + k + 1]), max(w[a + k + 1], w[b + k + 1])
        w[path + k + 1] = min(max(value(w, at.STEP, w[path + k], p), low), high)
        steep = abs(value(w, at.JACOBIAN, w[path + k], p))
        error = steep * (error + UNIT * abs(w[path + k])) + UNIT * abs(w[path + k + 1])
    for k in range(place - 1, -1, -1):
        up, target = w[laps + at.LAP * m[word + k] + 6] > 0.0, w[path + k + 1]
        low, high, least, most = w[kept + 2 * k], w[kept + 2 * k + 1], w[images + 2 * k + 2], w[images + 2 * k + 3]
        if side < 0:
            low, high = min(w[a + k], w[b + k]), max(w[a + k], w[b + k])
            least, most = min(w[a + k + 1], w[b + k + 1]), max(w[a + k + 1], w[b + k + 1])
        if (side == 1 and target >= most) or (side == 0 and target <= least):
            w[path + k], back = (high if (side == 1) == up else low), 0.0
        else:
            w[path + k], slope, made = inverse(w, p, low, high, least if up else most, most if up else least, target, SHARP)
            m[at.USED] += made
            back = (back + UNIT * abs(target)) / (abs(slope) + 1e-300) + UNIT * abs(w[path + k])
        if side >= 0:
            side = 1 if (side == 1) == up else 0
    m[at.USED] += n - place
    w[path + n + 1] = min(error + back + UNIT * (abs(w[path]) + abs(w[path + n])), ROUND * size(w, path, n))
