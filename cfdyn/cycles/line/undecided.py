"""What a list of cycles of a map of one variable leaves undecided: intervals of the box, and sentences."""

import numpy as np

from cfdyn.cycles.line.laps import Laps
from cfdyn.cycles.line.multiple_zeros import may_be_one
from cfdyn.cycles.line.one_sided import BESIDE
from cfdyn.cycles.line.single_points import orbit_from, returns
from cfdyn.cycles.result import Interval
from cfdyn.systems.map import Map
from cfdyn.words import listed

BY, FLAT = 1e-3, 1e-6  # of its size, or 1: how far a neighbour is; |μ − 1| of what is not told apart from it
SAMPLES, REACH, MOST = 1001, 1e3, 0.98  # of a box, or its part up to 10³: where so many are fixed, all are
SHOWN = 4  # places in a sentence


def without_level(
    step: Map, n: int, opened: list[Interval], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Interval]]:
    """Cycles (m, n) and multipliers (m,), less what is not told apart on stretches where fⁿ(x) = x to round-off; these.

    That is what has the multiplier 1 and a neighbour that is fixed as well, at a distance of 10⁻³ of its size.
    """
    level = [(lo, hi) for lo, hi in opened if not may_be_one(lo, hi)]
    flat = np.flatnonzero((np.abs(mu - 1) <= FLAT) & bool(level))
    vague = np.zeros(len(points), dtype=bool)
    for k in flat:
        x = float(points[k, 0])
        gap, room, _ = returns(step, n, x + BY * max(1.0, abs(x)) * np.array([-1.0, 1.0]))
        vague[k] = (np.abs(gap) <= room).any()
    for x in points[vague].ravel().tolist():
        away = [max(lo - x, x - hi) / (hi - lo) for lo, hi in level]
        nearest = int(np.argmin(away))
        if away[nearest] <= BY**0.5:
            level[nearest] = min(level[nearest][0], x), max(level[nearest][1], x)
    return points[~vague], mu[~vague], level


def everywhere(step: Map, n: int, box: Interval) -> bool:
    """True if fⁿ(x) = x to round-off at nearly all points of the box, of a wide one in its inner part."""
    lo, hi = box
    inner = (max(lo, -REACH), min(hi, REACH)) if lo < REACH and hi > -REACH else (max(lo, -10 * abs(hi)), min(hi, 10 * abs(lo)))
    gap, room, _ = returns(step, n, np.linspace(*inner, SAMPLES))
    return bool((np.abs(gap) <= room).mean() >= MOST)


def seen(step: Map, n: int, doubtful: list[float], box: Interval) -> list[Interval]:
    """Where cycles through doubtful points are in the box: these, or their orbits' first point there; the box if unknown."""
    lo, hi = box
    intervals: list[Interval] = []
    for x in doubtful:
        beside = BESIDE * abs(x) + np.finfo(float).tiny
        orbits = np.array([orbit_from(step, n, start) for start in (x, x - beside, x + beside)])
        inside = (orbits >= lo) & (orbits <= hi)
        if inside.any():
            first = float(orbits[0, 0] if inside[0, 0] else orbits[inside][0])
            intervals.append((first, first))
        elif not np.isfinite(orbits).all():
            intervals.append(box)
    return intervals


def clipped(parts: list[Interval], box: Interval) -> list[Interval]:
    """The parts of these intervals in the box, [(lo, hi), …]; those outside are left out."""
    lo, hi = box
    return [(min(max(a, lo), hi), max(min(b, hi), lo)) for a, b in parts if b >= lo and a <= hi]


def undecided(laps: Laps, box: Interval, opened: list[Interval], lost: np.ndarray, doubtful: list[Interval]) -> np.ndarray:
    """Where in the box further cycles may have a point, (k, 1, 2): near open intervals, lost cycles and doubtful points."""
    uncertain, nearest = clipped(laps.open, box), np.clip(lost, *box)
    if len(uncertain) < len(laps.open):
        uncertain = [box]
    rows = np.arange(len(lost)), np.abs(lost - nearest).argmin(axis=1) if len(lost) else []
    parts = [*clipped(opened, box), *uncertain, *((x, x) for x in nearest[rows].tolist()), *doubtful]
    return np.array(parts, dtype=float).reshape(-1, 1, 2)


def reasons(laps: Laps, box: Interval, opened: list[Interval], level: list[Interval], doubtful: list[Interval]) -> list[str]:
    """Why a list is not complete, or what else is worth knowing."""
    said, breaks = [], [x for x in laps.breaks if box[0] <= x <= box[1]]
    if clipped(laps.gaps, box):
        said.append("the map has no value on a part of the box, which was left out")
    if breaks:
        said.append(f"the map jumps, has a pole or no bounded slope at {_numbers(breaks)}, where the box was divided")
    if laps.open:
        inside = clipped(laps.open, box)
        places = "from " + ", ".join(f"{a:.6g} to {b:.6g}" for a, b in inside[:3]) if inside else "outside of the box"
        said.append(f"the cycles on these laps are not certain: {places}: cycles there were found by sampling only")
    if number := len(opened) - len(level):
        places = "a place" if number == 1 else f"{number} places"
        said.append(f"(fⁿ)′ = 1 to round-off at {places}: a cycle is born there, or nearly so")
    if level:
        places = " and ".join(f"from {a:.6g} to {b:.6g}" for a, b in clipped(level, box)[:SHOWN])
        said.append(f"fⁿ(x) = x to round-off {places}: cycles there are not distinguished")
    exact = [a for a, b in doubtful if a == b]
    if exact:
        said.append(f"to round-off a cycle passes through {_numbers(exact)}, where the map jumps, ends or has no bounded slope")
    return said


def _numbers(values: list[float]) -> str:
    return listed([f"{x:.6g}" for x in values], SHOWN)
