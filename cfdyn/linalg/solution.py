"""`Solution`: what every linear solver gives."""

from typing import NamedTuple

import numpy as np


class Solution(NamedTuple):
    """``x`` of a linear system, ∞ where there is none; whether it solves it; ``work``: factorizations or products it took."""

    x: np.ndarray
    converged: bool
    work: int


def unsolved(right: np.ndarray, work: int) -> Solution:
    """No solution for these right-hand sides."""
    return Solution(np.full_like(right, np.inf), False, work)
