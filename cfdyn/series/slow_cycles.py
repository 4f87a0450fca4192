"""The slow cycles of an oscillation about the edge, and when it began."""

from typing import Any

import numpy as np

from cfdyn.series.filters import fast_part, half_width

VISIBLE = 1e-4  # a maximum of the variance this small beside the largest is no cycle of it
DEPTH = 2.0  # by how much the variance falls between two maxima that bound a cycle
SHORTEST = 4  # steps of a slow cycle
BEGUN = 0.01  # the part of its largest value at which an oscillation counts as begun
DIGITS_LEFT = 100.0  # units of round-off in which an oscillation is no longer its own


def slow_cycles(variance: np.ndarray) -> list[tuple[int, int]]:
    """Rows (first, last) between successive maxima of a variance (n,), each a whole cycle [first, last).

    A maximum counts if the variance is less than half of it somewhere on either side, before a larger one, and if it is
    more than 10⁻⁴ of the largest. Cycles of less than 4 steps are not slow: an oscillation of period 4 has them.
    """
    size = np.where(np.isfinite(variance), variance, 0.0)
    if len(size) < 3 or not size.max() > 0:
        return []
    peaks, best, low, floor = [], -1, np.inf, VISIBLE * size.max()
    for t in range(len(size)):
        value = max(float(size[t]), floor)
        if best >= 0 and value < size[best] / DEPTH:
            peaks.append(best)
            best, low = -1, value
        elif best >= 0:
            best = t if size[t] > size[best] else best
        elif value > DEPTH * low and size[t] > floor:
            best = t
        else:
            low = min(low, value)
    return [(first, last) for first, last in zip(peaks[:-1], peaks[1:], strict=True) if last - first >= SHORTEST]


def begins(size: np.ndarray, level: float) -> int | None:
    """The first row at which a size (n,), after its smallest value before its largest one, reaches a level; None if never."""
    if not len(size) or not np.nanmax(size) >= max(level, 1e-300):
        return None
    top = int(np.nanargmax(size))
    lowest = int(np.nanargmin(size[: top + 1]))
    return lowest + int(np.argmax(size[lowest:] >= level))


def onset(w: np.ndarray, epsilon: float) -> dict[str, Any]:
    """When the 2-cycle of an orbit's weights (n, d) begins: a dict of steps and sizes, empty if there is none.

    ``begins``: the first step at which its square is a hundredth of the largest, 0 if it is there from the start and stays;
    ``lowest``: the step at which it was smallest before, and ``size`` there; ``round_off``: True where that is
    within a hundred units of round-off.
    """
    if len(w) < 16:
        return {}
    fast = fast_part(w, 2)
    size, first = np.sqrt((fast**2).sum(axis=1)), half_width(2)
    top = int(np.argmax(size))
    # What only decays from the start on does not begin.
    lowest, begun = int(np.argmin(size[: top + 1])), begins(size, np.sqrt(BEGUN) * float(size[top]))
    least = DIGITS_LEFT * epsilon * float(np.abs(w[: top + 2 * first]).max())
    if begun is None or not size[top] > least or not (size[top] > 10 * size[lowest] or _stays(size, w)):
        return {}
    return {"begins": 0 if begun == lowest else begun + first, "lowest": lowest + first, "size": float(size[lowest]),
            "round_off": bool(size[lowest] <= least)}  # fmt: skip


def _stays(size: np.ndarray, w: np.ndarray) -> bool:
    """True where at the end a 2-cycle is most of the motion, and not what is left of a larger one."""
    late = float(np.median(size[3 * len(size) // 4 :]))
    moved = np.linalg.norm(np.diff(w[3 * len(w) // 4 :], axis=0), axis=1)
    return late > size.max() / 10 and late > float(np.median(moved)) / 4
