"""Attractors of the orbits of many starts: cycles by returns and distance, other attractors by visited cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cfdyn.cycles.angles import closed, opened_away
from cfdyn.cycles.same import from_smallest, least_period
from cfdyn.cycles.shooting import jacobians, multipliers, polish
from cfdyn.ensembles._kernels.periods import FLOOR
from cfdyn.ensembles.labels import CONTRACTS, NEUTRAL, RETURN, STAGES, stay
from cfdyn.ensembles.membership import INSIDE, LONG, OUTSIDE, Visited, drawn_in
from cfdyn.ensembles.orbits import Orbits
from cfdyn.kernels.orbits import DIVERGED, ESCAPED, UNSETTLED
from cfdyn.settling.orbit import orbit_of
from cfdyn.settling.regime import regime
from cfdyn.settling.settled import Settled
from cfdyn.systems.map import Map

CONTINUUM = "continuum of fixed points"
LATER, AFFORDABLE = (48, 192), 64  # stages of more transients, taken if they are at most so many transients of all orbits
TRIES = (3, 12, 3, 3)  # orbits that do not repeat which are followed by themselves, in a block and at each stage
HELD = 64  # points of known cycles to which orbits are held on their way
MOST = 256  # cycles that are looked at in a block
LOOKED = 64  # states of an orbit that are held against visited cells
AT_ONCE = 2**19  # numbers of such states
SHOWN, COMPARED = 512, 2048  # places on a continuum, and states of an attractor that is no cycle, that are kept
SLACK, NEAR = 10.0, 1e-9  # times a return, and of the size of a cycle: so near to it an orbit is on it
CONSERVED = 1e-10  # the logarithm of a determinant that is 1
DRIFT = 1e-4  # of its size: Newton's method must end so near to where the orbit was


@dataclass
class Found:
    """An attractor: ``points`` (n, D) of a cycle, or some states; ``reach``: the distance within which an orbit is on it, and
    ``drawn_in``, (n,), that within which an orbit certainly converges to it."""

    kind: str
    period: int | None
    points: np.ndarray
    multipliers: np.ndarray
    lyapunov: float
    reach: float = 0.0
    visited: Visited | None = None
    drawn_in: np.ndarray = field(default_factory=lambda: np.empty(0))


class Attractors:
    """The known attractors of a map with given parameters, ``known``, and ``repelling`` cycles beside them.

    Labels of orbits are places in ``known``, ESCAPED or UNSETTLED; they depend on the orbits and their order alone.
    """

    def __init__(self, step: Map, longest: int):
        self.step, self.longest = step, longest
        self.known: list[Found] = []
        self.repelling: list[Found] = []
        self.doubtful: set[int] = set()  # of overlapping cells
        # Whether an orbit rests by round-off alone, whether steps conserve volume, and whether one leads nowhere.
        self.rounded = self.conserves = self.leaves = False

    def label(self, orbits: Orbits, transient: int) -> np.ndarray:
        """The attractor of each orbit, (N,); advances the orbits."""
        labels = np.full(len(orbits.states), UNSETTLED)
        left, rest = np.arange(len(labels)), orbits
        for times, tries in zip(STAGES + LATER, TRIES, strict=True):
            if not len(left) or times in LATER and len(left) * times > AFFORDABLE * len(labels):
                break
            near = self._approach(rest, times * transient)
            labels[left] = near
            away = np.flatnonzero(near < 0)
            left, rest = left[away], rest.some(away)
            labels[left] = UNSETTLED
            periods = rest.periods(self.longest, RETURN)
            now = np.where((rest.ended > 0) & (rest.codes == DIVERGED), ESCAPED, UNSETTLED)
            self.leaves |= bool(((rest.ended > 0) & (rest.codes != DIVERGED)).any())
            repeats = np.flatnonzero(periods > 0)
            now[repeats] = self._repeating(rest, repeats, periods[repeats])
            others = np.flatnonzero((periods == 0) & (rest.ended == 0))
            now[others] = self._irregular(rest.some(others), tries)
            labels[left] = now
            open_ones = np.flatnonzero((now == UNSETTLED) & (rest.ended == 0))
            left, rest = left[open_ones], rest.some(open_ones)
        return labels

    def _approach(self, orbits: Orbits, steps: int) -> np.ndarray:
        """Take so many steps; the known cycle near whose points an orbit then ends, −1 if there is none, (N,)."""
        cycles = [k for k, one in enumerate(self.known) if one.reach > 0]
        places = np.repeat(cycles, [len(self.known[k].points) for k in cycles])
        if not 0 < len(places) <= HELD or self.step.periodic:
            orbits.advance(steps)
            return np.full(len(orbits.states), -1)
        reach = np.concatenate([np.maximum(self.known[k].reach, self.known[k].drawn_in) for k in cycles])
        near = orbits.approach(steps, np.concatenate([self.known[k].points for k in cycles]), reach)
        return np.append(places, -1)[near]

    def regime(self, state: np.ndarray) -> Settled:
        """The regime of one orbit, by individual examination."""
        return regime(self.step, state)

    # -- what repeats -------------------------------------------------------------------------------------------------

    def _repeating(self, orbits: Orbits, which: np.ndarray, periods: np.ndarray) -> np.ndarray:
        """The cycles on which those orbits are; UNSETTLED on one that does not attract."""
        states, labels = orbits.states[which], self._nearby(orbits.states[which], self.known)
        open_ones = np.flatnonzero(labels == UNSETTLED)
        open_ones = open_ones[self._nearby(states[open_ones], self.repelling) == UNSETTLED]
        for _ in range(MOST):
            if not len(open_ones):
                break
            first = open_ones[0]
            turn = orbit_of(self.step, states[first], int(periods[first]))
            cycle = None if turn is None else self._cycle(turn)
            if cycle is None and periods[first] == 1 and self._rest_on_continuum(orbits, which, periods, open_ones, labels):
                open_ones = open_ones[labels[open_ones] == UNSETTLED]
            elif cycle is not None and cycle.kind:
                labels[first] = self._place_of(cycle)
                open_ones = open_ones[1:]
                labels[open_ones] = self._nearby(states[open_ones], [self.known[labels[first]]], labels[first])
                open_ones = open_ones[labels[open_ones] == UNSETTLED]
            else:
                self.repelling += [cycle] if cycle is not None else []
                open_ones = open_ones[1:]
                open_ones = open_ones[self._nearby(states[open_ones], self.repelling[-1:]) == UNSETTLED]
        return labels

    def _nearby(self, states: np.ndarray, cycles: list[Found], first: int = 0) -> np.ndarray:
        """The first of some cycles of which each state (N, D) is a point, counted from ``first``; UNSETTLED if none is."""
        labels, open_ones = np.full(len(states), UNSETTLED), np.arange(len(states))
        for place, cycle in enumerate(cycles, first):
            if cycle.reach == 0.0:
                continue
            for point in cycle.points:
                if not len(open_ones):
                    return labels
                near = _apart(self.step, states[open_ones], point) <= cycle.reach
                labels[open_ones[near]] = place
                open_ones = open_ones[~near]
        return labels

    def _cycle(self, turn: np.ndarray) -> Found | None:
        """The cycle near a turn (n, D) of an orbit, polished, its ``kind`` empty if it repels; None if there is none."""
        step, points = opened_away(self.step, turn)
        size = max(float(np.abs(points).max()), 1e-290)
        exact = polish(step, points, extent=size)
        if exact is None or not np.abs(exact - points).max() <= DRIFT * size:
            return None
        exact = np.where(np.abs(exact) <= FLOOR, 0.0, exact)
        exact = exact[: least_period(exact, extent=size, weights=step.n_weights if step.has_loss else 0)]
        values = multipliers(step, exact)
        radius = float(np.abs(values).max())
        if CONTRACTS <= radius <= NEUTRAL or np.isnan(radius):
            return None
        reach = size * max(NEAR, SLACK * RETURN / max(1 - radius, 1 - CONTRACTS))
        with np.errstate(divide="ignore"):
            exponent = float(np.log(radius)) / len(exact)
        kind = "" if radius > 1 else "fixed point" if len(exact) == 1 else "cycle"
        return Found(kind, len(exact), from_smallest(closed(self.step, exact), size), values.astype(complex), exponent, reach)

    def _place_of(self, cycle: Found) -> int:
        """Its index among the known ones; it is added if it is new."""
        for place, one in enumerate(self.known):
            if one.period == cycle.period and one.reach > 0 and _apart(self.step, one.points, cycle.points[0]).min() <= one.reach:
                return place
        cycle.drawn_in = self._drawn_in(cycle)
        self.known.append(cycle)
        return len(self.known) - 1

    def _drawn_in(self, cycle: Found) -> np.ndarray:
        return drawn_in(self.step, cycle.points)

    def _rest_on_continuum(
        self, orbits: Orbits, which: np.ndarray, periods: np.ndarray, open_ones: np.ndarray, labels: np.ndarray
    ) -> bool:  # fmt: skip
        """Label the orbits that rest on a continuum, as one of minima; False if the first one does not."""
        at_rest = open_ones[periods[open_ones] == 1]
        some = orbits.some(which[at_rest])
        radii = some.radii(np.ones(len(at_rest), np.int64))
        neutral = (radii >= CONTRACTS) & (radii <= NEUTRAL)
        neutral[neutral] = stay(some.some(np.flatnonzero(neutral)), np.ones(neutral.sum(), np.int64))
        if not neutral[0]:
            return False
        place = next((k for k, one in enumerate(self.known) if one.kind == CONTINUUM), len(self.known))
        if place == len(self.known):
            states = some.states[neutral]
            shown = closed(self.step, states[np.linspace(0, len(states) - 1, min(SHOWN, len(states))).astype(int)])
            self.known.append(Found(CONTINUUM, 1, shown, np.empty(0, complex), 0.0))
        labels[at_rest[neutral]] = place
        return True

    # -- what does not ------------------------------------------------------------------------------------------------

    def _irregular(self, orbits: Orbits, tries: int) -> np.ndarray:
        """The attractors in whose cells orbits stay; new ones from a few orbits that are examined individually."""
        labels = np.full(len(orbits.states), UNSETTLED)
        if not len(labels):
            return labels
        self._in_cells(orbits, labels, range(len(self.known)))
        tried = np.zeros(len(labels), bool)
        for _ in range(tries):
            open_ones = np.flatnonzero((labels == UNSETTLED) & ~tried)
            if not len(open_ones) or self.conserves:
                break
            first = open_ones[0]
            tried[first] = True
            place = self._followed(orbits.states[first])
            labels[first] = place
            if place >= 0:
                self._in_cells(orbits, labels, [place])
        return labels

    def _followed(self, state: np.ndarray) -> int:
        """The attractor of one orbit, by individual examination; ESCAPED or UNSETTLED if it has none."""
        end = self.regime(state)
        if end.inject:
            self.rounded = True
            return UNSETTLED
        if end.kind == "divergent":
            return ESCAPED
        if end.period:
            cycle = self._cycle(end.points)
            return UNSETTLED if cycle is None or not cycle.kind else self._place_of(cycle)
        orbit = orbit_of(self.step, state, 2 * LONG) if end.kind in ("chaotic", "quasi-periodic") else None
        if orbit is None or self._conserves(orbit[:LOOKED]):
            return UNSETTLED
        return self._place_of_set(end.kind, end.lyapunov, orbit)

    def _place_of_set(self, kind: str, exponent: float, orbit: np.ndarray) -> int:
        """The index of the attractor of a long orbit among the known ones; it is added if it is new."""
        visited, place, shown = Visited(orbit), len(self.known), orbit[len(orbit) // 2 :: LONG // COMPARED]
        for k, one in enumerate(self.known):
            if one.visited is not None:
                there, back = one.visited.part(shown[None])[0], visited.part(one.points[None])[0]
                if min(there, back) >= INSIDE:
                    return k
                if max(there, back) > OUTSIDE:
                    self.doubtful |= {k, place}
        self.known.append(Found(kind, None, shown.copy(), np.empty(0, complex), exponent, visited=visited))
        return place

    def _conserves(self, orbit: np.ndarray) -> bool:
        """True if the steps of an orbit (n, D) preserve volume: then nothing attracts, and orbits near chaos fill its cells."""
        with np.errstate(divide="ignore"):
            changes = np.log(np.abs(np.linalg.det(jacobians(self.step, orbit))))
        self.conserves = bool(np.abs(changes).max() <= CONSERVED)
        return self.conserves

    def _in_cells(self, orbits: Orbits, labels: np.ndarray, places: range | list[int]) -> None:
        """Label the undecided orbits that stay in the cells of one of some attractors, or that settle on a cycle."""
        open_ones = np.flatnonzero(labels == UNSETTLED)
        labels[open_ones] = self._nearby(orbits.states[open_ones], self.known)
        open_ones = np.flatnonzero(labels == UNSETTLED)
        irregular = [place for place in places if self.known[place].visited is not None]
        at_once = max(1, AT_ONCE // (LOOKED * self.step.dim))
        for begin in range(0, len(open_ones) if irregular else 0, at_once):
            some = open_ones[begin : begin + at_once]
            states = np.stack([orbits.some(some).keep(LOOKED, entry) for entry in range(self.step.dim)], axis=2)
            for place in irregular:
                visited = self.known[place].visited
                if visited is not None:
                    labels[some[visited.part(states) >= INSIDE]] = place


def _apart(step: Map, states: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The largest difference of an entry of states (N, D) from a point (D,), (N,); angles modulo their periods."""
    farthest = np.zeros(len(states))
    for k, name in enumerate(step.names):
        gap = np.abs(states[:, k] - point[k])
        if name in step.periodic:
            gap = np.minimum(gap, np.abs(step.periodic[name] - gap))
        np.maximum(farthest, gap, out=farthest)
    return farthest


def on_cycle(step: Map, cycle: Found, period: int | None, points: np.ndarray) -> bool:
    """True if that is the cycle (n, D) with that period, or a fixed point on the continuum."""
    if period != cycle.period or not len(points):
        return False
    return cycle.kind == CONTINUUM or bool(_apart(step, cycle.points, points[0]).min() <= cycle.reach)
