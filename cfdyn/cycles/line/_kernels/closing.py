"""Newton's method on all points of a cycle of a map of one variable, and the list of cycles found."""

import numpy as np

from cfdyn.cycles.line._kernels.memory import CROWDED, Words, value
from cfdyn.machine.jit import call, inline_kernel, kernel_rule

CLOSE, DIGITS = 1e-14, 1e-6  # of a link: enough to stop, and to be accepted
LEAST = 1e-300  # what is smaller is 0, which Newton's method only comes near
QUIET, BLUR = 1e-6, 1e-15  # of its size, and of the largest: a point moved by less has settled


@inline_kernel
def correct(w, product, blur) -> bool:
    """dx_{i+1} = slope_i dx_i + defect_i around the cycle, in the direction that shrinks errors; whether little has moved."""
    n, x, defects, corrections, slopes, total = w.n, w.orbit, w.defects, w.corrections, w.slopes, 0.0
    if abs(product) <= 1.0:
        for k in range(n):
            total = slopes[k] * total + defects[k]
        corrections[0] = total / (1.0 - product)
        for k in range(n - 1):
            corrections[k + 1] = slopes[k] * corrections[k] + defects[k]
    else:
        for k in range(n - 1, -1, -1):
            total = (total - defects[k]) / slopes[k]
        corrections[0] = total = total / (1.0 - 1.0 / product)
        for k in range(n - 1, 0, -1):
            total = (total - defects[k]) / slopes[k]
            corrections[k] = total
    quiet = True
    for k in range(n):
        moved = x[k] + corrections[k]
        quiet = quiet and abs(corrections[k]) <= QUIET * abs(moved) + blur
        x[k] = 0.0 if abs(moved) < LEAST else moved
    return quiet


@kernel_rule
def newton(z, p, out) -> None:
    """Solve f(x_i) = x_{i+1} for the n points of the orbit. Answer: 1, or −1 if it does not converge to round-off."""
    w = Words(z)
    n, x, defects, slopes, before, off_before, quiet = w.n, w.orbit, w.defects, w.slopes, np.inf, np.inf, False
    w.answer = -1
    for turn in range(40):
        w.used += n
        # ``off``: the largest defect relative to what its own link adds up; points of a cycle may differ by many decades.
        product, worst, most, steep, off = 1.0, 0.0, LEAST, 1.0, 0.0
        for k in range(n):
            following = x[k + 1] if k < n - 1 else x[0]
            defects[k] = value(w, w.step, x[k], p) - following
            slopes[k] = value(w, w.jacobian, x[k], p)
            product *= slopes[k]
            worst, most = max(worst, abs(defects[k])), max(most, abs(x[k]))
            steep = max(steep, abs(slopes[k]))
            added = abs(following) + abs(slopes[k] * x[k])
            if abs(defects[k]) > off * added:
                off = abs(defects[k]) / added
        if not np.isfinite(worst + steep) or np.isnan(product):
            return
        # At round-off, where it stays; along an exponential defects are small, too, but the points move on.
        stays = quiet and worst <= 1e-13 * most * steep and worst >= 0.5 * before and off >= 0.5 * off_before
        sharp = worst <= 2e-16 * most and off <= CLOSE
        if stays or sharp or turn == 39:
            known = worst <= 1e-11 * most * steep and (off <= DIGITS or worst <= 1e-11 * most)
            w.answer = 1 if known and (quiet or sharp) else -1
            return
        before, off_before = worst, off
        quiet = correct(w, product, BLUR * most)


@inline_kernel
def write_down(w) -> None:
    """Put the cycle into ``found``, from its smallest point on, with its multiplier, if n is its least period.

    ``vague`` counts those where some f(x_i) and x_{i+1} do not agree to six digits.
    """
    n, x, defects, slopes, product, most, first = w.n, w.orbit, w.defects, w.slopes, 1.0, LEAST, 0
    for k in range(n):
        product *= slopes[k]
        most = max(most, abs(x[k]))
        first = k if x[k] < x[first] else first
    blur = min(max(1e-12, 1e-13 / max(abs(1.0 - product), 1e-300)), 1e-5) * most
    for q in range(1, n // 2 + 1):
        if n % q == 0:
            apart = 0.0
            for k in range(n):
                apart = max(apart, abs(x[k] - x[(k + q) % n]))
            if apart <= blur:
                return
    if w.count == w.rows:
        w.status = CROWDED
        return
    row, found, vague = w.count, w.found, 0
    for k in range(n):
        place = first + k if first + k < n else first + k - n
        found[row, k] = x[place]
        if not abs(defects[place]) <= DIGITS * abs(x[place + 1] if place < n - 1 else x[0]):
            vague = 1
    found[row, n] = product
    w.vague += vague
    w.count += 1


@kernel_rule
def close_cycle(z, p, out) -> None:
    """Newton from the path that divides the box between the paths ``left`` and ``right`` by ``share``.

    Answer: 1 if a cycle lies there, 0 if it lies elsewhere, −1 if Newton's method failed.
    """
    w = Words(z)
    n, a, b, x, paths = w.n, w.left, w.right, w.orbit, w.paths
    for k in range(n):
        x[k] = paths[a, k] + w.share * (paths[b, k] - paths[a, k])
    call(w.newton, z, p, z)
    if w.answer < 0:
        return
    w.answer = 0
    for k in range(n):
        left, right = paths[a, k], paths[b, k]
        slack = 1e-9 * max(abs(left), abs(right)) + 1e-3 * abs(right - left)
        if not min(left, right) - slack <= x[k] <= max(left, right) + slack:
            return
    w.answer = 1
    write_down(w)
