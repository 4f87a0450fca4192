"""Does an orbit converge to a given cycle? The test is its distance, stage after stage."""

import math
from collections.abc import Callable
from enum import Enum

import numpy as np

from cfdyn.cycles.shooting import jacobians
from cfdyn.numerics.stability import NEUTRAL, stability
from cfdyn.settling.irregular import bump
from cfdyn.settling.orbit import later, orbit_of
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map

STAGES = 6
# Of the size of an orbit: so near to an unstable cycle it sits on it; so near to another it has reached it, at least and most.
SITS, ROUND_OFF, LARGEST_ROUND_OFF = 1e-11, 1e-12, 1e-8
STEP_ERROR = 5e-15  # of the size: the round-off of one step, which adds up to 1/(1 − radius) times that
TOLD_APART = 0.25  # an orbit tells a cycle from a shorter one if it is nearer to it than this part of their distance
UNDERFLOW = 1e-290  # below it an entry counts as 0: the last number above 0 stays what it is, whatever it is multiplied by
LONGER = 4  # stages, where the orbit turns about the cycle
CLOSER = 0.6  # slow approaches are algebraic: over the stages the distance falls to this part, or it is not believed
TURNS = 64  # turns after which the largest distance from the centre of a rotation has been met
CONSERVED = 1e-13  # a map contracts volume by less than this per step only by round-off


class Approach(Enum):
    """How an orbit relates to a cycle; the value is the evidence in words."""

    NO = "the orbit does not approach"
    STUCK = "the orbit is on an unstable cycle"
    ON = "the orbit has reached it to round-off"
    ON_NEUTRAL = "the orbit is on it to round-off, and it is neutral (a continuum of cycles, or a bifurcation point)"
    CONTRACTS = f"the distance to it shrinks as the multiplier says over {STAGES} stages"
    SLOW = "the distance to it shrinks steadily but slowly: near neutral"


