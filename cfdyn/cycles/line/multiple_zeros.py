"""Multiple zeros of fⁿ(x) − x: one cycle at each, instead of the several that round-off produces."""

from typing import Any

import numpy as np

from cfdyn.cycles.result import Interval
from cfdyn.cycles.same import from_smallest, same_cycle
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.systems.map import Map

DIGITS = 50  # of the terms of a series
HIGHEST = 9  # multiplicity looked for
UNIT = 4e-15  # error of one evaluation, relative to what it adds up
TURNS, LAST = 60, 1e-25  # of Newton's method; relative size of its last step
NOTHING = 1e-20  # of the distance ρ: a point that is 0
WIDEST = 0.1  # an undecided interval, relative to its size or 1, that may be one zero
WIDER = 32.0  # times the distance in which round-off hides the terms of the zero, for an interval to be it
WORTH = 300_000  # operations of one step times the period


def with_multiple(
    step: Map, n: int, opened: list[Interval], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Interval]]:
    """Cycles (m, n), multipliers (m,) and undecided intervals, those of one multiple zero put together.

    A zero x of multiplicity m is one of the derivative of order m − 1 at which the lower terms c_j ρʲ of the series of
    fⁿ(x) − x are less than its error ε where |c_m| ρᵐ = ε, and the higher ones less than half of that, and which is as
    near to the undecided interval as ρ says.
    """
    if step.tangent_cost * n > WORTH:
        return points, mu, opened
    narrow = [part for part in opened if may_be_one(*part)]
    series, waiting, cycles = _Series(step, n), _joined(narrow), list[tuple[np.ndarray, float]]()
    left = [part for part in opened if not may_be_one(*part)]
    while waiting:
        lo, hi = part = max(waiting, key=lambda part: part[1] - part[0])
        zero = series.zero(lo, hi) if may_be_one(lo, hi) else None
        if zero is None:
            waiting.remove(part)
            left.append(part)
            continue
        x, room = float(zero[0]), WIDER * zero[1]
        same = [part for part in waiting if x - room <= part[0] and part[1] <= x + room]
        waiting = [part for part in waiting if part not in same]
        lo, hi = min(part[0] for part in same), max(part[1] for part in same)
        left.append((lo, hi))
        apart = ~((points >= lo - zero[1]) & (points <= hi + zero[1])).any(axis=1)
        points, mu, cycle = points[apart], mu[apart], series.cycle(*zero)
        if cycle is not None and not any(same_cycle(cycle[0], other, zero[1]) for other, _ in cycles):
            cycles.append(cycle)
    new, slopes = np.array([cycle for cycle, _ in cycles]).reshape(-1, n), np.array([slope for _, slope in cycles])
    return np.concatenate([points, new]), np.concatenate([mu, slopes]), left


def may_be_one(lo: float, hi: float) -> bool:
    """True if an interval is narrow enough for one zero."""
    return hi - lo <= WIDEST * max(1.0, abs(lo))


def _joined(opened: list[Interval]) -> list[Interval]:
    """Intervals nearer to each other than they are wide, as one."""
    joined: list[Interval] = []
    for lo, hi in sorted(opened):
        if joined and lo - joined[-1][1] <= hi - lo + joined[-1][1] - joined[-1][0]:
            joined[-1] = joined[-1][0], max(hi, joined[-1][1])
        else:
            joined.append((lo, hi))
    return joined


class _Series:
    """The Taylor series of fⁿ(x) − x with many digits, and its multiple zeros."""

    def __init__(self, step: Map, n: int):
        self.step, self.n, self.precise = step, n, step.precise(DIGITS)

    def at(self, x: Any, order: int) -> list:
        """c_0, …, c_order."""
        zero = self.precise.number(0)
        series = [x, zero + 1, *[zero] * (order - 1)]
        for _ in range(self.n):
            series = self.precise.evaluate(f"taylor:{order}", series)
        return [series[0] - x, series[1] - 1, *series[2:]]

    def zero(self, lo: float, hi: float) -> tuple[Any, float] | None:
        """The multiple zero of an interval and ρ, or nothing; the least multiplicity that passes all tests."""
        error = self.error(lo, hi)
        for m in range(2, HIGHEST + 1):
            x = self.root(m, lo, hi)
            if x is None:
                continue
            c = [abs(float(value)) for value in self.at(x, m + 2)]
            if not (np.isfinite(c).all() and c[m] > 0.0 and error < np.inf):
                continue
            rho = (error / c[m]) ** (1 / m)
            parts = np.array(c) * rho ** np.arange(m + 3)
            small = (parts[:m] <= error).all() and parts[m + 1 :].sum() <= error / 2
            if small and max(hi - lo, abs(float(x) - lo), abs(float(x) - hi)) <= WIDER * rho:
                return x, rho
        return None

    def root(self, m: int, lo: float, hi: float) -> Any:
        """The zero of the derivative of order m − 1 near an interval by Newton's method, or nothing."""
        x, room = (self.precise.number(lo) + hi) / 2, 2 * (hi - lo)
        start = x
        for _ in range(TURNS):
            *_, value, slope = self.at(x, m)
            if not slope or not abs(move := value / (m * slope)) <= room:
                return None
            x -= move
            if abs(x - start) > room:
                return None
            if abs(move) <= LAST * (abs(x) + room):
                return x
        return None

    def error(self, lo: float, hi: float) -> float:
        """Of fⁿ(x) − x in an interval, as doubles give it."""
        x, error = np.array([[hi if abs(hi) > abs(lo) else lo]]), 0.0
        for _ in range(self.n):
            slope, before = abs(jacobians(self.step, x)[0, 0, 0]), abs(x[0, 0])
            x = images(self.step, x)
            error = slope * (error + UNIT * before) + UNIT * abs(x[0, 0])
        return float(error)

    def cycle(self, x: Any, rho: float) -> tuple[np.ndarray, float] | None:
        """The points (n, 1) from the smallest on and the multiplier; nothing if a part of n is their period."""
        mu, orbit = self.at(x, 1)[1] + 1, [x]
        for k in range(1, self.n):
            orbit.append(self.precise([orbit[-1]])[0])
            if self.n % k == 0 and abs(orbit[-1] - x) <= rho:
                return None
        points = np.array([[0.0 if abs(value) <= NOTHING * rho else float(value)] for value in orbit])
        return from_smallest(points), float(mu)
