"""Folds and Neimark–Sacker points of cycles of k times the period that begin at a point of codimension two.

Each is found among cycles of a small size, and again at half that size: it is accepted if it is then closer to the point.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.curve.beside import Beside, Neighbourhood
from cfdyn.cycles.shooting import multipliers
from cfdyn.numerics.illinois import zero

SIZES = (0.03, 0.1, 0.01, 0.003)  # of the length in which the map's Jacobian changes: the sizes of doubled cycles tried
PLACES = 1e-6 * 1.6 ** np.arange(26)  # positions along the flips, in units of the bounds, at which doubled cycles are examined
NEARER = 0.75  # at half the size the distance to the point is at most this part
RISE, FIRST, LARGEST = 1.4, 0.01, 0.5  # sizes of cycles around a resonance, in the same lengths: from small to large
CIRCLING = (0.2, 0.1, 0.05)  # the same where they turn: by an angle that is as the square of their size
TURNS = 12  # number of angles at which the cycles of each size are examined
SEEN = 1e-6  # what is to vanish at folds is at least so large in between
ON_CIRCLE = 1e-7  # of a modulus to 1, of an imaginary part: what a product that is 1 to round-off is good for
APART = 1e-4  # of the bounds: about how far apart folds are that are followed with ease


class Born(NamedTuple):
    """A fold or Neimark–Sacker point, or for ``kind`` "" just a cycle: (kn, D) points and the two parameters.

    ``tip``: further ones of the same curve, successively closer to its beginning.
    """

    kind: str
    points: np.ndarray
    parameters: np.ndarray
    tip: tuple[Beside, ...] = ()


Test = Callable[[Neighbourhood, Beside], float]
Hit = tuple[float, Beside]


def _fold(_: Neighbourhood, cycle: Beside) -> float:
    return cycle.fold


def _pair(around: Neighbourhood, cycle: Beside) -> float:
    """∏ (μ_i μ_j − 1): 0 where two multipliers have the product 1."""
    mu = _multipliers(around, cycle)
    i, j = np.triu_indices(len(mu), 1)
    return float(np.real(np.prod(mu[i] * mu[j] - 1))) if len(i) else 1.0


def _turns(around: Neighbourhood, cycle: Beside) -> bool:
    """True if a complex pair of multipliers is on the unit circle, not two real ones with the product 1."""
    mu = _multipliers(around, cycle)
    return bool(((np.abs(np.abs(mu) - 1) < ON_CIRCLE) & (np.abs(np.imag(mu)) > ON_CIRCLE)).any())


def _multipliers(around: Neighbourhood, cycle: Beside) -> np.ndarray:
    step = around.step.at(**{name: float(v) for name, v in zip(around.names, cycle.parameters, strict=True)})
    return multipliers(step, cycle.points)


TESTS: dict[str, Test] = {"fold": _fold, "neimark-sacker": _pair}


def doubled(around: Neighbourhood, kind: str) -> list[Born]:
    """The folds or Neimark–Sacker points of the doubled cycle that begin at a point with a multiplier −1, one for each curve."""
    for share in SIZES:
        here, nearer = (_along(around, kind, size * around.size) for size in (share, share / 2))
        kept = [hit for hit in here if any(0 < other / place <= NEARER for place, other in ((hit[0], n[0]) for n in nearer))]
        if kept:
            return [Born(kind, cycle.points, cycle.parameters) for _, cycle in kept]
    return []


def _along(around: Neighbourhood, kind: str, size: float) -> list[Hit]:
    """The zeros of the test along the flips, for doubled cycles of this size, each with its position."""
    test, hits = TESTS[kind], list[Hit]()
    middle = around.at(np.array([size, 0.0]))
    for way in (1.0, -1.0) if middle is not None else ():
        last, before = middle, 0.0
        for place in way * PLACES:
            cycle = around.at(np.array([size, place]), last)
            if cycle is None or last is None:
                break
            if test(around, last) * test(around, cycle) < 0:
                hits += _root(around, kind, lambda s: np.array([size, s]), before, float(place), last)
            last, before = cycle, float(place)
    return hits


def _root(
    around: Neighbourhood, kind: str, targets: Callable[[float], np.ndarray], low: float, high: float, near: Beside
) -> list[Hit]:
    """The zero of the test between two positions, if any; at Neimark–Sacker points a pair of multipliers must be complex."""
    seen: dict[float, Beside] = {}

    def value(place: float) -> float:
        cycle = around.at(targets(place), near)
        if cycle is None:
            raise ArithmeticError("no cycle")
        seen[place] = cycle
        return TESTS[kind](around, cycle)

    try:
        place = float(zero(value, low, high))
        value(place)
    except ArithmeticError:
        return []
    cycle = seen[place]
    return [(place, cycle)] if kind == "fold" or _turns(around, cycle) else []


def rotating(around: Neighbourhood) -> list[Born]:
    """The folds of the cycles of k ≥ 4 times the period that begin at a resonance: two, or none.

    At the least size with two folds that are far enough from each other to start a continuation.
    """
    size, best = FIRST * around.size, list[Beside]()
    while size <= LARGEST * around.size:
        ring = _ring(around, size)
        if not ring:
            break
        folds = _folds(around, ring, size)
        # At half the size there are also two, closer to the point.
        if len(folds) == 2 and _nearer(around, folds, size / 2):
            best = folds
            apart = np.ptp([cycle.fold for cycle in ring]) * np.linalg.norm(ring[0].rates) * size
            if apart >= APART:
                break
        size *= RISE
    return [Born("fold", cycle.points, cycle.parameters, tuple(_tip(around, cycle))) for cycle in best]


def _tip(around: Neighbourhood, cycle: Beside) -> Iterator[Beside]:
    """The folds of successively smaller cycles from a fold on, down to round-off."""
    size, psi = (float(part(complex(*(around.held @ cycle.unknowns)))) for part in (np.abs, np.angle))
    room, last = np.pi / around.k / 4, cycle
    while True:
        size /= RISE
        sides = [around.at(_held(size, psi + way * room), last) for way in (-1, 1)]
        if any(side is None or abs(side.fold) < SEEN for side in sides):
            return
        hits = _root(around, "fold", partial(_held, size), psi - room, psi + room, last)
        if not hits or _away(around, hits[0][1]) > NEARER * _away(around, last):
            return
        psi, last = hits[0]
        yield last


def circling(around: Neighbourhood) -> list[Born]:
    """The Neimark–Sacker points of the cycles of k times the period that begin at a resonance."""
    for share in CIRCLING:
        rings = [(size, _ring(around, size)) for size in (share * around.size, share / 2 * around.size)]
        outer, inner = (_on(around, ring, size, "neimark-sacker") if ring else [] for size, ring in rings)
        away = [max((_away(around, cycle) for cycle in cycles), default=np.inf) for cycles in (inner, outer)]
        if outer and len(outer) == len(inner) and away[0] <= NEARER * away[1]:
            return [Born("neimark-sacker", cycle.points, cycle.parameters) for cycle in outer]
    return []


def _folds(around: Neighbourhood, ring: list[Beside], size: float) -> list[Beside]:
    """The folds on a ring of cycles of one size."""
    return _on(around, ring, size, "fold") if np.ptp([cycle.fold for cycle in ring]) >= SEEN else []


def _on(around: Neighbourhood, ring: list[Beside], size: float, kind: str) -> list[Beside]:
    """The points of a kind on a ring of cycles of one size."""
    values, step = np.array([TESTS[kind](around, cycle) for cycle in ring]), 2 * np.pi / around.k / TURNS
    cycles: list[Beside] = []
    for k in np.flatnonzero(values[:-1] * values[1:] < 0):
        cycles += [cycle for _, cycle in _root(around, kind, partial(_held, size), step * k, step * (k + 1), ring[k])]
    return cycles


def _nearer(around: Neighbourhood, outer: list[Beside], size: float) -> bool:
    """True if the folds of a smaller size, or its cycles if the folds are round-off, are all closer to the point."""
    ring = _ring(around, size)
    inner = (_folds(around, ring, size) or ring) if ring else []
    away = [max((_away(around, cycle) for cycle in cycles), default=np.inf) for cycles in (inner, outer)]
    return away[0] <= NEARER * away[1]


def _away(around: Neighbourhood, cycle: Beside) -> float:
    return float(np.linalg.norm((cycle.parameters - around.base) / around.widths))


def _held(size: float, psi: float) -> np.ndarray:
    return size * np.array([np.cos(psi), np.sin(psi)])


def _ring(around: Neighbourhood, size: float) -> list[Beside]:
    """Cycles of one size at evenly spaced angles, until the first recurs; none if one is missing."""
    ring: list[Beside] = []
    for psi in np.linspace(0, 2 * np.pi / around.k, TURNS + 1):
        cycle = around.at(_held(size, float(psi)), ring[-1] if ring else None)
        if cycle is None:
            return []
        ring.append(cycle)
    return ring


def cycle_beside(around: Neighbourhood) -> Born | None:
    """A small cycle of k times the period near a resonance, if there is one."""
    cycle = around.at(_held(FIRST * around.size, 0.0))
    return None if cycle is None else Born("", cycle.points, cycle.parameters)
