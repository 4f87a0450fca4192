"""The result of a search for cycles, in any dimension."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Interval = tuple[float, float]
Say = Callable[[str], None]
TOLD = 20  # items between two reports


def silent(words: str) -> None:
    """Nobody is told how far a search is."""


def counted(items: Any, say: Say, words: str) -> Iterator[Any]:
    """The items in turn, with "words: k of n" said now and then.

    >>> list(counted([7, 8], print, "refining cycles"))
    refining cycles: 0 of 2
    [7, 8]
    """
    for k, item in enumerate(items):
        if k % TOLD == 0:
            say(f"{words}: {k} of {len(items)}")
        yield item


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
