"""Newton's method on all points of a cycle of a map of one variable, and the cycles that it has found."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.memory import value
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers

CLOSE, DIGITS = 1e-14, 1e-6  # of a link: enough to stop, and to be accepted
LEAST = 1e-300  # what is smaller is 0, which Newton's method only comes near
QUIET, BLUR = 1e-6, 1e-15  # of its size, and of the largest: a point moved by less has settled


@inline_kernel
def correct(w, n, x, product, blur) -> bool:
    """dx_{i+1} = slope_i dx_i + defect_i around the cycle, in the direction that shrinks errors; whether little has moved."""
    defect, move, slope, total = x + n, x + 2 * n, x + 3 * n, 0.0
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
    quiet = True
    for k in range(n):
        moved = w[x + k] + w[move + k]
        quiet = quiet and abs(w[move + k]) <= QUIET * abs(moved) + blur
        w[x + k] = 0.0 if abs(moved) < LEAST else moved
    return quiet


@kernel_rule
def newton(z, p, out) -> None:
    """Solve f(x_i) = x_{i+1} for the n points of ORBIT; three rows behind them hold defects, corrections, slopes.

    ANSWER: 1, or −1 if it does not converge to round-off.
    """
    w, m = numbers(z), integers(z)
    n, x, before, off_before, quiet = m[at.N], m[at.ORBIT], np.inf, np.inf, False
    m[at.ANSWER] = -1
    for turn in range(40):
        m[at.USED] += n
        # ``off``: the largest defect relative to what its own link adds up; points of a cycle may differ by many decades.
        product, worst, most, steep, off = 1.0, 0.0, LEAST, 1.0, 0.0
        for k in range(n):
            following = w[x + k + 1] if k < n - 1 else w[x]
            w[x + n + k] = value(w, at.STEP, w[x + k], p) - following
            w[x + 3 * n + k] = value(w, at.JACOBIAN, w[x + k], p)
            product *= w[x + 3 * n + k]
            worst, most = max(worst, abs(w[x + n + k])), max(most, abs(w[x + k]))
            steep = max(steep, abs(w[x + 3 * n + k]))
            added = abs(following) + abs(w[x + 3 * n + k] * w[x + k])
            if abs(w[x + n + k]) > off * added:
                off = abs(w[x + n + k]) / added
        if not np.isfinite(worst + steep) or np.isnan(product):
            return
        # At round-off, where it stays; along an exponential defects are small, too, but the points move on.
        stays = quiet and worst <= 1e-13 * most * steep and worst >= 0.5 * before and off >= 0.5 * off_before
        sharp = worst <= 2e-16 * most and off <= CLOSE
        if stays or sharp or turn == 39:
            known = worst <= 1e-11 * most * steep and (off <= DIGITS or worst <= 1e-11 * most)
            m[at.ANSWER] = 1 if known and (quiet or sharp) else -1
            return
        before, off_before = worst, off
        quiet = correct(w, n, x, product, BLUR * most)


@inline_kernel
def keep(w, m, n, x) -> None:
    """Write the cycle down, from its smallest point on, with its multiplier, if n is its least period.

    VAGUE counts those where some f(x_i) and x_{i+1} do not agree to six digits.
    """
    product, most, first = 1.0, LEAST, 0
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
    if m[at.COUNT] == m[at.ROWS]:
        m[at.STATUS] = at.CROWDED
        return
    row, vague = m[at.FOUND] + m[at.COUNT] * (n + 1), 0
    for k in range(n):
        place = first + k if first + k < n else first + k - n
        w[row + k] = w[x + place]
        if not abs(w[x + n + place]) <= DIGITS * abs(w[x + place + 1] if place < n - 1 else w[x]):
            vague = 1
    w[row + n] = product
    m[at.VAGUE] += vague
    m[at.COUNT] += 1


@kernel_rule
def close(z, p, out) -> None:
    """Newton from the path that divides the box FIRST, SECOND by PART; ANSWER: 1 if a cycle lies there, −1 if that failed."""
    w, m = numbers(z), integers(z)
    n, a, b, x = m[at.N], m[at.FIRST], m[at.SECOND], m[at.ORBIT]
    for k in range(n):
        w[x + k] = w[a + k] + w[at.PART] * (w[b + k] - w[a + k])
    call_from(w, at.NEWTON, z, p, z)
    if m[at.ANSWER] < 0:
        return
    m[at.ANSWER] = 0
    for k in range(n):
        left, right = w[a + k], w[b + k]
        slack = 1e-9 * max(abs(left), abs(right)) + 1e-3 * abs(right - left)
        if not min(left, right) - slack <= w[x + k] <= max(left, right) + slack:
            return
    m[at.ANSWER] = 1
    keep(w, m, n, x)
