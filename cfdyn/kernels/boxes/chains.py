"""The search for all cycles of one period: chains of boxes, cut and split until each holds one cycle or none."""

import numpy as np

from cfdyn.kernels.boxes.krawczyk import ANSWER, NONE, ONE, OPEN, krawczyk, repeats
from cfdyn.kernels.boxes.segments import EMPTY, contract, short_kernel

FINISHED, PAUSED, FULL = 0, 1, 2
TOP, LINKS, FOUND, UNDECIDED = 0, 1, 2, 3
COARSE = 0.05  # of the extent: wider boxes are split first, in the order of the orbit
AGAIN = 0.6  # Krawczyk's test is tried anew when the widest box is that much smaller


@short_kernel
def widest(x, extent) -> tuple[int, float]:
    """The first entry that is COARSE, else the widest one; and the largest width, in parts of the extent, or of the entry
    itself far outside."""
    d, best, largest, first = extent.size, 0, -1.0, -1
    for a in range(x.shape[0] * d):
        lo, hi = x[a // d, 2 * (a % d)], x[a // d, 2 * (a % d) + 1]
        width = (hi - lo) / max(extent[a % d], min(abs(lo), abs(hi)))
        if width > largest:
            best, largest = a, width
            if first < 0 and width > COARSE:
                first = a
    return first if first >= 0 else best, largest


@short_kernel
def may_repeat(x, shift) -> bool:
    """True if the points of an orbit in the chain may be the same again after that many steps."""
    for k in range(0, x.shape[1], 2):
        if x[0, k] > x[shift, k + 1] or x[shift, k] > x[0, k + 1]:
            return False
    return True


@short_kernel
def split_point(lo, hi, extent) -> float:
    """The middle, in the sense of magnitudes where an interval is far wider than the region."""
    if hi - lo < 100.0 * extent:
        return 0.5 * lo + 0.5 * hi
    if lo < -extent and hi > extent:
        return 0.0
    if hi > extent:
        return np.sqrt(max(lo, extent)) * np.sqrt(hi)
    return -np.sqrt(max(-hi, extent)) * np.sqrt(-lo)


@short_kernel
def copy_chain(x, to_stack, stack, row) -> None:
    """The chain into a row of the stack, or out of it."""
    width = x.shape[1]
    for a in range(stack.shape[1]):
        if to_stack:
            stack[row, a] = x[a // width, a % width]
        else:
            x[a // width, a % width] = stack[row, a]


@short_kernel
def test_chain(step, jacobian, p, x, extent, tiny, tried, shifts, state, work, matrix, inverse, table) -> tuple[int, float]:
    """Krawczyk's test as long as it cuts much: its answer, and the width of the last try; NONE also for orbits that repeat."""
    answer = OPEN
    _, width = widest(x, extent)
    while answer == OPEN and width < AGAIN * tried:
        # A link takes about as long as a thousand operations of the inverse.
        state[LINKS] += 2 * x.shape[0] + table.shape[0] ** 3 // 1000
        answer, tried = krawczyk(step, jacobian, p, x, tiny, work, matrix, inverse, table), width
        _, width = widest(x, extent)
        for k in range(shifts.size):
            if answer == OPEN and may_repeat(x, shifts[k]) and repeats(jacobian, p, x, shifts[k], work, matrix, inverse, table):
                answer = NONE
    return answer, tried


@short_kernel
def search(step, jacobian, p, region, order, extent, tiny, least, limit, shifts, state, stack, notes, x, work, matrix, inverse,
           table, found, undecided) -> int:  # fmt: skip
    """Take chains off the stack until it is empty (FINISHED), ``limit`` links are used (PAUSED) or a list is FULL.

    ``state``: the numbers TOP, LINKS, FOUND, …; ``notes`` (rows of the stack, 2): the row of the chain that is new, and
    the width at which Krawczyk's test failed last; ``least``: the width, in parts of the extent, below which a chain
    that the test does not decide is ``undecided``; ``shifts``: n / q for each prime q that divides n.
    """
    d = extent.size
    while state[TOP] > 0:
        if state[FOUND] >= found.shape[0] or state[UNDECIDED] >= undecided.shape[0] or state[TOP] + 2 > stack.shape[0]:
            return FULL
        if state[LINKS] >= limit:
            return PAUSED
        state[TOP] -= 1
        copy_chain(x, False, stack, state[TOP])
        start, tried = int(notes[state[TOP], 0]), notes[state[TOP], 1]
        used = contract(step, jacobian, p, x, start, region, order, work)
        state[LINKS] += abs(used)
        if used == EMPTY:
            continue
        answer, tried = test_chain(step, jacobian, p, x, extent, tiny, tried, shifts, state, work, matrix, inverse, table)
        if answer == ONE:
            for a in range(table.shape[0]):
                found[state[FOUND], a] = table[a, ANSWER]
            state[FOUND] += 1
        if answer != OPEN:
            continue
        entry, width = widest(x, extent)
        if width < least:
            copy_chain(x, True, undecided, state[UNDECIDED])
            state[UNDECIDED] += 1
            continue
        i, k = entry // d, 2 * (entry % d)
        lo, hi = x[i, k], x[i, k + 1]
        middle = split_point(lo, hi, extent[entry % d])
        for half in range(2):
            x[i, k], x[i, k + 1] = (lo, middle) if half else (middle, hi)
            copy_chain(x, True, stack, state[TOP])
            notes[state[TOP], 0], notes[state[TOP], 1] = i, tried
            state[TOP] += 1
    return FINISHED
