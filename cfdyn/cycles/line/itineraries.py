"""All words of laps of a map of one variable in turn, and the cycles that follow them."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.cycles.line.laps import Laps
from cfdyn.cycles.symmetry import Symmetries, symmetries
from cfdyn.errors import UsageError
from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.closing import close, newton
from cfdyn.kernels.line.expanding import alone
from cfdyn.kernels.line.itineraries import walk
from cfdyn.kernels.line.paths import trace
from cfdyn.kernels.line.words import leaf
from cfdyn.machine.jit import apply, put_rule
from cfdyn.systems.map import Map

HOPELESS = 1e3  # times the budget
PAUSE = 400_000  # of the budget, between two looks at the keyboard
SHORT = 150_000  # a walk that takes more is worth asking for a symmetry


class LapWords:
    """The walk through all words, in parts short enough to be interrupted."""

    def __init__(self, step: Map, period: int, laps: Laps, extent: float, look: bool = True):
        self.step, self.period, self.laps = step, period, laps
        self.rows = max(8, min(1024, 4_000_000 // period))
        rules = [step.rule(what) for what in ("step", "jacobian", "interval:jacobian")]
        addresses = [rule.compiled for rule in (*rules, close, trace, leaf, newton, alone)]
        self.w = at.layout(addresses, period, laps.table(), extent, self.rows, max(8, min(200, 4_000_000 // period)))
        self.m = self.w.view(np.int64)
        self.m[at.LOOK], self.m[self.m[at.WORD]] = look, -1
        if len(laps.ends):
            self.w[self.m[at.IMAGES] : self.m[at.IMAGES] + 2] = laps.ends[0, 0], laps.ends[-1, 1]
        self.found: list[np.ndarray] = []
        self.odd: Symmetries | None = None

    @property
    def open(self) -> list[tuple[float, float]]:
        """What is not decided, as intervals that hold a point in the box of each such cycle."""
        start, count = self.m[at.OPENED], self.m[at.OPEN]
        return [tuple(row) for row in self.w[start : start + 2 * count].reshape(-1, 2).tolist()]

    @property
    def tired(self) -> bool:
        """True if some of it is open because it was too much work for one word."""
        return bool(self.m[at.TIRED])

    @property
    def vague(self) -> bool:
        """True if it is not clear at a glance that all cycles close."""
        return bool(self.m[at.VAGUE])

    @property
    def count(self) -> int:
        """Words, where they were only counted."""
        return int(self.m[at.COUNT])

    def run(self, most: int, region: np.ndarray | None = None) -> bool:
        """True if the walk came to its end within that much of the budget.

        In the box of a symmetry it goes on with one of two words that are mirror images: the first of them, in its order.
        """
        m, whole, part = self.m, True, SHORT
        if not len(self.laps.ends):
            self._empty()
            return True
        if region is not None:
            self.w[[at.LOWEST, at.HIGHEST]] = region[0]
        slot = np.empty(1)
        put_rule(slot, 0, walk.compiled)
        while m[at.STATUS] != at.FINISHED and m[at.USED] < most:
            m[at.STATUS], m[at.LIMIT] = at.PAUSED, min(most, m[at.USED] + part)
            apply(slot, 0, self.w, self.step.p, self.w)
            if region is not None and part == SHORT and m[at.STATUS] != at.FINISHED:
                self.odd = _odd(self.step, region, self.laps)
                m[at.ODD] = self.odd is not None
            part = PAUSE
            whole = whole and m[at.STATUS] != at.CROWDED
            if m[at.LOOK] and m[at.STATUS] != at.PAUSED:
                self._empty()
        if m[at.LOOK] and m[at.STATUS] != at.FINISHED:
            self._empty()
        return bool(m[at.STATUS] == at.FINISHED and whole)

    def _empty(self) -> None:
        start, count, width = self.m[at.FOUND], self.m[at.COUNT], self.period + 1
        self.found.append(self.w[start : start + count * width].reshape(-1, width).copy())
        self.m[at.COUNT] = 0


def _odd(step: Map, region: np.ndarray, laps: Laps) -> Symmetries | None:
    """The symmetry x → −x of the map, if its laps and the box have it too."""
    ends, rising = laps.ends, laps.rising
    if region[0, 0] != -region[0, 1]:
        return None
    even = np.array_equal(rising, rising[::-1]) and np.allclose(ends, -ends[::-1, ::-1], rtol=1e-9, atol=1e-12 * np.ptp(ends))
    group = symmetries(step, region) if even else None
    return group if group is not None and len(group) > 1 else None


def refuse_endless(step: Map, period: int, laps: Laps, most: int) -> None:
    """Refuse what would not end: the number of words grows geometrically."""
    for length in (24, 12, 6, 4, 2):
        counts = []
        for n in (length // 2, length):
            words = LapWords(step, n, laps, 1.0, look=False)
            if not words.run(300_000):
                break
            counts.append(words.count)
        if len(counts) == 2:
            break
    else:
        counts = [1, len(laps.ends) ** 2]
    if counts[0] < 1:
        return
    growth = (counts[1] / counts[0]) ** (2 / length)
    # A word costs some dozen evaluations for each of its letters.
    cost = 12 * period
    decades = math.log10(max(counts[1], 1)) + (period - length) * math.log10(max(growth, 1.0))
    if decades + math.log10(cost) > math.log10(most * HOPELESS):
        longest = length + math.log10(max(most / max(12 * length * counts[1], 1), 1.0)) / math.log10(growth)
        raise UsageError(f"fⁿ has about 10^{decades:.0f} laps to look at for n = {period} (they grow by {growth:.3g} a step) and "
                         f"the budget is {most} evaluations: ask for a period up to about {max(int(longest), 1)}")  # fmt: skip
