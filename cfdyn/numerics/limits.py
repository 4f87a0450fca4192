"""Limits of sequences that converge like sums of geometric ones."""

from collections.abc import Sequence

import numpy as np


def limit_of(values: Sequence[float]) -> tuple[float, float]:
    """(limit, error) by Wynn's ε algorithm: of its columns the entry that changed least.

    >>> limit, error = limit_of([1 + 0.2**k + 0.3 * 0.05**k for k in range(7)])
    >>> abs(limit - 1) < 1e-9
    True
    """
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
