"""Critical orbits of a map of one variable that land on an unstable cycle, over a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cfdyn.cycles.line.laps import laps_on
from cfdyn.cycles.shooting import jacobians, multipliers, polish
from cfdyn.numerics.illinois import zero
from cfdyn.systems.map import Map

TURNS = 60  # of Newton's method for a critical point, which is slow where more derivatives vanish
WIDE = 1e-3  # of the interval: between two laps, where the sign of a flat slope is not known
FLOOR = 1e-12  # of the interval: how well turning points are known at first
EXACT = 1e-9  # of the interval: so near an orbit has landed
UNSTABLE = 1 + 1e-9


@dataclass(frozen=True)
class Landing:
    """fᵏ(c) = x at a ``value`` of the parameter: the critical point c, k ``steps``, the cycle (n,) from x on, its multiplier."""

    value: float
    critical: float
    steps: int
    cycle: np.ndarray
    multiplier: float


def critical_points(step: Map, lo: float, hi: float) -> list[float]:
    """The turning points of a map of one variable in an interval, where its derivative is 0."""
    laps = laps_on(step, lo, hi, FLOOR * (hi - lo))
    pairs = pairwise(zip(laps.ends.tolist(), laps.rising.tolist(), strict=True))
    turns = [(a + b) / 2 for ((_, a), up), ((b, _), then) in pairs if up != then and b - a <= WIDE * (hi - lo)]
    points = (critical_near(step, turn) for turn in turns)
    return [c for c in points if c is not None and lo < c < hi]


def critical_over(step: Map, name: str, grid: np.ndarray, lo: float, hi: float, samples: int) -> list[list[float]]:
    """Those at each value of a parameter: all at so many values, and from one to the next by Newton's method."""
    places: list[list[float]] = []
    every = max(1, len(grid) // samples)
    for at, value in enumerate(grid.tolist()):
        here = step.at(**{name: value})
        moved = [critical_near(here, c) for c in places[-1]] if places and at % every else [None]
        kept = [c for c in moved if c is not None and lo < c < hi]
        places.append(kept if len(kept) == len(moved) else critical_points(here, lo, hi))
    return places


def critical_near(step: Map, x: float) -> float | None:
    """The zero of f′ near a point, by Newton's method; None where there is none."""
    for _ in range(TURNS):
        slope, curvature = step.jacobian([x])[0, 0], step.derivative([x], [1.0], [1.0])[0]
        if slope == 0:
            return x
        if not (np.isfinite(slope) and curvature):
            return None
        move = float(slope / curvature)
        x -= move
        if abs(move) <= 2e-16 * abs(x) + 1e-300:
            return x
    return x if abs(move) <= 1e-12 * max(1.0, abs(x)) else None


@dataclass(frozen=True)
class Branch:
    """A cycle's branch over a parameter: ``values`` (m,) and ``points`` (m, n, 1) of one side between two folds."""

    values: np.ndarray
    points: np.ndarray

    def near(self, value: float) -> np.ndarray | None:
        """The cycle (n, 1) at a value, as well as a chord is; None outside the branch."""
        if not self.values[0] <= value <= self.values[-1]:
            return None
        at = int(np.clip(np.searchsorted(self.values, value), 1, len(self.values) - 1))
        share = (value - self.values[at - 1]) / ((self.values[at] - self.values[at - 1]) or 1.0)
        return self.points[at - 1] + share * (self.points[at] - self.points[at - 1])

    def cycle(self, step: Map, value: float) -> np.ndarray | None:
        """The cycle (n,) at a value, polished; None outside the branch."""
        guess = self.near(value)
        cycle = None if guess is None else polish(step, guess)
        return None if cycle is None else cycle[:, 0]


def monotone_parts(values: np.ndarray, points: np.ndarray) -> Iterator[Branch]:
    """A branch cut at its folds, each part by increasing values."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(values)))) + 1
    for first, last in pairwise([0, *turns.tolist(), len(values) - 1]):
        part = slice(first, last + 1)
        way = 1 if values[last] > values[first] else -1
        if last > first:
            yield Branch(values[part][::way], points[part][::way])


def landings(
    step: Map, name: str, grid: np.ndarray, critical: Sequence[Sequence[float]], branch: Branch, extent: float
) -> Iterator[Landing]:
    """Where over a grid of values critical points (of each value, in the same order) land on a cycle.

    At most after p + 2 steps, p being its period, or twice that where its multiplier is negative: images of critical points
    that bound the bands of an attractor do so.
    """
    n = branch.points.shape[1]
    maps = [step.at(**{name: float(v)}) for v in grid]
    cycles, latest = _on_grid(maps, branch, grid)
    for c in range(min((len(row) for row in critical), default=0)):
        starts = [row[c] for row in critical]
        orbits = [_orbit(here, start, 2 * n + 2) for here, start in zip(maps, starts, strict=True)]
        for at in np.flatnonzero(np.minimum(latest[1:], latest[:-1]) > 0).tolist():
            ends = float(grid[at]), float(grid[at + 1])
            passed = ((k, j) for k in range(1, latest[at] + 1) for j in np.flatnonzero(_passed(orbits, cycles, at, k)).tolist())
            tried = (_refined(step, name, branch, ends, starts[at], k, cycles[at][j], extent) for k, j in passed)
            # What has landed stays on the cycle: all later steps pass it at the same value.
            landing = next((one for one in tried if one is not None), None)
            if landing is not None:
                yield landing


def _passed(orbits: Sequence[np.ndarray], cycles: Sequence[np.ndarray], at: int, k: int) -> np.ndarray:
    """Which points of a cycle the k-th images of the critical point pass between a value of the grid and the next."""
    return np.sign(orbits[at][k] - cycles[at]) * np.sign(orbits[at + 1][k] - cycles[at + 1]) <= 0


def _on_grid(maps: Sequence[Map], branch: Branch, grid: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The cycle (n,) at each value, in one order, and after how many steps a landing counts; NaN and 0 outside the branch."""
    n = branch.points.shape[1]
    cycles, latest = [np.full(n, np.nan)] * len(grid), np.zeros(len(grid), int)
    for at, (here, value) in enumerate(zip(maps, grid.tolist(), strict=True)):
        guess = branch.near(value)
        if guess is None:
            continue
        cycles[at] = guess[:, 0] if at == 0 or np.isnan(cycles[at - 1][0]) else _turned_to(cycles[at - 1], guess[:, 0])
        slope = float(np.prod(jacobians(here, guess)))
        latest[at] = (n if slope > 0 else 2 * n) + 2 if abs(slope) > 1 else 0
    return cycles, latest


def _orbit(step: Map, x: float, most: int) -> np.ndarray:
    """x, f(x), …, (most + 1,)."""
    z, rule = np.empty((most + 1, 1)), step.rule("step")
    z[0] = x
    with np.errstate(all="ignore"):
        for k in range(most):
            z[k + 1] = rule(z[k], step.p)
    return z[:, 0]


def _turned_to(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The second cycle, its points in the order of the first."""
    rolled = [np.roll(there, shift) for shift in range(len(there))]
    return min(rolled, key=lambda points: float(np.abs(points - here).max()))


def _refined(
    step: Map, name: str, branch: Branch, ends: tuple[float, float], start: float, k: int, near: float, extent: float
) -> Landing | None:
    """The landing between two values, after k steps and not before, on an unstable cycle."""
    last = {"c": start, "x": near}

    def gap(value: float) -> float:
        here = step.at(**{name: value})
        cycle, c = branch.cycle(here, value), critical_near(here, last["c"])
        if cycle is None or c is None:
            return np.nan
        last["c"], last["x"] = c, float(cycle[np.argmin(np.abs(cycle - last["x"]))])
        return float(_orbit(here, c, k)[k] - last["x"])

    at_ends = [gap(value) for value in ends]
    if not at_ends[0] * at_ends[1] <= 0:
        return None
    value = float(zero(gap, *ends))
    if not abs(gap(value)) <= EXACT * extent:
        return None
    here = step.at(**{name: value})
    cycle, orbit = branch.cycle(here, value), _orbit(here, last["c"], k)
    if cycle is None or np.abs(orbit[k - 1] - cycle).min() <= 10 * EXACT * extent:
        return None
    cycle = np.roll(cycle, -int(np.argmin(np.abs(cycle - orbit[k]))))
    mu = float(np.real(multipliers(here, cycle[:, None])[0]))
    return Landing(value, last["c"], k, cycle, mu) if abs(mu) > UNSTABLE else None
