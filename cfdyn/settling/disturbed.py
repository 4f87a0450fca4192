"""An orbit that rests at an unstable point only because of round-off, followed with a perturbation in every step.

While an average of squares falls, the weights contract onto a minimum by far more than any digits hold, and it loses its
stability only then: a number of digits falls into the same trap as floats.
"""

import math
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np

from cfdyn.cycles.rest import limit_matrix, settled
from cfdyn.settling._kernels.disturb import disturb
from cfdyn.systems.map import Map
from cfdyn.systems.together import ensemble

STILL, ULPS = 8, 32  # so many steps whose third differences are no more units in the last place: no oscillation but round-off
MOVING = 1e-6  # a multiplier so near to 1 belongs to a direction along a continuum, or to what falls too slowly to wait for
PARTS = (1e-4, 1e-8)  # of the longest step of an orbit: the sizes of the perturbation
LEAST = 16  # units in the last place of the weights
FALLS = 40.0  # times that of the slowest multiplier: an average of squares has fallen by e⁻⁴⁰
SHORTEST, BATCHES, BATCH = 1000, 20, 2000  # steps before it counts; of those that count
RISES = 0.85  # of the stretches that count, those in which the weights go farther than in the one before: a drift
FARTHER, AWAY = 1.1, 1.5  # times as far in all: they drift; and beyond their own size: they run away
UNDERFLOWS = 1e-150  # weights at 0 whose squares floats no longer hold
TRACE = 1e-16  # of what it was at the start: a decay that is over
RESOLVED = 10.0  # times the perturbations: a cycle that is wider than that is one
LONGER = (1, 10, 40)  # times as many, as long as these do not decide
SHARES = (4, 2)  # of a budget: at most for the fall, and for what counts
ERRORS, SMALLEST = 4, 1e-4  # standard errors that an exponent is off 0; per step: less is 0 whatever its error says

InParts = Callable[[int, int, Callable[[int, int], None]], None]  # of so many orbits, operations of one, the loop


def at_once(count: int, operations: int, take: Callable[[int, int], None]) -> None:
    """All orbits in one part."""
    take(0, count)


