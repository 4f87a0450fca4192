"""What a watch hears of the gradient of a step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np

FEWEST, RECENT, STEEP = 10, 50, 4.0  # norms before one; steps of which they are; times their median: it is a surprise


class Heard:
    """``norm``, ‖g‖ of the step, NaN if it is not known; ``surprise``, the loss on the probe before a step with a gradient that
    is above 4 times its median, None otherwise; ``seconds`` that it took.

    ``listens``: there is time for norms; ``looks``: and for a loss.
    """

    def __init__(self, clock: Callable[[], float], look: Callable[[], float] | None = None):
        self.clock, self.look, self.listens, self.looks, self.seconds = clock, look, True, False, 0.0
        self.norm = math.nan
        self.surprise: float | None = None
        self._recent: dict[int, deque[float]] = {}

    def hear(self, norm: Callable[[], float | None], who: int = 0) -> None:
        """The norm of the gradient that an optimizer is about to use, None if there is none; not a number is infinity."""
        if not self.listens:
            return
        began, size = self.clock(), norm()
        if size is not None:
            size = math.inf if math.isnan(size) else size
            recent = self._recent.setdefault(who, deque(maxlen=RECENT))
            steep = len(recent) >= FEWEST and size > STEEP * float(np.median(recent))
            if steep and self.looks and self.look is not None and self.surprise is None:
                self.surprise = self.look()
            recent.append(size)
            self.norm = size if math.isnan(self.norm) else math.hypot(self.norm, size)
        self.seconds += self.clock() - began

    def told(self) -> dict[str, float]:
        """Since the last call, under the names of a log."""
        found = {} if math.isnan(self.norm) else {"grad_norm": self.norm}
        if self.surprise is not None:
            found["probe/before"] = self.surprise
        self.norm, self.surprise = math.nan, None
        return found
