"""What a search for cycles hands to `cycles`, whatever the dimension."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SMALL_STEPS = "schmelcher-diakonos"
METHODS = ("auto", "search", SMALL_STEPS)


def nowhere(dim: int) -> np.ndarray:
    """No boxes, (0, D, 2)."""
    return np.empty((0, dim, 2))


@dataclass
class Found:
    """Distinct cycles of least period n: ``points`` (m, n, D), ``multipliers`` (m, D), largest modulus first.

    ``complete``: no further one has a point in the box; ``undecided`` (k, D, 2): where one might; ``method`` and
    ``reason`` in words for the user.
    """

    points: np.ndarray
    multipliers: np.ndarray
    complete: bool
    method: str
    reason: str = ""
    undecided: np.ndarray | None = None
    notes: dict = field(default_factory=dict)
