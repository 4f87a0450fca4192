"""Tangencies of two manifolds over one parameter: the lobes between their crossings, continued until they vanish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.manifolds.arm import Arm, Limits
from cfdyn.manifolds.contact import Contact, Pair, followed, mildest, slope, touching
from cfdyn.manifolds.crossings import crossings_of
from cfdyn.manifolds.series import STABLE, UNSTABLE, series_at
from cfdyn.systems.map import Map

SAME = 1e-9  # of the bounds: tangencies so near are images of one another
BEYOND = 0.5  # of the bounds: a lobe that would be gone further off is not followed
TRIED = 400  # lobes at each value of the parameter
BENT = 1e-4  # 1/widths: a contact that bends less is not known to be quadratic


def tangencies_over(
    step: Map, cycles: tuple[np.ndarray, np.ndarray], name: str, bounds: tuple[float, float], samples: int, limits: Limits,
    say: Callable[[int, int], None],
) -> tuple[list[tuple[Pair, Contact, float]], list[str]]:  # fmt: skip
    """Each tangency once, with its pair of arms and ∂gap/∂λ, by the parameter; in words what could not be looked at.

    A lobe of a sample is followed if its gap and the slope of that say that it is gone within the bounds or
    half their width beside.
    """
    tangencies: list[tuple[Pair, Contact, float]] = []
    troubles: list[str] = []
    values = np.linspace(*bounds, samples).tolist()
    near = cycles
    for k, value in enumerate(values):
        say(k, samples)
        try:
            near = tuple(
                series_at(step.at(**{name: value}), cycle, kind).points
                for cycle, kind in zip(near, (UNSTABLE, STABLE), strict=True)
            )  # type: ignore[assignment]
            for pair, contact, rate in _lobes(step, near, name, value, limits, bounds):
                one = _touched(pair, contact, name, rate, bounds)
                if one is not None and not any(_same(one, other, name, bounds) for _, other, _ in tangencies):
                    pair, one = mildest(pair, one, limits.box)
                    tangencies.append((pair, one, slope(pair, one, name, bounds[1] - bounds[0])))
        except NumericsError as problem:
            troubles.append(f"{name} = {value:.6g}: {problem}")
    say(samples, samples)
    return sorted(tangencies, key=lambda item: item[1].values[name]), troubles


def _lobes(
    step: Map, cycles: tuple[np.ndarray, np.ndarray], name: str, value: float, limits: Limits, bounds: tuple[float, float]
) -> Iterator[tuple[Pair, Contact, float]]:
    """Contacts between neighbouring crossings, with the slopes of their gaps, one of the images of each."""
    width, box = bounds[1] - bounds[0], limits.box
    series = [series_at(step.at(**{name: value}), cycle, kind) for cycle, kind in zip(cycles, (UNSTABLE, STABLE), strict=True)]
    grown = [
        [(place, side, Arm(one, place, side, limits.unit)) for place in range(len(one.points)) for side in (1, -1)]
        for one in series
    ]
    tables = [[arm.grown(limits)[0] for _, _, arm in arms] for arms in grown]
    images: list[tuple[float, float]] = []
    known: dict = {}
    for i, (place, side, arm) in enumerate(grown[0]):
        for j, (other_place, other_side, other) in enumerate(grown[1]):
            pair = Pair(step, cycles, (place, other_place), (side, other_side), limits.unit, known)
            crossings = crossings_of(arm, tables[0][i], other, tables[1][j], box)
            for first, second in list(pairwise(crossings))[:TRIED]:
                contact = pair.begun({name: value}, first, second)
                if contact is None:
                    continue
                rate = slope(pair, contact, name, width)
                gone = value - contact.gap / rate if rate else np.nan
                seen = any(abs(gone - a) <= 1e-3 * abs(gone - value) + SAME * width and abs(rate) > 0 for a, _ in images)
                if bounds[0] - BEYOND * width <= gone <= bounds[1] + BEYOND * width and not seen:
                    images.append((gone, rate))
                    yield pair, contact, rate


def _touched(pair: Pair, contact: Contact, name: str, rate: float, bounds: tuple[float, float]) -> Contact | None:
    """The tangency that a contact comes to within the bounds."""
    if contact.gap == 0:
        return contact
    target = bounds[1] if (contact.gap * rate < 0) else bounds[0]
    if contact.values[name] == target:
        return None
    path = followed(pair, contact, name, target, stop=lambda before, after: before.gap * after.gap <= 0)
    if len(path) < 2 or path[-1].gap * path[-2].gap > 0:
        return None
    return touching(pair, path[-2], path[-1], name)


def _same(one: Contact, other: Contact, name: str, bounds: tuple[float, float]) -> bool:
    return abs(one.values[name] - other.values[name]) <= SAME * (bounds[1] - bounds[0])
