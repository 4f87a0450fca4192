"""Limits of sequences that converge like sums of geometric ones."""

from collections.abc import Sequence

import numpy as np

FASTEST, ALIKE = 0.7, 3.0  # of a step, the next one at most where an extrapolation is believed; and how alike such parts are


def limit_of(values: Sequence[float]) -> tuple[float, float]:
    """(limit, error) by Wynn's ε algorithm: of its columns the entry that changed least.

    Where the last three steps shrink by about the same factor the error is at least what the last value changes of the limit.
    Where they do not, the last value stands, with the larger of the last two steps as its error: an extrapolation would say more
    than is known.

    >>> limit, error = limit_of([1 + 0.2**k + 0.3 * 0.05**k for k in range(7)])
    >>> abs(limit - 1) < 1e-9
    True
    """
    steps = np.diff(np.asarray(values, dtype=float))
    last, (limit, error) = float(values[-1]), _wynn(values)
    if len(steps) < 3:
        return limit, max(error, abs(limit - last))
    if not _is_geometric(steps):
        return last, max(float(np.abs(steps[-2:]).max()), 8 * np.finfo(float).eps * abs(last))
    return limit, max(error, abs(limit - _wynn(values[:-1])[0]))


def _is_geometric(steps: np.ndarray) -> bool:
    """True where each of the last three steps is about the same part of the one before."""
    with np.errstate(all="ignore"):
        first, second = (float(part) for part in steps[-2:] / steps[-3:-1])
    return 0 < abs(second) < FASTEST and abs(first) < FASTEST and 1 / ALIKE < first / second < ALIKE


def _wynn(values: Sequence[float]) -> tuple[float, float]:
    """(limit, change) of Wynn's ε algorithm."""
    before, column = np.zeros(len(values) + 1), np.array(values, dtype=float)
    # Without an extrapolation the last step says how far it may still go.
    best = (float(column[-1]), float(abs(column[-1] - column[-2])) if len(column) > 1 else np.inf)
    previous = best[0]
    for k in range(1, len(values)):
        with np.errstate(all="ignore"):
            following = before[1:-1] + 1 / np.diff(column)
        before, column = column, following
        if k % 2 == 0 and len(column) and np.isfinite(column[-1]):
            # Changes from the row above, and from the column before.
            change = abs(column[-1] - (column[-2] if len(column) > 1 else previous))
            error = float(max(change, abs(column[-1] - previous) * 1e-3, 8 * np.finfo(float).eps * abs(column[-1])))
            if error < best[1]:
                best = (float(column[-1]), error)
            previous = float(column[-1])
    return best
