"""Closed orbits as chains of boxes: row i of ``x`` (n, 2D) bounds the point x_i, as lo and hi of each entry in turn.

Nothing here is cut that holds an orbit x_0 → x_1 → … → x_{n−1} → x_0: f(x_i) bounds the next box, and the rows of its
Jacobian bound the box itself from the next one.
"""

from functools import partial

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Real, Rule
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

short_kernel = partial(kernel, short=True)
EMPTY, KEPT, NEXT, THIS = -1, 0, 1, 2
ROUND = 2e-15  # outward, relative to what was added up
LITTLE = 0.9  # a cut that leaves more than this of a side is not worth telling the neighbours


class Chains(Block):
    """The search for closed orbits of n points; ``step`` and ``jacobian`` make bounds of f and of its Jacobian over a box.

    ``stack``: chains to be looked at; ``notes``: the row of each that is new, and the width at which Krawczyk's test failed
    last. ``centres``: of chains that hold one orbit; ``open``: chains narrower than ``least``, in parts of the ``extent`` of
    the region, that the test does not decide. ``top``, ``found``, ``undecided`` count their rows, ``links`` the work up to
    ``limit``. ``order``: see `order_points`; ``shifts``: n / q for each prime q that divides n. Of the box at hand: bounds of f
    (``image``) and its Jacobian, middle and radius in turn (``ball``), that middle as a box (``point``), f there (``value``).
    Of each unknown for Krawczyk's test: middle, radius, defect, the defect's radius (``spread``), the answer and its radius.
    """

    n, d, parameters, conditions, primes, rows, most_found, most_open = Integer.several(8)
    top, links, found, undecided, limit = Integer.several(5)
    step, jacobian = Rule.several(2)
    tiny, least = Real.several(2)
    p = Array("parameters")
    region = Array("2*d")
    extent = Array("d")
    order = Integers("conditions", 4)
    shifts = Integers("primes")
    x = Array("n", "2*d")
    slopes = Array("2*d*d")
    image, ball, point, value = Array.several(4, "2*d")
    middle, radius, defect, spread, answer, within = Array.several(6, "n*d")
    exchanged = Integers("n*d")
    matrix, inverse = Array.several(2, "n*d", "n*d")
    stack = Array("rows", "2*n*d")
    notes = Array("rows", 2)
    centres = Array("most_found", "n*d")
    open = Array("most_open", "2*n*d")


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
def bounded(bounds, size) -> bool:
    """True if all entries are finite numbers."""
    for k in range(size):
        if not abs(bounds[k]) < np.inf:
            return False
    return True


@inline_kernel
def change_by_others(c, k, left_out) -> float:
    """How far entry k of f may be from its value in the middle, by all entries of the state but one."""
    total, slopes, ball = 0.0, c.slopes, c.ball
    for m in range(c.d):
        if m != left_out:
            place = 2 * (c.d * k + m)
            total += max(abs(slopes[place]), abs(slopes[place + 1])) * ball[2 * m + 1]
    return total


@short_kernel
def contract_forward(c, i) -> int:
    """Cut row i + 1 by the image of row i, and row i by what leads there; EMPTY, or the sum of NEXT and THIS where much
    is gone."""
    d, x, p, image, ball, point, value = c.d, c.x, c.p, c.image, c.ball, c.point, c.value
    j = i + 1 if i + 1 < c.n else 0
    call(c.step, pointer(x, 2 * d * i), p, image)
    if image[0] > image[1]:
        return EMPTY
    call(c.jacobian, pointer(x, 2 * d * i), p, c.slopes)
    smooth = bounded(c.slopes, 2 * d * d)
    if smooth:
        for k in range(d):
            middle = 0.5 * x[i, 2 * k] + 0.5 * x[i, 2 * k + 1]
            ball[2 * k], ball[2 * k + 1] = middle, max(x[i, 2 * k + 1] - middle, middle - x[i, 2 * k])
            point[2 * k] = point[2 * k + 1] = middle
        call(c.step, point, p, value)
    change = KEPT
    for k in range(d):
        lo, hi = image[2 * k], image[2 * k + 1]
        if smooth:
            far = change_by_others(c, k, -1)
            far += ROUND * (far + abs(value[2 * k]))
            lo, hi = max(lo, value[2 * k] - far), min(hi, value[2 * k + 1] + far)
        moved = intersect(x, j, k, lo, hi)
        if moved == EMPTY:
            return EMPTY
        change |= moved
    if smooth:
        for row in range(d * d):
            moved = contract_backward(c, i, j, row // d, row % d)
            if moved == EMPTY:
                return EMPTY
            change |= moved
    return change


@short_kernel
def contract_backward(c, i, j, k, m) -> int:
    """Cut entry m of row i by entry k of row j, where the slope is not 0; EMPTY, KEPT, or THIS if much is gone."""
    x, value, place = c.x, c.value, 2 * (c.d * k + m)
    low, high = c.slopes[place], c.slopes[place + 1]
    if low <= 0.0 <= high:
        return KEPT
    far = change_by_others(c, k, m)
    far += ROUND * (far + abs(value[2 * k]) + abs(x[j, 2 * k]) + abs(x[j, 2 * k + 1]))
    lo, hi = x[j, 2 * k] - value[2 * k + 1] - far, x[j, 2 * k + 1] - value[2 * k] + far
    if low < 0.0:
        lo, hi, low, high = -hi, -lo, -high, -low
    lo /= low if lo < 0.0 else high
    hi /= high if hi < 0.0 else low
    middle = c.ball[2 * m]
    slack = ROUND * (abs(middle) + max(abs(lo), abs(hi)))
    moved = intersect(x, i, m, middle + lo - slack, middle + hi + slack)
    return THIS if moved == NEXT else moved


@short_kernel
def order_points(c) -> bool:
    """Of all points in the region, and of their images, row 0 comes first: each cycle is looked for once; False if nothing is
    left.

    ``order`` (k, 4): rows (a, b, s, alone), entry a of row 0 is at most s times entry b of each row, or of row 0 alone.
    """
    x, region, order = c.x, c.region, c.order
    for i in range(c.n):
        inside = True
        for k in range(2 * c.d):
            low_side = region[k] <= x[i, k] if k % 2 == 0 else x[i, k] <= region[k]
            inside = inside and low_side
        for r in range(c.conditions):
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
def contract(c, start) -> int:
    """Carry what is new about row ``start`` along the orbit, forward and backward, as far as it says anything; EMPTY or the
    links used."""
    n, used = c.n, 0
    if not order_points(c):
        return EMPTY
    for backward in range(2):
        for s in range(n):
            i = (start - 1 - s + n) % n if backward else (start + s) % n
            change = contract_forward(c, i)
            used += 1
            if change == EMPTY:
                return EMPTY
            if not change & (THIS if backward else NEXT):
                break
    return used if order_points(c) else EMPTY
