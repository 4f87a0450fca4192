"""Which attractors do orbits from many starts end on? Each once, in words."""

from collections.abc import Iterable

import numpy as np

from cfdyn.cycles.same import same_cycle
from cfdyn.errors import CfdynError
from cfdyn.settling.regime import Settled, regime
from cfdyn.systems.map import Map
from cfdyn.words import called

LONGEST, BUDGET = 64, 20_000  # of a cycle, and the steps of an orbit
SAME = 1e-6  # of the size of a cycle
STABLE = 1 + 1e-9  # of a modulus
NUMBERS = ("", "", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine ")
IRREGULAR = {"quasi-periodic": "quasi-periodic orbits", "chaotic": "chaos"}
AWAY, UNDECIDED = "infinity", "undecided"


def attractors(step: Map, starts: Iterable[np.ndarray], longest: int = LONGEST, budget: int = BUDGET) -> list[str]:
    """What the orbits from starts (D,) end on, in words, cycles of the lowest period first: evidence, and never all for certain.

    "infinity" if any runs off, "undecided" if any is. Several cycles of one period are counted; quasi-periodic or chaotic ones
    are not told apart. Orbits that stay on an unstable cycle count for nothing.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    >>> attractors(step, [step.state([w]) for w in (0.3, -0.4, 1.2, 3.0)])
    ['two 2-cycles', 'infinity']
    """
    cycles, others = list[np.ndarray](), set[str]()
    for start in starts:
        try:
            end = regime(step, start, longest, budget)
        except (CfdynError, ArithmeticError):
            end = None
        if end is None or end.kind == "undecided":
            others.add(UNDECIDED)
        elif end.kind == "divergent":
            others.add(AWAY)
        elif end.period is None:
            others.add(IRREGULAR[end.kind])
        elif abs(end.multipliers[0]) <= STABLE and not _known(cycles, end):
            cycles.append(end.points)
    periods = sorted(len(points) for points in cycles)
    counted = [_counted(n, periods.count(n)) for n in sorted(set(periods))]
    return counted + [name for name in (*IRREGULAR.values(), AWAY, UNDECIDED) if name in others]


def _known(cycles: list[np.ndarray], end: Settled) -> bool:
    room = SAME * max(float(np.abs(end.points).max()), 1e-300)
    return any(len(other) == len(end.points) and same_cycle(other, end.points, room) for other in cycles)


def _counted(period: int, count: int) -> str:
    """
    >>> _counted(1, 1), _counted(3, 2), _counted(2, 12)
    ('fixed point', 'two 3-cycles', '12 2-cycles')
    """
    if count == 1:
        return called(period)
    return (NUMBERS[count] if count < len(NUMBERS) else f"{count} ") + called(period, several=True)
