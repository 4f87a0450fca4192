"""The attractors of orbits from many starts, each once, in words."""

from collections.abc import Iterable

import numpy as np

from cfdyn.cycles.same import same_cycle
from cfdyn.errors import CfdynError
from cfdyn.settling.orbit import later, orbit_of
from cfdyn.settling.regime import regime
from cfdyn.settling.settled import Settled
from cfdyn.systems.map import Map
from cfdyn.words import called

LONGEST, BUDGET = 64, 20_000  # of a cycle, and the steps of an orbit
SAME = 1e-6  # of the size of a cycle
STABLE = 1 + 1e-9  # of a modulus
NUDGE = 1e-9  # of the size of a state
SETTLES, SHORT = 3000, 32  # steps before a first look, and within which an orbit on a cycle is to come back
MOST_IRREGULAR = 1  # orbits on no cycle that are looked at closely
NUMBERS = ("", "", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine ")
IRREGULAR = {"quasi-periodic": "quasi-periodic orbits", "chaotic": "chaos"}
AWAY, UNDECIDED = "infinity", "undecided"


def attractors(step: Map, starts: Iterable[np.ndarray], longest: int = LONGEST, budget: int = BUDGET) -> list[str]:
    """What the orbits from starts (D,) end on, in words, cycles of the lowest period first: evidence, and never all for certain.

    "infinity" if any diverges, "undecided" if any is. Several cycles of one period are counted; quasi-periodic or chaotic ones
    are not told apart. Orbits that stay on an unstable cycle count for nothing.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    >>> attractors(step, [step.state([w]) for w in (0.3, -0.4, 1.2, 3.0)])
    ['two 2-cycles', 'infinity']
    """
    cycles, others, irregular = list[np.ndarray](), set[str](), 0
    for start in starts:
        after = later(step, start, SETTLES)
        # One orbit that diverges is followed beyond all floats, and few are that settle on no cycle: these take long.
        if {AWAY, UNDECIDED} & others if after is None else _on_one(cycles, after):
            continue
        if irregular >= MOST_IRREGULAR and after is not None and not _returns(step, after):
            continue
        if after is not None and not step.has_state:
            # Off an unstable cycle that floats may have landed on. Behind weights round-off matters: there from the start.
            start = after + NUDGE * np.abs(after).max() * np.cos(np.arange(step.dim))
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
            irregular += 1
        elif abs(end.multipliers[0]) <= STABLE and not _known(cycles, end):
            cycles.append(end.points)
    periods = sorted(len(points) for points in cycles)
    counted = [_counted(n, periods.count(n)) for n in sorted(set(periods))]
    return counted + [name for name in (*IRREGULAR.values(), AWAY, UNDECIDED) if name in others]


def _returns(step: Map, z: np.ndarray) -> bool:
    """True if an orbit comes back to where it is within a few steps, as near a cycle."""
    orbit = orbit_of(step, z, SHORT + 1)
    return orbit is not None and bool((np.abs(orbit[1:] - z).max(axis=1) <= SAME * max(float(np.abs(orbit).max()), 1e-300)).any())


def _on_one(cycles: list[np.ndarray], z: np.ndarray) -> bool:
    """True if a state (D,) is a point of one of the cycles."""
    return any((np.abs(points - z) <= SAME * max(float(np.abs(points).max()), 1e-300)).all(axis=1).any() for points in cycles)


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
