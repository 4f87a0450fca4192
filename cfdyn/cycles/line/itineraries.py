"""All itineraries of laps of a map of one variable in turn, and the cycles that follow them."""

import math

import numpy as np

from cfdyn.cycles.line._kernels.closing import close_cycle, newton
from cfdyn.cycles.line._kernels.expanding import single_cycle
from cfdyn.cycles.line._kernels.itineraries import walk
from cfdyn.cycles.line._kernels.memory import CROWDED, FINISHED, PAUSED, Words
from cfdyn.cycles.line._kernels.paths import trace_path
from cfdyn.cycles.line._kernels.words import cycles_of_word
from cfdyn.cycles.line.laps import Laps
from cfdyn.cycles.result import Say, silent
from cfdyn.cycles.symmetry import Symmetries, symmetries
from cfdyn.errors import UsageError
from cfdyn.machine.jit import address, apply
from cfdyn.systems.map import Map

HOPELESS = 1e3  # times the budget
PAUSE = 400_000  # of the budget, between two looks at the keyboard
SHORT = 150_000  # a walk that takes more is worth asking for a symmetry


class LapWords:
    """The walk through all words, in parts short enough to be interrupted."""

    def __init__(self, step: Map, period: int, laps: Laps, extent: float, look: bool = True):
        self.step, self.period, self.laps = step, period, laps
        self.words = w = Words.make(
            n=period, laps=len(laps.ends), lap=laps.table(), extent=extent, rows=max(8, min(1024, 4_000_000 // period)),
            height=max(8, min(200, 4_000_000 // period)), look=look, lowest=-np.inf, highest=np.inf,
            step=step.rule("step").compiled, jacobian=step.rule("jacobian").compiled,
            interval_jacobian=step.rule("interval:jacobian").compiled, close_cycle=close_cycle.compiled,
            trace_path=trace_path.compiled, cycles_of_word=cycles_of_word.compiled, newton=newton.compiled,
            single_cycle=single_cycle.compiled,
        )  # fmt: skip
        w.word[0] = -1
        if len(laps.ends):
            w.images[0] = laps.ends[0, 0], laps.ends[-1, 1]
        self.found: list[np.ndarray] = []
        self.odd: Symmetries | None = None

    @property
    def open(self) -> list[tuple[float, float]]:
        """Undecided intervals (lo, hi) of x: a further cycle would have a point in the box in one of them."""
        return [tuple(row) for row in self.words.opened[: self.words.open].tolist()]

    def run(self, most: int, region: np.ndarray | None = None, say: Say = silent) -> bool:
        """True if the walk came to its end within that much of the budget.

        In the box of a symmetry it continues with one of two words that are mirror images: the first of them, in its order.
        """
        w, whole, part, go_on = self.words, True, SHORT, address(walk.compiled)
        if not len(self.laps.ends):
            self._empty()
            return True
        if region is not None:
            w.lowest, w.highest = region[0]
        while w.status != FINISHED and w.used < most:
            w.status, w.limit = PAUSED, min(most, w.used + part)
            apply(go_on, w.memory, self.step.p, w.memory)
            if region is not None and part == SHORT and w.status != FINISHED:
                self.odd = _odd(self.step, region, self.laps)
                w.odd = self.odd is not None
            part = PAUSE
            whole = whole and w.status != CROWDED
            if w.look and w.status != PAUSED:
                self._empty()
            say(f"itineraries of laps: {w.used} evaluations, {sum(map(len, self.found)) + w.count} cycles met")
        if w.look and w.status != FINISHED:
            self._empty()
        return bool(w.status == FINISHED and whole)

    def _empty(self) -> None:
        self.found.append(self.words.found[: self.words.count].copy())
        self.words.count = 0


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
            walked = LapWords(step, n, laps, 1.0, look=False)
            if not walked.run(300_000):
                break
            counts.append(int(walked.words.count))
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
