"""The memory in which the words of a map of one variable are looked through, one array for all.

It holds the addresses of rules, numbers, places of the tables (see `layout`), the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from cfdyn.machine.jit import addresses, call_from, inline_kernel, pointer

STEP, JACOBIAN, SLOPES, CLOSE, TRACE, LEAF, NEWTON, ALONE = 0, 1, 2, 3, 4, 5, 6, 7
POINT, SPAN = 8, 10  # of a point: number and result; of an interval: two and two
N, LAPS, HEIGHT, ROWS, EXTENT = 14, 15, 16, 17, 18
DEPTH, COUNT, USED, OPEN, STATUS, LAST, LIMIT, LOOK = 19, 20, 21, 22, 23, 24, 25, 26
WORD, PREFIX, KEPT, IMAGES, ORBIT, PATHS, ENDS, OPENED, FOUND = 27, 28, 29, 30, 31, 32, 33, 34, 35
FIRST, SECOND, PLACE, SIDE, PART, ANSWER = 36, 37, 38, 39, 40, 41
AGREE, ODD, VAGUE = 42, 43, 44
LOWEST, HIGHEST, TIRED = 45, 46, 47  # the box asked for; boxes of starts that were given up
HEAD = 48
LAP = 7  # entries for a lap: ends, ends without kinks, values at the ends, ±1 as it rises or falls
MOST_OPEN = 64

PAUSED, FINISHED, FULL, CROWDED = 0, 1, 2, 3


def layout(rules: Sequence, n: int, laps: np.ndarray, extent: float, rows: int, height: int) -> np.ndarray:
    """A memory for words of length n over the given laps (K, 7), ``rows`` cycles and ``height`` paths."""
    sizes = n, n, 2 * n, 2 * n + 2, 4 * n, height * (n + 2), laps.size, 2 * MOST_OPEN, rows * (n + 1)
    places = [*accumulate(sizes, initial=HEAD)]
    w = np.empty(places[-1])
    w[: places[-2]] = 0.0
    m = w.view(np.int64)
    m[WORD : FOUND + 1] = places[:-1]
    m[N], m[LAPS], m[HEIGHT], m[ROWS], w[EXTENT], m[LOOK] = n, len(laps), height, rows, extent, 1
    w[LOWEST], w[HIGHEST] = -np.inf, np.inf
    w[places[ENDS - WORD] :][: laps.size] = laps.ravel()
    w[: len(rules)] = addresses(*rules)
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
