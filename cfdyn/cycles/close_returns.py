"""Cycles of a map without code: Newton's method from close returns of orbits, and from random starts."""

import numpy as np

from cfdyn.cycles.matrix_free import cycle_near
from cfdyn.cycles.result import Say, SearchResult
from cfdyn.cycles.same import distinct, from_smallest, least_period
from cfdyn.systems.any_map import AnyMap

BUDGET = 4_000  # steps with tangents
ORBITS, LONG, TRANSIENT, CLOSEST = 4, 400, 50, 10  # orbits, their lengths, what is left out, and returns of each that are tried
ESCAPE = 1e100
TWICE = 1e-8  # of the size: points nearer than this to one that was tried are not tried again


def by_newton(step: AnyMap, n: int, region: np.ndarray, seed: int, budget: int | None, say: Say) -> SearchResult:
    """Those of least period n with a point in the region (D, 2), as far as the budget of steps goes; never all for sure."""
    rng, most, used = np.random.default_rng(seed), BUDGET if budget is None else int(budget), 0
    extent = np.ptp(region, axis=1)
    cycles, slopes = list[np.ndarray](), list[np.ndarray]()
    starts = _returns(step, n, region, rng)
    while used < most:
        x = starts.pop(0) if starts else region[:, 0] + extent * rng.random(step.dim)
        cycle = cycle_near(step, x, n)
        used += 8 * n
        say(f"{min(used, most)} of {most} steps, {len(cycles)} cycles met")
        if cycle is None or least_period(cycle.points, extent=extent) != n:
            continue
        inside = ((cycle.points >= region[:, 0]) & (cycle.points <= region[:, 1])).all(axis=1)
        if inside.any():
            cycles.append(from_smallest(cycle.points))
            slopes.append(multipliers_of(step, cycle.points))
    points, mu = np.array(cycles).reshape(-1, n, step.dim), np.array(slopes, dtype=complex).reshape(-1, step.dim)
    points, mu = distinct(points, mu, float(extent.max()))
    mu = mu if mu.imag.any() else mu.real
    reason = f"from close returns and random starts, {most} steps: others may exist"
    return SearchResult(points, mu, False, "Newton's method", reason, np.empty((0, step.dim, 2)), {"budget": most})


def multipliers_of(step: AnyMap, points: np.ndarray) -> np.ndarray:
    """The multipliers (D,) of a cycle, the largest modulus first."""
    matrix = np.eye(step.dim)
    for x in points:
        matrix = step.tangent(x)[1](matrix)  # rows are images of the axes
    mu = np.linalg.eigvals(matrix.T) if np.isfinite(matrix).all() else np.full(step.dim, np.nan)
    return mu[np.argsort(-np.abs(mu), kind="stable")]


def _returns(step: AnyMap, n: int, region: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Points of orbits from random places that come back best after n steps, each orbit's best first."""
    tried = list[np.ndarray]()
    for _ in range(ORBITS):
        x, taken, _ = step.ahead(region[:, 0] + np.ptp(region, axis=1) * rng.random(step.dim), TRANSIENT, ESCAPE)
        if taken < TRANSIENT:
            continue
        states, _ = step.orbit(x, max(LONG, 4 * n), ESCAPE)
        gaps = np.abs(states[n:] - states[:-n]).max(axis=1) if len(states) > n else np.empty(0)
        chosen = list[np.ndarray]()
        for k in np.argsort(gaps, kind="stable").tolist():
            if all(np.abs(states[k] - x).max() > TWICE * np.abs(states[k]).max() for x in chosen):
                chosen.append(states[k])
            if len(chosen) == CLOSEST:
                break
        tried += chosen
    return tried
