"""When a watch measures: as often as its share of the processor's time allows, and sooner near the edge."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

NEAR, CALM = 0.8, 0.8  # a share above which all of the budget may be spent, and the part of it that is spent below
FOLLOWING = 0.5  # of what may be spent: so much goes into what is noted in each step, the rest into measurements


class Cadence:
    """Decides at each step of a run whether to measure.

    ``budget``: the processor time of measurements over that of the run without them; ``every``: steps after which a measurement
    is due whatever it costs; ``clock``: seconds.
    """

    def __init__(self, budget: float, every: int | None, clock: Callable[[], float] = process_time):
        self.budget, self.every, self.clock = budget, every, clock
        self.began, self.spent, self.last, self.since, self.forced = clock(), 0.0, 0.0, 0, 0

    def due(self, share: float) -> bool:
        """True if a measurement is due now; ``share``: the last one, NaN before the first."""
        self.since += 1
        if self.last == 0.0:  # the first measurement is made whatever it costs
            return self.budget > 0 or self.every is not None
        if self.spent + self.last <= self._part(share) * self.own():
            return True
        late = self.every is not None and self.since >= self.every
        self.forced += late
        return late

    def follows(self, share: float) -> bool:
        """True if there is time to note what a single step did."""
        return self.every is not None or self.spent <= FOLLOWING * self._part(share) * self.own()

    def _part(self, share: float) -> float:
        return self.budget if share > NEAR else CALM * self.budget

    def own(self) -> float:
        """Seconds of the run without the watch."""
        return self.clock() - self.began - self.spent

    def paid(self, seconds: float, measured: bool, part: float = 1.0) -> None:
        """What a step of the watch took; ``part``: of a measurement, what the next one is expected to take."""
        self.spent += seconds
        if measured:
            self.last, self.since = part * seconds, 0

    @property
    def cost(self) -> float:
        """Time of the watch over that of the run without it."""
        own = self.own()
        return self.spent / own if own > 0 else 0.0
