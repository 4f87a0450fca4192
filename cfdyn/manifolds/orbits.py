"""Homoclinic and heteroclinic points as orbits: which are images of one another, and which are primary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.manifolds.crossings import Crossing, crossings_of
from cfdyn.manifolds.whole import Grown

SAME = 1e-6  # relative difference of s and t of points of one orbit


@dataclass(frozen=True)
class Meeting:
    """A `Crossing` with the numbers of the halves that cross, of its orbit, and whether it is primary."""

    crossing: Crossing
    halves: tuple[int, int]
    orbit: int
    primary: bool


def meetings(out: Grown, into: Grown, box: np.ndarray) -> list[Meeting]:
    """Where the unstable manifold ``out`` crosses the stable one ``into`` in a box; orbits in the order of their first points."""
    crossings: list[tuple[Crossing, tuple[int, int]]] = []
    for i, (arm, table) in enumerate(zip(out.arms, out.tables, strict=True)):
        for j, (other, rows) in enumerate(zip(into.arms, into.tables, strict=True)):
            crossings += [(crossing, (i, j)) for crossing in crossings_of(arm, table, other, rows, box)]
    orbits = _orbits(crossings, out, into)
    return [
        Meeting(crossing, halves, orbits[k], _primary(crossing, halves, crossings))
        for k, (crossing, halves) in enumerate(crossings)
    ]


def _primary(crossing: Crossing, halves: tuple[int, int], all_: Sequence[tuple[Crossing, tuple[int, int]]]) -> bool:
    """Whether the two pieces of curve from the cycles to the point meet nowhere before it."""
    return not any(abs(other.s) < abs(crossing.s) and abs(other.t) < abs(crossing.t)
                   for other, same in all_ if other is not crossing and same == halves)  # fmt: skip


def _orbits(crossings: Sequence[tuple[Crossing, tuple[int, int]]], out: Grown, into: Grown) -> list[int]:
    """The number of each crossing's orbit, the first being 0."""
    numbers: list[int] = []
    known: list[_Place] = []
    for crossing, halves in crossings:
        here = _brought(crossing, halves, out, into)
        at = next((k for k, other in enumerate(known) if _images(other, here, out, into)), len(known))
        if at == len(known):
            known.append(here)
        numbers.append(at)
    return numbers


@dataclass(frozen=True)
class _Place:
    """A crossing by s on the unstable curve at the first point of its cycle, t and the place on the other cycle."""

    s: float
    t: float
    place: int


def _brought(crossing: Crossing, halves: tuple[int, int], out: Grown, into: Grown) -> _Place:
    """The image of a crossing that lies on the curve at the first point: f(W_i(s)) = W_{i+1}(s), behind the last W_1(λs)."""
    i, j = halves[0] // 2, halves[1] // 2
    steps = -i % len(out.series.points)
    return _moved(crossing.s * (out.series.multiplier if steps else 1.0), crossing.t, j, steps, into)


def _moved(s: float, t: float, place: int, steps: int, into: Grown) -> _Place:
    rounds, place = divmod(place + steps, len(into.series.points))
    return _Place(s, t * into.series.multiplier**rounds, place)


def _images(one: _Place, other: _Place, out: Grown, into: Grown) -> bool:
    """Whether the second is an image, forward or backward, of the first."""
    growth, n = out.series.multiplier, len(out.series.points)
    k = round(float(np.log(abs(other.s / one.s)) / np.log(abs(growth))))
    image = _moved(one.s * growth**k, one.t, one.place, k * n, into)
    return image.place == other.place and abs(image.s / other.s - 1) < SAME and abs(image.t / other.t - 1) < SAME
