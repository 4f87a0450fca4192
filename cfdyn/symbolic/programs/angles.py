"""Which entries of a map's state are angles: the user's declaration is checked at random points."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from cfdyn.arguments import converted
from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.derived import CircleMap, without_floors
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape

DIGITS, POINTS, MOST_ROWS = 25, 3, 50  # of arithmetic; points at which a map is compared; data rows that count there
SAME = 1e-9  # relative: periods are doubles, and 2π is known to 16 digits


def circle_map(base: Any, periods: Mapping[str, float]) -> CircleMap:
    """The base with some entries as angles: f(z + P e) = f(z) modulo the periods for each of them, or a UsageError."""
    known: dict[str, float] = {}
    for name, period in dict(periods).items():
        if name not in base.names:
            raise unknown("entry of the state", str(name), base.names)
        if not 0 < period < math.inf:
            raise UsageError(f"the period of {name} is a positive number, not {period!r}")
        known[name] = period
    samples = _Samples(base, known)
    given = [float(v) for v in base.params.values()]
    for name, period in known.items():
        if not samples.repeats(given, name):
            raise UsageError(f"{name} is not an angle of period {period:.10g}: the map is not the same at {name} + {period:.10g}")
    drawn = samples.draw.random
    others = [[0.2 + 1.3 * drawn() for _ in given] for _ in range(2)] if given else []
    steady = all(samples.repeats(p, name) for p in others for name in known)
    return CircleMap(base, known, all(map(samples.only_wraps, [given, *(others if steady else [])])), steady)


def around(spec: Any, periodic: Mapping[str, float] | None) -> Any:
    """The specification of a map with the entries in ``periodic`` as angles, if there are any."""
    periods = converted("`periodic`", periodic, Mapping[str, float] | None)
    return circle_map(spec, periods) if periods else spec


class _Samples:
    """The values of a map at random points, with and without its floors."""

    def __init__(self, base: Any, periods: Mapping[str, float]):
        self.names, self.periods, self.draw = base.names, periods, random.Random(1)
        tape, n, params = Tape(), len(base.names), list(base.params)
        parameters = tape.named("p", params)
        step = step_nodes(tape, base, tape.leaves("z", n), parameters)
        plain = without_floors(tape, step)
        data = [] if base.data is None else [list(map(float, row)) for row in base.data[:MOST_ROWS]]
        columns = len(data[0]) if data else 0
        self.has_floors = plain != step
        self.program = Program(tape, (*step, *plain), n, len(params), columns)
        self.algebra = mp_algebra(DIGITS)
        self.number = self.algebra.functions["number"]
        self.data = [list(map(self.number, row)) for row in data]
        self.points = [[self.draw.uniform(-1, 1) * periods.get(name, 1.5) for name in self.names] for _ in range(POINTS)]

    def at(self, z: Sequence[float], p: Sequence[float]) -> list:
        """The next state with the floors, then without."""
        return evaluate(self.program, self.algebra, list(map(self.number, z)), list(map(self.number, p)), self.data)

    def repeats(self, p: Sequence[float], name: str) -> bool:
        """True if the map has this period in this entry, wherever it is defined."""
        k, n = self.names.index(name), len(self.names)
        for z in self.points:
            there = [v + self.periods[name] * (i == k) for i, v in enumerate(z)]
            if not self._same(self.at(z, p)[:n], self.at(there, p)[:n]):
                return False
        return True

    def only_wraps(self, p: Sequence[float]) -> bool:
        """True if the floors only subtract whole periods."""
        n = len(self.names)
        return self.has_floors and all(self._same(values[:n], values[n:]) for values in (self.at(z, p) for z in self.points))

    def _same(self, a: Sequence, b: Sequence) -> bool:
        for name, x, y in zip(self.names, a, b, strict=True):
            gap = x - y
            if gap != gap:
                continue
            if name in self.periods:
                turns = gap / self.periods[name]
                gap = (turns - round(turns)) * self.periods[name]
            if not abs(gap) <= SAME * (1 + abs(x) + abs(y)):
                return False
        return True
