"""The search for all cycles of one period: chains of boxes, cut and split until each contains one cycle or none."""

import numpy as np

from cfdyn.cycles._kernels.krawczyk import NONE, ONE, OPEN, krawczyk, repeats
from cfdyn.cycles._kernels.segments import EMPTY, Chains, contract, short_kernel

FINISHED, PAUSED, FULL = 0, 1, 2
COARSE = 0.05  # of the extent: wider boxes are split first, in the order of the orbit
AGAIN = 0.6  # Krawczyk's test is tried anew when the widest box is that much smaller


@short_kernel
def widest(c) -> tuple[int, float]:
    """The first entry that is COARSE, else the widest one; and the largest width, in parts of the extent, or of the entry
    itself far outside."""
    d, x, extent, best, largest, first = c.d, c.x, c.extent, 0, -1.0, -1
    for a in range(c.n * d):
        lo, hi = x[a // d, 2 * (a % d)], x[a // d, 2 * (a % d) + 1]
        width = (hi - lo) / max(extent[a % d], min(abs(lo), abs(hi)))
        if width > largest:
            best, largest = a, width
            if first < 0 and width > COARSE:
                first = a
    return first if first >= 0 else best, largest


@short_kernel
def may_repeat(c, shift) -> bool:
    """True if the points of an orbit in the chain may be the same again after that many steps."""
    x = c.x
    for k in range(0, 2 * c.d, 2):
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
def copy_chain(c, to_rows, rows, row) -> None:
    """The chain into one of some rows, or out of it."""
    x, width = c.x, 2 * c.d
    for a in range(c.n * width):
        if to_rows:
            rows[row, a] = x[a // width, a % width]
        else:
            x[a // width, a % width] = rows[row, a]


@short_kernel
def test_chain(c, tried) -> tuple[int, float]:
    """Krawczyk's test as long as it cuts much: its answer, and the width of the last try; NONE also for orbits that repeat."""
    answer = OPEN
    _, width = widest(c)
    while answer == OPEN and width < AGAIN * tried:
        # A link takes about as long as a thousand operations of the inverse.
        c.links += 2 * c.n + (c.n * c.d) ** 3 // 1000
        answer, tried = krawczyk(c), width
        _, width = widest(c)
        for k in range(c.primes):
            if answer == OPEN and may_repeat(c, c.shifts[k]) and repeats(c, c.shifts[k]):
                answer = NONE
    return answer, tried


@short_kernel
def search(memory) -> int:
    """Take chains off the stack until it is empty (FINISHED), ``limit`` links are used (PAUSED) or a list is FULL."""
    c = Chains(memory)
    d, x, stack, notes = c.d, c.x, c.stack, c.notes
    while c.top > 0:
        if c.found >= c.most_found or c.undecided >= c.most_open or c.top + 2 > c.rows:
            return FULL
        if c.links >= c.limit:
            return PAUSED
        c.top -= 1
        copy_chain(c, False, stack, c.top)
        start, tried = int(notes[c.top, 0]), notes[c.top, 1]
        used = contract(c, start)
        c.links += abs(used)
        if used == EMPTY:
            continue
        answer, tried = test_chain(c, tried)
        if answer == ONE:
            for a in range(c.n * d):
                c.centres[c.found, a] = c.answer[a]
            c.found += 1
        if answer != OPEN:
            continue
        entry, width = widest(c)
        if width < c.least:
            copy_chain(c, True, c.open, c.undecided)
            c.undecided += 1
            continue
        i, k = entry // d, 2 * (entry % d)
        lo, hi = x[i, k], x[i, k + 1]
        middle = split_point(lo, hi, c.extent[entry % d])
        for half in range(2):
            x[i, k], x[i, k + 1] = (lo, middle) if half else (middle, hi)
            copy_chain(c, True, stack, c.top)
            notes[c.top, 0], notes[c.top, 1] = i, tried
            c.top += 1
    return FINISHED
