"""The orbits of a map of one variable that follow one itinerary, the sequence of laps that they visit.

The starts that follow a word form an interval, on which fⁿ is monotone. A *path* is x_0, …, x_n with x_{i+1} = f(x_i) and
the laps of the word, and behind them the error of x_n − x_0; it is made from a point of it, most of it backward, which
does not magnify round-off where f stretches.
"""

import numpy as np

from cfdyn.cycles.line._kernels.laps import middle
from cfdyn.cycles.line._kernels.memory import SLOPE_SIGN, Words, size_of, value
from cfdyn.machine.jit import inline_kernel, kernel_rule

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
    x = lo + (target - f_lo) / (f_hi - f_lo) * (hi - lo)
    if not (lo < x < hi and hi - lo <= 1e3 * max(1.0, min(abs(lo), abs(hi)))):
        x = middle(lo, hi)
    for turn in range(TURNS):
        off, slope = value(w, w.step, x, p) - target, value(w, w.jacobian, x, p)
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
def trace_path(z, p, out) -> None:
    """Complete a path of a word from its point at ``place``.

    It lies between the paths ``left`` (the leftmost) and ``right`` if ``side`` is −1. Otherwise it ends at place n, at or
    below (side 0), at or above (1) which nothing else is reached.
    """
    w = Words(z)
    n, a, b, path, place, side, paths = w.n, w.left, w.right, w.path, w.place, w.side, w.paths
    error, back = 0.0, 0.0
    for k in range(place, n):
        low, high = min(paths[a, k + 1], paths[b, k + 1]), max(paths[a, k + 1], paths[b, k + 1])
        paths[path, k + 1] = min(max(value(w, w.step, paths[path, k], p), low), high)
        steep = abs(value(w, w.jacobian, paths[path, k], p))
        error = steep * (error + UNIT * abs(paths[path, k])) + UNIT * abs(paths[path, k + 1])
    for k in range(place - 1, -1, -1):
        up, target = w.lap[w.word[k], SLOPE_SIGN] > 0.0, paths[path, k + 1]
        low, high, least, most = w.reached[k, 0], w.reached[k, 1], w.images[k + 1, 0], w.images[k + 1, 1]
        if side < 0:
            low, high = min(paths[a, k], paths[b, k]), max(paths[a, k], paths[b, k])
            least, most = min(paths[a, k + 1], paths[b, k + 1]), max(paths[a, k + 1], paths[b, k + 1])
        if (side == 1 and target >= most) or (side == 0 and target <= least):
            paths[path, k], back = (high if (side == 1) == up else low), 0.0
        else:
            x, slope, made = inverse(w, p, low, high, least if up else most, most if up else least, target, SHARP)
            paths[path, k] = x
            w.used += made
            back = (back + UNIT * abs(target)) / (abs(slope) + 1e-300) + UNIT * abs(x)
        if side >= 0:
            side = 1 if (side == 1) == up else 0
    w.used += n - place
    error = error + back + UNIT * (abs(paths[path, 0]) + abs(paths[path, n]))
    paths[path, n + 1] = min(error, ROUND * size_of(w, path))