def approach(
    step: AnyMap, z: np.ndarray, points: np.ndarray, mu: np.ndarray, spare: int, extent: np.ndarray
) -> tuple[Approach, int, np.ndarray]:
    """(verdict, steps used, state reached) for the orbit of ``z`` and a cycle with the multipliers ``mu`` (D,), largest first.

    ``extent`` (D,): the size of each coordinate on the way; distances are measured against it. An orbit that is farther
    from a cycle than the cycle is from one of a shorter period is no evidence for it.
    """
    n, radius, stable = len(points), float(abs(mu[0])), stability(mu)
    if not math.isfinite(radius):
        return Approach.NO, 0, z
    size = np.maximum(np.abs(points).max(axis=0), extent)
    size[size < UNDERFLOW] = 1.0
    floor = ROUND_OFF if radius >= 1 else min(LARGEST_ROUND_OFF, max(ROUND_OFF, STEP_ERROR / (1 - radius)))

    def distance(state: np.ndarray) -> float:
        return _distance(step, state, points, size)

    if stable is False:
        return (Approach.STUCK if distance(z) <= SITS else Approach.NO), 0, z
    if distance(z) <= floor:
        if stable or _stays(step, z, distance, n, 10 * floor):
            return (Approach.ON if stable else Approach.ON_NEUTRAL), 0, z
        return Approach.NO, 0, z
    cycles = 1 if radius < 0.5 else math.ceil(math.log(2) / max(-math.log(min(radius, 1.0)), 1e-15))
    longest = max(1, spare // STAGES // n)
    slow, apart = cycles > longest, TOLD_APART * _separation(points, size)
    # What turns about it on its way swings in distance, by less than it contracts in stages that are longer.
    turning = np.any((np.abs(mu) > 2 * radius - 1) & (np.abs(mu.imag) > NEUTRAL))
    cycles = LONGER * cycles if turning and LONGER * cycles <= longest else cycles
    if slow and (code := step.compiled) is not None and np.any((np.abs(mu) > 1 - 1 / longest) & (np.abs(mu.imag) > NEUTRAL)):
        return _spiral(code, z, points, size, spare, apart)
    return _stages(step, z, distance, floor, n * min(cycles, longest), slow, apart)


def _stays(step: AnyMap, z: np.ndarray, distance: Callable[[np.ndarray], float], n: int, near: float) -> bool:
    """True if the orbit is as near to a neutral n-cycle a thousand steps later: a slow drift would not be."""
    end = later(step, z, n * max(1, 1000 // n))
    return end is not None and distance(end) <= near


def _separation(points: np.ndarray, size: np.ndarray) -> float:
    """The least distance of the n points (n, D) from themselves q phases on, q a proper divisor of n; ∞ for a fixed point."""
    n = len(points)
    divisors = [q for q in range(1, n // 2 + 1) if n % q == 0]
    gaps = [float((np.abs(points - np.roll(points, -q, axis=0)) / size).max()) for q in divisors]
    return min(gaps, default=math.inf)


def _stages(
    step: AnyMap,
    z: np.ndarray,
    distance: Callable[[np.ndarray], float],
    floor: float,
    steps: int,
    slow: bool,
    apart: float,
) -> tuple[Approach, int, np.ndarray]:
    """Six stages of the same length; in each the distance falls by a quarter, or steadily where that takes too long."""
    used = 0
    start = last = distance(z)
    for _ in range(STAGES):
        end = later(step, z, steps)
        if end is None:
            return Approach.NO, 0, z
        z = end
        used += steps
        now = distance(z)
        if now <= floor:
            break
        if not now < (1.0 if slow else 0.75) * last:
            return Approach.NO, 0, z
        last = now
    if now > floor and ((slow and not now < CLOSER * start) or not now < apart):
        return Approach.NO, 0, z
    return (Approach.SLOW if slow else Approach.CONTRACTS), used, z


def _spiral(
    step: Map, z: np.ndarray, points: np.ndarray, size: np.ndarray, steps: int, apart: float
) -> tuple[Approach, int, np.ndarray]:
    """Stages about a cycle with neutral complex multipliers, where the distance swings with the phase.

    Distances are taken in the eigenvectors' coordinates, in which the linear part only turns, as the largest over many
    turns. What approaches also contracts volume on its way: a librating orbit of a conservative map does not.
    """
    n = len(points)
    turned = _eigenvectors(step, points, size)
    farthest, contraction, turns = [], [], TURNS if n > 16 else 8 * TURNS
    weight = bump(n * turns)
    # Twice as long each time, so that what does not approach is known soon.
    lengths = [0, *(n * max(1, steps * 2**k // 2**STAGES // n) for k in range(STAGES))]
    for moved in lengths:
        end = later(step, z, moved)
        if end is None or (orbit := orbit_of(step, end, n * turns)) is None:
            return Approach.NO, 0, z
        z = end
        farthest.append(float(np.abs((orbit[::n] - points[0]) / size @ turned.T).max()))
        with np.errstate(divide="ignore"):
            contraction.append(float(weight @ np.linalg.slogdet(jacobians(step, orbit))[1]))
        if contraction[-1] > -CONSERVED or (moved and not farthest[-1] < farthest[-2]):
            return Approach.NO, 0, z
    rate = math.log(farthest[-2] / farthest[-1]) / lengths[-1] if farthest[-1] > 0 else 0.0
    near = farthest[-1] < min(CLOSER * farthest[0], apart)
    return (Approach.SLOW if near and contraction[-1] < -rate else Approach.NO), sum(lengths), z


def _eigenvectors(step: Map, points: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The matrix (D, D) from scaled deviations from the first point to coordinates in eigenvectors; 1 where ill-conditioned."""
    product = np.eye(step.dim)
    for matrix in jacobians(step, points):
        product = matrix @ product
    vectors = np.linalg.eig(product * size / size[:, None])[1]
    return np.linalg.inv(vectors) if np.linalg.cond(vectors) < 1e8 else np.eye(step.dim)


def _distance(step: AnyMap, z: np.ndarray, points: np.ndarray, size: np.ndarray) -> float:
    """max over one period of |orbit − cycle| in the same phase, each coordinate relative to its size."""
    orbit = orbit_of(step, z, len(points))
    if orbit is None:
        return math.inf
    with np.errstate(over="ignore"):
        return float((np.abs(orbit - points) / size).max())
