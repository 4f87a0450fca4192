"""The bounce along the leading direction, from one number a step."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from cfdyn.analysis.training.oscillation import oscillation
from cfdyn.watching.edge import Memory

LONGEST = 6  # period; a window must hold eight
WINDOW, GROWING, FEWEST = 50, 8, 12  # steps: of r₁, of the growth, and before anything is said

SLOPE = (np.arange(GROWING) - (GROWING - 1) / 2) / ((GROWING**3 - GROWING) / 12)  # weights of a least-squares slope
FARTHEST = 1e150  # a step whose square is a number


class Bounce:
    """The position c_t along a direction at each step; `told` has the correlation, the alternation, the size and the growth."""

    def __init__(self) -> None:
        self.positions = deque[float](maxlen=WINDOW + 2)

    def forget(self) -> None:
        """What comes next is no step after the last position."""
        self.positions.clear()

    def add(self, position: float) -> dict[str, float]:
        """The position after a step; the step is logged, if the position before it is known."""
        self.positions.append(position)
        return {"bounce/step": position - self.positions[-2]} if len(self.positions) > 1 else {}

    def period(self) -> dict[str, float]:
        """Of the steps in a whole window, by `cf.analysis.oscillation`; of an irregular one that of the highest line."""
        steps = np.diff(np.array(self.positions))
        if len(steps) < WINDOW or not np.isfinite(steps).all():
            return {}
        found = oscillation(steps, max_period=LONGEST)
        if found.kind == "none":
            return {}
        if found.period is not None:
            return {"bounce/period": float(found.period)}
        peak = found.evidence["peak"]
        return {"bounce/period": 1 / float(peak)} if peak > 0 else {}

    def told(self, memory: Memory | None) -> dict[str, float]:
        """Under the names of a log; ``memory``: None if it is unknown, or groups of weights have different ones."""
        steps = np.diff(np.array(self.positions))
        if len(steps) < FEWEST or not np.abs(steps).max() < FARTHEST or not (size := float(steps @ steps)) > 0:
            return {}
        r1 = float(steps[1:] @ steps[:-1]) / size
        found = {"bounce/r1": r1, "bounce/alternation": float((steps[1:] * steps[:-1] < 0).mean()),
                 "bounce/amplitude": 0.5 * math.sqrt(size / len(steps))}  # fmt: skip
        if memory is not None and memory.direct == 0:  # of a step that takes the gradient directly too, the noise is not white
            found["bounce/share"] = (memory.beta - r1) / (1 + memory.beta)
        last = np.abs(steps[-GROWING:])
        if (last > 0).all():
            found["bounce/growth"] = float(SLOPE @ np.log(last))
        return found
