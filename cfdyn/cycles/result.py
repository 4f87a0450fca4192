"""What a search for cycles hands up, whatever the dimension."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Interval = tuple[float, float]
Say = Callable[[str], None]


def silent(words: str) -> None:
    """Nobody is told how far a search is."""


@dataclass
class SearchResult:
    """Distinct cycles of least period n: ``points`` (m, n, D), ``multipliers`` (m, D), largest modulus first.

    ``complete``: no further one has a point in the box; ``undecided`` (k, D, 2): where one might; ``method`` and ``reason``
    in words for the user; ``work``: how much was done, for the provenance.
    """

    points: np.ndarray
    multipliers: np.ndarray
    complete: bool
    method: str
    reason: str
    undecided: np.ndarray
    work: dict = field(default_factory=dict)
