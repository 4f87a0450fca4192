"""The memory in which the words of a map of one variable are looked through, one array for all.

It holds the addresses of rules, numbers, places of the tables (see `layout`), the tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cfdyn._jit import call_from, inline_kernel, pointer, put_rule

STEP, JACOBIAN, SLOPES, CLOSE, TRACE, LEAF, NEWTON, ALONE = 0, 1, 2, 3, 4, 5, 6, 7
POINT, SPAN = 8, 10  # of a point: number and result; of an interval: two and two
N, LAPS, HEIGHT, ROWS, EXTENT = 14, 15, 16, 17, 18
DEPTH, COUNT, USED, OPEN, STATUS, LAST, LIMIT, LOOK = 19, 20, 21, 22, 23, 24, 25, 26
WORD, PREFIX, KEPT, IMAGES, ORBIT, PATHS, ENDS, FOUND, OPENED = 27, 28, 29, 30, 31, 32, 33, 34, 35
FIRST, SECOND, PLACE, SIDE, PART, ANSWER = 36, 37, 38, 39, 40, 41
AGREE, ODD = 42, 43
HEAD = 44
LAP = 7  # entries for a lap: ends, ends without kinks, values at the ends, ±1 as it rises or falls
MOST_OPEN = 64

PAUSED, FINISHED, FULL, CONTINUUM, CROWDED = 0, 1, 2, 3, 4


def layout(rules: Sequence, n: int, laps: np.ndarray, extent: float, rows: int, height: int) -> np.ndarray:
    """A memory for words of length n over the given laps (K, 7), ``rows`` cycles and ``height`` paths."""
    sizes = {WORD: n, PREFIX: n, KEPT: 2 * n, IMAGES: 2 * n + 2, ORBIT: 4 * n, PATHS: height * (n + 2), ENDS: laps.size,
             FOUND: rows * (n + 1), OPENED: 2 * MOST_OPEN}  # fmt: skip
    w = np.zeros(HEAD + sum(sizes.values()))
    m, at = w.view(np.int64), HEAD
    for name, size in sizes.items():
        m[name], at = at, at + size
    m[N], m[LAPS], m[HEIGHT], m[ROWS], w[EXTENT], m[LOOK] = n, len(laps), height, rows, extent, 1
    w[m[ENDS] : m[ENDS] + laps.size] = laps.ravel()
    for slot, rule in enumerate(rules):
        put_rule(w, slot, rule)
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
