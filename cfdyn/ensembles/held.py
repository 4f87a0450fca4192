"""Orbits that only round-off keeps at a point, followed with perturbations, many at once; see `disturbed`."""

from typing import NamedTuple

import numpy as np

from cfdyn.ensembles.orbits import Orbits
from cfdyn.ensembles.slow import slow_cycles
from cfdyn.kernels.orbits import CHAOTIC, UNSETTLED
from cfdyn.settling.disturbed import (
    FALLS,
    PARTS,
    ULPS,
    UNDERFLOWS,
    Disturbed,
    Held,
    calmed,
    contracts,
    disturbed,
    is_real,
    radius_at_rest,
)
from cfdyn.settling.regime import CALM, affordable, default_budget
from cfdyn.systems.map import Map

# Steps in which an average is waited for, until an orbit parts from a minimum and once more after it.
LONGEST, TWICE = 200_000, 2
SMALL, SAME = 1e-6, 1e-4  # entries behind the weights, and by which part slopes may differ that do not depend on their size
AT_ONCE = 2**14  # orbits: what is kept of each while they are followed stays small


def divides_by_state(orbits: Orbits) -> bool:
    """Whether a step divides by a part of the state, as by √v, so that the change of the weights depends on its size; a
    velocity is added.

    Only then a minimum may attract for a long time and then repel.
    """
    if not len(orbits.states) or not orbits.step.has_state:
        return False
    step, z, d = _map_of(orbits, 0), orbits.states[0].copy(), orbits.step.n_weights
    slopes = []
    for size in (SMALL, 4 * SMALL):
        z[d:] = size
        slopes.append(step.jacobian(z)[:d, :d] - np.eye(d))
    return not np.abs(slopes[1] - slopes[0]).max() <= SAME * np.abs(slopes[0]).max()


class Paused(NamedTuple):
    """Orbits whose weights stand still: the ``places`` (M,) of those that only round-off holds, and their ``states`` (M, D);
    the places of those ``at_rest``, with the ``radii`` of their multipliers.
    """

    places: np.ndarray
    states: np.ndarray
    at_rest: np.ndarray
    radii: np.ndarray


def pauses_in(orbits: Orbits, steps: int, strides: np.ndarray) -> Paused:
    """Take so many steps of orbits of an optimizer with a state. ``strides`` (N,) as of `Orbits.pauses`."""
    d, (at, paused) = orbits.step.n_weights, orbits.pauses(steps, strides)
    places, radii = np.flatnonzero(at), np.ones(len(at))
    for k in places.tolist():
        step = _map_of(orbits, k)
        radii[k] = radius_at_rest(step, paused[k]) if contracts(step, paused[k]) else 1.0
    weights, then = paused[:, :d], orbits.states[:, :d]
    size = np.abs(weights).max(axis=1, keepdims=True)
    stands = (np.abs(then - weights) <= np.maximum(ULPS * np.spacing(size), UNDERFLOWS)).all(axis=1)
    lost, rest = np.flatnonzero(radii > 1), np.flatnonzero((radii < 1) & stands & (orbits.ended == 0))
    return Paused(lost, paused[lost], rest, radii[rest])


def steps_forgotten(orbits: Orbits) -> int:
    """The number of steps after which the slowest average has forgotten its past, for all orbits; LONGEST at most."""
    d, ones = orbits.step.n_weights, np.ones(len(orbits.states), int)
    behind = orbits.turned(ones)[1][:, d:, d:]
    slowest = np.abs(np.linalg.eigvals(behind[np.isfinite(behind).all(axis=(1, 2))])).max(axis=1)
    slowest = slowest[slowest < 1].max(initial=0.0)
    return int(min(TWICE * FALLS / -np.log(slowest), LONGEST)) if slowest > 0 else 0


def labels_of_held(
    orbits: Orbits, states: np.ndarray, strides: np.ndarray, longest: int, tolerance: float, most: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Labels and exponents (N,) of orbits that are followed with perturbations of two sizes from ``states`` (N, D) on.

    Chaos, or the cycle on which they settle without further perturbations; UNSETTLED if the two sizes disagree.
    """
    labels, exponents = np.full(len(states), UNSETTLED), np.full(len(states), np.nan)
    for first in range(0, len(states), AT_ONCE):
        some = np.arange(first, min(first + AT_ONCE, len(states)))
        budget = affordable(orbits.step, default_budget(orbits.step))
        begun = [Held.at(_map_of(orbits, k), states[k], float(strides[k]), budget) for k in some.tolist()]
        both, ends = [], np.empty(0)
        for part in PARTS:
            ways = disturbed(begun, part, budget, in_parts=orbits.in_parts)
            label, ends = _ends(orbits.some(some), begun, ways, longest, tolerance, most)
            both.append(label)
        labels[some] = np.where(both[0] == both[1], both[0], UNSETTLED)
        exponents[some] = ends
    return labels, exponents


def _ends(
    orbits: Orbits, begun: list[Held], ways: list[Disturbed | None], longest: int, tolerance: float, most: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Labels and exponents of one size, which ``ways`` tell of."""
    labels, exponents, calm = np.full(len(ways), UNSETTLED), np.full(len(ways), np.nan), np.zeros(len(ways), int)
    for k, way in enumerate(ways):
        if way is not None:
            exponents[k], orbits.states[k] = way.exponent, way.z
            labels[k] = CHAOTIC if way.chaotic else UNSETTLED
            calm[k] = 0 if way.chaotic else CALM * begun[k].fall
    for steps in np.unique(calm[calm > 0]).tolist():
        places = np.flatnonzero(calm == steps)
        part = orbits.some(places)
        part.advance(steps)
        for k in np.flatnonzero(part.ended == 0).tolist():
            part.states[k] = calmed(begun[places[k]].step, part.states[k])
        periods, radii = _cycles(part, longest, tolerance, most)
        for k in np.flatnonzero(periods).tolist():
            points, way = _points(part, k, int(periods[k])), ways[places[k]]
            if way is not None and is_real(begun[places[k]].step, points, way.size):
                with np.errstate(divide="ignore"):
                    labels[places[k]], exponents[places[k]] = periods[k], np.log(radii[k]) / periods[k]
    return labels, exponents


def _cycles(orbits: Orbits, longest: int, tolerance: float, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Periods and radii of the cycles that orbits are on or converge to; 0 where there is none."""
    periods = orbits.periods(longest, tolerance)
    radii = orbits.radii(periods)
    periods[radii >= most] = 0
    others = np.flatnonzero((periods == 0) & (orbits.ended == 0))
    periods[others], radii[others] = slow_cycles(orbits.some(others), longest, most)
    return np.maximum(periods, 0), radii


def _points(orbits: Orbits, k: int, period: int) -> np.ndarray:
    """Where an orbit is in as many steps, (period, D); its state itself if that is one."""
    if period == 1:
        return orbits.states[k][None]
    one = np.array([k])
    return np.stack([orbits.some(one).keep(period, i)[0] for i in range(orbits.step.dim)], axis=1)


def _map_of(orbits: Orbits, k: int) -> Map:
    step = orbits.step
    return step.at(**dict(zip(step.params, orbits.parameters[k].tolist(), strict=True)))