class Held(NamedTuple):
    """An orbit from the state ``z`` (D,) on, at which round-off holds it, the longest step before, and in how many steps the
    slowest of the averages behind the weights falls far.
    """

    step: Map
    z: np.ndarray
    stride: float
    fall: int

    @classmethod
    def at(cls, step: Map, z: np.ndarray, stride: float, budget: int) -> "Held":
        """With what has to be known of it to follow it; the fall takes a part of the budget at most."""
        own = ~step.alone & (np.arange(step.dim) >= step.n_weights)
        slowest = _largest(step.jacobian(z)[np.ix_(own, own)])
        steps = FALLS / -math.log(slowest) if 0 < slowest < 1 else SHORTEST
        return cls(step, z, stride, int(np.clip(steps, SHORTEST, max(budget // SHARES[0], SHORTEST))))


class Disturbed(NamedTuple):
    """With a perturbation of ``size``: exponent, its error, the state (D,) reached, how far weights go from rest, and steps.

    ``growth``: of that distance, where it rises all along; else 1. ``away``: whether they run away. ``fades``: whether the
    exponent is clearly less later on, as that of bursts which end once the weights have drifted to a flatter minimum.
    """

    size: float
    exponent: float
    error: float
    z: np.ndarray
    reach: float
    steps: int
    growth: float
    away: bool
    fades: bool

    @property
    def drifts(self) -> bool:
        """Whether the weights go farther and farther."""
        return self.growth > FARTHER

    @property
    def chaotic(self) -> bool | None:
        """True if the exponent is clearly above 0, False if it clearly is not, else None; None where it fades, or runs away."""
        margin = ERRORS * self.error
        if self.exponent + margin < SMALLEST:
            return False
        return True if self.exponent > max(margin, SMALLEST) and not (self.away or self.fades) else None


def lost_to_rounding(step: Map, orbit: np.ndarray) -> int | None:
    """The place of the first state of an orbit (n, D) from which on round-off decides; None where there is none.

    The weights stand still or drift, a step contracts there, but no longer once the state behind them has come to rest too.
    """
    d = step.n_weights
    if len(orbit) < STILL:
        return None
    size = np.spacing(np.abs(orbit[:, :d]).max(axis=1))
    # A slow drift is no oscillation: third differences leave it out.
    moves = np.abs(np.diff(orbit[:, :d], 3, axis=0)).max(axis=1) > np.maximum(ULPS * size[3:], UNDERFLOWS)
    last = np.concatenate([[-1], np.flatnonzero(moves), [len(moves)]])
    pauses = np.flatnonzero(np.diff(last) > STILL)
    if not len(pauses):
        return None
    place = int(last[pauses[0]]) + STILL
    return place if loses_stability(step, orbit[place]) else None


def loses_stability(step: Map, z: np.ndarray) -> bool:
    """True if a step contracts at a state (D,), but no longer once what is behind the weights has come to rest."""
    return contracts(step, z) and radius_at_rest(step, z) > 1


def radius_at_rest(step: Map, z: np.ndarray) -> float:
    """The largest modulus of the multipliers once the state behind the weights has come to rest; ∞ where it is not known."""
    end = limit_matrix(step, settled(step, z))
    return math.inf if end is None else _largest(end[0])


def contracts(step: Map, z: np.ndarray) -> bool:
    """True if a step contracts at a state (D,), along a continuum excepted."""
    return _largest(step.jacobian(z)) < 1


def _largest(matrix: np.ndarray) -> float:
    """The largest modulus of the multipliers that are not those of a continuum; ∞ of a matrix that is not finite."""
    if not np.isfinite(matrix).all():
        return math.inf
    size = np.linalg.eigvals(matrix)
    return float(np.abs(size[np.abs(size - 1) > MOVING]).max(initial=0.0))


def disturbed(
    orbits: Sequence[Held], part: float, budget: int, seed: int = 0, longer: int = 1, in_parts: InParts = at_once
) -> list[Disturbed | None]:  # fmt: skip
    """Orbits with their weights moved in every step, uniformly up to part · stride; None where one escapes.

    ``chaotic`` of the result was right for each of 200 seeds and two sizes on systems whose answer is known: linear recursions
    with multipliers ±0.95 to ±0.9999 and beyond 1, cycles of length 1 to 4 with multipliers to ±0.95, Adam on a parabola below
    its edge, on its 2-cycle (β₁ ≤ 0.15) and bursting (β₁ = 0.9), NAdam's 2-cycle, the tent and Hénon's map. None was taken for
    the other, none left open, but that a recursion which runs away is neither.

    orbits : of one map, each with its parameters
    part : of their longest steps
    budget : most steps
    seed : of the perturbations, the same for all orbits, each of which is what it is alone
    longer : times as many steps as usual
    in_parts : calls a loop over orbits with their first and their last
    """
    ways = _Ways(orbits, part, seed, in_parts)
    falls = np.array([longer * (one.fall // BATCH + 1) for one in orbits])
    for done in range(max(falls, default=0)):
        ways.run(np.flatnonzero(falls > done), BATCH, ways.falling)
    for k, one in enumerate(orbits):
        ways.states[k] = calmed(one.step, ways.states[k])
    left = np.arange(len(orbits))
    ways.run(left, BATCH, ways.counted)  # turns the tangents into the fastest direction
    most, taken = max(budget // SHARES[1] // BATCHES, 1), (falls + 1) * BATCH
    judged = list[Disturbed | None](repeat(None, len(orbits)))
    for batch in sorted({min(longer * times * BATCH, most) for times in LONGER}):
        taken[left] += BATCHES * batch
        means, reaches = np.array([ways.run(left, batch, ways.counted) for _ in range(BATCHES)]).transpose(1, 2, 0)
        for k, mean, reach in zip(left.tolist(), means, reaches, strict=True):
            judged[k] = _judged(mean, reach, ways.sizes[k], ways.rest[k], ways.states[k], int(taken[k]))
        left = np.array([k for k in left.tolist() if _is_open(judged[k])], int)
    return [one if one is not None and np.isfinite(one.exponent) else None for one in judged]


class _Ways:
    """Orbits on their way, ``states`` (N, D), with perturbations of ``sizes`` (N,)."""

    def __init__(self, orbits: Sequence[Held], part: float, seed: int, in_parts: InParts):
        self.step, self.in_parts = orbits[0].step, in_parts
        self.states = np.array([one.z for one in orbits])
        self.rest = self.states[:, : self.step.n_weights].copy()
        self.parameters = np.array([list(one.step.params.values()) for one in orbits], float)
        least = LEAST * np.spacing(np.abs(self.rest).max(axis=1))
        self.sizes = np.maximum(part * np.array([one.stride for one in orbits]), least)
        self.tangents = np.full((len(orbits), 1, self.step.dim), 1 / math.sqrt(self.step.dim))
        self.falling, self.counted = np.random.default_rng(seed).spawn(2)

    def run(self, which: np.ndarray, steps: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Of some of them the exponents over so many steps more, and how far the weights go; NaN where an orbit escapes."""
        turned, d = int(random is self.counted), self.step.n_weights
        rule = "tangents:1" if turned else "step"
        block = ensemble(self.step, rule, ("turned:" if turned else "lanes:") + rule, steps, math.inf)
        kicks, states, tangents = random.uniform(-1, 1, (steps, d)), self.states[which], self.tangents[which, :turned]
        sums, reach = np.zeros((len(which), turned)), np.zeros(len(which))
        parameters, sizes, rest = self.parameters[which], self.sizes[which], self.rest[which]
        cost = self.step.cost + turned * (self.step.cost + self.step.tangent_cost)
        self.in_parts(len(which), steps * cost, lambda first, last: disturb(
            block.memory, first, last, states, parameters, sizes, kicks, rest, tangents, sums, reach))  # fmt: skip
        self.states[which], self.tangents[which, :turned] = states, tangents
        return sums[:, 0] / steps if turned else reach, reach


def _judged(means: np.ndarray, reach: np.ndarray, size: float, rest: np.ndarray, z: np.ndarray, steps: int) -> Disturbed:
    """What the stretches that count say of an orbit."""
    error = float(means.std(ddof=1) / math.sqrt(BATCHES))
    growth = float(reach[-1] / reach[0]) if (np.diff(reach) > 0).mean() > RISES else 1.0
    away = growth > AWAY and bool(reach[-1] > np.abs(rest).max())
    first, then = np.split(means, 2)
    fades = bool(first.mean() - then.mean() > ERRORS * math.sqrt((first.var(ddof=1) + then.var(ddof=1)) / len(first)))
    return Disturbed(float(size), float(means.mean()), error, z.copy(), float(reach.max()), steps, growth, away, fades)


def _is_open(disturbed: Disturbed | None) -> bool:
    """Not decided yet; bursts while the weights drift may end, too."""
    if disturbed is None or disturbed.chaotic is False:
        return False
    return disturbed.drifts if disturbed.chaotic else not (disturbed.drifts and disturbed.exponent < 0)


def calmed(step: Map, z: np.ndarray) -> np.ndarray:
    """The state (D,) with those entries at their limit in which no weight has a part: decays, of which a trace is left."""
    return np.where(step.alone, settled(step, z), z) if step.alone.any() else z


def without_traces(step: Map, z: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The state (D,) with those decays at their limit of which no digit counts beside their values at the start (D,)."""
    over = calmed(step, z)
    return np.where(np.abs(z - over) <= TRACE * np.abs(start - over), over, z)


def is_stable(step: Map, z: np.ndarray) -> bool:
    """True if a fixed point (D,) is stable, its state come to rest: more than 10⁻¹¹ of it, which Newton's method has not seen."""
    return radius_at_rest(step, z) < 1


def is_real(step: Map, points: np.ndarray, size: float) -> bool:
    """True if a cycle (n, D) is more than perturbations of that size around an unstable point."""
    spread = float(np.ptp(points[:, : step.n_weights], axis=0).max())
    return spread > RESOLVED * size if len(points) > 1 else is_stable(step, points[0])
