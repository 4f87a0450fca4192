"""All that a watch has logged: columns with gaps, 12 bytes an entry."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import numpy as np

from cfdyn.watching.names import NAMES


class History:
    """Numbers under their names, noted step after step; one that is NaN is kept as infinity."""

    def __init__(self) -> None:
        self.steps = 0
        self._at: dict[str, array[int]] = {}
        self._values: dict[str, array[float]] = {}

    def add(self, row: Mapping[str, float]) -> None:
        """What one more step has logged; a step may have logged nothing."""
        self.steps += 1
        self.note(row)

    def note(self, row: Mapping[str, float]) -> None:
        """More of the last step."""
        for name, value in row.items():
            if name not in self._at:
                self._at[name], self._values[name] = array("I"), array("d")
            self._at[name].append(self.steps - 1)
            self._values[name].append(math.inf if math.isnan(value) else value)  # NaN is a gap

    def last(self, name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The steps and values of the last entries of a name."""
        at, values = self._at.get(name, array("I")), self._values.get(name, array("d"))
        return np.array(at[-count:], dtype=float) + 1, np.array(values[-count:], dtype=float)

    def columns(self) -> dict[str, np.ndarray]:
        """Each name with a row for each step, NaN where nothing was logged, in the order of `NAMES`.

        >>> history = History()
        >>> for row in ({"loss": 2.0}, {"loss": 1.0, "edge/share": 0.5}, {}):
        ...     history.add(row)
        >>> {name: values.tolist() for name, values in history.columns().items()}
        {'loss': [2.0, 1.0, nan], 'edge/share': [nan, 0.5, nan]}
        """
        found = {}
        for name in sorted(self._at, key=list(NAMES).index):
            found[name] = np.full(self.steps, np.nan)
            found[name][np.array(self._at[name], dtype=int)] = self._values[name]
        return found
