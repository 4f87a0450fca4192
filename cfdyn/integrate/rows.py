"""Arrays that are filled row by row, without knowing how many there will be."""

from __future__ import annotations

import numpy as np


def grown(array: np.ndarray, rows: int) -> np.ndarray:
    """A longer one that begins with the rows of this one."""
    # Pieces to be put together take memory twice; it goes back to the system and comes anew, page by page, at every call.
    longer = np.empty((rows, *array.shape[1:]))
    longer[: len(array)] = array
    return longer


def kept(array: np.ndarray, rows: int) -> np.ndarray:
    """The rows in use, without a copy where they are most of it."""
    return array[:rows] if 2 * rows >= len(array) else array[:rows].copy()
