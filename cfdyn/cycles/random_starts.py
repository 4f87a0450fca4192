"""Cycles of maps of many variables, or of maps without bounds: a search from many starts, never a complete one."""

import math
from itertools import permutations, product

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.spatial import KDTree

from cfdyn.cycles._kernels.stabilised import converge
from cfdyn.cycles.boxes import FLAT, closes, of_period, without_blurred
from cfdyn.cycles.result import Say, SearchResult, silent
from cfdyn.cycles.same import SHORTER, distinct, from_smallest
from cfdyn.cycles.shooting import polish
from cfdyn.cycles.symmetry import Symmetries
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.systems.map import Map

STEPS, CHEAP = 60_000_000, 30  # of the map with its Jacobian, for a whole search where they are so few operations
STARTS, ITERATIONS = 400, 60  # of a round
SOLVED = 10  # steps of Newton's method on all points, as they are counted
STRENGTHS = (0.0, 1.0, 10.0)
SMALL, PATIENCE = (0.1, 0.03, 0.01, 0.003), 30  # λ, and iterations: so many times 1/λ
MOST_MATRICES, FEW_STARTS = 384, 4  # matrices C of a round, and starts for each of them at least
LIGHT = 4  # times as many steps of the map alone
QUIET, FOR_EACH = 3, 8  # rounds without anything new after which the search ends, or one for so many cycles that are met
MOST_AT_ONCE = 100  # points whose cycles are solved for, of one method in a round
ORBITS, LONG, CLOSE = 32, 200, 0.3  # orbits of a round, their periods, and returns that are tried, in sizes of an orbit
MOST_RETURNS = 400  # of a round
MOST_FLAT = 20  # so many cycles with a multiplier of 1 are a continuum
MOST_BYTES = 2**30
CONVERGED = 1e-10  # of the size of a point: a step so short is the last one
KNOWN = 1e-8  # of the box: a point so near to a known cycle is on it
FAR, MOST_AWAY = 1e6, 400  # times the box: an orbit has escaped; steps after which an orbit is looked at, at most
BYTES = 1500  # for each unknown of Newton's method on all points


def by_random_starts(
    step: Map, period: int, region: np.ndarray, seed: int, budget: int | None, group: Symmetries, implicit: bool = True,
    say: Say = silent, after: bool = False,
) -> SearchResult:  # fmt: skip
    """Newton's method on all n points from close returns of orbits; it and its stabilised relatives on fⁿ from random points.

    A point of a cycle attracts Newton's method on fⁿ from as near as one over its multiplier, on all n points from far wider.
    Not ``implicit``: x ← x + λ C (fⁿ(x) − x) in place of these, with small λ and all matrices C of signs and exchanges.

    Schmelcher & Diakonos (1997), Phys. Rev. Lett. 78, 4733; Davidchack & Lai (1999), Phys. Rev. E 60, 6172, eq. (6).
    """
    size = period * step.dim
    if size * BYTES > MOST_BYTES:
        longest = MOST_BYTES // (BYTES * step.dim)
        raise UsageError(f"a cycle of period {period} has {size} unknowns, for which Newton's method would need about "
                         f"{size * BYTES / 2**30:.1f} GiB: ask for a period of at most {longest}")  # fmt: skip
    search = _Search(step, period, region, seed, group, implicit)
    most = STEPS // max(1, step.tangent_cost // CHEAP) * (1 if implicit else LIGHT)
    # After chains of boxes the budget is of their links: a larger one takes nothing from this search.
    search.run(most if budget is None else max(budget, most) if after else budget, say)
    points, mu = without_blurred(search.points, search.mu, search.extent)
    starts = f"{search.starts} starts" + ("" if implicit else f" with each of {_matrix_count(step.dim)} matrices")
    reason = f"a search from {starts} (seed {seed}), the last {search.quiet} of them without success: there may be more"
    if search.continuum:
        single = np.abs(mu - 1).min(axis=1) >= FLAT
        points, mu, flat = points[single], mu[single], (np.abs(search.mu - 1).min(axis=1) < FLAT).sum()
        reason = f"a continuum of cycles: {flat} starts converged to as many points with a multiplier of 1"
    points = np.array([from_smallest(cycle, search.extent) for cycle in points]).reshape(points.shape)
    also = group.sentence(step.names, "images were added")
    method = "davidchack-lai" if implicit else "schmelcher-diakonos"
    reason = "; ".join(filter(None, (reason, also)))
    return SearchResult(points, mu, False, method, reason, region[None], {"starts": search.starts})


