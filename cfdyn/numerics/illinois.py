"""The zero of a function of one variable between two points.

Not SciPy's `brentq`: to import scipy.optimize takes 0.3 s, and `cfdyn study double_well` 9 % longer.
"""

from collections.abc import Callable

import numpy as np

ULPS = 4e-16  # of the zero: two units in the last place
MOST = 200  # evaluations; halving alone takes about 60


def zero(function: Callable[[float], float], a: float, b: float) -> float:
    """The zero of a function between two points at which it has different signs, by the Illinois method."""
    at_a, at_b, kept = function(a), function(b), 0
    for _ in range(MOST):
        if not (at_a and at_b and abs(b - a) > ULPS * max(abs(a), abs(b))):
            break
        c = b - at_b * (b - a) / (at_b - at_a) if abs(at_b - at_a) < np.inf else b
        # Rounding may leave no number strictly between them, or the chord may point at one of them, or at none.
        c = c if min(a, b) < c < max(a, b) else (a + b) / 2
        at_c = function(c)
        if c in (a, b) or np.isnan(at_c):
            break
        if at_c * at_b < 0:
            a, at_a, kept = b, at_b, 0
        else:
            kept += 1
            at_a = at_a / 2 if kept > 1 else at_a
        close, b, at_b = abs(c - b) <= ULPS * abs(c), c, at_c
        if close:
            break
    return a if at_a == 0 else b
