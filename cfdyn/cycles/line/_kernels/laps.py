"""Find the laps of a map of one variable, the intervals on which it is monotone.

``work`` (6,) is where rules get and leave their numbers: [0] → [1] of a point, [2, 3] → [4, 5] of an interval.
"""

import numpy as np

from cfdyn.machine.jit import inline_kernel, kernel, pointer

FLAT = 1e-14  # a derivative that small on all of a cell is 0
UNDEFINED, LEVEL = 2, 3
HUGE = 1e150  # stands for infinity: squares are still finite
WIDE = 1e-3  # of the grain: a narrower cell of huge values may hold a pole


@inline_kernel
def value(rule, x, pp, work) -> float:
    """A rule at one number."""
    work[0] = x
    rule(pointer(work, 0), pp, pointer(work, 1))
    return work[1]


@inline_kernel
def bounds(rule, lo, hi, pp, work) -> tuple[float, float]:
    """A rule of intervals over [lo, hi]."""
    work[2], work[3] = lo, hi
    rule(pointer(work, 2), pp, pointer(work, 4))
    return work[4], work[5]


@inline_kernel
def middle(lo, hi) -> float:
    """Where to divide an interval: of one that spans decades, the geometric mean."""
    big, small = max(abs(lo), abs(hi)), max(min(abs(lo), abs(hi)), 1.0)
    if big > 1e3 and lo < 0.0 < hi:
        return 0.0
    if big > 1e3 * small:
        return np.sqrt(small) * np.sqrt(big) * (1.0 if hi > -lo else -1.0)
    return 0.5 * lo + 0.5 * hi


@inline_kernel
def nowhere(step, lo, hi, far, pp, work) -> bool:
    """True if the map has no value at the ends and the middle of a cell, or only ``far`` ones."""
    for x in (lo, middle(lo, hi), hi):
        y = value(step, x, pp, work)
        if not (np.isnan(y) or abs(y) > far):
            return False
    return True


@kernel
def cells(slopes, step, p, floor, grain, most, stack, work, out) -> tuple[int, int]:
    """Divide [lo, hi], row 0 of ``stack``, from left to right until the sign of the derivative is known on each part.

    Rows of ``out``: lo, hi, and the sign 1 or −1; 3 or −3 where the derivative is 0 but for round-off; 0 where it stays
    open down to the width ``floor``; 2 where the map has no value, or one that is HUGE, down to the width ``grain``. Parts of
    one sign that touch are one row. Returns (rows, divisions made); what is left after ``most`` divisions, or when the rows
    are full, is open.
    """
    pp, height, rows, done = pointer(p, 0), 1, 0, 0
    while height > 0:
        height -= 1
        lo, hi = stack[height, 0], stack[height, 1]
        a, b = bounds(slopes, lo, hi, pp, work)
        sign, known, flat = 0, True, a >= -FLAT and b <= FLAT
        if a > 0.0 or b < 0.0:
            sign = 1 if a > 0.0 else -1
        elif flat:
            sign = LEVEL if value(step, lo, pp, work) <= value(step, hi, pp, work) else -LEVEL
        else:
            known = hi - lo <= max(floor, 1e-15 * max(abs(lo), abs(hi)))
        centre = middle(lo, hi)
        far = HUGE if hi - lo > WIDE * grain else np.inf
        if not known and hi - lo <= grain and nowhere(step, lo, hi, far, pp, work):
            sign, known = UNDEFINED, True
        if known or done >= most or height + 2 > stack.shape[0] or not lo < centre < hi:
            if rows > 0 and (out[rows - 1, 2] == sign or rows == out.shape[0]):
                out[rows - 1, 1] = hi
                if out[rows - 1, 2] != sign:
                    out[rows - 1, 2] = 0
            else:
                out[rows, 0], out[rows, 1], out[rows, 2] = lo, hi, sign
                rows += 1
            continue
        done += 1
        stack[height, 0], stack[height, 1] = centre, hi
        stack[height + 1, 0], stack[height + 1, 1] = lo, centre
        height += 2
    return rows, done