class _Search:
    """Rounds of starts, until several in turn show nothing new or the steps are used up."""

    def __init__(self, step: Map, period: int, region: np.ndarray, seed: int, group: Symmetries, implicit: bool):
        d = step.dim
        self.step, self.period, self.region, self.rng = step, period, region, np.random.default_rng(seed)
        self.group, self.implicit = group, implicit
        self.round = STARTS if implicit else max(STARTS // _matrix_count(d), FEW_STARTS)
        self.points, self.mu = np.empty((0, period, d)), np.empty((0, d))
        self.starts = self.quiet = self.used = 0
        self.continuum = False
        self.extent = float(np.ptp(region, axis=1).max())
        self.escape = FAR * max(float(np.abs(region).max()), self.extent)
        self.rules = [step.rule(what).compiled for what in ("step", "jacobian")]

    def run(self, most: int, say: Say) -> None:
        """Half of each round starts anywhere in the box, half on orbits that have settled."""
        barren = rounds = 0
        while barren < max(QUIET, len(self.points) // FOR_EACH) and not self.continuum and (self.used < most or rounds == 0):
            known, rounds = len(self.points), rounds + 1
            anywhere = self.rng.uniform(self.region[:, 0], self.region[:, 1], (self.round, self.step.dim))
            starts = np.concatenate([anywhere[: self.round // 2], self._settled(anywhere[self.round // 2 :])])
            for matrix, strength in self._matrices():
                say(self._words())
                self._take(self._ends(starts, matrix, strength))
                if self.used >= most or self.continuum:
                    break
            self.starts += len(starts)
            if self.implicit and not self.continuum:
                self._add(self._returns())
            barren, self.quiet = (barren + 1, self.quiet + len(starts)) if len(self.points) == known else (0, 0)
            say(self._words())

    def _words(self) -> str:
        return f"{self.starts} starts, {len(self.points)} cycles met, nothing new from the last {self.quiet}"

    def _matrices(self) -> list[tuple[np.ndarray, float]]:
        """Matrices C of signs and exchanges with their strengths: a few after Newton's method, or all, with small steps λ."""
        unit, dim = np.eye(self.step.dim), self.step.dim
        if self.implicit:
            return [(unit, size) for size in STRENGTHS] + [(self._random_matrix(), size) for size in STRENGTHS[1:]]
        if _matrix_count(dim) == 2**dim * math.factorial(dim):
            all_signs = list(product((-1.0, 1.0), repeat=dim))
            every = [unit[list(order)] * signs for order in permutations(range(dim)) for signs in all_signs]
        else:
            every = [self._random_matrix() for _ in range(MOST_MATRICES)]
        return [(matrix, size) for size in SMALL for matrix in every]

    def _random_matrix(self) -> np.ndarray:
        d = self.step.dim
        return np.eye(d)[self.rng.permutation(d)] * self.rng.choice([-1.0, 1.0], d)

    def _settled(self, starts: np.ndarray) -> np.ndarray:
        """Points of the orbits a while later; those that stay finite."""
        later = []
        for start in starts:
            z = start.copy()
            ran, status = advance(self.rules[0], z, self.step.p, int(self.rng.integers(1, MOST_AWAY)), self.escape)
            self.used += ran
            if status == DONE:
                later.append(z)
        return np.array(later).reshape(-1, self.step.dim)

    def _ends(self, starts: np.ndarray, matrix: np.ndarray, strength: float) -> np.ndarray:
        """Where the iterations from the starts converge to, (k, D)."""
        d, iterations = self.step.dim, ITERATIONS if self.implicit else int(PATIENCE / strength)
        ends = np.empty((len(starts) + 1, d))
        count = converge(*self.rules, self.step.p, starts, matrix, strength, self.implicit, self.period, iterations, CONVERGED,
                       self.escape, np.empty((4, d * d)), np.empty((d, d)), np.empty(d, int), ends)  # fmt: skip
        part = 1.0 if self.implicit else self.step.cost / self.step.tangent_cost
        self.used += int(part * len(starts) * self.period * iterations / 3)
        return ends[:count]

    def _take(self, ends: np.ndarray) -> None:
        """Add the cycles through these points that are new."""
        orbits = []
        for end in self._unknown(_rounded_apart(ends))[:MOST_AT_ONCE]:
            orbit = self._orbit(end, self.period)
            if orbit is not None and not self._is_shorter(orbit):
                orbits.append(orbit)
        self._add(orbits)

    def _orbit(self, start: np.ndarray, length: int) -> np.ndarray | None:
        """So many states from there on; None if they escape."""
        orbit = np.empty((length, self.step.dim))
        orbit[0] = start
        ran, status = iterate(self.rules[0], self.step.p, self.escape, orbit)
        self.used += ran
        return orbit if status == DONE else None

    def _returns(self) -> list[np.ndarray]:
        """Stretches of a period (n, D) of orbits that nearly come back, more so than those just before and after."""
        n, returns = self.period, list[np.ndarray]()
        for start in self._settled(self.rng.uniform(self.region[:, 0], self.region[:, 1], (ORBITS, self.step.dim))):
            orbit = self._orbit(start, LONG * n)
            if orbit is None:
                continue
            gaps = np.abs(orbit[n:] - orbit[:-n]).max(axis=1)
            best = (gaps == minimum_filter1d(gaps, max(3, n | 1))) & (gaps <= CLOSE * np.ptp(orbit, axis=0).max())
            near = np.flatnonzero(best)[:: max(1, int(best.sum()) * ORBITS // MOST_RETURNS)]
            returns += [orbit[k : k + n] for k in near[self._is_new(orbit[near])]]
        return [orbit for orbit in returns if not self._is_shorter(orbit)]

    def _add(self, orbits: list[np.ndarray]) -> None:
        """Add the cycles near these orbits (n, D) that are new."""
        self.used += len(orbits) * self.period * SOLVED
        solved = [polish(self.step, orbit) for orbit in orbits]
        cycles = [cycle for cycle in solved if cycle is not None and closes(self.step, cycle)]
        points, mu = self.group.spread(*of_period(self.step, self.period, self.region, cycles))
        if len(points):
            together = np.concatenate([self.points, points]), np.concatenate([self.mu, mu])
            self.points, self.mu = distinct(*together, self.extent)
            self.continuum = int((np.abs(self.mu - 1).min(axis=1) < FLAT).sum()) > MOST_FLAT * len(self.group)

    def _is_shorter(self, orbit: np.ndarray) -> bool:
        """True if the first point is back before the end: a cheap test before Newton's method."""
        n = len(orbit)
        return any(n % q == 0 and np.abs(orbit[q] - orbit[0]).max() <= SHORTER * self.extent for q in range(1, n))

    def _unknown(self, points: np.ndarray) -> np.ndarray:
        """Those that are on no known cycle: single points, before their orbits are worth computing."""
        return points[self._is_new(points)]

    def _is_new(self, points: np.ndarray) -> np.ndarray:
        """True for each that is on no known cycle."""
        if not len(self.points) or not len(points):
            return np.ones(len(points), dtype=bool)
        distance, _ = KDTree(self.points.reshape(-1, self.step.dim)).query(points)
        return distance > KNOWN * self.extent


def _matrix_count(dim: int) -> int:
    return min(2**dim * math.factorial(dim), MOST_MATRICES)


def _rounded_apart(points: np.ndarray) -> np.ndarray:
    """One of those that agree to six digits: single points, before their orbits are worth computing."""
    if not len(points):
        return points
    _, first = np.unique(np.round(points / (1e-6 * (np.abs(points).max() or 1.0))), axis=0, return_index=True)
    return points[np.sort(first)]
