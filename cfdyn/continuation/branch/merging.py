"""Merging of the points of an n-cycle in groups: the bifurcation of the shorter cycle, solved on that cycle."""

from collections.abc import Callable
from math import gcd

import numpy as np

from cfdyn.continuation.branch.system import BranchTracer
from cfdyn.continuation.tracer import CycleTracer, Solution
from cfdyn.cycles._kernels.shooting import FLIP

COLLAPSED = 1e-7  # a fraction of the distance of two points: closer points coincide
CORRECTIONS = 30
LAST = 1e-11  # a length: a step after which only rounding is left
NUDGE = 1e-4  # a length: the first step of the secant method
TOGETHER = 1e-3  # from −1: of multipliers that may pass it together
SAME = 1e-6  # a length: points closer to each other than this coincide
NEAR = 1e-5  # of the multiplier to the root of unity that it must be
REACH = 10.0  # how far from where the points merge, in lengths of the step across it


def shorter_periods(n: int) -> list[int]:
    """The divisors of n below n."""
    return [q for q in range(1, n) if n % q == 0]


def merges(tracer: CycleTracer, rows: np.ndarray) -> list[tuple[int, int]]:
    """(row, q): behind this row (of unknowns) x_i and x_{i+q} exchange places, or coincide from there on; the least such q."""
    points, orders = tracer.points(rows), dict[int, int]()
    for q in reversed(shorter_periods(tracer.n)):
        gaps = (points - np.roll(points, -q, axis=1)).reshape(len(rows), -1)
        sizes = (gaps * gaps).sum(axis=1)
        swapped = (gaps[:-1] * gaps[1:]).sum(axis=1) < 0
        low, high = np.minimum(sizes[:-1], sizes[1:]), np.maximum(sizes[:-1], sizes[1:])
        gone, both = low <= COLLAPSED**2 * high, high <= COLLAPSED**2 * sizes.max()
        orders |= {int(k): q for k in np.flatnonzero((swapped | gone) & ~both)}
    return sorted(orders.items())


def grouped(tracer: BranchTracer, z: np.ndarray) -> int:
    """The least q with x_{i+q} = x_i in a solution, to a small fraction of a length."""
    points = tracer.points(z)
    for q in shorter_periods(tracer.n):
        if tracer.length(tracer.z(points - np.roll(points, -q, axis=0), 0.0)) <= SAME:
            return q
    return tracer.n


def merged(tracer: BranchTracer, before: np.ndarray, after: np.ndarray, q: int) -> tuple[str, float, np.ndarray] | None:
    """The bifurcation of the q-cycle between two solutions: det(M + I) = 0 if n = 2q, else |μ| = 1 at a root of unity.

    (kind, its place as a fraction of the step, the q points with the parameter); None if there is none.
    """
    parts = tracer.points(np.stack([before, after]))
    sizes = np.linalg.norm((parts - np.roll(parts, -q, axis=1)).reshape(2, -1), axis=1)
    share = float(sizes[0] / sizes.sum())
    z = before + share * (after - before)
    own = BranchTracer(tracer.step, q, tracer.parameter, tracer.bounds, tracer.points(z)[:q])
    start = own.solve(own.z(tracer.points(z).reshape(-1, q, tracer.d).mean(axis=0), z[-1]), np.eye(own.m)[-1])
    if start is None:
        return None
    k = tracer.n // q
    gap = parts[int(sizes[1] > sizes[0])]
    gap, reach = gap[0] - gap[q], REACH * tracer.length(after - before)
    # What vanishes where a multiplier is a primitive k-th root of unity.
    test = (lambda s: own.determinant(s.values, FLIP)) if k == 2 else (lambda s: abs(_nearest(own, s, k)[0]) - 1)
    solved = secant(own, start, test, reach)
    if k == 2 and (solved is None or _distance(own, solved, k) > NEAR):
        solved = _several_flips(own, start, gap, reach)
    if solved is None or _distance(own, solved, k) > NEAR:
        return None
    return "flip" if k == 2 else "neimark-sacker", share, solved.z


def _several_flips(own: BranchTracer, start: Solution, gap: np.ndarray, reach: float) -> Solution | None:
    """The place where several multipliers cross −1 at once, a multiple zero of det(M + I): by that of the opening direction."""
    if (np.abs(own.multipliers(start.values[None])[0] + 1) < TOGETHER).sum() < 2:
        return None

    def test(s: Solution) -> float:
        first, following = own.condensed(s.values)
        mu, directions = np.linalg.eig(-np.linalg.solve(following, first))
        return float(np.real(mu[np.argmax(np.abs(gap @ directions))])) + 1

    return secant(own, start, test, reach)


def _distance(own: BranchTracer, solution: Solution, k: int) -> float:
    """The distance of the closest multiplier to a primitive k-th root of unity."""
    multiplier, root = _nearest(own, solution, k)
    return abs(multiplier - root)


def _nearest(own: BranchTracer, solution: Solution, k: int) -> tuple[complex, complex]:
    mu = np.asarray(own.multipliers(solution.values[None])[0], dtype=complex)
    roots = np.exp(2j * np.pi * np.array([j for j in range(1, k) if gcd(j, k) == 1]) / k)
    i, j = np.unravel_index(int(np.nanargmin(np.abs(mu[:, None] - roots))), (len(mu), len(roots)))
    return complex(mu[i]), complex(roots[j])


def secant(own: BranchTracer, start: Solution, test: Callable[[Solution], float], reach: float) -> Solution | None:
    """A zero of a test along a curve near a solution, to the last digits; by bisection if the secant leaves a sign change."""
    border = own.weights * start.tangent
    here, value, t, step = start, test(start), 0.0, NUDGE
    sides = {value > 0: 0.0}
    for _ in range(CORRECTIONS):
        if len(sides) == 2 and not min(sides.values()) < t + step < max(sides.values()) and abs(step) > LAST:
            step = sum(sides.values()) / 2 - t
        if not abs(t + step) <= reach + NUDGE:
            return None
        there = own.solve(start.z + (t + step) * start.tangent, border)
        if there is None:
            return None
        following = test(there)
        if abs(step) <= LAST:
            return here if abs(value) <= abs(following) else there
        t, slope = t + step, (following - value) / step
        here, value = there, following
        sides[value > 0] = t
        step = -value / slope if slope else np.inf if value else 0.0
    return None
