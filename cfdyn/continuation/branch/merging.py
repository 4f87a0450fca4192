"""Where the points of an n-cycle merge in groups: the bifurcation of the shorter cycle, solved on that cycle."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cfdyn.continuation.branch.system import FLIP, CycleTracer
from cfdyn.continuation.tracer import Solved
from cfdyn.kernels.continuation.shooting import MATRICES

if TYPE_CHECKING:
    from cfdyn.continuation.curve.system import CurveTracer

COLLAPSED = 1e-7  # a share of the distance of two points: they are one
CORRECTIONS = 30
LAST = 1e-11  # a length: a step after which only rounding is left
NUDGE = 1e-4  # a length: the first step of the secant method
TOGETHER = 1e-3  # from −1: of multipliers that may pass it together
SAME = 1e-6  # a length: points nearer to each other than this are one
NEAR = 1e-5  # of the multiplier to the root of unity that it must be
REACH = 10.0  # how far from where the points merge, in lengths of the step across it


class Merged(NamedTuple):
    """The shorter cycle's bifurcation: what it is, its period, a share of the step on, and its points with the parameter."""

    kind: str
    period: int
    place: float
    z: np.ndarray


def merges(tracer: CycleTracer | CurveTracer, rows: np.ndarray) -> list[tuple[int, int]]:
    """(row, q): behind this row (of unknowns) x_i and x_{i+q} change places, or are one from there on; the least such q."""
    points, found = tracer.points(rows), dict[int, int]()
    for q in (q for q in range(tracer.n - 1, 0, -1) if tracer.n % q == 0):
        gaps = (points - np.roll(points, -q, axis=1)).reshape(len(rows), -1)
        sizes = (gaps * gaps).sum(axis=1)
        swapped = (gaps[:-1] * gaps[1:]).sum(axis=1) < 0
        low, high = np.minimum(sizes[:-1], sizes[1:]), np.maximum(sizes[:-1], sizes[1:])
        gone, both = low <= COLLAPSED**2 * high, high <= COLLAPSED**2 * sizes.max()
        found |= {int(k): q for k in np.flatnonzero((swapped | gone) & ~both)}
    return sorted(found.items())


def grouped(tracer: CycleTracer, z: np.ndarray) -> int:
    """The least q with x_{i+q} = x_i in a solution, to a small part of a length."""
    for q in (q for q in range(1, tracer.n) if tracer.n % q == 0):
        points = tracer.points(z)
        if tracer.length(tracer.z(points - np.roll(points, -q, axis=0), 0.0)) <= SAME:
            return q
    return tracer.n


def merged(tracer: CycleTracer, before: np.ndarray, after: np.ndarray, q: int) -> Merged | None:
    """The bifurcation of the q-cycle between two solutions: det(M + I) = 0 if n = 2q, else |μ| = 1 at a root of unity."""
    parts = tracer.points(np.stack([before, after]))
    sizes = np.linalg.norm((parts - np.roll(parts, -q, axis=1)).reshape(2, -1), axis=1)
    place = float(sizes[0] / sizes.sum())
    z = before + place * (after - before)
    own = CycleTracer(tracer.step, q, tracer.parameter, tracer.bounds, tracer.points(z)[:q])
    only = np.zeros(own.m)
    only[-1] = 1.0
    start = own.solve(own.z(tracer.points(z).reshape(-1, q, tracer.d).mean(axis=0), z[-1]), only)
    if start is None:
        return None
    k = tracer.n // q
    gap = parts[int(sizes[1] > sizes[0])]
    gap, reach = gap[0] - gap[q], REACH * tracer.length(after - before)
    found = secant(own, start, tests(own, k), reach)
    if found is None or distance(own, found, k) > NEAR:
        found = _several(own, start, gap, reach) if k == 2 else None
    if found is None or distance(own, found, k) > NEAR:
        return None
    return Merged("flip" if k == 2 else "neimark-sacker", q, place, found.z)


def _several(own: CycleTracer, start: Solved, gap: np.ndarray, reach: float) -> Solved | None:
    """Where several multipliers pass −1 at once, at a multiple zero of det(M + I): by that of the direction that opens."""
    if (np.abs(own.multipliers(start.values[None])[0] + 1) < TOGETHER).sum() < 2:
        return None

    def test(s: Solved) -> float:
        first, following = s.values[1 + MATRICES :][: 2 * own.d**2].reshape(2, own.d, own.d)
        mu, directions = np.linalg.eig(-np.linalg.solve(following, first))
        return float(np.real(mu[np.argmax(np.abs(gap @ directions))])) + 1

    return secant(own, start, test, reach)


def tests(own: CycleTracer, k: int) -> Callable[[Solved], float]:
    """What vanishes where a multiplier is a primitive k-th root of unity."""
    if k == 2:
        return lambda s: float(s.values[1 + FLIP])
    return lambda s: float(abs(_nearest(own, s, k)[0]) - 1)


def distance(own: CycleTracer, found: Solved, k: int) -> float:
    """Of the nearest multiplier to a primitive k-th root of unity."""
    multiplier, root = _nearest(own, found, k)
    return abs(multiplier - root)


def _nearest(own: CycleTracer, found: Solved, k: int) -> tuple[complex, complex]:
    mu = np.asarray(own.multipliers(found.values[None])[0], dtype=complex)
    roots = np.exp(2j * np.pi * np.array([j for j in range(1, k) if gcd(j, k) == 1]) / k)
    i, j = np.unravel_index(int(np.nanargmin(np.abs(mu[:, None] - roots))), (len(mu), len(roots)))
    return complex(mu[i]), complex(roots[j])


def secant(own: CycleTracer, start: Solved, test: Callable[[Solved], float], reach: float) -> Solved | None:
    """A zero of a test along a curve near a solution, to the last digits."""
    border = own.weights * start.tangent
    here, value, t, step = start, test(start), 0.0, NUDGE
    for _ in range(CORRECTIONS):
        there = own.solve(start.z + (t + step) * start.tangent, border)
        if there is None or not abs(t + step) <= reach + NUDGE:
            return None
        following = test(there)
        if abs(step) <= LAST:
            return here if abs(value) <= abs(following) else there
        t, slope = t + step, (following - value) / step
        here, value = there, following
        step = -value / slope if slope else np.inf if value else 0.0
    return None
