"""Stable, unstable or neutral? By the multipliers of a cycle."""

import numpy as np

# Of the largest modulus from 1: at a flip or fold points are known to half of their digits, and so are multipliers.
NEUTRAL = 1e-9


def stability(multipliers: np.ndarray | float) -> bool | None:
    """True if all multipliers lie inside the unit circle, False if one lies outside, None if the largest is on it or NaN.

    ``multipliers``: (D,), or one.

    >>> stability(np.array([0.5])), stability(np.array([1 + 1j, 0.2])), stability(np.array([-1.0, 0.3]))
    (True, False, None)
    """
    radius = float(np.abs(multipliers).max())
    return None if abs(radius - 1) <= NEUTRAL or np.isnan(radius) else radius < 1
