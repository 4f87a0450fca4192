"""An orbit that only rounding puts to rest on an unstable point, followed with a perturbation in every step.

While an average of squares falls, the weights contract onto a minimum by far more than any digits hold, and it loses its
stability only then: a number of digits falls into the same trap as floats.
"""

import math
from typing import NamedTuple

import numpy as np

from cfdyn.cycles.rest import limit_matrix, settled
from cfdyn.kernels.orbits import disturbed as disturbed_kernel
from cfdyn.systems.map import Map

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
SAME = 1e-9  # of an entry: it comes to rest at one value, whatever the weights
LONGER = 10  # times as many where these do not decide
SHARES = (4, 2)  # of a budget: at most for the fall, and for what counts
ERRORS, SMALLEST = 4, 1e-4  # standard errors that an exponent is off 0; per step: less is 0 whatever its error says


class Disturbed(NamedTuple):
    """With a perturbation of ``size``: exponent, its error, the state (D,) reached, how far weights go from rest, and steps.

    ``growth``: of that distance, where it rises all along; else 1. ``away``: whether they run away.
    """

    size: float
    exponent: float
    error: float
    z: np.ndarray
    reach: float
    steps: int
    growth: float
    away: bool

    @property
    def drifts(self) -> bool:
        """Whether the weights go farther and farther."""
        return self.growth > FARTHER

    @property
    def chaotic(self) -> bool | None:
        """True if the exponent is clearly above 0, False if it clearly is not, else None; None for one that runs away."""
        margin = ERRORS * self.error
        if self.exponent + margin < SMALLEST:
            return False
        return True if self.exponent > max(margin, SMALLEST) and not self.away else None


def lost_to_rounding(step: Map, orbit: np.ndarray) -> np.ndarray | None:
    """The first state (D,) of an orbit (n, D) from which on round-off decides; None where there is none.

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
    z = orbit[last[pauses[0]] + STILL].copy()
    if not contracts(step, z):
        return None
    end = limit_matrix(step, settled(step, z))
    return z if end is None or _largest(end[0]) > 1 else None


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
    step: Map, z: np.ndarray, stride: float, part: float, budget: int, seed: int = 0, longer: int = 1
) -> Disturbed | None:
    """The orbit of a state (D,) with its weights moved in every step, uniformly up to part · stride; None if it escapes.

    ``chaotic`` of the result was right for each of 200 seeds and two sizes on systems whose answer is known: linear recursions
    with multipliers ±0.95 to ±0.9999 and beyond 1, cycles of length 1 to 4 with multipliers to ±0.95, Adam on a parabola below
    its edge, on its 2-cycle (β₁ ≤ 0.15) and bursting (β₁ = 0.9), NAdam's 2-cycle, the tent and Hénon's map. None was taken for
    the other, none left open, but that a recursion which runs away is neither.

    stride : the longest step of the orbit before
    part : of it
    budget : most steps
    seed : of the perturbations
    longer : times as many steps as usual
    """
    d, rng, z, rest = step.n_weights, np.random.default_rng(seed), z.copy(), z[: step.n_weights].copy()
    size = max(part * stride, LEAST * float(np.spacing(np.abs(rest).max())))
    rules = step.rule("step").compiled, step.rule("jacobian").compiled

    def run(steps: int, q: np.ndarray) -> tuple[float, float]:
        """The exponent over so many steps more, and the farthest that the weights go; NaN where the orbit escapes."""
        sums, orbit = np.zeros(1), np.empty((steps, step.dim))
        done = disturbed_kernel(*rules, z, step.p, size * rng.uniform(-1, 1, (steps, d)), orbit, q, sums)
        return (float(sums[0]) / steps if done == steps else math.nan), float(np.abs(orbit[:, :d] - rest).max())

    tangent, most = np.full((1, step.dim), 1 / math.sqrt(step.dim)), max(budget // SHARES[1] // BATCHES, 1)
    falls = longer * (steps_of_fall(step, z, budget) // BATCH + 1)
    for _ in range(falls):
        run(BATCH, tangent[:0])
    steps = (falls + 1) * BATCH
    z[:] = with_decays_over(step, z)
    run(BATCH, tangent)  # turns the tangent vector into the fastest direction
    for batch in sorted({min(longer * BATCH, most), min(longer * LONGER * BATCH, most)}):
        means, reach = np.array([run(batch, tangent) for _ in range(BATCHES)]).T
        steps += BATCHES * batch
        error = float(means.std(ddof=1) / math.sqrt(BATCHES))
        growth = float(reach[-1] / reach[0]) if (np.diff(reach) > 0).mean() > RISES else 1.0
        away = growth > AWAY and bool(reach[-1] > np.abs(rest).max())
        found = Disturbed(size, float(means.mean()), error, z, float(reach.max()), steps, growth, away)
        if found.chaotic is not None or found.drifts and found.exponent < 0:
            break
    return found if np.isfinite(found.exponent) else None


def steps_of_fall(step: Map, z: np.ndarray, budget: int) -> int:
    """In how many steps the slowest average behind the weights has fallen far from a state at rest, within a budget."""
    own = ~_decays(step, z) & (np.arange(step.dim) >= step.n_weights)
    slowest = _largest(step.jacobian(z)[np.ix_(own, own)])
    steps = FALLS / -math.log(slowest) if 0 < slowest < 1 else SHORTEST
    return int(np.clip(steps, SHORTEST, max(budget // SHARES[0], SHORTEST)))


def with_decays_over(step: Map, z: np.ndarray) -> np.ndarray:
    """The state (D,) with those entries at their limit that do not depend on the weights: decays, of which a trace is left."""
    return np.where(_decays(step, z), settled(step, z), z)


def without_traces(step: Map, z: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The state (D,) with those decays at their limit of which no digit counts beside their values at the start (D,)."""
    over = with_decays_over(step, z)
    return np.where(np.abs(z - over) <= TRACE * np.abs(start - over), over, z)


def _decays(step: Map, z: np.ndarray) -> np.ndarray:
    """Which entries (D,) come to rest at a value that does not depend on the weights."""
    beside = z.copy()
    beside[: step.n_weights] += 1.0
    return np.abs(settled(step, z) - settled(step, beside)) <= SAME * np.abs(z)


def is_stable(step: Map, z: np.ndarray) -> bool:
    """True if a fixed point (D,) is stable, its state come to rest: more than 10⁻¹¹ of it, which Newton's method has not seen."""
    end = limit_matrix(step, settled(step, z))
    return end is not None and _largest(end[0]) < 1
