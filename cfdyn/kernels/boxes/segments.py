"""Closed orbits as chains of boxes: row i of ``x`` (n, 2D) bounds the point x_i, as lo and hi of each entry in turn.

Nothing here is cut that holds an orbit x_0 → x_1 → … → x_{n−1} → x_0: f(x_i) bounds the next box, and the rows of its
Jacobian bound the box itself from the next one. ``work`` (5, 2D²) has rows for the bounds of f and of its Jacobian over
a box, for the box's middle and radius in turn, for that middle as a box, and for f there.
"""

from functools import partial

import numpy as np

from cfdyn.machine.jit import inline_kernel, kernel, pointer

short_kernel = partial(kernel, short=True)
EMPTY, KEPT, NEXT, THIS = -1, 0, 1, 2
IMAGE, SLOPES, BALL, POINT, VALUE = 0, 1, 2, 3, 4
ROUND = 2e-15  # outward, relative to what was added up
LITTLE = 0.9  # a cut that leaves more than this of a side is not worth telling the neighbours


@inline_kernel
def intersect(x, i, k, lo, hi) -> int:
    """Entry k of row i within [lo, hi]: EMPTY, KEPT, or NEXT if much is gone."""
    a, b = x[i, 2 * k], x[i, 2 * k + 1]
    width = b - a
    if lo > a:
        a = lo
    if hi < b:
        b = hi
    if not a <= b:
        return EMPTY
    x[i, 2 * k], x[i, 2 * k + 1] = a, b
    return NEXT if b - a < LITTLE * width else KEPT


@inline_kernel
def bounded(bounds, row, size) -> bool:
    """True if the first entries of a row are finite numbers."""
    for k in range(size):
        if not abs(bounds[row, k]) < np.inf:
            return False
    return True


@inline_kernel
def change_by_others(work, d, k, left_out) -> float:
    """How far entry k of f may be from its value in the middle, by all entries of the state but one."""
    total = 0.0
    for m in range(d):
        if m != left_out:
            slope = max(abs(work[SLOPES, 2 * (d * k + m)]), abs(work[SLOPES, 2 * (d * k + m) + 1]))
            total += slope * work[BALL, 2 * m + 1]
    return total


@short_kernel
def contract_forward(step, jacobian, p, x, i, work) -> int:
    """Cut row i + 1 by the image of row i, and row i by what leads there; EMPTY, or the sum of NEXT and THIS where much
    is gone."""
    d, pp, width = x.shape[1] // 2, pointer(p, 0), work.shape[1]
    j = i + 1 if i + 1 < x.shape[0] else 0
    step(pointer(x, 2 * d * i), pp, pointer(work, IMAGE * width))
    if work[IMAGE, 0] > work[IMAGE, 1]:
        return EMPTY
    jacobian(pointer(x, 2 * d * i), pp, pointer(work, SLOPES * width))
    smooth = bounded(work, SLOPES, 2 * d * d)
    if smooth:
        for k in range(d):
            middle = 0.5 * x[i, 2 * k] + 0.5 * x[i, 2 * k + 1]
            work[BALL, 2 * k], work[BALL, 2 * k + 1] = middle, max(x[i, 2 * k + 1] - middle, middle - x[i, 2 * k])
            work[POINT, 2 * k] = work[POINT, 2 * k + 1] = middle
        step(pointer(work, POINT * width), pp, pointer(work, VALUE * width))
    change = KEPT
    for k in range(d):
        lo, hi = work[IMAGE, 2 * k], work[IMAGE, 2 * k + 1]
        if smooth:
            far = change_by_others(work, d, k, -1)
            far += ROUND * (far + abs(work[VALUE, 2 * k]))
            lo, hi = max(lo, work[VALUE, 2 * k] - far), min(hi, work[VALUE, 2 * k + 1] + far)
        moved = intersect(x, j, k, lo, hi)
        if moved == EMPTY:
            return EMPTY
        change |= moved
    if smooth:
        for row in range(d * d):
            moved = contract_backward(x, i, j, row // d, row % d, work)
            if moved == EMPTY:
                return EMPTY
            change |= moved
    return change


@short_kernel
def contract_backward(x, i, j, k, m, work) -> int:
    """Cut entry m of row i by entry k of row j, where the slope is not 0; EMPTY, KEPT, or THIS if much is gone."""
    d, low, high = x.shape[1] // 2, work[SLOPES, 2 * (x.shape[1] // 2 * k + m)], work[SLOPES, 2 * (x.shape[1] // 2 * k + m) + 1]
    if low <= 0.0 <= high:
        return KEPT
    far = change_by_others(work, d, k, m)
    far += ROUND * (far + abs(work[VALUE, 2 * k]) + abs(x[j, 2 * k]) + abs(x[j, 2 * k + 1]))
    lo, hi = x[j, 2 * k] - work[VALUE, 2 * k + 1] - far, x[j, 2 * k + 1] - work[VALUE, 2 * k] + far
    if low < 0.0:
        lo, hi, low, high = -hi, -lo, -high, -low
    lo /= low if lo < 0.0 else high
    hi /= high if hi < 0.0 else low
    middle = work[BALL, 2 * m]
    slack = ROUND * (abs(middle) + max(abs(lo), abs(hi)))
    moved = intersect(x, i, m, middle + lo - slack, middle + hi + slack)
    return THIS if moved == NEXT else moved


@short_kernel
def order_points(x, region, order) -> bool:
    """Of all points in the region, and of their images, row 0 comes first: each cycle is looked for once; False if nothing is
    left.

    ``order`` (k, 4): rows (a, b, s, alone), entry a of row 0 is at most s times entry b of each row, or of row 0 alone.
    """
    for i in range(x.shape[0]):
        inside = True
        for k in range(region.size):
            low_side = region[k] <= x[i, k] if k % 2 == 0 else x[i, k] <= region[k]
            inside = inside and low_side
        for r in range(order.shape[0]):
            a, b = 2 * order[r, 0], 2 * order[r, 1]
            if (i > 0 and order[r, 3] == 1) or not inside:
                break
            if order[r, 2] > 0:
                x[i, b] = max(x[i, b], x[0, a])
                x[0, a + 1] = min(x[0, a + 1], x[i, b + 1])
            else:
                x[i, b + 1] = min(x[i, b + 1], -x[0, a])
                x[0, a + 1] = min(x[0, a + 1], -x[i, b])
            if x[i, b] > x[i, b + 1] or x[0, a] > x[0, a + 1]:
                return False
    return True


@short_kernel
def contract(step, jacobian, p, x, start, region, order, work) -> int:
    """Carry what is new about row ``start`` along the orbit, forward and backward, as far as it says anything; EMPTY or the
    links used."""
    n, used = x.shape[0], 0
    if not order_points(x, region, order):
        return EMPTY
    for backward in range(2):
        for s in range(n):
            i = (start - 1 - s + n) % n if backward else (start + s) % n
            change = contract_forward(step, jacobian, p, x, i, work)
            used += 1
            if change == EMPTY:
                return EMPTY
            if not change & (THIS if backward else NEXT):
                break
    return used if order_points(x, region, order) else EMPTY
