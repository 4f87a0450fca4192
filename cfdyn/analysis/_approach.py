"""Does an orbit contract onto a given cycle? Judged by its distance, stage after stage."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np

from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.orbits import ESCAPE
from cfdyn.systems import Map

STAGES = 6
NEUTRAL = 1e-9


class Approach(Enum):
    """How an orbit relates to a cycle; the value is the evidence in words."""

    NO = "the orbit does not approach"
    STUCK = "the orbit sits on an unstable cycle"
    ON = "the orbit has reached it to round-off"
    ON_NEUTRAL = "the orbit is on it to round-off, and it is neutral (a continuum of cycles, or a bifurcation point)"
    CONTRACTS = f"the distance to it shrinks as the multiplier says over {STAGES} stages"
    SLOW = "the distance to it shrinks steadily but slowly: near neutral"


def approach(
    step: Map, z: np.ndarray, points: np.ndarray, leading: complex, spare: int, extent: np.ndarray
) -> tuple[Approach, int, np.ndarray]:
    """(verdict, steps used, state reached) for the orbit of ``z`` and a cycle with this leading multiplier.

    ``extent`` (D,): the size of each coordinate on the way; distances are measured against it.
    """
    n, radius = len(points), abs(leading)
    if not math.isfinite(radius):
        return Approach.NO, 0, z
    size = np.maximum(np.abs(points).max(axis=0), extent)
    size[size == 0] = 1.0
    floor = 1e-12 if radius >= 1 else min(1e-8, max(1e-12, 2e-15 / (1 - radius)))
    distance = _distance(step, z, points, size)
    if radius > 1 + NEUTRAL:
        return (Approach.STUCK if distance <= 1e-11 else Approach.NO), 0, z
    if distance <= floor:
        return (Approach.ON if radius < 1 - NEUTRAL else Approach.ON_NEUTRAL), 0, z
    cycles = 1 if radius < 0.5 else math.ceil(math.log(2) / max(-math.log(min(radius, 1.0)), 1e-15))
    longest = max(1, spare // STAGES // n)
    capped = cycles > longest
    if capped and abs(leading.imag) > NEUTRAL:
        # Around an elliptic cycle the distance swings with the phase: no shrinking can be told from it.
        return Approach.NO, 0, z
    return _stages(step, z, points, size, distance, floor, n * min(cycles, longest), capped)


def _stages(
    step: Map, z: np.ndarray, points: np.ndarray, size: np.ndarray, distance: float, floor: float, steps: int, slow: bool
) -> tuple[Approach, int, np.ndarray]:
    z, used, start = z.copy(), 0, distance
    for _ in range(STAGES):
        if advance(step.rule("step").compiled, z, step.p, steps, ESCAPE)[1] != DONE:
            return Approach.NO, 0, z
        used += steps
        shrunk = _distance(step, z, points, size)
        if shrunk <= floor:
            break
        if not shrunk < (1.0 if slow else 0.75) * distance:
            return Approach.NO, 0, z
        distance = shrunk
    if slow and shrunk > floor and not shrunk < 0.6 * start:
        return Approach.NO, 0, z
    return (Approach.SLOW if slow else Approach.CONTRACTS), used, z


def _distance(step: Map, z: np.ndarray, points: np.ndarray, size: np.ndarray) -> float:
    """max over one period of |orbit − cycle| in the same phase, each coordinate relative to its size."""
    orbit = np.empty((len(points), step.dim))
    orbit[0] = z
    iterate(step.rule("step").compiled, step.p, ESCAPE, orbit)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.abs(orbit - points) / size
    return float(gaps.max()) if np.isfinite(gaps).all() else math.inf
