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

STILL, ULPS = 8, 4  # so many steps that move no weight by more units in the last place: it stands still to round-off
MOVING = 1e-6  # a multiplier so near to 1 belongs to a direction along a continuum, or to what falls too slowly to wait for
PARTS = (1e-4, 1e-8)  # of the longest step of an orbit: the sizes of the perturbation
LEAST = 16  # units in the last place of the weights
FALLS = 40.0  # times that of the slowest multiplier: an average of squares has fallen by e⁻⁴⁰
SHORTEST, BATCHES, BATCH = 1000, 20, 2000  # steps before it counts; of those that count
SHARES = (4, 2)  # of a budget: at most for the fall, and for what counts
ERRORS, SMALLEST = 6, 1e-4  # standard errors that an exponent is off 0; per step: less is 0 whatever its error says


class Disturbed(NamedTuple):
    """With a perturbation of ``size``: exponent, its error, the state (D,) reached, and how far the weights go from rest."""

    size: float
    exponent: float
    error: float
    z: np.ndarray
    reach: float

    @property
    def chaotic(self) -> bool:
        """True if the exponent is clearly above 0."""
        return self.exponent > max(ERRORS * self.error, SMALLEST)


def lost_to_rounding(step: Map, orbit: np.ndarray) -> np.ndarray | None:
    """The first state (D,) of an orbit (n, D) from which on round-off decides; None where there is none.

    The weights stand still, a step contracts there, but no longer once the state behind the weights has come to rest too.
    """
    d = step.n_weights
    size = np.spacing(np.abs(orbit[:, :d]).max(axis=1))
    moves = np.abs(np.diff(orbit[:, :d], axis=0)).max(axis=1) > ULPS * size[1:]
    last = np.concatenate([[-1], np.flatnonzero(moves), [len(moves)]])
    pauses = np.flatnonzero(np.diff(last) > STILL)
    if not len(pauses):
        return None
    z = orbit[last[pauses[0]] + 1 + STILL].copy()
    if not _largest(step.jacobian(z)) < 1:
        return None
    end = limit_matrix(step, settled(step, z))
    return z if end is None or _largest(end[0]) > 1 else None


def _largest(matrix: np.ndarray) -> float:
    """The largest modulus of the multipliers that are not those of a continuum; ∞ of a matrix that is not finite."""
    if not np.isfinite(matrix).all():
        return math.inf
    size = np.linalg.eigvals(matrix)
    return float(np.abs(size[np.abs(size - 1) > MOVING]).max(initial=0.0))


def disturbed(step: Map, z: np.ndarray, stride: float, part: float, budget: int) -> Disturbed | None:
    """The orbit of a state (D,) with a perturbation of the weights in every step, uniform up to part · stride; None if it escapes.

    stride : the longest step of the orbit before
    part : of it
    budget : most steps
    """
    d, rng, z, rest = step.n_weights, np.random.default_rng(0), z.copy(), z[: step.n_weights].copy()
    size = max(part * stride, LEAST * float(np.spacing(np.abs(rest).max())))
    rules = step.rule("step").compiled, step.rule("jacobian").compiled

    def run(steps: int, q: np.ndarray) -> tuple[float, float]:
        """The exponent over so many steps more, and the farthest that the weights go; NaN where the orbit escapes."""
        sums, orbit = np.zeros(1), np.empty((steps, step.dim))
        done = disturbed_kernel(*rules, z, step.p, size * rng.uniform(-1, 1, (steps, d)), orbit, q, sums)
        return (float(sums[0]) / steps if done == steps else math.nan), float(np.abs(orbit[:, :d] - rest).max())

    slowest = -math.log(_largest(step.jacobian(z)) or 0.5)
    fall = int(np.clip(FALLS / slowest, SHORTEST, max(budget // SHARES[0], SHORTEST)))
    batch = int(np.clip(budget // SHARES[1] // BATCHES, 1, BATCH))
    tangent = np.full((1, step.dim), 1 / math.sqrt(step.dim))
    for _ in range(fall // BATCH):
        run(BATCH, tangent[:0])
    run(batch, tangent)  # turns the tangent vector into the fastest direction
    found = np.array([run(batch, tangent) for _ in range(BATCHES)])
    if not np.isfinite(found).all():
        return None
    exponents = found[:, 0]
    return Disturbed(size, float(exponents.mean()), float(exponents.std(ddof=1) / math.sqrt(BATCHES)), z, found[:, 1].max())
